//! A plan's slots: one row for each machine, put together by coverage group; first slots
//! strong, spare ones faint, waves marked above.

use super::days;
use super::svg::{Drawing, clipped};
use super::{Figure, Sign, counted};
use jiff::tz::TimeZone;
use patchward_common::time::{DAY_MS, HOUR_MS, Interval, UtcMs};
use std::collections::BTreeMap;

/// Most machines that are drawn.
pub const MAX_ROWS: usize = 60;
/// Most waves that are marked.
const MAX_WAVES: usize = 12;
/// Most days that are drawn.
const MAX_DAYS: i64 = 62;
/// Most days that have their name above.
const MAX_DAY_NAMES: usize = 8;
const WIDTH: f64 = 1000.0;
/// Where names end and time begins.
const LEFT: f64 = 250.0;
const ROW: f64 = 20.0;
/// The least width of a slot that is seen.
const THIN: f64 = 3.0;
/// What a wave's word takes beside its bar.
const WAVE_WORD: f64 = 60.0;

/// One machine.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub machine: String,
    /// Its wave, from 1.
    pub wave: u32,
    /// Its slots, the first one first.
    pub slots: Vec<Interval>,
}

/// Machines that stand in for one another.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name; none for machines that nobody stands in for.
    pub name: Option<String>,
    /// How many must stay ready, of how many.
    pub minimum: Option<(u32, u32)>,
    /// Its machines in the plan.
    pub rows: Vec<Row>,
}

impl Group {
    fn words(&self) -> String {
        match (&self.name, self.minimum) {
            (Some(name), Some((ready, size))) => {
                format!("{name}: at least {ready} of {size} stay ready")
            }
            (Some(name), None) => format!("{name}: no minimum ready"),
            (None, _) => "In no coverage group: nothing stands in".to_owned(),
        }
    }
}

/// What is drawn.
pub struct Timeline<'a> {
    /// The groups.
    pub groups: &'a [Group],
    /// Where days begin.
    pub zone: &'a TimeZone,
    /// The present.
    pub now: UtcMs,
}

/// Where time lies on the picture.
struct Scale {
    span: Interval,
}

impl Scale {
    /// From the first slot's hour to the last slot that is drawn.
    fn of(groups: &[Group]) -> Option<Self> {
        let slots = || {
            groups
                .iter()
                .flat_map(|group| &group.rows)
                .flat_map(|row| &row.slots)
        };
        let start = slots().map(|slot| slot.start()).min()?.plus_ms(-HOUR_MS);
        let end = slots().map(|slot| slot.end()).max()?.plus_ms(HOUR_MS);
        let end = end.min(start.plus_ms(MAX_DAYS * DAY_MS));
        let span = Interval::new(start, end).ok()?;
        Some(Self { span })
    }

    fn x(&self, at: UtcMs) -> f64 {
        let share = at.since_ms(self.span.start()) as f64 / self.span.length_ms() as f64;
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - 10.0)
    }

    /// Left edge and width.
    fn bar(&self, slot: Interval) -> (f64, f64) {
        let from = self.x(slot.start());
        (from, (self.x(slot.end()) - from).max(THIN))
    }
}

/// Draws a plan; nothing where it has no slot.
pub fn drawn(timeline: &Timeline<'_>) -> Option<String> {
    let scale = Scale::of(timeline.groups)?;
    let mut drawing = Drawing::new("timeline", WIDTH);
    let waves = waves(timeline.groups);
    let top = 30.0 + waves.len().min(MAX_WAVES) as f64 * 16.0;
    let rows: usize = timeline.groups.iter().map(|group| group.rows.len()).sum();
    let heads = heads(timeline.groups);
    let bottom = top + (rows.min(MAX_ROWS) + heads) as f64 * ROW;
    borders(&mut drawing, &scale, timeline.zone, bottom);
    wave_marks(&mut drawing, &scale, &waves);
    let mut pen = Pen {
        drawing: &mut drawing,
        scale: &scale,
        zone: timeline.zone,
        y: top,
        left: MAX_ROWS,
    };
    timeline.groups.iter().for_each(|group| pen.group(group));
    if scale.span.contains(timeline.now) {
        let x = scale.x(timeline.now);
        drawing.line("now", [x, 22.0, x, bottom]);
    }
    let desc = desc(timeline, &waves, rows);
    let svg = drawing.finished(
        bottom + 8.0,
        "When each machine of the plan has its slots",
        &desc,
    );
    Some(
        Figure {
            heading: "Slots by coverage group".into(),
            drawings: vec![svg],
            signs: vec![
                Sign::new("p-calm", "first slot (solid)"),
                Sign::new("f-calm", "spare slot, if the first is missed (outlined)"),
            ],
            notes: notes(timeline, &scale, &waves, rows),
            ..Figure::default()
        }
        .html(),
    )
}

/// How many groups have a machine among those that are drawn.
fn heads(groups: &[Group]) -> usize {
    let mut before = 0;
    let shown = groups.iter().filter(|group| {
        let is_shown = before < MAX_ROWS && !group.rows.is_empty();
        before += group.rows.len();
        is_shown
    });
    shown.count()
}

/// The first slots of each wave, from the first that begins to the last that ends.
fn waves(groups: &[Group]) -> BTreeMap<u32, Interval> {
    let mut waves: BTreeMap<u32, Interval> = BTreeMap::new();
    for row in groups.iter().flat_map(|group| &group.rows) {
        let Some(first) = row.slots.first() else {
            continue;
        };
        let known = waves.entry(row.wave).or_insert(*first);
        let start = known.start().min(first.start());
        *known = Interval::new(start, known.end().max(first.end())).unwrap_or(*known);
    }
    waves
}

fn borders(drawing: &mut Drawing, scale: &Scale, zone: &TimeZone, bottom: f64) {
    let days = days::days_in(zone, scale.span, MAX_DAYS as usize + 1);
    let named_each = days.len().div_ceil(MAX_DAY_NAMES).max(1);
    let mut free_from = 0.0;
    for (at, (date, start)) in days.iter().enumerate() {
        let x = scale.x(*start);
        if *start > scale.span.start() {
            drawing.line("grid", [x, 22.0, x, bottom]);
        }
        // The first day may be cut to a sliver, and a name needs room.
        let has_room = x >= free_from && x + days::NAME_WIDTH < WIDTH;
        if at % named_each == 0 && has_room {
            free_from = x + days::NAME_WIDTH;
            drawing.text("quiet", x + 3.0, 16.0, &days::day_words(*date));
        }
    }
}

fn wave_marks(drawing: &mut Drawing, scale: &Scale, waves: &BTreeMap<u32, Interval>) {
    for (at, (wave, span)) in waves.iter().take(MAX_WAVES).enumerate() {
        let y = 34.0 + at as f64 * 16.0;
        let (x, width) = scale.bar(*span);
        let to = x + width;
        drawing.line("edge", [x, y, to, y]);
        drawing.line("edge", [x, y - 4.0, x, y + 4.0]);
        drawing.line("edge", [to, y - 4.0, to, y + 4.0]);
        let words = format!("wave {wave}");
        match to + WAVE_WORD < WIDTH {
            true => drawing.text("small", to + 5.0, y + 4.0, &words),
            false => drawing.text("small end", x - 5.0, y + 4.0, &words),
        }
    }
}

/// Where the next row goes.
struct Pen<'a> {
    drawing: &'a mut Drawing,
    scale: &'a Scale,
    zone: &'a TimeZone,
    y: f64,
    left: usize,
}

impl Pen<'_> {
    fn group(&mut self, group: &Group) {
        if self.left == 0 || group.rows.is_empty() {
            return;
        }
        let words = clipped(&group.words(), 120);
        self.drawing.text("strong", 4.0, self.y + ROW - 5.0, &words);
        self.y += ROW;
        for row in group.rows.iter().take(self.left) {
            self.row(row);
        }
        self.left = self.left.saturating_sub(group.rows.len());
    }

    fn row(&mut self, row: &Row) {
        let y = self.y;
        self.drawing
            .text("", 14.0, y + ROW - 5.0, &clipped(&row.machine, 22));
        let wave = format!("wave {}", row.wave);
        self.drawing
            .text("small quiet end", LEFT - 8.0, y + ROW - 5.0, &wave);
        // The first slot last, so that it lies above where a spare one touches it.
        for (at, slot) in row.slots.iter().enumerate().rev() {
            if slot.start() >= self.scale.span.end() {
                continue;
            }
            let (x, width) = self.scale.bar(*slot);
            let (class, what) = match at {
                0 => ("p-calm", "first slot"),
                _ => ("f-calm", "spare slot"),
            };
            let tip = format!(
                "{}, {wave}, {what}: {}, {} to {}",
                row.machine,
                days::day_words(days::date_of(self.zone, slot.start())),
                days::clock(self.zone, slot.start()),
                days::clock(self.zone, slot.end()),
            );
            self.drawing
                .rect(class, [x, y + 4.0, width, ROW - 8.0], &tip);
        }
        self.y += ROW;
    }
}

fn desc(timeline: &Timeline<'_>, waves: &BTreeMap<u32, Interval>, rows: usize) -> String {
    let instant = |at: UtcMs| {
        let day = days::day_words(days::date_of(timeline.zone, at));
        format!("{day} {}", days::clock(timeline.zone, at))
    };
    let waves = waves.iter().take(MAX_WAVES).map(|(wave, span)| {
        let [from, until] = [span.start(), span.end()].map(instant);
        format!(" Wave {wave}: first slots from {from} to {until}.")
    });
    let waves: String = waves.collect();
    let groups = timeline.groups.iter().take(MAX_ROWS).map(|group| {
        let machines = counted(group.rows.len(), "machine", "machines");
        format!(" {}; {machines} in the plan.", group.words())
    });
    let groups: String = groups.collect();
    let machines = counted(rows, "machine", "machines");
    format!("{machines}.{waves}{groups} The lists below have every slot.")
}

fn notes(
    timeline: &Timeline<'_>,
    scale: &Scale,
    waves: &BTreeMap<u32, Interval>,
    rows: usize,
) -> Vec<String> {
    let zone = timeline.zone.iana_name().unwrap_or("local time");
    let now = match scale.span.contains(timeline.now) {
        true => " The dotted line is now.",
        false => "",
    };
    let mut notes = vec![format!("Days begin at midnight, {zone}.{now}")];
    if rows > MAX_ROWS {
        notes.push(format!(
            "Not drawn: {}, which stand in the list below.",
            counted(rows - MAX_ROWS, "machine", "machines")
        ));
    }
    if waves.len() > MAX_WAVES {
        let more = counted(waves.len() - MAX_WAVES, "later wave", "later waves");
        notes.push(format!("{more} not marked above; each row names its wave."));
    }
    let all = timeline.groups.iter().flat_map(|group| &group.rows);
    let later = all.flat_map(|row| &row.slots);
    let later = later
        .filter(|slot| slot.start() >= scale.span.end())
        .count();
    if later > 0 {
        let slots = counted(later, "slot lies", "slots lie");
        notes.push(format!(
            "{slots} later than the {MAX_DAYS} days drawn here."
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
