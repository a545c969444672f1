//! The one source of chance.

use std::time::Duration;

use rand_core::{RngCore, SeedableRng};
use rand_pcg::Pcg32;

/// A seeded generator. Its stream is the same on every machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random(Pcg32);

impl Random {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Random {
        Random(Pcg32::seed_from_u64(seed))
    }

    /// Any number.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        // Multiply-shift: the bias is below 2^-32 per value for the small bounds used here.
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// `base` lengthened by up to `percent` of it.
    pub fn jitter(&mut self, base: Duration, percent: u32) -> Duration {
        let micros = u64::try_from(base.as_micros()).unwrap_or(u64::MAX / 200);
        let most = u32::try_from(micros.saturating_mul(u64::from(percent)) / 100).unwrap_or(u32::MAX);
        base + Duration::from_micros(u64::from(self.below(most.saturating_add(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_follows_from_the_seed() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..4).map(|_| random.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let mut random = Random::new(1);
        assert!((0..1000).all(|_| random.below(3) < 3));
        assert_eq!(random.below(0), 0);
        let long = random.jitter(Duration::from_secs(10), 50);
        assert!((Duration::from_secs(10)..=Duration::from_secs(15)).contains(&long));
    }
}
