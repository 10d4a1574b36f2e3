//! `assignment`: what each machine is.

use super::{add_signatures, described_in};
use crate::cli::{FromFile, Signing};
use crate::file::{self, Access};
use crate::key::open_all;
use crate::show;
use crate::{Failure, Session};
use patchward_common::digest::Digest;
use patchward_common::plan::AssignmentFile;
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf, MAX_GROUPS};
use patchward_common::words::counted;
use serde::Deserialize;
use std::path::Path;

/// An assignment as a person or the collector writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    number: u64,
    machines: Vec<AssignmentLeaf>,
}

impl Description {
    /// The table that it describes.
    pub(super) fn build(mut self, now: UtcMs) -> Result<AssignmentFile, String> {
        for row in &mut self.machines {
            row.groups.sort();
            row.groups.dedup();
            if row.groups.len() > MAX_GROUPS {
                return Err(format!(
                    "{} is in {} groups; at most {MAX_GROUPS} are allowed",
                    row.name,
                    row.groups.len()
                ));
            }
        }
        let assignment = Assignment {
            number: self.number,
            issued: now,
            machines: 0,
            root: Digest([0; 32]),
        };
        AssignmentFile::build(assignment, self.machines).map_err(|error| error.to_string())
    }
}

pub(super) fn run(args: &FromFile, session: &mut Session<'_>) -> Result<(), Failure> {
    let description: Description = described_in(&args.from)?;
    let table = description
        .build(session.now)
        .map_err(|problem| Failure::Content {
            path: args.from.clone(),
            problem,
        })?;
    sign(table, &args.signing, None, session)
}

/// Shows, asks, signs and writes.
pub(super) fn sign(
    mut table: AssignmentFile,
    signing: &Signing,
    input: Option<&Path>,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let keys = open_all(&signing.keys)?;
    let (assignment, rows) = table
        .read()
        .map_err(|error| Failure::Input(format!("the assignment is not whole: {error}")))?;
    if let Some((row, problem)) = rows.iter().find_map(|row| Some((row, row.check().err()?))) {
        return Err(Failure::Input(format!(
            "no machine accepts the row of {}: {problem}",
            row.name
        )));
    }
    session.say(show::assignment(&assignment, &rows))?;
    table.signed = add_signatures(table.signed, &keys, "assignment", signing, session)?;
    file::write(&signing.out, &table.to_bytes(), Access::Everyone, input)?;
    session.say(format!(
        "Wrote the assignment with {} to {} (digest {})",
        counted(table.signed.signatures().len(), "signature", "signatures"),
        signing.out.display(),
        table.signed.digest()
    ))
}
