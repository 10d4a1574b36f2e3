//! What helps to identify a product, and what of it cannot be read.

use super::super::document::Helpers;
use super::super::identity::{is_cpe, is_purl};
use super::{MAX_REMARKS, raw, short};

/// Reads the helpers of a product. One that is not of its form is passed over by the matching:
/// the remark says that it identifies nothing.
pub(super) fn read(
    raw: Option<raw::Lenient<raw::Identifiers>>,
    product: &str,
    remarks: &mut Vec<String>,
) -> Helpers {
    let mut remark = |what: &str| {
        if remarks.len() < MAX_REMARKS {
            let product = short(product);
            remarks.push(format!(
                "the identification helper of product {product:?} {what}; it is passed over"
            ));
        }
    };
    let found = match raw {
        None => return Helpers::default(),
        Some(raw::Lenient::Not(_)) => {
            remark("is not of CSAF's shape");
            return Helpers::default();
        }
        Some(raw::Lenient::Is(found)) => helpers(found),
    };
    for purl in found.purls.iter().filter(|purl| !is_purl(purl)) {
        remark(&format!(
            "has a package URL that is none, {:?}",
            short(purl)
        ));
    }
    if let Some(cpe) = found.cpe.as_ref().filter(|cpe| !is_cpe(cpe)) {
        remark(&format!("has a CPE name that is none, {:?}", short(cpe)));
    }
    found
}

fn helpers(raw: raw::Identifiers) -> Helpers {
    let hashes = raw.hashes.into_iter().flat_map(|one| one.file_hashes);
    Helpers {
        cpe: raw.cpe,
        purls: raw.purl.into_iter().chain(raw.purls).collect(),
        models: raw.model_numbers,
        serials: raw.serial_numbers,
        skus: raw.skus,
        hashes: hashes.map(|hash| hash.value).collect(),
        sboms: raw.sbom_urls,
        uris: raw.x_generic_uris.into_iter().map(|one| one.uri).collect(),
    }
}
