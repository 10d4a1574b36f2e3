//! The collector's commands: one file per noun. Each is a value that clap reads, that
//! travels over the control socket, and that [`run`] carries out.

pub mod adopt;
pub mod advisory;
pub mod asset;
pub mod audit;
pub mod backup;
mod begun;
pub mod ca;
mod calendar;
pub mod case;
pub mod collector;
pub mod component;
mod contact;
pub mod custodian;
pub mod device;
pub mod document;
pub mod evidence;
pub mod exposure;
mod failed;
pub mod feed;
pub mod file;
mod forecast;
mod foreseen;
pub mod freeze;
pub mod go_key;
pub mod handover;
mod hit;
pub mod hold;
pub mod item;
pub mod job;
pub mod kiosk;
pub mod listed;
mod look;
pub mod machine;
mod manual;
pub mod mds2;
pub mod mitigation;
pub mod notice;
pub mod oncall;
pub mod place;
pub mod plan;
pub mod probe;
pub mod program;
pub mod release;
pub mod restore;
pub mod risk;
pub mod rollout;
mod rows;
pub mod service;
mod setup;
pub mod stop;
pub mod support;
pub mod today;
pub mod token;
pub mod user;
pub mod window;
pub(crate) mod work;
pub(crate) mod zones;

pub use foreseen::foreseen;
pub use look::{Snapshots, agenda, agenda_kept, keep, look, look_of, made, made_name, made_page};

use crate::app::App;
use crate::control::{Failure, Output, Reply};
use crate::schedule::outlook::Outlook;
use crate::store::places::Unit;
use crate::store::{Actor, View};
use futures_util::future::BoxFuture;
use patchward_common::id::Name;
use patchward_common::time::DAY_MS;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use tokio::net::UnixStream;
use tokio::sync::mpsc;

/// Everything that the running collector can be asked to do.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum Command {
    /// What needs somebody now, tonight's work, and the fleet in a few counts
    Today,
    /// What the next shift has to know: what went wrong or is not in service, what is held,
    /// what begins
    Shift(today::shift::Asked),
    /// The first day, step by step: what is missing, whose move it is, and what the firewall
    /// must let through
    Setup,
    /// Items: what is open, whose move it is, who took it
    #[command(subcommand)]
    Item(item::ItemCommand),
    /// Checklists: what is looked at before a machine returns to service
    #[command(subcommand)]
    Checklist(service::ChecklistCommand),
    /// Sites: hospitals and outposts
    #[command(subcommand)]
    Site(place::SiteCommand),
    /// Units: care areas of a site
    #[command(subcommand)]
    Unit(place::UnitCommand),
    /// Coverage groups: machines that stand in for one another
    #[command(subcommand)]
    Group(place::GroupCommand),
    /// Enrolment tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// The on-call list: who is called at night, and who has heard
    #[command(subcommand, name = "oncall")]
    OnCall(oncall::OnCallCommand),
    /// Machines: who waits, who is there, what runs on them
    #[command(subcommand)]
    Machine(machine::MachineCommand),
    /// Assets: the hospital's own list
    #[command(subcommand)]
    Asset(asset::AssetCommand),
    /// Medical devices: what they answer to the machines beside them
    #[command(subcommand)]
    Device(device::DeviceCommand),
    /// What vendors answer on the security of their devices (MDS2), and what follows
    #[command(subcommand, name = "mds2")]
    Mds2(mds2::Mds2Command),
    /// Components: who has which version, what changed, bills of materials
    #[command(subcommand)]
    Component(component::ComponentCommand),
    /// Ends of support: what of ours is past it, or will be
    #[command(subcommand)]
    Support(support::SupportCommand),
    /// Advisories: what is vulnerable, and what of it is ours
    #[command(subcommand)]
    Advisory(advisory::AdvisoryCommand),
    /// Exposure: how urgent what is open is, and why; exceptions
    #[command(subcommand)]
    Exposure(exposure::ExposureCommand),
    /// Mitigations: what lowers a risk until the fix is verified
    #[command(subcommand)]
    Mitigation(mitigation::MitigationCommand),
    /// Cases: what vendors were asked, promised and answered
    #[command(subcommand)]
    Case(case::CaseCommand),
    /// Risk assessments, per release and model
    #[command(subcommand)]
    Risk(risk::RiskCommand),
    /// Signed documents: charter, roster, assignment, stops ...
    #[command(subcommand)]
    Document(document::DocumentCommand),
    /// Probes: what machines learn by them
    #[command(subcommand)]
    Probe(probe::ProbeCommand),
    /// The custodian repository: what the hospital vouches for, signed offline
    #[command(subcommand)]
    Custodian(custodian::CustodianCommand),
    /// Vendors of the charter, and where their repositories lie
    #[command(subcommand)]
    Vendor(release::VendorCommand),
    /// Releases: take in, show, withdraw
    #[command(subcommand)]
    Release(release::ReleaseCommand),
    /// Windows: when work may be done
    #[command(subcommand)]
    Window(window::WindowCommand),
    /// Freezes: when nothing starts
    #[command(subcommand)]
    Freeze(freeze::FreezeCommand),
    /// Plans: make, show, hand out for signing, take back
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Jobs: one plan's work on one machine
    #[command(subcommand)]
    Job(job::JobCommand),
    /// Rollouts: how far a plan is; halt and resume
    #[command(subcommand)]
    Rollout(rollout::RolloutCommand),
    /// Holds: the ward says "not now"
    #[command(subcommand)]
    Hold(hold::HoldCommand),
    /// Handovers that the ward asks for
    #[command(subcommand)]
    Handover(handover::HandoverCommand),
    /// Stop everything, a plan, a release, a vendor or a unit
    #[command(subcommand)]
    Stop(stop::StopCommand),
    /// Evidence: packs that verify without us, reports and tables for auditors, archives
    #[command(subcommand)]
    Evidence(evidence::EvidenceCommand),
    /// The audit log: who changed what, and whether it is whole
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// People who use the page, and what they may
    #[command(subcommand)]
    User(user::UserCommand),
    /// The ward's links: see its night, say "not now"
    #[command(subcommand)]
    Kiosk(kiosk::KioskCommand),
    /// Programs that ask over the network, and what they may
    #[command(subcommand)]
    Program(program::ProgramCommand),
    /// The collector's go-key, and the one that takes its place
    #[command(subcommand)]
    GoKey(go_key::GoKeyCommand),
    /// The certificate authority that machines trust, and the one that follows it
    #[command(subcommand)]
    Ca(ca::CaCommand),
    /// Collectors: which run on this database, and what each does for all
    #[command(subcommand)]
    Collector(collector::CollectorCommand),
    /// Backups: make one while the collector runs, read it back, show them all
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Come back from a backup, and say that this collector is the one to go on with
    #[command(subcommand)]
    Restore(restore::RestoreCommand),
    /// Secret addresses: approved work as a calendar, figures for monitoring
    #[command(subcommand)]
    Feed(feed::FeedCommand),
    /// Notices: who is told by webhook or mail what is open
    #[command(subcommand)]
    Notice(notice::NoticeCommand),
}

impl Command {
    /// What the command says where it needs no running collector.
    pub fn alone(&self) -> Option<Result<Output, Failure>> {
        match self {
            Self::Advisory(command) => command.alone(),
            _ => None,
        }
    }

    /// The file that the answer is written to, where the command names one.
    pub fn output_file(&self) -> Option<&Path> {
        match self {
            Self::Plan(plan::PlanCommand::Export { out, .. })
            | Self::Custodian(custodian::CustodianCommand::Draft { out, .. })
            | Self::Window(window::WindowCommand::Export { out, .. })
            | Self::Evidence(
                evidence::EvidenceCommand::Export { out, .. }
                | evidence::EvidenceCommand::Report { out, .. }
                | evidence::EvidenceCommand::Table { out, .. }
                | evidence::EvidenceCommand::Archive { out, .. },
            )
            | Self::Asset(asset::AssetCommand::Export { out, .. })
            | Self::Mds2(mds2::Mds2Command::Original { out, .. })
            | Self::Component(component::ComponentCommand::Sbom { out, .. })
            | Self::Case(
                case::CaseCommand::Letter { out, .. } | case::CaseCommand::Kept { out, .. },
            )
            | Self::Job(job::JobCommand::Photo { out, .. } | job::JobCommand::Order { out, .. }) => {
                Some(out)
            }
            _ => None,
        }
    }
}

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// As the audit log names them.
    pub actor: Actor,
}

impl Caller {
    /// The user at the other end of a Unix socket, as the kernel says.
    pub fn of_peer(stream: &UnixStream) -> std::io::Result<Self> {
        Ok(Self {
            actor: Actor::Local(stream.peer_cred()?.uid()),
        })
    }
}

/// Where a long command says how far it is.
pub type Progress = mpsc::Sender<Reply>;

/// Carries out a command. Each is in a box: together they would be one state machine of all
/// commands, compiled again wherever somebody waits for it.
pub fn run<'a>(
    app: &'a Arc<App>,
    caller: &'a Caller,
    command: Command,
    progress: Progress,
) -> BoxFuture<'a, Result<Output, Failure>> {
    match command {
        Command::Today => Box::pin(today::run(app)),
        Command::Shift(asked) => Box::pin(async move { today::shift::run(app, &asked).await }),
        Command::Setup => Box::pin(setup::run(app)),
        Command::Item(command) => Box::pin(item::run(app, caller, command)),
        Command::Checklist(command) => Box::pin(service::checklist(app, caller, command)),
        Command::Site(command) => Box::pin(place::site(app, caller, command)),
        Command::Unit(command) => Box::pin(place::unit(app, caller, command)),
        Command::Group(command) => Box::pin(place::group(app, caller, command)),
        Command::Token(command) => Box::pin(token::run(app, caller, command)),
        Command::OnCall(command) => Box::pin(oncall::run(app, caller, command)),
        Command::Machine(command) => Box::pin(machine::run(app, caller, command)),
        Command::Asset(command) => Box::pin(asset::run(app, caller, command)),
        Command::Device(command) => Box::pin(device::run(app, caller, command)),
        Command::Mds2(command) => Box::pin(mds2::run(app, caller, command)),
        Command::Component(command) => Box::pin(component::run(app, caller, command)),
        Command::Support(command) => Box::pin(support::run(app, caller, command)),
        Command::Advisory(command) => Box::pin(advisory::run(app, caller, command)),
        Command::Exposure(command) => Box::pin(exposure::run(app, caller, command)),
        Command::Mitigation(command) => Box::pin(mitigation::run(app, caller, command)),
        Command::Case(command) => Box::pin(case::run(app, caller, command)),
        Command::Risk(command) => Box::pin(risk::run(app, caller, command)),
        Command::Document(command) => Box::pin(document::run(app, caller, command)),
        Command::Probe(command) => Box::pin(probe::run(app, command)),
        Command::Custodian(command) => Box::pin(custodian::run(app, caller, command, progress)),
        Command::Vendor(command) => Box::pin(release::vendor(app, caller, command, progress)),
        Command::Release(command) => Box::pin(release::release(app, caller, command, progress)),
        Command::Window(command) => Box::pin(window::window(app, caller, command)),
        Command::Freeze(command) => Box::pin(freeze::freeze(app, caller, command)),
        Command::Plan(command) => Box::pin(plan::run(app, caller, command)),
        Command::Job(command) => Box::pin(job::job(app, caller, command)),
        Command::Rollout(command) => Box::pin(rollout::rollout(app, caller, command)),
        Command::Hold(command) => Box::pin(hold::run(app, caller, command)),
        Command::Handover(command) => Box::pin(handover::run(app, caller, command)),
        Command::Stop(command) => Box::pin(stop::run(app, caller, command)),
        Command::Evidence(command) => Box::pin(evidence::run(app, command)),
        Command::Audit(command) => Box::pin(audit::run(app, command)),
        Command::User(command) => Box::pin(user::run(app, caller, command)),
        Command::Kiosk(command) => Box::pin(kiosk::run(app, caller, command)),
        Command::Program(command) => Box::pin(program::run(app, caller, command)),
        Command::GoKey(command) => Box::pin(go_key::run(app, caller, command)),
        Command::Ca(command) => Box::pin(ca::run(app, caller, command)),
        Command::Collector(command) => Box::pin(async move { collector::run(app, &command).await }),
        Command::Backup(command) => Box::pin(async move { backup::run(app, &command) }),
        Command::Restore(command) => Box::pin(restore::run(app, caller, command)),
        Command::Feed(command) => Box::pin(feed::run(app, caller, command)),
        Command::Notice(command) => Box::pin(notice::run(app, caller, command)),
    }
}

/// What is said of a unit that nobody added.
fn no_unit(unit: &Name) -> Failure {
    Failure::not_found(format!("There is no unit {unit}. `unit list` shows all."))
}

/// How far ahead tonight reaches: to the same time tomorrow.
pub(crate) const TONIGHT_MS: i64 = DAY_MS;

/// How many openings a preview lists.
const PREVIEW: usize = 20;

/// The next openings of a unit, as every command shows them.
async fn outlook_of(app: &App, view: &mut View, unit: &Unit) -> Result<Vec<Outlook>, Failure> {
    crate::allowed::outlook(view, unit, app.now(), PREVIEW).await
}
