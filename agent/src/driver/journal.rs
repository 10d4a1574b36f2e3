//! The installer's journal, on its way to the collector.

use super::carry::quietly;
use super::{Driver, TurnError, pulse};
use crate::installer::unexpected;
use crate::link::{Link, LinkError};
use patchward_common::wire::local;
use patchward_common::wire::machine::{Answer, JournalReport, Request};
use serde_bytes::ByteBuf;

/// Bytes of events in one request; the collector reads 4 MiB.
const MAX_REPORT_BYTES: usize = 3 * 1024 * 1024;
/// Journal requests in one turn; the rest goes with the next.
const MAX_REPORTS: usize = 64;

impl Driver {
    /// Sends the events that the collector lacks, and notes what it has.
    pub(super) async fn journal(
        &mut self,
        link: &Link,
        newest: u64,
        stored: u64,
    ) -> Result<(), TurnError> {
        self.acknowledge(stored);
        for _ in 0..MAX_REPORTS {
            pulse::alive(pulse::STRETCH);
            let acknowledged = self.outbox.acknowledged();
            if acknowledged >= newest {
                return Ok(());
            }
            let asked = local::Request::Journal(acknowledged);
            let events = match self.installer.ask(&asked).await {
                Ok(local::Answer::Journal(events)) => within(events),
                Ok(_) => {
                    quietly(None, &unexpected("journal events"));
                    return Ok(());
                }
                Err(error) => {
                    quietly(None, &error);
                    return Ok(());
                }
            };
            if events.is_empty() {
                return Ok(());
            }
            let report = JournalReport {
                outbox: self.outbox.id(),
                first: acknowledged + 1,
                events,
            };
            match link.ask(&Request::Journal(report)).await? {
                Answer::Stored(sequence) => self.acknowledge(sequence),
                Answer::Refused(refused) => {
                    tracing::error!(reason = refused.text, "the collector does not take events");
                    return Ok(());
                }
                _ => return Err(LinkError::Unexpected("an acknowledgement").into()),
            }
            if self.outbox.acknowledged() <= acknowledged {
                // It did not move on; the next turn tries again.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Notes how far the collector has stored. Where it cannot be written it is known until
    /// the next start, and what is sent twice then is stored once.
    fn acknowledge(&mut self, sequence: u64) {
        if let Err(error) = self.outbox.acknowledge(sequence) {
            tracing::warn!(%error, "how far the journal is stored is not kept");
        }
    }
}

/// As many of the first events as fit into one request.
fn within(events: Vec<ByteBuf>) -> Vec<ByteBuf> {
    let mut bytes = 0;
    let fits = |event: &ByteBuf| {
        bytes += event.len();
        bytes <= MAX_REPORT_BYTES
    };
    events.into_iter().take_while(fits).collect()
}
