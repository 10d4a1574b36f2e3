//! `doctor`: looks at the collector's folder, its store and what is around it, and names what is
//! wrong. What is looked at is gathered first ([`gather`]); each check is a function of that
//! ([`check`]). It changes nothing, and works beside a collector that runs or without one.

mod check;
mod facts;
mod gather;
mod stored;

use crate::cli::Doctor;
use crate::clock;
use crate::folder::Folder;
use patchward_common::doctor::Examined;

/// Looks for what is wrong with the collector in `folder`.
pub async fn examine(folder: &Folder, asked: Doctor) -> Examined {
    let facts = gather::gather(folder, asked.least_free_megabytes).await;
    check::all(&facts, clock::now())
}
