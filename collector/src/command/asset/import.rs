//! `asset import`: a hospital's file against its list, shown first, then written as one
//! change.

use super::super::Caller;
use super::super::file::InputFile;
use crate::app::App;
use crate::asset::Field;
use crate::asset::import::{self, Import};
use crate::asset::mapping::{self, Mapping};
use crate::asset::row::{Known, Refused};
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::sheet::{Sheet, SheetRow, csv, text::Encoding};
use crate::store::assets::Asset;
use crate::store::places::{Group, Unit};
use crate::store::{Change, View};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::nearest::nearest;
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// So many wrong rows are named in a refusal; a dry run has all.
const NAMED: usize = 10;

/// A hospital's file and how to read it.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct ImportAssets {
    /// The CSV file, with headings in its first row
    file: InputFile,
    /// A saved mapping: what it does not name is left out
    #[arg(long)]
    mapping: Option<Name>,
    /// COLUMN=FIELD, or COLUMN=- to leave a column out; may be given several times
    #[arg(long = "map", value_parser = mapped)]
    map: Vec<String>,
    /// Save which column is which field under this name
    #[arg(long)]
    save_mapping: Option<Name>,
    /// utf-8 or cp1252, where it is told wrongly
    #[arg(long)]
    encoding: Option<Encoding>,
    /// What stands between cells, where it is told wrongly: comma, semicolon or tab
    #[arg(long, value_parser = csv::separator)]
    separator: Option<char>,
    /// Take the other rows where some are wrong
    #[arg(long)]
    skip_bad_rows: bool,
    /// Only show what would change
    #[arg(long)]
    dry_run: bool,
}

/// What can be done with saved mappings.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum MappingCommand {
    /// Show all saved mappings
    List,
    /// Remove a saved mapping
    Remove {
        /// Its name
        name: Name,
    },
}

fn mapped(text: &str) -> Result<String, String> {
    mapping::stated(text).map(|_| text.to_owned())
}

/// Takes a file in, or shows what that would do.
pub(super) async fn run(
    app: &App,
    caller: &Caller,
    asked: &ImportAssets,
) -> Result<Output, Failure> {
    let wrong =
        |error: &dyn std::fmt::Display| Failure::input(format!("{}: {error}", asked.file.name));
    let sheet = csv::read(&asked.file.bytes, asked.encoding, asked.separator)
        .map_err(|error| wrong(&error))?;
    let now = app.now();
    let basis = Basis::read(&mut app.store.view().await?, asked).await?;
    let (mut mapping, mut import) = decided(asked, &sheet, &basis, now)?;
    if asked.dry_run {
        let text = format!(
            "Nothing was changed. Read as {}; {}",
            sheet.read_as,
            words(&import)
        );
        return Ok(Output::Report(report(&mapping, &import, text)));
    }
    let is_taken = |import: &Import| match import.refused.is_empty() || asked.skip_bad_rows {
        true => Ok(()),
        false => Err(refused(&asked.file.name, &import.refused)),
    };
    is_taken(&import)?;
    // All of it was decided before anything is open that writes. What is shown as changed is
    // what was there: where somebody was faster, it is decided anew.
    let mut change = app.change(caller).await?;
    let there = Basis::read(change.view(), asked).await?;
    if there != basis {
        (mapping, import) = decided(asked, &sheet, &there, now)?;
        is_taken(&import)?;
    }
    store(&mut change, asked, &mapping, &import).await?;
    change.commit().await?;
    let text = format!("Read as {}; {}", sheet.read_as, words(&import));
    Ok(Output::Report(report(&mapping, &import, text)))
}

/// What is known here, and a file is held against.
#[derive(PartialEq)]
struct Basis {
    saved: Vec<mapping::Stated>,
    units: Vec<Unit>,
    groups: Vec<Group>,
    list: Vec<Asset>,
}

impl Basis {
    async fn read(view: &mut View, asked: &ImportAssets) -> Result<Self, Failure> {
        Ok(Self {
            saved: match &asked.mapping {
                Some(name) => saved(view, name).await?,
                None => Vec::new(),
            },
            units: view.units().await?,
            groups: view.groups().await?,
            list: view.all_assets().await?,
        })
    }
}

fn decided(
    asked: &ImportAssets,
    sheet: &Sheet,
    basis: &Basis,
    now: UtcMs,
) -> Result<(Mapping, Import), Failure> {
    let (headings, rows): (&SheetRow, &[SheetRow]) = match sheet.rows.split_first() {
        Some(split) => split,
        None => return Err(Failure::input("the file has no headings")),
    };
    let typed = asked.map.iter().map(|text| mapping::stated(text));
    let typed: Vec<_> = typed.collect::<Result<_, _>>().map_err(Failure::input)?;
    let stated = [basis.saved.clone(), typed].concat();
    let mapping = Mapping::of(&headings.cells, &stated, asked.mapping.is_some())
        .map_err(|error| Failure::input(format!("{}: {error}.", asked.file.name)))?;
    let known = Known::of(&basis.units, &basis.groups);
    let import = import::decide(rows, &mapping, &known, &basis.list, now);
    Ok((mapping, import))
}

async fn saved(view: &mut View, name: &Name) -> Result<Vec<mapping::Stated>, Failure> {
    let all = view.asset_mappings().await?;
    let own = all.iter().filter(|column| column.mapping == *name);
    let own: Vec<_> = own
        .map(|column| (column.heading.clone(), Field::of_word(&column.field)))
        .collect();
    if own.is_empty() {
        let names: Vec<&str> = all.iter().map(|column| column.mapping.as_str()).collect();
        let meant = nearest(name.as_str(), &names);
        let meant = meant.map_or_else(String::new, |meant| format!(" Is {meant} meant?"));
        return Err(Failure::not_found(format!(
            "There is no mapping {name}.{meant} `asset mapping list` shows all."
        )));
    }
    Ok(own)
}

async fn store(
    change: &mut Change,
    asked: &ImportAssets,
    mapping: &Mapping,
    import: &Import,
) -> Result<(), Failure> {
    let name = &asked.file.name;
    change.note(
        "asset.import",
        Digest::of(&asked.file.bytes),
        &serde_json::json!({
            "file": name,
            "added": import.added.len(),
            "changed": import.changed.len(),
            "left_out": import.refused.len(),
        }),
    );
    let changed = import.changed.iter().map(|(asset, _)| asset);
    let put: Vec<_> = import.added.iter().chain(changed).cloned().collect();
    if !put.is_empty() {
        change.put_assets(&put).await?;
    }
    for (tag, kind) in import.kinds() {
        change.set_asset_kind(tag, kind).await?;
    }
    let reason = format!("as {name} says");
    for (tag, from, to) in import.moves() {
        change.move_asset(tag, from, to, &reason).await?;
    }
    if let Some(save) = &asked.save_mapping {
        let columns = mapping.columns.iter().filter_map(|(heading, field)| {
            field.map(|field| (heading.clone(), field.word().to_owned()))
        });
        let columns: Vec<_> = columns.collect();
        change.save_asset_mapping(save, &columns).await?;
    }
    Ok(())
}

fn refused(file: &str, rows: &[Refused]) -> Failure {
    let lines = rows.iter().take(NAMED).map(|one| {
        let column = match one.column.as_str() {
            "" => String::new(),
            column => format!(", column \"{column}\""),
        };
        format!("line {}{column}: {}", one.line, one.why)
    });
    let lines: Vec<_> = lines.collect();
    let more = match rows.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("\nand {more} more"),
    };
    Failure::input(format!(
        "{file}: nothing was changed, because of\n{}{more}\nCorrect the file; --dry-run shows \
         all of them, --skip-bad-rows takes the other rows.",
        lines.join("\n")
    ))
}

/// What becomes of the rows, in a sentence.
fn words(import: &Import) -> String {
    let hand = match import.by_hand.len() {
        0 => String::new(),
        count => format!(" For {count} a person has to do something first."),
    };
    format!(
        "{} added, {} changed, {} as they were, {} left out. {} of the list are not in the \
         file; they stay.{hand}",
        import.added.len(),
        import.changed.len(),
        import.unchanged,
        import.refused.len(),
        import.missing.len()
    )
}

fn report(mapping: &Mapping, import: &Import, text: String) -> Report {
    let mut columns = Table::new(&["column", "field"]);
    for (heading, field) in &mapping.columns {
        columns.row(vec![Cell::of(heading), Cell::maybe(field.map(Field::word))]);
    }
    let mut added = Table::new(&["tag", "manufacturer", "model", "unit"]);
    for asset in &import.added {
        added.row(vec![
            Cell::of(&asset.tag),
            Cell::of(&asset.manufacturer),
            Cell::of(&asset.model),
            Cell::maybe(asset.unit.as_ref()),
        ]);
    }
    let mut changed = Table::new(&["tag", "field", "from", "to"]);
    for (asset, differences) in &import.changed {
        for one in differences {
            changed.row(vec![
                Cell::of(&asset.tag),
                Cell::of(one.field.word()),
                Cell::of(&one.from),
                Cell::of(&one.to),
            ]);
        }
    }
    let mut refused = Table::new(&["line", "column", "tag", "why"]);
    for one in &import.refused {
        refused.row(vec![
            Cell::Number(one.line as i64),
            Cell::of(&one.column),
            Cell::of(&one.tag),
            Cell::of(&one.why),
        ]);
    }
    let mut missing = Table::new(&["tag"]);
    for tag in &import.missing {
        missing.row(vec![Cell::of(tag)]);
    }
    let mut by_hand = Table::new(&["tag", "what"]);
    for (tag, what) in &import.by_hand {
        by_hand.row(vec![Cell::of(tag), Cell::of(what)]);
    }
    let count = |count: usize| Cell::Number(count as i64);
    let parts = [
        ("count_added", count(import.added.len())),
        ("count_changed", count(import.changed.len())),
        ("count_unchanged", count(import.unchanged)),
        ("count_refused", count(import.refused.len())),
        ("count_missing", count(import.missing.len())),
    ];
    let report = Report::new(parts, text).with("columns", columns);
    let report = report.with("added", added).with("changed", changed);
    let report = report.with("left_out", refused).with("missing", missing);
    report.with("by_hand", by_hand)
}

/// Carries out a command on saved mappings.
pub(super) async fn mapping(
    app: &App,
    caller: &Caller,
    command: MappingCommand,
) -> Result<Output, Failure> {
    match command {
        MappingCommand::List => {
            let mut all: BTreeMap<Name, Vec<String>> = BTreeMap::new();
            for column in app.store.view().await?.asset_mappings().await? {
                let columns = all.entry(column.mapping).or_default();
                columns.push(format!("{}={}", column.heading, column.field));
            }
            let mut table = Table::new(&["mapping", "columns"]);
            for (name, columns) in all {
                table.row(vec![Cell::of(name), Cell::List(columns)]);
            }
            Ok(Output::Table(table))
        }
        MappingCommand::Remove { name } => {
            let mut change = app.change(caller).await?;
            change.remove_asset_mapping(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Mapping {name} is gone.")))
        }
    }
}
