//! Where text stands: lines from the top of a page down, broken at blanks.

use super::font::{encoded, width};
use super::{BOLD, Column, REGULAR};
use pdf_writer::{Content, Str};

/// Height of a line by the size of its text.
const LEADING: f32 = 1.35;
/// Where texts beside names begin.
const COLUMN: f32 = 130.0;
/// Between the columns of a table.
const GAP: f32 = 6.0;

/// What is drawn at one height.
#[derive(Clone, Debug)]
pub(super) struct Line {
    parts: Vec<Part>,
    /// From the top of the page to its base line.
    down: f32,
}

#[derive(Clone, Debug)]
enum Part {
    Text {
        text: String,
        size: f32,
        bold: bool,
        x: f32,
    },
    /// An empty box.
    Box { x: f32, size: f32 },
    /// A line to write on.
    Rule { from: f32, to: f32 },
}

impl Line {
    pub(super) fn text(text: &str, size: f32, bold: bool, x: f32, down: f32) -> Self {
        let text = text.to_owned();
        let part = Part::Text {
            text,
            size,
            bold,
            x,
        };
        Self {
            parts: vec![part],
            down,
        }
    }

    pub(super) fn draw(&self, content: &mut Content, left: f32, top: f32) {
        let y = top - self.down;
        for part in &self.parts {
            match part {
                Part::Text {
                    text,
                    size,
                    bold,
                    x,
                } => {
                    let font = if *bold { BOLD } else { REGULAR };
                    content.begin_text().set_font(font, *size);
                    content.next_line(left + x, y);
                    content.show(Str(&encoded(text))).end_text();
                }
                Part::Box { x, size } => {
                    content.set_line_width(0.8);
                    content.rect(left + x, y - 1.0, *size, *size).stroke();
                }
                Part::Rule { from, to } => {
                    content.set_line_width(0.5);
                    content.move_to(left + from, y - 2.0);
                    content.line_to(left + to, y - 2.0).stroke();
                }
            }
        }
    }
}

/// Pages that are being filled.
#[derive(Debug)]
pub(super) struct Layout {
    width: f32,
    height: f32,
    pages: Vec<Vec<Line>>,
    down: f32,
}

impl Layout {
    pub(super) fn new(width: f32, height: f32) -> Self {
        Self {
            width,
            height,
            pages: vec![Vec::new()],
            down: 0.0,
        }
    }

    pub(super) fn space(&mut self, points: f32) {
        self.down += points;
    }

    /// Goes to the next page where less is left.
    pub(super) fn keep_together(&mut self, points: f32) {
        if self.down + points > self.height {
            self.pages.push(Vec::new());
            self.down = 0.0;
        }
    }

    fn put(&mut self, parts: Vec<Part>, height: f32) {
        self.keep_together(height);
        self.down += height;
        let down = self.down;
        if let Some(page) = self.pages.last_mut() {
            page.push(Line { parts, down });
        }
    }

    pub(super) fn text(&mut self, text: &str, size: f32, bold: bool, x: f32) {
        for text in wrapped(text, size, bold, self.width - x) {
            let part = Part::Text {
                text,
                size,
                bold,
                x,
            };
            self.put(vec![part], size * LEADING);
        }
    }

    pub(super) fn row(&mut self, name: &str, text: &str, size: f32) {
        let names = wrapped(name, size, true, COLUMN - 8.0);
        let texts = wrapped(text, size, false, self.width - COLUMN);
        for at in 0..names.len().max(texts.len()) {
            let part = |these: &[String], bold, x| {
                let text = these.get(at)?.clone();
                Some(Part::Text {
                    text,
                    size,
                    bold,
                    x,
                })
            };
            let parts = [part(&names, true, 0.0), part(&texts, false, COLUMN)];
            self.put(parts.into_iter().flatten().collect(), size * LEADING);
        }
    }

    pub(super) fn tick(&mut self, text: &str, size: f32) {
        let indent = size + 6.0;
        let mut first = Some(Part::Box { x: 0.0, size });
        for text in wrapped(text, size, false, self.width - indent) {
            let part = Part::Text {
                text,
                size,
                bold: false,
                x: indent,
            };
            let parts = first.take().into_iter().chain([part]).collect();
            self.put(parts, size * LEADING + 2.0);
        }
    }

    pub(super) fn field(&mut self, name: &str, size: f32) {
        self.space(10.0);
        let text = Part::Text {
            text: name.to_owned(),
            size,
            bold: false,
            x: 0.0,
        };
        let rule = Part::Rule {
            from: COLUMN + 20.0,
            to: self.width,
        };
        self.put(vec![text, rule], size * LEADING);
    }

    /// Rows under titles, which stand again on each page. A row stays on one page where it fits
    /// on one at all.
    pub(super) fn table<'r>(
        &mut self,
        columns: &[Column],
        rows: impl IntoIterator<Item = &'r [String]>,
        size: f32,
    ) {
        let titles: Vec<&str> = columns.iter().map(|column| column.title).collect();
        self.keep_together(3.0 * size * LEADING);
        self.cells(columns, &titles, size, true);
        for row in rows {
            let texts: Vec<&str> = row.iter().map(String::as_str).collect();
            let lines = self.broken(columns, &texts, size, false);
            let height = lines.iter().map(Vec::len).max().unwrap_or(0) as f32 * size * LEADING;
            let page = self.pages.len();
            self.keep_together((height + 3.0).min(self.height - 3.0 * size * LEADING));
            if self.pages.len() > page {
                self.cells(columns, &titles, size, true);
            }
            self.cells(columns, &texts, size, false);
        }
    }

    /// Each cell in the lines that its column has room for.
    fn broken(
        &self,
        columns: &[Column],
        texts: &[&str],
        size: f32,
        bold: bool,
    ) -> Vec<Vec<String>> {
        let cells = columns.iter().zip(texts);
        let room = |column: &Column| column.share * self.width - GAP;
        cells
            .map(|(column, text)| wrapped(text, size, bold, room(column)))
            .collect()
    }

    /// One row of a table, with a line below it.
    fn cells(&mut self, columns: &[Column], texts: &[&str], size: f32, bold: bool) {
        let cells = self.broken(columns, texts, size, bold);
        let most = cells.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..most {
            let mut x = 0.0;
            let mut parts = Vec::new();
            for (column, cell) in columns.iter().zip(&cells) {
                if let Some(text) = cell.get(line) {
                    parts.push(Part::Text {
                        text: text.clone(),
                        size,
                        bold,
                        x,
                    });
                }
                x += column.share * self.width;
            }
            if line + 1 == most {
                let to = self.width;
                parts.push(Part::Rule { from: 0.0, to });
            }
            self.put(parts, size * LEADING);
        }
        self.space(2.0);
    }

    pub(super) fn pages(self) -> Vec<Vec<Line>> {
        self.pages
    }
}

/// Text in lines of a width, broken at blanks, and within a word where it is wider.
pub(super) fn wrapped(text: &str, size: f32, bold: bool, most: f32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            for piece in pieces(word, size, bold, most) {
                let joined = match line.is_empty() {
                    true => piece.clone(),
                    false => format!("{line} {piece}"),
                };
                if width(&joined, size, bold) <= most {
                    line = joined;
                } else {
                    lines.push(std::mem::replace(&mut line, piece));
                }
            }
        }
        lines.push(line);
    }
    lines
}

/// A word in pieces of which none is wider than a line.
fn pieces(word: &str, size: f32, bold: bool, most: f32) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut so_far = 0.0;
    for c in word.chars() {
        let more = width(c.encode_utf8(&mut [0; 4]), size, bold);
        if so_far + more > most && so_far > 0.0 {
            pieces.push(String::new());
            so_far = 0.0;
        }
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
        so_far += more;
    }
    pieces
}
