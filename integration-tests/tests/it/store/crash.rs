//! SIGKILL in the middle of writing: what was acknowledged is there.

use super::*;
use patchward_common::id::OutboxId;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// Acknowledgements to wait for before the kill.
const ENOUGH: usize = 400;

#[tokio::test]
async fn sqlite_survives_a_kill() {
    let (place, folder) = sqlite();
    let Place::Sqlite { path, .. } = &place else {
        panic!("a file");
    };
    let target = path.to_string_lossy().into_owned();
    killed_three_times(place, &target).await;
    drop(folder);
}

#[tokio::test]
async fn postgres_survives_a_kill() {
    let (place, folder) = postgres();
    let Place::Postgres { url } = &place else {
        panic!("a server");
    };
    let target = url.clone();
    killed_three_times(place, &target).await;
    drop(folder);
}

async fn killed_three_times(place: Place, target: &str) {
    let mut changes = 0;
    for round in 0..3u8 {
        let said = write_and_kill(target, round);
        let store = Store::open(&place).await.unwrap();
        let mut view = store.view().await.unwrap();
        for (number, acknowledged) in &said.positions {
            let id = machine(*number);
            let outbox = OutboxId([round; 16]);
            let position = view.journal_position(&id, &outbox).await.unwrap();
            assert!(position >= *acknowledged, "machine {number}: {position}");
            let events = view.journal_after(&id, &outbox, 0, 1 << 20).await.unwrap();
            for (sequence, event) in (1..).zip(&events) {
                assert_eq!(event.sequence, sequence);
                let bytes = format!("event {sequence} of {number}");
                assert_eq!(event.bytes, bytes.into_bytes());
            }
            assert_eq!(events.len() as u64, position);
        }
        // Every change is there with its audit row, or neither is.
        let head = view.verify_audit(None).await.unwrap();
        let sites = view.sites().await.unwrap().len() as u64;
        assert_eq!(head.seq, sites);
        changes += said.changes;
        assert!(sites >= changes, "{sites} of {changes}");
        drop(view);
        store.close().await;
    }
}

struct Said {
    positions: BTreeMap<u8, u64>,
    changes: u64,
}

fn write_and_kill(target: &str, round: u8) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_store-writer"))
        .args([target, &round.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Said {
        positions: BTreeMap::new(),
        changes: 0,
    };
    for (count, line) in lines.enumerate() {
        // The last line may be cut; nobody was told what it does not say in full.
        let line = line.unwrap();
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["event", number, position, "."] => {
                let (number, position) = (number.parse().unwrap(), position.parse().unwrap());
                said.positions.insert(number, position);
            }
            ["change", "."] => said.changes += 1,
            _ => {}
        }
        if count == ENOUGH {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success());
    assert!(said.positions.len() > 1 && said.changes > 0);
    said
}
