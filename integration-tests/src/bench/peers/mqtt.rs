//! As much of MQTT 3.1.1 as a fan-out needs (OASIS, 2014; sections 3.1 to 3.9).

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH_QOS_1: u8 = 0x32;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
/// Ours are small.
const MAX_PACKET_BYTES: usize = 64 * 1024;

/// What MQTT is spoken over: TCP, or TLS on it.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// Opens a session that keeps nothing, without keep-alive.
pub async fn connect(stream: &mut impl Stream, client: &str) -> anyhow::Result<()> {
    let clean_session = 0x02;
    let mut body = text("MQTT")?;
    body.extend([4, clean_session, 0, 0]);
    body.extend(text(client)?);
    send(stream, CONNECT, &body).await?;
    let (kind, answer) = packet(stream).await?;
    ensure!(
        kind == CONNACK && answer == [0, 0],
        "not connected: {answer:?}"
    );
    Ok(())
}

/// Subscribes with QoS 1.
pub async fn subscribe(stream: &mut impl Stream, topic: &str) -> anyhow::Result<()> {
    let mut body = vec![0, 1];
    body.extend(text(topic)?);
    body.push(1);
    send(stream, SUBSCRIBE, &body).await?;
    let (kind, answer) = packet(stream).await?;
    ensure!(
        kind == SUBACK && answer == [0, 1, 1],
        "not subscribed: {answer:?}"
    );
    Ok(())
}

/// Publishes with QoS 1 and waits for the broker's word.
pub async fn publish(stream: &mut impl Stream, topic: &str, message: &[u8]) -> anyhow::Result<()> {
    let mut body = text(topic)?;
    body.extend([0, 1]);
    body.extend(message);
    send(stream, PUBLISH_QOS_1, &body).await?;
    let (kind, _) = packet(stream).await?;
    ensure!(kind == PUBACK, "not published");
    Ok(())
}

/// Waits for a message, and acknowledges it.
pub async fn receive(stream: &mut impl Stream) -> anyhow::Result<()> {
    let (kind, body) = packet(stream).await?;
    ensure!(kind & 0xf6 == PUBLISH_QOS_1, "not a message with QoS 1");
    let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
    let id = body
        .get(2 + topic..4 + topic)
        .context("a short message")?
        .to_vec();
    send(stream, PUBACK, &id).await
}

fn text(text: &str) -> anyhow::Result<Vec<u8>> {
    let length = u16::try_from(text.len())?.to_be_bytes();
    Ok([&length, text.as_bytes()].concat())
}

async fn send(stream: &mut impl Stream, kind: u8, body: &[u8]) -> anyhow::Result<()> {
    let mut bytes = vec![kind];
    let mut left = body.len();
    loop {
        let digit = u8::try_from(left % 128)?;
        left /= 128;
        bytes.push(if left > 0 { digit | 0x80 } else { digit });
        if left == 0 {
            break;
        }
    }
    bytes.extend(body);
    stream.write_all(&bytes).await?;
    Ok(())
}

async fn packet(stream: &mut impl Stream) -> anyhow::Result<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await?;
    let (mut length, mut scale) = (0, 1);
    loop {
        let digit = stream.read_u8().await?;
        length += usize::from(digit & 0x7f) * scale;
        ensure!(length <= MAX_PACKET_BYTES, "a packet of {length} bytes");
        if digit & 0x80 == 0 {
            break;
        }
        scale *= 128;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((kind, body))
}
