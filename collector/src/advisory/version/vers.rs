//! `vers:` ranges: `vers:deb/>=1.2|<1.4.3`, after the specification of package-url.

use super::{Op, Scheme, Set, Unclear, Versions};

/// The scheme and the constraints of a text that is a `vers:` range.
pub(super) fn scheme_of(text: &str) -> Option<(&str, &str)> {
    let head = text.get(..5)?;
    let rest = head.eq_ignore_ascii_case("vers:").then(|| &text[5..])?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

/// Reads the constraints of a scheme.
pub(super) fn read(scheme: &str, text: &str) -> Result<Versions, Unclear> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if text == "*" {
        return Ok(Versions::All);
    }
    let scheme = match scheme.trim().to_ascii_lowercase().as_str() {
        "deb" => Scheme::Deb,
        "rpm" => Scheme::Rpm,
        "semver" | "npm" | "cargo" | "golang" => Scheme::Semver,
        "intdot" | "generic" | "all" => Scheme::Vendor,
        // Single versions need no order.
        other if !text.contains(['<', '>', '!']) => {
            return single(other, &text);
        }
        other => return Err(Unclear::Scheme(other.to_owned())),
    };
    let constraints: Result<Vec<_>, _> =
        text.trim_matches('|').split('|').map(constraint).collect();
    Ok(Versions::In(Set::of(scheme, &constraints?)?))
}

/// Single versions of a scheme whose order is not known here.
fn single(scheme: &str, text: &str) -> Result<Versions, Unclear> {
    let constraints: Result<Vec<_>, _> = text.split('|').map(constraint).collect();
    let set = Set::of(Scheme::Vendor, &constraints?);
    Ok(Versions::In(
        set.map_err(|_| Unclear::Scheme(scheme.to_owned()))?,
    ))
}

fn constraint(text: &str) -> Result<(Op, String), Unclear> {
    let ops = [
        ("!=", Op::Ne),
        ("<=", Op::Le),
        (">=", Op::Ge),
        ("=", Op::Eq),
        ("<", Op::Lt),
        (">", Op::Gt),
    ];
    let found = ops.iter().find(|(sign, _)| text.starts_with(sign));
    let (op, version) = found.map_or((Op::Eq, text), |(sign, op)| (*op, &text[sign.len()..]));
    let version = decoded(version).ok_or(Unclear::Words)?;
    if version.is_empty() || version == "*" {
        return Err(Unclear::Bounds(format!("{text:?} names no version")));
    }
    Ok((op, version))
}

/// A text of a URL without its percent signs; `None` where it is none.
pub fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (high, low) = (rest.next()?, rest.next()?);
        let digit = |byte: u8| (byte as char).to_digit(16);
        bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
    }
    String::from_utf8(bytes).ok()
}
