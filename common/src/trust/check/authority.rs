//! Step 1: who may sign.

use super::refusal::{Refusal, Step, Why};
use super::rule::{in_date, not_below, unsigned};
use crate::time::UtcMs;
use crate::trust::charter::{self, Charter, CharterError, MAX_CHARTER_CHAIN};
use crate::trust::roster::Roster;
use crate::trust::sign::{PublicKey, Signed, Verified};
use crate::trust::watermark::Watermark;

/// Step 1's result: who may sign.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The newest charter.
    pub charter: Verified<Charter>,
    /// The newest roster.
    pub roster: Verified<Roster>,
}

/// 1 **charter and roster**: chain from the pin, not below the watermark, in date.
///
/// `known` is the charter that the watermark names, where it was verified before.
/// `charters` lead to the newest, oldest first; those up to and with the one that the
/// watermark names may stand before.
pub fn charter_and_roster(
    watermark: &Watermark,
    known: Option<&Verified<Charter>>,
    charters: &[Signed<Charter>],
    roster: &Signed<Roster>,
    now: UtcMs,
) -> Result<Authority, Refusal> {
    let refuse = |why| Refusal::new(Step::Roster, why);
    let charter = follow(watermark, known, charters).map_err(refuse)?;
    in_date("charter", charter.issued, charter.expires, now).map_err(refuse)?;
    let roster = newest_roster(watermark, &charter, roster, now).map_err(refuse)?;
    Ok(Authority { charter, roster })
}

/// 1, its first half: the newest charter that follows from the watermark, in date or
/// not. Raise the watermark to it before the roster is asked for: a charter that takes
/// a registrar away must count from when it was seen, not from when a roster fits it.
pub fn charters(
    watermark: &Watermark,
    known: Option<&Verified<Charter>>,
    charters: &[Signed<Charter>],
) -> Result<Verified<Charter>, Refusal> {
    follow(watermark, known, charters).map_err(|why| Refusal::new(Step::Roster, why))
}

fn follow(
    watermark: &Watermark,
    known: Option<&Verified<Charter>>,
    charters: &[Signed<Charter>],
) -> Result<Verified<Charter>, Why> {
    let seen = watermark.charter;
    if known.is_some_and(|known| known.digest() != seen.digest) {
        return Err(Why::Changed {
            document: "charter",
        });
    }
    let mut newest = known.cloned();
    let mut following = charters;
    let head = charters.iter().position(|one| one.digest() == seen.digest);
    if let Some(head) = head
        && let Some((here, after)) = charters.get(head..).and_then(<[_]>::split_first)
    {
        // The very bytes that were accepted; the root that they name signed them too.
        newest = Some(watermark.root.verify(here).map_err(refused)?);
        following = after;
    }
    if following.len() > MAX_CHARTER_CHAIN {
        return Err(Why::Malformed {
            document: "charter",
            problem: "more charters at once than a machine follows",
        });
    }
    let mut root = watermark.root.clone();
    let mut number = seen.number;
    for next in following {
        let charter = charter::follow(&root, number, next).map_err(refused)?;
        root = charter.root.clone();
        number = charter.number;
        newest = Some(charter);
    }
    newest.ok_or(Why::Missing("charter"))
}

fn refused(error: CharterError) -> Why {
    let malformed = |problem| Why::Malformed {
        document: "charter",
        problem,
    };
    match error {
        CharterError::Signature(error) => unsigned("charter", &error),
        CharterError::Threshold { have, need } => Why::TooFewSigned {
            have,
            need,
            with_file_key: 0,
            need_file_key: 0,
        },
        CharterError::Order { before, found } if found == before => Why::Changed {
            document: "charter",
        },
        CharterError::Order { before, found } if found < before => Why::Older {
            document: "charter",
            found,
            seen: before,
        },
        CharterError::Order { .. } => malformed("one before it is missing"),
        CharterError::Root => malformed("its root keys or their threshold are not usable"),
        CharterError::Malformed(problem) => malformed(problem),
    }
}

fn newest_roster(
    watermark: &Watermark,
    charter: &Charter,
    signed: &Signed<Roster>,
    now: UtcMs,
) -> Result<Verified<Roster>, Why> {
    let malformed = |problem| Why::Malformed {
        document: "roster",
        problem,
    };
    let registrars: Vec<PublicKey> = charter.registrars.iter().map(|one| one.key).collect();
    let roster = signed
        .verify(&registrars)
        .map_err(|error| unsigned("roster", &error))?;
    not_below("roster", watermark.roster, roster.number, roster.digest())?;
    if roster.lives_too_long() {
        return Err(Why::TooLong { document: "roster" });
    }
    roster.check_under(charter).map_err(malformed)?;
    in_date("roster", roster.issued, roster.expires, now)?;
    Ok(roster)
}
