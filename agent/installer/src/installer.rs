//! The installer as one value: what it keeps, and what it does when asked.

mod nonce;
mod papers;
mod rehearsal;
mod screen;
mod standing;
mod ward;

pub use standing::reads;
pub use ward::Voice;

use crate::authorise::{self, Denied};
use crate::clock;
use crate::config::{Settings, id_of};
use crate::drive::{self, Record};
use crate::format::{self, BadFormat};
use crate::interlock::{self, Asking};
use crate::journal::{BadJournal, Journal};
use crate::pin::{self, Pin, PinError};
use crate::stage::{self, Agent};
use crate::watermark::{Kept, NoWatermark};
use ed25519_dalek::SigningKey;
use nonce::Asked;
use patchward_common::id::{BootId, JobId, Nonce};
use patchward_common::job::phase::Phase;
use patchward_common::job::{Event, History, NotStarted};
use patchward_common::time::UtcMs;
use patchward_common::trust::check::Interlock;
use patchward_common::trust::go::Go;
use patchward_common::trust::papers::Papers;
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_steps::command::Caller;
use patchward_steps::disk::{Disk, DiskError, Observer};
use patchward_steps::kind::Site;
use patchward_steps::runner::{Runner, RunnerKind};
use standing::Standing;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use ward::Ward;

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
    /// One at a time tells people.
    telling: Mutex<()>,
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

/// Why the installer answers nothing but this.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another format than those that are known here.
    #[error(transparent)]
    Format(#[from] BadFormat),
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
        let lock = standing::lock(&disk)?;
        format::check(&disk)?;
        let (key, pin) = pin::load(&disk)?;
        let watermark = Kept::load(&disk)?;
        let Standing {
            journal,
            papers,
            ward,
            open,
            never_begun,
        } = Standing::read(&disk, &key)?;
        for job in never_begun {
            disk.remove(&format!("jobs/{job}/start"))?;
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
            telling: Mutex::new(()),
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

    /// Where this program was started from.
    pub fn program(&self) -> &Path {
        &self.program
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
            asker: self.outside(None),
        }
    }

    /// This boot.
    pub fn boot(&self) -> Result<BootId, String> {
        let path = self.settings.boot_id_file.as_path();
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
        BootId::from_kernel(&text).ok_or_else(|| format!("{} has no boot id", path.display()))
    }

    /// Steps 1 to 7 of a job.
    pub fn prepare(&self, job: JobId) -> Result<(), Denied> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.may_begin(job)?;
        let prepared = authorise::prepare(self, job, clock::now());
        self.note(job, None, &prepared, |_| Event::Prepared)?;
        prepared.map(|_| ())
    }

    /// Steps 1 to 11 of a job; then the start record, durable, before the first effect.
    /// Says whether the job runs: where HTM signed `rehearse`, it does not.
    pub fn start(self: &Arc<Self>, job: JobId, go: &Signed<Go>) -> Result<bool, Denied> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.may_begin(job)?;
        let ask = self.take_nonce(job)?;
        let allowed = authorise::start(self, &ask, go);
        if allowed.as_ref().is_ok_and(|allowed| allowed.rehearses) {
            self.once_a_slot(job, clock::now())?;
        }
        if !allowed.as_ref().is_ok_and(|allowed| !allowed.rehearses) {
            self.note(job, Some(ask.nonce), &allowed, |allowed| {
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
        self.append(&record, Event::RebootOrdered(boot))?;
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
        self.tell();
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

    /// Journals what a check came to, where the job is one that is known here. `nonce` is
    /// the one that was used up by it.
    fn note<T>(
        &self,
        job: JobId,
        nonce: Option<Nonce>,
        outcome: &Result<T, Denied>,
        passed: impl FnOnce(&T) -> Event,
    ) -> Result<(), DiskError> {
        let event = match outcome {
            Ok(value) => passed(value),
            Err(Denied::Refused(reason)) => Event::Refused(NotStarted {
                reason: reason.clone(),
                nonce,
            }),
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
    pub fn append(&self, record: &Record, event: Event) -> Result<(), DiskError> {
        let approval = record.placed.signed.digest();
        let mut core = self.core();
        core.journal
            .append(record.job, approval, clock::now(), event)
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

    /// What the journal says of a job.
    pub fn history(&self, job: JobId) -> Option<History> {
        self.core().journal.job(job).cloned()
    }

    /// The sequence of the journal's newest event.
    pub fn last_sequence(&self) -> u64 {
        self.core().journal.last()
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

    /// Whether nothing is under way here that this process has to be there for.
    pub fn rests(&self) -> bool {
        let core = self.core();
        core.open.is_none() && !core.asked.as_ref().is_some_and(Asked::lives)
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
