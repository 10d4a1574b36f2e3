//! Measured, not believed: what is there after an install, and what follows from it.

use crate::clock;
use crate::drive::Record;
use crate::installer::Installer;
use crate::successor;
use patchward_common::facts;
use patchward_common::id::{BootId, Name};
use patchward_common::job::{CheckResult, Event, Measurement, ProductVersion, Reason, Verdict};
use patchward_common::probe::{Purpose, Ran, Readiness, readiness, version};
use patchward_common::trust::approval::{Approval, ApprovedRelease};
use patchward_steps::command::{self, Limits, tail};
use patchward_steps::kind::{self, UNKNOWN};
use patchward_steps::trusted;
use std::path::Path;
use std::time::Duration;

/// Most checks of one release; the rest of a longer list counts as failed.
const MAX_CHECKS: usize = 64;
/// Longest text of a check that is kept.
const MAX_CHECK_BYTES: usize = 256;
/// Between two tries of a check: an application takes its time to come up.
const AGAIN: Duration = Duration::from_millis(500);
/// Longest run of a recipe's own check.
const RECIPE_CHECK: Limits = Limits {
    run_ms: 60_000,
    output_bytes: 64 * 1024,
};

/// `ID-VERSION_ID` of os-release.
pub fn os(path: &Path) -> Option<String> {
    facts::os_name(&std::fs::read_to_string(path).ok()?)
}

/// The event that follows an install: verified, or the way back begins.
pub fn after_install(at: &Installer, record: &Record, approval: &Approval, boot: BootId) -> Event {
    patiently(at, || {
        let (versions_after, problem) = versions(at, record, approval, true);
        let mut checks = Vec::new();
        for release in &approval.releases {
            checks.extend(own_check(at, record, release));
            checks.extend(run_checks(at, &release.release.checks_after));
        }
        checks.extend(successor::check(at, record.job));
        match problem.or(failing(&checks)) {
            Some(problem) => Event::RecoveryBegan(Reason::new(problem)),
            None => Event::Measured(Measurement {
                verdict: Verdict::Verified,
                versions_after,
                checks: CheckResult::kept(checks),
                boot,
            }),
        }
    })
}

/// The event that follows the way back: rolled back, or failed and a person must look.
pub fn after_recovery(
    at: &Installer,
    record: &Record,
    approval: &Approval,
    boot: BootId,
    reason: &Reason,
) -> Event {
    patiently(at, || {
        let (versions_after, _) = versions(at, record, approval, false);
        let mut checks = Vec::new();
        for release in &approval.releases {
            checks.extend(run_checks(at, &release.release.checks_before));
            if let Some(back) = release.rollback.release() {
                checks.extend(run_checks(at, &back.checks_after));
            }
        }
        checks.extend(successor::check(at, record.job));
        let is_back = versions_after == record.start.versions_before;
        let gone = (!is_back).then(|| "the version from before is not there again".to_owned());
        let verdict = match gone.or(failing(&checks)) {
            None => Verdict::RolledBack(reason.clone()),
            Some(problem) => {
                let text = format!("{}; and after the way back {problem}", reason.text);
                Verdict::Failed(Reason::new(text))
            }
        };
        Event::Measured(Measurement {
            verdict,
            versions_after,
            checks: CheckResult::kept(checks),
            boot,
        })
    })
}

/// Looks until what was begun is well or back, or until patience is over.
fn patiently(at: &Installer, look: impl Fn() -> Event) -> Event {
    let deadline = clock::boot_ms().saturating_add(at.settings.check_patience_seconds * 1_000);
    loop {
        let event = look();
        let is_bad = match &event {
            Event::Measured(measured) => matches!(measured.verdict, Verdict::Failed(_)),
            _ => true,
        };
        if !is_bad || clock::boot_ms() >= deadline {
            return event;
        }
        std::thread::sleep(AGAIN);
    }
}

/// The versions that are there by product, in the approval's order, and, where the new
/// ones are expected, the first that is another.
fn versions(
    at: &Installer,
    record: &Record,
    approval: &Approval,
    expect: bool,
) -> (Vec<ProductVersion>, Option<String>) {
    let mut found: Vec<ProductVersion> = Vec::new();
    let mut problem = None;
    for (index, release) in approval.releases.iter().enumerate() {
        let product = &release.release.product;
        let later = &approval.releases[index + 1..];
        if later.iter().any(|later| later.release.product == *product) {
            continue; // A stepping stone: the last one counts.
        }
        let measured = kind::of(&at.site(record.job), release).and_then(|kind| kind.version());
        let version = measured.clone().unwrap_or_else(|_| UNKNOWN.to_owned());
        if expect && version != release.release.version {
            let why = measured
                .err()
                .map_or(String::new(), |why| format!(" ({why})"));
            let wanted = &release.release.version;
            problem = problem.or(Some(format!("{product} is {version}{why}, not {wanted}")));
        }
        found.push(ProductVersion {
            product: product.clone(),
            version,
        });
    }
    // Stepping stones stand where their product first stood.
    let order = &record.start.versions_before;
    found.sort_by_key(|one| order.iter().position(|old| old.product == one.product));
    (found, problem)
}

fn own_check(at: &Installer, record: &Record, release: &ApprovedRelease) -> Option<CheckResult> {
    let ran = match kind::of(&at.site(record.job), release) {
        Ok(kind) => command::run(&kind.check()?, at.outside(None), RECIPE_CHECK),
        // A recipe that cannot be read any more may have had a check.
        Err(why) => Ran::NotStarted(why),
    };
    Some(result("recipe", &ran))
}

/// The first check that failed, in words.
fn failing(checks: &[CheckResult]) -> Option<String> {
    let failed = checks.iter().find(|check| !check.passed)?;
    Some(format!("check {} fails{}", failed.check, failed.said()))
}

/// The first of these checks that fails.
pub fn first_failed(at: &Installer, names: &[Name]) -> Option<CheckResult> {
    run_checks(at, names)
        .into_iter()
        .find(|check| !check.passed)
}

fn run_checks(at: &Installer, names: &[Name]) -> Vec<CheckResult> {
    let run = |name: &Name| match trusted::probe(&at.settings.probes_dir, name) {
        Err(error) => CheckResult {
            check: name.to_string(),
            passed: false,
            output: tail(error.to_string().as_bytes(), MAX_CHECK_BYTES),
        },
        Ok(probe) => {
            let ran = trusted::ask(&probe, at.prober());
            let mut result = result(name.as_str(), &ran);
            if let Purpose::Version { from, .. } = &probe.purpose {
                result.passed = version(from, &ran).is_ok();
            }
            result
        }
    };
    let mut results: Vec<CheckResult> = names.iter().take(MAX_CHECKS).map(run).collect();
    if names.len() > MAX_CHECKS {
        results.push(CheckResult {
            check: "more".to_owned(),
            passed: false,
            output: format!("more than {MAX_CHECKS} checks are asked for"),
        });
    }
    results
}

/// How a check that was run came out.
pub fn result(check: &str, ran: &Ran) -> CheckResult {
    let output = match (ran, readiness(ran)) {
        (_, Readiness::Unknown(why)) => why,
        (Ran::Exited { output, errors, .. }, _) => {
            tail(&[output.as_slice(), errors].concat(), MAX_CHECK_BYTES)
        }
        _ => String::new(),
    };
    CheckResult {
        check: check.to_owned(),
        passed: readiness(ran) == Readiness::Ready,
        output,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_named_as_os_release_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("os-release");
        for (text, expected) in [
            ("NAME=x\nID=debian\nVERSION_ID=\"12\"\n", Some("debian-12")),
            ("ID='arch'\n", Some("arch")),
            ("VERSION_ID=12\n", None),
            ("", None),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(os(&path).as_deref(), expected);
        }
        assert_eq!(os(&folder.path().join("none")), None);
    }
}
