//! The eleven checks, in the order and with the numbers of the design. What they decide
//! on is gathered here; each decision is a pure function of `patchward_common`.

use crate::clock;
use crate::installer::Installer;
use crate::measure;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Name};
use patchward_common::job::{ProductVersion, Reason, Start};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, PlanLeaf, REBOOT_ALLOWANCE_MS};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::check::{self, Authority, Interlock, Place, Refusal, Step, Why};
use patchward_common::trust::go::{CLOCK_BOUND_MS, Go};
use patchward_common::trust::papers::{self, Papers};
use patchward_common::trust::release::ReleaseDescription;
use patchward_common::trust::sign::{Signed, Verified};
use patchward_common::trust::vendor::{MAX_ROOT_BYTES, Repository, Source, VerifiedTargets};
use patchward_common::trust::watermark::Watermark;
use patchward_common::wire::local::Placed;
use patchward_steps::disk::DiskError;
use patchward_steps::kind::{self, recipe};
use std::collections::{BTreeMap, BTreeSet};

/// Why something is not done.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// One of the eleven checks refused.
    #[error("{}", .0.text)]
    Refused(Reason),
    /// It was asked for at the wrong moment, or of the wrong job.
    #[error("{0}")]
    Wrong(String),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Reason::from(&refusal))
    }
}

/// A refusal for a reason that only this machine knows.
fn refused(step: Step, text: impl Into<String>) -> Denied {
    Denied::Refused(Reason {
        step: Some(step),
        ..Reason::new(text)
    })
}

/// What steps 1 to 4 establish: who may sign, what this machine is, what is approved.
pub struct Papered {
    /// Who may sign.
    pub authority: Authority,
    /// What this machine is.
    pub place: Place,
    /// What is approved.
    pub approval: Verified<Approval>,
    /// This machine's part of it.
    pub leaf: PlanLeaf,
    /// As it came.
    pub placed: Placed<Approval>,
    papers: Papers,
    watermark: Watermark,
}

/// What steps 1 to 7 establish: everything but the moment.
pub struct Ready {
    /// Steps 1 to 4.
    pub papered: Papered,
    /// The versions that are there, by product.
    pub before: Vec<ProductVersion>,
    /// Downgrades that let an older release pass; each counts once.
    pub downgrades: Vec<Digest>,
}

/// Steps 1 to 4.
pub fn papers(at: &Installer, job: JobId, now: UtcMs) -> Result<Papered, Denied> {
    let (watermark, papers) = at.snapshot();
    let unknown = || Denied::Wrong(format!("no approval of job {job} is known here"));
    let placed = papers
        .approval(job, watermark.machine)
        .ok_or_else(unknown)?
        .clone();
    // 1 charter and roster.
    let authority = papers.authority(&watermark, now)?;
    // 2 assignment: in `rehearse` all but the install is done, in `observe` and `manual`
    // nothing.
    let place = papers.place(&authority, &watermark, now)?;
    at.raise(|watermark| papers::raise(watermark, &authority, Some(&place)))?;
    if matches!(place.leaf.mode, Mode::Observe | Mode::Manual) {
        place.may_install()?;
    }
    // 3 approval.
    let stops = papers.stops(&authority, &place, now);
    let approval = check::approval(&authority, &place.leaf, &stops, &placed.signed, now)?;
    // 4 placement.
    let machine = watermark.machine;
    let leaf = check::placement(machine, &place.leaf, &approval, &placed.leaf, &placed.proof)?;
    Ok(Papered {
        authority,
        place,
        approval,
        leaf,
        placed,
        papers,
        watermark,
    })
}

/// Steps 1 to 7.
pub fn prepare(at: &Installer, job: JobId, now: UtcMs) -> Result<Ready, Denied> {
    let papered = papers(at, job, now)?;
    let Papered {
        authority,
        approval,
        ..
    } = &papered;
    // 5 vendor: each repository is refreshed once, from one update start time.
    let targets = refresh(at, &papered, now)?;
    for release in &approval.releases {
        let missing = || Refusal {
            step: Step::Vendor,
            why: Why::UnknownRepository(release.repository.clone()),
        };
        let targets = targets.get(&release.repository).ok_or_else(missing)?;
        check::vendor(authority, release, targets)?;
    }
    // 7 for recipes: 6 already asks them which version is there.
    let recipes = &at.settings.recipes_dir;
    check::recipes(approval, |name| recipe::installed(recipes, name))?;
    // 6 applicability and counters.
    let (before, downgrades) = applicability(at, job, &papered, now)?;
    // 7 artifacts, rollback included.
    let mut staged = BTreeMap::new();
    for artifact in approval.artifacts() {
        let found = at.agent.stage(&at.disk, job, artifact)?;
        staged.insert(artifact.sha256, found);
    }
    check::artifacts(approval, |name| staged.get(&name).copied().flatten())?;
    simulate(at, job, approval)?;
    Ok(Ready {
        papered,
        before,
        downgrades,
    })
}

/// What a start is allowed by, and the papers behind it.
pub struct Allowed {
    /// Steps 1 to 7.
    pub ready: Ready,
    /// The start record.
    pub start: Start,
    /// Whether HTM signed this machine `rehearse`: then nothing is installed.
    pub rehearses: bool,
}

/// Steps 1 to 11.
pub fn start(at: &Installer, ask: &check::Ask, go: &Signed<Go>) -> Result<Allowed, Denied> {
    let job = ask.job;
    // 1 to 7 again, with what is true now.
    let mut ready = prepare(at, job, clock::now())?;
    // Hashing took its time: every expiry and every stop is asked by the clock as it is now.
    let now = clock::now();
    ready.papered = papers(at, job, now)?;
    let longest_run_ms = ready.papered.approval.longest_run_ms();
    // 8 to 11.
    let (slot, go, interlock) = moment(at, &ready.papered, ask, go, longest_run_ms, now)?;
    let Papered {
        authority,
        place,
        approval,
        ..
    } = &ready.papered;
    let start = Start {
        slot,
        boot: ask.boot,
        go: go.digest(),
        approved_by: check::approvers(authority, &place.leaf, approval, now),
        roster: authority.roster.digest(),
        charter: authority.charter.digest(),
        assignment: place.mark.digest,
        versions_before: ready.before.clone(),
        interlock,
    };
    let rehearses = place.leaf.mode == Mode::Rehearse;
    Ok(Allowed {
        ready,
        start,
        rehearses,
    })
}

/// Steps 1 to 4 and 8 to 11, for the restart that a job waits for.
pub fn reboot(at: &Installer, job: JobId, go: &Signed<Go>) -> Result<(), Denied> {
    let ask = at.take_nonce(job)?;
    let now = clock::now();
    let papered = papers(at, job, now)?;
    moment(at, &papered, &ask, go, REBOOT_ALLOWANCE_MS, now).map(|_| ())
}

/// Steps 8 to 11.
fn moment(
    at: &Installer,
    papered: &Papered,
    ask: &check::Ask,
    go: &Signed<Go>,
    run_ms: i64,
    now: UtcMs,
) -> Result<(patchward_common::time::Interval, Verified<Go>, String), Denied> {
    // 8 go.
    let go = check::go(&papered.authority, ask, go, now)?;
    // 9 time. The watermark rises only from a verified go while the clocks agree.
    let seen = papered.watermark.time;
    let slot = check::time(seen, (go.clock, ask.age_ms), &papered.leaf, run_ms, now);
    if now.since_ms(go.clock).saturating_abs() <= CLOCK_BOUND_MS {
        at.raise(|watermark| watermark.time = watermark.time.max(go.clock))?;
    }
    let slot = slot?;
    // 10 and 11.
    let interlock = undisturbed(at, papered, ask.job, false)?;
    Ok((slot, go, interlock))
}

/// Steps 10 and 11, which are asked again on the way.
pub fn undisturbed(
    at: &Installer,
    papered: &Papered,
    job: JobId,
    after_our_stop: bool,
) -> Result<String, Denied> {
    let now = clock::now();
    let (_, papers) = at.snapshot();
    let Papered {
        authority,
        place,
        approval,
        leaf,
        ..
    } = papered;
    // 10 hold and stop.
    let stops = papers.stops(authority, place, now);
    let held = at.held_until();
    check::hold_and_stop(held, &stops, approval, &place.leaf, &authority.charter, now)?;
    // 11 interlock.
    let local = at.local_handover();
    let handed_over = papers.handed_over(authority, leaf, place, job, local.as_ref(), now);
    let found = at.interlock(handed_over, after_our_stop);
    check::interlock(&found)?;
    Ok(match (&found, handed_over) {
        (Interlock::Idle, true) => "idle, handed over".to_owned(),
        _ => "idle".to_owned(),
    })
}

/// The TUF refresh of every repository that the approval names. What was seen is durable
/// before anything that was found is used, also where the refresh ends in a refusal.
fn refresh(
    at: &Installer,
    papered: &Papered,
    now: UtcMs,
) -> Result<BTreeMap<Name, VerifiedTargets>, Denied> {
    let mut paths: BTreeMap<&Name, BTreeSet<&str>> = BTreeMap::new();
    for release in &papered.approval.releases {
        let entry = paths.entry(&release.repository).or_default();
        entry.extend(release.artifacts().map(|artifact| artifact.path.as_str()));
    }
    let mut found = BTreeMap::new();
    for (name, paths) in paths {
        let vendor = |why| Refusal {
            step: Step::Vendor,
            why,
        };
        let grant = papered.authority.charter.grant(name);
        let pin = grant
            .ok_or_else(|| vendor(Why::UnknownRepository(name.clone())))?
            .root;
        let mut source = at.agent.metadata(name);
        let first = "1.root.json";
        let root = source.fetch(first, MAX_ROOT_BYTES).map_err(|error| {
            let text = format!("{first} of repository {name} cannot be read: {error}");
            refused(Step::Vendor, text)
        })?;
        let root = root.ok_or_else(|| vendor(Why::NoTarget(first.to_owned())))?;
        let seen = papered
            .watermark
            .repositories
            .get(name)
            .cloned()
            .unwrap_or_default();
        let opened =
            Repository::open(&root, pin, seen, now).map_err(|error| vendor(Why::Tuf(error)))?;
        let (targets, seen) = opened.verify(&mut source, paths);
        at.raise(|watermark| {
            watermark.repositories.insert(name.clone(), seen);
        })?;
        found.insert(
            name.clone(),
            targets.map_err(|error| vendor(Why::Tuf(error)))?,
        );
    }
    Ok(found)
}

/// Step 6 for every release in its order: a later one of the same product is installed
/// from the version that the one before it brings.
fn applicability(
    at: &Installer,
    job: JobId,
    papered: &Papered,
    now: UtcMs,
) -> Result<(Vec<ProductVersion>, Vec<Digest>), Denied> {
    let mut before: Vec<ProductVersion> = Vec::new();
    let mut expected: BTreeMap<&Name, String> = BTreeMap::new();
    let mut used = Vec::new();
    let downgrades = papered.papers.downgrades(&papered.authority, now);
    for release in &papered.approval.releases {
        let described: &ReleaseDescription = &release.release;
        let product = &described.product;
        let kind = kind::of(&at.site(job), release);
        let kind = kind.map_err(|problem| refused(Step::Applicability, problem))?;
        let version = match expected.get(product) {
            Some(version) => Some(version.clone()),
            None => kind.version().ok(),
        };
        let measured = check::Measured {
            os: measure::os(&at.settings.os_release_file),
            architecture: Some(
                rustix::system::uname()
                    .machine()
                    .to_string_lossy()
                    .into_owned(),
            ),
            version: version.clone(),
        };
        let downgrade = check::applicability(
            &papered.watermark,
            &papered.place.leaf,
            &papered.approval,
            release,
            &measured,
            &downgrades,
            &papered.authority,
            now,
        )?;
        used.extend(downgrade);
        if expected
            .insert(product, described.version.clone())
            .is_none()
        {
            before.push(ProductVersion {
                product: product.clone(),
                version: version.unwrap_or_else(|| kind::UNKNOWN.to_owned()),
            });
        }
        let failed = measure::first_failed(at, &described.checks_before);
        if let Some(check) = failed {
            let (name, said) = (&check.check, check.said());
            let text = format!("check {name} before the install fails{said}");
            return Err(refused(Step::Applicability, text));
        }
    }
    Ok((before, used))
}

/// The last part of step 7: whether an install would work, without changing anything.
fn simulate(at: &Installer, job: JobId, approval: &Approval) -> Result<(), Denied> {
    for release in &approval.releases {
        kind::of(&at.site(job), release)
            .and_then(|kind| kind.simulate())
            .map_err(|problem| refused(Step::Artifacts, problem))?;
    }
    Ok(())
}
