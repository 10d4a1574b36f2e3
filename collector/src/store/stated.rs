//! What people state for planning, and what was measured for it.

use super::value::{args, from_row};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Label, MachineId, Name};
use patchward_common::plan::{
    Confirmation, Duty, Limits, Precedence, StatedMember, Statement, Training,
};
use patchward_common::time::{Interval, UtcMs};
use serde_json::json;

/// Most runs of one plan that are looked at: the 95th percentile of more says no more.
const MAX_RUNS: u32 = 400;

/// Limits of a site; the empty name stands for the hospital.
struct LimitRow {
    site: String,
    parallel: Option<u32>,
    bytes_per_second: Option<u64>,
}
from_row!(LimitRow {
    site,
    parallel,
    bytes_per_second
});

struct TrainingRow {
    product: Name,
    version: String,
    unit: String,
    what: Label,
    by: Option<Label>,
    at: Option<UtcMs>,
}
from_row!(TrainingRow {
    product,
    version,
    unit,
    what,
    by,
    at
});

struct MemberRow {
    asset: Label,
    group: Name,
    by: Option<Label>,
    at: Option<UtcMs>,
    until: Option<UtcMs>,
}
from_row!(MemberRow {
    asset,
    group,
    by,
    at,
    until
});

/// `None` for the empty name, which stands for all.
fn named(text: &str) -> Result<Option<Name>, StoreError> {
    if text.is_empty() {
        return Ok(None);
    }
    let name = Name::new(text);
    name.map(Some)
        .map_err(|error| StoreError::Corrupt(format!("\"{text}\" {error}")))
}

fn text(name: Option<&Name>) -> String {
    name.map_or(String::new(), Name::to_string)
}

impl View {
    /// Limits per site, and those of the hospital under `None`.
    pub async fn work_limits(&mut self) -> Result<Vec<(Option<Name>, Limits)>, StoreError> {
        let rows: Vec<LimitRow> = self
            .tx
            .all(
                "SELECT site, parallel, bytes_per_second FROM work_limits ORDER BY site",
                args![],
            )
            .await?;
        let limits = |row: LimitRow| {
            let limits = Limits {
                parallel: row.parallel,
                bytes_per_second: row.bytes_per_second,
            };
            Ok((named(&row.site)?, limits))
        };
        rows.into_iter().map(limits).collect()
    }

    /// Servers with their workstations, sorted.
    pub async fn precedence(&mut self) -> Result<Vec<Precedence>, StoreError> {
        let rows: Vec<(MachineId, MachineId)> = self
            .tx
            .all(
                "SELECT first, next FROM precedence ORDER BY first, next",
                args![],
            )
            .await?;
        let pair = |(first, next)| Precedence { first, next };
        Ok(rows.into_iter().map(pair).collect())
    }

    /// Releases for which people must be trained, sorted.
    pub async fn trainings(&mut self) -> Result<Vec<Training>, StoreError> {
        let rows: Vec<TrainingRow> = self
            .tx
            .all(
                "SELECT product, version, unit, what, confirmed_by, confirmed_at FROM trainings
                 ORDER BY product, version, unit",
                args![],
            )
            .await?;
        let training = |row: TrainingRow| {
            let confirmed = row.by.zip(row.at);
            Ok(Training {
                unit: named(&row.unit)?,
                product: row.product,
                version: row.version,
                what: row.what,
                confirmed: confirmed.map(|(by, at)| Confirmation { by, at }),
            })
        };
        rows.into_iter().map(training).collect()
    }

    /// Who is on duty after `now`, by when it begins.
    pub async fn duties(&mut self, now: UtcMs) -> Result<Vec<Duty>, StoreError> {
        let rows: Vec<(String, Label, UtcMs, UtcMs)> = self
            .tx
            .all(
                "SELECT unit, who, starts_at, ends_at FROM duties WHERE ends_at > $1
                 ORDER BY starts_at, unit, who",
                args![now],
            )
            .await?;
        let duty = |(unit, who, start, end): (String, Label, UtcMs, UtcMs)| {
            let time = Interval::new(start, end);
            Ok(Duty {
                unit: named(&unit)?,
                time: time
                    .map_err(|error| StoreError::Corrupt(format!("duty of {who}: {error}")))?,
                who,
            })
        };
        rows.into_iter().map(duty).collect()
    }

    /// Members of coverage groups that have no agent, with what was said of them.
    pub async fn stated_members(&mut self) -> Result<Vec<StatedMember>, StoreError> {
        let rows: Vec<MemberRow> = self
            .tx
            .all(
                "SELECT a.tag, a.coverage_group, s.said_by, s.said_at, s.until
                 FROM assets a LEFT JOIN member_statements s ON s.asset = a.tag
                 WHERE a.machine IS NULL AND a.coverage_group IS NOT NULL
                 UNION ALL
                 SELECT a.tag, gm.group_name, s.said_by, s.said_at, s.until
                 FROM manual_machines by_hand JOIN assets a ON a.machine = by_hand.machine
                 JOIN group_members gm ON gm.machine = by_hand.machine
                 LEFT JOIN member_statements s ON s.asset = a.tag
                 ORDER BY 1, 2",
                args![],
            )
            .await?;
        let member = |row: MemberRow| StatedMember {
            group: row.group,
            asset: row.asset,
            statement: match (row.by, row.at, row.until) {
                (Some(by), Some(at), Some(until)) => Some(Statement { by, at, until }),
                _ => None,
            },
        };
        Ok(rows.into_iter().map(member).collect())
    }

    /// What proves the newest verified jobs of a plan, each event by its job.
    pub async fn proofs_of_plan(
        &mut self,
        plan: &Digest,
    ) -> Result<Vec<(JobId, Vec<u8>)>, StoreError> {
        self.tx
            .all(
                "SELECT e.job, e.bytes FROM evidence e JOIN jobs j ON j.id = e.job
                 WHERE j.plan = $1 AND j.word IN ('verified', 'in_service')
                 ORDER BY j.since DESC, e.job, e.at LIMIT $2",
                args![plan, 2 * MAX_RUNS],
            )
            .await
    }
}

impl Change {
    /// Sets the limits of a site, or of the hospital.
    pub async fn set_work_limits(
        &mut self,
        site: Option<&Name>,
        limits: Limits,
    ) -> Result<(), StoreError> {
        if let Some(site) = site
            && !self
                .view()
                .sites()
                .await?
                .iter()
                .any(|one| one.name == *site)
        {
            return Err(StoreError::missing("site", site));
        }
        let detail = json!({
            "parallel": limits.parallel,
            "bytes_per_second": limits.bytes_per_second,
        });
        let site = text(site);
        self.step("limit.set", &site, detail)
            .execute(
                "INSERT INTO work_limits (site, parallel, bytes_per_second) VALUES ($1, $2, $3)
                 ON CONFLICT (site) DO UPDATE SET parallel = excluded.parallel,
                    bytes_per_second = excluded.bytes_per_second",
                args![site, limits.parallel, limits.bytes_per_second],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// States that a server comes before a machine.
    pub async fn add_precedence(&mut self, pair: Precedence) -> Result<(), StoreError> {
        let detail = json!({ "server": pair.first });
        self.step("precedence.add", pair.next, detail)
            .execute(
                "INSERT INTO precedence (first, next) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                args![pair.first, pair.next],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Takes that back.
    pub async fn remove_precedence(&mut self, pair: Precedence) -> Result<(), StoreError> {
        let removed = self
            .step(
                "precedence.remove",
                pair.next,
                json!({ "server": pair.first }),
            )
            .execute(
                "DELETE FROM precedence WHERE first = $1 AND next = $2",
                args![pair.first, pair.next],
            )
            .await?;
        self.done_if(removed, || {
            StoreError::conflict("that machine does not come after that server")
        })
    }

    /// States that a release needs training, or what it is about; a confirmation that is
    /// there already ends.
    pub async fn need_training(&mut self, training: &Training) -> Result<(), StoreError> {
        if let Some(unit) = &training.unit {
            self.view().need_unit(unit).await?;
        }
        let (now, unit) = (self.now(), text(training.unit.as_ref()));
        let detail = json!({ "version": training.version, "unit": unit, "what": training.what });
        self.step("training.need", &training.product, detail)
            .execute(
                "INSERT INTO trainings (product, version, unit, what, needed_at)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (product, version, unit) DO UPDATE SET what = excluded.what,
                    confirmed_by = NULL, confirmed_at = NULL, needed_at = excluded.needed_at",
                args![training.product, training.version, unit, training.what, now],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// A person confirms that people were trained.
    pub async fn confirm_training(
        &mut self,
        product: &Name,
        version: &str,
        unit: Option<&Name>,
        by: &Label,
    ) -> Result<(), StoreError> {
        let (now, unit) = (self.now(), text(unit));
        let detail = json!({ "version": version, "unit": unit, "by": by });
        let changed = self
            .step("training.confirm", product, detail)
            .execute(
                "UPDATE trainings SET confirmed_by = $4, confirmed_at = $5
                 WHERE product = $1 AND version = $2 AND unit = $3",
                args![product, version, unit, by, now],
            )
            .await?;
        self.done_if(changed, || {
            StoreError::conflict(format!(
                "nobody stated that {product} {version} needs training there; `plan stated` shows \
                 what was stated"
            ))
        })
    }

    /// States who is on duty.
    pub async fn add_duty(&mut self, duty: &Duty) -> Result<(), StoreError> {
        if let Some(unit) = &duty.unit {
            self.view().need_unit(unit).await?;
        }
        let unit = text(duty.unit.as_ref());
        let (start, end) = (duty.time.start(), duty.time.end());
        let detail = json!({ "unit": unit, "from": start, "until": end });
        self.step("duty.add", &duty.who, detail)
            .execute(
                "INSERT INTO duties (unit, who, starts_at, ends_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (unit, who, starts_at) DO UPDATE SET ends_at = excluded.ends_at",
                args![unit, duty.who, start, end],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Takes a duty back, by who and when it begins.
    pub async fn remove_duty(&mut self, who: &Label, from: UtcMs) -> Result<(), StoreError> {
        let removed = self
            .step("duty.remove", who, json!({ "from": from }))
            .execute(
                "DELETE FROM duties WHERE who = $1 AND starts_at = $2",
                args![who, from],
            )
            .await?;
        self.done_if(removed, || {
            StoreError::conflict(format!("{who} has no duty that begins at {from}"))
        })
    }

    /// A person vouches for a member without an agent.
    pub async fn state_member(
        &mut self,
        asset: &Label,
        by: &Label,
        until: UtcMs,
    ) -> Result<(), StoreError> {
        let members = self.view().stated_members().await?;
        if !members.iter().any(|member| member.asset == *asset) {
            return Err(StoreError::conflict(format!(
                "asset {asset} is no member of a coverage group without an agent; put it into \
                 one with `asset put --group`"
            )));
        }
        let now = self.now();
        self.step("member.state", asset, json!({ "by": by, "until": until }))
            .execute(
                "INSERT INTO member_statements (asset, said_by, said_at, until)
                 VALUES ($1, $2, $3, $4)
                 ON CONFLICT (asset) DO UPDATE SET said_by = excluded.said_by,
                    said_at = excluded.said_at, until = excluded.until",
                args![asset, by, now, until],
            )
            .await?;
        self.done();
        Ok(())
    }
}
