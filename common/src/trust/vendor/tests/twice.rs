//! A key that stands twice in an object: each file here carries valid signatures over
//! what the library keeps of it, which is the last of the two.

use super::*;

/// What is done to a file after it is signed.
struct Case {
    what: &'static str,
    rewrite: Rewrite,
    key: &'static str,
    place: &'static str,
}

const CASES: [Case; 3] = [
    Case {
        what: "the envelope",
        rewrite: |file, _| replaced(file, "{", r#"{"signatures":[],"#),
        key: "signatures",
        place: "",
    },
    Case {
        what: "signed",
        rewrite: |file, _| replaced(file, r#""signed":{"#, r#""signed":{"version":7,"#),
        key: "version",
        place: "signed",
    },
    Case {
        what: "custom.patchward",
        rewrite: |file, signers| {
            let description = serde_json::json!({ "patchward": { "counter": 1 } });
            let file = resigned(file, signers, |signed| signed["custom"] = description);
            // The first of the two is spelt otherwise and is the same key.
            replaced(&file, r#""counter":1"#, r#""c\u006funter":2,"counter":1"#)
        },
        key: "counter",
        place: "signed > custom > patchward",
    },
];

fn replaced(file: &[u8], old: &str, new: &str) -> Vec<u8> {
    let file = std::str::from_utf8(file).unwrap();
    assert!(file.contains(old));
    file.replacen(old, new, 1).into_bytes()
}

#[test]
fn a_key_that_stands_twice_is_refused_in_every_role_at_every_depth() {
    let roles = [
        (ROOT, "root", "5.3.4"),
        (TIMESTAMP, "timestamp", "5.4.2"),
        (SNAPSHOT, "snapshot", "5.5.3"),
        (TARGETS, "targets", "5.6.2"),
    ];
    for (role, name, step) in roles {
        for case in &CASES {
            let mut vendor = Vendor::new();
            let mut client = Client::of(&vendor);
            client.accepts(&vendor.files);
            vendor.rewrite = Some((role, case.rewrite));
            vendor.next_root(|_| {});
            vendor.publish_next();
            let problem = client.refuses(&vendor.files, name, step, Attack::OwnedAgent);
            let Problem::KeyTwice { key, place } = &problem else {
                panic!("{name}, {}: {problem}", case.what);
            };
            assert_eq!((key.as_str(), place.as_str()), (case.key, case.place));
        }
    }
}

#[test]
fn a_description_of_a_release_has_each_key_once() {
    let mut vendor = Vendor::new();
    let custom = serde_json::json!({ "patchward": { "product": "viewer" } });
    let target = TargetSpec::of(BYTES, Some(custom));
    vendor.targets.insert(PATH.to_owned(), target);
    let twice: Rewrite =
        |file, _| replaced(file, r#""product":"#, r#""product":"pump","product":"#);
    vendor.rewrite = Some((TARGETS, twice));
    vendor.publish();
    let mut client = Client::of(&vendor);
    let problem = client.refuses(&vendor.files, "targets", "5.6.2", Attack::OwnedAgent);
    assert_eq!(
        problem.to_string(),
        "the key \"product\" stands twice in \
         \"signed > targets > viewer/4.2.1.tar > custom > patchward\"; have the vendor publish \
         the file again with each key once"
    );
}

#[test]
fn the_pinned_root_has_each_key_once() {
    let mut vendor = Vendor::new();
    vendor.rewrite = Some((ROOT, CASES[1].rewrite));
    vendor.publish_root();
    let mut client = Client::of(&vendor);
    let problem = client.refuses(&vendor.files, "root", "5.2", Attack::OwnedAgent);
    assert!(matches!(problem, Problem::KeyTwice { .. }), "{problem}");
}

#[test]
fn objects_in_a_list_are_looked_at_one_by_one() {
    let check = |text: &str| crate::trust::vendor::json::keys_stand_once(text.as_bytes());
    check(r#"{"a":[{"b":1},{"b":1.5},{"b":[null,true,-1,"b"]}]}"#).unwrap();
    let Problem::KeyTwice { key, place } =
        check(r#"{"a":[{"b":1},{"b":1,"c":2,"b":1}]}"#).unwrap_err()
    else {
        panic!("another refusal");
    };
    assert_eq!((key.as_str(), place.as_str()), ("b", "a > [1]"));
    // A flood in a key is cut where it is shown.
    let long = "k".repeat(100_000);
    let refused = check(&format!(r#"{{"{long}":1,"{long}":2}}"#)).unwrap_err();
    assert!(refused.to_string().len() < 1_000);
    for broken in ["", "{", "{} {}", "[1,]", &"[".repeat(10_000)] {
        let refused = check(broken).unwrap_err();
        assert!(matches!(refused, Problem::Malformed(_)), "{refused}");
    }
}
