//! The filled hospital: every page of it answers, is small enough, counts right, and shows
//! who is in charge of one unit nothing of another.

use patchward_integration_tests::filled::served::Served;
use patchward_integration_tests::filled::walk::{self, Visited};
use patchward_integration_tests::filled::{self, Ports, Spec};
use patchward_integration_tests::visitor::Visitor;
use std::collections::BTreeSet;

/// Machines of the hospital.
const MACHINES: usize = 300;
/// Most bytes of a page before it is packed.
const MOST_BYTES: usize = 150_000;
/// Pages of one kind that are opened.
const EACH: usize = 2;

/// The unit of who sees one alone.
const UNIT: &str = "icu-1";

fn spec() -> Spec {
    Spec::of(MACHINES, patchward_collector::clock::now())
}

fn silent(_: &str, _: usize, _: usize) {}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_a_filled_hospital_answers_and_counts_right() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::filled(folder.path(), &spec(), &silent)
        .await
        .unwrap();
    let mut admin = served.admin().unwrap();
    let visited = walk::pages(&mut admin, EACH).unwrap();
    assert!(visited.len() > 60, "{} pages", visited.len());
    let mut lists = BTreeSet::new();
    for Visited { path, answer } in &visited {
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert!(answer.server_ms().is_some(), "{path} has no timing");
        let bytes = answer.body.len();
        assert!(bytes <= MOST_BYTES, "{path}: {bytes} bytes");
        lists.extend(count(&mut admin, path));
    }
    for list in [
        "machines",
        "assets-assets",
        "jobs",
        "audit",
        "today-items",
        "fleet",
        "setup-firewall_sheet",
    ] {
        assert!(lists.contains(list), "{list} of {lists:?}");
    }
    most_on_a_day(&mut admin, MACHINES);

    // A page of one unit, for who is in charge of it.
    let role = format!("technician:{UNIT}");
    let mut own = served.somebody("tess", &role).unwrap();
    let others = others(&mut admin);
    assert!(others.len() > MACHINES / 2);
    for Visited { path, answer } in walk::pages(&mut own, EACH).unwrap() {
        let text = answer.text();
        assert!(
            matches!(answer.status, 200 | 303 | 403 | 404),
            "{path}: {text}"
        );
        for other in &others {
            assert!(!text.contains(other), "{other} is on {path}");
        }
        if answer.status == 200 {
            count(&mut own, &path);
        }
    }
    let machines = own.get("/list/machine/list").unwrap().text();
    let of_unit = MACHINES / spec().units();
    assert_eq!(walk::lists(&machines)[0].count, of_unit);
    // Day by day too.
    most_on_a_day(&mut own, of_unit);
}

/// The picture of two years is there, and on no day there were more than `most` machines, nor
/// fewer on the last of them.
fn most_on_a_day(visitor: &mut Visitor, most: usize) {
    let page = visitor.get("/rollouts?fleet-days=731").unwrap();
    assert!(page.text().contains("pic-history-title"), "no picture");
    let file = visitor.get("/rollouts?csv=fleet").unwrap().text();
    let rows = file.lines().skip(1);
    let counts = rows.filter_map(|row| row.split(',').nth(2)?.parse::<usize>().ok());
    let counts: Vec<usize> = counts.collect();
    let gaps = walk::rows(file.as_bytes()) - counts.len();
    assert!(
        counts.len() > 600 && gaps > 5,
        "{} days, {gaps} gaps",
        counts.len()
    );
    assert_eq!(counts.iter().max(), Some(&most));
    assert!(counts[1..30].iter().all(|count| *count == most));
}

/// Times that a list and its file are compared: the hospital works while it is looked at, so
/// the two may be of different moments, but not again and again.
const COMPARISONS: usize = 10;

/// Every list of a page counts as many rows as its file has; gives back their names.
fn count(visitor: &mut Visitor, path: &str) -> Vec<String> {
    // What is searched or filtered has fewer rows in its file than the list has.
    // What the ward looks at is no list with a file.
    if path.contains(".q=") || path.contains('?') || path.starts_with("/ward") {
        return Vec::new();
    }
    let mut unequal = Vec::new();
    for _ in 0..COMPARISONS {
        let lists = lists_of(visitor, path);
        unequal = lists
            .iter()
            .filter(|(_, said, rows)| said != rows)
            .cloned()
            .collect();
        if unequal.is_empty() {
            return lists.into_iter().map(|(name, ..)| name).collect();
        }
    }
    panic!("{path}: {unequal:?} (list, rows that it says, rows of its file)");
}

/// The lists of a page: the name of each, how many rows it says that it has, and how many
/// its file has.
fn lists_of(visitor: &mut Visitor, path: &str) -> Vec<(String, usize, usize)> {
    let page = visitor.get(path).unwrap();
    assert_eq!(page.status, 200, "{path}");
    let mut found = Vec::new();
    for list in walk::lists(&page.text()) {
        let Some(csv) = list.csv else {
            assert_eq!(list.count, 0, "{path}");
            continue;
        };
        let file = visitor.get(&csv).unwrap();
        assert_eq!(file.status, 200, "{csv}");
        let (_, name) = csv.split_once("csv=").unwrap();
        found.push((name.to_owned(), list.count, walk::rows(&file.body)));
    }
    found
}

/// The names of the machines of other units.
fn others(admin: &mut Visitor) -> Vec<String> {
    let file = admin.get("/list/machine/list?csv=list").unwrap().text();
    let names = file
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next());
    let own = format!("{UNIT}-");
    names
        .filter(|name| !name.starts_with(&own))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_folder_that_is_in_use_or_full_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collector");
    let spec = Spec::of(100, patchward_collector::clock::now());
    let ports = Ports::default();
    let fill = || filled::fill(&path, &ports, None, &spec, &silent);
    fill().await.unwrap();
    let again = fill().await.unwrap_err();
    assert!(again.to_string().contains("machines already"), "{again:#}");
    let listens = std::os::unix::net::UnixListener::bind(path.join("control.sock")).unwrap();
    let in_use = fill().await.unwrap_err();
    assert!(in_use.to_string().contains("in use"), "{in_use:#}");
    drop(listens);
    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("letter.txt"), "mine").unwrap();
    let refused = filled::fill(&foreign, &ports, None, &spec, &silent).await;
    assert!(refused.unwrap_err().to_string().contains("not empty"));
}
