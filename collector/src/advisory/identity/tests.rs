use super::super::document::{Helpers, VersionText};
use super::pattern::is_like;
use super::*;

fn identity(vendor: &str, product: &str, helpers: Helpers) -> Identity {
    Identity::of(&Product {
        id: "1".into(),
        name: format!("{vendor} {product}"),
        vendor: vendor.into(),
        product: product.into(),
        version: VersionText::Range("*".into()),
        helpers,
        ..Product::default()
    })
}

fn word(vendor: &str, product: &str, maker: &str, model: &str) -> &'static str {
    let found = likeness(
        &identity(vendor, product, Helpers::default()),
        &Thing::asset(maker, model, ""),
        &Aliases::default(),
    );
    match found {
        Likeness::Same | Likeness::SamePackage => "same",
        Likeness::Perhaps(doubt) => doubt.word(),
        Likeness::Other => "other",
    }
}

/// Vendor and product of an advisory, maker and model of ours, and how like they are.
const LIKE: &[[&str; 5]] = &[
    [
        "Philips",
        "IntelliVue X2",
        "PHILIPS",
        "Philips IntelliVue X2",
        "same",
    ],
    [
        "Philips",
        "Vue PACS",
        "Philips Healthcare",
        "Vue PACS",
        "maker_perhaps_the_same",
    ],
    [
        "Philips",
        "Vue PACS",
        "Phillips",
        "Vue PACS",
        "maker_spelled_differently",
    ],
    ["Philips", "Vue PACS", "", "Vue PACS", "maker_not_recorded"],
    [
        "Smiths Medical",
        "Medfusion 4000",
        "ICU Medical",
        "Medfusion 4000",
        "same_name_other_maker",
    ],
    [
        "GE Healthcare",
        "Millenium VG",
        "GE Healthcare",
        "Millennium VG",
        "product_spelled_differently",
    ],
    [
        "Philips",
        "Avalon Fetal/Maternal Monitors FM20/FM30",
        "Philips",
        "Avalon FM30",
        "same",
    ],
    [
        "Philips",
        "IntelliVue patient monitor MX400-MX850",
        "Philips",
        "IntelliVue MX450",
        "series_of_models",
    ],
    [
        "GE Healthcare",
        "LOGIQ, not including LOGIQ 100 Pro",
        "GE Healthcare",
        "LOGIQ 100 Pro",
        "condition_in_the_name",
    ],
    [
        "Philips",
        "IntelliVue MX450",
        "Philips",
        "IntelliVue MX550",
        "other",
    ],
    ["Philips", "Vue PACS", "Siemens", "PACS", "other"],
];

#[test]
fn a_thing_is_the_product_perhaps_or_another() {
    for [vendor, product, maker, model, expected] in LIKE {
        let found = word(vendor, product, maker, model);
        assert_eq!(found, *expected, "{vendor} {product} / {maker} {model}");
    }
}

#[test]
fn a_product_called_after_its_maker_is_perhaps_it() {
    let found = word(
        "Hillrom",
        "Welch Allyn Connex Cardio",
        "Welch Allyn",
        "Connex Cardio",
    );
    assert_ne!(found, "other");
}

#[test]
fn an_alias_makes_two_names_one() {
    let mut aliases = Aliases::default();
    aliases
        .vendors
        .insert("philips healthcare".into(), "philips".into());
    let thing = Thing::asset("Philips Healthcare", "Vue PACS", "");
    let pacs = identity("Philips", "Vue PACS", Helpers::default());
    assert_eq!(likeness(&pacs, &thing, &aliases), Likeness::Same);
    let key = ("philips".to_owned(), "carestream pacs".to_owned());
    aliases.products.insert(key, "vue pacs".into());
    let thing = Thing::asset("Philips", "Carestream PACS", "");
    assert_eq!(likeness(&pacs, &thing, &aliases), Likeness::Same);
}

#[test]
fn numbers_and_packages_identify() {
    assert!(is_like("SN-1?3*", "sn-1234") && !is_like("SN-1?3", "sn-1234") && !is_like("*", "x"));
    let helpers = Helpers {
        serials: vec!["SN-10*".into()],
        ..Helpers::default()
    };
    let pump = identity("Acme", "Pump", helpers);
    let mut thing = Thing::asset("Acme", "P-7 infusion", "");
    thing.serials = vec!["SN-1044".into()];
    assert_eq!(likeness(&pump, &thing, &Aliases::default()), Likeness::Same);
    let helpers = Helpers {
        purls: vec!["pkg:deb/debian/dcmtk@3.6.7-9".into()],
        ..Helpers::default()
    };
    let package = identity("Debian", "dcmtk", helpers);
    let mut thing = Thing::component(patchward_common::component::Source::Deb, "dcmtk", "3.6.7-9");
    assert!(matches!(
        likeness(&package, &thing, &Aliases::default()),
        Likeness::Perhaps(_)
    ));
    thing.distribution = Some("debian".into());
    assert_eq!(
        likeness(&package, &thing, &Aliases::default()),
        Likeness::SamePackage
    );
}
