//! Frames in any order.

use super::*;
use proptest::prelude::*;

fn frame() -> impl Strategy<Value = Frame> {
    let stream = 0u32..=(LIMITS.both_ways + 1) << 2;
    let few = 0u32..3_000;
    prop_oneof![
        6 => (stream.clone(), 1usize..9_000, any::<bool>())
            .prop_map(|(stream, length, is_end)| data(stream & !3, length, is_end)),
        1 => (stream.clone(), 1usize..9, any::<bool>())
            .prop_map(|(stream, length, is_end)| data(stream, length, is_end)),
        2 => stream.clone().prop_map(|stream| Frame::Reset { stream, code: 1 }),
        2 => stream.clone().prop_map(|stream| Frame::Stop { stream, code: 1 }),
        1 => (stream, few.clone()).prop_map(|(stream, bytes)| Frame::Credit { stream, bytes }),
        1 => few.prop_map(Frame::Room),
        1 => Just(Frame::Ping([0; 8])),
    ]
}

proptest! {
    /// Whatever comes in whatever order: no panic, and no more is kept than was granted.
    #[test]
    fn what_is_kept_is_bounded(
        frames in proptest::collection::vec((frame(), 0u8..6), 1..200)
    ) {
        let (both, mut took) = mpsc::unbounded_channel();
        let (one, _took_one) = mpsc::unbounded_channel();
        let mut core = Core::new(true, LIMITS, Signals {
            wake: Arc::default(),
            places: [(); 2].map(|()| Arc::new(Semaphore::new(0))),
            arrived: Some([both, one]),
            closed: watch::Sender::new(false),
        });
        core.take(settings());
        let mut open = Vec::new();
        for (frame, act) in frames {
            core.take(frame);
            while let Ok(id) = took.try_recv() {
                open.push(id);
            }
            let one = open.first().copied();
            match (act, one) {
                (0, Some(id)) => drop(core.read(id, 5_000)),
                (1, Some(id)) => drop(core.write(id, &[0; 3_000])),
                (2, Some(id)) => {
                    core.forsake(id, 0);
                    core.finish(id, None);
                    open.remove(0);
                }
                (3, _) => drop(core.next()),
                (4, Some(id)) => core.finish(id, Some(3)),
                _ => {}
            }
            let (streams, unread) = core.kept();
            prop_assert!(streams <= LIMITS.both_ways as usize);
            prop_assert!(unread <= LIMITS.connection_window as usize);
        }
        let mut sent = 0;
        while core.next().is_some() {
            sent += 1;
            prop_assert!(sent < 10_000, "it never comes to rest");
        }
    }
}
