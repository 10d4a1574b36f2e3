//! What taking a hospital's file in would do: decided before anything is written, so that
//! a dry run and the real one cannot differ.

use super::mapping::Mapping;
use super::row::{self, Given, Known, Refused};
use super::{FIELDS, Field, life};
use crate::sheet::SheetRow;
use crate::store::assets::{Asset, AssetKind, LifeCycle};
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

/// One field that would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub field: Field,
    /// What it is.
    pub from: String,
    /// What the file says.
    pub to: String,
}

/// What taking a file in would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Assets that are new.
    pub added: Vec<Asset>,
    /// Assets that change, with what changes; kind and state of life are stored apart.
    pub changed: Vec<(Asset, Vec<Difference>)>,
    /// How many stay as they are.
    pub unchanged: usize,
    /// Rows that are not taken.
    pub refused: Vec<Refused>,
    /// Assets of the list that the file does not have; none is ever removed by that.
    pub missing: Vec<Label>,
    /// What the file says and a person has to do by a command of its own, and why.
    pub by_hand: Vec<(Label, String)>,
}

impl Import {
    /// The changes of what assets are that are no machines.
    pub fn kinds(&self) -> impl Iterator<Item = (&Label, AssetKind)> {
        let of_kind = |(asset, differences): &'_ (Asset, Vec<Difference>)| {
            let mut fields = differences.iter().map(|one| one.field);
            fields
                .any(|field| field == Field::Kind)
                .then_some(asset.kind)
        };
        let changed = self.changed.iter();
        changed.filter_map(move |one| Some((&one.0.tag, of_kind(one)?)))
    }

    /// The changes of state, from and to.
    pub fn moves(&self) -> impl Iterator<Item = (&Label, LifeCycle, LifeCycle)> {
        self.changed.iter().filter_map(|(asset, differences)| {
            let moved = differences
                .iter()
                .find(|one| one.field == Field::LifeCycle)?;
            let from = super::field::life_cycle(&moved.from)?;
            Some((&asset.tag, from, asset.life_cycle))
        })
    }
}

/// Decides on every row. A tag that stands in the file twice is refused each time: which
/// row is right, only a person knows.
pub fn decide(
    rows: &[SheetRow],
    mapping: &Mapping,
    known: &Known,
    list: &[Asset],
    now: UtcMs,
) -> Import {
    let mut import = Import::default();
    let mut given: BTreeMap<Label, Vec<Given>> = BTreeMap::new();
    let mut named = BTreeSet::new();
    for row in rows {
        match row::read(row, mapping, known) {
            Ok(read) => given.entry(read.tag.clone()).or_default().push(read),
            Err(refused) => {
                named.extend(refused.iter().map(|one| one.tag.clone()));
                import.refused.extend(refused);
            }
        }
    }
    let list: BTreeMap<&Label, &Asset> = list.iter().map(|asset| (&asset.tag, asset)).collect();
    for (tag, asset) in &list {
        let is_named = given.contains_key(*tag) || named.contains(tag.as_str());
        if !is_named && asset.life_cycle != LifeCycle::Decommissioned {
            import.missing.push((*tag).clone());
        }
    }
    for (tag, rows) in given {
        match &rows[..] {
            [row] => import.take(row, list.get(&tag).copied(), now),
            several => import.twice(&tag, several, mapping),
        }
    }
    import.refused.sort_by_key(|one| one.line);
    import
}

impl Import {
    fn twice(&mut self, tag: &Label, rows: &[Given], mapping: &Mapping) {
        let heading = mapping.columns.iter();
        let heading = heading.filter(|(_, field)| *field == Some(Field::Tag));
        let heading = heading.map(|(heading, _)| heading.clone()).next();
        let lines: Vec<String> = rows.iter().map(|row| row.line.to_string()).collect();
        self.refused.extend(rows.iter().map(|row| Refused {
            line: row.line,
            column: heading.clone().unwrap_or_default(),
            tag: tag.to_string(),
            why: format!(
                "the tag stands on lines {}; keep the right row",
                lines.join(", ")
            ),
        }));
    }

    fn take(&mut self, row: &Given, known: Option<&Asset>, now: UtcMs) {
        let Some(known) = known else {
            let mut asset = Asset::new(row.tag.clone());
            asset.life_cycle_since = Some(now);
            for (field, text) in &row.fields {
                let is_state = *field == Field::LifeCycle;
                if !(is_state && text.is_empty()) {
                    field.set(&mut asset, text);
                }
            }
            self.added.push(asset);
            return;
        };
        let mut asset = known.clone();
        let mut differences = Vec::new();
        for field in FIELDS {
            let Some(to) = row.fields.get(&field) else {
                continue;
            };
            let from = field.of(known);
            let is_word = matches!(field, Field::Kind | Field::LifeCycle);
            if from == *to || (is_word && to.is_empty()) {
                continue;
            }
            if let Some(why) = by_hand(field, known, to) {
                if !why.is_empty() {
                    self.by_hand.push((row.tag.clone(), why));
                }
                continue;
            }
            field.set(&mut asset, to);
            differences.push(Difference {
                field,
                from,
                to: to.clone(),
            });
        }
        match differences.is_empty() {
            true => self.unchanged += 1,
            false => self.changed.push((asset, differences)),
        }
    }
}

/// Why a field does not follow the file; an empty text where there is nothing to do.
fn by_hand(field: Field, known: &Asset, to: &str) -> Option<String> {
    let tag = &known.tag;
    match field {
        Field::Kind if known.machine.is_some() && to == AssetKind::Device.word() => Some(format!(
            "the file says that it is a medical device, and it is linked to a machine; end the link with `asset link {tag}`, or correct the file"
        )),
        // Lists say `machine` or nothing of what is linked.
        Field::Kind if known.machine.is_some() => Some(String::new()),
        Field::LifeCycle => {
            let to = super::field::life_cycle(to)?;
            let was_accepted = known.accepted_at.is_some();
            let moved = life::by_list(known.life_cycle, to, was_accepted);
            moved.err().map(|command| {
                format!(
                    "the file says {}, and here it is {}; `{command} {tag}` does that",
                    to.word(),
                    known.life_cycle.word()
                )
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMs = UtcMs(1_795_400_000_000);

    fn tag(text: &str) -> Label {
        Label::new(text).unwrap()
    }

    fn decided(headings: &str, lines: &[&str], list: &[Asset]) -> Import {
        let split = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mapping = Mapping::of(&split(headings), &[], false).unwrap();
        let rows = lines.iter().zip(2..).map(|(cells, line)| SheetRow {
            line,
            cells: split(cells),
        });
        let rows: Vec<_> = rows.collect();
        decide(&rows, &mapping, &Known::default(), list, NOW)
    }

    fn asset(text: &str, serial: &str, state: LifeCycle) -> Asset {
        Asset {
            serial: serial.to_owned(),
            life_cycle: state,
            ..Asset::new(tag(text))
        }
    }

    #[test]
    fn a_file_adds_changes_and_never_removes() {
        let list = [
            asset("A-1", "S1", LifeCycle::InUse),
            asset("A-2", "S2", LifeCycle::InUse),
            asset("A-3", "S3", LifeCycle::InUse),
            asset("A-4", "S4", LifeCycle::Decommissioned),
        ];
        let import = decided("tag,serial", &["A-1,S1", "A-2,S9", "B-1,S7"], &list);
        assert_eq!(import.unchanged, 1);
        assert_eq!(import.added[0].tag, tag("B-1"));
        assert_eq!(import.added[0].life_cycle, LifeCycle::InUse);
        let expected = Difference {
            field: Field::Serial,
            from: "S2".into(),
            to: "S9".into(),
        };
        assert_eq!(import.changed[0].1, [expected]);
        assert_eq!(import.missing, [tag("A-3")]);
        // What a file does not have as a column stays; an empty cell of one empties.
        let emptied = decided("tag,serial,model", &["A-1,,CT"], &list);
        assert_eq!(emptied.changed[0].0.serial, "");
        let kept = decided("tag,model", &["A-1,CT"], &list);
        assert_eq!(kept.changed[0].0.serial, "S1");
    }

    #[test]
    fn a_tag_twice_is_refused_both_times() {
        let import = decided("tag,serial", &["A-1,S1", "A-2,S2", "A-1,S3"], &[]);
        let lines: Vec<_> = import.refused.iter().map(|one| one.line).collect();
        assert_eq!((lines, import.added.len()), (vec![2, 4], 1));
        assert!(import.refused[0].why.contains("2, 4"));
    }

    #[test]
    fn what_was_never_accepted_comes_into_use_by_no_file() {
        let stored = asset("A-1", "", LifeCycle::InStorage);
        let import = decided("tag,status", &["A-1,in use"], std::slice::from_ref(&stored));
        assert_eq!(import.moves().count(), 0);
        let why = &import.by_hand[0].1;
        assert!(why.contains("asset accept A-1"), "{why}");
        let accepted = Asset {
            accepted_at: Some(NOW),
            ..stored
        };
        let import = decided("tag,status", &["A-1,in use"], &[accepted]);
        assert_eq!((import.moves().count(), import.by_hand.len()), (1, 0));
    }

    #[test]
    fn states_that_need_a_check_are_not_moved_by_a_file() {
        let list = [
            asset("A-1", "", LifeCycle::InUse),
            asset("A-2", "", LifeCycle::Acceptance),
            asset("A-3", "", LifeCycle::InUse),
            asset("A-4", "", LifeCycle::Loaned),
        ];
        let lines = ["A-1,Lager", "A-2,in use", "A-3,retired", "A-4,"];
        let import = decided("tag,status", &lines, &list);
        let moves: Vec<_> = import.moves().collect();
        assert_eq!(
            moves,
            [(&tag("A-1"), LifeCycle::InUse, LifeCycle::InStorage)]
        );
        let by_hand: Vec<_> = import.by_hand.iter().map(|(_, why)| why.as_str()).collect();
        assert!(by_hand[0].contains("asset accept A-2"), "{by_hand:?}");
        assert!(by_hand[1].contains("asset decommission A-3"), "{by_hand:?}");
        assert_eq!((by_hand.len(), import.unchanged), (2, 3));
    }

    #[test]
    fn what_is_linked_is_no_device_by_a_file() {
        let linked = Asset {
            machine: Some(patchward_common::id::MachineId([1; 32])),
            ..asset("A-1", "", LifeCycle::InUse)
        };
        let list = [linked, asset("A-2", "", LifeCycle::InUse)];
        let import = decided("tag,kind", &["A-1,device", "A-2,device"], &list);
        let kinds: Vec<_> = import.kinds().collect();
        assert_eq!(kinds, [(&tag("A-2"), AssetKind::Device)]);
        assert!(import.by_hand[0].1.contains("asset link A-1"));
        let same = decided("tag,kind", &["A-1,machine", "A-2,none_yet"], &list);
        assert_eq!((same.by_hand.len(), same.unchanged), (0, 2));
    }
}
