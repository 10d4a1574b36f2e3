use super::*;

fn read(text: &str) -> Result<Device, BadDevice> {
    parse(Name::new("pump-17").unwrap(), text)
}

const HEAD: &str = "asset = \"INF-17\"\ncomponent = \"pump-firmware\"\n";

#[test]
fn a_file_says_whether_the_answer_is_the_models_version() {
    let file = "kind = \"file\"\nversion = \"first_line\"\npath = \"/x\"\n";
    for (key, said) in [
        ("model_version = true\n", true),
        ("model_version = false\n", false),
    ] {
        assert_eq!(
            with(&format!("{file}{key}")).unwrap().is_model_version,
            said
        );
    }
    assert!(with(&format!("{file}model_version = \"yes\"\n")).is_err());
}

#[test]
fn an_answer_says_what_there_is_for_some_intervals_and_a_week_at_least() {
    let days = |every_minutes| known_until(UtcMs(0), every_minutes).0 / DAY_MS;
    assert_eq!((days(MIN_EVERY_MINUTES), days(EVERY_MINUTES)), (7, 7));
    assert_eq!(days(MAX_EVERY_MINUTES), 14);
}

fn with(rest: &str) -> Result<Device, BadDevice> {
    read(&format!("{HEAD}{rest}"))
}

#[test]
fn each_way_is_read_with_what_belongs_to_it() {
    let device = with(
        "kind = \"dicom\"\naddress = \"10.0.0.4:104\"\ncalled = \"CT1\"\n\
         version = \"json:/implementation_version_name\"\n",
    )
    .unwrap();
    assert_eq!(device.asset.as_str(), "INF-17");
    assert_eq!(device.every_minutes, EVERY_MINUTES);
    assert!(!device.is_model_version, "only where the file says so");
    assert_eq!(
        device.way,
        Way::Dicom {
            address: "10.0.0.4:104".into(),
            called: "CT1".into(),
            calling: "PATCHWARD".into()
        }
    );
    assert!(device.way.is_remote() && !device.way.is_secret());

    let snmp = "kind = \"snmp\"\nversion = \"first_line\"\naddress = \"pump:161\"\n\
                oid = \"1.3.6.1.2.1.1.1.0\"\n";
    let v2c = with(&format!("{snmp}community = \"ward\"\nevery_minutes = 15\n")).unwrap();
    assert!(v2c.way.is_secret());
    assert_eq!(v2c.every_minutes, 15);
    assert!(!format!("{v2c:?}").contains("ward"), "{v2c:?}");
    let v3 = with(&format!(
        "{snmp}user = \"htm\"\nauth = \"sha256\"\nauth_password = \"long enough\"\n\
         privacy = \"aes128\"\nprivacy_password = \"long enough\"\n"
    ))
    .unwrap();
    assert!(!format!("{v3:?}").contains("enough"), "{v3:?}");
    let Way::Snmp {
        access: SnmpAccess::V3 { auth, privacy, .. },
        ..
    } = v3.way
    else {
        panic!("not v3");
    };
    assert_eq!(auth.unwrap().protocol, SnmpHash::Sha256);
    assert_eq!(privacy.unwrap().protocol, SnmpCipher::Aes128);

    let http = with("kind = \"http\"\nurl = \"https://pump/v\"\nversion = \"json:/v\"\n").unwrap();
    assert!(http.way.is_remote());
    let file = with("kind = \"file\"\npath = \"/run/pump\"\nversion = \"first_line\"\n").unwrap();
    assert!(!file.way.is_remote());
    with("kind = \"command\"\nargv = [\"/usr/bin/ask\", \"17\"]\nversion = \"prefix:v\"\n")
        .unwrap();
}

#[test]
fn mistakes_say_what_and_where() {
    let snmp = "kind = \"snmp\"\nversion = \"first_line\"\naddress = \"pump:161\"\n";
    let oid = "oid = \"1.3.6\"\n";
    let dicom = "kind = \"dicom\"\nversion = \"json:/x\"\naddress = \"ct:104\"\n";
    for (rest, says) in [
        (
            "kind = \"telnet\"\nversion = \"first_line\"\n".to_owned(),
            "none of dicom",
        ),
        ("knid = \"file\"\n".to_owned(), "did you mean \"kind\"?"),
        (dicom.to_owned(), "needs the key \"called\""),
        (
            format!("{dicom}called = \"A-TITLE-TOO-LONG-\"\n"),
            "16 characters",
        ),
        (format!("{dicom}called = \"CT\\\\1\"\n"), "without \\"),
        (
            format!("{dicom}called = \"CT\"\nurl = \"http://x\"\n"),
            "no key \"url\"",
        ),
        (
            format!("{snmp}{oid}"),
            "either community (v2c) or user (v3)",
        ),
        (
            format!("{snmp}oid = \"1.a\"\ncommunity = \"x\"\n"),
            "dotted digits",
        ),
        (
            format!("{snmp}{oid}user = \"u\"\nauth = \"md5\"\n"),
            "auth_password together",
        ),
        (
            format!("{snmp}{oid}user = \"u\"\nauth = \"md5\"\nauth_password = \"short\"\n"),
            "8 to 255 bytes",
        ),
        (
            format!(
                "{snmp}{oid}user = \"u\"\nprivacy = \"des\"\nprivacy_password = \"long enough\"\n"
            ),
            "no privacy without auth",
        ),
        (
            format!("{snmp}{oid}user = \"u\"\nauth = \"crc\"\n"),
            "unknown variant",
        ),
        (
            "kind = \"http\"\nversion = \"first_line\"\nurl = \"ftp://x\"\n".to_owned(),
            "http:// or https://",
        ),
        (
            "kind = \"file\"\nversion = \"first_line\"\npath = \"run\"\n".to_owned(),
            "must be absolute",
        ),
        (
            "kind = \"file\"\nversion = \"first_line\"\npath = \"/x\"\nevery_minutes = 1\n"
                .to_owned(),
            "15 to 1440 minutes",
        ),
        (
            "kind = \"dicom\"\nversion = \"json:/x\"\naddress = \"10.0.0.0/24\"\n".to_owned(),
            "one host:port",
        ),
        (
            "kind = \"dicom\"\nversion = \"json:/x\"\naddress = \"ct:0\"\n".to_owned(),
            "one host:port",
        ),
    ] {
        let error = with(&rest).unwrap_err().to_string();
        assert!(error.contains(says), "{rest}: {error}");
    }
    let error =
        read("asset = \"\"\ncomponent = \"x\"\nkind = \"file\"\nversion = \"first_line\"\n");
    assert!(error.unwrap_err().to_string().contains("asset"));
}
