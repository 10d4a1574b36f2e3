//! Steps 8 to 11: what must be true at the start, and again on the way.

use super::authority::Authority;
use super::refusal::{Refusal, Step, Why};
use super::rule::{enough, in_date, not_ahead, unsigned};
use crate::id::{BootId, JobId, MachineId, Nonce};
use crate::time::{Interval, MINUTE_MS, SECOND_MS, UtcMs};
use crate::trust::approval::PlanLeaf;
use crate::trust::assignment::AssignmentLeaf;
use crate::trust::charter::{CharterError, MAX_TIME_RESET_LIFE_MS, TimeReset};
use crate::trust::go::{CLOCK_BOUND_MS, Go, NONCE_LIFE_MS, WATERMARK_SLACK_MS};
use crate::trust::roster::{Quorum, SigningRole};
use crate::trust::sign::{Signed, Verified};
use crate::trust::stop::Handover;
use crate::trust::watermark::Watermark;
use serde::{Deserialize, Serialize};

/// What the installer asked a go for, and how long ago by its boot clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The job.
    pub job: JobId,
    /// This machine.
    pub machine: MachineId,
    /// This boot.
    pub boot: BootId,
    /// The outstanding nonce.
    pub nonce: Nonce,
    /// Milliseconds of boot time since it was drawn.
    pub age_ms: i64,
}

/// 8 **go**: nonce, job, boot id, key in the roster, within 5 minutes.
pub fn go(
    authority: &Authority,
    ask: &Ask,
    signed: &Signed<Go>,
    now: UtcMs,
) -> Result<Verified<Go>, Refusal> {
    let refuse = |why| Refusal::new(Step::Go, why);
    let go = signed
        .verify(&authority.roster.live_go_keys(now))
        .map_err(|error| refuse(unsigned("go", &error)))?;
    for (what, equal) in [
        ("machine", go.machine == ask.machine),
        ("job", go.job == ask.job),
        ("boot", go.boot == ask.boot),
        ("nonce", go.nonce == ask.nonce),
    ] {
        if !equal {
            return Err(refuse(Why::OtherGo(what)));
        }
    }
    if !(0..=NONCE_LIFE_MS).contains(&ask.age_ms) {
        return Err(refuse(Why::LateGo));
    }
    Ok(go)
}

/// 9 **time**: local clock near the go's and not below the watermark; inside a slot
/// with the longest run left before its end. Expiries are asked again by calling the
/// steps before with this `now`. Gives back the open slot.
///
/// The go's clock was read at some instant since it was asked for, `age_ms` ago: a clock
/// here that is behind must not pass because the go was held back until it agreed.
pub fn time(
    watermark: UtcMs,
    (go_clock, age_ms): (UtcMs, i64),
    leaf: &PlanLeaf,
    longest_run_ms: i64,
    now: UtcMs,
) -> Result<Interval, Refusal> {
    let refuse = |why| Refusal::new(Step::Time, why);
    let latest = go_clock.plus_ms(age_ms.max(0));
    for apart in [now.since_ms(go_clock), now.since_ms(latest)] {
        if apart.saturating_abs() > CLOCK_BOUND_MS {
            return Err(refuse(Why::Clock {
                seconds: apart / SECOND_MS,
            }));
        }
    }
    if watermark.since_ms(now) > WATERMARK_SLACK_MS {
        return Err(refuse(Why::ClockFellBack {
            now,
            seen: watermark,
        }));
    }
    may_start_at(leaf, longest_run_ms, now).map_err(refuse)
}

/// The open slot of `leaf`, where the longest run still fits into it.
pub fn may_start_at(leaf: &PlanLeaf, longest_run_ms: i64, now: UtcMs) -> Result<Interval, Why> {
    let open = leaf.slots.iter().find(|slot| slot.contains(now));
    let slot = *open.ok_or(Why::NoSlot)?;
    let left_ms = slot.end().since_ms(now);
    if left_ms < longest_run_ms {
        return Err(Why::SlotTooShort {
            left_minutes: left_ms / MINUTE_MS,
            need_minutes: longest_run_ms.saturating_add(MINUTE_MS - 1) / MINUTE_MS,
        });
    }
    Ok(slot)
}

/// 9, where the watermark itself is wrong: the hospital root lets this machine's time
/// fall, once. The caller sets the time to the reset's, and keeps its digest among the
/// used documents.
pub fn time_reset(
    watermark: &Watermark,
    signed: &Signed<TimeReset>,
    now: UtcMs,
) -> Result<Verified<TimeReset>, Refusal> {
    let refuse = |why| Refusal::new(Step::Time, why);
    const DOCUMENT: &str = "time reset";
    let reset = watermark.root.verify(signed).map_err(|error| {
        refuse(match error {
            CharterError::Signature(error) => unsigned(DOCUMENT, &error),
            CharterError::Threshold { have, need } => Why::TooFewSigned {
                have,
                need,
                with_file_key: 0,
                need_file_key: 0,
            },
            other => Why::Signature {
                document: DOCUMENT,
                problem: other.to_string(),
            },
        })
    })?;
    if reset.machine != watermark.machine {
        return Err(refuse(Why::OtherMachine { document: DOCUMENT }));
    }
    if watermark.used.contains(&reset.digest()) {
        return Err(refuse(Why::Used(DOCUMENT)));
    }
    let expires = reset.issued.plus_ms(MAX_TIME_RESET_LIFE_MS);
    in_date(DOCUMENT, reset.issued, expires, now).map_err(refuse)?;
    if reset.to >= watermark.time {
        return Err(refuse(Why::Malformed {
            document: DOCUMENT,
            problem: "the time that it names is not below the one seen",
        }));
    }
    Ok(reset)
}

/// Whether the machine may be disturbed, as its own probes say. Ordered: the
/// strictest of several is the greatest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interlock {
    /// Nobody uses it.
    Idle,
    /// It cannot be told, for this reason; counts as in use.
    Unknown(String),
    /// It is in use, as this probe says.
    InUse(String),
}

/// 11 **interlock**, measured after the go arrived: `idle`.
pub fn interlock(measured: &Interlock) -> Result<(), Refusal> {
    let why = match measured {
        Interlock::Idle => return Ok(()),
        Interlock::InUse(probe) => Why::InUse(probe.clone()),
        Interlock::Unknown(reason) => Why::UseUnknown(reason.clone()),
    };
    Err(Refusal::new(Step::Interlock, why))
}

/// 11, on a machine with the profile `handover`: the unit handed it over for this slot,
/// by one of its approvers or technicians. It then counts as idle until the slot ends.
pub fn handover(
    authority: &Authority,
    place: &AssignmentLeaf,
    ask: &Ask,
    signed: &Signed<Handover>,
    slot: Interval,
    now: UtcMs,
) -> Result<Verified<Handover>, Refusal> {
    let refuse = |why| Refusal::new(Step::Interlock, why);
    let roster = &authority.roster;
    let handover = signed
        .verify(&roster.people_keys(now))
        .map_err(|error| refuse(unsigned("handover", &error)))?;
    let roles = [SigningRole::Approver, SigningRole::Technician];
    let people = roster.endorsement(handover.signers(), &roles, &[&place.unit], now);
    let one = Quorum {
        people: 1,
        with_file_key: 0,
    };
    enough(&people, one).map_err(refuse)?;
    if handover.machine != ask.machine || place.machine != ask.machine {
        let document = "handover";
        return Err(refuse(Why::OtherMachine { document }));
    }
    for (what, equal) in [
        ("job", handover.job == ask.job),
        ("slot", handover.slot == slot && slot.contains(now)),
    ] {
        if !equal {
            return Err(refuse(Why::OtherHandover(what)));
        }
    }
    not_ahead("handover", handover.issued, now).map_err(refuse)?;
    Ok(handover)
}
