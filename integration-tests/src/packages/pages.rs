//! Man pages and completions, made of the very words that the programs read.

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

/// The command line of a program and the section of its pages; `None` for one that people do
/// not start.
pub(super) fn command(program: &str) -> Option<(Command, &'static str)> {
    Some(match program {
        "patchward-agent" => (patchward_agent::cli::Cli::command(), "1"),
        "patchward-installer" => (patchward_installer::cli::command(), "8"),
        "patchward-notice" => (patchward_notice::cli::Cli::command(), "1"),
        "patchward-collector" => (patchward_collector::cli::Cli::command(), "8"),
        "patchward-sign" => (patchward_sign::Cli::command(), "1"),
        _ => return None,
    })
}

/// The pages of a program and of all its commands, each with its path below `usr/share/man`.
pub(super) fn man(command: Command, section: &str) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    // What explains commands needs no page for each of them.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    page(&command, section, &mut pages)?;
    Ok(pages)
}

fn page(
    command: &Command,
    section: &str,
    pages: &mut Vec<(String, Vec<u8>)>,
) -> anyhow::Result<()> {
    let man = clap_mangen::Man::new(command.clone())
        .section(section)
        // Without one, the day of the build would stand there.
        .date("")
        .source(format!("patchward {}", super::VERSION))
        .manual("Patchward");
    let mut text = Vec::new();
    let name = command.get_display_name().unwrap_or(command.get_name());
    man.render(&mut text)
        .with_context(|| format!("writing the page of {name}"))?;
    pages.push((format!("man{section}/{name}.{section}"), text));
    let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    for sub in shown {
        page(sub, section, pages)?;
    }
    Ok(())
}

/// The completions of a program, each with its path below `usr/share`.
pub(super) fn completions(program: &str, command: &Command) -> Vec<(String, Vec<u8>)> {
    let bash = format!("bash-completion/completions/{program}");
    let places = [
        (Shell::Bash, bash),
        (Shell::Zsh, format!("zsh/vendor-completions/_{program}")),
        (
            Shell::Fish,
            format!("fish/vendor_completions.d/{program}.fish"),
        ),
    ];
    let of = |(shell, place)| {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut command.clone(), program, &mut text);
        (place, text)
    };
    places.map(of).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_people_see_has_a_page() {
        let (command, section) = command("patchward-sign").unwrap();
        let pages = man(command, section).unwrap();
        let text = |path: &str| {
            let found = pages.iter().find(|(one, _)| one == path);
            let (_, text) = found.unwrap_or_else(|| panic!("no {path}"));
            String::from_utf8(text.clone()).unwrap()
        };
        assert!(text("man1/patchward-sign.1").contains("Exit codes"));
        // What the page names is there.
        assert!(text("man1/patchward-sign.1").contains("patchward\\-sign\\-approve(1)"));
        text("man1/patchward-sign-approve.1");
        text("man1/patchward-sign-key-new.1");
        assert!(!pages.iter().any(|(path, _)| path.contains("help")));
    }

    #[test]
    fn what_only_the_installer_asks_has_no_page() {
        let (command, section) = command("patchward-installer").unwrap();
        let pages = man(command, section).unwrap();
        assert!(pages.iter().any(|(path, _)| path.ends_with("-hold.8")));
        for hidden in ["-step.8", "-reads.8", "-tree-unpack.8"] {
            assert!(!pages.iter().any(|(path, _)| path.ends_with(hidden)));
        }
    }

    #[test]
    fn completions_know_the_commands() {
        let (command, _) = command("patchward-agent").unwrap();
        let all = completions("patchward-agent", &command);
        assert_eq!(all.len(), 3);
        for (place, text) in all {
            assert!(
                String::from_utf8(text).unwrap().contains("enroll"),
                "{place}"
            );
        }
    }
}
