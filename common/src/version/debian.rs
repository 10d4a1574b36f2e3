//! Debian's order of versions: policy §5.6.12, and what dpkg refuses.

use std::cmp::Ordering;

/// A version in its three parts.
struct Version<'a> {
    epoch: i32,
    upstream: &'a str,
    revision: &'a str,
}

/// Compares as dpkg does; `None` where dpkg calls either of them an error.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (Version::parse(a)?, Version::parse(b)?);
    let epochs = a.epoch.cmp(&b.epoch);
    Some(
        epochs
            .then_with(|| part(a.upstream.as_bytes(), b.upstream.as_bytes()))
            .then_with(|| part(a.revision.as_bytes(), b.revision.as_bytes())),
    )
}

impl<'a> Version<'a> {
    /// `[epoch:]upstream[-revision]`; the revision follows the last hyphen.
    fn parse(text: &'a str) -> Option<Self> {
        let (epoch, rest) = match text.split_once(':') {
            // Not the sign that `parse` would take, and at most `INT_MAX` as dpkg.
            Some((epoch, rest)) if epoch.bytes().all(|c| c.is_ascii_digit()) => {
                (epoch.parse().ok()?, rest)
            }
            Some(_) => return None,
            None => (0, text),
        };
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (rest, ""),
        };
        let is_made_of = |text: &str, marks: &[u8]| {
            let mut bytes = text.bytes();
            bytes.all(|c| c.is_ascii_alphanumeric() || marks.contains(&c))
        };
        let is_valid =
            !upstream.is_empty() && is_made_of(upstream, b".+~-:") && is_made_of(revision, b".+~");
        is_valid.then_some(Self {
            epoch,
            upstream,
            revision,
        })
    }
}

/// Compares text and numbers in turn, text first, until both sides are used up.
fn part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let (text_a, rest_a) = split(a, |c| !c.is_ascii_digit());
        let (text_b, rest_b) = split(b, |c| !c.is_ascii_digit());
        let (number_a, rest_a) = split(rest_a, u8::is_ascii_digit);
        let (number_b, rest_b) = split(rest_b, u8::is_ascii_digit);
        let order = text(text_a, text_b).then_with(|| number(number_a, number_b));
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

/// The longest beginning of bytes that are so, and the rest.
fn split(bytes: &[u8], is_so: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !is_so(byte));
    bytes.split_at(end.unwrap_or(bytes.len()))
}

/// A tilde sorts before the end, the end before letters, letters before all others.
fn text(a: &[u8], b: &[u8]) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
        Some(c) => i32::from(*c) + 256,
    };
    let longest = a.len().max(b.len());
    (0..longest)
        .map(|at| weight(a.get(at)).cmp(&weight(b.get(at))))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Numbers of any length; none is 0.
fn number(a: &[u8], b: &[u8]) -> Ordering {
    let (_, a) = split(a, |c| *c == b'0');
    let (_, b) = split(b, |c| *c == b'0');
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::{Command, Stdio};

    /// What dpkg itself answers.
    fn dpkg(a: &str, b: &str) -> Option<Ordering> {
        let is = |word: &str| {
            let mut dpkg = Command::new("dpkg");
            dpkg.args(["--compare-versions", a, word, b]);
            dpkg.stderr(Stdio::null()).status().unwrap().success()
        };
        let orders = [
            ("lt", Ordering::Less),
            ("eq", Ordering::Equal),
            ("gt", Ordering::Greater),
        ];
        let found = orders.into_iter().find(|(word, _)| is(word));
        found.map(|(_, order)| order)
    }

    #[test]
    fn zeros_before_a_tilde_are_no_end() {
        // A maintained library takes these the other way round.
        for (a, b) in [("c", "c0~"), ("1.", "1.0~")] {
            assert_eq!(compare(a, b), Some(Ordering::Greater));
            assert_eq!(dpkg(a, b), Some(Ordering::Greater));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(400)
        })]
        #[test]
        fn the_order_is_dpkgs(
            a in "([0-9]:)?[0-9a-cA.+~]{1,6}(-[019a.+~]{1,4})?",
            b in "([0-9]:)?[0-9a-cA.+~]{1,6}(-[019a.+~]{1,4})?",
        ) {
            let order = compare(&a, &b);
            prop_assert!(order.is_some(), "{} and {}", a, b);
            prop_assert_eq!(order, dpkg(&a, &b), "{} and {}", a, b);
        }
    }
}
