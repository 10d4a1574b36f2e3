//! The programs that are packed.

use super::root;
use crate::programs::Program;
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The profile of what stays in memory on a machine (ADR 0036), and that of all else.
const PROFILES: [(&str, &str); 5] = [
    ("patchward-agent", "machine"),
    ("patchward-installer", "release"),
    ("patchward-device-probe", "release"),
    ("patchward-collector", "release"),
    ("patchward-sign", "release"),
];

/// Where each program lies.
#[derive(Clone, Debug)]
pub struct Programs(Vec<(&'static str, PathBuf)>);

impl Programs {
    /// Builds a release. Each crate is built by itself: built together, Cargo would give one
    /// what only another asks for, and the bill of materials would not tell it.
    ///
    /// # Errors
    /// Where cargo cannot build one; its messages went to standard error.
    pub fn release(target: &Path) -> anyhow::Result<Self> {
        let mut programs = Vec::new();
        for (name, profile) in PROFILES {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
            cargo
                .args(["build", "--locked", "--profile", profile, "--package", name])
                .arg("--target-dir")
                .arg(target)
                .current_dir(root());
            let status = cargo.status().context("starting cargo")?;
            if !status.success() {
                bail!("{name} could not be built");
            }
            programs.push((name, target.join(profile).join(name)));
        }
        Ok(Self(programs))
    }

    /// Those of a folder, as they are.
    pub fn of_folder(folder: &Path) -> Self {
        let place = |(name, _)| (name, folder.join(name));
        Self(PROFILES.map(place).to_vec())
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
            Program::Collector,
            Program::Sign,
        ];
        let places = PROFILES.into_iter().zip(all);
        let found = places.map(|((name, _), program)| Ok((name, program.path()?)));
        found.collect::<anyhow::Result<_>>().map(Self)
    }

    /// Where one lies.
    pub(super) fn path(&self, name: &str) -> anyhow::Result<&Path> {
        let found = self.0.iter().find(|(one, _)| *one == name);
        let (_, path) = found.with_context(|| format!("{name} is no program that is packed"))?;
        Ok(path)
    }
}
