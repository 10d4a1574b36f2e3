//! A code that a telephone reads (QR, ISO/IEC 18004).

use qrcode::QrCode;
use qrcode::render::svg;

/// Fewest pixels of a side: a telephone reads it from a hand's breadth.
const SIDE: u32 = 200;

/// The picture of a text as SVG; `None` where it is too long for one.
pub fn drawn(text: &str) -> Option<String> {
    let code = QrCode::new(text.as_bytes()).ok()?;
    let mut picture = code.render::<svg::Color<'_>>();
    let picture = picture.min_dimensions(SIDE, SIDE).build();
    // Without the line that belongs to a file of its own.
    let at = picture.find("<svg")?;
    Some(picture[at..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_a_picture_and_a_book_is_none() {
        let one = drawn("https://collector.example/ward/secret").unwrap();
        assert!(one.starts_with("<svg") && one.ends_with("</svg>"), "{one}");
        assert!(
            !one.contains("secret"),
            "what it says is drawn, not written"
        );
        assert_ne!(Some(one), drawn("https://collector.example/ward/other1"));
        assert_eq!(drawn(&"x".repeat(10_000)), None);
    }
}
