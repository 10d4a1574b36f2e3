//! The first of several addresses that answers.

use super::dial::Config;
use super::{Link, LinkError, Ways};
use std::time::Duration;
use tokio::task::JoinSet;

/// How long an address has to answer before the next one is asked beside it: longer than a
/// handshake takes over a satellite or with a collector that a whole fleet comes back to, and
/// short enough that one that is gone costs little.
const HEAD_START: Duration = Duration::from_secs(1);

/// Connects to each address in turn, the next one where the one before fails or has not
/// answered within [`HEAD_START`], and gives back the first that answers.
pub(super) async fn first(
    addresses: &[String],
    config: &Config,
    ways: &Ways,
) -> Result<Link, LinkError> {
    let mut left = addresses.iter().enumerate();
    let mut trying = JoinSet::new();
    // The failure of the address that stands last: its place, and why.
    let mut last = (0, LinkError::NoAddress);
    loop {
        let next = left.next();
        if let Some((place, address)) = next {
            let (address, config) = (address.clone(), config.clone());
            let ways = ways.clone();
            trying.spawn(async move { (place, Link::to(&address, &config, &ways).await) });
        }
        let ended = match left.len() {
            0 => Ok(trying.join_next().await),
            _ => tokio::time::timeout(HEAD_START, trying.join_next()).await,
        };
        match ended {
            Ok(Some(Ok((_, Ok(link))))) => return Ok(link),
            Ok(Some(Ok((place, Err(error))))) => {
                tracing::debug!(%error, "this address does not work");
                if place >= last.0 {
                    last = (place, error);
                }
            }
            // A task of ours that ended with a fault says nothing of its address.
            Ok(Some(Err(fault))) => tracing::error!(%fault, "connecting ended with a fault"),
            Ok(None) => return Err(last.1),
            Err(_) => {}
        }
    }
}
