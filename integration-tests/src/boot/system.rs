//! What the system makes of what we give it: systemd hands over a credential, PAM refuses logins while
//! the installer works, and the journal finds a job by its field.

use super::Machine;
use super::patience::until;
use super::rollout::RECORDS;
use anyhow::{Context as _, bail, ensure};

/// What the installer writes while a job is worked on.
const NOLOGIN: &str = "/run/nologin";
/// How logins are judged: as by Debian's SSH server, which asks `pam_nologin` for the account.
const PAM: (&str, &str) = (
    "/etc/pam.d/hospital-login",
    "auth required pam_permit.so\naccount required pam_nologin.so\n\
     account required pam_permit.so\npassword required pam_deny.so\n\
     session required pam_permit.so\n",
);
/// What a unit ends with whose session PAM refuses.
const EXIT_PAM: u8 = 224;
/// Settings of the collector that need a password, of which nothing says where it is.
const MAIL: &str = "smtp_server = \"127.0.0.1:2525\"\nsmtp_from = \"patchward@hospital.example\"\n\
    smtp_user = \"patchward\"\n";
pub(super) const SETTINGS: &str = "/var/lib/patchward-collector/collector.toml";
/// Hands the collector the password, instead of the encrypted one that is not there.
const DROP_IN: (&str, &str) = (
    "/etc/systemd/system/patchward-collector.service.d",
    "[Service]\nLoadCredentialEncrypted=\nLoadCredential=smtp-password:/root/smtp-password\n",
);

impl Machine {
    /// Without a credential the collector says which it misses; with the one that systemd hands it, it
    /// gets as far as the server of mail, where nobody listens.
    pub(super) fn credential(&mut self) -> anyhow::Result<()> {
        let settings = self.container.path(SETTINGS);
        let before = std::fs::read_to_string(&settings)?;
        std::fs::write(&settings, format!("{MAIL}{before}"))?;
        self.collector_anew()?;
        let add = ["notice", "mail", "add", "it", "--to", "it@hospital.example"];
        self.collector(&add)?;
        self.mail_fails_with("systemd's credential smtp-password")?;
        self.container.write("/root/smtp-password", "secret\n")?;
        let (folder, text) = DROP_IN;
        self.container
            .write(&format!("{folder}/password.conf"), text)?;
        self.collector_anew()?;
        self.mail_fails_with("the server of mail")?;
        // As it was: nothing of ours is to be left behind by the purge.
        self.container.run(&["rm", "-r", folder])?;
        self.collector(&["notice", "remove", "it"])?;
        std::fs::write(&settings, before)?;
        self.collector_anew()?;
        self.in_contact()
    }

    pub(super) fn collector_anew(&self) -> anyhow::Result<()> {
        self.container.run(&["systemctl", "daemon-reload"])?;
        self.container
            .run(&["systemctl", "restart", "patchward-collector"])?;
        self.is("patchward-collector", "active")
    }

    fn mail_fails_with(&self, words: &str) -> anyhow::Result<()> {
        let said = match self.collector(&["notice", "test", "it"]) {
            Ok(said) => said,
            Err(error) => format!("{error:#}"),
        };
        ensure!(
            said.contains(words),
            "a mail fails otherwise than with \"{words}\": {said}"
        );
        Ok(())
    }

    /// A person logs in as PAM lets them, and out again at once.
    fn logs_in_by_pam(&self) -> anyhow::Result<String> {
        let (path, text) = PAM;
        self.container.write(path, text)?;
        let service = path.rsplit('/').next().unwrap_or_default();
        let service = format!("--property=PAMName={service}");
        let words = ["systemd-run", "--wait", "--quiet", "--collect"];
        let person = ["--property=User=nurse", &service, "/bin/true"];
        self.container.run(&[&words[..], &person].concat())
    }

    /// Nothing refuses a login.
    pub(super) fn may_log_in(&self, when: &str) -> anyhow::Result<()> {
        let is_there = self.container.run(&["cat", NOLOGIN]);
        ensure!(is_there.is_err(), "{NOLOGIN} is there {when}: {is_there:?}");
        let login = self.logs_in_by_pam();
        login
            .map(drop)
            .with_context(|| format!("a login was refused {when}"))
    }

    /// From the start record on logins are refused, with the installer's words; the job is held before
    /// its measurement.
    pub(super) fn refuses_logins(&self) -> anyhow::Result<()> {
        until("the installer refuses logins", || {
            self.container.run(&["test", "-e", NOLOGIN]).is_ok()
        })?;
        self.container
            .shell(&format!("ls {RECORDS}/*/start"))
            .context("logins are refused before there is a start record")?;
        let text = self.container.read(NOLOGIN)?;
        ensure!(text.starts_with("Patchward: "), "{NOLOGIN} says: {text}");
        let Err(refusal) = self.logs_in_by_pam() else {
            bail!("somebody could log in while {NOLOGIN} says: {text}");
        };
        let refusal = format!("{refusal:#}");
        ensure!(
            refusal.contains(&format!("exit status: {EXIT_PAM}")),
            "a login failed otherwise than by PAM: {refusal}"
        );
        Ok(())
    }

    /// The journal tells of a plan's job by its field, at the collector and at the installer.
    pub(super) fn told_by_field(&self, plan: &str) -> anyhow::Result<()> {
        let (_, job) = self.job(plan)?;
        let field = format!("PATCHWARD_JOB={job}");
        for unit in ["patchward-collector", "patchward-installer"] {
            let of = format!("--unit={unit}");
            let words = ["journalctl", "--no-pager", "--quiet", "--output=json"];
            let words = [&words[..], &[&of, &field]].concat();
            let told = until(&format!("{unit} tells of the job by its field"), || {
                let told = self.container.run(&words).unwrap_or_default();
                told.lines().any(|line| line.contains("PATCHWARD_JOB"))
            });
            told.with_context(|| {
                let fields = self.container.run(&["journalctl", "--fields"]);
                let last = [
                    "journalctl",
                    "--no-pager",
                    "--lines=5",
                    "--output=verbose",
                    &of,
                ];
                let last = self.container.run(&last);
                format!("{field} finds nothing; there are {fields:?}, and at last {last:?}")
            })?;
        }
        Ok(())
    }
}
