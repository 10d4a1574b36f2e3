//! What vendors answer on the security of their devices (MDS2).

mod intake;
mod shown;

pub(super) use shown::meaning;

use super::Caller;
use super::file::InputFile;
use crate::app::App;
use crate::control::{Failure, Output};
use crate::mds2::question::{self, CLASSES};
use crate::mds2::{Answer, Class};
use crate::store::View;
use crate::store::mds2::Mds2Document;
use patchward_common::id::{Label, Name};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What can be done with vendors' answers.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum Mds2Command {
    /// Read a file, CSV or XLSX, and show what follows; nothing is stored
    Check {
        /// The vendor's form, HN 1-2019
        file: InputFile,
    },
    /// Take in a model's answers; the file is kept as it is
    Import {
        /// The model, as assignments and assets have it, or as it will be called
        model: Name,
        /// The vendor's form, HN 1-2019
        file: InputFile,
        /// The version of the device's software that the answers are about
        #[arg(long)]
        software_version: Option<Label>,
        /// The day of the document's release, YYYY-MM-DD, where the form has none that can
        /// be read
        #[arg(long, value_parser = day)]
        released: Option<String>,
    },
    /// Note what a person read in the document, where the form says "see note" or nothing
    Answer {
        /// The model
        model: Name,
        /// The question's number, such as CSUP-2.1
        #[arg(value_parser = number)]
        question: String,
        /// yes or no
        #[arg(value_parser = yes_or_no)]
        answer: String,
        /// Where it stands, or who at the vendor said so
        #[arg(long)]
        reason: Label,
    },
    /// Say to which class of components a product belongs: without one, what is strictest on
    /// a model counts
    Class {
        /// The product, as releases call it
        product: Name,
        /// operating_system, drivers, anti_malware, non_os_commercial, other; without it nobody knows
        #[arg(value_parser = class)]
        class: Option<String>,
    },
    /// Show every model with answers, and what they allow
    List,
    /// Show a model's answers, what they allow, and what contradicts
    Show {
        /// The model
        model: Name,
    },
    /// Judge whether a model can be kept patched, also before it is bought
    Verdict {
        /// The model
        model: Name,
    },
    /// Write the file that was taken in last
    Original {
        /// The model
        model: Name,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
}

fn day(text: &str) -> Result<String, String> {
    let day = text.parse::<jiff::civil::Date>();
    let day = day.map_err(|_| "write a day as 2026-03-20".to_owned())?;
    Ok(day.to_string())
}

fn number(text: &str) -> Result<String, String> {
    let known = question::id(text).filter(|id| question::asks(id).is_some());
    known.ok_or_else(|| {
        "no question of HN 1-2019 in CSUP, RDMP, SBOM or SAHD; write it as CSUP-2.1".to_owned()
    })
}

fn yes_or_no(text: &str) -> Result<String, String> {
    match Answer::read(text) {
        Some(answer @ (Answer::Yes | Answer::No)) => Ok(answer.word().to_owned()),
        _ => Err("write yes or no".to_owned()),
    }
}

fn class(text: &str) -> Result<String, String> {
    match Class::of_word(text) {
        Some(class) => Ok(class.word().to_owned()),
        None => {
            let words: Vec<&str> = CLASSES.iter().map(|class| class.word()).collect();
            Err(format!("one of {}", words.join(", ")))
        }
    }
}

/// The document of a model that counts.
async fn find(view: &mut View, model: &Name) -> Result<Mds2Document, Failure> {
    let known = view.mds2_of(model).await?;
    known.ok_or_else(|| {
        Failure::not_found(format!(
            "There are no answers for model {model}. `mds2 import {model} FILE` takes them in; \
             `mds2 list` shows all."
        ))
    })
}

/// Carries out a command on vendors' answers.
pub async fn run(app: &App, caller: &Caller, command: Mds2Command) -> Result<Output, Failure> {
    match command {
        Mds2Command::Check { file } => Ok(shown::document(&intake::read(&file)?)),
        Mds2Command::Import {
            model,
            file,
            software_version,
            released,
        } => {
            let asked = intake::Asked {
                model: &model,
                file: &file,
                software_version: software_version.as_ref(),
                released,
            };
            intake::import(app, caller, asked).await
        }
        Mds2Command::Answer {
            model,
            question,
            answer,
            reason,
        } => {
            let mut change = app.change(caller).await?;
            let document = find(change.view(), &model).await?;
            change
                .read_mds2(&document, (&question, &answer), reason.as_str())
                .await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "{question} of model {model} is read as {answer}, for this document alone."
            )))
        }
        Mds2Command::Class { product, class } => {
            let mut change = app.change(caller).await?;
            change.set_mds2_product(&product, class.as_deref()).await?;
            change.commit().await?;
            Ok(Output::Text(match class {
                Some(class) => format!("{product} belongs to {class} on every model."),
                None => {
                    format!("To which class {product} belongs nobody knows: the strictest counts.")
                }
            }))
        }
        Mds2Command::List => shown::list(app).await,
        Mds2Command::Show { model } => shown::model(app, &model).await,
        Mds2Command::Verdict { model } => shown::verdict(app, &model).await,
        Mds2Command::Original { model, .. } => intake::original(app, &model).await,
    }
}
