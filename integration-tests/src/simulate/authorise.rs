//! The eleven checks as the product's `authorise.rs` calls them, in the order and with the
//! numbers of the design; the mutants of the rules are wired in here.

mod moment;

use super::fault::Fault;
use super::installer::Denied;
use super::machine::{Record, Use};
use super::mutant::Mutant;
use super::world::World;
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use patchward_common::job::phase::{Plan, Step};
use patchward_common::job::{ProductVersion, Reason, Start};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, PlanLeaf, REBOOT_ALLOWANCE_MS};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::check::{self, Ask, Authority, Place, Stops};
use patchward_common::trust::go::{CLOCK_BOUND_MS, Go};
use patchward_common::trust::papers::{self, Papers};
use patchward_common::trust::release::Reboot;
use patchward_common::trust::sign::{Signed, Verified};
use patchward_common::trust::watermark::{Mark, Watermark};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What steps 1 to 4 came to for a job, and what that stands on. All of it is a function of
/// the documents, the watermark's marks and, by comparisons alone, of the time: between two
/// instants at which any document begins or ends it is the same, and is not asked again.
pub(super) struct Kept {
    job: JobId,
    papers: Rc<Papers>,
    marks: [Mark; 3],
    epoch: usize,
    came_to: Result<Rc<Papered>, Reason>,
}

/// What steps 1 to 4 establish.
pub(super) struct Papered {
    authority: Authority,
    place: Place,
    approval: Verified<Approval>,
    leaf: PlanLeaf,
    papers: Rc<Papers>,
    stops: Stops,
}

/// What steps 1 to 7 establish.
pub(super) struct Ready {
    papered: Rc<Papered>,
    before: Vec<ProductVersion>,
    downgrades: Vec<Digest>,
}

/// What a start is allowed by.
pub(super) struct Allowed {
    pub(super) ready: Ready,
    pub(super) start: Start,
    pub(super) rehearses: bool,
}

impl World {
    /// Steps 1 to 4, where they are not known.
    fn papers(&mut self, m: usize, job: JobId) -> Result<Rc<Papered>, Denied> {
        let now = self.clock_of(m);
        let machine = &self.machines[m];
        if !machine.answers() {
            return Err(Denied::Dead);
        }
        let epoch = self.epoch(m);
        let marks = marks_of(&machine.disk.watermark);
        let is_it = |kept: &&Kept| {
            kept.job == job
                && kept.epoch == epoch
                && kept.marks == marks
                && Rc::ptr_eq(&kept.papers, &machine.disk.papers)
        };
        if let Some(kept) = machine.kept.iter().find(is_it) {
            return kept.came_to.clone().map_err(Denied::Refused);
        }
        let came_to = self.papers_anew(m, job, now);
        let came_to = match came_to {
            Ok(papered) => Ok(Rc::new(papered)),
            Err(Denied::Refused(reason)) => Err(reason),
            Err(other) => return Err(other),
        };
        let machine = &mut self.machines[m];
        machine.kept.retain(|kept| kept.job != job);
        machine.kept.push(Kept {
            job,
            papers: Rc::clone(&machine.disk.papers),
            marks: marks_of(&machine.disk.watermark),
            epoch,
            came_to: came_to.clone(),
        });
        came_to.map_err(Denied::Refused)
    }

    /// Steps 1 to 4.
    fn papers_anew(&mut self, m: usize, job: JobId, now: UtcMs) -> Result<Papered, Denied> {
        let machine = &self.machines[m];
        let (papers, watermark) = (Rc::clone(&machine.disk.papers), &machine.disk.watermark);
        let placed = papers.approval(job, machine.id).ok_or(Denied::Wrong)?;
        // 1 charter and roster.
        let at = match self.mutant {
            Some(Mutant::RosterExpirySkipped) => before_roster_ends(&papers, now),
            _ => now,
        };
        let authority = papers.authority(watermark, at)?;
        // 2 assignment.
        let place = papers.place(&authority, watermark, now)?;
        self.raise(m, |watermark| {
            papers::raise(watermark, &authority, Some(&place));
        })?;
        if place.leaf.mode == Mode::Observe {
            place.may_install()?;
        }
        // 3 approval.
        let stops = match self.mutant {
            Some(Mutant::StopIgnored) => Stops::default(),
            _ => papers.stops(&authority, &place, now),
        };
        let approval = check::approval(&authority, &place.leaf, &stops, &placed.signed, now)?;
        // 4 placement.
        let id = self.machines[m].id;
        let leaf = check::placement(id, &place.leaf, &approval, &placed.leaf, &placed.proof)?;
        Ok(Papered {
            authority,
            place,
            approval,
            leaf,
            papers: Rc::clone(&papers),
            stops,
        })
    }

    /// Steps 1 to 7.
    pub(super) fn authorise_prepare(&mut self, m: usize, job: JobId) -> Result<Ready, Denied> {
        let papered = self.papers(m, job)?;
        let now = self.clock_of(m);
        // 5 vendor.
        if self.mutant != Some(Mutant::VendorSkipped) {
            self.vendor_said(m, &papered, now)?;
        }
        // 6 applicability and counters.
        let (before, downgrades) = self.applicability(m, &papered, now)?;
        // 7 artifacts.
        let mut staged = BTreeMap::new();
        for artifact in papered.approval.artifacts() {
            let found = self.stage(m, job, artifact.sha256)?;
            staged.insert(artifact.sha256, found.map(|found| (found, artifact.length)));
        }
        check::artifacts(&papered.approval, |name| {
            staged.get(&name).copied().flatten()
        })?;
        Ok(Ready {
            papered,
            before,
            downgrades,
        })
    }

    fn vendor_said(&mut self, m: usize, papered: &Papered, now: UtcMs) -> Result<(), Denied> {
        let Some(edition) = self.machines[m].agent.edition else {
            return Err(Denied::Refused(Reason {
                step: Some(check::Step::Vendor),
                ..Reason::new("no metadata was fetched")
            }));
        };
        for release in &papered.approval.releases {
            let repository = release.repository.clone();
            let watermark = &self.machines[m].disk.watermark;
            let seen = watermark.repositories.get(&repository).cloned();
            let refreshed = self.vendor.refresh(edition, &seen.unwrap_or_default(), now);
            let raised = refreshed.watermark;
            self.raise(m, |watermark| {
                watermark.repositories.insert(repository, raised);
            })?;
            match refreshed.found {
                Ok(targets) => check::vendor(&papered.authority, release, &targets)?,
                Err(error) => {
                    if error.to_string().contains("expired") {
                        self.count(Fault::MetadataExpired);
                    }
                    return Err(Denied::Refused(Reason {
                        step: Some(check::Step::Vendor),
                        ..Reason::new(error.to_string())
                    }));
                }
            }
        }
        Ok(())
    }

    fn applicability(
        &mut self,
        m: usize,
        papered: &Papered,
        now: UtcMs,
    ) -> Result<(Vec<ProductVersion>, Vec<Digest>), Denied> {
        let machine = &self.machines[m];
        let mut before: Vec<ProductVersion> = Vec::new();
        let mut used = Vec::new();
        let downgrades = papered.papers.downgrades(&papered.authority, now);
        for release in &papered.approval.releases {
            let product = &release.release.product;
            let software = machine.software.get(product);
            let version = software.map_or("absent", |software| &software.version);
            let measured = check::Measured {
                os: Some("debian-12".into()),
                architecture: Some("x86_64".into()),
                version: Some(version.to_owned()),
            };
            used.extend(check::applicability(
                &machine.disk.watermark,
                &papered.place.leaf,
                &papered.approval,
                release,
                &measured,
                &downgrades,
                &papered.authority,
                now,
            )?);
            before.push(ProductVersion {
                product: product.clone(),
                version: version.to_owned(),
            });
        }
        Ok((before, used))
    }

    /// Copies an artifact into the root-only folder and hashes it there.
    fn stage(&mut self, m: usize, job: JobId, name: Digest) -> Result<Option<Digest>, Denied> {
        let machine = &self.machines[m];
        if machine.disk.staged.get(&(job, name)) == Some(&name) {
            return Ok(Some(name));
        }
        let Some(found) = machine.agent.fetched.get(&name).copied() else {
            return Ok(None);
        };
        self.persist(m, "an artifact", |disk| {
            disk.staged.insert((job, name), found);
        })?;
        Ok(Some(found))
    }

    /// Steps 1 to 11.
    pub(super) fn authorise_start(
        &mut self,
        m: usize,
        ask: &Ask,
        go: &Signed<Go>,
    ) -> Result<Allowed, Denied> {
        let job = ask.job;
        let mut ready = self.authorise_prepare(m, job)?;
        ready.papered = self.papers(m, job)?;
        let longest_run_ms = match self.mutant {
            Some(Mutant::LongestRunSkipped) => 0,
            _ => ready.papered.approval.longest_run_ms(),
        };
        let (slot, interlock) = self.moment(m, &ready.papered, ask, go, longest_run_ms)?;
        let now = self.clock_of(m);
        let Papered {
            authority,
            place,
            approval,
            ..
        } = &*ready.papered;
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
        let rehearses =
            place.leaf.mode == Mode::Rehearse && self.mutant != Some(Mutant::ModeSkipped);
        Ok(Allowed {
            ready,
            start,
            rehearses,
        })
    }

    /// Steps 1 to 4 and 8 to 11, for the restart that a job waits for.
    pub(super) fn authorise_reboot(
        &mut self,
        m: usize,
        job: JobId,
        go: &Signed<Go>,
    ) -> Result<(), Denied> {
        let ask = self.take_nonce(m, job)?;
        let papered = self.papers(m, job)?;
        self.moment(m, &papered, &ask, go, REBOOT_ALLOWANCE_MS)
            .map(|_| ())
    }

    /// The record of a start that was allowed.
    pub(super) fn record(&self, m: usize, job: JobId, allowed: Allowed) -> Record {
        let Allowed { ready, start, .. } = allowed;
        let approval = ready.papered.approval.clone();
        let digest = approval.digest();
        let approval = approval.into_document();
        let plan = plan_of(&approval, start.boot);
        Record {
            job,
            sequence: self.machines[m].last_sequence() + 1,
            digest,
            install_until: self.clock_of(m).plus_ms(approval.install_ms()),
            downgrades: ready.downgrades,
            approval,
            start,
            plan,
        }
    }

    /// What is true of a machine's use now, a handover by its unit included.
    pub(super) fn true_use(&mut self, m: usize) -> Use {
        let machine = &self.machines[m];
        let handed_over = |until: &UtcMs| self.now < until.plus_ms(CLOCK_BOUND_MS);
        match machine.usage {
            super::machine::Usage::Always => {
                let said = self.truth.handed_over.get(&m);
                match said.is_some_and(handed_over) {
                    true => Use::Idle,
                    false => Use::Taken,
                }
            }
            _ => self.use_now(m),
        }
    }
}

pub(super) fn marks_of(watermark: &Watermark) -> [Mark; 3] {
    [watermark.charter, watermark.roster, watermark.assignment]
}

/// The steps of a job: unpack beside the old, switch, start; and the way back.
fn plan_of(approval: &Approval, boot: patchward_common::id::BootId) -> Plan {
    let step = |release: usize, word: &str, disruptive| Step {
        name: format!("{release}-{word}"),
        release,
        argv: Vec::new(),
        env: Vec::new(),
        disruptive,
    };
    let mut steps = Vec::new();
    let mut back = Vec::new();
    for (at, _) in approval.releases.iter().enumerate() {
        steps.extend([
            step(at, "unpack", false),
            step(at, "switch", true),
            step(at, "start", true),
        ]);
        back.splice(
            0..0,
            [step(at, "back-switch", true), step(at, "back-start", true)],
        );
    }
    let reboots = approval.releases.iter();
    Plan {
        boot,
        reboot: reboots
            .into_iter()
            .any(|r| r.release.reboot == Reboot::Machine),
        steps,
        back,
    }
}

fn before_roster_ends(papers: &Papers, now: UtcMs) -> UtcMs {
    let roster = papers.documents.roster.as_ref();
    let expires = roster.and_then(|signed| signed.peek().ok());
    expires.map_or(now, |roster| now.min(roster.expires.plus_ms(-1)))
}
