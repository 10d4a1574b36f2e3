//! Secrets that the settings name by a file, or that systemd hands over as a credential.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Most bytes of a file with a secret.
const MAX_BYTES: u64 = 1_024;
/// Where systemd puts the credentials of a service (systemd.exec(5), `LoadCredential=`).
const FOLDER: &str = "CREDENTIALS_DIRECTORY";

/// The secret in `file`; without one, systemd's credential `name`. The end of its line is left
/// out.
///
/// # Errors
/// Where there is neither (`missing` says what to do), or the file cannot be read.
pub(crate) fn read(
    file: Option<&Path>,
    name: &str,
    missing: &str,
) -> Result<Zeroizing<String>, String> {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from);
    read_from(file, folder.as_deref(), name, missing)
}

fn read_from(
    file: Option<&Path>,
    folder: Option<&Path>,
    name: &str,
    missing: &str,
) -> Result<Zeroizing<String>, String> {
    let path = match (file, folder) {
        (Some(path), _) => path.to_owned(),
        (None, Some(folder)) => folder.join(name),
        (None, None) => return Err(missing.to_owned()),
    };
    line(&path).map_err(|error| match error.kind() {
        // systemd makes the folder even where it has nothing to put into it.
        ErrorKind::NotFound if file.is_none() => missing.to_owned(),
        _ => format!("{}: {error}", path.display()),
    })
}

fn line(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let file = std::fs::File::open(path)?;
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    let text = text.trim_end_matches(['\r', '\n']);
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "long and random\r\n").unwrap();
        let found = read(Some(&file), "some-secret", "write a file").unwrap();
        assert_eq!(&*found, "long and random");
        let gone = folder.path().join("gone");
        let problem = read(Some(&gone), "some-secret", "write a file").unwrap_err();
        assert!(problem.contains("gone"), "{problem}");
    }

    #[test]
    fn a_credential_that_systemd_does_not_have_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let from = |folder| read_from(None, folder, "some-secret", "write a file");
        assert_eq!(from(None).unwrap_err(), "write a file");
        assert_eq!(from(Some(folder.path())).unwrap_err(), "write a file");
        std::fs::write(folder.path().join("some-secret"), "long\n").unwrap();
        assert_eq!(&**from(Some(folder.path())).unwrap(), "long");
    }
}
