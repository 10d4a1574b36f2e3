//! The program that asks medical devices, against peers that others wrote: DCMTK's
//! `storescp`, Net-SNMP's `snmpd` and nginx.

use patchward_agent::device::ask;
use patchward_common::device::{Way, parse};
use patchward_common::id::Name;
use patchward_common::wire::machine::DeviceFound;
use patchward_integration_tests::programs::Program;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A peer that ends with its test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &str, arguments: &[&str]) -> Peer {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Peer(child.unwrap_or_else(|error| panic!("{program}: {error}; `cargo test-needs`")))
}

fn free_tcp() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until something listens.
fn wait_for(peer: &mut Peer, port: u16) {
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(peer.0.try_wait().unwrap().is_none(), "the peer ended");
        std::thread::yield_now();
    }
}

/// How a device's file says that it is asked.
fn way(text: &str) -> Way {
    let all = format!("asset = \"A\"\ncomponent = \"c\"\nversion = \"first_line\"\n{text}");
    parse(Name::new("device").unwrap(), &all).unwrap().way
}

/// What the program answers, or the reason on its first line.
fn answer_of(way: &Way) -> Result<String, String> {
    let program = Program::DeviceProbe.path().unwrap();
    let mut asking = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let question = serde_json::to_vec(way).unwrap();
    asking.stdin.take().unwrap().write_all(&question).unwrap();
    let output = asking.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned();
    match output.status.code() {
        Some(0) => Ok(text),
        Some(1) => Err(text.lines().next().unwrap_or_default().to_owned()),
        other => panic!("{other:?}: {text}"),
    }
}

#[test]
fn a_dicom_peer_says_who_it_is() {
    let port = free_tcp();
    let mut peer = start("storescp", &["-aet", "PUMP", &port.to_string()]);
    wait_for(&mut peer, port);
    let dicom = |port: u16| {
        way(&format!(
            "kind = \"dicom\"\naddress = \"127.0.0.1:{port}\"\ncalled = \"PUMP\"\n"
        ))
    };
    let answer: serde_json::Value =
        serde_json::from_str(&answer_of(&dicom(port)).unwrap()).unwrap();
    let version = answer["implementation_version_name"].as_str().unwrap();
    assert!(version.starts_with("OFFIS_DCMTK_"), "{answer}");
    let class = answer["implementation_class_uid"].as_str().unwrap();
    assert!(class.starts_with("1.2.276.0.7230010."), "{answer}");
    let refused = answer_of(&dicom(free_tcp())).unwrap_err();
    assert!(refused.contains("no association"), "{refused}");
}

/// As the agent asks: it ends a program that takes too long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_hangs_or_floods_is_a_device_without_an_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = std::thread::spawn(move || {
        // One says something else without end, until nobody listens.
        let (mut flooded, _) = listener.accept().unwrap();
        while flooded.write_all(&[0x41; 4_096]).is_ok() {}
        // One lies about the length of what follows.
        let (mut lied, _) = listener.accept().unwrap();
        lied.write_all(&[2, 0, 0xff, 0xff, 0xff, 0xff]).unwrap();
        drop(lied);
        // One takes the question and says nothing.
        let (mut silent, _) = listener.accept().unwrap();
        let _ = silent.read_to_end(&mut Vec::new());
    });
    let text = format!(
        "asset = \"A\"\ncomponent = \"c\"\nversion = \"first_line\"\nkind = \"dicom\"\n\
         address = \"127.0.0.1:{port}\"\ncalled = \"PUMP\"\n"
    );
    let device = parse(Name::new("device").unwrap(), &text).unwrap();
    let program = Program::DeviceProbe.path().unwrap();
    for peer in ["flooded", "lied", "silent"] {
        match ask(&device, &program, Path::new("/")).await {
            DeviceFound::Nothing(why) => assert!(!why.is_empty(), "{peer}"),
            DeviceFound::Version(version) => panic!("{peer}: {version}"),
        }
    }
    peer.join().unwrap();
}

fn snmpd(folder: &Path) -> (Peer, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let settings = format!(
        "agentaddress udp:127.0.0.1:{port}\nrocommunity ward\nsysdescr Gateway 4.2.1 build 7\n\
         createUser htm SHA-256 \"long enough\" AES \"also long enough\"\nrouser htm priv\n\
         createUser old MD5 \"long enough\"\nrouser old auth\n"
    );
    let file = folder.join("snmpd.conf");
    std::fs::write(&file, settings).unwrap();
    let persistent = format!("--persistentDir={}", folder.join("state").display());
    let arguments = ["-f", "-C", "-Le", &persistent, "-c", file.to_str().unwrap()];
    (start("snmpd", &arguments), port)
}

#[test]
fn an_snmp_peer_tells_one_value_to_whom_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    let (mut peer, port) = snmpd(folder.path());
    let snmp = |oid: &str, who: &str| {
        let text =
            format!("kind = \"snmp\"\naddress = \"127.0.0.1:{port}\"\noid = \"{oid}\"\n{who}\n");
        answer_of(&way(&text))
    };
    const DESCRIPTION: &str = "1.3.6.1.2.1.1.1.0";
    let by_community = "community = \"ward\"";
    let said = loop {
        match snmp(DESCRIPTION, by_community) {
            Ok(said) => break said,
            Err(_) => assert!(peer.0.try_wait().unwrap().is_none(), "the peer ended"),
        }
    };
    assert_eq!(said, "Gateway 4.2.1 build 7");
    let v3 = |auth: &str, password: &str| {
        format!(
            "user = \"htm\"\nauth = \"{auth}\"\nauth_password = \"{password}\"\n\
             privacy = \"aes128\"\nprivacy_password = \"also long enough\""
        )
    };
    assert_eq!(
        snmp(DESCRIPTION, &v3("sha256", "long enough")).unwrap(),
        said
    );
    let old = "user = \"old\"\nauth = \"md5\"\nauth_password = \"long enough\"";
    assert_eq!(snmp(DESCRIPTION, old).unwrap(), said);
    // How long it is up: a number.
    let number = snmp("1.3.6.1.2.1.1.3.0", by_community).unwrap();
    assert!(number.parse::<u32>().is_ok(), "{number}");
    for (oid, who, says) in [
        ("1.3.6.1.2.1.1.99.0", by_community, "no such object"),
        (DESCRIPTION, "community = \"other\"", "does not answer"),
        (
            DESCRIPTION,
            &v3("sha256", "wrong enough"),
            "user or a password",
        ),
        (DESCRIPTION, &v3("md5", "long enough"), "user or a password"),
    ] {
        let refused = snmp(oid, who).unwrap_err();
        assert!(refused.contains(says), "{who}: {refused}");
    }
}

#[test]
fn an_http_peer_gives_one_page_and_leads_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_tcp();
    let root = folder.path().display();
    std::fs::write(folder.path().join("status.json"), "{\"v\":\"4.2\"}").unwrap();
    std::fs::write(folder.path().join("large"), vec![b'x'; 100_000]).unwrap();
    let settings = format!(
        "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;\n\
         events {{}}\nhttp {{ access_log off; client_body_temp_path {root}/a; \
         proxy_temp_path {root}/b; fastcgi_temp_path {root}/c; uwsgi_temp_path {root}/d; \
         scgi_temp_path {root}/e; server {{ listen 127.0.0.1:{port}; root {root}; \
         location /away {{ return 302 /status.json; }} }} }}\n"
    );
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, settings).unwrap();
    let mut peer = start("nginx", &["-e", "stderr", "-c", file.to_str().unwrap()]);
    wait_for(&mut peer, port);
    let page = |path: &str| {
        let text = format!("kind = \"http\"\nurl = \"http://127.0.0.1:{port}/{path}\"\n");
        answer_of(&way(&text))
    };
    assert_eq!(page("status.json").unwrap(), "{\"v\":\"4.2\"}");
    for (path, says) in [
        ("away", "points to another address"),
        ("none", "404"),
        ("large", "limit"),
    ] {
        let refused = page(path).unwrap_err();
        assert!(refused.contains(says), "{path}: {refused}");
    }
}

/// A question that is none is refused, not guessed.
#[test]
fn what_is_no_question_is_an_error() {
    let mut asking = Command::new(Program::DeviceProbe.path().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    asking.stdin.take().unwrap().write_all(b"{}").unwrap();
    let output = asking.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("standard input"), "{said}");
}
