use super::*;
use Ordering::{Equal, Greater, Less};

fn check(source: Source, table: &[(&str, &str, Option<Ordering>)]) {
    for &(a, b, expected) in table {
        assert_eq!(compare(source, a, b), expected, "{a} against {b}");
        let reversed = expected.map(Ordering::reverse);
        assert_eq!(compare(source, b, a), reversed, "{b} against {a}");
    }
}

/// Expected values are dpkg's own answers (`dpkg --compare-versions`).
#[test]
fn debian_order_is_dpkgs() {
    check(
        Source::Deb,
        &[
            ("1.0~rc1", "1.0", Some(Less)),
            ("1.0~~", "1.0~", Some(Less)),
            ("1.0~~a", "1.0~", Some(Less)),
            ("0~", "0", Some(Less)),
            ("1.0-0", "1.0", Some(Equal)),
            ("1.0-00", "1.0", Some(Equal)),
            ("0:1.0", "1.0", Some(Equal)),
            ("1:0.1", "9.9", Some(Greater)),
            ("1:1:1", "1:1", Some(Greater)),
            ("1.0", "1.0.0", Some(Less)),
            ("1.0a", "1.0+", Some(Less)),
            ("1.0+", "1.0-1", Some(Greater)),
            ("1.0.a", "1.0a", Some(Greater)),
            ("1.0-1", "1.0-1+b1", Some(Less)),
            ("1.0-1~bpo12+1", "1.0-1", Some(Less)),
            ("1.0-1-1", "1.0-1-2", Some(Less)),
            ("007", "7", Some(Equal)),
            ("a1", "1", Some(Greater)),
            ("1.18.36", "1.18.35.5", Some(Greater)),
            (
                "99999999999999999999999",
                "100000000000000000000000",
                Some(Less),
            ),
        ],
    );
}

/// dpkg ends with an error on most of these; the others have no place in a version.
#[test]
fn what_dpkg_refuses_needs_a_person() {
    let long = "1".repeat(MAX_FIELD_BYTES + 1);
    for bad in [
        "",
        "1.0-",
        ":1.0",
        "a:1.0",
        "1:",
        "-1",
        "2147483648:1",
        "4294967296:1",
        "+1:1",
        "1 0",
        "1.0\n",
        "1.0\u{e9}",
        "1/0",
        &long,
    ] {
        assert_eq!(compare(Source::Deb, bad, "1.0"), None, "{bad:?}");
        assert_eq!(compare(Source::Deb, "1.0", bad), None, "{bad:?}");
    }
}

#[test]
fn rpm_order_is_rpms() {
    check(
        Source::Rpm,
        &[
            ("1.0-1", "1.0-1", Some(Equal)),
            ("0:1.0-1", "1.0-1", Some(Equal)),
            ("1:1.0-1", "2.0-1", Some(Greater)),
            ("1.0~rc1-1", "1.0-1", Some(Less)),
            ("1.0^git1-1", "1.0-1", Some(Greater)),
            ("1.0a-1", "1.0.1-1", Some(Less)),
            ("1.10-1", "1.9-1", Some(Greater)),
            ("5.14.0-362.el9", "5.14.0-70.el9", Some(Greater)),
            ("", "1.0-1", None),
        ],
    );
}

#[test]
fn vendor_order_answers_only_what_is_certain() {
    check(
        Source::Firmware,
        &[
            ("1.2", "1.10", Some(Less)),
            ("1.2", "1.2.0.0", Some(Equal)),
            ("V1.2", "v1.02", Some(Equal)),
            ("A12", "A9", Some(Greater)),
            ("a12", "A12", Some(Equal)),
            ("1.2", "1.2.1", Some(Less)),
            ("1.2-rc2", "1.2-rc10", Some(Less)),
            ("1.2-beta1", "1.2-rc1", Some(Less)),
            ("1.2rc1", "1.2", Some(Less)),
            ("1.2.0-rc1", "1.2.0", Some(Less)),
            ("1.0.2k", "1.0.2", Some(Greater)),
            ("1.0.2k", "1.0.2m", Some(Less)),
            ("5.2-SP1", "5.2", Some(Greater)),
            ("5.2_SP1", "5.2_SP2", Some(Less)),
            ("2024.10.1", "2024.9.30", Some(Greater)),
            ("99999999999999999999", "100000000000000000000", Some(Less)),
            // Unknown: each of these means different things to different vendors.
            ("1.2-1", "1.2", None),
            ("1.2+1", "1.2", None),
            ("1.2-1", "1.2.1", None),
            ("1.2-E", "1.2", None),
            ("1.2-eu", "1.2-us", None),
            ("A12", "1.2", None),
            ("2024.1", "12.4", None),
            ("03/12/2024", "04/01/2024", None),
            ("1.2 (build 7)", "1.2", None),
            ("1..2", "1.2", None),
            ("blue", "red", None),
            ("1.2é", "1.2", None),
        ],
    );
    assert_eq!(compare_vendor("blue", "blue"), Some(Equal));
    assert_eq!(
        compare(Source::Firmware, "", ""),
        None,
        "nothing was measured"
    );
}

#[test]
fn semantic_order_holds_where_both_readings_agree() {
    check(
        Source::Tree,
        &[
            ("1.2.3", "1.10.0", Some(Less)),
            ("1.0.0-alpha.1", "1.0.0-alpha.beta", Some(Less)),
            ("1.0.0-1", "1.0.0", Some(Less)),
            ("v1.0.0", "1.0.0", Some(Equal)),
            ("1.2", "1.2.0", Some(Equal)),
            // Semantic versioning answers, against what most vendors mean.
            ("1.0.0-rc10", "1.0.0-rc9", None),
            ("1.0.0-RC1", "1.0.0-alpha", None),
            ("1.0.0+5", "1.0.0+6", None),
            ("1.0.0-sp1", "1.0.0", None),
        ],
    );
}

/// Where a < b and b < c, nothing may say that c <= a.
#[test]
fn no_order_contradicts_itself() {
    let mut versions = Vec::new();
    for base in ["1", "1.0", "1.0.0", "1.0.1", "1.1.0", "1.10", "2024.1"] {
        for joint in ["", ".", "-"] {
            for end in [
                "", "0", "1", "a", "b", "rc1", "RC2", "alpha", "sp1", "x86", "1.0",
            ] {
                versions.push(format!("{base}{joint}{end}"));
            }
        }
    }
    versions.extend(["1.0.0+1", "1.0.0+2", "v1.0", "1.0-rc10", "A1", "A2"].map(String::from));
    versions.sort();
    versions.dedup();
    for source in [Source::Tree, Source::Firmware] {
        let order: Vec<Vec<_>> = versions
            .iter()
            .map(|a| versions.iter().map(|b| compare(source, a, b)).collect())
            .collect();
        let all = 0..versions.len();
        for (a, b) in all.clone().flat_map(|a| all.clone().map(move |b| (a, b))) {
            assert_eq!(order[a][b], order[b][a].map(Ordering::reverse));
            let Some(first @ (Less | Equal)) = order[a][b] else {
                continue;
            };
            for c in all.clone() {
                let Some(second @ (Less | Equal)) = order[b][c] else {
                    continue;
                };
                let expected = if first == Equal { second } else { first };
                let (a, b, c, found) = (&versions[a], &versions[b], &versions[c], order[a][c]);
                assert!(
                    found.is_none_or(|found| found == expected),
                    "{source:?}: {a} {first:?} {b} {second:?} {c}, yet {found:?}"
                );
            }
        }
    }
}

#[test]
fn ranges_answer_in_three_values() {
    for (source, range, version, expected) in [
        (Source::Deb, "*", "anything", Some(true)),
        (Source::Deb, "<1.2-3", "1.2-2", Some(true)),
        (Source::Deb, "<1.2-3", "1.2-3", Some(false)),
        (Source::Deb, "<=1.2-3", "1.2-3", Some(true)),
        (Source::Deb, ">=1.0|<1.2", "1.2~rc1", Some(true)),
        (Source::Deb, ">1.0|<1.2", "1.0", Some(false)),
        (Source::Deb, "<1|>=2|<3|>4", "2.5", Some(true)),
        (Source::Deb, "<1|>=2|<3|>4", "3.5", Some(false)),
        (Source::Deb, "<1|>=2|<3|>4", "5", Some(true)),
        (Source::Deb, "1.0|=1.1", "1.1", Some(true)),
        (Source::Deb, "1.0|1.1", "1.2", Some(false)),
        (Source::Deb, "<2|!=1.1", "1.1", Some(false)),
        (Source::Deb, "!=1.1", "1.2", Some(true)),
        (Source::Deb, "<2", "1.0-", None),
        (Source::Firmware, "<2.0", "A12", None),
        (Source::Firmware, "<2.0|A12", "A12", Some(true)),
        (Source::Firmware, "<2.0|!=A12", "A12", Some(false)),
        (Source::Firmware, "<2.0|!=1.5-1", "1.5", None),
    ] {
        let parsed = Range::parse(source, range).unwrap();
        assert_eq!(parsed.contains(version), expected, "{version} in {range}");
    }
}

#[test]
fn bad_ranges_are_refused() {
    let many = vec!["1"; 257].join("|");
    for (text, expected) in [
        ("", BadRange::Empty),
        (" ", BadRange::Empty),
        (many.as_str(), BadRange::TooMany),
        ("*|1", BadRange::NoVersion("*".into())),
        (">=", BadRange::NoVersion(">=".into())),
        ("1|", BadRange::NoVersion(String::new())),
        ("=>1", BadRange::NoVersion("=>1".into())),
        (">1|>2", BadRange::Unpaired(">2".into())),
        ("<1|<2", BadRange::Unpaired("<2".into())),
        (
            ">2|<1",
            BadRange::Disorder {
                from: "2".into(),
                to: "1".into(),
            },
        ),
    ] {
        let found = Range::parse(Source::Deb, text).unwrap_err();
        assert_eq!(found, expected, "{text}");
    }
}
