//! What this machine remembers of a collector that was put back to a backup: the numbers that
//! its installer has seen, heads of the audit log, and jobs.

use super::{Driver, TurnError};
use crate::heads::Heads;
use crate::link::{Link, LinkError};
use patchward_common::wire::local::Status;
use patchward_common::wire::machine::{
    Answer, MAX_WITNESSED_HEADS, MAX_WITNESSED_JOBS, Request, Witness, WitnessedHead,
};

impl Driver {
    /// Tells it, where the collector asks. Before its orders are taken: they are older than
    /// what the installer has, and take the place of plans that they do not know.
    pub(super) async fn witness(
        &self,
        link: &Link,
        status: Option<&Status>,
    ) -> Result<(), TurnError> {
        let witness = remembered(status, &self.heads);
        match link.ask(&Request::Witness(Box::new(witness))).await? {
            Answer::Witnessed => {
                tracing::info!("the collector was restored, and was told what is known here");
                Ok(())
            }
            Answer::Refused(refused) => {
                tracing::warn!(
                    reason = refused.text,
                    "what this machine remembers was not taken"
                );
                Ok(())
            }
            _ => Err(LinkError::Unexpected("an answer to what is remembered").into()),
        }
    }
}

fn remembered(status: Option<&Status>, heads: &Heads) -> Witness {
    let newest = heads.all().iter().rev().take(MAX_WITNESSED_HEADS);
    let jobs = status.iter().flat_map(|status| &status.jobs);
    Witness {
        numbers: status.map_or((0, 0, 0), |status| status.numbers),
        heads: newest
            .map(|head| WitnessedHead {
                at: head.at,
                hash: head.hash,
            })
            .collect(),
        jobs: jobs.map(|one| one.job).take(MAX_WITNESSED_JOBS).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::digest::Digest;
    use patchward_common::time::{DAY_MS, UtcMs};

    #[test]
    fn the_newest_heads_come_first_and_are_few() {
        let folder = tempfile::tempdir().unwrap();
        let mut heads = Heads::default();
        for day in 1..=20 {
            let at = UtcMs(i64::from(day) * DAY_MS);
            heads.note(Digest([day; 32]), at, folder.path()).unwrap();
        }
        let said = remembered(None, &heads);
        assert_eq!(said.heads.len(), MAX_WITNESSED_HEADS);
        assert_eq!(said.heads[0].hash, Digest([20; 32]));
        assert_eq!((said.numbers, said.jobs.len()), ((0, 0, 0), 0));
    }
}
