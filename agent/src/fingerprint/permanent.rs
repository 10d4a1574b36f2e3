//! The addresses that network cards were made with, by netlink (rtnetlink(7)). The address
//! in sysfs is the present one, which a bond or a network manager may have set.

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, sendto,
    socket_with,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Error, ErrorKind};
use std::time::Duration;

/// Lengths of `struct nlmsghdr`, `struct ifinfomsg` and `struct rtattr`.
const HEADER: usize = 16;
const LINK: usize = 16;
const ATTRIBUTE: usize = 4;
/// `RTM_GETLINK`, `RTM_NEWLINK`, `NLMSG_ERROR`, `NLMSG_DONE`.
const GET_LINK: u16 = 18;
const NEW_LINK: u16 = 16;
const FAILED: u16 = 2;
const DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;
/// `IFLA_IFNAME` and `IFLA_PERM_ADDRESS` (since Linux 5.6).
const NAME: u16 = 3;
const PERMANENT: u16 = 54;
/// Largest answer the kernel gives at once.
const ANSWER_BYTES: usize = 32 * 1_024;
/// The kernel answers at once; a filter between us might not.
const PATIENCE: Duration = Duration::from_secs(1);

/// Each card's permanent address in lower-case hex with colons, by the card's name. What
/// has none, such as a bridge, is not in it.
pub(super) fn addresses() -> Result<BTreeMap<String, String>, Error> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        // NETLINK_ROUTE is 0.
        None,
    )?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    let kernel = netlink::SocketAddrNetlink::new(0, 0);
    sendto(&socket, &request(), SendFlags::empty(), &kernel)?;
    let mut found = BTreeMap::new();
    let mut answer = vec![0; ANSWER_BYTES];
    loop {
        let (length, _) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
        let messages = answer.get(..length).unwrap_or_default();
        if !take(messages, &mut found)? {
            return Ok(found);
        }
    }
}

fn request() -> [u8; HEADER + LINK] {
    let mut bytes = [0; HEADER + LINK];
    let length = (HEADER + LINK) as u32;
    bytes[0..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&GET_LINK.to_ne_bytes());
    bytes[6..8].copy_from_slice(&DUMP.to_ne_bytes());
    bytes
}

/// Reads the messages of one answer; false after the last.
fn take(mut messages: &[u8], found: &mut BTreeMap<String, String>) -> Result<bool, Error> {
    let short = || Error::new(ErrorKind::InvalidData, "the kernel's answer is cut off");
    while !messages.is_empty() {
        let header = messages.first_chunk::<HEADER>().ok_or_else(short)?;
        let [a, b, c, d, kind @ .., _, _, _, _, _, _, _, _, _, _] = *header;
        let length = u32::from_ne_bytes([a, b, c, d]) as usize;
        let body = messages.get(HEADER..length).ok_or_else(short)?;
        match u16::from_ne_bytes(kind) {
            DONE => return Ok(false),
            FAILED => {
                let code = body
                    .first_chunk()
                    .map_or(0, |code| i32::from_ne_bytes(*code));
                return Err(Error::from_raw_os_error(code.saturating_neg()));
            }
            NEW_LINK => found.extend(card(body.get(LINK..).ok_or_else(short)?)),
            _ => {}
        }
        // Messages are aligned to four bytes.
        let next = length.next_multiple_of(4).min(messages.len());
        messages = &messages[next..];
    }
    Ok(true)
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

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER + body.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes
    }

    fn link(attributes: &[Vec<u8>]) -> Vec<u8> {
        message(NEW_LINK, &[vec![0; LINK], attributes.concat()].concat())
    }

    #[test]
    fn answers_are_read() {
        let mut found = BTreeMap::new();
        let eth0 = link(&[
            attribute(1, &[2, 0, 0, 0, 0, 9]),
            attribute(NAME, b"eth0\0"),
            attribute(PERMANENT, &[2, 0, 0, 0, 0, 0xa]),
        ]);
        let bridge = link(&[attribute(NAME, b"br0\0")]);
        assert!(take(&[eth0, bridge].concat(), &mut found).unwrap());
        assert!(!take(&message(DONE, &[0; 4]), &mut found).unwrap());
        let expected = ("eth0".to_owned(), "02:00:00:00:00:0a".to_owned());
        assert_eq!(found, BTreeMap::from([expected]));
        let refused = take(&message(FAILED, &(-1i32).to_ne_bytes()), &mut found);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn damaged_answers_are_refused_or_passed_over() {
        let good = link(&[attribute(NAME, b"eth0\0"), attribute(PERMANENT, &[1; 6])]);
        for cut in 1..good.len() {
            let taken = take(&good[..cut], &mut BTreeMap::new());
            assert!(taken.is_err(), "cut at {cut}");
        }
        let mut lying = attribute(NAME, b"eth0\0");
        lying[0] = 99;
        assert_eq!(card(&lying), None);
        assert_eq!(card(&attribute(NAME, b"eth0\0")), None);
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
