//! A full disk, a damaged file, another schema, no server, no time.

use super::*;
use patchward_collector::store::journal::{Append, JournalError};
use patchward_collector::store::{StoreError, reads_behind};
use patchward_common::id::OutboxId;
use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use std::time::Duration;

on_both_engines!(a_newer_schema_is_refused, a_changed_schema_is_refused);

/// Runs a statement past the store, as somebody with the database's password could.
pub(super) async fn tamper(world: &World, sql: &'static str) {
    match &world.place {
        Place::Sqlite { path, .. } => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let mut connection = options.connect().await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Place::Postgres { url } => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

async fn a_newer_schema_is_refused(world: World) {
    world.store.close().await;
    tamper(
        &world,
        "UPDATE _sqlx_migrations SET version = version + 9999",
    )
    .await;
    refused!(Store::open(&world.place).await, StoreError::Schema(_));
}

async fn a_changed_schema_is_refused(world: World) {
    world.store.close().await;
    let sql = match world.place {
        Place::Sqlite { .. } => "UPDATE _sqlx_migrations SET checksum = x'00'",
        Place::Postgres { .. } => "UPDATE _sqlx_migrations SET checksum = '\\x00'",
    };
    tamper(&world, sql).await;
    refused!(Store::open(&world.place).await, StoreError::Schema(_));
}

/// All connections of those who look are taken: what nobody waits for has its own, and who looks waits
/// for none of them.
#[tokio::test]
async fn what_nobody_waits_for_is_read_beside_those_who_look() {
    let (place, folder) = sqlite();
    let world = World::open(place, folder).await.with_unit().await;
    let looks = || tokio::time::timeout(Duration::from_secs(3), world.store.view());
    let mut taken = Vec::new();
    while let Ok(Ok(view)) = looks().await {
        taken.push(view);
    }
    assert!(!taken.is_empty());
    let store = world.store.clone();
    let behind = std::thread::spawn(move || {
        reads_behind();
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async { store.view().await.unwrap().sites().await.unwrap() })
    });
    let sites = tokio::task::spawn_blocking(|| behind.join().unwrap()).await;
    assert_eq!(sites.unwrap(), [site("main")]);
    assert!(looks().await.is_err(), "these are not for those who look");
}

fn large_append(number: u8, first: u64) -> Append {
    Append {
        machine: machine(number),
        outbox: OutboxId([5; 16]),
        first,
        events: vec![vec![7; 50_000]],
        received_at: NOW,
    }
}

/// A SQLite file that may not grow: a typed error, and everything from before is there.
#[tokio::test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let (place, folder) = sqlite();
    let world = World::open(place.clone(), folder).await.with_unit().await;
    world.store.close().await;
    let Place::Sqlite { path, .. } = place else {
        panic!("a file");
    };
    let small = Place::Sqlite {
        path,
        max_pages: Some(400),
    };
    let store = Store::open(&small).await.unwrap();
    let mut acknowledged = 0;
    let error = loop {
        match store
            .append_journal(large_append(1, acknowledged + 1))
            .await
        {
            Ok(position) => acknowledged = position,
            Err(error) => break error,
        }
        assert!(acknowledged < 400, "it never filled up");
    };
    assert!(
        matches!(error, JournalError::Store(StoreError::Full)),
        "{error:?}"
    );
    assert!(acknowledged > 0);
    let mut change = store.change(Actor::Collector, NOW).await.unwrap();
    let mut result = Ok(());
    for number in 0..2_000u32 {
        result = change.add_site(&site(&format!("s{number}"))).await;
        if result.is_err() {
            break;
        }
    }
    refused!(result, StoreError::Full);
    refused!(change.commit().await, StoreError::Conflict(_));
    let mut view = store.view().await.unwrap();
    assert_eq!(view.sites().await.unwrap(), [site("main")]);
    let position = view.journal_position(&machine(1), &OutboxId([5; 16])).await;
    assert_eq!(position.unwrap(), acknowledged);
    view.verify_audit(None).await.unwrap();
    drop(view);
    store.close().await;
    // With room again, it goes on where it was.
    let store = Store::open(&world.place).await.unwrap();
    let position = store
        .append_journal(large_append(1, acknowledged + 1))
        .await;
    assert_eq!(position.unwrap(), acknowledged + 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let (place, _folder) = sqlite();
    let Place::Sqlite { path, .. } = &place else {
        panic!("a file");
    };
    std::fs::write(path, vec![b'x'; 8_192]).unwrap();
    refused!(Store::open(&place).await, StoreError::Corrupt(_));
    assert_eq!(
        std::fs::read(path).unwrap(),
        vec![b'x'; 8_192],
        "left alone"
    );
}

#[tokio::test]
async fn a_folder_that_is_missing_is_an_error() {
    let (_, folder) = sqlite();
    let place = Place::Sqlite {
        path: folder.path().join("missing").join("collector.db"),
        max_pages: None,
    };
    refused!(Store::create(&place).await, StoreError::Unreachable(_));
}

/// A database that is gone is not replaced by an empty one: that would have forgotten
/// every stop and every go.
#[tokio::test]
async fn a_missing_database_is_not_made_by_opening_it() {
    let (place, folder) = sqlite();
    refused!(Store::open(&place).await, StoreError::NoDatabase(_));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let (place, _folder) = postgres();
    refused!(Store::open(&place).await, StoreError::NoDatabase(_));
    Store::create(&place).await.unwrap().close().await;
    Store::open(&place).await.unwrap().close().await;
}

#[tokio::test]
async fn no_server_and_a_bad_url_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let host = folder.path().to_string_lossy().replace('/', "%2F");
    let place = Place::Postgres {
        url: format!("postgres:///x?host={host}&user=x"),
    };
    refused!(Store::open(&place).await, StoreError::Unreachable(_));
    for url in ["mysql://x", "postgres", ""] {
        let place = Place::Postgres { url: url.into() };
        refused!(Store::open(&place).await, StoreError::Invalid(_));
    }
}
