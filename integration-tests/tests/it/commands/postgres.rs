//! A collector on PostgreSQL, as a person runs it.

use super::{ask_in, ends, serve};
use patchward_integration_tests::postgres::Postgres;

#[test]
fn a_collector_runs_on_postgresql() {
    let server = Postgres::shared().unwrap_or_else(|error| panic!("{error}"));
    let database = server.fresh_database().unwrap();
    let empty = server.fresh_database().unwrap();
    let place = tempfile::tempdir().unwrap();
    let (folder, log) = (place.path().join("collector"), place.path().join("log"));
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let init = [
        "init",
        "--listen",
        &address,
        "--address",
        &address,
        "--database",
    ];
    let made = ask_in(&folder, &[&init[..], &[&database]].concat());
    assert!(made.status.success(), "{made:?}");
    assert!(!folder.join("collector.sqlite").exists());
    let daemon = serve(&folder, &log);
    let added = ask_in(&folder, &["site", "add", "main"]);
    assert!(added.status.success(), "{added:?}");
    daemon.terminate().unwrap();
    // It is there after a restart; nobody else gets this database.
    let daemon = serve(&folder, &log);
    let listed = ask_in(&folder, &["site", "list", "--json"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("main"));
    daemon.terminate().unwrap();
    let other = place.path().join("other");
    let again = [&init[..], &[&database]].concat();
    ends(&other, &again, 4, "belongs to a collector already");
    // Nor does it take an empty one for its own.
    let settings = folder.join("collector.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.replace(&database, &empty)).unwrap();
    ends(&folder, &["serve"], 3, "restore a backup");
}
