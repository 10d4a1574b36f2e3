//! Connecting in the way that worked before, and remembering what works.

use super::{Driver, choice, pulse};
use crate::link::{Identity, Link, LinkError, Watch};
use patchward_common::wire::machine::{Answer, Request};
use std::time::Duration;
use tokio::task::JoinSet;

/// Longest wait for a hello's answer where this machine is well where it is. What its own
/// collector says waits meanwhile, a stop as well.
const TAKE_TIME: Duration = Duration::from_secs(5);

impl Driver {
    /// Connects to the first of these addresses that answers.
    pub(super) async fn connect(
        &self,
        addresses: &[String],
        identity: Identity<'_>,
    ) -> Result<Link, LinkError> {
        Link::watched(addresses, identity, Watch::of(addresses), &self.ways).await
    }

    /// Looks for what it would rather have than this connection.
    pub(super) fn way_back(&self, link: &Link) -> JoinSet<Link> {
        let rather = choice::Rather::than(link, &self.addresses(), &self.ways);
        choice::way_back(rather, &self.credentials, self.back_ms)
    }

    /// Whether a collector that answers again takes this machine's hello; closes the connection
    /// where it does not. A handshake says nothing of that: one that is cut off from its database
    /// makes them too.
    pub(super) async fn is_taken_by(&mut self, link: &Link) -> bool {
        pulse::alive(pulse::STRETCH);
        let status = self.status().await;
        let hello = self.hello(status.as_ref(), (self.clock)()).await;
        let hello = Request::Hello(Box::new(hello));
        let answer = tokio::time::timeout(TAKE_TIME, link.ask(&hello)).await;
        let is_taken = matches!(answer, Ok(Ok(Answer::Hello(_))));
        if !is_taken {
            tracing::debug!(
                collector = link.name(),
                "it answers, and takes no hello yet"
            );
            link.clone().close().await;
        }
        is_taken
    }

    /// A connection was answered on: what it goes over is remembered.
    pub(super) fn worked(&mut self, link: &Link) {
        let carrier = link.carrier();
        if !self.ways.note(link.name(), carrier) {
            return;
        }
        tracing::info!(collector = link.name(), %carrier, "the collector answers by this carrier");
        if let Err(error) = self.ways.save(&self.settings.state_dir) {
            tracing::warn!(%error, "what the collector answers by is not kept");
        }
    }
}
