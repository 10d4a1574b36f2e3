//! One example of every message and file, deterministic: fixed keys, times and ids.

use patchward_common::codec::{encode, encode_deterministic};
use patchward_common::component::{
    Component, ComponentSet, Delta, PackedComponents, PackedDelta, Source,
};
use patchward_common::digest::Digest;
use patchward_common::evidence::{JobEvidence, Pack, ProvedLeaf};
use patchward_common::facts::{Facts, PackedFacts};
use patchward_common::id::{BootId, JobId, MachineId, Nonce, OutboxId};
use patchward_common::job::{Event, JobEvent, LocalHandover, Reason, State};
use patchward_common::plan::{CharterChain, Context, PlanFile, Table};
use patchward_common::time::{DAY_MS, HOUR_MS, UtcMs};
use patchward_common::trust::approval::Approval;
use patchward_common::trust::assignment::Assignment;
use patchward_common::trust::charter::TimeReset;
use patchward_common::trust::check::{Ask, Interlock, Step};
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Scope, Stop};
use patchward_common::trust::watermark::Watermark;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::local::{self, Documents, DocumentsTaken, Hold, Identity, Placed};
use patchward_common::wire::machine::*;
use patchward_integration_tests::fixture::{Hospital, interval, label, name, sign};
use serde::Serialize;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

pub(super) const NOW: UtcMs = UtcMs(1_795_400_040_000);
const BOOT: BootId = BootId([3; 16]);
const NONCE: Nonce = Nonce([4; Nonce::LEN]);
const OUTBOX: OutboxId = OutboxId([5; 16]);

/// Its kind, what it shows, and its bytes.
pub(super) type Example = (&'static str, &'static str, Vec<u8>);

/// The hospital behind the examples.
pub(super) struct World {
    hospital: Hospital,
    machine: MachineId,
    approval: Placed<Approval>,
    assignment: Placed<Assignment>,
    job: JobId,
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

    fn go(&self) -> Signed<Go> {
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

    fn event(&self) -> Signed<JobEvent> {
        let event = JobEvent {
            machine: self.machine,
            sequence: 1,
            previous: Digest::default(),
            at: NOW,
            job: self.job,
            approval: self.approval.signed.digest(),
            event: Event::Refused(self.reason()),
        };
        sign(&event, &[&self.hospital.tom])
    }

    fn reason(&self) -> Reason {
        Reason {
            step: Some(Step::Interlock),
            text: "in use, says sessions".into(),
        }
    }

    fn documents(&self) -> Documents {
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

    fn orders(&self) -> Orders {
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
            digest: Digest([9; 32]),
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
        }
    }

    /// Requests of a machine.
    fn requests(&self) -> Vec<(&'static str, Request)> {
        let statement = |token| {
            let statement = EnrolmentStatement {
                key: PublicKey::of(&self.hospital.tom),
                csr: ByteBuf::from([0x30, 0x00]),
                token,
                fingerprint: Digest([6; 32]),
                boot: BOOT,
                at: NOW,
            };
            sign(&statement, &[&self.hospital.tom])
        };
        let report = |content| {
            Request::Inventory(Box::new(InventoryReport {
                digest: components("5.2.15-2").digest(),
                content,
                facts: Some(facts()),
                installer: Some("0.1.0".into()),
            }))
        };
        let change = components("5.2.15-1").delta_to(&components("5.2.15-2"));
        vec![
            (
                "enroll",
                Request::Enroll(Box::new(Enroll {
                    secret: ByteBuf::from([2; 32]),
                    statement: statement(Some(Digest::of(&[2; 32]))),
                    facts: facts(),
                })),
            ),
            ("renew", Request::Renew(statement(None))),
            ("hello", Request::Hello(Box::new(hello(Some(true))))),
            (
                "hello without readiness",
                Request::Hello(Box::new(hello(None))),
            ),
            (
                "inventory whole",
                report(InventoryContent::Whole(PackedComponents::of(&components(
                    "5.2.15-2",
                )))),
            ),
            (
                "inventory change",
                report(InventoryContent::Change {
                    base: components("5.2.15-1").digest(),
                    delta: PackedDelta::of(&Delta { ..change }),
                }),
            ),
            (
                "orders",
                Request::Orders(OrdersAsked {
                    charter: 1,
                    known: Digest([9; 32]),
                }),
            ),
            (
                "metadata",
                Request::Metadata(MetadataAsked {
                    repository: name("acme"),
                    file: "timestamp.json".into(),
                }),
            ),
            (
                "artifact",
                Request::Artifact(ArtifactAsked {
                    sha256: Digest::of(b"viewer 4.2.1"),
                    offset: 0,
                    length: 12,
                }),
            ),
            (
                "go",
                Request::Go(GoAsked {
                    job: self.job,
                    approval: self.approval.signed.digest(),
                    boot: BOOT,
                    nonce: NONCE,
                }),
            ),
            (
                "journal",
                Request::Journal(JournalReport {
                    outbox: OUTBOX,
                    first: 1,
                    events: vec![ByteBuf::from(encode(&self.event()))],
                }),
            ),
        ]
    }

    /// Answers of the collector.
    fn answers(&self) -> Vec<(&'static str, Answer)> {
        let certificate = Certificate {
            certificate: ByteBuf::from([0x30, 0x01, 0x00]),
            authorities: vec![ByteBuf::from([0x30, 0x00])],
        };
        let hello = HelloAnswer {
            clock: NOW,
            stale: Stale::INVENTORY.with(Stale::ORDERS),
            audit: Digest([8; 32]),
            again_ms: 60_000,
            journal: 1,
        };
        let header = ArtifactHeader {
            total: 12,
            length: 12,
        };
        let not_now = NotNow {
            reason: "the group needs 3 ready machines and has 3".into(),
            again_ms: 60_000,
        };
        vec![
            ("certificate", Answer::Certificate(certificate)),
            ("wait", Answer::Wait(60_000)),
            ("hello", Answer::Hello(Box::new(hello))),
            (
                "accepted",
                Answer::Accepted(components("5.2.15-2").digest()),
            ),
            ("send whole", Answer::SendWhole),
            ("orders", Answer::Orders(Box::new(self.orders()))),
            (
                "metadata",
                Answer::Metadata(Some(ByteBuf::from(b"{}".to_vec()))),
            ),
            ("no metadata", Answer::Metadata(None)),
            ("artifact", Answer::Artifact(header)),
            ("go", Answer::Go(self.go())),
            ("not now", Answer::NotNow(not_now)),
            ("stored", Answer::Stored(1)),
            (
                "refused",
                Answer::Refused(Refused::new(RefusedCode::Clone, "two machines")),
            ),
        ]
    }

    /// What an agent asks its installer.
    fn local_requests(&self) -> Vec<(&'static str, local::Request)> {
        use local::Request;
        let hold = Hold {
            until: NOW.plus_ms(HOUR_MS),
            reason: name("patient"),
        };
        let handover = LocalHandover {
            job: self.job,
            until: NOW.plus_ms(HOUR_MS),
            stand_in: label("Reading station 8"),
        };
        vec![
            ("identity", Request::Identity),
            ("sign", Request::SignStatement(ByteBuf::from([1, 2, 3]))),
            ("documents", Request::Documents(Box::new(self.documents()))),
            ("prepare", Request::Prepare(self.job)),
            ("nonce", Request::Nonce(self.job)),
            ("start", Request::Start(self.job, self.go())),
            ("reboot", Request::Reboot(self.job, self.go())),
            ("status", Request::Status),
            ("journal", Request::Journal(0)),
            ("hold", Request::Hold(hold)),
            ("end hold", Request::EndHold),
            ("handover", Request::HandOver(handover)),
            ("stop", Request::Stop(Scope::All)),
            ("end stops", Request::EndStops),
            ("explain", Request::Explain(self.job)),
        ]
    }

    /// What the installer answers.
    fn local_answers(&self) -> Vec<(&'static str, local::Answer)> {
        use local::Answer;
        let identity = Identity {
            machine: self.machine,
            key: PublicKey::of(&self.hospital.tom),
            root: Some(self.hospital.root_keys().fingerprint()),
            version: "0.1.0".into(),
        };
        let taken = DocumentsTaken {
            watermark: Digest([7; 32]),
            refused: vec![(
                "roster".into(),
                Reason::new("older than the one that is known"),
            )],
        };
        let status = local::Status {
            watermark: Digest([7; 32]),
            numbers: (1, 1, 1),
            boot: BOOT,
            journal: 1,
            interlock: Interlock::InUse("sessions".into()),
            hold: None,
            ready: Some(true),
            jobs: vec![local::JobStatus {
                job: self.job,
                approval: self.approval.signed.digest(),
                state: State::Deferred(self.reason()),
                slots: vec![interval(NOW, NOW.plus_ms(HOUR_MS))],
                longest_run_ms: 600_000,
                title: label("Viewer update"),
            }],
        };
        vec![
            ("identity", Answer::Identity(identity)),
            ("statement", Answer::Statement(ByteBuf::from([1, 2, 3]))),
            ("documents", Answer::Documents(taken)),
            ("prepared", Answer::Prepared),
            ("nonce", Answer::Nonce(NONCE)),
            ("started", Answer::Started),
            ("status", Answer::Status(Box::new(status))),
            (
                "journal",
                Answer::Journal(vec![ByteBuf::from(encode(&self.event()))]),
            ),
            ("done", Answer::Done),
            (
                "explained",
                Answer::Explained("it waits for its slot".into()),
            ),
            ("refused", Answer::Refused(self.reason())),
            ("error", Answer::Error("no such job".into())),
        ]
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
            .chain(all("local request", self.local_requests()))
            .chain(all("local answer", self.local_answers()))
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

fn components(bash: &str) -> ComponentSet {
    let deb = |name: &str, version: &str| Component {
        source: Source::Deb,
        name: name.into(),
        version: version.into(),
        arch: "amd64".into(),
    };
    ComponentSet::new(vec![deb("bash", bash), deb("zlib1g", "1:1.2.13")]).expect("components")
}

fn facts() -> PackedFacts {
    PackedFacts::of(&Facts {
        os_id: "debian".into(),
        os_version: "12".into(),
        hostname: "reader-7".into(),
        boot_id: Some(BOOT),
        ..Facts::default()
    })
}

fn hello(ready: Option<bool>) -> Hello {
    Hello {
        version: "0.1.0".into(),
        boot: BOOT,
        clock: NOW,
        inventory: components("5.2.15-2").digest(),
        orders: ShortDigest([9; 16]),
        watermark: Digest([7; 32]),
        outbox: OUTBOX,
        journal: 1,
        interlock: InterlockWord::Idle,
        held_until: ready.map(|_| NOW.plus_ms(HOUR_MS)),
        ready,
        fingerprint: ShortDigest([6; 16]),
    }
}
