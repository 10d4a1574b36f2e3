//! Strict settings: an unknown key is an error that names the nearest known one.

use crate::nearest::nearest;
use serde::de::DeserializeOwned;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Largest settings file in bytes: the shipped ones have two thousand. A reader takes one
/// byte more, so that it can be told.
pub const MAX_SETTINGS_BYTES: usize = 256 * 1024;

/// Settings that were not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {problem}")]
pub struct BadSettings {
    /// Line of the file, from 1.
    pub line: usize,
    /// What is wrong, and what was probably meant.
    pub problem: String,
}

/// A settings file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct BadFile {
    path: PathBuf,
    problem: String,
}

/// Reads the settings in `named`, or where none is named in the `usual` file, without which the
/// defaults hold. `open` opens a file: nothing is opened here. `check` says what else is wrong.
///
/// # Errors
/// Where the file cannot be read, or says what cannot be.
pub fn load<T: DeserializeOwned + Default, R: Read>(
    named: Option<&Path>,
    usual: &str,
    open: impl FnOnce(&Path) -> std::io::Result<R>,
    check: impl FnOnce(&T) -> Result<(), String>,
) -> Result<T, BadFile> {
    let path = named.unwrap_or(Path::new(usual));
    let bad = |problem: String| BadFile {
        path: path.to_owned(),
        problem,
    };
    let bytes = match open(path).and_then(read) {
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => {
            return Ok(T::default());
        }
        read => read.map_err(|e| bad(format!("{e}; name the settings with --config FILE")))?,
    };
    let settings = parse_bytes(&bytes).map_err(|e| bad(e.to_string()))?;
    check(&settings).map_err(bad)?;
    Ok(settings)
}

/// Reads at most one byte more than settings may have.
///
/// # Errors
/// Those of the file.
pub fn read(file: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_SETTINGS_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Refuses paths that depend on where a program was started.
///
/// # Errors
/// The first of them, in words.
pub fn need_absolute(paths: &[(&str, &PathBuf)]) -> Result<(), String> {
    match paths.iter().find(|(_, path)| !path.is_absolute()) {
        Some((key, path)) => Err(format!("{key}: {path:?} must be absolute")),
        None => Ok(()),
    }
}

/// Reads TOML into a type that denies unknown fields.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, BadSettings> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        BadSettings {
            line: text
                .get(..start)
                .map_or(1, |before| before.matches('\n').count() + 1),
            problem: explain(error.message()),
        }
    })
}

/// Reads the bytes of a settings file into a type that denies unknown fields.
pub fn parse_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BadSettings> {
    if bytes.len() > MAX_SETTINGS_BYTES {
        return Err(BadSettings {
            line: 1,
            problem: format!(
                "the file is larger than {MAX_SETTINGS_BYTES} bytes, so it is no settings file"
            ),
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| BadSettings {
        line: bytes
            .iter()
            .take(error.valid_up_to())
            .filter(|byte| **byte == b'\n')
            .count()
            + 1,
        problem: "this is not UTF-8 text; save the file as UTF-8".to_owned(),
    })?;
    parse(text)
}

/// Serde lists every known key; a person wants the one that was meant.
fn explain(message: &str) -> String {
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match words.split_first() {
        Some((unknown, known)) if message.starts_with("unknown field") => {
            match nearest(unknown, known) {
                Some(meant) => format!("unknown key \"{unknown}\"; did you mean \"{meant}\"?"),
                None => format!("unknown key \"{unknown}\"; known are {}", known.join(", ")),
            }
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the names matter here")]
    struct Sample {
        listen: String,
        name: Option<String>,
    }

    fn problem(text: &str) -> String {
        parse::<Sample>(text).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_name_their_line_and_the_remedy() {
        assert_eq!(
            problem("name = \"a\"\nlisten_ = \"b\"\n"),
            "line 2: unknown key \"listen_\"; did you mean \"listen\"?"
        );
        assert_eq!(
            problem("listen = \"b\"\ncolour = 1\n"),
            "line 2: unknown key \"colour\"; known are listen, name"
        );
        assert!(problem("listen = 3\n").starts_with("line 1: invalid type"));
        assert!(problem("name = \"a\"\n").contains("missing field `listen`"));
        assert!(problem("listen = \"a\"\nlisten = \"b\"\n").starts_with("line 2: duplicate key"));
    }

    #[test]
    fn bytes_that_are_no_text_name_their_line() {
        let problem = |bytes: &[u8]| parse_bytes::<Sample>(bytes).unwrap_err().to_string();
        assert!(parse_bytes::<Sample>(b"listen = \"\xc3\xa4\"").is_ok());
        assert_eq!(
            problem(b"listen = \"a\"\n# Z\xfcrich\n"),
            "line 2: this is not UTF-8 text; save the file as UTF-8"
        );
        let large = vec![b'\n'; MAX_SETTINGS_BYTES];
        assert!(problem(&large).contains("missing field `listen`"));
        let larger = vec![b'\n'; MAX_SETTINGS_BYTES + 1];
        assert!(problem(&larger).contains("larger than 262144 bytes"));
    }

    /// A parser that recurses would end the program by its stack.
    #[test]
    fn deep_nesting_is_an_error_like_any_other() {
        for depth in [200, 100_000] {
            let arrays = ["[".repeat(depth), "]".repeat(depth)].concat();
            let tables = ["{a=".repeat(depth), "1".to_owned(), "}".repeat(depth)].concat();
            let dotted = vec!["a"; depth].join(".");
            for text in [
                format!("listen = {arrays}"),
                format!("name = {tables}"),
                format!("{dotted} = 1"),
                format!("[{dotted}]"),
            ] {
                assert!(problem(&text).starts_with("line 1: "), "{depth}");
            }
        }
    }

    #[test]
    fn control_characters_are_no_text() {
        for text in ["\0", "listen = \"a\0b\"", "listen = \"a\" \0", "\u{1b} = 1"] {
            assert!(problem(text).starts_with("line 1: "), "{text:?}");
        }
    }
}
