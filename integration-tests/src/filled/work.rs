//! Two years of rollouts: eight for every machine, each plan for some units, with what became
//! of every job; then those that are under way.

use super::{Filling, HISTORY_MS, chance, known};
use crate::fixture::{Hospital, interval, label, sign};
use patchward_collector::authority::stored_signatures;
use patchward_collector::store::jobs::Job;
use patchward_collector::store::plans::{Leaf, NewPlan, PlanState};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::job::{Reason, State};
use patchward_common::plan::with_leaves;
use patchward_common::time::{DAY_MS, HOUR_MS, UtcMs};
use patchward_common::trust::approval::{Approval, GroupMinimum, PlanLeaf};
use patchward_common::trust::placement::{Tree, leaf_bytes};
use patchward_common::trust::sign::PublicKey;
use std::collections::BTreeMap;
use std::ops::Range;

/// Rollouts of each machine in two years.
const ROUNDS: usize = 8;
/// Waves of a plan.
const WAVES: usize = 4;
/// How long a rollout takes.
const ROLLOUT_MS: i64 = 5 * DAY_MS;

/// One plan: which machines get what, and from when on.
struct Rollout {
    round: usize,
    units: Range<usize>,
    start: UtcMs,
}

impl Filling<'_> {
    /// All of them.
    pub(super) async fn work(&self) -> anyhow::Result<()> {
        let (spec, units) = (self.spec, self.places.units.len());
        let together = self.places.units_of_a_plan();
        let blocks = units.div_ceil(together);
        let block = |nth: usize| nth * together..((nth + 1) * together).min(units);
        for round in 0..ROUNDS {
            let begins = spec
                .began()
                .plus_ms(130 * DAY_MS + (HISTORY_MS - 160 * DAY_MS) * round as i64 / ROUNDS as i64);
            for nth in 0..blocks {
                let start = begins.plus_ms(nth as i64 * 20 * HOUR_MS);
                let units = block(nth);
                self.done(&Rollout {
                    round,
                    units,
                    start,
                })
                .await?;
                (self.progress)("rollouts", round * blocks + nth + 1, ROUNDS * blocks);
            }
        }
        // One that runs, one that begins tonight, one that waits for signatures.
        for (nth, begins) in [(0, -DAY_MS), (1, 6 * HOUR_MS), (2, 20 * HOUR_MS)] {
            let rollout = Rollout {
                round: ROUNDS,
                units: block(nth % blocks),
                start: spec.now.plus_ms(begins),
            };
            self.begun(&rollout, nth).await?;
        }
        Ok(())
    }

    /// A plan that was carried out.
    async fn done(&self, rollout: &Rollout) -> anyhow::Result<()> {
        let (plan, machines) = self.planned(rollout, PlanState::Active).await?;
        let jobs = self.store.view().await?.jobs_of_plan(&plan).await?;
        let numbers: BTreeMap<_, _> = machines
            .map(|number| (self.spec.machine(number), number))
            .collect();
        let ended = rollout.start.plus_ms(ROLLOUT_MS);
        let mut change = self.change(ended).await?;
        for job in jobs {
            let number = numbers.get(&job.machine).copied().unwrap_or_default();
            let state = self.outcome(number, rollout.round);
            let attempt = u32::from(!matches!(state, State::Missed | State::Stopped(_)));
            let slot = self.slot(rollout, &job);
            change.move_job(&job, &state, Some(slot), attempt).await?;
        }
        change
            .move_plan(&plan, PlanState::Active, PlanState::Done, "every job ended")
            .await?;
        change.commit().await?;
        Ok(())
    }

    /// What became of a machine's job in a round.
    fn outcome(&self, number: usize, round: usize) -> State {
        let draw = chance::of(self.spec.seed, "outcome", number * ROUNDS + round);
        let is_last = round + 1 == ROUNDS;
        match draw % 1_000 {
            0..8 => State::Missed,
            8..14 => State::RolledBack(Reason::new("its check after the install failed")),
            14..17 => State::Failed(Reason::new("neither version was found")),
            17..20 => State::Stopped(Reason::new("the unit moved")),
            20..26 if is_last => State::Verified,
            _ => State::InService,
        }
    }

    fn slot(&self, rollout: &Rollout, job: &Job) -> patchward_common::time::Interval {
        slot(rollout, job.wave as usize)
    }

    /// A plan that is under way, and how far it is.
    async fn begun(&self, rollout: &Rollout, nth: usize) -> anyhow::Result<()> {
        let state = match nth {
            2 => PlanState::Draft,
            _ => PlanState::Active,
        };
        let (plan, _) = self.planned(rollout, state).await?;
        if state == PlanState::Draft {
            return Ok(());
        }
        let jobs = self.store.view().await?.jobs_of_plan(&plan).await?;
        let mut change = self.change(self.spec.now.plus_ms(-HOUR_MS)).await?;
        for (at, job) in jobs.iter().enumerate() {
            let slot = slot(rollout, job.wave as usize);
            let state = match (nth, job.wave, at % 40) {
                (0, 0, 0) => State::Failed(Reason::new("its check after the install failed")),
                (0, 0, 1..10) => State::Verified,
                (0, 0, _) => State::InService,
                (_, _, 0) => State::Deferred(Reason::new("it was in use")),
                (_, _, 1..6) => State::Staged,
                _ => State::Armed,
            };
            let attempt = u32::from(nth == 0 && job.wave == 0);
            change.move_job(job, &state, Some(slot), attempt).await?;
        }
        change.commit().await?;
        Ok(())
    }

    /// Makes a plan, its jobs with it, and moves it on to a state; gives back its machines.
    async fn planned(
        &self,
        rollout: &Rollout,
        state: PlanState,
    ) -> anyhow::Result<(Digest, Range<usize>)> {
        let machines = self.places.machines_of(rollout.units.clone());
        let machines = machines.start..machines.end.min(self.spec.machines);
        let mut leaves: Vec<PlanLeaf> = machines
            .clone()
            .map(|number| self.leaf(rollout, number, machines.start))
            .collect();
        // As they stand in every table, and as its root counts them.
        leaves.sort_by_key(|leaf| leaf.machine);
        let (approval, stored) = self.approval(rollout, &leaves);
        let papers = Hospital::new(1, self.spec.began());
        let signed = sign(&approval, &[&papers.alice, &papers.bob]);
        let groups: Vec<Name> = approval
            .groups
            .iter()
            .map(|one| one.group.clone())
            .collect();
        let releases: Vec<Digest> = approval.releases.iter().map(|one| one.sha256).collect();
        let made = rollout.start.plus_ms(-3 * DAY_MS);
        let mut change = self.change(made).await?;
        let payload = codec::encode_deterministic(&approval);
        let plan = change
            .add_plan(&NewPlan {
                title: &approval.title,
                payload: &payload,
                expires_at: approval.expires,
                groups: &groups,
                releases: &releases,
                leaves: &stored,
            })
            .await?;
        if state == PlanState::Active {
            let keys = [&papers.alice, &papers.bob].map(PublicKey::of);
            let signatures = stored_signatures(&signed, &keys);
            change.add_signatures(&plan, &signatures).await?;
            for (from, to) in [
                (PlanState::Draft, PlanState::Signed),
                (PlanState::Signed, PlanState::Active),
            ] {
                change
                    .move_plan(&plan, from, to, "signed by enough")
                    .await?;
            }
            let jobs: Vec<_> = stored
                .iter()
                .map(|leaf| (leaf.machine, leaf.wave))
                .collect();
            change.add_jobs(&plan, &jobs).await?;
        }
        change.commit().await?;
        Ok((plan, machines))
    }

    fn leaf(&self, rollout: &Rollout, number: usize, first: usize) -> PlanLeaf {
        let unit = self.places.unit_of(number);
        let wave = match number - first {
            0..20 => 0,
            later => 1 + later % (WAVES - 1),
        };
        PlanLeaf {
            machine: self.spec.machine(number),
            unit: unit.name.clone(),
            class: unit.class,
            groups: self.places.group_of(number).into_iter().collect(),
            wave: wave as u16,
            slots: vec![slot(rollout, wave)],
        }
    }

    fn approval(&self, rollout: &Rollout, leaves: &[PlanLeaf]) -> (Approval, Vec<Leaf>) {
        let papers = Hospital::new(1, rollout.start.plus_ms(-3 * DAY_MS));
        let (product, nth) = (rollout.round % 4, rollout.round / 4 + 1);
        let release = known::release(&papers, product, nth);
        let units = &self.places.units[rollout.units.clone()];
        let (first, last) = (&units[0].name, &units[units.len() - 1].name);
        let title = format!(
            "{} {}, {first} to {last}",
            release.release.product, release.release.version
        );
        let mut sizes: BTreeMap<&Name, u32> = BTreeMap::new();
        for group in leaves.iter().flat_map(|leaf| &leaf.groups) {
            *sizes.entry(group).or_default() += 1;
        }
        let groups = sizes.into_iter().map(|(group, size)| GroupMinimum {
            group: group.clone(),
            size,
            minimum_ready: size.saturating_sub(2),
        });
        let bytes: Vec<Vec<u8>> = leaves.iter().map(leaf_bytes).collect();
        let approval = Approval {
            title: label(&title),
            groups: groups.collect(),
            machines: leaves.len() as u64,
            root: Tree::new(&bytes).root(),
            ..papers.approval(vec![release])
        };
        let stored = leaves.iter().zip(bytes).map(|(leaf, bytes)| Leaf {
            machine: leaf.machine,
            wave: leaf.wave.into(),
            bytes,
        });
        let stored = stored.collect();
        (with_leaves(approval, leaves), stored)
    }
}

/// The slot of a wave: three hours of the night of its day.
fn slot(rollout: &Rollout, wave: usize) -> patchward_common::time::Interval {
    let start = rollout.start.plus_ms(wave as i64 * DAY_MS);
    interval(start, start.plus_ms(3 * HOUR_MS))
}
