//! The checks of a doctor: each looks at what was gathered and names what is wrong, why it
//! matters and what to do now.

mod stored;

use super::facts::{Facts, Found};
use patchward_common::doctor::{Examined, Finding};
use patchward_common::time::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};

/// How long before its end a certificate, a roster or a charter is named: people who hold keys
/// have to be brought together.
const ENDS_SOON_MS: i64 = 14 * DAY_MS;
/// How old the newest backup may be: a night that failed is seen the next day.
const BACKUP_LIFE_MS: i64 = 36 * HOUR_MS;
/// How far behind the last row of the audit log the clock may be.
const CLOCK_BEHIND_MS: i64 = 5 * MINUTE_MS;
/// Bits of a file that let others than its owner read or change it.
const OTHERS: u32 = 0o077;
/// Most files that are named.
const NAMED: usize = 5;

/// A check: its name, and what it finds.
type Check = (&'static str, fn(&Facts, UtcMs) -> Vec<Finding>);

/// Every check.
const CHECKS: [Check; 21] = [
    ("settings", settings),
    ("clock", clock),
    ("keys", keys),
    ("owner", owner),
    ("files", files),
    ("folders", folders),
    ("disk", disk),
    ("address", address),
    ("port", port),
    ("authority", authority),
    ("page", page),
    ("go-key", go_key),
    ("store", stored::store),
    ("schema", stored::schema),
    ("audit", stored::audit),
    ("metadata", stored::metadata),
    ("charter", stored::charter),
    ("roster", stored::roster),
    ("backup", backup),
    ("collectors", stored::collectors),
    ("restored", stored::restored),
];

/// What all of them find.
pub(super) fn all(facts: &Facts, now: UtcMs) -> Examined {
    Examined {
        checks: CHECKS.iter().map(|(name, _)| *name).collect(),
        findings: CHECKS
            .iter()
            .flat_map(|(_, check)| check(facts, now))
            .collect(),
    }
}

fn found(
    check: &'static str,
    wrong: String,
    matters: &'static str,
    todo: impl Into<String>,
) -> Vec<Finding> {
    vec![Finding {
        check,
        wrong,
        matters,
        todo: todo.into(),
    }]
}

fn settings(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    let Some(problem) = &facts.settings else {
        return Vec::new();
    };
    if facts.is_new {
        return found(
            "settings",
            problem.clone(),
            "there is no collector yet",
            "run `patchward-collector init --address HOST:9443` (HOST: the name by which machines \
             find this computer), then start it; or name a collector's folder with --folder",
        );
    }
    found(
        "settings",
        problem.clone(),
        "the collector does not start with them, and most of this could not be looked at",
        format!("correct {}/collector.toml and ask again", facts.folder),
    )
}

fn clock(facts: &Facts, now: UtcMs) -> Vec<Finding> {
    let behind = facts.store.last_row.map(|last| last.since_ms(now));
    let Some(ms) = behind.filter(|ms| *ms > CLOCK_BEHIND_MS) else {
        return Vec::new();
    };
    found(
        "clock",
        format!(
            "this clock says {now}, and the audit log was written {} min later",
            ms / MINUTE_MS
        ),
        "goes, certificates and expiries are judged by it, and machines refuse a go from a clock \
         that is two minutes off",
        "set the clock, and see that it is kept right (timedatectl, chronyc tracking)",
    )
}

fn keys(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    let open = facts.secrets.iter().filter(|(_, bits)| bits & OTHERS != 0);
    let open: Vec<String> = open
        .map(|(path, bits)| format!("{path} ({bits:o})"))
        .collect();
    if open.is_empty() {
        return Vec::new();
    }
    found(
        "keys",
        format!("others than their owner may use {}", named(&open)),
        "who reads them can sign as this collector",
        "chmod go= them; then think of who could have read them: a go-key is replaced with the \
         next roster",
    )
}

fn owner(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    if facts.foreign.is_empty() {
        return Vec::new();
    }
    found(
        "owner",
        format!(
            "of another user than the folder's: {}",
            named(&facts.foreign)
        ),
        "the collector cannot read or write them as its own user",
        format!(
            "chown --reference={0} them; `stat {0}` says whose it is",
            facts.folder
        ),
    )
}

fn files(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    if facts.unreadable.is_empty() {
        return Vec::new();
    }
    found(
        "files",
        format!("named in the settings: {}", named(&facts.unreadable)),
        "what needs them, the page or notices, does not work",
        "put them where the settings say, readable by the collector's user alone",
    )
}

fn folders(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    if facts.unwritable.is_empty() {
        return Vec::new();
    }
    found(
        "folders",
        format!("nothing can be written in {}", named(&facts.unwritable)),
        "releases cannot be taken in and backups not be made; without its own folder the collector \
         does not run",
        "chmod u+rwx them, or chown them to whom the collector's folder belongs (`chown \
         --reference=`); where the disk is mounted read-only, the kernel's log says why",
    )
}

fn disk(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    let least = facts.least_free_megabytes;
    let full = facts.disks.iter().filter(|(_, free)| *free < least);
    full.flat_map(|(place, free)| {
        found(
            "disk",
            format!("{free} MB are free at {place}, and {least} should be"),
            "a full disk stops reports, goes and backups",
            "free some space, or give it a larger disk; the database and the artifacts take most",
        )
    })
    .collect()
}

fn address(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    facts
        .unresolved
        .iter()
        .flat_map(|(address, problem)| {
            found(
                "address",
                format!("{address} cannot be resolved here: {problem}"),
                "machines are told to come there, and do not find the collector",
                "enter the name into the hospital's DNS, or correct `addresses` in the settings",
            )
        })
        .collect()
}

fn port(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    facts
        .taken
        .iter()
        .flat_map(|(port, problem)| {
            found(
                "port",
                format!("{port} is not to be had: {problem}"),
                "the collector cannot start there",
                "end the other program (ss -lunp, ss -ltnp name it), or choose another port and \
                 tell the firewall",
            )
        })
        .collect()
}

/// What is said of an end that is near or over.
fn ending(what: &str, end: UtcMs, before_ms: i64, now: UtcMs) -> Option<String> {
    let left = end.since_ms(now);
    match left {
        ..=0 => Some(format!("{what} ended at {end}")),
        _ if left < before_ms => Some(format!("{what} ends at {end}, in {} days", left / DAY_MS)),
        _ => None,
    }
}

fn certificate(
    check: &'static str,
    what: &str,
    end: &Found<UtcMs>,
    now: UtcMs,
    matters: &'static str,
    todo: &str,
) -> Vec<Finding> {
    let wrong = match end {
        Err(problem) => Some(format!("{what} cannot be used: {problem}")),
        Ok(end) => ending(what, *end, ENDS_SOON_MS, now),
    };
    wrong.map_or_else(Vec::new, |wrong| found(check, wrong, matters, todo))
}

fn authority(facts: &Facts, now: UtcMs) -> Vec<Finding> {
    let Some(end) = &facts.authority else {
        return Vec::new();
    };
    certificate(
        "authority",
        "the certificate authority",
        end,
        now,
        "without it no machine is let in, and none gets its next certificate",
        "restore ca/ from a backup where it is damaged; never make a new one in its place",
    )
}

fn page(facts: &Facts, now: UtcMs) -> Vec<Finding> {
    let Some(end) = &facts.page else {
        return Vec::new();
    };
    certificate(
        "page",
        "the page's certificate",
        end,
        now,
        "browsers warn of the page or refuse it, and people learn to click warnings away",
        "put a new certificate where web_certificate says, and start the collector again",
    )
}

fn go_key(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    let matters = "no machine starts anything without a go that it signed";
    match &facts.go_key {
        None => Vec::new(),
        Some(Err(problem)) => found(
            "go-key",
            problem.clone(),
            matters,
            "restore go.key from a backup; or make a new one and have a registrar put it into the \
             roster",
        ),
        Some(Ok(key)) => {
            let named = &facts.store.go_keys;
            let is_named = facts.store.roster_until.is_none() || named.contains(key);
            if is_named {
                return Vec::new();
            }
            found(
                "go-key",
                format!("the roster does not name this collector's go-key {key}"),
                matters,
                "have a registrar sign a roster with it, and take that in with `document add`",
            )
        }
    }
}

fn backup(facts: &Facts, now: UtcMs) -> Vec<Finding> {
    let matters = "what happened since the newest backup is lost with this computer";
    let Some((folder, taken)) = &facts.backups else {
        return match facts.settings {
            // Nobody could read where they are.
            Some(_) => Vec::new(),
            None => found(
                "backup",
                "no backup_folder is set, so nothing is backed up".to_owned(),
                matters,
                "write backup_folder into collector.toml, and let `backup make` run every night",
            ),
        };
    };
    let todo = "run `backup make` as the collector's user (`systemctl start \
                patchward-collector-backup` does), and see why it did not run at night \
                (journalctl, free space)";
    match taken.as_ref().map(|taken| taken.first()) {
        Err(problem) => found("backup", problem.clone(), matters, todo),
        Ok(None) => found(
            "backup",
            format!("there is no backup in {folder}"),
            matters,
            todo,
        ),
        Ok(Some(newest)) if now.since_ms(*newest) > BACKUP_LIFE_MS => found(
            "backup",
            format!("the newest backup in {folder} is of {newest}"),
            matters,
            todo,
        ),
        Ok(Some(_)) => Vec::new(),
    }
}

fn named(all: &[String]) -> String {
    let first: Vec<&str> = all.iter().take(NAMED).map(String::as_str).collect();
    match all.len() - first.len() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests;
