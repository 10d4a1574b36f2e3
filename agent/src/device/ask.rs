//! Asking one device.

use crate::probe::run::{read, run_with};
use patchward_common::device::{DEVICE_LIMIT_MS, Device, MAX_ANSWER_BYTES, Way};
use patchward_common::probe::{Ran, version};
use patchward_common::wire::machine::DeviceFound;
use std::path::Path;

/// Longest reason that is told, in bytes.
const MAX_REASON_BYTES: usize = 300;

/// What a device answers; `program` asks those on the network.
pub async fn ask(device: &Device, program: &Path, root: &Path) -> DeviceFound {
    let ran = match &device.way {
        Way::Command { argv } => run_with(argv, &[], DEVICE_LIMIT_MS, MAX_ANSWER_BYTES).await,
        Way::File { path } => read(&root.join(path.trim_start_matches('/'))),
        remote => {
            let question = serde_json::to_vec(remote).unwrap_or_default();
            let argv = [program.display().to_string()];
            run_with(&argv, &question, DEVICE_LIMIT_MS, MAX_ANSWER_BYTES).await
        }
    };
    let said = answered(ran, device.way.is_remote()).and_then(|ran| version(&device.version, &ran));
    match said {
        Ok(version) => DeviceFound::Version(version),
        Err(why) => DeviceFound::Nothing(short(&why)),
    }
}

/// The program on the network says on its first line why there is no answer.
fn answered(ran: Ran, is_remote: bool) -> Result<Ran, String> {
    match ran {
        Ran::Exited {
            status: Some(1),
            output,
            ..
        } if is_remote => {
            let output = String::from_utf8_lossy(&output);
            Err(output.lines().next().unwrap_or_default().to_owned())
        }
        Ran::TimedOut => Err(format!("no answer within {DEVICE_LIMIT_MS} ms")),
        Ran::TooMuchOutput => Err(format!("it answers more than {MAX_ANSWER_BYTES} bytes")),
        ran => Ok(ran),
    }
}

/// A reason of bounded length without control characters: it comes from a device.
fn short(why: &str) -> String {
    let mut text: String = why.chars().filter(|c| !c.is_control()).collect();
    let end = (0..=MAX_REASON_BYTES.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text
}
