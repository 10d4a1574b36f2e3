//! Sends a mail by the hospital's server. What leaves this computer is encrypted, or is not
//! sent.

mod bounded;

use super::Problem;
use crate::config::{Settings, host_of};
use crate::credential;
use crate::notice::mail::Mail;
use crate::notice::webhook::is_loopback;
use bounded::Bounded;
use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use patchward_common::time::UtcMs;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use zeroize::Zeroizing;

/// How long a server may take to be reached and to say goodbye, and how long for all of it: one
/// that answers each line just in time too.
const PATIENCE: Patience = Patience {
    answer: Duration::from_secs(10),
    total: Duration::from_secs(30),
};
/// The port at which the connection is encrypted from its first byte (RFC 8314).
const IMPLICIT_TLS: u16 = 465;
/// What systemd calls the password, where it hands it over.
const CREDENTIAL: &str = "smtp-password";

/// The bounds that a test cannot wait for.
#[derive(Clone, Copy)]
struct Patience {
    answer: Duration,
    total: Duration,
}

/// The hospital's server of mail.
pub(super) struct Server {
    host: String,
    port: u16,
    /// Who sends.
    pub(super) from: String,
    user: Option<(String, Zeroizing<String>)>,
    hello: String,
    patience: Patience,
}

impl Server {
    /// As the settings name it.
    pub(super) fn of(settings: &Settings) -> Result<Self, Problem> {
        let (Some(server), Some(from)) = (&settings.smtp_server, &settings.smtp_from) else {
            return Err(Problem::new(
                "the settings name no server of mail: write smtp_server and smtp_from into \
                 collector.toml",
            ));
        };
        let port = server.rsplit(':').next().unwrap_or_default();
        let port = port
            .parse()
            .map_err(|_| Problem::new("smtp_server is no host:port"))?;
        let user = match &settings.smtp_user {
            Some(user) => Some((user.clone(), password(settings)?)),
            None => None,
        };
        let origin = settings.web_origin();
        let hello = host_of(origin.trim_start_matches("https://"));
        Ok(Self {
            host: host_of(server).to_owned(),
            port,
            from: from.clone(),
            user,
            hello: hello.to_owned(),
            patience: PATIENCE,
        })
    }

    fn tls(&self, roots: &[Certificate]) -> Result<TlsParameters, Problem> {
        let mut tls = TlsParameters::builder(self.host.clone());
        for root in roots {
            tls = tls.add_root_certificate(root.clone());
        }
        tls.build().map_err(|error| said(&error))
    }

    /// A connection on which a mail may be sent: encrypted, or on this computer. `roots` are
    /// trusted beside those of the system.
    async fn connected(&self, roots: &[Certificate]) -> Result<AsyncSmtpConnection, Problem> {
        let hello = match self.hello.parse() {
            Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
            Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
            Err(_) => ClientId::Domain(self.hello.clone()),
        };
        let server = (self.host.as_str(), self.port);
        if self.port == IMPLICIT_TLS {
            let (patience, tls) = (Some(self.patience.answer), Some(self.tls(roots)?));
            let connecting =
                AsyncSmtpConnection::connect_tokio1(server, patience, &hello, tls, None);
            return connecting.await.map_err(|error| said(&error));
        }
        let stream = TcpStream::connect(server).await;
        let stream =
            stream.map_err(|error| Problem::new(format!("the server of mail: {error}")))?;
        let stream = Box::new(Bounded::new(stream));
        let connecting = AsyncSmtpConnection::connect_with_transport(stream, &hello);
        let mut connection = connecting.await.map_err(|error| said(&error))?;
        // A test has a certificate of its own, and nobody on this computer listens in.
        if is_loopback(&self.host) && roots.is_empty() {
            return Ok(connection);
        }
        if !connection.can_starttls() {
            return Err(Problem::new(
                "the server of mail offers no encryption (STARTTLS), and nothing leaves this \
                 computer without",
            ));
        }
        let starting = connection.starttls(self.tls(roots)?, &hello).await;
        starting.map_err(|error| said(&error))?;
        Ok(connection)
    }

    /// Sends a mail; `roots` are trusted beside those of the system.
    pub(super) async fn send(
        &self,
        mail: &Mail<'_>,
        now: UtcMs,
        roots: &[Certificate],
    ) -> Result<(), Problem> {
        let address = |text: &str| -> Result<Address, Problem> {
            text.parse()
                .map_err(|_| Problem::new(format!("{text} is no address of mail")))
        };
        let to = mail.to.iter().map(|to| address(to));
        let to = to.collect::<Result<Vec<Address>, Problem>>()?;
        let envelope = Envelope::new(Some(address(&self.from)?), to)
            .map_err(|error| Problem::new(error.to_string()))?;
        let bytes = mail.bytes(now);
        let sending = async {
            let mut connection = self.connected(roots).await?;
            if let Some((user, password)) = &self.user {
                let password = password.as_str().to_owned();
                let known = Credentials::new(user.clone(), password);
                let proved = connection.auth(DEFAULT_MECHANISMS, &known).await;
                proved.map_err(|error| said(&error))?;
            }
            let sent = connection.send(&envelope, &bytes).await;
            sent.map_err(|error| said(&error))?;
            Ok(connection)
        };
        let sent = tokio::time::timeout(self.patience.total, sending).await;
        let mut connection = sent.unwrap_or_else(|_| {
            Err(Problem::new(format!(
                "the server of mail took longer than {} seconds",
                self.patience.total.as_secs()
            )))
        })?;
        // It has the mail; whether it says goodbye changes nothing.
        let _ = tokio::time::timeout(self.patience.answer, connection.quit()).await;
        Ok(())
    }
}

/// What went wrong, with what the server said of it.
fn said(error: &lettre::transport::smtp::Error) -> Problem {
    let mut text = format!("the server of mail: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let why = error.to_string();
        if !text.contains(&why) {
            text.push_str(&format!(": {why}"));
        }
        cause = error.source();
    }
    Problem::new(text)
}

/// The password: from the file that the settings name, or from systemd.
fn password(settings: &Settings) -> Result<Zeroizing<String>, Problem> {
    let file = settings.smtp_password_file.as_deref();
    let missing = "smtp_user needs a password: write smtp_password_file into collector.toml, or \
                   hand it over as systemd's credential smtp-password";
    credential::read(file, CREDENTIAL, missing).map_err(Problem::new)
}

#[cfg(test)]
mod tests;
