//! The commands, one file each.

mod approve;
mod assignment;
mod charter;
mod cosign;
mod custodian;
mod evidence;
mod key;
mod orders;
mod roster;
mod show;

use crate::cli::{Cli, Command, Signing};
use crate::file::{self, Access};
use crate::key::{Key, open_all};
use crate::show::{Described, describe};
use crate::{Failure, Session};
use patchward_common::codec;
use patchward_common::plan::file as plan_file;
use patchward_common::settings;
use patchward_common::time::UtcMs;
use patchward_common::trust::sign::{Document, PublicKey, Signed};
use patchward_common::words::counted;
use serde::de::DeserializeOwned;
use std::path::Path;

pub(crate) fn run(cli: &Cli, session: &mut Session<'_>) -> Result<(), Failure> {
    match &cli.command {
        Command::Key(command) => key::key(command, session),
        Command::Root(command) => key::root(command, session),
        Command::Charter(args) => charter::run(args, session),
        Command::Roster(args) => roster::run(args, session),
        Command::Assignment(args) => assignment::run(args, session),
        Command::Approve(args) => approve::run(args, session),
        Command::Stop(args) => orders::stop(args, session),
        Command::Lift(args) => orders::lift(args, session),
        Command::Downgrade(args) => orders::downgrade(args, session),
        Command::Handover(args) => orders::handover(args, session),
        Command::TimeReset(args) => orders::time_reset(args, session),
        Command::Custodian(command) => custodian::run(command, session),
        Command::Cosign(args) => cosign::run(args, session),
        Command::Show(args) => show::run(args, session),
        Command::VerifyEvidence(args) => evidence::run(args, session),
    }
}

/// Reads a description that a person wrote.
fn described_in<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text = file::read_text(path, file::MAX_TEXT_BYTES)?;
    settings::parse(&text).map_err(|error| Failure::Content {
        path: path.to_owned(),
        problem: error.to_string(),
    })
}

/// What a description of a charter, roster or assignment would have signed: the document's
/// bytes. The same that the commands do, without files; `command` is the command's word.
///
/// # Errors
/// What a person has to correct.
pub fn described(command: &str, text: &str, now: UtcMs) -> Result<Vec<u8>, String> {
    fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        settings::parse(text).map_err(|error| error.to_string())
    }
    match command {
        "charter" => {
            let (charter, _) = read::<charter::Description>(text)?.build(now)?;
            Ok(codec::encode_deterministic(&charter.whole()?))
        }
        "roster" => {
            let roster = read::<roster::Description>(text)?.build(now)?;
            Ok(codec::encode_deterministic(&roster))
        }
        "assignment" => Ok(read::<assignment::Description>(text)?
            .build(now)?
            .to_bytes()),
        other => Err(format!("{other:?} is described by no file")),
    }
}

/// Reads a signed document.
fn read_signed<T: Document>(path: &Path) -> Result<Signed<T>, Failure> {
    let content = |problem: String| Failure::Content {
        path: path.to_owned(),
        problem,
    };
    // The payload, and as much again for signatures and framing.
    let limit = T::MAX_BYTES * 2 + 16 * 1024;
    let bytes = file::read(path, limit)?;
    plan_file::from_bytes(T::TYPE, limit, &bytes).map_err(|error| content(error.to_string()))
}

/// Shows a new document, asks, signs and writes it.
fn sign_new<T: Described>(
    document: &T,
    signing: &Signing,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    if let Some(problem) = document.problem() {
        return Err(Failure::Input(problem));
    }
    let keys = open_all(&signing.keys)?;
    session.say(describe(document))?;
    let payload = codec::encode_deterministic(document);
    if payload.len() > T::MAX_BYTES {
        return Err(Failure::Input(format!(
            "this {} would have {} bytes, and machines read at most {}; split it",
            T::WORD,
            payload.len(),
            T::MAX_BYTES
        )));
    }
    let signed = Signed::<T>::unsigned(payload);
    let signed = add_signatures(signed, &keys, T::WORD, signing, session)?;
    write_signed(&signed, T::WORD, signing, None, session)
}

/// Asks, then signs with every key that has not signed yet.
fn add_signatures<T: Document>(
    mut signed: Signed<T>,
    keys: &[Key],
    word: &str,
    signing: &Signing,
    session: &mut Session<'_>,
) -> Result<Signed<T>, Failure> {
    let publics: Vec<PublicKey> = keys.iter().map(Key::public).collect();
    let already = patchward_common::plan::signers(&signed, &publics);
    let new: Vec<&Key> = keys.iter().filter(|k| !already.contains(&k.id())).collect();
    if new.is_empty() {
        return Err(Failure::Key(format!(
            "every key that was given has signed this {word} already"
        )));
    }
    session.confirm(&format!("Sign this {word}?"), signing.yes)?;
    for key in new {
        signed.cosign(&key.signing);
    }
    Ok(signed)
}

fn write_signed<T: Document>(
    signed: &Signed<T>,
    word: &str,
    signing: &Signing,
    input: Option<&Path>,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let bytes = plan_file::to_bytes(T::TYPE, signed);
    file::write(&signing.out, &bytes, Access::Everyone, input)?;
    session.say(format!(
        "Wrote the {word} with {} to {} (digest {})",
        counted(signed.signatures().len(), "signature", "signatures"),
        signing.out.display(),
        signed.digest()
    ))
}
