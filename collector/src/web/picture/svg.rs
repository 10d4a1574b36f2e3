//! Writing SVG: shapes with classes and no styles of their own, because the page's policy
//! forbids those; every text escaped.

use crate::web::show::visible;
use std::fmt::Write as _;

/// A text as it stands in XML, between tags or quotes. Characters that steer the direction
/// of reading, and those that XML has no place for, are shown as unreadable.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// A text that is no longer than `most` characters; a cut one says so.
pub fn clipped(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        false => text.to_owned(),
        true => {
            let kept: String = text.chars().take(most.saturating_sub(1)).collect();
            format!("{kept}…")
        }
    }
}

/// A drawing that grows shape by shape.
pub struct Drawing {
    id: String,
    width: f64,
    body: String,
}

impl Drawing {
    /// An empty one. Its ids begin with `pic-` and `id`, as lists have ids of their own.
    pub fn new(id: &str, width: f64) -> Self {
        Self {
            id: id.to_owned(),
            width,
            body: String::new(),
        }
    }

    /// A box at `[x, y]` of this width and height; `tip` is shown where a pointer rests on it.
    pub fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4], tip: &str) {
        let (width, height) = (width.max(0.0), height.max(0.0));
        let tip = match tip.is_empty() {
            true => String::new(),
            false => format!("<title>{}</title>", escaped(tip)),
        };
        self.push(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\">{tip}</rect>"
        ));
    }

    /// A line between two points.
    pub fn line(&mut self, class: &str, [x1, y1, x2, y2]: [f64; 4]) {
        self.push(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    /// Words, their base line at `y`.
    pub fn text(&mut self, class: &str, x: f64, y: f64, words: &str) {
        let words = escaped(words);
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>"
        ));
    }

    /// A line that goes up and down in steps through these points, from left to right.
    pub fn steps(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            // A String takes everything.
            let _ = match at {
                0 => write!(path, "M{x:.1} {y:.1}"),
                _ => write!(path, "H{x:.1}V{y:.1}"),
            };
        }
        self.push(format_args!("<path class=\"{class}\" d=\"{path}\"/>"));
    }

    /// What lies between two lines that go in steps from left to right until `end`; `tip` is
    /// shown where a pointer rests on it. Nothing where a line has no point.
    pub fn area(
        &mut self,
        class: &str,
        above: &[(f64, f64)],
        below: &[(f64, f64)],
        end: f64,
        tip: &str,
    ) {
        let (Some((x, y)), Some(last)) = (above.first(), below.last()) else {
            return;
        };
        let mut path = format!("M{x:.1} {y:.1}");
        // A String takes everything.
        for (x, y) in above.iter().skip(1) {
            let _ = write!(path, "H{x:.1}V{y:.1}");
        }
        let _ = write!(path, "H{end:.1}V{:.1}", last.1);
        for two in below.windows(2).rev() {
            if let [(_, before), (x, _)] = two {
                let _ = write!(path, "H{x:.1}V{before:.1}");
            }
        }
        let _ = write!(path, "H{x:.1}Z");
        let tip = escaped(tip);
        self.push(format_args!(
            "<path class=\"{class}\" d=\"{path}\"><title>{tip}</title></path>"
        ));
    }

    fn push(&mut self, shape: std::fmt::Arguments<'_>) {
        // A String takes everything.
        let _ = self.body.write_fmt(shape);
    }

    /// The whole, with what readers of screens say instead of it.
    pub fn finished(self, height: f64, title: &str, desc: &str) -> String {
        let Self { id, width, body } = self;
        let (title, desc) = (escaped(title), escaped(desc));
        format!(
            "<svg class=\"drawn\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" \
             aria-labelledby=\"pic-{id}-title pic-{id}-desc\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\"><title id=\"pic-{id}-title\">{title}</title>\
             <desc id=\"pic-{id}-desc\">{desc}</desc>{body}</svg>"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_out_of_its_place() {
        let hostile = "</text><script x=\"y\" z='1'>&\u{202e}\u{1}\u{ffff}";
        let told = escaped(hostile);
        assert_eq!(
            told,
            "&lt;/text&gt;&lt;script x=&quot;y&quot; z=&#39;1&#39;&gt;&amp;\u{fffd}\u{fffd}\u{fffd}"
        );
        let mut drawing = Drawing::new("x", 10.0);
        drawing.text("a", 1.0, 2.0, hostile);
        drawing.rect("b", [0.0, 0.0, 1.0, -1.0], hostile);
        let svg = drawing.finished(5.0, hostile, hostile);
        assert!(!svg.contains("<script") && !svg.contains("style="), "{svg}");
        assert!(
            svg.contains("height=\"0.0\""),
            "no box is turned inside out"
        );
    }

    #[test]
    fn a_cut_text_says_so() {
        assert_eq!(clipped("Röntgen", 7), "Röntgen");
        assert_eq!(clipped("Röntgen", 6), "Röntg…");
    }
}
