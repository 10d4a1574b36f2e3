//! Every form that the page has, out of the table of access, and answers that each of them takes:
//! a command that is added is among them by itself.

use patchward_collector::account::access::RULES;
use patchward_collector::web::form::call::{Answer, Answers, command};
use patchward_collector::web::form::{Field, Form, Kind};
use std::collections::BTreeMap;

/// Words that fields of commands take, in the order in which they are tried.
const WORDS: [&str; 18] = [
    "x",
    "1",
    "standard",
    "viewer",
    "x=1",
    "2040-01-01T00:00:00Z",
    "2040-01-01",
    "30d",
    "2h",
    "in_use",
    "device",
    "htm",
    "true",
    "10.0.0.0/8",
    "https://a.example/",
    "a@b.example",
    "0123456789abcdef",
    "0 2 * * *",
];
/// A file that can be read, in the place of one that a browser sent.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
/// What stands in a file that is sent.
pub(super) const IN_FILE: &str = "nothing of use";
/// Words that are no good anywhere, and what of them no page has in it.
pub(super) const HOSTILE: [(&str, &str); 5] = [
    ("\"><script>alert(1)</script>", "<script>alert"),
    ("<img src=x onerror=alert(1)>", "<img src=x"),
    ("x'; DROP TABLE units; --", "no page has this"),
    ("a\r\nSet-Cookie: stolen=1", "no page has this"),
    ("../../etc/passwd", "root:x:0"),
];

/// Answers to a form.
pub(super) type Fitting = Vec<(String, String)>;

pub(super) fn forms() -> Vec<&'static Form> {
    let forms = RULES.iter().map(|rule| Form::of(rule.path).unwrap());
    forms.collect()
}

fn words(field: &Field) -> Vec<String> {
    match &field.kind {
        Kind::Choice(words) => words.clone(),
        Kind::Flag => vec!["yes".to_owned()],
        Kind::File => vec![IN_FILE.to_owned()],
        Kind::Line | Kind::Address => WORDS.map(str::to_owned).to_vec(),
    }
}

/// Answers that a form takes, as far as these alone tell; none where no known word fits.
pub(super) fn fitting(form: &Form) -> Option<Fitting> {
    fitting_with(form, &[])
}

/// The same with these among them; none where they do not go with the form, or not together.
pub(super) fn fitting_with(form: &Form, given: &[(&str, &str)]) -> Option<Fitting> {
    let is_given = |field: &Field| given.iter().any(|(name, _)| *name == field.name);
    let needed = form.fields.iter().filter(|field| field.required);
    let needed = needed.filter(|field| !is_given(field));
    let mut tried: BTreeMap<&str, usize> = needed.map(|field| (&*field.name, 0)).collect();
    let owned = |(name, word): (&str, &str)| (name.to_owned(), word.to_owned());
    loop {
        let mut answers: Fitting = given.iter().copied().map(owned).collect();
        for (name, nth) in &tried {
            let word = words(form.field(name)?).get(*nth)?.clone();
            answers.push(owned((name, &word)));
        }
        let wrong = match command(form, &read(form, &answers)) {
            Ok(_) => return Some(answers),
            Err(mistake) => form.field(&mistake.field?)?,
        };
        if is_given(wrong) {
            return None;
        }
        let nth = tried.get(&*wrong.name).map_or(0, |nth| nth + 1);
        tried.insert(&wrong.name, nth);
    }
}

/// Answers as the page reads them.
fn read(form: &Form, answers: &Fitting) -> Answers {
    let mut read = Answers::new();
    for (name, word) in answers {
        let is_file = form.field(name).is_some_and(|it| it.kind == Kind::File);
        let answer = match is_file {
            true => Answer::File {
                name: "file".to_owned(),
                path: FILE.into(),
            },
            false => Answer::Text(word.clone()),
        };
        read.entry(name.clone()).or_default().push(answer);
    }
    read
}

pub(super) fn pairs(answers: &Fitting) -> Vec<(&str, &str)> {
    let pairs = answers.iter();
    pairs
        .map(|(name, word)| (name.as_str(), word.as_str()))
        .collect()
}

/// What a person adds who has read what will happen.
pub(super) fn meant(form: &str) -> [(&str, &str); 3] {
    [("_form", form), ("_confirmed", "yes"), ("_why", "a test")]
}
