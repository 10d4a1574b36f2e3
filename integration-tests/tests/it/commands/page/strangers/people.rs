//! People of some units, each with a program that may what they may.

use crate::commands::desk::Desk;
use crate::commands::page::browsing::{Answer, Guest};
use crate::commands::page::fitting::meant;
use crate::commands::page::programs::{Program, is_problem};
use axum::http::StatusCode;
use patchward_collector::account::Role;
use patchward_collector::secret::Secret;
use patchward_collector::web::form::Form;

/// Somebody at the page, with a program that may the same.
pub(super) struct Who {
    pub(super) guest: Guest,
    pub(super) token: String,
    pub(super) program: Program,
    /// A form and a key that were used.
    used: String,
}

impl Who {
    pub(super) async fn with_roles(desk: &Desk, who: &str, roles: &[&str]) -> Self {
        let mut guest = Guest::with_roles(desk, who, roles).await;
        let token = guest.open("/do/hold/add").await.value("_token");
        // No program lets people in.
        let of_program = roles.iter().copied().filter(|role| *role != "admin");
        let roles: Vec<&str> = of_program.collect();
        let mut program = Program::with_roles(desk, who, &roles).await;
        let used = Secret::new().text().to_owned();
        assert!(guest.web.take_form(&used).await.unwrap());
        let list = Form::of("hold list").unwrap();
        let first = program.calls(list, &[], &used).await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.text());
        Self {
            guest,
            token,
            program,
            used,
        }
    }

    /// Somebody with every role that can be of units, in these.
    pub(super) async fn of_units(desk: &Desk, who: &str, units: &[&str]) -> Self {
        let of = |role| units.iter().map(move |unit| format!("{role}:{unit}"));
        let roles: Vec<String> = ["ward", "technician", "approver"]
            .into_iter()
            .flat_map(of)
            .collect();
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        Self::with_roles(desk, who, &roles).await
    }

    pub(super) async fn fills(&mut self, form: &Form, fields: &[(&str, &str)], id: &str) -> Answer {
        let token = self.token.clone();
        let own = [("_token", token.as_str())];
        let fields = [&own[..], &meant(id), fields].concat();
        self.guest.fills(&form.href(), &fields).await
    }

    /// What they send with a form that was used already is not refused for who they are.
    pub(super) async fn may(&mut self, form: &Form, fields: &[(&str, &str)]) {
        let used = self.used.clone();
        let page = self.fills(form, fields, &used).await;
        let text = page.text();
        let is_told = text.contains("sent already") || text.contains("is there already");
        assert!(is_told, "{} {fields:?}: {text}", form.path);
        if form.rule.roles == [Role::Admin] {
            return;
        }
        let answer = self.program.calls(form, fields, &used).await;
        is_problem(&answer, form.path, StatusCode::CONFLICT, "taken already");
    }
}
