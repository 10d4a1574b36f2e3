//! What a browser carries from one request of a sign-in to the next: in a cookie of its own,
//! signed by a key that this collector made when it started. Nobody can fill the collector's
//! memory by beginning sign-ins, and none is begun in one browser and ended in another.

use crate::account::SubjectId;
use crate::secret::Secret;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::{MINUTE_MS, UtcMs};
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How long somebody may take at the provider: to find the telephone with the second factor.
pub const FLOW_MS: i64 = 10 * MINUTE_MS;
/// How long a page of ours waits for what it asks after the provider has answered.
pub const ASKED_MS: i64 = 5 * MINUTE_MS;
/// Longest place to go to afterwards: a cookie holds four kilobytes (RFC 6265 §6.1).
const MAX_TO_BYTES: usize = 1_024;
/// Longest text of a ticket: what is longer is none, and is not worth its hash.
const MAX_TEXT_BYTES: usize = 4_096;
/// How many ended sign-ins are remembered at once. Each took an answer of the provider's, so
/// there are never so many; beyond it none is ended rather than one twice.
const MAX_USED: usize = 100_000;

/// How far a sign-in is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Stage {
    /// Somebody is at the provider.
    Away {
        /// Where they wanted to go.
        to: String,
        /// Whose account they link, where they are signed in and do that.
        linking: Option<Name>,
    },
    /// The provider said who they are; the account's own second factor is missing.
    Code {
        /// Whose account it is.
        account: Name,
        /// Where they wanted to go.
        to: String,
    },
    /// The provider said who they are; they have to say that they want the link.
    Link {
        /// Whose account it is.
        account: Name,
        /// Who they are there.
        subject: SubjectId,
    },
}

/// A ticket.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// A secret that this ticket alone has.
    secret: String,
    /// Until when it is good.
    until: UtcMs,
    /// What it is for.
    #[serde(flatten)]
    pub stage: Stage,
}

/// Never shows its secret.
impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl Ticket {
    /// A new one.
    pub fn new(stage: Stage, now: UtcMs) -> Self {
        let lasts = match stage {
            Stage::Away { .. } => FLOW_MS,
            Stage::Code { .. } | Stage::Link { .. } => ASKED_MS,
        };
        let fits = |to: String| match to.len() <= MAX_TO_BYTES {
            true => to,
            false => "/".to_owned(),
        };
        let stage = match stage {
            Stage::Away { to, linking } => Stage::Away {
                to: fits(to),
                linking,
            },
            other => other,
        };
        Self {
            secret: Secret::new().text().to_owned(),
            until: now.plus_ms(lasts),
            stage,
        }
    }

    /// What is told to the provider and comes back with its answer (`state`, RFC 6749 §10.12).
    pub fn state(&self) -> String {
        self.derived("state")
    }

    /// What stands in the ID token that the provider makes for this sign-in alone (`nonce`,
    /// OpenID Connect Core 1.0 §15.5.2).
    pub fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// What proves that who brings the code is who asked for it (`code_verifier`, RFC 7636
    /// §4.1): 64 hexadecimal digits.
    pub fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// What is remembered of it once it was used.
    fn mark(&self) -> Digest {
        Digest::of(self.secret.as_bytes())
    }

    /// Three texts of which none tells another.
    fn derived(&self, what: &str) -> String {
        Digest::of(format!("{what}:{}", self.secret).as_bytes()).to_string()
    }
}

/// Signs tickets, and knows which were used.
pub struct Tickets {
    key: hmac::Key,
    used: Mutex<BTreeMap<Digest, UtcMs>>,
}

impl Tickets {
    /// With a new key: tickets from before a start of the collector are worth nothing.
    pub fn new() -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>()),
            used: Mutex::default(),
        }
    }

    /// The text of a ticket, for a cookie.
    pub fn seal(&self, ticket: &Ticket) -> String {
        let body = serde_json::to_vec(ticket).unwrap_or_default();
        let body = BASE64_URL_SAFE_NO_PAD.encode(body);
        let tag = hmac::sign(&self.key, body.as_bytes());
        format!("{body}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
    }

    /// The ticket of a text, if we made it, its time is not over and it was not used.
    pub fn open(&self, text: &str, now: UtcMs) -> Option<Ticket> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let (body, tag) = text.split_once('.')?;
        let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.key, body.as_bytes(), &tag).ok()?;
        let body = BASE64_URL_SAFE_NO_PAD.decode(body).ok()?;
        let ticket: Ticket = serde_json::from_slice(&body).ok()?;
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        (now < ticket.until && !used.contains_key(&ticket.mark())).then_some(ticket)
    }

    /// Uses a ticket up: `false` where it was used, its time is over, or too many were used.
    pub fn take(&self, ticket: &Ticket, now: UtcMs) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MAX_USED {
            used.retain(|_, until| now < *until);
        }
        now < ticket.until
            && used.len() < MAX_USED
            && used.insert(ticket.mark(), ticket.until).is_none()
    }
}

impl Default for Tickets {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMs = UtcMs(1_795_400_000_000);

    fn away(to: &str) -> Ticket {
        let stage = Stage::Away {
            to: to.into(),
            linking: None,
        };
        Ticket::new(stage, NOW)
    }

    #[test]
    fn a_ticket_comes_back_as_it_went_for_its_time() {
        let tickets = Tickets::new();
        let ticket = away("/plan/ab");
        let text = tickets.seal(&ticket);
        assert_eq!(tickets.open(&text, NOW), Some(ticket.clone()));
        let last = NOW.plus_ms(FLOW_MS - 1);
        assert_eq!(tickets.open(&text, last), Some(ticket.clone()));
        assert_eq!(tickets.open(&text, NOW.plus_ms(FLOW_MS)), None);
        assert!(!tickets.take(&ticket, NOW.plus_ms(FLOW_MS)));
        // It is good for a cookie, and does not show its secret.
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b';')
        );
        assert!(!format!("{ticket:?}").contains(&ticket.secret));
    }

    #[test]
    fn a_ticket_is_good_once() {
        let tickets = Tickets::new();
        let ticket = away("/");
        let text = tickets.seal(&ticket);
        assert!(tickets.take(&ticket, NOW));
        assert!(!tickets.take(&ticket, NOW));
        assert_eq!(tickets.open(&text, NOW), None);
    }

    #[test]
    fn a_ticket_that_is_none_of_ours_is_none() {
        let tickets = Tickets::new();
        let text = tickets.seal(&away("/"));
        assert_eq!(
            Tickets::new().open(&text, NOW),
            None,
            "of another collector"
        );
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(bytes).unwrap();
            // The last digit of base 64 may stand for bits that are not there.
            if at + 1 < text.len() {
                assert_eq!(tickets.open(&other, NOW), None, "{at}");
            }
        }
        for bad in ["", ".", "a.b", &"a".repeat(5_000)] {
            assert_eq!(tickets.open(bad, NOW), None, "{bad}");
        }
    }

    #[test]
    fn what_is_told_to_the_provider_tells_nothing_of_the_rest() {
        let ticket = away("/");
        let texts = [
            ticket.state(),
            ticket.nonce(),
            ticket.verifier(),
            ticket.secret.clone(),
        ];
        for (at, text) in texts.iter().enumerate() {
            assert_eq!(text.len(), 64);
            assert!(!texts[at + 1..].contains(text));
        }
        assert_ne!(ticket.state(), away("/").state());
    }

    #[test]
    fn a_place_that_no_cookie_holds_is_left_out() {
        let ticket = away(&format!("/{}", "x".repeat(MAX_TO_BYTES)));
        let Stage::Away { to, .. } = &ticket.stage else {
            panic!("another stage");
        };
        assert_eq!(to, "/");
        let long = away(&format!("/{}", "x".repeat(MAX_TO_BYTES - 1)));
        let text = Tickets::new().seal(&long);
        assert!(text.len() < MAX_TEXT_BYTES / 2, "{}", text.len());
    }
}
