//! Version order, by where a component was found.
//!
//! [`compare`] answers `None` where an order is not certain. Such a pair needs a
//! person; it is never "not affected" and never "up to date".
//!
//! | source | order |
//! |---|---|
//! | [`Source::Deb`] | Debian policy §5.6.12, as dpkg does |
//! | [`Source::Rpm`] | epoch, version, release, as rpm does |
//! | [`Source::Probe`], [`Source::Tree`] | semantic versioning 2.0.0 where both are, else the vendor order; `None` where the two disagree |
//! | [`Source::Firmware`] | the vendor order |

mod debian;
mod range;
mod vendor;

use crate::component::{MAX_FIELD_BYTES, Source};
use std::cmp::Ordering;

pub use range::{BadRange, MAX_CONSTRAINTS, Range};
pub use vendor::compare as compare_vendor;

/// Compares two versions of one component; `None` where a person has to.
pub fn compare(source: Source, a: &str, b: &str) -> Option<Ordering> {
    if !(is_comparable(a) && is_comparable(b)) {
        return None;
    }
    match source {
        Source::Deb => debian::compare(a, b),
        Source::Rpm => Some(rpm_version::rpm_evr_compare(a, b)),
        Source::Probe | Source::Tree => semantic(a, b),
        Source::Firmware => vendor::compare(a, b),
    }
}

/// Printable ASCII of a bounded length; outside of it no order here is defined.
fn is_comparable(version: &str) -> bool {
    (1..=MAX_FIELD_BYTES).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_graphic())
}

/// Semantic versioning where both sides are semantic. The vendor order then has a
/// veto: semantic versioning puts `rc10` before `rc9` and `RC1` before `alpha`, and
/// ignores builds; few vendors mean that.
fn semantic(a: &str, b: &str) -> Option<Ordering> {
    let by_vendor = vendor::compare(a, b);
    let (Some(left), Some(right)) = (semver_of(a), semver_of(b)) else {
        return by_vendor;
    };
    let by_semver = left.cmp_precedence(&right);
    if by_semver == Ordering::Equal && left.build != right.build {
        return None;
    }
    by_vendor
        .is_none_or(|v| v == by_semver)
        .then_some(by_semver)
}

fn semver_of(text: &str) -> Option<semver::Version> {
    semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
}

#[cfg(test)]
mod tests;
