//! A plan for machines that ask for a file key as well: the page says so, takes what a browser
//! signs, and hands out the file for the rest.

use super::browsing::{Guest, on_large_stack};
use crate::commands::desk::{Desk, UNIT};
use axum::http::StatusCode;
use ed25519_dalek::Signer as _;
use patchward_common::percent::encoded;
use patchward_common::plan::PlanFile;
use patchward_common::trust::assignment::AssignmentLeaf;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::PublicKey;

/// A draft for two critical machines.
async fn drafted() -> (Desk, String) {
    let desk = Desk::with_machines(2).await;
    let critical = [1, 2].map(|number| AssignmentLeaf {
        class: Class::Critical,
        ..desk.row(number)
    });
    desk.assign_rows(2, critical.to_vec()).await.unwrap();
    desk.import(&["1", "2"]).await;
    desk.ask(&format!("window once tonight --unit {UNIT} --minutes 600"))
        .await;
    let rest = format!("--release viewer=2 --unit {UNIT} --soak-minutes 0");
    let plan = desk.plan("Update", &rest).await;
    (desk, plan)
}

#[test]
fn what_a_browser_cannot_sign_alone_is_said_and_handed_out() {
    on_large_stack(|| async {
        let (desk, plan) = drafted().await;
        let page = format!("/plan/{plan}/sign");
        // In the roster bob has a browser's key, and alice one in a file.
        let mut bob = Guest::with_roles(&desk, "bob", &["approver"]).await;
        let shown = bob.open(&page).await;
        let missing = "still missing: 2 approvers of icu-3 (1 with a file key)";
        shown.says(StatusCode::OK, missing);
        let link = format!("href=\"/do/plan/export?plan={plan}&amp;_back=/plan/{plan}\"");
        shown.says(StatusCode::OK, &link);

        let key = PublicKey::of(&desk.papers.bob).to_string();
        let bytes = bob.open(&format!("{page}?key={}", encoded(&key))).await;
        assert_eq!(bytes.status, StatusCode::OK, "{}", bytes.text());
        let signature = desk.papers.bob.sign(&bytes.bytes).to_bytes();
        let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let sent = [
            ("token", shown.value("token")),
            ("key", encoded(&key)),
            ("signature", signature),
        ];
        let sent = sent
            .map(|(name, value)| format!("{name}={value}"))
            .join("&");
        let signed = bob.send(&page, &sent).await;
        signed.says(
            StatusCode::OK,
            "1 more approver of icu-3 (1 with a file key)",
        );
        let again = bob.open(&page).await;
        again.says(
            StatusCode::OK,
            "1 more approver of icu-3 (1 with a file key)",
        );

        // The link leads to the file, with what was signed already in it.
        let form = bob.open(&format!("/do/plan/export?plan={plan}")).await;
        let own = ["_token", "_form"].map(|field| (field, form.value(field)));
        let fields = [
            (own[0].0, own[0].1.as_str()),
            (own[1].0, own[1].1.as_str()),
            ("plan", plan.as_str()),
        ];
        let file = bob.fills("/do/plan/export", &fields).await;
        assert_eq!(file.status, StatusCode::OK, "{}", file.text());
        let named = &file.headers["content-disposition"];
        assert_eq!(named, "attachment; filename=\"plan-export.patchward\"");
        let mut file = PlanFile::from_bytes(&file.bytes).unwrap();
        assert_eq!(file.plan.signed.signatures().len(), 1);
        file.plan.signed.cosign(&desk.papers.alice);
        let path = desk.write(&file.to_bytes());
        desk.tries(&["plan", "sign", &path]).await.unwrap();
        let over = bob.open(&page).await;
        over.says(StatusCode::OK, "Nothing is left to sign");
    });
}
