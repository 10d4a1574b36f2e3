//! Events, and the times that they take.

use super::block::Block;
use super::rule::{Budget, Rule};
use super::times::{Instance, Moment, Replaced, length, moment, more, replaced, rules, without};
use super::value::{self, Form, Stamp};
use super::zone::{Zone, Zones, seconds_of};
use super::{BadCalendar, Occurrence};
use patchward_common::time::{DAY_MS, Interval, UtcMs};
use std::collections::BTreeMap;

/// An event as it was written.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) uid: String,
    number: usize,
    summary: String,
    own: Instance,
    rules: Vec<(usize, Rule)>,
    more: Vec<Instance>,
    without: Vec<UtcMs>,
    replaces: Option<Replaced>,
    is_cancelled: bool,
}

impl Event {
    pub(super) fn read(
        block: &Block,
        zones: &mut Zones<'_>,
        budget: &mut Budget,
        notes: &mut Vec<String>,
    ) -> Result<Self, BadCalendar> {
        let replaces = match block.line("RECURRENCE-ID") {
            Some(line) => Some(replaced(line, zones, budget)?),
            None => None,
        };
        let line = match (block.line("DTSTART"), block.line("RECURRENCE-ID")) {
            (Some(line), _) | (None, Some(line)) => line,
            (None, None) => block.needed("DTSTART")?,
        };
        let (stamp, moment) = moment(line, line.value.trim(), zones, budget)?;
        let length = length(block, line, stamp, &moment, zones, budget)?;
        let summary = block.line("SUMMARY");
        let summary = summary.map_or_else(String::new, |line| value::text(&line.value));
        if length.is_none() {
            notes.push(format!(
                "line {}: {summary:?} has no length and freezes nothing",
                block.number
            ));
        }
        if let Some(line) = block.line("EXRULE") {
            notes.push(format!(
                "line {}: EXRULE is no longer part of iCalendar; its days stay frozen",
                line.number
            ));
        }
        if !matches!(stamp.form, Form::Date) {
            notes.extend(block.all("EXDATE").filter(|line| has_days(&line.value)).map(|line| {
                format!(
                    "line {}: EXDATE names whole days, and {summary:?} begins at a time of day; \
                     they stay frozen, write the time of each",
                    line.number
                )
            }));
        }
        let uid = block.line("UID").map(|line| line.value.trim().to_owned());
        let status = block.line("STATUS").map(|line| line.value.trim());
        Ok(Self {
            uid: uid.unwrap_or_else(|| format!("{summary}@{}", moment.local)),
            number: block.number,
            summary,
            rules: rules(block)?,
            more: more(block, length, zones, budget)?,
            without: without(block, zones, budget)?,
            own: Instance { moment, length },
            replaces,
            is_cancelled: status.is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")),
        })
    }

    /// Its occurrences by the instant at which each begins.
    fn instances(
        &self,
        range: Interval,
        budget: &mut Budget,
    ) -> Result<BTreeMap<UtcMs, Instance>, BadCalendar> {
        let bad = |problem: String| BadCalendar::new(self.number, problem);
        let mut instances: BTreeMap<UtcMs, Instance> = BTreeMap::new();
        let mut add = |instance: Instance| {
            if let Some(at) = instance.moment.at() {
                instances.insert(at, instance);
            }
        };
        add(self.own.clone());
        self.more.iter().cloned().for_each(&mut add);
        let zone = &self.own.moment.zone;
        let longest_ms = self.own.length.longest_ms();
        let local = |at: UtcMs| {
            let local = zone.local(at);
            local.ok_or_else(|| bad("its time is out of range".into()))
        };
        let from = local(range.start().plus_ms(-longest_ms - 2 * DAY_MS))?;
        let to = local(range.end().plus_ms(2 * DAY_MS))?;
        for (number, rule) in &self.rules {
            let dates = rule.dates(self.own.moment.local, from, to, budget);
            let dates = dates.map_err(|problem| BadCalendar::new(*number, problem))?;
            for local in dates {
                let moment = Moment {
                    local,
                    zone: zone.clone(),
                };
                if is_in_time(rule, &moment) {
                    add(Instance {
                        moment,
                        length: self.own.length,
                    });
                }
            }
        }
        for at in &self.without {
            instances.remove(at);
        }
        Ok(instances)
    }
}

/// Whether a list of instants has whole days in it.
fn has_days(list: &str) -> bool {
    let stamps = list.split(',').filter_map(|text| value::stamp(text.trim()));
    stamps.into_iter().any(|stamp| stamp.form == Form::Date)
}

/// Whether an end in UTC is not passed; the others are compared in local time.
fn is_in_time(rule: &Rule, moment: &Moment) -> bool {
    match rule.until {
        Some(Stamp {
            local,
            form: Form::Utc,
        }) => moment.at() <= Zone::utc().first(local),
        _ => true,
    }
}

/// The times that the events of one UID take: an event, and what replaces some of its
/// occurrences.
pub(super) fn laid_out(
    events: &[Event],
    range: Interval,
    budget: &mut Budget,
) -> Result<Vec<Occurrence>, BadCalendar> {
    let mut taken = Vec::new();
    let mut take = |event: &Event, instance: &Instance| {
        if let Some(interval) = instance.interval().filter(|found| found.overlaps(range)) {
            taken.push(Occurrence {
                interval,
                uid: event.uid.clone(),
                summary: event.summary.clone(),
            });
        }
    };
    for event in events.iter().filter(|event| event.replaces.is_none()) {
        if event.is_cancelled {
            continue;
        }
        let mut instances = event.instances(range, budget)?;
        replace(&mut instances, events);
        for instance in instances.values() {
            take(event, instance);
        }
    }
    // What replaces is a time of its own, even where it replaces nothing that is known.
    let single = events.iter().filter(|event| event.replaces.is_some());
    for event in single.filter(|event| !event.is_cancelled) {
        take(event, &event.own);
    }
    Ok(taken)
}

/// Takes out what other events stand in place of.
fn replace(instances: &mut BTreeMap<UtcMs, Instance>, events: &[Event]) {
    let mut all: Vec<(&Replaced, &Event)> = events
        .iter()
        .filter_map(|event| Some((event.replaces.as_ref()?, event)))
        .collect();
    all.sort_by_key(|(replaced, _)| replaced.at);
    for (replaced, event) in all.iter().filter(|(replaced, _)| replaced.and_all_after) {
        if event.is_cancelled {
            instances.retain(|at, _| *at < replaced.at);
            continue;
        }
        let by = |moment: &Moment| seconds_of(moment.local).unwrap_or(0);
        let shift = by(&event.own.moment) - by(&replaced.moment);
        for (_, instance) in instances.range_mut(replaced.at..) {
            instance.length = event.own.length;
            if let Some(moved) = instance.moment.shifted(shift) {
                instance.moment = moved;
            }
        }
    }
    for (replaced, _) in all {
        instances.remove(&replaced.at);
    }
}
