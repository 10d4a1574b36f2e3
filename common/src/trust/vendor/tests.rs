//! The cases of the TUF specification, restated against our verifier and watermark.
//! The client here keeps nothing but its watermark, so every rollback case is also the
//! case of a store that was torn or deleted.

mod delegations;
mod freshness;
mod roots;
mod rules;
mod twice;

use super::*;
use crate::trust::tuf_author::{
    Delegation, Files, Holders, Pin, RootSpec, TargetSpec, TargetsSpec, snapshot, timestamp,
};
use ed25519_dalek::SigningKey;

/// 2026-11-23T02:14:00Z.
const NOW: UtcMs = UtcMs(1_795_400_040_000);
const FAR: UtcMs = UtcMs(4_102_444_800_000);
const PATH: &str = "viewer/4.2.1.tar";
const BYTES: &[u8] = b"viewer 4.2.1";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// A vendor whose every number and date a test may set before it publishes.
struct Vendor {
    root: RootSpec,
    /// The signers of `[root, timestamp, snapshot, targets]`.
    signers: [Vec<SigningKey>; 4],
    /// Versions of `[timestamp, snapshot, targets]`.
    versions: [u64; 3],
    /// Expiries of the same.
    expires: [UtcMs; 3],
    targets: BTreeMap<String, TargetSpec>,
    delegations: Vec<Delegation>,
    /// Delegated roles with their signers.
    delegated: BTreeMap<String, (TargetsSpec, SigningKey)>,
    /// A role and what is done to its file after it is signed and before it is pinned.
    rewrite: Option<(usize, Rewrite)>,
    files: Files,
}

/// A file and its signers to another file.
type Rewrite = fn(&[u8], &[&SigningKey]) -> Vec<u8>;

const ROOT: usize = 0;
const TIMESTAMP: usize = 1;
const SNAPSHOT: usize = 2;
const TARGETS: usize = 3;

impl Vendor {
    /// A vendor with one release at version 1 of everything.
    fn new() -> Self {
        let signers = [1, 2, 3, 4].map(|seed| vec![key(seed)]);
        let mut vendor = Self {
            root: RootSpec {
                version: 1,
                expires: FAR,
                consistent_snapshot: true,
                root: Holders::one(&signers[ROOT][0]),
                timestamp: Holders::one(&signers[TIMESTAMP][0]),
                snapshot: Holders::one(&signers[SNAPSHOT][0]),
                targets: Holders::one(&signers[TARGETS][0]),
            },
            signers,
            versions: [1; 3],
            expires: [FAR; 3],
            targets: BTreeMap::from([(PATH.to_owned(), TargetSpec::of(BYTES, None))]),
            delegations: Vec::new(),
            delegated: BTreeMap::new(),
            rewrite: None,
            files: Files::new(),
        };
        vendor.publish_root();
        vendor.publish();
        vendor
    }

    fn signers(&self, role: usize) -> Vec<&SigningKey> {
        self.signers[role].iter().collect()
    }

    fn rewritten(&self, role: usize, file: Vec<u8>) -> Vec<u8> {
        match self.rewrite {
            Some((rewritten, rewrite)) if rewritten == role => rewrite(&file, &self.signers(role)),
            _ => file,
        }
    }

    fn publish_root(&mut self) {
        let bytes = self.root.sign(&self.signers(ROOT)).unwrap();
        let bytes = self.rewritten(ROOT, bytes);
        let name = format!("{}.root.json", self.root.version);
        self.files.insert(name, bytes);
    }

    /// The next root, after `change`.
    fn next_root(&mut self, change: impl FnOnce(&mut Self)) {
        self.root.version += 1;
        change(self);
        self.publish_root();
    }

    /// Gives a role below the root one new key.
    fn rotate(&mut self, role: usize, seed: u8) {
        self.signers[role] = vec![key(seed)];
        let holders = Holders::one(&key(seed));
        match role {
            TIMESTAMP => self.root.timestamp = holders,
            SNAPSHOT => self.root.snapshot = holders,
            _ => self.root.targets = holders,
        }
    }

    /// Signs targets, snapshot and timestamp as they stand.
    fn publish(&mut self) {
        let [timestamp_version, snapshot_version, targets_version] = self.versions;
        let targets = TargetsSpec {
            version: targets_version,
            expires: self.expires[2],
            targets: self.targets.clone(),
            delegations: self.delegations.clone(),
        };
        let bytes = targets.sign(&self.signers(TARGETS)).unwrap();
        let bytes = self.rewritten(TARGETS, bytes);
        let mut pins = BTreeMap::from([("targets".to_owned(), Pin::of(targets_version, &bytes))]);
        self.put("targets", targets_version, bytes);
        for (role, (spec, signer)) in self.delegated.clone() {
            let bytes = spec.sign(&[&signer]).unwrap();
            pins.insert(role.clone(), Pin::of(spec.version, &bytes));
            self.put(&role, spec.version, bytes);
        }
        let signers = self.signers(SNAPSHOT);
        let bytes = snapshot(snapshot_version, self.expires[1], &pins, &signers).unwrap();
        let bytes = self.rewritten(SNAPSHOT, bytes);
        let pin = Pin::of(snapshot_version, &bytes);
        self.put("snapshot", snapshot_version, bytes);
        let signers = self.signers(TIMESTAMP);
        let bytes = timestamp(timestamp_version, self.expires[0], pin, &signers).unwrap();
        let bytes = self.rewritten(TIMESTAMP, bytes);
        self.files.insert("timestamp.json".to_owned(), bytes);
    }

    fn put(&mut self, role: &str, version: u64, bytes: Vec<u8>) {
        let name = if self.root.consistent_snapshot {
            format!("{version}.{role}.json")
        } else {
            format!("{role}.json")
        };
        self.files.insert(name, bytes);
    }

    /// Raises all versions by one and publishes.
    fn publish_next(&mut self) {
        self.versions = self.versions.map(|version| version + 1);
        self.publish();
    }
}

/// An installer's view: a pin and a watermark.
#[derive(Clone)]
struct Client {
    first_root: Vec<u8>,
    watermark: VendorWatermark,
    now: UtcMs,
}

impl Client {
    fn of(vendor: &Vendor) -> Self {
        Self {
            first_root: vendor.files["1.root.json"].clone(),
            watermark: VendorWatermark::default(),
            now: NOW,
        }
    }

    /// Refreshes from `files` and looks `paths` up. Keeps the watermark, as durable
    /// storage would.
    fn look_up(&mut self, files: &Files, paths: &[&str]) -> Result<VerifiedTargets, VendorError> {
        let pin = Digest::of(&self.first_root);
        let mut source = |name: &str, _: usize| Ok(files.get(name).cloned());
        let repository = Repository::open(&self.first_root, pin, self.watermark.clone(), self.now)?;
        let (found, watermark) = repository.verify(&mut source, paths.iter().copied());
        // What is kept survives its encoding.
        let bytes = crate::codec::encode_deterministic(&watermark);
        self.watermark = crate::codec::decode_deterministic(&bytes, bytes.len()).unwrap();
        assert_eq!(self.watermark, watermark);
        found
    }

    fn refresh(&mut self, files: &Files) -> Result<VerifiedTargets, VendorError> {
        self.look_up(files, &[PATH])
    }

    /// Refreshes and finds the release.
    #[track_caller]
    fn accepts(&mut self, files: &Files) {
        let found = self.refresh(files).unwrap();
        let target = found.target(PATH).unwrap().unwrap();
        assert!(target.is(BYTES) && !target.is(b"viewer 4.2.2"));
    }

    /// Is refused, by this role, in this step, for this attack.
    #[track_caller]
    fn refuses(&mut self, files: &Files, role: &str, step: &str, attack: Attack) -> Problem {
        let error = self.refresh(files).unwrap_err();
        let found = (error.role.as_str(), error.step, error.attack());
        assert_eq!(found, (role, step, attack), "{error}");
        error.problem
    }
}

use crate::trust::check::Attack;

/// Changes the `signed` part of a file and signs it anew.
fn resigned(
    file: &[u8],
    signers: &[&SigningKey],
    change: impl FnOnce(&mut serde_json::Value),
) -> Vec<u8> {
    let mut file: serde_json::Value = serde_json::from_slice(file).unwrap();
    change(&mut file["signed"]);
    crate::trust::tuf_author::envelope(&file["signed"], signers).unwrap()
}

#[test]
fn a_release_is_found_with_its_description() {
    let mut vendor = Vendor::new();
    let custom = serde_json::json!({ "patchward": { "product": "viewer" } });
    let target = TargetSpec::of(BYTES, Some(custom));
    vendor.targets.insert(PATH.to_owned(), target);
    vendor.publish_next();
    let mut client = Client::of(&vendor);
    let found = client.look_up(&vendor.files, &[PATH, "other"]).unwrap();
    let target = found.target(PATH).unwrap().unwrap();
    assert_eq!(target.length, BYTES.len() as u64);
    assert_eq!(target.sha256, Digest::of(BYTES));
    assert_eq!(target.custom["patchward"]["product"], "viewer");
    assert_eq!(target.file, format!("viewer/{}.4.2.1.tar", target.sha256));
    assert_eq!(found.target("other").unwrap(), None);
    assert_eq!(found.iter().count(), 1);
    let problem = found.target("never asked").unwrap_err().problem;
    assert!(matches!(problem, Problem::NotLookedUp(_)));
}

#[test]
fn names_carry_no_versions_where_snapshots_are_not_consistent() {
    let mut vendor = Vendor::new();
    vendor.files.clear();
    vendor.root.consistent_snapshot = false;
    vendor.publish_root();
    vendor.publish();
    let names: Vec<&String> = vendor.files.keys().collect();
    assert_eq!(
        names,
        [
            "1.root.json",
            "snapshot.json",
            "targets.json",
            "timestamp.json"
        ]
    );
    let mut client = Client::of(&vendor);
    client.accepts(&vendor.files);
    let found = client.refresh(&vendor.files).unwrap();
    assert_eq!(found.target(PATH).unwrap().unwrap().file, PATH);
}

#[test]
fn the_same_metadata_is_accepted_again() {
    let vendor = Vendor::new();
    let mut client = Client::of(&vendor);
    client.accepts(&vendor.files);
    let before = client.watermark.clone();
    client.accepts(&vendor.files);
    assert_eq!(client.watermark, before);
}
