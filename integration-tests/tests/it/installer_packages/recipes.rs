//! The kind `recipe`: a script of the machine that root wrote.

use super::Setting;
use patchward_common::digest::Digest;
use patchward_common::job::State;
use patchward_common::trust::check::Step;
use patchward_common::trust::release::{Kind, RecipeKind};
use patchward_common::wire::local::Answer;
use patchward_integration_tests::fixture::name;
use patchward_integration_tests::machine::archive;

const RECIPE: &str = r#"
install = ["/bin/sh", "-c", 'cp "$1" STORE; test "$2" != 2.0', "install", "{artifact}", "{version}"]
version = ["/bin/sh", "-c", "cat STORE 2>/dev/null || true"]
check = ["/usr/bin/test", "-s", "STORE"]
rollback = ["/bin/sh", "-c", 'if [ "$1" = absent ]; then rm -f STORE; else echo "$1" > STORE; fi', "rollback", "{version}"]
"#;

#[test]
fn a_recipe_is_run_checked_and_rolled_back_and_never_a_changed_one() {
    let mut setting = Setting::new();
    let recipe = RECIPE.replace("STORE", setting.path("pump").to_str().unwrap());
    setting
        .machine
        .write("recipes.d/pump.toml", &recipe)
        .unwrap();
    let release = |setting: &Setting, version: &str, counter| {
        let bytes = setting.artifact(format!("{version}\n").into_bytes());
        let mut release = setting.hospital.release(version, counter, &bytes);
        release.release.kind = Kind::Recipe(RecipeKind {
            name: name("pump"),
            sha256: Digest::of(recipe.as_bytes()),
        });
        release
    };
    let first = release(&setting, "1.0", 1);
    assert_eq!(setting.install(first).unwrap(), State::Verified);
    let fails = release(&setting, "2.0", 2);
    let state = setting.install(fails).unwrap();
    assert!(matches!(state, State::RolledBack(_)), "{state:?}");
    assert_eq!(
        std::fs::read_to_string(setting.path("pump")).unwrap(),
        "1.0\n"
    );
    setting
        .machine
        .write("recipes.d/pump.toml", &format!("{recipe}\n# changed"))
        .unwrap();
    let last = release(&setting, "3.0", 3);
    let answer = setting.install(last).unwrap_err();
    assert!(
        matches!(&*answer, Answer::Refused(why) if why.step == Some(Step::Artifacts) && why.text.contains("recipe")),
        "{answer:?}"
    );
}

/// What was begun anew, by an install or by the way back, has its time to come up.
#[test]
fn a_check_that_fails_at_first_is_asked_again() {
    // However slow the machine is, and a second where it is not.
    let mut setting = Setting::with(&["check_patience_seconds = 300"]);
    let (store, down) = (setting.path("store"), setting.path("down"));
    let begin = format!("touch {}", down.display());
    let recipe = format!(
        "install = [\"/bin/sh\", \"-c\", 'echo \"$1\" > {store}; {begin}; test \"$1\" != 2.0', \"install\", \"{{version}}\"]\n\
         version = [\"/bin/cat\", {store:?}]\n\
         rollback = [\"/bin/sh\", \"-c\", 'echo \"$1\" > {store}; {begin}', \"rollback\", \"{{version}}\"]\n",
        store = store.display(),
    );
    let is_up = format!("if test -e {0}; then rm {0}; exit 1; fi", down.display());
    setting.machine.says("is-up", "ready", &is_up).unwrap();
    std::fs::write(&store, "0.9\n").unwrap();
    setting
        .machine
        .write("recipes.d/pump.toml", &recipe)
        .unwrap();
    for (version, counter) in [("1.0", 1), ("2.0", 2)] {
        let bytes = setting.artifact(version.into());
        let mut release = setting.hospital.release(version, counter, &bytes);
        release.release.kind = Kind::Recipe(RecipeKind {
            name: name("pump"),
            sha256: Digest::of(recipe.as_bytes()),
        });
        release.release.checks_before = vec![name("is-up")];
        release.release.checks_after = vec![name("is-up")];
        let state = setting.install(release).unwrap();
        match counter {
            1 => assert_eq!(state, State::Verified),
            _ => assert!(matches!(state, State::RolledBack(_)), "{state:?}"),
        }
        assert!(!down.exists());
    }
    assert_eq!(std::fs::read_to_string(&store).unwrap(), "1.0\n");
}

/// A recipe that is gone after the install may have had a check: it counts as failed, also
/// where only the release after it says which version must be there.
#[test]
fn a_recipe_that_is_gone_afterwards_has_not_passed_its_check() {
    let mut setting = Setting::new();
    let file = setting.path("recipes.d/pump.toml");
    let text = format!(
        "install = [\"/bin/rm\", {file:?}]\nversion = [\"/bin/true\"]\ncheck = [\"/bin/false\"]\n"
    );
    setting.machine.write("recipes.d/pump.toml", &text).unwrap();
    let bytes = setting.artifact(b"1.0\n".to_vec());
    let mut stone = setting.hospital.release("1.0", 1, &bytes);
    stone.release.kind = Kind::Recipe(RecipeKind {
        name: name("pump"),
        sha256: Digest::of(text.as_bytes()),
    });
    let bytes = setting.artifact(archive(&[("viewer", "2.0")]));
    let last = setting.hospital.release("2.0", 2, &bytes);
    let state = setting.install_all(vec![stone, last]).unwrap();
    assert!(
        matches!(&state, State::Failed(why) if why.text.contains("check recipe fails")),
        "{state:?}"
    );
}
