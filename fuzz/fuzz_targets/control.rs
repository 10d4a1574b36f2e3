//! Frames on the collector's control socket: commands, and what they are answered.
//!
//! What was read is written and read as the same again; how much a frame announces costs
//! no memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_collector::control::{Call, Reply, frame};
use patchward_common::codec::encode;
use serde::{Serialize, de::DeserializeOwned};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Carries out what never waits: all bytes are there.
fn at_once<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits for more than there is"),
    }
}

fn read<T: Serialize + DeserializeOwned>(mut bytes: &[u8]) {
    let Ok(item) = at_once(frame::read::<T>(&mut bytes)) else {
        return;
    };
    let mut written = Vec::new();
    at_once(frame::write(&mut written, &item)).expect("what was read fits a frame");
    let again: T = at_once(frame::read(&mut &written[..])).expect("what was read is written");
    assert_eq!(encode(&again), encode(&item));
}

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((kind, bytes)) if kind % 2 == 0 => read::<Call>(bytes),
        Some((_, bytes)) => read::<Reply>(bytes),
        None => {}
    }
});
