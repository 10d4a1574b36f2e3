//! Connecting in the way that worked before, and remembering what works.

use super::Driver;
use crate::link::{Identity, Link, LinkError, Watch};

impl Driver {
    /// Connects to the first of these addresses that answers.
    pub(super) async fn connect(
        &self,
        addresses: &[String],
        identity: Identity<'_>,
    ) -> Result<Link, LinkError> {
        Link::watched(addresses, identity, Watch::of(addresses), &self.ways).await
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
