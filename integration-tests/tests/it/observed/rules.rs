//! The rules of alerts in `configs/prometheus`: Prometheus' own program reads and tries them,
//! and they name nothing that is not exported.

use patchward_collector::metrics::FAMILIES;
use patchward_integration_tests::process::run;
use patchward_integration_tests::promtool;
use std::collections::BTreeSet;
use std::process::Command;

const RULES: &str = include_str!("../../../../configs/prometheus/patchward.rules.yml");
const CASES: &str = include_str!("../../../../configs/prometheus/patchward.rules.test.yml");
const PAGE: &str = include_str!("../../../../docs/metrics.md");

fn promtool(words: &[&str]) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/prometheus");
    let mut command = Command::new(promtool::program().unwrap());
    run(command.args(words).current_dir(folder)).unwrap()
}

#[test]
fn prometheus_reads_the_rules_and_their_cases_hold() {
    let read = promtool(&["check", "rules", "patchward.rules.yml"]);
    assert!(read.contains("rules found"), "{read}");
    promtool(&["test", "rules", "patchward.rules.test.yml"]);
}

/// The words of a text that begin as our figures do.
fn figures(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| word.starts_with("patchward_"))
        .collect()
}

#[test]
fn every_figure_of_the_rules_is_exported_and_told() {
    let exported: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
    let named = figures(RULES);
    assert!(named.len() >= 10, "{named:?}");
    for figure in named.iter().chain(&figures(CASES)) {
        assert!(exported.contains(figure), "{figure} is not exported");
        let row = format!("| `{figure}` |");
        assert!(
            PAGE.contains(&row),
            "docs/metrics.md does not tell {figure}"
        );
    }
}

#[test]
fn every_alert_says_what_is_the_case_and_what_to_do_and_has_a_case() {
    let alerts: Vec<&str> = RULES.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 10, "only {} alerts", alerts.len());
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        for word in ["expr: ", "severity: ", "summary: \"", "action: \""] {
            assert_eq!(alert.matches(word).count(), 1, "{name}: {word}");
        }
        assert!(CASES.contains(name), "{name} is never tried");
        assert!(
            PAGE.contains(&format!("`{name}`")),
            "docs/metrics.md: {name}"
        );
    }
}
