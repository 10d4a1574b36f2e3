//! A machine in a folder: the real installer as a process, an agent's folder beside it,
//! and everything that the machine would otherwise own for itself.

use anyhow::{Context as _, bail};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, MachineId, Name};
use patchward_common::job::{JobEvent, State};
use patchward_common::time::UtcMs;
use patchward_common::trust::check::Ask;
use patchward_common::trust::sign::{Document as _, PublicKey, Signed};
use patchward_common::trust::tuf_author::Files;
use patchward_common::wire::local::{Answer, Documents, Request, Status};
use patchward_common::wire::token::EnrolmentToken;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest wait for anything that a machine does.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// A machine.
pub struct Machine {
    folder: PathBuf,
    program: PathBuf,
    child: Option<Child>,
    /// Its id.
    pub id: MachineId,
}

/// This computer's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the harness drives real processes"
)]
pub fn now() -> UtcMs {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UtcMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Looks until `look` gives something, and fails after [`PATIENCE`].
#[expect(
    clippy::disallowed_methods,
    reason = "the harness drives real processes"
)]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if began.elapsed() > PATIENCE {
            bail!("waited {PATIENCE:?} in vain until {what}");
        }
        std::thread::sleep(LOOK);
    }
}

impl Machine {
    /// Lays out a machine in `folder` with `program` as installer, and pins it. It is
    /// idle, in its first boot, and not running yet.
    pub fn new(folder: &Path, program: &Path, token: &EnrolmentToken) -> anyhow::Result<Self> {
        let mut machine = Self::unpinned(folder, program)?;
        machine.pin(token, None)?;
        Ok(machine)
    }

    /// The same, not pinned.
    pub fn unpinned(folder: &Path, program: &Path) -> anyhow::Result<Self> {
        for below in [
            "agent/metadata",
            "agent/artifacts",
            "probes.d",
            "recipes.d",
            "trees",
            "root",
        ] {
            std::fs::create_dir_all(folder.join(below))?;
        }
        let machine = Self {
            folder: folder.to_owned(),
            program: program.to_owned(),
            child: None,
            id: MachineId([0; 32]),
        };
        machine.settings(&[])?;
        machine.boot(BootId([1; 16]))?;
        machine.says("interlock", "interlock", "echo idle")?;
        Ok(machine)
    }

    /// Pins it; `kill_at` as the killable installer reads it.
    pub fn pin(&mut self, token: &EnrolmentToken, kill_at: Option<usize>) -> anyhow::Result<()> {
        let pinned = self.run(&["pin", &token.to_text()], kill_at)?;
        let id = pinned
            .split_whitespace()
            .last()
            .context("pin printed nothing")?;
        self.id = id.parse()?;
        Ok(())
    }

    /// Where something of the machine lies.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    /// Writes the settings, with more lines of TOML at the end. Checks that fail are not asked
    /// again, unless such a line says how long.
    pub fn settings(&self, more: &[&str]) -> anyhow::Result<()> {
        let path = |below: &str| self.path(below).display().to_string();
        let own = rustix::process::geteuid().as_raw();
        let (next, boot) = (path("next_boot"), path("boot_id"));
        // At once: whoever looks never finds half a boot id.
        let reboot = format!("cp {next} {boot}.new && mv {boot}.new {boot}");
        let mut lines = vec![
            "runner = \"child\"".to_owned(),
            format!("agent_user = \"{own}\""),
            format!("probe_user = \"{own}\""),
            format!("reboot_argv = [\"/bin/sh\", \"-c\", \"{reboot}\"]"),
        ];
        for (key, below) in [
            ("state_dir", "state"),
            ("agent_dir", "agent"),
            ("socket", "socket"),
            ("probes_dir", "probes.d"),
            ("recipes_dir", "recipes.d"),
            ("trees_dir", "trees"),
            ("packages_root", "root"),
            ("boot_id_file", "boot_id"),
            ("screen_file", "screen"),
            ("nologin_file", "nologin"),
        ] {
            lines.push(format!("{key} = \"{}\"", path(below)));
        }
        if !more
            .iter()
            .any(|line| line.starts_with("check_patience_seconds"))
        {
            lines.push("check_patience_seconds = 0".to_owned());
        }
        lines.extend(more.iter().map(|line| (*line).to_owned()));
        Ok(std::fs::write(
            self.path("installer.toml"),
            lines.join("\n"),
        )?)
    }

    /// Gives the machine another boot id, as a restart does. `reboot_argv` of the
    /// settings does the same with what [`Self::next_boot`] wrote.
    pub fn boot(&self, boot: BootId) -> anyhow::Result<()> {
        Ok(std::fs::write(self.path("boot_id"), boot.to_string())?)
    }

    /// The boot id that an ordered restart leads to.
    pub fn next_boot(&self, boot: BootId) -> anyhow::Result<()> {
        Ok(std::fs::write(self.path("next_boot"), boot.to_string())?)
    }

    /// Writes a file of `probes.d`, `recipes.d` or elsewhere that only root may write.
    pub fn write(&self, below: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path(below);
        std::fs::write(&path, text)?;
        Ok(std::fs::set_permissions(
            path,
            Permissions::from_mode(0o644),
        )?)
    }

    /// Writes a command probe whose answer is what `script` prints.
    pub fn says(&self, probe: &str, purpose: &str, script: &str) -> anyhow::Result<()> {
        let text = format!(
            "kind = \"command\"\npurpose = \"{purpose}\"\nargv = [\"/bin/sh\", \"-c\", {script:?}]\n"
        );
        self.write(&format!("probes.d/{probe}.toml"), &text)
    }

    /// Puts a repository's metadata into the agent's folder.
    pub fn put_metadata(&self, repository: &Name, files: &Files) -> anyhow::Result<()> {
        let folder = self.path("agent/metadata").join(repository.as_str());
        std::fs::create_dir_all(&folder)?;
        for (name, bytes) in files {
            std::fs::write(folder.join(name), bytes)?;
        }
        Ok(())
    }

    /// Puts an artifact into the agent's folder, under its true name.
    pub fn put_artifact(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self
            .path("agent/artifacts")
            .join(Digest::of(bytes).to_string());
        Ok(std::fs::write(path, bytes)?)
    }

    /// Runs a subcommand of the installer and gives back what it prints.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.run(arguments, None)
    }

    fn run(&self, arguments: &[&str], kill_at: Option<usize>) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--config");
        command.arg(self.path("installer.toml"));
        if let Some(kill_at) = kill_at {
            command.env("PATCHWARD_KILL_AT", kill_at.to_string());
        }
        let output = command.output()?;
        if !output.status.success() {
            bail!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts the installer and waits until it listens; `kill_at` as the killable
    /// installer reads it. `false` where it died before it listened.
    pub fn start(&mut self, kill_at: Option<usize>) -> anyhow::Result<bool> {
        self.kill()?;
        // A socket that the last process left would only refuse.
        match std::fs::remove_file(self.path("socket")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut command = Command::new(&self.program);
        command
            .args(["run", "--config"])
            .arg(self.path("installer.toml"));
        command.stdin(Stdio::null());
        if std::env::var_os("RUST_LOG").is_none() {
            command.stderr(Stdio::null());
        }
        if let Some(kill_at) = kill_at {
            command.env("PATCHWARD_KILL_AT", kill_at.to_string());
        }
        let mut child = command.spawn()?;
        let came = until("the installer listens", || {
            if child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return Some(false);
            }
            self.ask(&Request::Identity).is_ok().then_some(true)
        })?;
        self.child = Some(child);
        Ok(came)
    }

    /// Whether the installer's process is alive.
    pub fn is_alive(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| child.try_wait().is_ok_and(|ended| ended.is_none()))
    }

    /// Ends the installer without warning.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks the installer.
    pub fn ask(&self, request: &Request) -> anyhow::Result<Answer> {
        patchward_installer::cli::ask(&self.path("socket"), request)
    }

    /// Gives documents to the installer and back what it refused.
    pub fn give(&self, documents: &Documents) -> anyhow::Result<Vec<String>> {
        match self.ask(&Request::Documents(Box::new(documents.clone())))? {
            Answer::Documents(taken) => {
                let refused = taken.refused.into_iter();
                Ok(refused
                    .map(|(what, why)| format!("{what}: {}", why.text))
                    .collect())
            }
            other => bail!("{other:?}"),
        }
    }

    /// Draws a nonce, and says what a go must answer.
    pub fn draw(&self, job: JobId) -> anyhow::Result<Ask> {
        let boot = std::fs::read_to_string(self.path("boot_id"))?;
        match self.ask(&Request::Nonce(job))? {
            Answer::Nonce(nonce) => Ok(Ask {
                job,
                machine: self.id,
                boot: BootId::from_kernel(&boot).context("no boot id")?,
                nonce,
                age_ms: 0,
            }),
            other => bail!("{other:?}"),
        }
    }

    /// Where things stand.
    pub fn status(&self) -> anyhow::Result<Status> {
        match self.ask(&Request::Status)? {
            Answer::Status(status) => Ok(*status),
            other => bail!("{other:?}"),
        }
    }

    /// Waits until a job's state satisfies `wanted`.
    pub fn wait_for(&self, job: JobId, wanted: impl Fn(&State) -> bool) -> anyhow::Result<State> {
        until("the job stands as wanted", || {
            let status = self.status().ok()?;
            let found = status.jobs.into_iter().find(|one| one.job == job)?;
            wanted(&found.state).then_some(found.state)
        })
    }

    /// Every journal event, each verified with the machine's key and chained to the one
    /// before it.
    pub fn events(&self) -> anyhow::Result<Vec<JobEvent>> {
        let Answer::Identity(identity) = self.ask(&Request::Identity)? else {
            bail!("no identity");
        };
        let mut events: Vec<JobEvent> = Vec::new();
        let mut previous = Digest::default();
        loop {
            let after = events.len() as u64;
            let Answer::Journal(batch) = self.ask(&Request::Journal(after))? else {
                bail!("no journal");
            };
            if batch.is_empty() {
                return Ok(events);
            }
            for bytes in batch {
                let event = verified(&bytes, &identity.key)?;
                if event.0.previous != previous || event.0.sequence != events.len() as u64 + 1 {
                    bail!("event {} does not follow", event.0.sequence);
                }
                previous = event.1;
                events.push(event.0);
            }
        }
    }

    /// The words of a job's events.
    pub fn words(&self, job: JobId) -> anyhow::Result<Vec<&'static str>> {
        let events = self.events()?;
        let of_job = events.iter().filter(|event| event.job == job);
        Ok(of_job.map(|event| event.event.word()).collect())
    }

    /// Makes a file of the agent's folder a link to somewhere else.
    pub fn link(&self, below: &str, target: &Path) -> anyhow::Result<()> {
        Ok(symlink(target, self.path(below))?)
    }
}

fn verified(bytes: &[u8], key: &PublicKey) -> anyhow::Result<(JobEvent, Digest)> {
    let signed: Signed<JobEvent> = codec::decode(bytes, JobEvent::MAX_BYTES + 1_024)?;
    let event = signed.verify([key])?;
    let digest = event.digest();
    Ok((event.into_document(), digest))
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The folder is about to go; what cannot be ended now ends with the test.
        let _ = self.kill();
    }
}

/// A tar archive of files and their contents, all executable.
pub fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    // A header and its blocks by hand: a fixture needs no crate for three fields.
    let mut archive = Vec::new();
    for (name, content) in files {
        let mut header = [0u8; 512];
        let mut field = |at: usize, text: &str| {
            header[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        field(0, name);
        field(100, "0000755");
        field(124, &format!("{:011o}", content.len()));
        field(148, "        ");
        field(156, "0");
        field(257, "ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend_from_slice(&header);
        archive.extend_from_slice(content.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1_024, 0);
    archive
}
