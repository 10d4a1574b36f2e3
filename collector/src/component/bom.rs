//! A release's bill of materials: CycloneDX or SPDX 2 in JSON, read into what it brings.
//! Bytes from outside: bounded, and refused as a whole where a part makes no sense.

use packageurl::PackageUrl;
use patchward_common::component::{Component, MAX_FIELD_BYTES, Source};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::str::FromStr;

/// Largest file: a full distribution's bill with hashes and licences has some 15 MB.
pub const MAX_BOM_BYTES: usize = 32 * 1024 * 1024;
/// Most components of one release, as of one machine.
pub const MAX_BOM_COMPONENTS: usize = 20_000;
/// Longest package URL that is kept: with name, version and release it is one key of the store,
/// and PostgreSQL refuses a key of more than some 2,700 bytes.
const MAX_PURL_BYTES: usize = 1_500;

/// What a bill says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bom {
    /// The format and its version, for people.
    pub format: String,
    /// What the release brings, sorted, without duplicates.
    pub brings: Vec<Brought>,
}

/// One component of a release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Brought {
    /// In whose order its versions are.
    pub source: Source,
    /// Its name.
    pub name: String,
    /// Its version; empty where the bill says none.
    pub version: String,
    /// Its package URL, where the bill has one.
    pub purl: String,
}

impl Brought {
    /// The same as a component, for questions.
    pub fn component(&self) -> Component {
        Component {
            source: self.source,
            name: self.name.clone(),
            version: self.version.clone(),
            arch: String::new(),
        }
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    #[serde(rename = "specVersion")]
    spec_version: Option<String>,
    #[serde(rename = "spdxVersion")]
    spdx_version: Option<String>,
    #[serde(default)]
    components: Vec<Part>,
    #[serde(default)]
    packages: Vec<Package>,
}

/// A component of CycloneDX.
#[derive(Deserialize)]
struct Part {
    name: String,
    group: Option<String>,
    version: Option<String>,
    purl: Option<String>,
    #[serde(default)]
    components: Vec<Part>,
}

/// A package of SPDX.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    name: String,
    version_info: Option<String>,
    #[serde(default)]
    external_refs: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

/// Reads a bill.
///
/// # Errors
/// What is wrong with it, for who handed it in.
pub fn read(bytes: &[u8]) -> Result<Bom, String> {
    if bytes.len() > MAX_BOM_BYTES {
        return Err(format!(
            "a bill of materials has up to {MAX_BOM_BYTES} bytes"
        ));
    }
    // What is nested deeper than 128 levels is refused by the parser.
    let file: File = serde_json::from_slice(bytes)
        .map_err(|error| format!("it is no CycloneDX and no SPDX 2 in JSON: {error}"))?;
    let mut brings = BTreeSet::new();
    let format = match (&file.bom_format, &file.spdx_version) {
        (Some(format), None) if format == "CycloneDX" => {
            parts(&file.components, &mut brings)?;
            format!("CycloneDX {}", file.spec_version.as_deref().unwrap_or("?"))
        }
        (None, Some(version)) if version.starts_with("SPDX-2.") => {
            for package in &file.packages {
                take(&mut brings, of_package(package)?)?;
            }
            version.clone()
        }
        _ => {
            return Err(
                "it says neither bomFormat \"CycloneDX\" nor an spdxVersion of 2; ask the vendor \
                 for one of these in JSON"
                    .to_owned(),
            );
        }
    };
    // The format's version goes into tables.
    let format: String = format
        .chars()
        .filter(|c| !c.is_control())
        .take(32)
        .collect();
    Ok(Bom {
        format,
        brings: brings.into_iter().collect(),
    })
}

fn parts(these: &[Part], brings: &mut BTreeSet<Brought>) -> Result<(), String> {
    for part in these {
        let name = match part.group.as_deref().filter(|group| !group.is_empty()) {
            Some(group) => format!("{group}/{}", part.name),
            None => part.name.clone(),
        };
        let version = part.version.as_deref().unwrap_or_default();
        let purl = part.purl.as_deref().unwrap_or_default();
        take(brings, brought(name, version, purl)?)?;
        parts(&part.components, brings)?;
    }
    Ok(())
}

fn of_package(package: &Package) -> Result<Brought, String> {
    let purls = package.external_refs.iter();
    let mut purls = purls.filter(|reference| reference.reference_type == "purl");
    let purl = purls.next().map_or("", |one| &one.reference_locator);
    let version = package.version_info.as_deref().unwrap_or_default();
    brought(package.name.clone(), version, purl)
}

fn take(brings: &mut BTreeSet<Brought>, one: Brought) -> Result<(), String> {
    brings.insert(one);
    match brings.len() > MAX_BOM_COMPONENTS {
        true => Err(format!(
            "it lists more than {MAX_BOM_COMPONENTS} components"
        )),
        false => Ok(()),
    }
}

/// A package URL of a distribution says name and version as its package manager writes them.
fn brought(name: String, version: &str, purl: &str) -> Result<Brought, String> {
    let mut one = Brought {
        source: Source::Probe,
        name,
        version: version.to_owned(),
        purl: purl.to_owned(),
    };
    if let Ok(url) = PackageUrl::from_str(purl) {
        let source = match url.ty() {
            "deb" => Some(Source::Deb),
            "rpm" => Some(Source::Rpm),
            _ => None,
        };
        if let Some(source) = source {
            one.source = source;
            one.name = url.name().to_owned();
            if let Some(version) = url.version() {
                let epoch = url.qualifiers().get("epoch");
                one.version = match epoch.filter(|epoch| *epoch != "0") {
                    Some(epoch) => format!("{epoch}:{version}"),
                    None => version.to_owned(),
                };
            }
        }
    }
    let fields = [("name", &one.name), ("version", &one.version)];
    for (field, text) in fields {
        if text.len() > MAX_FIELD_BYTES || text.chars().any(char::is_control) {
            let begin: String = one.name.chars().take(64).collect();
            return Err(format!(
                "the {field} of {begin:?} is longer than {MAX_FIELD_BYTES} bytes, or holds a \
                 control character"
            ));
        }
    }
    if one.name.is_empty() || purl.len() > MAX_PURL_BYTES || purl.chars().any(char::is_control) {
        return Err(format!(
            "a component has no name, or a package URL that is none or is longer than \
             {MAX_PURL_BYTES} bytes"
        ));
    }
    Ok(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_say_what_a_release_brings() {
        let cyclone = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
            {"type":"library","name":"openssl","version":"3.0.7",
             "purl":"pkg:rpm/redhat/openssl@3.0.7-25.el9?epoch=1&arch=x86_64"},
            {"name":"viewer","version":"2.1","components":[
                {"group":"org.acme","name":"codec","version":"1.0.0"}]},
            {"name":"viewer","version":"2.1"},
            {"name":"nameless-version"}]}"#;
        let bom = read(cyclone).unwrap();
        assert_eq!(bom.format, "CycloneDX 1.5");
        let rows: Vec<_> = bom
            .brings
            .iter()
            .map(|one| (one.source.word(), one.name.as_str(), one.version.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                ("rpm", "openssl", "1:3.0.7-25.el9"),
                ("probe", "nameless-version", ""),
                ("probe", "org.acme/codec", "1.0.0"),
                ("probe", "viewer", "2.1"),
            ]
        );
        let spdx = br#"{"spdxVersion":"SPDX-2.3","packages":[
            {"name":"ssl","versionInfo":"x","externalRefs":[{"referenceCategory":
             "PACKAGE-MANAGER","referenceType":"purl","referenceLocator":
             "pkg:deb/debian/openssl@3.0.11-1"}]},{"name":"app","versionInfo":"7"}]}"#;
        let bom = read(spdx).unwrap();
        assert_eq!((bom.format.as_str(), bom.brings.len()), ("SPDX-2.3", 2));
        let first = &bom.brings[0];
        assert_eq!(
            (first.name.as_str(), &*first.version),
            ("openssl", "3.0.11-1")
        );
    }

    #[test]
    fn what_is_no_bill_is_refused_as_a_whole() {
        let deep = "[".repeat(200);
        let nested = format!("{}{}", r#"{"components":["#.repeat(60), "x");
        let long = "x".repeat(MAX_FIELD_BYTES + 1);
        let long = format!(r#"{{"bomFormat":"CycloneDX","components":[{{"name":"{long}"}}]}}"#);
        for text in [
            "",
            "{}",
            "[]",
            r#"{"bomFormat":"Other"}"#,
            r#"{"spdxVersion":"SPDX-3.0"}"#,
            r#"{"bomFormat":"CycloneDX","spdxVersion":"SPDX-2.3"}"#,
            r#"{"bomFormat":"CycloneDX","components":[{}]}"#,
            r#"{"bomFormat":"CycloneDX","components":[{"name":""}]}"#,
            r#"{"bomFormat":"CycloneDX","components":[{"name":"a\u001bb"}]}"#,
            &deep,
            &nested,
            &long,
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text:.60}");
        }
        let purl = |length: usize| {
            let purl = format!("pkg:generic/{}", "x".repeat(length - 12));
            let row = format!(r#"{{"name":"a","purl":"{purl}"}}"#);
            read(format!(r#"{{"bomFormat":"CycloneDX","components":[{row}]}}"#).as_bytes())
        };
        assert!(purl(MAX_PURL_BYTES).is_ok());
        assert!(purl(MAX_PURL_BYTES + 1).unwrap_err().contains("1500"));
        let row = r#"{"name":"a","version":"VERSION"},"#;
        let rows: String = (0..=MAX_BOM_COMPONENTS)
            .map(|number| row.replace("VERSION", &number.to_string()))
            .collect();
        let rows = rows.trim_end_matches(',');
        let many = format!(r#"{{"bomFormat":"CycloneDX","components":[{rows}]}}"#);
        assert!(read(many.as_bytes()).unwrap_err().contains("more than"));
    }
}
