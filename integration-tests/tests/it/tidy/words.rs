//! Words that do not stand in our sources, and files that must.

use super::source::{Source, files, root, sources};

/// Whether `code` has `word` as a whole word.
fn has_word(code: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(is_part) && !code[at + word.len()..].starts_with(is_part)
    })
}

/// The loops of the harness that wait for a condition; nothing else in tests sleeps.
const WAIT_LOOPS: [&str; 3] = [
    "integration-tests/src/boot/patience.rs",
    "integration-tests/src/process.rs",
    "integration-tests/src/machine.rs",
];

fn sleeps(source: &Source) -> bool {
    // In shipped code a pause is a decision; in what only tests see, it is a guess.
    let is_harness = source.path.starts_with("integration-tests/");
    let before = if source.is_test() || is_harness {
        ""
    } else {
        &source.shipped
    };
    let calls = |code: &str| code.matches("::sleep(").count();
    calls(&source.code) > calls(before)
}

#[test]
fn tests_wait_for_conditions_and_never_sleep() {
    let sources = sources();
    for source in sources.iter().filter(|source| sleeps(source)) {
        let is_loop = WAIT_LOOPS.contains(&source.path.as_str());
        assert!(is_loop, "{} sleeps: wait for a condition", source.path);
    }
    for place in WAIT_LOOPS {
        let waits = sources
            .iter()
            .any(|source| source.path == place && sleeps(source));
        assert!(waits, "{place} sleeps no more: take it off the list");
    }
}

#[test]
fn no_test_is_ignored() {
    let ignored =
        |source: &&Source| source.code.contains("#[ignore") || source.code.contains("#[cfg(ignore");
    let found: Vec<_> = sources()
        .iter()
        .filter(ignored)
        .map(|s| s.path.clone())
        .collect();
    assert!(found.is_empty(), "ignored tests in {found:?}");
}

/// Names that say nothing.
#[test]
fn names_say_the_thing() {
    let kinds = ["struct ", "enum ", "trait ", "type ", "mod "];
    let empty = ["Manager", "Handler", "Helper", "Util", "Utils"];
    // dpkg and rpm are what the world calls so.
    let known = ["PackageManager"];
    for source in sources() {
        assert!(
            !source.code.contains("fn get_"),
            "{}: no `get_`",
            source.path
        );
        for line in source.code.lines() {
            for name in kinds
                .iter()
                .filter_map(|kind| line.split_once(kind))
                .map(|(_, name)| name)
            {
                let name = name
                    .split(|c: char| !c.is_alphanumeric())
                    .next()
                    .unwrap_or_default();
                let is_empty =
                    empty.iter().any(|word| name.ends_with(word)) && !known.contains(&name);
                assert!(
                    !is_empty,
                    "{}: {name:?} does not say the thing",
                    source.path
                );
            }
        }
    }
}

/// `configs/*.toml` are the commented defaults, and a test beside the settings says so.
#[test]
fn shipped_settings_have_a_test_that_compares_them() {
    let sources = sources();
    let mut found = 0;
    for file in files().iter().filter_map(|path| path.to_str()) {
        let Some(name) = file
            .strip_prefix("configs/")
            .filter(|name| name.ends_with(".toml"))
        else {
            continue;
        };
        if name.contains('/') {
            continue;
        }
        found += 1;
        let include = format!("configs/{name}\"");
        let compares = sources
            .iter()
            .any(|source| source.text.contains(&include) && has_word(&source.code, "include_str"));
        assert!(
            compares,
            "no test compares configs/{name} with the defaults"
        );
    }
    assert!(
        found >= 3,
        "agent, installer and collector ship their defaults"
    );
}

/// Nothing committed tells where it was built, or which mirror its packages came from.
#[test]
fn no_file_names_a_build_machine_or_a_registry() {
    let mut words = vec![
        concat!("cra", "tes.io/"),
        concat!("deb.deb", "ian.org"),
        concat!("py", "pi.org"),
        concat!("npm", "js.org"),
        concat!("/regis", "try/src/"),
    ];
    let here = root().to_string_lossy().into_owned();
    let cargo = std::env::var("CARGO_HOME").unwrap_or_default();
    words.extend(
        [here.as_str(), cargo.as_str()]
            .iter()
            .filter(|word| word.len() > 5),
    );
    let mut seen = 0;
    for path in files() {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else {
            continue; // Pictures and the like.
        };
        seen += 1;
        for word in &words {
            assert!(!text.contains(word), "{} holds {word:?}", path.display());
        }
        let is_lock = path.ends_with("Cargo.lock");
        let other = |line: &&str| {
            line.starts_with("source = ") && !line.contains(concat!("crates", ".io-index\""))
        };
        let foreign = text.lines().filter(|_| is_lock).find(other);
        assert_eq!(
            foreign,
            None,
            "{}: a package of another registry",
            path.display()
        );
    }
    assert!(seen > 100);
}

#[test]
fn sleeping_tests_are_found() {
    let in_tests = "#[cfg(test)]\nmod tests { fn a() { thread::sleep(x); } }";
    assert!(sleeps(&Source::of("agent/src/a.rs", in_tests)));
    assert!(!sleeps(&Source::of(
        "agent/src/a.rs",
        "fn a() { thread::sleep(x); }"
    )));
    assert!(sleeps(&Source::of(
        "agent/src/a/tests.rs",
        "fn a() { thread::sleep(x); }"
    )));
    assert!(sleeps(&Source::of(
        "integration-tests/src/a.rs",
        "fn a() { time::sleep(x); }"
    )));
    assert!(
        has_word("a include_str!(b)", "include_str") && !has_word("xinclude_str", "include_str")
    );
}
