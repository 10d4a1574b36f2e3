//! The tree of sources, and Rust as far as the rules need it: code without comments and
//! strings, without its tests, and the paths that it names.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The top folder of the project.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in the workspace")
}

/// Every file that is committed, or would be with `git add --all`, relative to the top.
pub(super) fn files() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .args(["--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files; install it");
    assert!(
        listed.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&listed.stderr)
    );
    let names = String::from_utf8(listed.stdout).expect("our file names are UTF-8");
    let files = names.split_terminator('\0').map(PathBuf::from);
    // A file that was deleted and not yet committed is listed too.
    let files: Vec<_> = files.filter(|path| root().join(path).is_file()).collect();
    assert!(files.len() > 100, "only {} files were found", files.len());
    files
}

/// One Rust file.
pub(super) struct Source {
    /// Relative to the top, with `/`.
    pub(super) path: String,
    /// As it stands.
    pub(super) text: String,
    /// Comments, strings and characters blanked; lines stay where they are.
    pub(super) code: String,
    /// `code` with the items under `#[cfg(test)]` blanked too.
    pub(super) shipped: String,
}

/// Every Rust file of the workspace.
pub(super) fn sources() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(root().join(&path)).expect("sources are UTF-8");
            Source::of(&path.to_string_lossy(), &text)
        };
        files().into_iter().filter(rust).map(read).collect()
    });
    &SOURCES
}

impl Source {
    /// Reads the text of a file.
    pub(super) fn of(path: &str, text: &str) -> Self {
        let code = without_texts(text);
        let shipped = without_tests(&code);
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            shipped,
        }
    }

    /// Whether the whole file is test code.
    pub(super) fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        parts.contains(&"tests") || parts.contains(&"tests.rs")
    }

    /// Whether the path is one of `places`: a file, or everything in a folder and the
    /// file of the same name beside it.
    pub(super) fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            let folder = place.strip_suffix(".rs").unwrap_or(place);
            self.path == *place
                || self.path.strip_prefix(folder) == Some(".rs")
                || self.path.starts_with(&format!("{folder}/"))
        })
    }

    /// Every path that the shipped code names, with its line: `use` trees written out,
    /// `super` resolved to `crate`.
    pub(super) fn paths(&self) -> Vec<(usize, String)> {
        paths(&self.shipped)
            .into_iter()
            .map(|(line, path)| (line, resolved(&path, &module_of(&self.path))))
            .collect()
    }
}

/// The module that a file is: `store/journal.rs` is `[store, journal]`.
fn module_of(path: &str) -> Vec<String> {
    let inner = path.rsplit_once("src/").map_or(path, |(_, inner)| inner);
    let stem = inner.strip_suffix(".rs").unwrap_or(inner);
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    let parts = stem
        .split('/')
        .filter(|part| !matches!(*part, "lib" | "main"));
    parts.map(str::to_owned).collect()
}

fn resolved(path: &str, module: &[String]) -> String {
    let ups = path.split("::").take_while(|part| *part == "super").count();
    if ups == 0 {
        return path.to_owned();
    }
    let above = &module[..module.len().saturating_sub(ups)];
    let rest = path.split("::").skip(ups).map(str::to_owned);
    let parts = std::iter::once("crate".to_owned()).chain(above.iter().cloned());
    parts.chain(rest).collect::<Vec<_>>().join("::")
}

/// Blanks comments, strings and characters, so that braces and words left are code.
pub(super) fn without_texts(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = text_length(rest, code.chars().last());
        let (taken, left) = rest.split_at(length.unwrap_or(first.len_utf8()));
        match length {
            Some(_) => code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' })),
            None => code.push_str(taken),
        }
        rest = left;
    }
    code
}

/// The length of the comment, string or character with which `rest` begins.
fn text_length(rest: &str, before: Option<char>) -> Option<usize> {
    let is_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if let Some(raw) = rest
        .strip_prefix('r')
        .filter(|_| !is_word || before == Some('b'))
    {
        let marks = raw.len() - raw.trim_start_matches('#').len();
        if raw[marks..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(marks));
            let body = &raw[marks + 1..];
            let body_length = body.find(&end).map_or(body.len(), |at| at + end.len());
            return Some(1 + marks + 1 + body_length);
        }
    }
    if rest.starts_with('"') {
        return Some(quoted(rest, '"'));
    }
    // `'a'` is a character, `'a` alone a lifetime.
    let character = rest.strip_prefix('\'')?;
    let is_character = character.starts_with('\\') || character.chars().nth(1) == Some('\'');
    is_character.then(|| quoted(rest, '\''))
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = true; // The opening quote closes nothing.
    for (at, c) in rest.char_indices() {
        if escaped {
            escaped = false;
        } else if c == quote {
            return at + 1;
        } else {
            escaped = c == '\\';
        }
    }
    rest.len()
}

/// Blanks every item under `#[cfg(test)]` in code without texts.
pub(super) fn without_tests(code: &str) -> String {
    let mut shipped = code.to_owned();
    while let Some(start) = shipped.find("#[cfg(test)]") {
        let end = start + item_length(&shipped[start..]);
        let blank: String = shipped[start..end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        shipped.replace_range(start..end, &blank);
    }
    shipped
}

/// The length of the item at the start of `code`: up to the brace that closes it, or to
/// its semicolon.
pub(super) fn item_length(code: &str) -> usize {
    let (mut braces, mut others) = (0usize, 0usize);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => others += 1,
            ')' | ']' => others = others.saturating_sub(1),
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 && others == 0 {
                    return at + 1;
                }
            }
            ';' if braces == 0 && others == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Every path in code: those of `use` trees written out, and `a::b` elsewhere.
pub(super) fn paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let (mut at, mut line) = (0, 1);
    while let Some(offset) = code[at..].find(is_part) {
        let start = at + offset;
        let word = code[start..]
            .split(|c| !is_part(c))
            .next()
            .unwrap_or_default();
        line += code[at..start].matches('\n').count();
        at = start + word.len();
        if word == "use" {
            let tree = code[at..].split(';').next().unwrap_or_default();
            let compact: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
            flatten("", &compact, &mut |path| found.push((line, path)));
            line += tree.matches('\n').count();
            at += tree.len();
        } else if word.contains("::") {
            found.push((line, word.trim_matches(':').to_owned()));
        }
    }
    found
}

/// Writes out a `use` tree.
fn flatten(prefix: &str, tree: &str, take: &mut dyn FnMut(String)) {
    let tree = tree.trim();
    let tree = tree.strip_prefix("::").unwrap_or(tree);
    let Some((head, branches)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        if !path.is_empty() {
            let path = format!("{prefix}{path}");
            take(path.strip_suffix("::self").unwrap_or(&path).to_owned());
        }
        return;
    };
    let head = format!("{prefix}{}", head.trim());
    let branches = branches.trim_end().strip_suffix('}').unwrap_or(branches);
    let (mut depth, mut start) = (0, 0);
    for (at, c) in branches.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                flatten(&head, &branches[start..at], take);
                start = at + 1;
            }
            _ => {}
        }
    }
    flatten(&head, &branches[start..], take);
}

#[test]
fn texts_and_tests_are_no_code() {
    let text = "let a = \"std::fs {\"; // tokio::x\nlet b = '{'; fn c<'a>() {}\n/* sqlx */ r#\"\"}\"#\n\
                #[cfg(test)]\nmod tests { fn d() { quinn::e(); } }\nlet f = b'\\''; g::h();";
    let source = Source::of("common/src/a.rs", text);
    assert_eq!(source.text.lines().count(), source.shipped.lines().count());
    assert_eq!(source.paths(), [(6, "g::h".to_owned())]);
    assert!(source.code.contains("quinn::e"));
}

#[test]
fn use_trees_are_written_out() {
    let code = "use std::{fs::{self, File}, net::IpAddr as Ip};\npub use super::super::web;\nx(super::y::Z)";
    let source = Source::of("collector/src/store/journal.rs", code);
    let found: Vec<String> = source.paths().into_iter().map(|(_, path)| path).collect();
    let expected = [
        "std::fs",
        "std::fs::File",
        "std::net::IpAddr",
        "crate::web",
        "crate::store::y::Z",
    ];
    assert_eq!(found, expected);
}
