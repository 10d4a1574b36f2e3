//! Freeze attacks, fast-forward and recovery from it.

use super::*;

#[test]
fn expired_metadata_is_refused_in_every_role() {
    for (at, role, step) in [
        (0, "timestamp", "5.4.4"),
        (1, "snapshot", "5.5.6"),
        (2, "targets", "5.6.5"),
    ] {
        let mut vendor = Vendor::new();
        vendor.expires[at] = NOW.plus_ms(-1_000);
        vendor.publish();
        let mut client = Client::of(&vendor);
        let refused = client.refuses(&vendor.files, role, step, Attack::Freeze);
        assert!(matches!(refused, Problem::Expired { at } if at == NOW.plus_ms(-1_000)));
    }
    let mut vendor = Vendor::new();
    vendor.next_root(|vendor| vendor.root.expires = NOW.plus_ms(-1_000));
    let mut client = Client::of(&vendor);
    client.refuses(&vendor.files, "root", "5.3.10", Attack::Freeze);
    // A root that follows it heals that.
    vendor.next_root(|vendor| vendor.root.expires = FAR);
    client.accepts(&vendor.files);
}

#[test]
fn an_expiry_must_be_later_than_the_start() {
    let mut vendor = Vendor::new();
    vendor.expires[0] = NOW;
    vendor.publish();
    let mut client = Client::of(&vendor);
    client.refuses(&vendor.files, "timestamp", "5.4.4", Attack::Freeze);
    client.now = NOW.plus_ms(-1);
    client.accepts(&vendor.files);
}

#[test]
fn the_last_good_answers_replayed_for_a_year_expire() {
    let mut vendor = Vendor::new();
    vendor.expires[0] = NOW.plus_ms(7 * crate::time::DAY_MS);
    vendor.publish();
    let mut client = Client::of(&vendor);
    for day in 0..365 {
        client.now = NOW.plus_ms(day * crate::time::DAY_MS);
        match client.refresh(&vendor.files) {
            Ok(_) => assert!(day < 7),
            Err(error) => assert!(day >= 7 && error.attack() == Attack::Freeze, "{error}"),
        }
    }
}

#[test]
fn an_expired_refusal_does_not_lower_what_was_seen() {
    let mut vendor = Vendor::new();
    let mut client = Client::of(&vendor);
    vendor.publish_next();
    client.accepts(&vendor.files);
    let before = client.watermark.clone();
    vendor.expires = [NOW.plus_ms(-1_000); 3];
    vendor.publish_next();
    client.refuses(&vendor.files, "timestamp", "5.4.4", Attack::Freeze);
    assert_eq!(client.watermark, before);
}

/// What an attacker with the online keys does, and how the vendor gets out again.
fn fast_forwarded(versions: [u64; 3]) -> (Vendor, Client) {
    let mut vendor = Vendor::new();
    let mut client = Client::of(&vendor);
    client.accepts(&vendor.files);
    vendor.versions = versions;
    vendor.publish();
    client.accepts(&vendor.files);
    (vendor, client)
}

const TOP: u64 = i64::MAX as u64;

#[test]
fn a_rotated_key_recovers_from_fast_forward() {
    for (versions, rotated) in [
        ([TOP, 1, 1], vec![TIMESTAMP]),
        ([2, TOP, 1], vec![TIMESTAMP, SNAPSHOT]),
        ([2, 2, TOP], vec![SNAPSHOT]),
    ] {
        let (mut vendor, mut client) = fast_forwarded(versions);
        vendor.versions = [3; 3];
        vendor.publish();
        let error = client.refresh(&vendor.files).unwrap_err();
        assert_eq!(error.attack(), Attack::Rollback, "{error}");
        vendor.next_root(|vendor| {
            for (at, role) in rotated.iter().enumerate() {
                vendor.rotate(*role, 100 + at as u8);
            }
        });
        vendor.versions = [3; 3];
        vendor.publish();
        client.accepts(&vendor.files);
        assert_eq!(client.watermark.timestamp.unwrap().version, 3);
        assert_eq!(client.watermark.snapshot.unwrap().version, 3);
        assert_eq!(client.watermark.targets["targets"].version, 3);
    }
}

#[test]
fn an_old_rotation_clears_nothing_again() {
    let mut vendor = Vendor::new();
    vendor.next_root(|vendor| vendor.rotate(TIMESTAMP, 20));
    vendor.publish();
    let old = vendor.files.clone();
    let mut client = Client::of(&vendor);
    client.accepts(&vendor.files);
    vendor.publish_next();
    client.accepts(&vendor.files);
    // The client walks over the rotation from its pinned root each time.
    client.refuses(&old, "timestamp", "5.4.3.1", Attack::Rollback);
}

#[test]
fn a_root_that_rotates_other_keys_clears_nothing() {
    let mut vendor = Vendor::new();
    let old = vendor.files.clone();
    let mut client = Client::of(&vendor);
    vendor.publish_next();
    client.accepts(&vendor.files);
    let mut replay = |vendor: &Vendor| {
        let mut files = vendor.files.clone();
        files.extend(old.clone()); // New roots, all else old.
        client.refuses(&files, "timestamp", "5.4.3.1", Attack::Rollback);
    };
    vendor.next_root(|vendor| vendor.rotate(TARGETS, 20));
    replay(&vendor);
    // A timestamp key that is only added rotates nothing.
    vendor.next_root(|vendor| vendor.root.timestamp = Holders::of(1, &[&key(2), &key(21)]));
    replay(&vendor);
    // The root's own keys.
    vendor.next_root(|vendor| {
        vendor.root.root = Holders::one(&key(22));
        vendor.signers[ROOT].push(key(22));
    });
    replay(&vendor);
}

#[test]
fn marks_that_a_rotation_cleared_stay_cleared_though_the_refresh_failed() {
    let (mut vendor, mut client) = fast_forwarded([TOP; 3]);
    vendor.next_root(|vendor| {
        vendor.rotate(TIMESTAMP, 20);
        vendor.rotate(SNAPSHOT, 21);
        vendor.root.expires = NOW.plus_ms(-1_000);
    });
    client.refuses(&vendor.files, "root", "5.3.10", Attack::Freeze);
    vendor.next_root(|vendor| vendor.root.expires = FAR);
    vendor.versions = [2; 3];
    vendor.publish();
    client.accepts(&vendor.files);
}
