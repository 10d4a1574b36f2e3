//! Chance that is the same for the same thing: of each thing by itself, so that a hospital
//! of fewer machines has the first of a larger one's.

/// A number that follows from a seed, a word and a number; SplitMix64's last mixing.
pub(super) fn of(seed: u64, word: &str, number: usize) -> usize {
    let text = word
        .bytes()
        .fold(seed ^ 0x9e37_79b9_7f4a_7c15, |hash, byte| {
            mixed(hash ^ u64::from(byte))
        });
    // Half of it is enough, and fits everywhere.
    (mixed(text ^ number as u64) >> 33) as usize
}

fn mixed(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
