//! `serve`: starts everything, says that it is ready, and ends in order.

use crate::app::App;
use crate::claims::{Claims, Told};
use crate::command::{self, Snapshots};
use crate::config::{Settings, host_of};
use crate::control::{Failure, server};
use crate::fleet::{self, Authorities, Authority, FleetContext, FleetSettings};
use crate::folder::Folder;
use crate::matching::Kept;
use crate::planning::Assigned;
use crate::reconcile::Pulse;
use crate::reconcile::follow::Follow;
use crate::snapshot::Behind;
use crate::store::{Actor, Place, Store, StoreError, View, reads_behind};
use crate::vendor::artifact::Artifacts;
use crate::web::listen::Door;
use crate::{clock, go_keys, init, reconcile, web};
use anyhow::Context as _;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What the journal and people call this program.
pub const PROGRAM: &str = "patchward-collector";

/// Runs the collector in `folder` until it is told to end.
pub async fn serve(folder: &Folder) -> anyhow::Result<()> {
    let settings = settings(folder)?;
    patchward_log::start(settings.log, PROGRAM)
        .map_err(|error| Failure::unavailable(error.to_string()))
        .context("starting the log")?;
    // Before the port and the database: two collectors never share a folder.
    let listener = server::bind(&folder.socket())
        .map_err(|error| Failure::unavailable(error.to_string()))
        .context("opening the socket of the commands")?;
    let served = with(folder, settings, listener).await;
    // A socket that nobody serves would only confuse.
    let _ = std::fs::remove_file(folder.socket());
    served
}

async fn with(folder: &Folder, settings: Settings, listener: UnixListener) -> anyhow::Result<()> {
    let place = init::place(folder, &settings);
    let _only = only(&place)?;
    let (store, authorities) = open_store(folder, &place, &settings).await?;
    let door = match settings.web_listen {
        Some(listen) => {
            let authority = authorities.current();
            Some(web::listen::open(listen, &settings, authority, clock::now()).await?)
        }
        None => None,
    };
    let follow = Follow::begin(&store, clock::now()).await?;
    let claims = Claims::new(&store, &settings, clock::now());
    let go_key = go_keys::at_start(folder, &store, clock::now()).await?;
    let artifacts = Artifacts::in_folder(&folder.artifacts()).context("opening the artifacts")?;
    let fleet = fleet::serve(
        FleetContext {
            store: store.clone(),
            authorities,
            go_key: go_key.clone(),
            artifacts: artifacts.object_store(),
            clock: Arc::new(clock::now),
            settings: of_fleet(&settings, door.as_ref()),
        },
        settings.listen,
    )
    .await?;
    let (people, behind) = (Threads::new("people", || {})?, Threads::behind(&store)?);
    let app = Arc::new(App {
        folder: folder.clone(),
        settings,
        store,
        fleet,
        artifacts,
        matching: Kept::default(),
        assigned: Assigned::default(),
        snapshots: Snapshots::default(),
        behind: Behind::new(behind.handle()),
        go_signing_key: go_key,
        pulse: Pulse::new(clock::now()),
        claims,
    });
    // Before its tasks look for the first time what is theirs.
    app.claims
        .beat(&app.store, Told::default(), app.now())
        .await?;
    still_ours(&app).await?;
    // Before anybody is told that it runs: who is told may end it at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let (collector, version) = (&app.settings.name, env!("CARGO_PKG_VERSION"));
    tracing::info!(%collector, version, listen = %app.settings.listen, "the collector is ready");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let calm = reconcile::calm(&app.store).await?;
    let mut tasks = vec![tokio::spawn(reconcile::run(app.clone(), follow, calm))];
    tasks.extend(ask(&app, &people, listener, door, calm));
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("the collector ends");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tasks.iter().for_each(JoinHandle::abort);
    // First of all: another takes over what is let go of at once.
    app.claims.leave(&app.store.beside()).await;
    app.fleet.shutdown().await;
    // This waits for changes that people began.
    app.store.close().await;
    tracing::debug!("the store is closed");
    Ok(())
}

/// What machines are served with.
fn of_fleet(settings: &Settings, door: Option<&Door>) -> FleetSettings {
    FleetSettings {
        addresses: hosts(&settings.addresses),
        hello_every_ms: u64::from(settings.pace_seconds) * 1_000,
        tcp: settings.listen_tcp,
        relays: settings.relays.clone(),
        page: door.map(Door::life),
        ..FleetSettings::default()
    }
}

/// Answers people and programs: their commands, and where there is a page what it shows.
fn ask(
    app: &Arc<App>,
    people: &Threads,
    listener: UnixListener,
    door: Option<Door>,
    calm: Instant,
) -> Vec<JoinHandle<()>> {
    let mut tasks = vec![people.handle().spawn(server::serve(app.clone(), listener))];
    if let Some(door) = door {
        tracing::info!(address = app.settings.web_origin(), "the page is open");
        tasks.push(people.handle().spawn(web::listen::serve(app.clone(), door)));
        tasks.push(app.behind.threads().spawn(command::keep(app.clone(), calm)));
    }
    tasks
}

/// How far threads step back on which nobody waits: a third of the weight of the others, in a busy
/// moment. By more, whoever needs what is gathered there would wait long for it.
const NICE: i32 = 5;

/// What a thread begins with on which nobody waits, where the database is a file.
fn steps_back() {
    reads_behind();
    // By Linux this is the thread's own, and its threads' of SQLite. Where it is not allowed, pages
    // wait a little longer.
    let _ = rustix::process::setpriority_process(None, NICE);
}

/// Threads of their own: what people ask is many short steps, and in one queue with thousands of
/// hellos a second, or with what is gathered meanwhile for half a second, each step would wait
/// for all that stand there. Dropped, they end without being waited for.
struct Threads(Option<Runtime>);

impl Threads {
    /// Each of them begins with `begin`.
    fn new(name: &str, begin: fn()) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name(name)
            .on_thread_start(begin)
            .enable_all()
            .build()
            .with_context(|| format!("starting the threads {name:?}"))?;
        Ok(Self(Some(runtime)))
    }

    /// Those on which nobody waits. On a server they take connections that others wait for, and do not
    /// step back.
    fn behind(store: &Store) -> anyhow::Result<Self> {
        Self::new("behind", if store.is_shared() { || {} } else { steps_back })
    }

    fn handle(&self) -> Handle {
        let own = self.0.as_ref().map(Runtime::handle);
        own.cloned().unwrap_or_else(Handle::current)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The settings of the collector in `folder`.
pub(crate) fn settings(folder: &Folder) -> anyhow::Result<Settings> {
    let path = folder.settings();
    let bytes = match File::open(&path).and_then(patchward_common::settings::read) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = format!(
                "{} is no collector's folder; make it with `patchward-collector init`",
                folder.path().display()
            );
            return Err(Failure::not_found(text).into());
        }
        Err(error) => {
            let text = format!("{} cannot be read: {error}", path.display());
            return Err(Failure::unavailable(text).into());
        }
    };
    let within = || format!("in {}", path.display());
    let settings = Settings::parse(&bytes).with_context(within)?;
    settings
        .check()
        .map_err(Failure::input)
        .with_context(within)?;
    Ok(settings)
}

/// Takes the one place of a collector on a file of SQLite, for as long as what this gives is kept.
/// The socket keeps a second one out of the folder; this, a lock on the folder that the database
/// truly lies in, keeps it off a database that a second folder leads to.
///
/// # Errors
/// Where another collector has it.
pub fn only(place: &Place) -> anyhow::Result<Option<File>> {
    let Place::Sqlite { path, .. } = place else {
        return Ok(None);
    };
    let true_path = path.canonicalize().ok();
    let Some(folder) = true_path.as_deref().and_then(Path::parent) else {
        // Opening it says what is wrong.
        return Ok(None);
    };
    let opened = File::open(folder);
    let opened = opened.with_context(|| format!("opening {}", folder.display()))?;
    let locked = rustix::fs::flock(&opened, FlockOperation::NonBlockingLockExclusive);
    match locked {
        Err(error) if is_taken(error) => Err(Failure::conflict(format!(
            "another collector runs on the database {}; on SQLite exactly one may. End it first, or \
             move to PostgreSQL, where several share one database (docs/several.md)",
            path.display()
        ))
        .into()),
        locked => {
            if let Err(error) = locked {
                let folder = folder.display();
                tracing::warn!(%folder, %error, "nothing keeps a second collector off the database");
            }
            Ok(Some(opened))
        }
    }
}

/// Whether it is another collector that refuses the lock. Some file systems lock no folders: NFS
/// says that it is no file to write to, or that it has no locks.
fn is_taken(error: Errno) -> bool {
    error == Errno::WOULDBLOCK
}

/// Opens the database of this very collector, and its authorities: another one's would know
/// other machines, other stops and other goes.
async fn open_store(
    folder: &Folder,
    place: &Place,
    settings: &Settings,
) -> anyhow::Result<(Store, Authorities)> {
    let mut authorities = Authorities::open(&folder.authority())?;
    let store = Store::open(place).await.context("opening the database")?;
    let mut view = store.view().await?;
    let noted = view.authority().await?;
    let is_next = |next: &Authority| noted == Some(next.fingerprint());
    if authorities.next().is_some_and(is_next) {
        // `ca finish` was cut off after it was on record.
        authorities = Authorities::finish(&folder.authority())?;
    }
    let problem = stranger(&mut view, &authorities, settings).await?;
    drop(view);
    match problem {
        None => Ok((store, authorities)),
        Some(problem) => {
            store.close().await;
            Err(Failure::conflict(problem).into())
        }
    }
}

/// Others may have gone over to another authority while this one started and did not count yet.
/// From here on it does.
async fn still_ours(app: &App) -> anyhow::Result<()> {
    let mut change = app.store.change(Actor::Collector, app.now()).await?;
    change.lock_authority().await?;
    let authorities = app.fleet.authorities();
    let problem = stranger(change.view(), &authorities, &app.settings).await?;
    drop(change);
    match problem {
        None => Ok(()),
        Some(problem) => {
            app.claims.leave(&app.store).await;
            Err(Failure::conflict(problem).into())
        }
    }
}

/// Why the database is not that of a collector with these authorities and settings.
async fn stranger(
    view: &mut View,
    authorities: &Authorities,
    settings: &Settings,
) -> Result<Option<String>, StoreError> {
    let (name, noted) = (view.collector().await?, view.authority().await?);
    let follows = view.next_authority().await?;
    let current = authorities.current().fingerprint();
    Ok(match name {
        None => Some("the database belongs to no collector; `init` did not make it".to_owned()),
        Some(name) if name != settings.name => Some(format!(
            "the database belongs to the collector \"{name}\", and the settings say \"{}\"",
            settings.name
        )),
        Some(_) if noted.is_some_and(|noted| noted != current) => {
            Some("the database belongs to another certificate authority than the folder".to_owned())
        }
        // `ca next` was given to another collector.
        Some(_) if follows != authorities.next().map(Authority::fingerprint) => {
            follows.map(|follows| {
                format!(
                    "machines are certified by the authority {follows}, and its key is not in this \
                     folder; copy the files in `ca/` from the folder of another collector"
                )
            })
        }
        Some(_) => None,
    })
}

/// The host parts of `host:port`: what goes into the certificate.
fn hosts(addresses: &[String]) -> Vec<String> {
    let hosts = addresses.iter().map(|address| host_of(address).to_owned());
    hosts.collect()
}

#[cfg(test)]
mod tests {
    /// What is not refused by another collector keeps none from its database.
    #[test]
    fn a_folder_that_cannot_be_locked_is_not_taken() {
        use rustix::io::Errno;
        assert!(super::is_taken(Errno::AGAIN));
        for error in [Errno::BADF, Errno::NOLCK, Errno::OPNOTSUPP, Errno::INVAL] {
            assert!(!super::is_taken(error), "{error}");
        }
    }

    #[test]
    fn a_certificate_names_hosts_without_ports() {
        let addresses = ["c.example:9443", "[::1]:9443", "10.0.0.1:1"].map(String::from);
        assert_eq!(super::hosts(&addresses), ["c.example", "::1", "10.0.0.1"]);
    }
}
