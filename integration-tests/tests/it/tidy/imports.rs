//! Who may name whom.

use super::source::{Source, sources};

/// What touches the world: not for pure code.
const OUTSIDE: [&str; 16] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::os::unix::net",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::env",
    "tokio",
    "quinn",
    "sqlx",
    "axum",
    "object_store",
    "rustix",
    "rand",
    "getrandom",
];

/// Code in `places` names none of `words`.
struct Never {
    places: &'static [&'static str],
    words: &'static [&'static str],
    why: &'static str,
}

const NEVER: [Never; 7] = [
    Never {
        places: &["common/src"],
        words: &OUTSIDE,
        why: "common has no I/O, clock or randomness",
    },
    Never {
        places: &[
            "collector/src/account",
            "collector/src/schedule",
            "collector/src/rollout",
            "collector/src/exposure",
            "collector/src/forecast",
            "collector/src/item",
            "collector/src/sheet",
            "collector/src/mds2",
            "collector/src/asset",
            "collector/src/auditor",
            "collector/src/advisory",
            "collector/src/component",
            "collector/src/pdf",
            "collector/src/work_order",
            "collector/src/notice",
            "collector/src/setup",
            "collector/src/doctor/check",
            "agent/src/job",
        ],
        words: &OUTSIDE,
        why: "what decides is pure",
    },
    Never {
        places: &["collector/src/store"],
        words: &["axum", "quinn", "quinn_proto", "rustls"],
        why: "the store knows no network",
    },
    Never {
        places: &["collector/src/web"],
        words: &["sqlx"],
        why: "pages and nouns ask the store",
    },
    Never {
        places: &["agent/installer", "collector/signer/src"],
        words: &[
            "tokio",
            "quinn",
            "quinn_proto",
            "hyper",
            "std::net::TcpStream",
            "std::net::TcpListener",
            "std::net::UdpSocket",
            "std::net::ToSocketAddrs",
        ],
        why: "installer and signer open no network socket",
    },
    Never {
        places: &["agent/installer/steps/src"],
        words: &[
            "std::net",
            "std::os::unix::net",
            "rustix::net",
            "ed25519_dalek",
            "patchward_common::wire",
            "patchward_common::trust::check",
            "patchward_common::trust::papers",
            "patchward_common::trust::sign",
        ],
        why: "what carries out knows no signature, no socket and no decision",
    },
    Never {
        places: &["agent/src", "collector/signer/src", "common/src"],
        words: &["sqlx"],
        why: "only the collector's store names sqlx",
    },
];

/// Modules, lowest layer first: each names its own layer and lower ones; others are above all.
struct Layers {
    crate_src: &'static str,
    layers: &'static [&'static [&'static str]],
}

const LAYERS: [Layers; 2] = [
    Layers {
        crate_src: "collector/src",
        layers: &[
            &[
                "account",
                "secret",
                "auditor",
                "adopt",
                "advisory",
                "component",
                "schedule",
                "rollout",
                "exposure",
                "forecast",
                "item",
                "sheet",
                "mds2",
                "pdf",
                "work_order",
                "notice",
                "setup",
            ],
            &["store"],
            &["fleet", "vendor"],
            &[
                "reconcile",
                "web",
                "command",
                "control",
                "app",
                "claims",
                "planning",
                "prospect",
                "agenda",
                "calls",
                "halted",
                "matching",
                "facts",
                "nudging",
                "quarantine",
                "replan",
                "searching",
                "stopped",
                "supported",
                "waves",
                "authority",
                "go_keys",
                "allowed",
                "calendar",
                "evidence",
                "snapshot",
                "asset",
                "deliver",
                "expiring",
                "metrics",
                "openid",
                "backup",
            ],
        ],
    },
    Layers {
        crate_src: "agent/src",
        layers: &[
            &["job"],
            &["state", "probe", "netlink", "tls_key"],
            &["credentials", "outbox", "inventory", "installer", "link"],
        ],
    },
];

/// Imports the wrong way round, for now: a file, the module it names, and why.
const BORROWED: [(&str, &str, &str); 3] = [
    (
        "collector/src/rollout/go.rs",
        "store",
        "it decides on values that the store declares; they belong to `rollout`",
    ),
    (
        "collector/src/rollout/usable.rs",
        "store",
        "the same: a member of a coverage group",
    ),
    (
        "collector/src/rollout/forbid.rs",
        "store",
        "the same: stops and halts",
    ),
];

fn broken_nevers(source: &Source) -> Vec<String> {
    let mut broken = Vec::new();
    for rule in NEVER.iter().filter(|rule| source.is_in(rule.places)) {
        for (line, path) in source.paths() {
            let is_named = |word: &&&str| path == **word || path.starts_with(&format!("{word}::"));
            if let Some(word) = rule.words.iter().find(is_named) {
                broken.push(format!("{}:{line} names {word}: {}", source.path, rule.why));
            }
        }
    }
    broken
}

fn broken_layers(source: &Source) -> Vec<String> {
    let Some(rules) = LAYERS.iter().find(|rules| {
        source
            .path
            .strip_prefix(rules.crate_src)
            .is_some_and(|p| p.starts_with('/'))
    }) else {
        return Vec::new();
    };
    let inner = source
        .path
        .trim_start_matches(rules.crate_src)
        .trim_start_matches('/');
    let own = inner
        .split('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".rs");
    let layer_of = |module: &str| {
        rules
            .layers
            .iter()
            .position(|layer| layer.contains(&module))
    };
    let Some(layer) = layer_of(own) else {
        return Vec::new();
    };
    let mut broken = Vec::new();
    for (line, path) in source.paths() {
        let Some(named) = path
            .strip_prefix("crate::")
            .and_then(|path| path.split("::").next())
        else {
            continue;
        };
        // Macros of the crate's own and types at its top have no layer.
        let is_module = named.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let is_above = layer_of(named).is_none_or(|of_named| of_named > layer);
        let is_borrowed = BORROWED
            .iter()
            .any(|(path, module, _)| source.path == *path && named == *module);
        if is_module && named != own && is_above && !is_leaf(rules, named) && !is_borrowed {
            broken.push(format!(
                "{}:{line} names crate::{named}, which is above {own}",
                source.path
            ));
        }
    }
    broken
}

/// Modules that import nothing of their crate are nobody's layer.
fn is_leaf(rules: &Layers, module: &str) -> bool {
    let leaves: &[&str] = match rules.crate_src {
        "collector/src" => &["clock", "folder", "config", "credential", "http"],
        "agent/src" => &["config"],
        _ => &[],
    };
    leaves.contains(&module)
}

#[test]
fn imports_point_one_way() {
    let shipped = sources().iter().filter(|source| !source.is_test());
    let broken: Vec<String> = shipped
        .flat_map(|source| [broken_nevers(source), broken_layers(source)].concat())
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// A borrowing that ended has to leave the list.
#[test]
fn borrowings_are_still_needed() {
    for (path, module, why) in BORROWED {
        let names = format!("crate::{module}::");
        let source = sources().iter().find(|source| source.path == path);
        let is_needed = source.is_some_and(|source| {
            let mut paths = source.paths().into_iter();
            paths.any(|(_, path)| path.starts_with(&names))
        });
        assert!(
            is_needed,
            "{path} no longer names {module} ({why}): take it off the list"
        );
    }
}

/// Places in the rules that are no longer there hold nothing any more.
#[test]
fn the_places_of_the_rules_exist() {
    let sources = sources();
    let exists = |place: &str| sources.iter().any(|source| source.is_in(&[place]));
    for place in NEVER.iter().flat_map(|rule| rule.places) {
        assert!(exists(place), "{place} is gone: change the rule");
    }
}

/// `sqlx` is named by the collector's store alone, and by tests that go past it.
#[test]
fn only_the_store_names_sqlx() {
    for source in sources()
        .iter()
        .filter(|s| !s.is_in(&["collector/src/store"]))
    {
        let is_tampering = source.is_in(&["integration-tests/tests/it"]);
        let names = source
            .paths()
            .into_iter()
            .any(|(_, path)| path.starts_with("sqlx"));
        assert!(!names || is_tampering, "{} names sqlx", source.path);
    }
}

/// Only drivers read a clock: these files alone are let off what `clippy.toml` forbids.
#[test]
fn clocks_are_read_in_named_files_only() {
    let drivers = [
        "agent/src/driver.rs",
        "agent/src/cli",
        "agent/installer/src/clock.rs",
        "agent/installer/steps/src/clock.rs",
        "agent/notice/src/clock.rs",
        "collector/src/clock.rs",
        "collector/signer/src/clock.rs",
        "integration-tests/src",
    ];
    let word = concat!("clippy::disallowed", "_methods");
    let reads = |it: &&Source| it.text.contains(word) || it.code.contains("clock_gettime");
    for source in sources().iter().filter(reads) {
        assert!(
            source.is_in(&drivers),
            "{} reads a clock: take `now` as an argument",
            source.path
        );
    }
}

#[test]
fn wrong_imports_are_found() {
    let broken = |path: &str, code: &str| {
        let source = Source::of(path, code);
        broken_nevers(&source).len() + broken_layers(&source).len()
    };
    let codec = "common/src/codec.rs";
    assert_eq!(broken(codec, "use std::{fmt, fs::File};"), 1);
    assert_eq!(broken(codec, "let a = std::time::Instant::now();"), 1);
    assert_eq!(broken(codec, "use std::time::Duration;"), 0);
    assert_eq!(
        broken("collector/src/store/jobs.rs", "use crate::fleet::Index;"),
        1
    );
    assert_eq!(
        broken(
            "collector/src/store/jobs.rs",
            "use super::super::fleet::Index;"
        ),
        1
    );
    assert_eq!(
        broken(
            "collector/src/store/jobs.rs",
            "use crate::schedule::window;"
        ),
        0
    );
    assert_eq!(
        broken(
            "collector/src/schedule/planner/fit.rs",
            "use crate::store::Store;"
        ),
        1
    );
    assert_eq!(
        broken("common/src/job/x.rs", "fn a() { std::process::exit(1) }"),
        1
    );
    assert_eq!(
        broken(
            "agent/installer/steps/src/runner.rs",
            "use tokio::process::Command;"
        ),
        1
    );
}
