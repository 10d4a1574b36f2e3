//! Content lines (RFC 5545, 3.1): unfolded, each with the number of its first line.

use super::BadCalendar;

/// One property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it begins in the file, counted from 1.
    pub(super) number: usize,
    /// Its name in capitals.
    pub(super) name: String,
    /// Its parameters, names in capitals, values without quotes.
    parameters: Vec<(String, String)>,
    /// What stands behind the colon.
    pub(super) value: String,
}

impl Line {
    /// A parameter's value.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// What is wrong in this line.
    pub(super) fn bad(&self, problem: impl Into<String>) -> BadCalendar {
        BadCalendar::new(self.number, problem)
    }
}

/// Every property of a file, in order. Lines end in CRLF or LF; a line that begins with
/// a space or a tab goes on with the one before.
pub(super) fn lines(bytes: &[u8]) -> Result<Vec<Line>, BadCalendar> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = Vec::new();
    // A fold may stand in the middle of a character, so bytes are put together first.
    let mut whole: Vec<u8> = Vec::new();
    let mut begun = 0;
    for (at, raw) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        match raw.split_first() {
            Some((b' ' | b'\t', rest)) if begun > 0 => whole.extend_from_slice(rest),
            _ => {
                lines.extend(property(&whole, begun)?);
                whole.clear();
                whole.extend_from_slice(raw);
                begun = at + 1;
            }
        }
    }
    lines.extend(property(&whole, begun)?);
    Ok(lines)
}

/// One line as a property; nothing where it is empty.
fn property(whole: &[u8], number: usize) -> Result<Option<Line>, BadCalendar> {
    let bad = |problem: &str| BadCalendar::new(number, problem);
    let text = std::str::from_utf8(whole)
        .map_err(|_| bad("this is no UTF-8 text; save the calendar as UTF-8"))?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let no_colon = || bad("no property: a name, a colon and a value are expected");
    let end = text.find([';', ':']).ok_or_else(no_colon)?;
    let name = &text[..end];
    if name.is_empty() || !name.bytes().all(is_of_a_name) {
        return Err(no_colon());
    }
    let mut parameters = Vec::new();
    let mut rest = &text[end..];
    while let Some(parameter) = rest.strip_prefix(';') {
        let end = end_of_parameter(parameter).ok_or_else(no_colon)?;
        let (name, value) = parameter[..end]
            .split_once('=')
            .ok_or_else(|| bad("a parameter without a value"))?;
        parameters.push((name.to_ascii_uppercase(), value.replace('"', "")));
        rest = &parameter[end..];
    }
    let value = rest.strip_prefix(':').ok_or_else(no_colon)?;
    Ok(Some(Line {
        number,
        name: name.to_ascii_uppercase(),
        parameters,
        value: value.to_owned(),
    }))
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Where a parameter ends: at the next semicolon or colon outside quotes.
fn end_of_parameter(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    text.bytes().position(|byte| {
        is_quoted ^= byte == b'"';
        !is_quoted && matches!(byte, b';' | b':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_quotes_and_both_ends_of_lines_are_understood() {
        let text = "BEGIN:VCALENDAR\r\nsummary;x=\"a;b:c\";LANGUAGE=de:Gr\u{fc}n\r\n  und\r\n\t blau\r\n\r\nX-A:1\n";
        let read = lines(text.as_bytes()).unwrap();
        let told: Vec<_> = read
            .iter()
            .map(|line| (line.number, line.name.as_str(), line.value.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (1, "BEGIN", "VCALENDAR"),
                (2, "SUMMARY", "Gr\u{fc}n und blau"),
                (6, "X-A", "1"),
            ]
        );
        assert_eq!(read[1].parameter("X"), Some("a;b:c"));
        assert_eq!(read[1].parameter("LANGUAGE"), Some("de"));
    }

    #[test]
    fn a_fold_may_stand_inside_a_character() {
        let read = lines(b"\xef\xbb\xbfSUMMARY:\xc3\r\n \xbcber").unwrap();
        assert_eq!(read[0].value, "\u{fc}ber");
    }

    #[test]
    fn what_is_no_line_is_told_with_its_number() {
        for (bytes, line) in [
            (&b"A:1\nnothing\n"[..], 2),
            (b"A:1\n\nB;X=1\n", 3),
            (b"A:1\r\nB;X:1", 2),
            (b":1", 1),
            (b"A:1\nB:\xff\n", 2),
            (b"A;X=\"1:2", 1),
        ] {
            assert_eq!(lines(bytes).unwrap_err().line, line, "{bytes:?}");
        }
    }
}
