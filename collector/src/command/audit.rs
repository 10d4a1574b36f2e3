//! The audit log.

use crate::app::App;
use crate::control::{Cell, Failure, FailureKind, Output, Table};
use crate::store::audit::ChainError;
use serde::{Deserialize, Serialize};

/// What can be done with the audit log: reading it.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum AuditCommand {
    /// Show the newest rows
    List {
        /// How many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        last: u32,
        /// Only rows about this machine, unit, plan ...
        #[arg(long)]
        about: Option<String>,
    },
    /// Check that no row was changed, left out or added
    Verify,
}

/// Carries out a command on the audit log.
pub async fn run(app: &App, command: AuditCommand) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    match command {
        AuditCommand::List { last, about } => {
            let mut rows = match about {
                Some(subject) => view.audit_of(&subject, last).await?,
                None => view.audit_before(i64::MAX as u64, last).await?,
            };
            rows.reverse();
            let mut table = Table::new(&["row", "at", "who", "what", "subject", "detail"]);
            for row in rows {
                table.row(vec![
                    Cell::Number(row.seq as i64),
                    Cell::of(row.at),
                    Cell::of(row.actor),
                    Cell::of(row.action),
                    Cell::of(row.subject),
                    Cell::of(row.detail),
                ]);
            }
            Ok(Output::Table(table))
        }
        AuditCommand::Verify => match view.verify_audit(None).await {
            Ok(head) => Ok(Output::record([
                ("rows", Cell::Number(head.seq as i64)),
                ("head", Cell::of(head.hash)),
                ("intact", Cell::Flag(true)),
            ])),
            Err(ChainError::Store(error)) => Err(error.into()),
            Err(broken) => Err(Failure {
                kind: FailureKind::Conflict,
                text: broken.to_string(),
            }),
        },
    }
}
