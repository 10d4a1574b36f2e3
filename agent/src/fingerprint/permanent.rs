//! The addresses that network cards were made with, by netlink (rtnetlink(7)). The address
//! in sysfs is the present one, which a bond or a network manager may have set.

use crate::netlink::Netlink;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Error;

/// Lengths of `struct ifinfomsg` and `struct rtattr`.
const LINK: usize = 16;
const ATTRIBUTE: usize = 4;
/// `RTM_GETLINK`, `RTM_NEWLINK`.
const GET_LINK: u16 = 18;
const NEW_LINK: u16 = 16;
/// `IFLA_IFNAME` and `IFLA_PERM_ADDRESS` (since Linux 5.6).
const NAME: u16 = 3;
const PERMANENT: u16 = 54;

/// Each card's permanent address in lower-case hex with colons, by the card's name. What
/// has none, such as a bridge, is not in it.
pub(super) fn addresses() -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    Netlink::open(None)?.dump(GET_LINK, &[0; LINK], NEW_LINK, |link| {
        found.extend(card(link.get(LINK..)?));
        Some(())
    })?;
    Ok(found)
}

/// A card's name and permanent address from its attributes, where it has both.
fn card(mut attributes: &[u8]) -> Option<(String, String)> {
    let (mut name, mut address) = (None, None);
    while let Some([a, b, c, d]) = attributes.first_chunk::<ATTRIBUTE>() {
        let length = usize::from(u16::from_ne_bytes([*a, *b]));
        let value = attributes.get(ATTRIBUTE..length)?;
        match u16::from_ne_bytes([*c, *d]) {
            NAME => {
                let text = value.strip_suffix(&[0]).unwrap_or(value);
                name = String::from_utf8(text.to_vec()).ok();
            }
            PERMANENT => address = Some(value),
            _ => {}
        }
        let next = length.next_multiple_of(4).min(attributes.len());
        attributes = &attributes[next..];
    }
    let mut text = String::new();
    for byte in address?.iter() {
        let colon = if text.is_empty() { "" } else { ":" };
        // Writing to a String has no error.
        let _ = write!(text, "{colon}{byte:02x}");
    }
    Some((name?, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = ((ATTRIBUTE + value.len()) as u16).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn a_card_is_its_name_and_its_address() {
        let eth0 = [
            attribute(1, &[2, 0, 0, 0, 0, 9]),
            attribute(NAME, b"eth0\0"),
            attribute(PERMANENT, &[2, 0, 0, 0, 0, 0xa]),
        ];
        let expected = ("eth0".to_owned(), "02:00:00:00:00:0a".to_owned());
        assert_eq!(card(&eth0.concat()), Some(expected));
        let mut lying = attribute(NAME, b"eth0\0");
        lying[0] = 99;
        assert_eq!(card(&lying), None);
        assert_eq!(card(&attribute(NAME, b"eth0\0")), None, "a bridge");
        assert_eq!(card(&[]), None);
    }

    /// Whatever cards this computer has, their permanent addresses are well formed.
    #[test]
    fn this_computer_answers() {
        for (name, address) in addresses().unwrap() {
            assert!(!name.is_empty());
            assert!(address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'));
        }
    }
}
