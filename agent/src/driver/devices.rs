//! What the medical devices beside this machine answered, on its way to the collector.

use super::{Driver, TurnError, is_busy};
use crate::link::{Link, LinkError};
use patchward_common::wire::machine::{Answer, DevicesReport, Request};

impl Driver {
    /// Tells what was answered since the last turn.
    pub(super) async fn devices(&self, link: &Link) -> Result<(), TurnError> {
        let Some(asked) = &self.devices else {
            return Ok(());
        };
        let devices = asked.take();
        if devices.is_empty() {
            return Ok(());
        }
        let report = DevicesReport {
            devices: devices.clone(),
        };
        match link.ask(&Request::Devices(report)).await {
            Ok(Answer::Devices(taken)) => {
                for asset in &taken.refused {
                    tracing::warn!(%asset, "this machine may not speak for this device; `device watch` at the collector says that it may");
                }
                Ok(())
            }
            Ok(Answer::Refused(refused)) => {
                tracing::warn!(reason = refused.text, "what devices answered was not taken");
                // One that is too old for it never takes it; the devices will answer again.
                if is_busy(&refused) {
                    asked.put_back(devices);
                }
                Ok(())
            }
            Ok(_) => Err(LinkError::Unexpected("an answer on devices").into()),
            Err(error) => {
                asked.put_back(devices);
                Err(error.into())
            }
        }
    }
}
