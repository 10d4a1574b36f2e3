//! Documents that no machine would accept: the collector does not take them either.

use super::refused;
use patchward_common::trust::roster::Class;
use patchward_integration_tests::hospital::{Hospital, Row};

/// Signs a description as these people do and gives back the file.
fn signed(hospital: &Hospital, kind: &str, text: &str, people: &[&str]) -> String {
    let path = |name: &str| hospital.people().join(name).to_string_lossy().into_owned();
    std::fs::write(path("odd.toml"), text).unwrap();
    let _ = std::fs::remove_file(path("odd.cbor"));
    let mut arguments = vec![kind, "--from", "odd.toml", "--out", "odd.cbor", "--yes"];
    for key in people {
        arguments.extend(["--key", key]);
    }
    hospital.sign(&arguments).unwrap();
    path("odd.cbor")
}

/// Otherwise the collector would show as in force what each machine refuses at night.
#[test]
fn documents_that_no_machine_accepts_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = Hospital::found(folder.path(), &["icu"], &["viewer"]).unwrap();
    // The registrar's signer has no charter at hand and cannot know the root's keys.
    let roster = std::fs::read_to_string(hospital.people().join("roster.toml")).unwrap();
    let root = hospital.sign(&["key", "show", "root-1.pem"]).unwrap();
    let roster = format!(
        "{}\n[[go_keys]]\ncollector = \"other\"\nkey = \"{}\"\n",
        roster.replace("number = 1", "number = 2"),
        root.trim()
    );
    let roster = signed(&hospital, "roster", &roster, &["registrar.pem"]);
    let why = "a go-key is a registrar's or a root key";
    refused(&hospital, &["document", "add", &roster], 4, why);

    let row = Row {
        class: Class::Critical,
        ..Row::plain("station", "icu")
    };
    hospital.add_machine(row).unwrap();
    let id = hospital.id_of("station").unwrap();
    let assignment = |number: u8, class: &str| {
        format!(
            "number = {number}\n[[machines]]\nmachine = \"{id}\"\nname = \"station\"\n\
             unit = \"icu\"\nclass = \"{class}\"\ngroups = []\nmodel = \"workstation\"\n\
             mode = \"active\"\n"
        )
    };
    let by_one = signed(
        &hospital,
        "assignment",
        &assignment(1, "standard"),
        &["ada.pem"],
    );
    let why = "counts as life support until it has a place";
    refused(&hospital, &["document", "add", &by_one], 4, why);
    hospital.assign().unwrap();
    let by_one = signed(
        &hospital,
        "assignment",
        &assignment(2, "standard"),
        &["ada.pem"],
    );
    let why = "was critical in icu: 2 approvers of icu must sign";
    refused(&hospital, &["document", "add", &by_one], 4, why);
    let again = assignment(1, "standard");
    let again = signed(&hospital, "assignment", &again, &["ada.pem", "ben.pem"]);
    let why = "stands in assignment 1 already";
    refused(&hospital, &["document", "add", &again], 4, why);
    let lower = assignment(2, "standard");
    let lower = signed(&hospital, "assignment", &lower, &["ada.pem", "ben.pem"]);
    hospital.ask(&["document", "add", &lower]).unwrap();
}
