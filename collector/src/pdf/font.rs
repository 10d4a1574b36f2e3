//! The standard font: bytes of its encoding, and how wide text is at most.

use encoding_rs::WINDOWS_1252;

/// What stands for a character that the font does not have.
const MISSING: u8 = b'?';
/// How much wider bold text is at most than the same in the regular face.
const BOLD: f32 = 1.25;

/// Widths of Helvetica from the space to the tilde, in thousandths of its size.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, // to /
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, // to ?
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, // to O
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, // to _
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, // to o
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584, // to ~
];

/// A text in the font's encoding, WinAnsi; control characters become spaces.
pub(super) fn encoded(text: &str) -> Vec<u8> {
    text.chars().map(byte).collect()
}

fn byte(c: char) -> u8 {
    if c.is_control() {
        return b' ';
    }
    let mut buffer = [0; 4];
    let (bytes, _, is_missing) = WINDOWS_1252.encode(c.encode_utf8(&mut buffer));
    match (bytes.as_ref(), is_missing) {
        ([byte], false) if *byte >= 0x20 => *byte,
        _ => MISSING,
    }
}

/// How wide a text is at most, in points.
pub(super) fn width(text: &str, size: f32, bold: bool) -> f32 {
    let units: f32 = text.chars().map(|c| f32::from(units(byte(c)))).sum();
    let face = if bold { BOLD } else { 1.0 };
    units * size * face / 1000.0
}

fn units(byte: u8) -> u16 {
    let place = usize::from(byte).checked_sub(0x20);
    if let Some(width) = place.and_then(|place| WIDTHS.get(place)) {
        return *width;
    }
    // Letters with marks are as wide as their letters; what else there is, at most an em.
    match byte {
        0xc6 | 0xe6 => 1000,
        0xc0..=0xdf => 778,
        0xe0..=0xff => 611,
        _ => 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_font_does_not_have_is_seen_to_be_missing() {
        assert_eq!(encoded("Gerät €"), b"Ger\xe4t \x80");
        assert_eq!(encoded("漢\u{1b}[2J"), b"? [2J");
        assert!(width("iiii", 10.0, false) < width("WWWW", 10.0, false));
        assert_eq!(width("Ab", 10.0, false), (667.0 + 556.0) / 100.0);
    }
}
