//! `protocol.cddl` and the types agree on every choice, in both directions. Each enum is
//! written out once in a `match` without `_`: a new variant does not compile before it
//! has its word here, and its word is not accepted before the schema has it.
// clippy.toml allows them in test functions; what these call is test code too.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod schema;

use patchward_common::codec::encode;
use patchward_common::component::{ComponentSet, PackedComponents, PackedDelta};
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, MachineId, Name, Nonce};
use patchward_common::job::{
    Event, JobEvent, Measurement, NotStarted, ProductVersion, Reason, Start, State, StepEnd,
    StepOutcome, Verdict,
};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::check::{Interlock, Step};
use patchward_common::trust::sign::KeyId;
use patchward_common::trust::stop::Scope;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::machine::{InterlockWord, InventoryContent, RefusedCode};
use patchward_common::wire::{local, machine};
use schema::{Rule, choices, word};
use std::collections::BTreeSet;

/// The words of an enum, from a `match` that names every variant.
macro_rules! words {
    ($enum:ty { $($variant:ident => $word:literal),+ $(,)? }) => {{
        // Never called: what it is for is that it compiles.
        fn _every_variant(value: &$enum) -> &'static str {
            type Enum = $enum;
            match value {
                $(Enum::$variant { .. } => $word,)+
            }
        }
        BTreeSet::from([$($word.to_owned()),+])
    }};
}

/// Holds an enum to a rule: its words, and one value of each variant.
macro_rules! held {
    ($rule:literal, $enum:ty { $($variant:ident $(($($value:expr),+))? $({$($field:ident: $of:expr),+})? => $word:literal),+ $(,)? }) => {{
        type Enum = $enum;
        let words: BTreeSet<String> = words!($enum { $($variant => $word),+ });
        assert_eq!(words, choices($rule), "{}", $rule);
        let rule = Rule::new($rule);
        $(
            let bytes = encode(&Enum::$variant $(($($value),+))? $({$($field: $of),+})?);
            assert_eq!(word(&bytes), $word, "{}", $rule);
            rule.check(&bytes).unwrap_or_else(|error| panic!("{}, {}: {error}", $rule, $word));
        )+
    }};
}

fn reason() -> Reason {
    Reason {
        step: Some(Step::HoldAndStop),
        text: "held by the ward".to_owned(),
    }
}

fn name() -> Name {
    Name::new("viewer").unwrap()
}

fn versions() -> Vec<ProductVersion> {
    vec![ProductVersion {
        product: name(),
        version: "4.2.1".to_owned(),
    }]
}

fn start() -> Start {
    Start {
        slot: Interval::new(UtcMs(0), UtcMs(1)).unwrap(),
        boot: BootId([1; 16]),
        go: Digest([2; 32]),
        approved_by: vec![KeyId([3; 32])],
        roster: Digest([4; 32]),
        charter: Digest([5; 32]),
        assignment: Digest([6; 32]),
        versions_before: versions(),
        interlock: "idle".to_owned(),
    }
}

fn ended(outcome: StepOutcome) -> StepEnd {
    StepEnd {
        step: "unpack".to_owned(),
        outcome,
        output: String::new(),
    }
}

fn measured(verdict: Verdict) -> Measurement {
    Measurement {
        verdict,
        versions_after: versions(),
        checks: vec![patchward_common::job::CheckResult {
            check: "starts".to_owned(),
            passed: true,
            output: String::new(),
        }],
        boot: BootId([1; 16]),
    }
}

#[test]
fn messages_have_the_choices_of_the_schema() {
    let request = words!(machine::Request {
        Enroll => "enroll",
        Renew => "renew",
        Hello => "hello",
        Inventory => "inventory",
        Orders => "orders",
        Metadata => "metadata",
        Artifact => "artifact",
        Go => "go",
        Journal => "journal",
        Devices => "devices",
        Witness => "witness",
    });
    let answer = words!(machine::Answer {
        Certificate => "certificate",
        Wait => "wait",
        Hello => "hello",
        Accepted => "accepted",
        SendWhole => "send_whole",
        Orders => "orders",
        Metadata => "metadata",
        MetadataIs => "metadata_is",
        Artifact => "artifact",
        Go => "go",
        NotNow => "not_now",
        Stored => "stored",
        Devices => "devices",
        Witnessed => "witnessed",
        Refused => "refused",
    });
    let nudge = words!(Nudge {
        OrdersChanged => "orders_changed",
        Stop => "stop",
        ReportNow => "report_now",
        GoingAway => "going_away",
    });
    for (rule, words) in [("request", request), ("answer", answer), ("nudge", nudge)] {
        assert_eq!(words, choices(rule), "{rule}");
    }
}

#[test]
fn messages_on_the_machine_have_the_choices_of_the_schema() {
    let request = words!(local::Request {
        Identity => "identity",
        SignStatement => "sign_statement",
        Documents => "documents",
        Prepare => "prepare",
        Nonce => "nonce",
        Start => "start",
        Reboot => "reboot",
        Status => "status",
        Journal => "journal",
        Hold => "hold",
        EndHold => "end_hold",
        HandOver => "hand_over",
        Stop => "stop",
        EndStops => "end_stops",
        Explain => "explain",
    });
    let answer = words!(local::Answer {
        Identity => "identity",
        Statement => "statement",
        Documents => "documents",
        Prepared => "prepared",
        Nonce => "nonce",
        Started => "started",
        Status => "status",
        Journal => "journal",
        Done => "done",
        Explained => "explained",
        Refused => "refused",
        Error => "error",
    });
    for (rule, words) in [("local-request", request), ("local-answer", answer)] {
        assert_eq!(words, choices(rule), "{rule}");
    }
}

#[test]
fn what_stands_inside_messages_has_the_choices_of_the_schema() {
    held!("refused-code", RefusedCode {
        BadRequest => "bad_request",
        Token => "token",
        Forbidden => "forbidden",
        NotFound => "not_found",
        JournalConflict => "journal_conflict",
        Clone => "clone",
        Busy => "busy",
    });
    held!("interlock-word", InterlockWord {
        Idle => "i",
        InUse => "u",
        Unknown => "?",
    });
    held!("interlock", Interlock {
        Idle => "idle",
        Unknown("no answer".to_owned()) => "unknown",
        InUse("sessions".to_owned()) => "in_use",
    });
    held!("inventory-content", InventoryContent {
        Whole(PackedComponents::of(&ComponentSet::default())) => "whole",
        Change { base: Digest([1; 32]), delta: PackedDelta::from_bytes(vec![1]) } => "change",
    });
    held!("scope", Scope {
        Plan(Digest([1; 32])) => "plan",
        Release(Digest([2; 32])) => "release",
        Vendor(name()) => "vendor",
        Unit(name()) => "unit",
        All => "all",
    });
}

#[test]
fn the_eleven_steps_are_those_of_the_schema() {
    held!("step", Step {
        Roster => "roster",
        Assignment => "assignment",
        Approval => "approval",
        Placement => "placement",
        Vendor => "vendor",
        Applicability => "applicability",
        Artifacts => "artifacts",
        Go => "go",
        Time => "time",
        HoldAndStop => "hold_and_stop",
        Interlock => "interlock",
    });
}

#[test]
fn the_states_of_a_job_are_those_of_the_schema() {
    held!("job-state", State {
        Assigned => "assigned",
        Staged => "staged",
        Armed => "armed",
        Deferred(reason()) => "deferred",
        Installing => "installing",
        RebootPending => "reboot_pending",
        Rebooting => "rebooting",
        Measuring => "measuring",
        Recovering(reason()) => "recovering",
        Verified => "verified",
        Attested => "attested",
        InService => "in_service",
        RolledBack(reason()) => "rolled_back",
        Failed(reason()) => "failed",
        Missed => "missed",
        Stopped(reason()) => "stopped",
        Freed(reason()) => "freed",
    });
}

#[test]
fn the_events_of_a_journal_are_those_of_the_schema() {
    let refused = NotStarted {
        reason: reason(),
        nonce: Some(Nonce([4; Nonce::LEN])),
    };
    held!("event", Event {
        Prepared => "prepared",
        Refused(refused) => "refused",
        WouldHaveStarted(start()) => "would_have_started",
        Started(start()) => "started",
        StepEnded(ended(StepOutcome::Succeeded)) => "step_ended",
        RebootPending(reason()) => "reboot_pending",
        RebootOrdered(BootId([1; 16])) => "reboot_ordered",
        RecoveryBegan(reason()) => "recovery_began",
        Withdrawn(reason()) => "withdrawn",
        Measured(measured(Verdict::Verified)) => "measured",
        Stopped(Reason::new("by a person")) => "stopped",
    });
    held!("outcome", StepOutcome {
        Succeeded => "succeeded",
        Failed(-1) => "failed",
        TimedOut => "timed_out",
        Lost => "lost",
    });
    held!("verdict", Verdict {
        Verified => "verified",
        RolledBack(reason()) => "rolled_back",
        Failed(reason()) => "failed",
    });
    let whole = JobEvent {
        machine: MachineId([1; 32]),
        sequence: 1,
        previous: Digest::default(),
        at: UtcMs(0),
        job: JobId([2; 16]),
        approval: Digest([3; 32]),
        event: Event::Refused(NotStarted::from(reason())),
    };
    let rule = Rule::new("job-event");
    rule.check(&encode(&whole)).unwrap();
    // The schema can fail here too.
    rule.check(&encode(&whole.event)).unwrap_err();
}
