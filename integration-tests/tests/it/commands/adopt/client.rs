//! An independent TUF client, python-tuf, reads what we write.

use super::office::{Office, sheet};
use patchward_integration_tests::python;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Serves a folder on loopback, and says its port.
const SERVE: &str = "
import functools, http.server, sys
quiet = http.server.SimpleHTTPRequestHandler
quiet.log_message = lambda *_: None
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(quiet, directory=sys.argv[1]))
print(server.server_port, flush=True)
server.serve_forever()
";

/// Refreshes, downloads each target that is named, and prints its custom keys.
const READ: &str = "
import os, sys
from tuf.ngclient import Updater
base, folder, root, *paths = sys.argv[1:]
for name in ('metadata', 'targets'):
    os.makedirs(os.path.join(folder, name), exist_ok=True)
updater = Updater(metadata_dir=os.path.join(folder, 'metadata'), metadata_base_url=base + '/metadata/',
                  target_dir=os.path.join(folder, 'targets'), target_base_url=base + '/targets/',
                  bootstrap=open(root, 'rb').read())
updater.refresh()
for path in paths:
    info = updater.get_targetinfo(path)
    if info is None:
        sys.exit(path + ' is no target')
    with open(updater.download_target(info), 'rb') as file:
        print(path, file.read().decode(), sorted(info.unrecognized_fields.get('custom', {})))
";

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with the test, or was ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn python_tuf_reads_the_custodian_repository() {
    let python = python::TUF.program().unwrap();
    let office = Office::open().await;
    let checksums = office.write("sums", b"");
    std::fs::write(
        &checksums,
        format!(
            "{}  pump.bin\n",
            patchward_common::digest::Digest::of(b"pump 1")
        ),
    )
    .unwrap();
    let proof = "[[proof]]\nfile = \"pump.bin\"\nchecksums = \"sums\"\n";
    office
        .adopt(&sheet("1", 1, proof), &[("pump.bin", b"pump 1")])
        .await;
    office.sign_and_publish("").await;
    let folder = office.out("export");
    office
        .desk
        .ask(&format!("custodian export custodian {folder}"))
        .await;
    let mut serving = Command::new(&python)
        .args(["-c", SERVE, &folder])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(serving.stdout.take().unwrap())
        .read_line(&mut port)
        .unwrap();
    let _server = Server(serving);
    let base = format!("http://127.0.0.1:{}", port.trim());
    let (client, root) = (
        office.out("client"),
        office.write("pinned.json", &office.root),
    );
    let read = |path: &str| {
        let output = Command::new(&python)
            .args(["-c", READ, &base, &client, &root, path])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (
            output.status.success(),
            said + &String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (ok, said) = read("pump/pump.bin");
    assert!(ok, "{said}");
    assert_eq!(
        said.trim(),
        "pump/pump.bin pump 1 ['patchward', 'patchward_origin']"
    );
    // The proof lies beside it.
    let release = office.desk.json("release show pump 1").await;
    let kept = release["proofs"][0]["kept"].as_str().unwrap().to_owned();
    let (ok, said) = read(&format!("proofs/{kept}"));
    assert!(ok && said.contains("pump.bin"), "{said}");
    // It is a client that can refuse.
    let targets = std::path::Path::new(&folder).join("metadata/2.targets.json");
    let text = std::fs::read_to_string(&targets).unwrap();
    std::fs::write(&targets, text.replace("an engineer", "a stranger")).unwrap();
    std::fs::remove_dir_all(&client).unwrap();
    let (ok, said) = read("pump/pump.bin");
    assert!(!ok, "{said}");
}
