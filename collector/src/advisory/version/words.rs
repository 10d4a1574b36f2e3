//! Versions in words, where the words have one meaning: `4.2.1 and prior`, `prior to 3.1`,
//! `1.0 through 1.4`, `v2.x`. Whatever is left over when the known words are read makes the
//! whole text unclear.

use super::{Op, Scheme, Set, Unclear, Versions};

/// Words that say nothing but that a version follows.
const FILLERS: [&str; 16] = [
    "version",
    "versions",
    "ver",
    "ver.",
    "v.",
    "software",
    "firmware",
    "sw",
    "fw",
    "all",
    "release",
    "releases",
    "any",
    "the",
    "app",
    "application",
];
/// Words in front of a version, and how they bound. Longer ones first.
const BEFORE: [(&str, Op); 18] = [
    ("up to and including", Op::Le),
    ("earlier than or equal to", Op::Le),
    ("less than or equal to", Op::Le),
    ("greater than or equal to", Op::Ge),
    ("prior to", Op::Lt),
    ("previous to", Op::Lt),
    ("earlier than", Op::Lt),
    ("older than", Op::Lt),
    ("lower than", Op::Lt),
    ("less than", Op::Lt),
    ("before", Op::Lt),
    ("below", Op::Lt),
    ("later than", Op::Gt),
    ("newer than", Op::Gt),
    ("higher than", Op::Gt),
    ("greater than", Op::Gt),
    ("after", Op::Gt),
    ("above", Op::Gt),
];
/// Words behind a version.
const LOWER: [&str; 8] = [
    "prior", "earlier", "below", "older", "lower", "previous", "before", "less",
];
const HIGHER: [&str; 7] = [
    "later", "newer", "above", "higher", "greater", "up", "onward",
];
/// Words that may stand within a version: `1.3.1 Build 13`.
const WITHIN: [&str; 13] = [
    "build", "sp", "sr", "mr", "hotfix", "hf", "patch", "update", "beta", "alpha", "rc", "r", "p",
];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Reads a text.
pub(super) fn read(text: &str) -> Result<Versions, Unclear> {
    let text = without_end_of_life(text)?;
    let text = signs(&text);
    if matches!(
        text.as_str(),
        "" | "-" | "n/a" | "na" | "unspecified" | "unknown"
    ) {
        return Err(Unclear::Silent);
    }
    if matches!(
        text.as_str(),
        "*" | "all" | "any" | "all versions" | "all version" | "any version"
    ) {
        return Ok(Versions::All);
    }
    if has_date(&text) {
        return Err(Unclear::Date);
    }
    if let Some(rest) = text.strip_prefix('*') {
        return Err(Unclear::Condition(rest.trim().to_owned()));
    }
    let mut constraints = Vec::new();
    for alternative in text.split('|') {
        let mut found = alternative_of(alternative.trim())?;
        // Within one alternative both ends are meant together, in whatever order.
        if let [(Op::Lt | Op::Le, _), (Op::Gt | Op::Ge, _)] = found[..] {
            found.reverse();
        }
        constraints.extend(found);
    }
    Ok(Versions::In(Set::of(Scheme::Vendor, &constraints)?))
}

/// The text without a remark that its support has ended; other remarks are conditions.
fn without_end_of_life(text: &str) -> Result<String, Unclear> {
    let Some(open) = text.find(['(', '[']) else {
        return Ok(text.to_owned());
    };
    let remark = text[open + 1..].trim_end_matches([')', ']', ' ']);
    let lower = remark.to_lowercase();
    let is_end = [
        "end-of-life",
        "end of life",
        "eol",
        "inclusive",
        "all versions",
    ]
    .iter()
    .any(|words| lower.starts_with(words));
    match is_end && !remark.contains(['(', '[']) {
        true => Ok(text[..open].to_owned()),
        false => Err(Unclear::Condition(remark.to_owned())),
    }
}

/// Lower-case words with single spaces, signs as ASCII.
fn signs(text: &str) -> String {
    let text = text
        .replace('≤', "<=")
        .replace('≥', ">=")
        .replace("=<", "<=")
        .replace("=>", ">=")
        .replace("==", "=")
        .replace(['–', '—'], " - ");
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .trim_end_matches(['.', ',', ';'])
        .to_lowercase()
}

fn has_date(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let is_month = |word: &str| {
        let month = word.get(..3).is_some_and(|start| MONTHS.contains(&start));
        let full = [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "sept",
            "october",
            "november",
            "december",
        ];
        month && (word.len() == 3 || full.contains(&word))
    };
    let mut words = words.filter(|word| !word.is_empty());
    words.any(|word| is_month(word) || matches!(word, "manufactured" | "distributed"))
}

/// The constraints of what stands between two bars.
fn alternative_of(text: &str) -> Result<Vec<(Op, String)>, Unclear> {
    let text = without_fillers(text);
    if text.starts_with("up to ") && !text.starts_with("up to and including") {
        return Err(Unclear::OpenEnd);
    }
    if let Some(rest) = text.strip_prefix("between ") {
        // Whether the ends are meant is not said.
        let _ = rest;
        return Err(Unclear::OpenEnd);
    }
    for word in [" through ", " thru "] {
        if let Some((from, to)) = text.split_once(word) {
            let from = from.strip_prefix("from ").unwrap_or(from);
            return Ok(vec![(Op::Ge, version(from)?), (Op::Le, version(to)?)]);
        }
    }
    if text.contains(['<', '>', '=']) {
        return by_signs(&text);
    }
    if let Some(found) = BEFORE.iter().find_map(|(words, op)| {
        let rest = text.strip_prefix(words)?.strip_prefix(' ')?;
        Some((*op, rest))
    }) {
        return Ok(vec![(found.0, version(found.1)?)]);
    }
    if let Some((op, rest)) = behind(&text) {
        return Ok(vec![(op, version(rest)?)]);
    }
    let list = text
        .replace(" and ", ",")
        .replace(" or ", ",")
        .replace(" & ", ",");
    let parts = list
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let found: Result<Vec<_>, _> = parts.map(|part| Ok((Op::Eq, version(part)?))).collect();
    let found = found?;
    match found.is_empty() {
        true => Err(Unclear::Silent),
        false => Ok(found),
    }
}

fn without_fillers(text: &str) -> String {
    let mut rest = text;
    while let Some((word, more)) = rest.split_once(' ') {
        if !FILLERS.contains(&word) {
            break;
        }
        rest = more.trim_start();
    }
    rest.to_owned()
}

/// `4.2.1 and prior`, `4.2 or later versions`.
fn behind(text: &str) -> Option<(Op, &str)> {
    let rest = text.strip_suffix(" versions").unwrap_or(text);
    let rest = rest.strip_suffix(" version").unwrap_or(rest);
    let rest = rest.strip_suffix(" releases").unwrap_or(rest);
    let (head, last) = rest.rsplit_once(' ')?;
    let op = match last {
        word if LOWER.contains(&word) => Op::Le,
        word if HIGHER.contains(&word) => Op::Ge,
        _ => return None,
    };
    let head = head.trim_end();
    let head = head.strip_suffix(" all").unwrap_or(head);
    let joined = [" and", " or", " &", ","];
    let head = joined.iter().find_map(|word| head.strip_suffix(word))?;
    Some((op, head.trim_end_matches([',', ' '])))
}

/// `>= 1.0 < 2.0`, `>=1.0, <2.0`: every sign begins a constraint.
fn by_signs(text: &str) -> Result<Vec<(Op, String)>, Unclear> {
    let first = text.find(['<', '>', '=', '!']).unwrap_or(0);
    if !without_fillers(&format!("{} ", &text[..first]))
        .trim()
        .is_empty()
    {
        return Err(Unclear::Words);
    }
    let mut found = Vec::new();
    let mut rest = &text[first..];
    while !rest.is_empty() {
        let (op, length) = match rest.as_bytes() {
            [b'<', b'=', ..] => (Op::Le, 2),
            [b'>', b'=', ..] => (Op::Ge, 2),
            [b'!', b'=', ..] => (Op::Ne, 2),
            [b'<', ..] => (Op::Lt, 1),
            [b'>', ..] => (Op::Gt, 1),
            _ => (Op::Eq, 1),
        };
        rest = rest.get(length..).unwrap_or_default();
        let end = rest.find(['<', '>', '=', '!']).unwrap_or(rest.len());
        let one = rest[..end].trim().trim_end_matches([',', '&']).trim_end();
        let one = one.strip_suffix(" and").unwrap_or(one);
        found.push((op, version(one)?));
        rest = &rest[end..];
    }
    match found.len() {
        1 | 2 => Ok(found),
        _ => Err(Unclear::Words),
    }
}

/// One version, with words that may stand within.
fn version(text: &str) -> Result<String, Unclear> {
    let text = without_fillers(text.trim());
    let text = text.strip_prefix("from ").unwrap_or(&text);
    match plain(text) {
        Some(plain) if plain.bytes().any(|b| b.is_ascii_digit()) => Ok(plain),
        Some(plain) if plain.len() <= 2 => Err(Unclear::NoOrder(plain)),
        _ if text.is_empty() => Err(Unclear::Silent),
        _ => Err(Unclear::Words),
    }
}

/// A version in one word that can be compared: `1.3.1 Build 13` is `1.3.1_build_13`. `None`
/// for prose.
pub(super) fn plain(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase().replace("service pack", "sp");
    let lower = without_fillers(&lower);
    let mut words = lower.split_whitespace();
    let first = words.next()?;
    let mut joined = first.to_owned();
    for word in words {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        if !letters.is_empty() && !WITHIN.contains(&letters) {
            return None;
        }
        joined.push('_');
        joined.push_str(word);
    }
    let is_graphic = joined.bytes().all(|b| b.is_ascii_graphic());
    (is_graphic && !joined.is_empty()).then_some(joined)
}
