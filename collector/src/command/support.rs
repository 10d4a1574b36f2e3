//! End of support: entered by people, and who of ours is concerned.

mod import;

use super::Caller;
use super::file::InputFile;
use crate::app::App;
use crate::component::support::Due;
use crate::component::wanted::{Verdict, Wanted};
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::support::{SupportEnd, SupportKind};
use crate::supported::endings;
use jiff::civil::Date;
use patchward_common::component::MAX_FIELD_BYTES;
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use patchward_common::words::counted;
use serde::{Deserialize, Serialize};

/// Longest look ahead: what is further away than ten years is not planned for.
const MAX_WITHIN_DAYS: i64 = 3_660;

/// What can be done with ends of support.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum SupportCommand {
    /// Enter the last day of support; the same versions again take its place
    Put {
        /// The system's id (debian), the model, or the component
        name: String,
        /// os, model or product
        #[arg(long, value_parser = kind, default_value = "product")]
        kind: Kind,
        /// Of which versions: "< 13", ">= 10, < 11", a vers: range, or * for all
        #[arg(long, default_value = "*")]
        version: String,
        /// The last day of support, such as 2028-06-30
        #[arg(long)]
        ends: Date,
        /// Where that is said
        #[arg(long)]
        source: Option<Label>,
    },
    /// Take in ends of support from a CSV file with the columns kind, name, versions, ends and
    /// source: all of it, or nothing
    Import {
        /// The file
        file: InputFile,
        /// Only show what it says
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove an end of support
    Remove {
        /// Its name
        name: String,
        /// os, model or product
        #[arg(long, value_parser = kind, default_value = "product")]
        kind: Kind,
        /// Of which versions, as `support list` has them
        #[arg(long, default_value = "*")]
        version: String,
    },
    /// Show every end of support
    List,
    /// Show what of ours is past its support, or will be
    Due {
        /// How far to look ahead, such as 180d; without it only what is past
        #[arg(long, value_parser = days, default_value = "0d")]
        within: i64,
    },
}

/// What is supported, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// An operating system.
    Os,
    /// A model.
    Model,
    /// A component.
    Product,
}

impl Kind {
    fn stored(self) -> SupportKind {
        match self {
            Self::Os => SupportKind::Os,
            Self::Model => SupportKind::Model,
            Self::Product => SupportKind::Product,
        }
    }
}

fn kind(word: &str) -> Result<Kind, String> {
    let kinds = [Kind::Os, Kind::Model, Kind::Product];
    let found = kinds.into_iter().find(|kind| kind.stored().word() == word);
    found.ok_or_else(|| "it is os, model or product".to_owned())
}

fn days(text: &str) -> Result<i64, String> {
    let number = text.strip_suffix('d').and_then(|days| days.parse().ok());
    let number = number.filter(|days| (0..=MAX_WITHIN_DAYS).contains(days));
    number.ok_or_else(|| format!("write days, such as 180d, up to {MAX_WITHIN_DAYS}d"))
}

/// Carries out a command on ends of support.
pub async fn run(app: &App, caller: &Caller, command: SupportCommand) -> Result<Output, Failure> {
    match command {
        SupportCommand::Put {
            name,
            kind,
            version,
            ends,
            source,
        } => {
            let end = SupportEnd {
                kind: kind.stored(),
                name: checked(&name)?,
                versions: range(kind, &version)?,
                ends_on: ends.to_string(),
                source,
                put_by: String::new(),
                put_at: UtcMs(0),
            };
            let mut change = app.change(caller).await?;
            change.put_support_end(&end).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "Support of {} ({}) ends on {}. `support due --within 180d` shows who has it.",
                end.name, end.versions, end.ends_on
            )))
        }
        SupportCommand::Import { file, dry_run } => {
            import::import(app, caller, &file, dry_run).await
        }
        SupportCommand::Remove {
            name,
            kind,
            version,
        } => {
            let versions = range(kind, &version)?;
            let mut change = app.change(caller).await?;
            change
                .remove_support_end(kind.stored(), &name, &versions)
                .await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "No end of support of {name} ({versions}) is kept any more."
            )))
        }
        SupportCommand::List => list(app).await,
        SupportCommand::Due { within } => due(app, within).await,
    }
}

fn checked(name: &str) -> Result<String, Failure> {
    let name = name.trim();
    let is_name =
        (1..=MAX_FIELD_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    match is_name {
        true => Ok(name.to_owned()),
        false => Err(Failure::input(format!(
            "a name has up to {MAX_FIELD_BYTES} bytes on one line"
        ))),
    }
}

/// The versions in one way of writing, so that the same ones are one row. A range in the
/// wrong order for its kind would leave every machine unjudged.
fn range(kind: Kind, text: &str) -> Result<String, Failure> {
    let wanted = Wanted::parse(text).map_err(Failure::input)?;
    if let (Wanted::Bounds(bounds), Kind::Os) = (&wanted, kind) {
        for (_, version) in bounds {
            let source = patchward_common::component::Source::Probe;
            let own = Wanted::Bounds(vec![(crate::advisory::version::Op::Eq, version.clone())]);
            if own.verdict(source, &format!("{version}.1")) != Verdict::Out {
                return Err(Failure::input(format!(
                    "{version:?} has no place among versions: write it as a system's VERSION_ID, \
                     such as 12 or 22.04"
                )));
            }
        }
    }
    Ok(match wanted {
        Wanted::All => "*".to_owned(),
        Wanted::Set(_) => text.split_whitespace().collect(),
        bounds @ Wanted::Bounds(_) => bounds.to_string(),
    })
}

async fn list(app: &App) -> Result<Output, Failure> {
    let columns = ["kind", "name", "versions", "ends", "source", "entered_by"];
    let mut table = Table::new(&columns);
    for end in app.store.view().await?.support_ends().await? {
        table.row(vec![
            Cell::of(end.kind.word()),
            Cell::of(end.name),
            Cell::of(end.versions),
            Cell::of(end.ends_on),
            Cell::maybe(end.source),
            Cell::of(end.put_by),
        ]);
    }
    Ok(Output::Table(table))
}

async fn due(app: &App, within: i64) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let found = endings(&app.fleet, &mut view, app.now(), within).await?;
    let mut ends = Table::new(&[
        "kind", "name", "versions", "ends", "days", "have", "unknown",
    ]);
    let columns = ["holder", "unit", "class", "name", "version", "ends", "days"];
    let mut holders = Table::new(&columns);
    let mut unknown = Table::new(&["holder", "unit", "name", "version", "why"]);
    for ending in &found {
        let end = &ending.end;
        let days = match ending.due {
            Due::Past(days) => -days,
            Due::In(days) => days,
        };
        let unclear = ending.holders.iter().filter(|one| one.unknown.is_some());
        let unclear = unclear.count() as i64;
        ends.row(vec![
            Cell::of(end.kind.word()),
            Cell::of(&end.name),
            Cell::of(&end.versions),
            Cell::of(&end.ends_on),
            Cell::Number(days),
            Cell::Number(ending.holders.len() as i64 - unclear),
            Cell::Number(unclear),
        ]);
        for one in &ending.holders {
            let (unit, name) = (Cell::maybe(one.unit.as_ref()), Cell::of(&end.name));
            let version = Cell::maybe((!one.version.is_empty()).then_some(&one.version));
            match &one.unknown {
                None => holders.row(vec![
                    Cell::of(&one.name),
                    unit,
                    Cell::maybe(one.class.map(|class| class.word())),
                    name,
                    version,
                    Cell::of(&end.ends_on),
                    Cell::Number(days),
                ]),
                Some(why) => {
                    unknown.row(vec![
                        Cell::of(&one.name),
                        unit,
                        name,
                        version,
                        Cell::of(why),
                    ]);
                }
            }
        }
    }
    let text = format!(
        "{} past or within {within} days. What nobody can judge is listed as \
         such: it may be concerned.",
        counted(found.len(), "end of support is", "ends of support are")
    );
    let report = Report::new([("within_days", Cell::Number(within))], text)
        .with("ends", ends)
        .with("holders", holders);
    Ok(Output::Report(report.with("not_known", unknown)))
}
