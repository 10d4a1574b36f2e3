//! A desktop session: a D-Bus of its own, with a service of notifications that is the test.

use super::Setting;
use patchward_common::codec;
use patchward_common::id::{JobId, Label};
use patchward_common::notice::{Planned, Screen};
use patchward_common::time::{HOUR_MS, Interval, MINUTE_MS};
use patchward_integration_tests::fixture::name;
use patchward_integration_tests::machine::{now, until};
use patchward_integration_tests::process::{Daemon, PATIENCE};
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedVariant};

const PATH: &str = "/org/freedesktop/Notifications";

/// What a desktop was asked to show.
#[derive(Debug)]
struct Shown {
    replaces: u32,
    summary: String,
    body: String,
    actions: Vec<String>,
}

/// A desktop that shows nobody anything.
struct Desktop {
    shown: UnboundedSender<Shown>,
    last: u32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Desktop {
    #[zbus(name = "GetCapabilities")]
    fn capabilities(&self) -> Vec<String> {
        ["actions", "body", "body-markup"].map(str::to_owned).into()
    }

    #[expect(clippy::too_many_arguments, reason = "the specification has them")]
    fn notify(
        &mut self,
        _app_name: &str,
        replaces: u32,
        _app_icon: &str,
        summary: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedVariant>,
        _expire_timeout: i32,
    ) -> u32 {
        self.last += 1;
        let shown = Shown {
            replaces,
            summary,
            body,
            actions,
        };
        // A test that is over asks for no more.
        let _ = self.shown.send(shown);
        self.last
    }

    #[zbus(signal)]
    async fn action_invoked(
        emitter: &SignalEmitter<'_>,
        id: u32,
        action_key: &str,
    ) -> zbus::Result<()>;
}

/// A bus at a socket.
fn bus(folder: &Path) -> (Daemon, String) {
    let socket = folder.join("bus");
    let address = format!("unix:path={}", socket.display());
    let mut command = Command::new("dbus-daemon");
    command.args([
        "--session",
        "--nofork",
        "--nopidfile",
        "--address",
        &address,
    ]);
    let daemon = Daemon::start("bus", &mut command, &folder.join("bus.log")).unwrap();
    until("the bus listens", || socket.exists().then_some(())).unwrap();
    (daemon, address)
}

async fn next(shown: &mut UnboundedReceiver<Shown>) -> Shown {
    let next = tokio::time::timeout(PATIENCE, shown.recv()).await;
    next.expect("nothing is shown")
        .expect("the desktop is there")
}

async fn press(bus: &Connection, id: u32, action: &str) {
    let emitter = SignalEmitter::new(bus, PATH).unwrap();
    Desktop::action_invoked(&emitter, id, action).await.unwrap();
}

/// A start in so many minutes, as an installer shows it.
fn ahead(minutes: i64) -> Screen {
    let start = now().plus_ms(minutes * MINUTE_MS);
    Screen {
        call: "clinical engineering, 4711".to_owned().try_into().unwrap(),
        planned: vec![Planned {
            job: JobId([1; 16]),
            title: Label::new("Viewer <4.2>").unwrap(),
            slots: vec![Interval::new(start, start.plus_ms(2 * HOUR_MS)).unwrap()],
            longest_run_ms: 40 * MINUTE_MS,
            noticed: Vec::new(),
        }],
        ..Screen::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desktop_shows_it_and_its_buttons_say_not_now() {
    let setting = Setting::new();
    let (_daemon, address) = bus(setting.folder.path());
    let (sender, mut shown) = unbounded_channel();
    let desktop = Desktop {
        shown: sender,
        last: 0,
    };
    let bus = zbus::connection::Builder::address(address.as_str())
        .serve_at(PATH, desktop)
        .name("org.freedesktop.Notifications")
        .build()
        .await
        .unwrap();
    let screen = setting.folder.path().join("foreseen");
    std::fs::write(&screen, codec::encode(&ahead(23 * 60))).unwrap();
    let mut command = setting.notice(&["session"]);
    // What people see here is the test's; what they say goes to the installer.
    let settings = setting.folder.path().join("notice.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let own = setting.machine.path("screen");
    let text = text.replace(&format!("{own:?}"), &format!("{screen:?}"));
    std::fs::write(&settings, text).unwrap();
    command.env("DBUS_SESSION_BUS_ADDRESS", &address);
    let log = setting.folder.path().join("notice.log");
    let _session = Daemon::start("session", &mut command, &log).unwrap();

    let first = next(&mut shown).await;
    assert_eq!(first.replaces, 0);
    assert!(first.summary.contains("may be updated on"), "{first:?}");
    assert!(first.body.contains("Viewer &lt;4.2&gt;"), "{first:?}");
    assert!(
        first.body.contains("Call clinical engineering, 4711."),
        "{first:?}"
    );
    assert_eq!(first.actions, [""; 0], "no hold reaches that far");

    let new = screen.with_extension("new");
    std::fs::write(&new, codec::encode(&ahead(9))).unwrap();
    std::fs::rename(&new, &screen).unwrap();
    let soon = next(&mut shown).await;
    assert_eq!(soon.replaces, 1, "one notice for one job");
    assert!(soon.summary.contains("minutes"), "{soon:?}");
    assert_eq!(
        soon.actions[..2],
        ["not-now:procedure", "Not now: procedure"]
    );
    assert_eq!(soon.actions.len(), 6);

    // Another program's notice, and a button that is none of ours.
    press(&bus, 77, "not-now:other").await;
    press(&bus, 2, "default").await;
    press(&bus, 2, "not-now:procedure").await;
    let answer = next(&mut shown).await;
    assert_eq!(answer.replaces, 2);
    assert!(
        answer.summary.contains("Nothing starts on this computer"),
        "{answer:?}"
    );
    let hold = setting.machine.status().unwrap().hold.unwrap();
    assert_eq!(hold.reason, name("procedure"));
    let ahead_ms = hold.until.since_ms(now());
    assert!(
        ahead_ms > 2 * HOUR_MS - MINUTE_MS,
        "beyond the start: {ahead_ms}"
    );
}
