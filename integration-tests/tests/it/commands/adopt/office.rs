//! A custodian's office: the signer with its keys, and a collector with a charter that knows
//! the hospital's own repository.

use crate::commands::desk::{Desk, write_below};
use patchward_collector::control::Failure;
use patchward_common::digest::Digest;
use patchward_common::trust::charter::{Charter, Publisher, VendorGrant};
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::Document as _;
use patchward_integration_tests::fixture::{name, sign};
use patchward_integration_tests::programs::Program;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

/// The product that the custodian may speak for.
pub(super) const PRODUCT: &str = "pump";

pub(super) struct Office {
    pub(super) desk: Desk,
    folder: tempfile::TempDir,
    files: AtomicU64,
    /// The repository's first root.
    pub(super) root: Vec<u8>,
}

/// A sheet of the pump in this version; `proofs` stand below it.
pub(super) fn sheet(version: &str, counter: u64, proofs: &str) -> String {
    format!(
        "repository = \"custodian\"\n\
         [release]\nproduct = \"{PRODUCT}\"\nversion = \"{version}\"\ncounter = {counter}\n\
         kind = {{ tree = {{ name = \"{PRODUCT}\" }} }}\nreboot = \"none\"\n\
         install_minutes = 5\nrecovery_minutes = 5\n\
         [release.applies_to]\narchitectures = [\"all\"]\n\
         [origin]\nway = \"portal\"\nplace = \"the vendor's portal\"\n\
         obtained = \"2020-03-03T09:00:00Z\"\nobtained_by = \"an engineer\"\n\
         vouched_by = \"maria\"\nnote = \"asked by telephone\"\n{proofs}"
    )
}

impl Office {
    pub(super) async fn open() -> Self {
        let desk = Desk::open().await;
        let mut office = Self {
            desk,
            folder: tempfile::tempdir().unwrap(),
            files: AtomicU64::new(0),
            root: Vec::new(),
        };
        let collector = office.desk.ask("custodian key").await.text();
        let again = office.desk.ask("custodian key").await.text();
        assert_eq!(collector, again, "one key, made once");
        let [root, targets] = ["root", "targets"].map(|key| {
            let out = format!("{key}.pem");
            office.sign(&["key", "new", "--out", &out]).unwrap()
        });
        let text = format!(
            "number = 1\ndays = 365\ncollector = \"{}\"\n\
             [root]\nkeys = [\"{}\"]\nthreshold = 1\n[targets]\nkeys = [\"{}\"]\nthreshold = 1\n",
            collector.trim(),
            root.trim(),
            targets.trim()
        );
        let from = office.write("root.toml", text.as_bytes());
        let words = [
            "custodian",
            "root",
            "--from",
            &from,
            "--key",
            "root.pem",
            "--yes",
        ];
        let out = office.out("root.json");
        office
            .sign(&[&words[..], &["--out", &out]].concat())
            .unwrap();
        office.root = std::fs::read(&out).unwrap();
        office.found().await;
        office
    }

    /// Takes in charter and roster, and an empty repository.
    async fn found(&self) {
        let desk = &self.desk;
        let mut charter = desk.papers.charter();
        charter.vendors.push(VendorGrant {
            vendor: name("hospital"),
            publisher: Publisher::Custodian,
            repository: name("custodian"),
            root: Digest::of(&self.root),
            products: vec![name(PRODUCT)],
            paths: vec![format!("{PRODUCT}/")],
        });
        let charter = sign(&charter, &[&desk.papers.root]);
        desk.take_in(Charter::TYPE, &charter).await;
        let roster = sign(&desk.papers.roster(), &[&desk.papers.registrar]);
        desk.take_in(Roster::TYPE, &roster).await;
        let draft = self.draft("").await;
        let targets = self.signed(&draft, &[]).unwrap();
        let root = self.write("1.root.json", &self.root);
        self.publish(&[&root, &targets]).await;
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(super) fn text(&self, file: &str) -> String {
        self.path(file).to_string_lossy().into_owned()
    }

    /// Writes a file; its path.
    pub(super) fn write(&self, file: &str, bytes: &[u8]) -> String {
        write_below(self.folder.path(), file, bytes);
        self.text(file)
    }

    /// The path of a new file.
    pub(super) fn out(&self, file: &str) -> String {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.text(&format!("{number}-{file}"))
    }

    /// Runs the signer; what it said, or why it did not.
    pub(super) fn sign(&self, words: &[&str]) -> Result<String, String> {
        let output = Command::new(Program::Sign.path().unwrap())
            .current_dir(self.folder.path())
            .args(words)
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap()),
            false => Err(String::from_utf8(output.stderr).unwrap()),
        }
    }

    /// Signs a draft with the targets' key; the file.
    pub(super) fn signed(&self, draft: &str, more: &[&str]) -> Result<String, String> {
        let out = self.out("targets.json");
        let words = [
            "custodian",
            "sign",
            draft,
            "--key",
            "targets.pem",
            "--yes",
            "--out",
            &out,
        ];
        self.sign(&[&words[..], more].concat())?;
        Ok(out)
    }

    /// Tries to adopt files by a sheet.
    pub(super) async fn tries(
        &self,
        sheet: &str,
        files: &[(&str, &[u8])],
    ) -> Result<String, Failure> {
        let sheet = self.write("release.toml", sheet.as_bytes());
        let files: Vec<String> = files
            .iter()
            .map(|(name, bytes)| self.write(name, bytes))
            .collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let words = [&["release", "adopt", &sheet][..], &files].concat();
        self.desk.tries(&words).await.map(|output| output.text())
    }

    pub(super) async fn adopt(&self, sheet: &str, files: &[(&str, &[u8])]) -> String {
        self.tries(sheet, files).await.unwrap()
    }

    /// What is to be signed next; the file.
    pub(super) async fn draft(&self, more: &str) -> String {
        let out = self.out("draft.json");
        let line = format!("custodian draft custodian --out {out} {more}");
        let line = line.trim_end();
        self.desk.ask(line).await.write_to(out.as_ref()).unwrap();
        out
    }

    pub(super) async fn hand_in(&self, files: &[&str]) -> Result<String, Failure> {
        let words = [&["custodian", "publish", "custodian"][..], files].concat();
        self.desk.tries(&words).await.map(|output| output.text())
    }

    pub(super) async fn publish(&self, files: &[&str]) -> String {
        self.hand_in(files).await.unwrap()
    }

    pub(super) async fn sign_and_publish(&self, more: &str) -> String {
        let draft = self.draft(more).await;
        let targets = self.signed(&draft, &[]).unwrap();
        self.publish(&[&targets]).await
    }
}
