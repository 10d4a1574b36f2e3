//! A hospital in a folder: keys, charter, roster, assignment and a plan, made with the
//! commands themselves wherever there is one.

use crate::{Cli, Failure, Session};
use clap::Parser as _;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::plan::{
    AssignmentFile, CharterChain, Context, MachineFacts, PlanFile, build_approval,
};
use patchward_common::time::{DAY_MS, HOUR_MS, Interval, UtcMs};
use patchward_common::trust::approval::{
    Approval, ApprovedRelease, GroupMinimum, PlanLeaf, Rollback,
};
use patchward_common::trust::release::{
    Applicability, ArtifactRef, Kind, Provenance, Reboot, ReleaseDescription, TreeKind,
};
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::{Document, Signed};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tempfile::TempDir;

pub(super) const NOW: UtcMs = UtcMs(1_800_000_000_000);

pub(super) struct Hospital {
    folder: TempDir,
    pub(super) now: UtcMs,
    pub(super) knows_root: bool,
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(super) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub(super) fn machine(number: u8) -> MachineId {
    MachineId([number; 32])
}

impl Hospital {
    /// An empty folder.
    pub(super) fn empty() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            now: NOW,
            knows_root: true,
        }
    }

    /// Keys, charter, roster and assignment, all made by the commands.
    pub(super) fn new() -> Self {
        let hospital = Self::empty();
        for key in [
            "root1",
            "root2",
            "registrar",
            "anna",
            "ben",
            "tess",
            "stranger",
        ] {
            hospital.ok(&["key", "new", "--out", &format!("{key}.pem")]);
        }
        let public = |key: &str| hospital.public(key);
        hospital.write(
            "charter.toml",
            &format!(
                r#"
number = 1
days = 700
[root]
threshold = 2
keys = ["{}", "{}"]
[[registrars]]
name = "registrar"
key = "{}"
[[vendors]]
vendor = "acme"
publisher = "vendor"
repository = "acme"
root = "{}"
products = ["viewer"]
paths = ["viewer/"]
"#,
                public("root1"),
                public("root2"),
                public("registrar"),
                Digest([9; 32]),
            ),
        );
        hospital.ok(&[
            "charter",
            "--from",
            "charter.toml",
            "--key",
            "root1.pem",
            "--key",
            "root2.pem",
            "--out",
            "charter.cbor",
            "--yes",
        ]);
        hospital.write(
            "roster.toml",
            &format!(
                r#"
number = 1
days = 90
[[people]]
id = "anna"
name = "Anna Berg"
roles = ["approver"]
units = "all"
keys = [{{ key = "{}", kind = "file" }}]
[[people]]
id = "ben"
name = "Ben Oak"
roles = ["approver"]
units = {{ only = ["radiology"] }}
keys = [{{ key = "{}", kind = "file" }}]
[[people]]
id = "tess"
name = "Tess Rye"
roles = ["technician"]
units = "all"
keys = [{{ key = "{}", kind = "browser" }}]
"#,
                public("anna"),
                public("ben"),
                public("tess"),
            ),
        );
        hospital.ok(&[
            "roster",
            "--from",
            "roster.toml",
            "--key",
            "registrar.pem",
            "--out",
            "roster.cbor",
            "--yes",
        ]);
        let row = |number: u8| {
            format!(
                r#"
[[machines]]
machine = "{}"
name = "Station {number}"
unit = "radiology"
class = "critical"
groups = ["reading"]
model = "station"
mode = "active"
"#,
                machine(number)
            )
        };
        hospital.write(
            "assignment.toml",
            &format!("number = 1\n{}{}", row(1), row(2)),
        );
        hospital.ok(&[
            "assignment",
            "--from",
            "assignment.toml",
            "--key",
            "anna.pem",
            "--key",
            "ben.pem",
            "--out",
            "assignment.cbor",
            "--yes",
        ]);
        hospital
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).unwrap();
    }

    pub(super) fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap()
    }

    pub(super) fn public(&self, key: &str) -> String {
        let out = self.ok(&["key", "show", &format!("{key}.pem")]);
        out.trim().to_owned()
    }

    /// Runs a command with file names in the folder, answering questions with `answer`.
    pub(super) fn run(&self, args: &[&str], answer: &str) -> (String, Result<(), Failure>) {
        let is_file = |arg: &&str| {
            [".pem", ".cbor", ".toml"]
                .iter()
                .any(|end| arg.ends_with(end))
        };
        let mut args: Vec<String> = args
            .iter()
            .map(|arg| match is_file(arg) {
                true => self.path(arg).display().to_string(),
                false => (*arg).to_owned(),
            })
            .collect();
        // People who sign without being asked have PATCHWARD_ROOT in their environment.
        let given = |flag: &str| args.iter().any(|arg| arg == flag);
        if self.knows_root && args[0] == "approve" && given("--yes") && !given("--root") {
            let root = codec_root(&self.signed("charter.cbor"));
            args.extend(["--root".to_owned(), root.fingerprint().to_string()]);
        }
        let cli = Cli::try_parse_from(["patchward-sign".to_owned()].into_iter().chain(args));
        let cli = cli.unwrap_or_else(|error| panic!("{error}"));
        let mut out = Vec::new();
        let mut ask = |_: &str| Ok(format!("{answer}\n"));
        let mut session = Session {
            now: self.now,
            out: &mut out,
            ask: &mut ask,
        };
        let outcome = crate::run(&cli, &mut session);
        (String::from_utf8(out).unwrap(), outcome)
    }

    pub(super) fn ok(&self, args: &[&str]) -> String {
        let (out, outcome) = self.run(args, "no");
        outcome.unwrap_or_else(|failure| panic!("{args:?}: {failure}\n{out}"));
        out
    }

    /// The failure's words, and its exit code.
    pub(super) fn fails(&self, args: &[&str]) -> (String, u8) {
        let (out, outcome) = self.run(args, "no");
        match outcome {
            Ok(()) => panic!("{args:?} was done:\n{out}"),
            Err(failure) => (failure.to_string(), failure.exit_code()),
        }
    }

    pub(super) fn signed<T: Document>(&self, file: &str) -> Signed<T> {
        patchward_common::plan::file::from_bytes(T::TYPE, 1 << 20, &self.bytes(file)).unwrap()
    }

    /// A plan for both machines, one night after the other.
    pub(super) fn plan(&self) -> PlanFile {
        let charter = self.signed("charter.cbor");
        let root = codec_root(&charter);
        let assignment = AssignmentFile::from_bytes(&self.bytes("assignment.cbor")).unwrap();
        let nights: Vec<Interval> = (1..4).map(night).collect();
        let leaf = |number: u8, wave: u16, night: Interval| PlanLeaf {
            machine: machine(number),
            unit: name("radiology"),
            class: Class::Critical,
            groups: vec![name("reading")],
            wave,
            slots: vec![night],
        };
        let leaves = vec![leaf(1, 0, nights[0]), leaf(2, 1, nights[1])];
        let facts = |number: u8| MachineFacts {
            machine: machine(number),
            interlock_profile: Some(name("sessions")),
            os: Some("debian-12".into()),
            architecture: Some("x86_64".into()),
            versions: BTreeMap::from([(name("viewer"), "4.1".into())]),
            quarantined: Vec::new(),
        };
        PlanFile {
            plan: build_approval(approval(), leaves).unwrap(),
            context: Context {
                made: NOW,
                chain: CharterChain {
                    root,
                    charters: vec![charter],
                },
                roster: self.signed("roster.cbor"),
                assignments: vec![assignment],
                openings: BTreeMap::from([(name("radiology"), nights)]),
                beside: Vec::new(),
                metadata: BTreeMap::from([(name("acme"), NOW.plus_ms(90 * DAY_MS))]),
                machines: vec![facts(1), facts(2)],
                measured_minutes: BTreeMap::new(),
                soak_ms: 20 * HOUR_MS,
                stated: None,
            },
        }
    }

    pub(super) fn write_plan(&self, file: &str, plan: &PlanFile) {
        std::fs::write(self.path(file), plan.to_bytes()).unwrap();
    }
}

fn codec_root(
    charter: &Signed<patchward_common::trust::charter::Charter>,
) -> patchward_common::trust::charter::RootKeys {
    charter.peek().unwrap().root
}

pub(super) fn night(number: i64) -> Interval {
    let start = NOW.plus_ms(number * DAY_MS);
    Interval::new(start, start.plus_ms(HOUR_MS)).unwrap()
}

pub(super) fn approval() -> Approval {
    let artifact = ArtifactRef {
        path: "viewer/4.2.tar".into(),
        sha256: Digest([4; 32]),
        length: 10,
    };
    Approval {
        title: label("Viewer 4.2"),
        issued: NOW,
        expires: NOW,
        releases: vec![ApprovedRelease {
            repository: name("acme"),
            path: artifact.path.clone(),
            sha256: artifact.sha256,
            length: artifact.length,
            provenance: Provenance::Vendor,
            release: ReleaseDescription {
                product: name("viewer"),
                version: "4.2".into(),
                counter: 42,
                kind: Kind::Tree(TreeKind {
                    name: name("viewer"),
                    service: None,
                }),
                artifacts: vec![artifact],
                applies_to: Applicability {
                    from: vec!["4.1".into()],
                    os: Vec::new(),
                    architectures: vec!["all".into()],
                    models: vec![name("station")],
                },
                stepping_stones: Vec::new(),
                reboot: Reboot::None,
                install_minutes: 10,
                recovery_minutes: 5,
                checks_before: Vec::new(),
                checks_after: Vec::new(),
                fixes: Vec::new(),
                users_will_notice: Some(label("A new start screen")),
            },
            install_minutes: 10,
            recovery_minutes: 5,
            rollback: Rollback::None,
        }],
        waves: 0,
        machines: 0,
        root: Digest([0; 32]),
        groups: vec![GroupMinimum {
            group: name("reading"),
            size: 2,
            minimum_ready: 1,
        }],
        beside: Vec::new(),
        failure_limit: 1,
        clears: Vec::new(),
        emergency: None,
    }
}

/// The same document with one byte of its payload changed, signatures as they are.
pub(super) fn tampered<T: Document>(signed: &Signed<T>) -> Signed<T> {
    let mut payload = signed.payload().to_vec();
    let at = payload.len() / 2;
    payload[at] ^= 1;
    let mut changed = Signed::unsigned(payload);
    changed.add_signatures(signed.signatures().to_vec());
    changed
}

/// The bytes of a leaf after a change.
pub(super) fn changed_leaf(bytes: &[u8], change: impl FnOnce(&mut PlanLeaf)) -> Vec<u8> {
    let mut leaf: PlanLeaf = codec::decode_deterministic(bytes, 1 << 16).unwrap();
    change(&mut leaf);
    codec::encode_deterministic(&leaf)
}
