//! Reading CSAF 2.0 and 2.1.
//!
//! Strict where a mistake could hide a machine that is affected: structure, ids that are
//! referred to, cycles. Tolerant where real files are messy and nothing depends on it: unknown
//! members, scores without a number, dates that are no dates; such things become remarks.

mod helpers;
mod raw;
#[cfg(test)]
mod tests;
mod tree;
mod vulnerability;
mod words;

use super::document::{Advisory, Form};
use patchward_common::time::UtcMs;

/// Largest file: what a command takes. The specification's guidance asks readers for more
/// only where they can; the largest advisory seen is below 50 MB.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Deepest nesting of branches; the specification allows 30.
pub const MAX_DEPTH: usize = 30;
/// Most products of one advisory: distributions write some ten thousand.
pub const MAX_PRODUCTS: usize = 200_000;
/// Most vulnerabilities of one advisory; a yearly roll-up has some thousand.
pub const MAX_VULNERABILITIES: usize = 50_000;
/// Most mentions of products in all vulnerabilities together: groups let a small file name
/// everything again and again.
pub const MAX_MENTIONS: usize = 5_000_000;
/// Longest chain of "a part of a part of"; real ones have two.
pub const MAX_CHAIN: usize = 10;
/// Longest id, name or version that is kept whole; they are names, not texts.
pub const MAX_NAME_BYTES: usize = 4_000;
/// Longest id of an advisory and name of a vulnerability. They are keys of the store, alone and
/// together with whom they are about, and PostgreSQL refuses a key of more than some 2,700 bytes.
pub const MAX_ID_BYTES: usize = 500;
/// Most bytes of branch names that are laid down beside the products below them, all together:
/// each product has a copy of its path, and a small file could ask for gigabytes.
pub const MAX_LAID_BYTES: usize = MAX_BYTES;
/// Most remarks of one kind: one program's mistake stands at each of some ten thousand products.
const MAX_REMARKS: usize = 100;
/// Longest text of a remediation that is kept; a page is enough to decide by.
pub const MAX_TEXT_BYTES: usize = 8_000;

/// Why a file is not a CSAF advisory that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCsaf {
    /// Larger than [`MAX_BYTES`].
    #[error("{bytes} bytes, and at most {MAX_BYTES} are read; ask its publisher to split it")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// Not UTF-8.
    #[error("it is not UTF-8 text (byte {at}); get it from its publisher again")]
    NotText {
        /// Where it ends to be.
        at: usize,
    },
    /// Not JSON.
    #[error("it is not JSON: {0}; get it from its publisher again")]
    NotJson(String),
    /// JSON, but not of the shape of CSAF.
    #[error("it is JSON, but no CSAF advisory: {at}: {why}")]
    Shape {
        /// Where.
        at: String,
        /// Why.
        why: String,
    },
    /// Another version of CSAF.
    #[error("it says CSAF version {0:?}, and 2.0 and 2.1 are read")]
    Version(String),
    /// Branches deeper than [`MAX_DEPTH`].
    #[error("its product tree is nested deeper than {MAX_DEPTH} branches")]
    TooDeep,
    /// More than a limit.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A text that is a name and is longer than names are.
    #[error("the {what} is longer than {limit} bytes")]
    TooLong {
        /// Which.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Two products with one id.
    #[error("product id {0:?} is given to two products")]
    TwiceTheId(String),
    /// A product is named and not defined.
    #[error("{at} names product {id:?}, which the product tree does not define")]
    NoProduct {
        /// Who names it.
        at: String,
        /// The id.
        id: String,
    },
    /// A group is named and not defined.
    #[error("{at} names product group {id:?}, which the product tree does not define")]
    NoGroup {
        /// Who names it.
        at: String,
        /// The id.
        id: String,
    },
    /// A product that is a part of itself.
    #[error("relationships make product {0:?} a part of itself")]
    Cycle(String),
    /// Relationships longer than [`MAX_CHAIN`], or of more products.
    #[error("product {0:?} is put together of more than {MAX_CHAIN} products")]
    ChainTooLong(String),
}

/// Reads an advisory.
///
/// # Errors
/// [`BadCsaf`] says what is wrong, and where.
pub fn read(bytes: &[u8]) -> Result<Advisory, BadCsaf> {
    if bytes.len() > MAX_BYTES {
        return Err(BadCsaf::TooLarge {
            bytes: bytes.len() as u64,
        });
    }
    // Some publishers' programs put a byte-order mark first.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| BadCsaf::NotText {
        at: error.valid_up_to(),
    })?;
    let raw = parse(text)?;
    let form = match raw.document.csaf_version.as_str() {
        "2.0" => Form::Csaf20,
        "2.1" => Form::Csaf21,
        other => return Err(BadCsaf::Version(short(other))),
    };
    let mut remarks = Vec::new();
    let mut tree = tree::Tree::read(raw.product_tree.unwrap_or_default(), &mut remarks)?;
    remarks.append(&mut tree.remarks);
    let mut words = words::Words::default();
    let link = raw.document.references.iter().find_map(own_page);
    words.add("", raw.document.notes, raw.document.references);
    let vulnerabilities =
        vulnerability::read(raw.vulnerabilities, &tree, &mut words, &mut remarks)?;
    let severity = raw.document.aggregate_severity;
    let severity = severity.and_then(raw::Lenient::value).map(|one| one.text);
    let tracking = raw.document.tracking;
    let mut moment = |what: &str, text: Option<String>| {
        let text = text?;
        let found = instant(&text);
        if found.is_none() {
            remarks.push(format!("{what} {:?} is no date", short(&text)));
        }
        found
    };
    let published = moment("its first release", tracking.initial_release_date);
    let current = moment("its current release", tracking.current_release_date);
    let history = words::history(tracking.revision_history);
    let publisher = raw.document.publisher;
    Ok(Advisory {
        form,
        namespace: cut(publisher.namespace, MAX_NAME_BYTES),
        publisher_kind: cut(publisher.category, MAX_NAME_BYTES),
        id: within("tracking id", tracking.id, MAX_ID_BYTES)?,
        title: cut(raw.document.title, MAX_NAME_BYTES),
        publisher: name("publisher's name", publisher.name)?,
        category: name("category", raw.document.category)?,
        version: name("version", tracking.version)?,
        status: name("status", tracking.status)?,
        published,
        current,
        due: None,
        link,
        severity: cut(severity.unwrap_or_default(), MAX_NAME_BYTES),
        notes: words.notes,
        references: words.references,
        history,
        products: tree.products,
        vulnerabilities,
        remarks,
    })
}

fn parse(text: &str) -> Result<raw::Csaf, BadCsaf> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let raw: raw::Csaf = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let at = error.path().to_string();
        let inner = error.into_inner();
        let why = inner.to_string();
        match inner.classify() {
            _ if why.contains("recursion limit") => BadCsaf::TooDeep,
            serde_json::error::Category::Data => BadCsaf::Shape {
                at: short(&at),
                why: short(&why),
            },
            _ => BadCsaf::NotJson(short(&why)),
        }
    })?;
    let rest = reader.end();
    rest.map_err(|error| BadCsaf::NotJson(short(&error.to_string())))?;
    Ok(raw)
}

/// The page for people among the references to itself.
fn own_page(reference: &raw::Reference) -> Option<String> {
    let is_own = reference.category.as_deref() == Some("self");
    let url = reference.url.as_ref();
    let url = url.filter(|url| url.len() <= MAX_NAME_BYTES)?;
    (is_own && url.starts_with("https://") && !url.ends_with(".json")).then(|| url.clone())
}

/// An instant as RFC 3339 writes it, with any offset and any digits of a second.
fn instant(text: &str) -> Option<UtcMs> {
    let stamp: jiff::Timestamp = text.parse().ok()?;
    Some(UtcMs(stamp.as_millisecond()))
}

/// A name within its limit.
fn name(what: &'static str, text: String) -> Result<String, BadCsaf> {
    within(what, text, MAX_NAME_BYTES)
}

fn within(what: &'static str, text: String, limit: usize) -> Result<String, BadCsaf> {
    if text.len() > limit {
        return Err(BadCsaf::TooLong { what, limit });
    }
    // Neither engine of the store keeps a NUL, and none is ever meant.
    Ok(text.replace('\0', " ").trim().to_owned())
}

/// A text, cut at its limit.
fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text.replace('\0', " ").trim().to_owned()
}

/// A stranger's text in a message of ours.
fn short(text: &str) -> String {
    cut(text.to_owned(), 200)
}
