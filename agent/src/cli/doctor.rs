//! `doctor`: makes the real handshake with the real certificate, looks at what lies on this
//! machine, and names what is wrong, why it matters and what to do now.

mod check;
mod gather;

use super::{CliError, DoctorArgs, print};
use crate::apart::Apart;
use crate::config::Settings;
use crate::credentials::Credentials;
use crate::driver::system_clock;
use crate::installer::{Installer, InstallerError};
use crate::link::{Identity, Link, LinkError, Watch, Ways};
use patchward_carrier::Carrier;
use patchward_common::doctor::Finding;
use patchward_common::id::Name;
use patchward_common::wire::machine::{Answer, MetadataAsked, Request};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// What one check found.
#[derive(Debug, Serialize)]
struct Found {
    check: &'static str,
    ok: bool,
    says: String,
    /// Where it fails: why that matters, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    matters: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
}

impl Found {
    fn of<T, E: ToString>(check: &'static str, result: &Result<T, E>, well: String) -> Self {
        match result {
            Ok(_) => Self {
                check,
                ok: true,
                says: well,
                matters: None,
                todo: None,
            },
            Err(error) => Self::failed(check, error.to_string()),
        }
    }

    fn failed(check: &'static str, says: String) -> Self {
        let advice = check::advice(check);
        Self {
            check,
            ok: false,
            says,
            matters: advice.map(|(matters, _)| matters),
            todo: advice.map(|(_, todo)| todo.to_owned()),
        }
    }

    fn text(&self) -> String {
        let mark = if self.ok { "ok  " } else { "FAIL" };
        let mut text = format!("{mark}  {:<12} {}\n", self.check, self.says);
        if let (Some(matters), Some(todo)) = (self.matters, &self.todo) {
            text.push_str(&format!(
                "      why it matters: {matters}\n      what to do: {todo}\n"
            ));
        }
        text
    }
}

impl From<Finding> for Found {
    fn from(finding: Finding) -> Self {
        Self {
            check: finding.check,
            ok: false,
            says: finding.wrong,
            matters: Some(finding.matters),
            todo: Some(finding.todo),
        }
    }
}

pub(super) async fn doctor(
    settings: &Settings,
    installer: &Installer,
    args: &DoctorArgs,
) -> Result<(), CliError> {
    let mut found = Vec::new();
    let identity = installer.identity().await;
    let mut facts = gather::gather(settings, installer, &identity, &args.installer_config).await;
    facts.least_free_megabytes = args.least_free_megabytes;
    found.push(match &identity {
        // It answers; what it refuses has a name of its own below.
        Err(InstallerError::Refused(_)) => {
            Found::of("installer", &Ok::<_, CliError>(()), "answers".into())
        }
        identity => Found::of("installer", identity, "answers".into()),
    });
    let own = check::all(&facts, system_clock());
    found.extend(own.into_iter().map(Found::from));
    let credentials = Credentials::load(&settings.state_dir);
    found.push(Found::of("certificate", &credentials, "is there".into()));
    let mut failure = None;
    if let Ok(credentials) = credentials {
        let now = system_clock();
        if let Some(apart) = Apart::load(&settings.state_dir) {
            let says = format!("when the agent last said hello, {apart}");
            found.push(Found::failed("clock", says));
        }
        if credentials.is_expired(now) {
            let says = format!(
                "it ended at {}, and this machine's clock says {now}; if the clock is right, the \
                 agent renews it by itself once a person says yes at the collector (`machine \
                 waiting`)",
                credentials.expires
            );
            found.push(Found::failed("certificate", says));
        }
        let addresses = match &settings.collectors[..] {
            [] => credentials.addresses.clone(),
            set => set.to_vec(),
        };
        for address in addresses {
            failure = reach(&address, &credentials, &mut found).await.or(failure);
        }
    }
    match failure {
        _ if show(&found, args.json)? => Ok(()),
        Some(error) => Err(error.into()),
        None => Err(CliError::Other("something is not well; see above".into())),
    }
}

/// Says the one thing that there is to say where the settings cannot be used.
pub(super) fn without_settings(problem: String, json: bool) -> Result<(), CliError> {
    let found = check::unusable(problem).map(Found::from);
    show(found.as_slice(), json).map(drop)
}

/// Says what was found, and gives back whether all is well.
fn show(found: &[Found], json: bool) -> Result<bool, CliError> {
    let is_well = found.iter().all(|found| found.ok);
    if json {
        let whole = serde_json::json!({ "well": is_well, "checks": found });
        print(&format!("{whole:#}\n"))?;
    } else {
        print(&found.iter().map(Found::text).collect::<String>())?;
    }
    Ok(is_well)
}

/// DNS, route, UDP, TLS, and an answer on a stream: only with that has the collector
/// looked at our certificate.
async fn reach(
    address: &str,
    credentials: &Credentials,
    found: &mut Vec<Found>,
) -> Option<LinkError> {
    let resolved = tokio::net::lookup_host(address).await;
    let resolved = resolved.map_err(|source| LinkError::Resolve {
        address: address.to_owned(),
        source,
    });
    found.push(Found::of("dns", &resolved, format!("{address} is known")));
    let routed = match resolved {
        Ok(resolved) => route(address, resolved),
        Err(error) => return Some(error),
    };
    found.push(Found::of("route", &routed, "there is one".into()));
    if let Err(error) = routed {
        return Some(error);
    }
    let addresses = [address.to_owned()];
    let by = async |carrier| {
        let identity = Identity::Machine(credentials);
        Link::watched(&addresses, identity, Watch::Only, &Ways::only(carrier)).await
    };
    let mut linked = by(Carrier::Quic).await;
    if matches!(linked, Err(LinkError::Silent { .. }))
        && let Ok(link) = by(Carrier::Tcp).await
    {
        let says = "nothing answers by UDP; by TCP it does, and the agent goes over that";
        found.push(Found::of("udp", &Ok::<(), LinkError>(()), says.into()));
        linked = Ok(link);
    }
    let check = match &linked {
        Err(LinkError::Route { .. }) => "route",
        Err(LinkError::Silent { .. }) => "udp",
        Err(LinkError::Clock { .. }) => "clock",
        _ => "tls",
    };
    let link = match linked {
        Ok(link) => link,
        Err(error) => {
            found.push(Found::of(check, &Err::<(), _>(&error), String::new()));
            return Some(error);
        }
    };
    let said = format!("{} answers and is our collector", link.address());
    found.push(Found::of("tls", &Ok::<(), LinkError>(()), said));
    let asked = ask(&link).await;
    let code = if asked.as_ref().is_err_and(LinkError::is_revoked) {
        "revoked"
    } else {
        "accepted"
    };
    let well = match &asked {
        Ok(apart) => apart.clone(),
        Err(_) => String::new(),
    };
    found.push(Found::of(code, &asked, well));
    link.close().await;
    asked.err()
}

/// Whether the kernel has a way to one of these addresses: connecting a socket of UDP sends
/// nothing. QUIC would only find that nothing answers.
fn route(address: &str, resolved: impl Iterator<Item = SocketAddr>) -> Result<(), LinkError> {
    let mut problem = "no address".to_owned();
    for to in resolved {
        let any: IpAddr = match to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        match UdpSocket::bind((any, 0)).and_then(|socket| socket.connect(to)) {
            Ok(()) => return Ok(()),
            Err(error) => problem = error.to_string(),
        }
    }
    Err(LinkError::Route {
        address: address.to_owned(),
        problem,
    })
}

/// Asks for a file that no repository has: any answer shows that we were let in. A hello
/// would take the place of the running agent's connection.
async fn ask(link: &Link) -> Result<String, LinkError> {
    let repository = Name::new("doctor").map_err(|_| LinkError::Unexpected("a name"))?;
    let asked = MetadataAsked::whole(repository, "timestamp.json".into());
    match link.ask(&Request::Metadata(asked)).await? {
        Answer::Refused(refused) => Ok(format!("yes, but: {}", refused.text)),
        _ => Ok("yes".into()),
    }
}
