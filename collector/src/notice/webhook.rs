//! What a webhook gets: JSON, signed as Standard Webhooks has it, so that any of its
//! libraries can tell that it is ours and new.

use super::{Event, Notice};
use crate::config::host_of;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::net::IpAddr;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use ring::hmac;
use serde_json::{Value, json};

/// What a secret begins with (Standard Webhooks, "Signature scheme").
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret; that page asks for 24 to 64.
const SECRET_BYTES: usize = 32;
/// Longest URL.
const MAX_URL: usize = 2_000;

/// A secret as it is handed out, of bytes that nobody can guess.
pub fn secret(random: [u8; SECRET_BYTES]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(random))
}

/// The signature of a body: of its id, of when it is sent in seconds since 1970, and of its
/// bytes. `None` where the secret is none of ours.
pub fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(tag.as_ref())))
}

/// The id of what is told: the same however often it is sent.
pub fn id(target: &str, notice: &Notice, now: UtcMs) -> String {
    let event = match notice.event {
        Event::New => "new",
        Event::Ended => "ended",
    };
    let said = format!(
        "{target}\0{}\0{}\0{event}\0{}",
        notice.item, notice.since, now.0
    );
    format!("msg_{}", &Digest::of(said.as_bytes()).to_string()[..32])
}

/// The body of a notice. `collector` is its name, `page` where people look.
pub fn body(notice: &Notice, collector: &str, page: &str, now: UtcMs) -> Value {
    let kind = match notice.event {
        Event::New => "notice.new",
        Event::Ended => "notice.ended",
    };
    json!({
        "type": kind,
        "timestamp": now.to_string(),
        "data": {
            "collector": collector,
            "item": notice.item,
            "kind": notice.kind,
            "about": notice.about,
            "unit": notice.unit,
            "class": notice.class,
            "owner": notice.owner,
            "since": notice.since().to_string(),
            "why": notice.why,
            "page": page,
        },
    })
}

/// The body of a try whether a webhook works.
pub fn trial(collector: &str, page: &str, now: UtcMs) -> Value {
    json!({
        "type": "notice.test",
        "timestamp": now.to_string(),
        "data": { "collector": collector, "page": page },
    })
}

/// Whether notices may be sent to a URL: by https, or by http where they do not leave the
/// computer.
///
/// # Errors
/// What is wrong, and what to write; never the URL itself, which may be a secret.
pub fn check_url(url: &str) -> Result<(), String> {
    let (scheme, rest) = url
        .split_once("://")
        .ok_or("a webhook is a whole address, such as https://chat.hospital.example/hook")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if url.len() > MAX_URL || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "an address of a webhook has up to {MAX_URL} letters without spaces; write others as %XX"
        ));
    }
    if authority.contains('@') {
        return Err("leave name and password out of the address; what is sent is signed".into());
    }
    let host = host_of(authority);
    if host.is_empty() {
        return Err("the address names no server".into());
    }
    match scheme.to_ascii_lowercase().as_str() {
        "https" => Ok(()),
        "http" if is_loopback(host) => Ok(()),
        "http" => Err("what leaves this computer goes by https; write https://".into()),
        _ => Err("a webhook is an https address".into()),
    }
}

/// Whether a server is this computer.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::super::tests::item;
    use super::*;
    use crate::item::Kind;

    /// The example of Standard Webhooks' own libraries.
    #[test]
    fn a_signature_is_the_one_that_others_compute() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let found = signature(
            secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(
            found.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
        for bad in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!"] {
            assert_eq!(signature(bad, "a", 1, "b"), None, "{bad}");
        }
        let own = super::secret([7; SECRET_BYTES]);
        assert!(signature(&own, "a", 1, "b").is_some());
    }

    #[test]
    fn only_https_leaves_the_computer() {
        for good in [
            "https://h.example/a?b=c",
            "HTTPS://10.0.0.1:8443/x",
            "http://127.0.0.1:1/x",
            "http://localhost",
            "http://[::1]:80/",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "h.example/a",
            "http://h.example/",
            "http://127.0.0.1.evil.example/",
            "http://localhost.evil/",
            "http://localhost@evil.example/",
            "https://me:pw@h.example/",
            "ftp://h.example",
            "https://",
            "https:///x",
            "https://h.example/a b",
            "https://h.example/\r\nX: y",
            "file:///etc/passwd",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_body_says_what_and_whose_and_its_id_stays() {
        let notice = Notice::of(&item(Kind::Failed, "x", Some("icu")));
        let body = body(&notice, "main", "https://p", UtcMs(1_000));
        assert_eq!(body["type"], "notice.new");
        assert_eq!(body["data"]["item"], "failed:x");
        assert_eq!(body["data"]["unit"], "icu");
        assert_eq!(body["data"]["since"], "1970-01-01T00:00:00Z");
        let one = id("hook", &notice, UtcMs(5));
        assert_eq!(one, id("hook", &notice, UtcMs(5)));
        assert_ne!(one, id("hook", &notice.clone().ended(), UtcMs(5)));
        assert_ne!(one, id("other", &notice, UtcMs(5)));
    }
}
