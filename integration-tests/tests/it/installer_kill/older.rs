//! A job that the installer of 0.1.0 began: what it left on the disk, today's finishes.

use super::cases::{Case, TREE};
use super::{MAX_CHANGES, Setting};
use crate::released::bytes_of;
use patchward_common::codec;
use patchward_integration_tests::machine::until;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

static BEGUN: Case = Case {
    is_prepared: true,
    ..TREE
};

/// The names of all that a value has, wherever it stands in it.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfAll)
    }
}

struct OfAll;

impl<'de> Visitor<'de> for OfAll {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, Names(below))) = map.next_entry::<String, Names>()? {
            names.extend(below.iter().map(|one| format!("{name}.{one}")));
            names.insert(name);
        }
        Ok(Names(names))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(Names(below)) = list.next_element()? {
            names.extend(below);
        }
        Ok(Names(names))
    }

    fn visit_str<E>(self, _: &str) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_unit<E>(self) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_none<E>(self) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<Names, D::Error> {
        Names::deserialize(some)
    }
}

fn names(bytes: &[u8]) -> BTreeSet<String> {
    let Names(names) = codec::decode(bytes, bytes.len()).unwrap();
    names
}

/// Begins a job and is killed at a durable change; whether it was.
fn is_killed(setting: &mut Setting, kill_at: usize) -> bool {
    if !setting.machine.start(Some(kill_at)).unwrap() {
        return true;
    }
    until("it is killed, or done", || {
        let done = setting
            .carry_on()
            .is_ok_and(|state| Setting::is_over(&state));
        (done || !setting.machine.is_alive()).then_some(())
    })
    .unwrap();
    !setting.machine.is_alive()
}

/// The installer is killed wherever a job is begun. What lies there then is what 0.1.0 would have
/// left: a record with the same names and no other, and no word of a format. The next one, which
/// knows nothing but that, finishes the job.
#[test]
fn a_job_that_0_1_0_began_is_finished_by_todays_installer() {
    let then = names(&bytes_of("0.1.0", "start record: of an install"));
    assert!(then.contains("plan.steps.argv") && then.contains("start.versions_before.version"));
    let mut begun = 0;
    for kill_at in 1..MAX_CHANGES {
        let mut setting = Setting::new(&BEGUN);
        if !is_killed(&mut setting, kill_at) {
            break;
        }
        setting.died = true;
        let record = setting.machine.path("state/jobs");
        let record = record.join(setting.job.to_string()).join("start");
        let Ok(bytes) = std::fs::read(&record) else {
            continue;
        };
        let new: Vec<String> = names(&bytes).difference(&then).cloned().collect();
        assert!(new.is_empty(), "0.1.0 wrote no {new:?}");
        let format = setting.machine.path("state/format");
        assert!(!format.exists(), "0.1.0 wrote no format");
        begun += 1;
        let state = setting.until_settled();
        assert_eq!(state.word(), BEGUN.ends, "killed at change {kill_at}");
        setting.check(&state);
    }
    assert!(begun > 3, "only {begun} jobs were begun and not done");
}
