//! Notices on consoles and terminals, as `wall` writes: to those who let others write to them.
//!
//! It goes by the terminals themselves and not by utmp, which newer systems no longer keep.

use crate::clock;
use crate::config::Settings;
use crate::shown::{self, Told};
use jiff::tz::TimeZone;
use patchward_common::notice::Text;
use rustix::fs::{FileType, Mode, OFlags};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest line: a console has 80 columns.
const WIDTH: usize = 76;
/// What a terminal's mode has where others may write to it (`mesg y`).
const GROUP_WRITES: u32 = 0o020;
/// Where the kernel says which console is seen.
const SEEN: &str = "/sys/class/tty/tty0/active";

/// Tells every terminal what is due, until the end of this process.
pub(crate) fn run(settings: &Settings) -> anyhow::Result<()> {
    let mut told = Told::default();
    loop {
        match shown::read(&settings.screen_file) {
            Ok(screen) => {
                let now = clock::now();
                for notice in told.news(&screen, now) {
                    let text = notice.text(&screen.call, &TimeZone::system(), now);
                    let can_hold = notice.not_now(settings.beyond_ms(), now).is_some();
                    let text = words(&text, can_hold);
                    let seen = std::fs::read_to_string(SEEN).unwrap_or_default();
                    for terminal in terminals(Path::new("/dev"), seen.trim()) {
                        // Whoever left in this moment misses nothing.
                        if let Err(error) = write(&terminal, &text) {
                            tracing::debug!(terminal = %terminal.display(), %error, "not told");
                        }
                    }
                    tracing::info!(notice = ?notice.key(), "told on consoles");
                    told.note(notice.key());
                }
            }
            Err(error) => tracing::warn!(%error, "what is shown cannot be read"),
        }
        std::thread::sleep(Duration::from_secs(settings.look_seconds));
    }
}

/// A notice as a terminal shows it. It holds no control characters but the ends of lines,
/// whoever wrote what it is made of.
pub fn words(text: &Text, can_hold: bool) -> String {
    let mut lines = vec![String::new(), format!("*** {} ***", text.summary)];
    lines.extend(wrapped(&text.body));
    if can_hold {
        lines.push("Not now? Type: patchward-notice not-now".to_owned());
    }
    lines.push(String::new());
    let plain = |line: String| line.chars().filter(|c| !c.is_control()).collect::<String>();
    let ended = lines.into_iter().map(plain).map(|line| line + "\r\n");
    ended.collect()
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let is_full = |line: &String| line.chars().count() + 1 + word.chars().count() > WIDTH;
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if !is_full(line) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The terminals below `dev` that others may write to: those of windows and connections, and of
/// the consoles that on which somebody is logged in, and `seen`. To open any other console would
/// make it.
pub fn terminals(dev: &Path, seen: &str) -> Vec<PathBuf> {
    let names = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let mut found = names(&dev.join("pts"));
    found.extend(names(dev));
    found.retain(|path| {
        let (Some(name), Ok(state)) = (path.file_name(), path.metadata()) else {
            return false;
        };
        let name = name.to_string_lossy();
        let number = |prefix| name.strip_prefix(prefix).is_some_and(is_number);
        let is_known = match path.parent() {
            Some(parent) if parent.ends_with("pts") => is_number(&name),
            _ => {
                let is_console = number("tty") && name != "tty0";
                let is_used = state.uid() != 0 || name == seen;
                (is_console || number("ttyS") || number("ttyAMA") || number("hvc")) && is_used
            }
        };
        let is_device = FileType::from_raw_mode(state.mode()) == FileType::CharacterDevice;
        is_known && is_device && state.mode() & GROUP_WRITES != 0
    });
    found.sort();
    found
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Writes to a terminal, or fails at once where it does not take it.
///
/// # Errors
/// Where it refuses.
pub fn write(terminal: &Path, text: &str) -> std::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(terminal, flags, Mode::empty())?;
    let written = rustix::io::write(&file, text.as_bytes())?;
    match written == text.len() {
        true => Ok(()),
        false => Err(std::io::Error::other("the terminal took only a part")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_commands_a_terminal() {
        let text = Text {
            summary: "Up\u{1b}]0;x\u{7}date".to_owned(),
            body: "Viewer\u{1b}[2J 4.2\n\u{9b}1m".to_owned(),
        };
        let words = words(&text, true);
        let plain = words.replace("\r\n", "");
        assert!(!plain.chars().any(char::is_control), "{plain:?}");
        assert!(words.contains("*** Up]0;xdate ***\r\n"), "{words:?}");
        assert!(words.contains("not-now"), "{words:?}");
    }

    #[test]
    fn lines_fit_on_a_console() {
        let text = "word ".repeat(60) + &"x".repeat(100);
        let lines = wrapped(&text);
        assert_eq!(lines.join(" "), text);
        let longest = lines.iter().map(|line| line.chars().count());
        assert_eq!(longest.filter(|length| *length > WIDTH).count(), 1);
    }

    #[test]
    fn only_terminals_are_written_to() {
        let dev = tempfile::tempdir().unwrap();
        let pts = dev.path().join("pts");
        std::fs::create_dir(&pts).unwrap();
        for file in ["pts/0", "pts/ptmx", "tty1", "ttyS0", "null"] {
            std::fs::write(dev.path().join(file), "").unwrap();
        }
        assert_eq!(terminals(dev.path(), "tty1"), Vec::<PathBuf>::new());
        assert_eq!(terminals(&dev.path().join("none"), "").len(), 0);
    }
}
