//! The risk assessments that a plan has to do with, for whoever signs it.

use super::findings;
use crate::control::{Failure, Table};
use crate::store::View;
use crate::store::exposure::Risk;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::Approval;

/// The assessments of a plan's releases on its machines' models, and what has none.
pub(super) struct Risks {
    /// Those that were put down.
    pub(super) known: Vec<Risk>,
    /// Release and model of which nobody said anything.
    missing: Vec<(String, Name)>,
}

impl Risks {
    /// Reads them.
    pub(super) async fn read(
        view: &mut View,
        plan: &Digest,
        approval: &Approval,
    ) -> Result<Self, Failure> {
        let models = view.models_of_plan(plan).await?;
        let all = view.risks().await?;
        let (mut known, mut missing) = (Vec::new(), Vec::new());
        for release in approval.releases.iter().map(|one| &one.release) {
            for model in &models {
                let is = |one: &&Risk| {
                    one.product == release.product
                        && one.version == release.version
                        && one.model == *model
                };
                match all.iter().find(is) {
                    Some(risk) => known.push(risk.clone()),
                    None => {
                        let text = format!("{}={}", release.product, release.version);
                        missing.push((text, model.clone()));
                    }
                }
            }
        }
        Ok(Self { known, missing })
    }

    /// One sentence for above the signature.
    pub(super) fn words(&self, now: UtcMs) -> String {
        let said = self.known.iter().map(|one| {
            let overdue = match one.review_at <= now {
                true => ", to be looked at again",
                false => "",
            };
            format!(
                "{}={} on {}: {}{overdue}",
                one.product,
                one.version,
                one.model,
                one.decision.word()
            )
        });
        let missing = self.missing.iter();
        let missing = missing.map(|(release, model)| format!("{release} on {model}: not assessed"));
        let all: Vec<String> = said.chain(missing).collect();
        format!(" Risk: {}.", all.join("; "))
    }

    /// Adds to the findings of the plan check what was put down.
    pub(super) fn add_to(&self, table: &mut Table, now: UtcMs) {
        for one in &self.known {
            let overdue = one.review_at <= now;
            let warns = overdue || one.decision.speaks_against();
            let again = match overdue {
                true => format!("; it was to be looked at again {}", one.review_at),
                false => String::new(),
            };
            let text = format!(
                "{} on {}: {} decided {}: {}. Patching: {}. Not patching: {}{again}",
                one.version,
                one.model,
                one.decided_by,
                one.decision.word(),
                one.reason,
                one.of_patching,
                one.of_waiting
            );
            let product = one.product.as_str();
            findings::add(table, warns, "risk assessment", product, &text);
        }
    }
}
