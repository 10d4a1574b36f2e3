//! A database of each version: written as SQL text, opened and migrated by today's store.

use super::{text, versions};
use patchward_collector::store::documents::{DocumentKind, NewDocument, StoredSignature};
use patchward_collector::store::enrolments::{Enrolment, EnrolmentState};
use patchward_collector::store::journal::Append;
use patchward_collector::store::machines::NewMachine;
use patchward_collector::store::places::{Group, Site, SwitchedOff, Unit};
use patchward_collector::store::tokens::{Acceptance, Token};
use patchward_collector::store::{Actor, Place, Store};
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name, OutboxId};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::PublicKey;
use patchward_integration_tests::fixture::{Hospital, label, name, sign};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Row as _};
use std::path::Path;

use super::examples::NOW;

const MACHINE: MachineId = MachineId([1; 32]);
const OUTBOX: OutboxId = OutboxId([5; 16]);

pub(super) fn place(path: &Path) -> Place {
    Place::Sqlite {
        path: path.to_owned(),
        max_pages: None,
    }
}

pub(super) async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    options.disable_statement_logging().connect().await.unwrap()
}

/// A small hospital in a database, by today's store.
async fn fill(path: &Path) {
    let store = Store::create(&place(path)).await.unwrap();
    let by = Actor::Person(name("iris"));
    let mut change = store.change(by, NOW).await.unwrap();
    change.name_collector(&name("collector")).await.unwrap();
    let site = Site {
        name: name("main"),
        title: label("Main building"),
    };
    change.add_site(&site).await.unwrap();
    let unit = Unit {
        name: name("icu"),
        site: name("main"),
        title: label("Intensive care"),
        class: Class::Critical,
    };
    change.add_unit(&unit).await.unwrap();
    let group = Group {
        name: name("monitors"),
        unit: name("icu"),
        minimum_ready: 1,
        switched_off: SwitchedOff::Counts,
    };
    change.add_group(&group).await.unwrap();
    change.add_token(&token()).await.unwrap();
    change.ask_enrolment(&enrolment()).await.unwrap();
    let machine = NewMachine {
        id: MACHINE,
        name: name("pc-1"),
        unit: name("icu"),
        class: Class::Critical,
        model: name("station-4"),
        mode: Mode::Observe,
    };
    change.accept_enrolment(&machine).await.unwrap();
    let hospital = Hospital::new(1, NOW);
    let charter = sign(&hospital.charter(), &[&hospital.root]);
    let document = NewDocument {
        kind: DocumentKind::Charter,
        number: Some(1),
        scope: None,
        subject: None,
        expires_at: Some(hospital.charter().expires),
        payload: charter.payload(),
    };
    let signature = StoredSignature {
        signer: PublicKey::of(&hospital.root).id(),
        bytes: charter.signatures()[0].clone(),
    };
    change.add_document(&document, &[signature]).await.unwrap();
    change.commit().await.unwrap();
    store
        .record_inventory(&MACHINE, &components(), NOW)
        .await
        .unwrap();
    let events = Append {
        machine: MACHINE,
        outbox: OUTBOX,
        first: 1,
        events: vec![vec![1, 2, 3], vec![4, 5]],
        received_at: NOW,
    };
    store.append_journal(events).await.unwrap();
    store.close().await;
}

fn token() -> Token {
    Token {
        id: name("t"),
        secret_hash: Digest([2; 32]),
        unit: name("icu"),
        host_pattern: "pc-*".into(),
        acceptance: Acceptance::Person,
        uses_left: 5,
        created_at: NOW,
        expires_at: NOW.plus_ms(1_000),
        revoked_at: None,
    }
}

fn enrolment() -> Enrolment {
    Enrolment {
        machine: MACHINE,
        spki: vec![3; 44],
        host: name("pc-1"),
        unit: name("icu"),
        token: name("t"),
        csr: vec![0x30, 0],
        facts: vec![0xa0],
        asked_at: NOW,
        state: EnrolmentState::Waiting,
        decided_at: None,
    }
}

fn components() -> ComponentSet {
    let bash = Component {
        source: Source::Deb,
        name: "bash".into(),
        version: "5.2.15-2".into(),
        arch: "amd64".into(),
    };
    ComponentSet::new(vec![bash]).unwrap()
}

/// What stands in a database, read by today's store.
async fn contents(path: &Path) -> String {
    let store = Store::open(&place(path)).await.unwrap();
    let mut view = store.view().await.unwrap();
    let head = view.audit_head().await.unwrap();
    assert_eq!(view.verify_audit(Some(head)).await.unwrap(), head);
    let monitors: Name = name("monitors");
    let said = [
        format!("{:?}", view.collector().await.unwrap()),
        format!("{:?}", view.sites().await.unwrap()),
        format!("{:?}", view.units().await.unwrap()),
        format!("{:?}", view.group(&monitors).await.unwrap()),
        format!("{:?}", view.tokens().await.unwrap()),
        format!("{:?}", view.machine(&MACHINE).await.unwrap()),
        format!(
            "{:?}",
            view.components_of(&components().digest()).await.unwrap()
        ),
        format!("{:?}", view.newest(DocumentKind::Charter).await.unwrap()),
        format!(
            "{:?}",
            view.journal_position(&MACHINE, &OUTBOX).await.unwrap()
        ),
        format!("{head:?}"),
    ];
    drop(view);
    store.close().await;
    said.map(|line| super::without_numbers(&line)).join("\n") + "\n"
}

/// A database as SQL text.
async fn dump(path: &Path) -> String {
    let mut database = connect(path).await;
    let mut text = String::new();
    let schema = sqlx::query(
        "SELECT type, name, sql FROM sqlite_master
         WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
    );
    let schema = schema.fetch_all(&mut database).await.unwrap();
    for entry in &schema {
        text += &format!("{};\n", entry.get::<String, _>("sql"));
    }
    let tables = schema
        .iter()
        .filter(|entry| entry.get::<String, _>("type") == "table");
    for table in tables.map(|entry| entry.get::<String, _>("name")) {
        let columns = format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid");
        let columns = sqlx::query(sqlx::AssertSqlSafe(columns));
        let columns = columns.fetch_all(&mut database).await.unwrap();
        let quoted: Vec<String> = columns
            .iter()
            .map(|column| match column.get::<String, _>("name").as_str() {
                // When a migration ran, and how long it took, is no content.
                "installed_on" => "'''2026-11-23 00:00:00'''".to_owned(),
                "execution_time" => "'0'".to_owned(),
                name => format!("quote({name})"),
            })
            .collect();
        let rows = format!(
            "SELECT {} AS row FROM {table} ORDER BY 1",
            quoted.join("||', '||")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(rows));
        for row in rows.fetch_all(&mut database).await.unwrap() {
            text += &format!(
                "INSERT INTO {table} VALUES ({});\n",
                row.get::<String, _>("row")
            );
        }
    }
    text
}

async fn dump_of_today() -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collector.db");
    fill(&path).await;
    dump(&path).await
}

pub(super) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

#[test]
fn databases_of_every_version_are_opened_and_migrated() {
    for version in versions() {
        let sql = text(&version, "store.sql", || wait_for(dump_of_today()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector.db");
        wait_for(async {
            // As it was left: no key of another table is looked at while rows come in.
            let script = format!("PRAGMA foreign_keys = OFF;\n{sql}");
            let mut old = connect(&path).await;
            sqlx::raw_sql(sqlx::AssertSqlSafe(script))
                .execute(&mut old)
                .await
                .unwrap();
            let broken = sqlx::query("PRAGMA foreign_key_check")
                .fetch_all(&mut old)
                .await;
            assert!(
                broken.unwrap().is_empty(),
                "{version:?}: rows without their parents"
            );
        });
        let found = wait_for(contents(&path));
        let says = text(&version, "store.txt", || found.clone());
        assert_eq!(found, says, "{version:?}");
        // Migrated once, it is opened again as it is.
        assert_eq!(wait_for(contents(&path)), says, "{version:?}");
    }
}
