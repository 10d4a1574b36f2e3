//! `patchward-installer`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match patchward_installer::cli::run(|_| {}) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("patchward-installer: {error:#}");
            ExitCode::FAILURE
        }
    }
}
