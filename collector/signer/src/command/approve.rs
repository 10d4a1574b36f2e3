//! `approve`: decode, check, show, ask, sign.

use super::add_signatures;
use crate::cli::Approve;
use crate::file::{self, Access};
use crate::key::{Key, open_all};
use crate::memory::{self, Memory};
use crate::show::{self, plain};
use crate::time_text;
use crate::{Failure, Session};
use patchward_common::digest::Digest;
use patchward_common::plan::check::{Severity, check};
use patchward_common::plan::{MAX_FILE_BYTES, PlanFile};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::roster::{Roster, SigningRole};
use patchward_common::words::counted;
use std::collections::BTreeSet;
use std::path::Path;

pub(super) fn run(args: &Approve, session: &mut Session<'_>) -> Result<(), Failure> {
    if args.signing.yes && args.root.is_none() {
        return Err(Failure::Input(
            "--yes needs --root: nobody compares the hospital root that the plan itself states; print yours with `patchward-sign root fingerprint`".into(),
        ));
    }
    let keys = open_all(&args.signing.keys)?;
    let zone = args.zone.as_deref().map(time_text::zone).transpose();
    let zone = zone.map_err(Failure::Input)?;
    let mut file = read(&args.plan)?;
    known_root(&file, args.root, session)?;
    let memory = Memory::of(&keys, args.memory.as_deref());
    let blocking = shown(
        &with_beside(&file, args, &memory, session)?,
        zone.as_ref(),
        session,
    )?;
    if blocking > 0 {
        return Err(Failure::Findings(blocking));
    }
    let content = |problem: String| Failure::Content {
        path: args.plan.clone(),
        problem,
    };
    // Both were read by the check just now.
    let (_, leaves) = file
        .plan
        .read()
        .map_err(|error| content(error.to_string()))?;
    let (_, roster) = file
        .context
        .chain
        .roster(&file.context.roster)
        .map_err(|error| content(error.to_string()))?;
    for key in &keys {
        counts(key, &roster, &leaves, session.now)?;
    }
    let signed = add_signatures(file.plan.signed, &keys, "plan", &args.signing, session)?;
    file.plan.signed = signed;
    memory.keep(&file.plan, session.now)?;
    file::write(
        &args.signing.out,
        &file.to_bytes(),
        Access::Everyone,
        Some(&args.plan),
    )?;
    let (approval, leaves) = file
        .plan
        .read()
        .map_err(|error| content(error.to_string()))?;
    session.say(show::signed_by(
        &file,
        &approval,
        &roster,
        &leaves,
        session.now,
    ))?;
    session.say(format!(
        "Wrote the plan with {} to {} (digest {})",
        counted(
            file.plan.signed.signatures().len(),
            "signature",
            "signatures"
        ),
        args.signing.out.display(),
        file.plan.signed.digest()
    ))
}

/// The plan as it is checked: beside what the collector says stands, all that its signer
/// signed before and names.
fn with_beside(
    file: &PlanFile,
    args: &Approve,
    memory: &Memory,
    session: &mut Session<'_>,
) -> Result<PlanFile, Failure> {
    let mut checked = file.clone();
    let mut more = memory.unexpired(session.now)?;
    for path in &args.beside {
        more.push(memory::beside(path)?);
    }
    let own = file.plan.signed.digest();
    let mut known: BTreeSet<Digest> = file
        .context
        .beside
        .iter()
        .map(|b| b.signed.digest())
        .collect();
    known.insert(own);
    for plan in more {
        let digest = plan.signed.digest();
        if known.insert(digest) {
            if let Ok((approval, _)) = plan.read() {
                session.say(plain(&format!(
                    "Checked with plan {:?} until {}, which you signed or named (digest {digest})",
                    approval.title.as_str(),
                    approval.expires
                )))?;
            }
            checked.context.beside.push(plan);
        }
    }
    Ok(checked)
}

/// Reads a plan file.
pub(super) fn read(path: &Path) -> Result<PlanFile, Failure> {
    let bytes = file::read(path, MAX_FILE_BYTES)?;
    PlanFile::from_bytes(&bytes).map_err(|error| Failure::Content {
        path: path.to_owned(),
        problem: error.to_string(),
    })
}

/// Shows the plan, who has signed it and its findings; gives back how many block.
pub(super) fn shown(
    file: &PlanFile,
    zone: Option<&jiff::tz::TimeZone>,
    session: &mut Session<'_>,
) -> Result<usize, Failure> {
    let found = check(file, session.now);
    if let Ok((approval, leaves)) = file.plan.read() {
        session.say(show::plan(file, &approval, &leaves, zone))?;
        if let Ok((_, roster)) = file.context.chain.roster(&file.context.roster) {
            let signed = show::signed_by(file, &approval, &roster, &leaves, session.now);
            session.say(format!("\n{signed}"))?;
        }
    }
    session.say(format!("\n{}", show::findings(file, &found)))?;
    let blocking = found.iter().filter(|f| f.severity == Severity::Blocks);
    Ok(blocking.count())
}

/// The plan's own root is what the collector says; only the approver knows the true one.
fn known_root(
    file: &PlanFile,
    known: Option<Digest>,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let own = file.context.chain.root.fingerprint();
    match known {
        Some(known) if known == own => Ok(()),
        Some(known) => Err(Failure::Key(format!(
            "this plan stands under hospital root {own}, and yours is {known}; do not sign it, and ask how that can be"
        ))),
        None => session.say(format!(
            "Note: compare the hospital root {own} with the one that you know, or give it with --root."
        )),
    }
}

/// A signature that counts nowhere is a mistake: another key was meant.
fn counts(key: &Key, roster: &Roster, leaves: &[PlanLeaf], now: UtcMs) -> Result<(), Failure> {
    let refuse = |why: &str| Failure::Key(format!("{}: {why}", key.path.display()));
    let public = key.public();
    let owner = roster
        .people
        .iter()
        .find(|person| person.keys.iter().any(|k| k.key == public))
        .ok_or_else(|| refuse("nobody in the roster has this key"))?;
    if !owner.roles.contains(&SigningRole::Approver) {
        return Err(refuse(&format!("{} is no approver", owner.name)));
    }
    let mut live = owner.keys.iter().filter(|k| k.key == public);
    if !live.any(|k| k.from <= now && now < k.until) {
        return Err(refuse(&format!(
            "this key of {} is not valid now",
            owner.name
        )));
    }
    if !leaves.iter().any(|leaf| owner.units.cover(&leaf.unit)) {
        return Err(refuse(&format!(
            "{} is no approver of any unit of this plan",
            owner.name
        )));
    }
    Ok(())
}
