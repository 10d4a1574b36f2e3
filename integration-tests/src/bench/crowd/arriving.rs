//! A machine that comes to another collector, or to its own when that is there again.

use super::{Crowd, Member, all};
use crate::bench::report::clock;
use anyhow::Context as _;
use patchward_agent::driver::backoff;
use patchward_common::codec;
use patchward_common::wire::collector::{MAX_NUDGE_BYTES, Nudge};
use patchward_common::wire::machine::{SERVER_NAME, close};
use quinn::{Connection, VarInt};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Longest handshake, as the agent has it.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long it is waited for one that may not listen yet: many times a handshake on one machine.
const KNOCK_TIME: Duration = Duration::from_millis(100);

/// How a machine came back.
pub struct Back {
    /// When its hello was answered.
    pub at: Instant,
    /// Why each try was in vain that was.
    pub failed: Vec<String>,
}

impl Crowd {
    /// Every machine goes; ends when nothing more is on its way.
    pub async fn leaves(&mut self) {
        for member in &mut self.members {
            if let Some(connection) = member.connection.take() {
                connection.close(VarInt::from_u32(close::DONE), b"");
            }
        }
        for member in &self.members {
            member.endpoint.wait_idle().await;
        }
    }

    /// Every machine comes, as many at once as when it enrols, and says hello. Nobody comes twice.
    pub async fn comes(&mut self) -> anyhow::Result<()> {
        let members = std::mem::take(&mut self.members);
        let there = all(members, |mut member| async move {
            member.arrives().await?;
            Ok(member)
        });
        self.members = there.await?.into_iter().map(|(_, member)| member).collect();
        Ok(())
    }
}

impl Member {
    async fn connected(&self) -> anyhow::Result<Connection> {
        let tls = self.tls.clone();
        let connecting = self
            .endpoint
            .connect_with(tls, self.collector, SERVER_NAME)?;
        Ok(tokio::time::timeout(CONNECT_TIME, connecting).await??)
    }

    /// Connects with another collector.
    pub async fn goes_to(&mut self, collector: SocketAddr) -> anyhow::Result<()> {
        self.collector = collector;
        self.connection = Some(self.connected().await?);
        Ok(())
    }

    /// Waits until its connection is lost, and comes back as the agent does: it waits, longer
    /// each time, connects, and says hello.
    pub async fn comes_back(&mut self) -> anyhow::Result<Back> {
        let away_ms = self.told_to_go().await?;
        self.until_lost().await?;
        let mut failed = Vec::new();
        loop {
            let wait = match away_ms {
                Some(ms) if failed.is_empty() => backoff::away(ms, rand::random()),
                _ => backoff::after(failed.len().max(1) as u32, rand::random()),
            };
            let at = clock() + Duration::from_millis(wait);
            tokio::time::sleep_until(at.into()).await;
            match self.arrives().await {
                Ok(()) => {
                    return Ok(Back {
                        at: clock(),
                        failed,
                    });
                }
                Err(error) => failed.push(format!("{error:#}")),
            }
        }
    }

    /// How long the collector says that it goes away; `None` where it is lost before.
    async fn told_to_go(&self) -> anyhow::Result<Option<u64>> {
        let connection = self.connection.as_ref().context("not connected")?;
        while let Ok(mut stream) = connection.accept_uni().await {
            let bytes = stream.read_to_end(MAX_NUDGE_BYTES).await?;
            if let Nudge::GoingAway(ms) = codec::decode(&bytes, MAX_NUDGE_BYTES)? {
                connection.close(VarInt::from_u32(close::DONE), b"");
                return Ok(Some(ms));
            }
        }
        Ok(None)
    }

    async fn arrives(&mut self) -> anyhow::Result<()> {
        self.connection = Some(self.connected().await?);
        self.say_hello().await.map(drop)
    }

    /// Tries again and again to come in until its hello is answered: nobody says when the other
    /// side begins to listen.
    pub async fn knocks(&mut self) -> anyhow::Result<Instant> {
        loop {
            let knock = tokio::time::timeout(KNOCK_TIME, self.connected());
            if let Ok(Ok(connection)) = knock.await {
                self.connection = Some(connection);
                self.say_hello().await?;
                return Ok(clock());
            }
        }
    }
}
