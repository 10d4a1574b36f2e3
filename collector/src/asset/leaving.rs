//! What has to be done before an asset leaves for good. Steps that can be measured are
//! measured; the others are a person's word.

use crate::store::machines::MachineState;
use patchward_common::id::Name;

/// A step that only people can do: its word, and what it means.
pub const BY_PEOPLE: [(&str, &str); 3] = [
    (
        "data",
        "patient data is erased, or the medium destroyed, as its instructions say",
    ),
    (
        "network",
        "its network port, addresses and firewall rules are withdrawn",
    ),
    (
        "records",
        "service contract, licences and the equipment database know that it is gone",
    ),
];

/// The machine that an asset is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Whether it belongs to the fleet.
    pub state: MachineState,
    /// Coverage groups in which its assignment counts it.
    pub groups: Vec<Name>,
    /// Whether a job of it is open.
    pub has_open_job: bool,
    /// How many jobs and proofs of it are kept.
    pub kept: (u64, u64),
}

/// A step, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its word.
    pub step: &'static str,
    /// What it means.
    pub what: String,
    /// Who does it.
    pub who: &'static str,
    /// Whether it is done.
    pub is_done: bool,
    /// What to do, or how it stands.
    pub how: String,
}

/// Every step. `group` is the coverage group that the list has it in; `done` are the words
/// of those steps that people said are done.
pub fn steps(machine: Option<&Machine>, group: Option<&Name>, done: &[String]) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(machine) = machine {
        steps.extend(of_machine(machine));
    }
    steps.extend(group.map(|group| Step {
        step: "listed_group",
        what: format!("the list has it no more in coverage group {group}"),
        who: "collector",
        is_done: false,
        how: "done with --reason".to_owned(),
    }));
    steps.extend(BY_PEOPLE.iter().map(|(word, what)| {
        let is_done = done.iter().any(|one| one == word);
        Step {
            step: word,
            what: (*what).to_owned(),
            who: "people",
            is_done,
            how: match is_done {
                true => "a person said so".to_owned(),
                false => format!("once it is done: --done {word}"),
            },
        }
    }));
    steps
}

fn of_machine(machine: &Machine) -> [Step; 5] {
    let name = &machine.name;
    let is_cut = machine.state.is_gone();
    let groups: Vec<&str> = machine.groups.iter().map(Name::as_str).collect();
    let (jobs, proofs) = machine.kept;
    [
        Step {
            step: "jobs",
            what: "no work on it is open".to_owned(),
            who: "htm",
            is_done: !machine.has_open_job,
            how: match machine.has_open_job {
                true => format!("end its job first: `job list --machine {name}`"),
                false => "none is".to_owned(),
            },
        },
        Step {
            step: "groups",
            what: "its places in coverage groups are free".to_owned(),
            who: "htm",
            is_done: groups.is_empty(),
            how: match groups.is_empty() {
                true => "it has none".to_owned(),
                false => format!(
                    "it counts in {}: let HTM sign an assignment of it without groups",
                    groups.join(", ")
                ),
            },
        },
        Step {
            step: "access",
            what: "its key is revoked".to_owned(),
            who: "collector",
            is_done: is_cut,
            how: match is_cut {
                true => format!("it is {}", machine.state.word()),
                false => "done with --reason".to_owned(),
            },
        },
        Step {
            step: "evidence",
            what: "its evidence stays".to_owned(),
            who: "collector",
            is_done: true,
            how: format!("{jobs} jobs with {proofs} proofs are kept, and stay"),
        },
        Step {
            step: "link",
            what: format!("the asset's link to machine {name} ends"),
            who: "collector",
            is_done: false,
            how: "done with --reason; the audit log keeps which it was".to_owned(),
        },
    ]
}

/// What others than the collector still have to do.
pub fn open(steps: &[Step]) -> Vec<&Step> {
    let open = steps.iter().filter(|step| !step.is_done);
    open.filter(|step| step.who != "collector").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_while_a_step_of_people_is_open() {
        let mut machine = Machine {
            name: "pc-1".into(),
            state: MachineState::Enrolled,
            groups: vec![Name::new("readers").unwrap()],
            has_open_job: true,
            kept: (2, 5),
        };
        let all: Vec<String> = BY_PEOPLE.iter().map(|(word, _)| (*word).into()).collect();
        let left = |machine: Option<&Machine>, done: &[String]| {
            let steps = steps(machine, None, done);
            let open: Vec<_> = open(&steps).iter().map(|step| step.step).collect();
            open
        };
        let everything = ["jobs", "groups", "data", "network", "records"];
        assert_eq!(left(Some(&machine), &[]), everything);
        assert_eq!(left(Some(&machine), &all), ["jobs", "groups"]);
        machine.groups.clear();
        machine.has_open_job = false;
        assert_eq!(left(Some(&machine), &all), [""; 0]);
        assert_eq!(left(None, &all[1..]), ["data"]);
    }
}
