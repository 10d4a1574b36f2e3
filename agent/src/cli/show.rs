//! `status`: where things stand on this machine.

use super::{CliError, print};
use crate::config::Settings;
use crate::credentials::Credentials;
use crate::heads::Heads;
use crate::installer::{Installer, unexpected};
use patchward_common::trust::check::Interlock;
use patchward_common::wire::local::{Answer, Request, Status};
use std::fmt::Write as _;

pub(super) async fn status(
    settings: &Settings,
    installer: &Installer,
    json: bool,
) -> Result<(), CliError> {
    let credentials = Credentials::load(&settings.state_dir);
    let heads = Heads::load(&settings.state_dir);
    let identity = installer.identity().await?;
    let status = match installer.ask(&Request::Status).await? {
        Answer::Status(status) => *status,
        _ => return Err(unexpected("a status").into()),
    };
    let expires = credentials.as_ref().ok().map(|c| c.expires);
    if json {
        let whole = serde_json::json!({
            "machine": identity.machine,
            "enrolled": expires.is_some(),
            "certificate_expires_ms": expires,
            "installer_version": identity.version,
            "audit_heads": heads.all(),
            "status": status,
        });
        return print(&format!("{whole:#}\n"));
    }
    let mut text = format!("Machine      {}\n", identity.machine);
    let enrolled = match (expires, credentials) {
        (Some(expires), _) => format!("yes, certificate until {expires}"),
        (None, Err(error)) => error.to_string(),
        (None, Ok(_)) => "no".into(),
    };
    let _ = writeln!(text, "Enrolled     {enrolled}");
    text.push_str(&of_installer(&status));
    let heads = heads.all();
    if let (Some(first), Some(last)) = (heads.first(), heads.last()) {
        let _ = writeln!(text, "Audit log    {} on {}", last.hash, last.at);
        let days = heads.len();
        let _ = writeln!(
            text,
            "             {} on {}; {days} in all",
            first.hash, first.at
        );
    }
    print(&text)
}

fn of_installer(status: &Status) -> String {
    let mut text = String::new();
    let interlock = match &status.interlock {
        Interlock::Idle => "idle".to_owned(),
        Interlock::InUse(why) => format!("in use: {why}"),
        Interlock::Unknown(why) => format!("unknown, counts as in use: {why}"),
    };
    let ready = match status.ready {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known (no readiness probe)",
    };
    let hold = match &status.hold {
        Some(hold) => format!("until {} ({})", hold.until, hold.reason),
        None => "none".into(),
    };
    let (charter, roster, assignment) = status.numbers;
    let _ = writeln!(text, "Interlock    {interlock}");
    let _ = writeln!(text, "Ready        {ready}");
    let _ = writeln!(text, "Hold         {hold}");
    let _ = writeln!(
        text,
        "Documents    charter {charter}, roster {roster}, assignment {assignment}"
    );
    if status.jobs.is_empty() {
        text.push_str("Jobs         none\n");
    }
    for job in &status.jobs {
        let _ = writeln!(text, "Job {}  {}  {}", job.job, job.state.word(), job.title);
        for slot in &job.slots {
            let _ = writeln!(text, "    slot {} to {}", slot.start(), slot.end());
        }
    }
    text
}
