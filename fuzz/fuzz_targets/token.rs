//! The enrolment token: as text, and (first byte odd) as the bytes in its hex.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::wire::token::EnrolmentToken;
use std::fmt::Write as _;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let text = if kind & 1 == 0 {
        String::from_utf8_lossy(rest).into_owned()
    } else {
        rest.iter()
            .fold("patchward1.".to_owned(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
    };
    if let Ok(token) = EnrolmentToken::from_text(&text) {
        assert_eq!(token.to_text(), text.trim());
        let _ = token.secret_digest();
    }
});
