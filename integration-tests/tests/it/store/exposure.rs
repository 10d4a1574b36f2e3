//! Mitigations, exceptions, vendors' cases, risk assessments, training.

use super::{NOW, World, digest, heard, label, machine, name, on_both_engines, refused};
use patchward_collector::exposure::Scope;
use patchward_collector::exposure::case::{Step, StepKind};
use patchward_collector::store::StoreError;
use patchward_collector::store::exposure::{
    Contact, Decision, NewAttestation, NewException, NewMitigation, NewStep, Risk,
};
use patchward_common::plan::Training;

on_both_engines!(
    what_stands_in_for_a_fix,
    cases_with_vendors,
    risks_and_training,
    facts_of_all_machines,
);

async fn what_stands_in_for_a_fix(world: World) {
    let scope = [
        Scope::Holder("asset a-1".into()),
        Scope::Unit(name("icu")),
        Scope::All,
    ];
    let (title, steps) = (label("Close the port"), ["On the switch".to_owned()]);
    let new = |probe| NewMitigation {
        advisory: "ACME-1",
        title: &title,
        steps: &steps,
        owner: "it",
        due: NOW.plus_ms(5),
        scope: &scope,
        probe,
    };
    let mut change = world.change().await;
    assert_eq!(change.add_mitigation(&new(None)).await.unwrap(), 1);
    let probed = new(Some(("port-104", "closed")));
    assert_eq!(change.add_mitigation(&probed).await.unwrap(), 2);
    let made = change.view().mitigations().await.unwrap();
    assert_eq!(
        (made[0].scope.as_slice(), &made[0].probe),
        (&scope[..], &None)
    );
    let (by, words) = (label("Ada"), label("it is closed"));
    let holders = std::collections::BTreeSet::from(["asset a-1".to_owned()]);
    let word = NewAttestation {
        scope: &scope[..1],
        holders: &holders,
        by: &by,
        words: &words,
    };
    change.attest_mitigation(&made[0], &word).await.unwrap();
    let except = NewException {
        advisory: "ACME-1",
        scope: &scope[..2],
        until: NOW.plus_ms(9),
        control: &words,
        mitigation: Some(1),
        owner: &by,
    };
    assert_eq!(change.grant(&except).await.unwrap(), 1);
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let kept = view.mitigations().await.unwrap();
    assert_eq!(kept[0].attested[0].scope, scope[..1]);
    assert_eq!(kept[0].attested[0].holders, Some(holders));
    assert_eq!(kept[1].probe, Some(("port-104".into(), "closed".into())));
    assert_eq!(kept[0].steps, steps);
    let granted = view.granted().await.unwrap();
    assert_eq!(granted[0].scope, scope[..2]);
    assert_eq!(
        (granted[0].mitigation, granted[0].ended_at),
        (Some(1), None)
    );
    drop(view);
    ended(&world).await;
}

/// Both are ended once.
async fn ended(world: &World) {
    let mut change = world.change().await;
    change
        .close_mitigation(1, &label("it helps not"))
        .await
        .unwrap();
    change.end_granted(1).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let closed = view.mitigations().await.unwrap().remove(0).closed;
    assert_eq!(closed, Some((NOW, "it helps not".into())));
    assert_eq!(view.granted().await.unwrap()[0].ended_at, Some(NOW));
    drop(view);
    let mut change = world.change().await;
    let again = change.close_mitigation(1, &label("x")).await;
    refused!(again, StoreError::NotFound { .. });
    drop(change);
    let mut change = world.change().await;
    refused!(change.end_granted(1).await, StoreError::NotFound { .. });
}

async fn cases_with_vendors(world: World) {
    let contact = Contact {
        vendor: "Acme".into(),
        name: "Kim".into(),
        role: "product security".into(),
        reached_by: "psirt@acme.example".into(),
    };
    let step = |kind, due| Step {
        kind,
        words: "words".into(),
        at: NOW,
        due,
    };
    let asked = step(StepKind::Asked, None);
    let sent = step(StepKind::Document, Some(NOW.plus_ms(1)));
    let mut change = world.change().await;
    change.put_vendor_contact(&contact).await.unwrap();
    change.put_vendor_contact(&contact).await.unwrap();
    let about = ("advisory", "ACME-1");
    let opened = change
        .open_case(&label("Acme"), about, Some(&label("Kim")))
        .await;
    assert_eq!(opened.unwrap(), 1);
    assert_eq!(
        change.open_case(&label("Acme"), about, None).await.unwrap(),
        2
    );
    for (step, document) in [(&asked, None), (&sent, Some((digest(7), "form.pdf")))] {
        change
            .step_case(1, &NewStep { step, document })
            .await
            .unwrap();
    }
    change.close_case(2, &label("opened twice")).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.vendor_contacts().await.unwrap(), [contact]);
    let cases = view.cases().await.unwrap();
    assert_eq!((cases[0].closed_at, cases[1].closed_at), (None, Some(NOW)));
    let steps = view.case_steps(Some(1)).await.unwrap();
    assert_eq!((&steps[0].step, &steps[1].step), (&asked, &sent));
    assert_eq!(steps[1].document, Some((digest(7), "form.pdf".into())));
    assert_eq!(view.case_steps(None).await.unwrap().len(), 2);
    assert_eq!(view.case_steps(Some(2)).await.unwrap(), []);
    drop(view);
    let mut change = world.change().await;
    let new = NewStep {
        step: &asked,
        document: None,
    };
    refused!(change.step_case(2, &new).await, StoreError::NotFound { .. });
    drop(change);
    let mut change = world.change().await;
    change.remove_vendor_contact("Acme", "Kim").await.unwrap();
    let again = change.remove_vendor_contact("Acme", "Kim").await;
    refused!(again, StoreError::NotFound { .. });
}

async fn risks_and_training(world: World) {
    let world = world.with_unit().await;
    let risk = |decision| Risk {
        product: name("viewer"),
        version: "2".into(),
        model: name("station"),
        of_patching: label("images may be late"),
        of_waiting: label("attacks are known"),
        decision,
        reason: label("at night"),
        decided_by: label("Ada"),
        review_at: NOW.plus_ms(1),
        put_at: NOW,
    };
    let mut change = world.change().await;
    for decision in [Decision::Wait, Decision::PatchWithCare] {
        change.put_risk(&risk(decision)).await.unwrap();
    }
    let training = Training {
        product: name("viewer"),
        version: "2".into(),
        unit: Some(name("icu")),
        what: label("the new button"),
        confirmed: None,
    };
    change.need_training(&training).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.risks().await.unwrap(), [risk(Decision::PatchWithCare)]);
    let since = view.trainings_since().await.unwrap();
    assert_eq!(
        since,
        [(name("viewer"), "2".into(), "icu".into(), Some(NOW))]
    );
    drop(view);
    let mut change = world.change().await;
    change
        .remove_risk(&name("viewer"), "2", &name("station"))
        .await
        .unwrap();
    let (viewer, icu, why) = (name("viewer"), name("icu"), label("it is the same"));
    change
        .drop_training(&viewer, "2", Some(&icu), &why)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.risks().await.unwrap(), []);
    assert_eq!(view.trainings_since().await.unwrap(), []);
    drop(view);
    let mut change = world.change().await;
    let again = change.drop_training(&viewer, "2", Some(&icu), &why).await;
    refused!(again, StoreError::Conflict(_));
    drop(change);
    let mut change = world.change().await;
    let again = change.remove_risk(&viewer, "2", &name("station")).await;
    refused!(again, StoreError::NotFound { .. });
}

async fn facts_of_all_machines(world: World) {
    let world = world.with_machines(2).await;
    world.store.record_seen(&[heard(1)], NOW).await.unwrap();
    world
        .store
        .record_facts(&machine(1), b"facts", NOW)
        .await
        .unwrap();
    let mut view = world.store.view().await.unwrap();
    let all = view.facts_after(None, 9).await.unwrap();
    assert_eq!(all, [(machine(1), b"facts".to_vec())]);
}
