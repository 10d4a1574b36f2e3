use super::*;
use patchward_common::id::Name;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

async fn shell(script: &str) -> Ran {
    run::run(&argv(&["/bin/sh", "-c", script]), 10_000, 100).await
}

fn exited(status: i32, output: &str) -> Ran {
    Ran::Exited {
        status: Some(status),
        output: output.as_bytes().to_vec(),
        errors: Vec::new(),
    }
}

#[tokio::test]
async fn a_program_runs_with_a_clean_environment() {
    assert_eq!(
        shell("echo out; echo err >&2; exit 3").await,
        exited(3, "out\n")
    );
    assert_eq!(
        shell("pwd; cat").await,
        exited(0, "/\n"),
        "and has no input"
    );
    let Ran::Exited { output, .. } = run::run(&argv(&["/usr/bin/env"]), 10_000, 4_096).await else {
        panic!("env did not run");
    };
    let mut lines: Vec<_> = std::str::from_utf8(&output).unwrap().lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        ["LC_ALL=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    );
    let killed = shell("kill -9 $$").await;
    assert_eq!(
        killed,
        Ran::Exited {
            status: None,
            output: Vec::new(),
            errors: Vec::new(),
        }
    );
}

#[tokio::test]
async fn a_program_that_breaks_a_limit_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", note.display());
    let words = argv(&["/bin/sh", "-c", &script]);
    // Long enough for the shell to have written its note.
    assert_eq!(run::run(&words, 1_000, 100).await, Ran::TimedOut);
    let child = std::fs::read_to_string(&note).unwrap();
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
    // Gone, or dead and waiting for init to take note.
    while state().is_ok_and(|stat| !stat.contains(") Z ")) {
        tokio::task::yield_now().await;
    }
    assert_eq!(shell("exec cat /dev/zero").await, Ran::TooMuchOutput);
    assert!(
        matches!(shell("printf %100s").await, Ran::Exited { .. }),
        "exactly the limit"
    );
    assert_eq!(shell("printf %101s").await, Ran::TooMuchOutput);
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    for words in [argv(&["/nonexistent"]), argv(&["/etc"]), argv(&[])] {
        let ran = run::run(&words, 1_000, 100).await;
        assert!(matches!(ran, Ran::NotStarted(_)), "{words:?} gives {ran:?}");
    }
}

fn probe(text: &str) -> Probe {
    Probe::parse(Name::new("p").unwrap(), text).unwrap()
}

#[tokio::test]
async fn readiness_is_the_worst_answer() {
    let root = Path::new("/");
    let ready = |path: &str| {
        probe(&format!(
            "kind = 'file'\npurpose = 'ready'\npath = '{path}'"
        ))
    };
    let (yes, no, unknown) = (ready("/etc/passwd"), ready("/etc/none"), ready("/etc"));
    assert_eq!(is_ready(root, &[]).await, None);
    let found = is_ready(root, std::slice::from_ref(&yes)).await;
    assert_eq!(found, Some(Readiness::Ready));
    let found = is_ready(root, &[yes.clone(), unknown.clone(), yes]).await;
    assert!(matches!(found, Some(Readiness::Unknown(_))));
    assert_eq!(
        is_ready(root, &[unknown, no]).await,
        Some(Readiness::NotReady)
    );
    let command = probe("kind = 'command'\npurpose = 'ready'\nargv = ['/bin/false']");
    assert_eq!(is_ready(root, &[command]).await, Some(Readiness::NotReady));
}

#[tokio::test]
async fn versions_come_from_commands_and_files() {
    let command = probe(
        "kind = 'command'\npurpose = 'version'\nargv = ['/bin/echo', 'pumpd 3.2.1 (x)']\nversion = 'prefix:pumpd '",
    );
    let (found, gaps) = versions(Path::new("/"), &[command]).await;
    assert_eq!(
        (found[0].name.as_str(), found[0].version.as_str()),
        ("p", "3.2.1")
    );
    assert!(gaps.is_empty());
    let lock = probe("kind = 'file_lock'\npurpose = 'interlock'\npath = '/run/x'");
    assert!(matches!(
        ask(Path::new("/"), &lock).await,
        Ran::NotStarted(_)
    ));
}

const GOOD: &str = "kind = 'file'\npurpose = 'ready'\npath = '/etc/passwd'\n";

#[test]
fn only_trusted_files_are_probes() {
    let folder = tempfile::tempdir().unwrap();
    let owner = std::fs::metadata(folder.path()).unwrap().uid();
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &[u8]| {
        std::fs::write(at(name), text).unwrap();
        std::fs::set_permissions(at(name), PermissionsExt::from_mode(0o644)).unwrap();
    };
    write("good.toml", GOOD.as_bytes());
    write("writable.toml", GOOD.as_bytes());
    std::fs::set_permissions(at("writable.toml"), PermissionsExt::from_mode(0o664)).unwrap();
    std::os::unix::fs::symlink(at("good.toml"), at("link.toml")).unwrap();
    std::fs::create_dir(at("folder.toml")).unwrap();
    write("Upper.toml", GOOD.as_bytes());
    write("binary.toml", b"\xff\xfe");
    write("large.toml", &vec![b'#'; 16_385]);
    write("typo.toml", b"knid = 'file'");
    write("cut.toml", &GOOD.as_bytes()[..GOOD.len() - 2]);
    write("twice.toml", [GOOD, GOOD].concat().as_bytes());
    write("nul.toml", GOOD.replace("passwd", "\0").as_bytes());
    let deep = format!("kind = {}{}", "[".repeat(5_000), "]".repeat(5_000));
    write("deep.toml", deep.as_bytes());
    write("reach.toml", GOOD.replace("/etc", "../etc").as_bytes());
    write("notes.txt", b"not a probe");
    let loaded = load(folder.path(), owner);
    let names: Vec<_> = loaded.probes.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["good"]);
    let refused: Vec<_> = loaded.refused.iter().map(ToString::to_string).collect();
    for (file, why) in [
        ("Upper.toml", "the file's name before .toml must consist of"),
        ("binary.toml", "not UTF-8"),
        ("folder.toml", "is not a regular file"),
        ("large.toml", "has 16385 bytes"),
        ("link.toml", "is not a regular file"),
        ("typo.toml", "did you mean \"kind\"?"),
        ("cut.toml", "line 3: "),
        ("twice.toml", "line 4: duplicate key"),
        ("nul.toml", "line 3: "),
        ("deep.toml", "line 1: "),
        ("reach.toml", "absolute"),
        ("writable.toml", "can be written by others (mode 0664)"),
    ] {
        let found = refused.iter().any(|r| r.contains(file) && r.contains(why));
        assert!(found, "{file}: {why}: not in {refused:#?}");
    }
    assert_eq!(refused.len(), 12);
    let stranger = load(folder.path(), owner + 1);
    assert!(stranger.probes.is_empty());
    assert!(stranger.refused[0].to_string().contains("is owned by uid"));
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let open = load(folder.path(), owner);
    assert!(open.probes.is_empty(), "anybody could swap the files");
    assert_eq!(open.refused.len(), 1);
}

#[test]
fn a_missing_folder_has_no_probes_and_a_crowded_one_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let none = load(&folder.path().join("none"), 0);
    assert!(none.probes.is_empty() && none.refused.is_empty());
    let owner = std::fs::metadata(folder.path()).unwrap().uid();
    for at in 0..70 {
        let path = folder.path().join(format!("p{at:02}.toml"));
        std::fs::write(&path, GOOD).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    }
    let crowded = load(folder.path(), owner);
    assert_eq!((crowded.probes.len(), crowded.refused.len()), (64, 1));
}

/// The examples that are shipped are probes.
#[test]
fn shipped_examples_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/probes.d");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy();
        let text = std::fs::read_to_string(&path).unwrap();
        let probe = Probe::parse(Name::new(stem).unwrap(), &text);
        assert!(probe.is_ok(), "{}: {probe:?}", path.display());
        count += 1;
    }
    assert!(count >= 5);
}
