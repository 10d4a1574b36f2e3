//! Calendars as servers give them.
//!
//! What is read lies in the range that was asked for, and is the same each time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_collector::schedule::ical;
use patchward_common::time::{DAY_MS, Interval, UtcMs};

fuzz_target!(|bytes: &[u8]| {
    let start = UtcMs(1_795_400_040_000);
    let range = Interval::new(start, start.plus_ms(77 * DAY_MS)).expect("a range");
    let zone = ical::zone_of("America/Chicago").expect("a zone");
    let Ok(read) = ical::read(bytes, &zone, range) else {
        return;
    };
    assert!(read.occurrences.iter().all(|one| one.interval.overlaps(range)));
    assert!(read.occurrences.is_sorted());
    assert_eq!(ical::read(bytes, &zone, range), Ok(read));
});
