//! A recipe: a root-owned file of this machine fixes every command. The approval names
//! it by the SHA-256 of its bytes, so a changed recipe runs nothing.

use super::{Caller, Kind, Part, Site, ask, word};
use crate::trusted;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::settings;
use patchward_common::trust::release::{ABSENT, RecipeKind, ReleaseDescription, is_plain_version};
use serde::Deserialize;
use std::path::Path;

/// What may stand in braces inside a word of a recipe.
const PLACEHOLDERS: [&str; 3] = ["{artifact}", "{version}", "{job_dir}"];

/// The file's content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Installs.
    install: Vec<String>,
    /// Prints the version on its first line; nothing where the product is absent.
    version: Vec<String>,
    /// Must end with 0 afterwards.
    check: Option<Vec<String>>,
    /// Brings a cut-off install into a known state.
    recover: Option<Vec<String>>,
    /// Goes back to the version before, which is `{version}` there.
    rollback: Option<Vec<String>>,
}

impl Words {
    /// Reads the file's text; the error is for people.
    pub fn read(text: &str) -> Result<Self, String> {
        let words: Self = settings::parse(text).map_err(|error| error.to_string())?;
        words.check()?;
        Ok(words)
    }

    /// Every command that is there.
    pub fn commands(&self) -> impl Iterator<Item = &Vec<String>> {
        let optional = [&self.check, &self.recover, &self.rollback];
        let all = [&self.install, &self.version].into_iter();
        all.chain(optional.into_iter().flatten())
    }

    fn check(&self) -> Result<(), String> {
        for argv in self.commands() {
            if !argv.first().is_some_and(|program| program.starts_with('/')) {
                return Err("every command begins with an absolute path".to_owned());
            }
            for word in argv {
                if word.contains('\0') {
                    return Err(format!("{word:?}: no program takes a word with NUL in it"));
                }
                let rest = PLACEHOLDERS
                    .iter()
                    .fold(word.clone(), |word, p| word.replace(p, ""));
                if rest.contains(['{', '}']) {
                    return Err(format!(
                        "{word:?}: only {} may stand in braces",
                        PLACEHOLDERS.join(" ")
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The digest of the recipe of this name as it lies here; `None` where there is none
/// that only root can have written.
pub fn installed(folder: &Path, name: &Name) -> Option<Digest> {
    let text = trusted::read(&folder.join(format!("{name}.toml")));
    let text = text.inspect_err(|error| tracing::warn!(recipe = %name, %error, "not a recipe"));
    text.ok().map(|text| Digest::of(text.as_bytes()))
}

/// A recipe release on this machine.
pub(super) struct Recipe {
    words: Words,
    artifact: String,
    job_dir: String,
    version: String,
    /// What a rollback installs, where the approval has it.
    back: Option<String>,
    asker: Caller,
}

impl Recipe {
    /// Reads the recipe and compares its digest with the approval's.
    pub(super) fn load(
        site: &Site<'_>,
        declared: &RecipeKind,
        release: &ReleaseDescription,
        back: Option<&ReleaseDescription>,
    ) -> Result<Self, String> {
        let path = site.recipes_dir.join(format!("{}.toml", declared.name));
        let text = trusted::read(&path).map_err(|error| error.to_string())?;
        let found = Digest::of(text.as_bytes());
        if found != declared.sha256 {
            return Err(format!(
                "{} is not the approved recipe: its SHA-256 is {found}, approved is {}",
                path.display(),
                declared.sha256
            ));
        }
        let words = Words::read(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let first = |release: &ReleaseDescription| {
            let first = release.artifacts.first();
            first.map(|artifact| word(&site.artifact(artifact.sha256)))
        };
        Ok(Self {
            artifact: first(release).ok_or("a recipe needs an artifact")?,
            back: back.and_then(first),
            job_dir: word(&site.job_dir),
            version: release.version.clone(),
            words,
            asker: site.asker,
        })
    }

    /// Replaces what stands in braces; each stays within its word.
    fn fill(&self, argv: &[String], artifact: &str, version: &str) -> Vec<String> {
        let values = [artifact, version, &self.job_dir];
        argv.iter()
            .map(|word| {
                match PLACEHOLDERS
                    .iter()
                    .position(|placeholder| word == placeholder)
                {
                    Some(at) => values[at].to_owned(),
                    None => PLACEHOLDERS
                        .iter()
                        .zip(values)
                        .fold(word.clone(), |word, (placeholder, value)| {
                            word.replace(placeholder, value)
                        }),
                }
            })
            .collect()
    }
}

impl Kind for Recipe {
    fn version(&self) -> Result<String, String> {
        let argv = self.fill(&self.words.version, &self.artifact, &self.version);
        let said = ask(&argv, self.asker)?;
        let first = said.lines().next().unwrap_or_default().trim();
        match first {
            "" | ABSENT => Ok(ABSENT.to_owned()),
            version if is_plain_version(version) => Ok(version.to_owned()),
            _ => Err("the recipe's `version` printed what is no version".to_owned()),
        }
    }

    fn simulate(&self) -> Result<(), String> {
        Ok(())
    }

    fn steps(&self) -> Vec<Part> {
        let argv = self.fill(&self.words.install, &self.artifact, &self.version);
        vec![Part::new("install", argv, true)]
    }

    fn back(&self, before: &str) -> Vec<Part> {
        let artifact = self.back.as_deref().unwrap_or(&self.artifact);
        let part = |name, argv: &Option<Vec<String>>| {
            let argv = argv.as_ref()?;
            Some(Part::new(name, self.fill(argv, artifact, before), true))
        };
        let parts = [
            part("recover", &self.words.recover),
            part("rollback", &self.words.rollback),
        ];
        parts.into_iter().flatten().collect()
    }

    fn check(&self) -> Option<Vec<String>> {
        let argv = self.words.check.as_ref()?;
        Some(self.fill(argv, &self.artifact, &self.version))
    }
}

#[cfg(test)]
mod tests;
