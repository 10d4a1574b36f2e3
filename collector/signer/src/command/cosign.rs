//! `cosign`: one more signature on a document.

use super::show::format_of;
use super::{add_signatures, assignment, read_signed, write_signed};
use crate::cli::Cosign;
use crate::file;
use crate::key::open_all;
use crate::show::{Described, describe};
use crate::{Failure, Session};
use patchward_common::plan::{ASSIGNMENT_FORMAT, AssignmentFile, MAX_FILE_BYTES, PLAN_FORMAT};
use patchward_common::trust::charter::{Charter, TimeReset};
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::Document as _;
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Stop};

pub(super) fn run(args: &Cosign, session: &mut Session<'_>) -> Result<(), Failure> {
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
            assignment::sign(table, &args.signing, Some(&args.file), session)
        }
        PLAN_FORMAT => Err(content("sign a plan with `patchward-sign approve`".into())),
        other => Err(content(format!("{other:?} is nothing that is signed here"))),
    }
}

fn one<T: Described>(args: &Cosign, session: &mut Session<'_>) -> Result<(), Failure> {
    let keys = open_all(&args.signing.keys)?;
    let signed = read_signed::<T>(&args.file)?;
    let content = |problem: String| Failure::Content {
        path: args.file.clone(),
        problem,
    };
    let document = signed.peek().map_err(|error| content(error.to_string()))?;
    if let Some(problem) = document.problem() {
        return Err(content(problem));
    }
    session.say(describe(&document))?;
    let signed = add_signatures(signed, &keys, T::WORD, &args.signing, session)?;
    write_signed(&signed, T::WORD, &args.signing, Some(&args.file), session)
}
