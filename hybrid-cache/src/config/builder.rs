//! Settings from code.

/// Settings from code; they outrank the global environment variables. Start with [`builder()`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `install()`"]
pub struct Builder {}

/// Starts a [`Builder`].
pub fn builder() -> Builder {
    Builder::default()
}
