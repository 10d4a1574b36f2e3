//! What a browser sends with a form: within limits, its files in a folder that vanishes.

use super::call::{Answer, Answers};
use super::{Form, Kind};
use crate::command::file::MAX_FILE_BYTES;
use crate::control::Failure;
use crate::web::show::listing::Query;
use axum::extract::multipart::{Field, Multipart};
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

/// Most bytes in one field of words: the text of a safety notice.
const MAX_WORDS: usize = 64 * 1024;
/// Most fields: a list of machines, one a line, is one.
const MAX_FIELDS: usize = 500;
/// Most answers that one field may have, one a line.
const MAX_LINES: usize = 5_000;
/// Most bytes of all that comes with one form: its files and what stands around them.
pub const MAX_POST_BYTES: usize = 2 * MAX_FILE_BYTES as usize;

/// What came.
pub struct Posted {
    /// What stands in the form's fields.
    pub answers: Answers,
    /// What the page itself adds: its token, whether it was confirmed.
    pub own: BTreeMap<String, String>,
    /// Where the files lie; they vanish with it.
    _folder: TempDir,
}

impl Posted {
    /// Takes the folders of files out of a sentence: who sent `list.csv` knows it as that.
    pub fn without_folder(&self, text: &str) -> String {
        let files = self.answers.values().flatten();
        let folders = files.filter_map(|answer| match answer {
            Answer::File { path, .. } => path.parent(),
            Answer::Text(_) => None,
        });
        folders.fold(text.to_owned(), |text, folder| {
            text.replace(&format!("{}/", folder.display()), "")
        })
    }
}

/// Reads what a browser sent for `form`. Names that begin with `_` are the page's own.
pub async fn read(form: Option<&Form>, mut body: Multipart) -> Result<Posted, Failure> {
    let folder = tempfile::Builder::new().prefix("patchward-form-").tempdir();
    let folder = folder.map_err(|error| {
        Failure::unavailable(format!("files cannot be taken now: {error}; tell IT"))
    })?;
    let mut posted = Posted {
        answers: Answers::new(),
        own: BTreeMap::new(),
        _folder: folder,
    };
    let mut count = 0;
    while let Some(field) = body.next_field().await.map_err(unreadable)? {
        count += 1;
        if count > MAX_FIELDS {
            return Err(Failure::input(format!(
                "a form has at most {MAX_FIELDS} fields"
            )));
        }
        let name = field.name().unwrap_or_default().to_owned();
        if name.starts_with('_') {
            posted.own.insert(name, words(field).await?);
            continue;
        }
        let known = form.and_then(|form| form.field(&name));
        let is_file = known.is_some_and(|field| field.kind == Kind::File);
        let many = known.is_some_and(|field| field.many);
        if is_file {
            if let Some(file) = file(field, posted._folder.path(), count).await? {
                posted.answers.entry(name).or_default().push(file);
            }
            continue;
        }
        add(&mut posted.answers, name, &words(field).await?, many)?;
    }
    Ok(posted)
}

/// What an address says in a form's fields.
pub fn in_address(form: &Form, query: &Query) -> Result<Answers, Failure> {
    let mut answers = Answers::new();
    for (name, text) in &query.parts {
        if let Some(field) = form.field(name) {
            add(&mut answers, name.clone(), text, field.many)?;
        }
    }
    Ok(answers)
}

/// An empty field says nothing; a field for several answers has one a line.
pub fn add(answers: &mut Answers, name: String, text: &str, many: bool) -> Result<(), Failure> {
    let lines: Vec<&str> = match many {
        true => text.lines().map(str::trim).collect(),
        false => vec![text.trim()],
    };
    let given = answers.entry(name.clone()).or_default();
    for line in lines.into_iter().filter(|line| !line.is_empty()) {
        if given.len() >= MAX_LINES {
            return Err(Failure::input(format!(
                "{name} has at most {MAX_LINES} lines"
            )));
        }
        given.push(Answer::Text(line.to_owned()));
    }
    if given.is_empty() {
        answers.remove(&name);
    }
    Ok(())
}

async fn words(mut field: Field<'_>) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
        if bytes.len() + chunk.len() > MAX_WORDS {
            return Err(Failure::input(format!(
                "a field holds at most {MAX_WORDS} bytes"
            )));
        }
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(bytes);
    text.map_err(|_| Failure::input("a field is not UTF-8; nothing was changed"))
}

/// A file in the folder, under a name that says nothing but which one it is. A field that
/// was left alone is no file.
async fn file(
    mut field: Field<'_>,
    folder: &Path,
    number: usize,
) -> Result<Option<Answer>, Failure> {
    let name = safe(field.file_name().unwrap_or_default());
    let within = folder.join(number.to_string());
    let no_room = |error: std::io::Error| {
        Failure::unavailable(format!("the file cannot be taken: {error}; tell IT"))
    };
    tokio::fs::create_dir(&within).await.map_err(no_room)?;
    let path = within.join(&name);
    let mut file = tokio::fs::File::create(&path).await.map_err(no_room)?;
    let mut length = 0_u64;
    while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
        length += chunk.len() as u64;
        if length > MAX_FILE_BYTES {
            return Err(Failure::input(format!(
                "{name} is larger than {} MiB, so it is none of the files that are taken here",
                MAX_FILE_BYTES / 1024 / 1024
            )));
        }
        file.write_all(&chunk).await.map_err(no_room)?;
    }
    file.flush().await.map_err(no_room)?;
    let left_alone = length == 0 && name == "file";
    Ok((!left_alone).then_some(Answer::File { name, path }))
}

/// The last part of a file's name, of harmless characters.
fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' '))
        .take(100)
        .collect();
    let kept = kept.trim_matches(['.', ' ']).to_owned();
    match kept.is_empty() {
        true => "file".to_owned(),
        false => kept,
    }
}

fn unreadable(error: axum::extract::multipart::MultipartError) -> Failure {
    Failure::input(format!(
        "the form did not arrive whole ({error}); nothing was changed"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cannot_choose_where_it_lies() {
        assert_eq!(safe("../../etc/passwd"), "passwd");
        assert_eq!(safe("C:\\lists\\assets 1.csv"), "assets 1.csv");
        assert_eq!(safe(".."), "file");
        assert_eq!(safe("a\0b\n.csv"), "ab.csv");
        assert_eq!(safe(&"x".repeat(500)).len(), 100);
    }

    #[test]
    fn lines_are_answers_and_nothing_is_none() {
        let mut answers = Answers::new();
        add(&mut answers, "units".into(), " icu-3 \n\nor-1\n", true).unwrap();
        add(&mut answers, "title".into(), "  ", false).unwrap();
        assert_eq!(answers["units"].len(), 2);
        assert!(!answers.contains_key("title"));
        let many = "x\n".repeat(MAX_LINES + 1);
        assert!(add(&mut answers, "machines".into(), &many, true).is_err());
    }
}
