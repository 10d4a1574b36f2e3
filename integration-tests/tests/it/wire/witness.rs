//! A collector that was put back to a backup asks each machine once what it remembers.

use super::world::{Machine, World, say};
use patchward_agent::link::Link;
use patchward_collector::store::Actor;
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use patchward_common::wire::machine::{
    Answer, MAX_WITNESSED_HEADS, RefusedCode, Request, Stale, Witness, WitnessedHead,
};

fn witness(numbers: (u64, u64, u64), heads: &[Digest], jobs: &[JobId], world: &World) -> Request {
    let at = world.now();
    let heads = heads.iter().map(|hash| WitnessedHead { at, hash: *hash });
    Request::Witness(Box::new(Witness {
        numbers,
        heads: heads.collect(),
        jobs: jobs.to_vec(),
    }))
}

/// Whether the answer to a machine's hello asks what it remembers.
async fn asks(machine: &Machine, link: &Link) -> bool {
    let answer = say(link, machine.hello()).await.unwrap();
    answer.stale.has(Stale::WITNESS)
}

#[tokio::test]
async fn what_machines_remember_is_asked_for_until_a_person_confirms() {
    let world = World::new().await;
    let (one, two) = (world.enrolled(1).await, world.enrolled(2).await);
    // One that was not put back asks nobody, and keeps nothing that nobody asked for.
    let link = one.link(&world).await;
    assert!(!asks(&one, &link).await);
    let more = witness((9, 9, 9), &[Digest([9; 32])], &[JobId([9; 16])], &world);
    assert_eq!(link.ask(&more).await.unwrap(), Answer::Witnessed);
    let heard = world.store.view().await.unwrap().witnesses().await.unwrap();
    assert_eq!(heard, []);
    drop(link);

    let mut change = world
        .store
        .change(Actor::Local(0), world.now())
        .await
        .unwrap();
    change.mark_restored(None).await.unwrap();
    change.commit().await.unwrap();
    let world = world.restart().await;
    let known = world
        .store
        .view()
        .await
        .unwrap()
        .audit_head()
        .await
        .unwrap();
    let link = one.link(&world).await;
    assert!(asks(&one, &link).await);
    let heads = [Digest([9; 32]), known.hash];
    let more = witness((0, 2, 0), &heads, &[JobId([0xab; 16])], &world);
    assert_eq!(link.ask(&more).await.unwrap(), Answer::Witnessed);
    assert!(!asks(&one, &link).await, "it has said so");
    let theirs = two.link(&world).await;
    assert!(asks(&two, &theirs).await);
    let many = witness(
        (0, 0, 0),
        &[Digest([1; 32]); MAX_WITNESSED_HEADS + 1],
        &[],
        &world,
    );
    match theirs.ask(&many).await.unwrap() {
        Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
        other => panic!("{other:?}"),
    }
    let same = witness((0, 0, 0), &[known.hash], &[], &world);
    assert_eq!(theirs.ask(&same).await.unwrap(), Answer::Witnessed);
    let heard = world.store.view().await.unwrap().witnesses().await.unwrap();
    let ahead: Vec<&str> = heard.iter().map(|one| one.ahead.as_str()).collect();
    assert_eq!((ahead.len(), ahead[1]), (2, ""));
    for part in [
        "roster 2 (here none)",
        "the audit log as it was at",
        "jobs abababababab",
    ] {
        assert!(ahead[0].contains(part), "{}", ahead[0]);
    }
    let mut change = world
        .store
        .change(Actor::Local(0), world.now())
        .await
        .unwrap();
    change.confirm_restored("compared").await.unwrap();
    change.commit().await.unwrap();
    world.fleet.confirmed();
    let three = world.enrolled(3).await;
    let link = three.link(&world).await;
    assert!(!asks(&three, &link).await);
}
