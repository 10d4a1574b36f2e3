//! One document at a time, line by line.

use super::{plain, table};
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf};
use patchward_common::trust::charter::{Charter, RootKeys, TimeReset};
use patchward_common::trust::roster::{KeyKind, Roster, SigningRole, Units};
use patchward_common::trust::sign::Document;
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Scope, Stop};

/// A document that can be told in words.
pub(crate) trait Described: Document {
    /// What it is called in a question.
    const WORD: &'static str;

    /// What it says.
    fn words(&self) -> String;

    /// Why no machine would accept it, whoever signs it; asked before it is signed.
    fn problem(&self) -> Option<String> {
        None
    }

    /// Itself, where a machine could accept it.
    fn whole(self) -> Result<Self, String> {
        match self.problem() {
            Some(problem) => Err(problem),
            None => Ok(self),
        }
    }
}

/// What a document says, ready for a terminal.
pub(crate) fn describe<T: Described>(document: &T) -> String {
    plain(&document.words())
}

fn root(root: &RootKeys) -> String {
    let keys: Vec<String> = root.keys.iter().map(|key| format!("  {key}\n")).collect();
    format!(
        "Root: {} of these {} keys must sign the next charter (fingerprint {})\n{}",
        root.threshold,
        root.keys.len(),
        root.fingerprint(),
        keys.concat()
    )
}

impl Described for Charter {
    const WORD: &'static str = "charter";

    fn problem(&self) -> Option<String> {
        if !self.root.is_valid() {
            let text = "root: give up to 16 different keys that are keys, and a threshold from 1 to their number";
            return Some(text.into());
        }
        let problem = self.check().err();
        problem.map(|problem| format!("no machine accepts this charter: {problem}"))
    }

    fn words(&self) -> String {
        let registrars = self.registrars.iter();
        let registrars = registrars.map(|r| [r.name.to_string(), r.key.to_string()]);
        let vendors = self.vendors.iter().map(|grant| {
            [
                grant.vendor.to_string(),
                grant.publisher.words().to_owned(),
                grant.repository.to_string(),
                names(&grant.products),
                grant.paths.join(", "),
                grant.root.to_string(),
            ]
        });
        format!(
            "Charter {}, valid until {}\n{}\nRegistrars may sign rosters:\n{}\n\nVendors may speak for:\n{}",
            self.number,
            self.expires,
            root(&self.root),
            table(["registrar", "key"], registrars.collect()),
            table(
                [
                    "vendor",
                    "whose",
                    "repository",
                    "products",
                    "paths",
                    "first TUF root"
                ],
                vendors.collect()
            )
        )
    }
}

impl Described for Roster {
    const WORD: &'static str = "roster";

    fn problem(&self) -> Option<String> {
        let problem = self.check().err();
        problem.map(|problem| format!("no machine accepts this roster: {problem}"))
    }

    fn words(&self) -> String {
        let people = self.people.iter().map(|person| {
            let roles: Vec<&str> = person
                .roles
                .iter()
                .map(|role| match role {
                    SigningRole::Approver => "approver",
                    SigningRole::Technician => "technician",
                })
                .collect();
            let units = match &person.units {
                Units::All => "all".to_owned(),
                Units::Only(units) => names(units),
            };
            let keys: Vec<String> = person
                .keys
                .iter()
                .map(|key| {
                    let kind = match key.kind {
                        KeyKind::File => "file",
                        KeyKind::Browser => "browser",
                    };
                    format!("{kind} {} until {}", key.key, key.until)
                })
                .collect();
            [
                format!("{} ({})", person.name, person.id),
                roles.join(", "),
                units,
                keys.join("\n"),
            ]
        });
        let go_keys = self.go_keys.iter().map(|key| {
            [
                key.collector.to_string(),
                key.key.to_string(),
                key.until.to_string(),
            ]
        });
        format!(
            "Roster {}, valid until {}\nApprovers needed: {} for standard, {} for critical, {} for life support\n\n{}\n\nCollectors may say go:\n{}",
            self.number,
            self.expires,
            self.approvers.standard,
            self.approvers.critical,
            self.approvers.life_support,
            table(["person", "roles", "units", "keys"], people.collect()),
            table(["collector", "go-key", "until"], go_keys.collect())
        )
    }
}

impl Described for Stop {
    const WORD: &'static str = "stop";

    fn words(&self) -> String {
        let scope = match &self.scope {
            Scope::Plan(plan) => format!("plan {plan}"),
            Scope::Release(release) => format!("release {release}"),
            Scope::Vendor(vendor) => format!("everything from vendor {vendor}"),
            Scope::Unit(unit) => format!("everything in unit {unit}"),
            Scope::All => "everything".into(),
        };
        format!(
            "Stop {scope}: nothing of it starts any more\nReason: {}",
            self.reason
        )
    }
}

impl Described for Lift {
    const WORD: &'static str = "lift";

    fn words(&self) -> String {
        format!("Lift stop {}\nReason: {}", self.stop, self.reason)
    }
}

impl Described for Downgrade {
    const WORD: &'static str = "downgrade";

    fn words(&self) -> String {
        let machines: Vec<String> = self.machines.iter().map(|m| format!("\n  {m}")).collect();
        format!(
            "Let {} go back from {} to {}, once, until {}, on {} machines:{}\nReason: {}",
            self.product,
            self.from,
            self.to,
            self.expires,
            self.machines.len(),
            machines.concat(),
            self.reason
        )
    }
}

impl Described for Handover {
    const WORD: &'static str = "handover";

    fn words(&self) -> String {
        format!(
            "Hand machine {} over for job {}\nfrom {} to {}\nMeanwhile the ward uses: {}",
            self.machine,
            self.job,
            self.slot.start(),
            self.slot.end(),
            self.stand_in
        )
    }
}

impl Described for TimeReset {
    const WORD: &'static str = "time reset";

    fn words(&self) -> String {
        format!(
            "Let the time watermark of machine {} fall to {}",
            self.machine, self.to
        )
    }
}

/// What an assignment says.
pub(crate) fn assignment(assignment: &Assignment, rows: &[AssignmentLeaf]) -> String {
    let rows = rows.iter().map(|row| {
        [
            row.name.to_string(),
            row.unit.to_string(),
            row.class.word().to_owned(),
            names(&row.groups),
            row.model.to_string(),
            row.mode.word().to_owned(),
            row.machine.to_string(),
        ]
    });
    format!(
        "Assignment {} of {}, for {} machines\n{}",
        assignment.number,
        assignment.issued,
        assignment.machines,
        table(
            [
                "name", "unit", "class", "groups", "model", "mode", "machine"
            ],
            rows.collect()
        )
    )
}

/// Names with commas.
pub(crate) fn names<T: ToString>(names: &[T]) -> String {
    let names: Vec<String> = names.iter().map(T::to_string).collect();
    names.join(", ")
}
