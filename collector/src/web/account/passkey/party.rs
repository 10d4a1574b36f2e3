//! Who passkeys are made for: the page's own name and address (Web Authentication Level 3,
//! relying party identifier and origin).

use crate::config::host_of;
use std::net::IpAddr;
use webauthn_rp::request::{AsciiDomain, RpId};

/// The port that browsers leave out of an address.
const HTTPS: &str = ":443";

/// The relying party.
pub(super) struct Party {
    /// The host's name, which authenticators bind a passkey to.
    pub(super) id: RpId,
    /// The page's address as browsers write it.
    pub(super) origin: String,
}

impl Party {
    /// Of the address that people open the page with.
    ///
    /// # Errors
    /// Why there can be no passkeys, and what to do.
    pub(super) fn of(address: &str) -> Result<Self, String> {
        let address = address.to_ascii_lowercase();
        let rest = address.strip_prefix("https://").unwrap_or(&address);
        let host = host_of(rest);
        if !is_name(host) {
            return Err(format!(
                "This page is opened as {address}, and browsers keep passkeys for host names \
                 alone. Whoever runs the collector can give the page a name with web_address in \
                 collector.toml."
            ));
        }
        let domain = AsciiDomain::try_from(host.to_owned())
            .map_err(|error| format!("web_address names no host: {error}."))?;
        let rest = rest.strip_suffix(HTTPS).unwrap_or(rest);
        Ok(Self {
            id: RpId::Domain(domain),
            origin: format!("https://{rest}"),
        })
    }
}

/// Whether a host is a name and not an address: browsers read as an address whatever ends in a
/// number (WHATWG URL, host parsing).
fn is_name(host: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_number = |label: &str| {
        let digits = label.strip_prefix("0x").unwrap_or(label);
        digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            && (digits.len() < label.len() || digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut labels = host.split('.');
    labels.all(|label| !label.is_empty() && label.chars().all(is_letter))
        && host.parse::<IpAddr>().is_err()
        && !host.rsplit('.').next().is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_for_names_alone() {
        for (address, id, origin) in [
            (
                "https://Patchward.hospital.example:8443",
                "patchward.hospital.example",
                "https://patchward.hospital.example:8443",
            ),
            ("https://p.example:443", "p.example", "https://p.example"),
            (
                "https://localhost:1443",
                "localhost",
                "https://localhost:1443",
            ),
            ("https://patchward", "patchward", "https://patchward"),
            (
                "https://10-0-0-1.example",
                "10-0-0-1.example",
                "https://10-0-0-1.example",
            ),
        ] {
            let party = Party::of(address).unwrap();
            let RpId::Domain(domain) = &party.id else {
                panic!("{address} is no domain");
            };
            assert_eq!((domain.as_ref(), party.origin.as_str()), (id, origin));
        }
        for bad in [
            "https://10.0.0.1:8443",
            "https://[::1]:8443",
            "https://10.1",
            "https://0x7f.0x1",
            "https://p.example.",
            "https://",
        ] {
            let why = Party::of(bad).err().unwrap();
            assert!(why.contains("web_address"), "{bad}: {why}");
        }
    }
}
