use super::hospital::{Hospital, NOW, machine};
use patchward_common::audit::Head;
use patchward_common::digest::Digest;
use patchward_common::evidence::{
    Archive, AttestedJob, AttestedWork, JobEvidence, NumberedPack, Pack, ProvedLeaf,
};
use patchward_common::id::{JobId, Label, Name};
use patchward_common::job::{ProductVersion, State};
use patchward_common::plan::CharterChain;
use patchward_common::trust::placement::Proof;
use patchward_common::trust::sign::PublicKey;
use serde_bytes::ByteBuf;

/// A pack with the hospital's own charter and no job.
fn pack(hospital: &Hospital) -> Pack {
    let charter = hospital.signed::<patchward_common::trust::charter::Charter>("charter.cbor");
    Pack {
        made: NOW,
        audit_head: Digest([3; 32]),
        chain: CharterChain {
            root: charter.peek().unwrap().root,
            charters: vec![charter],
        },
        rosters: vec![hospital.signed("roster.cbor")],
        assignments: Vec::new(),
        approvals: Vec::new(),
        gos: Vec::new(),
        metadata: Vec::new(),
        jobs: Vec::new(),
        attested: Vec::new(),
    }
}

fn root(hospital: &Hospital) -> String {
    let out = hospital.ok(&["root", "fingerprint", "charter.cbor"]);
    out.trim().to_owned()
}

#[test]
fn a_pack_is_verified_with_the_root_alone() {
    let hospital = Hospital::new();
    let root = root(&hospital);
    std::fs::write(hospital.path("pack.cbor"), pack(&hospital).to_bytes()).unwrap();
    let out = hospital.ok(&["verify-evidence", "pack.cbor", "--root", &root]);
    assert!(out.contains("The pack has no jobs. No findings."), "{out}");
    let json = hospital.ok(&["verify-evidence", "pack.cbor", "--root", &root, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["root"], root);
    assert_eq!(json["findings"], serde_json::json!([]));
    let (said, code) =
        hospital.fails(&["verify-evidence", "pack.cbor", "--root", &"ab".repeat(32)]);
    assert!(said.contains("1 findings"), "{said}");
    assert_eq!(code, 3);
}

#[test]
fn a_job_that_is_not_proved_is_shown_so() {
    let hospital = Hospital::new();
    let mut pack = pack(&hospital);
    let leaf = ProvedLeaf {
        bytes: ByteBuf::from(vec![0xa0]),
        proof: Proof {
            index: 0,
            path: Vec::new(),
        },
    };
    pack.jobs.push(JobEvidence {
        job: JobId([1; 16]),
        machine: machine(1),
        key: PublicKey([2; 32]),
        approval: Digest([4; 32]),
        leaf: leaf.clone(),
        assignment: Digest([5; 32]),
        row: leaf,
        events: Vec::new(),
    });
    std::fs::write(hospital.path("pack.cbor"), pack.to_bytes()).unwrap();
    let root = root(&hospital);
    let args = ["verify-evidence", "pack.cbor", "--root", &root];
    let (out, outcome) = hospital.run(&args, "");
    assert_eq!(outcome.unwrap_err().exit_code(), 3);
    assert!(
        out.contains("NOT proved") && out.contains("no approval"),
        "{out}"
    );
    let (json, outcome) = hospital.run(&[&args[..], &["--json"]].concat(), "");
    assert!(outcome.is_err());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["findings"][0]["rule"], "identity");
    assert_eq!(json["jobs"][0]["proved"], false);
}

/// A person's word is shown as such, whatever it claims.
#[test]
fn work_by_hand_is_shown_apart_and_proves_nothing() {
    let hospital = Hospital::new();
    let mut pack = pack(&hospital);
    let approval = Digest([4; 32]);
    let name = |text| Name::new(text).unwrap();
    let read = |version: &str| ProductVersion {
        product: name("viewer"),
        version: version.into(),
    };
    pack.attested.push(AttestedJob {
        job: JobId::of(approval, machine(1)),
        machine: machine(1),
        name: name("ct-7"),
        unit: name("icu"),
        approval,
        outcome: State::Verified,
        records: vec![AttestedWork {
            recorded_by: "person:ada".into(),
            at: NOW,
            done_by: Some(Label::new("Eve of acme").unwrap()),
            succeeded: true,
            before: vec![read("1")],
            after: vec![read("2")],
            work_order: Label::new("WO-4711").unwrap(),
            photo: None,
        }],
    });
    std::fs::write(hospital.path("pack.cbor"), pack.to_bytes()).unwrap();
    let root = root(&hospital);
    let args = ["verify-evidence", "pack.cbor", "--root", &root];
    let (out, outcome) = hospital.run(&args, "");
    assert_eq!(outcome.unwrap_err().exit_code(), 3);
    for said in [
        "No machine measured or signed it",
        "person:ada for Eve of acme",
        "WO-4711",
        "viewer 2",
        "its approval is not in the pack",
        "called verified, which only a measurement is",
        "No machine measured anything here",
        "there is 1 job: 1 attested (1 by person:ada). NOT proved",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
}

/// An archive is told apart by its own first bytes, and what is wrong with it said.
#[test]
fn an_archive_is_verified_with_the_root_alone() {
    let hospital = Hospital::new();
    let root = root(&hospital);
    let pack = Pack {
        audit_head: Digest([0; 32]),
        ..pack(&hospital)
    };
    let bytes = ByteBuf::from(pack.to_bytes());
    let mut archive = Archive {
        made: NOW,
        from: None,
        until: NOW,
        before: Head::EMPTY,
        head: Head::EMPTY,
        audit: Vec::new(),
        chain: pack.chain.clone(),
        rosters: pack.rosters.clone(),
        packs: vec![NumberedPack {
            number: 1,
            sha256: Digest::of(&bytes),
            jobs: 0,
            bytes,
        }],
    };
    let args = ["verify-evidence", "archive.cbor", "--root", &root];
    std::fs::write(hospital.path("archive.cbor"), archive.to_bytes()).unwrap();
    let out = hospital.ok(&args);
    for said in ["from the first job on", "1 packs of 0 jobs", "No findings."] {
        assert!(out.contains(said), "{said}: {out}");
    }
    archive.packs[0].sha256 = Digest([1; 32]);
    archive.head.seq = 3;
    std::fs::write(hospital.path("archive.cbor"), archive.to_bytes()).unwrap();
    let (out, outcome) = hospital.run(&args, "");
    assert_eq!(outcome.unwrap_err().exit_code(), 3);
    for said in [
        "pack 1",
        "not those that the archive names",
        "rows are missing",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
    let (json, _) = hospital.run(&[&args[..], &["--json"]].concat(), "");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["findings"][0]["part"], "audit");
}

#[test]
fn what_is_no_pack_says_so() {
    let hospital = Hospital::new();
    let bytes = pack(&hospital).to_bytes();
    let root = root(&hospital);
    for bad in [&bytes[..bytes.len() - 1], b"", b"{}"] {
        std::fs::write(hospital.path("pack.cbor"), bad).unwrap();
        let (said, code) = hospital.fails(&["verify-evidence", "pack.cbor", "--root", &root]);
        assert!(
            said.contains("it is no patchward/evidence.1 file"),
            "{said}"
        );
        assert_eq!(code, 1);
    }
    let (said, _) = hospital.fails(&["verify-evidence", "roster.cbor", "--root", &root]);
    assert!(said.contains("patchward/evidence.1 was expected"), "{said}");
}
