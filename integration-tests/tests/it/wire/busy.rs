//! An agent that knows several collectors, one of which makes handshakes and takes no hello: it is
//! cut off from the database, say.

use super::driver::{PATIENCE, calmly, refusal, settings, until};
use super::played::Collector;
use super::world::Machine;
use patchward_agent::config::Settings;
use patchward_agent::driver::{Driver, system_clock};
use patchward_common::wire::machine::{RefusedCode, Request};

/// An agent of these collectors, in this order; it looks all the time for the way back.
fn agent(folder: &std::path::Path, machine: &Machine, collectors: &[&Collector]) -> Settings {
    let mut credentials = collectors[0].credentials.clone();
    let others = collectors.iter().skip(1);
    let others = others.flat_map(|one| one.credentials.certificate.authorities.clone());
    credentials.certificate.authorities.extend(others);
    credentials.addresses = collectors.iter().map(|one| one.address.clone()).collect();
    settings(folder, machine, &credentials)
}

async fn run(collectors: &[&Collector], is_done: impl FnMut() -> bool) {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::new(folder.path(), 1);
    let settings = agent(folder.path(), &machine, collectors);
    let driver = Driver::new(settings, system_clock).unwrap().back_after(10);
    tokio::select! {
        ended = driver.run(std::future::pending()) => panic!("it ended: {ended:?}"),
        done = tokio::time::timeout(PATIENCE, until(is_done)) => done.expect("it never came to this"),
    }
}

fn busy() -> Collector {
    Collector::new(|_, _| refusal(RefusedCode::Busy))
}

#[tokio::test]
async fn a_busy_collector_is_left_and_pulls_nobody_back() {
    let (first, second) = (busy(), Collector::new(|_, request| calmly(request)));
    // Once as it was connected, and then each time that it looked for the way back.
    run(&[&first, &second], || {
        first.hellos() >= 4 && second.hellos() >= 2
    })
    .await;
    assert_eq!(second.connections(), 1, "it stayed there all the time");
    until(|| first.is_closed(0) && first.is_closed(1)).await;
}

#[tokio::test]
async fn a_machine_goes_back_to_who_takes_its_hello_again() {
    let mut hellos = 0;
    let first = Collector::new(move |_, request| {
        hellos += 1;
        match hellos {
            ..=3 => refusal(RefusedCode::Busy),
            _ => calmly(request),
        }
    });
    let second = Collector::new(|_, request| calmly(request));
    run(&[&first, &second], || {
        first.hellos() >= 6 && second.is_closed(0)
    })
    .await;
    assert_eq!(second.connections(), 1);
}

/// The database is away from all of them: the machine asks each, and stays with it until its next
/// hello.
#[tokio::test]
async fn where_all_are_busy_each_is_asked() {
    let mut hellos = 0;
    // The first answer says how soon to come again.
    let first = Collector::new(move |_, request| {
        hellos += u32::from(matches!(request, Request::Hello(_)));
        match hellos {
            ..=1 => calmly(request),
            _ => refusal(RefusedCode::Busy),
        }
    });
    let second = busy();
    run(&[&first, &second], || {
        first.hellos() >= 5 && second.hellos() >= 3
    })
    .await;
    assert!(second.connections() < second.hellos());
}
