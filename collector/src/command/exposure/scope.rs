//! Which machines and assets of an advisory a command means.

use crate::command::{advisory, machine, no_unit};
use crate::control::Failure;
use crate::exposure::{Scope, covers};
use crate::matching::OpenMatches;
use crate::store::View;
use patchward_common::id::{Label, Name};
use serde::{Deserialize, Serialize};

/// Most parts that a scope names: beyond it, say the unit, or all.
const MAX_PARTS: usize = 1_000;

/// Which machines and assets.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct ScopeArguments {
    /// This machine, by its name or id; may be given several times
    #[arg(long = "machine")]
    pub(crate) machines: Vec<String>,
    /// This asset; may be given several times
    #[arg(long = "asset")]
    pub(crate) assets: Vec<Label>,
    /// What is used in this unit; may be given several times
    #[arg(long = "unit")]
    pub(crate) units: Vec<Name>,
    /// All that is open of the advisory, now and later; as a person's word, all that is open now
    #[arg(long, conflicts_with_all = ["machines", "assets", "units"])]
    pub(crate) all: bool,
}

impl ScopeArguments {
    /// Whether nothing was named.
    pub(crate) fn is_empty(&self) -> bool {
        !self.all && self.machines.is_empty() && self.assets.is_empty() && self.units.is_empty()
    }

    /// Reads what was named; each part has to be about something that is open.
    pub(crate) async fn read(
        &self,
        view: &mut View,
        open: &OpenMatches,
        advisory: &str,
    ) -> Result<Vec<Scope>, Failure> {
        let mut scope = Vec::new();
        if self.all {
            scope.push(Scope::All);
        }
        for text in &self.machines {
            let found = machine::find(view, text).await?;
            scope.push(Scope::Holder(format!("machine {}", found.name)));
        }
        for tag in &self.assets {
            scope.push(Scope::Holder(format!("asset {tag}")));
        }
        for unit in &self.units {
            if view.unit(unit).await?.is_none() {
                return Err(no_unit(unit));
            }
            scope.push(Scope::Unit(unit.clone()));
        }
        scope.sort();
        scope.dedup();
        if scope.is_empty() {
            return Err(Failure::input(
                "name what it is about with --machine, --asset or --unit, or --all",
            ));
        }
        if scope.len() > MAX_PARTS {
            return Err(Failure::input(format!(
                "{} machines, assets and units; name up to {MAX_PARTS}, or --all",
                scope.len()
            )));
        }
        let there = open.of_advisory(advisory);
        for part in &scope {
            let part = std::slice::from_ref(part);
            if !there
                .iter()
                .any(|(name, on)| covers(part, name, on.unit.as_ref()))
            {
                return Err(Failure::not_found(format!(
                    "Advisory {advisory} has nothing open on {}. `exposure list --advisory \
                     {advisory}` shows what it has.",
                    words(part)
                )));
            }
        }
        Ok(scope)
    }
}

/// A scope in words.
pub(crate) fn words(scope: &[Scope]) -> String {
    let parts: Vec<String> = scope.iter().map(Scope::words).collect();
    parts.join(", ")
}

/// Refuses an advisory that nobody took in.
pub(crate) async fn need_advisory(view: &mut View, id: &str) -> Result<(), Failure> {
    advisory::need(view, id).await.map(|_| ())
}
