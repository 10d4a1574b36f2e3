//! Every fuzz target is built, described and has a seed: a target that begins with nothing
//! stays at its first check.

use super::source::root;
use std::collections::BTreeSet;

fn text(path: &str) -> String {
    let text = std::fs::read_to_string(root().join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of `[[bin]]`s in a manifest.
fn built(manifest: &str) -> BTreeSet<&str> {
    let bins = manifest.split("[[bin]]").skip(1);
    bins.filter_map(|bin| bin.split_once("name = \"")?.1.split('"').next())
        .collect()
}

/// The first column of the table of targets.
fn described(page: &str) -> BTreeSet<&str> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

/// The targets that the script makes seeds for.
fn seeded(script: &str) -> BTreeSet<&str> {
    let lines = script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines
        .flat_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let pairs: Vec<_> = words.windows(2).map(|pair| (pair[0], pair[1])).collect();
            pairs
        })
        .filter(|(word, _)| matches!(*word, "seed" | "example"))
        .map(|(_, target)| target)
        // In the functions themselves the target is a variable.
        .filter(|target| {
            target
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        })
        .collect()
}

#[test]
fn every_fuzz_target_is_built_described_and_seeded() {
    let (manifest, page, script) = (
        text("fuzz/Cargo.toml"),
        text("docs/fuzzing.md"),
        text("fuzz/seeds"),
    );
    let targets = built(&manifest);
    assert!(targets.len() >= 20, "only {targets:?}");
    assert_eq!(described(&page), targets, "docs/fuzzing.md");
    assert_eq!(seeded(&script), targets, "fuzz/seeds");
    let files = std::fs::read_dir(root().join("fuzz/fuzz_targets")).expect("the targets");
    let files: BTreeSet<String> = files
        .flatten()
        .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    assert_eq!(
        files.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        targets
    );
}

#[test]
fn a_target_without_a_seed_is_found() {
    assert_eq!(
        built("name = \"fuzz\"\n[[bin]]\nname = \"wire\"\npath = \"x\"\n"),
        BTreeSet::from(["wire"])
    );
    assert_eq!(
        described("| target | decodes |\n|---|---|\n| `wire` | requests |\n"),
        BTreeSet::from(["wire"])
    );
    let script = "seed() {\n seed \"$1\" x\n}\n# seed other\nx | seed wire 1\n request) example local 00 ;;\n";
    assert_eq!(seeded(script), BTreeSet::from(["local", "wire"]));
}
