//! A hospital's list by command: taken in, shown, written, and linked.

mod life;

use super::desk::{Desk, machine, now};
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::control::Output;
use patchward_collector::store::machines::Seen;
use patchward_common::digest::Digest;
use patchward_common::facts::{Dmi, Facts, PackedFacts};
use serde_json::{Value, json};

/// An export as German programs write it: cp1252, `;`, a cell of two lines, a formula.
const GERMAN: &[u8] =
    b"Inventar-Nr.;Seriennummer;Hersteller;Modell;Station;Standort;Status;Preis\r\n\
    A-1;SN-1;Dr\xe4ger;Monitor 9;icu-3;\"Raum 4,\nBett 2\";in Betrieb;12,50\r\n\
    A-2;SN-2;Siemens;CT;ICU-3;;Lager;\r\n\
    A-3;=HYPERLINK(1);;;;;;\r\n";

async fn imported(desk: &Desk, bytes: &[u8], rest: &str) -> Value {
    let path = desk.write(bytes);
    desk.json(&format!("asset import {path}{rest}")).await
}

fn tags(list: &Value) -> Vec<&str> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| row["tag"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_is_shown_first_then_taken_in_and_nothing_is_removed() {
    let desk = Desk::with_papers().await;
    desk.ask("asset put OLD-1 --unit icu-3").await;
    let dry = imported(&desk, GERMAN, " --dry-run").await;
    assert_eq!(tags(&dry["added"]), ["A-1", "A-2", "A-3"]);
    assert_eq!(tags(&dry["missing"]), ["OLD-1"]);
    let columns = dry["columns"].as_array().unwrap();
    assert_eq!(columns[4], json!({ "column": "Station", "field": "unit" }));
    assert_eq!(columns[7]["field"], Value::Null);
    assert_eq!(tags(&desk.json("asset list").await["assets"]), ["OLD-1"]);

    let done = imported(&desk, GERMAN, " --save-mapping cmms").await;
    assert_eq!(done["count_added"], 3);
    let first = desk.json("asset show A-1").await;
    assert_eq!(first["manufacturer"], "Dr\u{e4}ger");
    assert_eq!(first["location"], "Raum 4, Bett 2");
    assert_eq!(first["life_cycle"], "in_use");
    let second = desk.json("asset show A-2").await;
    assert_eq!(
        (&second["unit"], &second["life_cycle"]),
        (&json!("icu-3"), &json!("in_storage"))
    );
    assert_eq!(desk.json("asset show A-3").await["serial"], "=HYPERLINK(1)");

    // The saved mapping reads the next export, whatever its headings tell.
    let next = b"Inventar-Nr.,Seriennummer,Hersteller,Modell,Station,Standort,Status,Preis,Tag\n\
        A-1,SN-9,Dr\xc3\xa4ger,Monitor 9,icu-3,\"Raum 4, Bett 2\",aktiv,,x\n";
    let changed = imported(&desk, next, " --mapping cmms").await;
    assert_eq!(
        changed["changed"],
        json!([{ "tag": "A-1", "field": "serial", "from": "SN-1", "to": "SN-9" }])
    );
    assert_eq!(tags(&changed["missing"]), ["A-2", "A-3", "OLD-1"]);
    assert_eq!(desk.json("asset mapping list").await[0]["mapping"], "cmms");
    let path = desk.write(next);
    let misspelt = format!("asset import {path} --mapping cmm");
    desk.refuses(&misspelt, NotFound, "Is cmms meant").await;
    desk.ask("asset mapping remove cmms").await;
    desk.refuses("asset mapping remove cmms", NotFound, "asset mapping list")
        .await;
}

#[tokio::test]
async fn a_file_with_a_wrong_row_changes_nothing_unless_it_may_be_left_out() {
    let desk = Desk::with_papers().await;
    let text = b"tag,unit,criticality\nA-1,icu-3,high\nA-2,icu3,high\nA-1,,low\nA-4,,\n,icu-3,\n";
    let path = desk.write(text);
    let line = format!("asset import {path}");
    desk.refuses(
        &line,
        Input,
        "line 3, column \"unit\": there is no unit icu3 (is icu-3 meant?)",
    )
    .await;
    desk.refuses(&line, Input, "the tag stands on lines 2, 4")
        .await;
    desk.refuses(
        &line,
        Input,
        "line 6, column \"tag\": the asset tag is missing",
    )
    .await;
    let done = desk.json(&format!("{line} --skip-bad-rows")).await;
    assert_eq!(tags(&done["added"]), ["A-4"]);
    let lines: Vec<_> = done["left_out"].as_array().unwrap().iter().collect();
    let lines: Vec<_> = lines
        .iter()
        .map(|one| one["line"].as_i64().unwrap())
        .collect();
    assert_eq!(lines, [2, 3, 4, 6]);
    for (text, said) in [
        (
            &b"tag,serial\nA-1,\"S1\nA-2,S2\n"[..],
            "line 2 is never closed",
        ),
        (b"Name,Price\nA-1,2\n", "--map \"COLUMN=tag\""),
        (b"tag,Ward,Department\nA-1,a,b\n", "--map \"Department=-\""),
        (b"\xef\xbb\xbf", "empty"),
    ] {
        let path = desk.write(text);
        desk.refuses(&format!("asset import {path}"), Input, said)
            .await;
    }
    let unknown = format!("asset import {path} --map price=serial");
    desk.refuses(&unknown, Input, "no column \"price\"").await;
    desk.refuses(
        &format!("asset import {path} --map tag=size"),
        Input,
        "no field",
    )
    .await;
}

#[tokio::test]
async fn what_is_written_is_no_formula_and_is_read_as_it_was() {
    let desk = Desk::with_machines(1).await;
    desk.ask("asset put A-1 --serial =1+1 --location=-5~degrees --udi @x --unit icu-3")
        .await;
    desk.ask("asset put +A-2 --manufacturer \"Acme;\"~&~Sons, --group readers")
        .await;
    desk.ask("asset link A-1 pc-1").await;
    desk.ask("asset put A-3").await;
    desk.ask("asset kind A-3 device").await;
    desk.ask("asset move A-3 loaned --reason fair").await;
    for separator in ["comma", "semicolon", "tab"] {
        let export = format!("asset export --out unused --separator {separator}");
        let Output::File { bytes, .. } = desk.ask(&export).await else {
            panic!("no file");
        };
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.contains("'=1+1") && text.contains("'@x"), "{text}");
        for line in text.lines().skip(1) {
            assert!(!line.starts_with(['=', '+', '-', '@']), "{line}");
        }
        let again = imported(&desk, &bytes, "").await;
        let counts = ["added", "changed", "unchanged", "refused", "missing"]
            .map(|word| again[format!("count_{word}")].as_i64().unwrap());
        assert_eq!(counts, [0, 0, 3, 0, 0], "{again}");
        assert_eq!(again["by_hand"], json!([]));
    }
    // An empty collector reads the same list.
    let other = Desk::with_papers().await;
    let Output::File { bytes, .. } = desk.ask("asset export --out unused").await else {
        panic!("no file");
    };
    imported(&other, &bytes, "").await;
    let shown = other.json("asset show A-3").await;
    assert_eq!(
        (&shown["kind"], &shown["life_cycle"]),
        (&json!("device"), &json!("loaned"))
    );
    assert_eq!(other.json("asset show A-1").await["location"], "-5 degrees");
}

#[tokio::test]
async fn both_lists_of_work_add_up() {
    let desk = Desk::with_machines(3).await;
    for line in [
        "asset put A-1",
        "asset put A-2",
        "asset put A-3",
        "asset put A-4",
        "asset link A-1 pc-1",
        "asset kind A-2 device",
        "asset move A-3 in_storage --reason spare",
    ] {
        desk.ask(line).await;
    }
    let gaps = desk.json("asset gaps").await;
    let numbers = ["assets", "are_machines", "devices", "away", "without_agent"]
        .map(|word| gaps[word].as_i64().unwrap());
    assert_eq!(numbers, [4, 1, 1, 1, 1]);
    assert_eq!(tags(&gaps["assets_without_agent"]), ["A-4"]);
    let machines = gaps["machines_without_asset"].as_array().unwrap();
    assert_eq!(machines.len(), 2);
    assert_eq!(
        (&gaps["machines"], &gaps["without_asset"]),
        (&json!(3), &json!(2))
    );
    let today = desk.json("today").await;
    assert_eq!(today["assets_without_agent"], 1);
    assert_eq!(today["machines_without_asset"], 2);
    desk.refuses("asset link A-2 pc-2", Conflict, "medical device")
        .await;
    desk.refuses("asset kind A-1 device", Conflict, "asset link A-1")
        .await;
}

#[tokio::test]
async fn a_serial_number_suggests_a_link_and_a_person_confirms_it() {
    let desk = Desk::with_machines(2).await;
    let facts = Facts {
        hostname: "pc-two".into(),
        dmi: Some(Dmi {
            vendor: "Acme".into(),
            product: "Box".into(),
            serial: Some(Digest::of_parts(&[b"Acme", b"Box", b"SN42"])),
        }),
        ..Facts::default()
    };
    let packed = PackedFacts::of(&facts);
    let store = &desk.app.store;
    store
        .record_facts(&machine(2), packed.as_bytes(), now())
        .await
        .unwrap();
    desk.ask("asset put PC-1").await;
    desk.ask("asset put A-2 --serial sn42").await;
    desk.ask("asset put A-3 --serial SN43").await;
    let found = desk.json("asset suggest").await;
    let pairs: Vec<_> = found.as_array().unwrap().iter().collect();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|one| (&one["tag"], &one["machine"]))
        .collect();
    let (a_2, pc_1) = (json!("A-2"), json!("PC-1"));
    let (first, second) = (json!("pc-1"), json!("pc-2"));
    assert_eq!(pairs, [(&a_2, &second), (&pc_1, &first)]);
    assert_eq!(desk.json("asset gaps").await["are_machines"], 0);
    desk.ask("asset link A-2 pc-2").await;
    let left = desk.json("asset suggest").await;
    assert_eq!(tags(&left), ["PC-1"]);
}

#[tokio::test]
async fn a_machine_in_another_subnet_is_its_to_look_for_until_it_is_loaned() {
    let desk = Desk::with_machines(2).await;
    desk.ask("unit add er --site main --class standard").await;
    desk.ask("unit subnet add icu-3 10.3.0.0/16").await;
    desk.ask("unit subnet add er 10.5.0.0/16").await;
    desk.refuses("unit subnet add icu-3 10.3.0.0/16", Conflict, "already")
        .await;
    desk.refuses("unit subnet add icu-3 10.3.0.1/16", Input, "first address")
        .await;
    desk.refuses("unit subnet add lab 10.6.0.0/16", NotFound, "lab")
        .await;
    let heard = async |number: u8, from: &str| {
        let seen = Seen {
            at: now(),
            from: Some(from.parse().unwrap()),
        };
        let store = &desk.app.store;
        let seen = [(machine(number), seen)];
        store.record_seen(&seen, now()).await.unwrap();
    };
    heard(1, "10.3.0.1").await;
    heard(2, "10.5.0.9").await;
    let drift = desk.json("asset drift").await;
    assert_eq!(drift.as_array().unwrap().len(), 1);
    assert_eq!(drift[0]["machine"], "pc-2");
    assert!(drift[0]["why"].as_str().unwrap().contains("a subnet of er"));
    let items = async || {
        let today = desk.json("today").await;
        let items = today["items"].as_array().unwrap().clone();
        let of_it = items.into_iter().filter(|item| item["owner"] == "it");
        of_it
            .map(|item| item["item"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(items().await, ["elsewhere:pc-2"]);
    desk.ask("asset put A-2 --unit er").await;
    desk.ask("asset link A-2 pc-2").await;
    let both = desk.json("asset drift").await;
    assert_eq!(both.as_array().unwrap().len(), 2, "{both}");
    desk.ask("asset move A-2 loaned --reason fair").await;
    assert_eq!(items().await, [""; 0]);
    assert_eq!(desk.json("asset drift").await, json!([]));
    desk.ask("unit subnet remove er 10.5.0.0/16").await;
    desk.ask("asset move A-2 in_use --reason back").await;
    desk.ask("asset put A-2 --unit icu-3").await;
    heard(2, "10.3.0.2").await;
    assert_eq!(items().await, [""; 0]);
}

/// On SQLite there is one writer, and 100,000 rows take a while to decide.
#[tokio::test]
async fn a_file_that_is_refused_waits_for_no_writer() {
    let desk = Desk::with_papers().await;
    let path = desk.write(b"tag,unit\nA-1,nowhere\n");
    let open = desk.change().await;
    let line = format!("asset import {path}");
    let refused = desk.refuses(&line, Input, "there is no unit nowhere");
    let within = std::time::Duration::from_secs(4);
    let refused = tokio::time::timeout(within, refused).await;
    refused.expect("it waited for the writer");
    drop(open);
}
