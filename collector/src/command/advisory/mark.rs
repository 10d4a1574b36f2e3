//! How far the work on machines and assets is, and which software an asset has.

use super::list::need;
use super::matches;
use crate::app::App;
use crate::command::{Caller, asset, machine};
use crate::control::{Failure, Output};
use crate::matching;
use crate::store::advisories::Mark;
use patchward_common::id::Label;
use serde::{Deserialize, Serialize};

/// A mark as it is typed.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Asked {
    /// The advisory
    id: String,
    /// How far: not-remediated, in-progress, done
    #[arg(value_parser = ["not-remediated", "in-progress", "done"])]
    mark: String,
    /// Of this vulnerability; without it of all
    #[arg(long)]
    cve: Option<String>,
    /// Of this asset; may be given several times
    #[arg(long = "asset")]
    assets: Vec<Label>,
    /// Of this machine, by its name or id; may be given several times
    #[arg(long = "machine")]
    machines: Vec<String>,
    /// Of every machine and asset that the advisory has to do with
    #[arg(long, conflicts_with_all = ["assets", "machines"])]
    all: bool,
}

/// Notes how far the work is.
pub(super) async fn mark(app: &App, caller: &Caller, asked: &Asked) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let (row, bytes) = need(change.view(), &asked.id).await?;
    let prepared = matching::prepared(&row, &bytes)?;
    let mut names = prepared.advisory.to_be_done();
    if let Some(cve) = &asked.cve {
        names.retain(|name| name.eq_ignore_ascii_case(cve));
        if names.is_empty() {
            return Err(Failure::not_found(format!(
                "Advisory {} has no vulnerability {cve}. `advisory show {}` shows all.",
                row.id, row.id
            )));
        }
    }
    let known = matches::Rows::read(change.view(), Some(&row.id)).await?;
    let open = known.open_holders();
    let mut holders = Vec::new();
    for tag in &asked.assets {
        holders.push(format!("asset {tag}"));
    }
    for text in &asked.machines {
        let found = machine::find(change.view(), text).await?;
        holders.push(known.called(&format!("machine {}", found.name)));
    }
    if asked.all {
        holders.extend(open.iter().cloned());
    }
    if let Some(other) = holders.iter().find(|holder| !open.contains(*holder)) {
        return Err(Failure::not_found(format!(
            "Advisory {} has nothing open on {other}. `advisory matches --advisory {}` shows all.",
            row.id, row.id
        )));
    }
    if holders.is_empty() {
        return Err(Failure::input(
            "name the machines or assets with --machine or --asset, or --all; the advisory may have \
             none open",
        ));
    }
    let mark = match asked.mark.as_str() {
        "done" => Mark::Done,
        "in-progress" => Mark::InProgress,
        _ => Mark::NotRemediated,
    };
    change
        .mark_advisory(&row.id, &names, &holders, mark)
        .await?;
    change.commit().await?;
    Ok(Output::Text(format!(
        "{} of {}: {} on {} machines and assets.",
        names.join(", "),
        row.id,
        asked.mark,
        holders.len()
    )))
}

/// Says which software an asset has, and matches it at once.
pub(super) async fn installed(
    app: &App,
    caller: &Caller,
    tag: &Label,
    version: &Label,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let mut asset = asset::find(change.view(), tag).await?;
    change.set_software_version(tag, version.as_str()).await?;
    asset.software_version = version.to_string();
    let answers = matching::Answers::read(change.view()).await?;
    change.commit().await?;
    let outcome = super::matched(app, caller, None).await?;
    let counts = match answers.model_version(&asset) {
        known if known == version.as_str() => String::new(),
        "" => format!(
            " But the device is to say that itself, and has been silent for too long or says two \
             things: for advisories its version is not known. `device show {tag}` shows what it \
             answered; after `device unwatch` the list counts."
        ),
        known => format!(
            " The device itself answered {known}, and that counts for advisories; `device show \
             {tag}` shows when."
        ),
    };
    Ok(Output::Text(format!(
        "Asset {tag} has {version}; {} matches changed by it.{counts}",
        outcome.opened
    )))
}
