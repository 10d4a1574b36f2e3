use super::*;
use patchward_common::id::Name;
use patchward_common::trust::release::{Applicability, ArtifactRef, Kind as Declared, Reboot};
use std::path::Path;

struct Setting {
    folder: tempfile::TempDir,
}

impl Setting {
    fn new(recipe: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pump.toml"), recipe).unwrap();
        Self { folder }
    }

    fn load(&self, sha256: Digest) -> Result<Recipe, String> {
        let declared = RecipeKind {
            name: Name::new("pump").unwrap(),
            sha256,
        };
        let release = ReleaseDescription {
            product: Name::new("pump").unwrap(),
            version: "2.0".to_owned(),
            counter: 2,
            kind: Declared::Recipe(declared.clone()),
            artifacts: vec![ArtifactRef {
                path: "pump.bin".to_owned(),
                sha256: Digest([5; 32]),
                length: 1,
            }],
            applies_to: Applicability {
                from: vec![],
                os: vec![],
                architectures: vec!["all".to_owned()],
                models: vec![],
            },
            stepping_stones: vec![],
            reboot: Reboot::None,
            install_minutes: 1,
            recovery_minutes: 1,
            checks_before: vec![],
            checks_after: vec![],
            fixes: vec![],
            users_will_notice: None,
        };
        let site = Site {
            trees_dir: Path::new("/nowhere"),
            packages_root: Path::new("/nowhere"),
            dpkg_options: &[],
            rpm_options: &[],
            recipes_dir: self.folder.path(),
            restart_argv: &[],
            program: Path::new("/bin/false"),
            job_dir: self.folder.path().join("job"),
            artifacts_dir: self.folder.path().join("job/artifacts"),
            asker: Caller::SELF,
        };
        Recipe::load(&site, &declared, &release, None)
    }

    fn digest(&self) -> Digest {
        Digest::of(&std::fs::read(self.folder.path().join("pump.toml")).unwrap())
    }
}

const GOOD: &str = r#"
install = ["/bin/cp", "{artifact}", "--suffix={version}", "{job_dir}/x"]
version = ["/bin/echo", "1.0"]
rollback = ["/bin/echo", "back to", "{version}"]
"#;

#[test]
fn words_are_filled_and_stay_words() {
    let setting = Setting::new(GOOD);
    let recipe = setting.load(setting.digest()).unwrap();
    let steps = recipe.steps();
    assert!(steps[0].argv[1].ends_with(&Digest([5; 32]).to_string()));
    assert_eq!(steps[0].argv[2], "--suffix=2.0");
    assert!(steps[0].argv[3].ends_with("/x"));
    assert_eq!(recipe.version().unwrap(), "1.0");
    assert_eq!(recipe.back("1.0; reboot")[0].argv[2], "1.0; reboot");
    assert_eq!(recipe.check(), None);
}

#[test]
fn a_changed_recipe_runs_nothing() {
    let setting = Setting::new(GOOD);
    let approved = setting.digest();
    let changed = GOOD.replace("/bin/cp", "/bin/mv");
    std::fs::write(setting.folder.path().join("pump.toml"), changed).unwrap();
    let error = setting.load(approved).err().unwrap();
    assert!(error.contains("not the approved recipe"), "{error}");
}

#[test]
fn bad_recipes_say_what_is_wrong() {
    for (text, says) in [
        ("install = []\nversion = [\"/bin/true\"]", "absolute path"),
        (
            "install = [\"sh\"]\nversion = [\"/bin/true\"]",
            "absolute path",
        ),
        (
            "install = [\"/bin/cp\", \"{home}\"]\nversion = [\"/bin/true\"]",
            "{home}",
        ),
        ("instal = [\"/bin/cp\"]", "did you mean \"install\"?"),
        ("install = [\"/bin/cp\"]", "version"),
        (
            "install = [\"/bin/cp\"]\ninstall = [\"/bin/mv\"]\nversion = [\"/bin/true\"]",
            "line 2: duplicate key",
        ),
        (
            "install = [\"/bin/cp\", \"a\0b\"]\nversion = [\"/bin/true\"]",
            "line 1: ",
        ),
        (
            "install = [\"/bin/cp\", \"a\\u0000b\"]\nversion = [\"/bin/true\"]",
            "no program takes a word with NUL in it",
        ),
    ] {
        let setting = Setting::new(text);
        let error = setting.load(setting.digest()).err().unwrap();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn a_recipe_that_others_can_write_is_not_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let setting = Setting::new(GOOD);
    let path = setting.folder.path().join("pump.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(
        setting
            .load(setting.digest())
            .err()
            .unwrap()
            .contains("written by others")
    );
}

/// What cannot be read at all is refused before any digest is compared.
#[test]
fn a_recipe_that_is_no_text_too_large_or_elsewhere_is_not_read() {
    let setting = Setting::new(GOOD);
    let path = setting.folder.path().join("pump.toml");
    let name = Name::new("pump").unwrap();
    let refuses = |words: &str| {
        let error = setting.load(Digest::of(b"any")).err().unwrap();
        assert!(
            error.contains("pump.toml") && error.contains(words),
            "{error}"
        );
        assert_eq!(installed(setting.folder.path(), &name), None);
    };
    std::fs::write(&path, [b"# Z\xfcrich\n", GOOD.as_bytes()].concat()).unwrap();
    refuses("UTF-8");
    let most = patchward_common::probe::MAX_PROBE_FILE_BYTES;
    std::fs::write(&path, "#".repeat(most + 1)).unwrap();
    refuses(&(most + 1).to_string());
    std::fs::write(setting.folder.path().join("elsewhere"), GOOD).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("elsewhere", &path).unwrap();
    refuses("symbolic links");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    refuses("regular file");
    std::fs::remove_dir(&path).unwrap();
    refuses("No such file");
}

#[test]
fn the_shipped_example_is_a_recipe() {
    let example = include_str!("../../../../../../configs/recipes.d/infusion-server.toml.example");
    let setting = Setting::new(example);
    let recipe = setting.load(setting.digest()).unwrap();
    assert_eq!(recipe.back("1.0").len(), 2, "recover, then rollback");
}
