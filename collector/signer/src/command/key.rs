//! `key` and `root`.

use super::read_signed;
use super::show::format_of;
use crate::cli::{KeyCommand, RootCommand};
use crate::file::{self, Access};
use crate::key::{self, Key};
use crate::{Failure, Session};
use patchward_common::plan::file as plan_file;
use patchward_common::trust::charter::{Charter, RootKeys};
use patchward_common::trust::sign::Document as _;
use std::path::Path;

/// The format of a root file.
const ROOT_FORMAT: &str = "patchward/root.1";
/// Largest file that is read here: a charter with as much again for its signatures.
const MAX_BYTES: usize = 2 * Charter::MAX_BYTES;

pub(super) fn key(command: &KeyCommand, session: &mut Session<'_>) -> Result<(), Failure> {
    match command {
        KeyCommand::New { out } => {
            let public = key::create(out)?;
            session.say(public.to_string())
        }
        KeyCommand::Show { key } => session.say(Key::open(key)?.public().to_string()),
    }
}

pub(super) fn root(command: &RootCommand, session: &mut Session<'_>) -> Result<(), Failure> {
    let root = match command {
        RootCommand::New {
            public,
            threshold,
            out,
        } => {
            let root = RootKeys {
                keys: public.clone(),
                threshold: *threshold,
            };
            if !root.is_valid() {
                return Err(Failure::Input(format!(
                    "{} keys with a threshold of {threshold} are no root: give up to 16 different keys, and a threshold from 1 to their number",
                    public.len()
                )));
            }
            let bytes = plan_file::to_bytes(ROOT_FORMAT, &root);
            file::write(out, &bytes, Access::Everyone, None)?;
            root
        }
        RootCommand::Fingerprint { file } => read(file)?,
    };
    session.say(root.fingerprint().to_string())
}

/// The root of a root file or of a first charter.
fn read(path: &Path) -> Result<RootKeys, Failure> {
    let content = |problem: String| Failure::Content {
        path: path.to_owned(),
        problem,
    };
    let bytes = file::read(path, MAX_BYTES)?;
    match format_of(&bytes).map_err(content)?.as_str() {
        ROOT_FORMAT => {
            return plan_file::from_bytes(ROOT_FORMAT, MAX_BYTES, &bytes)
                .map_err(|error| content(error.to_string()));
        }
        Charter::TYPE => {}
        other => {
            return Err(content(format!(
                "it is a {other:?} file, and neither a root nor a first charter"
            )));
        }
    }
    let signed = read_signed::<Charter>(path)?;
    let charter = signed.peek().map_err(|error| content(error.to_string()))?;
    charter
        .root
        .verify(&signed)
        .map_err(|error| content(format!("its own root keys did not sign it: {error}")))?;
    if charter.number != 1 {
        return Err(content(format!(
            "it is charter {}; machines pin the root of the first",
            charter.number
        )));
    }
    Ok(charter.root)
}
