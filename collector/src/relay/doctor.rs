//! `doctor` in a relay's folder: what is looked at is gathered first, and each check is a function of
//! that. It changes nothing, and works beside a relay that runs or without one.

use super::Files;
use super::identity::Identity;
use super::settings::{MEGABYTE, RelaySettings};
use super::upstream::Upstream;
use crate::cli::Doctor;
use crate::clock;
use crate::folder::Folder;
use crate::item::expiry::{Expires, Life, What};
use patchward_common::doctor::{Examined, Finding};
use patchward_common::time::UtcMs;
use std::net::UdpSocket;
use std::os::unix::fs::MetadataExt as _;

/// Bits of a file that let others than its owner read or change it.
const OTHERS: u32 = 0o077;

/// Every check.
const CHECKS: [&str; 7] = [
    "settings",
    "keys",
    "certificate",
    "disk",
    "port",
    "address",
    "collector",
];

/// Whether a folder is a relay's and not a collector's.
pub fn is_one(folder: &Folder) -> bool {
    let files = Files::of(folder);
    !folder.settings().exists() && (files.settings().exists() || files.key().exists())
}

/// What is looked at.
#[derive(Debug, Default)]
struct Facts {
    /// What is wrong with the settings.
    settings: Option<String>,
    /// Bits of the key's file.
    key: Option<u32>,
    /// What the certificate is called and its life, or why it cannot be used.
    certificate: Option<Result<(String, Option<Life>), String>>,
    /// Megabytes that are free or artifacts already, and how many the settings want.
    disk: Option<(u64, u64)>,
    /// Who has the port already.
    taken: Option<String>,
    /// Addresses that cannot be resolved, and why.
    unresolved: Vec<(String, String)>,
    /// Why no collector answers.
    unreached: Option<String>,
}

/// Looks for what is wrong with the relay in `folder`.
pub async fn examine(folder: &Folder, asked: Doctor) -> Examined {
    let facts = gather(folder).await;
    check(&facts, asked.least_free_megabytes, clock::now())
}

async fn gather(folder: &Folder) -> Facts {
    let files = Files::of(folder);
    let mut facts = Facts::default();
    let settings = match RelaySettings::load(&files.settings()) {
        Ok(settings) => Some(settings),
        Err(failure) => {
            facts.settings = Some(failure.text);
            None
        }
    };
    facts.key = files.key().metadata().ok().map(|found| found.mode());
    let identity = Identity::load(&files.certificate(), &files.key());
    facts.certificate = Some(match &identity {
        Ok(one) => Ok((one.name().unwrap_or_default(), one.life())),
        Err(error) => Err(format!("{error:#}")),
    });
    let Some(settings) = settings else {
        return facts;
    };
    facts.disk = room(folder, &settings);
    facts.taken = taken(&settings, files.is_in_use());
    for address in &settings.collectors {
        if let Err(error) = tokio::net::lookup_host(address).await {
            facts.unresolved.push((address.clone(), error.to_string()));
        }
    }
    if let Ok(identity) = identity {
        let reached = async { Upstream::new(&identity, settings.collectors)?.reach().await };
        let error = reached.await.err();
        facts.unreached = error.map(|error| format!("{error:#}"));
    }
    facts
}

/// What is free beside what artifacts take already, and what they may take.
fn room(folder: &Folder, settings: &RelaySettings) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(folder.path()).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let kept = ["artifacts", "partial"].iter().flat_map(|place| {
        let files = std::fs::read_dir(folder.path().join(place));
        files.into_iter().flatten().flatten()
    });
    let kept: u64 = kept
        .filter_map(|file| Some(file.metadata().ok()?.len()))
        .sum();
    Some((
        free.saturating_add(kept) / MEGABYTE,
        settings.most_megabytes,
    ))
}

/// Why the port is not to be had; a relay that runs in this folder has it itself, and that is well.
/// Where nobody knows whether one runs, it may.
fn taken(settings: &RelaySettings, runs: Option<bool>) -> Option<String> {
    let error = UdpSocket::bind(settings.listen).err()?;
    let is_ours = runs != Some(false) && error.kind() == std::io::ErrorKind::AddrInUse;
    (!is_ours).then(|| format!("UDP {} is not to be had: {error}", settings.listen))
}

fn check(facts: &Facts, least_free_megabytes: u64, now: UtcMs) -> Examined {
    let found = [
        settings(facts),
        keys(facts),
        certificate(facts, now),
        disk(facts, least_free_megabytes),
        port(facts),
        address(facts),
        collector(facts),
    ];
    Examined {
        checks: CHECKS.to_vec(),
        findings: found.into_iter().flatten().collect(),
    }
}

fn settings(facts: &Facts) -> Option<Finding> {
    Some(Finding {
        check: "settings",
        wrong: facts.settings.clone()?,
        matters: "the relay does not start with them, and machines go to the collector",
        todo: "correct relay.toml and ask again".to_owned(),
    })
}

fn keys(facts: &Facts) -> Option<Finding> {
    let bits = facts.key.filter(|bits| bits & OTHERS != 0)?;
    Some(Finding {
        check: "keys",
        wrong: format!(
            "others than its owner may use relay.key ({:o})",
            bits & 0o777
        ),
        matters: "who reads it can pass for this relay, and waste the time of its machines",
        todo: "chmod go= it; then think of who could have read it: remove it, make a new request \
               (`relay --request`), and have that certified"
            .to_owned(),
    })
}

fn certificate(facts: &Facts, now: UtcMs) -> Option<Finding> {
    let matters = "machines take nothing from a relay without it, and go to the collector";
    let finding = |wrong, todo: &str| Finding {
        check: "certificate",
        wrong,
        matters,
        todo: todo.to_owned(),
    };
    match facts.certificate.as_ref()? {
        Err(problem) => Some(finding(
            problem.clone(),
            "put what `ca relay` prints at the collector into relay.crt",
        )),
        Ok((_, None)) => Some(finding(
            "relay.crt is no certificate".to_owned(),
            "put what `ca relay` prints at the collector into relay.crt",
        )),
        Ok((name, Some(life))) => {
            let expires = Expires {
                what: What::Relay,
                subject: name.clone(),
                life: *life,
            };
            let warning = expires.warning(now)?;
            Some(finding(
                warning.why(),
                "have it certified anew with the same request, and start the relay anew",
            ))
        }
    }
}

fn disk(facts: &Facts, least_free_megabytes: u64) -> Option<Finding> {
    let (room, wanted) = facts.disk?;
    let needed = wanted.saturating_add(least_free_megabytes);
    (room < needed).then(|| Finding {
        check: "disk",
        wrong: format!(
            "artifacts may take {wanted} MB (most_megabytes), {least_free_megabytes} should stay \
             free, and there are {room}"
        ),
        matters: "a full disk stops the relay, and machines go to the collector",
        todo: "set most_megabytes lower, or give it a larger disk".to_owned(),
    })
}

fn port(facts: &Facts) -> Option<Finding> {
    Some(Finding {
        check: "port",
        wrong: facts.taken.clone()?,
        matters: "the relay cannot start there",
        todo: "correct `listen` in relay.toml, or end the other program (ss -lunp names it)"
            .to_owned(),
    })
}

fn address(facts: &Facts) -> Option<Finding> {
    let (address, problem) = facts.unresolved.first()?;
    Some(Finding {
        check: "address",
        wrong: format!("{address} cannot be resolved here: {problem}"),
        matters: "the relay does not find the collector, and hands out what it holds alone",
        todo: "enter the name into the hospital's DNS, or correct `collectors`".to_owned(),
    })
}

fn collector(facts: &Facts) -> Option<Finding> {
    Some(Finding {
        check: "collector",
        wrong: format!(
            "no collector lets this relay in: {}",
            facts.unreached.as_ref()?
        ),
        matters: "it hands out what it holds alone, and machines fetch the rest over their line",
        todo:
            "see that [[relays]] in collector.toml names it, that the collector was started since, \
               that its authority made relay.crt, and that UDP gets there"
                .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::time::DAY_MS;

    /// Plants a fault.
    type Plant = fn(&mut Facts);

    fn named(facts: &Facts, day: i64) -> Vec<&'static str> {
        let examined = check(facts, 1_000, UtcMs(day * DAY_MS));
        examined.findings.iter().map(|one| one.check).collect()
    }

    fn well() -> Facts {
        let life = Life {
            from: Some(UtcMs(0)),
            ends: UtcMs(400 * DAY_MS),
        };
        Facts {
            key: Some(0o100_600),
            certificate: Some(Ok(("site-b".to_owned(), Some(life)))),
            disk: Some((51_000, 50_000)),
            ..Facts::default()
        }
    }

    #[test]
    fn each_fault_is_named_alone() {
        assert!(named(&well(), 0).is_empty());
        let faults: [(&str, Plant); 7] = [
            ("settings", |facts| facts.settings = Some("bad".to_owned())),
            ("keys", |facts| facts.key = Some(0o100_640)),
            ("certificate", |facts| {
                facts.certificate = Some(Err("none".to_owned()));
            }),
            ("disk", |facts| facts.disk = Some((50_999, 50_000))),
            ("port", |facts| facts.taken = Some("UDP 1".to_owned())),
            ("address", |facts| {
                facts.unresolved.push(("c:1".to_owned(), "no".to_owned()));
            }),
            ("collector", |facts| facts.unreached = Some("no".to_owned())),
        ];
        assert_eq!(faults.map(|(check, _)| check), CHECKS);
        for (check, plant) in faults {
            let mut facts = well();
            plant(&mut facts);
            assert_eq!(named(&facts, 0), [check]);
        }
    }

    #[test]
    fn a_port_is_a_relays_own_unless_none_runs() {
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = |listen| RelaySettings {
            listen,
            ..RelaySettings::default()
        };
        let settings = at(other.local_addr().unwrap());
        assert!(taken(&settings, Some(false)).is_some());
        assert_eq!(taken(&settings, Some(true)), None);
        assert_eq!(taken(&settings, None), None, "nobody knows");
        // Of an address that this computer does not have it is known.
        let settings = at("192.0.2.1:9444".parse().unwrap());
        assert!(taken(&settings, None).is_some());
    }

    #[test]
    fn a_certificate_is_named_90_days_ahead() {
        assert!(named(&well(), 309).is_empty());
        for day in [310, 371, 394, 401] {
            assert_eq!(named(&well(), day), ["certificate"]);
        }
    }
}
