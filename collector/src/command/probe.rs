//! Probes: what machines learn by them. Which probes a machine has stands in files of its own,
//! which root owns; what they answer is told to the collector.

use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::item::age;
use crate::store::search::Answered;
use patchward_common::time::UtcMs;
use patchward_common::trust::roster::Class;
use patchward_common::wire::machine::InterlockWord;
use patchward_common::words::counted;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Versions of one probe that are named; the search for it has all.
const MAX_NAMED: usize = 8;

/// What can be asked of probes.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum ProbeCommand {
    /// Show what machines learn by their probes: of how many programs, on how many machines, and
    /// what interlock and readiness probes answer
    List,
}

/// Carries out a command on probes.
pub async fn run(app: &App, command: ProbeCommand) -> Result<Output, Failure> {
    match command {
        ProbeCommand::List => list(app).await,
    }
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let components = view.probed_components().await?;
    let gone = view.machines_not_enrolled().await?;
    let answered = view.answers_of_probes(limits(app.now())).await?;
    drop(view);
    let held: HashMap<u32, RoaringBitmap> = app.fleet.index(|index| {
        let gone = index.bitmap(&gone);
        let held = index.held(components.iter().map(|one| one.number), None);
        held.into_iter()
            .map(|(number, machines)| (number, machines - &gone))
            .collect()
    });
    let mut probes: BTreeMap<&str, (RoaringBitmap, Vec<&str>)> = BTreeMap::new();
    for one in &components {
        let Some(machines) = held.get(&one.number).filter(|held| !held.is_empty()) else {
            continue;
        };
        let (all, versions) = probes.entry(&one.component.name).or_default();
        *all |= machines;
        versions.push(&one.component.version);
    }
    let mut versions = Table::new(&["probe", "source", "machines", "versions"]);
    for (probe, (machines, found)) in probes {
        let mut named: Vec<String> = found
            .iter()
            .take(MAX_NAMED)
            .map(ToString::to_string)
            .collect();
        if found.len() > MAX_NAMED {
            named.push(format!("{} more", found.len() - MAX_NAMED));
        }
        versions.row(vec![
            Cell::of(probe),
            Cell::of("probe"),
            Cell::Number(machines.len().cast_signed()),
            Cell::List(named),
        ]);
    }
    Ok(Output::Report(told(&answered, versions)))
}

/// Since when a machine of each class has to be heard for its answers to count now.
fn limits(now: UtcMs) -> [UtcMs; 3] {
    [Class::Standard, Class::Critical, Class::LifeSupport]
        .map(|class| now.plus_ms(-age::silent_ms(class)))
}

/// What machines answer of one kind, by its word.
#[derive(Default)]
struct Answers<'w> {
    /// How many of those that are heard answer so, and how many said so last.
    said: BTreeMap<&'w str, (u64, u64)>,
    /// Of how many nothing is known now.
    not_heard: u64,
}

impl<'w> Answers<'w> {
    fn add(&mut self, word: Option<&'w str>, one: &Answered) {
        let is_heard = one.silent == 0;
        if let Some(word) = word {
            let (heard, last) = self.said.entry(word).or_default();
            *last += one.machines;
            if is_heard {
                *heard += one.machines;
            }
        }
        if word.is_none() || !is_heard {
            self.not_heard += one.machines;
        }
    }

    /// As a list. What was said last is what the list of machines shows.
    fn table(&self, column: &str) -> Table {
        let mut table = Table::new(&[column, "machines", "last_said"]);
        let number = |count: u64| Cell::Number(count.cast_signed());
        for (word, (heard, last)) in &self.said {
            table.row(vec![Cell::of(word), number(*heard), number(*last)]);
        }
        if self.not_heard > 0 {
            let row = vec![Cell::of("not heard"), number(self.not_heard), Cell::Empty];
            table.row(row);
        }
        table
    }
}

/// What is told, with what interlocks and readiness probes answer.
fn told(answered: &[Answered], versions: Table) -> Report {
    let mut in_use = Answers::default();
    let mut ready = Answers::default();
    for one in answered {
        in_use.add(one.interlock.map(interlock_word), one);
        ready.add(one.readiness.map(|ready| ready.word()), one);
    }
    let unknown = in_use.said.get("unknown").map_or(0, |(heard, _)| *heard);
    let text = format!(
        "{} a program's version. Of {} no interlock can tell whether somebody uses it, \
         so nothing starts there: {} of them not heard for longer than their class allows, or \
         never. Which probes a machine has stands in its probes.d, which root owns, and \
         `patchward-agent doctor` shows them there.",
        counted(versions.rows.len(), "probe tells", "probes tell"),
        counted(unknown + in_use.not_heard, "machine", "machines"),
        in_use.not_heard,
    );
    Report::new([], text)
        .with("versions", versions)
        .with("interlock", in_use.table("in_use"))
        .with("readiness", ready.table("ready"))
}

/// As the list of machines says it.
fn interlock_word(word: InterlockWord) -> &'static str {
    match word {
        InterlockWord::Idle => "idle",
        InterlockWord::InUse => "in use",
        InterlockWord::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::machines::Readiness;

    #[test]
    fn answers_are_summed_by_what_each_kind_of_probe_says() {
        let answered = |interlock, readiness, silent, machines| Answered {
            interlock,
            readiness,
            silent,
            machines,
        };
        let idle = Some(InterlockWord::Idle);
        let ready = Some(Readiness::Ready);
        let all = [
            answered(idle, ready, 0, 3),
            answered(idle, Some(Readiness::Unknown), 0, 4),
            answered(Some(InterlockWord::Unknown), ready, 0, 5),
            // Silent for a month, and never heard.
            answered(idle, ready, 1, 20),
            answered(None, None, 1, 100),
        ];
        let report = told(&all, Table::new(&["probe"]));
        let rows = |name: &str| report.list(name).unwrap().rows.clone();
        let row = |word: &str, count, last| {
            let last = Option::map_or(last, Cell::Empty, Cell::Number);
            vec![Cell::of(word), Cell::Number(count), last]
        };
        let not_heard = row("not heard", 120, None);
        let expected = [
            row("idle", 7, Some(27)),
            row("unknown", 5, Some(5)),
            not_heard.clone(),
        ];
        assert_eq!(rows("interlock"), expected);
        let expected = [
            row("ready", 8, Some(28)),
            row("unknown", 4, Some(4)),
            not_heard,
        ];
        assert_eq!(rows("readiness"), expected);
        let text = &report.text;
        assert!(text.contains("Of 125 machines no interlock"), "{text}");
        assert!(text.contains("120 of them not heard"), "{text}");
    }

    #[test]
    fn each_class_is_silent_from_its_own_limit_on() {
        let now = UtcMs(1_800_000_000_000);
        let [standard, critical, life_support] = limits(now);
        assert!(standard < critical && critical < life_support && life_support < now);
    }
}
