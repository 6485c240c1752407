//! A digest of what a message says, for the trace of a simulated run.

use xxhash_rust::xxh3::xxh3_64;

/// Mixes numbers and bytes into 64 bits. Not cryptographic: it tells runs apart, not forgers.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

impl Digest {
    /// Starts with the name of what is digested.
    #[inline]
    pub fn of(kind: &'static str) -> Self {
        Digest(kind.len() as u64 ^ 0x9E37_79B9_7F4A_7C15).bytes(kind.as_bytes())
    }

    /// Mixes in a number.
    #[inline]
    pub fn number(self, n: u64) -> Self {
        let product = u128::from(self.0 ^ n).wrapping_mul(0xA076_1D64_78BD_642F_E703_7ED1_A0B4_28DB);
        Digest((product as u64) ^ ((product >> 64) as u64) ^ self.0.rotate_left(29))
    }

    /// Mixes in bytes and their length.
    #[inline]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        self.number(xxh3_64(bytes)).number(bytes.len() as u64)
    }

    /// The digest.
    #[inline]
    pub fn finish(self) -> u64 {
        self.0
    }
}
