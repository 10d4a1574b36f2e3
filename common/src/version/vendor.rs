//! An order for versions that follow no published rule.
//!
//! The rule, chosen so that a wrong answer is less likely than none:
//!
//! 1. One leading `v` before a digit is dropped. The rest is cut into runs of digits
//!    and runs of letters. Runs are joined by nothing, `.`, `-`, `_` or `+`; any other
//!    character has no known meaning, and only identical texts are then equal.
//! 2. Runs are compared in pairs, and the joints before them must be the same: `1.2`
//!    against `1-2` is unknown. Digits compare by value, at any length. Letters
//!    compare without case: equal goes on; two single letters compare by alphabet; two
//!    words of `alpha < beta < rc` by that; anything else is unknown. Digits against
//!    letters are unknown.
//! 3. Where one side ends, zeros joined by `.` on the other count for nothing
//!    (`1.2` = `1.2.0`). After them: another number joined by `.` is later; a word that
//!    says "not yet" (`alpha`, `beta`, `rc`, `pre`, `dev`, …) is earlier; a word that
//!    says "after" (`p`, `sp`, `patch`, `hotfix`, …) or one letter is later; anything
//!    else is unknown, `-1` and `+1` included, which some vendors mean as a revision
//!    and others as a pre-release.
//! 4. A first number of four or more digits is a date or a build number. Against a
//!    shorter one it is a change of scheme: unknown.

use std::cmp::Ordering;

/// A run of digits or of letters with the joint before it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Run<'a> {
    joint: Option<u8>,
    text: &'a str,
}

/// Digits of a first number from which it is taken for a date or a build number.
const DATE_DIGITS: usize = 4;
/// Words that stand before the version they are joined to, in their own order.
const BEFORE_RANKED: [&str; 3] = ["alpha", "beta", "rc"];
/// Further words that stand before; unordered among themselves.
const BEFORE: [&str; 6] = ["pre", "preview", "dev", "snapshot", "nightly", "cr"];
/// Words that stand after the version they are joined to.
const AFTER: [&str; 8] = [
    "sp", "patch", "hotfix", "hf", "fix", "update", "upd", "post",
];

/// Compares two versions in the vendor order; `None` where a person has to.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    if a == b {
        return Some(Ordering::Equal);
    }
    let (left, right) = (runs(a)?, runs(b)?);
    if is_dated(&left) != is_dated(&right) {
        return None;
    }
    for (l, r) in left.iter().zip(&right) {
        match compare_runs(*l, *r)? {
            Ordering::Equal => {}
            decided => return Some(decided),
        }
    }
    if left.len() <= right.len() {
        rest(&right[left.len()..]).map(Ordering::reverse)
    } else {
        rest(&left[right.len()..])
    }
}

/// Cuts a version into runs; `None` where it has a character without a meaning, or
/// no number at all.
fn runs(version: &str) -> Option<Vec<Run<'_>>> {
    let mut text = match version.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => version,
    };
    let mut runs = Vec::new();
    while !text.is_empty() {
        let joint = text.bytes().next().filter(|b| b".-_+".contains(b));
        text = &text[usize::from(joint.is_some())..];
        let digits = text.starts_with(|c: char| c.is_ascii_digit());
        let belongs = |c: char| c.is_ascii_alphanumeric() && c.is_ascii_digit() == digits;
        let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
        if end == 0 {
            return None;
        }
        runs.push(Run {
            joint,
            text: &text[..end],
        });
        text = &text[end..];
    }
    runs.iter().any(|run| run.is_number()).then_some(runs)
}

impl Run<'_> {
    fn is_number(self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_digit())
    }

    fn significant(self) -> String {
        self.text.trim_start_matches('0').to_owned()
    }

    fn word(self) -> String {
        self.text.to_ascii_lowercase()
    }
}

fn is_dated(runs: &[Run<'_>]) -> bool {
    runs.iter()
        .find(|run| run.is_number())
        .is_some_and(|run| run.significant().len() >= DATE_DIGITS)
}

fn compare_runs(l: Run<'_>, r: Run<'_>) -> Option<Ordering> {
    if l.joint != r.joint || l.is_number() != r.is_number() {
        return None;
    }
    if l.is_number() {
        let (l, r) = (l.significant(), r.significant());
        return Some(l.len().cmp(&r.len()).then_with(|| l.cmp(&r)));
    }
    let (l, r) = (l.word(), r.word());
    let rank = |word: &str| BEFORE_RANKED.iter().position(|known| *known == word);
    match (rank(&l), rank(&r)) {
        _ if l == r || (l.len() == 1 && r.len() == 1) => Some(l.cmp(&r)),
        (Some(l), Some(r)) => Some(l.cmp(&r)),
        _ => None,
    }
}

/// How a version with these further runs stands to the one without.
fn rest(runs: &[Run<'_>]) -> Option<Ordering> {
    let is_zero =
        |run: &&Run<'_>| run.joint == Some(b'.') && run.is_number() && run.significant().is_empty();
    let zeros = runs.iter().take_while(is_zero).count();
    let Some(run) = runs.get(zeros) else {
        return Some(Ordering::Equal);
    };
    if run.is_number() {
        return (run.joint == Some(b'.')).then_some(Ordering::Greater);
    }
    let word = run.word();
    if BEFORE_RANKED.contains(&word.as_str()) || BEFORE.contains(&word.as_str()) {
        return Some(Ordering::Less);
    }
    // One letter joined by a dot or dash may be an edition ("2.1-E"); glued to the
    // number ("1.0.2k") it is a patch letter.
    let letter = word.len() == 1 && run.joint.is_none();
    (letter || AFTER.contains(&word.as_str())).then_some(Ordering::Greater)
}
