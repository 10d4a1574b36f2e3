//! `patchward-installer`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match patchward_installer::cli::run(|_| {}) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            patchward_log::ended(patchward_installer::cli::PROGRAM, &format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
