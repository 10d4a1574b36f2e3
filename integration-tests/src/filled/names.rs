//! What a hospital calls its sites, units and machines.

use crate::fixture::{label, name};
use patchward_collector::store::places::{Site, Unit};
use patchward_common::id::Name;
use patchward_common::trust::roster::Class;

const SITES: [(&str, &str); 5] = [
    ("main", "Main building"),
    ("women", "Women and children"),
    ("heart", "Heart centre"),
    ("south", "South campus"),
    ("outpatient", "Outpatient clinics"),
];

/// Care areas: short name, name for people, class.
const KINDS: [(&str, &str, Class); 25] = [
    ("icu", "Intensive care", Class::LifeSupport),
    ("ward", "Ward", Class::Standard),
    ("or", "Operating theatre", Class::LifeSupport),
    ("rad", "Radiology reading room", Class::Standard),
    ("ed", "Emergency department", Class::Critical),
    ("lab", "Laboratory", Class::Critical),
    ("nicu", "Neonatal intensive care", Class::LifeSupport),
    ("onc", "Oncology", Class::Standard),
    ("dial", "Dialysis", Class::Critical),
    ("endo", "Endoscopy", Class::Standard),
    ("ct", "Computed tomography", Class::Critical),
    ("mri", "Magnetic resonance", Class::Critical),
    ("cath", "Catheter laboratory", Class::LifeSupport),
    ("pharm", "Pharmacy", Class::Critical),
    ("path", "Pathology", Class::Standard),
    ("ster", "Sterile supply", Class::Standard),
    ("pacu", "Recovery room", Class::Critical),
    ("derm", "Dermatology", Class::Standard),
    ("eye", "Eye clinic", Class::Standard),
    ("ent", "Ear, nose and throat", Class::Standard),
    ("neuro", "Neurology", Class::Standard),
    ("ortho", "Orthopaedics", Class::Standard),
    ("blood", "Blood bank", Class::Critical),
    ("us", "Ultrasound", Class::Standard),
    ("adm", "Admission", Class::Standard),
];

/// What machines are: short name and model.
const MACHINES: [(&str, &str); 8] = [
    ("station", "reading-station-2"),
    ("nurse", "nurse-pc-4"),
    ("nurse", "nurse-pc-5"),
    ("pump", "pump-server-1"),
    ("gateway", "pacs-gateway-3"),
    ("monitor", "central-monitor-7"),
    ("lab", "analyser-middleware-2"),
    ("cart", "ward-cart-1"),
];

/// The sites and units, and which machine is where.
pub(super) struct Places {
    pub(super) units: Vec<Unit>,
    per_unit: usize,
}

impl Places {
    /// So many units for so many machines.
    pub(super) fn of(units: usize, machines: usize) -> Self {
        let unit = |number: usize| {
            let (short, title, class) = KINDS[number % KINDS.len()];
            let nth = number / KINDS.len() + 1;
            let site = number * SITES.len() / units;
            Unit {
                name: name(&format!("{short}-{nth}")),
                site: name(SITES[site].0),
                title: label(&format!("{title} {nth}")),
                class,
            }
        };
        Self {
            units: (0..units).map(unit).collect(),
            per_unit: machines.div_ceil(units),
        }
    }

    pub(super) fn sites() -> impl Iterator<Item = Site> {
        SITES.into_iter().map(|(short, title)| Site {
            name: name(short),
            title: label(title),
        })
    }

    /// The unit of a machine.
    pub(super) fn unit_of(&self, machine: usize) -> &Unit {
        &self.units[machine / self.per_unit]
    }

    /// The name of a machine, and its model.
    pub(super) fn machine(&self, machine: usize) -> (Name, Name) {
        let (short, model) = MACHINES[machine % MACHINES.len()];
        let unit = &self.unit_of(machine).name;
        let nth = machine % self.per_unit + 1;
        (name(&format!("{unit}-{short}-{nth:02}")), name(model))
    }

    /// The coverage group of a machine: the first machines of a unit stand in for one another
    /// by fours.
    pub(super) fn group_of(&self, machine: usize) -> Option<Name> {
        let nth = machine % self.per_unit;
        let unit = &self.unit_of(machine).name;
        (nth < 8).then(|| name(&format!("{unit}-{}", ["a", "b"][nth / 4])))
    }

    /// How many units are planned together.
    pub(super) fn units_of_a_plan(&self) -> usize {
        (self.units.len() / 50).max(1)
    }

    /// The machines of these units.
    pub(super) fn machines_of(&self, units: std::ops::Range<usize>) -> std::ops::Range<usize> {
        units.start * self.per_unit..units.end * self.per_unit
    }
}
