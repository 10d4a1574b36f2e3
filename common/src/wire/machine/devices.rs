//! What a machine tells of the medical devices beside it.

use crate::id::Label;
use crate::time::UtcMs;
use serde::{Deserialize, Serialize};

/// What medical devices answered, at most [`MAX_DEVICES`](crate::device::MAX_DEVICES).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicesReport {
    /// Each answer.
    pub devices: Vec<DeviceSaid>,
}

/// What one medical device answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSaid {
    /// Its asset tag.
    pub asset: Label,
    /// Of what it is the version.
    pub component: String,
    /// Whether that is the version by which the asset's model is known.
    pub of_model: bool,
    /// How often it is asked.
    pub every_minutes: u32,
    /// When it was asked, by the machine's clock.
    pub at: UtcMs,
    /// What came of it.
    pub found: DeviceFound,
}

/// What a medical device answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceFound {
    /// The version.
    Version(String),
    /// Nothing that is one, for this reason.
    Nothing(String),
}

/// What became of a report on devices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicesTaken {
    /// The assets for which nobody at the collector named this machine: nothing of them is
    /// stored.
    pub refused: Vec<Label>,
}
