//! Bytes of a text file as text. Programs that write CSV rarely say in which encoding.

use super::{MAX_SHEET_BYTES, SheetError};
use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

/// An encoding that a person can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without its mark.
    Utf8,
    /// Windows' Western European one.
    Cp1252,
}

impl std::str::FromStr for Encoding {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "cp1252" | "windows-1252" | "ansi" => Ok(Self::Cp1252),
            _ => Err("an encoding is utf-8 or cp1252".to_owned()),
        }
    }
}

/// The text of a file and the encoding's name. Where none is asked for: by its mark, else
/// UTF-8 where the bytes are, else cp1252.
///
/// # Errors
/// Where the file is empty, too large, or not in the encoding that was asked for.
pub fn decode(bytes: &[u8], asked: Option<Encoding>) -> Result<(String, &'static str), SheetError> {
    if bytes.len() > MAX_SHEET_BYTES {
        return Err(SheetError::TooLarge);
    }
    let (text, name) = match (asked, bytes) {
        (Some(Encoding::Cp1252), _) => (cp1252(bytes), "cp1252"),
        (_, [0xef, 0xbb, 0xbf, rest @ ..]) => (utf8(rest)?, "UTF-8 with its mark"),
        (None, [0xff, 0xfe, rest @ ..]) => (UTF_16LE.decode(rest).0.into_owned(), "UTF-16"),
        (None, [0xfe, 0xff, rest @ ..]) => (UTF_16BE.decode(rest).0.into_owned(), "UTF-16"),
        (Some(Encoding::Utf8), _) => (utf8(bytes)?, "UTF-8"),
        (None, _) => match utf8(bytes) {
            Ok(text) => (text, "UTF-8"),
            Err(_) => (cp1252(bytes), "cp1252"),
        },
    };
    match text.trim().is_empty() {
        true => Err(SheetError::Empty),
        false => Ok((text, name)),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, SheetError> {
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|error| SheetError::NotUtf8(error.valid_up_to()))?;
    Ok(text.to_owned())
}

fn cp1252(bytes: &[u8]) -> String {
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_told_or_asked_for() {
        for (bytes, asked, text, name) in [
            (&b"a\xc3\xa4"[..], None, "a\u{e4}", "UTF-8"),
            (
                b"\xef\xbb\xbfa\xc3\xa4",
                None,
                "a\u{e4}",
                "UTF-8 with its mark",
            ),
            (b"Ger\xe4t \x80", None, "Ger\u{e4}t \u{20ac}", "cp1252"),
            (b"\xff\xfea\0\xe4\0", None, "a\u{e4}", "UTF-16"),
            // What is UTF-8 by chance can be asked for otherwise.
            (
                b"\xc3\xa4",
                Some(Encoding::Cp1252),
                "\u{c3}\u{a4}",
                "cp1252",
            ),
        ] {
            assert_eq!(decode(bytes, asked), Ok((text.to_owned(), name)));
        }
        let asked = Some(Encoding::Utf8);
        assert_eq!(decode(b"a\xe4", asked), Err(SheetError::NotUtf8(1)));
        assert_eq!(decode(b"\xef\xbb\xbf \r\n", None), Err(SheetError::Empty));
        let large = vec![b'a'; MAX_SHEET_BYTES + 1];
        assert_eq!(decode(&large, None), Err(SheetError::TooLarge));
    }
}
