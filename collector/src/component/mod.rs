//! Components as people ask for them: which versions are meant, what two sets differ in,
//! bills of materials out and in, and until when something is supported. All of it is pure.

pub mod bom;
pub mod cyclonedx;
pub mod diff;
pub mod query;
pub mod support;
pub mod wanted;

/// Reads a text of a URL without its percent signs; `None` where it is none.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| (byte as char).to_digit(16);
        let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}
