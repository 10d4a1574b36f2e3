//! When a machine is usually idle: seven days of 24 hours, each with its number.

use super::days::WEEKDAYS;
use super::svg::Drawing;
use super::{Figure, Sign};
use crate::forecast::idle::{HOURS, LEAST_SECONDS, Seconds};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 24.0;
const CELL: f64 = 35.0;
const ROW: f64 = 30.0;
const DAY: usize = 24;
/// From so many of 100 on it is usually idle, is mostly, is at times.
const USUALLY: u32 = 80;
const MOSTLY: u32 = 50;
const AT_TIMES: u32 = 20;

/// What is drawn.
pub struct Idle<'a> {
    /// The machine.
    pub machine: &'a str,
    /// The hours of a week, Monday 00:00 UTC first.
    pub hours: &'a [Seconds],
    /// How many hours the machine's clock is ahead of UTC.
    pub hours_ahead: i64,
    /// What that clock is called.
    pub zone: &'a str,
}

/// Draws a week; nothing where the interlock has told nothing yet.
pub fn drawn(idle: &Idle<'_>) -> Option<String> {
    let grid = grid(idle.hours, idle.hours_ahead);
    grid.iter().flatten().flatten().next()?;
    let mut drawing = Drawing::new("idle", WIDTH);
    for hour in 0..DAY {
        let x = LEFT + (hour as f64 + 0.5) * CELL;
        drawing.text("quiet small mid", x, TOP - 8.0, &format!("{hour:02}"));
    }
    drawing.text(
        "quiet small",
        LEFT + DAY as f64 * CELL + 10.0,
        TOP - 8.0,
        "idle hours",
    );
    let mut told = Vec::new();
    for (day, (name, hours)) in WEEKDAYS.iter().zip(&grid).enumerate() {
        let y = TOP + day as f64 * ROW;
        drawing.text("strong", 4.0, y + 20.0, name);
        for (hour, share) in hours.iter().enumerate() {
            let x = LEFT + hour as f64 * CELL;
            cell(
                &mut drawing,
                [x, y],
                *share,
                &format!("{name} {hour:02}:00"),
            );
        }
        let sum = sum(hours);
        let x = LEFT + DAY as f64 * CELL + 10.0;
        drawing.text("", x, y + 20.0, &sum);
        told.push(format!("{name}: {sum}, {}", stretch(hours)));
    }
    let desc = format!(
        "Of 100, how often {} is idle in each hour of a usual week. {}.",
        idle.machine,
        told.join("; ")
    );
    let height = TOP + 7.0 * ROW + 6.0;
    let svg = drawing.finished(height, "When it is usually idle", &desc);
    Some(
        Figure {
            heading: "When it is usually idle".into(),
            drawings: vec![svg],
            signs: vec![
                Sign::new("p-good", format!("usually idle: {USUALLY} of 100 and more")),
                Sign::new("f-good", format!("mostly idle: {MOSTLY} and more")),
                Sign::new("f-warn", format!("mostly in use: {AT_TIMES} and more")),
                Sign::new("p-warn", "usually in use, or it cannot tell"),
                Sign::new("bare", "– never asked"),
            ],
            notes: vec![format!(
                "Each number is of 100 how often it was idle in that hour, by the clock of {}. \
                 Windows lie well where numbers are high.",
                idle.zone
            )],
            words: told,
            ..Figure::default()
        }
        .html(),
    )
}

/// Of 100 how often it is idle, by local day and hour; none where too little is known.
fn grid(hours: &[Seconds], ahead: i64) -> [[Option<u32>; DAY]; 7] {
    let mut grid = [[None; DAY]; 7];
    for (hour, seconds) in hours.iter().enumerate().take(HOURS) {
        let local = (hour as i64 + ahead).rem_euclid(HOURS as i64) as usize;
        let day = grid.get_mut(local / DAY);
        let Some(cell) = day.and_then(|day| day.get_mut(local % DAY)) else {
            continue;
        };
        let (idle, total) = (u64::from(seconds.idle), u64::from(seconds.total()));
        // A few minutes say nothing of a usual week.
        if total >= u64::from(LEAST_SECONDS) / 4 {
            *cell = u32::try_from((idle * 100 + total / 2) / total).ok();
        }
    }
    grid
}

fn cell(drawing: &mut Drawing, [x, y]: [f64; 2], share: Option<u32>, when: &str) {
    let (class, words, number) = match share {
        None => ("bare", "quiet small mid", "–".to_owned()),
        Some(share) if share >= USUALLY => ("p-good", "on small mid", share.to_string()),
        Some(share) if share >= MOSTLY => ("f-good", "small mid", share.to_string()),
        Some(share) if share >= AT_TIMES => ("f-warn", "small mid", share.to_string()),
        Some(share) => ("p-warn", "on small mid", share.to_string()),
    };
    let tip = match share {
        None => format!("{when}: never asked for long"),
        Some(share) => format!("{when}: idle {share} of 100"),
    };
    drawing.rect(class, [x + 1.0, y + 1.0, CELL - 2.0, ROW - 2.0], &tip);
    drawing.text(words, x + CELL / 2.0, y + 19.0, &number);
}

/// The idle hours of a day that are known.
fn sum(hours: &[Option<u32>; DAY]) -> String {
    let known: Vec<u32> = hours.iter().filter_map(|share| *share).collect();
    match known.is_empty() {
        true => "not known".to_owned(),
        false => format!("{:.1} h", f64::from(known.iter().sum::<u32>()) / 100.0),
    }
}

/// The longest stretch of a day in which it is usually idle, in words.
fn stretch(hours: &[Option<u32>; DAY]) -> String {
    let mut longest = 0..0;
    let mut start = 0;
    for hour in 0..=DAY {
        let is_idle = hours.get(hour).is_some_and(|share| *share >= Some(USUALLY));
        if !is_idle {
            if hour - start > longest.len() {
                longest = start..hour;
            }
            start = hour + 1;
        }
    }
    match longest.is_empty() {
        true => "at no hour usually idle".to_owned(),
        false => format!(
            "usually idle from {:02}:00 to {:02}:00",
            longest.start, longest.end
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Idle from Monday 00:00 to 05:00 UTC, in use the rest of the day, never asked after it.
    fn hours() -> Vec<Seconds> {
        let hour = |at| match at {
            0..5 => Seconds {
                idle: 3_600,
                ..Seconds::default()
            },
            5..24 => Seconds {
                idle: 360,
                in_use: 3_240,
                ..Seconds::default()
            },
            _ => Seconds::default(),
        };
        (0..HOURS).map(hour).collect()
    }

    fn draw(hours: &[Seconds], hours_ahead: i64) -> Option<String> {
        drawn(&Idle {
            machine: "ct-1 <a>",
            hours,
            hours_ahead,
            zone: "Europe/Berlin",
        })
    }

    #[test]
    fn every_hour_has_its_number_by_the_local_clock() {
        let svg = draw(&hours(), 1).unwrap();
        assert_eq!(svg.matches(">100</text>").count(), 5);
        assert_eq!(
            svg.matches(">10</text>").count(),
            19 + 1,
            "with the head of hour 10"
        );
        assert_eq!(svg.matches(">–</text>").count(), 168 - 24);
        assert!(
            svg.contains("Mon 01:00: idle 100 of 100") && svg.contains("Mon 00:00: never asked")
        );
        assert!(
            svg.contains("Mon: 6.8 h, usually idle from 01:00 to 06:00"),
            "{svg}"
        );
        assert!(svg.contains("Wed: not known, at no hour usually idle"));
        assert!(svg.contains("ct-1 &lt;a&gt; is idle"));
    }

    #[test]
    fn a_week_turns_over_at_its_ends() {
        let behind = grid(&hours(), -6);
        assert_eq!(
            behind[6][18],
            Some(100),
            "Monday 00:00 UTC is Sunday evening there"
        );
        assert_eq!(behind[0][0], Some(10));
    }

    #[test]
    fn what_is_not_known_is_not_drawn() {
        assert!(draw(&vec![Seconds::default(); HOURS], 0).is_none());
        assert!(draw(&[], 0).is_none());
        let seconds = Seconds {
            idle: 60,
            ..Seconds::default()
        };
        assert!(draw(&[seconds], 0).is_none(), "a minute says nothing");
    }
}
