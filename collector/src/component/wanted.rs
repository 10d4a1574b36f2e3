//! Which versions are asked for: `>= 3.0, < 3.0.15`, a `vers:` range, or every one.

use crate::advisory::version::{Op, Scheme, Set, Versions};
use patchward_common::component::Source;
use patchward_common::version::{MAX_CONSTRAINTS, compare};
use std::cmp::Ordering;

/// Longest text of versions: as many bounds as a range may have, each short.
pub const MAX_WANTED_BYTES: usize = 8 * 1024;

/// Which versions are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Every one.
    All,
    /// Those that hold to all of these bounds, in the order of where they were found.
    Bounds(Vec<(Op, String)>),
    /// Those of a `vers:` range, in its order.
    Set(Set),
}

/// Whether a version is among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    In,
    /// It is not.
    Out,
    /// A person has to say, for this reason.
    Unknown(String),
}

/// The signs of bounds, the longer ones first.
const SIGNS: [(&str, Op); 7] = [
    ("==", Op::Eq),
    ("!=", Op::Ne),
    ("<=", Op::Le),
    (">=", Op::Ge),
    ("=", Op::Eq),
    ("<", Op::Lt),
    (">", Op::Gt),
];

impl Wanted {
    /// Reads bounds that are joined by commas, a bare version (this one), a `vers:` range,
    /// or `*`.
    ///
    /// # Errors
    /// What is wrong with it, for who typed it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > MAX_WANTED_BYTES {
            return Err(format!("versions take up to {MAX_WANTED_BYTES} bytes"));
        }
        if text.is_empty() || text == "*" {
            return Ok(Self::All);
        }
        if text
            .get(..5)
            .is_some_and(|head| head.eq_ignore_ascii_case("vers:"))
        {
            return match Versions::read(text) {
                Versions::All => Ok(Self::All),
                Versions::In(set) => Ok(Self::Set(set)),
                Versions::Unclear(why) => Err(format!("{text:?}: {why}")),
            };
        }
        if text.split(',').count() > MAX_CONSTRAINTS {
            return Err(format!("more than {MAX_CONSTRAINTS} bounds"));
        }
        let bounds: Result<_, _> = text.split(',').map(bound).collect();
        Ok(Self::Bounds(bounds?))
    }

    /// The only sources that it speaks of: those of a range's scheme.
    pub fn sources(&self) -> &'static [Source] {
        match self {
            Self::All | Self::Bounds(_) => &Source::ALL,
            Self::Set(set) => match set.scheme() {
                Scheme::Deb => &[Source::Deb],
                Scheme::Rpm => &[Source::Rpm],
                Scheme::Semver => &[Source::Probe, Source::Tree],
                Scheme::Vendor => &[Source::Probe, Source::Tree, Source::Firmware],
            },
        }
    }

    /// Whether a version is among them.
    pub fn verdict(&self, source: Source, version: &str) -> Verdict {
        match self {
            Self::All => Verdict::In,
            Self::Set(set) => match set.contains(version) {
                Some(true) => Verdict::In,
                Some(false) => Verdict::Out,
                None => Verdict::Unknown(format!("{version:?} has no certain place in {set}")),
            },
            Self::Bounds(bounds) => all(bounds, source, version),
        }
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("any version"),
            Self::Set(set) => set.fmt(f),
            Self::Bounds(bounds) => {
                let texts = bounds.iter().map(|(op, v)| format!("{} {v}", op.sign()));
                f.write_str(&texts.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn bound(text: &str) -> Result<(Op, String), String> {
    let text = text.trim();
    let found = SIGNS.iter().find(|(sign, _)| text.starts_with(sign));
    let (op, version) = found.map_or((Op::Eq, text), |(sign, op)| (*op, &text[sign.len()..]));
    let version = version.trim();
    let is_version = !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_graphic())
        && !version.contains(['<', '>', '!', '|']);
    match is_version {
        true => Ok((op, version.to_owned())),
        false => Err(format!(
            "{text:?} names no version; write it as \"< 3.0.15\" or \">= 3.0, < 3.0.15\""
        )),
    }
}

/// One bound that does not hold decides; one that cannot be told does not.
fn all(bounds: &[(Op, String)], source: Source, version: &str) -> Verdict {
    let mut unknown = None;
    for (op, bound) in bounds {
        match holds(*op, source, version, bound) {
            Ok(true) => {}
            Ok(false) => return Verdict::Out,
            Err(why) => unknown = unknown.or(Some(why)),
        }
    }
    unknown.map_or(Verdict::In, Verdict::Unknown)
}

fn holds(op: Op, source: Source, version: &str, bound: &str) -> Result<bool, String> {
    if let Some(epoch) = silent_epoch(source, version, bound) {
        return Err(format!(
            "{version} begins with the epoch {epoch}, and {bound} says none: write \
             {epoch}:{bound}, or 0:{bound} where none is meant"
        ));
    }
    let order = compare(source, version, bound).ok_or_else(|| {
        format!("nobody can say whether {version:?} comes before or after {bound:?}")
    })?;
    Ok(match op {
        Op::Eq => order == Ordering::Equal,
        Op::Ne => order != Ordering::Equal,
        Op::Lt => order == Ordering::Less,
        Op::Le => order != Ordering::Greater,
        Op::Gt => order == Ordering::Greater,
        Op::Ge => order != Ordering::Less,
    })
}

/// The epoch of a package where the bound names none. Who types "< 3.0.15" rarely thinks of
/// the `1:` that a distribution writes before it, which puts `1:3.0.7` after `3.0.15`.
pub(super) fn silent_epoch<'v>(source: Source, version: &'v str, bound: &str) -> Option<&'v str> {
    if !matches!(source, Source::Deb | Source::Rpm) || bound.contains(':') {
        return None;
    }
    let (epoch, _) = version.split_once(':')?;
    let is_number = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && epoch.bytes().any(|byte| byte != b'0')).then_some(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{In, Out};

    fn verdict(text: &str, source: Source, version: &str) -> Option<bool> {
        match Wanted::parse(text).unwrap().verdict(source, version) {
            In => Some(true),
            Out => Some(false),
            Verdict::Unknown(_) => None,
        }
    }

    #[test]
    fn each_source_has_its_own_order() {
        for (text, source, version, expected) in [
            ("< 3.0.15", Source::Deb, "3.0.14-1~deb12u2", Some(true)),
            ("< 3.0.15", Source::Deb, "3.0.15~rc1-1", Some(true)),
            ("< 3.0.15", Source::Deb, "3.0.15-1", Some(false)),
            (">= 3.0, < 3.0.15", Source::Deb, "1.1.1w-0", Some(false)),
            ("!= 3.0.11-1", Source::Deb, "3.0.11-1", Some(false)),
            ("== 3.0.11-1", Source::Deb, "3.0.11-1", Some(true)),
            ("3.0.11-1", Source::Deb, "3.0.11-1", Some(true)),
            ("< 5.14.0-362.el9", Source::Rpm, "5.14.0-70.el9", Some(true)),
            ("< 1.0.0", Source::Tree, "1.0.0-rc.1", Some(true)),
            ("< 1.10", Source::Firmware, "1.2", Some(true)),
            ("*", Source::Firmware, "blue", Some(true)),
            ("vers:deb/<3.0.15", Source::Deb, "3.0.14-1", Some(true)),
        ] {
            assert_eq!(verdict(text, source, version), expected, "{version} {text}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_neither_in_nor_out() {
        for (text, source, version) in [
            ("< 2.0", Source::Firmware, "A12"),
            ("!= 2.0", Source::Firmware, "A12"),
            ("= 2.0", Source::Firmware, "blue"),
            // The epoch that nobody typed.
            ("< 3.0.15", Source::Rpm, "1:3.0.7-25.el9"),
            (">= 3.0.15", Source::Deb, "2:3.0.7-25"),
        ] {
            assert_eq!(verdict(text, source, version), None, "{version} {text}");
        }
        // One bound decides where it can.
        assert_eq!(verdict("< 1.0, < A9", Source::Firmware, "2.0"), Some(false));
        assert_eq!(verdict("< 3.0, < A9", Source::Firmware, "2.0"), None);
        let epoch = "< 1:3.0.15";
        assert_eq!(verdict(epoch, Source::Rpm, "1:3.0.7-25.el9"), Some(true));
        assert_eq!(verdict("< 0:3.0.15", Source::Rpm, "1:3.0.7-2"), Some(false));
        assert_eq!(verdict("< 3.0.15", Source::Deb, "0:3.0.7-25"), Some(true));
    }

    #[test]
    fn what_is_no_range_is_refused_with_an_example() {
        for text in [
            "<",
            "< ,> 1",
            "=> 1",
            "1 || 2",
            "< 1\u{e9}",
            "vers:deb/<x<y",
        ] {
            let refused = Wanted::parse(text);
            assert!(refused.is_err(), "{text}: {refused:?}");
        }
        assert!(Wanted::parse(&"1,".repeat(300)).is_err());
        let scheme = Wanted::parse("vers:rpm/<1.0-1").unwrap();
        assert_eq!(scheme.sources(), [Source::Rpm]);
    }

    proptest::proptest! {
        /// Nothing that somebody types or reports makes it fall.
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}", version in ".{0,20}") {
            if let Ok(wanted) = Wanted::parse(&text) {
                for source in Source::ALL {
                    let _ = wanted.verdict(source, &version);
                }
            }
        }
    }
}
