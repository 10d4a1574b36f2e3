//! Commands that are carried out where they are typed, on the collector's own folder, whether
//! a collector runs there or not.

use crate::backup::{self, Asked};
use crate::clock;
use crate::command::Command;
use crate::command::backup::{BackupCommand, list};
use crate::command::restore::RestoreCommand;
use crate::control::{Cell, Failure, Output, Report};
use crate::folder::Folder;
use crate::init;
use crate::serve::{only, settings};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// How far a backup steps back behind what machines wait for: the lowest there is but idle.
const NICE: i32 = 15;

/// Whether a command is one of them.
pub fn does(command: &Command) -> bool {
    matches!(
        command,
        Command::Backup(_)
            | Command::Restore(RestoreCommand::From { .. } | RestoreCommand::PutBack)
    )
}

/// Carries one out.
pub async fn run(folder: &Folder, command: Command) -> anyhow::Result<Output> {
    match command {
        Command::Backup(BackupCommand::Make { to, keep }) => {
            let settings = settings(folder)?;
            let to = to
                .or_else(|| settings.backup_folder.clone())
                .ok_or_else(|| {
                    Failure::input(
                        "Name the folder of backups with --to, or write backup_folder into \
                     collector.toml.",
                    )
                })?;
            // Where that is not allowed, it only takes more of the processor.
            let _ = rustix::process::nice(NICE);
            let asked = Asked {
                folder,
                settings: &settings,
                to: &to,
                keep: keep.unwrap_or(settings.backup_keep),
            };
            Ok(made(backup::make(asked, clock::now()).await?))
        }
        Command::Backup(BackupCommand::Verify { backup }) => verified(&backup).await,
        Command::Backup(BackupCommand::List) => {
            Ok(list(settings(folder)?.backup_folder.as_deref())?)
        }
        Command::Restore(RestoreCommand::From { backup, database }) => {
            restored(folder, &backup, database.as_deref()).await
        }
        Command::Restore(RestoreCommand::PutBack) => put_back(folder).await,
        _ => Err(Failure::input("This is asked of a running collector.").into()),
    }
}

fn made(made: backup::Made) -> Output {
    let manifest = &made.manifest;
    let rows: u64 = manifest.rows.values().sum();
    let removed: Vec<String> = made
        .removed
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let mut text = format!(
        "Backup {} is whole: {rows} rows, {} files, read back.",
        made.path.display(),
        manifest.files.len()
    );
    if !manifest.outside.is_empty() {
        text.push_str(&format!(
            "\nNot in it, because they lie outside of the collector's folder: {}. Keep them \
             elsewhere.",
            manifest.outside.join(", ")
        ));
    }
    let parts = [
        ("backup", Cell::of(made.path.display())),
        ("taken", Cell::of(manifest.taken_at)),
        ("rows", Cell::of(rows)),
        ("files", Cell::of(manifest.files.len())),
        ("shared", Cell::of(made.shared)),
        ("bytes", Cell::of(manifest.bytes())),
        ("audit_head", Cell::of(manifest.audit)),
        ("outside", Cell::List(manifest.outside.clone())),
        ("removed", Cell::List(removed)),
    ];
    Output::Report(Report::new(parts, text))
}

async fn verified(path: &Path) -> anyhow::Result<Output> {
    let verified = backup::verify(path).await?;
    let manifest = &verified.manifest;
    let text = format!(
        "{} is whole: of the collector {} as of {}, audit log to row {}. Machines and packs know \
         its head: {}.",
        path.display(),
        manifest.collector,
        manifest.taken_at,
        manifest.audit.seq,
        manifest.audit.hash
    );
    let parts = [
        ("backup", Cell::of(path.display())),
        ("collector", Cell::of(&manifest.collector)),
        ("taken", Cell::of(manifest.taken_at)),
        ("files", Cell::of(manifest.files.len())),
        ("bytes", Cell::of(verified.bytes)),
        ("audit_head", Cell::of(manifest.audit)),
        ("intact", Cell::Flag(true)),
    ];
    Ok(Output::Report(Report::new(parts, text)))
}

async fn restored(folder: &Folder, path: &Path, database: Option<&str>) -> anyhow::Result<Output> {
    let manifest = backup::restore(path, folder, database, clock::now()).await?;
    let mut text = format!(
        "The collector {} is in {} as it was at {}. End the old one for good before this one \
         serves: two of one name would both give goes.\nNext: `serve`; nothing starts before \
         `restore confirm`, and `restore show` tells what machines know that it does not.",
        manifest.collector,
        folder.path().display(),
        manifest.taken_at
    );
    if !manifest.outside.is_empty() {
        text.push_str(&format!(
            "\nPut these where the settings name them; they were in no backup: {}.",
            manifest.outside.join(", ")
        ));
    }
    let parts = [
        ("collector", Cell::of(&manifest.collector)),
        ("folder", Cell::of(folder.path().display())),
        ("as_of", Cell::of(manifest.taken_at)),
        ("outside", Cell::List(manifest.outside.clone())),
    ];
    Ok(Output::Report(Report::new(parts, text)))
}

async fn put_back(folder: &Folder) -> anyhow::Result<Output> {
    let settings = settings(folder)?;
    if UnixStream::connect(folder.socket()).is_ok() {
        return Err(Failure::conflict(
            "A collector runs on this folder; end it first, and start it again afterwards.",
        )
        .into());
    }
    let place = init::place(folder, &settings);
    let _only = only(&place)?;
    backup::put_back(&place, clock::now()).await?;
    Ok(Output::Text(
        "Noted. From its next `serve` on nothing starts before `restore confirm`.".to_owned(),
    ))
}
