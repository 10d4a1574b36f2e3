//! `show`: any file in plain words.

use super::{approve, read_signed};
use crate::cli::Show;
use crate::file;
use crate::show::{self, Described, describe};
use crate::time_text;
use crate::{Failure, Session};
use patchward_common::codec;
use patchward_common::plan::check::check;
use patchward_common::plan::{ASSIGNMENT_FORMAT, AssignmentFile, MAX_FILE_BYTES, PLAN_FORMAT};
use patchward_common::trust::charter::{Charter, TimeReset};
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::Document as _;
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Stop};
use patchward_common::words::counted;
use serde::de::IgnoredAny;
use serde_json::json;

pub(super) fn run(args: &Show, session: &mut Session<'_>) -> Result<(), Failure> {
    let content = |problem: String| Failure::Content {
        path: args.file.clone(),
        problem,
    };
    let bytes = file::read(&args.file, MAX_FILE_BYTES)?;
    match format_of(&bytes).map_err(content)?.as_str() {
        Charter::TYPE => one::<Charter>(args, session),
        Roster::TYPE => one::<Roster>(args, session),
        Stop::TYPE => one::<Stop>(args, session),
        Lift::TYPE => one::<Lift>(args, session),
        Downgrade::TYPE => one::<Downgrade>(args, session),
        Handover::TYPE => one::<Handover>(args, session),
        TimeReset::TYPE => one::<TimeReset>(args, session),
        ASSIGNMENT_FORMAT => {
            let table =
                AssignmentFile::from_bytes(&bytes).map_err(|error| content(error.to_string()))?;
            let (assignment, rows) = table.read().map_err(|error| content(error.to_string()))?;
            if args.json {
                return json_text(
                    json!({ "assignment": assignment, "machines": rows }),
                    session,
                );
            }
            session.say(show::assignment(&assignment, &rows))
        }
        PLAN_FORMAT => plan(args, session),
        other => Err(content(format!(
            "{other:?} is no format that is known here; a newer file needs a newer program"
        ))),
    }
}

fn plan(args: &Show, session: &mut Session<'_>) -> Result<(), Failure> {
    let zone = args.zone.as_deref().map(time_text::zone).transpose();
    let zone = zone.map_err(Failure::Input)?;
    let file = approve::read(&args.file)?;
    if !args.json {
        return approve::shown(&file, zone.as_ref(), session).map(|_| ());
    }
    let read = file.plan.read().ok();
    let (approval, leaves) = read.unzip();
    json_text(
        json!({
            "digest": file.plan.signed.digest(),
            "root": file.context.chain.root.fingerprint(),
            "approval": approval,
            "machines": leaves,
            "findings": check(&file, session.now),
        }),
        session,
    )
}

fn one<T: Described>(args: &Show, session: &mut Session<'_>) -> Result<(), Failure> {
    let signed = read_signed::<T>(&args.file)?;
    let document = signed.peek().map_err(|error| Failure::Content {
        path: args.file.clone(),
        problem: error.to_string(),
    })?;
    if args.json {
        let text = json!({
            "digest": signed.digest(),
            "signatures": signed.signatures().len(),
            "document": document,
        });
        return json_text(text, session);
    }
    session.say(describe(&document))?;
    session.say(format!(
        "{}, not judged here (digest {})",
        counted(signed.signatures().len(), "signature", "signatures"),
        signed.digest()
    ))
}

fn json_text(value: serde_json::Value, session: &mut Session<'_>) -> Result<(), Failure> {
    session.say(format!("{value:#}"))
}

/// The format that a file says it has.
pub(super) fn format_of(bytes: &[u8]) -> Result<String, String> {
    let read: Result<(String, IgnoredAny), _> = codec::decode(bytes, MAX_FILE_BYTES);
    let (format, _) = read.map_err(|error| format!("it is no file of patchward: {error}"))?;
    Ok(format.chars().take(64).collect())
}
