//! A collector's fleet in a folder, and machines whose installer is played here.

use ed25519_dalek::SigningKey;
use object_store::local::LocalFileSystem;
use patchward_agent::credentials::Credentials;
use patchward_agent::enrol::{Asked, EnrolError, Enrolment, Myself};
use patchward_agent::installer::Installer;
use patchward_agent::link::{Identity, Link, LinkError, Told};
use patchward_collector::fleet::{
    self, Authorities, Authority, FleetContext, FleetError, FleetHandle, FleetSettings,
};
use patchward_collector::store::places::{Site, Unit};
use patchward_collector::store::tokens::{Acceptance, Token};
use patchward_collector::store::windows::{Opening, Window};
use patchward_collector::store::{Actor, Place, Store};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::facts::Facts;
use patchward_common::id::{BootId, Label, MachineId, Name, OutboxId};
use patchward_common::job::Reason;
use patchward_common::time::{DAY_MS, HOUR_MS, UtcMs};
use patchward_common::trust::charter::RootKeys;
use patchward_common::trust::check::Interlock;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::local;
use patchward_common::wire::machine::{
    Answer, EnrolmentStatement, Hello, HelloAnswer, InterlockWord, Request, ShortDigest,
};
use patchward_common::wire::token::EnrolmentToken;
use serde_bytes::ByteBuf;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

/// A running fleet. Its clock is this computer's, moved by what a test says.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) fleet: FleetHandle,
    pub(crate) addresses: Vec<String>,
    pub(crate) go_key: SigningKey,
    pub(super) place: Place,
    pub(super) moved_ms: Arc<AtomicI64>,
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Sqlite {
            path: folder.path().join("collector.sqlite"),
            max_pages: None,
        };
        Self::on(place, folder, FleetSettings::default()).await
    }

    pub(super) async fn on(
        place: Place,
        folder: tempfile::TempDir,
        settings: FleetSettings,
    ) -> Self {
        let store = Store::create(&place).await.unwrap();
        let now = now();
        let mut change = store.change(Actor::Collector, now).await.unwrap();
        let site = Site {
            name: name("main"),
            title: label("Main"),
        };
        change.add_site(&site).await.unwrap();
        for unit in ["icu", "ward"] {
            let unit = Unit {
                name: name(unit),
                site: name("main"),
                title: label("Unit"),
                class: Class::Critical,
            };
            change.add_unit(&unit).await.unwrap();
            // Open all the time that a test takes.
            let window = Window {
                id: unit.name.clone(),
                unit: unit.name,
                opening: Opening::Once(now.plus_ms(-HOUR_MS)),
                zone: "UTC".into(),
                minutes: 24 * 60 - 1,
                day_offset: 0,
                valid_from: None,
                valid_until: None,
            };
            change.add_window(&window).await.unwrap();
        }
        change.commit().await.unwrap();
        Authority::init(folder.path(), &name("main"), now).unwrap();
        Self::start_with(folder, (store, place), settings).await
    }

    /// The same with settings of the fleet's own.
    pub(crate) async fn with(settings: FleetSettings) -> Self {
        let world = Self::new().await;
        world.fleet.shutdown().await;
        Self::start_with(world.folder, (world.store, world.place), settings).await
    }

    async fn start_with(
        folder: tempfile::TempDir,
        (store, place): (Store, Place),
        settings: FleetSettings,
    ) -> Self {
        let moved_ms = Arc::new(AtomicI64::new(0));
        let fleet = serve(folder.path(), store.clone(), settings, moved_ms.clone()).await;
        Self {
            addresses: vec![fleet.local_address().unwrap().to_string()],
            folder,
            store,
            fleet,
            go_key: go_key(),
            place,
            moved_ms,
        }
    }

    /// The time by the collector's clock.
    pub(crate) fn now(&self) -> UtcMs {
        now().plus_ms(self.moved_ms.load(Ordering::SeqCst))
    }

    /// Moves the collector's clock on.
    pub(crate) fn pass(&self, ms: i64) {
        self.moved_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Stops the fleet and starts it anew on the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.fleet.shutdown().await;
        let opened = (self.store, self.place);
        Self::start_with(self.folder, opened, FleetSettings::default()).await
    }

    /// Makes a token for the unit `icu`.
    pub(crate) async fn token(
        &self,
        id: &str,
        uses: u32,
        acceptance: Acceptance,
    ) -> EnrolmentToken {
        let secret = Digest::of(id.as_bytes()).0;
        let token = Token {
            id: name(id),
            secret_hash: Digest::of(&secret),
            unit: name("icu"),
            host_pattern: "pc-*".into(),
            acceptance,
            uses_left: uses,
            created_at: now(),
            expires_at: now().plus_ms(DAY_MS),
            revoked_at: None,
        };
        let mut change = self.store.change(Actor::Collector, now()).await.unwrap();
        change.add_token(&token).await.unwrap();
        change.commit().await.unwrap();
        EnrolmentToken {
            addresses: self.addresses.clone(),
            ca: self.fleet.ca_fingerprint(),
            root: root(),
            secret: ByteBuf::from(secret),
        }
    }

    /// Enrols machine `number` at once.
    pub(crate) async fn enrolled(&self, number: u8) -> Machine {
        let id = format!("t{number}");
        let token = self.token(&id, 1, Acceptance::Automatic).await;
        let mut machine = Machine::new(self.folder.path(), number);
        match machine.enrol(token, &self.addresses).await.unwrap() {
            Asked::Certified(credentials) => machine.credentials = Some(*credentials),
            Asked::Wait(_) => panic!("the token's rule accepts"),
        }
        machine
    }
}

fn go_key() -> SigningKey {
    SigningKey::from_bytes(&[77; 32])
}

/// A fleet with the keys in a folder, at a port of its own.
pub(super) async fn serve(
    folder: &Path,
    store: Store,
    settings: FleetSettings,
    moved_ms: Arc<AtomicI64>,
) -> FleetHandle {
    let artifacts = folder.join("artifacts");
    std::fs::create_dir_all(&artifacts).unwrap();
    let context = || {
        let moved_ms = moved_ms.clone();
        FleetContext {
            store: store.clone(),
            authorities: Authorities::open(folder).unwrap(),
            go_key: go_key(),
            artifacts: Arc::new(LocalFileSystem::new_with_prefix(&artifacts).unwrap()),
            clock: Arc::new(move || now().plus_ms(moved_ms.load(Ordering::SeqCst))),
            settings: settings.clone(),
        }
    };
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    loop {
        match fleet::serve(context(), any).await {
            // Over TCP the number that UDP gave is somebody else's.
            Err(FleetError::BindTcp { .. }) => {}
            served => return served.unwrap(),
        }
    }
}

pub(crate) fn root() -> RootKeys {
    RootKeys {
        keys: vec![PublicKey::of(&SigningKey::from_bytes(&[9; 32]))],
        threshold: 1,
    }
}

pub(crate) fn now() -> UtcMs {
    patchward_agent::driver::system_clock()
}

/// What a played installer has, and does.
#[derive(Default)]
pub(crate) struct Played {
    /// The documents that it was given, oldest first.
    pub(crate) given: Mutex<Vec<local::Documents>>,
    /// So many of the next documents are refused in part.
    pub(crate) refuses: AtomicI64,
    /// Its jobs.
    pub(crate) jobs: Mutex<Vec<local::JobStatus>>,
    /// Its journal.
    pub(crate) journal: Mutex<Vec<ByteBuf>>,
}

/// A machine: its installer's key, and what its agent has.
pub(crate) struct Machine {
    pub(crate) key: SigningKey,
    pub(crate) played: Arc<Played>,
    pub(crate) socket: PathBuf,
    pub(crate) installer: Installer,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) myself: Myself,
}

impl Machine {
    pub(crate) fn new(folder: &Path, number: u8) -> Self {
        let key = SigningKey::from_bytes(&[number; 32]);
        let socket = folder.join(format!("installer-{number}.sock"));
        let listener = UnixListener::bind(&socket).unwrap();
        let played = Arc::new(Played::default());
        tokio::spawn(play_installer(listener, key.clone(), played.clone()));
        Self {
            installer: Installer::new(&socket),
            key,
            played,
            socket,
            credentials: None,
            myself: Myself {
                facts: Facts {
                    hostname: format!("pc-{number}"),
                    ..Facts::default()
                },
                fingerprint: Digest([number; 32]),
                boot: BootId([1; 16]),
            },
        }
    }

    pub(crate) fn id(&self) -> MachineId {
        MachineId(PublicKey::of(&self.key).id().0)
    }

    pub(crate) async fn enrol(
        &self,
        token: EnrolmentToken,
        addresses: &[String],
    ) -> Result<Asked, EnrolError> {
        let enrolment = Enrolment::begin(token, self.installer.clone()).await?;
        enrolment.ask(addresses, &self.myself, now()).await
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        self.credentials.as_ref().unwrap()
    }

    pub(crate) async fn connect(&self, world: &World) -> Result<Link, LinkError> {
        Link::connect(&world.addresses, Identity::Machine(self.credentials())).await
    }

    pub(crate) fn hello(&self) -> Hello {
        Hello {
            version: "0.1.0".into(),
            boot: self.myself.boot,
            clock: now(),
            inventory: Digest::default(),
            orders: ShortDigest::default(),
            watermark: Digest([3; 32]),
            outbox: OutboxId([4; 16]),
            journal: 0,
            interlock: InterlockWord::Idle,
            held_until: None,
            ready: Some(true),
            fingerprint: self.myself.fingerprint.into(),
        }
    }

    /// Connects and says hello.
    pub(crate) async fn link(&self, world: &World) -> Link {
        let link = self.connect(world).await.unwrap();
        say(&link, self.hello()).await.unwrap();
        link
    }
}

/// Waits for the next nudge.
pub(super) async fn nudged(link: &Link) -> Nudge {
    match link.told().await.unwrap() {
        Told::Nudge(nudge) => nudge,
        told => panic!("{told:?}"),
    }
}

/// Says hello; the refusal or whatever else came instead is the error.
pub(crate) async fn say(link: &Link, hello: Hello) -> Result<HelloAnswer, String> {
    match link.ask(&Request::Hello(Box::new(hello))).await {
        Ok(Answer::Hello(answer)) => Ok(*answer),
        Ok(other) => Err(format!("{other:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// The part of an installer that enrolment needs.
async fn play_installer(listener: UnixListener, key: SigningKey, played: Arc<Played>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let answer = match codec::decode(&bytes, local::MAX_REQUEST_BYTES).unwrap() {
            local::Request::Identity => local::Answer::Identity(local::Identity {
                machine: MachineId(PublicKey::of(&key).id().0),
                key: PublicKey::of(&key),
                root: Some(root().fingerprint()),
                version: "0.1.0".into(),
            }),
            local::Request::SignStatement(statement) => {
                let mut signed = Signed::<EnrolmentStatement>::unsigned(statement.into_vec());
                signed.cosign(&key);
                local::Answer::Statement(ByteBuf::from(codec::encode(&signed)))
            }
            local::Request::Status => local::Answer::Status(Box::new(local::Status {
                watermark: Digest([3; 32]),
                numbers: (0, 0, 0),
                boot: BootId([1; 16]),
                journal: played.journal.lock().unwrap().len() as u64,
                interlock: Interlock::Idle,
                hold: None,
                ready: Some(true),
                jobs: played.jobs.lock().unwrap().clone(),
            })),
            local::Request::Documents(documents) => {
                played.given.lock().unwrap().push(*documents);
                let mut taken = local::DocumentsTaken::default();
                if played.refuses.fetch_sub(1, Ordering::SeqCst) > 0 {
                    let why = Reason::new("not yet");
                    taken.refused.push(("assignment".into(), why));
                }
                local::Answer::Documents(taken)
            }
            local::Request::Journal(after) => {
                let journal = played.journal.lock().unwrap();
                let after = usize::try_from(after).unwrap();
                local::Answer::Journal(journal.iter().skip(after).cloned().collect())
            }
            local::Request::Hold(_) | local::Request::EndHold => local::Answer::Done,
            other => local::Answer::Error(format!("not played here: {other:?}")),
        };
        stream.write_all(&codec::encode(&answer)).await.unwrap();
    }
}
