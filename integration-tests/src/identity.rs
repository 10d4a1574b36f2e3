//! A hospital whose people sign in by its OpenID provider: a collector, an independent provider
//! (npm's oidc-provider), an authority that signed the provider's certificate, and browsers.

use crate::node;
use crate::ports::{free_port, free_tcp_port};
use crate::process::{Daemon, run};
use crate::programs::Program;
use crate::visitor::{Answer, Visitor};
use anyhow::{Context as _, ensure};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the provider gave the collector.
const SECRET: &str = "a secret of the tests: & + %";
/// Most redirects that a browser follows.
const MAX_STEPS: usize = 20;

/// The hospital.
#[derive(Debug)]
pub struct Identity {
    folder: PathBuf,
    machines: u16,
    page: u16,
    provider: u16,
    /// The link of the first administrator.
    pub welcome: String,
    running: Option<Daemon>,
    collector: Option<Daemon>,
}

/// Somebody's browser, at the page and at the provider.
pub struct Browser {
    /// At the page.
    pub page: Visitor,
    /// At the provider.
    pub provider: Visitor,
    addresses: [String; 2],
}

impl Identity {
    /// Makes and starts all of it.
    ///
    /// # Errors
    /// Where oidc-provider is not installed, or something does not start.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        let mut identity = Self {
            folder: folder.to_owned(),
            machines: free_port()?,
            page: free_tcp_port()?,
            provider: free_tcp_port()?,
            welcome: String::new(),
            running: None,
            collector: None,
        };
        identity.certify()?;
        identity.sits_there(&json!({ "sub": "nobody" }))?;
        identity.start_provider()?;
        identity.init()?;
        identity.start_collector()?;
        Ok(identity)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The page's address.
    pub fn page(&self) -> String {
        format!("https://localhost:{}", self.page)
    }

    /// The provider, as it calls itself.
    pub fn issuer(&self) -> String {
        format!("https://localhost:{}", self.provider)
    }

    /// The certificate of the provider, by an authority that nobody else knows.
    fn certify(&self) -> anyhow::Result<()> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::write(self.file("authority.pem"), params.self_signed(&key)?.pem())?;
        let authority = Issuer::new(params, key);
        let own = KeyPair::generate()?;
        let params = CertificateParams::new(vec!["localhost".to_owned()])?;
        let certificate = params.signed_by(&own, &authority)?;
        std::fs::write(self.file("provider.pem"), certificate.pem())?;
        std::fs::write(self.file("provider.key"), own.serialize_pem())?;
        Ok(())
    }

    fn init(&mut self) -> anyhow::Result<()> {
        let machines = format!("127.0.0.1:{}", self.machines);
        let listen = format!("127.0.0.1:{}", self.page);
        let folder = self.file("collector");
        let printed = run(Command::new(Program::Collector.path()?)
            .arg("--folder")
            .arg(&folder)
            .args([
                "init",
                "--json",
                "--listen",
                &machines,
                "--address",
                &machines,
            ])
            .args(["--web-listen", &listen, "--web-address", &self.page()]))?;
        let made: Value = serde_json::from_str(&printed).context("reading what init says")?;
        let welcome = made["page"].as_str().context("init told no link")?;
        self.welcome = welcome.to_owned();
        std::fs::write(self.file("secret"), SECRET)?;
        let settings = folder.join("collector.toml");
        let text = std::fs::read_to_string(&settings)?;
        let own = format!(
            "oidc_issuer = {:?}\noidc_client = \"patchward\"\noidc_secret_file = {:?}\n",
            self.issuer(),
            self.file("secret")
        );
        std::fs::write(settings, own + &text)?;
        Ok(())
    }

    fn start_collector(&mut self) -> anyhow::Result<()> {
        let mut serve = Command::new(Program::Collector.path()?);
        serve
            .arg("--folder")
            .arg(self.file("collector"))
            .arg("serve");
        // Where the roots of the system are; a test has some of its own.
        serve.env("SSL_CERT_FILE", self.file("authority.pem"));
        let mut daemon = Daemon::start("collector", &mut serve, &self.file("collector.log"))?;
        daemon.wait_until("it answers", || self.ask(&["site", "list"]).is_ok())?;
        self.collector = Some(daemon);
        Ok(())
    }

    /// Starts the provider; it knows nobody from before.
    pub fn start_provider(&mut self) -> anyhow::Result<()> {
        let log = self.file("provider.log");
        let _ = std::fs::remove_file(&log);
        let mut command = node::provider()?;
        command
            .env("PORT", self.provider.to_string())
            .env("KEY", self.file("provider.key"))
            .env("CERTIFICATE", self.file("provider.pem"))
            .env("REDIRECT", format!("{}/login/openid/done", self.page()))
            .env("SECRET", SECRET)
            .env("PERSON", self.file("person.json"));
        let mut daemon = Daemon::start("provider", &mut command, &log)?;
        let printed = || std::fs::read_to_string(&log).unwrap_or_default();
        daemon.wait_until("it listens", || printed().contains("ready"))?;
        self.running = Some(daemon);
        Ok(())
    }

    /// Ends the provider as a power cut would.
    pub fn kill_provider(&mut self) {
        self.running = None;
    }

    /// Who sits at the provider's page from now on, as `provider.mjs` reads it.
    pub fn sits_there(&self, person: &Value) -> anyhow::Result<()> {
        // Whole at every moment.
        let new = self.file("person.new");
        std::fs::write(&new, person.to_string())?;
        std::fs::rename(new, self.file("person.json"))?;
        Ok(())
    }

    /// Asks the collector by its command line.
    pub fn ask(&self, arguments: &[&str]) -> anyhow::Result<String> {
        run(Command::new(Program::Collector.path()?)
            .arg("--folder")
            .arg(self.file("collector"))
            .args(arguments))
    }

    /// Somebody's browser.
    pub fn browser(&self) -> anyhow::Result<Browser> {
        Ok(Browser {
            page: Visitor::new(&self.file("collector"), self.page)?,
            provider: Visitor::trusting(&self.file("authority.pem"), self.provider)?,
            addresses: [self.page(), self.issuer()],
        })
    }
}

impl Browser {
    /// Opens a page or an address, and goes wherever it leads.
    ///
    /// # Errors
    /// Where it leads in circles, or to somebody else.
    pub fn open(&mut self, to: &str) -> anyhow::Result<Answer> {
        let (answer, next) = self.walk(to, |_| false)?;
        ensure!(next.is_none(), "it went on to {next:?}");
        Ok(answer)
    }

    /// The same until an address for which `ends` holds, which is not opened any more.
    pub fn walk(
        &mut self,
        to: &str,
        ends: impl Fn(&str) -> bool,
    ) -> anyhow::Result<(Answer, Option<String>)> {
        let mut to = to.to_owned();
        let mut is_at_page = true;
        for _ in 0..MAX_STEPS {
            let [page, provider] = &self.addresses;
            if let Some(path) = to.strip_prefix(page.as_str()) {
                (to, is_at_page) = (path.to_owned(), true);
            } else if let Some(path) = to.strip_prefix(provider.as_str()) {
                (to, is_at_page) = (path.to_owned(), false);
            }
            ensure!(to.starts_with('/'), "it leads to {to}");
            let visitor = match is_at_page {
                true => &mut self.page,
                false => &mut self.provider,
            };
            let answer = visitor.get(&to)?;
            let next = answer.headers.get("location").cloned();
            match next {
                Some(next) if (300..400).contains(&answer.status) && ends(&next) => {
                    return Ok((answer, Some(next)));
                }
                Some(next) if (300..400).contains(&answer.status) => to = next,
                _ => return Ok((answer, None)),
            }
        }
        anyhow::bail!("more than {MAX_STEPS} redirects")
    }
}
