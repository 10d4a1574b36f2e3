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
