//! Steps 8 to 11: what must be true at the start, and again on the way.

use super::prepare::{Authority, unsigned};
use super::refusal::{Refusal, Step, Why};
use crate::digest::Digest;
use crate::id::{BootId, JobId, MachineId, Nonce};
use crate::time::{Interval, MINUTE_MS, SECOND_MS, UtcMs};
use crate::trust::approval::{Approval, PlanLeaf};
use crate::trust::assignment::AssignmentLeaf;
use crate::trust::charter::Charter;
use crate::trust::go::{CLOCK_BOUND_MS, Go, NONCE_LIFE_MS, WATERMARK_SLACK_MS};
use crate::trust::roster::SigningRole;
use crate::trust::sign::{Signed, Verified};
use crate::trust::stop::{Lift, Scope, Stop};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
pub fn time(
    watermark: UtcMs,
    go_clock: UtcMs,
    leaf: &PlanLeaf,
    longest_run_ms: i64,
    now: UtcMs,
) -> Result<Interval, Refusal> {
    let refuse = |why| Refusal::new(Step::Time, why);
    let apart = now.since_ms(go_clock);
    if apart.saturating_abs() > CLOCK_BOUND_MS {
        return Err(refuse(Why::Clock {
            seconds: apart / SECOND_MS,
        }));
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

/// The stops that are known here, and what ended some of them. A grow-only set.
#[derive(Clone, Debug, Default)]
pub struct Stops {
    /// Signed stops by digest.
    stops: BTreeMap<Digest, Stop>,
    /// Scopes that the agent passed on without a signature: stopping is never refused.
    unsigned: Vec<Scope>,
}

impl Stops {
    /// The stops in force: every stop that `authority` knows the signer of, and that no
    /// valid lift ended. `place` says which quorum a lift needs.
    pub fn in_force(
        authority: &Authority,
        place: Option<&AssignmentLeaf>,
        stops: &[Signed<Stop>],
        lifts: &[Signed<Lift>],
        now: UtcMs,
    ) -> Self {
        let roster = &authority.roster;
        let people = roster.people_keys(now);
        let go_keys = roster.live_go_keys(now);
        let mut in_force = BTreeMap::new();
        for signed in stops {
            let by_person = signed.verify(&people).ok().filter(|stop| {
                let signed = roster.endorsement(stop.signers(), &[SigningRole::Approver], &[], now);
                !signed.people().is_empty()
            });
            let by_collector = signed.verify(&go_keys).ok();
            let lifted = lifts.iter().any(|lift| match (&by_person, &by_collector) {
                (Some(stop), _) => lifts_persons_stop(authority, place, lift, stop.digest(), now),
                (None, Some(stop)) => lift
                    .verify(&go_keys)
                    .is_ok_and(|lift| lift.stop == stop.digest()),
                (None, None) => false,
            });
            if let Some(stop) = by_person.or(by_collector)
                && !lifted
            {
                in_force.insert(stop.digest(), stop.into_document());
            }
        }
        Self {
            stops: in_force,
            unsigned: Vec::new(),
        }
    }

    /// Adds what the agent passed on without a signature.
    pub fn with_unsigned(mut self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        self.unsigned.extend(scopes);
        self
    }

    /// The reason of a stop that covers this approval here, if there is one.
    pub fn covering(
        &self,
        approval: &Verified<Approval>,
        place: &AssignmentLeaf,
        charter: &Charter,
    ) -> Option<String> {
        let covers = |scope: &Scope| match scope {
            Scope::All => true,
            Scope::Plan(plan) => *plan == approval.digest(),
            Scope::Unit(unit) => *unit == place.unit,
            Scope::Release(digest) => approval.releases.iter().any(|r| r.sha256 == *digest),
            Scope::Vendor(vendor) => approval.releases.iter().any(|release| {
                charter
                    .grant(&release.repository)
                    .is_none_or(|grant| grant.vendor == *vendor)
            }),
        };
        let signed = self.stops.values().find(|stop| covers(&stop.scope));
        match signed {
            Some(stop) => Some(stop.reason.to_string()),
            None => self
                .unsigned
                .iter()
                .any(covers)
                .then(|| "the agent passed on a stop".to_owned()),
        }
    }
}

fn lifts_persons_stop(
    authority: &Authority,
    place: Option<&AssignmentLeaf>,
    lift: &Signed<Lift>,
    stop: Digest,
    now: UtcMs,
) -> bool {
    use crate::trust::roster::Class;
    let roster = &authority.roster;
    let class = place.map_or(Class::LifeSupport, |place| place.class);
    let units: Vec<_> = place.map(|place| &place.unit).into_iter().collect();
    lift.verify(&roster.people_keys(now)).is_ok_and(|lift| {
        lift.stop == stop
            && roster
                .endorsement(lift.signers(), &[SigningRole::Approver], &units, now)
                .meets(roster.quorum(class))
    })
}

/// 10 **hold and stop**: none.
pub fn hold_and_stop(
    held_until: Option<UtcMs>,
    stops: &Stops,
    approval: &Verified<Approval>,
    place: &AssignmentLeaf,
    charter: &Charter,
    now: UtcMs,
) -> Result<(), Refusal> {
    let refuse = |why| Refusal::new(Step::HoldAndStop, why);
    if let Some(until) = held_until.filter(|until| now < *until) {
        return Err(refuse(Why::Held(until)));
    }
    match stops.covering(approval, place, charter) {
        Some(reason) => Err(refuse(Why::Stopped(reason))),
        None => Ok(()),
    }
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
