//! Packages of an archive, and of a machine's dpkg status file.

use super::relation::{Group, groups};
use super::stanza::{Stanza, stanzas};
use patchward_common::digest::Digest;

/// Largest list of packages, unpacked: a distribution's whole main archive has 60 MB.
pub const MAX_LIST_BYTES: usize = 128 * 1024 * 1024;
/// Most packages of a list.
const MAX_PACKAGES: usize = 200_000;
/// The fixed part of a gzip header (RFC 1952).
const GZIP_HEADER_BYTES: usize = 10;

/// A package that an archive offers, or that a machine has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, or `all`.
    pub architecture: String,
    /// The source that it is built from; packages of one source are of one version.
    pub source: String,
    /// What must be there, in groups of alternatives.
    pub depends: Vec<Group>,
    /// What must not be there.
    pub excludes: Vec<Group>,
    /// Names that it stands for, with the version where one is given.
    pub provides: Vec<(String, Option<String>)>,
    /// Where its file lies in the archive; none for an installed one.
    pub file: Option<File>,
}

/// A package's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path below the archive.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Their number.
    pub length: u64,
}

/// Why a list is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// Cut off or no gzip.
    #[error("it is no gzip file, or was cut off")]
    Gzip,
    /// Longer than any list.
    #[error("it is longer than {MAX_LIST_BYTES} bytes, or has more than {MAX_PACKAGES} packages")]
    TooLong,
    /// Not text.
    #[error("it is not UTF-8 text")]
    Text,
    /// A package that cannot be read.
    #[error("package {0:?}: {1}")]
    Package(String, &'static str),
}

/// The packages that an archive lists.
pub fn offered(text: &str) -> Result<Vec<Package>, ListError> {
    let read = |stanza: Stanza<'_>| {
        let mut package = package(&stanza)?;
        let wrong = |why| ListError::Package(package.name.chars().take(80).collect(), why);
        let field = |name: &str| {
            stanza
                .get(name)
                .ok_or_else(|| wrong("its file is not described"))
        };
        let file = File {
            path: field("filename")?.clone(),
            sha256: field("sha256")?
                .parse()
                .map_err(|_| wrong("its SHA-256 is not one"))?,
            length: field("size")?
                .parse()
                .map_err(|_| wrong("its size is not one"))?,
        };
        package.file = Some(file);
        Ok(package)
    };
    all(text, |_| true, read)
}

/// The packages that are installed, as dpkg's status file says.
pub fn installed(text: &str) -> Result<Vec<Package>, ListError> {
    let is_installed = |stanza: &Stanza<'_>| {
        let status = stanza.get("status");
        status.is_some_and(|status| status.ends_with(" installed"))
    };
    all(text, is_installed, |stanza| package(&stanza))
}

fn all(
    text: &str,
    counts: impl Fn(&Stanza<'_>) -> bool,
    read: impl Fn(Stanza<'_>) -> Result<Package, ListError>,
) -> Result<Vec<Package>, ListError> {
    let mut found = Vec::new();
    for stanza in stanzas(text).filter(|stanza| counts(stanza)) {
        if found.len() == MAX_PACKAGES {
            return Err(ListError::TooLong);
        }
        found.push(read(stanza)?);
    }
    Ok(found)
}

fn package(stanza: &Stanza<'_>) -> Result<Package, ListError> {
    let field = |name: &str| stanza.get(name).map(String::as_str).unwrap_or_default();
    let name = field("package").to_owned();
    let wrong = |why| ListError::Package(name.chars().take(80).collect(), why);
    if name.is_empty() || field("version").is_empty() || field("architecture").is_empty() {
        return Err(wrong("it has no name, version or architecture"));
    }
    let relations = |fields: [&str; 2]| -> Result<Vec<Group>, ListError> {
        let mut found = Vec::new();
        for field_name in fields {
            let read = groups(field(field_name)).map_err(|_| wrong("a relation cannot be read"))?;
            found.extend(read);
        }
        Ok(found)
    };
    let provides = relations(["provides", ""])?;
    let provides = provides.into_iter().flat_map(|group| group.0);
    let source = field("source").split_whitespace().next();
    Ok(Package {
        depends: relations(["pre-depends", "depends"])?,
        excludes: relations(["conflicts", "breaks"])?,
        provides: provides
            .map(|one| (one.name, one.version.map(|(_, version)| version)))
            .collect(),
        version: field("version").to_owned(),
        architecture: field("architecture").to_owned(),
        source: source.unwrap_or(&name).to_owned(),
        name,
        file: None,
    })
}

/// Unpacks a gzip file whose hash was verified. Its own checksum adds nothing to that.
pub fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, ListError> {
    let [0x1f, 0x8b, 8, flags, ..] = bytes else {
        return Err(ListError::Gzip);
    };
    let mut rest = bytes.get(GZIP_HEADER_BYTES..).ok_or(ListError::Gzip)?;
    let after_zero = |rest: &[u8]| rest.iter().position(|byte| *byte == 0).map(|at| at + 1);
    if flags & 4 != 0 {
        let (length, more) = rest.split_first_chunk::<2>().ok_or(ListError::Gzip)?;
        let length = usize::from(u16::from_le_bytes(*length));
        rest = more.get(length..).ok_or(ListError::Gzip)?;
    }
    for text in [8, 16] {
        if flags & text != 0 {
            let at = after_zero(rest).ok_or(ListError::Gzip)?;
            rest = &rest[at..];
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..).ok_or(ListError::Gzip)?;
    }
    miniz_oxide::inflate::decompress_to_vec_with_limit(rest, MAX_LIST_BYTES).map_err(|error| {
        match error.status {
            miniz_oxide::inflate::TINFLStatus::HasMoreOutput => ListError::TooLong,
            _ => ListError::Gzip,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_has_a_file_and_what_is_installed_is_installed() {
        let hash = Digest::of(b"a");
        let text = format!(
            "Package: libssl3\nSource: openssl (3.0.1-1)\nVersion: 3.0.2-1\nArchitecture: amd64\n\
             Pre-Depends: libc6 (>= 2.34)\nDepends: a | b,\n c\nProvides: libssl (= 3)\n\
             Filename: pool/libssl3.deb\nSize: 1\nSHA256: {hash}\n\n\n"
        );
        let found = offered(&text).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].source, "openssl");
        assert_eq!(found[0].depends.len(), 3);
        assert_eq!(found[0].provides, [("libssl".into(), Some("3".into()))]);
        offered(&text.replace("SHA256", "MD5sum")).unwrap_err();
        offered(&text.replace("Version", "X")).unwrap_err();
        offered(&text.replace(">= 2.34", ">> ")).unwrap_err();
        let status = "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n\
                      Package: b\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n";
        let names: Vec<String> = installed(status)
            .unwrap()
            .into_iter()
            .map(|p| p.name)
            .collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn only_whole_gzip_files_are_unpacked() {
        let packed = miniz_oxide::deflate::compress_to_vec(b"Package: a\n", 6);
        let plain = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &packed, &[0; 8]].concat();
        assert_eq!(gunzip(&plain).unwrap(), b"Package: a\n");
        let named = [
            &[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3][..],
            b"name\0",
            &packed,
        ]
        .concat();
        assert_eq!(gunzip(&named).unwrap(), b"Package: a\n");
        for bad in [&b""[..], b"Package: a", &plain[..14], &plain[..9]] {
            assert_eq!(gunzip(bad), Err(ListError::Gzip));
        }
        let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0; MAX_LIST_BYTES + 1], 1);
        let bomb = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &bomb].concat();
        assert_eq!(gunzip(&bomb), Err(ListError::TooLong));
    }
}
