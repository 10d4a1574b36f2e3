//! What may be wrong with a window, and how to put it right.

use super::{MAX_DAY_OFFSET, MAX_LENGTH_MINUTES, MAX_OPENINGS};
use patchward_common::time::UtcMs;

/// Why a window was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWindow {
    /// Not five fields.
    #[error(
        "{0:?} has {1} fields; write five: minute, hour, day of month, month, weekday, such as \"0 2 * * Tue\" for Tuesdays at 02:00"
    )]
    Fields(String, usize),
    /// A weekday as a number, which programs count differently.
    #[error(
        "weekday {field:?} is a number, and programs disagree whether 2 is Monday or Tuesday; write names instead, such as {suggestion:?}"
    )]
    NumericWeekday {
        /// What was written.
        field: String,
        /// The same in names, counted as Unix cron does (0 and 7 are Sunday).
        suggestion: String,
    },
    /// `#` and `L` are not understood everywhere.
    #[error("weekday {field:?} uses '#' or 'L', which programs read differently; {instead}")]
    NthWeekday {
        /// What was written.
        field: String,
        /// The same in days of the month.
        instead: String,
    },
    /// The expression is none.
    #[error("{expression:?} is not understood: {problem}")]
    Expression {
        /// What was written.
        expression: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No day ever fits.
    #[error("{0:?} never comes true: no such day exists; check day of month and month")]
    Never(String),
    /// No such time zone.
    #[error("there is no time zone {zone:?}{}", .nearest.as_ref().map_or_else(|| "; write an IANA name such as \"Europe/Berlin\"".to_owned(), |n| format!("; did you mean {n:?}?")))]
    Zone {
        /// What was written.
        zone: String,
        /// The name that is nearest to it.
        nearest: Option<String>,
    },
    /// Empty, or a day and longer.
    #[error("a length of {0} minutes is not possible; write 1 to {MAX_LENGTH_MINUTES}")]
    Length(u32),
    /// Too many days away.
    #[error("a day offset of {0} is not possible; write -{MAX_DAY_OFFSET} to {MAX_DAY_OFFSET}")]
    DayOffset(i16),
    /// It ends before it begins.
    #[error("it is valid from {from} until {until}, which is never; swap them")]
    Validity {
        /// From when.
        from: UtcMs,
        /// Until when.
        until: UtcMs,
    },
    /// So often that no plan can be laid in it.
    #[error(
        "it starts up to {0} times in 100 days, and at most {MAX_OPENINGS} starts can be planned with; write fewer starts and a longer length: \"0 0,12 * * *\" with 720 minutes is open all day and night"
    )]
    TooOften(usize),
    /// A range of years, or an expression that starts every minute.
    #[error("more than {0} openings are asked for at once; ask for a shorter time")]
    TooMany(usize),
}
