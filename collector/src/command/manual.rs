//! Assets without an agent that people work on: in plans they are machines.

use super::{Caller, device, no_unit};
use crate::app::App;
use crate::control::{Failure, Output};
use crate::store::machines::NewMachine;
use crate::store::manual::Worker;
use patchward_common::digest::Digest;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::trust::assignment::Mode;
use serde::{Deserialize, Serialize};

/// What makes an asset a machine that people work on.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct ManualMachine {
    /// The asset's tag
    tag: Label,
    /// What people call the machine
    #[arg(long)]
    name: Name,
    /// Its model, as releases are validated for it
    #[arg(long)]
    model: Name,
    /// Who works on it: htm, it, vendor
    #[arg(long, value_parser = worker)]
    by: String,
}

const WORKERS: [Worker; 3] = [Worker::Htm, Worker::It, Worker::Vendor];

fn of_word(word: &str) -> Option<Worker> {
    WORKERS.into_iter().find(|one| one.word() == word)
}

fn worker(word: &str) -> Result<String, String> {
    match of_word(word) {
        Some(worker) => Ok(worker.word().to_owned()),
        None => Err("one of htm, it, vendor works on it".to_owned()),
    }
}

/// The id of an asset without an agent: no key's digest begins like this, so no machine
/// can enrol with it.
fn id_of(tag: &Label) -> MachineId {
    MachineId(Digest::of_parts(&[b"patchward/manual", tag.as_str().as_bytes()]).0)
}

/// Makes an asset a machine that people work on.
///
/// # Errors
/// A conflict where the asset has no unit or is a machine already; not found where there
/// is no such asset.
pub(super) async fn add(
    app: &App,
    caller: &Caller,
    asked: &ManualMachine,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let tag = &asked.tag;
    let asset = device::find(change.view(), tag).await?;
    let unit = asset.unit.ok_or_else(|| {
        Failure::conflict(format!(
            "Asset {tag} stands in no unit: whose windows would count for it? Say so with `asset \
             put {tag} --unit`."
        ))
    })?;
    let known = change.view().unit(&unit).await?;
    let known = known.ok_or_else(|| no_unit(&unit))?;
    let new = NewMachine {
        id: id_of(tag),
        name: asked.name.clone(),
        unit,
        class: known.class,
        model: asked.model.clone(),
        mode: Mode::Observe,
    };
    let worker = of_word(&asked.by).unwrap_or(Worker::Htm);
    change.add_manual_machine(&new, tag, worker).await?;
    change.commit().await?;
    Ok(Output::Text(format!(
        "{} is worked on by hand, by {}: machine {}.\nLet HTM assign it, with mode manual; then it \
         can stand in plans. While it is a member of a coverage group, `plan member {tag}` says \
         that it is fit for use.",
        new.name,
        worker.word(),
        new.id
    )))
}
