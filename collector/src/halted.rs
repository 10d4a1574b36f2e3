//! What is halted, in the words of people.

use crate::store::stops::{Halt, HaltScope};
use crate::store::{StoreError, View};
use patchward_common::digest::Digest;

/// What people call it, and what lets it go on.
pub async fn named(view: &mut View, halt: &Halt) -> Result<(String, String), StoreError> {
    match halt.scope {
        HaltScope::Plan => {
            let digest = halt.subject.parse::<Digest>().ok();
            let plan = match digest {
                Some(digest) => view.plan(&digest).await?,
                None => None,
            };
            let short: String = halt.subject.chars().take(12).collect();
            let title = plan.map_or_else(|| short.clone(), |plan| plan.title.to_string());
            Ok((title, format!("rollout resume {short} --reason …")))
        }
        HaltScope::ReleaseOnModel => {
            let (sha256, model) = halt.subject.split_once('/').unwrap_or((&halt.subject, ""));
            let found = match sha256.parse::<Digest>() {
                Ok(sha256) => view.releases_by_digest(&sha256).await?,
                Err(_) => Vec::new(),
            };
            let short: String = sha256.chars().take(12).collect();
            let release = found.first().map_or_else(
                || short.clone(),
                |release| format!("{} {}", release.product, release.version),
            );
            Ok((
                format!("{release} on {model}"),
                format!("rollout resume --release {short} --model {model} --reason …"),
            ))
        }
    }
}
