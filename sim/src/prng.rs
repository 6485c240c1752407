//! The simulator's own random number generator: xoshiro256++ seeded through SplitMix64.
//!
//! A seed must replay for as long as its scenario file lives, so nothing here may depend on a crate whose output can
//! change with an update. Both algorithms are Blackman and Vigna's, published with reference code and in the public
//! domain; the range reduction is Lemire's multiply-and-shift with rejection. A golden test pins the stream.

/// A reproducible stream of random numbers.
#[derive(Clone, Debug)]
pub struct Prng([u64; 4]);

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Prng {
    /// The stream of `seed` that belongs to `salt`. Streams of one seed with different salts are unrelated, so that
    /// drawing more from one never changes another.
    pub fn new(seed: u64, salt: &str) -> Self {
        let mut state = seed ^ xxhash_rust::xxh3::xxh3_64(salt.as_bytes());
        Prng(std::array::from_fn(|_| split_mix(&mut state)))
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number below `bound`, all equally likely; 0 when `bound` is 0.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        let mut product = u128::from(self.next_u64()) * u128::from(bound);
        if (product as u64) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(bound);
            }
        }
        (product >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        match high.saturating_sub(low).checked_add(1) {
            Some(span) => low + self.below(span),
            None => self.next_u64(),
        }
    }

    /// A digest of the stream's position: equal positions of one stream give equal digests.
    pub(crate) fn position(&self) -> u64 {
        self.0.iter().fold(0, |digest, word| digest.rotate_left(17) ^ word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference implementation's output for this state.
    #[test]
    fn it_is_xoshiro256_plus_plus() {
        let mut prng = Prng([1, 2, 3, 4]);
        let first: Vec<u64> = (0..4).map(|_| prng.next_u64()).collect();
        assert_eq!(first, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    /// Changing this table makes every pinned seed in the world mean something else.
    #[test]
    fn the_stream_is_pinned() {
        let mut prng = Prng::new(1, "schedule");
        let first: Vec<u64> = (0..4).map(|_| prng.next_u64()).collect();
        assert_eq!(
            first,
            [
                10_255_602_203_063_478_783,
                6_186_951_081_839_965_130,
                9_674_193_258_058_671_645,
                12_402_890_804_769_958_917
            ]
        );
        let dice: Vec<u64> = (0..12).map(|_| 1 + prng.below(6)).collect();
        assert_eq!(dice, [1, 6, 5, 2, 3, 4, 3, 1, 4, 4, 3, 1]);
    }

    #[test]
    fn every_number_below_the_bound_comes_up_evenly() {
        let mut prng = Prng::new(7, "network");
        let mut seen = [0_u32; 10];
        for _ in 0..100_000 {
            seen[prng.below(10) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| (9_600..10_400).contains(&n)), "{seen:?}");
        assert_eq!(prng.below(0), 0);
        assert_eq!(prng.between(5, 5), 5);
    }
}
