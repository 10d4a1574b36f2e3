//! A work order: what a person needs who works on a device by hand, as rows for a CMMS or as
//! paper to sign. Pure: who gathers it says everything that stands in it.

use crate::pdf::Paper;
use crate::sheet::csv;
use patchward_common::time::UtcMs;

/// A work order in sections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkOrder {
    /// What stands above all: the number, and on what.
    pub title: String,
    /// When it was written.
    pub written: UtcMs,
    /// Its sections in order.
    pub sections: Vec<Section>,
}

/// What belongs together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// What stands in it.
    pub entries: Vec<Entry>,
}

/// One entry of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A name with its text.
    Fact(String, String),
    /// A sentence.
    Note(String),
    /// Something to be done or looked at, and ticked.
    Tick(String),
    /// Something to be filled in by hand.
    Field(String),
}

impl Section {
    /// An empty section.
    pub fn new(heading: &str) -> Self {
        Self {
            heading: heading.to_owned(),
            entries: Vec::new(),
        }
    }

    /// Adds a name with its text, where there is one.
    pub fn fact(&mut self, name: &str, text: impl ToString) {
        let text = text.to_string();
        if !text.trim().is_empty() {
            self.entries.push(Entry::Fact(name.to_owned(), text));
        }
    }

    /// Adds a sentence.
    pub fn note(&mut self, text: impl Into<String>) {
        self.entries.push(Entry::Note(text.into()));
    }
}

impl WorkOrder {
    /// As a table: section, what, text. The same words as on paper.
    pub fn csv(&self) -> Vec<u8> {
        let mut rows = vec![["section", "what", "text"].map(str::to_owned)];
        rows.push(["order", "title", &self.title].map(str::to_owned));
        rows.push(["order", "written", &self.written.to_string()].map(str::to_owned));
        for section in &self.sections {
            for entry in &section.entries {
                let (what, text) = match entry {
                    Entry::Fact(name, text) => (name.as_str(), text.as_str()),
                    Entry::Note(text) => ("note", text.as_str()),
                    Entry::Tick(text) => ("check", text.as_str()),
                    Entry::Field(name) => (name.as_str(), ""),
                };
                rows.push([&section.heading, what, text].map(str::to_owned));
            }
        }
        csv::write(rows.iter().map(<[String; 3]>::as_slice), ',')
    }

    /// As paper.
    pub fn pdf(&self) -> Vec<u8> {
        let mut paper = Paper::new(&self.title, self.written);
        paper.paragraph(&format!("Written {} by Patchward.", self.written));
        for section in &self.sections {
            paper.heading(&section.heading);
            for entry in &section.entries {
                match entry {
                    Entry::Fact(name, text) => paper.row(name, text),
                    Entry::Note(text) => paper.paragraph(text),
                    Entry::Tick(text) => paper.tick(text),
                    Entry::Field(name) => paper.field(name),
                }
            }
        }
        paper.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same_and_no_cell_is_a_formula() {
        let mut device = Section::new("Device");
        device.fact("Name", "CT 7");
        device.fact("Serial number", "=1+1");
        device.fact("Nothing", " ");
        device.note("Keep it off the network.");
        device
            .entries
            .push(Entry::Tick("A test image is shown".into()));
        device.entries.push(Entry::Field("Signature".into()));
        let order = WorkOrder {
            title: "Work order for CT 7".into(),
            written: UtcMs(1_795_400_000_000),
            sections: vec![device],
        };
        let text = String::from_utf8(order.csv()).unwrap();
        assert!(text.contains("Device,Serial number,'=1+1\r\n"), "{text}");
        assert!(
            text.contains("Device,check,A test image is shown\r\n"),
            "{text}"
        );
        assert!(!text.contains("Nothing"));
        assert_eq!(order.csv(), order.csv());
        assert_eq!(order.pdf(), order.pdf());
    }
}
