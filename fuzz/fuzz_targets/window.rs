//! Windows as people write them: `cron`, a zone, a length and an offset, one a line.
//!
//! What is understood is laid out over eleven weeks: openings lie in order and apart.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_collector::schedule::window::{Recurring, When, Window};
use patchward_common::time::{DAY_MS, Interval, UtcMs};

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let when = When::Recurring(Recurring {
        cron: next().into(),
        zone: match next() {
            "" => "America/Chicago".into(),
            zone => zone.into(),
        },
        length_minutes: next().parse().unwrap_or(120),
        day_offset: next().parse().unwrap_or(0),
        from: None,
        until: None,
    });
    let Ok(window) = Window::parse(&when) else {
        return;
    };
    let _ = window.words();
    let start = UtcMs(1_795_400_040_000);
    let range = Interval::new(start, start.plus_ms(77 * DAY_MS)).expect("a range");
    if let Ok(openings) = window.openings(range) {
        for pair in openings.windows(2) {
            assert!(pair[0].end() < pair[1].start(), "{when:?}");
        }
    }
});
