//! Step 9 where more than one clock is wrong.

use super::hospital::*;
use super::*;
use crate::time::{HOUR_MS, MINUTE_MS};

/// The machine's clock and the collector's were set back together: they agree, and both
/// are before what an earlier go has proved.
#[test]
fn two_clocks_set_back_together_open_no_old_hour() {
    let both = |ms: i64| {
        changed(|h| {
            h.now = h.watermark.time.plus_ms(ms);
            h.go_clock = h.now;
            let slot = slot(-2 * HOUR_MS, HOUR_MS);
            h.leaves.iter_mut().for_each(|leaf| leaf.slots = vec![slot]);
        })
    };
    accepted(both(0));
    accepted(both(-5 * MINUTE_MS));
    refused!(
        both(-5 * MINUTE_MS - 1),
        9,
        WrongHour,
        Why::ClockFellBack { .. }
    );
}

/// The clock here is behind, and the go was held back until the two agreed: it may be as
/// much older as it was asked for.
#[test]
fn a_go_that_was_held_back_proves_no_clock() {
    let held = |age_ms: i64, behind_ms: i64| {
        changed(|h| {
            h.go_clock = NOW.plus_ms(behind_ms - age_ms);
            h.ask = Some(Ask {
                age_ms,
                ..h.ask_now()
            });
        })
    };
    accepted(held(4 * MINUTE_MS, 2 * MINUTE_MS));
    refused!(
        held(4 * MINUTE_MS, 2 * MINUTE_MS + 1),
        9,
        WrongHour,
        Why::Clock { .. }
    );
}
