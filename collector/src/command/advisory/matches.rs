//! `advisory matches`: what of ours advisories come to.

use crate::advisory::Verdict;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::matching::{ByName, Holder, holders};
use crate::store::View;
use crate::store::advisories::{MarkRow, MatchRow};
use patchward_common::id::{Label, Name};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// Most holders that a row names; the count says the rest.
const MAX_SHOWN: usize = 20;

/// Which matches.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct Asked {
    /// Only of this advisory
    #[arg(long)]
    advisory: Option<String>,
    /// Only what a person must look at
    #[arg(long)]
    needs_person: bool,
    /// Only what is affected
    #[arg(long, conflicts_with = "needs_person")]
    affected: bool,
    /// Only what is used in this unit
    #[arg(long)]
    unit: Option<Name>,
    /// Only this asset
    #[arg(long)]
    asset: Option<Label>,
    /// Only this machine, by its name
    #[arg(long, conflicts_with = "asset")]
    machine: Option<Name>,
    /// Only this product of ours, by words of its name
    #[arg(long)]
    thing: Option<String>,
}

/// Matches with who stands behind them and how far the work is.
#[derive(Debug)]
pub(in crate::command) struct Rows {
    rows: Vec<MatchRow>,
    holders: BTreeMap<String, Arc<Vec<Holder>>>,
    marks: Vec<MarkRow>,
    by_holder: ByName,
}

impl Rows {
    /// All of one advisory, or of all.
    pub(in crate::command) async fn read(
        view: &mut View,
        advisory: Option<&str>,
    ) -> Result<Self, Failure> {
        let rows = view.advisory_matches(advisory).await?;
        let wanted: HashSet<String> = rows.iter().map(|row| row.thing.clone()).collect();
        let holders = holders(view, &wanted).await?.into_iter();
        let holders = holders.map(|(thing, held)| (thing, Arc::new(held)));
        let marks = view.advisory_marks(advisory).await?;
        Ok(Self {
            rows,
            holders: holders.collect(),
            marks,
            by_holder: ByName::default(),
        })
    }

    /// All of them, so that who asks for those of one holder finds them at once.
    pub(in crate::command) async fn all(view: &mut View) -> Result<Self, Failure> {
        let all = Self::read(view, None).await?;
        all.among(Some(""));
        Ok(all)
    }

    /// Those of one advisory alone.
    pub(in crate::command) fn only(&self, advisory: &str) -> Self {
        let rows = self.rows.iter().filter(|row| row.advisory == advisory);
        let rows: Vec<MatchRow> = rows.cloned().collect();
        let of_row = |row: &MatchRow| {
            let held = self.holders.get(&row.thing)?;
            Some((row.thing.clone(), Arc::clone(held)))
        };
        let marks = self.marks.iter().filter(|mark| mark.advisory == advisory);
        Self {
            holders: rows.iter().filter_map(of_row).collect(),
            marks: marks.cloned().collect(),
            rows,
            by_holder: ByName::default(),
        }
    }

    /// The rows of one holder, or all of them.
    fn among(&self, holder: Option<&str>) -> Vec<&MatchRow> {
        let names = |row| self.of(row).iter().flat_map(Holder::names);
        self.by_holder.among(&self.rows, holder, names)
    }

    fn of(&self, row: &MatchRow) -> &[Holder] {
        self.holders
            .get(&row.thing)
            .map_or(&[], |held| held.as_slice())
    }

    /// The machines and assets of what is affected or needs a person.
    pub(super) fn open_holders(&self) -> BTreeSet<String> {
        self.names().map(str::to_owned).collect()
    }

    /// The name of whoever is called `name`: a machine without an agent is its asset.
    pub(super) fn called(&self, name: &str) -> String {
        let mut held = self
            .among(Some(name))
            .into_iter()
            .flat_map(|row| self.of(row));
        let found = held.find(|one| one.names().any(|own| own == name));
        found.map_or_else(|| name.to_owned(), |one| one.name.clone())
    }

    /// How many machines and assets match at all.
    pub(super) fn holders(&self) -> i64 {
        let all: BTreeSet<&str> = self.names().collect();
        all.len() as i64
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let open = self
            .rows
            .iter()
            .filter(|row| row.value != Verdict::NotAffected.word());
        open.flat_map(|row| self.of(row))
            .map(|holder| holder.name.as_str())
    }

    /// How many of these have this mark on a vulnerability.
    pub(super) fn marked(&self, mark: &str) -> i64 {
        let marked = self.marks.iter().filter(|row| row.mark.word() == mark);
        let marked: BTreeSet<&str> = marked.map(|row| row.holder.as_str()).collect();
        let all: BTreeSet<&str> = self.names().collect();
        all.intersection(&marked).count() as i64
    }

    /// As people and programs see them.
    pub(super) fn table(&self) -> Table {
        self.table_of(self.rows.iter())
    }

    fn table_of<'a>(&self, rows: impl Iterator<Item = &'a MatchRow>) -> Table {
        let mut table = Table::new(&[
            "advisory", "thing", "key", "value", "reason", "why", "outlook", "since", "count",
            "held_by", "marks",
        ]);
        for row in rows {
            let holders = self.of(row);
            let named = holders.iter().take(MAX_SHOWN).map(|one| one.name.clone());
            table.row(vec![
                Cell::of(&row.advisory),
                Cell::of(&row.shown),
                Cell::of(&row.thing),
                Cell::of(&row.value),
                Cell::of(&row.reason),
                Cell::of(&row.why),
                Cell::of(&row.outlook),
                Cell::of(row.since),
                Cell::Number(holders.len() as i64),
                Cell::List(named.collect()),
                Cell::List(self.marks_on(row, holders)),
            ]);
        }
        table.note = Some(
            "`advisory decide ADVISORY KEY --not-affected --reason ...` remembers what a person found."
                .into(),
        );
        table
    }

    /// How far the work is on the holders of a row, in words: the first of them.
    fn marks_on(&self, row: &MatchRow, holders: &[Holder]) -> Vec<String> {
        let of_row = |mark: &&MarkRow| mark.advisory == row.advisory;
        if !self.marks.iter().any(|mark| of_row(&mark)) {
            return Vec::new();
        }
        let names: HashSet<&str> = holders.iter().map(|one| one.name.as_str()).collect();
        let held = |mark: &&MarkRow| names.contains(mark.holder.as_str());
        let marks = self.marks.iter().filter(of_row).filter(held);
        let words = marks.map(|mark| {
            let (holder, vulnerability) = (&mark.holder, &mark.vulnerability);
            format!("{holder}: {vulnerability} {}", mark.mark.word())
        });
        words.take(MAX_SHOWN).collect()
    }
}

/// Lists matches.
pub(super) async fn list(app: &App, asked: &Asked) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let rows = Rows::read(&mut view, asked.advisory.as_deref()).await?;
    Ok(told(&rows, asked))
}

/// Those of the matches that are asked for.
pub(in crate::command) fn told(rows: &Rows, asked: &Asked) -> Output {
    let asset = asked.asset.as_ref().map(|tag| format!("asset {tag}"));
    let machine = asked.machine.as_ref().map(|name| format!("machine {name}"));
    let holder = asset.or(machine);
    let words = asked.thing.as_ref().map(|words| words.to_lowercase());
    let kept = rows.among(holder.as_deref()).into_iter().filter(|row| {
        let held = rows.of(row);
        let in_unit = |unit: &Name| held.iter().any(|one| one.unit.as_ref() == Some(unit));
        asked.advisory.as_ref().is_none_or(|id| row.advisory == *id)
            && (!asked.needs_person || row.value == Verdict::NeedsPerson.word())
            && (!asked.affected || row.value == Verdict::Affected.word())
            && asked.unit.as_ref().is_none_or(in_unit)
            && words
                .as_ref()
                .is_none_or(|words| row.shown.to_lowercase().contains(words))
    });
    Output::Table(rows.table_of(kept))
}
