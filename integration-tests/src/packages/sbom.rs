//! What the programs of a package are made of: a bill of materials (CycloneDX 1.6) in the
//! package, and in each program itself, in the section and form that cargo-auditable writes
//! and scanners of programs read. Both are made of what `cargo tree` says of the very build:
//! crates that are linked, not those that only build or expand.

use super::{Package, VERSION, root, run};
use anyhow::{Context as _, bail};
use patchward_common::time::{SECOND_MS, UtcMs};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// The section of a program that says what it is made of.
pub const SECTION: &str = ".dep-v0";
/// How hard zlib tries.
const LEVEL: u8 = 9;

/// A crate in one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The crates of one program: each with those that it needs.
pub type Parts = BTreeMap<Part, BTreeSet<Part>>;

/// What is known of a crate beside its name.
#[derive(Clone, Debug, Default)]
struct Known {
    licence: Option<String>,
    sha256: Option<String>,
}

/// The bill of a package.
#[derive(Clone, Debug)]
pub struct Bill {
    package: Package,
    programs: BTreeMap<&'static str, Parts>,
    known: BTreeMap<Part, Known>,
}

impl Bill {
    /// Asks cargo what the programs of a package are made of, built for this system or for
    /// another target of Rust's.
    ///
    /// # Errors
    /// Where cargo does not say.
    pub fn of(package: Package, target: Option<&str>) -> anyhow::Result<Self> {
        let host = run(Command::new("rustc")
            .args(["--print", "host-tuple"])
            .current_dir(root()))?;
        let target = target.unwrap_or(host.trim());
        let mut programs = BTreeMap::new();
        for (name, _) in package.programs() {
            programs.insert(*name, parts(name, target)?);
        }
        Ok(Self {
            package,
            programs,
            known: known(target)?,
        })
    }

    /// What a program is made of.
    ///
    /// # Errors
    /// Where the package has no such program.
    pub fn parts(&self, program: &str) -> anyhow::Result<&Parts> {
        let found = self.programs.get(program);
        found.with_context(|| format!("{program} is in another package"))
    }

    /// What stands in a program.
    ///
    /// # Errors
    /// Where the package has no such program.
    pub fn embedded(&self, program: &str) -> anyhow::Result<Vec<u8>> {
        let parts = self.parts(program)?;
        let place: BTreeMap<&Part, usize> = parts.keys().zip(0..).collect();
        let described = parts.iter().map(|(part, needs)| {
            let source = match self.is_ours(part) {
                true => "local",
                false => "crates.io",
            };
            let needs: Vec<usize> = needs
                .iter()
                .filter_map(|one| place.get(one).copied())
                .collect();
            let mut one = json!({"name": part.name, "version": part.version, "source": source});
            if !needs.is_empty() {
                one["dependencies"] = needs.into();
            }
            if part.name == program {
                one["root"] = true.into();
            }
            one
        });
        let all = json!({ "packages": described.collect::<Vec<_>>() });
        let text = serde_json::to_vec(&all)?;
        Ok(miniz_oxide::deflate::compress_to_vec_zlib(&text, LEVEL))
    }

    /// The bill as a file, of this second.
    ///
    /// # Errors
    /// None that is known: values of ours are written.
    pub fn to_bytes(&self, date: i64) -> anyhow::Result<Vec<u8>> {
        let mut all = Parts::new();
        for parts in self.programs.values() {
            for (part, needs) in parts {
                all.entry(part.clone()).or_default().extend(needs.clone());
            }
        }
        let name = self.package.name();
        let programs: Vec<String> = all
            .keys()
            .filter(|part| self.programs.contains_key(part.name.as_str()))
            .map(reference)
            .collect();
        let mut needs = vec![json!({ "ref": name, "dependsOn": programs })];
        needs.extend(all.iter().map(|(part, needs)| {
            let needs: Vec<String> = needs.iter().map(reference).collect();
            json!({ "ref": reference(part), "dependsOn": needs })
        }));
        let bill = json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {
                "timestamp": UtcMs(date * SECOND_MS).to_string(),
                "component": {
                    "type": "application",
                    "bom-ref": name,
                    "name": name,
                    "version": VERSION,
                },
            },
            "components": all.keys().map(|part| self.described(part)).collect::<Vec<_>>(),
            "dependencies": needs,
        });
        let mut bytes = serde_json::to_vec_pretty(&bill)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn is_ours(&self, part: &Part) -> bool {
        self.known
            .get(part)
            .is_none_or(|known| known.sha256.is_none())
    }

    fn described(&self, part: &Part) -> Value {
        let kind = match self.programs.contains_key(part.name.as_str()) {
            true => "application",
            false => "library",
        };
        let known = self.known.get(part).cloned().unwrap_or_default();
        let mut one = json!({
            "type": kind,
            "bom-ref": reference(part),
            "name": part.name,
            "version": part.version,
        });
        if let Some(licence) = known.licence {
            // As it was written before SPDX had expressions.
            let licence = licence.replace('/', " OR ");
            one["licenses"] = json!([{ "expression": licence }]);
        }
        if let Some(sha256) = known.sha256 {
            one["purl"] = reference(part).into();
            one["hashes"] = json!([{ "alg": "SHA-256", "content": sha256 }]);
        }
        one
    }
}

/// The package URL, in which a plus means something else.
fn reference(part: &Part) -> String {
    format!(
        "pkg:cargo/{}@{}",
        part.name,
        part.version.replace('+', "%2B")
    )
}

fn cargo(arguments: &[&str]) -> anyhow::Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    run(Command::new(cargo)
        .args(arguments)
        .arg("--locked")
        .current_dir(root()))
}

/// What a program is linked of.
fn parts(program: &str, target: &str) -> anyhow::Result<Parts> {
    let words = ["tree", "--package", program, "--target", target, "--edges"];
    let which = [
        "normal,no-proc-macro",
        "--prefix",
        "depth",
        "--format",
        "{p}",
    ];
    let told = cargo(&[&words[..], &which].concat())?;
    read_tree(&told)
}

/// Reads what `cargo tree --prefix depth` says: how deep a crate stands, its name, its version.
fn read_tree(told: &str) -> anyhow::Result<Parts> {
    let mut parts = Parts::new();
    let mut above: Vec<Part> = Vec::new();
    for line in told.lines() {
        let strange = || format!("cargo tree gave a row of another shape: {line:?}");
        let digits = line.find(|c: char| !c.is_ascii_digit());
        let (depth, rest) = line.split_at(digits.with_context(strange)?);
        let depth: usize = depth.parse().with_context(strange)?;
        let mut words = rest.split(' ');
        let name = words.next().with_context(strange)?.to_owned();
        let version = words.next().and_then(|word| word.strip_prefix('v'));
        let version = version.with_context(strange)?.to_owned();
        if depth > above.len() {
            bail!(strange());
        }
        above.truncate(depth);
        let part = Part { name, version };
        parts.entry(part.clone()).or_default();
        if let Some(needs) = above.last().and_then(|needs| parts.get_mut(needs)) {
            needs.insert(part.clone());
        }
        above.push(part);
    }
    Ok(parts)
}

/// Licences, as the crates say them, and digests, as Cargo.lock holds them.
fn known(target: &str) -> anyhow::Result<BTreeMap<Part, Known>> {
    // Of other systems' crates nothing is linked, and they need not be fetched.
    let which = ["metadata", "--format-version", "1", "--filter-platform"];
    let told = cargo(&[&which[..], &[target]].concat())?;
    let metadata: Value = serde_json::from_str(&told).context("cargo writes JSON")?;
    let mut known: BTreeMap<Part, Known> = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let text = |key: &str| package[key].as_str().map(str::to_owned);
        if let (Some(name), Some(version)) = (text("name"), text("version")) {
            let one = known.entry(Part { name, version }).or_default();
            one.licence = text("license");
        }
    }
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))?;
    for section in lock.split("[[package]]").skip(1) {
        let text = |key: &str| {
            let mut lines = section.lines();
            let value =
                lines.find_map(|line| line.strip_prefix(&format!("{key} = \""))?.strip_suffix('"'));
            value.map(str::to_owned)
        };
        if let (Some(name), Some(version)) = (text("name"), text("version")) {
            let one = known.entry(Part { name, version }).or_default();
            one.sha256 = text("checksum");
        }
    }
    Ok(known)
}

/// Puts what a program is made of into it.
///
/// # Errors
/// Where objcopy refuses.
pub fn embed(parts: &[u8], program: &Path) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("parts");
    std::fs::write(&file, parts)?;
    run(Command::new("objcopy")
        .arg("--add-section")
        .arg(format!("{SECTION}={}", file.display()))
        .args(["--set-section-flags", &format!("{SECTION}=noload,readonly")])
        .arg(program))
    .map(drop)
}

/// What a program says that it is made of.
///
/// # Errors
/// Where it says nothing, or what nobody can read.
pub fn embedded(program: &Path) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("parts");
    run(Command::new("objcopy")
        .arg("--dump-section")
        .arg(format!("{SECTION}={}", file.display()))
        .arg(program)
        // Without a second name it would write the program anew.
        .arg(folder.path().join("copy")))?;
    let text = miniz_oxide::inflate::decompress_to_vec_zlib(&std::fs::read(&file)?);
    let text = text.map_err(|error| anyhow::anyhow!("{}: {error}", program.display()))?;
    serde_json::from_slice(&text).context("what stands in the program")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, version: &str) -> Part {
        Part {
            name: name.to_owned(),
            version: version.to_owned(),
        }
    }

    #[test]
    fn a_tree_is_read_with_who_needs_whom() {
        let told = "0a v1.0.0 (/somewhere)\n1b v2.0.0\n2c v3.0.0\n1d v4.0.0+x\n2c v3.0.0 (*)\n";
        let parts = read_tree(told).unwrap();
        let (b, c, d) = (part("b", "2.0.0"), part("c", "3.0.0"), part("d", "4.0.0+x"));
        assert_eq!(
            parts[&part("a", "1.0.0")],
            BTreeSet::from([b.clone(), d.clone()])
        );
        assert_eq!(parts[&b], BTreeSet::from([c.clone()]));
        assert_eq!(parts[&d], BTreeSet::from([c.clone()]));
        assert_eq!(parts[&c], BTreeSet::new());
        for strange in ["a v1", "0a", "0a 1.0", "2a v1.0.0"] {
            assert!(read_tree(strange).is_err(), "{strange}");
        }
    }
}
