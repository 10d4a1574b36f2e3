//! The documents that an installer keeps: the product's `Papers::take` says which.

use super::Denied;
use crate::simulate::authorise::marks_of;
use crate::simulate::machine::Known;
use crate::simulate::mutant::Mutant;
use crate::simulate::world::World;
use patchward_common::codec;
use patchward_common::id::JobId;
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::papers::Papers;
use patchward_common::trust::stop::Scope;
use patchward_common::trust::watermark::Mark;
use patchward_common::wire::local::Documents;
use std::rc::Rc;

/// Documents that changed nothing when they were taken. What becomes of documents is a
/// function of them, of those that are kept, of the watermark's marks and, by comparisons
/// alone, of the time: brought again between the same two instants at which any document
/// begins or ends, they change nothing again.
pub(in crate::simulate) struct Brought {
    documents: Rc<Documents>,
    papers: Rc<Papers>,
    marks: [Mark; 3],
    epoch: usize,
    is_whole: bool,
}

/// Most that are remembered of one machine: what an honest collector gives, and the three
/// things that a hostile one gives in its place.
const MAX_BROUGHT: usize = 4;

impl World {
    /// Between which instants, at which any document begins or ends, a machine's clock is.
    pub(in crate::simulate) fn epoch(&self, m: usize) -> usize {
        let now = self.clock_of(m);
        self.bounds.partition_point(|bound| *bound <= now)
    }

    /// Takes documents: they first, then what they raise. Gives back whether all of them
    /// were taken.
    pub(in crate::simulate) fn take(
        &mut self,
        m: usize,
        documents: &Rc<Documents>,
    ) -> Result<bool, Denied> {
        let epoch = self.epoch(m);
        let machine = &self.machines[m];
        if !machine.answers() {
            return Err(Denied::Dead);
        }
        let mut seen = machine.disk.watermark.clone();
        if self.mutant == Some(Mutant::OldRosterTaken) {
            seen.roster = Default::default();
        }
        let is_it = |known: &&Brought| {
            known.epoch == epoch
                && known.marks == marks_of(&seen)
                && Rc::ptr_eq(&known.papers, &machine.disk.papers)
                && (Rc::ptr_eq(&known.documents, documents) || known.documents == *documents)
        };
        if let Some(known) = machine.brought.iter().find(is_it) {
            return Ok(known.is_whole);
        }
        let before = Rc::clone(&machine.disk.papers);
        let taken = before.take(&seen, (**documents).clone(), machine.clock(self.now));
        let is_whole = taken.refused.is_empty();
        if taken.papers == *before && taken.watermark == seen {
            let brought = &mut self.machines[m].brought;
            if brought.len() >= MAX_BROUGHT {
                brought.remove(0);
            }
            brought.push(Brought {
                documents: Rc::clone(documents),
                papers: before,
                marks: marks_of(&seen),
                epoch,
                is_whole,
            });
        } else if taken.papers != *before {
            let papers = Rc::new(taken.papers);
            self.persist(m, "the documents", |disk| disk.papers = papers)?;
            self.read_papers(m);
            self.papers_are(m);
        }
        self.raise(m, |watermark| *watermark = taken.watermark)?;
        Ok(is_whole)
    }
    /// Passes on a stop without a signature, so many times: stopping is never refused.
    pub(in crate::simulate) fn stop_here(
        &mut self,
        m: usize,
        scopes: Vec<Scope>,
    ) -> Result<(), Denied> {
        let mut papers = (*self.machines[m].disk.papers).clone();
        for scope in scopes {
            match self.mutant == Some(Mutant::StopsWithoutLimit) {
                true => papers.unsigned_stops.push(scope),
                false => papers.stop(scope),
            }
        }
        let papers = Rc::new(papers);
        self.persist(m, "an unsigned stop", |disk| disk.papers = papers)?;
        self.papers_are(m);
        Ok(())
    }

    /// Reads out of the papers what a status tells.
    pub(in crate::simulate) fn read_papers(&mut self, m: usize) {
        let machine = &self.machines[m];
        let approvals = machine.disk.papers.documents.approvals.iter();
        let known = approvals.filter_map(|placed| {
            let approval = placed.signed.peek().ok()?;
            let leaf: PlanLeaf = codec::decode_deterministic(&placed.leaf, MAX_LEAF_BYTES).ok()?;
            let digest = placed.signed.digest();
            Some(Known {
                job: JobId::of(digest, machine.id),
                approval: digest,
                slots: leaf.slots,
                longest_run_ms: approval.longest_run_ms(),
                artifacts: approval.artifacts().map(|a| a.sha256).collect(),
            })
        });
        self.machines[m].known = Rc::new(known.collect());
    }
}
