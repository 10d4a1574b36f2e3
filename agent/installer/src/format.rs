//! Which format the installer's folder has. A change after which older installers could not
//! read it raises [`FORMAT`], and whoever first writes in the new way writes the new number
//! into the file first, while no job is open: a job is finished in the format in which it
//! began. So an older installer says what is wrong, instead of taking what it cannot read
//! for damage.

use patchward_steps::disk::{Disk, DiskError};

/// The newest format that is known here. A folder without the file has the first.
pub const FORMAT: u32 = 1;
const FILE: &str = "format";
/// Largest file: one number.
const MAX_FILE_BYTES: usize = 32;

/// Why the folder is not read.
#[derive(Debug, thiserror::Error)]
pub enum BadFormat {
    /// A newer installer wrote it.
    #[error(
        "a newer installer has worked on this machine: its folder has format {found}, and this \
         one reads up to {FORMAT}; install that package of patchward-agent again, or a newer one"
    )]
    Newer {
        /// Which format it has.
        found: u32,
    },
    /// No number.
    #[error("the file that says which format the folder has is damaged; call IT")]
    Damaged,
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Checks that what stands in the folder is of a format that is known here.
///
/// # Errors
/// [`BadFormat`].
pub fn check(disk: &Disk) -> Result<(), BadFormat> {
    let Some(bytes) = disk.read(FILE, MAX_FILE_BYTES)? else {
        return Ok(());
    };
    let text = std::str::from_utf8(&bytes).ok();
    match text.and_then(|text| text.trim().parse::<u32>().ok()) {
        None => Err(BadFormat::Damaged),
        Some(found) if found > FORMAT => Err(BadFormat::Newer { found }),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_is_named_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), |_| {}).unwrap();
        check(&disk).unwrap();
        disk.write(FILE, FORMAT.to_string().as_bytes()).unwrap();
        check(&disk).unwrap();
        let newer = FORMAT + 1;
        disk.write(FILE, format!("{newer}\n").as_bytes()).unwrap();
        let error = check(&disk).unwrap_err().to_string();
        assert!(error.contains(&format!("format {newer}")), "{error}");
        disk.write(FILE, b"one").unwrap();
        assert!(matches!(check(&disk), Err(BadFormat::Damaged)));
    }
}
