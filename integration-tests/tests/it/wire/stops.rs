//! How a stop reaches a machine that is connected.

use super::driver::{until, with_played};
use super::played::{Collector, Does, answered};
use patchward_common::digest::Digest;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::machine::{Answer, Orders, Request, ShortDigest, Stale};

/// A stop waits for no hello: orders are asked for at once, and the hello that follows
/// says that they are here.
#[tokio::test]
async fn a_stop_is_fetched_before_the_next_hello() {
    let orders = Orders {
        digest: Digest([7; 32]),
        ..Orders::default()
    };
    let given = orders.clone();
    let collector = Collector::new(move |_, request| match request {
        // No hello says that there is anything new.
        Request::Hello(_) => answered(Stale::default(), 0),
        Request::Orders(_) => Does::Answers(Answer::Orders(Box::new(given.clone()))),
        Request::Inventory(report) => Does::Answers(Answer::Accepted(report.digest)),
        other => panic!("{other:?}"),
    });
    with_played(&collector, async {
        until(|| collector.hellos() == 1).await;
        collector.nudge(0, Nudge::Stop).await;
        until(|| collector.hellos() == 2).await;
    })
    .await;
    let said = |request| match request {
        Request::Hello(hello) => Some(Some(hello.orders)),
        Request::Orders(_) => Some(None),
        _ => None,
    };
    let requests = collector.requests().into_iter();
    let said: Vec<_> = requests.filter_map(|(_, request)| said(request)).collect();
    let (none, these) = (ShortDigest::default(), ShortDigest::from(orders.digest));
    assert_eq!(said, [Some(none), None, Some(these)]);
}
