//! The full hospital that is asked: filled for a benchmark, or once before.

use crate::filled::Spec;
use crate::filled::served::Served;
use std::path::Path;

/// Serves the hospital that `fill` filled in `hospital`, or one of so many machines that is filled
/// now below `folder`.
pub(super) async fn served(
    folder: &Path,
    machines: usize,
    advisories: &Path,
    hospital: Option<&Path>,
) -> anyhow::Result<Served> {
    if let Some(path) = hospital {
        return Served::again(path, &folder.join("collector.log"));
    }
    let spec = Spec {
        advisories: advisories.to_owned(),
        ..Spec::of(machines, patchward_collector::clock::now())
    };
    let progress = |step: &str, done: usize, all: usize| {
        if done == all || done == 0 {
            eprintln!("{step} {done}/{all}");
        }
    };
    Served::filled(folder, &spec, &progress).await
}
