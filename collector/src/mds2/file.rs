//! Answers out of a file: CSV or XLSX, in the form of HN 1-2019 or with columns added or
//! moved. A row is found by the number of its question; which column answers is told by
//! what stands in it.

use super::answer::{Answer, Answers, Given};
use super::{date, question};
use crate::sheet::{Sheet, SheetError, csv, xlsx};

/// Longest cell that tells which column has the answers: longer ones are questions.
const SHORT_CELL_BYTES: usize = 40;
/// Longest note that is kept; the file keeps all of it.
const MAX_NOTE_CHARS: usize = 1_000;

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The vendor (DOC-1).
    pub manufacturer: String,
    /// The device's model, as the vendor calls it (DOC-3).
    pub device_model: String,
    /// The document's number (DOC-4).
    pub document_id: String,
    /// The day of its release (DOC-7), `YYYY-MM-DD`.
    pub released_on: Option<String>,
    /// DOC-7 as it stands there, where it is no day that means one thing.
    pub unread_date: Option<String>,
    /// The answers.
    pub answers: Answers,
    /// Numbers that HN 1-2019 does not have, in the sections that we read.
    pub unknown: Vec<String>,
    /// How the file was read.
    pub read_as: String,
}

/// Why a file has no answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is no table.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// No question of ours stands in it.
    #[error(
        "no question of HN 1-2019 was found (numbers such as CSUP-2.1); forms of 2013 and 2008 ask otherwise: ask the vendor for the form of 2019"
    )]
    NoQuestions,
    /// The questions stand there without answers.
    #[error("the questions are there, and none is answered; ask the vendor for the filled form")]
    NoAnswers,
}

/// Reads a file.
///
/// # Errors
/// Where it is no table, or has no answers.
pub fn read(bytes: &[u8]) -> Result<Document, FileError> {
    let sheets = match xlsx::is_workbook(bytes) {
        true => xlsx::read(bytes)?,
        false => vec![csv::read(bytes, None, None)?],
    };
    let mut found = Found::default();
    let mut read_as = Vec::new();
    for sheet in &sheets {
        if found.take(sheet) {
            read_as.push(sheet.read_as.clone());
        }
    }
    if found.questions == 0 {
        return Err(FileError::NoQuestions);
    }
    if found.answers.given.is_empty() {
        return Err(FileError::NoAnswers);
    }
    Ok(found.document(read_as.join("; ")))
}

#[derive(Default)]
struct Found {
    /// How many questions of ours were there, answered or not.
    questions: usize,
    answers: Answers,
    about: std::collections::BTreeMap<String, String>,
    unknown: Vec<String>,
}

impl Found {
    /// Takes what a sheet has; whether it has any question.
    fn take(&mut self, sheet: &Sheet) -> bool {
        let rows = sheet.rows.iter().filter_map(|row| {
            let ids = row.cells.iter().enumerate();
            let (at, id) = ids
                .filter_map(|(at, cell)| Some((at, question::id(cell)?)))
                .next()?;
            Some((at, id, &row.cells))
        });
        let rows: Vec<_> = rows.collect();
        let column = answers(&rows);
        for (at, id, cells) in &rows {
            let cell = |at: usize| cells.get(at).map_or("", String::as_str);
            if id.starts_with("DOC-") {
                let after = (at + 1..cells.len()).rev().map(cell);
                let said = column.map(cell).filter(|said| !said.is_empty());
                let said = said.or_else(|| after.clone().find(|cell| !cell.is_empty()));
                let said = shown(said.unwrap_or_default());
                self.about.entry(id.clone()).or_insert(said);
                continue;
            }
            let ours = ["CSUP-", "RDMP-", "SBOM-", "SAHD-"];
            if !ours.iter().any(|section| id.starts_with(section)) {
                continue;
            }
            if question::asks(id).is_none() {
                self.unknown.push(id.clone());
                continue;
            }
            self.questions += 1;
            if let Some(column) = column {
                self.answer(id, cell(column), cell(column + 1));
            }
        }
        !rows.is_empty()
    }

    fn answer(&mut self, id: &str, said: &str, note: &str) {
        let Some(answer) = Answer::read(said) else {
            return;
        };
        if self.answers.twice.iter().any(|one| one == id) {
            return;
        }
        let given = Given {
            answer,
            note: shown(note),
        };
        match self.answers.given.get(id) {
            Some(before) if before.answer != answer => {
                self.answers.given.remove(id);
                self.answers.twice.push(id.to_owned());
            }
            Some(_) => {}
            None => drop(self.answers.given.insert(id.to_owned(), given)),
        }
    }

    fn document(mut self, read_as: String) -> Document {
        let mut said = |id: &str| self.about.remove(id).unwrap_or_default();
        let day = said("DOC-7");
        let released_on = date::read(&day).map(|day| day.to_string());
        self.unknown.sort();
        self.unknown.dedup();
        Document {
            manufacturer: said("DOC-1"),
            device_model: said("DOC-3"),
            document_id: said("DOC-4"),
            unread_date: (released_on.is_none() && !day.is_empty()).then_some(day),
            released_on,
            answers: self.answers,
            unknown: self.unknown,
            read_as,
        }
    }
}

/// A vendor's text as it may be shown: bounded, and without what steers a terminal.
fn shown(text: &str) -> String {
    let harmless = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(harmless).take(MAX_NOTE_CHARS).collect()
}

/// The column right of the numbers in which most rows have an answer.
fn answers(rows: &[(usize, String, &Vec<String>)]) -> Option<usize> {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for (at, _, cells) in rows {
        for (column, cell) in cells.iter().enumerate().skip(at + 1) {
            if cell.len() <= SHORT_CELL_BYTES && Answer::read(cell).is_some() {
                *counts.entry(column).or_default() += 1;
            }
        }
    }
    // Of two with as many, the one further left: the other has notes.
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(column, _)| column)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "MDS2 form;;;\n\
        DOC-1;Manufacturer Name;Acme;\n\
        DOC-3;Device Model;Scope 9;\n\
        DOC-4;Document ID;M-17;\n\
        DOC-7;Document Release Date;20.03.2026;\n\
        CSUP;PRODUCT UPGRADES;;\n\
        CSUP-1;May it need updates?;Yes;\n\
        CSUP-2;Operating system?;Yes;Linux, see guide\n\
        CSUP-2.1;Instructions?;See Note;\"No, but\nask us\"\n\
        CSUP-2.2;Vendor?;;\n\
        CSUP-99;New?;Yes;\n\
        MLDP-1;Hosts software?;No;\n\
        SHAD-15;Boot loader?;No;\n";

    #[test]
    fn a_form_is_read_by_its_numbers() {
        let read = read(FORM.as_bytes()).unwrap();
        assert_eq!(
            (read.device_model.as_str(), read.document_id.as_str()),
            ("Scope 9", "M-17")
        );
        assert_eq!(read.released_on.as_deref(), Some("2026-03-20"));
        let answers = &read.answers;
        assert_eq!(answers.of("CSUP-1"), Some(Answer::Yes));
        assert_eq!(answers.of("CSUP-2.1"), Some(Answer::SeeNote));
        assert_eq!(answers.given["CSUP-2.1"].note, "No, but ask us");
        assert_eq!(answers.of("CSUP-2.2"), None, "a note is no answer");
        assert_eq!(answers.of("SAHD-15"), Some(Answer::No));
        assert_eq!(answers.of("MLDP-1"), None);
        assert_eq!(read.unknown, ["CSUP-99"]);
    }

    #[test]
    fn two_answers_to_one_question_are_none() {
        let text = "CSUP-1;a;Yes;\nCSUP-2;b;Yes;\nCSUP-2;b;No;\nCSUP-2;b;Yes;\nCSUP-1;a;Yes\n";
        let read = read(text.as_bytes()).unwrap().answers;
        assert_eq!(
            (read.of("CSUP-2"), read.of("CSUP-1")),
            (None, Some(Answer::Yes))
        );
        assert_eq!(read.twice, ["CSUP-2"]);
    }

    #[test]
    fn what_has_no_answers_is_refused() {
        let of = |text: &str| read(text.as_bytes()).unwrap_err();
        assert_eq!(
            of("6-1;Can the owner install?;Yes\n"),
            FileError::NoQuestions
        );
        assert_eq!(of("CSUP-1;a;____\nCSUP-2;b;\n"), FileError::NoAnswers);
        assert_eq!(of(" \n"), FileError::Sheet(SheetError::Empty));
        let broken = read(b"PK\x03\x04 not a workbook").unwrap_err();
        assert!(matches!(broken, FileError::Sheet(SheetError::Workbook(_))));
    }
}
