//! Step 6: applicability and counters.

use super::hospital::*;
use super::*;
use crate::digest::Digest;
use crate::job::{Reason, Verdict};
use crate::time::{DAY_MS, UtcMs};
use crate::trust::approval::{MAX_APPROVAL_LIFE_MS, Rollback};
use crate::trust::release::ABSENT;
use crate::trust::roster::Class;
use crate::trust::stop::Downgrade;

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn what_is_installed_suits_what_is_there() {
    let not = |change: fn(&mut Hospital), what: &str| {
        let refusal = changed(change).unwrap_err();
        let named = matches!(refusal.why, Why::NotApplicable { what: found, .. } if found == what);
        assert!(named, "{refusal}");
        assert_eq!(refusal.step.number(), 6);
        assert_eq!(refusal.attack(), Attack::WrongMachine);
    };
    not(|h| h.measured.version = text("3.9"), "version");
    not(|h| h.measured.version = text(ABSENT), "version");
    not(|h| h.measured.os = text("debian-12"), "system");
    not(
        |h| h.measured.architecture = text("aarch64"),
        "architecture",
    );
    not(|h| h.rows[0].model = name("pumpserver"), "model");
    accepted(changed(|h| h.measured.version = text("4.0")));
    accepted(changed(|h| {
        h.measured.architecture = text("aarch64");
        for described in described(h) {
            described.applies_to.architectures = vec!["all".into()];
        }
    }));
    accepted(changed(|h| {
        h.measured.os = None;
        described(h)
            .into_iter()
            .for_each(|d| d.applies_to.os.clear());
    }));
}

/// The release and its way back.
fn described(h: &mut Hospital) -> Vec<&mut crate::trust::release::ReleaseDescription> {
    let release = h.release();
    let back = match &mut release.rollback {
        Rollback::Release(back) => Some(&mut back.release),
        Rollback::None => None,
    };
    [Some(&mut release.release), back]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn what_cannot_be_measured_is_not_guessed() {
    for change in [
        |h: &mut Hospital| h.measured.version = None,
        |h: &mut Hospital| h.measured.os = None,
        |h: &mut Hospital| h.measured.architecture = None,
        |h: &mut Hospital| {
            h.measured.version = None;
            h.release().release.applies_to.from.clear();
        },
    ] {
        refused!(changed(change), 6, None, Why::NotMeasured { .. });
    }
}

#[test]
fn the_way_back_suits_the_machine_as_well() {
    for change in [
        |h: &mut Hospital| described(h)[1].applies_to.models = vec![name("pumpserver")],
        |h: &mut Hospital| described(h)[1].applies_to.architectures = vec!["aarch64".into()],
    ] {
        refused!(changed(change), 6, WrongMachine, Why::NotApplicable { .. });
    }
}

#[test]
fn rollback_of_a_release() {
    let seen = |counter| {
        changed(|h| {
            h.watermark.counters.insert(name("viewer"), counter);
        })
    };
    accepted(seen(42));
    refused!(
        seen(43),
        6,
        Rollback,
        Why::OlderRelease {
            found: 42,
            seen: 43,
            ..
        }
    );
    refused!(seen(u64::MAX), 6, Rollback, Why::OlderRelease { .. });
    accepted(changed(|h| {
        h.watermark.counters.insert(name("pump"), u64::MAX);
    }));
}

#[test]
fn a_way_back_is_no_hidden_downgrade() {
    let back_to = |counter, version: &'static str| {
        changed(|h| {
            described(h)[1].counter = counter;
            h.measured.version = text(version);
        })
    };
    // What is there now may be put back, whatever its counter.
    accepted(back_to(40, "4.1"));
    accepted(back_to(41, "4.0"));
    refused!(
        back_to(40, "4.0"),
        6,
        Rollback,
        Why::OlderRelease {
            found: 40,
            seen: 41,
            ..
        }
    );
}

#[test]
fn a_quarantined_digest_waits_for_an_approval_that_clears_it() {
    for which in [0, 1] {
        let quarantined = |cleared: bool| {
            changed(|h| {
                let digest = described(h)[which].artifacts[0].sha256;
                h.watermark.quarantine.insert(digest);
                if cleared {
                    h.approval.clears.push(digest);
                }
            })
        };
        refused!(quarantined(false), 6, None, Why::Quarantined(_));
        accepted(quarantined(true));
    }
}

#[test]
fn a_rollback_quarantines_what_was_touched_and_a_success_clears_it() {
    let mut h = Hospital::new();
    let mut later = h.approval.releases[0].clone();
    later.release.artifacts[0].sha256 = Digest([77; 32]);
    let mut approval = h.approval.clone();
    approval.releases.push(later);
    let downgrade = Digest([9; 32]);
    let rolled_back = Verdict::RolledBack(Reason::new("it does not start"));
    h.watermark.settle(&approval, &rolled_back, 0, &[downgrade]);
    assert!(h.watermark.used.contains(&downgrade));
    assert!(!h.watermark.quarantine.contains(&Digest([77; 32])));
    refused!(h.run(), 6, None, Why::Quarantined(_));
    h.watermark.settle(&approval, &rolled_back, 1, &[]);
    assert!(h.watermark.quarantine.contains(&Digest([77; 32])));
    approval.clears = h.watermark.quarantine.iter().copied().collect();
    h.watermark.settle(&approval, &Verdict::Verified, 1, &[]);
    assert!(h.watermark.quarantine.is_empty());
    let described = h.release().release.clone();
    assert_eq!(h.watermark.counters[&described.product], described.counter);
    approval.releases[1].release.counter = described.counter - 1;
    h.watermark.settle(&approval, &Verdict::Verified, 1, &[]);
    assert_eq!(
        h.watermark.counters[&described.product], described.counter,
        "a counter never falls"
    );
}

fn downgrade() -> Downgrade {
    Downgrade {
        machines: vec![OTHER_MACHINE, MACHINE],
        product: name("viewer"),
        from: "4.1".into(),
        to: "4.2".into(),
        reason: label("4.3 loses images"),
        issued: NOW.plus_ms(-DAY_MS),
        expires: NOW.plus_ms(DAY_MS),
    }
}

/// Runs with a watermark above the release, and this downgrade by these people.
fn downgraded(
    by: &[u8],
    change: impl FnOnce(&mut Hospital, &mut Downgrade),
) -> Result<Outcome, Refusal> {
    changed(|h| {
        h.watermark.counters.insert(name("viewer"), 43);
        let mut document = downgrade();
        change(h, &mut document);
        let everybody = [ANNA, BEN, CARL, DORA, OLGA, TINA, STRANGER].map(public);
        h.downgrades = vec![sign(&document, by).verify(&everybody).unwrap()];
    })
}

#[test]
fn a_downgrade_passes_the_counter_once() {
    let used = accepted(downgraded(&[ANNA, BEN], |_, _| {})).used;
    assert_eq!(used, [sign(&downgrade(), &[]).digest()]);
    refused!(
        downgraded(&[ANNA, BEN], |h, document| {
            h.watermark.used.insert(sign(document, &[]).digest());
        }),
        6,
        Rollback,
        Why::OlderRelease { .. }
    );
    // Where none is needed, none is used up.
    let spared = accepted(downgraded(&[ANNA, BEN], |h, _| {
        h.watermark.counters.clear();
    }));
    assert_eq!(spared.used, []);
}

#[test]
fn a_downgrade_is_two_approvers_of_the_unit() {
    for by in [
        &[ANNA][..],
        &[ANNA, ANNA_BROWSER],
        &[ANNA, CARL],
        &[ANNA, TINA],
        &[ANNA, OLGA],
        &[ANNA, STRANGER],
    ] {
        for class in [Class::Critical, Class::Standard] {
            let one = downgraded(by, |h, _| h.set_class(class));
            refused!(one, 6, Rollback, Why::OlderRelease { .. });
        }
    }
    accepted(downgraded(&[BEN, DORA], |h, _| {
        h.set_class(Class::Standard)
    }));
}

#[test]
fn a_downgrade_is_for_its_machine_product_versions_and_time() {
    accepted(downgraded(&[ANNA, BEN], |_, d| d.expires = NOW.plus_ms(1)));
    for change in [
        |d: &mut Downgrade| d.machines = vec![OTHER_MACHINE],
        |d: &mut Downgrade| d.product = name("pump"),
        |d: &mut Downgrade| d.from = "4.0".into(),
        |d: &mut Downgrade| d.to = "4.1".into(),
        |d: &mut Downgrade| d.expires = NOW,
        |d: &mut Downgrade| d.issued = NOW.plus_ms(DAY_MS + 1),
        |d: &mut Downgrade| d.expires = d.issued.plus_ms(MAX_APPROVAL_LIFE_MS + 1),
        |d: &mut Downgrade| (d.issued, d.expires) = (UtcMs(i64::MIN), UtcMs(i64::MAX)),
    ] {
        refused!(
            downgraded(&[ANNA, BEN], |_, d| change(d)),
            6,
            Rollback,
            Why::OlderRelease { .. }
        );
    }
}
