//! `release adopt --from-apt`, against a small archive that is made here.

use super::office::{Office, sheet};
use super::openpgp::Gpg;
use patchward_common::digest::Digest;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_integration_tests::hospital::now;
use serde_json::json;
use std::process::Command;

const SUITE: &str = "stable-security";
const STATUS: &str = "\
Package: tool\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\nDepends: libtool (= 1.0)\n\n\
Package: libtool\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\n\n\
Package: other\nStatus: install ok installed\nVersion: 1.0\nArchitecture: all\n";

struct Archive {
    office: Office,
    gpg: Gpg,
    /// The stanzas of `Packages`.
    list: String,
}

/// A date as a release file has it.
fn date(at: UtcMs) -> String {
    let output = Command::new("date")
        .env("LC_ALL", "C")
        .args([
            "-u",
            "-d",
            &format!("@{}", at.0 / 1000),
            "+%a, %d %b %Y %H:%M:%S UTC",
        ])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Archive {
    async fn new() -> Self {
        let office = Office::open().await;
        let gpg = Gpg::with_key("ed25519", "sign", &[], "never");
        office.write("archive.gpg", &gpg.keyring());
        office.write("status", STATUS.as_bytes());
        Self {
            office,
            gpg,
            list: String::new(),
        }
    }

    /// Builds a package and lists it.
    fn add(&mut self, name: &str, version: &str, source: &str, depends: &str) {
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nSource: {source}\n\
             Maintainer: Test <test@example.com>\n{depends}Description: test\n"
        );
        let tree = format!("tree-{name}-{version}");
        self.office
            .write(&format!("{tree}/DEBIAN/control"), control.as_bytes());
        let file = format!("pool/main/{name}_{version}_amd64.deb");
        self.office.write(&format!("archive/{file}"), b"");
        let output = Command::new("dpkg-deb")
            .args(["--build", "--root-owner-group", &self.office.text(&tree)])
            .arg(self.office.path("archive").join(&file))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let bytes = std::fs::read(self.office.path("archive").join(&file)).unwrap();
        let stanza = format!(
            "{control}Filename: {file}\nSize: {}\nSHA256: {}\n\n",
            bytes.len(),
            Digest::of(&bytes)
        );
        self.list.push_str(&stanza);
    }

    /// Writes and signs what is listed.
    fn publish(&self, made: UtcMs, ends: UtcMs) {
        let folder = format!("archive/dists/{SUITE}");
        let list = self.office.write(
            &format!("{folder}/main/binary-amd64/Packages"),
            self.list.as_bytes(),
        );
        let packed = Command::new("gzip")
            .args(["-9", "-n", "-c", &list])
            .output()
            .unwrap()
            .stdout;
        self.office
            .write(&format!("{folder}/main/binary-amd64/Packages.gz"), &packed);
        let text = format!(
            "Suite: {SUITE}\nDate: {}\nValid-Until: {}\nAcquire-By-Hash: yes\nSHA256:\n {} {} main/binary-amd64/Packages.gz\n",
            date(made),
            date(ends),
            Digest::of(&packed),
            packed.len()
        );
        self.release(&text);
    }

    fn release(&self, text: &str) {
        let file = self.office.write("Release", text.as_bytes());
        let signed = self.gpg.clear(file.as_ref());
        self.office
            .write(&format!("archive/dists/{SUITE}/InRelease"), &signed);
    }

    fn sheet(&self, packages: &str) -> String {
        let kind = "kind = { tree = { name = \"pump\" } }\n";
        let archive = format!(
            "[archive]\nplace = \"{}\"\nsuite = \"{SUITE}\"\ncomponents = [\"main\"]\n\
             architecture = \"amd64\"\nkeyring = \"archive.gpg\"\npackages = [{packages}]\n\
             status = \"status\"\n",
            self.office.text("archive")
        );
        sheet("1", 1, &archive)
            .replace(kind, "")
            .replace("\"portal\"", "\"archive\"")
    }

    async fn tries(&self, packages: &str) -> Result<String, String> {
        let sheet = self
            .office
            .write("apt.toml", self.sheet(packages).as_bytes());
        let tried = self
            .office
            .desk
            .tries(&["release", "adopt", "--from-apt", &sheet])
            .await;
        tried
            .map(|output| output.text())
            .map_err(|failure| failure.text)
    }

    async fn refuses(&self, why: &str) {
        let refused = self.tries("\"tool\"").await.unwrap_err();
        assert!(refused.contains(why), "{why}: {refused}");
        assert_eq!(self.office.desk.json("custodian waiting").await, json!([]));
    }
}

/// An archive with an update of `tool`, which needs its library and one more.
async fn with_update() -> Archive {
    let mut archive = Archive::new().await;
    archive.add("tool", "1.1", "tool", "Depends: libtool (= 1.1), extra\n");
    archive.add("libtool", "1.1", "tool", "");
    archive.add("extra", "3", "extra", "");
    archive.add("other", "0.9", "other", "");
    archive.publish(now().plus_ms(-DAY_MS), now().plus_ms(6 * DAY_MS));
    archive
}

#[tokio::test]
async fn an_archives_updates_become_a_closed_set_with_its_signature() {
    let archive = with_update().await;
    let said = archive.tries("\"tool\"").await.unwrap();
    assert!(said.contains("provenance vendor_signature"), "{said}");
    archive.office.sign_and_publish("").await;
    let release = archive.office.desk.json("release show pump 1").await;
    assert_eq!(release["kind"], "packages");
    assert_eq!(release["provenance"], "vendor_signature");
    let paths: Vec<&str> = release["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["artifact"].as_str().unwrap())
        .collect();
    let expected = [
        "pump/extra_3_amd64.deb",
        "pump/libtool_1.1_amd64.deb",
        "pump/tool_1.1_amd64.deb",
    ];
    assert_eq!(paths, expected);
    let checked = release["proofs"][0]["checked"].as_str().unwrap();
    assert!(
        checked.contains("listed in stable-security of"),
        "{checked}"
    );
    // Release file and list are kept: three packages, and the list once.
    assert_eq!(release["proofs"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn an_archive_that_was_tampered_with_is_refused() {
    let archive = with_update().await;
    let office = &archive.office;
    let dists = format!("archive/dists/{SUITE}");
    let file = |name: &str| office.path(name);
    let swap = |name: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let good = std::fs::read(file(name)).unwrap();
        std::fs::write(file(name), change(good.clone())).unwrap();
        good
    };
    let text = |change: &'static dyn Fn(String) -> String| {
        move |bytes: Vec<u8>| change(String::from_utf8(bytes).unwrap()).into_bytes()
    };
    let release = format!("{dists}/InRelease");
    let list = format!("{dists}/main/binary-amd64/Packages.gz");
    let deb = "pool/main/tool_1.1_amd64.deb";
    let deb = format!("archive/{deb}");
    let flip = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    let half = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    for (name, change, why) in [
        (
            &release,
            &text(&|t| t.replace("Acquire", "acquire")) as &dyn Fn(Vec<u8>) -> Vec<u8>,
            "no key of the keyring made",
        ),
        (&release, &half, "no OpenPGP signature"),
        (&list, &flip, "not the list that the archive signed"),
        (&list, &half, "not the list that the archive signed"),
        (&deb, &flip, "not the package that the archive signed"),
        (&deb, &half, "not the package that the archive signed"),
    ] {
        let good = swap(name, change);
        archive.refuses(why).await;
        std::fs::write(file(name), good).unwrap();
    }
    // Text before the signed part is nobody's word.
    let good = swap(&release, &|bytes| {
        [b"Suite: evil\nDate: now\n\n".to_vec(), bytes].concat()
    });
    assert!(archive.tries("\"nothing\"").await.is_err());
    std::fs::write(file(&release), good).unwrap();
    let stranger = Gpg::with_key("ed25519", "sign", &[], "never");
    office.write("archive.gpg", &stranger.keyring());
    archive.refuses("no key of the keyring made").await;
}

#[tokio::test]
async fn an_archive_that_went_back_or_was_held_back_is_refused() {
    let archive = with_update().await;
    let (day, week) = (now().plus_ms(-DAY_MS), now().plus_ms(6 * DAY_MS));
    archive.publish(day.plus_ms(-9 * DAY_MS), day);
    archive.refuses("the mirror holds it back").await;
    archive.publish(day, week);
    archive.tries("\"tool\"").await.unwrap();
    archive.office.sign_and_publish("").await;
    archive.publish(day.plus_ms(-1_000), week);
    let sheet = archive
        .sheet("\"tool\"")
        .replace("version = \"1\"", "version = \"2\"")
        .replace("counter = 1", "counter = 2");
    let sheet = archive.office.write("apt.toml", sheet.as_bytes());
    let refused = archive
        .office
        .desk
        .tries(&["release", "adopt", "--from-apt", &sheet])
        .await;
    let refused = refused.unwrap_err().text;
    assert!(refused.contains("the mirror went back"), "{refused}");
}

#[tokio::test]
async fn a_set_that_cannot_be_closed_is_refused() {
    let mut archive = Archive::new().await;
    archive.add(
        "tool",
        "1.1",
        "tool",
        "Depends: libtool (= 1.1), nowhere (>= 2)\n",
    );
    archive.add("libtool", "1.1", "tool", "");
    archive.publish(now().plus_ms(-DAY_MS), now().plus_ms(DAY_MS));
    archive
        .refuses("needs nowhere (>= 2), which neither the machine nor the archive has")
        .await;
    let refused = archive.tries("\"absent\"").await.unwrap_err();
    assert!(
        refused.contains("absent is not installed there"),
        "{refused}"
    );
    let refused = archive.tries("\"other\"").await.unwrap_err();
    assert!(refused.contains("nothing newer"), "{refused}");
}
