//! `verify-evidence`: what a pack proves.

use crate::cli::VerifyEvidence;
use crate::file;
use crate::show;
use crate::{Failure, Session};
use patchward_common::evidence::{MAX_PACK_BYTES, Pack, verify};

pub(super) fn run(args: &VerifyEvidence, session: &mut Session<'_>) -> Result<(), Failure> {
    let bytes = file::read(&args.pack, MAX_PACK_BYTES)?;
    let pack = Pack::from_bytes(&bytes).map_err(|error| Failure::Content {
        path: args.pack.clone(),
        problem: error.to_string(),
    })?;
    let report = verify(&pack, args.root);
    if args.json {
        let json = serde_json::to_string_pretty(&report);
        session.say(json.map_err(|error| Failure::Input(error.to_string()))?)?;
    } else {
        session.say(show::evidence(&report))?;
    }
    match report.findings.len() {
        0 => Ok(()),
        findings => Err(Failure::Evidence(findings)),
    }
}
