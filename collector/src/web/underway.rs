//! Work that takes longer than a person looks at a blank page: it goes on by itself, and a page
//! says how far it is, until there is an answer.

use super::page::Shell;
use super::person::{Person, SignedIn};
use super::{Web, error};
use crate::clock;
use crate::control::{Failure, Reply};
use crate::secret::Secret;
use askama::Template;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, REFRESH};
use axum::http::response::Parts;
use axum::http::{HeaderValue, Response as HttpResponse};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use patchward_common::id::Name;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tracing::Instrument as _;

/// What every address of these pages begins with.
pub(super) const ADDRESS: &str = "/underway/";
/// How long who sent a form waits for its answer before they are told how far it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the page looks again, in seconds.
const AGAIN_SECONDS: &str = "2";
/// How long an answer is kept once it is there.
const KEPT: Duration = Duration::from_secs(15 * 60);
/// Most pieces of work that go on or whose answers are kept; what is above waits for its answer.
const MOST: usize = 64;
/// Most of them of one person.
const MOST_OF_ONE: usize = 8;

/// How far something is.
#[derive(Clone, Debug, Default)]
struct Step {
    what: String,
    done: u64,
    total: u64,
}

/// An answer, for as often as it is asked for.
#[derive(Clone, Debug)]
struct Answer {
    parts: Parts,
    bytes: Bytes,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        // It lies in memory already, whole.
        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
        Self { parts, bytes }
    }

    /// Whether it is a file: a browser keeps it and goes on showing the page before.
    fn is_file(&self) -> bool {
        self.parts.headers.contains_key(CONTENT_DISPOSITION)
    }

    fn response(self) -> Response {
        HttpResponse::from_parts(self.parts, Body::from(self.bytes))
    }
}

/// One piece of work.
#[derive(Debug)]
struct Work {
    of: Name,
    title: String,
    begun: Instant,
    step: Arc<Mutex<Step>>,
    /// Nothing within it is a fault of ours.
    ended: Arc<OnceLock<Option<Answer>>>,
}

/// All that goes on.
#[derive(Debug)]
pub struct Underway {
    all: Mutex<HashMap<String, Work>>,
    patience: Duration,
}

impl Default for Underway {
    fn default() -> Self {
        Self {
            all: Mutex::default(),
            patience: PATIENCE,
        }
    }
}

#[derive(Template)]
#[template(path = "underway.html")]
struct Shown {
    shell: Shell,
    /// Where it is looked at again.
    here: String,
    seconds: u64,
    step: Step,
    /// Whether there is a file to be had.
    is_ready: bool,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Underway {
    /// Waits a moment for the answer of `work`; where it takes longer, the answer is a page that
    /// says how far it is. It goes on even where the browser goes away.
    pub async fn patiently(
        self: &Arc<Self>,
        person: &SignedIn,
        title: &str,
        mut steps: mpsc::Receiver<Reply>,
        work: impl Future<Output = Response> + Send + 'static,
    ) -> Response {
        let step = Arc::<Mutex<Step>>::default();
        let (said, begun) = (Arc::clone(&step), clock::begin());
        let work = async move {
            let listening = async {
                while let Some(reply) = steps.recv().await {
                    if let Reply::Progress { what, done, total } = reply {
                        *lock(&said) = Step { what, done, total };
                    }
                }
            };
            Answer::of(tokio::join!(work, listening).0).await
        };
        let mut working = tokio::spawn(work.in_current_span());
        let waited = match self.is_full(&person.account.name) {
            true => Ok((&mut working).await),
            false => tokio::time::timeout(self.patience, &mut working).await,
        };
        if let Ok(ended) = waited {
            return answered(person, ended.ok());
        }
        let work = Work {
            of: person.account.name.clone(),
            title: title.to_owned(),
            begun,
            step,
            ended: Arc::default(),
        };
        let (id, ended) = (Secret::new().text().to_owned(), Arc::clone(&work.ended));
        let address = format!("{ADDRESS}{id}");
        lock(&self.all).insert(id.clone(), work);
        let kept = Arc::clone(self);
        tokio::spawn(async move {
            // It is set once.
            let _ = ended.set(working.await.ok());
            tokio::time::sleep(KEPT).await;
            lock(&kept.all).remove(&id);
        });
        Redirect::to(&address).into_response()
    }

    fn is_full(&self, account: &Name) -> bool {
        let all = lock(&self.all);
        let own = all.values().filter(|work| work.of == *account).count();
        all.len() >= MOST || own >= MOST_OF_ONE
    }

    /// How a piece of work of `account` stands.
    fn look(&self, account: &Name, id: &str) -> Option<Told> {
        let all = lock(&self.all);
        let work = all.get(id).filter(|work| work.of == *account)?;
        Some(Told {
            title: work.title.clone(),
            seconds: work.begun.elapsed().as_secs(),
            step: lock(&work.step).clone(),
            ended: work.ended.get().cloned(),
        })
    }
}

/// How a piece of work stands.
struct Told {
    title: String,
    seconds: u64,
    step: Step,
    ended: Option<Option<Answer>>,
}

fn answered(person: &SignedIn, ended: Option<Answer>) -> Response {
    ended.map(Answer::response).unwrap_or_else(|| {
        tracing::error!("a command of a page ended with a fault");
        error::page(Some(person), &Failure::fault())
    })
}

/// The pages of what goes on.
pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/underway/{id}", get(show))
        .route("/underway/{id}/file", get(file))
}

fn nothing(person: &Person) -> Response {
    let failure = Failure::not_found(
        "Nothing of yours goes on here: an answer is kept for a quarter of an hour. The audit log has \
         what was done.",
    );
    error::page(Some(person), &failure)
}

async fn show(State(web): State<Web>, person: Person, Path(id): Path<String>) -> Response {
    let Some(told) = web.underway.look(&person.account.name, &id) else {
        return nothing(&person);
    };
    let is_ready = match told.ended {
        Some(Some(answer)) if answer.is_file() => true,
        Some(ended) => return answered(&person, ended),
        None => false,
    };
    let mut page = error::render(&Shown {
        shell: Shell::new(&told.title, "", Some(&person)),
        here: format!("{ADDRESS}{id}"),
        seconds: told.seconds,
        step: told.step,
        is_ready,
    });
    if !is_ready {
        let again = HeaderValue::from_static(AGAIN_SECONDS);
        page.headers_mut().insert(REFRESH, again);
    }
    page
}

/// The file that came of it.
async fn file(State(web): State<Web>, person: Person, Path(id): Path<String>) -> Response {
    let told = web.underway.look(&person.account.name, &id);
    match told.and_then(|told| told.ended) {
        Some(ended) => answered(&person, ended),
        None => nothing(&person),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::role::Role;
    use crate::web::person::tests::with_roles;
    use axum::http::StatusCode;
    use axum::http::header::LOCATION;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn what_takes_long_is_told_of_to_whoever_began_it_until_it_is_answered() {
        let underway = Arc::new(Underway {
            patience: Duration::ZERO,
            ..Underway::default()
        });
        let ada = with_roles(&[Role::Operator]);
        let (end, ended) = oneshot::channel::<()>();
        let (progress, steps) = mpsc::channel(1);
        let work = async move {
            let says = Reply::Progress {
                what: "viewer-4.2".into(),
                done: 3,
                total: 7,
            };
            progress.send(says).await.unwrap();
            ended.await.unwrap();
            StatusCode::IM_A_TEAPOT.into_response()
        };
        let told = underway.patiently(&ada, "Vendor sync", steps, work).await;
        assert_eq!(told.status(), StatusCode::SEE_OTHER);
        let address = told.headers()[LOCATION].to_str().unwrap();
        let id = address.strip_prefix("/underway/").unwrap();
        let other = Name::new("somebody-else").unwrap();
        assert!(underway.look(&other, id).is_none(), "it is nobody else's");
        let own = &ada.account.name;
        let step = loop {
            let told = underway.look(own, id).unwrap();
            assert!(told.ended.is_none());
            if told.step.done > 0 {
                break told.step;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!((step.what.as_str(), step.total), ("viewer-4.2", 7));
        end.send(()).unwrap();
        for _ in ["once", "and after a line that broke"] {
            let answer = loop {
                match underway.look(own, id).unwrap().ended {
                    Some(ended) => break ended.unwrap().response(),
                    None => tokio::task::yield_now().await,
                }
            };
            assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
        }
    }

    #[tokio::test]
    async fn what_is_soon_done_is_answered_at_once() {
        let underway = Arc::new(Underway::default());
        let ada = with_roles(&[Role::Operator]);
        let (_, steps) = mpsc::channel(1);
        let work = async { StatusCode::OK.into_response() };
        let answer = underway.patiently(&ada, "Unit add", steps, work).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(lock(&underway.all).is_empty());
    }

    #[tokio::test]
    async fn one_person_does_not_take_all_the_places() {
        let underway = Arc::new(Underway {
            patience: Duration::ZERO,
            ..Underway::default()
        });
        let ada = with_roles(&[Role::Operator]);
        for _ in 0..MOST_OF_ONE {
            let (_, steps) = mpsc::channel(1);
            let work = std::future::pending();
            let told = underway.patiently(&ada, "Vendor sync", steps, work).await;
            assert_eq!(told.status(), StatusCode::SEE_OTHER);
        }
        assert!(underway.is_full(&ada.account.name));
        assert!(!underway.is_full(&Name::new("somebody-else").unwrap()));
    }
}
