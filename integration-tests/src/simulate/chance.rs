//! Chance from a seed: the same numbers on every computer and with every version.

/// SplitMix64 (Steele, Lea and Flood, 2014): one addition and a few shifts, and the same
/// for ever, which a library does not promise.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

/// One step of the mixing alone.
pub(super) fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(mixed(seed.wrapping_add(0x5eed)))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number below `limit`; 0 where that is 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % (limit.max(1) as u64)) as usize
    }

    /// A number within `[from, to)`.
    pub(super) fn within(&mut self, from: i64, to: i64) -> i64 {
        let width = (to - from).max(1).unsigned_abs();
        from + (self.next() % width).cast_signed()
    }

    /// True so many times in ten thousand.
    pub(super) fn of_10k(&mut self, times: u32) -> bool {
        self.next() % 10_000 < u64::from(times)
    }

    /// 32 bytes.
    pub(super) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.next().to_le_bytes());
        }
        bytes
    }
}
