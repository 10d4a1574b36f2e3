//! Forms, made from the commands themselves: what a command takes is what its form asks, so
//! no page can do less than a command, or something else.

pub mod beside;
pub mod call;
pub mod post;

use super::show::heading;
use crate::account::access::RULES;
use crate::account::{Rule, rule};
use crate::command::Command;
use crate::command::advisory::files::Files;
use crate::command::file::InputFile;
use crate::control::Failure;
use clap::Subcommand as _;
use clap::builder::PossibleValue;
use std::any::TypeId;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{LazyLock, OnceLock};

/// All commands.
static TREE: LazyLock<clap::Command> = LazyLock::new(|| {
    let mut tree = Command::augment_subcommands(clap::Command::new("patchward-collector"))
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .no_binary_name(true);
    tree.build();
    tree
});

/// The way to each command through the tree of all, by the command's words: whoever reads an
/// answer does so with a copy, and the whole tree has thousands of parts.
static WAYS: LazyLock<HashMap<&'static str, clap::Command>> = LazyLock::new(|| {
    let ways = RULES.iter().map(|rule| Some((rule.path, way(rule.path)?)));
    ways.flatten().collect()
});

fn way(path: &'static str) -> Option<clap::Command> {
    let mut command = &*TREE;
    for word in path.split(' ') {
        command = command.find_subcommand(word)?;
    }
    let mut way = command.clone();
    let above = |name| {
        clap::Command::new(name)
            .disable_help_flag(true)
            .disable_help_subcommand(true)
    };
    for word in path.split(' ').rev().skip(1) {
        way = above(word).subcommand(way);
    }
    Some(
        above("patchward-collector")
            .no_binary_name(true)
            .subcommand(way),
    )
}

/// What is asked for in one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A line.
    Line,
    /// One of these words.
    Choice(Vec<String>),
    /// Yes or no.
    Flag,
    /// A file of the person's own computer.
    File,
    /// An address of the network: a path would be one of the collector's own computer.
    Address,
}

/// Fields in which a terminal takes a path of the collector's computer as well.
const ADDRESSES: [(&str, &str); 2] = [("freeze calendar add", "from"), ("vendor sync", "from")];

/// A field of a form.
#[derive(Clone, Debug)]
pub struct Field {
    /// What the command calls it.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// What it means.
    pub help: String,
    /// What is asked for.
    pub kind: Kind,
    /// Whether it must be answered.
    pub required: bool,
    /// Whether it may have several answers, one a line.
    pub many: bool,
    /// What is taken where nothing is said.
    pub usual: String,
    /// Whether it is a whole number.
    pub number: bool,
    /// How the command line writes it: nothing, where it has a place instead of a name.
    long: Option<String>,
}

impl Field {
    /// Whether a command line gives it by its place, without a name.
    pub fn has_place(&self) -> bool {
        self.long.is_none() && self.kind != Kind::Flag
    }

    /// Whether a command line calls it so, after two dashes.
    pub fn is_called(&self, long: &str) -> bool {
        self.long.as_deref() == Some(long)
    }
}

/// A command as a form.
#[derive(Clone, Debug)]
pub struct Form {
    /// Its words.
    pub path: &'static str,
    /// What it does.
    pub about: String,
    /// Who may, and how grave it is.
    pub rule: &'static Rule,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Whether the answer is a file.
    pub gives_file: bool,
}

/// The forms of all commands, each made when it is asked for first: a page asks for a dozen.
static FORMS: LazyLock<HashMap<&'static str, OnceLock<Option<Form>>>> = LazyLock::new(|| {
    let paths = RULES.iter().map(|rule| (rule.path, OnceLock::new()));
    paths.collect()
});

impl Form {
    /// The form of a command; `None` where there is no such command.
    pub fn of(path: &str) -> Option<&'static Self> {
        let place = FORMS.get(path)?;
        place.get_or_init(|| Self::make(rule(path)?)).as_ref()
    }

    fn make(rule: &'static Rule) -> Option<Self> {
        let mut command = &*TREE;
        for word in rule.path.split(' ') {
            command = command.find_subcommand(word)?;
        }
        let arguments = command.get_arguments().filter(|arg| !is_of_clap(arg));
        let (out, fields): (Vec<_>, Vec<_>) = arguments.partition(|arg| is_out(arg));
        Some(Self {
            path: rule.path,
            about: command
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default(),
            rule,
            fields: fields
                .into_iter()
                .map(|arg| field(rule.path, arg))
                .collect(),
            gives_file: !out.is_empty(),
        })
    }

    /// The form of a command that is named in our own tables.
    ///
    /// # Errors
    /// Where there is no such command.
    pub fn known(path: &str) -> Result<&'static Self, Failure> {
        Self::of(path).ok_or_else(|| Failure::not_found("There is no such list or form."))
    }

    /// What a button that leads to it says: `Asset put` is no sentence, but the first words of
    /// what it does are one.
    pub fn title(&self) -> String {
        let first = self.about.split([':', ';', ',']).next().unwrap_or_default();
        heading(first.trim())
    }

    /// Where it is.
    pub fn href(&self) -> String {
        format!("/do/{}", self.path.replace(' ', "/"))
    }

    /// Whether it asks for the reason itself.
    pub fn has_reason(&self) -> bool {
        self.field("reason").is_some() || self.field("why").is_some()
    }

    /// Whether a file may be sent with it.
    pub fn takes_file(&self) -> bool {
        self.fields.iter().any(|field| field.kind == Kind::File)
    }

    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

fn is_of_clap(arg: &clap::Arg) -> bool {
    use clap::ArgAction::{Help, HelpLong, HelpShort, Version};
    // By what it does: a command may well ask for a version.
    matches!(arg.get_action(), Help | HelpLong | HelpShort | Version) || arg.is_hide_set()
}

/// `--out` names a file on the computer of who types; a browser has its own place for it.
fn is_out(arg: &clap::Arg) -> bool {
    arg.get_id() == "out" && arg.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}

fn field(path: &str, arg: &clap::Arg) -> Field {
    let words: Vec<PossibleValue> = arg.get_possible_values();
    let takes_value = arg.get_action().takes_values();
    let type_of = arg.get_value_parser().type_id();
    let kind = if !takes_value {
        Kind::Flag
    } else if type_of == TypeId::of::<InputFile>() || type_of == TypeId::of::<Files>() {
        Kind::File
    } else if ADDRESSES.contains(&(path, arg.get_id().as_str())) {
        Kind::Address
    } else if words.is_empty() {
        Kind::Line
    } else {
        Kind::Choice(
            words
                .iter()
                .map(|word| word.get_name().to_owned())
                .collect(),
        )
    };
    let many = matches!(arg.get_action(), clap::ArgAction::Append)
        || arg
            .get_num_args()
            .is_some_and(|range| range.max_values() > 1);
    let usual = arg.get_default_values().first();
    let name = arg.get_id().to_string();
    Field {
        label: label(&name, many),
        help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        required: arg.is_required_set() && takes_value,
        usual: usual
            .map(|value| value.to_string_lossy().into_owned())
            .unwrap_or_default(),
        long: arg.get_long().map(str::to_owned),
        many: many && takes_value,
        number: is_number(type_of),
        name,
        kind,
    }
}

fn is_number(type_of: impl PartialEq<TypeId>) -> bool {
    let whole = [
        TypeId::of::<u8>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<i64>(),
        TypeId::of::<usize>(),
    ];
    whole.iter().any(|one| type_of == *one)
}

fn label(name: &str, many: bool) -> String {
    // Who reads that knows no cron.
    if name == "cron" {
        return "When it opens".to_owned();
    }
    let words = heading(&name.replace('-', "_"));
    // What is done is done, however much of it.
    match many && !words.ends_with('s') && name != "done" {
        true => format!("{words}s"),
        false => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Weight, subject};
    use std::collections::BTreeSet;

    #[test]
    fn every_command_is_a_form_that_says_what_it_asks() {
        for rule in RULES {
            let form = Form::of(rule.path).unwrap_or_else(|| panic!("no form {}", rule.path));
            assert!(!form.about.is_empty(), "{}", rule.path);
            for field in &form.fields {
                assert!(!field.help.is_empty(), "{} {}", rule.path, field.name);
            }
        }
        assert!(Form::of("asset").is_none() && Form::of("nonsense").is_none());
        let release = Form::of("release show").unwrap();
        assert!(release.field("version").is_some_and(|field| field.required));
    }

    /// Who is not at the collector's computer names none of its files.
    #[test]
    fn no_field_of_a_page_is_a_path_of_the_collector() {
        for rule in RULES.iter().filter(|rule| rule.weight != Weight::Terminal) {
            let mut command = &*TREE;
            for word in rule.path.split(' ') {
                command = command.find_subcommand(word).unwrap();
            }
            for arg in command.get_arguments().filter(|arg| !is_out(arg)) {
                let is_path = arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
                assert!(!is_path, "{} {}", rule.path, arg.get_id());
            }
        }
        for (path, name) in ADDRESSES {
            let form = Form::of(path).unwrap();
            assert_eq!(form.field(name).unwrap().kind, Kind::Address, "{path}");
        }
    }

    /// Where a role for one unit may be given, each field says whose it is.
    #[test]
    fn every_field_of_a_unit_s_role_is_decided() {
        let of_units = |rule: &&Rule| rule.roles.iter().any(|role| role.can_be_of_units());
        let undecided: Vec<String> = RULES
            .iter()
            .filter(of_units)
            .filter(|rule| rule.weight != Weight::Terminal)
            .flat_map(|rule| {
                let fields = Form::of(rule.path).unwrap().fields.iter();
                let undecided = fields.filter(|field| subject(rule.path, &field.name).is_none());
                undecided.map(|field| format!("{} {}", rule.path, field.name))
            })
            .collect();
        assert_eq!(undecided, Vec::<String>::new());
    }

    fn leaves(command: &clap::Command, path: &str, into: &mut BTreeSet<String>) {
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name());
            match sub.has_subcommands() {
                true => leaves(sub, &path, into),
                false => drop(into.insert(path.trim().to_owned())),
            }
        }
    }

    #[test]
    fn every_command_has_one_rule_and_every_rule_a_command() {
        let mut commands = BTreeSet::new();
        leaves(&TREE, "", &mut commands);
        let rules: BTreeSet<String> = RULES.iter().map(|rule| rule.path.to_owned()).collect();
        assert_eq!(rules.len(), RULES.len(), "a command stands twice");
        assert_eq!(commands, rules);
    }

    #[test]
    fn a_field_is_what_the_command_takes() {
        let form = Form::of("asset import").unwrap();
        assert_eq!(form.field("file").unwrap().kind, Kind::File);
        assert_eq!(form.field("dry_run").unwrap().kind, Kind::Flag);
        let form = Form::of("plan new").unwrap();
        assert!(form.field("releases").unwrap().many);
        assert!(form.field("title").unwrap().required);
        assert_eq!(form.field("canaries").unwrap().usual, "1");
        let form = Form::of("evidence export").unwrap();
        assert!(form.gives_file && form.field("out").is_none());
    }
}
