//! A mail: plain text, every part of it ours or one line that steers nothing (RFC 5322, RFC
//! 2047, RFC 3834).

use super::{Event, Notice, whose};
pub use crate::config::is_mail_address as is_address;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use patchward_common::time::UtcMs;

/// Most notices of one mail; the others stand in the next.
pub const MAX_NOTICES: usize = 50;
/// Most addresses of one target.
pub const MAX_ADDRESSES: usize = 20;
/// Bytes of text in one encoded word: with them it has 75 characters at most.
const WORD_BYTES: usize = 42;
/// Characters of a line of the body.
const LINE: usize = 76;

/// A mail before it is written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail<'a> {
    /// Its id: the same however often it is sent.
    pub id: &'a str,
    /// Who sends it.
    pub from: &'a str,
    /// Who gets it.
    pub to: &'a [String],
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// What a mail about notices is about, in a line.
pub fn subject(notices: &[Notice]) -> String {
    if let [one] = notices {
        let over = match one.event {
            Event::New => "",
            Event::Ended => "over: ",
        };
        let unit = one
            .unit
            .as_ref()
            .map_or(String::new(), |unit| format!(" ({unit})"));
        return format!("Patchward: {over}{} {}{unit}", one.kind, one.about);
    }
    let count = |event: Event| notices.iter().filter(|one| one.event == event).count();
    match (count(Event::New), count(Event::Ended)) {
        (new, 0) => format!("Patchward: {new} new"),
        (0, ended) => format!("Patchward: {ended} over"),
        (new, ended) => format!("Patchward: {new} new, {ended} over"),
    }
}

/// What a mail about notices says.
pub fn text(notices: &[Notice], collector: &str, page: &str) -> String {
    let mut text = String::new();
    for (event, title) in [(Event::New, "Open now:"), (Event::Ended, "Open no more:")] {
        let of = notices.iter().filter(|one| one.event == event);
        let told: Vec<String> = of.map(told).collect();
        if !told.is_empty() {
            text.push_str(&format!("{title}\n\n{}\n", told.join("\n")));
        }
    }
    text.push_str(&format!(
        "Everything that is open: {page}/\n\nSent by the collector {collector}. It reads no answer \
         to this mail.\n"
    ));
    text
}

fn told(notice: &Notice) -> String {
    let unit = notice
        .unit
        .as_ref()
        .map_or(String::new(), |unit| format!(" in {unit}"));
    let (kind, about, since) = (&notice.kind, &notice.about, notice.since());
    let head = format!("- {kind}: {about}{unit}, since {since}\n");
    match notice.event {
        Event::New => format!(
            "{head}  {}\n  It is {}.\n",
            notice.why,
            whose(&notice.owner)
        ),
        Event::Ended => head,
    }
}

/// What a mail says that only tries whether mail arrives.
pub fn trial(collector: &str, page: &str) -> String {
    format!(
        "This mail only tries whether notices of the collector {collector} arrive. They do.\n\n\
         Everything that is open: {page}/\n"
    )
}

impl Mail<'_> {
    /// The mail as it goes over the wire, sent at `now`.
    pub fn bytes(&self, now: UtcMs) -> Vec<u8> {
        let domain = self.from.rsplit('@').next().unwrap_or("localhost");
        let headers = [
            ("From", format!("Patchward <{}>", line(self.from))),
            (
                "To",
                self.to
                    .iter()
                    .map(|to| line(to))
                    .collect::<Vec<_>>()
                    .join(",\r\n "),
            ),
            ("Subject", words(&self.subject)),
            ("Date", date(now)),
            (
                "Message-ID",
                format!("<{}@{}>", line(self.id), line(domain)),
            ),
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Type", "text/plain; charset=utf-8".to_owned()),
            ("Content-Transfer-Encoding", "base64".to_owned()),
        ];
        let mut text = String::new();
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let encoded = STANDARD.encode(self.text.replace('\n', "\r\n"));
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (first, others) = rest.split_at(rest.len().min(LINE));
            text.push_str(&format!("{first}\r\n"));
            rest = others;
        }
        text.into_bytes()
    }
}

/// A part of a header without anything that would end it.
fn line(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic()).collect()
}

/// A text in a header: as it is where it is plain, or else as encoded words.
fn words(text: &str) -> String {
    let is_plain =
        text.len() <= LINE - 20 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_plain && !text.contains("=?") {
        return text.to_owned();
    }
    let mut words = Vec::new();
    let mut part = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if part.len() + c.len_utf8() > WORD_BYTES {
            words.push(std::mem::take(&mut part));
        }
        part.push(c);
    }
    words.push(part);
    let words = words.iter();
    let encoded: Vec<String> = words
        .map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word)))
        .collect();
    encoded.join("\r\n ")
}

fn date(now: UtcMs) -> String {
    let at = Timestamp::from_millisecond(now.0).unwrap_or_default();
    let at = at.to_zoned(TimeZone::UTC);
    jiff::fmt::rfc2822::to_string(&at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::item;
    use super::*;
    use crate::item::Kind;

    fn mail<'a>(to: &'a [String], subject: &str, text: &str) -> Mail<'a> {
        Mail {
            id: "msg_1",
            from: "patchward@hospital.example",
            to,
            subject: subject.to_owned(),
            text: text.to_owned(),
        }
    }

    fn written(mail: &Mail<'_>) -> String {
        String::from_utf8(mail.bytes(UtcMs(1_795_400_000_000))).unwrap()
    }

    #[test]
    fn an_address_is_one_and_nothing_that_ends_a_header() {
        for good in ["ann@h.example", "a.b+c@10.example", "o'neil@x-y.example"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "ann",
            "@h",
            "ann@",
            "a b@h",
            "a@h\r\nBcc: x@y",
            "<a@h>",
            "a@h,b@h",
            "a..b@h",
            "a@h..e",
            ".a@h",
            "a@-h",
            "\"a\"@h",
            "\u{fc}@h",
            "a@b@c d",
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }

    #[test]
    fn no_text_adds_a_header_or_a_line_to_the_body() {
        let to = ["ann@h.example".to_owned()];
        let hostile = "x\r\nBcc: evil@y\r\n\r\nbody\u{fc}".to_owned() + &"\u{1f3e5}".repeat(60);
        let written = written(&mail(&to, &hostile, &format!("{hostile}\r\n.\r\nQUIT\r\n")));
        let (headers, body) = written.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = headers
            .split("\r\n")
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "Auto-Submitted",
                "MIME-Version",
                "Content-Type",
                "Content-Transfer-Encoding",
            ]
        );
        for line in written.split("\r\n") {
            assert!(line.len() <= 78 && !line.contains(['\r', '\n']), "{line}");
        }
        // Base64 has neither a dot nor a space.
        let is_body = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(&byte);
        assert!(body.bytes().all(is_body));
        assert!(headers.contains("Date: Mon, 23 Nov 2026"), "{headers}");
    }

    #[test]
    fn a_mail_says_what_happened_whose_move_it_is_and_where_to_look() {
        let failed = Notice::of(&item(Kind::Failed, "a", Some("icu")));
        let over = Notice::of(&item(Kind::Sign, "b", None)).ended();
        assert_eq!(
            subject(std::slice::from_ref(&failed)),
            "Patchward: failed pc-1 (icu)"
        );
        let both = [failed, over];
        assert_eq!(subject(&both), "Patchward: 1 new, 1 over");
        let text = text(&both, "main", "https://p:8443");
        for part in [
            "- failed: pc-1 in icu, since 1970-01-01",
            "it ended with 1",
            "It is IT operations' move.",
            "Open no more:\n\n- sign: pc-1",
            "https://p:8443/",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let to = ["a@h".to_owned(), "b@h".to_owned()];
        let written = written(&mail(&to, "\u{dc}ber", &text));
        assert!(written.contains("To: a@h,\r\n b@h\r\n"));
        assert!(written.contains("Subject: =?UTF-8?B?w5xiZXI=?=\r\n"));
    }
}
