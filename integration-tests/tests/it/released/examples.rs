//! One example of every message and file, deterministic: fixed keys, times and ids.

use super::installer;
use super::messages::{components, facts};
use patchward_common::codec::{encode, encode_deterministic};
use patchward_common::component::PackedComponents;
use patchward_common::digest::Digest;
use patchward_common::evidence::{JobEvidence, Pack, ProvedLeaf};
use patchward_common::id::{BootId, JobId, MachineId, Nonce};
use patchward_common::job::{Event, JobEvent, NotStarted, Reason};
use patchward_common::plan::{CharterChain, Context, PlanFile, Table};
use patchward_common::time::{DAY_MS, HOUR_MS, UtcMs};
use patchward_common::trust::approval::Approval;
use patchward_common::trust::assignment::Assignment;
use patchward_common::trust::charter::TimeReset;
use patchward_common::trust::check::{Ask, Step};
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Scope, Stop};
use patchward_common::trust::watermark::Watermark;
use patchward_common::wire::collector::{Held, Nudge};
use patchward_common::wire::local::{Documents, Placed};
use patchward_common::wire::machine::{Orders, Request};
use patchward_integration_tests::fixture::{Hospital, interval, label, name, sign};
use serde::Serialize;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

pub(super) const NOW: UtcMs = UtcMs(1_795_400_040_000);
pub(super) const BOOT: BootId = BootId([3; 16]);
pub(super) const NONCE: Nonce = Nonce([4; Nonce::LEN]);

/// Its kind, what it shows, and its bytes.
pub(super) type Example = (&'static str, &'static str, Vec<u8>);

/// The hospital behind the examples.
pub(super) struct World {
    pub(super) hospital: Hospital,
    pub(super) machine: MachineId,
    pub(super) approval: Placed<Approval>,
    assignment: Placed<Assignment>,
    pub(super) job: JobId,
}

impl World {
    pub(super) fn new() -> Self {
        let hospital = Hospital::new(1, NOW);
        let machine = MachineId(PublicKey::of(&hospital.tom).id().0);
        let row = hospital.row(machine);
        let approval = hospital.approval(vec![hospital.release("4.2.1", 7, b"viewer 4.2.1")]);
        let signers = [&hospital.alice, &hospital.bob];
        let mut placed = hospital.approve(&approval, &[hospital.leaf(&row)], &signers);
        let approval = placed.pop().expect("one leaf was placed");
        let assignment = hospital
            .assignment(1, &[row])
            .pop()
            .expect("one row was placed");
        Self {
            job: JobId::of(approval.signed.digest(), machine),
            hospital,
            machine,
            approval,
            assignment,
        }
    }

    pub(super) fn go(&self) -> Signed<Go> {
        let ask = Ask {
            job: self.job,
            machine: self.machine,
            boot: BOOT,
            nonce: NONCE,
            age_ms: 0,
        };
        self.hospital.go(&ask, NOW)
    }

    fn stop(&self) -> Signed<Stop> {
        let stop = Stop {
            scope: Scope::Unit(name("icu-3")),
            reason: label("alarms without sound"),
            issued: NOW,
        };
        sign(&stop, &[&self.hospital.alice])
    }

    pub(super) fn event(&self) -> Signed<JobEvent> {
        let event = JobEvent {
            machine: self.machine,
            sequence: 1,
            previous: Digest::default(),
            at: NOW,
            job: self.job,
            approval: self.approval.signed.digest(),
            event: Event::Refused(NotStarted {
                reason: self.reason(),
                nonce: Some(NONCE),
            }),
        };
        sign(&event, &[&self.hospital.tom])
    }

    pub(super) fn reason(&self) -> Reason {
        Reason {
            step: Some(Step::Interlock),
            text: "in use, says sessions".into(),
        }
    }

    pub(super) fn documents(&self) -> Documents {
        let (hospital, people) = (&self.hospital, [&self.hospital.alice, &self.hospital.carol]);
        let lift = Lift {
            stop: self.stop().digest(),
            reason: label("the alarm sounds"),
            issued: NOW,
        };
        let downgrade = Downgrade {
            machines: vec![self.machine],
            product: name("viewer"),
            from: "4.2.1".into(),
            to: "4.1.0".into(),
            reason: label("slow images"),
            issued: NOW,
            expires: NOW.plus_ms(DAY_MS),
        };
        let handover = Handover {
            machine: self.machine,
            job: self.job,
            slot: interval(NOW, NOW.plus_ms(HOUR_MS)),
            stand_in: label("Reading station 8"),
            issued: NOW,
        };
        let reset = TimeReset {
            machine: self.machine,
            to: NOW,
            issued: NOW,
        };
        Documents {
            stops: vec![self.stop()],
            lifts: vec![sign(&lift, &people)],
            downgrades: vec![sign(&downgrade, &people)],
            handovers: vec![sign(&handover, &[&hospital.tom])],
            time_resets: vec![sign(&reset, &[&hospital.root])],
            ..hospital.documents(&hospital.row(self.machine), vec![self.approval.clone()])
        }
    }

    pub(super) fn orders(&self) -> Orders {
        let documents = self.documents();
        Orders {
            charters: documents.charters,
            roster: documents.roster,
            assignment: documents.assignment,
            approvals: documents.approvals,
            stops: documents.stops,
            lifts: documents.lifts,
            downgrades: documents.downgrades,
            handovers: documents.handovers,
            time_resets: documents.time_resets,
            base: None,
            digest: Digest([9; 32]),
        }
    }

    /// What a stop adds to other orders.
    pub(super) fn added(&self) -> Orders {
        Orders {
            stops: self.documents().stops,
            base: Some(Digest([8; 32])),
            digest: Digest([9; 32]),
            ..Orders::default()
        }
    }

    fn chain(&self) -> CharterChain {
        CharterChain {
            root: self.hospital.root_keys(),
            charters: self.documents().charters,
        }
    }

    fn plan(&self) -> PlanFile {
        let roster = sign(&self.hospital.roster(), &[&self.hospital.registrar]);
        PlanFile {
            plan: Table {
                signed: self.approval.signed.clone(),
                leaves: vec![self.approval.leaf.clone()],
            },
            context: Context {
                made: NOW,
                chain: self.chain(),
                roster,
                assignments: vec![Table {
                    signed: self.assignment.signed.clone(),
                    leaves: vec![self.assignment.leaf.clone()],
                }],
                openings: BTreeMap::from([(
                    name("icu-3"),
                    vec![interval(NOW, NOW.plus_ms(HOUR_MS))],
                )]),
                beside: vec![],
                metadata: BTreeMap::from([(name("acme"), NOW.plus_ms(DAY_MS))]),
                machines: vec![],
                measured_minutes: BTreeMap::from([(name("viewer"), 12)]),
                soak_ms: HOUR_MS,
                stated: None,
            },
        }
    }

    fn pack(&self) -> Pack {
        let proved = |leaf: &ByteBuf, proof| ProvedLeaf {
            bytes: leaf.clone(),
            proof,
        };
        Pack {
            made: NOW,
            audit_head: Digest([8; 32]),
            chain: self.chain(),
            rosters: vec![sign(&self.hospital.roster(), &[&self.hospital.registrar])],
            assignments: vec![self.assignment.signed.clone()],
            approvals: vec![self.approval.signed.clone()],
            gos: vec![self.go()],
            metadata: vec![],
            jobs: vec![JobEvidence {
                job: self.job,
                machine: self.machine,
                key: PublicKey::of(&self.hospital.tom),
                approval: self.approval.signed.digest(),
                leaf: proved(&self.approval.leaf, self.approval.proof.clone()),
                assignment: self.assignment.signed.digest(),
                row: proved(&self.assignment.leaf, self.assignment.proof.clone()),
                events: vec![self.event()],
            }],
            attested: Vec::new(),
        }
    }

    /// Every example.
    pub(super) fn examples(&self) -> Vec<Example> {
        fn all<T: Serialize>(
            kind: &'static str,
            values: Vec<(&'static str, T)>,
        ) -> impl Iterator<Item = Example> {
            values
                .into_iter()
                .map(move |(what, value)| (kind, what, encode(&value)))
        }
        let nudges = vec![
            ("orders changed", Nudge::OrdersChanged),
            ("stop", Nudge::Stop),
            ("report now", Nudge::ReportNow),
            ("going away", Nudge::GoingAway(5_000)),
        ];
        let held = Held {
            orders: self.added().digest.into(),
        };
        let documents = self.documents();
        let statement = match self.requests().swap_remove(1).1 {
            Request::Renew(statement) => statement,
            other => panic!("{other:?} is no renewal"),
        };
        let release = self.hospital.release("4.2.1", 7, b"viewer 4.2.1").release;
        let watermark = Watermark::new(self.machine, self.hospital.root_keys());
        let token = self.hospital.token().to_text();
        all("request", self.requests())
            .chain(all("answer", self.answers()))
            .chain(all("nudge", nudges))
            .chain(all("held", vec![("held", held)]))
            .chain(all("local request", self.local_requests()))
            .chain(all("local answer", self.local_answers()))
            .chain(all(
                "start record",
                vec![("of an install", installer::record(self))],
            ))
            .chain([
                ("token", "text", token.into_bytes()),
                (
                    "charter",
                    "payload",
                    documents.charters[0].payload().to_vec(),
                ),
                (
                    "roster",
                    "payload",
                    self.plan().context.roster.payload().to_vec(),
                ),
                (
                    "approval",
                    "payload",
                    self.approval.signed.payload().to_vec(),
                ),
                ("plan leaf", "bytes", self.approval.leaf.to_vec()),
                (
                    "assignment",
                    "payload",
                    self.assignment.signed.payload().to_vec(),
                ),
                ("assignment leaf", "bytes", self.assignment.leaf.to_vec()),
                ("release", "bytes", encode_deterministic(&release)),
                ("go", "payload", self.go().payload().to_vec()),
                ("stop", "payload", self.stop().payload().to_vec()),
                ("lift", "payload", documents.lifts[0].payload().to_vec()),
                (
                    "downgrade",
                    "payload",
                    documents.downgrades[0].payload().to_vec(),
                ),
                (
                    "handover",
                    "payload",
                    documents.handovers[0].payload().to_vec(),
                ),
                (
                    "time reset",
                    "payload",
                    documents.time_resets[0].payload().to_vec(),
                ),
                ("event", "payload", self.event().payload().to_vec()),
                ("enrolment", "payload", statement.payload().to_vec()),
                ("signed", "stop", encode(&self.stop())),
                (
                    "set",
                    "packed",
                    PackedComponents::of(&components("5.2.15-2"))
                        .as_bytes()
                        .to_vec(),
                ),
                ("facts", "packed", facts().as_bytes().to_vec()),
                ("watermark", "after pin", encode_deterministic(&watermark)),
                ("plan file", "one machine", self.plan().to_bytes()),
                (
                    "assignment file",
                    "one machine",
                    self.plan().context.assignments[0].to_bytes(),
                ),
                ("evidence", "one refused job", self.pack().to_bytes()),
            ])
            .collect()
    }
}
