use super::*;
use patchward_common::wire::machine::DeviceFound;
use std::os::unix::fs::PermissionsExt as _;

fn owner() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn put(folder: &Path, name: &str, mode: u32, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A program that can be started at once: another one writes it. If this one did, a child that
/// another test starts meanwhile could still hold it open, and it would be "busy".
fn put_program(path: &Path, script: &str) {
    let written = std::process::Command::new("/bin/sh")
        .args(["-c", "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\""])
        .args([path.as_os_str(), script.as_ref()])
        .status();
    assert!(written.unwrap().success());
}

fn device(rest: &str) -> Device {
    let text = format!("asset = \"INF-17\"\ncomponent = \"pump\"\n{rest}");
    parse(Name::new("pump").unwrap(), &text).unwrap()
}

fn command(script: &str) -> Device {
    device(&format!(
        "kind = \"command\"\nversion = \"first_line\"\nargv = [\"/bin/sh\", \"-c\", {script:?}]\n"
    ))
}

#[test]
fn only_what_root_wrote_is_asked_and_secrets_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let snmp = "asset = \"A\"\ncomponent = \"x\"\nkind = \"snmp\"\nversion = \"first_line\"\n\
                address = \"pump:161\"\noid = \"1.3\"\ncommunity = \"ward\"\n";
    let file = "asset = \"A\"\ncomponent = \"x\"\nkind = \"file\"\nversion = \"first_line\"\n\
                path = \"/x\"\n";
    put(folder.path(), "secret.toml", 0o640, snmp);
    put(folder.path(), "readable.toml", 0o644, snmp);
    put(folder.path(), "plain.toml", 0o644, file);
    put(folder.path(), "writable.toml", 0o666, file);
    put(folder.path(), "wrong.toml", 0o644, "kind = 1");
    put(folder.path(), "note.txt", 0o644, "no device");
    let listed = load(folder.path(), owner());
    let names: Vec<_> = listed.devices.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["plain", "secret"]);
    let refused: Vec<_> = listed.refused.iter().map(ToString::to_string).collect();
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(refused[0].contains("chmod o-r"), "{refused:?}");
    assert!(
        refused[1].contains("can be written by others")
            || refused[2].contains("can be written by others")
    );
    assert!(
        load(&folder.path().join("none"), owner())
            .refused
            .is_empty()
    );
}

#[test]
fn a_device_is_asked_as_often_as_its_file_says() {
    let device =
        device("kind = \"file\"\nversion = \"first_line\"\npath = \"/x\"\nevery_minutes = 15\n");
    let at = |minutes: i64| UtcMs(minutes * MINUTE_MS);
    assert!(is_due(&device, None, at(0)));
    assert!(!is_due(&device, Some(at(0)), at(14)));
    assert!(is_due(&device, Some(at(0)), at(15)));
    assert!(
        is_due(&device, Some(at(20)), at(10)),
        "the clock was set back"
    );
}

#[tokio::test]
async fn an_answer_is_a_version_or_says_why_not() {
    let root = Path::new("/");
    let none = Path::new("/none");
    let ask = async |script: &str| ask(&command(script), none, root).await;
    assert_eq!(
        ask("echo 4.2.1").await,
        DeviceFound::Version("4.2.1".into())
    );
    for (script, says) in [
        ("exit 3", "ended with status 3"),
        ("head -c 100000 /dev/zero", "more than 65536 bytes"),
        ("printf '\\001'", "control"),
        ("true", "no text"),
    ] {
        let found = ask(script).await;
        assert!(
            matches!(&found, DeviceFound::Nothing(why) if why.contains(says)),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn the_program_on_the_network_is_asked_without_words_in_its_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("probe");
    let snmp = device(
        "kind = \"snmp\"\nversion = \"first_line\"\naddress = \"pump:161\"\noid = \"1.3\"\ncommunity = \"ward\"\n",
    );
    for (script, expected) in [
        // It has no arguments, and reads its question.
        (
            "#!/bin/sh\ntest $# = 0 && grep -o '\"community\":\"ward\"'",
            DeviceFound::Version("\"community\":\"ward\"".into()),
        ),
        (
            "#!/bin/sh\necho 'pump does not answer'\necho more\nexit 1",
            DeviceFound::Nothing("pump does not answer".into()),
        ),
        // One that reads nothing is no trouble.
        ("#!/bin/sh\necho 5", DeviceFound::Version("5".into())),
    ] {
        put_program(&program, script);
        let found = ask(&snmp, &program, Path::new("/")).await;
        assert_eq!(found, expected);
    }
    let found = ask(&snmp, Path::new("/none"), Path::new("/")).await;
    assert!(
        matches!(&found, DeviceFound::Nothing(why) if why.contains("could not be started")),
        "{found:?}"
    );
}

#[test]
fn what_could_not_be_told_is_told_later_unless_there_is_news() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let devices = Devices {
            answers: Answers::default(),
            task: tokio::spawn(std::future::pending()),
        };
        let said = |component: &str, version: &str| DeviceSaid {
            asset: Label::new("A").unwrap(),
            component: component.into(),
            of_model: false,
            every_minutes: 60,
            at: UtcMs(1),
            found: DeviceFound::Version(version.into()),
        };
        devices.put_back(vec![said("x", "1"), said("y", "1")]);
        let untold = devices.take();
        assert_eq!(untold.len(), 2);
        assert!(devices.take().is_empty());
        devices.put_back(vec![said("x", "2")]);
        devices.put_back(untold);
        let told: Vec<_> = devices.take().into_iter().map(|said| said.found).collect();
        let version = |text: &str| DeviceFound::Version(text.into());
        assert_eq!(told, [version("2"), version("1")]);
    });
}

#[test]
fn the_shipped_examples_are_devices() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/devices.d");
    let mut kinds = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = Name::new(path.file_stem().unwrap().to_str().unwrap()).unwrap();
        let device = parse(name, &text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        kinds.push(device.way.is_remote());
    }
    assert!(kinds.len() >= 3, "{kinds:?}");
}
