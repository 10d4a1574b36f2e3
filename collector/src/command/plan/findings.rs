//! What the plan check finds, in the words of people.

use super::severity;
use crate::control::{Cell, Failure, Table};
use crate::store::View;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::plan::check::{Finding, Severity, Subject};
use patchward_common::plan::wave_number;
use std::collections::BTreeMap;

/// What people call machines and plans.
pub(super) struct Named {
    machines: BTreeMap<MachineId, String>,
    plans: BTreeMap<Digest, String>,
}

impl Named {
    /// Reads the names that a plan's findings are about.
    pub(super) async fn of(
        view: &mut View,
        plan: &Digest,
        findings: &[Finding],
    ) -> Result<Self, Failure> {
        let (mut names_machine, mut plans) = (false, BTreeMap::new());
        for finding in findings {
            match &finding.subject {
                Subject::Machine(_) => names_machine = true,
                Subject::Beside(other) => {
                    let other = view.plan(other).await?;
                    plans.extend(other.map(|one| (one.id, one.title.to_string())));
                }
                _ => {}
            }
        }
        Ok(Self {
            plans,
            machines: match names_machine {
                true => view.names_of_plan(plan).await?,
                false => BTreeMap::new(),
            },
        })
    }

    fn about(&self, subject: &Subject) -> String {
        match subject {
            Subject::Plan => "the plan".to_owned(),
            Subject::Machine(machine) => match self.machines.get(machine) {
                Some(name) => format!("machine {name}"),
                None => format!("machine {machine}"),
            },
            Subject::Group(group) => format!("group {group}"),
            Subject::Release(product) => format!("release {product}"),
            Subject::Unit(unit) => format!("unit {unit}"),
            Subject::Site(site) => format!("site {site}"),
            Subject::Wave(wave) => format!("wave {}", wave_number(*wave)),
            Subject::Beside(plan) => match self.plans.get(plan) {
                Some(title) => format!("plan {title:?}"),
                None => format!("plan {}", &plan.to_string()[..12]),
            },
        }
    }
}

/// Findings as people and programs see them.
pub(super) fn table(findings: &[Finding], named: &Named) -> Table {
    let mut table = Table::new(&["finding", "rule", "about", "text"]);
    for finding in findings {
        let about = named.about(&finding.subject);
        let word = severity(finding.severity);
        row(
            &mut table,
            word,
            &finding.rule.words(),
            about,
            &finding.text,
        );
    }
    table
}

/// Adds what this collector knows of a release beside the plan check, which `patchward-sign`
/// does not: it warns, or notes.
pub(in crate::command) fn add(
    table: &mut Table,
    warns: bool,
    rule: &str,
    release: &str,
    text: &str,
) {
    let word = match warns {
        true => severity(Severity::Warns),
        false => "notes",
    };
    row(table, word, rule, format!("release {release}"), text);
}

/// Adds what is read before all else.
pub(super) fn add_first(table: &mut Table, rule: &str, release: &str, text: &str) {
    row(
        table,
        severity(Severity::Warns),
        rule,
        format!("release {release}"),
        text,
    );
    table.rows.rotate_right(1);
}

fn row(table: &mut Table, finding: &str, rule: &str, about: String, text: &str) {
    table.row(vec![
        Cell::of(finding),
        Cell::of(rule),
        Cell::of(about),
        Cell::of(text),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::plan::check::Rule;

    #[test]
    fn machines_and_plans_have_names_and_rules_are_words() {
        let machine = MachineId([7; 32]);
        let plan = Digest::of(b"other");
        let named = Named {
            machines: BTreeMap::from([(machine, "pc-7".to_owned())]),
            plans: BTreeMap::from([(plan, "viewer 4.2".to_owned())]),
        };
        for (subject, about) in [
            (Subject::Machine(machine), "machine pc-7"),
            (Subject::Beside(plan), "plan \"viewer 4.2\""),
            (Subject::Wave(0), "wave 1"),
        ] {
            let finding = Finding {
                severity: Severity::Warns,
                rule: Rule::MinimumReady,
                subject,
                text: "why".into(),
            };
            let row = table(&[finding], &named).rows.remove(0);
            assert_eq!(row[2], Cell::of(about));
            assert_eq!(row[1], Cell::of("minimum ready"));
        }
        let unknown = named.about(&Subject::Beside(Digest::default()));
        assert_eq!(unknown, "plan 000000000000");
    }
}
