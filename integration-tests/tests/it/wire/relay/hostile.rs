//! A relay that is hostile or broken achieves nothing but that the collector is asked.

use super::super::world::now;
use super::{RELAY, agent, artifact, bytes, certified, identity, world};
use patchward_common::codec;
use patchward_common::time::{HOUR_MS, MINUTE_MS, UtcMs};
use patchward_common::wire::machine::{
    ALPN_RELAY, Answer, ArtifactAsked, ArtifactHeader, NotNow, Request,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a hostile relay does with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    OtherBytes,
    /// What was right once.
    Old,
    LiesAboutSize,
    BreaksOff,
    Hangs,
    Drips,
    NotYet,
    Nonsense,
}

/// A relay with a good certificate that does as it is told; how often it was asked.
pub(super) fn hostile(folder: &Path, does: Does) -> (quinn::Endpoint, String, Arc<AtomicUsize>) {
    let (chain, key) = identity(folder);
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let mut tls = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain[..1].to_vec(), key)
        .unwrap();
    tls.alpn_protocols = vec![ALPN_RELAY.to_vec()];
    let tls = quinn::crypto::rustls::QuicServerConfig::try_from(tls).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    let endpoint = quinn::Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = endpoint.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let (accepting, counted) = (endpoint.clone(), asked.clone());
    tokio::spawn(async move {
        while let Some(incoming) = accepting.accept().await {
            let counted = counted.clone();
            tokio::spawn(async move {
                let connection = incoming.await.unwrap();
                while let Ok((send, receive)) = connection.accept_bi().await {
                    counted.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(answer(send, receive, does));
                }
            });
        }
    });
    (endpoint, address, asked)
}

async fn answer(mut send: quinn::SendStream, mut receive: quinn::RecvStream, does: Does) {
    let request = receive.read_to_end(1_000).await.unwrap_or_default();
    let length = match codec::decode(&request, 1_000) {
        Ok(Request::Artifact(ArtifactAsked { length, .. })) => length,
        Ok(Request::Metadata(_)) => return role(send, does).await,
        _ => return,
    };
    let header = |total, length| codec::encode(&Answer::Artifact(ArtifactHeader { total, length }));
    let bytes = match does {
        Does::OtherBytes | Does::Old => [header(length, length), vec![7; length as usize]].concat(),
        Does::LiesAboutSize => [header(1 << 40, length), vec![7; length as usize]].concat(),
        Does::BreaksOff | Does::Drips => [header(length, length), vec![7; 10]].concat(),
        Does::Hangs => Vec::new(),
        Does::NotYet => codec::encode(&Answer::NotNow(NotNow {
            reason: "soon".into(),
            again_ms: u64::MAX,
        })),
        Does::Nonsense => vec![0xff; 5_000],
    };
    let _ = send.write_all(&bytes).await;
    if matches!(does, Does::Hangs) {
        let _ = send.stopped().await;
    }
    if matches!(does, Does::Drips) {
        let mut every = tokio::time::interval(std::time::Duration::from_secs(1));
        loop {
            every.tick().await;
            if send.write_all(&[7]).await.is_err() {
                return;
            }
        }
    }
    let _ = send.finish();
}

/// Lies about a role file.
async fn role(mut send: quinn::SendStream, does: Does) {
    let file: &[u8] = match does {
        Does::Old => br#"{"signed":{"version":1}}"#,
        _ => &[7; 500],
    };
    let answer = Answer::Metadata(Some(serde_bytes::ByteBuf::from(file.to_vec())));
    let bytes = codec::encode(&answer);
    let bytes = match does {
        Does::BreaksOff => &bytes[..bytes.len() / 2],
        Does::Nonsense => &[0xff; 5_000],
        _ => &bytes[..],
    };
    let _ = send.write_all(bytes).await;
    let _ = send.finish();
}

/// Attacks: other bytes, another size, half of it, nothing, a byte a second, never, and what is no
/// answer. The collector has it within a bounded time, and the relay is left alone for a while.
#[tokio::test]
async fn a_hostile_or_broken_relay_achieves_nothing() {
    let world = world().await;
    let folder = certified(&world, RELAY, 100);
    let machine = world.enrolled(1).await;
    let content = bytes(100_000, 5);
    let sha256 = artifact(&world, &content);
    let wanted = (&sha256, content.len() as u64);
    let link = machine.link(&world).await;
    for does in [
        Does::OtherBytes,
        Does::LiesAboutSize,
        Does::BreaksOff,
        Does::Nonsense,
        Does::Hangs,
        Does::Drips,
        Does::NotYet,
    ] {
        let (endpoint, address, asked) = hostile(folder.path(), does);
        let (kept, downloads, mut relay) = agent(&machine, &address);
        // A first go that a hello cuts short, as soon as it has been asked.
        let began = now();
        let until_asked = async {
            while asked.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
        };
        let first = tokio::select! {
            is_here = relay.fetch(&downloads, wanted, began) => Some(is_here),
            () = until_asked => None,
        };
        assert_ne!(first, Some(true), "{does:?}");
        // By the clock of the next go its time is over, whatever it says now.
        let late = began.plus_ms(2 * HOUR_MS);
        if first.is_none() {
            assert!(!relay.fetch(&downloads, wanted, late).await, "{does:?}");
        }
        let before = asked.load(Ordering::Relaxed);
        let soon = late.plus_ms(MINUTE_MS);
        let is_here = match first {
            None => relay.fetch(&downloads, wanted, soon).await,
            Some(_) => {
                relay
                    .fetch(&downloads, wanted, began.plus_ms(MINUTE_MS))
                    .await
            }
        };
        assert!(!is_here, "{does:?}");
        assert_eq!(
            asked.load(Ordering::Relaxed),
            before,
            "{does:?}: it is left alone"
        );
        downloads.artifact(&link, wanted.0, wanted.1).await.unwrap();
        let path = kept.path().join("artifacts").join(sha256.to_string());
        assert_eq!(std::fs::read(path).unwrap(), content, "{does:?}");
        endpoint.close(0u32.into(), b"");
    }
    // Nobody there.
    let (_kept, downloads, mut relay) = agent(&machine, "127.0.0.1:9");
    let began = UtcMs(now().0);
    assert!(!relay.fetch(&downloads, wanted, began).await);
}
