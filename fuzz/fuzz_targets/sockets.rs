//! The kernel's answers over netlink, and the sockets in them.
//!
//! Each message is taken once, in order, and none reaches beyond the answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_agent::inventory::{SOCKETS, parse_socket};
use patchward_agent::netlink::take;

fuzz_target!(|bytes: &[u8]| {
    let mut taken = 0;
    let _ = take(bytes, SOCKETS, &mut |body: &[u8]| {
        taken += 16 + body.len();
        parse_socket(body)?;
        Some(())
    });
    assert!(taken <= bytes.len());
    let _ = parse_socket(bytes);
});
