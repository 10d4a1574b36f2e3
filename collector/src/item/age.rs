//! How old an item may become before it is raised.

use super::Kind;
use patchward_common::time::{DAY_MS, HOUR_MS};
use patchward_common::trust::roster::Class;

/// How long a machine may be silent before nothing is known of it: a station on a ward is
/// heard every two minutes; a PC in an office may be off over a long weekend.
pub fn silent_ms(class: Class) -> i64 {
    match class {
        Class::Standard => 5 * DAY_MS,
        Class::Critical => 24 * HOUR_MS,
        Class::LifeSupport => 4 * HOUR_MS,
    }
}

/// Longest time from a start to a measurement. Beyond it a machine counts as lost; its
/// own limits end a run earlier where it still works.
pub fn lost_ms(class: Class) -> i64 {
    match class {
        Class::Standard => 4 * HOUR_MS,
        Class::Critical => 2 * HOUR_MS,
        Class::LifeSupport => HOUR_MS,
    }
}

/// How long before the last slot that can help somebody must know that it will probably
/// not: a window, a stand-in or another night takes people a day.
pub const BEFORE_LAST_SLOT_MS: i64 = DAY_MS;

/// How long before a slot in which nothing starts its unit must have heard: it plans who
/// stands in a shift ahead.
pub const BEFORE_WITHHELD_MS: i64 = 12 * HOUR_MS;

/// After how long an item is raised; `None` where only time has to pass. Without a class
/// it counts as critical.
pub fn limit_ms(kind: Kind, class: Option<Class>) -> Option<i64> {
    let of_class = |standard, critical, life_support| {
        Some(match class.unwrap_or(Class::Critical) {
            Class::Standard => standard,
            Class::Critical => critical,
            Class::LifeSupport => life_support,
        })
    };
    match kind {
        // What may endanger a patient now.
        Kind::Lost | Kind::Fallen | Kind::Failed | Kind::Halted | Kind::Copied => Some(0),
        // A device that nobody returned is a device that is missed; one that nobody measured
        // may be in use as it is; one that waits for its restart counts as down.
        Kind::Return | Kind::Freed | Kind::Restart => of_class(DAY_MS, 8 * HOUR_MS, 4 * HOUR_MS),
        // Before the next night.
        Kind::Question | Kind::Stopped => Some(8 * HOUR_MS),
        Kind::RolledBack | Kind::Missed | Kind::Starving | Kind::Exception => {
            of_class(3 * DAY_MS, DAY_MS, DAY_MS)
        }
        // These begin when a limit has passed already.
        Kind::Silent | Kind::Calendar | Kind::Metadata | Kind::Replan | Kind::Overrun => Some(0),
        Kind::Reminder | Kind::Review | Kind::Undelivered => Some(0),
        // From how long before its slot or its end, it says itself; a mitigation, from its due
        // date on; a hold ends by itself.
        Kind::Withheld | Kind::Expiring | Kind::Mitigation | Kind::Held => None,
        // Nothing starts anywhere until a person says so; who gave out what nobody signed has
        // the collector.
        Kind::Restored | Kind::Unsigned => Some(0),
        // Somebody on the ward waits for a person.
        Kind::Handover => Some(HOUR_MS),
        Kind::Sign | Kind::Enrol => of_class(7 * DAY_MS, 3 * DAY_MS, 3 * DAY_MS),
        Kind::Interlock => of_class(14 * DAY_MS, 7 * DAY_MS, 7 * DAY_MS),
        // A machine that was moved is looked for within a week; answers take vendors weeks.
        Kind::Elsewhere => of_class(7 * DAY_MS, 3 * DAY_MS, DAY_MS),
        // Replacing what is not supported takes a budget; that nobody began must be seen.
        Kind::Answers | Kind::Unsupported => Some(30 * DAY_MS),
        // What may be affected is judged within days; what has a fix is planned within weeks.
        Kind::Match => of_class(7 * DAY_MS, 3 * DAY_MS, DAY_MS),
        Kind::Unfit | Kind::Waiting | Kind::Behind | Kind::Fixable | Kind::Unfixed => {
            of_class(30 * DAY_MS, 14 * DAY_MS, 7 * DAY_MS)
        }
        // A vendor is asked again after two weeks, and people are trained within two.
        Kind::Case | Kind::Training => Some(14 * DAY_MS),
    }
}
