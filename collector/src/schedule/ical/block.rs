//! Components: what stands between `BEGIN` and `END` (RFC 5545, 3.4).

use super::BadCalendar;
use super::line::Line;

/// Deepest nesting that is understood: an alarm in an event in a calendar, and one more.
const MAX_DEPTH: usize = 4;

/// A component.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// Its kind in capitals, such as `VEVENT`.
    pub(super) kind: String,
    /// Where it begins.
    pub(super) number: usize,
    /// Its own properties.
    pub(super) lines: Vec<Line>,
    /// The components inside.
    pub(super) blocks: Vec<Block>,
}

impl Block {
    /// Its first property of that name.
    pub(super) fn line(&self, name: &'static str) -> Option<&Line> {
        self.all(name).next()
    }

    /// Its properties of that name.
    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.name == name)
    }

    /// The property that must stand in it.
    pub(super) fn needed(&self, name: &'static str) -> Result<&Line, BadCalendar> {
        self.line(name).ok_or_else(|| {
            BadCalendar::new(self.number, format!("this {} has no {name}", self.kind))
        })
    }

    /// What is wrong with it as a whole.
    pub(super) fn bad(&self, problem: impl Into<String>) -> BadCalendar {
        BadCalendar::new(self.number, problem)
    }
}

/// The calendars of a file.
pub(super) fn calendars(lines: Vec<Line>) -> Result<Vec<Block>, BadCalendar> {
    let last = lines.last().map_or(1, |line| line.number);
    let mut open: Vec<Block> = Vec::new();
    let mut calendars = Vec::new();
    for line in lines {
        let kind = line.value.trim().to_ascii_uppercase();
        match line.name.as_str() {
            "BEGIN" if open.is_empty() && kind != "VCALENDAR" => {
                return Err(line.bad("a calendar begins with BEGIN:VCALENDAR"));
            }
            "BEGIN" if open.len() == MAX_DEPTH => {
                return Err(line.bad(format!("more than {MAX_DEPTH} components in one another")));
            }
            "BEGIN" => open.push(Block {
                kind,
                number: line.number,
                ..Block::default()
            }),
            "END" => {
                let Some(block) = open.pop().filter(|block| block.kind == kind) else {
                    return Err(line.bad(format!("END:{kind} without its BEGIN")));
                };
                match open.last_mut() {
                    Some(outer) => outer.blocks.push(block),
                    None => calendars.push(block),
                }
            }
            _ => match open.last_mut() {
                Some(block) => block.lines.push(line),
                None => return Err(line.bad("a calendar begins with BEGIN:VCALENDAR")),
            },
        }
    }
    if let Some(block) = open.last() {
        let problem = format!(
            "{} has no END; the file ends at line {last}, it may be cut off",
            block.kind
        );
        return Err(block.bad(problem));
    }
    if calendars.is_empty() {
        return Err(BadCalendar::new(1, "there is no calendar in this file"));
    }
    Ok(calendars)
}
