//! The fields of an asset that a file can have, and the headings under which the usual
//! equipment databases export them.

use crate::store::assets::{Asset, AssetKind, LIFE_CYCLES, LifeCycle};
use patchward_common::id::{Label, Name};

/// A field of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The hospital's tag: what an asset is known by.
    Tag,
    /// Serial number.
    Serial,
    /// Who made it.
    Manufacturer,
    /// Its model.
    Model,
    /// Version of its software.
    SoftwareVersion,
    /// Unique device identifier.
    Udi,
    /// Where it is used.
    Unit,
    /// Where it stands.
    Location,
    /// How critical the hospital calls it.
    Criticality,
    /// Its coverage group.
    Group,
    /// What it is where it is no machine.
    Kind,
    /// Where it stands in its life.
    LifeCycle,
}

/// Every field, in the order in which lists have them.
pub const FIELDS: [Field; 12] = [
    Field::Tag,
    Field::Serial,
    Field::Manufacturer,
    Field::Model,
    Field::SoftwareVersion,
    Field::Udi,
    Field::Unit,
    Field::Location,
    Field::Criticality,
    Field::Group,
    Field::Kind,
    Field::LifeCycle,
];

/// Headings in small letters and digits alone, so that `Inventar-Nr.` is `inventarnr`.
const HEADINGS: [(Field, &[&str]); 12] = [
    (
        Field::Tag,
        &[
            "tag",
            "assettag",
            "asset",
            "assetid",
            "assetno",
            "assetnumber",
            "equipmentid",
            "equipmentno",
            "equipmentnumber",
            "controlnumber",
            "inventorynumber",
            "inventoryno",
            "inventarnummer",
            "inventarnr",
            "inventar",
            "geraetenummer",
            "geraetenr",
            "ger\u{e4}tenummer",
            "ger\u{e4}tenr",
            "anlagennummer",
            "anlagennr",
            "equipmentnr",
        ],
    ),
    (
        Field::Serial,
        &[
            "serial",
            "serialnumber",
            "serialno",
            "sn",
            "seriennummer",
            "seriennr",
            "fabriknummer",
            "fabriknr",
            "herstellnummer",
        ],
    ),
    (
        Field::Manufacturer,
        &[
            "manufacturer",
            "manufacturername",
            "mfr",
            "make",
            "vendor",
            "hersteller",
            "herstellername",
            "fabrikat",
        ],
    ),
    (
        Field::Model,
        &[
            "model",
            "modelname",
            "modelnumber",
            "modelno",
            "devicemodel",
            "modell",
            "typ",
            "type",
            "geraetetyp",
            "ger\u{e4}tetyp",
            "typenbezeichnung",
            "modellbezeichnung",
        ],
    ),
    (
        Field::SoftwareVersion,
        &[
            "softwareversion",
            "software",
            "swversion",
            "swrevision",
            "softwarerevision",
            "firmware",
            "firmwareversion",
            "softwarestand",
            "swstand",
        ],
    ),
    (
        Field::Udi,
        &[
            "udi",
            "udidi",
            "uniquedeviceidentifier",
            "gtin",
            "udinummer",
        ],
    ),
    (
        Field::Unit,
        &[
            "unit",
            "department",
            "dept",
            "ward",
            "owningdepartment",
            "costcenter",
            "station",
            "abteilung",
            "einheit",
            "bereich",
            "kostenstelle",
            "organisationseinheit",
            "fachabteilung",
        ],
    ),
    (
        Field::Location,
        &[
            "location",
            "room",
            "site",
            "building",
            "standort",
            "raum",
            "raumnummer",
            "ort",
            "zimmer",
        ],
    ),
    (
        Field::Criticality,
        &[
            "criticality",
            "risk",
            "riskclass",
            "riskscore",
            "priority",
            "kritikalitaet",
            "kritikalit\u{e4}t",
            "risikoklasse",
            "risiko",
            "prioritaet",
            "priorit\u{e4}t",
        ],
    ),
    (
        Field::Group,
        &[
            "coveragegroup",
            "group",
            "redundancygroup",
            "gruppe",
            "vertretungsgruppe",
        ],
    ),
    (Field::Kind, &["kind", "assetkind", "art"]),
    (
        Field::LifeCycle,
        &[
            "lifecycle",
            "lifecyclestate",
            "status",
            "state",
            "assetstatus",
            "zustand",
        ],
    ),
];

impl Field {
    /// Its word: in commands, and as the heading of lists that we write.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Serial => "serial",
            Self::Manufacturer => "manufacturer",
            Self::Model => "model",
            Self::SoftwareVersion => "software_version",
            Self::Udi => "udi",
            Self::Unit => "unit",
            Self::Location => "location",
            Self::Criticality => "criticality",
            Self::Group => "coverage_group",
            Self::Kind => "kind",
            Self::LifeCycle => "life_cycle",
        }
    }

    /// The field with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        FIELDS.into_iter().find(|field| field.word() == word)
    }

    /// The field that a heading of an equipment database probably means.
    pub fn of_heading(heading: &str) -> Option<Self> {
        let letters = heading.chars().filter(|c| c.is_alphanumeric());
        let letters: String = letters.flat_map(char::to_lowercase).collect();
        let found = HEADINGS
            .iter()
            .find(|(_, known)| known.contains(&letters.as_str()));
        found.map(|(field, _)| *field)
    }

    /// What an asset has in this field.
    pub fn of(self, asset: &Asset) -> String {
        let text = match self {
            Self::Tag => asset.tag.as_str(),
            Self::Serial => &asset.serial,
            Self::Manufacturer => &asset.manufacturer,
            Self::Model => &asset.model,
            Self::SoftwareVersion => &asset.software_version,
            Self::Udi => &asset.udi,
            Self::Unit => asset.unit.as_ref().map_or("", Name::as_str),
            Self::Location => &asset.location,
            Self::Criticality => &asset.criticality,
            Self::Group => asset.group.as_ref().map_or("", Name::as_str),
            Self::Kind => asset.kind_word(),
            Self::LifeCycle => asset.life_cycle.word(),
        };
        text.to_owned()
    }

    /// Puts a text into this field; `false` where the field cannot hold it.
    pub fn set(self, asset: &mut Asset, text: &str) -> bool {
        let name = || match text {
            "" => Some(None),
            text => Name::new(text).ok().map(Some),
        };
        match self {
            Self::Tag => Label::new(text).map(|tag| asset.tag = tag).is_ok(),
            Self::Unit => name().map(|unit| asset.unit = unit).is_some(),
            Self::Group => name().map(|group| asset.group = group).is_some(),
            Self::Kind => kind(text).map(|kind| asset.kind = kind).is_some(),
            Self::LifeCycle => life_cycle(text)
                .map(|state| asset.life_cycle = state)
                .is_some(),
            Self::Serial
            | Self::Manufacturer
            | Self::Model
            | Self::SoftwareVersion
            | Self::Udi
            | Self::Location
            | Self::Criticality => {
                let place = match self {
                    Self::Serial => &mut asset.serial,
                    Self::Manufacturer => &mut asset.manufacturer,
                    Self::Model => &mut asset.model,
                    Self::SoftwareVersion => &mut asset.software_version,
                    Self::Udi => &mut asset.udi,
                    Self::Location => &mut asset.location,
                    _ => &mut asset.criticality,
                };
                text.clone_into(place);
                true
            }
        }
    }
}

/// Letters in small, with `_` for what stands between words.
fn folded(text: &str) -> String {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    let parts: Vec<String> = parts
        .filter(|part| !part.is_empty())
        .map(str::to_lowercase)
        .collect();
    parts.join("_")
}

/// The kind that a word means; that something is a machine is said by its link alone.
pub fn kind(text: &str) -> Option<AssetKind> {
    match folded(text).as_str() {
        "device" | "medical_device" | "medizinprodukt" => Some(AssetKind::Device),
        "none_yet" | "" | "machine" => Some(AssetKind::NoneYet),
        _ => None,
    }
}

/// The state of life that a word means, as we and as equipment databases write it.
pub fn life_cycle(text: &str) -> Option<LifeCycle> {
    let word = folded(text);
    let own = LIFE_CYCLES.into_iter().find(|state| state.word() == word);
    own.or_else(|| foreign_life_cycle(&word))
}

fn foreign_life_cycle(word: &str) -> Option<LifeCycle> {
    Some(match word {
        "ordered" | "planned" | "bestellt" | "beschaffung" | "geplant" => LifeCycle::Procurement,
        "incoming" | "abnahme" | "in_abnahme" => LifeCycle::Acceptance,
        "active" | "in_service" | "operational" | "aktiv" | "in_betrieb" | "in_nutzung" => {
            LifeCycle::InUse
        }
        "loan" | "on_loan" | "verliehen" | "leihgabe" => LifeCycle::Loaned,
        "storage" | "stored" | "spare" | "lager" | "eingelagert" | "im_lager" => {
            LifeCycle::InStorage
        }
        "retired" | "disposed" | "scrapped" | "ausgemustert" | "verschrottet" | "ausgesondert" => {
            LifeCycle::Decommissioned
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_usual_databases_are_known_and_mean_one_thing() {
        for (heading, field) in [
            ("Asset Tag", Field::Tag),
            ("Inventar-Nr.", Field::Tag),
            ("Ger\u{e4}tenummer", Field::Tag),
            ("SERIAL_NUMBER", Field::Serial),
            ("Hersteller", Field::Manufacturer),
            ("Owning Department", Field::Unit),
            ("Kritikalit\u{e4}t", Field::Criticality),
            ("Software-Stand", Field::SoftwareVersion),
        ] {
            assert_eq!(Field::of_heading(heading), Some(field), "{heading}");
        }
        assert_eq!(Field::of_heading("Purchase price"), None);
        for field in FIELDS {
            assert_eq!(Field::of_heading(field.word()), Some(field));
            assert_eq!(Field::of_word(field.word()), Some(field));
        }
        let mut all: Vec<_> = HEADINGS.iter().flat_map(|(_, known)| *known).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "a heading that means two fields");
    }

    #[test]
    fn states_are_read_in_both_languages() {
        assert_eq!(life_cycle("In Betrieb"), Some(LifeCycle::InUse));
        assert_eq!(life_cycle("in storage"), Some(LifeCycle::InStorage));
        assert_eq!(life_cycle("Ausgemustert"), Some(LifeCycle::Decommissioned));
        assert_eq!(life_cycle("??"), None);
        assert_eq!(kind("Medical device"), Some(AssetKind::Device));
        assert_eq!(kind("toaster"), None);
    }
}
