//! The next openings of a unit as people look at them before they rely on them: what the
//! clock changes, and what freezes leave.

use super::freeze::Freeze;
use super::opening;
use super::window::{BadWindow, Preview, Window};
use patchward_common::id::{Label, Name};
use patchward_common::time::{Interval, MINUTE_MS, UtcMs};
use std::collections::BTreeMap;

/// One opening of a unit: of one window, or of several that touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// When it is.
    pub opening: Interval,
    /// Its start in the zone of the window that opens first.
    pub local_start: String,
    /// Its end in the zone of the window that closes last.
    pub local_end: String,
    /// Its windows.
    pub windows: Vec<Name>,
    /// Whether a clock change falls into it or moved its start.
    pub clock_change: bool,
    /// Whether its end is only where the look ahead ends.
    pub stays_open: bool,
    /// What freezes leave of it.
    pub left: Vec<Interval>,
    /// The freezes that take of it.
    pub taken_by: Vec<Label>,
}

impl Outlook {
    /// How many minutes are left, of those that it is long.
    pub fn left_minutes(&self) -> i64 {
        self.left.iter().map(|left| left.length_ms()).sum::<i64>() / MINUTE_MS
    }

    /// Takes away the freezes that hold in the unit.
    pub fn less(&mut self, freezes: &[Freeze]) {
        let taking = freezes
            .iter()
            .filter(|freeze| freeze.interval.overlaps(self.opening));
        let (names, taken): (Vec<Label>, Vec<Interval>) = taking
            .map(|freeze| (freeze.name.clone(), freeze.interval))
            .unzip();
        self.taken_by = names;
        self.left = opening::difference(&[self.opening], &taken);
    }
}

/// The next `count` openings that end after `now`, less no freeze yet. Fewer where there
/// are fewer within about twenty years, or where they lie too close together.
///
/// # Errors
/// What is wrong with a window.
pub fn next(
    windows: &[(Name, Window)],
    now: UtcMs,
    count: usize,
) -> Result<Vec<Outlook>, BadWindow> {
    let mut all: Vec<(Preview, &Name)> = Vec::new();
    // Beyond the last that a full list shows, openings of its window may be missing.
    let mut known_until = UtcMs(i64::MAX);
    for (name, window) in windows {
        let found = window.preview(now, count)?;
        if let Some(last) = found.get(count.saturating_sub(1)) {
            known_until = known_until.min(last.opening.end());
        }
        all.extend(found.into_iter().map(|preview| (preview, name)));
    }
    all.retain(|(preview, _)| preview.opening.start() < known_until);
    all.sort_by_key(|(preview, name)| (preview.opening, (*name).clone()));
    let mut openings: Vec<Outlook> = Vec::new();
    for (preview, name) in all {
        match openings.last_mut() {
            Some(last) if preview.opening.start() <= last.opening.end() => {
                join(last, preview, name)
            }
            _ => openings.push(Outlook {
                opening: preview.opening,
                left: vec![preview.opening],
                local_start: preview.local_start,
                local_end: preview.local_end,
                windows: vec![name.clone()],
                clock_change: preview.clock_change,
                stays_open: preview.stays_open,
                taken_by: Vec::new(),
            }),
        }
    }
    openings.truncate(count);
    Ok(openings)
}

fn join(last: &mut Outlook, preview: Preview, name: &Name) {
    if preview.opening.end() > last.opening.end() {
        let whole = Interval::new(last.opening.start(), preview.opening.end());
        last.opening = whole.unwrap_or(last.opening);
        last.local_end = preview.local_end;
        last.stays_open = preview.stays_open;
        last.left = vec![last.opening];
    }
    if !last.windows.contains(name) {
        last.windows.push(name.clone());
    }
    last.clock_change |= preview.clock_change;
}

/// What to do where freezes leave nothing of any opening.
pub fn remedy(openings: &[Outlook]) -> Option<String> {
    if openings.is_empty() || openings.iter().any(|one| !one.left.is_empty()) {
        return None;
    }
    let mut takes: BTreeMap<&Label, usize> = BTreeMap::new();
    for name in openings.iter().flat_map(|one| &one.taken_by) {
        *takes.entry(name).or_default() += 1;
    }
    let mut takes: Vec<(&Label, usize)> = takes.into_iter().collect();
    takes.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), (*name).clone()));
    /// So many are named; there may be one for each opening.
    const NAMED: usize = 5;
    let mut named: Vec<String> = takes
        .iter()
        .take(NAMED)
        .map(|(name, count)| format!("{name:?} takes from {count}", name = name.as_str()))
        .collect();
    if takes.len() > NAMED {
        named.push(format!("{} more take from others", takes.len() - NAMED));
    }
    Some(format!(
        "Freezes leave nothing of the next {} openings: {}. End one with `freeze remove`, change \
         its calendar, or add a window at another time; an emergency plan may override one.",
        openings.len(),
        named.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::super::freeze::FreezeScope;
    use super::super::window::{Recurring, When};
    use super::*;
    use patchward_common::time::HOUR_MS;

    /// 2027-03-01T00:00:00Z, a Monday.
    const MONDAY: UtcMs = UtcMs(1_803_859_200_000);

    fn window(name: &str, cron: &str, minutes: u32) -> (Name, Window) {
        let when = When::Recurring(Recurring {
            cron: cron.into(),
            zone: "Europe/Berlin".into(),
            length_minutes: minutes,
            day_offset: 0,
            from: None,
            until: None,
        });
        (Name::new(name).unwrap(), Window::parse(&when).unwrap())
    }

    fn freeze(name: &str, from_hours: i64, until_hours: i64) -> Freeze {
        Freeze {
            name: Label::new(name).unwrap(),
            scope: FreezeScope::All,
            interval: Interval::new(
                MONDAY.plus_ms(from_hours * HOUR_MS),
                MONDAY.plus_ms(until_hours * HOUR_MS),
            )
            .unwrap(),
        }
    }

    #[test]
    fn openings_of_several_windows_are_one_list() {
        let windows = [
            window("night", "0 2 * * *", 120),
            window("late", "0 4 * * Tue", 60),
            window("noon", "0 12 * * Wed", 30),
        ];
        let next = next(&windows, MONDAY, 4).unwrap();
        let told: Vec<String> = next
            .iter()
            .map(|one| {
                let names: Vec<&str> = one.windows.iter().map(Name::as_str).collect();
                format!("{} {} {}", one.local_start, one.local_end, names.join("+"))
            })
            .collect();
        assert_eq!(
            told,
            [
                "Mon 2027-03-01 02:00 CET Mon 2027-03-01 04:00 CET night",
                "Tue 2027-03-02 02:00 CET Tue 2027-03-02 05:00 CET night+late",
                "Wed 2027-03-03 02:00 CET Wed 2027-03-03 04:00 CET night",
                "Wed 2027-03-03 12:00 CET Wed 2027-03-03 12:30 CET noon",
            ]
        );
        assert!(next.iter().all(|one| !one.clock_change));
    }

    #[test]
    fn a_rare_window_beside_a_full_list_ends_where_that_ends() {
        let windows = [
            window("night", "0 2 * * *", 60),
            window("yearly", "0 12 24 12 *", 60),
        ];
        let next = next(&windows, MONDAY, 20).unwrap();
        assert_eq!(next.len(), 20);
        assert!(next.iter().all(|one| one.windows.len() == 1));
        assert!(next.windows(2).all(|two| two[0].opening < two[1].opening));
    }

    #[test]
    fn what_freezes_take_is_told_and_what_leaves_nothing_has_a_remedy() {
        // 02:00 in Berlin is 01:00 UTC.
        let mut openings = next(&[window("night", "0 2 * * *", 120)], MONDAY, 3).unwrap();
        let freezes = [freeze("go-live", 0, 30), freeze("theatre", 26, 60)];
        openings.iter_mut().for_each(|one| one.less(&freezes));
        let told: Vec<(i64, usize)> = openings
            .iter()
            .map(|one| (one.left_minutes(), one.taken_by.len()))
            .collect();
        assert_eq!(told, [(0, 1), (0, 2), (0, 1)]);
        let remedy = remedy(&openings).unwrap();
        assert!(
            remedy.contains("nothing of the next 3 openings"),
            "{remedy}"
        );
        assert!(remedy.contains("\"go-live\" takes from 2"), "{remedy}");
        openings[2].less(&[freeze("short", 49, 50)]);
        assert_eq!(openings[2].left_minutes(), 60);
        assert_eq!(super::remedy(&openings), None);
        assert_eq!(super::remedy(&[]), None);
    }
}
