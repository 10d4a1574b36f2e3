//! The programs that are packed.

use super::{Package, root, run};
use crate::programs::Program;
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What stays in memory on a machine is built for its size (ADR 0036), all else for speed.
fn profile(program: &str) -> &'static str {
    match program {
        "patchward-agent" => "machine",
        _ => "release",
    }
}

/// Every program that is packed, package by package.
fn names() -> impl Iterator<Item = &'static str> {
    let programs = Package::ALL.into_iter().flat_map(Package::programs);
    programs.map(|(name, _)| *name)
}

/// Whether Rust's standard library for a target is here: without it, cargo fails in the
/// first crate, with words about `core`.
///
/// # Errors
/// What is missing and what brings it.
fn has_library(target: &str) -> anyhow::Result<()> {
    let asked = ["--print", "target-libdir", "--target", target];
    let folder = run(Command::new("rustc").args(asked).current_dir(root()))?;
    let entries = std::fs::read_dir(folder.trim()).into_iter().flatten();
    let mut names = entries.flatten().map(|entry| entry.file_name());
    if names.any(|name| name.to_string_lossy().starts_with("libstd-")) {
        return Ok(());
    }
    bail!(
        "Rust's standard library for {target} is not on this machine, so nothing was built; \
         `rustup target add {target}` brings it, and Debian's musl-tools the C compiler that \
         some crates need for a target of musl"
    )
}

/// Where each program lies.
#[derive(Clone, Debug)]
pub struct Programs {
    places: Vec<(&'static str, PathBuf)>,
    /// The target of Rust's that they were built for, where that is another than this system.
    pub(super) target: Option<String>,
}

impl Programs {
    /// Builds what these packages hold, as a release, for this machine's system or for another
    /// target of Rust's. Each crate is built by itself: built together, Cargo would give one
    /// what only another asks for, and the bill of materials would not tell it.
    ///
    /// # Errors
    /// Where the target's standard library is not here, or cargo cannot build one; its
    /// messages went to standard error.
    pub fn release(
        packages: &[Package],
        folder: &Path,
        target: Option<&str>,
    ) -> anyhow::Result<Self> {
        target.map_or(Ok(()), has_library)?;
        let programs = packages.iter().flat_map(|package| package.programs());
        let mut places = Vec::new();
        for (name, _) in programs {
            let profile = profile(name);
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
            cargo
                .args(["build", "--locked", "--profile", profile, "--package", name])
                .args(target.iter().flat_map(|target| ["--target", target]))
                .arg("--target-dir")
                .arg(folder)
                .current_dir(root());
            let status = cargo.status().context("starting cargo")?;
            if !status.success() {
                bail!("{name} could not be built");
            }
            let built = folder.join(target.unwrap_or_default());
            places.push((*name, built.join(profile).join(name)));
        }
        Ok(Self {
            places,
            target: target.map(str::to_owned),
        })
    }

    /// Those of a folder, as they are.
    pub fn of_folder(folder: &Path) -> Self {
        Self {
            places: names().map(|name| (name, folder.join(name))).collect(),
            target: None,
        }
    }

    /// Those that the tests run, built as this very process is.
    ///
    /// # Errors
    /// Where cargo cannot build them.
    pub fn of_tests() -> anyhow::Result<Self> {
        let all = [
            Program::Agent,
            Program::Installer,
            Program::DeviceProbe,
            Program::Notice,
            Program::Collector,
            Program::Sign,
        ];
        let found = names().zip(all);
        let found = found.map(|(name, program)| Ok((name, program.path()?)));
        Ok(Self {
            places: found.collect::<anyhow::Result<_>>()?,
            target: None,
        })
    }

    /// Whether they bring all that they need, the C library too.
    pub(super) fn are_static(&self) -> bool {
        let target = self.target.as_deref();
        target.is_some_and(|target| target.ends_with("-musl"))
    }

    /// Where one lies.
    pub(super) fn path(&self, name: &str) -> anyhow::Result<&Path> {
        let found = self.places.iter().find(|(one, _)| *one == name);
        let (_, path) = found.with_context(|| format!("{name} is no program that is packed"))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_without_its_library_is_explained_before_anything_is_built() {
        // Nobody has that one.
        let target = Some("powerpc64-unknown-linux-musl");
        let folder = tempfile::tempdir().unwrap();
        let error = Programs::release(&[Package::Agent], folder.path(), target).unwrap_err();
        assert!(error.to_string().contains("rustup target add"), "{error}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
