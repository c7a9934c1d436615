//! What was measured of one candidate, round by round, and what it comes to.

/// One figure for each round, in the order of the rounds.
#[derive(Debug, Clone, Default)]
pub struct Figures(Vec<f64>);

impl Figures {
    /// The figures of these rounds.
    #[must_use]
    pub const fn new(rounds: Vec<f64>) -> Self {
        Self(rounds)
    }

    /// One figure for each round.
    #[must_use]
    pub fn rounds(&self) -> &[f64] {
        &self.0
    }

    /// What several figures of the same rounds are on average, round by round; nothing of none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a number of tables")]
    pub fn mean(of: &[&Self]) -> Self {
        let rounds = of.iter().map(|figures| figures.0.len()).min().unwrap_or_default();
        let sum = |round: usize| of.iter().filter_map(|figures| figures.0.get(round)).sum::<f64>();
        (0..rounds).map(|round| sum(round) / of.len() as f64).collect()
    }

    /// The figure in the middle; not a number where nothing was measured.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Below which a part of the figures lies, the nearest figure that there is.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a list of figures"
    )]
    pub fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = (part * sorted.len().saturating_sub(1) as f64).round() as usize;
        sorted.get(at).copied().unwrap_or(f64::NAN)
    }

    /// How many times as large as those of `reference` these are: the median of what each round says, as two figures of one
    /// round were measured under the same conditions.
    #[must_use]
    pub fn ratio_to(&self, reference: &Self) -> f64 {
        let ratios = self.0.iter().zip(&reference.0).map(|(ours, theirs)| ours / theirs).collect();
        Self(ratios).median()
    }
}

impl FromIterator<f64> for Figures {
    fn from_iter<I: IntoIterator<Item = f64>>(rounds: I) -> Self {
        Self(rounds.into_iter().collect())
    }
}

/// Measures the candidates in turn, `rounds` times. Each round begins with another candidate, so that none always follows
/// the same one.
pub fn interleaved<C>(
    rounds: usize,
    candidates: &mut [C],
    mut measure: impl FnMut(&mut C) -> f64,
) -> Vec<Figures> {
    let count = candidates.len();
    let mut figures = vec![Figures::default(); count];
    for round in 0..rounds {
        for turn in 0..count {
            let at = (round + turn) % count;
            if let (Some(candidate), Some(Figures(figures))) = (candidates.get_mut(at), figures.get_mut(at)) {
                figures.push(measure(candidate));
            }
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_compares_figures_of_the_same_round() {
        let (ours, theirs) = (Figures::new(vec![10.0, 40.0, 10.0]), Figures::new(vec![20.0, 80.0, 20.0]));
        assert!((ours.ratio_to(&theirs) - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn a_mean_is_that_of_each_round() {
        let (low, high) = (Figures::new(vec![1.0, 2.0]), Figures::new(vec![3.0, 6.0]));
        assert_eq!(Figures::mean(&[&low, &high]).rounds(), [2.0, 4.0]);
        assert!(Figures::mean(&[]).median().is_nan());
    }

    #[test]
    fn every_candidate_is_measured_once_a_round() {
        let mut order = Vec::new();
        let figures = interleaved(3, &mut [0, 1, 2], |candidate| {
            order.push(*candidate);
            1.0
        });
        assert_eq!(order, [0, 1, 2, 1, 2, 0, 2, 0, 1]);
        assert!(figures.iter().all(|figures| figures.rounds().len() == 3));
    }
}
