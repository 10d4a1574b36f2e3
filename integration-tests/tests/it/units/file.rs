//! What is shipped below `systemd/`, one tree for each package, read as text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The trees, each of one package.
pub(super) const PACKAGES: [&str; 2] = ["agent", "collector"];

/// One unit.
pub(super) struct Unit {
    /// Such as `patchward-agent.service`.
    pub(super) name: String,
    /// The package that it comes with.
    pub(super) package: &'static str,
    /// Where it lies here.
    pub(super) path: PathBuf,
    text: String,
}

impl Unit {
    /// Every value of a key, in order.
    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.text.lines().filter_map(|line| line.split_once('='));
        pairs.filter_map(move |(found, value)| (found == key).then_some(value))
    }

    /// The value of a key that stands there once.
    pub(super) fn one<'a>(&'a self, key: &'a str) -> &'a str {
        let mut values = self.all(key);
        let value = values
            .next()
            .unwrap_or_else(|| panic!("{} has no {key}", self.name));
        assert!(values.next().is_none(), "{} has {key} twice", self.name);
        value
    }

    /// Every key that stands in it.
    pub(super) fn directives(&self) -> BTreeSet<&str> {
        let lines = self.text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once('='));
        pairs.map(|(key, _)| key).collect()
    }

    /// Whether it runs a program.
    pub(super) fn is_service(&self) -> bool {
        self.name.ends_with(".service")
    }

    /// The words that it starts.
    pub(super) fn command(&self) -> Vec<&str> {
        self.one("ExecStart").split_whitespace().collect()
    }
}

/// The top of one package's tree.
pub(super) fn tree(package: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../systemd")
        .join(package)
}

/// Every unit that is shipped.
pub(super) fn units() -> Vec<Unit> {
    let mut units = Vec::new();
    for package in PACKAGES {
        for path in files(&tree(package).join("usr/lib/systemd/system")) {
            units.push(Unit {
                name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                package,
                text: std::fs::read_to_string(&path).unwrap(),
                path,
            });
        }
    }
    units
}

/// The unit of this name.
pub(super) fn unit(name: &str) -> Unit {
    let unit = units().into_iter().find(|unit| unit.name == name);
    unit.unwrap_or_else(|| panic!("{name} is not shipped"))
}

/// The lines of a package's `sysusers.d` or `tmpfiles.d`, as their fields.
pub(super) fn lines(package: &str, kind: &str) -> Vec<Vec<String>> {
    let files = files(&tree(package).join("usr/lib").join(kind));
    assert_eq!(files.len(), 1, "{package} has one file in {kind}");
    let text = std::fs::read_to_string(&files[0]).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
