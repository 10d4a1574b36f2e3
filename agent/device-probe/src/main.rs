//! Asks one medical device, and ends: what is wrong with a device's answer, or with a
//! library that reads it, stays within this process.
//!
//! How to ask comes as JSON on the standard input (`patchward_common::device::Way`), so that
//! passwords are in no list of processes. The answer goes to the standard output, at most
//! `MAX_ANSWER_BYTES` of it; where there is none, the exit code is 1 and the reason is the
//! first line of standard output, for people.

mod dicom;
mod http;
mod snmp;

use anyhow::{Context as _, bail};
use patchward_common::device::{DEVICE_LIMIT_MS, MAX_ANSWER_BYTES, Way};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

/// Largest question: an address, a path and two passwords.
const MAX_QUESTION_BYTES: u64 = 64 * 1_024;
/// Most memory of this process: a device that floods it ends it, and nothing else.
const MAX_MEMORY_BYTES: u64 = 256 * 1_024 * 1_024;
/// What a device gets for each step; whoever started this ends it after the whole.
const STEP: Duration = Duration::from_millis(DEVICE_LIMIT_MS / 2);

fn main() -> ExitCode {
    match answer() {
        Ok(bytes) => {
            let written = std::io::stdout().write_all(&bytes);
            written.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn answer() -> anyhow::Result<Vec<u8>> {
    let memory = Some(MAX_MEMORY_BYTES);
    let limit = Rlimit {
        current: memory,
        maximum: memory,
    };
    setrlimit(Resource::As, limit).context("bounding this process")?;
    let mut question = Vec::new();
    let input = std::io::stdin().lock();
    input.take(MAX_QUESTION_BYTES).read_to_end(&mut question)?;
    let way: Way = serde_json::from_slice(&question)
        .context("how to ask is read from the standard input, as JSON")?;
    let mut bytes = match way {
        Way::Dicom {
            address,
            called,
            calling,
        } => dicom::ask(&address, &called, &calling, STEP)?,
        Way::Snmp {
            address,
            oid,
            access,
        } => snmp::ask(&address, &oid, &access, STEP)?,
        Way::Http { url, ca_file } => http::ask(&url, ca_file.as_deref(), STEP)?,
        Way::Command { .. } | Way::File { .. } => bail!("the agent asks this itself"),
    };
    if bytes.len() > MAX_ANSWER_BYTES {
        bail!("it answers more than {MAX_ANSWER_BYTES} bytes");
    }
    if !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    Ok(bytes)
}
