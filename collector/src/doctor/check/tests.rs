//! Each fault alone is found by its check and by no other.

use super::super::facts::Stored;
use super::*;
use crate::claims::sign;
use crate::rollout::clocks::Watch;
use crate::store::claims::Collector;
use crate::store::restored::Restored;

const NOW: UtcMs = UtcMs(1_795_400_040_000);

/// A check, and what plants the fault that it finds.
type Fault = (&'static str, Box<dyn Fn(&mut Facts)>);

fn collector(id: &str) -> Collector {
    Collector {
        id: id.into(),
        host: "h".into(),
        address: "0.0.0.0:9443".into(),
        version: "0.2.0".into(),
        started_at: NOW,
        beat: 1,
        beat_at: NOW,
        connected: 0,
        reach: String::new(),
    }
}

fn well() -> Facts {
    let later = NOW.plus_ms(100 * DAY_MS);
    Facts {
        folder: "/c".into(),
        secrets: vec![("/c/go.key".into(), 0o600)],
        disks: vec![("/c".into(), 5_000)],
        least_free_megabytes: 2_000,
        authority: Some(Ok(later)),
        page: Some(Ok(later)),
        go_key: Some(Ok("key".into())),
        backups: Some(("/b".into(), Ok(vec![NOW.plus_ms(-HOUR_MS)]))),
        store: Stored {
            schema: Some((30, 30)),
            last_row: Some(NOW.plus_ms(MINUTE_MS)),
            metadata: vec![("acme".into(), later)],
            charter_until: Some(later),
            roster_until: Some(later),
            go_keys: vec!["key".into()],
            collectors: vec![collector("a"), collector("b")],
            ..Stored::default()
        },
        ..Facts::default()
    }
}

#[test]
fn what_is_well_has_no_finding() {
    let examined = all(&well(), NOW);
    assert_eq!(examined.findings, []);
    assert_eq!(examined.checks.len(), CHECKS.len());
    // A new collector has neither roster nor metadata, and nothing is wrong with that.
    let new = Facts {
        store: Stored {
            schema: Some((30, 30)),
            ..Stored::default()
        },
        ..well()
    };
    assert_eq!(all(&new, NOW).findings, []);
}

#[test]
fn each_fault_is_named_by_its_check() {
    let soon = NOW.plus_ms(DAY_MS);
    let problem = || Err("no".to_owned());
    let faults: [Fault; 28] = [
        ("settings", Box::new(|f| f.settings = Some("x".into()))),
        (
            "clock",
            Box::new(|f| f.store.last_row = Some(NOW.plus_ms(HOUR_MS))),
        ),
        ("keys", Box::new(|f| f.secrets[0].1 = 0o640)),
        ("owner", Box::new(|f| f.foreign.push("/c/x".into()))),
        ("files", Box::new(|f| f.unreadable.push("/x".into()))),
        ("folders", Box::new(|f| f.unwritable.push("/x".into()))),
        ("disk", Box::new(|f| f.disks[0].1 = 1_999)),
        (
            "address",
            Box::new(|f| f.unresolved.push(("c:1".into(), "no".into()))),
        ),
        (
            "port",
            Box::new(|f| f.taken.push(("UDP 1".into(), "no".into()))),
        ),
        (
            "authority",
            Box::new(move |f| f.authority = Some(problem())),
        ),
        ("authority", Box::new(move |f| f.authority = Some(Ok(soon)))),
        ("page", Box::new(|f| f.page = Some(Ok(NOW)))),
        ("go-key", Box::new(|f| f.go_key = Some(Err("no".into())))),
        ("go-key", Box::new(|f| f.store.go_keys.clear())),
        ("store", Box::new(|f| f.store.problem = Some("x".into()))),
        ("store", Box::new(|f| f.store.damage.push("x".into()))),
        ("store", Box::new(|f| f.store.stranger = Some("x".into()))),
        ("schema", Box::new(|f| f.store.schema = Some((31, 30)))),
        ("audit", Box::new(|f| f.store.audit = Some("x".into()))),
        ("metadata", Box::new(move |f| f.store.metadata[0].1 = soon)),
        (
            "charter",
            Box::new(move |f| f.store.charter_until = Some(soon)),
        ),
        (
            "roster",
            Box::new(move |f| f.store.roster_until = Some(soon)),
        ),
        ("backup", Box::new(|f| f.backups = None)),
        (
            "backup",
            Box::new(|f| f.backups = Some(("/b".into(), Ok(vec![NOW.plus_ms(-2 * DAY_MS)])))),
        ),
        (
            "collectors",
            Box::new(|f| f.store.collectors[1].beat_at = NOW.plus_ms(-HOUR_MS)),
        ),
        (
            "collectors",
            Box::new(|f| {
                // An hour behind, and alive.
                let mut watch = Watch::default();
                for beat in 1..=2 {
                    let b = &mut f.store.collectors[1];
                    (b.beat, b.beat_at) = (beat, NOW.plus_ms(-HOUR_MS));
                    let signs = f.store.collectors.iter().map(sign);
                    f.store.clocks = watch.look(signs, (beat * 5_000, beat * 5_000), NOW);
                }
            }),
        ),
        (
            "collectors",
            Box::new(|f| f.store.collectors[1].version = "0.3.0".into()),
        ),
        (
            "restored",
            Box::new(|f| f.store.restored = Some(Restored { at: NOW, of: None })),
        ),
    ];
    for (check, plant) in &faults {
        let mut facts = well();
        plant(&mut facts);
        let findings = all(&facts, NOW).findings;
        let named: Vec<&str> = findings.iter().map(|found| found.check).collect();
        assert_eq!(named, [*check]);
        let found = &findings[0];
        let is_said = [&found.wrong, &found.todo]
            .iter()
            .all(|text| !text.is_empty());
        assert!(is_said && !found.matters.is_empty(), "{found:?}");
    }
    for (check, _) in CHECKS {
        assert!(
            faults.iter().any(|(of, _)| *of == check),
            "{check} is not tried"
        );
    }
}
