//! What people decide about matches.

use super::list::need;
use crate::advisory::matcher::{Match, Prepared, matches};
use crate::advisory::{Finding, Verdict};
use crate::app::App;
use crate::command::Caller;
use crate::control::{Cell, Failure, Output, Table};
use crate::matching;
use crate::store::advisories::NewDecision;
use patchward_common::id::Label;
use serde::{Deserialize, Serialize};

/// A decision as it is typed.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Asked {
    /// The advisory
    id: String,
    /// The thing's key, as `advisory matches` shows it
    thing: String,
    /// It is affected
    #[arg(long, required_unless_present = "not_affected")]
    affected: bool,
    /// It is not affected, or not ours
    #[arg(long, conflicts_with = "affected")]
    not_affected: bool,
    /// Why
    #[arg(long)]
    reason: Label,
    /// It holds for whatever version of the thing
    #[arg(long)]
    any_version: bool,
    /// Only for this product of the advisory, by its id; without it for all that may be meant
    #[arg(long)]
    product: Option<String>,
}

/// Remembers a decision and runs the matching of its advisory.
pub(super) async fn decide(app: &App, caller: &Caller, asked: &Asked) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let (row, bytes) = need(&mut view, &asked.id).await?;
    let prepared = matching::prepared(&row, &bytes)?;
    let index = app.matching.now(&mut view).await?;
    let aliases = matching::aliases(&mut view).await?;
    drop(view);
    let all = matches(&prepared, &index, &aliases);
    let found = all
        .iter()
        .find(|one| index.thing(one.thing).key() == asked.thing);
    let found = found.ok_or_else(|| {
        Failure::not_found(format!(
            "Advisory {} has nothing to do with {:?}. `advisory matches --advisory {}` shows the \
             keys.",
            asked.id, asked.thing, asked.id
        ))
    })?;
    let thing = index.thing(found.thing);
    let products = products(&prepared, found, asked)?;
    let value = match asked.affected {
        true => Verdict::Affected,
        false => Verdict::NotAffected,
    };
    let (who, version) = (thing.who(), thing.version.clone());
    let mut change = app.change(caller).await?;
    // What was decided is about the revision that was read.
    let (newest, _) = need(change.view(), &asked.id).await?;
    if newest.revision != row.revision {
        return Err(Failure::conflict(format!(
            "Advisory {} has a new revision since; look at it with `advisory show {}`, then decide.",
            row.id, row.id
        )));
    }
    let mut numbers = Vec::new();
    for product in &products {
        let new = NewDecision {
            advisory: &row.id,
            product,
            who: &who,
            version: if asked.any_version { "" } else { &version },
            value: value.word(),
            reason: &asked.reason,
        };
        numbers.push(change.decide(&new).await?.to_string());
    }
    change.commit().await?;
    super::matched(app, caller, Some(std::slice::from_ref(&row.id))).await?;
    Ok(Output::Text(format!(
        "{} counts as {} by {}: {}. It holds for all of its kind and for new revisions that name \
         the same product and versions; `advisory undo {}` takes it back.",
        thing.shown(),
        value.word().replace('_', " "),
        row.id,
        asked.reason,
        numbers.join("`, `advisory undo ")
    )))
}

/// The products that a decision is about, by their keys: those of the advisory that may be the
/// thing, or the one that was named.
fn products(prepared: &Prepared, found: &Match, asked: &Asked) -> Result<Vec<String>, Failure> {
    let is_open = |finding: &Option<Finding>| {
        finding
            .as_ref()
            .is_none_or(|finding| finding.verdict != Verdict::NotAffected)
    };
    let entries = found.said.iter().filter(|(entry, finding)| {
        let product = &prepared.advisory.products[prepared.entries[*entry].product];
        match &asked.product {
            Some(id) => product.id == *id,
            None => is_open(finding) || *entry == found.entry,
        }
    });
    let mut products: Vec<String> = entries
        .map(|(entry, _)| matching::product_key(&prepared.advisory, &prepared.entries[*entry]))
        .collect();
    products.sort();
    products.dedup();
    if products.is_empty() {
        return Err(Failure::not_found(format!(
            "No product of advisory {} with that id has to do with it. `advisory show {}` shows \
             all.",
            asked.id, asked.id
        )));
    }
    Ok(products)
}

/// Lists decisions.
pub(super) async fn list(app: &App) -> Result<Output, Failure> {
    let mut table = Table::new(&[
        "number", "advisory", "product", "thing", "version", "value", "reason", "by", "at",
        "undone",
    ]);
    for one in app.store.view().await?.decisions().await? {
        table.row(vec![
            Cell::Number(i64::from(one.number)),
            Cell::of(one.advisory),
            Cell::of(one.product),
            Cell::of(one.who),
            Cell::of(match one.version.as_str() {
                "" => "every",
                version => version,
            }),
            Cell::of(one.value),
            Cell::of(one.reason),
            Cell::of(one.decided_by),
            Cell::of(one.at),
            Cell::maybe(one.ended_at),
        ]);
    }
    Ok(Output::Table(table))
}

/// Ends a decision.
pub(super) async fn undo(app: &App, caller: &Caller, number: u32) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    change.undo_decision(number).await?;
    let decisions = change.view().decisions().await?;
    let of = decisions.into_iter().find(|one| one.number == number);
    let ids: Vec<String> = of.into_iter().map(|one| one.advisory).collect();
    change.commit().await?;
    super::matched(app, caller, Some(&ids)).await?;
    Ok(Output::Text(format!(
        "Decision {number} counts no more; what it had settled is open again."
    )))
}
