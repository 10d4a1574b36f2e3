//! `charter`: what the hospital root says.

use super::{described_in, sign_new};
use crate::cli::FromFile;
use crate::key::open_all;
use crate::show::Described as _;
use crate::time_text;
use crate::{Failure, Session};
use patchward_common::time::UtcMs;
use patchward_common::trust::charter::{Charter, Registrar, RootKeys, VendorGrant};
use serde::Deserialize;

/// A charter as a person writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    number: u64,
    expires: Option<String>,
    days: Option<u32>,
    /// Root keys of the charter before, where they differ: they sign too.
    before: Option<RootKeys>,
    root: RootKeys,
    #[serde(default)]
    registrars: Vec<Registrar>,
    #[serde(default)]
    vendors: Vec<VendorGrant>,
}

impl Description {
    /// The charter that it describes, and the root keys of the one before.
    pub(super) fn build(self, now: UtcMs) -> Result<(Charter, Option<RootKeys>), String> {
        if self.number == 0 {
            return Err("number: the first charter is number 1".into());
        }
        if self.registrars.is_empty() {
            return Err("registrars: without one nobody can sign a roster".into());
        }
        let charter = Charter {
            number: self.number,
            issued: now,
            expires: time_text::end(now, self.expires.as_deref(), self.days)?,
            root: self.root,
            registrars: self.registrars,
            vendors: self.vendors,
        };
        Ok((charter, self.before))
    }
}

pub(super) fn run(args: &FromFile, session: &mut Session<'_>) -> Result<(), Failure> {
    let description: Description = described_in(&args.from)?;
    let (charter, before) = description
        .build(session.now)
        .and_then(|(charter, before)| Ok((charter.whole()?, before)))
        .map_err(|problem| Failure::Content {
            path: args.from.clone(),
            problem,
        })?;
    let before = before.iter().flat_map(|root| &root.keys);
    let allowed: Vec<_> = charter.root.keys.iter().chain(before).collect();
    for key in open_all(&args.signing.keys)? {
        if !allowed.contains(&&key.public()) {
            return Err(Failure::Key(format!(
                "{} is none of the root keys, so its signature would count for nothing",
                key.path.display()
            )));
        }
    }
    let given = args.signing.keys.len();
    if given < usize::from(charter.root.threshold) {
        session.say(format!(
            "Note: {} root keys must sign, {given} do so now; the others use `patchward-sign cosign`.",
            charter.root.threshold
        ))?;
    }
    sign_new(&charter, &args.signing, session)
}
