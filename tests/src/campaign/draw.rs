//! Numbers drawn from a seed: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
//!
//! Our own fifteen lines, because a seed in a closing note has to give the same run in years to come, which no
//! crate promises over its versions.

use std::time::Duration;

/// A stream of numbers that its seed alone decides.
#[derive(Clone, Debug)]
pub(super) struct Draw(u64);

impl Draw {
    /// The stream of this seed.
    #[must_use]
    pub(super) const fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, of all 64 bits.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is above 0. The bias of the remainder is far below what a campaign could show.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in so many times.
    pub(super) const fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A time of whole milliseconds, `from` and `to` included.
    pub(super) const fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from + 1))
    }

    /// One of them.
    ///
    /// # Panics
    /// When there are none.
    pub(super) fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_numbers_of_the_published_generator() {
        let mut draw = Draw::from_seed(1_234_567);
        // From the reference implementation (prng.di.unimi.it/splitmix64.c).
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([draw.next(), draw.next(), draw.next()], expected);
    }

    #[test]
    fn a_drawn_time_stays_within_its_ends() {
        let mut draw = Draw::from_seed(7);
        let times: Vec<Duration> = (0..1000).map(|_| draw.millis(3, 5)).collect();
        assert!(times.iter().all(|time| (3..=5).contains(&time.as_millis())));
        assert!((3..=5).all(|ms| times.contains(&Duration::from_millis(ms))));
    }
}
