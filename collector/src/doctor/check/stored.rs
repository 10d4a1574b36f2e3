//! The checks of what stands in the store.

use super::super::facts::Facts;
use super::{ENDS_SOON_MS, ending, found, named};
use crate::rollout::clocks::{MAX_APART_MS, Wrong};
use patchward_common::doctor::Finding;
use patchward_common::time::{DAY_MS, MINUTE_MS, SECOND_MS, UtcMs};

/// How long before its end a vendor's metadata is named: a vendor publishes weekly.
const METADATA_ENDS_SOON_MS: i64 = 3 * DAY_MS;

/// After so long without a sign of life a collector is named: they give one every two seconds, and
/// clocks may be apart by some.
const SILENT_MS: i64 = MINUTE_MS;

pub(super) fn store(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    let stored = &facts.store;
    let matters = "it is the collector's whole memory: plans, stops, evidence";
    let damage = (!stored.damage.is_empty()).then(|| {
        found(
            "store",
            format!("the database is damaged: {}", named(&stored.damage)),
            matters,
            "end the collector, keep a copy of the database, and `restore from` the newest backup \
             that `backup verify` finds whole; look after the disk",
        )
    });
    let problem = stored.problem.as_ref().map(|problem| {
        found(
            "store",
            problem.clone(),
            matters,
            "see that the disk or the server is there; where the database is damaged, `restore \
             from` the newest backup",
        )
    });
    let stranger = stored.stranger.as_ref().map(|problem| {
        found(
            "store",
            problem.clone(),
            "another collector's database knows other machines, other stops and other goes",
            "give this folder its own database back; `restore from` makes both out of one backup",
        )
    });
    [damage, problem, stranger]
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

pub(super) fn schema(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    match facts.store.schema {
        Some((found_here, known)) if found_here > known => found(
            "schema",
            format!(
                "the database is at migration {found_here}, and this program knows {known}: a \
                 newer one has served it"
            ),
            "this program does not start on it, and must not guess what the rest means",
            "install the newer version again, or restore the backup from before it",
        ),
        _ => Vec::new(),
    }
}

pub(super) fn audit(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    let Some(problem) = &facts.store.audit else {
        return Vec::new();
    };
    found(
        "audit",
        format!("the audit log is not whole: {problem}"),
        "somebody or something changed what was done and by whom",
        "keep a copy of the database, compare with `backup verify` of the newest backups, and tell \
         who answers for security; machines know heads of it (`patchward-agent status`)",
    )
}

pub(super) fn metadata(facts: &Facts, now: UtcMs) -> Vec<Finding> {
    let near = facts.store.metadata.iter().filter_map(|(vendor, end)| {
        ending(
            &format!("the metadata of {vendor}"),
            *end,
            METADATA_ENDS_SOON_MS,
            now,
        )
    });
    near.flat_map(|wrong| {
        found(
            "metadata",
            wrong,
            "nothing of that vendor starts past its end",
            "take it in again with `release import` or `vendor sync`, and ask the vendor where it \
             is the same",
        )
    })
    .collect()
}

pub(super) fn charter(facts: &Facts, now: UtcMs) -> Vec<Finding> {
    let end = facts.store.charter_until;
    let wrong = end.and_then(|end| ending("the charter", end, ENDS_SOON_MS, now));
    wrong.map_or_else(Vec::new, |wrong| {
        found(
            "charter",
            wrong,
            "without one no roster counts, and nothing starts anywhere",
            "bring the holders of the root keys together, sign the next and take it in with \
             `document add`",
        )
    })
}

pub(super) fn roster(facts: &Facts, now: UtcMs) -> Vec<Finding> {
    let end = facts.store.roster_until;
    let wrong = end.and_then(|end| ending("the roster", end, ENDS_SOON_MS, now));
    wrong.map_or_else(Vec::new, |wrong| {
        found(
            "roster",
            wrong,
            "without one nobody's signature counts, and nothing starts anywhere",
            "have a registrar sign the next (`patchward-sign roster`) and take it in with \
             `document add`",
        )
    })
}

/// Collectors on one database that do not speak, whose clocks are apart, or that are not of one
/// version. How many there are and
/// who does what, `collector list` tells.
pub(super) fn collectors(facts: &Facts, now: UtcMs) -> Vec<Finding> {
    let all = &facts.store.collectors;
    let clocks = &facts.store.clocks;
    // One that gives signs of life with another time on them is not silent.
    let (silent, heard): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|one| now.since_ms(one.beat_at) > SILENT_MS && !clocks.is_heard(&one.id));
    let of = |one: &&crate::store::claims::Collector| {
        format!("{} on {} ({})", one.id, one.host, one.version)
    };
    let count = all.len();
    let silent: Vec<String> = silent.iter().map(of).collect();
    let is_silent = (!silent.is_empty()).then(|| {
        found(
            "collectors",
            format!(
                "of {count} collectors on this database these are silent: {}",
                named(&silent)
            ),
            "their machines are with the others, and who is left bears all",
            "see whether they run and reach the database",
        )
    });
    let differ = heard.windows(2).any(|two| two[0].version != two[1].version);
    let heard: Vec<String> = heard.iter().map(of).collect();
    let are_mixed = differ.then(|| {
        found(
            "collectors",
            format!(
                "collectors of different versions share this database: {}",
                named(&heard)
            ),
            "an older one may not know what a newer one writes",
            "bring all of them to the newest version",
        )
    });
    let apart = clocks.wrong().filter(|wrong| *wrong != Wrong::Unknown);
    let are_apart = apart.map(|_| {
        found(
            "collectors",
            format!(
                "the clocks of the collectors on this database are more than {} s apart; by the \
                 clock of this computer: {}",
                MAX_APART_MS / SECOND_MS,
                named(&clocks.words())
            ),
            "no go is given meanwhile: when a machine was heard, and whether it is ready, is not \
             sure any more",
            "set the clock that is wrong, and see that all are kept right (timedatectl, chronyc \
             tracking)",
        )
    });
    [is_silent, are_apart, are_mixed]
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

pub(super) fn restored(facts: &Facts, _: UtcMs) -> Vec<Finding> {
    let Some(restored) = &facts.store.restored else {
        return Vec::new();
    };
    found(
        "restored",
        format!(
            "the collector was put back at {}, and nobody has confirmed it",
            restored.at
        ),
        "no go is given before somebody does",
        "read `restore show`, take in again what is missing, and then `restore confirm`",
    )
}
