//! Whether a machine can be used for a patient now. That more is asked of it than of who counts for
//! a go is on purpose: a go asks how many are left, a person who stands there uses this one.

use super::clocks::AHEAD_MS;
use super::go::{READY_WITHIN_MS, is_ready};
use crate::store::go::Member;
use crate::store::machines::Readiness;
use crate::store::places::SwitchedOff;
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use patchward_common::wire::machine::InterlockWord;

/// Whether it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Usable {
    /// It can.
    Yes,
    /// Nobody knows, and why.
    Unknown(&'static str),
    /// It cannot, and why.
    No(&'static str),
}

impl Usable {
    /// For a ward: in a line of several machines why would be too much.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Yes => "ready",
            Self::Unknown(_) => "whether it is ready is not known",
            Self::No(_) => "not ready now",
        }
    }
}

/// What a machine and its people say of it.
pub fn usable(member: &Member, now: UtcMs) -> Usable {
    let is_until = |until: Option<UtcMs>| until.is_some_and(|until| now < until);
    let is_vouched = is_until(member.vouched_until);
    let heard = |at: UtcMs| (-AHEAD_MS..=READY_WITHIN_MS).contains(&now.since_ms(at));
    if is_until(member.hold_until) {
        return Usable::No(NOT_NOW);
    }
    let is_manual = member.mode == Mode::Manual;
    match (is_manual, member.interlock, member.readiness) {
        (true, ..) if is_vouched => {}
        (true, ..) => return Usable::Unknown("nobody said lately that it is fit for use"),
        _ if !member.heard_at.is_some_and(heard) => return Usable::Unknown("it is not heard"),
        (_, Some(InterlockWord::InUse), _) => return Usable::No("it is in use"),
        (_, _, Some(Readiness::NotReady)) => return Usable::No("its probes say so"),
        (_, _, Some(Readiness::Ready)) => {}
        _ if is_vouched => {}
        _ => return Usable::Unknown("no probe of it tells"),
    }
    // What does not count for a go is no stand-in either.
    match is_ready(member, SwitchedOff::DoesNotCount, now) {
        true => Usable::Yes,
        false => Usable::No("it is being worked on"),
    }
}

/// What its ward said.
pub const NOT_NOW: &str = "its ward said \"not now\"";
