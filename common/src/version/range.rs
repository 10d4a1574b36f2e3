//! Version ranges in the `vers` notation: `>=1.2|<1.4.3|!=1.4.1`.
//!
//! Advisories say which versions they mean; [`Range::contains`] answers in three
//! values, because a version that cannot be compared is neither in nor out.

use super::compare;
use crate::component::Source;
use std::cmp::Ordering;

/// Most constraints in one range; advisories seen have at most a few dozen.
pub const MAX_CONSTRAINTS: usize = 256;

/// A set of versions, with the order that its versions have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    source: Source,
    /// Each at most one lower and one upper bound; a version is in when it is in one.
    intervals: Vec<(Option<Bound>, Option<Bound>)>,
    exactly: Vec<String>,
    except: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound {
    version: String,
    inclusive: bool,
}

/// Why a text is not a range.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadRange {
    /// No constraint at all; `*` says "every version".
    #[error("the range is empty; write * for every version")]
    Empty,
    /// More than [`MAX_CONSTRAINTS`].
    #[error("more than {MAX_CONSTRAINTS} constraints")]
    TooMany,
    /// A constraint without a version.
    #[error("constraint {0:?} names no version")]
    NoVersion(String),
    /// A lower bound follows a lower bound, or an upper an upper; nobody can say
    /// what is meant.
    #[error("constraint {0:?} does not close the one before it")]
    Unpaired(String),
    /// A lower bound above its upper bound, or two that cannot be compared.
    #[error("from {from:?} to {to:?} is not an interval of versions")]
    Disorder {
        /// The lower bound.
        from: String,
        /// The upper bound.
        to: String,
    },
}

impl Range {
    /// Reads constraints joined by `|`: `=`, `!=`, `<`, `<=`, `>`, `>=`, a bare version
    /// (equal) or `*` alone. Bounds stand in rising order, as `vers` asks.
    pub fn parse(source: Source, text: &str) -> Result<Self, BadRange> {
        let mut range = Self {
            source,
            intervals: Vec::new(),
            exactly: Vec::new(),
            except: Vec::new(),
        };
        if text.trim() == "*" {
            range.intervals.push((None, None));
            return Ok(range);
        }
        if text.trim().is_empty() {
            return Err(BadRange::Empty);
        }
        if text.split('|').count() > MAX_CONSTRAINTS {
            return Err(BadRange::TooMany);
        }
        for part in text.split('|').map(str::trim) {
            range.take(part)?;
        }
        if range.intervals.is_empty() && range.exactly.is_empty() {
            // Only exceptions: everything else is meant.
            range.intervals.push((None, None));
        }
        Ok(range)
    }

    fn take(&mut self, part: &str) -> Result<(), BadRange> {
        let operators = ["!=", "<=", ">=", "=", "<", ">"];
        let operator = operators.into_iter().find(|op| part.starts_with(op));
        let version = part[operator.map_or(0, str::len)..].trim().to_owned();
        if version.is_empty() || version.starts_with(['<', '>', '=', '!', '*']) {
            return Err(BadRange::NoVersion(part.to_owned()));
        }
        let inclusive = part.contains('=');
        match operator {
            None | Some("=") => self.exactly.push(version),
            Some("!=") => self.except.push(version),
            Some("<" | "<=") => return self.close(Bound { version, inclusive }, part),
            Some(_) => match self.intervals.last() {
                Some((_, None)) => return Err(BadRange::Unpaired(part.to_owned())),
                _ => self
                    .intervals
                    .push((Some(Bound { version, inclusive }), None)),
            },
        }
        Ok(())
    }

    fn close(&mut self, upper: Bound, part: &str) -> Result<(), BadRange> {
        match self.intervals.last_mut() {
            None => self.intervals.push((None, Some(upper))),
            Some((Some(lower), open @ None)) => {
                if compare(self.source, &lower.version, &upper.version) != Some(Ordering::Less) {
                    return Err(BadRange::Disorder {
                        from: lower.version.clone(),
                        to: upper.version,
                    });
                }
                *open = Some(upper);
            }
            Some(_) => return Err(BadRange::Unpaired(part.to_owned())),
        }
        Ok(())
    }

    /// Whether `version` is in the range; `None` where a person has to say.
    pub fn contains(&self, version: &str) -> Option<bool> {
        let equals =
            |other: &String| Some(compare(self.source, version, other)? == Ordering::Equal);
        let excepted = any(self.except.iter().map(equals));
        let included = or(
            any(self.exactly.iter().map(equals)),
            any(self.intervals.iter().map(|(lower, upper)| {
                and(
                    self.is_inside(version, lower.as_ref(), Ordering::Greater),
                    self.is_inside(version, upper.as_ref(), Ordering::Less),
                )
            })),
        );
        and(included, excepted.map(|e| !e))
    }

    fn is_inside(&self, version: &str, bound: Option<&Bound>, side: Ordering) -> Option<bool> {
        let Some(bound) = bound else {
            return Some(true);
        };
        let order = compare(self.source, version, &bound.version)?;
        Some(order == side || (bound.inclusive && order == Ordering::Equal))
    }
}

// Logic of three values: `None` is "unknown", and stays so unless the other side decides.
fn or(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    or(a.map(|a| !a), b.map(|b| !b)).map(|either| !either)
}

fn any(mut values: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let first = Some(false);
    values
        .try_fold(first, |seen, next| match or(seen, next) {
            Some(true) => Err(()),
            other => Ok(other),
        })
        .unwrap_or(Some(true))
}
