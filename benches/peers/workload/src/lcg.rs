/// A 64-bit linear congruential generator with Knuth's MMIX constants.
#[derive(Clone, Debug)]
pub struct Lcg(u64);

impl Lcg {
    /// A stream of its own for each pair of seed and `stream`.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut lcg = Self(seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // The first draws of neighbouring seeds are close to each other.
        for _ in 0..4 {
            lcg.next_u32();
        }
        lcg
    }

    /// The upper half of the next state; the lower bits of such a generator have short periods.
    pub fn next_u32(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high - low) + 1;
        low + ((u64::from(self.next_u32()) * span) >> 32) as u32
    }
}
