//! Work orders: the same words as a table and on paper.

use super::desk::Desk;
use super::manual::signed;
use patchward_collector::control::FailureKind::{Conflict, Input};
use patchward_collector::control::Output;
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use std::process::Command;

async fn file(desk: &Desk, line: &str) -> Vec<u8> {
    match desk.ask(line).await {
        Output::File { bytes, .. } => bytes.into_vec(),
        other => panic!("{other:?}"),
    }
}

/// What somebody reads on the paper, by poppler.
fn read(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.pdf");
    std::fs::write(&path, bytes).unwrap();
    let output = Command::new("pdftotext")
        .args(["-layout", "-enc", "UTF-8"])
        .arg(&path)
        .arg("-")
        .output()
        .expect("pdftotext: run `cargo test-needs`");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_manual_job_has_an_order_for_who_stands_before_the_device() {
    let (desk, plan, id) = signed().await;
    desk.ask("asset put CT-7 --serial =7 --location Room~2~Süd")
        .await;
    desk.ask("checklist set --class standard --step image=A~test~image~is~shown")
        .await;
    desk.ask("oncall set Ada --contact 4711 --unit icu-3").await;
    let csv = file(&desk, &format!("job order {id} --out o.csv")).await;
    let csv = String::from_utf8(csv).unwrap();
    let pdf = file(&desk, &format!("job order {id} --out o.PDF")).await;
    let text = read(&pdf);
    for words in [
        "CT-7",
        "Room 2 Süd",
        "Update",
        "icu-3",
        "not known: read it before you begin",
        "1 must stay ready",
        "pc-1 (icu-3)",
        "Ada, 4711",
        "A test image is shown",
        "Signature",
        "UTC",
    ] {
        assert!(csv.contains(words), "{words}: {csv}");
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(csv.contains("Serial number,'=7"), "{csv}");
    assert!(text.contains("page 1 of "), "{text}");
    let with_agent = JobId::of(plan.parse::<Digest>().unwrap(), super::desk::machine(1));
    let word = format!("job order {id} --out o.doc");
    desk.refuses(&word, Input, ".csv or .pdf").await;
    let none = format!("job order {with_agent} --out o.csv");
    let refused = desk.tries(&none.split(' ').collect::<Vec<_>>()).await;
    let refused = refused.unwrap_err();
    assert_ne!(refused.kind, Conflict, "the plan names CT-7 alone");
}
