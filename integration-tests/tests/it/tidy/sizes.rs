//! How long files, functions and the installer are.

use super::source::{Source, item_length, root, sources};

/// Longest file: beyond it there are two subjects in one.
const MAX_FILE_LINES: usize = 400;
/// Longest function: what a reader holds at once. A test may be longer where it is a
/// table.
const MAX_FUNCTION_LINES: usize = 70;
/// What runs as root, with the most lines that each folder may have. Counted are the lines
/// that hold code in its `**/*.rs`: neither blank nor only comment, not in a test file, not
/// in an item under `#[cfg(test)]`.
const AS_ROOT: [(&str, usize); 2] = [
    // What decides: one person reads it in one sitting.
    ("agent/installer/src", 2_700),
    // What carries out: read one kind at a time, beside what all of them stand on.
    ("agent/installer/steps/src", 1_650),
];
/// How far an exception may lie above what it excepts: it has to follow it down.
const SLACK_LINES: usize = 100;

/// Something over its limit, for now.
struct Exception {
    /// The file, or `file:function`.
    what: &'static str,
    /// Its most lines.
    lines: usize,
    why: &'static str,
}

/// This list shrinks. What is within the limit again, or gone, has to leave it.
const EXCEPTIONS: &[Exception] = &[
    Exception {
        what: "collector/signer/src/tests/documents.rs",
        lines: 600,
        why: "one list of what each document refuses",
    },
    Exception {
        what: "collector/src/command/token.rs:run",
        lines: 90,
        why: "one arm per command",
    },
    Exception {
        what: "collector/src/fleet/ca.rs",
        lines: 460,
        why: "its tests are most of the excess",
    },
    Exception {
        what: "collector/src/schedule/planner/tests.rs",
        lines: 500,
        why: "one hospital behind all its tests",
    },
    Exception {
        what: "collector/src/schedule/window/tests.rs",
        lines: 520,
        why: "tables of dates",
    },
    Exception {
        what: "common/src/evidence/job.rs:verify",
        lines: 90,
        why: "the chain of a job's evidence, one link after another",
    },
    Exception {
        what: "common/src/plan/check/tests.rs",
        lines: 760,
        why: "one plan behind every rule's test",
    },
    Exception {
        what: "common/src/wire/machine.rs",
        lines: 500,
        why: "every message of one protocol, as its schema has them",
    },
    Exception {
        what: "integration-tests/src/fixture.rs",
        lines: 480,
        why: "a store with everything in it",
    },
    Exception {
        what: "integration-tests/src/hospital.rs",
        lines: 680,
        why: "the hospital in a folder; its documents can leave it",
    },
    Exception {
        what: "integration-tests/tests/it/store/fleet.rs",
        lines: 520,
        why: "what machines report, on two engines",
    },
    Exception {
        what: "common/src/evidence/tests.rs",
        lines: 720,
        why: "one pack behind every rule's test",
    },
    Exception {
        what: "integration-tests/src/bench/checks.rs:run",
        lines: 90,
        why: "one figure after another",
    },
    Exception {
        what: "collector/src/rollout/go/tests.rs",
        lines: 500,
        why: "one snapshot behind every reason for not now",
    },
];

/// Everything longer than its limit, with its lines.
fn long(sources: &[Source]) -> Vec<(String, usize)> {
    let mut long = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        if lines > MAX_FILE_LINES {
            long.push((source.path.clone(), lines));
        }
        let is_test = source.is_test() || source.path.starts_with("integration-tests/tests/");
        let shipped = if is_test { "" } else { &source.shipped };
        let functions = functions(shipped).into_iter();
        long.extend(
            functions
                .filter(|(_, lines)| *lines > MAX_FUNCTION_LINES)
                .map(|(name, lines)| (format!("{}:{name}", source.path), lines)),
        );
    }
    for (folder, most) in AS_ROOT {
        let lines = code_lines(sources, folder);
        if lines > most {
            long.push((folder.to_owned(), lines));
        }
    }
    long
}

/// Every function with its lines, from `fn` to the closing brace.
fn functions(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let starts_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let after = code[at + 3..].split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let name = after.into_iter().next().unwrap_or_default();
        if starts_word && !name.is_empty() {
            let item = &code[at..at + item_length(&code[at..])];
            found.push((name.to_owned(), item.matches('\n').count() + 1));
        }
    }
    found
}

/// The lines of a folder that hold code.
fn code_lines(sources: &[Source], folder: &str) -> usize {
    let counted = |source: &&Source| source.is_in(&[folder]) && !source.is_test();
    let has_code = |line: &&str| !line.trim().is_empty();
    let lines = |source: &Source| source.shipped.lines().filter(has_code).count();
    sources.iter().filter(counted).map(lines).sum()
}

#[test]
fn files_and_functions_stay_short() {
    let long = long(sources());
    let mut wrong = Vec::new();
    for (what, lines) in &long {
        let exception = EXCEPTIONS.iter().find(|exception| exception.what == *what);
        match exception {
            None => wrong.push(format!("{what}: {lines} lines; split it")),
            Some(e) if *lines > e.lines => {
                wrong.push(format!(
                    "{what}: {lines} lines, and {} are excepted",
                    e.lines
                ));
            }
            Some(e) if lines + SLACK_LINES < e.lines => {
                wrong.push(format!(
                    "{what}: {lines} lines; lower its exception of {}",
                    e.lines
                ));
            }
            Some(_) => {}
        }
    }
    for exception in EXCEPTIONS {
        assert!(!exception.why.is_empty());
        if !long.iter().any(|(what, _)| what == exception.what) {
            wrong.push(format!(
                "{}: short enough or gone; take its exception away",
                exception.what
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The folders that are counted are those that exist, and the installer has no code
/// beside them.
#[test]
fn the_installer_is_counted() {
    for (folder, _) in AS_ROOT {
        let lines = code_lines(sources(), folder);
        assert!(lines > 1_000, "only {lines} lines of {folder} were found");
    }
    assert!(root().join("agent/installer/src/main.rs").is_file());
    let folders = AS_ROOT.map(|(folder, _)| folder);
    for source in sources().iter().filter(|s| s.is_in(&["agent/installer"])) {
        let is_counted = source.is_test() || source.is_in(&folders);
        assert!(is_counted, "{} is counted nowhere", source.path);
    }
}

#[test]
fn lengths_are_counted_from_fn_to_brace() {
    let code = "fn a(x: [u8; 4]) -> [u8; 2] {\n  if x {\n  }\n}\ntrait T {\n    fn b(&self);\n}\n";
    assert_eq!(functions(code), [("a".to_owned(), 4), ("b".to_owned(), 1)]);
    let body = "    a();\n".repeat(MAX_FUNCTION_LINES);
    let text = format!("fn long() {{\n{body}}}\n#[cfg(test)]\nmod tests {{\n}}\n");
    let source = Source::of("agent/installer/src/x.rs", &text);
    assert_eq!(
        code_lines(std::slice::from_ref(&source), "agent/installer/src"),
        MAX_FUNCTION_LINES + 2
    );
    let found = long(&[source]);
    assert_eq!(
        found,
        [(
            "agent/installer/src/x.rs:long".to_owned(),
            MAX_FUNCTION_LINES + 2
        )]
    );
}
