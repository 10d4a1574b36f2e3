//! An agent that is told of a relay where nobody answers as one.

use super::super::driver::{run, settings, until};
use super::super::played::{Collector, Does};
use super::super::world::{Machine, label, now};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId};
use patchward_common::job::State;
use patchward_common::time::DAY_MS;
use patchward_common::wire::local::JobStatus;
use patchward_common::wire::machine::{
    Answer, ArtifactHeader, HelloAnswer, Orders, Request, Stale,
};
use patchward_integration_tests::fixture::{Hospital, interval};
use serde_bytes::ByteBuf;
use std::net::UdpSocket;

/// The whole agent: it knocks at the relay, and has the artifact from the collector. Role files, too.
#[tokio::test]
async fn an_agent_knocks_at_the_relay_and_goes_to_the_collector() {
    let hospital = Hospital::new(1, now());
    let bytes = b"the release";
    let release = hospital.release("2", 2, bytes);
    let files = hospital
        .repository(3, std::slice::from_ref(&release))
        .unwrap();
    let id = MachineId([1; 32]);
    let leaf = hospital.leaf(&hospital.row(id));
    let approval = hospital.approval(vec![release]);
    let placed = hospital.approve(&approval, &[leaf], &[&hospital.alice]);
    let digest = placed[0].signed.digest();
    let orders = Orders {
        approvals: placed,
        digest: Digest([9; 32]),
        ..Orders::default()
    };
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let relay = silent.local_addr().unwrap().to_string();
    let collector = Collector::new(move |_, request| match request {
        Request::Hello(hello) => {
            // Once it has them: longer than a handshake is waited for. Each hello cuts one short.
            let (stale, again_ms) = match hello.orders == orders.digest.into() {
                true => (Stale::default(), 30_000),
                false => (Stale::ORDERS, 1),
            };
            Does::Answers(Answer::Hello(Box::new(HelloAnswer {
                clock: now(),
                stale,
                audit: Digest::default(),
                again_ms,
                journal: 0,
                relay: Some(relay.clone()),
            })))
        }
        Request::Orders(_) => Does::Answers(Answer::Orders(Box::new(orders.clone()))),
        // An older one: it does not know that a digest is enough.
        Request::Metadata(asked) => {
            let file = files.get(&asked.file).cloned().map(ByteBuf::from);
            Does::Answers(Answer::Metadata(file))
        }
        Request::Artifact(asked) => {
            let header = codec::encode(&Answer::Artifact(ArtifactHeader {
                total: 11,
                length: asked.length,
            }));
            Does::Trickles([&header[..], &bytes[..]].concat())
        }
        Request::Inventory(report) => Does::Answers(Answer::Accepted(report.digest)),
        other => panic!("{other:?}"),
    });
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::new(folder.path(), 1);
    machine.played.jobs.lock().unwrap().push(JobStatus {
        job: JobId::of(digest, id),
        approval: digest,
        state: State::Assigned,
        slots: vec![interval(now(), now().plus_ms(DAY_MS))],
        longest_run_ms: 1,
        title: label("Update"),
    });
    let settings = settings(folder.path(), &machine, &collector.credentials);
    let artifacts = settings.state_dir.join("artifacts");
    let whole = artifacts.join(Digest::of(bytes).to_string());
    let part = whole.with_extension("part");
    // A stream that nobody ended may leave it under the name of a part.
    let is_here = || whole.exists() || part.metadata().is_ok_and(|found| found.len() == 11);
    run(settings, until(is_here)).await;
    let mut datagram = [0; 2_000];
    assert!(silent.recv(&mut datagram).is_ok(), "it was not asked");
}
