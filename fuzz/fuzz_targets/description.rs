//! Charters, rosters and assignments as people describe them for `patchward-sign`.
//!
//! What is understood is a document that machines read and whose own rules hold; what is
//! not is said in words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::codec::decode_deterministic;
use patchward_common::plan::AssignmentFile;
use patchward_common::time::UtcMs;
use patchward_common::trust::charter::Charter;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::Document;

const NOW: UtcMs = UtcMs(1_795_400_040_000);

fn read<T: Document>(bytes: &[u8]) -> T {
    decode_deterministic(bytes, T::MAX_BYTES).expect("a document that machines read")
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let command = ["charter", "roster", "assignment"][usize::from(kind % 3)];
    let document = match patchward_sign::described(command, text, NOW) {
        Ok(document) => document,
        Err(problem) => return assert!(!problem.is_empty()),
    };
    match command {
        "charter" => {
            let charter: Charter = read(&document);
            assert!(charter.root.is_valid() && charter.check().is_ok());
            assert!(charter.issued == NOW && NOW < charter.expires);
        }
        "roster" => {
            let roster: Roster = read(&document);
            assert_eq!(roster.check(), Ok(()));
            assert!(roster.issued == NOW && NOW < roster.expires);
        }
        _ => {
            let table = AssignmentFile::from_bytes(&document).expect("an assignment's file");
            let (_, rows) = table.read().expect("a whole table");
            assert!(rows.iter().all(|row| row.check().is_ok()));
        }
    }
});
