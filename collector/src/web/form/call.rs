//! What somebody filled in, as the command that it is. The command line's own reader decides
//! what is right, so a page refuses what a terminal refuses, in the same words.

use super::{Field, Form, Kind, TREE, WAYS};
use crate::command::Command;
use clap::FromArgMatches as _;
use clap::error::{ContextKind, ContextValue};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What stands in one field.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Words.
    Text(String),
    /// A file that was sent, and where it lies until the command has read it.
    File {
        /// What the person's computer calls it.
        name: String,
        /// Where it lies here.
        path: PathBuf,
    },
}

/// What stands in the fields of a form.
pub type Answers = BTreeMap<String, Vec<Answer>>;

/// Why answers are no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The field, where it is one field's.
    pub field: Option<String>,
    /// What is wrong and what is right.
    pub text: String,
}

/// The words of a field.
pub fn texts<'a>(answers: &'a Answers, name: &str) -> Vec<&'a str> {
    let given = answers.get(name).into_iter().flatten();
    given
        .filter_map(|answer| match answer {
            Answer::Text(text) => Some(text.as_str()),
            Answer::File { .. } => None,
        })
        .collect()
}

/// The command that the answers are.
pub fn command(form: &Form, answers: &Answers) -> Result<Command, Mistake> {
    if let Some(unknown) = answers.keys().find(|name| form.field(name).is_none()) {
        return Err(Mistake {
            field: None,
            text: format!("There is no field \"{unknown}\" here; nothing was changed."),
        });
    }
    let line = line(form, answers)?;
    let mut tree = WAYS.get(form.path).unwrap_or(&TREE).clone();
    let read = tree
        .try_get_matches_from_mut(line)
        .and_then(|matches| Command::from_arg_matches(&matches));
    read.map_err(|error| mistake(form, &error))
}

/// The command line: options with their values in one word each, so that no answer can pass
/// for an option.
fn line(form: &Form, answers: &Answers) -> Result<Vec<OsString>, Mistake> {
    let mut line: Vec<OsString> = form.path.split(' ').map(OsString::from).collect();
    if form.gives_file {
        line.push("--out=download".into());
    }
    every_place(form, answers)?;
    let mut places: Vec<OsString> = Vec::new();
    for field in &form.fields {
        for answer in answers.get(&field.name).into_iter().flatten() {
            let value: OsString = match (answer, &field.kind) {
                (Answer::File { path, .. }, Kind::File) => path.into(),
                (Answer::Text(text), Kind::File) => {
                    return Err(Mistake {
                        field: Some(field.name.clone()),
                        text: format!("send the file itself, not \"{text}\""),
                    });
                }
                (Answer::File { .. }, _) => {
                    return Err(Mistake {
                        field: Some(field.name.clone()),
                        text: "words are asked for here, not a file".to_owned(),
                    });
                }
                (Answer::Text(text), Kind::Address) if !is_address(text) => {
                    return Err(Mistake {
                        field: Some(field.name.clone()),
                        text: "write an address that begins with https:// or http://; a folder of \
                               the collector's own computer is named there"
                            .to_owned(),
                    });
                }
                (Answer::Text(text), _) => text.into(),
            };
            match (&field.long, &field.kind) {
                (Some(long), Kind::Flag) => line.push(format!("--{long}").into()),
                (Some(long), _) => {
                    let mut option = OsString::from(format!("--{long}="));
                    option.push(value);
                    line.push(option);
                }
                (None, _) => places.push(value),
            }
        }
    }
    line.push("--".into());
    line.extend(places);
    Ok(line)
}

/// Refuses answers that leave out a field of the command line's places while a later one is given, or
/// give two where one has its place: an answer would slip into the place of another field, and mean
/// what nobody asked whether they may.
fn every_place(form: &Form, answers: &Answers) -> Result<(), Mistake> {
    let count = |field: &Field| answers.get(&field.name).map_or(0, Vec::len);
    let is_given = |field: &&Field| count(field) > 0;
    let places = form.fields.iter().filter(|field| field.has_place());
    let places: Vec<&Field> = places.collect();
    if let Some(twice) = places.iter().find(|one| !one.many && count(one) > 1) {
        return Err(Mistake {
            field: Some(twice.name.clone()),
            text: format!("{} is there twice, and only one is taken", twice.label),
        });
    }
    let Some(first) = places.iter().position(|field| !is_given(field)) else {
        return Ok(());
    };
    let missing = places[first];
    match missing.required || places[first..].iter().any(is_given) {
        false => Ok(()),
        true => Err(Mistake {
            field: Some(missing.name.clone()),
            text: format!("{} is missing: {}", missing.label, missing.help),
        }),
    }
}

fn is_address(text: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

/// The reader's error as one sentence at one field.
fn mistake(form: &Form, error: &clap::Error) -> Mistake {
    let named = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(name)) => Some(name.as_str()),
        Some(ContextValue::Strings(names)) => names.first().map(String::as_str),
        _ => None,
    };
    let field = named.and_then(|named| {
        form.fields.iter().find(|field| match &field.long {
            Some(long) => named.split([' ', '=']).next() == Some(&format!("--{long}")),
            None => {
                let bare = named.trim_matches(['<', '>', '[', ']', '.']).to_lowercase();
                bare == field.name || bare == field.name.trim_end_matches('s')
            }
        })
    });
    let whole = error.to_string();
    let first = whole.split("\n\n").next().unwrap_or_default();
    let text = first
        .trim()
        .trim_start_matches("error: ")
        .replace('\n', " ");
    let text = match (error.kind(), field) {
        (clap::error::ErrorKind::MissingRequiredArgument, Some(field)) => {
            format!("{} is missing: {}", field.label, field.help)
        }
        _ => text.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    Mistake {
        field: field.map(|field| field.name.clone()),
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::access::RULES;

    fn answers(pairs: &[(&str, &str)]) -> Answers {
        let mut answers = Answers::new();
        for (name, text) in pairs {
            let given = answers.entry((*name).to_owned()).or_default();
            given.push(Answer::Text((*text).to_owned()));
        }
        answers
    }

    fn read(path: &str, pairs: &[(&str, &str)]) -> Result<Command, Mistake> {
        command(Form::of(path).unwrap(), &answers(pairs))
    }

    #[test]
    fn answers_become_the_command_that_a_terminal_would_send() {
        let unit = read(
            "unit add",
            &[("name", "icu-3"), ("site", "main"), ("class", "critical")],
        );
        assert!(matches!(unit, Ok(Command::Unit(_))), "{unit:?}");
        let plan = read(
            "plan new",
            &[("title", "A"), ("releases", "x=1"), ("releases", "y=2")],
        );
        assert!(
            format!("{plan:?}").contains(r#"["x=1", "y=2"]"#),
            "{plan:?}"
        );
    }

    #[test]
    fn no_answer_passes_for_an_option() {
        let hostile = read("unit remove", &[("name", "--help")]).unwrap_err();
        assert_eq!(hostile.field.as_deref(), Some("name"));
        let hostile = read("stop lift", &[("stop", "x"), ("reason", "--all")]).unwrap();
        assert!(format!("{hostile:?}").contains("--all"));
        let hostile = read("unit list", &[("folder", "/etc")]).unwrap_err();
        assert!(hostile.text.contains("no field"), "{hostile:?}");
    }

    /// What is left out has no other field's answer in its place, whose unit was asked instead.
    #[test]
    fn no_answer_slips_into_the_place_of_another() {
        for (path, given, missing) in [
            ("asset link", &[("machine", "pc-2")][..], "tag"),
            ("mds2 class", &[("class", "critical")], "product"),
            ("advisory alias add", &[("means", "x")], "name"),
            ("unit subnet add", &[("subnet", "10.0.0.0/8")], "unit"),
        ] {
            let bad = read(path, given).unwrap_err();
            assert_eq!(bad.field.as_deref(), Some(missing), "{path}: {bad:?}");
            assert!(bad.text.contains("is missing"), "{path}: {bad:?}");
        }
        let twice = [("tag", "CT-7"), ("tag", "pc-2")];
        let bad = read("asset link", &twice).unwrap_err();
        assert_eq!(bad.field.as_deref(), Some("tag"), "{bad:?}");
        // Only the last may be left out.
        assert!(read("asset link", &[("tag", "CT-7")]).is_ok());
        for rule in RULES {
            let form = Form::of(rule.path).unwrap();
            let places: Vec<_> = form.fields.iter().filter(|it| it.has_place()).collect();
            for (at, field) in places.iter().enumerate().skip(1) {
                let bad = read(form.path, &[(&field.name, "x")]).unwrap_err();
                let expected = Some(places[0].name.as_str());
                assert_eq!(bad.field.as_deref(), expected, "{} {at}", form.path);
            }
            for field in places.iter().filter(|field| !field.many) {
                let both = [(&*field.name, "x"), (&*field.name, "y")];
                let bad = read(form.path, &both).unwrap_err();
                assert_eq!(bad.field.as_ref(), Some(&field.name), "{}", form.path);
            }
        }
    }

    #[test]
    fn a_mistake_stands_at_its_field() {
        let bad = read("unit add", &[("name", "icu-3"), ("site", "main")]).unwrap_err();
        assert_eq!(bad.field.as_deref(), Some("class"), "{bad:?}");
        let bad = read(
            "unit add",
            &[("name", "A B"), ("site", "main"), ("class", "critical")],
        );
        let bad = bad.unwrap_err();
        assert_eq!(bad.field.as_deref(), Some("name"), "{bad:?}");
        assert!(bad.text.contains("a-z"), "{bad:?}");
        for (path, name) in [("asset import", "file"), ("advisory import", "files")] {
            let bad = read(path, &[(name, "/etc/passwd")]).unwrap_err();
            assert_eq!(bad.field.as_deref(), Some(name), "{bad:?}");
        }
        let sync = [("repository", "acme"), ("from", "/etc")];
        let bad = read("vendor sync", &sync).unwrap_err();
        assert_eq!(bad.field.as_deref(), Some("from"), "{bad:?}");
        let sync = [
            ("repository", "acme"),
            ("from", "https://vendor.example/tuf"),
        ];
        assert!(read("vendor sync", &sync).is_ok());
    }
}
