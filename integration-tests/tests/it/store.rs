//! The collector's store: one suite, run on SQLite and on a real PostgreSQL.

mod accounts;
mod advisories;
mod assets;
mod calendars;
mod claims;
mod components;
mod copy;
mod crash;
mod custody;
mod devices;
mod documents;
mod evidence;
mod expiries;
mod exposure;
mod first_day;
mod fleet;
mod fleet_days;
mod followed;
mod go;
mod go_races;
mod holds;
mod inventory;
mod jobs;
mod journal;
mod limits;
mod listed;
mod manual;
mod mds2;
mod notices;
mod passkeys;
mod people;
mod places;
mod plans;
mod probes;
mod reconcile;
mod returns;
mod rollout;
mod rollover;
mod sessions;
mod several;
mod stated;
mod subjects;
mod together;
mod vendors;
mod windows;

use patchward_collector::store::machines::{NewMachine, Seen};
use patchward_collector::store::places::{Group, Site, SwitchedOff, Unit};
use patchward_collector::store::{Actor, Change, Place, Store};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Label, MachineId, Name};
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_integration_tests::postgres::Postgres;

/// When most things happen here.
const NOW: UtcMs = UtcMs(1_795_400_000_000);

/// Runs each of these tests on both engines, each with a database of its own.
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let (place, folder) = crate::store::sqlite();
                super::$name(crate::store::World::open(place, folder).await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let (place, folder) = crate::store::postgres();
                super::$name(crate::store::World::open(place, folder).await).await;
            })*
        }
    };
}
use on_both_engines;

/// An empty SQLite database.
fn sqlite() -> (Place, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collector.db");
    let place = Place::Sqlite {
        path,
        max_pages: None,
    };
    (place, folder)
}

/// An empty PostgreSQL database.
fn postgres() -> (Place, tempfile::TempDir) {
    let server = Postgres::shared().unwrap_or_else(|error| panic!("{error}"));
    let url = server
        .fresh_database()
        .unwrap_or_else(|error| panic!("{error}"));
    (Place::Postgres { url }, tempfile::tempdir().unwrap())
}

/// An open store and where it is.
struct World {
    store: Store,
    place: Place,
    _folder: tempfile::TempDir,
}

impl World {
    async fn open(place: Place, folder: tempfile::TempDir) -> Self {
        let store = Store::create(&place).await.unwrap();
        Self {
            store,
            place,
            _folder: folder,
        }
    }

    /// A change by a person, now.
    async fn change(&self) -> Change {
        self.change_at(NOW).await
    }

    async fn change_at(&self, now: UtcMs) -> Change {
        self.store
            .change(Actor::Person(name("iris")), now)
            .await
            .unwrap()
    }

    /// A site and the unit `icu`.
    async fn with_unit(self) -> Self {
        let mut change = self.change().await;
        change.add_site(&site("main")).await.unwrap();
        change.add_unit(&unit("icu", "main")).await.unwrap();
        change.commit().await.unwrap();
        self
    }

    /// Enrols machines 1 to `count` into the unit `icu`.
    async fn with_machines(self, count: u8) -> Self {
        let world = self.with_unit().await;
        let mut change = world.change().await;
        change.add_token(&fleet::token("t", 255)).await.unwrap();
        for number in 1..=count {
            enrol(&mut change, number).await;
        }
        change.commit().await.unwrap();
        world
    }
}

/// Enrols machine `number`; the token `t` is there.
async fn enrol(change: &mut Change, number: u8) {
    let ask = fleet::enrolment(number);
    change.ask_enrolment(&ask).await.unwrap();
    change.accept_enrolment(&new_machine(number)).await.unwrap();
}

fn new_machine(number: u8) -> NewMachine {
    NewMachine {
        id: machine(number),
        name: name(&format!("pc-{number}")),
        unit: name("icu"),
        class: Class::Critical,
        model: name("station-4"),
        mode: Mode::Active,
    }
}

fn machine(number: u8) -> MachineId {
    MachineId([number; 32])
}

/// A machine that was heard now, from somewhere.
fn heard(number: u8) -> (MachineId, Seen) {
    (machine(number), NOW.into())
}

fn digest(number: u8) -> Digest {
    Digest([number; 32])
}

fn job(plan: Digest, number: u8) -> JobId {
    JobId::of(plan, machine(number))
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn site(text: &str) -> Site {
    Site {
        name: name(text),
        title: label("Main building"),
    }
}

fn unit(text: &str, site: &str) -> Unit {
    Unit {
        name: name(text),
        site: name(site),
        title: label("Intensive care"),
        class: Class::Critical,
    }
}

fn group(text: &str, minimum_ready: u32) -> Group {
    Group {
        name: name(text),
        unit: name("icu"),
        minimum_ready,
        switched_off: SwitchedOff::Counts,
    }
}

/// Expects one of the store's errors.
macro_rules! refused {
    ($result:expr, $pattern:pat) => {
        match $result {
            Err($pattern) => {}
            Err(other) => panic!("another error: {other:?}"),
            Ok(_) => panic!("was accepted"),
        }
    };
}
use refused;

/// A function that is not called here would be tested on neither engine.
#[test]
fn every_function_of_the_store_is_called_here() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = rust_below(&root.join("tests/it/store"))
        + &std::fs::read_to_string(root.join("tests/it/store.rs")).unwrap();
    let store = rust_below(&root.join("../collector/src/store"));
    let missing: Vec<_> = store
        .split("pub async fn ")
        .skip(1)
        .map(|rest| rest.split(['(', '<']).next().unwrap().to_owned())
        .filter(|function| !tests.contains(&format!(".{function}(")))
        .filter(|function| !matches!(function.as_str(), "open" | "create"))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

/// Every Rust file below a folder, one after the other.
fn rust_below(folder: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &rust_below(&path);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text += &std::fs::read_to_string(path).unwrap();
        }
    }
    text
}
