//! `charter`: what the hospital root says.

use super::{described_in, sign_new};
use crate::cli::FromFile;
use crate::key::open_all;
use crate::time_text;
use crate::{Failure, Session};
use patchward_common::trust::charter::{Charter, Registrar, RootKeys, VendorGrant};
use serde::Deserialize;

/// A charter as a person writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
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

pub(super) fn run(args: &FromFile, session: &mut Session<'_>) -> Result<(), Failure> {
    let description: Description = described_in(&args.from)?;
    let content = |problem: String| Failure::Content {
        path: args.from.clone(),
        problem,
    };
    if !description.root.is_valid() {
        return Err(content(
            "root: give up to 16 different keys, and a threshold from 1 to their number".into(),
        ));
    }
    if description.number == 0 {
        return Err(content("number: the first charter is number 1".into()));
    }
    if description.registrars.is_empty() {
        return Err(content(
            "registrars: without one nobody can sign a roster".into(),
        ));
    }
    let expires = description.expires.as_deref();
    let charter = Charter {
        number: description.number,
        issued: session.now,
        expires: time_text::end(session.now, expires, description.days).map_err(content)?,
        root: description.root,
        registrars: description.registrars,
        vendors: description.vendors,
    };
    let before = description.before.iter().flat_map(|root| &root.keys);
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
