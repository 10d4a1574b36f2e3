//! Gathering what a doctor looks at: files, ports, disks, names.

use super::facts::{Facts, Found};
use super::stored;
use crate::config::Settings;
use crate::fleet::Authority;
use crate::folder::{self, Folder};
use crate::{backup, init, serve};
use patchward_common::time::{SECOND_MS, UtcMs};
use patchward_common::trust::sign::PublicKey;
use rustix::fs::StatVfsMountFlags;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

const MEGABYTE: u64 = 1_000_000;
/// Bits of a folder with which others than its owner and group put files into it.
const WRITES: u32 = 0o3;
/// The group of which a user is least of all.
const ROOT: u32 = 0;

pub(super) async fn gather(folder: &Folder, least_free_megabytes: u64) -> Facts {
    let mut facts = Facts {
        folder: folder.path().display().to_string(),
        least_free_megabytes,
        ..Facts::default()
    };
    let own = [folder.settings(), folder.authority(), folder.go_key()];
    // Not where nobody may look.
    facts.is_new = own
        .iter()
        .all(|path| matches!(path.try_exists(), Ok(false)));
    let settings = serve::settings(folder);
    if let Err(error) = &settings {
        facts.settings = Some(format!("{error:#}"));
    }
    if facts.is_new {
        // Nothing is lost where nothing was made.
        return facts;
    }
    files(folder, &mut facts);
    // Where they cannot be read, the rest is looked at as far as the folder alone tells.
    let settings = settings.unwrap_or_default();
    let authority = Authority::open(&folder.authority()).map_err(|error| error.to_string());
    facts.authority = Some(match &authority {
        Ok(authority) => end_of(authority.certificate()),
        Err(problem) => Err(problem.clone()),
    });
    let go_key = folder::read_key(&folder.go_key()).map_err(|error| format!("{error:#}"));
    facts.go_key = Some(go_key.map(|key| PublicKey::of(&key).to_string()));
    if facts.settings.is_none() {
        outside(folder, &settings, &mut facts).await;
        let fingerprint = authority.as_ref().ok().map(Authority::fingerprint);
        let place = init::place(folder, &settings);
        facts.store = stored::look(&place, &settings, fingerprint).await;
    }
    facts
}

/// The collector's own files: who may read what must be secret, and whose they are.
fn files(folder: &Folder, facts: &mut Facts) {
    let keys = [
        folder.go_key(),
        folder.custodian_key(),
        folder.authority().join("ca.key"),
        // What else lies in it is secret by that nobody else enters it.
        folder.path().to_owned(),
    ];
    keys.iter().for_each(|path| secret(path, facts));
    // Only while one is followed by another.
    let next = [folder.authority().join("ca-next.key"), folder.next_go_key()];
    let next = next.iter().filter(|path| path.exists());
    next.for_each(|path| secret(path, facts));
    let Ok(own) = folder.path().metadata() else {
        return;
    };
    let mut left = vec![folder.path().to_owned()];
    while let Some(here) = left.pop() {
        for entry in std::fs::read_dir(&here).into_iter().flatten().flatten() {
            let (path, Ok(found)) = (entry.path(), entry.path().symlink_metadata()) else {
                continue;
            };
            if found.uid() != own.uid() {
                facts.foreign.push(path.display().to_string());
            }
            // Artifacts are many, and each is checked by its digest.
            if found.is_dir() && path != folder.artifacts() {
                left.push(path);
            }
        }
    }
}

fn secret(path: &Path, facts: &mut Facts) {
    if let Ok(found) = path.metadata() {
        let bits = found.mode() & 0o777;
        facts.secrets.push((path.display().to_string(), bits));
    }
}

/// What the settings name: ports, addresses, files elsewhere, disks and backups.
async fn outside(folder: &Folder, settings: &Settings, facts: &mut Facts) {
    for path in [
        &settings.web_key,
        &settings.smtp_password_file,
        &settings.oidc_secret_file,
    ]
    .into_iter()
    .flatten()
    {
        secret(path, facts);
        if let Err(error) = std::fs::File::open(path) {
            facts
                .unreadable
                .push(format!("{}: {error}", path.display()));
        }
    }
    facts.page = settings.web_certificate.as_ref().map(|path| {
        let read = CertificateDer::from_pem_file(path);
        let read = read.map_err(|error| format!("{}: {error}", path.display()));
        read.and_then(|certificate| end_of(&certificate))
    });
    for address in &settings.addresses {
        if let Err(error) = tokio::net::lookup_host(address).await {
            facts.unresolved.push((address.clone(), error.to_string()));
        }
    }
    // A collector that runs has its ports itself.
    if UnixStream::connect(folder.socket()).is_err() {
        if let Err(error) = UdpSocket::bind(settings.listen) {
            let port = format!("UDP {}", settings.listen);
            facts.taken.push((port, error.to_string()));
        }
        let of_machines = settings.listen_tcp.then_some(settings.listen);
        for listen in of_machines.into_iter().chain(settings.web_listen) {
            if let Err(error) = TcpListener::bind(listen) {
                let port = format!("TCP {listen}");
                facts.taken.push((port, error.to_string()));
            }
        }
    }
    let mut places = vec![folder.path().to_owned()];
    places.extend(settings.backup_folder.clone());
    let own = [folder.artifacts(), folder.partial()];
    let ours = folder.path().metadata().ok();
    let ours = ours.map(|found| (found.uid(), found.gid()));
    let all = places.iter().chain(&own);
    facts.unwritable = all.filter_map(|path| unwritable(path, ours?)).collect();
    facts.disks = places.iter().filter_map(|place| free(place)).collect();
    facts.backups = settings.backup_folder.as_deref().map(backups);
}

fn backups(folder: &Path) -> (String, Found<Vec<UtcMs>>) {
    let found = backup::all(folder).map_err(|failure| failure.text);
    let found = found.map(|all| all.into_iter().map(|(_, one)| one.taken_at).collect());
    (folder.display().to_string(), found)
}

/// Why the user and group that the collector's own folder is of write nothing in a folder; by what is
/// set, for root may write where they may not. What is not there is another matter.
fn unwritable(path: &PathBuf, ours: (u32, u32)) -> Option<String> {
    let (found, shown) = (path.metadata().ok()?, path.display());
    let bits = found.mode() & 0o777;
    let disk = rustix::fs::statvfs(path);
    if !found.is_dir() {
        return Some(format!("{shown} (it is no folder)"));
    }
    if disk.is_ok_and(|disk| disk.f_flag.contains(StatVfsMountFlags::RDONLY)) {
        return Some(format!("{shown} (its disk is mounted read-only)"));
    }
    let of = (found.uid(), found.gid());
    let whose = match of.0 == ours.0 {
        true => "",
        false => ", and it belongs to another user",
    };
    (!may_write(bits, of, ours)).then(|| format!("{shown} ({bits:o}{whose})"))
}

/// Whether a user and its group put files into a folder of these bits, which is of that user and group.
fn may_write(bits: u32, of: (u32, u32), ours: (u32, u32)) -> bool {
    let gives = |shift: u32| (bits >> shift) & WRITES == WRITES;
    if of.0 == ours.0 {
        return gives(6);
    }
    // A user may be of more groups than one, and nobody opens a folder to a group for nothing; but
    // of root's it is not.
    let is_grouped = of.1 == ours.1 || of.1 != ROOT;
    gives(0) || (is_grouped && gives(3))
}

/// How many megabytes are free where a path lies.
fn free(path: &Path) -> Option<(String, u64)> {
    let disk = rustix::fs::statvfs(path).ok()?;
    let bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    Some((path.display().to_string(), bytes / MEGABYTE))
}

fn end_of(certificate: &CertificateDer<'_>) -> Found<UtcMs> {
    let parsed = x509_parser::parse_x509_certificate(certificate);
    let (_, parsed) = parsed.map_err(|error| error.to_string())?;
    let seconds = parsed.validity().not_after.timestamp();
    Ok(UtcMs(seconds.saturating_mul(SECOND_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_another_user_is_written_by_what_is_set_for_others() {
        let ours = (990, 990);
        for (bits, of, may) in [
            (0o700, (990, 990), true),
            (0o300, (990, 0), true),
            (0o500, (990, 990), false),
            // As `mkdir` by root leaves it.
            (0o755, (0, 0), false),
            (0o775, (0, 0), false),
            (0o777, (0, 0), true),
            (0o775, (0, 990), true),
            (0o755, (0, 990), false),
            // Of a group that it may be of too, such as `backup`.
            (0o770, (0, 34), true),
            (0o750, (0, 34), false),
            (0o077, (990, 990), false),
        ] {
            assert_eq!(may_write(bits, of, ours), may, "{bits:o} of {of:?}");
        }
    }
}
