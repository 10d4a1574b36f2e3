//! `patchward-sign`: see the library for what it does.

use clap::Parser as _;
use patchward_sign::{Cli, Session};
use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let stdout = std::io::stdout();
    let mut out = stdout.lock();
    let mut ask = |question: &str| {
        let mut screen = std::io::stderr();
        write!(screen, "{question}")?;
        screen.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(answer)
    };
    let mut session = Session {
        now: patchward_sign::clock::now(),
        out: &mut out,
        ask: &mut ask,
    };
    match patchward_sign::run(&cli, &mut session) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("patchward-sign: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
