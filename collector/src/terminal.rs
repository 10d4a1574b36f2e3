//! The program `patchward-collector`. It is a function of its library: what a library does
//! asynchronously would otherwise be compiled once more into each program that waits for it,
//! which took as long as the library itself.

use crate::cli::{self, Action, Cli};
use crate::command::Command;
use crate::control::{Failure, Output, client};
use crate::folder::Folder;
use crate::{alone, doctor, init, relay, serve};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

/// Reads the command line, does what it says, and prints what came of it.
pub fn main() -> ExitCode {
    let cli = Cli::read();
    let folder = Folder::new(cli.folder);
    let shown = match cli.action {
        Action::Init(arguments) => run(async { Ok(init::init(&folder, arguments).await?) })
            .map(|output| Some(said(&output, cli.json))),
        Action::Serve => run(serve::serve(&folder)).map(|()| None),
        Action::Relay(asked) if asked.request => {
            relay::request(&folder).map(Some).map_err(Failure::from)
        }
        Action::Relay(_) => run(relay::run(&folder)).map(|()| None),
        Action::Doctor(asked) => return examine(&folder, asked, cli.json),
        Action::Ask(command) => ask(&folder, command, cli.json).map(Some),
    };
    let printed = shown.and_then(|text| text.map_or(Ok(()), |text| print(&text)));
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if cli.json {
                // Where this cannot be printed either, the next line says why.
                let _ = print(&serde_json::json!({ "error": failure.text }).to_string());
            }
            patchward_log::ended(serve::PROGRAM, &failure.text);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

/// The exit code of a doctor that found something.
const FOUND: u8 = 6;

/// Looks for what is wrong; that it found something is no failure of its own.
fn examine(folder: &Folder, asked: cli::Doctor, json: bool) -> ExitCode {
    let found = run(async {
        Ok(match relay::is_one(folder) {
            true => relay::examine(folder, asked).await,
            false => doctor::examine(folder, asked).await,
        })
    });
    let printed = found.and_then(|found| {
        print(&match json {
            true => found.json().to_string(),
            false => found.text(),
        })
        .map(|()| found.is_well())
    });
    match printed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FOUND),
        Err(failure) => {
            eprintln!("patchward-collector: {}", failure.text);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

/// Prints; a reader that went away (`| head`) is no failure.
fn print(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::unavailable(format!(
            "it was done, but what it says cannot be printed: {error}"
        ))),
        _ => Ok(()),
    }
}

fn said(output: &Output, json: bool) -> String {
    if json {
        output.json().to_string()
    } else {
        output.text()
    }
}

fn run<T>(work: impl Future<Output = anyhow::Result<T>>) -> Result<T, Failure> {
    let work = async { Ok(work.await?) };
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting")?
        .block_on(work)
}

/// Sends a command to the running collector; what it answers is to be shown.
fn ask(folder: &Folder, command: Command, json: bool) -> Result<String, Failure> {
    if alone::does(&command) {
        return Ok(said(&run(alone::run(folder, command))?, json));
    }
    if let Some(output) = command.alone() {
        return Ok(said(&output?, json));
    }
    let out = command.output_file().map(ToOwned::to_owned);
    let bar = ProgressBar::hidden();
    let answer = run(async {
        let socket = folder.socket();
        let answer = client::call(&socket, command, |what, done, total| {
            show_progress(&bar, what, done, total);
        });
        Ok(answer.await?)
    });
    bar.finish_and_clear();
    let output = answer?;
    if let Some(path) = out {
        output.write_to(&path)?;
    }
    Ok(said(&output, json))
}

fn show_progress(bar: &ProgressBar, what: &str, done: u64, total: u64) {
    if bar.is_hidden() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes}") {
            bar.set_style(style);
        }
    }
    bar.set_length(total);
    bar.set_position(done);
    bar.set_message(what.to_owned());
}
