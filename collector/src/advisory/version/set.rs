//! A set of versions: bounds, single ones and series (`12.x`), in one order.

use super::{Unclear, words};
use patchward_common::component::Source;
use patchward_common::version::{MAX_CONSTRAINTS, Range, compare};
use std::cmp::Ordering;

/// Which order the versions have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Debian packages.
    Deb,
    /// RPM packages.
    Rpm,
    /// Semantic versions.
    Semver,
    /// No published order: the vendor order.
    Vendor,
}

impl Scheme {
    /// The source whose order `common` compares by.
    pub fn source(self) -> Source {
        match self {
            Self::Deb => Source::Deb,
            Self::Rpm => Source::Rpm,
            Self::Semver => Source::Probe,
            Self::Vendor => Source::Firmware,
        }
    }

    /// A version as this order compares it. Package managers tell case apart and know no
    /// words beside a version.
    fn plain(self, version: &str) -> Option<String> {
        match self {
            Self::Vendor | Self::Semver => words::plain(version),
            Self::Deb | Self::Rpm => {
                let plain = version.trim();
                let is_graphic = plain.bytes().all(|b| b.is_ascii_graphic());
                (is_graphic && !plain.is_empty()).then(|| plain.to_owned())
            }
        }
    }
}

/// How a version bounds a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// This one.
    Eq,
    /// Not this one.
    Ne,
    /// Before it.
    Lt,
    /// Before it, or it.
    Le,
    /// After it.
    Gt,
    /// After it, or it.
    Ge,
}

impl Op {
    /// Its sign.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

/// One part of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    One(String),
    /// `12.x`: every version that begins with these numbers.
    Series(Vec<u64>),
    /// `<= 11.x`: the series and all before it.
    UpToSeries(Vec<u64>),
    Bounds(Range),
}

/// A set of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    scheme: Scheme,
    parts: Vec<Part>,
    text: String,
}

impl Set {
    /// The set of constraints; bounds stand in rising order.
    pub fn of(scheme: Scheme, constraints: &[(Op, String)]) -> Result<Self, Unclear> {
        if constraints.len() > MAX_CONSTRAINTS {
            return Err(Unclear::Bounds(format!(
                "more than {MAX_CONSTRAINTS} of them"
            )));
        }
        let mut parts = Vec::new();
        let mut bounds: Vec<(Op, String)> = Vec::new();
        for (op, version) in constraints {
            match (op, series(version)) {
                (Op::Eq, Some(series)) => parts.push(Part::Series(series)),
                (Op::Le, Some(series)) => parts.push(Part::UpToSeries(series)),
                (Op::Lt | Op::Ge, Some(series)) => bounds.push((*op, dotted(&series))),
                (Op::Ne | Op::Gt, Some(_)) => return Err(Unclear::NoOrder(version.clone())),
                (Op::Eq, None) => parts.push(Part::One(version.clone())),
                (_, None) => {
                    let plain = ordered(scheme, version)?;
                    bounds.push((*op, plain));
                }
            }
        }
        if !bounds.is_empty() {
            parts.push(Part::Bounds(range(scheme, &bounds)?));
        }
        let shown = constraints.iter().map(|(op, version)| match op {
            Op::Eq => version.clone(),
            op => format!("{} {version}", op.sign()),
        });
        let text = shown.collect::<Vec<_>>().join(" | ");
        if parts.is_empty() {
            return Err(Unclear::Silent);
        }
        Ok(Self {
            scheme,
            parts,
            text,
        })
    }

    /// Which order its versions have.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether it has no bounds.
    pub fn names_single_ones(&self) -> bool {
        let single = |part: &Part| matches!(part, Part::One(_) | Part::Series(_));
        self.parts.iter().all(single)
    }

    /// Whether a version is in it; `None` where a person has to say.
    pub fn contains(&self, version: &str) -> Option<bool> {
        let mut unsure = false;
        for part in &self.parts {
            match self.in_part(part, version) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => unsure = true,
            }
        }
        (!unsure).then_some(false)
    }

    fn in_part(&self, part: &Part, version: &str) -> Option<bool> {
        let source = self.scheme.source();
        match part {
            Part::One(one) => {
                let (left, right) = (self.scheme.plain(one), self.scheme.plain(version));
                if left.is_some() && left == right {
                    return Some(true);
                }
                Some(compare(source, &left?, &right?)? == Ordering::Equal)
            }
            Part::Series(series) => begins(version, series),
            Part::UpToSeries(series) => match begins(version, series)? {
                true => Some(true),
                false => {
                    let plain = words::plain(version)?;
                    Some(compare(source, &plain, &dotted(series))? == Ordering::Less)
                }
            },
            Part::Bounds(range) => range.contains(&self.scheme.plain(version)?),
        }
    }
}

impl std::fmt::Display for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// A bound that has a place in the order; the same with one more number must come after it.
fn ordered(scheme: Scheme, version: &str) -> Result<String, Unclear> {
    let no_order = || Unclear::NoOrder(version.to_owned());
    let plain = scheme.plain(version).ok_or_else(no_order)?;
    let later = match scheme {
        Scheme::Semver => return semantic(&plain).then_some(plain).ok_or_else(no_order),
        Scheme::Deb | Scheme::Rpm | Scheme::Vendor => format!("{plain}.1"),
    };
    match compare(scheme.source(), &plain, &later) {
        Some(Ordering::Less) => Ok(plain),
        _ => Err(no_order()),
    }
}

/// Whether it begins like a semantic version.
fn semantic(version: &str) -> bool {
    let core = version.trim_start_matches('v').split(['-', '+']).next();
    let core = core.unwrap_or_default();
    core.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

fn range(scheme: Scheme, bounds: &[(Op, String)]) -> Result<Range, Unclear> {
    for pair in bounds.windows(2) {
        let (first, second) = (&pair[0].1, &pair[1].1);
        match compare(scheme.source(), first, second) {
            Some(Ordering::Less) => {}
            Some(_) => {
                let why = format!("{second} does not come after {first}");
                return Err(Unclear::Bounds(why));
            }
            None => return Err(Unclear::NoOrder(second.clone())),
        }
    }
    let texts = bounds.iter();
    let texts = texts.map(|(op, version)| format!("{}{version}", op.sign()));
    let text = texts.collect::<Vec<_>>().join("|");
    Range::parse(scheme.source(), &text).map_err(|error| Unclear::Bounds(error.to_string()))
}

/// The numbers before the first `x` of `12.2.x.x`; `None` where it is no series.
fn series(version: &str) -> Option<Vec<u64>> {
    let plain = words::plain(version)?;
    let plain = plain.strip_prefix(['v', 'V']).unwrap_or(&plain);
    let parts: Vec<&str> = plain.split('.').collect();
    let is_any = |part: &&str| matches!(*part, "x" | "X" | "*" | "xx" | "XX");
    let first = parts.iter().position(is_any)?;
    let (numbers, rest) = parts.split_at(first);
    let all_any = rest.iter().all(is_any);
    let numbers: Option<Vec<u64>> = numbers.iter().map(|part| part.parse().ok()).collect();
    numbers.filter(|numbers| all_any && !numbers.is_empty())
}

fn dotted(series: &[u64]) -> String {
    let numbers: Vec<String> = series.iter().map(u64::to_string).collect();
    numbers.join(".")
}

/// Whether a version begins with the numbers of a series.
fn begins(version: &str, series: &[u64]) -> Option<bool> {
    let plain = words::plain(version)?;
    let plain = plain.strip_prefix(['v', 'V']).unwrap_or(&plain);
    let mut parts = plain.split(['.', '-', '_', '+']);
    for number in series {
        let Some(part) = parts.next() else {
            // "12" may be any 12.x.
            return None;
        };
        if part.parse::<u64>().ok()? != *number {
            return Some(false);
        }
    }
    Some(true)
}
