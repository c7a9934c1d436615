//! What an invalidation achieved, layer by layer.

use std::{error::Error, fmt, sync::Arc};

use crate::{
    error::{LayerError, LayerKind},
    layers::Removal,
};

/// How far one layer got with forgetting.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Forgotten {
    /// The layer has forgotten.
    Done,
    /// The layer cannot be reached now. It will be told before anything that was forgotten is read from it again.
    Queued,
    /// The layer could not forget, and it is not certain that it will.
    Failed(Arc<LayerError>),
    /// The function does not use the layer, or it is not configured.
    NotInUse,
}

impl Forgotten {
    fn or_worse(self, other: Self) -> Self {
        if other.badness() > self.badness() { other } else { self }
    }

    const fn badness(&self) -> u8 {
        match self {
            Self::NotInUse => 0,
            Self::Done => 1,
            Self::Queued => 2,
            Self::Failed(_) => 3,
        }
    }
}

/// What an invalidation achieved in each layer. It never fails as a whole: what a layer could not do is told here.
///
/// ```
/// # use hybrid_cache::{cached, Forgotten, LayerKind};
/// #[cached(layers = "mem")]
/// async fn square(n: u64) -> u64 { n * n }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// square::invalidate(3).await;                              // most callers need no more than this
///
/// let forgotten = square::invalidate(3).await;
/// assert!(matches!(forgotten.in_layer(LayerKind::Memory), Forgotten::Done));
/// forgotten.strict().expect("every layer in use has forgotten");
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct Invalidated {
    memory: Forgotten,
    redis: Forgotten,
    disk: Forgotten,
}

impl Invalidated {
    pub(crate) const fn nowhere() -> Self {
        Self { memory: Forgotten::NotInUse, redis: Forgotten::NotInUse, disk: Forgotten::NotInUse }
    }

    pub(crate) fn set(&mut self, layer: LayerKind, result: Result<Removal, LayerError>) {
        let forgotten = match result {
            Ok(Removal::Done) => Forgotten::Done,
            Ok(Removal::Queued) => Forgotten::Queued,
            Err(error) => Forgotten::Failed(Arc::new(error)),
        };
        match layer {
            LayerKind::Memory => self.memory = forgotten,
            LayerKind::Redis => self.redis = forgotten,
            LayerKind::Disk => self.disk = forgotten,
        }
    }

    /// What two invalidations achieved together: in each layer the worse of the two.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            memory: self.memory.or_worse(other.memory),
            redis: self.redis.or_worse(other.redis),
            disk: self.disk.or_worse(other.disk),
        }
    }

    /// How far `layer` got.
    #[must_use]
    pub const fn in_layer(&self, layer: LayerKind) -> &Forgotten {
        match layer {
            LayerKind::Memory => &self.memory,
            LayerKind::Redis => &self.redis,
            LayerKind::Disk => &self.disk,
        }
    }

    /// Whether every layer in use has forgotten by now.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.not_done().is_none()
    }

    /// Whether a layer could not forget, and may never do so.
    pub(crate) fn has_failed(&self) -> bool {
        [&self.memory, &self.redis, &self.disk].into_iter().any(|layer| matches!(layer, Forgotten::Failed(_)))
    }

    /// Insists that every layer in use has forgotten.
    ///
    /// # Errors
    ///
    /// [`NotForgotten`], naming the first layer that has not: it could not, or it has yet to be told.
    pub fn strict(self) -> Result<Self, NotForgotten> {
        match self.not_done() {
            None => Ok(self),
            Some((layer, Forgotten::Failed(error))) => {
                Err(NotForgotten { layer, source: Some(Arc::clone(error)) })
            }
            Some((layer, _)) => Err(NotForgotten { layer, source: None }),
        }
    }

    fn not_done(&self) -> Option<(LayerKind, &Forgotten)> {
        [LayerKind::Memory, LayerKind::Redis, LayerKind::Disk]
            .into_iter()
            .map(|layer| (layer, self.in_layer(layer)))
            .find(|(_, forgotten)| matches!(forgotten, Forgotten::Queued | Forgotten::Failed(_)))
    }
}

/// A layer has not forgotten what it was asked to, though [`Invalidated::strict`] insisted.
#[derive(Debug, Clone)]
pub struct NotForgotten {
    layer: LayerKind,
    source: Option<Arc<LayerError>>,
}

impl NotForgotten {
    /// The layer that has not forgotten.
    #[must_use]
    pub const fn layer(&self) -> LayerKind {
        self.layer
    }
}

impl fmt::Display for NotForgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Some(_) => write!(f, "the answer may still be in {}", self.layer),
            None => write!(f, "{} cannot be reached and will be told to forget when it can", self.layer),
        }
    }
}

impl Error for NotForgotten {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|error| &**error as &(dyn Error + 'static))
    }
}
