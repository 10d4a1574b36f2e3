//! Two ends of a connection, and ends that keep to no rule.

mod random;

use super::*;
use crate::frame::{Frame, HEADER_BYTES, Header, MAX_PAYLOAD_BYTES};
use patchward_common::wire::machine::close;
use std::net::Ipv4Addr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::task::JoinSet;

const LIMITS: Limits = Limits {
    stream_window: 64 * 1024,
    connection_window: 192 * 1024,
    both_ways: 24,
    one_way: 0,
};
const IDLE: Duration = Duration::from_secs(60);

fn keeping(limits: Limits, keep_alive: Option<Duration>) -> Keeping {
    Keeping {
        limits,
        idle: IDLE,
        keep_alive,
    }
}

fn begin(io: DuplexStream, side: Side, keeping: Keeping) -> Connection {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Connection::begin(io, nowhere, side, keeping)
}

/// A machine and its collector.
fn pair() -> (Connection, Connection) {
    let (near, far) = tokio::io::duplex(32 * 1024);
    let of_machine = Limits {
        one_way: 16,
        both_ways: 16,
        ..LIMITS
    };
    let every = Some(Duration::from_secs(25));
    (
        begin(near, Side::Client, keeping(of_machine, every)),
        begin(far, Side::Server, keeping(LIMITS, None)),
    )
}

async fn read_all(stream: &mut RecvStream) -> Result<Vec<u8>, StreamError> {
    let mut all = Vec::new();
    while let Some(bytes) = stream.read_chunk(usize::MAX).await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

/// Answers every request with itself.
fn echo(collector: Connection) {
    tokio::spawn(async move {
        while let Ok((mut send, mut receive)) = collector.accept_bi().await {
            tokio::spawn(async move {
                let bytes = read_all(&mut receive).await.unwrap();
                send.write_all(&bytes).await.unwrap();
                send.finish().unwrap();
            });
        }
    });
}

#[tokio::test]
async fn requests_are_answered_each_on_its_stream() {
    let (machine, collector) = pair();
    echo(collector);
    let mut asked = JoinSet::new();
    for n in 0..200u32 {
        let machine = machine.clone();
        asked.spawn(async move {
            let (mut send, mut receive) = machine.open_bi().await.unwrap();
            let request = vec![n as u8; 1_000 * n as usize];
            // Both directions wait for the other side: neither may wait for the other.
            let write = async {
                send.write_all(&request).await.unwrap();
                send.finish().unwrap();
            };
            let ((), answer) = tokio::join!(write, read_all(&mut receive));
            assert!(answer.unwrap() == request, "{n}");
        });
    }
    asked.join_all().await;
    assert_eq!(machine.close_reason(), None);
}

#[tokio::test]
async fn who_reads_nothing_of_one_stream_holds_up_no_other() {
    let (machine, collector) = pair();
    let (mut large, _unread) = machine.open_bi().await.unwrap();
    let writing = tokio::spawn(async move { large.write_all(&vec![7; 1 << 20]).await });
    let (_kept, mut unread) = collector.accept_bi().await.unwrap();
    for _ in 0..50 {
        let (mut send, mut answer) = machine.open_bi().await.unwrap();
        send.write_all(b"hello").await.unwrap();
        send.finish().unwrap();
        let (mut back, mut receive) = collector.accept_bi().await.unwrap();
        assert_eq!(read_all(&mut receive).await.unwrap(), b"hello");
        back.write_all(b"yes").await.unwrap();
        drop(back);
        assert_eq!(read_all(&mut answer).await.unwrap(), b"yes");
    }
    assert!(!writing.is_finished(), "more is taken than was granted");
    let mut length = 0;
    while let Some(bytes) = unread.read_chunk(1_000).await.unwrap() {
        length += bytes.len();
        if length == 1 << 20 {
            break;
        }
    }
    writing.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn as_many_streams_as_were_granted_and_places_come_back() {
    let (machine, collector) = pair();
    let mut held = Vec::new();
    for _ in 0..LIMITS.both_ways {
        held.push(machine.open_bi().await.unwrap());
    }
    let more = tokio::time::timeout(Duration::from_millis(50), machine.open_bi()).await;
    assert!(more.is_err(), "one too many");
    for (mut send, _) in held.drain(..) {
        send.write_all(b"x").await.unwrap();
    }
    for _ in 0..LIMITS.both_ways {
        drop(collector.accept_bi().await.unwrap());
    }
    for _ in 0..1_000 {
        let (mut send, receive) = machine.open_bi().await.unwrap();
        send.write_all(b"x").await.unwrap();
        drop((send, receive));
        drop(collector.accept_bi().await.unwrap());
    }
}

#[tokio::test]
async fn what_was_said_before_the_close_is_read_after_it() {
    let (machine, collector) = pair();
    let mut nudge = collector.open_uni().await.unwrap();
    nudge.write_all(b"going away").await.unwrap();
    nudge.finish().unwrap();
    nudge.stopped().await;
    collector.close(close::GOING_AWAY, b"the collector stops");
    collector.gone().await;
    let closed = machine.closed().await;
    let expected = Ended::Closed {
        code: close::GOING_AWAY,
        reason: "the collector stops".into(),
    };
    assert_eq!(closed, expected);
    let mut nudge = machine.accept_uni().await.unwrap();
    assert_eq!(read_all(&mut nudge).await.unwrap(), b"going away");
    assert_eq!(machine.accept_uni().await.unwrap_err(), expected);
    assert_eq!(machine.open_bi().await.unwrap_err(), expected);
    assert_eq!(collector.close_reason(), Some(Ended::Here));
}

#[tokio::test]
async fn a_stream_is_broken_off_from_either_end() {
    let (machine, collector) = pair();
    let (mut send, mut receive) = machine.open_bi().await.unwrap();
    send.write_all(&[1; 10]).await.unwrap();
    let (mut back, mut came) = collector.accept_bi().await.unwrap();
    came.stop(close::PROTOCOL);
    send.stopped().await;
    assert_eq!(send.write_all(b"x").await, Err(StreamError::Stopped));
    back.write_all(&[2; 10]).await.unwrap();
    back.reset(close::PROTOCOL);
    assert_eq!(read_all(&mut receive).await, Err(StreamError::Reset));
    // The connection is none the worse.
    assert!(machine.open_bi().await.is_ok());
}

#[tokio::test]
async fn the_last_handle_closes_it() {
    let (machine, collector) = pair();
    let stream = machine.open_bi().await.unwrap();
    drop(machine);
    assert_eq!(collector.close_reason(), None);
    drop(stream);
    let closed = collector.closed().await;
    assert!(matches!(closed, Ended::Closed { code: 0, .. }), "{closed}");
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_is_given_up_and_who_keeps_alive_is_not() {
    let (machine, collector) = pair();
    let both = async { tokio::join!(machine.closed(), collector.closed()) };
    assert!(tokio::time::timeout(10 * IDLE, both).await.is_err());
    assert_eq!(
        (machine.close_reason(), collector.close_reason()),
        (None, None)
    );
    let (_silent, far) = tokio::io::duplex(1_024);
    let collector = begin(far, Side::Server, keeping(LIMITS, None));
    let began = tokio::time::Instant::now();
    assert!(matches!(collector.closed().await, Ended::Lost(_)));
    assert_eq!(began.elapsed(), IDLE);
}

/// Attack: a byte now and then, and never a frame.
#[tokio::test(start_paused = true)]
async fn a_frame_that_never_ends_is_given_up() {
    let (mut slow, far) = tokio::io::duplex(1_024);
    let collector = begin(far, Side::Server, keeping(LIMITS, None));
    let began = tokio::time::Instant::now();
    let mut every = tokio::time::interval(Duration::from_secs(10));
    let drip = async {
        loop {
            every.tick().await;
            let _ = slow.write_all(&[1]).await;
            if began.elapsed() > 100 * IDLE {
                return;
            }
        }
    };
    tokio::select! {
        ended = collector.closed() => assert!(matches!(ended, Ended::Lost(_) | Ended::Here)),
        () = drip => panic!("it is still open"),
    }
    assert!(began.elapsed() <= 2 * IDLE);
}

/// Attack: asks and asks, and reads nothing.
#[tokio::test(start_paused = true)]
async fn who_takes_nothing_is_given_up() {
    let (mut deaf, far) = tokio::io::duplex(1_024);
    let collector = begin(far, Side::Server, keeping(LIMITS, None));
    let mut every = tokio::time::interval(Duration::from_millis(10));
    let asking = async {
        deaf.write_all(&bytes_of(&[settings()])).await.unwrap();
        while deaf
            .write_all(&bytes_of(&[Frame::Ping([1; 8])]))
            .await
            .is_ok()
        {
            every.tick().await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = collector.closed() => assert!(matches!(ended, Ended::Lost(_)), "{ended}"),
        () = asking => {}
    }
}

fn settings() -> Frame {
    Frame::Settings(LIMITS)
}

fn data(stream: u32, length: usize, is_end: bool) -> Frame {
    Frame::Data {
        stream,
        bytes: vec![0; length],
        is_end,
    }
}

fn bytes_of(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| frame.write(&mut bytes));
    bytes
}

/// The reason that a collector closes with, after it was sent these bytes.
async fn refused(bytes: Vec<u8>) -> (u32, String) {
    let (near, far) = tokio::io::duplex(1 << 20);
    let collector = begin(far, Side::Server, keeping(LIMITS, None));
    let (mut read, mut write) = tokio::io::split(near);
    let writing = tokio::spawn(async move {
        let _ = write.write_all(&bytes).await;
        // What is sent after the violation is let go, not answered.
        let _ = write.write_all(&bytes).await;
    });
    let told = loop {
        let mut header = [0; HEADER_BYTES];
        read.read_exact(&mut header).await.unwrap();
        let header = Header::read(header).unwrap();
        let mut payload = vec![0; header.length()];
        read.read_exact(&mut payload).await.unwrap();
        if let Frame::Close { code, reason } = Frame::read(header, payload).unwrap() {
            break (code, String::from_utf8(reason).unwrap());
        }
    };
    assert_eq!(collector.close_reason(), Some(Ended::Here));
    drop(read);
    writing.await.unwrap();
    told
}

/// Attacks: more than was granted, and what is no frame at all.
#[tokio::test]
async fn who_keeps_to_no_rule_is_told_and_cut_off() {
    let window = LIMITS.stream_window as usize;
    let much: Vec<Frame> = std::iter::once(settings())
        .chain((0..=window / MAX_PAYLOAD_BYTES).map(|_| data(0, MAX_PAYLOAD_BYTES, false)))
        .collect();
    let of_all: Vec<Frame> = std::iter::once(settings())
        .chain((0..4).flat_map(|n| (0..4).map(move |_| data(n << 2, MAX_PAYLOAD_BYTES, false))))
        .collect();
    let with = |frame| vec![settings(), frame];
    for (frames, says) in [
        (vec![data(0, 1, false)], "settings"),
        (vec![settings(), settings()], "twice"),
        (much, "the stream has room for"),
        (of_all, "the connection has room for"),
        (with(data(LIMITS.both_ways << 2, 1, false)), "granted"),
        (with(data(2, 1, false)), "granted"),
        (with(data(1, 1, false)), "not opened"),
        (
            with(Frame::Credit {
                stream: 1,
                bytes: 1,
            }),
            "not opened",
        ),
        (
            vec![settings(), data(0, 1, true), data(0, 1, true)],
            "after the last",
        ),
        (with(Frame::Room(1 << 31)), "more room"),
        (
            with(Frame::Places {
                kind: Kind::OneWay,
                count: u32::MAX,
            }),
            "too many at once",
        ),
    ] {
        let (code, reason) = refused(bytes_of(&frames)).await;
        assert_eq!(code, close::PROTOCOL, "{says}");
        assert!(reason.contains(says), "{reason} does not say {says}");
    }
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        [bytes_of(&[settings()]), vec![1, 0, 0xff, 0xff, 0, 0, 0, 0]].concat(),
    ] {
        assert_eq!(refused(bytes).await.0, close::PROTOCOL);
    }
}
