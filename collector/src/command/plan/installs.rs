//! What a plan installs and on what, as who signs it has to know: what restarts, for how long a
//! machine is down, and the way back.

use crate::control::{Cell, Table};
use patchward_common::id::{MachineId, Name};
use patchward_common::trust::approval::{Approval, ApprovedRelease, Rollback};
use patchward_common::trust::release::{ABSENT, Reboot};
use std::collections::{BTreeMap, HashMap};

/// What each machine has now of the products of a plan, in words.
pub(super) type HasNow = HashMap<MachineId, String>;

/// The releases in the order of their install.
pub(super) fn table(approval: &Approval) -> Table {
    let mut table = Table::new(&[
        "installs",
        "instead_of",
        "kind",
        "restarts",
        "minutes",
        "way_back",
        "minutes_back",
        "checks",
        "users_will_notice",
        "sha256",
    ]);
    for approved in &approval.releases {
        table.row(row(approved));
    }
    table
}

fn row(approved: &ApprovedRelease) -> Vec<Cell> {
    let release = &approved.release;
    let from = release.applies_to.from.iter().map(|from| version(from));
    let from: Vec<String> = from.collect();
    let checks = release.checks_before.iter().map(|name| (name, "before"));
    let checks = checks.chain(release.checks_after.iter().map(|name| (name, "after")));
    let checks: Vec<String> = checks
        .map(|(name, when)| format!("{name} {when}"))
        .collect();
    vec![
        Cell::of(format!("{} {}", release.product, release.version)),
        match from.is_empty() {
            true => Cell::of("any"),
            false => Cell::of(from.join(", ")),
        },
        Cell::of(release.kind.word()),
        Cell::of(match release.reboot {
            Reboot::None => "nothing",
            Reboot::Service => "the service",
            Reboot::Machine => "the machine",
        }),
        Cell::Number(approved.install_minutes.into()),
        Cell::of(match &approved.rollback {
            Rollback::None => "none staged",
            Rollback::Release(back) => back.release.version.as_str(),
        }),
        Cell::Number(approved.recovery_minutes.into()),
        match checks.is_empty() {
            true => Cell::of("none"),
            false => Cell::of(checks.join(", ")),
        },
        Cell::maybe(release.users_will_notice.as_ref()),
        Cell::of(approved.sha256),
    ]
}

/// What machines have now: the version alone where it is of one product.
pub(super) fn has_now<'a>(
    machines: impl Iterator<Item = (MachineId, &'a BTreeMap<Name, String>)>,
) -> HasNow {
    let has = machines.map(|(machine, versions)| {
        let words = versions
            .iter()
            .map(|(product, found)| match versions.len() {
                1 => version(found),
                _ => format!("{product} {}", version(found)),
            });
        (machine, words.collect::<Vec<_>>().join(", "))
    });
    has.filter(|(_, words)| !words.is_empty()).collect()
}

fn version(found: &str) -> String {
    match found {
        ABSENT => "not installed".to_owned(),
        found => found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_its_versions_and_what_it_lacks_is_said() {
        let name = |text| Name::new(text).unwrap();
        let one = BTreeMap::from([(name("viewer"), "4.2.1".to_owned())]);
        let two = BTreeMap::from([
            (name("viewer"), "4.2.1".to_owned()),
            (name("db"), ABSENT.to_owned()),
        ]);
        let machines = [1, 2, 3].map(|number| MachineId([number; 32]));
        let none = BTreeMap::new();
        let has = has_now(machines.into_iter().zip([&one, &two, &none]));
        assert_eq!(has[&machines[0]], "4.2.1");
        assert_eq!(has[&machines[1]], "db not installed, viewer 4.2.1");
        assert!(!has.contains_key(&machines[2]));
    }
}
