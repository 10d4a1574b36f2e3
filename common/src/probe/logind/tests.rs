use super::*;
use serde_json::json;

#[test]
fn logind_sessions_count_by_class_state_and_idleness() {
    let now = UtcMs(100 * MINUTE_MS);
    let session = |class: &str, state: &str, idle: bool, since_minutes: i64| {
        json!({"type": "a{sv}", "data": [{
            "Class": {"type": "s", "data": class},
            "State": {"type": "s", "data": state},
            "IdleHint": {"type": "b", "data": idle},
            "IdleSinceHint": {"type": "t", "data": since_minutes * MINUTE_MS * 1_000},
        }]})
    };
    for (answer, idle_minutes, used) in [
        (session("user", "active", false, 0), 0, true),
        (session("user", "active", true, 10), 0, true),
        (session("user", "active", true, 10), 15, false),
        (session("user", "active", true, 90), 15, true),
        (session("user", "active", false, 10), 15, true),
        (session("user", "closing", false, 0), 0, false),
        (session("greeter", "active", false, 0), 0, false),
        (session("manager", "active", false, 0), 0, false),
    ] {
        assert_eq!(is_used(&answer, idle_minutes, now), Ok(used), "{answer}");
    }
    assert!(is_used(&json!({"data": [{}]}), 0, now).is_err());
    let shapeless = json!({"data": [{"Class": {"data": 7}, "State": {"data": "active"}}]});
    assert!(
        is_used(&shapeless, 0, now).is_err(),
        "no class is not nobody"
    );
    let sessions = json!({"type": "a(susso)", "data": [[["1", 1000, "nurse", "seat0", "/s/1"]]]});
    assert_eq!(
        listed(&sessions),
        Ok(vec![("nurse".to_owned(), "/s/1".to_owned())])
    );
    assert!(listed(&json!({"data": [[["1"]]]})).is_err());
    let inhibitors =
        |mode: &str| json!({"data": [[["sleep:shutdown", "PACS", "transfer", mode, 0, 1]]]});
    assert_eq!(inhibitor(&inhibitors("delay")), Ok(None));
    assert!(
        inhibitor(&inhibitors("block"))
            .unwrap()
            .unwrap()
            .contains("PACS")
    );
}

const IDLE_MINUTES: i64 = 15;
const NOW: UtcMs = UtcMs(100 * MINUTE_MS);

/// One person's session.
#[derive(Clone, Copy)]
struct Session {
    user: &'static str,
    is_remote: bool,
    /// When it became idle, in minutes; `None` where somebody works in it.
    idle_since: Option<i64>,
}

const WORKS: Session = Session {
    user: "nurse",
    is_remote: false,
    idle_since: None,
};

/// A bus that knows one inhibitor's mode and these sessions, and fails at the question
/// that holds `fails`.
fn asked(mode: Option<&str>, sessions: &[Session], fails: Option<&str>) -> Interlock {
    let ask = |words: &[&str]| {
        let text = words.join(" ");
        if fails.is_some_and(|fails| text.contains(fails)) {
            return Err("the bus is gone".to_owned());
        }
        assert!(text.starts_with("call org.freedesktop.login1 "), "{text}");
        if text.ends_with(".Manager ListInhibitors") {
            let rows: Vec<Value> = mode
                .iter()
                .map(|mode| json!(["shutdown", "PACS", "transfer", mode, 0, 1]))
                .collect();
            return Ok(json!({"data": [rows]}));
        }
        if text.ends_with(".Manager ListSessions") {
            let rows: Vec<Value> = sessions
                .iter()
                .enumerate()
                .map(|(at, one)| json!(["1", 1000, one.user, "", format!("/session/{at}")]))
                .collect();
            return Ok(json!({"data": [rows]}));
        }
        assert!(text.ends_with("GetAll s org.freedesktop.login1.Session"));
        let at: usize = words[2].strip_prefix("/session/").unwrap().parse().unwrap();
        let one = sessions[at];
        Ok(json!({"data": [{
            "Class": {"data": "user"},
            "State": {"data": "active"},
            "Remote": {"data": one.is_remote},
            "IdleHint": {"data": one.idle_since.is_some()},
            "IdleSinceHint": {"data": one.idle_since.unwrap_or(0) * MINUTE_MS * 1_000},
        }]}))
    };
    let probe = Name::new("screen").unwrap();
    let kiosk = ["kiosk".to_owned()];
    interlock(&probe, IDLE_MINUTES, &kiosk, NOW, ask)
}

#[test]
fn the_machine_is_used_where_logind_says_so_and_unknown_where_it_says_nothing() {
    let kiosk = Session {
        user: "kiosk",
        ..WORKS
    };
    let idle = Session {
        idle_since: Some(80),
        ..WORKS
    };
    let just_left = Session {
        idle_since: Some(90),
        ..WORKS
    };
    let remote = Session {
        user: "service",
        is_remote: true,
        ..WORKS
    };
    let in_use = |text: &str| Interlock::InUse(text.to_owned());
    let blocks = "PACS blocks shutdown";
    for (mode, sessions, expected) in [
        (None, &[][..], Interlock::Idle),
        (Some("block"), &[], in_use(blocks)),
        (Some("block-weak"), &[], in_use(blocks)),
        (Some("delay"), &[], Interlock::Idle),
        (None, &[WORKS], in_use("nurse is logged in")),
        (None, &[kiosk], Interlock::Idle),
        (None, &[kiosk, WORKS], in_use("nurse is logged in")),
        (Some("block"), &[kiosk], in_use(blocks)),
        (None, &[idle], Interlock::Idle),
        (None, &[just_left], in_use("nurse is logged in")),
        (None, &[idle, kiosk, idle], Interlock::Idle),
        (None, &[idle, remote], in_use("service is logged in")),
    ] {
        let users: Vec<&str> = sessions.iter().map(|one| one.user).collect();
        assert_eq!(asked(mode, sessions, None), expected, "{mode:?} {users:?}");
    }
    let gone = Interlock::Unknown("screen: the bus is gone".to_owned());
    for fails in ["ListInhibitors", "ListSessions", "GetAll"] {
        assert_eq!(asked(None, &[WORKS], Some(fails)), gone, "{fails}");
    }
    // A kiosk user's session is not asked about at all.
    assert_eq!(asked(None, &[kiosk], Some("GetAll")), Interlock::Idle);
}
