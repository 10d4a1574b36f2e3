//! This very program, while a package may put another in its place: the installer updates
//! itself with the same steps as everything else.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What Linux appends to the path of a program that is not there any more.
const GONE: &str = " (deleted)";

/// Where this program was started from; also where another has come there since.
///
/// # Errors
/// Where the system does not say.
pub fn program() -> std::io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    let text = path.to_str().and_then(|text| text.strip_suffix(GONE));
    Ok(text.map_or_else(|| path.clone(), PathBuf::from))
}

/// Whether what lies at `program` is another file than the one that runs here. What cannot
/// be told counts as another.
pub fn is_replaced(program: &Path) -> bool {
    let file = |path: &Path| {
        let found = path.metadata().ok()?;
        Some((found.dev(), found.ino()))
    };
    let running = file(Path::new("/proc/self/exe"));
    running.is_none() || running != file(program)
}

/// What runs as this program for others that outlive it: `program`, and where that was
/// replaced, what this process was started from. So whoever decided on a step is also who
/// supervises it, and a successor that cannot even start still leaves a way back.
pub fn image(program: &Path) -> PathBuf {
    match is_replaced(program) {
        true => PathBuf::from(format!("/proc/{}/exe", std::process::id())),
        false => program.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_program_that_was_replaced_still_runs_as_itself() {
        let own = program().unwrap();
        assert!(!is_replaced(&own));
        assert_eq!(image(&own), own);
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other");
        assert!(is_replaced(&other), "there is none");
        std::fs::write(&other, "not this one").unwrap();
        assert!(is_replaced(&other));
        let ran = Command::new(image(&other)).arg("--list").output().unwrap();
        let listed = String::from_utf8(ran.stdout).unwrap();
        assert!(listed.contains("a_program_that_was_replaced"), "{listed}");
    }
}
