use super::*;
use std::os::unix::fs::PermissionsExt as _;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn probe(&self, name: &str, text: &str) -> &Self {
        let path = self.0.path().join(format!("{name}.toml"));
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        self
    }

    fn says(&self, name: &str, script: &str) -> &Self {
        let argv = format!("argv = [\"/bin/sh\", \"-c\", \"{script}\"]");
        self.probe(
            name,
            &format!("kind = \"command\"\npurpose = \"interlock\"\n{argv}\n"),
        )
    }

    fn measure(&self, handed_over: bool, after_our_stop: bool) -> Interlock {
        measure(Asking {
            folder: self.0.path(),
            caller: Caller::SELF,
            handed_over,
            after_our_stop,
        })
    }

    fn word(&self) -> &'static str {
        match self.measure(false, false) {
            Interlock::Idle => "idle",
            Interlock::Unknown(_) => "unknown",
            Interlock::InUse(_) => "in_use",
        }
    }
}

#[test]
fn the_strictest_counts_and_silence_is_unknown() {
    assert_eq!(Folder::new().word(), "unknown", "none configured");
    assert_eq!(Folder::new().says("a", "echo idle").word(), "idle");
    assert_eq!(
        Folder::new().says("a", "echo idle; exit 1").word(),
        "unknown"
    );
    assert_eq!(Folder::new().says("a", "echo maybe").word(), "unknown");
    assert_eq!(Folder::new().says("a", "sleep 100").word(), "unknown");
    assert_eq!(Folder::new().says("a", "yes idle").word(), "unknown");
    let both = Folder::new();
    assert_eq!(
        both.says("a", "echo idle").says("b", "exit 9").word(),
        "unknown"
    );
    assert_eq!(both.says("c", "echo in_use").word(), "in_use");
    let typo = Folder::new();
    assert_eq!(
        typo.says("a", "echo idle").probe("b", "kidn = 1").word(),
        "unknown"
    );
}

#[test]
fn a_probe_that_others_can_write_spoils_the_answer() {
    let folder = Folder::new();
    folder.says("a", "echo idle");
    let path = folder.0.path().join("a.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(folder.word(), "unknown");
}

#[test]
fn a_lock_that_the_application_holds_is_use() {
    let folder = Folder::new();
    let path = folder.0.path().join("app.lock");
    let text = format!(
        "kind = \"file_lock\"\npurpose = \"interlock\"\npath = \"{}\"\n",
        path.display()
    );
    folder.probe("lock", &text);
    assert_eq!(folder.word(), "unknown", "no such file");
    let held = std::fs::File::create(&path).unwrap();
    assert_eq!(folder.word(), "idle");
    flock(&held, FlockOperation::LockShared).unwrap();
    assert_eq!(folder.word(), "in_use");
}

#[test]
fn handover_and_probes_that_need_the_application() {
    let folder = Folder::new();
    folder.probe("h", "kind = \"handover\"\npurpose = \"interlock\"\n");
    assert!(matches!(folder.measure(false, false), Interlock::InUse(_)));
    assert_eq!(folder.measure(true, false), Interlock::Idle);
    let argv =
        "kind = \"command\"\npurpose = \"interlock\"\nargv = [\"/bin/false\"]\nneeds_app = true\n";
    folder.probe("app", argv);
    assert!(matches!(folder.measure(true, false), Interlock::Unknown(_)));
    assert_eq!(folder.measure(true, true), Interlock::Idle);
}

#[test]
fn logind_that_does_not_answer_is_an_error() {
    let exited = |status, output: &str, errors: &str| Ran::Exited {
        status,
        output: output.as_bytes().to_vec(),
        errors: errors.as_bytes().to_vec(),
    };
    let good = r#"{"data":[[]]}"#;
    // What is said beside the answer does not spoil it.
    assert!(answer(exited(Some(0), good, "warning")).is_ok());
    for ran in [
        exited(Some(1), good, "Failed to connect to bus"),
        exited(None, good, ""),
        exited(Some(0), "", good),
        exited(Some(0), r#"{"data":[["#, ""),
        Ran::TimedOut,
        Ran::TooMuchOutput,
        Ran::NotStarted("no busctl".to_owned()),
    ] {
        let text = format!("{ran:?}");
        assert!(answer(ran).is_err(), "{text}");
    }
}
