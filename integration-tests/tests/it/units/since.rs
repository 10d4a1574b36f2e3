//! Which systemd knows what the units say, and what the packages ask for.

use super::file::{Unit, tree, units};
use patchward_integration_tests::packages::{Package, oldest_systemd};
use std::collections::BTreeSet;

/// Since which systemd, at the latest, it knows what the units say, by the lists of news and the
/// manual pages of its releases; 0 is long ago. A directive that is not here is looked up and added.
const SINCE: [(u32, &str); 12] = [
    (
        0,
        "After CapabilityBoundingSet ConditionPathExists ConditionPathExistsGlob Description DirectoryMode \
         Documentation Environment ExecStart Group IOSchedulingClass KillMode LimitNOFILE ListenStream Nice \
         NoNewPrivileges OnCalendar PrivateNetwork PrivateTmp Requires RequiresMountsFor Restart \
         RestartPreventExitStatus RestartSec SocketMode SupplementaryGroups SystemCallFilter \
         TimeoutStartSec TimeoutStopSec Type UMask User WantedBy Wants WatchdogSec",
    ),
    (
        229,
        "AmbientCapabilities DeviceAllow DevicePolicy Persistent PrivateDevices ProtectHome ProtectSystem \
         RandomizedDelaySec RestrictAddressFamilies SystemCallArchitectures SystemCallErrorNumber TasksMax",
    ),
    (
        232,
        "DynamicUser MemoryDenyWriteExecute MemoryMax PrivateUsers ProtectControlGroups \
         ProtectKernelModules ProtectKernelTunables ReadWritePaths RemoveIPC RestrictRealtime \
         StartLimitIntervalSec",
    ),
    (233, "RestrictNamespaces"),
    (
        235,
        "IPAddressDeny LockPersonality StateDirectory StateDirectoryMode",
    ),
    (239, "PrivateMounts"),
    (242, "ProtectHostname RestrictSUIDSGID"),
    (243, "OOMPolicy"),
    (244, "ProtectKernelLogs"),
    (245, "ProtectClock"),
    (247, "ProcSubset ProtectProc"),
    (250, "LoadCredentialEncrypted"),
];
/// The set of system calls that most units let be made, without which they let none be made.
const CALLS: (u32, &str) = (239, "@system-service");

/// What a unit's directive is called in the table of docs/packages.md, and who passes over it.
type Row = (String, u32, String);

fn since(unit: &Unit, directive: &str) -> u32 {
    let known = SINCE
        .iter()
        .find(|(_, names)| names.split_whitespace().any(|name| name == directive));
    let (since, _) = known
        .unwrap_or_else(|| panic!("{}: since which systemd is there {directive}=?", unit.name));
    *since
}

/// Rows of the table: a directive, since when it is known, and of which package's units.
fn told(text: &str) -> BTreeSet<Row> {
    let section = text.split("\n### What an older systemd passes over\n");
    let section = section.last().unwrap_or_default();
    let section = section.split("\n#").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [directive, since, package, why] = cells[..] else {
            panic!("not four cells: {line}");
        };
        assert!(why.len() > 20, "{directive}: {why:?} explains nothing");
        let directive = directive.trim_matches('`').trim_end_matches('=');
        (
            directive.to_owned(),
            since.parse().unwrap(),
            package.to_owned(),
        )
    })
    .collect()
}

/// Each package asks for the systemd that its units need; what an older one than that which knows
/// all of it passes over stands in the docs, and nothing else does.
#[test]
fn what_an_older_systemd_passes_over_is_told() {
    let mut passed = BTreeSet::new();
    for unit in units() {
        let package = Package::ALL
            .into_iter()
            .find(|package| package.folder() == unit.package)
            .unwrap();
        // The agent's static package is for the oldest systems.
        let is_static = package == Package::Agent;
        let oldest = oldest_systemd(package, is_static).unwrap();
        for directive in unit.directives() {
            let since = since(&unit, directive);
            if since > oldest {
                passed.insert((directive.to_owned(), since, unit.package.to_owned()));
            }
        }
        let calls = unit.all("SystemCallFilter").any(|one| one == CALLS.1);
        assert!(!calls || oldest >= CALLS.0, "{}: {}", unit.name, CALLS.1);
    }
    assert!(passed.len() > 3, "{passed:?}");
    let docs = std::fs::read_to_string(tree("../docs/packages.md")).unwrap();
    assert_eq!(told(&docs), passed);
}

/// The packages for today's systems lose nothing of their sandboxes: all but the credentials, for
/// which there is another way.
#[test]
fn todays_packages_ask_for_what_their_units_say() {
    for unit in units() {
        let mut packages = Package::ALL.into_iter();
        let package = packages.find(|package| package.folder() == unit.package);
        let oldest = oldest_systemd(package.unwrap(), false).unwrap();
        for directive in unit.directives() {
            let is_known = since(&unit, directive) <= oldest;
            let is_elsewhere = directive == "LoadCredentialEncrypted";
            assert!(is_known != is_elsewhere, "{}: {directive}", unit.name);
        }
    }
}

#[test]
fn the_table_is_read() {
    let text = "# A\n| `X=` | 1 | a | b |\n\n### What an older systemd passes over\n| what | since | of | then |\n\
                |---|---|---|---|\n| `OOMPolicy=` | 243 | agent | a probe that is too large ends it |\n\n## B\n| `Y=` | 2 |\n";
    let row = ("OOMPolicy".to_owned(), 243, "agent".to_owned());
    assert_eq!(told(text), BTreeSet::from([row]));
}
