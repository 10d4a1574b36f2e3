//! What vendors send by portal and disc: adopted, signed offline, published, and read by an
//! independent client.

mod archive;
mod client;
mod foreign;
mod office;
mod openpgp;

use super::desk::now;
use office::{Office, sheet};
use patchward_collector::agenda;
use patchward_collector::control::FailureKind::{Conflict, Input, NotFound};
use patchward_collector::item::Owner;
use patchward_collector::item::expiry::{Step, What};
use patchward_collector::reconcile::expiring::Expiries;
use patchward_common::digest::Digest;
use patchward_common::time::DAY_MS;
use serde_json::json;

/// What the custodian signed lives for 90 days: HTM is told in time.
#[tokio::test]
async fn what_the_custodian_signed_is_warned_of_before_it_ends() {
    let office = Office::open().await;
    let app = &office.desk.app;
    let at = now().plus_ms(61 * DAY_MS);
    let told = Expiries::default().run(app, at).await.unwrap();
    let mut told = told.iter().map(|one| (one.expires.what, one.step));
    assert!(told.any(|one| one == (What::Custodian, Step::Month)));
    let mut view = app.store.view().await.unwrap();
    let gathered = agenda::gather(&app.fleet, &mut view, at).await.unwrap();
    let item = gathered
        .items
        .iter()
        .find(|item| item.key() == "expiring:custodian/hospital");
    let item = item.unwrap();
    assert_eq!(item.owner, Owner::Htm);
    assert!(item.why.contains("`custodian draft`"), "{}", item.why);
}

#[tokio::test]
async fn a_file_from_a_portal_becomes_a_release_once_the_custodian_has_signed() {
    let office = Office::open().await;
    let checksum = Digest::of(b"pump 1").to_string();
    let proof = format!(
        "[[proof]]\nfile = \"pump.bin\"\nchecksum = \"{checksum}\"\ngiven_in = \"letter of 3 March\"\n"
    );
    let said = office
        .adopt(&sheet("1", 1, &proof), &[("pump.bin", b"pump 1")])
        .await;
    assert!(said.contains("provenance vendor_signature"), "{said}");
    let desk = &office.desk;
    assert_eq!(
        desk.json("release list").await,
        json!([]),
        "nobody has signed yet"
    );
    assert_eq!(desk.json("custodian waiting").await[0]["version"], "1");
    let draft = office.draft("").await;
    let shown = office.sign(&["custodian", "show", &draft]).unwrap();
    for text in [
        "vendor's signature, checked here",
        "letter of 3 March",
        "maria vouches",
        "pump/pump.bin",
    ] {
        assert!(shown.contains(text), "{text} in {shown}");
    }
    // The custodian's own copy from the portal is another file: nobody signs that.
    std::fs::write(office.path("copy"), b"pump 2").unwrap();
    let copy = office.text("copy");
    let refused = office.signed(&draft, &["--copy", &copy]).unwrap_err();
    assert!(refused.contains("is not what you have"), "{refused}");
    std::fs::write(office.path("copy"), b"pump 1").unwrap();
    let targets = office.signed(&draft, &["--copy", &copy]).unwrap();
    office.publish(&[&targets]).await;
    let list = desk.json("release list").await;
    assert_eq!(list[0]["provenance"], "vendor_signature");
    let release = desk.json("release show pump 1").await;
    assert_eq!(release["came_by"], "portal from the vendor's portal");
    assert_eq!(release["vouched_by"], "maria: asked by telephone");
    let checked = release["proofs"][0]["checked"].as_str().unwrap();
    assert!(checked.contains("letter of 3 March"), "{checked}");
    assert_eq!(release["artifacts"][0]["state"], "stored");
    assert_eq!(desk.json("custodian waiting").await, json!([]));
    // Without a proof somebody vouches, and it is called so; the earlier one makes way.
    let said = office
        .adopt(&sheet("2", 2, ""), &[("pump-2.bin", b"pump 2")])
        .await;
    assert!(said.contains("provenance attested"), "{said}");
    office.sign_and_publish("").await;
    let list = desk.json("release list").await;
    let row = |at: usize| {
        (
            list[at]["version"].clone(),
            list[at]["provenance"].clone(),
            list[at]["state"].clone(),
        )
    };
    assert_eq!(row(0), (json!("2"), json!("attested"), json!("available")));
    assert_eq!(
        row(1),
        (json!("1"), json!("vendor_signature"), json!("superseded"))
    );
    // Taken out again by the custodian.
    office.sign_and_publish("--without pump=2").await;
    let list = desk.json("release list").await;
    assert_eq!(list[0]["state"], "withdrawn");
    assert_eq!(list[1]["state"], "available");
}

#[tokio::test]
async fn what_cannot_be_adopted_says_why_and_keeps_nothing() {
    let office = Office::open().await;
    let bytes: &[(&str, &[u8])] = &[("pump.bin", b"pump 1")];
    let proof = |text: &str| sheet("1", 1, &format!("[[proof]]\nfile = \"pump.bin\"\n{text}"));
    let other = Digest::of(b"other").to_string();
    for (sheet, why) in [
        (
            proof(&format!("checksum = \"{other}\"\ngiven_in = \"page\"\n")),
            "it is not the file that the vendor means",
        ),
        (
            proof("checksum = \"d41d8cd98f00b204e9800998ecf8427e\"\ngiven_in = \"page\"\n"),
            "can be forged",
        ),
        (proof("checksum = \"00\"\n"), "say in given_in"),
        (proof(""), "write a checksum"),
        (
            proof("signature = \"none.asc\"\nkeyring = \"none.gpg\"\n"),
            "No such file",
        ),
        (
            sheet("1", 1, "[[proof]]\nfile = \"other.bin\"\n"),
            "none of the files",
        ),
        (
            sheet("1", 1, "").replace("\"custodian\"", "\"acme\""),
            "the vendor's own",
        ),
        (
            sheet("1", 1, "").replace("product = \"pump\"", "product = \"viewer\""),
            "does not let custodian speak for viewer",
        ),
        (
            sheet("1", 1, "").replace("2020-03-03", "2120-03-03"),
            "is in the future",
        ),
        (sheet("-1", 1, ""), "version is not usable"),
        (sheet("1", 1, "").replace("note =", "nota ="), "nota"),
        ("\u{1}".to_owned(), "release.toml"),
    ] {
        let refused = office.tries(&sheet, bytes).await.unwrap_err();
        assert_eq!(refused.kind, Input, "{}", refused.text);
        assert!(refused.text.contains(why), "{why}: {}", refused.text);
    }
    let refused = office
        .tries(&sheet("1", 1, ""), &[("pump.bin", b"")])
        .await
        .unwrap_err();
    assert!(refused.text.contains("it is empty"), "{}", refused.text);
    assert_eq!(office.desk.json("custodian waiting").await, json!([]));
    let desk = &office.desk;
    desk.refuses(
        "custodian draft acme --out /nowhere/x",
        Input,
        "vendor sync",
    )
    .await;
    desk.refuses(
        "custodian draft other --out /nowhere/x",
        NotFound,
        "vendor list",
    )
    .await;
    let without = "custodian draft custodian --without pump=9 --out /nowhere/x";
    desk.refuses(without, NotFound, "have no pump 9").await;
}

#[tokio::test]
async fn what_nobody_signed_yet_is_dropped_and_only_what_was_signed_waits_no_more() {
    let office = Office::open().await;
    let desk = &office.desk;
    let waiting = async || desk.json("custodian waiting").await;
    office
        .adopt(&sheet("1", 1, ""), &[("pump.bin", b"pump 1")])
        .await;
    let old = office.draft("").await;
    for (line, kind, why) in [
        ("custodian pump=2", NotFound, "No pump 2 waits"),
        ("other pump=1", NotFound, "No pump 1 waits"),
        ("custodian pump", Input, "PRODUCT=VERSION"),
    ] {
        let line = format!("custodian drop {line} --reason wrong~file");
        desk.refuses(&line, kind, why).await;
    }
    desk.ask("custodian drop custodian pump=1 --reason wrong~file")
        .await;
    assert_eq!(waiting().await, json!([]));
    let log = desk.json("audit list --last 9").await.to_string();
    assert!(log.contains("wrong file"), "{log}");
    // The right file under the same name; what was signed is still the wrong one.
    office
        .adopt(
            &sheet("1", 1, ""),
            &[("pump.bin", b"pump 1, the right one")],
        )
        .await;
    let signed = office.signed(&old, &[]).unwrap();
    office.publish(&[&signed]).await;
    assert_eq!(waiting().await[0]["version"], "1");
}

#[tokio::test]
async fn what_the_custodian_did_not_sign_is_not_published() {
    let office = Office::open().await;
    office
        .adopt(&sheet("1", 1, ""), &[("pump.bin", b"pump 1")])
        .await;
    let draft = office.draft("").await;
    // The root's key is not the targets' key, and the signer says so before it signs.
    let by_root = office.out("by-root");
    let with_root = [
        "custodian",
        "sign",
        &draft,
        "--key",
        "root.pem",
        "--yes",
        "--out",
        &by_root,
        "--new-key",
    ];
    office.sign(&with_root).unwrap();
    let targets = office.signed(&draft, &[]).unwrap();
    let text = std::fs::read_to_string(&targets).unwrap();
    let changed = office.write(
        "changed.json",
        text.replace("\"attested\"", "\"vendor_signature\"")
            .as_bytes(),
    );
    let cut = office.write("cut.json", &text.as_bytes()[..text.len() / 2]);
    for (file, why) in [
        (&by_root, "signed by 0 of its keys"),
        (&changed, "signed by 0 of its keys"),
        (&cut, "is no root and no targets"),
        (&draft, "is no root and no targets"),
    ] {
        let refused = office.hand_in(&[file]).await.unwrap_err();
        assert_eq!(refused.kind, Input, "{}", refused.text);
        assert!(refused.text.contains(why), "{why}: {}", refused.text);
    }
    assert_eq!(office.desk.json("release list").await, json!([]));
    office.publish(&[&targets]).await;
    // A draft that was signed on an older state does not come back over a newer one.
    office
        .adopt(&sheet("2", 2, ""), &[("pump-2.bin", b"pump 2")])
        .await;
    office.sign_and_publish("").await;
    let refused = office.hand_in(&[&targets]).await;
    assert_eq!(
        office.desk.json("release show pump 2").await["state"],
        "available",
        "{refused:?}"
    );
    // A release that was published is never changed.
    let refused = office
        .tries(&sheet("3", 2, ""), &[("pump-3.bin", b"pump 3")])
        .await
        .unwrap_err();
    assert!(refused.text.contains("is not above 2"), "{}", refused.text);
    std::fs::remove_file(office.desk.path("collector/custodian.key")).unwrap();
    let refused = office.hand_in(&[&targets]).await.unwrap_err();
    assert_eq!(refused.kind, Conflict, "{}", refused.text);
}
