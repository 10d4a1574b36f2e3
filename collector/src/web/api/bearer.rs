//! Which program asks: found by its token (RFC 6750 §2.1).

use super::problem::Problem;
use crate::account::{Grant, Rule, Scope};
use crate::command::Caller;
use crate::control::Failure;
use crate::secret::Secret;
use crate::store::Actor;
use crate::web::Web;
use crate::web::asks::Asks;
use axum::http::{HeaderMap, header};
use patchward_common::id::Name;
use patchward_common::time::MINUTE_MS;

/// How exactly it is noted when a program last asked.
const SEEN_MS: i64 = MINUTE_MS;

/// A program that asks.
pub struct Asking {
    name: Name,
    scope: Scope,
    grants: Vec<Grant>,
}

impl Asking {
    /// What people call it.
    pub fn name(&self) -> &Name {
        &self.name
    }
}

impl Asks for Asking {
    fn caller(&self) -> Caller {
        Caller {
            actor: Actor::Program(self.name.clone()),
        }
    }

    fn grants(&self) -> &[Grant] {
        &self.grants
    }

    fn hindrance(&self, rule: &Rule) -> Option<String> {
        (!self.scope.covers(rule.weight)).then(|| {
            format!(
                "The scope of {} is \"{}\", and this is graver. An administrator can add a program \
                 with a wider one.",
                self.name, self.scope
            )
        })
    }
}

/// The token that a request brings.
pub fn brought(headers: &HeaderMap) -> Option<Secret> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (given.next(), given.next()) else {
        return None;
    };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Secret::of(token.trim()),
        false => None,
    }
}

/// The program that asks.
///
/// # Errors
/// Where no token is brought, or one that is nobody's, ended or expired.
pub async fn asking(web: &Web, headers: &HeaderMap) -> Result<Asking, Problem> {
    let secret = brought(headers).ok_or_else(Problem::unknown_program)?;
    let found = found(web, &secret).await?;
    found.ok_or_else(Problem::unknown_program)
}

async fn found(web: &Web, secret: &Secret) -> Result<Option<Asking>, Failure> {
    let now = web.app.now();
    let mut view = web.app.store.view().await?;
    let program = view.program_by_secret(&secret.hash()).await?;
    let counts = program.filter(|one| one.ended_at.is_none() && now < one.expires_at);
    let Some(program) = counts else {
        return Ok(None);
    };
    let grants = view.grants_of_program(&program.name).await?;
    drop(view);
    if program
        .seen_at
        .is_none_or(|seen| now >= seen.plus_ms(SEEN_MS))
    {
        web.app.store.program_seen(&program.name, now).await?;
    }
    Ok(Some(Asking {
        name: program.name,
        scope: program.scope,
        grants,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::access::RULES;
    use crate::web::answer::may_open;
    use crate::web::form::Form;

    #[test]
    fn a_token_is_read_from_one_header_alone() {
        let secret = Secret::new();
        let with = |values: &[String]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            brought(&headers).map(|found| found.hash())
        };
        let good = format!("Bearer {}", secret.text());
        assert_eq!(with(std::slice::from_ref(&good)), Some(secret.hash()));
        assert_eq!(
            with(&[good.replace("Bearer", "bearer")]),
            Some(secret.hash())
        );
        for bad in [
            vec![],
            vec![good.clone(), good.clone()],
            vec![good.replace("Bearer", "Basic")],
            vec![secret.text().to_owned()],
            vec!["Bearer short".to_owned()],
        ] {
            assert_eq!(with(&bad), None, "{bad:?}");
        }
    }

    /// The table of roles and weights, row by row, for programs.
    #[test]
    fn a_program_may_what_its_roles_may_within_its_scope() {
        for rule in RULES {
            let form = Form::of(rule.path).unwrap();
            for role in crate::account::role::ROLES {
                for scope in [Scope::Ask, Scope::Change, Scope::Decide] {
                    let program = Asking {
                        name: Name::new("cmms").unwrap(),
                        scope,
                        grants: vec![Grant { role, unit: None }],
                    };
                    let expected = rule.roles.contains(&role) && scope.covers(rule.weight);
                    let may = may_open(&program, form).is_ok();
                    assert_eq!(may, expected, "{} as {}, {scope}", rule.path, role.word());
                }
            }
        }
    }
}
