//! What `doctor` says, of the collector and of a machine alike: each check by its name, and of
//! what is wrong why it matters and what to do now.

use serde::Serialize;
use serde_json::{Value, json};

/// How much of a disk must be free, in megabytes: a release with its way back, and room to
/// write down what happens meanwhile.
pub const LEAST_FREE_MEGABYTES: u64 = 1_000;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check that found it, in one word.
    pub check: &'static str,
    /// What is wrong.
    pub wrong: String,
    /// Why it matters.
    pub matters: &'static str,
    /// What to do now.
    pub todo: String,
}

/// What was looked at, and what of it is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// The checks that were made, by name.
    pub checks: Vec<&'static str>,
    /// What they found.
    pub findings: Vec<Finding>,
}

impl Examined {
    /// Whether nothing was found.
    pub fn is_well(&self) -> bool {
        self.findings.is_empty()
    }

    /// For people: what is wrong first.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for found in &self.findings {
            lines.push(format!("FAIL  {:<12} {}", found.check, found.wrong));
            lines.push(format!("      why it matters: {}", found.matters));
            lines.push(format!("      what to do: {}", found.todo));
        }
        let is_found = |check: &&&str| !self.findings.iter().any(|found| found.check == **check);
        let well: Vec<&str> = self.checks.iter().filter(is_found).copied().collect();
        lines.push(format!("ok    {}", well.join(", ")));
        lines.join("\n")
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({ "well": self.is_well(), "checks": self.checks, "findings": self.findings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_comes_first_with_what_to_do() {
        let examined = Examined {
            checks: vec!["disk", "clock"],
            findings: vec![Finding {
                check: "clock",
                wrong: "it is 9 days behind".into(),
                matters: "nothing starts",
                todo: "set it".into(),
            }],
        };
        let text = examined.text();
        assert!(text.starts_with("FAIL  clock"), "{text}");
        assert!(
            text.contains("what to do: set it") && text.ends_with("ok    disk"),
            "{text}"
        );
        assert!(!examined.is_well() && Examined::default().is_well());
        assert_eq!(examined.json()["findings"][0]["check"], "clock");
    }
}
