use super::*;
use crate::codec;
use crate::trust::assignment::Mode;

fn hello() -> Hello {
    Hello {
        version: "0.1.0".into(),
        boot: BootId([1; 16]),
        clock: UtcMs(1_795_400_040_999),
        inventory: Digest([2; 32]),
        orders: ShortDigest([3; 16]),
        watermark: Digest([4; 32]),
        outbox: OutboxId([5; 16]),
        journal: 70_000,
        interlock: InterlockWord::Idle,
        held_until: Some(UtcMs(1_795_400_040_999)),
        ready: Some(true),
        fingerprint: ShortDigest([6; 16]),
    }
}

/// wire.md: a quiet hello takes under 200 bytes of application data each way.
#[test]
fn a_quiet_hello_is_small() {
    let asked = codec::encode(&Request::Hello(Box::new(hello())));
    assert!(asked.len() < 200, "{} bytes", asked.len());
    let answered = codec::encode(&Answer::Hello(Box::new(HelloAnswer {
        clock: UtcMs(1_795_400_040_999),
        stale: Stale::INVENTORY.with(Stale::ORDERS),
        audit: Digest([7; 32]),
        again_ms: 300_000,
        journal: 70_000,
        relay: None,
    })));
    assert!(answered.len() < 200, "{} bytes", answered.len());
    assert_eq!(
        codec::decode::<Request>(&asked, MAX_REQUEST_BYTES).unwrap(),
        Request::Hello(Box::new(hello()))
    );
}

#[test]
fn what_is_not_known_is_a_typed_error() {
    let unknown = codec::encode(&std::collections::BTreeMap::from([("reboot_now", 1)]));
    assert!(matches!(
        codec::decode::<Request>(&unknown, MAX_REQUEST_BYTES),
        Err(codec::DecodeError::Shape(_))
    ));
    assert!(!Stale::ORDERS.has(Stale::JOURNAL));
    assert_eq!(Mode::Observe.word(), "observe");
}

#[test]
fn only_role_files_become_paths() {
    for good in [
        "timestamp.json",
        "1.root.json",
        "12.some_role-2.json",
        "7.vendor.viewer~2.json",
        "vendor.viewer.json",
        "1.2.root.json",
    ] {
        assert!(is_role_file(good), "{good:?} was refused");
    }
    let long = format!("{}.json", "r".repeat(65));
    for bad in [
        "",
        ".json",
        "../root.json",
        "a/b.json",
        ".root.json",
        "1..root.json",
        "..json",
        "...json",
        "1...json",
        "1.a%2Fb.json",
        "a b.json",
        "root.json\0",
        "root.JSON",
        "röle.json",
        "1..json",
        &long,
    ] {
        assert!(!is_role_file(bad), "{bad:?} was accepted");
    }
}
