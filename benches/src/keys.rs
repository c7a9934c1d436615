//! In which order keys are asked for.

/// How often which key is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// Each equally often.
    Uniform,
    /// Zipf with exponent 0.99: few keys very often, most hardly ever. Which ones these are is drawn by lot.
    Zipf,
}

impl Distribution {
    /// How it is called in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipf => "zipf",
        }
    }

    /// A sequence of `length` keys below `keys`; the same one each time.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "numbers of keys, far below 2^52"
    )]
    pub fn sequence(self, keys: usize, length: usize) -> Vec<u32> {
        let mut random = fastrand::Rng::with_seed(0x5eed);
        let mut names: Vec<u32> = (0..keys as u32).collect();
        random.shuffle(&mut names);
        let mut sum = 0.0;
        let cumulated: Vec<f64> = (1..=keys)
            .map(|rank| {
                sum += match self {
                    Self::Uniform => 1.0,
                    Self::Zipf => (rank as f64).powf(-0.99),
                };
                sum
            })
            .collect();
        (0..length)
            .map(|_| {
                let draw = random.f64() * sum;
                let rank = cumulated.partition_point(|upto| *upto <= draw).min(keys - 1);
                names.get(rank).copied().unwrap_or_default()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_zipf_the_most_frequent_key_takes_its_share() {
        let sequence = Distribution::Zipf.sequence(10_000, 100_000);
        let mut counts = vec![0_usize; 10_000];
        for key in sequence {
            counts[key as usize] += 1;
        }
        // 1 / sum of 1/k^0.99 over 10 000 keys: a tenth of all.
        let most = *counts.iter().max().unwrap();
        assert!((9_000..12_000).contains(&most), "{most} of 100 000");
    }

    #[test]
    fn a_sequence_is_the_same_each_time() {
        assert_eq!(Distribution::Uniform.sequence(100, 50), Distribution::Uniform.sequence(100, 50));
    }
}
