//! What pictures are drawn from: read out of the store, or out of what a command has told.

mod exposure;
mod history;
mod machine;
mod plan;
mod setup;
mod today;
mod unit;

pub use plan::{forecast, timeline};
pub use today::day;

use crate::app::App;
use crate::control::{Cell, Failure, Output, Report};
use crate::web::show::Block;
use crate::web::show::listing::Query;

/// What is drawn above the lists of a part of a page, or instead of one of them.
#[derive(Clone, Copy, Debug)]
pub enum Drawn {
    /// What is open by unit.
    ExposureByUnit,
    /// A machine's usual week.
    Idle,
    /// A unit's month and week.
    Calendar,
    /// The steps of the first day.
    Setup,
    /// How the machines stood, day by day.
    History,
}

impl Drawn {
    /// The picture above what a command has told about a thing; none where there is nothing
    /// to draw.
    pub async fn above(
        self,
        app: &App,
        about: Option<&str>,
        query: &Query,
        told: &Output,
    ) -> Option<Block> {
        let about = about.unwrap_or_default();
        or_said(match self {
            Self::ExposureByUnit => Ok(exposure::by_unit(told)),
            Self::Idle => machine::idle(app, about).await,
            Self::Calendar => unit::calendar(app, about, query).await,
            Self::Setup => Ok(setup::steps(query, told)),
            Self::History => Ok(history::by_day(query, told)),
        })
    }

    /// The list of a report whose place it takes; without one it stands above all.
    pub fn instead_of(self) -> Option<&'static str> {
        match self {
            Self::Setup => Some(setup::LIST),
            Self::ExposureByUnit | Self::Idle | Self::Calendar | Self::History => None,
        }
    }
}

/// A picture; where it could not be drawn, why. The list below it stands all the same.
pub fn or_said(drawn: Result<Option<Block>, Failure>) -> Option<Block> {
    drawn.unwrap_or_else(|failure| {
        let text = format!("The picture cannot be drawn: {failure}");
        Some(Block::Text(vec![text]))
    })
}

/// The answer's report, where it is one.
fn report(output: &Output) -> Option<&Report> {
    match output {
        Output::Report(report) => Some(report),
        _ => None,
    }
}

/// A number of a row that counts something.
fn count(row: &[Cell], at: usize) -> Option<usize> {
    match row.get(at) {
        Some(Cell::Number(number)) => usize::try_from(*number).ok(),
        _ => None,
    }
}
