//! Pictures for who looks rather than reads, drawn as SVG: pure functions of values. Each
//! stands above the list that it pictures, says in words what it shows, and is bounded.

pub mod code;
pub mod curve;
pub mod days;
pub mod exposure;
pub mod fleet;
pub mod history;
pub mod idle;
pub mod month;
pub mod svg;
pub mod timeline;
pub mod week;

pub use patchward_common::words::counted;

use svg::escaped;

/// What a colour or pattern of a picture means.
pub struct Sign {
    /// The class of the style sheet.
    pub class: &'static str,
    /// What it means.
    pub words: String,
    /// Whether it is a line and not a box.
    is_line: bool,
}

impl Sign {
    /// Boxes of `class` mean `words`.
    pub fn new(class: &'static str, words: impl Into<String>) -> Self {
        Self {
            class,
            words: words.into(),
            is_line: false,
        }
    }

    /// Lines of `class` mean `words`.
    pub fn line(class: &'static str, words: impl Into<String>) -> Self {
        Self {
            is_line: true,
            ..Self::new(class, words)
        }
    }
}

/// A link beside a picture.
pub struct Way {
    /// Where.
    pub href: String,
    /// What is there.
    pub words: String,
}

/// A picture with what stands around it.
#[derive(Default)]
pub struct Figure {
    /// What it is called.
    pub heading: String,
    /// Links that lead to others of its kind.
    pub ways: Vec<Way>,
    /// The drawings.
    pub drawings: Vec<String>,
    /// What its colours and patterns mean.
    pub signs: Vec<Sign>,
    /// What is said below it.
    pub notes: Vec<String>,
    /// The same in words, folded away.
    pub words: Vec<String>,
}

impl Figure {
    /// As the inside of a `<figure>`.
    pub fn html(&self) -> String {
        let heading = escaped(&self.heading);
        let mut html = format!("<figcaption><h2>{heading}</h2></figcaption>");
        if !self.ways.is_empty() {
            let ways = self.ways.iter().map(|way| {
                let (href, words) = (escaped(&way.href), escaped(&way.words));
                format!("<a href=\"{href}\">{words}</a>")
            });
            let ways: String = ways.collect();
            html.push_str(&format!(
                "<nav class=\"pages\" aria-label=\"{heading}\">{ways}</nav>"
            ));
        }
        for drawing in &self.drawings {
            // Keys must reach what lies beyond the edge of a narrow screen.
            html.push_str(&format!(
                "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"{heading}\">{drawing}</div>"
            ));
        }
        if !self.signs.is_empty() {
            let signs: String = self.signs.iter().map(sign).collect();
            html.push_str(&format!("<ul class=\"signs\">{signs}</ul>"));
        }
        for note in &self.notes {
            html.push_str(&format!("<p class=\"note\">{}</p>", escaped(note)));
        }
        if !self.words.is_empty() {
            let words = self.words.iter();
            let words: String = words.map(|w| format!("<li>{}</li>", escaped(w))).collect();
            html.push_str(&format!(
                "<details><summary>The same in words</summary><ul>{words}</ul></details>"
            ));
        }
        html
    }
}

fn sign(sign: &Sign) -> String {
    let (class, words) = (sign.class, escaped(&sign.words));
    let shape = match sign.is_line {
        true => format!("<line class=\"{class}\" x1=\"0\" y1=\"7\" x2=\"22\" y2=\"7\"/>"),
        false => {
            format!("<rect class=\"{class}\" x=\"1\" y=\"1\" width=\"20\" height=\"12\"/>")
        }
    };
    format!(
        "<li><svg class=\"swatch\" width=\"22\" height=\"14\" viewBox=\"0 0 22 14\" \
         aria-hidden=\"true\">{shape}</svg> {words}</li>"
    )
}

#[cfg(test)]
mod tests;
