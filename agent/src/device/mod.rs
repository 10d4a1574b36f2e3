//! The medical devices beside this machine: those that root listed are asked for their
//! versions, one after the other and no more often than their files say.

mod ask;
#[cfg(test)]
mod tests;

use crate::config::Settings;
use crate::driver::Clock;
use crate::probe::{Refused, Why, each};
use patchward_common::device::{Device, MAX_DEVICES, PAUSE_MS, parse};
use patchward_common::id::{Label, Name};
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::wire::machine::DeviceSaid;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

pub use ask::ask;

/// Others may read a file with this bit.
const READABLE_BY_OTHERS: u32 = 0o004;
/// How often the folder is looked at: a device that was just listed is asked soon.
const LOOK: Duration = Duration::from_secs(60);

/// The devices of a folder, and the files that are none.
#[derive(Debug, Default)]
pub struct Listed {
    /// In the order of their names.
    pub devices: Vec<Device>,
    /// What was refused; each stands for something that is not known.
    pub refused: Vec<Refused>,
}

/// Reads every `*.toml` in `folder`, each trusted only if `owner` alone can write it and,
/// where it holds a password, others cannot read it.
pub fn load(folder: &Path, owner: u32) -> Listed {
    let mut devices = Vec::new();
    let refused = each(folder, owner, MAX_DEVICES, |file| {
        let device = parse(file.name, &file.text)?;
        if device.way.is_secret() && file.mode & READABLE_BY_OTHERS != 0 {
            return Err(Why::Readable);
        }
        devices.push(device);
        Ok(())
    });
    Listed { devices, refused }
}

/// Whether a device is asked now that was asked then. A clock that was set back asks anew.
fn is_due(device: &Device, asked: Option<UtcMs>, now: UtcMs) -> bool {
    let every_ms = i64::from(device.every_minutes) * MINUTE_MS;
    asked.is_none_or(|asked| now.since_ms(asked) >= every_ms || now < asked)
}

/// What devices answered and the collector has not heard: of each component the last.
type Answers = Arc<Mutex<BTreeMap<(Label, String), DeviceSaid>>>;

/// Asks the devices while it lives.
#[derive(Debug)]
pub(crate) struct Devices {
    answers: Answers,
    task: JoinHandle<()>,
}

impl Devices {
    /// Begins to ask; `None` where the settings do not say so.
    pub(crate) fn begin(settings: &Settings, clock: Clock) -> Option<Self> {
        if !settings.devices {
            return None;
        }
        let answers = Answers::default();
        let asking = Asking {
            folder: settings.devices_dir.clone(),
            owner: settings.probes_owner,
            program: settings.device_probe.clone(),
            root: settings.root_dir.clone(),
            answers: answers.clone(),
        };
        let task = tokio::spawn(asking.run(clock));
        Some(Self { answers, task })
    }

    /// Takes what is to be told, at most [`MAX_DEVICES`].
    pub(crate) fn take(&self) -> Vec<DeviceSaid> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let first = std::iter::from_fn(|| answers.pop_first().map(|(_, said)| said));
        first.take(MAX_DEVICES).collect()
    }

    /// Puts back what could not be told, unless the device answered since.
    pub(crate) fn put_back(&self, untold: Vec<DeviceSaid>) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for said in untold {
            let key = (said.asset.clone(), said.component.clone());
            answers.entry(key).or_insert(said);
        }
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Asking {
    folder: PathBuf,
    owner: u32,
    program: PathBuf,
    root: PathBuf,
    answers: Answers,
}

impl Asking {
    async fn run(self, clock: Clock) {
        let mut asked: BTreeMap<Name, UtcMs> = BTreeMap::new();
        loop {
            let listed = load(&self.folder, self.owner);
            for refused in &listed.refused {
                tracing::warn!(%refused, "a device is not asked");
            }
            for device in &listed.devices {
                let now = clock();
                if !is_due(device, asked.get(&device.name).copied(), now) {
                    continue;
                }
                asked.insert(device.name.clone(), now);
                let found = ask(device, &self.program, &self.root).await;
                let said = DeviceSaid {
                    asset: device.asset.clone(),
                    component: device.component.clone(),
                    of_model: device.is_model_version,
                    every_minutes: device.every_minutes,
                    at: now,
                    found,
                };
                self.note(said);
                tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
            }
            asked.retain(|name, _| listed.devices.iter().any(|device| device.name == *name));
            tokio::time::sleep(LOOK).await;
        }
    }

    fn note(&self, said: DeviceSaid) {
        let key = (said.asset.clone(), said.component.clone());
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(key, said);
    }
}
