//! The checks of what a machine's settings say, who it is, and what its system gives.

use super::super::gather::Facts;
use super::{found, named};
use crate::inventory::BadDatabase;
use patchward_common::doctor::Finding;

/// Settings of the agent that cannot be used.
pub(in crate::cli::doctor) fn unusable(problem: String) -> Option<Finding> {
    found(
        "settings",
        problem,
        "the agent does not start with them, and nothing else could be looked at",
        "correct the file and ask again; every key stands in the one that the package brings",
    )
}

/// Settings of the installer that cannot be used.
pub(super) fn settings(facts: &Facts) -> Option<Finding> {
    found(
        "settings",
        facts.installer_settings.clone()?,
        "the installer does not start with them, and nothing is installed",
        "correct the file; `systemctl status patchward-installer` says what else is wrong with it",
    )
}

pub(super) fn identity(facts: &Facts) -> Option<Finding> {
    let (enrolled, pinned) = (facts.enrolled_as.as_ref()?, facts.pinned_as.as_ref()?);
    if enrolled == pinned {
        return None;
    }
    found(
        "identity",
        format!("the agent's certificate is of machine {enrolled}, and the installer is {pinned}"),
        "the collector takes this machine for another one, and the installer refuses its orders",
        "where this is a copy of another machine's disk, or the installer was pinned anew: enrol \
         again with a token (`patchward-agent enroll --again`)",
    )
}

pub(super) fn boot(facts: &Facts) -> Option<Finding> {
    found(
        "boot",
        facts.no_boot.clone()?,
        "nobody can tell whether this machine was restarted, and no go counts without that",
        "see that /proc is mounted and `boot_id_file` in the settings is right; it is usually set \
         nowhere",
    )
}

pub(super) fn packages(facts: &Facts) -> Option<Finding> {
    let matters = "what is installed here is not known for sure, and an install of packages fails";
    match facts.packages.as_ref()? {
        Err(bad) => found(
            "packages",
            format!("the list of packages cannot be read: {bad}"),
            matters,
            match bad {
                BadDatabase::Content { .. } => {
                    "put the newest of /var/backups/dpkg.status.* in its place, then run \
                     `dpkg --audit`"
                }
                // Files come and go there while somebody installs.
                BadDatabase::Io { .. } => {
                    "ask again when nothing is being installed; where it is the same then, look \
                     who may read that file, and at the disk"
                }
                BadDatabase::TooManyUpdates(_) => {
                    "where nothing is being installed right now, run `dpkg --configure -a` as root"
                }
            },
        ),
        Ok(unfinished) if unfinished.is_empty() || facts.is_installing => None,
        Ok(unfinished) => found(
            "packages",
            format!("dpkg left these between two states: {}", named(unfinished)),
            matters,
            "where nothing is being installed right now, run `dpkg --configure -a` as root; \
             `dpkg --audit` says what is left",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::BadStatus;
    use std::io::ErrorKind;

    fn todo(bad: BadDatabase) -> String {
        let facts = Facts {
            packages: Some(Err(bad)),
            ..Facts::default()
        };
        packages(&facts).unwrap().todo
    }

    #[test]
    fn only_a_damaged_list_of_packages_is_taken_from_a_backup() {
        let path = || "/var/lib/dpkg/status".into();
        let (source, problem) = (ErrorKind::NotFound.into(), BadStatus::CutOff);
        let damaged = todo(BadDatabase::Content {
            path: path(),
            problem,
        });
        let gone = todo(BadDatabase::Io {
            path: path(),
            source,
        });
        let many = todo(BadDatabase::TooManyUpdates(path()));
        let says = [&damaged, &gone, &many].map(|todo| todo.contains("/var/backups"));
        assert_eq!(says, [true, false, false]);
        assert!(gone.contains("ask again"), "{gone}");
        assert!(many.contains("dpkg --configure -a"), "{many}");
    }

    #[test]
    fn between_two_states_is_no_fault_while_somebody_installs() {
        let mut facts = Facts {
            packages: Some(Ok(vec!["viewer".into()])),
            ..Facts::default()
        };
        assert!(packages(&facts).is_some());
        facts.is_installing = true;
        assert_eq!(packages(&facts), None);
    }
}
