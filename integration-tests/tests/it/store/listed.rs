//! Long lists, a page at a time.

use super::*;
use patchward_collector::store::assets::Asset;
use patchward_collector::store::jobs::Job;
use patchward_collector::store::listed::{JobsOf, ListedAsset, ListedMachine, Wanted};
use patchward_common::component::ComponentSet;
use patchward_common::job::State;
use patchward_integration_tests::filled::{self, Spec};
use std::collections::BTreeSet;

on_both_engines!(
    a_page_is_sorted_and_counted,
    words_are_found_as_they_are_typed,
    who_sees_some_units_is_told_of_no_other,
    jobs_and_the_log_have_pages_too,
    what_many_say_at_once_is_what_each_says,
    jobs_that_ended_well_count_once,
);

/// A hospital of so many machines; twenty of them are a unit.
async fn hospital(world: &World) -> Spec {
    let spec = Spec::of(120, NOW);
    filled::store_of(&world.store, &spec, &|_, _, _| {})
        .await
        .unwrap();
    spec
}

fn wanted(limit: u32) -> Wanted {
    Wanted {
        limit,
        ..Wanted::default()
    }
}

fn sorted(column: &str, descending: bool) -> Wanted {
    Wanted {
        sort: Some((column.to_owned(), descending)),
        ..wanted(1_000)
    }
}

async fn a_page_is_sorted_and_counted(world: World) {
    hospital(&world).await;
    let mut view = world.store.view().await.unwrap();
    let all = view.listed_machines(None, &wanted(1_000)).await.unwrap();
    assert_eq!((all.total, all.found, all.rows.len()), (120, 120, 120));
    let names: Vec<&str> = all.rows.iter().map(|row| row.name.as_str()).collect();
    assert!(names.is_sorted());
    let page = Wanted {
        offset: 100,
        ..wanted(50)
    };
    let page = view.listed_machines(None, &page).await.unwrap();
    assert_eq!(page.rows, all.rows[100..]);
    assert_eq!(page.total, 120);
    // By every column there and back: nothing is lost, and each way is the other's reverse.
    let columns = [
        "machine",
        "unit",
        "class",
        "model",
        "mode",
        "state",
        "last_seen",
        "in_use",
        "ready",
    ];
    for column in columns {
        let up = sorted(column, false);
        let up = view.listed_machines(None, &up).await.unwrap().rows;
        let down = sorted(column, true);
        let down = view.listed_machines(None, &down).await.unwrap().rows;
        assert_eq!((up.len(), down.len()), (120, 120), "{column}");
        if column == "last_seen" {
            assert!(up.iter().map(|row| row.seen_at).is_sorted());
            assert!(down.iter().rev().map(|row| row.seen_at).is_sorted());
        }
    }
}

async fn words_are_found_as_they_are_typed(world: World) {
    hospital(&world).await;
    let mut view = world.store.view().await.unwrap();
    let all = view.listed_machines(None, &wanted(1_000)).await.unwrap();
    let searched = Wanted {
        words: vec!["ICU".into(), "station".into()],
        ..wanted(2)
    };
    let found = view.listed_machines(None, &searched).await.unwrap();
    let fits = |row: &&ListedMachine| {
        row.name.as_str().contains("icu") && row.name.as_str().contains("station")
    };
    let expected = all.rows.iter().filter(fits).count() as u64;
    assert!(expected > 2, "{expected}");
    assert_eq!((found.total, found.found), (120, expected));
    assert_eq!(found.rows.len(), 2);
    // A sign that means something to the database means nothing here.
    for nothing in ["%", "_", "!", "'", "\\"] {
        let searched = Wanted {
            words: vec![nothing.into()],
            ..wanted(9)
        };
        let found = view.listed_machines(None, &searched).await.unwrap().found;
        // The class of two words has one.
        let has = |row: &&ListedMachine| nothing == "_" && row.class == Class::LifeSupport;
        assert_eq!(
            found,
            all.rows.iter().filter(has).count() as u64,
            "{nothing}"
        );
    }
    let equal = Wanted {
        equal: vec![("unit".into(), "icu-1".into()), ("no".into(), "x".into())],
        ..wanted(100)
    };
    let found = view.listed_machines(None, &equal).await.unwrap();
    assert_eq!((found.total, found.found), (120, 20));
    let unit = name("icu-1");
    let of_unit = view.listed_machines(Some(&unit), &wanted(100)).await;
    assert_eq!(of_unit.unwrap().rows, found.rows);
}

async fn who_sees_some_units_is_told_of_no_other(world: World) {
    hospital(&world).await;
    let mut view = world.store.view().await.unwrap();
    let own: BTreeSet<Name> = [name("icu-1"), name("or-1")].into();
    let scoped = Wanted {
        units: Some(own.clone()),
        ..wanted(1_000)
    };
    let machines = view.listed_machines(None, &scoped).await.unwrap();
    assert_eq!((machines.total, machines.rows.len()), (40, 40));
    assert!(machines.rows.iter().all(|row| own.contains(&row.unit)));
    let assets = view.listed_assets(None, None, &scoped).await.unwrap();
    assert!(assets.total > 0 && assets.total < 144);
    assert_eq!(assets.total, assets.rows.len() as u64);
    let is_own = |unit: &Option<Name>| unit.as_ref().is_some_and(|unit| own.contains(unit));
    assert!(assets.rows.iter().all(|row| is_own(&row.unit)));
    let jobs = view.listed_jobs(JobsOf::default(), &scoped).await.unwrap();
    assert!(jobs.rows.iter().all(|row| own.contains(&row.unit)));
    let all = wanted(10_000);
    let all = view.listed_jobs(JobsOf::default(), &all).await.unwrap();
    assert!(jobs.total > 0 && jobs.total < all.total);
    assert_eq!(all.total, all.rows.len() as u64);
    let nothing = Wanted {
        units: Some(BTreeSet::new()),
        ..wanted(9)
    };
    let none = view.listed_machines(None, &nothing).await.unwrap();
    assert_eq!((none.total, none.found, none.rows.len()), (0, 0, 0));
    drop(view);
    // What is of no unit and no machine concerns everybody; a machine's asset is its unit's.
    let asset = |tag: &str, machine| Asset {
        machine,
        ..Asset::new(label(tag))
    };
    let mut change = world.change().await;
    let manual = name("manual-1");
    let id = MachineId([77; 32]);
    change.add_site(&site("other")).await.unwrap();
    change.add_unit(&unit("far", "other")).await.unwrap();
    enrol_at(&mut change, id, &manual, "far").await;
    let both = [asset("A-1", None), asset("A-2", Some(id))];
    change.put_assets(&both).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    let tags = |rows: Vec<ListedAsset>| -> Vec<String> {
        let tags = rows.iter().map(|row| row.tag.to_string());
        tags.filter(|tag| tag.starts_with("A-")).collect()
    };
    let seen = view.listed_assets(None, None, &scoped).await.unwrap();
    assert_eq!(tags(seen.rows), ["A-1"]);
    let far = Wanted {
        units: Some([name("far")].into()),
        ..wanted(9)
    };
    let seen = view.listed_assets(None, None, &far).await.unwrap();
    assert_eq!(tags(seen.rows), ["A-1", "A-2"]);
}

async fn enrol_at(change: &mut Change, id: MachineId, called: &Name, unit: &str) {
    let new = NewMachine {
        id,
        name: called.clone(),
        unit: name(unit),
        class: Class::Standard,
        model: name("station"),
        mode: Mode::Active,
    };
    filled::enrol::enrol(change, &new).await.unwrap();
}

async fn jobs_and_the_log_have_pages_too(world: World) {
    let spec = hospital(&world).await;
    let mut view = world.store.view().await.unwrap();
    let one = JobsOf {
        machine: Some(spec.machine(7)),
        plan: None,
    };
    let jobs = view.listed_jobs(one, &wanted(100)).await.unwrap();
    let typed = view.jobs_of_machine(&spec.machine(7)).await.unwrap();
    assert_eq!(jobs.total, typed.len() as u64);
    assert!(jobs.rows.is_sorted_by(|a, b| a.job.since >= b.job.since));
    let plan = JobsOf {
        plan: Some(jobs.rows[0].job.plan),
        machine: None,
    };
    let of_plan = view.listed_jobs(plan, &wanted(1_000)).await.unwrap();
    let stored = view.jobs_of_plan(&jobs.rows[0].job.plan).await.unwrap();
    let listed: Vec<_> = of_plan.rows.iter().map(|row| row.job.clone()).collect();
    assert_eq!(listed, stored);
    for column in ["job", "machine", "wave", "state", "since"] {
        let found = sorted(column, true);
        let found = view.listed_jobs(JobsOf::default(), &found).await.unwrap();
        assert!(found.rows.len() > 100, "{column}");
    }
    let id = jobs.rows[0].job.id;
    let begin: String = id.to_string().chars().take(20).collect();
    let found = view.jobs_beginning(&begin).await.unwrap();
    assert_eq!(found.iter().map(|job| job.id).collect::<Vec<_>>(), [id]);

    let head = view.audit_head().await.unwrap().seq;
    let log = view.listed_audit(None, None, &wanted(10)).await.unwrap();
    assert_eq!((log.total, log.found), (head, head));
    assert_eq!(log.rows[0].seq, head);
    assert!(log.rows.is_sorted_by(|a, b| a.seq > b.seq));
    let last = view.listed_audit(None, Some(3), &wanted(10)).await.unwrap();
    assert_eq!((last.total, last.rows.len()), (3, 3));
    let subject = log.rows[0].subject.clone();
    let many = wanted(1_000);
    let about = view
        .listed_audit(Some(&subject), None, &many)
        .await
        .unwrap();
    let said = view.audit_of(&subject, 1_000).await.unwrap();
    assert_eq!(about.rows, said);
    let searched = Wanted {
        words: vec!["plan.move".into()],
        ..wanted(5)
    };
    let found = view.listed_audit(None, None, &searched).await.unwrap();
    assert!(found.found > 5 && found.found < head);
    assert!(found.rows.iter().all(|row| row.action == "plan.move"));
}

async fn what_many_say_at_once_is_what_each_says(world: World) {
    let world = world.with_machines(3).await;
    let set = ComponentSet::new(Vec::new()).unwrap();
    let store = &world.store;
    let many = [machine(1), machine(2)];
    store.record_images(&many, &set, NOW).await.unwrap();
    let facts = [(machine(1), &b"one"[..]), (machine(3), &b"three"[..])];
    store.record_facts_of(&facts, NOW).await.unwrap();
    let mut view = store.view().await.unwrap();
    for number in 1..=3 {
        let held = view.set_of(&machine(number)).await.unwrap();
        assert_eq!(held.map(|set| set.since), (number < 3).then_some(NOW));
    }
    let said = view.machine_facts(&machine(3)).await.unwrap();
    assert_eq!(said, Some((b"three".to_vec(), NOW)));
    assert_eq!(view.machine_facts(&machine(2)).await.unwrap(), None);
}

/// What is left out asks nothing of anybody: the machine's other jobs ended well, and a newer
/// plan has one of it.
async fn jobs_that_ended_well_count_once(world: World) {
    let spec = hospital(&world).await;
    let mut view = world.store.view().await.unwrap();
    let counted = view.jobs_that_count().await.unwrap();
    let plans = view.plans(None).await.unwrap();
    let made = |job: &Job| {
        let plan = plans.iter().find(|plan| plan.id == job.plan).unwrap();
        (plan.created_at, job.id)
    };
    let mut left_out = 0;
    for number in 0..spec.machines {
        let machine = spec.machine(number);
        let all = view.jobs_of_machine(&machine).await.unwrap();
        let mut of_machine: Vec<JobId> = counted
            .iter()
            .filter(|job| job.machine == machine)
            .map(|job| job.id)
            .collect();
        let mut expected: Vec<JobId> = match all.iter().all(|job| job.state == State::InService) {
            true => all
                .iter()
                .max_by_key(|job| made(job))
                .into_iter()
                .map(|job| job.id)
                .collect(),
            false => all.iter().map(|job| job.id).collect(),
        };
        left_out += all.len() - expected.len();
        of_machine.sort_unstable();
        expected.sort_unstable();
        assert_eq!(of_machine, expected, "machine {number}");
    }
    assert!(left_out > 100, "{left_out}");
}
