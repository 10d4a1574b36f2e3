//! Enrolment, renewal, and those who must not get a certificate.

use super::world::{Machine, World, now, say};
use patchward_agent::enrol::{self, Asked, EnrolError};
use patchward_agent::link::{Identity, Link, LinkError};
use patchward_collector::store::Actor;
use patchward_collector::store::machines::MachineState;
use patchward_collector::store::tokens::Acceptance;
use patchward_common::digest::Digest;
use patchward_common::facts::PackedFacts;
use patchward_common::time::{HOUR_MS, MINUTE_MS};
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::wire::machine::{
    Answer, Enroll, EnrolmentStatement, RefusedCode, Request, close,
};
use patchward_common::wire::token::EnrolmentToken;
use serde_bytes::ByteBuf;

fn refused(result: Result<Asked, EnrolError>) -> RefusedCode {
    match result {
        Err(EnrolError::Refused(refused)) => refused.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_person_accepts_a_machine() {
    let world = World::new().await;
    let token = world.token("t", 1, Acceptance::Person).await;
    let machine = Machine::new(world.folder.path(), 1);
    for _ in 0..3 {
        let asked = machine.enrol(token.clone(), &world.addresses).await;
        assert!(matches!(asked, Ok(Asked::Wait(_))), "{asked:?}");
    }
    let waiting = world.store.view().await.unwrap().enrolments_waiting().await;
    assert_eq!(waiting.unwrap()[0].host.as_str(), "pc-1");
    world
        .fleet
        .accept(&machine.id(), None, Actor::Local(0))
        .await
        .unwrap();
    let asked = machine
        .enrol(token.clone(), &world.addresses)
        .await
        .unwrap();
    let Asked::Certified(credentials) = asked else {
        panic!("accepted, and no certificate");
    };
    assert_eq!(credentials.machine, machine.id());
    let link = Link::connect(&world.addresses, Identity::Machine(&credentials))
        .await
        .unwrap();
    super::world::say(&link, machine.hello()).await.unwrap();
    let row = world
        .store
        .view()
        .await
        .unwrap()
        .machine(&machine.id())
        .await;
    let row = row.unwrap().unwrap();
    assert_eq!(row.name.as_str(), "pc-1");
    assert_eq!(row.mode.word(), "observe");
}

#[tokio::test]
async fn a_refused_machine_stays_out() {
    let world = World::new().await;
    let token = world.token("t", 2, Acceptance::Person).await;
    let machine = Machine::new(world.folder.path(), 1);
    machine
        .enrol(token.clone(), &world.addresses)
        .await
        .unwrap();
    let mut change = world.store.change(Actor::Local(0), now()).await.unwrap();
    change
        .refuse_enrolment(&machine.id(), "not ours")
        .await
        .unwrap();
    change.commit().await.unwrap();
    let again = machine.enrol(token, &world.addresses).await;
    assert_eq!(refused(again), RefusedCode::Forbidden);
}

/// Attack "enrolment": a token that was replayed, guessed, expired, revoked or is for
/// other hosts gets one and the same answer.
#[tokio::test]
async fn tokens_that_do_not_count_are_all_answered_alike() {
    let world = World::new().await;
    let mut texts = Vec::new();
    let mut ask = async |token: &EnrolmentToken, machine: &Machine| match machine
        .enrol(token.clone(), &world.addresses)
        .await
    {
        Err(EnrolError::Refused(refused)) => {
            assert_eq!(refused.code, RefusedCode::Token);
            texts.push(refused.text);
        }
        other => panic!("{other:?}"),
    };
    let token = world.token("once", 1, Acceptance::Automatic).await;
    let first = Machine::new(world.folder.path(), 1);
    first.enrol(token.clone(), &world.addresses).await.unwrap();
    let second = Machine::new(world.folder.path(), 2);
    ask(&token, &second).await;
    let mut guessed = token.clone();
    guessed.secret = ByteBuf::from([0; 32]);
    ask(&guessed, &second).await;
    let revoked = world.token("revoked", 5, Acceptance::Automatic).await;
    let mut change = world.store.change(Actor::Local(0), now()).await.unwrap();
    change
        .revoke_token(&super::world::name("revoked"))
        .await
        .unwrap();
    change.commit().await.unwrap();
    ask(&revoked, &second).await;
    let hosts = world.token("hosts", 5, Acceptance::Automatic).await;
    let mut elsewhere = Machine::new(world.folder.path(), 3);
    elsewhere.myself.facts.hostname = "elsewhere".into();
    ask(&hosts, &elsewhere).await;
    let late = world.token("late", 5, Acceptance::Automatic).await;
    world.pass(25 * HOUR_MS);
    // The machine's clock goes with the collector's.
    let statement = |machine: &Machine| EnrolmentStatement {
        at: now().plus_ms(25 * HOUR_MS),
        ..statement(machine, &late)
    };
    match ask_with(&world, &late, Signed::new(&statement(&second), &second.key)).await {
        Answer::Refused(refused) => texts.push(refused.text),
        other => panic!("{other:?}"),
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    let machines = world
        .store
        .view()
        .await
        .unwrap()
        .machine_counts()
        .await
        .unwrap();
    assert_eq!(machines, [(MachineState::Enrolled, 1)]);
}

fn csr() -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::default();
    params.serialize_request(&key).unwrap().der().to_vec()
}

fn statement(machine: &Machine, token: &EnrolmentToken) -> EnrolmentStatement {
    EnrolmentStatement {
        key: PublicKey::of(&machine.key),
        csr: ByteBuf::from(csr()),
        token: Some(token.secret_digest()),
        fingerprint: Digest([1; 32]),
        boot: machine.myself.boot,
        at: now(),
    }
}

async fn ask_with(
    world: &World,
    token: &EnrolmentToken,
    statement: Signed<EnrolmentStatement>,
) -> Answer {
    let facts = patchward_common::facts::Facts {
        hostname: "pc-2".into(),
        ..Default::default()
    };
    let request = Request::Enroll(Box::new(Enroll {
        secret: token.secret.clone(),
        statement,
        facts: PackedFacts::of(&facts),
    }));
    let link = Link::connect(&world.addresses, Identity::Pinned(token.ca))
        .await
        .unwrap();
    link.ask(&request).await.unwrap()
}

/// Attack "enrolment": a chosen id, a stolen request, an old statement.
#[tokio::test]
async fn only_the_key_that_a_statement_names_speaks() {
    let world = World::new().await;
    let token = world.token("t", 9, Acceptance::Automatic).await;
    let victim = Machine::new(world.folder.path(), 1);
    let thief = Machine::new(world.folder.path(), 2);
    let good = statement(&victim, &token);
    let other_token = EnrolmentStatement {
        token: Some(Digest([5; 32])),
        ..good.clone()
    };
    let old = EnrolmentStatement {
        at: now().plus_ms(-11 * MINUTE_MS),
        ..good.clone()
    };
    let mut bad_csr = good.clone();
    let last = bad_csr.csr.len() - 1;
    bad_csr.csr[last] ^= 1;
    for signed in [
        // The thief names the victim's key, which it does not have.
        Signed::new(&good, &thief.key),
        Signed::new(&other_token, &victim.key),
        Signed::new(&old, &victim.key),
        Signed::new(&bad_csr, &victim.key),
        Signed::unsigned(b"\xff".to_vec()),
    ] {
        match ask_with(&world, &token, signed).await {
            Answer::Refused(refused) => assert_eq!(refused.code, RefusedCode::BadRequest),
            other => panic!("{other:?}"),
        }
    }
    let counts = world.store.view().await.unwrap().machine_counts().await;
    assert!(counts.unwrap().is_empty());
    // And nothing was used up.
    let tokens = world.store.view().await.unwrap().tokens().await.unwrap();
    assert_eq!(tokens[0].uses_left, 9);
}

/// Attack "enrolment": a cloned disk has the machine's key, and waits for a person.
#[tokio::test]
async fn an_enrolled_machine_that_enrols_again_waits_for_a_person() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let token = world.token("again", 1, Acceptance::Automatic).await;
    let asked = machine.enrol(token, &world.addresses).await;
    assert!(matches!(asked, Ok(Asked::Wait(_))), "{asked:?}");
    // The one that was enrolled goes on.
    machine.link(&world).await;
}

/// The whole way of a machine that lost its disk, or its certificate: it is known, enrols
/// again, waits, a person accepts, and it is let in. The token is used once.
#[tokio::test]
async fn a_known_machine_that_enrols_again_is_let_in_once_a_person_accepts() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    machine.link(&world).await;
    world.fleet.flush().await.unwrap();
    let token = world.token("again", 1, Acceptance::Person).await;
    let ask = async || machine.enrol(token.clone(), &world.addresses).await;
    for _ in 0..2 {
        assert!(matches!(ask().await, Ok(Asked::Wait(_))));
    }
    // The one that is about says hello meanwhile.
    machine.link(&world).await;
    let (id, person) = (machine.id(), Actor::Local(0));
    world.fleet.accept(&id, None, person).await.unwrap();
    machine.link(&world).await;
    let Ok(Asked::Certified(lost)) = ask().await else {
        panic!("accepted, and no certificate");
    };
    let tokens = world.store.view().await.unwrap().tokens().await.unwrap();
    let used = tokens.iter().find(|token| token.id.as_str() == "again");
    assert_eq!(used.unwrap().uses_left, 0);
    let link = Link::connect(&world.addresses, Identity::Machine(&lost)).await;
    super::world::say(&link.unwrap(), machine.hello())
        .await
        .unwrap();
    // It was heard with it: the token counts no more.
    assert_eq!(refused(ask().await), RefusedCode::Token);
}

#[tokio::test]
async fn certificates_are_renewed_by_the_machines_key_alone() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let link = machine.link(&world).await;
    let renewed = async |link: Link| {
        let credentials = machine.credentials().clone();
        let myself = machine.myself.clone();
        enrol::renew(&link, &machine.installer, &credentials, &myself, now()).await
    };
    let Ok(Asked::Certified(second)) = renewed(link).await else {
        panic!("not renewed");
    };
    assert_ne!(second.key, machine.credentials().key);
    // With a certificate that is over, over the other protocol.
    let expired = Identity::Expired(machine.credentials());
    let link = Link::connect(&world.addresses, expired).await.unwrap();
    assert!(matches!(renewed(link).await, Ok(Asked::Certified(_))));
    // Another machine's connection does not renew it.
    let other = world.enrolled(2).await;
    let link = other.link(&world).await;
    assert_eq!(refused(renewed(link).await), RefusedCode::Forbidden);
    // From storage after a person's yes; revoked never.
    move_machine(
        &world,
        &machine,
        MachineState::Enrolled,
        MachineState::Stored,
    )
    .await;
    let expired = || Identity::Expired(machine.credentials());
    let link = Link::connect(&world.addresses, expired()).await.unwrap();
    assert!(matches!(renewed(link).await, Ok(Asked::Wait(_))));
    move_machine(
        &world,
        &machine,
        MachineState::Stored,
        MachineState::Revoked,
    )
    .await;
    let link = Link::connect(&world.addresses, expired()).await.unwrap();
    assert_eq!(refused(renewed(link).await), RefusedCode::Forbidden);
}

async fn move_machine(world: &World, machine: &Machine, from: MachineState, to: MachineState) {
    let mut change = world.store.change(Actor::Local(0), now()).await.unwrap();
    change
        .move_machine(&machine.id(), from, to, "a test")
        .await
        .unwrap();
    change.commit().await.unwrap();
    world.fleet.revoked(&[machine.id()]).await.unwrap();
}

#[tokio::test]
async fn a_collector_of_another_authority_is_not_believed() {
    let (world, other) = (World::new().await, World::new().await);
    let token = world.token("t", 1, Acceptance::Automatic).await;
    let machine = Machine::new(world.folder.path(), 1);
    let asked = machine.enrol(token, &other.addresses).await;
    assert!(
        matches!(asked, Err(EnrolError::Link(LinkError::Tls { .. }))),
        "{asked:?}"
    );
    let machine = world.enrolled(2).await;
    let linked = machine.connect(&other).await;
    assert!(matches!(linked, Err(LinkError::Tls { .. })), "{linked:?}");
}

#[tokio::test]
async fn a_machine_in_storage_is_served_no_more_until_it_is_taken_out() {
    let world = World::new().await;
    let machine = world.enrolled(1).await;
    let link = machine.link(&world).await;
    let moves = async |from, to| {
        let mut change = world.store.change(Actor::Local(0), now()).await.unwrap();
        let id = machine.id();
        change.move_machine(&id, from, to, "loaned").await.unwrap();
        change.commit().await.unwrap();
        world.fleet.disconnect(&id);
    };
    moves(MachineState::Enrolled, MachineState::Stored).await;
    assert_eq!(super::session::ended(&link).await, close::GOING_AWAY);
    let link = machine.connect(&world).await.unwrap();
    let refused = say(&link, machine.hello()).await.unwrap_err();
    assert!(refused.contains("not enrolled here"), "{refused}");
    moves(MachineState::Stored, MachineState::Enrolled).await;
    machine.link(&world).await;
}
