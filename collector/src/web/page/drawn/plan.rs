//! A plan's slots by coverage group, and its forecast.

use super::{count, report};
use crate::account::role::Reach;
use crate::app::App;
use crate::command::plan;
use crate::command::window::instant;
use crate::command::zones::Zones;
use crate::control::{Cell, Failure, Output};
use crate::planning;
use crate::web::kept::Svg;
use crate::web::picture::curve::{self, Curve, Point};
use crate::web::picture::timeline::{self, Group, Row, Timeline};
use crate::web::show::Block;
use jiff::tz::TimeZone;
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::wave_number;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{GroupMinimum, PlanLeaf};
use std::collections::BTreeMap;

/// The slots of a plan's machines that lie within reach.
pub async fn timeline(app: &App, text: &str, reach: &Reach) -> Result<Svg, Failure> {
    let mut view = app.store.view().await?;
    let plan = plan::find(&mut view, text).await?;
    let table = planning::read(&mut view, &plan.id).await?;
    let (approval, leaves) = table
        .read()
        .map_err(|error| Failure::conflict(format!("the plan: {error}")))?;
    let leaves = leaves.iter().filter(|leaf| reach.covers(&leaf.unit));
    let leaves: Vec<&PlanLeaf> = leaves.collect();
    let grouped = grouped(&leaves);
    let names = view.names_of_plan(&plan.id).await?;
    let groups: Vec<Group> = grouped
        .into_iter()
        .map(|(name, leaves)| group(name, &leaves, &approval.groups, &names))
        .collect();
    let zones = Zones::read(&mut view).await?;
    Ok(timeline::drawn(&Timeline {
        groups: &groups,
        zone: zone(&zones, &leaves),
        now: app.now(),
    }))
}

/// The zone of all the units, where they have the same; else that of the hospital.
fn zone<'a>(zones: &'a Zones, leaves: &[&PlanLeaf]) -> &'a TimeZone {
    let usual = zones.of(None);
    let first = leaves.first().map(|leaf| zones.of(Some(&leaf.unit)));
    match first {
        Some(first)
            if leaves
                .iter()
                .all(|leaf| zones.of(Some(&leaf.unit)) == first) =>
        {
            first
        }
        _ => usual,
    }
}

/// The machines of each group, those of none last; each machine once, in its first group,
/// by wave and time.
fn grouped<'l>(leaves: &[&'l PlanLeaf]) -> Vec<(Option<&'l Name>, Vec<&'l PlanLeaf>)> {
    let mut grouped: BTreeMap<(bool, Option<&Name>), Vec<&PlanLeaf>> = BTreeMap::new();
    for leaf in leaves {
        let group = leaf.groups.first();
        let machines = grouped.entry((group.is_none(), group)).or_default();
        machines.push(leaf);
    }
    let sorted = grouped.into_iter().map(|((_, group), mut leaves)| {
        leaves.sort_by_key(|leaf| (leaf.wave, leaf.slots.first().copied()));
        (group, leaves)
    });
    sorted.collect()
}

fn group(
    name: Option<&Name>,
    leaves: &[&PlanLeaf],
    minimums: &[GroupMinimum],
    names: &BTreeMap<MachineId, String>,
) -> Group {
    let row = |leaf: &&PlanLeaf| {
        let machine = names.get(&leaf.machine).cloned();
        let others = leaf.groups.get(1..).unwrap_or_default();
        let mut machine = machine.unwrap_or_else(|| leaf.machine.to_string());
        if !others.is_empty() {
            let others: Vec<&str> = others.iter().map(Name::as_str).collect();
            machine.push_str(&format!(" (also in {})", others.join(", ")));
        }
        Row {
            machine,
            wave: wave_number(leaf.wave),
            slots: leaf.slots.clone(),
        }
    };
    let minimum = minimums.iter().find(|minimum| Some(&minimum.group) == name);
    Group {
        name: name.map(ToString::to_string),
        minimum: minimum.map(|minimum| (minimum.minimum_ready, minimum.size)),
        rows: leaves.iter().map(row).collect(),
    }
}

/// The curve that `plan forecast` has told.
pub async fn forecast(app: &App, told: &Output) -> Result<Option<Block>, Failure> {
    let Some((points, machines, due)) = forecast_told(told) else {
        return Ok(None);
    };
    let zones = Zones::read(&mut app.store.view().await?).await?;
    let drawn = curve::drawn(&Curve {
        points: &points,
        machines,
        due,
        zone: zones.of(None),
    });
    Ok(drawn.map(Block::Picture))
}

/// The points, how many machines there are, and the due date.
fn forecast_told(told: &Output) -> Option<(Vec<Point>, usize, Option<UtcMs>)> {
    let report = report(told)?;
    let table = report.list("curve")?;
    let [by, least, expected] = ["by", "at_least", "probably"].map(|name| table.column(name));
    let (by, least, expected) = (by?, least?, expected?);
    let points = table.rows.iter().map(|row| {
        Some(Point {
            at: at(row.get(by)?)?,
            least: count(row, least)?,
            expected: count(row, expected)?,
        })
    });
    let part = |name: &str| {
        let found = report.parts.iter().find(|(known, _)| known == name);
        found.map(|(_, cell)| cell)
    };
    let machines = match part("machines")? {
        Cell::Number(number) => usize::try_from(*number).ok()?,
        _ => return None,
    };
    Some((
        points.collect::<Option<_>>()?,
        machines,
        part("due").and_then(at),
    ))
}

fn at(cell: &Cell) -> Option<UtcMs> {
    match cell {
        Cell::Moment { at, .. } => Some(*at),
        Cell::Text(text) => instant(text).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Report, Table};
    use patchward_common::time::Interval;
    use patchward_common::trust::roster::Class;

    fn leaf(machine: u8, wave: u16, start: i64, groups: &[&str]) -> PlanLeaf {
        PlanLeaf {
            machine: MachineId([machine; 32]),
            unit: Name::new("icu").unwrap(),
            class: Class::Standard,
            groups: groups
                .iter()
                .map(|name| Name::new(*name).unwrap())
                .collect(),
            wave,
            slots: vec![Interval::new(UtcMs(start), UtcMs(start + 1)).unwrap()],
        }
    }

    #[test]
    fn each_machine_stands_once_and_those_of_no_group_last() {
        let leaves = [
            leaf(1, 0, 5, &[]),
            leaf(2, 1, 1, &["a", "b"]),
            leaf(3, 0, 9, &["a"]),
            leaf(4, 0, 3, &["b"]),
        ];
        let told: Vec<(Option<&str>, Vec<u8>)> = grouped(&leaves.each_ref())
            .into_iter()
            .map(|(name, leaves)| {
                let ids = leaves.iter().map(|leaf| leaf.machine.0[0]);
                (name.map(Name::as_str), ids.collect())
            })
            .collect();
        assert_eq!(
            told,
            [
                (Some("a"), vec![3, 2]),
                (Some("b"), vec![4]),
                (None, vec![1])
            ]
        );
        let minimum = GroupMinimum {
            group: Name::new("a").unwrap(),
            size: 5,
            minimum_ready: 4,
        };
        let a = Name::new("a").unwrap();
        let names = BTreeMap::from([(MachineId([2; 32]), "rr-2".to_owned())]);
        let drawn = group(Some(&a), &[&leaves[1]], &[minimum], &names);
        assert_eq!(drawn.minimum, Some((4, 5)));
        assert_eq!(drawn.rows[0].machine, "rr-2 (also in b)");
        assert_eq!(drawn.rows[0].wave, 2);
    }

    #[test]
    fn a_forecast_is_read_as_the_command_tells_it() {
        let mut table = Table::new(&["by", "at_least", "probably", "at_most"]);
        let [low, middle, high] = [1, 2, 3].map(Cell::Number);
        table.row(vec![Cell::of(UtcMs(60_000)), low, middle, high]);
        let parts = [
            ("machines", Cell::Number(3)),
            ("due", Cell::of(UtcMs(120_000))),
        ];
        let told = Output::Report(Report::new(parts, "").with("curve", table));
        let point = Point {
            at: UtcMs(60_000),
            least: 1,
            expected: 2,
        };
        let expected = Some((vec![point], 3, Some(UtcMs(120_000))));
        assert_eq!(forecast_told(&told), expected);
        assert_eq!(forecast_told(&Output::Text(String::new())), None);
    }
}
