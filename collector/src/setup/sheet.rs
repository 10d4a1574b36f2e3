//! The firewall sheet: every port and direction that the settings as they run ask for, and no
//! other.

use crate::notice::webhook::is_loopback;

/// Where a connection begins, seen from the collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Elsewhere.
    In,
    /// At the collector.
    Out,
}

impl Direction {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// One line of the sheet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// Where the connection begins.
    pub direction: Direction,
    /// `UDP` or `TCP`.
    pub protocol: &'static str,
    /// The port of who is called.
    pub port: u16,
    /// Who calls.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// What for.
    pub what: String,
    /// The setting or list that asks for it.
    pub named_by: String,
}

/// What the settings and the store say of the network.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Where machines are listened to, as `address:port`.
    pub listen: String,
    /// Whether that is so over TCP too.
    pub listen_tcp: bool,
    /// What machines are told to call, as `host:port`.
    pub addresses: Vec<String>,
    /// Site relays: name, and where machines call it, as `host:port`.
    pub relays: Vec<(String, String)>,
    /// Where the page is, as `address:port`.
    pub page: Option<String>,
    /// The database, where it is no file.
    pub database: Option<String>,
    /// The server of mail, as `host:port`.
    pub smtp: Option<String>,
    /// Subnets of units, as far as they are known.
    pub subnets: Vec<String>,
    /// Addresses that are called: whose or what for, the URL, and the list that has it.
    pub called: Vec<(String, String, &'static str)>,
}

/// Who the collector is in the sheet.
const COLLECTOR: &str = "collector";

/// Every line that is needed, those that come in first.
pub fn sheet(asked: &Asked) -> Vec<Rule> {
    let mut rules = coming_in(asked);
    rules.extend(going_out(asked));
    let has_names = rules
        .iter()
        .any(|rule| rule.direction == Direction::Out && is_name(&rule.to));
    if has_names {
        rules.push(out(
            "UDP",
            53,
            "the resolver of this computer (TCP 53 too)",
            "names of servers (DNS)",
            "servers above that are called by name",
        ));
    }
    rules.sort();
    rules.dedup();
    rules
}

fn coming_in(asked: &Asked) -> Vec<Rule> {
    let from = match asked.subnets.is_empty() {
        true => "every machine with an agent".to_owned(),
        false => format!("every machine with an agent: {}", asked.subnets.join(", ")),
    };
    let coming = |protocol, (host, port): (String, u16), from: &str, what: &str, by: &str| Rule {
        direction: Direction::In,
        protocol,
        port,
        from: from.to_owned(),
        to: match host.parse() {
            Ok(address) if is_any(address) => COLLECTOR.to_owned(),
            _ => format!("{COLLECTOR} ({host})"),
        },
        what: what.to_owned(),
        named_by: by.to_owned(),
    };
    let mut rules = Vec::new();
    if let Some(listen) = server(&asked.listen, None) {
        let what = "agents report, ask and fetch (QUIC, both sides by certificate)";
        let port = listen.1;
        let over_tcp = "the same where UDP is blocked (TLS, both sides by certificate)";
        let mut both = vec![("UDP", what, "listen")];
        if asked.listen_tcp {
            both.push(("TCP", over_tcp, "listen_tcp"));
        }
        for (protocol, what, by) in both {
            rules.push(coming(protocol, listen.clone(), &from, what, by));
            // What machines call may be another port, which something before it hands on.
            for (host, told) in asked.addresses.iter().filter_map(|text| server(text, None)) {
                if told != port {
                    let what = format!("what machines are told to call, handed on to port {port}");
                    rules.push(coming(protocol, (host, told), &from, &what, "addresses"));
                }
            }
        }
    }
    for (name, address) in &asked.relays {
        let called = server(address, None);
        rules.extend(called.map(|(host, port)| Rule {
            direction: Direction::In,
            protocol: "UDP",
            port,
            from: "machines of its site or units".to_owned(),
            to: format!("relay {name} ({host})"),
            what: "agents fetch artifacts near them (QUIC, both sides by certificate)".to_owned(),
            named_by: "relays".to_owned(),
        }));
    }
    if let Some(page) = asked.page.as_deref().and_then(|text| server(text, None)) {
        let what = "pages, API, calendars and figures (HTTPS)";
        let from = "people's browsers, and programs that ask";
        rules.push(coming("TCP", page, from, what, "web_listen"));
    }
    rules
}

fn going_out(asked: &Asked) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut call = |text: &str, usual: Option<u16>, what: &str, by: &str| {
        let called = server(text, usual).filter(|(host, _)| !is_loopback(host));
        rules.extend(called.map(|(host, port)| out("TCP", port, &host, what, by)));
    };
    if let Some(smtp) = &asked.smtp {
        call(smtp, None, "mail (SMTP over TLS)", "smtp_server");
    }
    if let Some(database) = asked.database.as_deref().filter(|url| !by_socket(url)) {
        let what = "the database, by a tunnel that encrypts";
        call(database, Some(POSTGRES), what, "database");
    }
    for (what, url, by) in &asked.called {
        call(url, None, what, by);
    }
    rules
}

/// Where PostgreSQL listens, where nothing is said.
const POSTGRES: u16 = 5432;

fn out(protocol: &'static str, port: u16, to: &str, what: &str, by: &str) -> Rule {
    Rule {
        direction: Direction::Out,
        protocol,
        port,
        from: COLLECTOR.to_owned(),
        to: to.to_owned(),
        what: what.to_owned(),
        named_by: by.to_owned(),
    }
}

/// Whether a database is reached by a socket of this computer, as `?host=/run/postgresql` says.
fn by_socket(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut parts = query.split('&');
    parts.any(|part| part.starts_with("host=/") || part.starts_with("host=%2F"))
}

/// Host and port of a URL or of `host:port`; without a port the usual one of the scheme, or
/// else `usual`. A path is no server.
fn server(text: &str, usual: Option<u16>) -> Option<(String, u16)> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let usual = match scheme {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => Some(443),
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => Some(80),
        _ => usual,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.rsplit_once(':') {
        // The last part of an IPv6 address is no port.
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (authority, usual),
    };
    let host = host.trim_matches(['[', ']']);
    (!host.is_empty()).then_some((host.to_owned(), port?))
}

/// Whether an address means all of this computer's.
fn is_any(address: core::net::IpAddr) -> bool {
    address.is_unspecified()
}

/// Whether a server is called by a name, which somebody has to resolve.
fn is_name(host: &str) -> bool {
    host.parse::<core::net::IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(asked: &Asked) -> Vec<String> {
        let rules = sheet(asked).into_iter();
        let line = |rule: Rule| {
            let (direction, port) = (rule.direction.word(), rule.port);
            format!(
                "{direction} {} {port} {} -> {}",
                rule.protocol, rule.from, rule.to
            )
        };
        rules.map(line).collect()
    }

    #[test]
    fn a_new_collector_asks_for_one_udp_port_and_its_page() {
        let asked = Asked {
            listen: "0.0.0.0:9443".into(),
            addresses: vec!["patchward.h.example:9443".into()],
            page: Some("[::]:8443".into()),
            ..Asked::default()
        };
        assert_eq!(
            lines(&asked),
            [
                "in TCP 8443 people's browsers, and programs that ask -> collector",
                "in UDP 9443 every machine with an agent -> collector",
            ]
        );
        let without = Asked {
            page: None,
            ..asked
        };
        assert_eq!(lines(&without).len(), 1, "no page, no port");
        let by_tcp = Asked {
            listen_tcp: true,
            ..without
        };
        assert_eq!(
            lines(&by_tcp),
            ["TCP", "UDP"].map(|protocol| {
                format!("in {protocol} 9443 every machine with an agent -> collector")
            })
        );
    }

    #[test]
    fn what_is_called_is_named_with_its_port_and_what_stays_here_is_not() {
        let called = [
            ("vendor acme", "https://acme.example/tuf/"),
            ("vendor beta", "http://10.0.0.7:8080/x?y"),
            ("vendor disc", "/media/disc"),
            ("webhook duty", "https://user@[2001:db8::1]:8444/hook"),
            ("webhook own", "http://localhost:9/hook"),
        ];
        let called = called.map(|(what, url)| (what.to_owned(), url.to_owned(), "list"));
        let asked = Asked {
            listen: "192.0.2.4:9443".into(),
            addresses: vec!["gate.h.example:443".into()],
            database: Some("postgres://db.h.example/patchward".into()),
            smtp: Some("mail.h.example:587".into()),
            subnets: vec!["icu 10.1.0.0/16".into()],
            called: called.into(),
            page: None,
            listen_tcp: false,
            relays: vec![("site-b".into(), "relay-b.h.example:9444".into())],
        };
        assert_eq!(
            lines(&asked),
            [
                "in UDP 443 every machine with an agent: icu 10.1.0.0/16 -> collector (gate.h.example)",
                "in UDP 9443 every machine with an agent: icu 10.1.0.0/16 -> collector (192.0.2.4)",
                "in UDP 9444 machines of its site or units -> relay site-b (relay-b.h.example)",
                "out TCP 443 collector -> acme.example",
                "out TCP 587 collector -> mail.h.example",
                "out TCP 5432 collector -> db.h.example",
                "out TCP 8080 collector -> 10.0.0.7",
                "out TCP 8444 collector -> 2001:db8::1",
                "out UDP 53 collector -> the resolver of this computer (TCP 53 too)",
            ]
        );
    }

    #[test]
    fn a_database_of_this_computer_needs_no_port() {
        for here in [
            "postgres:///patchward?host=/run/postgresql&user=x",
            "postgres://localhost/x",
            "postgres://127.0.0.1:5433/x",
        ] {
            let asked = Asked {
                listen: "0.0.0.0:9443".into(),
                database: Some(here.into()),
                ..Asked::default()
            };
            assert_eq!(lines(&asked).len(), 1, "{here}");
        }
    }
}
