//! Components: who has what, in which version, what changed, and bills of materials out.

mod diff;
mod releases;
mod sbom;
mod search;

use super::{Caller, place};
use crate::app::App;
use crate::control::{Failure, Output};
use patchward_common::component::Source;
use patchward_common::id::Name;
use patchward_common::trust::roster::Class;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What can be asked of components.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum ComponentCommand {
    /// Find the machines that have a component in some versions
    Search(Box<SearchArgs>),
    /// Show what two machines differ in, or one machine at two times
    Diff {
        /// The machine's name or id
        machine: String,
        /// The other machine
        #[arg(required_unless_present = "from", conflicts_with = "from")]
        other: Option<String>,
        /// What the machine had then: a date, a local time, or an instant in UTC
        #[arg(long)]
        from: Option<String>,
        /// What it had then, instead of what it has now
        #[arg(long, requires = "from")]
        until: Option<String>,
    },
    /// Write what a machine has as a bill of materials: CycloneDX 1.6, JSON
    Sbom {
        /// The machine's name or id
        machine: String,
        /// The new file
        #[arg(long)]
        out: PathBuf,
    },
}

/// What is searched for, and where.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct SearchArgs {
    /// A name, with * at its end for all that begin so, and versions: "openssl < 3.0.15",
    /// "openssl >= 3.0, < 3.0.15", "openssl vers:deb/<3.0.15"; or a package URL. With --purl
    /// the versions alone
    #[arg(required_unless_present = "purl")]
    question: Option<String>,
    /// A package URL, such as pkg:deb/debian/openssl
    #[arg(long)]
    purl: Option<String>,
    /// Only in this unit
    #[arg(long)]
    unit: Option<Name>,
    /// Only on machines of this class: standard, critical, life-support
    #[arg(long, value_parser = class)]
    class: Option<Class>,
    /// Only what was found there: deb, rpm, probe, tree, firmware
    #[arg(long, value_parser = source)]
    source: Option<Source>,
    /// In what releases would bring, instead of what machines have
    #[arg(long, conflicts_with_all = ["unit", "class"])]
    releases: bool,
}

/// Carries out a command on components.
pub async fn run(
    app: &App,
    _caller: &Caller,
    command: ComponentCommand,
) -> Result<Output, Failure> {
    match command {
        ComponentCommand::Search(args) if args.releases => releases::run(app, &args).await,
        ComponentCommand::Search(args) => search::run(app, &args).await,
        ComponentCommand::Diff {
            machine,
            other,
            from,
            until,
        } => match (other, from) {
            (Some(other), _) => diff::machines(app, &machine, &other).await,
            (None, from) => {
                let from = from.unwrap_or_default();
                diff::times(app, &machine, &from, until.as_deref()).await
            }
        },
        ComponentCommand::Sbom { machine, .. } => sbom::machine(app, &machine).await,
    }
}

/// The class's word, with a dash or an underscore in it.
fn class(word: &str) -> Result<Class, String> {
    place::class(&word.replace('-', "_"))
}

fn source(word: &str) -> Result<Source, String> {
    let found = Source::ALL.into_iter().find(|source| source.word() == word);
    found.ok_or_else(|| "a source is deb, rpm, probe, tree or firmware".to_owned())
}
