//! One example of every message.

use super::examples::{BOOT, NONCE, NOW, World};
use patchward_common::codec::encode;
use patchward_common::component::{Component, ComponentSet, PackedComponents, PackedDelta, Source};
use patchward_common::digest::Digest;
use patchward_common::facts::{Facts, PackedFacts};
use patchward_common::id::OutboxId;
use patchward_common::job::{LocalHandover, Reason, State};
use patchward_common::time::HOUR_MS;
use patchward_common::trust::check::Interlock;
use patchward_common::trust::sign::PublicKey;
use patchward_common::trust::stop::Scope;
use patchward_common::wire::local::{self, DocumentsTaken, Hold, Identity};
use patchward_common::wire::machine::*;
use patchward_integration_tests::fixture::{interval, label, name, sign};
use serde_bytes::ByteBuf;

const OUTBOX: OutboxId = OutboxId([5; 16]);

impl World {
    /// Requests of a machine.
    pub(super) fn requests(&self) -> Vec<(&'static str, Request)> {
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
                    delta: PackedDelta::of(&change),
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
                Request::Metadata(MetadataAsked::whole(name("acme"), "timestamp.json".into())),
            ),
            (
                "metadata's digest",
                Request::Metadata(MetadataAsked {
                    only_digest: true,
                    sha256: Some(Digest([4; 32])),
                    ..MetadataAsked::whole(name("acme"), "3.root.json".into())
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
            (
                "devices",
                Request::Devices(DevicesReport {
                    devices: [
                        DeviceFound::Version("4.2.1".into()),
                        DeviceFound::Nothing("no answer".into()),
                    ]
                    .map(|found| DeviceSaid {
                        asset: label("INF-17"),
                        component: "pump-firmware".into(),
                        of_model: true,
                        every_minutes: 60,
                        at: NOW,
                        found,
                    })
                    .into(),
                }),
            ),
            (
                "witness",
                Request::Witness(Box::new(Witness {
                    numbers: (1, 2, 3),
                    heads: vec![WitnessedHead {
                        at: NOW,
                        hash: Digest([8; 32]),
                    }],
                    jobs: vec![self.job],
                })),
            ),
        ]
    }

    /// Answers of the collector.
    pub(super) fn answers(&self) -> Vec<(&'static str, Answer)> {
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
            relay: None,
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
            ("orders added", Answer::Orders(Box::new(self.added()))),
            (
                "metadata",
                Answer::Metadata(Some(ByteBuf::from(b"{}".to_vec()))),
            ),
            ("no metadata", Answer::Metadata(None)),
            (
                "metadata is",
                Answer::MetadataIs(MetadataIs {
                    sha256: Digest([4; 32]),
                    length: 12,
                }),
            ),
            ("artifact", Answer::Artifact(header)),
            ("go", Answer::Go(self.go())),
            ("not now", Answer::NotNow(not_now)),
            ("stored", Answer::Stored(1)),
            (
                "devices taken",
                Answer::Devices(DevicesTaken {
                    refused: vec![label("INF-18")],
                }),
            ),
            ("witnessed", Answer::Witnessed),
            (
                "refused",
                Answer::Refused(Refused::new(RefusedCode::Clone, "two machines")),
            ),
        ]
    }

    /// What an agent asks its installer.
    pub(super) fn local_requests(&self) -> Vec<(&'static str, local::Request)> {
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
    pub(super) fn local_answers(&self) -> Vec<(&'static str, local::Answer)> {
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
}

pub(super) fn components(bash: &str) -> ComponentSet {
    let deb = |name: &str, version: &str| Component {
        source: Source::Deb,
        name: name.into(),
        version: version.into(),
        arch: "amd64".into(),
    };
    ComponentSet::new(vec![deb("bash", bash), deb("zlib1g", "1:1.2.13")]).expect("components")
}

pub(super) fn facts() -> PackedFacts {
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
