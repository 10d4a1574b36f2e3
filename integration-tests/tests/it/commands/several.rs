//! Several collectors on one PostgreSQL, as people run them; and one alone on SQLite.

use super::{ask_in, ends};
use patchward_common::time::HOUR_MS;
use patchward_integration_tests::bench::failover;
use patchward_integration_tests::moved_clock::apart;
use patchward_integration_tests::postgres::Postgres;
use patchward_integration_tests::process::{Daemon, wait_until};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn serve(folder: &Path) -> Daemon {
    serve_at(folder, 0)
}

/// The same with a clock that is so many milliseconds ahead.
fn serve_at(folder: &Path, ahead_ms: i64) -> Daemon {
    let clock = (ahead_ms != 0).then(|| apart(ahead_ms).unwrap());
    let log = folder.with_extension("log");
    super::serve_in(folder, &log, clock.unwrap_or_default())
}

fn free_address() -> String {
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().to_string()
}

/// A new collector in `place/first`; on SQLite where no database is named.
fn init(place: &Path, database: Option<&str>) -> (PathBuf, String) {
    let (folder, address) = (place.join("first"), free_address());
    let at = ["--listen", &address, "--address", &address];
    let init = [&["init", "--web-listen", "none"][..], &at].concat();
    let database = database.iter().flat_map(|url| ["--database", url]);
    let arguments: Vec<_> = init.into_iter().chain(database).collect();
    let made = ask_in(&folder, &arguments);
    assert!(made.status.success(), "{made:?}");
    (folder, address)
}

/// Another collector's folder, as docs/several.md has it: the same keys and settings, but where
/// it listens.
fn copied(first: &Path, address: &str) -> PathBuf {
    let second = first.with_file_name("second");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(first)
        .arg(&second)
        .status();
    assert!(copied.unwrap().success());
    let settings = second.join("collector.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let listen = format!("listen = \"{address}\"");
    let other = text.replace(&listen, &format!("listen = \"{}\"", free_address()));
    assert_ne!(text, other, "{text}");
    std::fs::write(&settings, other).unwrap();
    second
}

/// The collectors as one of them tells of them: whether each is the one that was asked, and what
/// it holds.
fn collectors(folder: &Path) -> Vec<(bool, Vec<Value>)> {
    let listed = ask_in(folder, &["collector", "list", "--json"]);
    assert!(listed.status.success(), "{listed:?}");
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let rows = listed.as_array().expect("a list").iter();
    rows.map(|row| {
        let held = row["holds"].as_array().cloned().unwrap_or_default();
        (row["this"] == true, held)
    })
    .collect()
}

#[test]
fn work_goes_to_another_collector_when_one_is_killed() {
    let server = Postgres::shared().unwrap_or_else(|error| panic!("{error}"));
    let database = server.fresh_database().unwrap();
    let place = tempfile::tempdir().unwrap();
    let (first, address) = init(place.path(), Some(&database));
    let second = copied(&first, &address);
    let one = serve(&first);
    let two = serve(&second);
    // What is told to one is known to all.
    assert!(ask_in(&first, &["site", "add", "main"]).status.success());
    let sites = ask_in(&second, &["site", "list", "--json"]);
    assert!(String::from_utf8_lossy(&sites.stdout).contains("main"));
    let told = collectors(&second);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(!told[0].0 && told[1].0, "{told:?}");
    let all = told[0].1.len();
    assert!(all > 5 && told[1].1.is_empty(), "{told:?}");
    // Dropped, it is killed as by a power cut.
    drop(one);
    wait_until("the second has all of it", || {
        let told = collectors(&second);
        told.len() == 1 && told[0].1.len() == all
    })
    .unwrap();
    // One that ends in order gives away at once what it holds.
    let one = serve(&first);
    assert_eq!(collectors(&first).len(), 2);
    two.terminate().unwrap();
    wait_until("the first has all of it again", || {
        let told = collectors(&first);
        told.len() == 1 && told[0].1.len() == all
    })
    .unwrap();
    one.terminate().unwrap();
}

/// What each says of the clocks of the collectors, its own first.
fn clocks(folder: &Path) -> Vec<String> {
    let listed = ask_in(folder, &["collector", "list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let rows = listed.as_array().expect("a list").iter();
    let mut rows: Vec<_> = rows
        .map(|row| (row["this"] != true, &row["clock"]))
        .collect();
    rows.sort_by_key(|(is_other, _)| *is_other);
    let word = |clock: &Value| clock.as_str().unwrap_or("unknown").to_owned();
    rows.into_iter().map(|(_, clock)| word(clock)).collect()
}

/// Each collector finds it out by itself, and says what it means and what to do.
#[test]
fn clocks_that_are_apart_are_told_of_by_both() {
    let server = Postgres::shared().unwrap_or_else(|error| panic!("{error}"));
    let database = server.fresh_database().unwrap();
    let place = tempfile::tempdir().unwrap();
    let (first, address) = init(place.path(), Some(&database));
    let second = copied(&first, &address);
    let (one, two) = (serve(&first), serve_at(&second, HOUR_MS));
    for (folder, word) in [(&first, "s ahead"), (&second, "s behind")] {
        wait_until("the other's clock is known", || {
            let told = clocks(folder);
            told.len() == 2 && told[0] == "agrees" && told[1].ends_with(word)
        })
        .unwrap();
    }
    let listed = ask_in(&first, &["collector", "list"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        listed.contains("No go is given until they are set"),
        "{listed}"
    );
    let examined = ask_in(&first, &["doctor"]);
    let said = String::from_utf8_lossy(&examined.stdout).into_owned();
    assert!(said.contains("s ahead of this one"), "{said}");
    two.terminate().unwrap();
    // One that is right takes its place.
    let two = serve(&second);
    wait_until("they agree", || clocks(&first) == ["agrees", "agrees"]).unwrap();
    two.terminate().unwrap();
    one.terminate().unwrap();
}

/// A small fleet whose collector is killed is with the other, each event of its journals stored
/// once. How long that takes is measured where nothing else runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_goes_to_another_collector_with_every_event_once() {
    failover::run(Some(30)).await.unwrap();
}

/// The keys lie in the folder of each: what one would do alone, the others could not follow.
#[test]
fn the_authority_is_followed_while_one_runs_alone() {
    let server = Postgres::shared().unwrap_or_else(|error| panic!("{error}"));
    let database = server.fresh_database().unwrap();
    let place = tempfile::tempdir().unwrap();
    let (first, address) = init(place.path(), Some(&database));
    let second = copied(&first, &address);
    let (one, two) = (serve(&first), serve(&second));
    let next = ["ca", "next", "--reason", "a test"];
    ends(&first, &next, 4, "Other collectors run on this database");
    two.terminate().unwrap();
    let followed = ask_in(&first, &next);
    assert!(followed.status.success(), "{followed:?}");
    ends(&second, &["serve"], 4, "its key is not in this folder");
    for file in ["ca-next.key", "ca-next.crt"] {
        std::fs::copy(first.join("ca").join(file), second.join("ca").join(file)).unwrap();
    }
    serve(&second).terminate().unwrap();
    one.terminate().unwrap();
}

#[test]
fn on_sqlite_there_is_one_collector() {
    let place = tempfile::tempdir().unwrap();
    let (first, address) = init(place.path(), None);
    let second = copied(&first, &address);
    std::fs::remove_file(second.join("collector.sqlite")).unwrap();
    let database = first.join("collector.sqlite");
    std::os::unix::fs::symlink(&database, second.join("collector.sqlite")).unwrap();
    let one = serve(&first);
    let told = collectors(&first);
    assert!(
        told.len() == 1 && told[0].0 && told[0].1.len() > 5,
        "{told:?}"
    );
    ends(&second, &["serve"], 4, "on SQLite exactly one may");
    one.terminate().unwrap();
    // It is free again.
    serve(&second).terminate().unwrap();
}
