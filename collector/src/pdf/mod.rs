//! Paper: titles, paragraphs, rows of names and texts, and lines to sign on, as PDF with the
//! standard fonts. Text only. The same content gives the same bytes: the date is an argument.

mod font;
mod layout;

use font::encoded;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use layout::{Layout, Line};
use patchward_common::time::UtcMs;
use pdf_writer::{Content, Date, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

/// A4, in points.
const PAGE: (f32, f32) = (595.0, 842.0);
/// Margin on every side: what printers and binders leave alone.
const MARGIN: f32 = 56.0;
/// Most pages: what a person signs is not longer. Beyond it the paper says that it is cut.
const MAX_PAGES: usize = 200;
/// Size of the text of tables: smaller than what is read to the end, as large as print stays
/// readable.
const CELL: f32 = 7.0;

/// Paper that is being written.
#[derive(Debug)]
pub struct Paper {
    title: String,
    made: UtcMs,
    /// Width and height of a page.
    page: (f32, f32),
    /// What stands above the text on every page.
    head: String,
    most_pages: usize,
    layout: Layout,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What stands above it.
    pub title: &'static str,
    /// Its share of the width; all shares together make it whole.
    pub share: f32,
}

impl Paper {
    /// An empty paper; its title stands on the first page, and with the number on each.
    pub fn new(title: &str, made: UtcMs) -> Self {
        Self::of(title, made, PAGE, String::new(), MAX_PAGES)
    }

    /// An empty paper across, for tables. `head` stands above the text on every page, and up
    /// to `most_pages` are written.
    pub fn across(title: &str, made: UtcMs, head: String, most_pages: usize) -> Self {
        Self::of(title, made, (PAGE.1, PAGE.0), head, most_pages)
    }

    fn of(title: &str, made: UtcMs, page: (f32, f32), head: String, most_pages: usize) -> Self {
        let mut layout = Layout::new(page.0 - 2.0 * MARGIN, page.1 - 2.0 * MARGIN - 24.0);
        layout.text(title, 16.0, true, 0.0);
        layout.space(6.0);
        Self {
            title: title.to_owned(),
            made,
            page,
            head,
            most_pages,
            layout,
        }
    }

    /// Rows under titles that stand again on each page. A row that has fewer cells than there
    /// are columns leaves the last ones empty.
    pub fn table<'r>(&mut self, columns: &[Column], rows: impl IntoIterator<Item = &'r [String]>) {
        self.layout.table(columns, rows, CELL);
    }

    /// A heading; it stays with what follows.
    pub fn heading(&mut self, text: &str) {
        self.layout.space(8.0);
        self.layout.keep_together(48.0);
        self.layout.text(text, 11.5, true, 0.0);
        self.layout.space(2.0);
    }

    /// A paragraph; long text wraps.
    pub fn paragraph(&mut self, text: &str) {
        self.layout.text(text, 10.0, false, 0.0);
        self.layout.space(3.0);
    }

    /// A name with its text beside it.
    pub fn row(&mut self, name: &str, text: &str) {
        self.layout.row(name, text, 10.0);
    }

    /// Something to be looked at, with a box to tick.
    pub fn tick(&mut self, text: &str) {
        self.layout.tick(text, 10.0);
    }

    /// A name with a line to write on.
    pub fn field(&mut self, name: &str) {
        self.layout.field(name, 10.0);
    }

    /// The bytes of the file.
    pub fn finish(self) -> Vec<u8> {
        let mut pages = self.layout.pages();
        if pages.len() > self.most_pages {
            pages.truncate(self.most_pages);
            if let Some(last) = pages.last_mut() {
                last.clear();
                let text = format!("Cut here: this paper has up to {} pages.", self.most_pages);
                last.push(Line::text(&text, 10.0, true, 0.0, 12.0));
            }
        }
        write(&self.title, &self.head, self.made, self.page, &pages)
    }
}

/// The number of an object; there are no more pages than fit.
fn id(number: usize) -> Ref {
    Ref::new(i32::try_from(number).unwrap_or(i32::MAX))
}

const REGULAR: Name<'_> = Name(b"F1");
const BOLD: Name<'_> = Name(b"F2");
/// Objects before the pages: catalog, page tree, two fonts, what the file is about.
const FIRST_PAGE: usize = 6;

fn write(title: &str, head: &str, made: UtcMs, size: (f32, f32), pages: &[Vec<Line>]) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree, regular, bold, info) = (id(1), id(2), id(3), id(4), id(5));
    let page_id = |at: usize| id(FIRST_PAGE + 2 * at);
    let content_id = |at: usize| id(FIRST_PAGE + 2 * at + 1);
    pdf.catalog(catalog).pages(tree);
    let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
    let kids = (0..pages.len()).map(page_id);
    pdf.pages(tree).kids(kids).count(count);
    for (font, name) in [(regular, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
        let mut font = pdf.type1_font(font);
        font.base_font(Name(name));
        font.encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    let mut about = pdf.document_info(info);
    about.title(TextStr(title)).producer(TextStr("Patchward"));
    if let Some(date) = date(made) {
        about.creation_date(date);
    }
    about.finish();
    for (at, lines) in pages.iter().enumerate() {
        let mut page = pdf.page(page_id(at));
        page.parent(tree).contents(content_id(at));
        page.media_box(Rect::new(0.0, 0.0, size.0, size.1));
        let mut resources = page.resources();
        resources.fonts().pair(REGULAR, regular).pair(BOLD, bold);
        resources.finish();
        page.finish();
        let foot = format!("{title}   page {} of {}", at + 1, pages.len());
        pdf.stream(content_id(at), &content(lines, size.1, head, &foot));
    }
    pdf.finish()
}

fn content(lines: &[Line], height: f32, head: &str, foot: &str) -> Vec<u8> {
    let mut content = Content::new();
    for line in lines {
        line.draw(&mut content, MARGIN, height - MARGIN);
    }
    if !head.is_empty() {
        content.begin_text().set_font(REGULAR, 8.0);
        content.next_line(MARGIN, height - MARGIN + 14.0);
        content.show(Str(&encoded(head))).end_text();
    }
    content.begin_text().set_font(REGULAR, 8.0);
    content.next_line(MARGIN, MARGIN - 18.0);
    content.show(Str(&encoded(foot))).end_text();
    content.finish().into_vec()
}

fn date(at: UtcMs) -> Option<Date> {
    let at = Timestamp::from_millisecond(at.0)
        .ok()?
        .to_zoned(TimeZone::UTC);
    let byte = |number: i8| u8::try_from(number).unwrap_or(0);
    let date = Date::new(u16::try_from(at.year()).ok()?);
    let date = date.month(byte(at.month())).day(byte(at.day()));
    let date = date.hour(byte(at.hour())).minute(byte(at.minute()));
    Some(
        date.second(byte(at.second()))
            .utc_offset_hour(0)
            .utc_offset_minute(0),
    )
}

#[cfg(test)]
mod tests;
