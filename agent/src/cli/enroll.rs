//! `enroll`: the first certificate.

use super::{CliError, EnrollArgs, print};
use crate::config::Settings;
use crate::credentials::{Credentials, CredentialsError};
use crate::driver::{boot_id, system_clock};
use crate::enrol::{Asked, EnrolError, Enrolment, Myself};
use crate::fingerprint::fingerprint;
use crate::installer::Installer;
use crate::{inventory, root};
use patchward_common::wire::token::{EnrolmentToken, MAX_TOKEN_BYTES};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// Largest text of a token with room for spaces around it.
const MAX_TEXT_BYTES: u64 = 4 * MAX_TOKEN_BYTES as u64;
/// Shortest and longest wait between two questions.
const ASK_MS: std::ops::RangeInclusive<u64> = 500..=60_000;
/// Wait after a collector was not reached.
const UNREACHED_MS: u64 = 2_000;

pub(super) async fn enroll(
    settings: &Settings,
    installer: Installer,
    args: EnrollArgs,
) -> Result<(), CliError> {
    match Credentials::load(&settings.state_dir) {
        Ok(known) if !args.again => {
            return Err(CliError::Other(format!(
                "this machine is enrolled already, as {}; --again replaces its certificate",
                known.machine
            )));
        }
        Ok(_) | Err(CredentialsError::NotEnrolled | CredentialsError::Damaged { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let text = match (args.token, args.token_file) {
        (Some(text), _) => text,
        (None, Some(path)) => read_token(&path)?,
        (None, None) => String::new(),
    };
    let token = EnrolmentToken::from_text(&text).map_err(|e| CliError::Other(e.to_string()))?;
    let addresses = match &settings.collectors[..] {
        [] => token.addresses.clone(),
        set => set.to_vec(),
    };
    let root = token.root.fingerprint();
    let facts = inventory::collect(&settings.root_dir, &settings.inventory).facts;
    let myself = Myself {
        fingerprint: fingerprint(&settings.root_dir, &facts),
        boot: boot_id(settings),
        facts,
    };
    let enrolment = Enrolment::begin(token, installer).await?;
    let end = system_clock().plus_ms(i64::from(args.wait) * 60_000);
    let mut is_told = false;
    loop {
        let now = system_clock();
        let again_ms = match enrolment.ask(&addresses, &myself, now).await {
            Ok(Asked::Certified(credentials)) => {
                credentials.save(&settings.state_dir)?;
                root::save(root, &settings.state_dir)?;
                return print(&format!(
                    "Enrolled as {}. The certificate lasts until {} and renews itself.\n",
                    credentials.machine, credentials.expires
                ));
            }
            Ok(Asked::Wait(again_ms)) if now < end => again_ms,
            Ok(Asked::Wait(_)) => return Err(CliError::Waiting),
            // A collector that restarts, or a cable that is plugged in: it is waited for as
            // long as a person is.
            Err(EnrolError::Link(error)) if now < end => {
                eprintln!("patchward-agent: {error}; it is tried again");
                tokio::time::sleep(Duration::from_millis(UNREACHED_MS)).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if !is_told {
            is_told = true;
            print("Waiting for a person to accept this machine at the collector.\n")?;
        }
        let again_ms = again_ms.clamp(*ASK_MS.start(), *ASK_MS.end());
        tokio::time::sleep(Duration::from_millis(again_ms)).await;
    }
}

fn read_token(path: &Path) -> Result<String, CliError> {
    let failed = |error: std::io::Error| {
        CliError::Other(format!("the token file {}: {error}", path.display()))
    };
    let mut text = String::new();
    if path == Path::new("-") {
        let input = std::io::stdin().lock();
        input.take(MAX_TEXT_BYTES).read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(MAX_TEXT_BYTES).read_to_string(&mut text)
    }
    .map_err(failed)?;
    Ok(text)
}
