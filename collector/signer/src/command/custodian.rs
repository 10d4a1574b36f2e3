//! `custodian`: the root and the targets of the hospital's own repository, signed where
//! the collector has no key.

use super::described_in;
use crate::cli::{CustodianCommand, FromFile, ShowDraft, SignTargets};
use crate::file::{self, Access};
use crate::key::{Key, open_all};
use crate::show;
use crate::time_text;
use crate::{Failure, Session};
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use patchward_common::trust::custodian::{
    Changes, Draft, DraftError, MAX_DRAFT_BYTES, targets_expire,
};
use patchward_common::trust::release::MAX_ARTIFACT_BYTES;
use patchward_common::trust::sign::PublicKey;
use patchward_common::trust::tuf_author::{Holders, RootSpec};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A root as a person writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    number: u64,
    expires: Option<String>,
    days: Option<u32>,
    /// The collector's key, as `patchward-collector custodian key` prints it.
    collector: PublicKey,
    root: Keys,
    targets: Keys,
    /// The root keys of the root before, where they differ: they sign too.
    before: Option<Keys>,
}

/// Keys, and how many of them must sign.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    keys: Vec<PublicKey>,
    threshold: usize,
}

impl Keys {
    fn holders(&self, who: &str) -> Result<Holders, String> {
        let different: BTreeSet<&PublicKey> = self.keys.iter().collect();
        if different.len() < self.keys.len()
            || !self.keys.iter().all(PublicKey::is_usable)
            || !(1..=self.keys.len()).contains(&self.threshold)
        {
            return Err(format!(
                "{who}: give different keys that are keys, and a threshold from 1 to their number"
            ));
        }
        Ok(Holders {
            keys: self.keys.clone(),
            threshold: self.threshold,
        })
    }
}

impl Description {
    fn build(&self, now: UtcMs) -> Result<RootSpec, String> {
        if self.number == 0 {
            return Err("number: the first root is number 1".into());
        }
        let offline = [&self.root.keys[..], &self.targets.keys].concat();
        if offline.contains(&self.collector) {
            return Err(
                "collector: its key must not sign roots or targets too: whoever owns the \
                 collector could then publish what nobody vouches for"
                    .into(),
            );
        }
        let online = Keys {
            keys: vec![self.collector],
            threshold: 1,
        };
        Ok(RootSpec {
            version: self.number,
            expires: time_text::end(now, self.expires.as_deref(), self.days)?,
            consistent_snapshot: true,
            root: self.root.holders("root")?,
            timestamp: online.holders("collector")?,
            snapshot: online.holders("collector")?,
            targets: self.targets.holders("targets")?,
        })
    }
}

pub(super) fn run(command: &CustodianCommand, session: &mut Session<'_>) -> Result<(), Failure> {
    match command {
        CustodianCommand::Root(args) => root(args, session),
        CustodianCommand::Sign(args) => sign(args, session),
        CustodianCommand::Show(args) => shown(args, session),
    }
}

fn root(args: &FromFile, session: &mut Session<'_>) -> Result<(), Failure> {
    let content = |problem: String| Failure::Content {
        path: args.from.clone(),
        problem,
    };
    let description: Description = described_in(&args.from)?;
    let spec = description.build(session.now).map_err(content)?;
    let keys = open_all(&args.signing.keys)?;
    let before = description.before.iter().flat_map(|before| &before.keys);
    let allowed: Vec<&PublicKey> = spec.root.keys.iter().chain(before).collect();
    for key in &keys {
        if !allowed.contains(&&key.public()) {
            return Err(Failure::Key(format!(
                "{} is none of the root keys, so its signature would count for nothing",
                key.path.display()
            )));
        }
    }
    let own = keys
        .iter()
        .filter(|key| spec.root.keys.contains(&key.public()));
    if own.count() < spec.root.threshold {
        return Err(Failure::Key(format!(
            "{} of this root's own keys must sign it, and all of them at once: name each with --key",
            spec.root.threshold
        )));
    }
    session.say(show::custodian_root(&spec))?;
    session.confirm("Sign this root?", args.signing.yes)?;
    let signers: Vec<_> = keys.iter().map(|key| &key.signing).collect();
    let bytes = spec
        .sign(&signers)
        .map_err(|error| content(error.to_string()))?;
    file::write(&args.signing.out, &bytes, Access::Everyone, None)?;
    session.say(format!(
        "Wrote root {} to {}. The charter pins the first one by its SHA-256: {}",
        spec.version,
        args.signing.out.display(),
        Digest::of(&bytes)
    ))
}

fn read(path: &Path) -> Result<Draft, Failure> {
    let bytes = file::read(path, MAX_DRAFT_BYTES)?;
    Draft::read(&bytes).map_err(|error| content(path, &error))
}

fn content(path: &Path, error: &DraftError) -> Failure {
    Failure::Content {
        path: path.to_owned(),
        problem: error.to_string(),
    }
}

fn shown(args: &ShowDraft, session: &mut Session<'_>) -> Result<(), Failure> {
    let draft = read(&args.draft)?;
    // Who signed what was before is judged with the key, when it is signed.
    let changes = draft.changes(&[], true);
    let changes = changes.map_err(|error| content(&args.draft, &error))?;
    session.say(show::custodian_draft(&draft, &changes))?;
    compare(&args.copies, &changes, session).map(|_| ())
}

fn sign(args: &SignTargets, session: &mut Session<'_>) -> Result<(), Failure> {
    let draft = read(&args.draft)?;
    let expires = targets_expire(session.now, args.days).map_err(Failure::Input)?;
    let keys = open_all(&args.signing.keys)?;
    let public: Vec<PublicKey> = keys.iter().map(Key::public).collect();
    let changes = draft
        .changes(&public, args.new_key)
        .map_err(|error| match error {
            DraftError::NotYours => Failure::Key(error.to_string()),
            error => content(&args.draft, &error),
        })?;
    session.say(show::custodian_draft(&draft, &changes))?;
    compare(&args.copies, &changes, session)?;
    session.say(format!("The targets count until {expires}."))?;
    let question = format!("Sign targets {} of {}?", draft.version, draft.repository);
    session.confirm(&question, args.signing.yes)?;
    let signers: Vec<_> = keys.iter().map(|key| &key.signing).collect();
    let bytes = draft
        .sign(&signers, expires)
        .map_err(|error| Failure::Content {
            path: args.draft.clone(),
            problem: error.to_string(),
        })?;
    file::write(&args.signing.out, &bytes, Access::Everyone, None)?;
    session.say(format!(
        "Wrote the targets to {}. Hand them in with `patchward-collector custodian publish {} {}`.",
        args.signing.out.display(),
        draft.repository,
        args.signing.out.display()
    ))
}

/// Compares the custodian's own copies with what the collector drafted: what it says of
/// bytes is then no longer its word alone.
fn compare(
    copies: &[PathBuf],
    changes: &Changes,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let artifacts = changes
        .releases
        .iter()
        .flat_map(|(release, _)| &release.artifacts);
    let artifacts: Vec<_> = artifacts.collect();
    let mut seen = BTreeSet::new();
    for copy in copies {
        let (digest, length) = file::digest(copy, MAX_ARTIFACT_BYTES)?;
        let found = artifacts
            .iter()
            .find(|a| a.sha256 == digest && a.length == length);
        let found = found.ok_or_else(|| {
            Failure::Key(format!(
                "{} (SHA-256 {digest}) is no artifact of a new release in this draft: what the \
                 collector was given is not what you have; find out which is the vendor's before \
                 anybody signs",
                copy.display()
            ))
        })?;
        session.say(format!(
            "{} is {}, byte by byte.",
            copy.display(),
            found.path
        ))?;
        seen.insert(digest);
    }
    let left = artifacts
        .iter()
        .filter(|a| !seen.contains(&a.sha256))
        .count();
    if left > 0 {
        session.say(format!(
            "{left} artifacts were not compared with a copy of your own: --copy FILE does that."
        ))?;
    }
    Ok(())
}
