//! The checks of a machine's doctor that need no network: each looks at what was gathered and
//! names what is wrong, why it matters and what to do now.

mod system;

pub(super) use system::unusable;

use super::gather::Facts;
use patchward_common::doctor::Finding;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::wire::machine::CERTIFICATE_LIFE_MS;

/// A certificate renews itself at two thirds of its life; for so long after that it may have
/// been the network.
const RENEWS_LATE_MS: i64 = CERTIFICATE_LIFE_MS / 3 - 7 * DAY_MS;
/// Bits of a file that let others than its owner read or change it. The installer is root and
/// reads it anyway.
const OTHERS: u32 = 0o077;
/// Bits of a folder that let others than its owner put something into it.
const OTHERS_WRITE: u32 = 0o022;
/// The installer's words on a machine that was only just installed, and on one that nobody
/// has told yet how to see that it is in use.
const NEVER_PINNED: &str = "not pinned yet";
const NO_PROBE: &str = "no interlock probe";
/// Most paths that are named.
const NAMED: usize = 5;

/// What of the machine's own things is wrong.
pub(super) fn all(facts: &Facts, now: UtcMs) -> Vec<Finding> {
    let checks = [
        watermark,
        root,
        interlock,
        keys,
        owner,
        disk,
        recipes,
        probes,
        units,
        system::settings,
        system::identity,
        system::boot,
        system::packages,
    ];
    let own = checks.iter().flat_map(|check| check(facts));
    own.chain(late(facts, now)).collect()
}

fn found(check: &'static str, wrong: String, matters: &'static str, todo: &str) -> Option<Finding> {
    Some(Finding {
        check,
        wrong,
        matters,
        todo: todo.to_owned(),
    })
}

/// The installer answers, and refuses everything.
fn watermark(facts: &Facts) -> Option<Finding> {
    let problem = facts.installer_refuses.as_ref()?;
    if problem.contains(NEVER_PINNED) {
        return found(
            "pin",
            problem.clone(),
            "this machine does not know whose it is, so it takes orders from nobody",
            "make a token at the collector (`token new`), and give it to `patchward-installer pin` \
             here, as root",
        );
    }
    let check = match problem.contains("watermark") {
        true => "watermark",
        false => "pin",
    };
    found(
        check,
        problem.clone(),
        "this machine cannot tell old orders from new ones, so it takes none",
        "move the installer's folder aside, `patchward-installer pin` with a new token, and enrol \
         again; a person accepts it at the collector",
    )
}

fn root(facts: &Facts) -> Option<Finding> {
    let (noted, pinned) = (facts.noted_root.as_ref()?, facts.pinned_root.as_ref()?);
    if noted == pinned {
        return None;
    }
    found(
        "root",
        format!(
            "the agent was enrolled for hospital root {noted}, and the installer is pinned to {pinned}"
        ),
        "the installer refuses every document that this collector's hospital signed",
        "find out which is yours (`patchward-sign root fingerprint`); enrol again, or pin again, \
         with a token of that hospital",
    )
}

fn interlock(facts: &Facts) -> Option<Finding> {
    let why = facts.interlock_unknown.as_ref()?;
    let todo = match why.contains(NO_PROBE) {
        true => {
            "put one into probes.d: /usr/share/doc/patchward-agent/examples has some, \
             sessions.toml for where people log in"
        }
        false => {
            "look at the probes in probes.d; where they ask logind, see that systemd-logind runs \
             (loginctl list-sessions)"
        }
    };
    found(
        "interlock",
        format!("whether somebody uses this machine cannot be told: {why}"),
        "what cannot be told counts as in use, so nothing ever starts here",
        todo,
    )
}

fn keys(facts: &Facts) -> Option<Finding> {
    let open = facts.secrets.iter().filter(|(_, bits)| bits & OTHERS != 0);
    let open: Vec<String> = open
        .map(|(path, bits)| format!("{path} ({bits:o})"))
        .collect();
    let first = (!open.is_empty()).then(|| named(&open))?;
    found(
        "keys",
        format!("others than the agent may use {first}"),
        "who reads it can be this machine at the collector",
        "chmod go= it; if others have been on this machine, enrol again with --again",
    )
}

fn owner(facts: &Facts) -> Option<Finding> {
    let first = (!facts.foreign.is_empty()).then(|| named(&facts.foreign))?;
    found(
        "owner",
        format!("of another user than the agent's folder: {first}"),
        "the agent cannot read or replace them, and stops reporting when it has to",
        "chown them to whom the folder belongs",
    )
}

fn disk(facts: &Facts) -> Option<Finding> {
    let (place, free) = facts.free_megabytes.as_ref()?;
    let least = facts.least_free_megabytes;
    if *free >= least {
        return None;
    }
    found(
        "disk",
        format!("{free} MB are free at {place}, and {least} should be"),
        "releases cannot be fetched, and an install could not go back",
        "free some space on this machine",
    )
}

fn recipes(facts: &Facts) -> Option<Finding> {
    let open = facts.open_folders.iter();
    let open = open.filter(|(_, bits, is_owned)| bits & OTHERS_WRITE != 0 || !is_owned);
    let open: Vec<String> = open
        .map(|(path, bits, _)| format!("{path} ({bits:o})"))
        .collect();
    let first = (!open.is_empty()).then(|| named(&open))?;
    found(
        "recipes",
        format!("others than root may write into {first}"),
        "what lies there runs as root, or says whether a patient's machine is idle; the installer \
         refuses it",
        "chown root and chmod go-w it, and look at what lies there",
    )
}

fn probes(facts: &Facts) -> Option<Finding> {
    let first = (!facts.probes_refused.is_empty()).then(|| named(&facts.probes_refused))?;
    found(
        "probes",
        first,
        "a probe that is not used stands for something that nobody knows",
        "correct the file; `patchward-agent inventory` says it again",
    )
}

fn units(facts: &Facts) -> Option<Finding> {
    let first = (!facts.units_missing.is_empty()).then(|| named(&facts.units_missing))?;
    found(
        "units",
        format!("systemd has no {first}"),
        "agent or installer do not start, or a job that a power cut broke off is not finished at \
         the next boot",
        "install the package again, and `systemctl enable --now` what it names",
    )
}

/// A certificate that should have renewed itself.
fn late(facts: &Facts, now: UtcMs) -> Option<Finding> {
    let expires = facts.certificate_expires?;
    let left = expires.since_ms(now);
    if !(1..RENEWS_LATE_MS).contains(&left) {
        return None;
    }
    found(
        "renewal",
        format!("the certificate ends at {expires}, and should have been renewed by now"),
        "past its end the machine needs a person's yes to come back",
        "see why the agent does not reach its collector: the checks of the network say it, and \
         journalctl -u patchward-agent",
    )
}

fn named(all: &[String]) -> String {
    let first: Vec<&str> = all.iter().take(NAMED).map(String::as_str).collect();
    match all.len() - first.len() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Why a check of the network matters, and what to do where it fails.
pub(super) fn advice(check: &str) -> Option<(&'static str, &'static str)> {
    Some(match check {
        "installer" => (
            "without it this machine cannot prove who it is, and nothing is installed",
            "systemctl status patchward-installer.socket; is the agent's user the one that \
             installer.toml names?",
        ),
        "certificate" => (
            "without it the collector does not talk to this machine",
            "see the message; a token is made at the collector with `token new`",
        ),
        "clock" => (
            "nothing starts while the clocks are two minutes apart, and certificates do not count",
            "set the clock, and see that it is kept right (timedatectl, chronyc tracking)",
        ),
        "dns" => (
            "the machine does not find its collector",
            "enter the name into the hospital's DNS, or name another address in `collectors`",
        ),
        "route" => (
            "the machine has no way to its collector",
            "look at cable, VLAN and gateway (ip route get ADDRESS)",
        ),
        "udp" => (
            "nothing answers there: the collector is down, or a firewall drops UDP",
            "ask IT to let this one UDP port through (`setup` at the collector prints the sheet), or \
             to open TCP at the collector (`listen_tcp`)",
        ),
        "tls" => (
            "whoever answers there is not this machine's collector",
            "see that the address is right and nobody else answers at it",
        ),
        "revoked" => (
            "a person has taken this machine out of the fleet",
            "ask at the collector (`machine show`); to come back it is enrolled with a token",
        ),
        "accepted" => (
            "the collector does not take what this machine says",
            "see the message, and the collector's log",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::BadDatabase;

    const NOW: UtcMs = UtcMs(1_795_400_040_000);

    /// A check, and what plants the fault that it finds.
    type Fault = (&'static str, fn(&mut Facts));

    fn well() -> Facts {
        Facts {
            noted_root: Some("a".into()),
            pinned_root: Some("a".into()),
            enrolled_as: Some("a".into()),
            pinned_as: Some("a".into()),
            secrets: vec![("/s/credentials".into(), 0o600)],
            free_megabytes: Some(("/s".into(), 5_000)),
            least_free_megabytes: 1_000,
            open_folders: vec![("/r".into(), 0o755, true)],
            certificate_expires: Some(NOW.plus_ms(CERTIFICATE_LIFE_MS / 2)),
            ..Facts::default()
        }
    }

    #[test]
    fn each_fault_is_named_by_its_check_and_what_is_well_by_none() {
        assert_eq!(all(&well(), NOW), []);
        let faults: [Fault; 18] = [
            ("watermark", |f| {
                f.installer_refuses = Some("both copies of its watermark are lost".into());
            }),
            ("pin", |f| {
                f.installer_refuses = Some("its key is damaged".into())
            }),
            ("pin", |f| {
                f.installer_refuses = Some("this machine is not pinned yet".into());
            }),
            ("root", |f| f.noted_root = Some("b".into())),
            ("interlock", |f| f.interlock_unknown = Some("logind".into())),
            ("keys", |f| f.secrets[0].1 = 0o644),
            ("owner", |f| f.foreign.push("/s/x".into())),
            ("disk", |f| f.free_megabytes = Some(("/s".into(), 999))),
            ("recipes", |f| f.open_folders[0].1 = 0o777),
            ("recipes", |f| f.open_folders[0].2 = false),
            ("probes", |f| f.probes_refused.push("x".into())),
            ("units", |f| f.units_missing.push("x.socket".into())),
            ("settings", |f| f.installer_settings = Some("x".into())),
            ("identity", |f| f.enrolled_as = Some("b".into())),
            ("boot", |f| f.no_boot = Some("x".into())),
            ("packages", |f| {
                f.packages = Some(Err(BadDatabase::TooManyUpdates("/x".into())))
            }),
            ("packages", |f| f.packages = Some(Ok(vec!["x".into()]))),
            ("renewal", |f| {
                f.certificate_expires = Some(NOW.plus_ms(DAY_MS))
            }),
        ];
        for (check, plant) in faults {
            let mut facts = well();
            plant(&mut facts);
            let findings = all(&facts, NOW);
            let named: Vec<&str> = findings.iter().map(|found| found.check).collect();
            assert_eq!(named, [check]);
        }
    }
}
