//! `component sbom`: a machine's bill of materials.

use super::super::machine::find;
use crate::app::App;
use crate::component::cyclonedx::{Subject, write};
use crate::control::{Failure, Output};
use patchward_common::facts::{Facts, PackedFacts};
use serde_bytes::ByteBuf;

pub(super) async fn machine(app: &App, machine: &str) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let found = find(&mut view, machine).await?;
    let set = view.set_of(&found.id).await?.ok_or_else(|| {
        Failure::conflict(format!(
            "{} has not told what it has: a bill of nothing would say that it has nothing.",
            found.name
        ))
    })?;
    let components = view.components_of(&set.digest).await?;
    let components = components.ok_or_else(|| {
        Failure::not_found(format!(
            "The inventory {} is not kept any more.",
            set.digest
        ))
    })?;
    let facts = view.machine_facts(&found.id).await?;
    let facts = facts.and_then(|(bytes, _)| PackedFacts::from_bytes(bytes).unpack().ok());
    let facts: Facts = facts.unwrap_or_default();
    let subject = Subject {
        machine: found.id,
        name: found.name.as_str(),
        model: found.model.as_str(),
        os_id: &facts.os_id,
        os_version: &facts.os_version,
        os_name: &facts.os_name,
        digest: set.digest,
        since: set.since,
    };
    let bytes = write(&subject, &components);
    let mut text = format!(
        "{} components of {}, as it has them since {}.",
        components.len(),
        found.name,
        set.since
    );
    if facts.os_id.is_empty() {
        text.push_str(" Which system it runs is not known, so that packages have no package URL.");
    }
    Ok(Output::File {
        bytes: ByteBuf::from(bytes),
        text,
    })
}
