//! Running the probes of `probes.d`: versions for the inventory, and readiness. What a
//! probe is and what its answer means stands in `patchward_common::probe`.

mod load;
pub mod run;

use patchward_common::component::{Component, Source};
use patchward_common::probe::{
    Kind, MAX_OUTPUT_BYTES, PROBE_LIMIT_MS, Probe, Purpose, Ran, Readiness, readiness, version,
};
use std::path::Path;

pub(crate) use load::each;
pub use load::{Loaded, Refused, Why, load};

/// Asks every version probe, one after the other. Second are the probes that gave none,
/// with the reason, for people.
pub async fn versions(root: &Path, probes: &[Probe]) -> (Vec<Component>, Vec<String>) {
    let (mut found, mut gaps) = (Vec::new(), Vec::new());
    for probe in probes {
        let Purpose::Version { component, from } = &probe.purpose else {
            continue;
        };
        match version(from, &ask(root, probe).await) {
            Ok(version) => found.push(Component {
                source: Source::Probe,
                name: component.clone(),
                version,
                arch: String::new(),
            }),
            Err(why) => gaps.push(format!("probe {}: {why}", probe.name)),
        }
    }
    (found, gaps)
}

/// Asks the readiness probes: ready when all say so, `None` where there are none.
/// The worst answer counts.
pub async fn is_ready(root: &Path, probes: &[Probe]) -> Option<Readiness> {
    let mut worst = None;
    for probe in probes.iter().filter(|p| p.purpose == Purpose::Ready) {
        match readiness(&ask(root, probe).await) {
            Readiness::Ready => {
                worst.get_or_insert(Readiness::Ready);
            }
            Readiness::NotReady => return Some(Readiness::NotReady),
            Readiness::Unknown(why) => {
                worst = Some(Readiness::Unknown(format!("probe {}: {why}", probe.name)));
            }
        }
    }
    worst
}

/// A file that can be read is answered like a command that wrote it and ended well.
async fn ask(root: &Path, probe: &Probe) -> Ran {
    match &probe.kind {
        Kind::Command { argv } => run::run(argv, PROBE_LIMIT_MS, MAX_OUTPUT_BYTES).await,
        Kind::File { path } => run::read(&root.join(path.trim_start_matches('/'))),
        Kind::FileLock { .. } | Kind::Logind { .. } | Kind::Handover => {
            Ran::NotStarted("only the installer asks this kind".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
