//! Every signed document behind a valid signature: what a hostile signer can send.
//!
//! The first byte chooses the type, the others are the payload. What verifies has one
//! encoding, and its own checks end with an answer.
#![no_main]

use ed25519_dalek::SigningKey;
use libfuzzer_sys::fuzz_target;
use patchward_common::codec::{decode_deterministic, encode_deterministic};
use patchward_common::job::{JobEvent, Reason, State};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::assignment::{Assignment, AssignmentLeaf};
use patchward_common::trust::charter::{Charter, TimeReset};
use patchward_common::trust::go::Go;
use patchward_common::trust::release::ReleaseDescription;
use patchward_common::trust::roster::{Class, Roster};
use patchward_common::trust::sign::{Document, PublicKey, Signed};
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Stop};
use patchward_common::trust::watermark::{MAX_WATERMARK_BYTES, Watermark};
use patchward_common::wire::machine::EnrolmentStatement;
use serde::{Serialize, de::DeserializeOwned};
use std::sync::LazyLock;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));
const NOW: UtcMs = UtcMs(1_795_400_040_000);

fn verified<T: Document>(payload: &[u8]) -> Option<T> {
    let mut signed = Signed::<T>::unsigned(payload.to_vec());
    let seen = signed.peek().ok();
    // Signing costs far more than reading: most that cannot be read is left there.
    if seen.is_none() && payload.len() % 64 != 0 {
        return None;
    }
    signed.cosign(&KEY);
    let verified = signed.verify(&[PublicKey::of(&KEY)]).ok();
    assert_eq!(
        seen.is_some(),
        verified.is_some(),
        "peek and verify read the same"
    );
    let verified = verified?;
    assert_eq!(encode_deterministic(&*verified), payload);
    Some(verified.into_document())
}

fn plain<T: Serialize + DeserializeOwned>(payload: &[u8]) -> Option<T> {
    let value = decode_deterministic::<T>(payload, MAX_WATERMARK_BYTES).ok()?;
    assert_eq!(encode_deterministic(&value), payload);
    Some(value)
}

fn charter(charter: Charter) {
    let _ = (
        charter.check(),
        charter.root.is_valid(),
        charter.root.fingerprint(),
    );
    for grant in &charter.vendors {
        let _ = grant.covers("viewer/4.2.1.tar");
    }
}

fn roster(roster: Roster) {
    let _ = roster.check();
    for class in [Class::Standard, Class::Critical, Class::LifeSupport] {
        assert!(roster.quorum(class).people >= 1);
    }
    let _ = (roster.people_keys(NOW), roster.live_go_keys(NOW));
}

fn approval(approval: Approval) {
    if approval.check().is_ok() {
        assert!(approval.longest_run_ms() >= 0);
        assert!(approval.artifacts().count() > 0);
    }
}

fn event(event: JobEvent) {
    for state in [
        State::Assigned,
        State::Armed,
        State::Installing,
        State::Missed,
        State::Freed(Reason::new("seen")),
    ] {
        if let Ok(after) = state.after(&event.event) {
            assert!(!(after.is_open() && after.is_final()));
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, payload)) = bytes.split_first() else {
        return;
    };
    match kind % 16 {
        0 => verified::<Charter>(payload).into_iter().for_each(charter),
        1 => verified::<Roster>(payload).into_iter().for_each(roster),
        2 => verified::<Approval>(payload).into_iter().for_each(approval),
        3 => verified::<JobEvent>(payload).into_iter().for_each(event),
        4 => drop(verified::<Assignment>(payload)),
        5 => drop(verified::<Go>(payload)),
        6 => drop(verified::<Stop>(payload)),
        7 => drop(verified::<Lift>(payload)),
        8 => drop(verified::<Downgrade>(payload)),
        9 => drop(verified::<Handover>(payload)),
        10 => drop(verified::<TimeReset>(payload)),
        11 => drop(verified::<EnrolmentStatement>(payload)),
        12 => drop(plain::<PlanLeaf>(payload)),
        13 => drop(plain::<AssignmentLeaf>(payload)),
        14 => drop(plain::<Watermark>(payload).map(|watermark| watermark.digest())),
        _ => drop(plain::<ReleaseDescription>(payload).map(|release| release.check())),
    }
});
