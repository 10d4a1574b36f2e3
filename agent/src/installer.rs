//! The installer on this machine, over its socket: one request, one answer per connection.

use patchward_common::codec;
use patchward_common::wire::local::{Answer, Identity, MAX_ANSWER_BYTES, Request};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// Longest wait for what takes long. Preparing copies and hashes every artifact: 20 GB
/// from a slow disk.
const WORK_TIME: Duration = Duration::from_secs(20 * 60);
/// Longest wait for everything else: what asks the machine's probes, or signs. No hello
/// is said meanwhile, and a machine that was not heard for minutes counts as gone.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Where the installer listens.
#[derive(Clone, Debug)]
pub struct Installer {
    socket: PathBuf,
}

/// The installer did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum InstallerError {
    /// Nobody listens there, or we may not ask.
    #[error(
        "the installer's socket {} cannot be used: {source}; is patchward-installer.socket \
         running, and is this the agent's user?",
        socket.display()
    )]
    Socket {
        /// The socket.
        socket: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It answers too late or something else.
    #[error("the installer's answer cannot be used: {0}")]
    Answer(String),
    /// It says no.
    #[error("the installer refused: {0}")]
    Refused(String),
}

impl Installer {
    /// The installer behind `socket`.
    pub fn new(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    /// Asks; an [`Answer::Error`] is an error here.
    pub async fn ask(&self, request: &Request) -> Result<Answer, InstallerError> {
        let failed = |source| InstallerError::Socket {
            socket: self.socket.clone(),
            source,
        };
        let ask = async {
            let mut stream = UnixStream::connect(&self.socket).await?;
            stream.write_all(&codec::encode(request)).await?;
            stream.shutdown().await?;
            let mut bytes = Vec::new();
            let mut limited = stream.take(MAX_ANSWER_BYTES as u64 + 1);
            limited.read_to_end(&mut bytes).await?;
            Ok(bytes)
        };
        let bytes = tokio::time::timeout(limit(request), ask)
            .await
            .map_err(|_| InstallerError::Answer("it came too late".into()))?
            .map_err(failed)?;
        match codec::decode(&bytes, MAX_ANSWER_BYTES) {
            Ok(Answer::Error(text)) => Err(InstallerError::Refused(text)),
            Ok(answer) => Ok(answer),
            Err(error) => Err(InstallerError::Answer(error.to_string())),
        }
    }

    /// Who this machine is.
    pub async fn identity(&self) -> Result<Identity, InstallerError> {
        match self.ask(&Request::Identity).await? {
            Answer::Identity(identity) => Ok(identity),
            _ => Err(unexpected("an identity")),
        }
    }

    /// The statement with these bytes, signed by the machine's key.
    pub async fn sign(&self, statement: Vec<u8>) -> Result<Vec<u8>, InstallerError> {
        match self.ask(&Request::SignStatement(statement.into())).await? {
            Answer::Statement(signed) => Ok(signed.into_vec()),
            _ => Err(unexpected("a signed statement")),
        }
    }
}

fn limit(request: &Request) -> Duration {
    match request {
        Request::Prepare(_) | Request::Start(..) | Request::Reboot(..) => WORK_TIME,
        _ => ANSWER_TIME,
    }
}

/// It answered, but another question.
pub fn unexpected(wanted: &str) -> InstallerError {
    InstallerError::Answer(format!("{wanted} was expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hello waits for the status: it must not wait as long as for a preparation.
    #[tokio::test(start_paused = true)]
    async fn a_silent_installer_is_given_up_soon() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let installer = Installer::new(&socket);
        for request in [Request::Status, Request::Identity] {
            let began = tokio::time::Instant::now();
            let answer = installer.ask(&request).await;
            assert!(
                matches!(answer, Err(InstallerError::Answer(_))),
                "{answer:?}"
            );
            assert!(began.elapsed() <= Duration::from_secs(31), "{request:?}");
        }
        let job = patchward_common::id::JobId([1; 16]);
        let began = tokio::time::Instant::now();
        assert!(installer.ask(&Request::Prepare(job)).await.is_err());
        assert!(began.elapsed() >= WORK_TIME);
    }
}
