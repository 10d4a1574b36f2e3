use super::*;
use crate::account::access::RULES;

/// What puts something whole in the place of what was there, and leaves nothing as it is.
const OTHERS: [&str; 3] = ["asset baseline put", "checklist set", "support put"];

fn unit(title: &str, class: &str) -> Held {
    Held {
        path: "unit edit",
        thing: "icu".to_owned(),
        subject: "icu".to_owned(),
        own: Vec::new(),
        values: vec![
            ("site", "main".to_owned()),
            ("title", title.to_owned()),
            ("class", class.to_owned()),
        ],
    }
}

fn given(pairs: &[(&str, &str)]) -> Answers {
    crate::web::answer::given(pairs)
}

fn shown(answers: &Answers) -> Vec<String> {
    ["site", "title", "class"]
        .map(|field| text_of(answers, field))
        .to_vec()
}

#[test]
fn every_edit_is_a_form() {
    for (path, _) in EDITS {
        let form = Form::of(path).unwrap_or_else(|| panic!("{path}"));
        assert!(is_edit(form));
    }
    for path in ADD {
        assert!(EDITS.iter().any(|(edit, _)| *edit == path), "{path}");
    }
    let endings = [" edit", " change", " grant", " put", " set"];
    let left: Vec<&str> = RULES
        .iter()
        .map(|rule| rule.path)
        .filter(|path| endings.iter().any(|ending| path.ends_with(ending)))
        .filter(|path| !EDITS.iter().any(|(edit, _)| edit == path) && !OTHERS.contains(path))
        .collect();
    assert_eq!(left, Vec::<&str>::new());
}

#[test]
fn a_form_is_filled_and_names_only_what_changes() {
    let (held, form) = (unit("ICU", "critical"), Form::of("unit edit").unwrap());
    let mut answers = given(&[("name", "icu"), ("title", "Intensive care")]);
    held.fill(&mut answers);
    assert_eq!(shown(&answers), ["main", "Intensive care", "critical"]);
    let changes = held.changes(form, &answers);
    assert_eq!(shown(&changes), ["", "Intensive care", ""]);
    assert_eq!(text_of(&changes, "name"), "icu");
    // What a command needs is named, though it stays as it is.
    let roles = vec![("roles", "viewer\nauditor".to_owned())];
    let held = Held {
        path: "user grant",
        values: roles,
        ..held
    };
    let (mut answers, form) = (given(&[("name", "ada")]), Form::of("user grant").unwrap());
    held.fill(&mut answers);
    assert_eq!(texts(&answers, "roles"), ["viewer", "auditor"]);
    let changes = held.changes(form, &answers);
    assert_eq!(text_of(&changes, "roles"), "viewer\nauditor");
}

/// One that has these values.
fn of(path: &'static str, values: &[(&'static str, &str)]) -> Held {
    let values = values.iter();
    Held {
        path,
        values: values
            .map(|(field, value)| (*field, (*value).to_owned()))
            .collect(),
        ..unit("", "")
    }
}

#[test]
fn what_a_command_would_fill_in_by_itself_is_named_though_it_stays() {
    for (path, _) in EDITS {
        let form = Form::of(path).unwrap();
        let fields = form.fields.iter().map(|field| field.name.clone());
        let values: Vec<(&str, &str)> = fields.map(|name| (&*name.leak(), "30")).collect();
        let held = of(path, &values);
        let changes = held.changes(form, &given(&values));
        for field in form.fields.iter().filter(|field| !field.usual.is_empty()) {
            let named = text_of(&changes, &field.name);
            assert_eq!(
                named, "30",
                "{path}: {} would be {}",
                field.name, field.usual
            );
        }
    }
    let form = Form::of("oncall set").unwrap();
    let held = of("oncall set", &[("who", "Ann"), ("after_minutes", "30")]);
    let sent = given(&[("who", "Ben"), ("after_minutes", "30")]);
    assert_eq!(text_of(&held.changes(form, &sent), "after_minutes"), "30");
}

#[test]
fn what_is_emptied_is_said_to_the_command_or_to_who_emptied_it() {
    let until = ("valid_until", "2040-01-01T00:00:00Z");
    for (path, value, flag, named, said) in [
        ("window change", until, "no_valid_until", "yes", ""),
        (
            "window change",
            ("zone", "UTC"),
            "zone",
            "UTC",
            "it stays UTC.",
        ),
        ("asset put", ("location", "bed 3"), "location", "", ""),
        (
            "asset put",
            ("unit", "icu-3"),
            "unit",
            "icu-3",
            "it stays icu-3.",
        ),
        (
            "oncall set",
            ("after_minutes", "30"),
            "after_minutes",
            "30",
            "it stays 30.",
        ),
    ] {
        let (held, form) = (of(path, &[value]), Form::of(path).unwrap());
        let mut answers = Answers::new();
        let told = held.emptied(form, &mut answers);
        assert!(answers.contains_key(flag), "{path}: {flag} is not said");
        assert_eq!(text_of(&answers, flag), named, "{path}");
        let told = told.get(value.0).map_or("", String::as_str);
        assert_eq!(told.is_empty(), said.is_empty(), "{path}: {told}");
        assert!(told.contains(said), "{path}: {told}");
        // What was empty, or still stands there, was not emptied.
        assert!(
            of(path, &[(value.0, "")])
                .emptied(form, &mut Answers::new())
                .is_empty()
        );
        let mut answers = given(&[value]);
        assert!(held.emptied(form, &mut answers).is_empty());
        assert_eq!(text_of(&answers, value.0), value.1);
    }
}

#[test]
fn an_asset_s_words_are_emptied_by_the_command_that_its_form_is() {
    let form = Form::of("asset put").unwrap();
    for field in MAY_BE_NOTHING {
        let (held, mut answers) = (of("asset put", &[(field, "x")]), given(&[("tag", "A-1")]));
        held.emptied(form, &mut answers);
        let command = crate::web::form::call::command(form, &held.changes(form, &answers));
        let put = format!("{:?}", command.unwrap());
        assert!(put.contains(&format!("{field}: Some(\"\")")), "{put}");
    }
}

#[test]
fn what_was_seen_is_told_from_what_is() {
    let (before, now) = (unit("ICU", "critical"), unit("ICU 3", "critical"));
    assert_eq!(before.seen(), unit("ICU", "critical").seen());
    assert_ne!(before.seen(), now.seen());
    let other = Held {
        thing: "er".to_owned(),
        ..before.clone()
    };
    assert_ne!(before.seen(), other.seen(), "what was seen of another unit");

    // Another changed the title, and this person the class: both changes are to be had.
    let sent = [("site", "main"), ("title", "ICU"), ("class", "standard")];
    let (answers, said) = now.beside(&before.seen(), &given(&sent));
    assert_eq!(shown(&answers), ["main", "ICU 3", "standard"]);
    let expected = [("title".to_owned(), "It is ICU 3 now.".to_owned())];
    assert_eq!(said, BTreeMap::from(expected));
    // They emptied the site, and wrote nothing else.
    let sent = [("title", "ICU"), ("class", "critical")];
    let (answers, _) = now.beside(&before.seen(), &given(&sent));
    assert_eq!(shown(&answers), ["", "ICU 3", "critical"]);
    // Both changed the title.
    let sent = [("site", "main"), ("title", "Ward 3"), ("class", "critical")];
    let (answers, said) = now.beside(&before.seen(), &given(&sent));
    assert_eq!(shown(&answers), ["main", "Ward 3", "critical"]);
    assert_eq!(said["title"], "It is ICU 3 now.");
}

#[test]
fn who_has_seen_nothing_is_shown_what_is_there() {
    let now = unit("ICU 3", "critical");
    let other = Held {
        thing: "er".to_owned(),
        ..now.clone()
    };
    for seen in ["", "nonsense", &other.seen()] {
        let sent = [("name", "icu"), ("class", "standard")];
        let (answers, said) = now.beside(seen, &given(&sent));
        assert_eq!(shown(&answers), ["main", "ICU 3", "standard"], "{seen}");
        assert!(said["class"].contains("critical"), "{said:?}");
    }
}

#[test]
fn a_row_of_the_log_speaks_of_this_level_alone() {
    let level = Held {
        own: vec![("level", "2".to_owned()), ("area", "unit".to_owned())],
        ..unit("", "")
    };
    assert!(level.is_spoken_of(r#"{"level":2,"area":"unit"}"#));
    for other in [r#"{"level":1,"area":"unit"}"#, "{}", "no json"] {
        assert!(!level.is_spoken_of(other), "{other}");
    }
}

#[test]
fn only_who_gives_it_other_values_changed_it() {
    let changes = |action: &&str| changes_values(action);
    assert!(
        ["asset.put", "asset.version", "window.add", "account.grant"]
            .iter()
            .all(changes)
    );
    let others = [
        "account.password",
        "asset.mapping_remove",
        "asset.move",
        "unit.subnet_add",
    ];
    assert!(!others.iter().any(changes));
}
