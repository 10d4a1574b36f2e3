//! The page: server-rendered, usable without JavaScript but for signing. Handlers take what
//! proves that they may, call the same functions as the commands, and show what comes back.

pub mod account;
pub mod answer;
pub mod api;
pub mod asks;
pub mod download;
pub mod error;
mod feed;
pub mod form;
mod fresh;
pub mod guard;
mod health;
pub mod held;
pub mod item;
pub mod kept;
pub mod link;
pub mod listen;
pub mod live;
pub mod look;
mod metrics;
pub mod page;
pub mod person;
pub mod picture;
pub mod rest;
pub mod show;
mod shown;
pub mod statics;
pub mod timing;
pub mod touched;
mod underway;
mod whole;
pub mod words;

use crate::account::Grant;
use crate::app::App;
use crate::command::listed::Paged;
use crate::config::SecondFactor;
use crate::control::{Failure, Output};
use crate::openid::OpenId;
use crate::secret::Secret;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use feed::Calendar;
use fresh::Fresh;
use patchward_common::id::Name;
use patchward_common::time::{MINUTE_MS, SECOND_MS};
use std::sync::Arc;
use tokio::sync::{Mutex, Semaphore};

/// How many passwords are looked at at once: each takes 19 MiB.
const MAX_PROOFS: usize = 4;

/// Most bytes of a form without files: whoever has no account can make the collector hold so
/// much for each connection.
const MAX_WORDS_BYTES: usize = 64 * 1024;

/// How long a calendar at a secret address is sent as it is: its readers ask every quarter of
/// an hour.
const CALENDAR_KEPT_MS: i64 = MINUTE_MS;
/// How long figures for monitoring are sent as they are: they are asked for every half minute.
const FIGURES_KEPT_MS: i64 = 15 * SECOND_MS;
/// How long it holds that the collector can do its work: who asks every second costs nothing.
const READY_KEPT_MS: i64 = SECOND_MS;

/// What handlers share.
#[derive(Clone)]
pub struct Web {
    /// The running collector.
    pub app: Arc<App>,
    /// Places for passwords that are looked at.
    pub proofs: Arc<Semaphore>,
    /// Challenges of passkeys that wait for an answer.
    pub challenges: Arc<account::passkey::Challenges>,
    /// Whose turn it is to edit.
    pub edits: Arc<Mutex<()>>,
    /// What changes, for those who listen.
    pub steps: live::Steps,
    /// Answers that took long to gather.
    pub kept: Arc<kept::Kept<Output>>,
    /// The same of pages of lists that grow.
    pub pages: Arc<kept::Kept<Paged>>,
    /// The same of pictures.
    pub pictures: Arc<kept::Kept<kept::Svg>>,
    /// Work whose answers take long.
    pub underway: Arc<underway::Underway>,
    /// Calendars of secret addresses, by unit.
    calendars: Arc<Fresh<Option<Name>, Calendar>>,
    /// Figures for monitoring.
    figures: Arc<Fresh<(), String>>,
    /// How the collector's parts stand.
    ready: Arc<Fresh<(), health::Parts>>,
    /// Sign-in by the hospital's OpenID provider, where the settings name one.
    pub openid: Option<Arc<OpenId>>,
}

impl Web {
    /// What handlers share, of this collector.
    pub fn new(app: Arc<App>) -> Self {
        Self {
            openid: OpenId::of(&app.settings).map(Arc::new),
            app,
            proofs: Arc::new(Semaphore::new(MAX_PROOFS)),
            challenges: Arc::default(),
            edits: Arc::default(),
            steps: live::steps(),
            kept: Arc::default(),
            pages: Arc::default(),
            pictures: Arc::default(),
            underway: Arc::default(),
            calendars: Arc::new(Fresh::new(CALENDAR_KEPT_MS)),
            figures: Arc::new(Fresh::new(FIGURES_KEPT_MS)),
            ready: Arc::new(Fresh::new(READY_KEPT_MS)),
        }
    }

    /// Whether who has these roles has to prove in two ways who they are.
    pub fn asks_two_proofs(&self, grants: &[Grant]) -> bool {
        self.app.settings.second_factor == SecondFactor::Required
            && grants.iter().any(|grant| grant.role.decides())
    }

    /// Takes a form that carries `id`: `false` where it was taken before.
    ///
    /// # Errors
    /// Where `id` is none of a form of ours.
    pub async fn take_form(&self, id: &str) -> Result<bool, Failure> {
        let form = Secret::of(id)
            .ok_or_else(|| Failure::input("This is no form of this page; nothing was changed."))?;
        let id = form.hash().to_string();
        Ok(self.app.store.take_form(&id, self.app.now()).await?)
    }
}

/// Every route.
pub fn router(web: Web) -> Router {
    Router::new()
        .route("/", get(page::today::show))
        .route(
            "/login",
            get(account::login::show).post(account::login::enter),
        )
        .route("/logout", post(account::login::leave))
        .merge(account::openid::routes())
        .route(
            "/welcome/{secret}",
            get(account::welcome::show).post(account::welcome::enter),
        )
        .route("/me", get(account::me::show))
        .route(
            "/me/password",
            get(account::me::again).post(account::me::password),
        )
        .route(
            "/me/second-factor",
            get(account::factor::show).post(account::factor::confirm),
        )
        .route("/me/key", get(account::me::again).post(account::me::key))
        .merge(account::passkey::routes())
        .route(
            "/do/{*path}",
            get(page::act::show)
                .post(page::act::carry_out)
                .layer(DefaultBodyLimit::max(form::post::MAX_POST_BYTES)),
        )
        .route("/list/{*path}", get(page::list::show))
        .route(person::EVENTS, get(page::live::listen))
        .route("/plan/{plan}", get(page::plan::show))
        .route(
            "/plan/{plan}/sign",
            get(page::sign::show).post(page::sign::take),
        )
        .merge(page::ward::routes())
        .merge(underway::routes())
        .merge(api::routes())
        .route("/feed/{file}", get(feed::show))
        .route("/metrics", get(metrics::show))
        .route("/static/{file}", get(statics::file))
        .route("/{page}", get(page::place::show))
        .route("/{page}/{id}", get(page::place::detail))
        .route("/{page}/{kind}/{id}", get(page::place::detail_of_kind))
        .fallback(error::no_page)
        .layer(from_fn_with_state(web.clone(), person::sessions))
        // Below what asks the store for a session: these answer without it.
        .route("/healthz", get(health::lives))
        .route("/readyz", get(health::ready))
        .layer(axum::middleware::from_fn(guard::headers))
        .layer(axum::middleware::from_fn(timing::timed))
        .layer(axum::middleware::from_fn(rest::read))
        .layer(DefaultBodyLimit::max(MAX_WORDS_BYTES))
        .with_state(web)
}
