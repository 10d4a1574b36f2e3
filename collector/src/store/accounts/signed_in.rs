//! Who is signed in by a secret: asked for at every look at a page.

use super::{Account, Session};
use crate::account::Grant;
use crate::store::value::{self, FromRow, args};
use crate::store::{Store, StoreError};
use patchward_common::digest::Digest;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most who are remembered: more than sit before pages at once. Beyond it all are forgotten.
const MOST: usize = 2_000;

/// Who is signed in by a secret.
#[derive(Clone)]
pub struct Known {
    /// The session, however old.
    pub session: Session,
    /// Whose it is, in whatever state.
    pub account: Arc<Account>,
    /// What they may.
    pub grants: Arc<[Grant]>,
}

/// Who was found to be signed in, where this process alone writes. Each change of an account, of
/// what it may and of a session is a row of the audit log, but for a session's use and its new secret.
#[derive(Default)]
pub(in crate::store) struct SignedIn {
    found: Mutex<Found>,
    /// Counts uses and new secrets.
    uses: AtomicU64,
}

#[derive(Default)]
struct Found {
    of: Option<State>,
    known: HashMap<Digest, Known>,
}

/// A state of the database in which the same are signed in.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    audit: u64,
    uses: u64,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What people prove themselves with stands in no log.
        f.write_str("SignedIn")
    }
}

impl SignedIn {
    /// A session was used or got a new secret, and that is committed.
    pub(super) fn used(&self) {
        self.uses.fetch_add(1, Ordering::AcqRel);
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, secret_hash: &Digest, now: State) -> Option<Known> {
        let found = self.found();
        let is_so = found.of == Some(now);
        is_so.then(|| found.known.get(secret_hash).cloned())?
    }

    /// Remembers who was read in this state or a later one.
    fn remember(&self, secret_hash: Digest, known: Known, of: State) {
        let mut found = self.found();
        let is_behind = |newer: State| of.audit < newer.audit || of.uses < newer.uses;
        if found.of.is_some_and(is_behind) {
            return;
        }
        if found.of != Some(of) || found.known.len() >= MOST {
            found.known.clear();
            found.of = Some(of);
        }
        found.known.insert(secret_hash, known);
    }
}

/// Of somebody who is signed in, with one of the things that they may.
struct Row {
    session: Session,
    account: Account,
    grant: Option<Grant>,
}

impl FromRow for Row {
    fn from_row(row: &mut value::Row) -> Result<Self, StoreError> {
        Ok(Self {
            session: Session::from_row(row)?,
            account: Account::from_row(row)?,
            grant: row.next()?,
        })
    }
}

impl Store {
    /// Who is signed in by this secret. Whoever writes sessions, accounts or what they may without a
    /// row of the audit log has to call [`SignedIn::used`].
    pub async fn signed_in(&self, secret_hash: &Digest) -> Result<Option<Known>, StoreError> {
        if self.is_shared() {
            return self.read_signed_in(secret_hash).await;
        }
        // Before it is read: what is read then is as new at least.
        let uses = self.signed_in.uses.load(Ordering::Acquire);
        let audit = self.hear().await?;
        let now = State { audit, uses };
        if let Some(known) = self.signed_in.known(secret_hash, now) {
            return Ok(Some(known));
        }
        let known = self.read_signed_in(secret_hash).await?;
        if let Some(known) = &known {
            self.signed_in.remember(*secret_hash, known.clone(), now);
        }
        Ok(known)
    }

    async fn read_signed_in(&self, secret_hash: &Digest) -> Result<Option<Known>, StoreError> {
        let rows: Vec<Row> = self
            .engine
            .glance(
                "SELECT s.account, s.form_token, s.proved_at, s.made_at, s.seen_at, s.ends_at,
                        s.second_factor, a.name, a.title, a.password, a.totp, a.totp_step,
                        a.failures, a.locked_until, a.added_at, a.ended_at, g.given
                 FROM sessions s JOIN accounts a ON a.name = s.account
                 LEFT JOIN account_grants g ON g.account = s.account
                 WHERE s.secret_hash = $1 ORDER BY g.given",
                args![secret_hash],
            )
            .await?;
        let mut who = None;
        let mut grants = Vec::new();
        for row in rows {
            who.get_or_insert((row.session, row.account));
            grants.extend(row.grant);
        }
        Ok(who.map(|(session, account)| Known {
            session,
            account: Arc::new(account),
            grants: grants.into(),
        }))
    }
}
