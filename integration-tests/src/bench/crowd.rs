//! Many machines in one process: each with its own key, certificate and connection,
//! enrolled by the collector's authority like any other.

mod arriving;
mod quic;

use super::setting::{Setting, UNIT};
use crate::filled::served::ask as ask_collector;
use crate::hospital::now;
use anyhow::{Context as _, bail, ensure};
use ed25519_dalek::SigningKey;
use patchward_agent::credentials::Credentials;
use patchward_common::codec;
use patchward_common::component::{Component, ComponentSet, PackedComponents, Source};
use patchward_common::digest::Digest;
use patchward_common::facts::{Facts, PackedFacts};
use patchward_common::id::{BootId, MachineId, OutboxId};
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::wire::collector::{Held, MAX_NUDGE_BYTES, MAX_STOPPED_BYTES, Nudge};
use patchward_common::wire::machine::{
    Answer, CERTIFICATE_LIFE_MS, Enroll, EnrolmentStatement, Hello, HelloAnswer, InterlockWord,
    InventoryContent, InventoryReport, MAX_ANSWER_BYTES, Orders, OrdersAsked, Request, SERVER_NAME,
    ShortDigest, Stale,
};
use patchward_common::wire::token::EnrolmentToken;
use quic::{client, endpoint, watch_closely};
use quinn::{ClientConfig, Connection, Endpoint, SendStream, VarInt};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_bytes::ByteBuf;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Connections on one UDP socket: each socket has one task that reads it.
const A_SOCKET: usize = 250;
/// Machines that enrol with one token: its most uses.
const A_TOKEN: usize = 10_000;
/// Handshakes at once.
const AT_ONCE: usize = 64;

/// One machine of the crowd.
pub struct Member {
    /// Its number; its host name ends in it.
    pub number: usize,
    /// Its id.
    pub id: MachineId,
    /// Its installer's key.
    pub key: SigningKey,
    /// The hello that it says.
    pub hello: Hello,
    /// What its agent would prove itself with.
    pub credentials: Credentials,
    endpoint: Endpoint,
    collector: SocketAddr,
    tls: ClientConfig,
    connection: Option<Connection>,
    /// The number of the charter that it has.
    charter: u64,
    /// The orders that it has.
    orders: Digest,
}

/// The machines, in the order of their numbers.
pub struct Crowd {
    /// Each.
    pub members: Vec<Member>,
}

impl Crowd {
    /// Enrols `count` machines; none is connected.
    pub async fn enrol(setting: &Setting, count: usize) -> anyhow::Result<Self> {
        let folder = setting.hospital.collector_folder();
        Self::named("crowd", &folder, setting.address()?, UNIT, count).await
    }

    /// The same at the collector of a folder that listens at `collector`, for one unit; they are
    /// none of those that were enrolled there before.
    pub async fn at(
        folder: &Path,
        collector: SocketAddr,
        unit: &str,
        count: usize,
    ) -> anyhow::Result<Self> {
        let name = format!("crowd-{:08x}", rand::random::<u32>());
        Self::named(&name, folder, collector, unit, count).await
    }

    async fn named(
        name: &str,
        folder: &Path,
        collector: SocketAddr,
        unit: &str,
        count: usize,
    ) -> anyhow::Result<Self> {
        let mut tokens = Vec::new();
        for from in (0..count).step_by(A_TOKEN) {
            tokens.push(Arc::new(token(folder, unit, &format!("{name}-{from}"))?));
        }
        let authority = folder.join("ca/ca.crt");
        let authority = CertificateDer::from_pem_file(&authority)
            .with_context(|| format!("reading {}", authority.display()))?;
        let mut endpoints = Vec::new();
        for _ in 0..count.div_ceil(A_SOCKET) {
            endpoints.push(endpoint()?);
        }
        let mut members = all(0..count, |number| {
            let endpoint = endpoints[number / A_SOCKET].clone();
            let (token, authority) = (tokens[number / A_TOKEN].clone(), authority.clone());
            let name = name.to_owned();
            async move {
                let member =
                    Member::enrol((&name, number), endpoint, collector, &token, authority).await;
                member.with_context(|| format!("enrolling machine {number}"))
            }
        })
        .await?;
        members.sort_by_key(|(number, _)| *number);
        Ok(Self {
            members: members.into_iter().map(|(_, member)| member).collect(),
        })
    }

    /// Connects every machine, reports a small inventory, fetches orders, and says hellos
    /// until nothing is stale.
    pub async fn connect(&mut self) -> anyhow::Result<()> {
        let members = std::mem::take(&mut self.members);
        let mut back = all(members, |mut member| async move {
            member.connect().await?;
            Ok(member)
        })
        .await?;
        back.sort_by_key(|(number, _)| *number);
        self.members = back.into_iter().map(|(_, member)| member).collect();
        Ok(())
    }
}

/// A token for some of the machines.
fn token(folder: &Path, unit: &str, name: &str) -> anyhow::Result<EnrolmentToken> {
    let uses = A_TOKEN.to_string();
    let token = ["token", "new", name, "--unit", unit, "--accept"];
    let shown = ask_collector(folder, &[&token[..], &["--uses", &uses]].concat())?;
    Ok(EnrolmentToken::from_text(
        shown["token"].as_str().context("the token")?,
    )?)
}

/// Does something for each of `inputs`, a bounded number at once.
async fn all<I, T, F>(
    inputs: impl IntoIterator<Item = I>,
    act: impl Fn(I) -> F,
) -> anyhow::Result<Vec<(usize, T)>>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
{
    let mut running = JoinSet::new();
    let mut done = Vec::new();
    for (number, input) in inputs.into_iter().enumerate() {
        if running.len() == AT_ONCE
            && let Some(ended) = running.join_next().await
        {
            done.push(ended??);
        }
        let work = act(input);
        running.spawn(async move { work.await.map(|result| (number, result)) });
    }
    while let Some(ended) = running.join_next().await {
        done.push(ended??);
    }
    Ok(done)
}

impl Member {
    async fn enrol(
        (crowd, number): (&str, usize),
        endpoint: Endpoint,
        collector: SocketAddr,
        token: &EnrolmentToken,
        authority: CertificateDer<'static>,
    ) -> anyhow::Result<Self> {
        let seed = Digest::of_parts(&[crowd.as_bytes(), &number.to_be_bytes()]);
        let key = SigningKey::from_bytes(&seed.0);
        let id = MachineId(PublicKey::of(&key).id().0);
        let tls_key = rcgen::KeyPair::generate()?;
        let csr = rcgen::CertificateParams::default().serialize_request(&tls_key)?;
        let statement = EnrolmentStatement {
            key: PublicKey::of(&key),
            csr: ByteBuf::from(csr.der().to_vec()),
            token: Some(token.secret_digest()),
            fingerprint: seed,
            boot: BootId([1; 16]),
            at: now(),
        };
        let request = Request::Enroll(Box::new(Enroll {
            secret: token.secret.clone(),
            statement: Signed::new(&statement, &key),
            facts: PackedFacts::of(&Facts {
                hostname: format!("{crowd}-{number}"),
                ..Facts::default()
            }),
        }));
        let unknown = client(&authority, None)?;
        let connection = endpoint
            .connect_with(unknown, collector, SERVER_NAME)?
            .await?;
        let certificate = match ask(&connection, &request).await? {
            Answer::Certificate(certificate) => certificate,
            other => bail!("no certificate but {other:?}"),
        };
        connection.close(VarInt::from_u32(0), b"done");
        let tls = client(&authority, Some((certificate.clone(), &tls_key)))?;
        Ok(Self {
            number,
            id,
            hello: hello(seed),
            credentials: Credentials {
                addresses: vec![collector.to_string()],
                machine: id,
                key: ByteBuf::from(tls_key.serialize_der()),
                certificate,
                expires: now().plus_ms(CERTIFICATE_LIFE_MS),
            },
            endpoint,
            collector,
            tls,
            connection: None,
            charter: 0,
            orders: Digest::default(),
            key,
        })
    }

    async fn connect(&mut self) -> anyhow::Result<()> {
        let connecting =
            self.endpoint
                .connect_with(self.tls.clone(), self.collector, SERVER_NAME)?;
        self.connection = Some(connecting.await?);
        // At most the inventory, the orders, and a hello that finds nothing.
        for _ in 0..3 {
            let answer = self.say_hello().await?;
            if answer.stale == Stale::default() {
                return Ok(());
            }
            if answer.stale.has(Stale::INVENTORY) {
                self.report().await?;
            }
            if answer.stale.has(Stale::ORDERS) {
                self.fetch_orders().await?;
            }
        }
        bail!("machine {} does not become quiet", self.id)
    }

    /// It knows several collectors: it watches its next connection closely.
    pub fn knows_several(&mut self) {
        watch_closely(&mut self.tls);
    }

    /// Waits until its connection is lost.
    pub async fn until_lost(&self) -> anyhow::Result<()> {
        let connection = self.connection.as_ref().context("not connected")?;
        connection.closed().await;
        Ok(())
    }

    async fn report(&mut self) -> anyhow::Result<()> {
        let set = components()?;
        let report = Request::Inventory(Box::new(InventoryReport {
            digest: set.digest(),
            content: InventoryContent::Whole(PackedComponents::of(&set)),
            facts: None,
            installer: None,
        }));
        let answer = self.ask(&report).await?;
        ensure!(
            answer == Answer::Accepted(set.digest()),
            "the inventory: {answer:?}"
        );
        self.hello.inventory = set.digest();
        Ok(())
    }

    /// Fetches orders; the next hello names them.
    pub async fn fetch_orders(&mut self) -> anyhow::Result<Orders> {
        let asked = OrdersAsked {
            charter: self.charter,
            known: self.orders,
        };
        let orders = match self.ask(&Request::Orders(asked)).await? {
            Answer::Orders(orders) => *orders,
            other => bail!("no orders but {other:?}"),
        };
        if let Some(newest) = orders.charters.last() {
            self.charter = newest.peek()?.number;
        }
        self.takes(&orders);
        Ok(orders)
    }

    /// Has these orders from now on; the next hello names them.
    fn takes(&mut self, orders: &Orders) {
        self.orders = orders.digest;
        self.hello.orders = orders.digest.into();
    }

    /// Waits until it is told of a stop. One that is brought it has from then on; `None` for
    /// one that it has to ask for.
    pub async fn stopped(&mut self) -> anyhow::Result<Option<(Orders, SendStream)>> {
        let connection = self.connection.as_ref().context("not connected")?;
        loop {
            tokio::select! {
                stream = connection.accept_uni() => {
                    let bytes = stream?.read_to_end(MAX_NUDGE_BYTES).await?;
                    if codec::decode::<Nudge>(&bytes, MAX_NUDGE_BYTES)? == Nudge::Stop {
                        return Ok(None);
                    }
                }
                streams = connection.accept_bi() => {
                    let (send, mut receive) = streams?;
                    let bytes = receive.read_to_end(MAX_STOPPED_BYTES).await?;
                    let orders: Orders = codec::decode(&bytes, MAX_STOPPED_BYTES)?;
                    if orders.base != Some(self.orders) {
                        return Ok(None);
                    }
                    self.takes(&orders);
                    return Ok(Some((orders, send)));
                }
            }
        }
    }

    /// Says, on the stream that brought a stop, which orders it has.
    pub async fn says(&self, mut stream: SendStream) -> anyhow::Result<()> {
        let held = Held {
            orders: self.hello.orders,
        };
        stream.write_all(&codec::encode(&held)).await?;
        Ok(stream.finish()?)
    }

    /// Says hello once.
    pub async fn say_hello(&mut self) -> anyhow::Result<HelloAnswer> {
        self.hello.clock = now();
        let request = Request::Hello(Box::new(self.hello.clone()));
        match self.ask(&request).await? {
            Answer::Hello(answer) => Ok(*answer),
            other => bail!("a hello was answered by {other:?}"),
        }
    }

    /// Asks on the open connection.
    pub async fn ask(&self, request: &Request) -> anyhow::Result<Answer> {
        let connection = self.connection.as_ref().context("not connected")?;
        ask(connection, request).await
    }
}

/// Some packages; the same for all, as in a hospital of images.
fn components() -> anyhow::Result<ComponentSet> {
    let packages = (0..20).map(|number| Component {
        source: Source::Deb,
        name: format!("package-{number}"),
        version: "1.0-1".into(),
        arch: "amd64".into(),
    });
    Ok(ComponentSet::new(packages.collect())?)
}

fn hello(seed: Digest) -> Hello {
    let mut outbox = [0; 16];
    outbox.copy_from_slice(&seed.0[..16]);
    Hello {
        version: env!("CARGO_PKG_VERSION").into(),
        boot: BootId([1; 16]),
        clock: now(),
        inventory: Digest::default(),
        orders: ShortDigest::default(),
        watermark: seed,
        outbox: OutboxId(outbox),
        journal: 0,
        interlock: InterlockWord::Idle,
        held_until: None,
        ready: Some(true),
        fingerprint: seed.into(),
    }
}

async fn ask(connection: &Connection, request: &Request) -> anyhow::Result<Answer> {
    let (mut send, mut receive) = connection.open_bi().await?;
    send.write_all(&codec::encode(request)).await?;
    send.finish()?;
    let bytes = receive.read_to_end(MAX_ANSWER_BYTES).await?;
    Ok(codec::decode(&bytes, MAX_ANSWER_BYTES)?)
}
