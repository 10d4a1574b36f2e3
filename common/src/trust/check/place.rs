//! Step 2: what this machine is.

use super::authority::Authority;
use super::refusal::{Refusal, Step, Why};
use super::rule::{enough, not_ahead, not_below, parse_leaf, unsigned};
use crate::time::UtcMs;
use crate::trust::assignment::{Assignment, AssignmentLeaf, Mode};
use crate::trust::placement::{Proof, is_included};
use crate::trust::roster::SigningRole;
use crate::trust::sign::Signed;
use crate::trust::watermark::{Mark, Watermark};

/// Step 2's result: what this machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its row.
    pub leaf: AssignmentLeaf,
    /// The assignment that it came from.
    pub mark: Mark,
}

/// 2 **assignment**: newest, signed for the higher of old and new class.
///
/// Whether its mode lets anything be prepared or started is asked by
/// [`Place::may_prepare`] and [`Place::may_install`].
pub fn assignment(
    authority: &Authority,
    watermark: &Watermark,
    signed: &Signed<Assignment>,
    leaf: &[u8],
    proof: &Proof,
    now: UtcMs,
) -> Result<Place, Refusal> {
    place(authority, watermark, signed, leaf, proof, now)
        .map_err(|why| Refusal::new(Step::Assignment, why))
}

fn place(
    authority: &Authority,
    watermark: &Watermark,
    signed: &Signed<Assignment>,
    leaf: &[u8],
    proof: &Proof,
    now: UtcMs,
) -> Result<Place, Why> {
    const DOCUMENT: &str = "assignment";
    let roster = &authority.roster;
    let table = signed
        .verify(&roster.people_keys(now))
        .map_err(|error| unsigned(DOCUMENT, &error))?;
    let seen = watermark.assignment;
    not_below(DOCUMENT, seen, table.number, table.digest())?;
    not_ahead(DOCUMENT, table.issued, now)?;
    let other_machine = Why::OtherMachine { document: DOCUMENT };
    if !is_included(leaf, proof, table.machines, table.root) {
        return Err(other_machine);
    }
    let row: AssignmentLeaf = parse_leaf(DOCUMENT, leaf)?;
    if row.machine != watermark.machine {
        return Err(other_machine);
    }
    row.check().map_err(|problem| Why::Malformed {
        document: DOCUMENT,
        problem,
    })?;
    let before = watermark.place.as_ref();
    // A table with two rows for one machine must not let the collector choose.
    if table.digest() == seen.digest && before.is_some_and(|old| *old != row) {
        return Err(Why::Changed { document: DOCUMENT });
    }
    let (units, quorum) = row.must_sign(before, roster);
    let approvers = roster.endorsement(table.signers(), &[SigningRole::Approver], &units, now);
    enough(&approvers, quorum)?;
    let mark = Mark {
        number: table.number,
        digest: table.digest(),
    };
    Ok(Place { leaf: row, mark })
}

impl Place {
    /// Step 2's last part, for preparing: in mode `observe` nothing is even staged, and in
    /// mode `manual` people do the work.
    pub fn may_prepare(&self) -> Result<(), Refusal> {
        match self.leaf.mode {
            Mode::Active | Mode::Rehearse => Ok(()),
            mode @ (Mode::Observe | Mode::Manual) => {
                Err(Refusal::new(Step::Assignment, Why::Mode(mode)))
            }
        }
    }

    /// Step 2's last part: only a machine that HTM signed `active` is installed on.
    pub fn may_install(&self) -> Result<(), Refusal> {
        match self.leaf.mode {
            Mode::Active => Ok(()),
            mode => Err(Refusal::new(Step::Assignment, Why::Mode(mode))),
        }
    }
}
