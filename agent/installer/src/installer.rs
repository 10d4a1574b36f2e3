//! The installer as one value: what it keeps, and what it does when asked.

use crate::authorise::{self, Denied};
use crate::clock;
use crate::config::{Settings, id_of};
use crate::drive::{self, Record};
use crate::interlock::{self, Asking};
use crate::journal::{BadJournal, Journal};
use crate::pin::{self, Pin, PinError};
use crate::stage::{self, Agent};
use crate::watermark::{Kept, NoWatermark};
use ed25519_dalek::SigningKey;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, Nonce};
use patchward_common::job::phase::Phase;
use patchward_common::job::{Event, LocalHandover};
use patchward_common::time::UtcMs;
use patchward_common::trust::check::{Ask, Interlock};
use patchward_common::trust::go::Go;
use patchward_common::trust::papers::Papers;
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::trust::watermark::Watermark;
use patchward_common::wire::local::{Documents, DocumentsTaken, Hold, MAX_HOLD_MS};
use patchward_steps::command::Caller;
use patchward_steps::disk::{Disk, DiskError, Observer};
use patchward_steps::kind::Site;
use patchward_steps::runner::{Runner, RunnerKind};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const PAPERS: &str = "documents";
const WARD: &str = "ward";
/// Largest file of documents: what one request may bring, and what was there.
const MAX_PAPERS_BYTES: usize = 32 * 1024 * 1024;
/// Largest file of holds and a handover.
const MAX_WARD_BYTES: usize = 4 * 1024;

/// The installer, shared by every connection.
pub struct Installer {
    /// The settings.
    pub settings: Settings,
    /// Its folder.
    pub disk: Disk,
    /// The agent's folder.
    pub agent: Agent,
    /// What runs steps.
    pub runner: Runner,
    program: PathBuf,
    key: SigningKey,
    pin: Pin,
    core: Mutex<Core>,
    /// One prepare or start at a time.
    turn: Mutex<()>,
    /// One thread drives the open job.
    wheel: Mutex<()>,
    /// Nobody else works on this folder while it is held.
    _lock: File,
}

/// What changes.
struct Core {
    watermark: Kept,
    papers: Papers,
    journal: Journal,
    ward: Ward,
    asked: Option<Asked>,
    open: Option<Record>,
}

/// What people at the machine said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Ward {
    /// Said here; only people here end it.
    here: Option<Hold>,
    /// Carried by the agent, which also carries its end.
    carried: Option<Hold>,
    handover: Option<LocalHandover>,
}

/// The outstanding nonce. In memory only: after a restart it answers nothing.
struct Asked {
    job: JobId,
    nonce: Nonce,
    boot: BootId,
    at_boot_ms: i64,
}

/// Who says something about the ward's holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// A person at the machine.
    Here,
    /// The agent.
    Agent,
}

/// Why the installer answers nothing but this.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not pinned, or the key is damaged.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// No watermark.
    #[error(transparent)]
    Watermark(#[from] NoWatermark),
    /// No journal.
    #[error(transparent)]
    Journal(#[from] BadJournal),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Another process has the folder.
    #[error("another patchward-installer works on {}", .0.display())]
    Busy(PathBuf),
}

impl Installer {
    /// Opens a pinned machine's folder.
    pub fn open(
        settings: Settings,
        program: PathBuf,
        observer: Observer,
    ) -> Result<Self, OpenError> {
        let disk = Disk::open(&settings.state_dir, observer)?;
        let lock = lock(&disk)?;
        let (key, pin) = pin::load(&disk)?;
        let watermark = Kept::load(&disk)?;
        let journal = Journal::load(&disk, key.clone())?;
        let papers = read(&disk, PAPERS, MAX_PAPERS_BYTES)?;
        let ward = read(&disk, WARD, MAX_WARD_BYTES)?;
        let mut open = None;
        for record in Record::load_all(&disk)? {
            match record.phase(journal.events(record.job)) {
                Some(_) => open = Some(record),
                None => disk.remove(&format!("jobs/{}/start", record.job))?,
            }
        }
        Ok(Self {
            agent: Agent::new(&settings.agent_dir),
            runner: Runner::new(settings.runner, program.clone(), disk.clone()),
            settings,
            program,
            key,
            pin,
            turn: Mutex::new(()),
            wheel: Mutex::new(()),
            _lock: lock,
            core: Mutex::new(Core {
                watermark,
                papers,
                journal,
                ward,
                asked: None,
                open,
            }),
            disk,
        })
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        // What is on disk stays true whatever a thread died of.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine's public key.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::of(&self.key)
    }

    /// What was pinned.
    pub fn pin(&self) -> &Pin {
        &self.pin
    }

    /// Signs a statement of the one type that an agent may ask for.
    pub fn sign<T: patchward_common::trust::sign::Document>(&self, statement: &T) -> Signed<T> {
        Signed::new(statement, &self.key)
    }

    /// What a kind needs to know.
    pub fn site(&self, job: JobId) -> Site<'_> {
        Site {
            trees_dir: &self.settings.trees_dir,
            packages_root: &self.settings.packages_root,
            dpkg_options: &self.settings.dpkg_options,
            rpm_options: &self.settings.rpm_options,
            recipes_dir: &self.settings.recipes_dir,
            restart_argv: &self.settings.restart_argv,
            program: &self.program,
            job_dir: self.disk.path(&format!("jobs/{job}")),
            artifacts_dir: self.disk.path(&stage::folder(job)),
        }
    }

    /// This boot.
    pub fn boot(&self) -> Result<BootId, String> {
        drive::boot_id(&self.settings.boot_id_file)
    }

    /// Watermark and papers as they are now.
    pub fn snapshot(&self) -> (Watermark, Papers) {
        let core = self.core();
        (core.watermark.value().clone(), core.papers.clone())
    }

    /// Changes the watermark, durably.
    pub fn raise(&self, change: impl FnOnce(&mut Watermark)) -> Result<(), DiskError> {
        self.core().watermark.change(change)
    }

    /// Takes documents: they first, then what they raise, so that a crash between the
    /// two leaves documents that are newer than the watermark and verify again.
    pub fn take(&self, documents: Documents) -> Result<DocumentsTaken, DiskError> {
        let mut core = self.core();
        let taken = core
            .papers
            .take(core.watermark.value(), documents, clock::now());
        if taken.papers != core.papers {
            self.disk.write(PAPERS, &codec::encode(&taken.papers))?;
            core.papers = taken.papers;
            self.sweep(&core)?;
        }
        core.watermark
            .change(|watermark| *watermark = taken.watermark)?;
        Ok(DocumentsTaken {
            watermark: core.watermark.value().digest(),
            refused: taken.refused,
        })
    }

    /// Changes the unsigned stops.
    pub fn stops(&self, change: impl FnOnce(&mut Papers)) -> Result<(), DiskError> {
        let mut core = self.core();
        let mut papers = core.papers.clone();
        change(&mut papers);
        if papers != core.papers {
            self.disk.write(PAPERS, &codec::encode(&papers))?;
            core.papers = papers;
        }
        Ok(())
    }

    /// Steps 1 to 7 of a job.
    pub fn prepare(&self, job: JobId) -> Result<(), Denied> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.may_begin(job)?;
        let prepared = authorise::prepare(self, job, clock::now());
        self.note(job, &prepared, |_| Event::Prepared)?;
        prepared.map(|_| ())
    }

    /// Draws the nonce that the next go must answer; an earlier one answers nothing.
    pub fn nonce(&self, job: JobId) -> Result<Nonce, Denied> {
        let nonce = Nonce(pin::random().map_err(|error| Denied::Wrong(error.to_string()))?);
        let boot = self.boot().map_err(Denied::Wrong)?;
        self.core().asked = Some(Asked {
            job,
            nonce,
            boot,
            at_boot_ms: clock::boot_ms(),
        });
        Ok(nonce)
    }

    /// Takes the outstanding nonce: it answers once, whatever comes of it.
    pub fn take_nonce(&self, job: JobId) -> Result<Ask, Denied> {
        let asked = self.core().asked.take();
        let none = || Denied::Wrong("no nonce is outstanding; ask for one first".to_owned());
        let asked = asked.ok_or_else(none)?;
        if asked.job != job {
            return Err(Denied::Wrong(
                "the nonce was drawn for another job".to_owned(),
            ));
        }
        Ok(Ask {
            job,
            machine: self.pin.machine,
            boot: asked.boot,
            nonce: asked.nonce,
            age_ms: clock::boot_ms().saturating_sub(asked.at_boot_ms),
        })
    }

    /// Steps 1 to 11 of a job; then the start record, durable, before the first effect.
    /// Says whether the job runs: where HTM signed `rehearse`, it does not.
    pub fn start(self: &Arc<Self>, job: JobId, go: &Signed<Go>) -> Result<bool, Denied> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.may_begin(job)?;
        let allowed = authorise::start(self, job, go);
        if !allowed.as_ref().is_ok_and(|allowed| !allowed.rehearses) {
            self.note(job, &allowed, |allowed| {
                Event::WouldHaveStarted(allowed.start.clone())
            })?;
            return allowed.map(|_| false);
        }
        let sequence = self.core().journal.last() + 1;
        let record = Record::new(self, job, allowed?, sequence)?;
        record.write(&self.disk)?;
        let mut core = self.core();
        if core.journal.last() + 1 != sequence {
            drop(core);
            self.disk.remove(&format!("jobs/{job}/start"))?;
            return Err(Denied::Wrong(
                "something else was journalled meanwhile; ask again".into(),
            ));
        }
        let approval = record.placed.signed.digest();
        let started = Event::Started(record.start.clone());
        core.journal.append(job, approval, clock::now(), started)?;
        core.open = Some(record);
        drop(core);
        self.resume();
        Ok(true)
    }

    /// Steps 8 to 11 for the restart that a job waits for; then it is ordered.
    pub fn reboot(self: &Arc<Self>, job: JobId, go: &Signed<Go>) -> Result<(), Denied> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let record = self.open_job().filter(|record| record.job == job);
        let record = record
            .filter(|record| self.phase(record) == Phase::RebootPending)
            .ok_or_else(|| Denied::Wrong(format!("job {job} waits for no restart")))?;
        authorise::reboot(self, job, go)?;
        let boot = self.boot().map_err(Denied::Wrong)?;
        self.append(
            job,
            record.placed.signed.digest(),
            Event::RebootOrdered(boot),
        )?;
        self.resume();
        Ok(())
    }

    /// Drives the open job, if there is one, in a thread of its own.
    pub fn resume(self: &Arc<Self>) {
        if self.open_job().is_some() {
            let installer = Arc::clone(self);
            std::thread::spawn(move || installer.finish());
        }
    }

    /// Drives the open job here, until it ends or rests.
    pub fn finish(&self) {
        let _wheel = self.wheel.lock().unwrap_or_else(PoisonError::into_inner);
        drive::drive(self);
    }

    /// Removes the folders of jobs whose approval is over: what was staged and never
    /// started must not stay for ever.
    fn sweep(&self, core: &Core) -> Result<(), DiskError> {
        for name in self.disk.names("jobs")? {
            let Ok(job) = name.parse::<JobId>() else {
                continue;
            };
            let is_open = core.open.as_ref().is_some_and(|open| open.job == job);
            if !is_open && core.papers.approval(job, self.pin.machine).is_none() {
                self.disk.remove(&format!("jobs/{name}"))?;
            }
        }
        Ok(())
    }

    /// One job at a time, and none twice.
    fn may_begin(&self, job: JobId) -> Result<(), Denied> {
        let core = self.core();
        if let Some(open) = &core.open {
            return Err(Denied::Wrong(format!("job {} is under way here", open.job)));
        }
        match core.journal.job(job) {
            Some(history) if history.state.is_final() => {
                let word = history.state.word();
                Err(Denied::Wrong(format!("job {job} has ended: {word}")))
            }
            _ => Ok(()),
        }
    }

    /// Journals what a check came to, where the job is one that is known here.
    fn note<T>(
        &self,
        job: JobId,
        outcome: &Result<T, Denied>,
        passed: impl FnOnce(&T) -> Event,
    ) -> Result<(), DiskError> {
        let event = match outcome {
            Ok(value) => passed(value),
            Err(Denied::Refused(reason)) => Event::Refused(reason.clone()),
            Err(Denied::Wrong(_) | Denied::Disk(_)) => return Ok(()),
        };
        let mut core = self.core();
        let Some(placed) = core.papers.approval(job, self.pin.machine) else {
            return Ok(());
        };
        let approval = placed.signed.digest();
        core.journal.note(job, approval, clock::now(), event)
    }

    /// Appends an event of the open job.
    pub fn append(&self, job: JobId, approval: Digest, event: Event) -> Result<(), DiskError> {
        self.core()
            .journal
            .append(job, approval, clock::now(), event)
    }

    /// The open job's record.
    pub fn open_job(&self) -> Option<Record> {
        self.core().open.clone()
    }

    /// Where an open job stands.
    pub fn phase(&self, record: &Record) -> Phase {
        let core = self.core();
        let phase = record.phase(core.journal.events(record.job));
        phase.unwrap_or_else(|| record.plan.begin())
    }

    /// When a job's newest event happened.
    pub fn last_event_at(&self, job: JobId) -> Option<UtcMs> {
        let core = self.core();
        core.journal.events(job).last().map(|(_, at, _)| *at)
    }

    /// Forgets the open job: first its record, then, where it will not start again, the rest.
    pub fn close_job(&self, record: &Record) -> Result<(), DiskError> {
        let folder = format!("jobs/{}", record.job);
        self.disk.remove(&format!("{folder}/start"))?;
        let mut core = self.core();
        let history = core.journal.job(record.job);
        if history.is_some_and(|history| history.state.is_final()) {
            self.disk.remove(&folder)?;
        }
        core.open = None;
        Ok(())
    }

    /// Signed events after a sequence.
    pub fn journal(&self, after: u64) -> Result<Vec<serde_bytes::ByteBuf>, BadJournal> {
        self.core().journal.after(after)
    }

    /// What the journal says of a job, and how far the journal goes.
    pub fn history(&self, job: JobId) -> (Option<crate::journal::History>, u64) {
        let core = self.core();
        (core.journal.job(job).cloned(), core.journal.last())
    }

    /// Until when somebody holds this machine.
    pub fn held_until(&self) -> Option<UtcMs> {
        self.hold().map(|hold| hold.until)
    }

    /// The hold in force: the one that lasts longer.
    pub fn hold(&self) -> Option<Hold> {
        let core = self.core();
        let holds = [core.ward.here.clone(), core.ward.carried.clone()];
        let now = clock::now();
        let live = holds.into_iter().flatten().filter(|hold| now < hold.until);
        live.max_by_key(|hold| hold.until)
    }

    /// Holds the machine, or ends the hold of the same voice.
    pub fn set_hold(&self, voice: Voice, hold: Option<Hold>) -> Result<(), DiskError> {
        let latest = clock::now().plus_ms(MAX_HOLD_MS);
        let hold = hold.map(|hold| Hold {
            until: hold.until.min(latest),
            ..hold
        });
        self.change_ward(|ward| match (voice, &hold) {
            (Voice::Agent, _) => ward.carried = hold,
            (Voice::Here, Some(_)) => ward.here = hold,
            (Voice::Here, None) => (ward.here, ward.carried) = (None, None),
        })
    }

    /// Hands the machine over for a job.
    pub fn hand_over(&self, handover: LocalHandover) -> Result<(), DiskError> {
        let latest = clock::now().plus_ms(MAX_HOLD_MS);
        let until = handover.until.min(latest);
        self.change_ward(|ward| ward.handover = Some(LocalHandover { until, ..handover }))
    }

    /// The handover that was said here.
    pub fn local_handover(&self) -> Option<LocalHandover> {
        self.core().ward.handover.clone()
    }

    fn change_ward(&self, change: impl FnOnce(&mut Ward)) -> Result<(), DiskError> {
        let mut core = self.core();
        let mut ward = core.ward.clone();
        change(&mut ward);
        self.disk.write(WARD, &codec::encode(&ward))?;
        core.ward = ward;
        Ok(())
    }

    /// Asks the machine's probes whether it may be disturbed.
    pub fn interlock(&self, handed_over: bool, after_our_stop: bool) -> Interlock {
        interlock::measure(Asking {
            folder: &self.settings.probes_dir,
            caller: self.prober(),
            handed_over,
            after_our_stop,
        })
    }

    /// As `user`, outside of our sandbox where there is one.
    pub fn outside(&self, user: Option<u32>) -> Caller {
        Caller {
            user,
            unit: self.settings.runner == RunnerKind::Systemd,
        }
    }

    /// As whom and where probes run. A user who is not known is nobody: 65534, who owns
    /// nothing.
    pub fn prober(&self) -> Caller {
        let own = rustix::process::geteuid();
        let user = id_of(&self.settings.probe_user, Path::new("/etc/passwd")).unwrap_or(65_534);
        self.outside((own.is_root() && user != own.as_raw()).then_some(user))
    }
}

fn read<T: Default + serde::de::DeserializeOwned>(
    disk: &Disk,
    name: &str,
    limit: usize,
) -> Result<T, DiskError> {
    let Some(bytes) = disk.read(name, limit)? else {
        return Ok(T::default());
    };
    let damaged = |error| std::io::Error::other(format!("damaged: {error}"));
    let path = disk.path(name);
    codec::decode(&bytes, limit)
        .map_err(damaged)
        .map_err(DiskError::of("understand", &path))
}

fn lock(disk: &Disk) -> Result<File, OpenError> {
    let path = disk.path("lock");
    let file = File::create(&path).map_err(DiskError::of("open", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => Err(OpenError::Busy(disk.path(""))),
    }
}
