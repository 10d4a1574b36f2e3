//! What is counted of plans, for lists of them.

use crate::store::conditions::Conditions;
use crate::store::value::{args, from_row};
use crate::store::{StoreError, View};
use patchward_common::digest::Digest;
use sqlx::AssertSqlSafe;
use std::collections::HashMap;

/// What is counted of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The plan.
    pub plan: Digest,
    /// How many have signed it.
    pub signatures: u64,
    /// Its jobs.
    pub jobs: u64,
    /// Those of them whose machine does not have what was planned, or not yet.
    pub lacking: u64,
}
from_row!(Counted {
    plan,
    signatures,
    jobs,
    lacking
});

impl View {
    /// What is counted of every plan, or of one.
    pub async fn counted_plans(
        &mut self,
        plan: Option<&Digest>,
    ) -> Result<HashMap<Digest, Counted>, StoreError> {
        let of = Conditions::default().and("id = ?", plan.map(|plan| args![plan]));
        let sql = format!(
            "SELECT id, (SELECT COUNT(*) FROM signatures WHERE document = plans.id), jobs,
                    (SELECT COUNT(*) FROM jobs
                     WHERE plan = plans.id AND word <> 'in_service'
                         AND word NOT IN ('verified', 'attested'))
             FROM plans {of}"
        );
        let counted: Vec<Counted> = self.tx.all(AssertSqlSafe(sql), of.args()).await?;
        let by_plan = counted.into_iter().map(|counted| (counted.plan, counted));
        Ok(by_plan.collect())
    }
}
