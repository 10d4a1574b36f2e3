//! A package as it is installed, laid out in a folder.

use super::{Package, Programs, VERSION, filter, pages, root, run, sbom};
use anyhow::Context as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who answers for the packages; `Cargo.toml` names the same, which lintian holds.
const MAINTAINER: &str = "Patchward <packages@patchward.example>";

/// A package that is laid out.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Which.
    pub package: Package,
    /// The folder that stands for `/`.
    pub folder: PathBuf,
    /// What stands as time in the package, in seconds.
    pub date: i64,
    /// Whether its programs bring all that they need.
    pub is_static: bool,
}

/// Lays a package out below `folder`, in a folder with its name.
///
/// # Errors
/// Where a program or a file of it is missing.
pub fn lay_out(
    package: Package,
    programs: &Programs,
    folder: &Path,
    date: i64,
) -> anyhow::Result<Tree> {
    let tree = Tree {
        package,
        folder: folder.join(package.name()),
        date,
        is_static: programs.are_static(),
    };
    match std::fs::remove_dir_all(&tree.folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let bill = sbom::Bill::of(package, programs.target.as_deref())?;
    for (name, place) in package.programs() {
        let place = format!("{place}/{name}");
        tree.put(&place, &std::fs::read(programs.path(name)?)?, 0o755)?;
        let place = tree.folder.join(&place);
        // A release has nothing to strip; tests pack what has.
        run(Command::new("strip").arg(&place))?;
        sbom::embed(&bill.embedded(name)?, &place)?;
        if let Some((command, section)) = pages::command(name) {
            tree.pages(name, &command, section)?;
        }
    }
    let units = root().join("systemd").join(package.folder());
    for file in files(&units)? {
        let bytes = std::fs::read(units.join(&file))?;
        tree.put(&file, &bytes, 0o644)?;
    }
    tree.settings()?;
    tree.documents(&bill)?;
    Ok(tree)
}

impl Tree {
    fn put(&self, place: &str, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
        let path = self.folder.join(place);
        if let Some(above) = path.parent() {
            std::fs::create_dir_all(above)?;
        }
        std::fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        Ok(std::fs::set_permissions(
            path,
            Permissions::from_mode(mode),
        )?)
    }

    /// Puts a file compressed, in the way that gives the same bytes every time.
    fn put_small(&self, place: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let small = filter(Command::new("gzip").args(["-9", "-n"]), bytes)?;
        self.put(&format!("{place}.gz"), &small, 0o644)
    }

    fn pages(&self, name: &str, command: &clap::Command, section: &str) -> anyhow::Result<()> {
        for (path, text) in pages::man(command.clone(), section)? {
            self.put_small(&format!("usr/share/man/{path}"), &text)?;
        }
        for (path, text) in pages::completions(name, command) {
            self.put(&format!("usr/share/{path}"), &text, 0o644)?;
        }
        Ok(())
    }

    fn doc(&self, below: &str) -> String {
        format!("usr/share/doc/{}/{below}", self.package.name())
    }

    /// The commented settings of what runs on a machine are settings there; all else of
    /// `configs/` are examples: the collector's settings lie in its own folder, where `init`
    /// writes them, a relay's in its own, and a probe counts as soon as it is installed.
    fn settings(&self) -> anyhow::Result<()> {
        let configs = root().join("configs");
        for file in files(&configs)? {
            let of = match file.as_str() {
                "collector.toml" | "relay.toml" => Package::Collector,
                // Alerts are of the collector's figures.
                _ if file.starts_with("prometheus/") => Package::Collector,
                _ => Package::Agent,
            };
            if of != self.package {
                continue;
            }
            let is_setting = of == Package::Agent && !file.contains('/');
            let place = match is_setting {
                true => format!("etc/patchward/{file}"),
                false => self.doc(&format!("examples/{file}")),
            };
            self.put(&place, &std::fs::read(configs.join(&file))?, 0o644)?;
        }
        Ok(())
    }

    fn documents(&self, bill: &sbom::Bill) -> anyhow::Result<()> {
        let name = self.package.name();
        let at = format!("@{}", self.date);
        let day = run(Command::new("date").args(["--utc", "--rfc-email", "--date", &at]))?;
        let log = format!(
            "{name} ({VERSION}) unstable; urgency=medium\n\n  * NEWS.gz says what is new in all of \
             Patchward.\n\n -- {MAINTAINER}  {}\n",
            day.trim()
        );
        let all = std::fs::read(root().join("CHANGELOG.md"))?;
        self.put_small(&self.doc("changelog"), log.as_bytes())?;
        self.put_small(&self.doc("NEWS"), &all)?;
        let licence = root().join("systemd/packaging/copyright");
        self.put(&self.doc("copyright"), &std::fs::read(licence)?, 0o644)?;
        let bytes = bill.to_bytes(self.date)?;
        self.put(&self.doc("sbom.cdx.json"), &bytes, 0o644)?;
        let overrides = root()
            .join("systemd/packaging")
            .join(self.package.folder())
            .join("lintian-overrides");
        if overrides.exists() {
            let place = format!("usr/share/lintian/overrides/{name}");
            self.put(&place, &std::fs::read(overrides)?, 0o644)?;
        }
        Ok(())
    }

    /// Every file that is installed, relative to `/`, in order.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn files(&self) -> anyhow::Result<Vec<String>> {
        files(&self.folder)
    }
}

/// Every file below a folder, relative to it, in order.
pub(super) fn files(folder: &Path) -> anyhow::Result<Vec<String>> {
    fn gather(top: &Path, folder: &Path, found: &mut Vec<String>) -> anyhow::Result<()> {
        let entries = std::fs::read_dir(folder);
        for entry in entries.with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                gather(top, &path, found)?;
            } else {
                let relative = path.strip_prefix(top)?.to_str();
                found.push(relative.context("a file has a plain name")?.to_owned());
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    gather(folder, folder, &mut found)?;
    found.sort_unstable();
    Ok(found)
}
