//! Jobs that are under way, and jobs that went wrong lately, of all plans.

use super::*;
use patchward_collector::store::jobs::Standing;
use patchward_common::job::{Reason, State};

on_both_engines!(those_under_way, those_gone_wrong_since);

/// Two plans for machines 1 to 9, and the jobs of the first as they were moved: machine, state,
/// so long after [`NOW`]. The second plan's wait.
async fn moved(world: World, moves: &[(u8, State, i64)]) -> (World, Digest) {
    let world = world.with_machines(9).await;
    let mut change = world.change().await;
    let plan = plans::plan_with_jobs(&mut change, "spring", 9).await;
    plans::plan_with_jobs(&mut change, "autumn", 9).await;
    change.commit().await.unwrap();
    for (number, state, after_ms) in moves {
        let mut change = world.change_at(NOW.plus_ms(*after_ms)).await;
        let read = change.view().job(&job(plan, *number)).await.unwrap();
        let read = read.unwrap();
        change.move_job(&read, state, None, 1).await.unwrap();
        change.commit().await.unwrap();
    }
    (world, plan)
}

/// The ids of jobs of these machines.
fn ids<const N: usize>(plan: Digest, machines: [u8; N]) -> Vec<JobId> {
    let mut ids = machines.map(|number| job(plan, number));
    ids.sort_unstable();
    ids.into()
}

async fn those_under_way(world: World) {
    let why = || Reason::new("why");
    let moves = [
        (1, State::Installing, 20),
        (2, State::RebootPending, 20),
        (3, State::Rebooting, 20),
        (4, State::Measuring, 30),
        (5, State::Recovering(why()), 10),
        (6, State::Deferred(why()), 5),
        (7, State::Failed(why()), 5),
        (8, State::InService, 5),
    ];
    let (world, plan) = moved(world, &moves).await;
    let mut view = world.store.view().await.unwrap();
    let found = view.jobs_standing(Standing::Open).await.unwrap();
    // Longest first; of those that began at once, by id.
    let expected = [ids(plan, [5]), ids(plan, [1, 2, 3]), ids(plan, [4])].concat();
    let order: Vec<_> = found.iter().map(|job| job.id).collect();
    assert_eq!(order, expected);
    for job in found {
        assert_eq!(view.job(&job.id).await.unwrap(), Some(job));
    }
}

async fn those_gone_wrong_since(world: World) {
    let why = || Reason::new("why");
    let moves = [
        (1, State::Failed(why()), 19),
        (2, State::Failed(why()), 20),
        (3, State::RolledBack(why()), 20),
        (4, State::Freed(why()), 20),
        (5, State::Failed(why()), 21),
        (6, State::Stopped(why()), 30),
        (7, State::Recovering(why()), 30),
        (8, State::Missed, 30),
        // It went wrong, and was done anew since.
        (9, State::Failed(why()), 22),
        (9, State::Verified, 30),
    ];
    let (world, plan) = moved(world, &moves).await;
    let mut view = world.store.view().await.unwrap();
    let newest_first = [ids(plan, [5]), ids(plan, [2, 3, 4]), ids(plan, [1])].concat();
    for (after_ms, count) in [(0, 5), (19, 5), (20, 4), (21, 1), (22, 0)] {
        let since = NOW.plus_ms(after_ms);
        let found = view.jobs_gone_wrong_since(since).await.unwrap();
        let order: Vec<_> = found.iter().map(|job| job.id).collect();
        assert_eq!(order, newest_first[..count], "{after_ms}");
        for job in found {
            assert_eq!(view.job(&job.id).await.unwrap(), Some(job));
        }
    }
}
