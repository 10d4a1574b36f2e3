//! Dumps over netlink (netlink(7)): one request, then messages until the kernel ends.

use rustix::fd::OwnedFd;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto,
    socket_with,
};
use std::io::{Error, ErrorKind};
use std::time::Duration;

/// Length of `struct nlmsghdr`.
const HEADER: usize = 16;
/// `NLMSG_ERROR`, `NLMSG_DONE`.
const FAILED: u16 = 2;
const DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;
/// Largest answer the kernel gives at once.
const ANSWER_BYTES: usize = 32 * 1_024;
/// The kernel answers at once; a filter between us might not.
const PATIENCE: Duration = Duration::from_secs(1);

/// A socket to one of the kernel's netlink families.
#[derive(Debug)]
pub(crate) struct Netlink(OwnedFd);

impl Netlink {
    /// Opens it; `None` is `NETLINK_ROUTE`.
    ///
    /// # Errors
    /// Where the kernel or a filter gives no such socket.
    pub(crate) fn open(family: Option<Protocol>) -> Result<Self, Error> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            family,
        )?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self(socket))
    }

    /// Asks with a message of type `asked` and content `request`; `each` gets the content
    /// of every message of type `answered`, and says `None` where it is cut off.
    ///
    /// # Errors
    /// Where the kernel refuses, is silent for a second, or its answer is cut off.
    pub(crate) fn dump(
        &self,
        asked: u16,
        request: &[u8],
        answered: u16,
        mut each: impl FnMut(&[u8]) -> Option<()>,
    ) -> Result<(), Error> {
        let kernel = SocketAddrNetlink::new(0, 0);
        let request = message(asked, DUMP, request);
        sendto(&self.0, &request, SendFlags::empty(), &kernel)?;
        let mut answer = vec![0; ANSWER_BYTES];
        loop {
            let (length, _) = recv(&self.0, &mut answer[..], RecvFlags::empty())?;
            let messages = answer.get(..length).unwrap_or_default();
            if !take(messages, answered, &mut each)? {
                return Ok(());
            }
        }
    }
}

fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = (HEADER + body.len()) as u32;
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    // No sequence and no port: one request at a time, and the kernel knows whose it is.
    bytes.resize(HEADER, 0);
    bytes.extend(body);
    bytes
}

/// Reads the messages of one answer; false after the last.
///
/// # Errors
/// Where the kernel refuses, or its answer is cut off.
pub fn take(
    mut messages: &[u8],
    answered: u16,
    each: &mut impl FnMut(&[u8]) -> Option<()>,
) -> Result<bool, Error> {
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
            kind if kind == answered => each(body).ok_or_else(short)?,
            _ => {}
        }
        // Messages are aligned to four bytes.
        let next = length.next_multiple_of(4).min(messages.len());
        messages = &messages[next..];
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: u16 = 16;

    fn taken(messages: &[u8]) -> Result<(Vec<Vec<u8>>, bool), Error> {
        let mut found = Vec::new();
        let more = take(messages, ANSWER, &mut |body: &[u8]| {
            found.push(body.to_vec());
            (body != b"cut ").then_some(())
        })?;
        Ok((found, more))
    }

    #[test]
    fn messages_come_until_the_end() {
        let (one, other) = (message(ANSWER, 0, b"odd"), message(99, 0, b"pass"));
        let padded = [one.clone(), vec![0], other, one.clone()].concat();
        let (found, more) = taken(&padded).unwrap();
        assert_eq!((found, more), (vec![b"odd".to_vec(); 2], true));
        let end = [message(DONE, 0, &[0; 4]), one].concat();
        assert_eq!(taken(&end).unwrap(), (Vec::new(), false));
        let refused = taken(&message(FAILED, 0, &(-1i32).to_ne_bytes())).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn damaged_answers_are_refused() {
        let good = message(ANSWER, 0, b"body");
        for cut in 1..good.len() {
            assert!(taken(&good[..cut]).is_err(), "cut at {cut}");
        }
        let mut lying = good;
        lying[..4].copy_from_slice(&3u32.to_ne_bytes());
        assert!(taken(&lying).is_err(), "shorter than its header");
        let refused = taken(&message(ANSWER, 0, b"cut ")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidData);
    }
}
