//! How many requests of a machine are worked on at once.

use super::world::{World, say};

#[tokio::test]
async fn a_machine_has_so_many_requests_at_once() {
    const REQUESTS: usize = 8;
    let world = World::new().await;
    let (greedy, other) = (world.enrolled(1).await, world.enrolled(2).await);
    let (link, theirs) = (greedy.link(&world).await, other.link(&world).await);
    let mut begun = Vec::new();
    for _ in 0..REQUESTS {
        let (mut send, receive) = link.open().await.unwrap();
        send.write_all(b"\xa1").await.unwrap();
        begun.push((send, receive));
    }
    let asked = say(&link, greedy.hello());
    tokio::pin!(asked);
    // Others are served meanwhile.
    for _ in 0..50 {
        tokio::select! {
            answer = say(&theirs, other.hello()) => drop(answer.unwrap()),
            answer = &mut asked => panic!("{answer:?}"),
        }
    }
    let (mut send, _) = begun.pop().unwrap();
    send.finish().unwrap();
    asked.await.unwrap();
}
