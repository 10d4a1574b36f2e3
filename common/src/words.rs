//! Numbers in sentences.

use std::fmt::Display;

/// How many, with the word for one or for several: `1 machine`, `2 machines`, `0 machines`.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, several: &str) -> String {
    let word = match count == N::from(1) {
        true => one,
        false => several,
    };
    format!("{count} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_all_else_is_several() {
        assert_eq!(counted(1_usize, "machine", "machines"), "1 machine");
        assert_eq!(counted(0_i64, "machine", "machines"), "0 machines");
        assert_eq!(counted(21_u64, "is", "are"), "21 are");
    }
}
