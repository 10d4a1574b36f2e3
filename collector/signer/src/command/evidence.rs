//! `verify-evidence`: what a pack or an archive proves.

use crate::cli::VerifyEvidence;
use crate::file;
use crate::show;
use crate::{Failure, Session};
use patchward_common::evidence::{
    ARCHIVE_FORMAT, Archive, MAX_PACK_BYTES, Pack, verify, verify_archive,
};
use patchward_common::plan::{FileError, file as carried};
use serde::Serialize;

pub(super) fn run(args: &VerifyEvidence, session: &mut Session<'_>) -> Result<(), Failure> {
    let bytes = file::read(&args.pack, MAX_PACK_BYTES)?;
    let unreadable = |error: FileError| Failure::Content {
        path: args.pack.clone(),
        problem: error.to_string(),
    };
    let findings = if carried::is(ARCHIVE_FORMAT, &bytes) {
        let archive = Archive::from_bytes(&bytes).map_err(unreadable)?;
        drop(bytes);
        let report = verify_archive(&archive, args.root);
        told(args, session, &report, show::archive)?;
        report.findings.len()
    } else {
        let pack = Pack::from_bytes(&bytes).map_err(unreadable)?;
        let report = verify(&pack, args.root);
        told(args, session, &report, show::evidence)?;
        report.findings.len()
    };
    match findings {
        0 => Ok(()),
        findings => Err(Failure::Evidence(findings)),
    }
}

/// For programs or for people.
fn told<R: Serialize>(
    args: &VerifyEvidence,
    session: &mut Session<'_>,
    report: &R,
    for_people: fn(&R) -> String,
) -> Result<(), Failure> {
    if !args.json {
        return session.say(for_people(report));
    }
    let json = serde_json::to_string_pretty(report);
    session.say(json.map_err(|error| Failure::Input(error.to_string()))?)
}
