//! Vendors' answers by command, and what plans do with them.

use super::desk::{Desk, now};
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::control::Output;
use patchward_common::id::MachineId;
use patchward_common::plan::check::{self, Finding, Rule, Severity};
use patchward_common::trust::assignment::{AssignmentLeaf, Mode};
use patchward_integration_tests::fixture::label;
use serde_json::{Value, json};
use std::io::{Cursor, Write as _};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A form of which every part but the operating system is not there.
fn form(operating_system: &[(&str, &str)], day: &str) -> String {
    let fixed = [
        ("DOC-1", "Acme"),
        ("DOC-3", "Station 9"),
        ("DOC-4", "M-17"),
        ("DOC-7", day),
        ("CSUP-1", "Yes"),
        ("CSUP-2", "Yes"),
        ("CSUP-3", "No"),
        ("CSUP-4", "No"),
        ("CSUP-5", "No"),
        ("CSUP-6", "No"),
    ];
    let rows = fixed.iter().chain(operating_system);
    let rows = rows.map(|(id, said)| format!("{id};What is asked?;{said};a note\n"));
    format!(
        "Question ID;Question;;See note\n{}",
        rows.collect::<String>()
    )
}

const INSTALL: [(&str, &str); 3] = [("CSUP-2.1", "Yes"), ("CSUP-2.2", "No"), ("CSUP-2.3", "Yes")];
const STAGE: [(&str, &str); 3] = [("CSUP-2.1", "Yes"), ("CSUP-2.2", "No"), ("CSUP-2.3", "No")];
const VENDOR: [(&str, &str); 3] = [("CSUP-2.1", "Yes"), ("CSUP-2.2", "Yes"), ("CSUP-2.3", "No")];
const NOBODY: [(&str, &str); 3] = [
    ("CSUP-2.1", "See Note"),
    ("CSUP-2.2", "No"),
    ("CSUP-2.3", "Yes"),
];

/// The same rows as a workbook.
fn workbook(form: &str) -> Vec<u8> {
    let mut rows = String::new();
    for (line, number) in form.lines().zip(1..) {
        rows.push_str(&format!(r#"<row r="{number}">"#));
        for (cell, column) in line.split(';').zip(["A", "B", "C", "D"]) {
            rows.push_str(&format!(
                r#"<c r="{column}{number}" t="inlineStr"><is><t>{cell}</t></is></c>"#
            ));
        }
        rows.push_str("</row>");
    }
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let parts = [
        (
            "_rels/.rels",
            format!(
                r#"<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                r#"<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="MDS2" sheetId="1" r:id="r1"/></sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                r#"<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!(r#"<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>"#),
        ),
    ];
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        archive
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

async fn imported(desk: &Desk, bytes: &[u8], rest: &str) -> Value {
    let path = desk.write(bytes);
    desk.json(&format!("mds2 import station {path}{rest}"))
        .await
}

/// Two machines of model `station`, a release and a window for them.
async fn planning() -> Desk {
    let desk = Desk::with_machines(2).await;
    desk.import(&["1", "2"]).await;
    desk.ask("window once tonight --unit icu-3 --minutes 1200")
        .await;
    desk
}

const PLAN: &str = "plan new Update --release viewer=2 --unit icu-3";

#[tokio::test]
async fn a_form_is_read_the_same_from_csv_and_workbook_and_kept_as_it_is() {
    let desk = Desk::with_papers().await;
    let text = form(&VENDOR, "20.03.2026");
    let book = workbook(&text);
    let mut read = Vec::new();
    for bytes in [text.as_bytes(), &book] {
        let path = desk.write(bytes);
        let check = desk.json(&format!("mds2 check {path}")).await;
        assert_eq!(check["released_on"], "2026-03-20");
        assert_eq!(check["device_model"], "Station 9");
        assert_eq!(check["policy"][0]["allows"], "vendor_service");
        let questions = check["contradictions"][0]["questions"].clone();
        assert_eq!(questions, json!(["CSUP-2.1", "CSUP-2.2"]));
        read.push(check["answers"].clone());
    }
    assert_eq!(read[0], read[1]);
    assert_eq!(desk.json("mds2 list").await, json!([]));
    imported(&desk, &book, " --software-version 4.1").await;
    let list = desk.json("mds2 list").await;
    assert_eq!(list[0]["model"], "station");
    assert_eq!(list[0]["strictest"], "vendor_service");
    let Output::File { bytes, .. } = desk.ask("mds2 original station --out unused").await else {
        panic!("no file");
    };
    assert_eq!(bytes.as_slice(), book);
    let shown = desk.json("mds2 show station").await;
    assert_eq!(shown["software_version"], "4.1");
    assert_eq!(shown["answers"].as_array().unwrap().len(), 68);
}

#[tokio::test]
async fn what_is_no_form_is_refused_and_nothing_is_stored() {
    let desk = Desk::with_papers().await;
    let whole = workbook(&form(&INSTALL, "2026-03-20"));
    for (bytes, said) in [
        (&whole[..whole.len() / 2], "no whole XLSX workbook"),
        (b"PK\x03\x04", "no whole XLSX workbook"),
        (
            b"6-1;May the owner install?;Yes\n",
            "no question of HN 1-2019",
        ),
        (b"CSUP-1;May it need updates?;____\n", "none is answered"),
        (b"CSUP-1;\"open\n", "never closed"),
        (b"", "empty"),
    ] {
        let path = desk.write(bytes);
        for verb in ["check", "import station"] {
            desk.refuses(&format!("mds2 {verb} {path}"), Input, said)
                .await;
        }
    }
    desk.refuses("mds2 show station", NotFound, "mds2 import station")
        .await;
    desk.refuses("mds2 verdict station", NotFound, "mds2 list")
        .await;
    desk.refuses("mds2 class viewer browser", Input, "operating_system")
        .await;
    desk.refuses(
        "mds2 answer station CSUP-99 yes --reason x",
        Input,
        "CSUP-2.1",
    )
    .await;
}

#[tokio::test]
async fn no_plan_installs_what_the_vendors_answers_do_not_let_us() {
    let desk = planning().await;
    for (answers, said, owner) in [
        (STAGE, "it may only be brought there", "(HTM can change it)"),
        (
            VENDOR,
            "the vendor's service has to install it",
            "(the vendor can change it)",
        ),
        (NOBODY, "CSUP-2.1 is see note", "(the vendor can change it)"),
    ] {
        imported(&desk, form(&answers, "2026-03-20").as_bytes(), "").await;
        let refused = desk
            .tries(&PLAN.split(' ').collect::<Vec<_>>())
            .await
            .unwrap_err();
        assert_eq!(refused.kind, Conflict);
        assert!(refused.text.contains(said), "{}", refused.text);
        assert!(refused.text.contains(owner), "{owner}: {}", refused.text);
    }
    // What a person read in the note counts, for this document.
    desk.ask("mds2 answer station CSUP-2.1 yes --reason guide~p.~4")
        .await;
    desk.ask(PLAN).await;
    imported(&desk, form(&NOBODY, "2026-03-20").as_bytes(), "").await;
    desk.ask("mds2 answer station CSUP-2.1 no --reason a~call")
        .await;
    desk.refuses(PLAN, Conflict, "no instructions").await;
}

#[tokio::test]
async fn a_products_class_says_which_answers_count_for_it() {
    let desk = planning().await;
    let mixed = form(&INSTALL, "2026-03-20")
        .replace("CSUP-6;What is asked?;No", "CSUP-6;What is asked?;Yes");
    let mixed = format!("{mixed}CSUP-6.2;What is asked?;Yes;\n");
    imported(&desk, mixed.as_bytes(), "").await;
    desk.refuses(
        PLAN,
        Conflict,
        "CSUP-6.2 requires service by the vendor; without a class",
    )
    .await;
    desk.ask("mds2 class viewer operating_system").await;
    desk.ask(PLAN).await;
    desk.ask("mds2 class viewer other").await;
    desk.refuses(PLAN, Conflict, "CSUP-6.2").await;
    desk.ask("mds2 class viewer").await;
    desk.refuses(PLAN, Conflict, "without a class").await;
}

#[tokio::test]
async fn a_plan_from_before_the_answers_is_not_signed() {
    let desk = planning().await;
    let made = desk.json(PLAN).await;
    let plan = made["plan"].as_str().unwrap().to_owned();
    imported(&desk, form(&VENDOR, "2026-03-20").as_bytes(), "").await;
    // Approvers see it in the file that they sign, by a check of their own.
    let findings = check::check(&desk.exported(&plan).await, now());
    let of_vendor = |one: &&Finding| one.rule == Rule::VendorPolicy;
    let found: Vec<_> = findings.iter().filter(of_vendor).collect();
    assert!(!found.is_empty(), "{findings:?}");
    assert!(found.iter().all(|one| one.severity == Severity::Blocks));
    assert!(found[0].text.contains("the vendor alone installs viewer"));
    let refused = desk.signed(&plan, &[&desk.papers.alice]).await.unwrap_err();
    assert_eq!(refused.kind, Conflict);
    assert!(
        refused.text.contains("CSUP-2.2 requires service"),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn by_hand_people_may_do_what_needs_a_person() {
    let desk = planning().await;
    desk.ask("asset put CT-7 --unit icu-3").await;
    desk.ask("asset manual CT-7 --name ct-7 --model station --by vendor")
        .await;
    let shown = desk.json("machine show ct-7").await;
    let id: MachineId = shown["id"].as_str().unwrap().parse().unwrap();
    let row = AssignmentLeaf {
        name: label("CT 7"),
        mode: Mode::Manual,
        groups: Vec::new(),
        ..desk.papers.row(id)
    };
    desk.assign_rows(2, vec![row]).await.unwrap();
    let line = "plan new Update --release viewer=2 --machine ct-7 --install-minutes 45";
    imported(&desk, form(&VENDOR, "2026-03-20").as_bytes(), "").await;
    let made = desk.json(line).await;
    let text = made["findings"].to_string();
    assert!(
        text.contains("the vendor's service installs viewer"),
        "{made}"
    );
    imported(&desk, form(&NOBODY, "2026-03-20").as_bytes(), "").await;
    desk.refuses(line, Conflict, "nobody may install it").await;
}

#[tokio::test]
async fn answers_that_are_older_than_what_is_installed_are_asked_for_again() {
    let desk = Desk::with_machines(1).await;
    let item = async || {
        let today = desk.json("today").await;
        let items = today["items"].as_array().unwrap().clone();
        let mut items = items.into_iter();
        items.find(|item| item["item"] == "answers:station")
    };
    let text = form(&INSTALL, "03/04/2026");
    let taken = desk.write(text.as_bytes());
    let said = desk
        .ask(&format!("mds2 import station {taken}"))
        .await
        .text();
    assert!(said.contains("--released YYYY-MM-DD"), "{said}");
    let unknown = item().await.unwrap();
    assert_eq!(unknown["owner"], "htm");
    imported(&desk, text.as_bytes(), " --software-version 4.1").await;
    assert!(
        item().await.is_some(),
        "nobody says what is installed, nor its day"
    );
    imported(
        &desk,
        text.as_bytes(),
        " --software-version 4.1 --released 2026-03-20",
    )
    .await;
    assert!(item().await.is_none());
    desk.ask("asset put A-1 --software-version 4.2").await;
    desk.ask("asset link A-1 pc-1").await;
    let stale = item().await.unwrap();
    assert!(
        stale["why"].as_str().unwrap().contains("4.2 is installed"),
        "{stale}"
    );
    let again = desk.json("mds2 show station").await;
    assert!(again["ask_again"].as_str().unwrap().contains("4.2"));
    imported(&desk, text.as_bytes(), " --software-version 4.2").await;
    assert!(item().await.is_none());
}

#[tokio::test]
async fn a_model_is_judged_before_it_is_bought() {
    let desk = Desk::with_papers().await;
    for (answers, word) in [
        (INSTALL, "yes"),
        (STAGE, "on_site"),
        (VENDOR, "vendor"),
        (NOBODY, "cannot_tell"),
    ] {
        imported(&desk, form(&answers, "2026-03-20").as_bytes(), "").await;
        let verdict = desk.json("mds2 verdict station").await;
        assert_eq!(verdict["verdict"], word);
        let ask = verdict["ask_the_vendor"].to_string();
        assert!(ask.contains("SBOM-1") && ask.contains("RDMP-3"), "{ask}");
        assert_eq!(
            ask.contains("CSUP-2.1"),
            word == "cannot_tell" || word == "vendor",
            "{ask}"
        );
    }
}

#[tokio::test]
async fn what_is_no_longer_supported_cannot_be_kept_patched() {
    let desk = Desk::with_papers().await;
    let text = form(&INSTALL, "2026-03-20");
    imported(&desk, text.as_bytes(), " --software-version 4.1").await;
    let judged = async || desk.json("mds2 verdict station").await;
    let put = async |rest: &str| desk.ask(&format!("support put {rest}")).await;
    // Another version of it, and another model.
    put("station --kind model --version >=~5 --ends 2020-06-30").await;
    put("pump --kind model --ends 2020-06-30").await;
    let verdict = judged().await;
    assert_eq!(
        (&verdict["verdict"], &verdict["ends_of_support"]),
        (&json!("yes"), &json!([]))
    );
    put("station --kind model --version <~5 --ends 2020-06-30").await;
    let verdict = judged().await;
    assert_eq!(verdict["verdict"], "no");
    assert!(
        verdict["ask_the_vendor"]
            .to_string()
            .contains("ended on 2020-06-30")
    );
    // Which version the answers are about nobody said.
    imported(&desk, text.as_bytes(), "").await;
    let verdict = judged().await;
    assert_eq!(verdict["verdict"], "cannot_tell");
    assert_eq!(
        verdict["ends_of_support"][0]["unsure"],
        "its version is not known"
    );
}

#[tokio::test]
async fn what_runs_on_a_model_and_is_no_longer_supported_is_asked_about() {
    let desk = Desk::with_machines(1).await;
    imported(&desk, form(&INSTALL, "2026-03-20").as_bytes(), "").await;
    desk.ask("support put viewer --version <~2 --ends 2020-06-30")
        .await;
    let verdict = desk.json("mds2 verdict station").await;
    assert_eq!(verdict["verdict"], "cannot_tell");
    assert_eq!(verdict["ends_of_support"][0]["of"], "viewer (< 2)");
    desk.reports(1, "2").await;
    assert_eq!(desk.json("mds2 verdict station").await["verdict"], "yes");
}
