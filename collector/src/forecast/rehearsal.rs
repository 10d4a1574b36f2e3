//! What a machine in mode `rehearse` would have done, in words: "would have started
//! 02:14, was in use at 02:30".

use super::idle::History;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use patchward_common::job::Event;
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::check::Step;

/// One thing that would have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: UtcMs,
    /// What, with the ward's time of day.
    pub text: String,
}

/// The words for a job's events, in their order. A start during which the machine came
/// into use is where a person would have been disturbed.
pub fn words(events: &[(UtcMs, Event)], history: &History, zone: &TimeZone) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, event) in events {
        let time = time_of_day(*at, zone);
        let text = match event {
            Event::WouldHaveStarted(start) => {
                let rest = Interval::new(*at, start.slot.end()).ok();
                let used = rest.and_then(|rest| history.first_in_use(rest));
                match used {
                    Some(used) => format!(
                        "would have started {time}, was in use at {}",
                        time_of_day(used, zone)
                    ),
                    None => format!("would have started {time}, stayed idle"),
                }
            }
            Event::Refused(refused) => match refused.reason.step {
                Some(Step::Interlock) => format!("was in use at {time}, would have waited"),
                Some(Step::HoldAndStop) => format!("was held at {time}, would have waited"),
                _ => format!("would not have started {time}: {}", refused.reason.text),
            },
            _ => continue,
        };
        lines.push(Line { at: *at, text });
    }
    lines
}

/// Hours and minutes in a zone.
pub fn time_of_day(at: UtcMs, zone: &TimeZone) -> String {
    let instant = Timestamp::from_millisecond(at.0).unwrap_or_default();
    let local = zone.to_datetime(instant);
    format!("{:02}:{:02}", local.hour(), local.minute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::digest::Digest;
    use patchward_common::id::BootId;
    use patchward_common::job::{Reason, Start};
    use patchward_common::time::{HOUR_MS, MINUTE_MS};
    use patchward_common::wire::machine::InterlockWord;

    fn at(hour: i64, minute: i64) -> UtcMs {
        UtcMs(hour * HOUR_MS + minute * MINUTE_MS)
    }

    #[test]
    fn a_night_is_told_in_the_wards_time() {
        let slot = Interval::new(at(2, 0), at(4, 0)).unwrap();
        let start = Start {
            slot,
            boot: BootId([1; 16]),
            go: Digest::default(),
            approved_by: Vec::new(),
            roster: Digest::default(),
            charter: Digest::default(),
            assignment: Digest::default(),
            versions_before: Vec::new(),
            interlock: "idle".into(),
        };
        let step = Some(Step::Interlock);
        let text = "somebody is logged in".into();
        let events = [
            (at(2, 2), Event::Refused(Reason { step, text }.into())),
            (at(2, 14), Event::WouldHaveStarted(start)),
        ];
        let mut history = History::default();
        let mut add = |from, to, word| history.record(Interval::new(from, to).unwrap(), word);
        add(at(2, 0), at(2, 10), InterlockWord::InUse);
        add(at(2, 10), at(2, 30), InterlockWord::Idle);
        let quiet = words(&events, &history, &TimeZone::UTC);
        assert_eq!(quiet[1].text, "would have started 02:14, stayed idle");
        let used = Interval::new(at(2, 30), at(2, 40)).unwrap();
        history.record(used, InterlockWord::InUse);
        let told = words(&events, &history, &TimeZone::UTC);
        let texts: Vec<_> = told.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "was in use at 02:02, would have waited",
                "would have started 02:14, was in use at 02:30"
            ]
        );
        let chicago = TimeZone::get("America/Chicago").unwrap();
        assert!(words(&events, &history, &chicago)[1].text.contains("20:14"));
    }
}
