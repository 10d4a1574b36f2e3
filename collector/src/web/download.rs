//! The answer of a command as a file, for who asks over the network.

use super::form::Form;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

/// The kinds of files that commands give, and the ending of each name.
pub const KINDS: [(&str, &str); 7] = [
    ("pdf", "application/pdf"),
    ("ics", "text/calendar; charset=utf-8"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("csv", "text/csv; charset=utf-8"),
    ("patchward", "application/octet-stream"),
];

/// A file, under a name that says what it is.
pub fn file(form: &Form, bytes: Vec<u8>) -> Response {
    let ending = ending(&bytes);
    let kind = KINDS.iter().find(|(known, _)| *known == ending);
    let kind = kind.map_or("application/octet-stream", |(_, kind)| kind);
    let name = form.path.replace(' ', "-");
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.{ending}\""),
        ),
    ];
    (headers, bytes).into_response()
}

fn ending(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'%', b'P', b'D', b'F', ..] => "pdf",
        bytes if bytes.starts_with(b"BEGIN:VCALENDAR") => "ics",
        [b'{', ..] => "json",
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, ..] => "jpg",
        bytes if std::str::from_utf8(bytes).is_ok() => "csv",
        _ => "patchward",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_what_it_is() {
        for (bytes, expected) in [
            (&b"%PDF-1.7"[..], "pdf"),
            (b"BEGIN:VCALENDAR\r\n", "ics"),
            (b"{}", "json"),
            (b"a,b\r\n", "csv"),
            (b"\xff\xd8\xff", "jpg"),
            (b"\xa1\xff\xfe", "patchward"),
        ] {
            assert_eq!(ending(bytes), expected);
            assert!(KINDS.iter().any(|(known, _)| *known == expected));
        }
    }
}
