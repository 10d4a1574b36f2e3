//! CISA's catalogue of known exploited vulnerabilities.

use serde::Deserialize;

/// Largest catalogue: about ten times of what it has become in four years.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Most entries; it had 1,400 after four years.
pub const MAX_ENTRIES: usize = 50_000;

/// One vulnerability that is exploited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kev {
    /// The CVE.
    pub cve: String,
    /// Vendor and product, for people.
    pub product: String,
    /// When it was added, as `2024-10-24`.
    pub added: String,
    /// Until when US agencies must act.
    pub due: String,
    /// Whether ransomware uses it: `known` or `unknown`.
    pub is_ransomware: bool,
}

/// A whole catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// Its version, `2024.10.24`.
    pub version: String,
    /// Its entries, by CVE.
    pub entries: Vec<Kev>,
}

/// Why a file is not the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKev {
    /// Larger than [`MAX_BYTES`].
    #[error("{0} bytes, and a catalogue has at most {MAX_BYTES}")]
    TooLarge(usize),
    /// Not of its shape.
    #[error(
        "it is no catalogue of known exploited vulnerabilities: {0}; get it from cisa.gov again"
    )]
    Shape(String),
    /// More than [`MAX_ENTRIES`].
    #[error("more than {MAX_ENTRIES} entries")]
    TooMany,
    /// An entry that names no CVE, or no date.
    #[error("its entry {place} has a bad {what}: {text:?}")]
    Entry {
        /// Which one, from 1.
        place: usize,
        /// Which member.
        what: &'static str,
        /// What it says.
        text: String,
    },
    /// One CVE twice.
    #[error("{0} stands in it twice")]
    Twice(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    catalog_version: String,
    vulnerabilities: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEntry {
    #[serde(rename = "cveID")]
    cve: String,
    #[serde(default)]
    vendor_project: String,
    #[serde(default)]
    product: String,
    date_added: String,
    due_date: String,
    #[serde(default)]
    known_ransomware_campaign_use: String,
}

/// Reads a catalogue.
///
/// # Errors
/// [`BadKev`]; a catalogue is taken whole or not at all.
pub fn read(bytes: &[u8]) -> Result<Catalogue, BadKev> {
    if bytes.len() > MAX_BYTES {
        return Err(BadKev::TooLarge(bytes.len()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let raw: Raw =
        serde_json::from_slice(bytes).map_err(|error| BadKev::Shape(error.to_string()))?;
    if raw.vulnerabilities.len() > MAX_ENTRIES {
        return Err(BadKev::TooMany);
    }
    let numbered = raw.vulnerabilities.into_iter().enumerate();
    let entries: Result<Vec<Kev>, BadKev> = numbered.map(|(at, raw)| entry(at + 1, raw)).collect();
    let mut entries = entries?;
    entries.sort_by(|a, b| a.cve.cmp(&b.cve));
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].cve == pair[1].cve) {
        return Err(BadKev::Twice(pair[0].cve.clone()));
    }
    Ok(Catalogue {
        version: short(&raw.catalog_version),
        entries,
    })
}

fn entry(place: usize, raw: RawEntry) -> Result<Kev, BadKev> {
    let bad = |what, text: &str| BadKev::Entry {
        place,
        what,
        text: short(text),
    };
    let cve = raw.cve.trim().to_ascii_uppercase();
    if !is_cve(&cve) {
        return Err(bad("CVE", &raw.cve));
    }
    for (what, date) in [
        ("date of adding", &raw.date_added),
        ("due date", &raw.due_date),
    ] {
        if date.parse::<jiff::civil::Date>().is_err() {
            return Err(bad(what, date));
        }
    }
    Ok(Kev {
        cve,
        product: short(&format!("{} {}", raw.vendor_project, raw.product)),
        added: raw.date_added,
        due: raw.due_date,
        is_ransomware: raw
            .known_ransomware_campaign_use
            .eq_ignore_ascii_case("known"),
    })
}

fn is_cve(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let Some((year, number)) = text
        .strip_prefix("CVE-")
        .and_then(|rest| rest.split_once('-'))
    else {
        return false;
    };
    year.len() == 4 && digits(year) && (4..=19).contains(&number.len()) && digits(number)
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(cve: &str, added: &str) -> String {
        format!(
            r#"{{"catalogVersion": "2026.01.01", "vulnerabilities": [{{"cveID": "{cve}",
            "vendorProject": "Acme", "product": "Viewer", "dateAdded": "{added}",
            "dueDate": "2026-02-01", "knownRansomwareCampaignUse": "Known"}}]}}"#
        )
    }

    #[test]
    fn an_entry_has_its_dates_and_whether_ransomware_uses_it() {
        let read = read(catalogue("CVE-2026-0001", "2026-01-01").as_bytes()).unwrap();
        assert_eq!(read.version, "2026.01.01");
        let one = &read.entries[0];
        assert_eq!(
            (one.cve.as_str(), one.due.as_str()),
            ("CVE-2026-0001", "2026-02-01")
        );
        assert!(one.is_ransomware);
    }

    #[test]
    fn a_catalogue_is_taken_whole_or_not_at_all() {
        for (cve, added, what) in [
            ("CVE-26-1", "2026-01-01", "bad CVE"),
            ("CVE-2026-0001", "soon", "bad date of adding"),
        ] {
            let error = read(catalogue(cve, added).as_bytes()).unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
        }
        assert!(matches!(read(b"{}"), Err(BadKev::Shape(_))));
        let twice = catalogue("CVE-2026-0001", "2026-01-01");
        let entry = twice.split_once('[').unwrap().1.split_once(']').unwrap().0;
        let twice = twice.replace(entry, &format!("{entry},{entry}"));
        assert_eq!(
            read(twice.as_bytes()),
            Err(BadKev::Twice("CVE-2026-0001".into()))
        );
    }
}
