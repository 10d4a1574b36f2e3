use super::super::document::{
    Form, Product, Remediation, Remedy, Status, VersionText, Vulnerability,
};
use super::super::identity::Thing;
use super::*;
use patchward_common::component::Source;

/// An advisory by Acme on its viewer: version texts and statuses of one vulnerability.
fn advisory(said: &[(&str, Status)]) -> Prepared {
    let product = |(at, (version, _)): (usize, &(&str, Status))| Product {
        id: format!("P{at}"),
        name: "Acme Viewer".into(),
        vendor: "Acme Inc".into(),
        product: "Viewer Pro".into(),
        version: VersionText::Range((*version).into()),
        ..Product::default()
    };
    let statuses = said
        .iter()
        .enumerate()
        .map(|(at, (_, status))| (*status, at));
    Prepared::of(Advisory {
        form: Form::Csaf20,
        id: "ACME-1".into(),
        title: String::new(),
        publisher: "Acme".into(),
        category: "csaf_security_advisory".into(),
        version: "1".into(),
        status: "final".into(),
        published: None,
        current: None,
        due: None,
        link: None,
        namespace: String::new(),
        publisher_kind: String::new(),
        severity: String::new(),
        notes: Vec::new(),
        references: Vec::new(),
        history: Vec::new(),
        products: said.iter().enumerate().map(product).collect(),
        vulnerabilities: vec![Vulnerability {
            name: "CVE-2026-0001".into(),
            statuses: statuses.collect(),
            remediations: vec![Remediation {
                remedy: Remedy::VendorFix,
                details: String::new(),
                url: None,
                products: Vec::new(),
            }],
            ..Vulnerability::default()
        }],
        remarks: Vec::new(),
    })
}

fn verdict(said: &[(&str, Status)], thing: Thing) -> (&'static str, &'static str) {
    let index = Index::of(vec![thing, Thing::asset("Other", "Lamp", "1")]);
    let found = matches(&advisory(said), &index, &Aliases::default());
    let Some(one) = found.first() else {
        return ("nothing", "");
    };
    assert_eq!(found.len(), 1);
    (one.finding.verdict.word(), one.finding.reason.word())
}

use Status::{Fixed, KnownAffected, KnownNotAffected, UnderInvestigation};

/// What an advisory says, the version of ours, and what that comes to.
type Case = (
    &'static [(&'static str, Status)],
    &'static str,
    &'static str,
    &'static str,
);
const CASES: &[Case] = &[
    (
        &[("<2.0", KnownAffected)],
        "1.9",
        "affected",
        "version_is_affected",
    ),
    (
        &[("<2.0", KnownAffected)],
        "2.0",
        "not_affected",
        "version_is_outside",
    ),
    (
        &[("<2.0", KnownAffected)],
        "",
        "needs_person",
        "version_not_recorded",
    ),
    (
        &[("<2.0", KnownAffected)],
        "R2",
        "needs_person",
        "versions_not_comparable",
    ),
    (
        &[("<2.0", KnownAffected), ("2.0", Fixed)],
        "2.0",
        "not_affected",
        "version_is_outside",
    ),
    (&[("2.0", Fixed)], "2.0", "not_affected", "version_is_fixed"),
    (
        &[("2.0", Fixed)],
        "1.0",
        "needs_person",
        "version_not_named",
    ),
    (
        &[("1.1", KnownAffected), ("1.5", KnownAffected)],
        "1.5",
        "affected",
        "version_is_affected",
    ),
    (
        &[("1.1", KnownAffected), ("1.5", KnownAffected)],
        "1.3",
        "needs_person",
        "version_not_named",
    ),
    (
        &[("*", KnownNotAffected)],
        "",
        "not_affected",
        "publisher_says_not_affected",
    ),
    (
        &[("*", UnderInvestigation)],
        "1",
        "needs_person",
        "under_investigation",
    ),
    (
        &[("<2.0", KnownAffected), ("1.9", Fixed)],
        "1.9",
        "needs_person",
        "contradicting_statements",
    ),
    (
        &[("*", Status::FirstAffected)],
        "1",
        "affected",
        "version_is_affected",
    ),
    (
        &[("1.0", Status::FirstAffected)],
        "1.1",
        "needs_person",
        "only_one_end_named",
    ),
];

#[test]
fn every_value_has_its_reason() {
    let viewer = |version: &str| Thing::asset("ACME", "Viewer Pro", version);
    for (said, version, value, reason) in CASES {
        assert_eq!(
            verdict(said, viewer(version)),
            (*value, *reason),
            "{said:?} {version}"
        );
    }
}

#[test]
fn a_doubt_about_who_it_is_never_becomes_affected() {
    let said = [("<2.0", Status::KnownAffected)];
    let like =
        |maker: &str, version: &str| verdict(&said, Thing::asset(maker, "Viewer Pro", version));
    assert_eq!(like("Acme Healthcare", "1.0").1, "maker_perhaps_the_same");
    // Whether it is the product or not: this version is not affected.
    assert_eq!(
        like("Acme Healthcare", "2.0"),
        ("not_affected", "version_is_outside")
    );
    assert_eq!(
        verdict(&said, Thing::asset("Acme", "Lamp", "1")),
        ("nothing", "")
    );
}

#[test]
fn a_package_of_a_distribution_may_hold_the_fix() {
    let said = [("<2.0", Status::KnownAffected)];
    let package = |version: &str| {
        let thing = Thing::component(Source::Deb, "viewer-pro", version);
        verdict(&said, thing)
    };
    assert_eq!(package("1:2.1-3"), ("not_affected", "version_is_outside"));
    assert_eq!(package("1:1.9-3").0, "needs_person");
    assert_eq!(package("2.1+really1.9-1").0, "needs_person");
}

#[test]
fn what_a_person_decided_stands_above() {
    let prepared = advisory(&[("<2.0", Status::KnownAffected)]);
    let index = Index::of(vec![Thing::asset("Acme", "Viewer Pro", "1.0")]);
    let decided =
        |_: &Entry, _: &Thing| Some(Finding::not_affected(Reason::Decided("no network".into())));
    let found = matches_with(&prepared, &index, &Aliases::default(), &decided);
    assert_eq!(found[0].finding.verdict, Verdict::NotAffected);
    assert_eq!(found[0].finding.reason.word(), "person_decided");
}

#[test]
fn what_is_known_of_one_vulnerability_closes_no_other() {
    let mut prepared = advisory(&[("2.0", Fixed), ("1.9", KnownAffected)]);
    let mut all = prepared.advisory.clone();
    let statuses = |at| {
        all.vulnerabilities[0]
            .statuses
            .iter()
            .filter(move |(_, of)| *of == at)
    };
    let (first, second): (Vec<_>, Vec<_>) = (
        statuses(0).copied().collect(),
        statuses(1).copied().collect(),
    );
    let mut other = all.vulnerabilities[0].clone();
    other.name = "CVE-2026-0002".into();
    other.statuses = second;
    all.vulnerabilities[0].statuses = first;
    all.vulnerabilities.push(other);
    prepared = Prepared::of(all);
    let ours = Thing::asset("Acme Inc", "Viewer Pro", "2.0");
    let found = matches(&prepared, &Index::of(vec![ours]), &Aliases::default());
    // Fixed for the one; of the other only 1.9 is spoken of.
    assert_eq!(found[0].finding.verdict, Verdict::NeedsPerson);
}
