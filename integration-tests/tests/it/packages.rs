//! The packages as hospitals get them, but of the programs that the tests run: what they hold,
//! what Debian's checker says of them, what their scripts do in a root of their own.

mod bill;
mod files;
mod scripts;

use patchward_integration_tests::packages::{self, Effort, Package, Programs, Tree, VERSION};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// When all of these packages say that they were made.
const DATE: i64 = 1_795_400_000;

/// A package that is laid out and packed; once for all tests.
struct Made {
    tree: Tree,
    deb: PathBuf,
    // It goes with the process.
    folder: tempfile::TempDir,
}

fn make(package: Package) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let programs = Programs::of_tests().unwrap();
    let tree = packages::lay_out(package, &programs, folder.path(), DATE).unwrap();
    let deb = packages::deb(&tree, VERSION, Effort::Least, folder.path()).unwrap();
    Made { tree, deb, folder }
}

fn made(package: Package) -> &'static Made {
    static AGENT: LazyLock<Made> = LazyLock::new(|| make(Package::Agent));
    static COLLECTOR: LazyLock<Made> = LazyLock::new(|| make(Package::Collector));
    match package {
        Package::Agent => &AGENT,
        Package::Collector => &COLLECTOR,
    }
}

/// What stands in the repository.
fn source(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(below)
}

/// Runs a program and gives back what it says.
#[track_caller]
fn say(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; `cargo test-needs` installs what the tests need")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}: {said}{errors}");
    said.into_owned()
}
