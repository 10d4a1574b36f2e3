//! The collector's settings: `collector.toml` in its folder.

mod openid;
mod relays;
mod written;

pub use relays::RelaySetting;

use patchward_common::id::Name;
use patchward_common::settings::{self, BadSettings};
use patchward_log::Form;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The settings with their defaults; `configs/collector.toml` says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What the roster calls this collector.
    pub name: Name,
    /// Where machines reach it: UDP, one port.
    pub listen: SocketAddr,
    /// Whether machines on whose way UDP is blocked are let in over TCP too, at the port of the
    /// same number.
    pub listen_tcp: bool,
    /// What goes into tokens: `host:port` as machines see it.
    pub addresses: Vec<String>,
    /// A PostgreSQL URL, or nothing for SQLite in the folder.
    pub database: Option<String>,
    /// How often a machine comes, in seconds.
    pub pace_seconds: u32,
    /// Where the log goes, and in which form.
    pub log: Form,
    /// Where people open the page: TCP, one port; nothing for no page.
    pub web_listen: Option<SocketAddr>,
    /// How people reach the page, such as `https://patchward.hospital.example:8443`: what
    /// links begin with, and the only origin that forms are taken from.
    pub web_address: Option<String>,
    /// A PEM file with the page's certificate and those that it is signed by. Nothing: the
    /// collector's own authority issues one, which browsers have to be told to trust.
    pub web_certificate: Option<PathBuf>,
    /// The PEM file with its key.
    pub web_key: Option<PathBuf>,
    /// Whether those who decide need a second factor.
    pub second_factor: SecondFactor,
    /// The hospital's server of mail, as `host:port`; nothing for no mail. At port 465 the
    /// connection is encrypted from the first byte on, elsewhere from STARTTLS on; only on
    /// this computer it may be plain.
    pub smtp_server: Option<String>,
    /// Who mail comes from, an address.
    pub smtp_from: Option<String>,
    /// The name that the server of mail knows the collector by, where it asks.
    pub smtp_user: Option<String>,
    /// A file with the password for it. Without it, systemd's credential `smtp-password`.
    pub smtp_password_file: Option<PathBuf>,
    /// Where backups are kept, on another disk than the collector's; nothing for none.
    pub backup_folder: Option<PathBuf>,
    /// How many backups are kept there; the oldest make room.
    pub backup_keep: u32,
    /// The hospital's OpenID provider, by its issuer; nothing for sign-in by password alone.
    pub oidc_issuer: Option<String>,
    /// What the provider calls this collector (its `client_id`).
    pub oidc_client: Option<String>,
    /// A file with the secret that the provider gave it. Without it, systemd's credential
    /// `oidc-secret`.
    pub oidc_secret_file: Option<PathBuf>,
    /// What people call the provider's account: the words on the button.
    pub oidc_title: String,
    /// Classes (`acr`) that this provider tells only of who proved it in two ways.
    pub oidc_second_factor_acr: Vec<String>,
    /// Relays near the machines, and whose machines each is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relays: Vec<RelaySetting>,
}

/// Whether those who decide on the page prove who they are in two ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// They must: after the password nothing is open to them but setting it up.
    #[default]
    Required,
    /// They may.
    Offered,
}

impl Default for Settings {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "a constant that a test reads")]
        let name = Name::new("collector").expect("a valid name");
        Self {
            name,
            listen: SocketAddr::from(([0, 0, 0, 0], 9443)),
            // Where UDP goes through, an open port of TCP is only one more to be attacked.
            listen_tcp: false,
            addresses: Vec::new(),
            database: None,
            // Ready means heard within minutes; nudges carry what is urgent.
            pace_seconds: 120,
            log: Form::Auto,
            web_listen: None,
            web_address: None,
            web_certificate: None,
            web_key: None,
            second_factor: SecondFactor::Required,
            smtp_server: None,
            smtp_from: None,
            smtp_user: None,
            smtp_password_file: None,
            backup_folder: None,
            // Two weeks of nights: what went wrong over a holiday is seen in time.
            backup_keep: 14,
            oidc_issuer: None,
            oidc_client: None,
            oidc_secret_file: None,
            oidc_title: "the hospital's account".into(),
            oidc_second_factor_acr: Vec::new(),
            relays: Vec::new(),
        }
    }
}

/// Longest pace in seconds: a machine counts as ready for ten minutes after it was heard,
/// and one lost hello must not end that.
pub const MAX_PACE_SECONDS: u32 = 5 * 60;

/// Whether a text is `host:port` as machines can use it; an IPv6 address stands in
/// brackets.
pub fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_host = match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && !host.contains([':', '/', ']'])
                && !host.contains(char::is_whitespace)
        }
    };
    is_port && is_host
}

/// Longest address (RFC 5321, 4.5.3.1.3, without its brackets).
const MAX_MAIL_ADDRESS: usize = 254;

/// Whether a text is an address of mail, in the plain form that hospitals use.
pub fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_local =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let dots = |text: &str| text.split('.').all(|part| !part.is_empty());
    text.len() <= MAX_MAIL_ADDRESS
        && local.len() <= 64
        && local.bytes().all(is_local)
        && dots(local)
        && domain.bytes().all(is_domain)
        && dots(domain)
        && !domain.starts_with('-')
}

/// The host of `host` or `host:port`; an IPv6 address without its brackets.
pub fn host_of(text: &str) -> &str {
    match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => text.split(':').next().unwrap_or_default(),
    }
}

/// Whether a text is the beginning of a page's address: `https://`, host and perhaps port.
fn is_https(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else {
        return false;
    };
    is_address(rest) || is_address(&format!("{rest}:443"))
}

impl Settings {
    /// What keeps a collector from serving with these settings, and what to do.
    pub fn check(&self) -> Result<(), String> {
        if self.addresses.is_empty() {
            return Err(
                "addresses is empty, so no machine could find the collector; \
                        write what machines see, such as [\"patchward.hospital.example:9443\"]"
                    .into(),
            );
        }
        if let Some(bad) = self.addresses.iter().find(|text| !is_address(text)) {
            return Err(format!(
                "addresses: \"{bad}\" is no host:port, such as patchward.hospital.example:9443"
            ));
        }
        if !(1..=MAX_PACE_SECONDS).contains(&self.pace_seconds) {
            return Err(format!(
                "pace_seconds is {}; 1 to {MAX_PACE_SECONDS} are possible",
                self.pace_seconds
            ));
        }
        self.check_backup()?;
        self.check_web()?;
        self.check_mail()?;
        self.check_relays()?;
        self.check_openid()
    }

    fn check_backup(&self) -> Result<(), String> {
        if let Some(folder) = self
            .backup_folder
            .as_ref()
            .filter(|path| !path.is_absolute())
        {
            return Err(format!(
                "backup_folder: {folder:?} must be absolute, such as /srv/backup/patchward"
            ));
        }
        if self.backup_keep == 0 {
            return Err("backup_keep is 0; at least 1 backup is kept".into());
        }
        Ok(())
    }

    fn check_mail(&self) -> Result<(), String> {
        if let Some(server) = &self.smtp_server
            && !is_address(server)
        {
            return Err(format!(
                "smtp_server: \"{server}\" is no host:port, such as mail.hospital.example:587"
            ));
        }
        if let Some(from) = self
            .smtp_from
            .as_ref()
            .filter(|from| !is_mail_address(from))
        {
            return Err(format!(
                "smtp_from: \"{from}\" is no address, such as patchward@hospital.example"
            ));
        }
        if self.smtp_server.is_some() != self.smtp_from.is_some() {
            return Err("smtp_server and smtp_from belong together; write both, or none".into());
        }
        if self.smtp_user.is_none() && self.smtp_password_file.is_some() {
            return Err("smtp_password_file is the password of smtp_user; write that too".into());
        }
        Ok(())
    }

    fn check_web(&self) -> Result<(), String> {
        if let Some(address) = &self.web_address
            && (!is_https(address) || address.ends_with('/'))
        {
            return Err(format!(
                "web_address: \"{address}\" is no address of a page, such as \
                 https://patchward.hospital.example:8443, without a path"
            ));
        }
        if self.listen_tcp
            && let Some(page) = self
                .web_listen
                .filter(|page| page.port() == self.listen.port())
        {
            return Err(format!(
                "listen_tcp: machines and the page (web_listen) would share TCP {}; give the page \
                 another port",
                page.port()
            ));
        }
        if self.web_certificate.is_some() != self.web_key.is_some() {
            return Err(
                "web_certificate and web_key belong together; write both, or none of them".into(),
            );
        }
        Ok(())
    }

    /// What people open the page with.
    pub fn web_origin(&self) -> String {
        self.web_address.clone().unwrap_or_else(|| {
            let host = self.addresses.first().map_or("localhost", |address| {
                address
                    .rsplit_once(':')
                    .map_or(&**address, |(host, _)| host)
            });
            let port = self.web_listen.map_or(8443, |listen| listen.port());
            format!("https://{host}:{port}")
        })
    }

    /// The address of a path of the page.
    pub fn web_link(&self, path: &str) -> String {
        format!("{}{path}", self.web_origin())
    }

    /// Reads the bytes of a `collector.toml`.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadSettings> {
        settings::parse_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_says_the_defaults() {
        let shipped = include_str!("../../configs/collector.toml");
        assert_eq!(
            Settings::parse(shipped.as_bytes()).unwrap(),
            Settings::default()
        );
    }

    #[test]
    fn addresses_and_pace_must_make_sense() {
        for good in ["c.example:9443", "10.0.0.1:1", "[::1]:9443"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "c.example",
            "c.example:",
            "c:0",
            "c:70000",
            ":1",
            "::1:9",
            "[x]:1",
            "a b:1",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
        let good = Settings {
            addresses: vec!["c:1".into()],
            ..Settings::default()
        };
        assert_eq!(good.check(), Ok(()));
        for (change, text) in [
            ((|s| s.addresses.clear()) as fn(&mut Settings), "is empty"),
            (|s| s.addresses.push("c".into()), "host:port"),
            (|s| s.pace_seconds = 0, "pace_seconds"),
            (|s| s.pace_seconds = MAX_PACE_SECONDS + 1, "pace_seconds"),
            (|s| s.smtp_server = Some("mail".into()), "smtp_server"),
            (
                |s| s.smtp_server = Some("mail:25".into()),
                "belong together",
            ),
            (
                |s| s.smtp_from = Some("a@b\r\nBcc: c@d".into()),
                "smtp_from",
            ),
            (|s| s.smtp_password_file = Some("/x".into()), "smtp_user"),
            (|s| s.backup_folder = Some("x".into()), "backup_folder"),
            (|s| s.backup_keep = 0, "backup_keep"),
            (
                |s| (s.listen_tcp, s.web_listen) = (true, Some(s.listen)),
                "listen_tcp",
            ),
        ] {
            let mut settings = good.clone();
            change(&mut settings);
            assert!(settings.check().unwrap_err().contains(text), "{text}");
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let problem = Settings::parse(b"listn = \"0.0.0.0:1\"").unwrap_err();
        assert!(problem.to_string().contains("did you mean \"listen\""));
    }
}
