//! A whole collector in this process, asked by the words that people type: the command
//! line is read, carried out and answered as by the program, without one.

mod enrolling;

use ed25519_dalek::SigningKey;
use patchward_collector::app::App;
use patchward_collector::claims::Claims;
use patchward_collector::cli::{Action, Cli};
use patchward_collector::command::{self, Caller, Snapshots};
use patchward_collector::config::{RelaySetting, Settings};
use patchward_collector::control::{Failure, FailureKind, Output};
use patchward_collector::fleet::{self, Authorities, Authority, FleetContext, FleetSettings};
use patchward_collector::folder::Folder;
use patchward_collector::matching::Kept;
use patchward_collector::planning::Assigned;
use patchward_collector::reconcile::Pulse;
use patchward_collector::snapshot::Behind;
use patchward_collector::store::machines::{MachineStatus, Readiness};
use patchward_collector::store::{Actor, Change, Place, Store};
use patchward_collector::vendor::artifact::Artifacts;
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, MachineId};
use patchward_common::plan::{AssignmentFile, PlanFile, file};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf};
use patchward_common::trust::charter::Charter;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, Signed};
use patchward_common::wire::machine::InterlockWord;
use patchward_integration_tests::fixture::{Hospital, label, name, sign};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Handle;

pub(super) use enrolling::{add_token, asks, enrol};

/// The unit of the fixture's machines.
pub(super) const UNIT: &str = "icu-3";

/// A collector and the hospital's keys.
pub(super) struct Desk {
    pub(super) app: Arc<App>,
    pub(super) papers: Hospital,
    caller: Caller,
    folder: tempfile::TempDir,
    files: AtomicU64,
}

pub(super) fn machine(number: u8) -> MachineId {
    MachineId([number; 32])
}

pub(super) fn now() -> UtcMs {
    patchward_collector::clock::now()
}

impl Desk {
    /// An empty collector.
    pub(super) async fn open() -> Self {
        Self::with_relays(Vec::new()).await
    }

    /// The same whose settings name site relays.
    pub(super) async fn with_relays(relays: Vec<RelaySetting>) -> Self {
        Self::with_fleet(FleetSettings {
            relays,
            ..FleetSettings::default()
        })
        .await
    }

    /// The same whose fleet has these settings.
    pub(super) async fn with_fleet(fleet: FleetSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector");
        std::fs::create_dir_all(&path).unwrap();
        let place = Place::Sqlite {
            path: path.join("collector.sqlite"),
            max_pages: None,
        };
        let store = Store::create(&place).await.unwrap();
        let authority = path.join("ca");
        std::fs::create_dir_all(&authority).unwrap();
        Authority::init(&authority, &name("collector"), now()).unwrap();
        let artifacts = Artifacts::in_folder(&path.join("artifacts")).unwrap();
        let papers = Hospital::new(1, now());
        let context = FleetContext {
            store: store.clone(),
            authorities: Authorities::open(&authority).unwrap(),
            go_key: papers.go_key.clone(),
            artifacts: artifacts.object_store(),
            clock: Arc::new(now),
            settings: fleet.clone(),
        };
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = Settings {
            addresses: vec!["localhost:9443".into()],
            relays: fleet.relays,
            ..Settings::default()
        };
        let app = App {
            folder: Folder::new(path),
            claims: Claims::new(&store, &settings, now()),
            settings,
            fleet: fleet::serve(context, any).await.unwrap(),
            store,
            artifacts,
            matching: Kept::default(),
            assigned: Assigned::default(),
            snapshots: Snapshots::default(),
            behind: Behind::new(Handle::current()),
            go_signing_key: papers.go_key.clone(),
            pulse: Pulse::new(now()),
        };
        Self {
            app: Arc::new(app),
            papers,
            caller: Caller {
                actor: Actor::Local(0),
            },
            folder,
            files: AtomicU64::new(0),
        }
    }

    /// A collector with its hospital's documents, a site, the fixture's unit and its group
    /// `readers`, of which one must stay ready.
    pub(super) async fn with_papers() -> Self {
        let desk = Self::open().await;
        let charter = sign(&desk.papers.charter(), &[&desk.papers.root]);
        desk.take_in(Charter::TYPE, &charter).await;
        let roster = sign(&desk.papers.roster(), &[&desk.papers.registrar]);
        desk.take_in(Roster::TYPE, &roster).await;
        desk.ask("site add main").await;
        desk.ask("unit add icu-3 --site main --class standard")
            .await;
        desk.ask("group add readers --unit icu-3 --minimum-ready 1")
            .await;
        desk
    }

    /// The same with machines 1 to `count`, idle and assigned, that have the viewer 1.
    pub(super) async fn with_machines(count: u8) -> Self {
        let desk = Self::with_papers().await;
        let mut change = desk.change().await;
        add_token(&mut change).await;
        for number in 1..=count {
            enrol(&mut change, number).await;
        }
        change.commit().await.unwrap();
        for number in 1..=count {
            desk.reports(number, "1").await;
        }
        desk.assign(1, count).await.unwrap();
        desk
    }

    /// A machine says that it is idle, and which version of the viewer it has.
    pub(super) async fn reports(&self, number: u8, version: &str) {
        self.says(number, InterlockWord::Idle).await;
        let id = machine(number);
        let viewer = Component {
            source: Source::Tree,
            name: "viewer".into(),
            version: version.into(),
            arch: String::new(),
        };
        let set = ComponentSet::new(vec![viewer]).unwrap();
        let fleet = &self.app.fleet;
        fleet.record_inventory(&id, &set, now()).await.unwrap();
    }

    /// A machine is heard, and its interlock says this.
    pub(super) async fn says(&self, number: u8, interlock: InterlockWord) {
        let status = MachineStatus {
            boot: BootId([1; 16]),
            agent_version: "1".into(),
            installer_version: "1".into(),
            readiness: Readiness::Ready,
            interlock,
            hold_until: None,
            watermark: Digest::default(),
            fingerprint: Digest::default(),
        };
        let store = &self.app.store;
        let id = machine(number);
        store.record_status(&id, &status, now()).await.unwrap();
        let seen = [(id, now().into())];
        store.record_seen(&seen, now()).await.unwrap();
    }

    /// Takes in an assignment of machines 1 to `count`.
    pub(super) async fn assign(&self, number: u64, count: u8) -> Result<Output, Failure> {
        let rows = (1..=count).map(|number| self.row(number));
        self.assign_rows(number, rows.collect()).await
    }

    pub(super) fn row(&self, number: u8) -> AssignmentLeaf {
        AssignmentLeaf {
            name: label(&format!("pc-{number}")),
            ..self.papers.row(machine(number))
        }
    }

    /// Takes in an assignment of these rows, signed by both approvers.
    pub(super) async fn assign_rows(
        &self,
        number: u64,
        rows: Vec<AssignmentLeaf>,
    ) -> Result<Output, Failure> {
        let assignment = Assignment {
            number,
            issued: self.papers.now,
            machines: 0,
            root: Digest::default(),
        };
        let mut table = AssignmentFile::build(assignment, rows).unwrap();
        table.signed.cosign(&self.papers.alice);
        table.signed.cosign(&self.papers.bob);
        let path = self.write(&table.to_bytes());
        self.tries(&["document", "add", &path]).await
    }

    /// Takes in a signed document.
    pub(super) async fn take_in<T: Document>(&self, format: &'static str, signed: &Signed<T>) {
        let path = self.write(&file::to_bytes(format, signed));
        self.tries(&["document", "add", &path]).await.unwrap();
    }

    /// A file with these bytes; its path.
    pub(super) fn write(&self, bytes: &[u8]) -> String {
        let number = self.files.fetch_add(1, Ordering::SeqCst);
        let path = self.folder.path().join(format!("file-{number}"));
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    }

    /// A path below the desk's folder.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.folder.path().join(text)
    }

    /// A folder with the vendor's repository: these releases, each with its bytes.
    pub(super) fn publish(&self, version: u64, releases: &[(ApprovedRelease, &[u8])]) -> String {
        let all: Vec<_> = releases
            .iter()
            .map(|(release, _)| release.clone())
            .collect();
        let files = self.papers.repository(version, &all).unwrap();
        let folder = self.path("vendor");
        for (file, bytes) in files {
            write_below(&folder, &format!("metadata/{file}"), &bytes);
        }
        for (release, bytes) in releases {
            let (place, file) = release.path.rsplit_once('/').unwrap();
            let path = format!("targets/{place}/{}.{file}", release.sha256);
            write_below(&folder, &path, bytes);
        }
        folder.to_string_lossy().into_owned()
    }

    /// Publishes these versions of the viewer and takes them in; their counters are their
    /// positions.
    pub(super) async fn import(&self, versions: &[&str]) {
        let bytes: Vec<Vec<u8>> = versions.iter().map(|v| v.as_bytes().to_vec()).collect();
        let releases: Vec<_> = (1..)
            .zip(versions.iter().zip(&bytes))
            .map(|(counter, (version, bytes))| {
                (self.papers.release(version, counter, bytes), &bytes[..])
            })
            .collect();
        let folder = self.publish(1, &releases);
        self.tries(&["release", "import", "acme", &folder])
            .await
            .unwrap();
    }

    pub(super) async fn change(&self) -> Change {
        let store = &self.app.store;
        store.change(Actor::Local(0), now()).await.unwrap()
    }

    /// Runs a command line that must succeed.
    pub(super) async fn ask(&self, line: &str) -> Output {
        self.line(line)
            .await
            .unwrap_or_else(|failure| panic!("{line}: {}", failure.text))
    }

    /// The same for what programs get of it.
    pub(super) async fn json(&self, line: &str) -> Value {
        self.ask(line).await.json()
    }

    /// A command line's words are apart by one space; `~` is a space within a word.
    async fn line(&self, line: &str) -> Result<Output, Failure> {
        let words: Vec<String> = line.split(' ').map(|word| word.replace('~', " ")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.tries(&words).await
    }

    /// Runs a command line.
    pub(super) async fn tries(&self, words: &[&str]) -> Result<Output, Failure> {
        let cli = parsed(words).map_err(|error| Failure::input(error.to_string()))?;
        let Action::Ask(command) = cli.action else {
            panic!("{words:?} does not ask a collector");
        };
        let (progress, _steps) = tokio::sync::mpsc::channel(16);
        command::run(&self.app, &self.caller, command, progress).await
    }

    /// Runs a command line that must be refused so, and change nothing.
    pub(super) async fn refuses(&self, line: &str, kind: FailureKind, text: &str) {
        let head = async || {
            let mut view = self.app.store.view().await.unwrap();
            view.audit_head().await.unwrap()
        };
        let before = head().await;
        match self.line(line).await {
            Ok(output) => panic!("{line}: {}", output.text()),
            Err(failure) => {
                assert_eq!(failure.kind, kind, "{line}: {}", failure.text);
                assert!(failure.text.contains(text), "{line}: {}", failure.text);
            }
        }
        assert_eq!(head().await, before, "{line} changed something");
    }

    /// Makes a plan and gives back its id.
    pub(super) async fn plan(&self, title: &str, rest: &str) -> String {
        let made = self.json(&format!("plan new {title} {rest}")).await;
        made["plan"].as_str().unwrap().to_owned()
    }

    /// A plan as `plan export` hands it out.
    pub(super) async fn exported(&self, plan: &str) -> PlanFile {
        let out = format!("plan export {plan} --out unused");
        let Output::File { bytes, .. } = self.ask(&out).await else {
            panic!("no file");
        };
        PlanFile::from_bytes(&bytes).unwrap()
    }

    /// Signs a plan and takes it back.
    pub(super) async fn signed(&self, plan: &str, keys: &[&SigningKey]) -> Result<Output, Failure> {
        let mut file = self.exported(plan).await;
        for key in keys {
            file.plan.signed.cosign(key);
        }
        let path = self.write(&file.to_bytes());
        self.tries(&["plan", "sign", &path]).await
    }
}

pub(super) fn write_below(folder: &std::path::Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Reads a command line as `main` does: with the stack of a process's first thread. Clap of a
/// build that is not optimised needs more than a test's thread has left.
fn parsed(words: &[&str]) -> Result<Cli, clap::Error> {
    let all = ["patchward-collector"].iter().chain(words);
    let all: Vec<String> = all.map(|word| (*word).to_owned()).collect();
    let parse = || <Cli as clap::Parser>::try_parse_from(all);
    let thread = std::thread::Builder::new().stack_size(8 << 20);
    thread.spawn(parse).unwrap().join().unwrap()
}
