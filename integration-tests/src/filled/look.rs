//! What people of the hospital said and have: holds, handovers, accounts.

use super::Filling;
use crate::fixture::{label, name};
use patchward_collector::account::role::ROLES;
use patchward_collector::account::{Grant, LINK_MS, Role};
use patchward_collector::item::oncall::Level;
use patchward_collector::secret::Secret;
use patchward_collector::store::Actor;
use patchward_collector::store::oncall::OnCall;
use patchward_collector::store::windows::Area;
use patchward_common::time::HOUR_MS;

impl Filling<'_> {
    /// What wards said today, and who is called at night.
    pub(super) async fn wards(&self) -> anyhow::Result<()> {
        let spec = self.spec;
        let mut change = self.change(spec.now).await?;
        for (number, unit) in self.places.units.iter().enumerate() {
            let first = self.places.machines_of(number..number + 1).start;
            if first >= spec.machines {
                continue;
            }
            let machine = spec.machine(first);
            let until = spec.now.plus_ms((1 + number as i64 % 10) * HOUR_MS);
            match number % 8 {
                0 => {
                    let subject = machine.to_string();
                    change
                        .hold(Area::Machine, &subject, until, "procedure")
                        .await?;
                }
                1 => {
                    let subject = unit.name.as_str();
                    change.hold(Area::Unit, subject, until, "procedure").await?;
                }
                2 => change.ask_handover(&machine).await?,
                _ => {}
            }
        }
        let on_call = OnCall {
            area: Area::All,
            subject: String::new(),
            level: Level {
                level: 1,
                who: label("HTM on duty"),
                contact: label("5200"),
                after_minutes: 15,
            },
        };
        change.set_on_call(&on_call).await?;
        change.commit().await?;
        Ok(())
    }

    /// Forty people of wards and workshops, and `admin`, who may everything; gives back the
    /// secret of the link with which `admin` chooses a password.
    pub(super) async fn people(&self) -> anyhow::Result<String> {
        let spec = self.spec;
        let mut change = self.change(spec.now).await?;
        for number in 0..40 {
            let unit = &self.places.units[number % self.places.units.len()];
            let account = name(&format!("{}-{number}", unit.name));
            let role = match number % 3 {
                0 => Role::Approver,
                1 => Role::Technician,
                _ => Role::Ward,
            };
            let grant = Grant {
                role,
                unit: Some(unit.name.clone()),
            };
            change
                .add_account(&account, &label(&unit.title.to_string()))
                .await?;
            change.grant_roles(&account, &[grant]).await?;
        }
        let admin = name("admin");
        change.add_account(&admin, &label("Administrator")).await?;
        let all = ROLES.iter().filter(|role| **role != Role::Ward);
        let all: Vec<Grant> = all
            .map(|role| Grant {
                role: *role,
                unit: None,
            })
            .collect();
        change.grant_roles(&admin, &all).await?;
        change.act_as(Actor::Collector);
        let secret = Secret::new();
        let until = spec.now.plus_ms(LINK_MS);
        change
            .add_account_link(&secret.hash(), Some(&admin), until)
            .await?;
        change.commit().await?;
        Ok(secret.text().to_owned())
    }
}
