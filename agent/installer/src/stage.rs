//! Taking files from the agent's folder. Whoever owns that folder may swap, link and
//! grow them at will, so each is opened without links, bounded, and copied once into
//! the root-only folder; only the copy is ever hashed, believed and used.

use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Name};
use patchward_common::trust::release::ArtifactRef;
use patchward_common::trust::vendor::{Source, Unavailable};
use patchward_steps::disk::{self, Disk, DiskError};
use rustix::fs::{Mode, OFlags, openat};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The agent's folder.
#[derive(Clone, Debug)]
pub struct Agent {
    folder: PathBuf,
}

impl Agent {
    /// The folder at this path, which root configured.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Opens a regular file below the folder, through no link of any kind; `None` where
    /// there is none.
    ///
    /// Segment by segment: `openat2`, which refuses links in a whole path at once, is not in
    /// every kernel, and systemd withholds it from a unit with `RestrictSUIDSGID=`.
    fn open(&self, path: &str) -> std::io::Result<Option<File>> {
        let mut file = File::open(&self.folder)?;
        let mut segments = path.split('/').peekable();
        while let Some(segment) = segments.next() {
            if matches!(segment, "" | "." | "..") {
                return Err(std::io::Error::other("a path that leads elsewhere"));
            }
            let kind = match segments.peek() {
                Some(_) => OFlags::DIRECTORY,
                // Not blocking: a pipe put in a file's place must not hold us.
                None => OFlags::NOCTTY | OFlags::NONBLOCK,
            };
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | kind;
            file = match openat(&file, segment, flags, Mode::empty()) {
                Err(rustix::io::Errno::NOENT) => return Ok(None),
                other => File::from(other?),
            };
        }
        if !file.metadata()?.is_file() {
            return Err(std::io::Error::other("not a regular file"));
        }
        Ok(Some(file))
    }

    /// A repository's metadata as the agent has fetched it.
    pub fn metadata(&self, repository: &Name) -> impl Source + use<> {
        let (agent, repository) = (self.clone(), repository.clone());
        move |name: &str, limit: usize| {
            let path = format!("metadata/{repository}/{name}");
            let read = || -> std::io::Result<Option<Vec<u8>>> {
                let Some(file) = agent.open(&path)? else {
                    return Ok(None);
                };
                let mut bytes = Vec::new();
                file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            };
            read().map_err(|error| Unavailable(error.to_string()))
        }
    }

    /// Copies an artifact into the job's folder, unless a true copy lies there, and says
    /// what was found: never more of it than was approved.
    pub fn stage(
        &self,
        disk: &Disk,
        job: JobId,
        artifact: &ArtifactRef,
    ) -> Result<Option<(Digest, u64)>, DiskError> {
        let approved = (artifact.sha256, artifact.length);
        if staged(disk, job, artifact)? == Some(approved) {
            return Ok(Some(approved));
        }
        let path = format!("artifacts/{}", artifact.sha256);
        let opened = self
            .open(&path)
            .map_err(DiskError::of("open", &self.folder.join(&path)))?;
        let Some(mut source) = opened else {
            return Ok(None);
        };
        disk.make_folder(&folder(job))?;
        let mut found = None;
        let name = name_of(job, artifact.sha256);
        let copied = disk.write_with(&name, |target| {
            let hashed = copy(&mut source, target, artifact.length)?;
            found = Some(hashed);
            match hashed == approved {
                true => Ok(()),
                false => Err(std::io::Error::other("other bytes than were approved")),
            }
        });
        match found {
            Some(found) if found != approved => Ok(Some(found)),
            _ => copied.map(|()| found),
        }
    }
}

/// Hashes the job's own copy again: immediately before it is used.
pub fn staged(
    disk: &Disk,
    job: JobId,
    artifact: &ArtifactRef,
) -> Result<Option<(Digest, u64)>, DiskError> {
    let path = disk.path(&name_of(job, artifact.sha256));
    let mut file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(DiskError::of("open", &path))?,
    };
    copy(&mut file, &mut std::io::sink(), artifact.length)
        .map(Some)
        .map_err(DiskError::of("hash", &path))
}

/// The folder of a job's artifacts.
pub fn folder(job: JobId) -> String {
    format!("jobs/{job}/artifacts")
}

fn name_of(job: JobId, artifact: Digest) -> String {
    format!("{}/{artifact}", folder(job))
}

/// Copies and hashes at most one byte more than `length`.
fn copy(
    source: &mut impl Read,
    target: &mut impl Write,
    length: u64,
) -> std::io::Result<(Digest, u64)> {
    disk::copy(&mut source.take(length.saturating_add(1)), target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const JOB: JobId = JobId([1; 16]);

    fn path_of(disk: &Disk, job: JobId, artifact: Digest) -> PathBuf {
        disk.path(&name_of(job, artifact))
    }

    fn setting() -> (tempfile::TempDir, Agent, Disk, ArtifactRef, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let agent = folder.path().join("agent");
        std::fs::create_dir_all(agent.join("artifacts")).unwrap();
        std::fs::create_dir_all(agent.join("metadata/acme")).unwrap();
        let disk = Disk::open(&folder.path().join("state"), |_| {}).unwrap();
        let artifact = ArtifactRef {
            path: "a".to_owned(),
            sha256: Digest::of(b"bytes"),
            length: 5,
        };
        let file = agent.join(format!("artifacts/{}", artifact.sha256));
        (folder, Agent::new(&agent), disk, artifact, file)
    }

    #[test]
    fn the_copy_counts_and_what_the_agent_does_later_does_not() {
        let (_folder, agent, disk, artifact, file) = setting();
        let approved = Some((artifact.sha256, 5));
        assert_eq!(agent.stage(&disk, JOB, &artifact).unwrap(), None);
        std::fs::write(&file, "bytes").unwrap();
        assert_eq!(agent.stage(&disk, JOB, &artifact).unwrap(), approved);
        std::fs::write(&file, "other").unwrap();
        assert_eq!(agent.stage(&disk, JOB, &artifact).unwrap(), approved);
        assert_eq!(
            std::fs::read(path_of(&disk, JOB, artifact.sha256)).unwrap(),
            b"bytes"
        );
        // A copy that rotted on our own disk is noticed and taken anew.
        std::fs::write(path_of(&disk, JOB, artifact.sha256), "rot").unwrap();
        assert_ne!(staged(&disk, JOB, &artifact).unwrap(), approved);
        std::fs::write(&file, "bytes").unwrap();
        assert_eq!(agent.stage(&disk, JOB, &artifact).unwrap(), approved);
    }

    #[test]
    fn other_and_longer_bytes_stay_outside() {
        let (_folder, agent, disk, artifact, file) = setting();
        for (bytes, length) in [("other", 5), ("bytes and endlessly more", 6), ("byte", 4)] {
            std::fs::write(&file, bytes).unwrap();
            let (digest, found) = agent.stage(&disk, JOB, &artifact).unwrap().unwrap();
            assert_ne!(digest, artifact.sha256);
            assert_eq!(found, length);
            assert_eq!(staged(&disk, JOB, &artifact).unwrap(), None);
            assert_eq!(disk.names(&folder(JOB)).unwrap(), [""; 0]);
        }
    }

    #[test]
    fn links_folders_and_pipes_are_refused() {
        let (folder, agent, disk, artifact, file) = setting();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "bytes").unwrap();
        symlink(&secret, &file).unwrap();
        assert!(agent.stage(&disk, JOB, &artifact).is_err(), "a link");
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert!(agent.stage(&disk, JOB, &artifact).is_err(), "a folder");
        std::fs::remove_dir(&file).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(&file)
            .status()
            .unwrap();
        assert!(made.success());
        assert!(agent.stage(&disk, JOB, &artifact).is_err(), "a pipe");
        std::fs::remove_file(&file).unwrap();
        let artifacts = file.parent().unwrap();
        std::fs::remove_dir(artifacts).unwrap();
        symlink(folder.path(), artifacts).unwrap();
        std::fs::rename(&secret, folder.path().join(artifact.sha256.to_string())).unwrap();
        assert!(
            agent.stage(&disk, JOB, &artifact).is_err(),
            "a linked folder"
        );
    }

    #[test]
    fn metadata_is_bounded_and_never_outside() {
        let (folder, agent, _disk, _artifact, _file) = setting();
        let acme = Name::new("acme").unwrap();
        let mut source = agent.metadata(&acme);
        let path = folder.path().join("agent/metadata/acme/timestamp.json");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(source.fetch("timestamp.json", 4).unwrap().unwrap().len(), 5);
        assert_eq!(source.fetch("snapshot.json", 4).unwrap(), None);
        std::fs::write(folder.path().join("outside"), "x").unwrap();
        assert!(source.fetch("../../../outside", 4).is_err());
        symlink(
            folder.path().join("outside"),
            path.with_file_name("1.root.json"),
        )
        .unwrap();
        assert!(source.fetch("1.root.json", 4).is_err());
    }
}
