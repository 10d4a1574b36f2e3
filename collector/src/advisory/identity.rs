//! Who a product is, and how like it a thing of the hospital is.

mod like;
mod pattern;
mod series;
#[cfg(test)]
mod tests;
mod thing;

pub(super) use like::compact;
pub use like::{Aliases, Likeness, likeness};
pub use thing::{Thing, ThingKind};

use super::document::Product;
use super::name::{self, VendorKeys};
use super::version::{Op, Scheme, Set, Versions};
use super::{VersionText, reason::Doubt};
use packageurl::PackageUrl;
use std::str::FromStr as _;

/// Words that a product's name has or has not without meaning another product.
const IDLE: [&str; 6] = ["model", "models", "version", "versions", "the", "series"];
/// Words that set a condition: what stands in the name then is more than a name.
const CONDITIONS: [&str; 12] = [
    "not including",
    "except",
    "excluding",
    "only",
    "enabled with",
    "running on",
    "based on",
    "windows xp",
    "with installed",
    "integrated as",
    "when used",
    "unless",
];

/// A package URL as it identifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purl {
    /// `deb`, `rpm`, `npm` …
    pub kind: String,
    /// The distribution or publisher.
    pub namespace: String,
    /// The package.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// The release of the distribution, where it names one.
    pub distro: Option<String>,
}

impl Purl {
    /// Reads one; `None` where it is none.
    pub fn read(text: &str) -> Option<Self> {
        purl(text)
    }

    /// Whether what is said of `self` is said of `ours`: of one release of a distribution
    /// nothing follows for another.
    fn speaks_of(&self, ours: &Self) -> bool {
        let same = |this: &Self| (this.kind.clone(), this.namespace.clone(), this.name.clone());
        same(self) == same(ours) && (self.distro.is_none() || self.distro == ours.distro)
    }
}

/// Who a product is.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// As it is written, for people.
    pub shown: String,
    /// The vendor, as it is written.
    pub vendor: String,
    /// The vendor's keys.
    pub vendors: VendorKeys,
    /// The words of the product's name, without its vendor's.
    pub words: Vec<String>,
    /// The words of all alternatives: name, family and name.
    pub names: Vec<Vec<String>>,
    /// Models that the name lists or that stand in the helpers.
    pub codes: Vec<String>,
    /// What makes the name no plain name.
    pub doubt: Option<Doubt>,
    /// Package URLs.
    pub purls: Vec<Purl>,
    /// Vendor and product of a CPE, as keys.
    pub cpe: Option<(String, String)>,
    /// Model numbers, possibly with `*` and `?`.
    pub models: Vec<String>,
    /// Serial numbers, the same.
    pub serials: Vec<String>,
    /// Stock-keeping units.
    pub skus: Vec<String>,
}

impl Identity {
    /// The identity of a product.
    pub fn of(product: &Product) -> Self {
        let vendors = VendorKeys::of(&product.vendor);
        let named = if product.product.is_empty() {
            &product.name
        } else {
            &product.product
        };
        let words = without_vendor(name::tokens(named), &vendors);
        let mut names = vec![words.clone()];
        if !product.family.is_empty() && product.family != product.product {
            let mut longer = without_vendor(name::tokens(&product.family), &vendors);
            longer.extend(words.iter().cloned());
            names.push(longer);
        }
        let helpers = &product.helpers;
        let purls = helpers.purls.iter().filter_map(|text| purl(text)).collect();
        let cpe = helpers.cpe.as_deref().and_then(cpe_names);
        let is_told = !matches!((&helpers.purls[..], &cpe), ([], None))
            || !helpers.models.is_empty()
            || !helpers.serials.is_empty();
        let shown = match product.vendor.is_empty() {
            true => named.clone(),
            false => format!("{} {named}", product.vendor),
        };
        Self {
            shown,
            vendor: product.vendor.clone(),
            codes: words.iter().filter(|word| is_code(word)).cloned().collect(),
            doubt: doubt(product, named, &words).filter(|_| !is_told),
            vendors,
            words,
            names,
            purls,
            cpe,
            models: helpers.models.clone(),
            serials: helpers.serials.clone(),
            skus: helpers.skus.clone(),
        }
    }
}

/// The words without idle ones, and without the vendor's name in front of them.
pub(super) fn without_vendor(words: Vec<String>, vendors: &VendorKeys) -> Vec<String> {
    let mut words = words;
    for key in vendors.sure.iter().chain(&vendors.perhaps) {
        let parts: Vec<&str> = key.split(' ').collect();
        let begins = words
            .iter()
            .map(String::as_str)
            .take(parts.len())
            .eq(parts.iter().copied());
        if begins && words.len() > parts.len() {
            words.drain(..parts.len());
            break;
        }
    }
    let told: Vec<String> = words
        .iter()
        .filter(|word| !IDLE.contains(&word.as_str()))
        .cloned()
        .collect();
    if told.is_empty() { words } else { told }
}

/// Whether a word is a model's: letters and digits, or a number of four digits and more.
pub(super) fn is_code(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let has_letter = word.chars().any(char::is_alphabetic);
    (digits >= 1 && has_letter && word.len() >= 3) || digits >= 4
}

/// What makes a product's name more or less than one name.
fn doubt(product: &Product, named: &str, words: &[String]) -> Option<Doubt> {
    let lower = named.to_lowercase();
    let shown = || named.to_owned();
    let says_nothing = [
        "version", "versions", "product", "products", "software", "system",
    ];
    if words.is_empty() || (words.len() == 1 && says_nothing.contains(&words[0].as_str())) {
        return Some(Doubt::NoName);
    }
    if product.vendor.is_empty() {
        return Some(Doubt::NoVendor);
    }
    if CONDITIONS.iter().any(|condition| lower.contains(condition)) {
        return Some(Doubt::Condition(shown()));
    }
    if series::is_series(&lower) {
        return Some(Doubt::Series(shown()));
    }
    // "TC10 TC20 TC30" lists; "Assurity/Allure" does too.
    let codes = words.iter().filter(|word| is_code(word)).count();
    let slashes = named
        .split('/')
        .filter(|part| part.trim().len() > 2)
        .count();
    let lists = codes > 1 || (slashes > 1 && !named.contains("and/or")) || lower.contains(" and ");
    lists.then(|| Doubt::Several(shown()))
}

/// Whether a text is a package URL.
pub(super) fn is_purl(text: &str) -> bool {
    purl(text).is_some()
}

/// Whether a text is the name of a platform, as CPE 2.2 or 2.3 writes it.
pub(super) fn is_cpe(text: &str) -> bool {
    cpe_parts(text).is_some()
}

fn purl(text: &str) -> Option<Purl> {
    let purl = PackageUrl::from_str(text).ok()?;
    Some(Purl {
        kind: purl.ty().to_owned(),
        namespace: purl.namespace().unwrap_or_default().to_ascii_lowercase(),
        name: purl.name().to_owned(),
        version: purl.version().map(str::to_owned),
        distro: purl
            .qualifiers()
            .get("distro")
            .map(|distro| distro.to_string()),
    })
}

/// Vendor and product of `cpe:2.3:a:vendor:product:…` or `cpe:/a:vendor:product:…`, as keys.
fn cpe_names(text: &str) -> Option<(String, String)> {
    let (_, vendor, product, _) = cpe_parts(text)?;
    let plain = |part: &str| name::key(&part.replace('\\', ""));
    let is_any = |part: &str| matches!(part, "" | "*" | "-");
    (!is_any(vendor) && !is_any(product)).then(|| (plain(vendor), plain(product)))
}

fn cpe_parts(text: &str) -> Option<(&str, &str, &str, &str)> {
    let rest = text
        .strip_prefix("cpe:2.3:")
        .or_else(|| text.strip_prefix("cpe:/"))?;
    let mut parts = rest.split(':');
    Some((
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next().unwrap_or("*"),
    ))
}

/// The version that only the helpers of a product say, where nothing else does.
pub(super) fn version_of_helpers(product: &Product) -> Option<Versions> {
    if product.version != VersionText::None {
        return None;
    }
    let purls = product.helpers.purls.iter().filter_map(|text| purl(text));
    let said = purls.filter_map(|one| Some((one.kind, one.version?)));
    let said = said.map(|(kind, version)| {
        let scheme = match kind.as_str() {
            "deb" => Scheme::Deb,
            "rpm" => Scheme::Rpm,
            "npm" | "cargo" | "golang" => Scheme::Semver,
            _ => Scheme::Vendor,
        };
        (scheme, version)
    });
    let cpe = product.helpers.cpe.as_deref().and_then(cpe_parts);
    let cpe = cpe.map(|(.., version)| version.replace('\\', ""));
    let cpe = cpe.filter(|version| !matches!(version.as_str(), "" | "*" | "-"));
    let (scheme, version) = said
        .chain(cpe.map(|version| (Scheme::Vendor, version)))
        .next()?;
    Set::of(scheme, &[(Op::Eq, version)]).ok().map(Versions::In)
}
