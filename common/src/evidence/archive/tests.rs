//! A whole archive holds; whatever is missing, moved or changed in it is found.

use super::*;
use crate::audit::AuditRow;
use crate::audit::tests::rows;
use crate::codec;
use crate::evidence::tests::{Parts, parts};
use crate::time::DAY_MS;

/// A row that says that a job moved.
fn moved(before: Head, job: JobId, to: &str, at: UtcMs) -> AuditRow {
    let mut row = AuditRow {
        seq: before.seq + 1,
        at,
        actor: "collector".to_owned(),
        action: "job.move".to_owned(),
        subject: job.to_string(),
        detail: format!("{{\"from\":\"measuring\",\"to\":\"{to}\",\"state\":null}}"),
        previous: before.hash,
        hash: before.hash,
    };
    row.hash = row.expected_hash();
    row
}

fn head_of(row: &AuditRow) -> Head {
    Head {
        seq: row.seq,
        hash: row.hash,
    }
}

/// An archive of one verified job, with a log from row 4 on.
fn archive() -> (Parts, Archive) {
    let parts = parts();
    let mut pack = parts.pack();
    let early = rows(Head::EMPTY, 3);
    let before = head_of(&early[2]);
    let mut log = rows(before, 2);
    let ended = pack.made.plus_ms(-DAY_MS);
    log.push(moved(head_of(&log[1]), pack.jobs[0].job, "verified", ended));
    // Another one moves after the time of this archive.
    let later = JobId([8; 16]);
    log.push(moved(head_of(&log[2]), later, "verified", pack.made));
    let head = head_of(&log[3]);
    pack.audit_head = head.hash;
    let (first, second) = log.split_at(2);
    let part = |rows: &[AuditRow]| ByteBuf::from(codec::encode(&rows));
    let bytes = ByteBuf::from(pack.to_bytes());
    let archive = Archive {
        made: pack.made,
        from: Some(UtcMs(0)),
        until: pack.made,
        before,
        head,
        audit: vec![part(first), part(second)],
        chain: pack.chain.clone(),
        rosters: pack.rosters.clone(),
        packs: vec![NumberedPack {
            number: 1,
            sha256: Digest::of(&bytes),
            jobs: 1,
            bytes,
        }],
    };
    assert_eq!(Archive::from_bytes(&archive.to_bytes()).unwrap(), archive);
    (parts, archive)
}

#[test]
fn a_whole_archive_holds() {
    let (parts, archive) = archive();
    let report = verify_archive(&archive, parts.root());
    assert_eq!(report.findings, []);
    assert_eq!((report.audit_rows, report.packs.len()), (4, 1));
    let pack = report.packs[0].report.as_ref().unwrap();
    assert!(pack.jobs[0].proved);
}

/// The rows of one part, changed.
fn altered(archive: &mut Archive, part: usize, change: impl FnOnce(&mut Vec<AuditRow>)) {
    let mut rows: Vec<AuditRow> = codec::decode(&archive.audit[part], 1 << 20).unwrap();
    change(&mut rows);
    archive.audit[part] = ByteBuf::from(codec::encode(&rows));
}

/// The pack, changed and named anew.
fn renamed(archive: &mut Archive, change: impl FnOnce(&mut Pack)) {
    let one = &mut archive.packs[0];
    let mut pack = Pack::from_bytes(&one.bytes).unwrap();
    change(&mut pack);
    one.bytes = ByteBuf::from(pack.to_bytes());
    one.sha256 = Digest::of(&one.bytes);
    one.jobs = (pack.jobs.len() + pack.attested.len()) as u64;
}

type Damage = (&'static str, fn(&mut Archive));

const DAMAGED: &[Damage] = &[
    ("under hospital root", |a| {
        a.chain
            .root
            .keys
            .push(crate::trust::sign::PublicKey([9; 32]))
    }),
    ("charters", |a| a.chain.charters.clear()),
    ("roster", |a| {
        let stranger = ed25519_dalek::SigningKey::from_bytes(&[77; 32]);
        let roster = a.rosters[0].peek().unwrap();
        a.rosters = vec![Signed::new(&roster, &stranger)];
    }),
    ("audit row 5: missing", |a| {
        altered(a, 0, |rows| drop(rows.remove(1)))
    }),
    ("audit row 4: missing", |a| drop(a.audit.remove(0))),
    ("rows are missing at its end", |a| drop(a.audit.remove(1))),
    ("audit row 5: was altered", |a| {
        altered(a, 0, |rows| rows[1].actor = "person:eve".to_owned())
    }),
    ("does not follow from the row before", |a| {
        a.before.hash = Digest([1; 32])
    }),
    ("rows are missing at its end", |a| {
        altered(a, 1, |rows| drop(rows.pop()))
    }),
    ("begins later", |a| a.from = None),
    ("cannot be read", |a| a.audit[0] = ByteBuf::from(vec![0xff])),
    ("not those that the archive names", |a| {
        let last = a.packs[0].bytes.len() - 1;
        a.packs[0].bytes[last] ^= 1;
    }),
    ("is no patchward/evidence.1 file", |a| {
        a.packs[0].bytes = ByteBuf::from(vec![1])
    }),
    ("and no pack has it", |a| a.packs.clear()),
    ("and no pack has it", |a| {
        renamed(a, |pack| pack.jobs.clear())
    }),
    ("it has not 7 jobs", |a| a.packs[0].jobs = 7),
    ("it is another archive's", |a| {
        renamed(a, |pack| pack.made = pack.made.plus_ms(1))
    }),
    ("it is another archive's", |a| {
        renamed(a, |pack| pack.audit_head = Digest([4; 32]))
    }),
    ("one is missing, or they were moved", |a| {
        a.packs[0].number = 2
    }),
    ("it stands in two packs", |a| {
        let again = NumberedPack {
            number: 2,
            ..a.packs[0].clone()
        };
        a.packs.push(again);
    }),
    ("the machine's key did not sign an event", |a| {
        renamed(a, |pack| {
            pack.jobs[0].key = crate::trust::sign::PublicKey([9; 32])
        })
    }),
];

#[test]
fn whatever_is_missing_moved_or_changed_is_found() {
    for (said, damage) in DAMAGED {
        let (parts, mut archive) = archive();
        damage(&mut archive);
        let report = verify_archive(&archive, parts.root());
        let found = &report.findings;
        assert!(
            found.iter().any(|one| one.text.contains(said)),
            "{said}: only {found:#?}"
        );
    }
}
