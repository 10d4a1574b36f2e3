//! The client workflow of TUF 1.0 from the root to the top-level targets, in the
//! order and with the numbers of the specification.

use super::signers::{self, content, parse};
use super::{
    MAX_REFRESH_BYTES, MAX_ROLE_NAME_BYTES, MAX_ROOT_BYTES, MAX_ROOT_ROTATIONS, MAX_SNAPSHOT_BYTES,
    MAX_TARGETS_BYTES, MAX_TIMESTAMP_BYTES, Problem, Repository, RoleMark, Source, VendorError,
};
use crate::percent::encoded;
use sigstore_tuf::{MetaFile, Metadata, Root, Snapshot, Targets, Timestamp, TrustedMetadataSet};

type Checked<T = ()> = Result<T, Problem>;

impl Repository {
    /// Brings root, timestamp, snapshot and top-level targets up to date (5.3 to 5.6.6).
    pub fn refresh(&mut self, source: &mut dyn Source) -> Result<(), VendorError> {
        self.fresh = false;
        self.verified.clear();
        self.update_root(source)?;
        self.update_timestamp(source)?;
        self.update_snapshot(source)?;
        self.update_targets(source)?;
        self.fresh = true;
        Ok(())
    }

    /// 5.3: the chain of roots.
    fn update_root(&mut self, source: &mut dyn Source) -> Result<(), VendorError> {
        let at = |step| move |problem: Problem| problem.at("root", step);
        // 5.3.3 ends where there is no next root, or after so many of them.
        for _ in 0..MAX_ROOT_ROTATIONS {
            // 5.3.2, 5.3.3 Download root N+1.
            let next = self.trusted.root().version.saturating_add(1);
            let name = format!("{next}.root.json");
            let Some(bytes) = read(source, &name, MAX_ROOT_BYTES).map_err(at("5.3.3"))? else {
                break;
            };
            let before = self.trusted.root().clone();
            // 5.3.4 Arbitrary software: a threshold of the old keys and of the new.
            let offered = parse::<Root>(&bytes).map_err(at("5.3.4"))?;
            signers::by_root(&offered, &before, "root").map_err(at("5.3.4"))?;
            signers::by_root(&offered, offered.signed(), "root").map_err(at("5.3.4"))?;
            // 5.3.5 Rollback: exactly N+1. 5.3.6 Its expiry does not matter yet.
            self.trusted
                .update_root(&bytes)
                .map_err(|error| Problem::from(error).at("root", "5.3.5"))?;
            // 5.3.7, 5.3.8 It is the trusted root now.
            self.pass_root(Some(&before)).map_err(at("5.3.5"))?;
        }
        let found = self.trusted.root().version;
        RoleMark::admits(self.watermark.root.as_ref(), found, None).map_err(at("5.3.5"))?;
        // The library starts anew: what must not fall is in our watermark.
        self.trusted = TrustedMetadataSet::from_root(self.trusted.root_bytes())
            .map_err(|error| Problem::from(error).at("root", "5.3.7"))?;
        // 5.3.10 Freeze.
        self.trusted
            .check_root_expired(self.instant())
            .map_err(|error| Problem::from(error).at("root", "5.3.10"))
    }

    /// Compares the trusted root with the watermark and raises that. `before` is the
    /// root that it follows; `None` at the start.
    ///
    /// 5.3.11 is done here, with the very root that rotates the keys, and only where
    /// that root is new to the watermark: a walk from the first root passes old
    /// rotations again, and they must clear nothing.
    pub(super) fn pass_root(&mut self, before: Option<&Root>) -> Checked {
        let bytes = self.trusted.root_bytes().to_vec();
        let root = self.trusted.root();
        let (version, digest) = (root.version, content(&parse::<Root>(&bytes)?));
        let seen = self.watermark.root;
        if seen.is_none_or(|seen| version >= seen.version) {
            RoleMark::admits(seen.as_ref(), version, Some(digest))?;
            let is_new = seen.is_none_or(|seen| version > seen.version);
            let rotates = |before| {
                ["timestamp", "snapshot"]
                    .iter()
                    .any(|role| signers::rotated(before, root, role))
            };
            if is_new && before.is_some_and(rotates) {
                self.watermark.forget_below_root();
            }
            self.watermark.root = Some(RoleMark::raised(seen, version, Some(digest)));
        }
        self.accepted.insert("root.json".to_owned(), bytes);
        Ok(())
    }

    /// 5.4: the timestamp.
    fn update_timestamp(&mut self, source: &mut dyn Source) -> Result<(), VendorError> {
        let at = |step| move |problem: Problem| problem.at("timestamp", step);
        const NAME: &str = "timestamp.json";
        // 5.4.1 Download.
        let mut bytes = need(source, NAME, MAX_TIMESTAMP_BYTES).map_err(at("5.4.1"))?;
        let mut file = parse::<Timestamp>(&bytes).map_err(at("5.4.2"))?;
        // 5.4.3.1 An equal version is discarded for the one that is kept. Where none is
        // kept, another content under the version that was seen is refused below.
        let seen = self.watermark.timestamp;
        if seen.is_some_and(|seen| seen.version == file.signed().version)
            && let Some(kept) = source.kept(NAME)
            && let Ok(was) = parse::<Timestamp>(&kept)
            && seen.and_then(|seen| seen.digest) == Some(content(&was))
        {
            (file, bytes) = (was, kept);
        }
        // 5.4.2 Arbitrary software.
        signers::by_root(&file, self.trusted.root(), "timestamp").map_err(at("5.4.2"))?;
        let (version, digest) = (file.signed().version, content(&file));
        // 5.4.3.1 Rollback.
        RoleMark::admits(seen.as_ref(), version, Some(digest)).map_err(at("5.4.3.1"))?;
        let pin = pin_of(file.signed().snapshot_meta(), "snapshot.json").map_err(at("5.4.3.2"))?;
        // 5.4.3.2 Rollback of the snapshot that it pins.
        RoleMark::admits(self.watermark.snapshot.as_ref(), pin.version, None)
            .map_err(at("5.4.3.2"))?;
        // 5.4.4 Freeze.
        self.trusted
            .update_timestamp(&bytes, self.instant())
            .map_err(|error| Problem::from(error).at("timestamp", "5.4.4"))?;
        // 5.4.5 Persist.
        self.watermark.timestamp = Some(RoleMark::raised(seen, version, Some(digest)));
        let snapshot = RoleMark::raised(self.watermark.snapshot, pin.version, None);
        self.watermark.snapshot = Some(snapshot);
        self.accepted.insert(NAME.to_owned(), bytes);
        Ok(())
    }

    /// 5.5: the snapshot.
    fn update_snapshot(&mut self, source: &mut dyn Source) -> Result<(), VendorError> {
        let at = |step| move |problem: Problem| problem.at("snapshot", step);
        let pin = self.trusted.timestamp().and_then(Timestamp::snapshot_meta);
        let pin = pin_of(pin, "snapshot.json").map_err(at("5.5.1"))?.clone();
        if let Some(kept) = source.kept("snapshot.json")
            && self.take_snapshot(kept, &pin).is_ok()
        {
            return Ok(()); // The file that is pinned is here already.
        }
        // 5.5.1 Download, at most as much as is pinned.
        let name = self.file_name("snapshot", pin.version);
        let limit = limit(&pin, MAX_SNAPSHOT_BYTES);
        let bytes = need(source, &name, limit).map_err(at("5.5.1"))?;
        self.take_snapshot(bytes, &pin)
            .map_err(|(step, problem)| problem.at("snapshot", step))
    }

    fn take_snapshot(
        &mut self,
        bytes: Vec<u8>,
        pin: &MetaFile,
    ) -> Result<(), (&'static str, Problem)> {
        let at = |step| move |problem| (step, problem);
        // 5.5.3 Arbitrary software; 5.5.4 the pinned version.
        let file = parse::<Snapshot>(&bytes).map_err(at("5.5.3"))?;
        signers::by_root(&file, self.trusted.root(), "snapshot").map_err(at("5.5.3"))?;
        same_version(file.signed().version, pin).map_err(at("5.5.4"))?;
        let digest = content(&file);
        let seen = self.watermark.snapshot;
        RoleMark::admits(seen.as_ref(), pin.version, Some(digest)).map_err(at("5.5.4"))?;
        // 5.5.5 Rollback of any targets role that it lists.
        self.watermark
            .admit_roles(file.signed())
            .map_err(at("5.5.5"))?;
        // 5.5.2 Pinned hash and length; 5.5.6 freeze.
        self.trusted
            .update_snapshot(&bytes, self.instant())
            .map_err(|error| match error.into() {
                expired @ Problem::Expired { .. } => ("5.5.6", expired),
                other => ("5.5.2", other),
            })?;
        // 5.5.7 Persist.
        self.watermark.snapshot = Some(RoleMark::raised(seen, pin.version, Some(digest)));
        self.watermark.raise_roles(file.signed());
        self.accepted.insert("snapshot.json".to_owned(), bytes);
        Ok(())
    }

    /// 5.6.1 to 5.6.6: the top-level targets.
    fn update_targets(&mut self, source: &mut dyn Source) -> Result<(), VendorError> {
        self.load_targets(source, "targets", |repository, bytes, file| {
            signers::by_root(file, repository.trusted.root(), "targets")?;
            let now = repository.instant();
            repository.trusted.update_targets(bytes, now)?;
            Ok(())
        })
    }

    /// 5.6.1 to 5.6.6 for any targets role. `take` checks signatures, pin and
    /// expiry of the file that is given as it was read and as it was parsed.
    pub(super) fn load_targets(
        &mut self,
        source: &mut dyn Source,
        role: &str,
        take: impl Fn(&mut Self, &[u8], &Metadata<Targets>) -> Checked,
    ) -> Result<(), VendorError> {
        let at = |step| move |problem: Problem| problem.at(role, step);
        if role.len() > MAX_ROLE_NAME_BYTES {
            let problem = Problem::Malformed("the role's name is too long".to_owned());
            return Err(problem.at("delegated", "5.6.1"));
        }
        let pinned = format!("{role}.json");
        let pin = self
            .trusted
            .snapshot()
            .and_then(|snapshot| snapshot.meta.get(&pinned));
        let pin = pin_of(pin, &pinned).map_err(at("5.6.1"))?.clone();
        let kept_as = format!("{}.json", encoded(role));
        // The version that was seen has one content.
        let seen = self.watermark.targets.get(role).copied();
        let admitted = |repository: &mut Self, bytes: Vec<u8>| -> Checked {
            let file = parse::<Targets>(&bytes)?;
            same_version(file.signed().version, &pin)?;
            let digest = content(&file);
            RoleMark::admits(seen.as_ref(), pin.version, Some(digest))?;
            take(repository, &bytes, &file)?;
            // 5.6.6 Persist.
            let mark = RoleMark::raised(seen, pin.version, Some(digest));
            repository.watermark.targets.insert(role.to_owned(), mark);
            repository.accepted.insert(kept_as.clone(), bytes);
            Ok(())
        };
        let here = self.accepted.get(&kept_as).cloned();
        for kept in [here, source.kept(&kept_as)].into_iter().flatten() {
            if admitted(self, kept).is_ok() {
                return Ok(());
            }
        }
        // 5.6.1 Download, at most as much as is pinned.
        let name = self.file_name(role, pin.version);
        let held: usize = self.accepted.values().map(Vec::len).sum();
        let most = MAX_TARGETS_BYTES.min(MAX_REFRESH_BYTES.saturating_sub(held));
        let limit = limit(&pin, most);
        let bytes = need(source, &name, limit).map_err(at("5.6.1"))?;
        // 5.6.2 pinned hash, 5.6.3 arbitrary software, 5.6.4 version, 5.6.5 freeze.
        admitted(self, bytes).map_err(|problem| {
            let step = match problem {
                Problem::Signatures { .. } | Problem::DuplicateSignature(_) => "5.6.3",
                Problem::Expired { .. } => "5.6.5",
                Problem::Older { .. } | Problem::Changed { .. } => "5.6.4",
                _ => "5.6.2",
            };
            problem.at(role, step)
        })
    }

    /// A metadata file's name, with its version where snapshots are consistent (5.3.12).
    fn file_name(&self, role: &str, version: u64) -> String {
        let role = encoded(role);
        if self.trusted.root().consistent_snapshot {
            format!("{version}.{role}.json")
        } else {
            format!("{role}.json")
        }
    }

    /// The update start time for the library. An expiry must be *higher* than it,
    /// and the library lets an equal one pass: hence the nanosecond.
    pub(super) fn instant(&self) -> jiff::Timestamp {
        let nanoseconds = i128::from(self.now.0) * 1_000_000 + 1;
        // Past the year 9999 everything has expired.
        jiff::Timestamp::from_nanosecond(nanoseconds).unwrap_or(jiff::Timestamp::MAX)
    }
}

fn read(source: &mut dyn Source, name: &str, limit: usize) -> Checked<Option<Vec<u8>>> {
    let bytes = source
        .fetch(name, limit)
        .map_err(|cause| Problem::Unavailable {
            name: name.to_owned(),
            cause: cause.to_string(),
        })?;
    match bytes {
        Some(bytes) if bytes.len() > limit => Err(Problem::TooLarge {
            name: name.to_owned(),
            limit,
        }),
        other => Ok(other),
    }
}

fn need(source: &mut dyn Source, name: &str, limit: usize) -> Checked<Vec<u8>> {
    read(source, name, limit)?.ok_or_else(|| Problem::Missing(name.to_owned()))
}

fn pin_of<'a>(pin: Option<&'a MetaFile>, name: &str) -> Checked<&'a MetaFile> {
    pin.ok_or_else(|| Problem::Pinned(format!("the role above does not list {name}")))
}

fn same_version(found: u64, pin: &MetaFile) -> Checked {
    if found == pin.version {
        return Ok(());
    }
    let pinned = pin.version;
    Err(Problem::Pinned(format!("version {found}, not {pinned}")))
}

/// The pinned length where there is one, never above our own bound.
fn limit(pin: &MetaFile, most: usize) -> usize {
    let pinned = pin.length.and_then(|length| usize::try_from(length).ok());
    pinned.map_or(most, |length| length.min(most))
}
