use super::*;

fn read(text: &str) -> Versions {
    Versions::read(text)
}

fn within(text: &str, version: &str) -> Option<bool> {
    match read(text) {
        Versions::All => Some(true),
        Versions::In(set) => set.contains(version),
        Versions::Unclear(why) => panic!("{text}: {why}"),
    }
}

#[test]
fn words_with_one_meaning_are_read() {
    for (text, inside, outside) in [
        ("4.2.1 and prior", "4.2.1", "4.2.2"),
        ("Versions 2.3.6 and  below", "2.3.6", "2.4"),
        ("prior to 3.1", "3.0.9", "3.1"),
        ("all versions prior to 3.1", "3.0.9", "3.1"),
        ("<=2.0", "2.0", "2.0.1"),
        ("versions 1.0 through 1.4", "1.4", "1.5"),
        ("v2.x", "2.9", "3.0"),
        ("<= 11.x", "11.7", "12.0"),
        ("<= 12.2.x.x", "12.2.9.1", "12.3"),
        (">= 4.01 | <= 4.34", "4.20", "4.35"),
        ("<2.0, >=1.0", "1.5", "2.0"),
        ("3.0 or later", "4.0", "2.9"),
        ("4.20 | 4.20 SR1 | 4.30", "4.20 SR1", "4.31"),
        ("1.3.1 Build 13", "1.3.1 build 13", "1.3.1 Build 14"),
        ("<= 2.01 (end-of-life Nov 2017)", "2.0", "2.02"),
        ("vers:deb/>=1.0|<1.2-3", "1.2-2", "1.2-3"),
        ("vers:semver/<2.0.0", "2.0.0-rc.1", "2.0.0"),
        ("vers:generic/1.0|2.0", "2.0", "3.0"),
    ] {
        assert_eq!(within(text, inside), Some(true), "{inside} in {text}");
        assert_eq!(within(text, outside), Some(false), "{outside} in {text}");
    }
    for text in ["*", "all versions", "vers:all/*", "* (end-of-life 2011)"] {
        assert_eq!(read(text), Versions::All, "{text}");
    }
}

#[test]
fn what_has_no_one_meaning_says_why() {
    for (text, word) in [
        ("< july 1 2017", "date_instead_of_version"),
        ("distributed  < april 1, 2018", "date_instead_of_version"),
        (
            "<= 1.54 (integrated into GE MobileLink)",
            "version_with_condition",
        ),
        ("* running on old systems", "version_with_condition"),
        ("Windows 10 Professional U.S. release", "version_in_prose"),
        ("<= S4 A.07.107", "version_in_prose"),
        ("<= K", "version_without_order"),
        ("up to 7.6.2", "open_end"),
        ("between 1.0 and 2.0", "open_end"),
        ("<= U61 |<= L81", "bounds_contradict"),
        (">=2.0 | <1.0", "bounds_contradict"),
        ("vers:maven/<1.0", "unknown_version_scheme"),
        ("", "no_version_said"),
    ] {
        match read(text) {
            Versions::Unclear(why) => assert_eq!(why.word(), word, "{text}"),
            other => panic!("{text}: {other}"),
        }
    }
}

#[test]
fn versions_without_a_common_order_are_neither_in_nor_out() {
    assert_eq!(within("<= VM5.0", "4.0"), None);
    assert_eq!(within("12.x", "R12"), None);
    assert_eq!(within("12.2.x", "12"), None);
    assert_eq!(within("<2024.2", "14.0.3"), None);
}

#[test]
fn a_name_that_says_another_version_is_a_contradiction() {
    let of = |version: &str, name: &str| {
        Versions::of(&VersionText::Range(version.into()), "Tasy EMR", name)
    };
    assert!(matches!(
        of("<= 3.02.1744", "Tasy EMR Versions: 3.02.1744 and prior"),
        Versions::In(_)
    ));
    for (version, name) in [
        ("<= 3.01.1744", "Tasy EMR Versions: 3.02.1744 and prior"),
        ("<7.6.2", "Tasy EMR: all versions up to 7.6.2"),
        ("<7.6.2", "Tasy EMR: version 7.6.2 and prior"),
    ] {
        let Versions::Unclear(why) = of(version, name) else {
            panic!("{version} {name}");
        };
        assert_eq!(why.word(), "advisory_contradicts_itself");
    }
    let model = Versions::of(
        &VersionText::One("3002".into()),
        "Secure II Bed",
        "Secure II Bed: Model 3002",
    );
    assert_eq!(model, Versions::Unclear(Unclear::Model));
}
