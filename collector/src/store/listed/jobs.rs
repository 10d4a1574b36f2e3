//! Jobs as lists: of a plan, of a machine, or all.

use super::{Column, Kind, List, Page, SEARCHED_ROWS, Wanted, Where, column, word};
use crate::store::chosen::Chosen;
use crate::store::jobs::Job;
use crate::store::value::{FromRow, Row, args};
use crate::store::{StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::time::UtcMs;

/// A job in a list, with its machine's name and unit, and what people call its plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedJob {
    /// The job.
    pub job: Job,
    /// What people call its machine.
    pub machine: Name,
    /// The machine's unit.
    pub unit: Name,
    /// The plan's title.
    pub title: Label,
}

impl FromRow for ListedJob {
    fn from_row(row: &mut Row) -> Result<Self, StoreError> {
        Ok(Self {
            job: Job::from_row(row)?,
            machine: row.next()?,
            unit: row.next()?,
            title: row.next()?,
        })
    }
}

/// Whose jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobsOf {
    /// Only this plan's.
    pub plan: Option<Digest>,
    /// Only this machine's.
    pub machine: Option<MachineId>,
}

const COLUMNS: &[Column] = &[
    word("job", "j.id"),
    word("machine", "m.name").joined(),
    column("plan_title", "p.title", Kind::Text)
        .joined()
        .in_each(),
    column("wave", "j.wave + 1", Kind::Number).in_each(),
    word("state", "j.word"),
    column("since", "j.since", Kind::Number).in_each(),
];

const SELECT: &str = "j.id, j.plan, j.machine, j.wave, j.state, j.since, j.attempt, j.slot_start,
                      j.slot_end, j.generation, m.name, m.unit, p.title";

/// A plan's jobs by wave and machine.
const OF_PLAN: List = List {
    select: SELECT,
    table: "jobs j",
    key: "j.id",
    joins: "JOIN machines m ON m.id = j.machine JOIN plans p ON p.id = j.plan",
    columns: COLUMNS,
    order: "j.wave, j.machine",
    seen: "m.unit IN ({})",
    seen_is_joined: true,
};

/// Others by when they last moved, newest first.
const ALL: List = List {
    order: "j.since DESC, j.id",
    ..OF_PLAN
};

/// What evidence is asked of, in the order in which it last moved.
const CHOSEN: List = List {
    columns: &[
        word("job", "j.id"),
        word("machine", "m.name").joined(),
        word("unit", "m.unit").joined(),
        column("plan_title", "p.title", Kind::Text)
            .joined()
            .in_each(),
        word("plan", "j.plan"),
        word("state", "j.word"),
        column("since", "j.since", Kind::Number).in_each(),
    ],
    order: "j.since, j.id",
    ..OF_PLAN
};

impl View {
    /// A page of the chosen jobs, in the order in which they last moved.
    pub async fn listed_chosen(
        &mut self,
        chosen: &Chosen,
        wanted: &Wanted,
    ) -> Result<Page<ListedJob>, StoreError> {
        let of = Where {
            conditions: chosen.conditions(),
            is_joined: false,
        };
        self.page(&CHOSEN, of, wanted).await
    }

    /// A page of the jobs of a plan, by wave and machine; or of a machine's or all, newest
    /// first. Of all jobs the newest [`SEARCHED_ROWS`] are searched, and sorted by what is not
    /// their time.
    pub async fn listed_jobs(
        &mut self,
        whose: JobsOf,
        wanted: &Wanted,
    ) -> Result<Page<ListedJob>, StoreError> {
        let mut of = Where::default();
        if let Some(machine) = &whose.machine {
            of.is("j.machine", machine);
        }
        if let Some(plan) = &whose.plan {
            of.is("j.plan", plan);
            return self.page(&OF_PLAN, of, wanted).await;
        }
        if whose.machine.is_some() || wanted.units.is_some() {
            return self.page(&ALL, of, wanted).await;
        }
        let total = self.all_jobs().await?;
        if !wanted.seeks("since") {
            return self.page_of(&ALL, of, wanted, Some(total)).await;
        }
        let oldest: Option<(UtcMs,)> = self
            .tx
            .first(
                "SELECT since FROM jobs ORDER BY since DESC LIMIT 1 OFFSET $1",
                args![SEARCHED_ROWS],
            )
            .await?;
        let Some((oldest,)) = oldest else {
            return self.page_of(&ALL, of, wanted, Some(total)).await;
        };
        let place = of.arg(&oldest);
        of.only(format!("j.since > {place}"));
        let page = self.page(&ALL, of, wanted).await?;
        Ok(Page { total, ..page })
    }

    /// How many jobs there are, of all plans.
    async fn all_jobs(&mut self) -> Result<u64, StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(jobs), 0) AS BIGINT) FROM plans";
        let (count,) = self.tx.one(sql, args![]).await?;
        Ok(count)
    }
}
