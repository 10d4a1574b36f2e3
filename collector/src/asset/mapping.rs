//! Which column of a file is which field: as a person said, as it was saved, or as its
//! heading tells.

use super::Field;
use patchward_common::id::Label;
use patchward_common::nearest::nearest;

/// What a person or a saved mapping says of one heading; `None` leaves the column out.
pub type Stated = (String, Option<Field>);

/// The columns of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Per column its heading, and the field that it is.
    pub columns: Vec<(String, Option<Field>)>,
}

/// Why the columns are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// A heading that is no line of text.
    #[error("the heading of column {0} {1}; correct it")]
    Heading(usize, String),
    /// A heading was named that the file does not have.
    #[error("the file has no column \"{heading}\"; its columns are {known}{meant}")]
    NoColumn {
        /// As it was named.
        heading: String,
        /// What there is.
        known: String,
        /// What may be meant.
        meant: String,
    },
    /// Two columns for one field.
    #[error(
        "both \"{first}\" and \"{second}\" may be the {}; say which with --map \"{first}={}\", or leave one out with --map \"{second}=-\"",
        .field.word(), .field.word()
    )]
    Twice {
        /// The field.
        field: Field,
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// Nothing tells what an asset is known by.
    #[error("no column is the asset tag; say which with --map \"COLUMN=tag\". The columns are {0}")]
    NoTag(String),
}

/// Reads `COLUMN=FIELD`; `COLUMN=-` leaves the column out.
pub fn stated(text: &str) -> Result<Stated, String> {
    let (heading, field) = text
        .rsplit_once('=')
        .ok_or_else(|| "write COLUMN=FIELD, or COLUMN=- to leave a column out".to_owned())?;
    match field {
        "-" => Ok((heading.to_owned(), None)),
        word => match Field::of_word(word) {
            Some(field) => Ok((heading.to_owned(), Some(field))),
            None => {
                let words: Vec<&str> = super::FIELDS.iter().map(|field| field.word()).collect();
                Err(format!(
                    "\"{word}\" is no field; one of {}",
                    words.join(", ")
                ))
            }
        },
    }
}

impl Mapping {
    /// The columns under these headings. What is stated counts more than what a heading
    /// tells; where `is_whole`, nothing else counts.
    ///
    /// # Errors
    /// Where a heading is not there, a field would be read twice, or no column is the tag.
    pub fn of(
        headings: &[String],
        stated: &[Stated],
        is_whole: bool,
    ) -> Result<Self, MappingError> {
        for (heading, column) in headings.iter().zip(1..) {
            let text = Label::new(heading.as_str());
            if let Some(error) = text.err().filter(|_| !heading.is_empty()) {
                return Err(MappingError::Heading(column, error.to_string()));
            }
        }
        let all = || headings.join(", ");
        for (heading, _) in stated {
            if !headings.iter().any(|known| is_same(known, heading)) {
                let known: Vec<&str> = headings.iter().map(String::as_str).collect();
                let meant = nearest(heading, &known);
                return Err(MappingError::NoColumn {
                    heading: heading.clone(),
                    known: all(),
                    meant: meant.map_or_else(String::new, |one| format!("; is {one} meant?")),
                });
            }
        }
        // The last word counts: it was typed over what was saved.
        let said = |heading: &String| {
            let mut said = stated.iter().rev();
            said.find(|(known, _)| is_same(known, heading))
                .map(|(_, field)| *field)
        };
        let is_stated = |field| {
            let mut fields = headings.iter().filter_map(said).flatten();
            fields.any(|known| known == field)
        };
        let mut columns: Vec<(String, Option<Field>)> = Vec::new();
        for heading in headings {
            let guess = Field::of_heading(heading).filter(|field| !is_whole && !is_stated(*field));
            let field = said(heading).unwrap_or(guess);
            let before = columns
                .iter()
                .find(|(_, one)| field.is_some() && *one == field);
            if let (Some((first, _)), Some(field)) = (before, field) {
                return Err(MappingError::Twice {
                    field,
                    first: first.clone(),
                    second: heading.clone(),
                });
            }
            columns.push((heading.clone(), field));
        }
        match columns.iter().any(|(_, field)| *field == Some(Field::Tag)) {
            true => Ok(Self { columns }),
            false => Err(MappingError::NoTag(all())),
        }
    }

    /// The headings of columns that are not taken.
    pub fn left_out(&self) -> Vec<String> {
        let columns = self.columns.iter().filter(|(_, field)| field.is_none());
        columns.map(|(heading, _)| heading.clone()).collect()
    }
}

fn is_same(known: &str, heading: &str) -> bool {
    known.trim().eq_ignore_ascii_case(heading.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    fn fields(
        text: &str,
        said: &[&str],
        is_whole: bool,
    ) -> Result<Vec<Option<Field>>, MappingError> {
        let said: Vec<_> = said.iter().map(|text| stated(text).unwrap()).collect();
        let mapping = Mapping::of(&headings(text), &said, is_whole)?;
        Ok(mapping
            .columns
            .into_iter()
            .map(|(_, field)| field)
            .collect())
    }

    #[test]
    fn what_is_said_counts_more_than_what_a_heading_tells() {
        let guessed = fields("Inventarnummer,Modell,Preis", &[], false).unwrap();
        assert_eq!(guessed, [Some(Field::Tag), Some(Field::Model), None]);
        let said = fields("ID,Ward,Department", &["id=tag", "Department=unit"], false).unwrap();
        assert_eq!(said, [Some(Field::Tag), None, Some(Field::Unit)]);
        let whole = fields("ID,Model", &["ID=tag"], true).unwrap();
        assert_eq!(whole, [Some(Field::Tag), None]);
        let over = fields("A,B", &["A=tag", "A=serial", "B=tag"], false).unwrap();
        assert_eq!(over, [Some(Field::Serial), Some(Field::Tag)]);
    }

    #[test]
    fn what_is_not_certain_is_asked_for() {
        let twice = fields("tag,Ward,Department", &[], false).unwrap_err();
        assert!(
            twice.to_string().contains("--map \"Department=-\""),
            "{twice}"
        );
        assert!(fields("tag,Ward,Department", &["Ward=-"], false).is_ok());
        let none = fields("Modell,Preis", &[], false).unwrap_err();
        assert!(none.to_string().contains("COLUMN=tag"), "{none}");
        let absent = fields("tag,Modell", &["Model=model"], false).unwrap_err();
        assert!(absent.to_string().contains("is Modell meant"), "{absent}");
        let hostile = fields("tag,\u{1b}[2J", &[], false).unwrap_err();
        assert!(!hostile.to_string().contains('\u{1b}'), "{hostile}");
        assert!(stated("Serial").is_err() && stated("Serial=size").is_err());
        assert_eq!(stated("a=b=tag"), Ok(("a=b".into(), Some(Field::Tag))));
    }
}
