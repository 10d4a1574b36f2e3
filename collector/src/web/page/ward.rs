//! The ward's page: tonight's machines of one unit, "not now", who stands in, whom to call.
//! It stands at a link without an account, which can hold and ask and nothing else, and at
//! an address for people who are signed in.

pub mod night;
pub mod sheet;
pub mod stands;
pub mod units;
pub mod wish;

use super::Shell;
use super::list::asked;
use crate::account::access::WARD_PAGE;
use crate::account::role::Reach;
use crate::account::rule;
use crate::command::{self, Caller, Command};
use crate::control::{Failure, FailureKind};
use crate::secret::Secret;
use crate::store::Actor;
use crate::store::accounts::Kiosk;
use crate::store::places::Unit;
use crate::web::answer::{self, Refusal};
use crate::web::asks::Asks as _;
use crate::web::form::{Form as CommandForm, call};
use crate::web::person::{Person, SignedIn};
use crate::web::show::heading;
use crate::web::{Web, error};
use askama::Template;
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, OriginalUri, Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use night::Night;
use patchward_common::id::Name;
use patchward_common::wire::local::HOLD_REASONS;
use wish::{Sent, Wish};

/// Most bytes of a form of the page: some words. Who has no account sends no more.
const MAX_POST_BYTES: usize = 4 * 1024;
/// The hours that are offered.
const HOURS: [u32; 5] = [1, 2, 4, 8, 12];
/// After how many seconds a screen on the ward is brought up to date.
const AGAIN_SECONDS: u32 = 60;

/// The addresses of the page.
pub fn routes() -> Router<Web> {
    Router::new()
        .route("/ward", get(units::show))
        .route(
            "/ward/unit/{unit}",
            get(show_unit)
                .post(sent_for_unit)
                .layer(DefaultBodyLimit::max(MAX_POST_BYTES)),
        )
        .route("/ward/unit/{unit}/sheet", get(sheet::of_unit))
        .route(
            "/ward/{secret}",
            get(show_kiosk)
                .post(sent_by_kiosk)
                .layer(DefaultBodyLimit::max(MAX_POST_BYTES)),
        )
        .route("/ward/{secret}/sheet", get(sheet::of_kiosk))
}

/// Through which door somebody came.
enum Door {
    /// The ward's link, with its address.
    Kiosk(Kiosk, String),
    /// A person who is signed in, and sees this unit.
    Person(Box<Person>, Name),
}

#[derive(Template)]
#[template(path = "ward.html")]
struct Page {
    shell: Shell,
    night: Night,
    /// Where the forms go.
    action: String,
    form_id: String,
    /// After how many seconds it is brought up to date; never, where somebody is signed in:
    /// their session has to end by itself.
    again: Option<u32>,
    may_hold: bool,
    may_ask: bool,
    /// Whose holds can be ended here; everybody's, if nobody is named.
    own: Option<String>,
    reasons: Vec<(&'static str, String)>,
    hours: [u32; 5],
    done: &'static str,
    problem: String,
}

impl Page {
    /// Whether a hold can be ended here; one that was said at the machine ends there.
    fn ends(&self, set_by: &Option<String>) -> bool {
        self.may_hold
            && set_by
                .as_ref()
                .is_some_and(|by| self.own.as_ref().is_none_or(|own| own == by))
    }
}

impl Door {
    /// The door of a link.
    async fn of_kiosk(web: &Web, secret: &str) -> Result<Self, Failure> {
        let found = match Secret::of(secret) {
            Some(secret) => {
                let mut view = web.app.store.view().await?;
                view.kiosk_by_secret(&secret.hash()).await?
            }
            None => None,
        };
        let kiosk = found.ok_or_else(|| {
            Failure::not_found(
                "This link of the ward is worth nothing any more. Ask HTM for another.",
            )
        })?;
        Ok(Self::Kiosk(kiosk, format!("/ward/{secret}")))
    }

    /// The door of a person; of a unit that they do not see they learn nothing.
    fn of_person(person: Person, unit: &str) -> Result<Self, Failure> {
        let reach = Reach::of(&person.grants, WARD_PAGE);
        let unit = Name::new(unit).ok().filter(|unit| reach.covers(unit));
        let unit = unit.ok_or_else(no_unit)?;
        Ok(Self::Person(Box::new(person), unit))
    }

    fn unit(&self) -> &Name {
        match self {
            Self::Kiosk(kiosk, _) => &kiosk.unit,
            Self::Person(_, unit) => unit,
        }
    }

    /// Its address.
    fn path(&self) -> String {
        match self {
            Self::Kiosk(_, path) => path.clone(),
            Self::Person(_, unit) => format!("/ward/unit/{unit}"),
        }
    }

    fn person(&self) -> Option<&SignedIn> {
        match self {
            Self::Kiosk(..) => None,
            Self::Person(person, _) => Some(person),
        }
    }

    /// Whether a command may be given here.
    fn may(&self, path: &str) -> bool {
        match self {
            Self::Kiosk(..) => true,
            Self::Person(person, unit) => {
                rule(path).is_some_and(|rule| person.reach(rule).covers(unit))
            }
        }
    }

    /// The night of its unit.
    async fn night(&self, web: &Web) -> Result<(Unit, Night), Failure> {
        let mut view = web.app.store.view().await?;
        let unit = view.unit(self.unit()).await?.ok_or_else(no_unit)?;
        let night = night::read(&web.app, &mut view, &unit).await?;
        Ok((unit, night))
    }

    /// The page, with what was done or why it was not.
    async fn shown(&self, web: &Web, done: &'static str, problem: Option<&Failure>) -> Response {
        let (_, night) = match self.night(web).await {
            Ok(found) => found,
            Err(failure) => return error::page(self.person(), &failure),
        };
        let is_kiosk = matches!(self, Self::Kiosk(..));
        let page = error::render(&Page {
            shell: Shell::new(&night.title, "/ward", self.person()),
            action: self.path(),
            form_id: Secret::new().text().to_owned(),
            again: is_kiosk.then_some(AGAIN_SECONDS),
            may_hold: self.may("hold add"),
            may_ask: self.may("handover ask"),
            own: match self {
                Self::Kiosk(kiosk, _) => Some(Actor::Kiosk(kiosk.name.clone()).to_string()),
                Self::Person(..) => None,
            },
            reasons: HOLD_REASONS.map(|word| (word, heading(word))).to_vec(),
            hours: HOURS,
            done,
            problem: problem
                .map(|failure| failure.text.clone())
                .unwrap_or_default(),
            night,
        });
        match problem {
            Some(failure) => (error::status(failure.kind), page).into_response(),
            None => page,
        }
    }

    /// Carries out a wish, by the same functions as the commands.
    async fn carry_out(&self, web: &Web, wish: &Wish) -> Result<(), Refusal> {
        let form = CommandForm::of(wish.command)
            .ok_or_else(|| Failure::input("This is no form of this page; nothing was changed."))?;
        match self {
            Self::Person(person, _) => {
                answer::ask(web, person.as_ref(), form, &wish.answers).await?;
            }
            Self::Kiosk(kiosk, _) => {
                let caller = Caller {
                    actor: Actor::Kiosk(kiosk.name.clone()),
                };
                match call::command(form, &wish.answers).map_err(Refusal::Mistake)? {
                    Command::Hold(command) => {
                        command::hold::run(&web.app, &caller, command).await?;
                    }
                    Command::Handover(command) => {
                        command::handover::run(&web.app, &caller, command).await?;
                    }
                    _ => return Err(Failure::input("The ward holds and asks.").into()),
                }
            }
        }
        Ok(())
    }

    /// Takes what was sent: of this unit, once.
    async fn taken(&self, web: &Web, sent: &Sent) -> Result<&'static str, Refusal> {
        let wish = sent.wish(self.unit())?;
        if let Some(name) = &wish.machine {
            let mut view = web.app.store.view().await.map_err(Failure::from)?;
            let found = view.machine_named(name).await.map_err(Failure::from)?;
            if found.is_none_or(|machine| machine.unit != *self.unit()) {
                let text = format!("There is no machine {name} in this unit; nothing was changed.");
                return Err(Failure::not_found(text).into());
            }
        }
        if !web.take_form(&sent.form).await? {
            return Err(Failure::conflict(
                "This was sent already and is not done twice. What counts stands below.",
            )
            .into());
        }
        self.carry_out(web, &wish).await?;
        Ok(wish.done)
    }

    /// Answers what was sent: back to the page, so that it is not sent again with it.
    async fn answered(&self, web: &Web, sent: Result<Form<Sent>, FormRejection>) -> Response {
        let Ok(Form(sent)) = sent else {
            let text = "The form did not arrive whole; nothing was changed.";
            return self.shown(web, "", Some(&Failure::input(text))).await;
        };
        if let Self::Person(person, _) = self
            && !person.sent(Some(&sent.token))
        {
            return error::not_of_session(person);
        }
        match (self.taken(web, &sent).await, self) {
            (Ok(done), _) => Redirect::to(&format!("{}?done={done}", self.path())).into_response(),
            (Err(Refusal::Forbidden(text)), Self::Person(person, _)) => {
                error::forbidden(person, &text)
            }
            (Err(Refusal::Failed(failure)), _) => self.shown(web, "", Some(&failure)).await,
            (Err(refusal), _) => {
                let failure = Failure {
                    kind: FailureKind::Input,
                    text: refusal.text().to_owned(),
                };
                self.shown(web, "", Some(&failure)).await
            }
        }
    }
}

fn no_unit() -> Failure {
    Failure::not_found("There is no such unit, or your role is not for it.")
}

/// What the address says was done.
fn done(uri: &Uri) -> &'static str {
    let query = asked(uri);
    wish::done(query.value("done").unwrap_or_default())
}

/// Shows the night to who has the link.
async fn show_kiosk(
    State(web): State<Web>,
    Path(secret): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    match Door::of_kiosk(&web, &secret).await {
        Ok(door) => door.shown(&web, done(&uri), None).await,
        Err(failure) => error::page(None, &failure),
    }
}

/// Takes what who has the link sent.
async fn sent_by_kiosk(
    State(web): State<Web>,
    Path(secret): Path<String>,
    sent: Result<Form<Sent>, FormRejection>,
) -> Response {
    match Door::of_kiosk(&web, &secret).await {
        Ok(door) => door.answered(&web, sent).await,
        Err(failure) => error::page(None, &failure),
    }
}

/// Shows the night to a person.
async fn show_unit(
    State(web): State<Web>,
    person: Person,
    Path(unit): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    match Door::of_person(person.clone(), &unit) {
        Ok(door) => door.shown(&web, done(&uri), None).await,
        Err(failure) => error::page(Some(&person), &failure),
    }
}

/// Takes what a person sent.
async fn sent_for_unit(
    State(web): State<Web>,
    person: Person,
    Path(unit): Path<String>,
    sent: Result<Form<Sent>, FormRejection>,
) -> Response {
    match Door::of_person(person.clone(), &unit) {
        Ok(door) => door.answered(&web, sent).await,
        Err(failure) => error::page(Some(&person), &failure),
    }
}
