//! Detached signatures, made by GnuPG and minisign: those that count, and those that do not.

use super::office::{Office, sheet};
use std::path::Path;
use std::process::{Command, Output};

/// Somebody's GnuPG, in a folder of its own.
pub(super) struct Gpg(tempfile::TempDir);

impl Drop for Gpg {
    fn drop(&mut self) {
        let mut kill = Command::new("gpgconf");
        kill.arg("--homedir").arg(self.0.path());
        // Its agent ends with its folder otherwise.
        let _ = kill.args(["--kill", "all"]).output();
    }
}

impl Gpg {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(folder.path(), mode).unwrap();
        Self(folder)
    }

    fn tries(&self, words: &[&str]) -> Output {
        Command::new("gpg")
            .arg("--homedir")
            .arg(self.0.path())
            .args([
                "--batch",
                "--yes",
                "--quiet",
                "--no-tty",
                "--pinentry-mode",
                "loopback",
            ])
            .args(["--passphrase", ""])
            .args(words)
            .output()
            .unwrap()
    }

    pub(super) fn run(&self, words: &[&str]) -> Vec<u8> {
        let output = self.tries(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
        output.stdout
    }

    /// A key that signs.
    pub(super) fn with_key(kind: &str, usage: &str, more: &[&str], life: &str) -> Self {
        let gpg = Self::new();
        let made = [
            "--quick-gen-key",
            "Vendor <vendor@example.com>",
            kind,
            usage,
            life,
        ];
        gpg.run(&[more, &made].concat());
        gpg
    }

    fn fingerprint(&self) -> String {
        let listed = self.run(&["--with-colons", "--list-keys"]);
        let listed = String::from_utf8(listed).unwrap();
        let line = listed.lines().find(|line| line.starts_with("fpr")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    pub(super) fn keyring(&self) -> Vec<u8> {
        self.run(&["--export"])
    }

    pub(super) fn clear(&self, file: &Path) -> Vec<u8> {
        self.run(&["--clearsign", "--output", "-", &file.to_string_lossy()])
    }
}

const PROOF: &str =
    "[[proof]]\nfile = \"pump.bin\"\nsignature = \"pump.asc\"\nkeyring = \"vendor.gpg\"\n";

/// Tries a signature under a keyring; what the collector says.
async fn tries(
    office: &Office,
    keyring: &[u8],
    signature: &[u8],
    bytes: &[u8],
) -> Result<String, String> {
    office.write("vendor.gpg", keyring);
    office.write("pump.asc", signature);
    let tried = office
        .tries(&sheet("1", 1, PROOF), &[("pump.bin", bytes)])
        .await;
    tried.map_err(|failure| failure.text)
}

fn signature(office: &Office, gpg: &Gpg, more: &[&str]) -> Vec<u8> {
    let file = office.write("signed-file", b"pump 1");
    let sign = ["--armor", "--output", "-", "--detach-sign", &file];
    gpg.run(&[more, &sign].concat())
}

#[tokio::test]
async fn only_the_vendors_key_of_today_proves_something() {
    let office = Office::open().await;
    let vendor = Gpg::with_key("ed25519", "cert", &[], "never");
    vendor.run(&[
        "--quick-add-key",
        &vendor.fingerprint(),
        "ed25519",
        "sign",
        "never",
    ]);
    let (ring, good) = (vendor.keyring(), signature(&office, &vendor, &[]));
    let said = tries(&office, &ring, &good, b"pump 1").await.unwrap();
    assert!(said.contains("Checked: OpenPGP signature of key"), "{said}");
    let armoured = vendor.run(&["--armor", "--export"]);
    tries(&office, &armoured, &good, b"pump 1").await.unwrap();
    let mut flipped = String::from_utf8(good.clone()).unwrap();
    let at = flipped.len() / 2;
    let other = if flipped.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    flipped.replace_range(at..=at, other);
    let stranger = Gpg::with_key("ed25519", "sign", &[], "never");
    let strange = stranger.keyring();
    for (ring, signature, bytes, why) in [
        (&ring, &good, &b"pump 2"[..], "no key of the keyring made"),
        (&strange, &good, b"pump 1", "no key of the keyring made"),
        (
            &ring,
            &good[..good.len() / 2].to_vec(),
            b"pump 1",
            "proof of pump.bin",
        ),
        (&ring, &flipped.into_bytes(), b"pump 1", "proof of pump.bin"),
        (&ring, &b"".to_vec(), b"pump 1", "no OpenPGP signature"),
        (&b"no keys".to_vec(), &good, b"pump 1", "no OpenPGP key"),
    ] {
        let refused = tries(&office, ring, signature, bytes).await.unwrap_err();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    let weak = signature(&office, &vendor, &["--digest-algo", "SHA1"]);
    let refused = tries(&office, &ring, &weak, b"pump 1").await.unwrap_err();
    assert!(refused.contains("proof of pump.bin"), "{refused}");
}

#[tokio::test]
async fn a_key_that_expired_or_was_revoked_proves_nothing() {
    let office = Office::open().await;
    let then = ["--faked-system-time", "20200101T000000"];
    let expired = Gpg::with_key("ed25519", "sign", &then, "1y");
    let old = signature(&office, &expired, &then);
    let refused = tries(&office, &expired.keyring(), &old, b"pump 1")
        .await
        .unwrap_err();
    assert!(refused.contains("its key has expired"), "{refused}");
    let vendor = Gpg::with_key("ed25519", "sign", &[], "never");
    let good = signature(&office, &vendor, &[]);
    tries(&office, &vendor.keyring(), &good, b"pump 1")
        .await
        .unwrap();
    let name = format!("openpgp-revocs.d/{}.rev", vendor.fingerprint());
    // GnuPG writes it so that nobody imports it by mistake.
    let text = std::fs::read_to_string(vendor.0.path().join(name)).unwrap();
    let revocation = office.write(
        "revocation",
        text.replace(":-----BEGIN", "-----BEGIN").as_bytes(),
    );
    vendor.run(&["--import", &revocation]);
    let refused = tries(&office, &vendor.keyring(), &good, b"pump 1")
        .await
        .unwrap_err();
    assert!(refused.contains("its key was revoked"), "{refused}");
    let later = ["--faked-system-time", "20991231T000000"];
    let vendor = Gpg::with_key("ed25519", "sign", &[], "never");
    let future = signature(&office, &vendor, &later);
    let refused = tries(&office, &vendor.keyring(), &future, b"pump 1")
        .await
        .unwrap_err();
    assert!(refused.contains("of the future"), "{refused}");
    // A key for nothing but certifying others.
    let short = Gpg::with_key("rsa1024", "sign", &[], "never");
    let weak = signature(&office, &short, &[]);
    let refused = tries(&office, &short.keyring(), &weak, b"pump 1")
        .await
        .unwrap_err();
    assert!(refused.contains("shorter than 2048 bits"), "{refused}");
}

#[tokio::test]
async fn a_signed_checksum_list_and_minisign_count_too() {
    let office = Office::open().await;
    let vendor = Gpg::with_key("rsa2048", "sign", &[], "never");
    let sum = patchward_common::digest::Digest::of(b"pump 1");
    let list = office.write("SHA256SUMS", format!("{sum}  pump.bin\n").as_bytes());
    let signed = vendor.run(&["--output", "-", "--detach-sign", &list]);
    office.write("SHA256SUMS.gpg", &signed);
    office.write("vendor.gpg", &vendor.keyring());
    let proof = "[[proof]]\nfile = \"pump.bin\"\nchecksums = \"SHA256SUMS\"\n\
                 signature = \"SHA256SUMS.gpg\"\nkeyring = \"vendor.gpg\"\n";
    let files: &[(&str, &[u8])] = &[("pump.bin", b"pump 1")];
    let said = office.adopt(&sheet("1", 1, proof), files).await;
    assert!(
        said.contains("OpenPGP signature") && said.contains("SHA-256"),
        "{said}"
    );
    office.write(
        "SHA256SUMS",
        format!("{sum}  other.bin\n{sum} *pump.bin\n").as_bytes(),
    );
    let refused = office
        .tries(&sheet("1", 1, proof), files)
        .await
        .unwrap_err();
    assert!(
        refused.text.contains("no key of the keyring made"),
        "{}",
        refused.text
    );

    let run = |words: &[&str]| {
        let output = Command::new("minisign").args(words).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let [public, secret, file, mini] =
        ["mini.pub", "mini.key", "pump.bin", "pump.minisig"].map(|name| office.text(name));
    run(&["-G", "-W", "-p", &public, "-s", &secret]);
    run(&["-S", "-s", &secret, "-m", &file, "-x", &mini]);
    let public = std::fs::read_to_string(public).unwrap();
    let key = public.lines().nth(1).unwrap();
    let proof = format!(
        "[[proof]]\nfile = \"pump.bin\"\nsignature = \"pump.minisig\"\nminisign = \"{key}\"\n"
    );
    let said = office.adopt(&sheet("1", 1, &proof), files).await;
    assert!(said.contains("minisign signature"), "{said}");
    let refused = office
        .tries(&sheet("1", 1, &proof), &[("pump.bin", b"pump 2")])
        .await;
    let refused = refused.unwrap_err().text;
    assert!(refused.contains("does not hold for this file"), "{refused}");
    let other = proof.replace(
        key,
        "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
    );
    let refused = office
        .tries(&sheet("1", 1, &other), files)
        .await
        .unwrap_err();
    assert!(
        refused.text.contains("does not hold for this file"),
        "{}",
        refused.text
    );
}
