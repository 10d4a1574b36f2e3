//! What is assigned to a machine.

use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;

/// What a machine is assigned to be.
#[derive(Clone, Debug)]
pub struct Row {
    /// The machine's name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its class.
    pub class: Class,
    /// Its groups.
    pub groups: Vec<String>,
    /// Its mode.
    pub mode: Mode,
    /// Probes beside the interlock's: name and text of the file.
    pub probes: Vec<(String, String)>,
}

impl Row {
    /// An active standard machine in no group, without probes of its own.
    pub fn plain(name: &str, unit: &str) -> Self {
        Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
            class: Class::Standard,
            groups: Vec::new(),
            mode: Mode::Active,
            probes: Vec::new(),
        }
    }
}
