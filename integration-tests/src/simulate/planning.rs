//! Plans: the product's planner lays them, its plan check judges them twice, once when
//! they are made and once when they come to be signed; people sign when they find time.

use super::db::PlanRow;
use super::fault::Fault;
use super::hospital::{label, name};
use super::mutant::Mutant;
use super::world::{Event, World};
use patchward_collector::schedule::opening;
use patchward_collector::schedule::planner::{
    Candidate, GroupRule, PlanInput, Planned, Policy, Standing, plan,
};
use patchward_collector::store::jobs::Job;
use patchward_collector::store::plans::PlanState;
use patchward_collector::store::windows::{Area, Freeze};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Name};
use patchward_common::job::State;
use patchward_common::plan::check::{Rule, Severity, blocks, check};
use patchward_common::plan::{Context, MachineFacts, PlanFile, Stated};
use patchward_common::time::{DAY_MS, HOUR_MS, Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::roster::Class;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The soak of an emergency.
const EMERGENCY_SOAK_MS: i64 = 2 * HOUR_MS;
/// How long two people need to sign one.
const EMERGENCY_LEAD_MS: i64 = 10 * MINUTE_MS;
/// How far ahead a plan may reach here.
pub(super) const HORIZON_MS: i64 = 12 * DAY_MS;
/// From the last first slot of a wave to the first of the next.
const SOAK_MS: i64 = 20 * HOUR_MS;

/// How long a wave is watched before the next begins.
fn soak_ms(is_emergency: bool) -> i64 {
    match is_emergency {
        true => EMERGENCY_SOAK_MS,
        false => SOAK_MS,
    }
}

impl World {
    /// HTM asks for a plan of `releases` for these machines, and signs it later. Gives back
    /// whether there is one.
    pub(super) fn plan_for(
        &mut self,
        releases: Vec<ApprovedRelease>,
        machines: &[usize],
        sign_after_ms: [i64; 2],
    ) -> Option<Digest> {
        let input = self.input(releases, machines, self.now);
        let planned = plan(&input, self.now).ok()?;
        let digest = planned.table.signed.digest();
        let is_careless = matches!(
            self.mutant,
            Some(Mutant::PlanMinimumOffByOne | Mutant::BesideIgnored)
        );
        let findings = match is_careless {
            true => Vec::new(),
            false => check(&self.plan_file(&planned, &input), self.now),
        };
        if findings.iter().any(|one| one.rule == Rule::Authority) {
            // A roster that ran out; nobody plans under it.
            return None;
        }
        if blocks(&findings) {
            let text = format!("the plan check blocks what the planner made: {findings:?}");
            self.violate(super::truth::Invariant::I3, text);
            return None;
        }
        self.trace(|| {
            let (machines, waves) = (planned.leaves.len(), planned.approval.waves);
            format!("plan {digest:.0?}: {machines} machines in {waves} waves")
        });
        self.document_lives(planned.approval.issued, planned.approval.expires);
        let row = PlanRow {
            digest,
            title: input.title.clone(),
            placed: Rc::new(planned.table.placed().ok()?),
            table: planned.table,
            approval: Rc::new(planned.approval),
            leaves: Rc::new(planned.leaves),
            state: PlanState::Draft,
            made_at: self.now,
        };
        self.db.plans.push(row);
        self.after(sign_after_ms[0], Event::Sign(digest));
        self.after(sign_after_ms[0].max(sign_after_ms[1]), Event::Sign(digest));
        Some(digest)
    }

    fn input(&self, releases: Vec<ApprovedRelease>, machines: &[usize], from: UtcMs) -> PlanInput {
        let latest = self.now.plus_ms(self.horizon_ms);
        let range = Interval::new(from, latest).expect("the horizon is ahead");
        let machines: Vec<Candidate> = machines.iter().map(|m| self.candidate(*m)).collect();
        let mut allowed = BTreeMap::new();
        for candidate in &machines {
            let unit = &candidate.row.unit;
            if !allowed.contains_key(unit) {
                allowed.insert(unit.clone(), self.allowed(unit, range));
            }
        }
        let more = u32::from(self.mutant == Some(Mutant::PlanMinimumOffByOne));
        let groups = self.db.groups.values().map(|group| {
            let rule = GroupRule {
                size: self.db.members[&group.name].len() as u32,
                minimum_ready: group.minimum_ready.saturating_sub(more),
            };
            (group.name.clone(), rule)
        });
        let beside = match self.mutant {
            Some(Mutant::BesideIgnored) => Vec::new(),
            _ => self.standing().map(standing).collect(),
        };
        PlanInput {
            title: label(&format!("plan {}", self.db.plans.len())),
            releases,
            machines,
            allowed,
            frozen: BTreeMap::new(),
            groups: groups.collect(),
            beside,
            excepted: BTreeMap::new(),
            placed: (self.hospital.rows.iter())
                .map(|(machine, row)| (*machine, row.groups.clone()))
                .collect(),
            measured_minutes: BTreeMap::new(),
            stated: Stated::default(),
            policy: Policy {
                canaries: 2,
                growth: 8,
                soak_ms: soak_ms(self.emergency.is_some()),
                spare_slots: 4,
                failure_limit: 4,
                horizon_ms: self.horizon_ms,
                lead_ms: match self.emergency {
                    Some(_) => EMERGENCY_LEAD_MS,
                    None => HOUR_MS,
                },
            },
            clears: Vec::new(),
            emergency: self.emergency.clone(),
        }
    }

    /// Plans that were signed, by as few as one, and stand until they expire.
    fn standing(&self) -> impl Iterator<Item = &PlanRow> {
        self.db.plans.iter().filter(|plan| {
            self.now < plan.approval.expires
                && (plan.state != PlanState::Draft || !plan.table.signed.signatures().is_empty())
        })
    }

    fn candidate(&self, m: usize) -> Candidate {
        let machine = &self.machines[m];
        let versions = machine.software.iter();
        Candidate {
            row: self.hospital.rows[&machine.id].clone(),
            facts: MachineFacts {
                machine: machine.id,
                interlock_profile: Some(name("probes")),
                os: Some("debian-12".into()),
                architecture: Some("x86_64".into()),
                versions: versions
                    .map(|(p, s)| (p.clone(), s.version.clone()))
                    .collect(),
                quarantined: Vec::new(),
            },
        }
    }

    /// When work is allowed in a unit: the product's windows less its freezes.
    pub(super) fn allowed(&self, unit: &Name, range: Interval) -> Vec<Interval> {
        let windows = self.db.windows.iter().filter(|window| window.unit == *unit);
        let openings = windows.flat_map(|window| {
            let understood = window.understood().expect("our own windows are understood");
            understood
                .openings(range)
                .expect("a month of openings is not too many")
        });
        let windows = opening::union(openings);
        let freezes = self.db.freezes.iter().filter(|freeze| match freeze.area {
            Area::All | Area::Site => true,
            Area::Unit => freeze.subject == unit.as_str(),
            Area::Machine => false,
        });
        let overridden = |freeze: &&Freeze| {
            let emergency = self.emergency.as_ref();
            emergency.is_some_and(|emergency| emergency.freezes.contains(&freeze.id))
        };
        let freezes = freezes.filter(|freeze| !overridden(freeze));
        let freezes = freezes.filter_map(|f| Interval::new(f.start, f.end).ok());
        let freezes = opening::union(freezes);
        opening::within(&opening::allowed(&windows, &freezes), range)
    }

    fn plan_file(&self, planned: &Planned, input: &PlanInput) -> PlanFile {
        let own = planned.table.signed.digest();
        let beside = self.standing().filter(|plan| plan.digest != own);
        PlanFile {
            plan: planned.table.clone(),
            context: Context {
                made: self.now,
                chain: self.hospital.chain.clone(),
                roster: self.db.roster.1.clone(),
                assignments: self.hospital.assignments[..self.db.assignments].to_vec(),
                openings: input.allowed.clone(),
                beside: beside.map(|plan| plan.table.clone()).collect(),
                metadata: BTreeMap::from([(name("acme"), self.now.plus_ms(90 * DAY_MS))]),
                machines: input.machines.iter().map(|c| c.facts.clone()).collect(),
                measured_minutes: BTreeMap::new(),
                soak_ms: input.policy.soak_ms,
                stated: None,
            },
        }
    }

    /// An approver comes to sign: checks what is true now, and signs or does not.
    pub(super) fn sign(&mut self, digest: Digest) {
        let now = self.now;
        let Some(row) = self.db.plan(digest).cloned() else {
            return;
        };
        // What was made before everything calmed down is not signed any more: one plan for
        // everybody follows it.
        let is_late = self.last_plan.is_some_and(|last| last != digest);
        if row.state != PlanState::Draft || is_late {
            return;
        }
        if now.since_ms(row.made_at) >= DAY_MS {
            self.count(Fault::LateApproval);
        }
        let machines: Vec<usize> = row
            .leaves
            .iter()
            .filter_map(|leaf| self.machines.iter().position(|m| m.id == leaf.machine))
            .collect();
        let input = self.input(row.approval.releases.clone(), &machines, row.made_at);
        let planned = Planned {
            table: row.table.clone(),
            approval: (*row.approval).clone(),
            leaves: row.leaves.to_vec(),
            impossible: Vec::new(),
        };
        let is_careless = matches!(
            self.mutant,
            Some(Mutant::PlanMinimumOffByOne | Mutant::BesideIgnored)
        );
        let file = self.plan_file(&planned, &input);
        let findings = if is_careless {
            Vec::new()
        } else {
            check(&file, now)
        };
        if blocks(&findings) {
            let mut all = findings.into_iter();
            let why = all
                .find(|one| one.severity == Severity::Blocks)
                .map(|one| one.text);
            self.trace(|| format!("not signed: {}", why.unwrap_or_default()));
            self.count(Fault::NotSigned);
            return;
        }
        let have = row.table.signed.signatures().len();
        let able = self.hospital.approvers_named();
        let Some((who, key)) = self.hospital.approvers.get(have).filter(|_| have < able) else {
            return;
        };
        let mut signed = row.table.signed.clone();
        signed.cosign(key);
        let needs = row.needs();
        let is_enough = signed.signatures().len() >= needs;
        let who = who.clone();
        if row.approval.emergency.is_some() {
            self.trace(|| format!("{who} signs the emergency: {} of {needs}", have + 1));
        }
        if let Some(plan) = self.db.plan_mut(digest) {
            plan.table.signed = signed;
            if is_enough {
                plan.state = PlanState::Active;
            }
        }
        self.db.changes += 1;
        self.plan_is_signed(digest);
        if is_enough {
            self.give_out(digest);
        }
    }

    /// A plan that enough signed goes to its machines.
    pub(super) fn give_out(&mut self, digest: Digest) {
        let Some(plan) = self.db.plan(digest).cloned() else {
            return;
        };
        self.db.orders += 1;
        for leaf in plan.leaves.iter() {
            let id = JobId::of(digest, leaf.machine);
            let job = Job {
                id,
                plan: digest,
                machine: leaf.machine,
                wave: u32::from(leaf.wave),
                state: State::Assigned,
                since: self.now,
                attempt: 0,
                slot: None,
                generation: 1,
            };
            self.db.jobs.entry(id).or_insert(job);
            self.apply_early(id);
            self.db.changes += 1;
            if let Some(m) = self.machines.iter().position(|m| m.id == leaf.machine) {
                self.nudge(m);
            }
        }
    }
}

impl PlanRow {
    pub(super) fn soak_ms(&self) -> i64 {
        soak_ms(self.approval.emergency.is_some())
    }

    /// How many people must sign it.
    fn needs(&self) -> usize {
        let mut classes = self.leaves.iter().map(|leaf| leaf.class);
        let is_usual = classes.all(|class| class == Class::Standard);
        match is_usual && self.approval.emergency.is_none() {
            true => 1,
            false => 2,
        }
    }
}

fn standing(plan: &PlanRow) -> Standing {
    Standing {
        digest: plan.digest,
        approval: (*plan.approval).clone(),
        leaves: plan.leaves.to_vec(),
    }
}
