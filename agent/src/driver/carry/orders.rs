//! Orders: fetched where there are others, and handed to the installer.

use super::{Carrier, quietly};
use crate::driver::{TurnError, backoff, is_busy, refused};
use crate::installer::{Installer, unexpected};
use crate::job::Wanted;
use crate::link::{Link, LinkError};
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;
use patchward_common::wire::local::{self, Documents, Status};
use patchward_common::wire::machine::{Answer, HelloAnswer, Orders, OrdersAsked, Request, Stale};

impl Carrier {
    /// Fetches orders where there are others, and hands them on.
    pub(in crate::driver) async fn turn(
        &mut self,
        link: &Link,
        installer: &Installer,
        machine: MachineId,
        answer: &HelloAnswer,
        status: Option<Status>,
        now: UtcMs,
    ) -> Result<(), TurnError> {
        // A clock that was set back must not hold documents up for longer than the wait.
        let wait_ms = u64::try_from(self.bring_at.since_ms(now)).unwrap_or(0);
        let waits = (1..=backoff::BRING_LONGEST_MS).contains(&wait_ms);
        if !answer.stale.has(Stale::ORDERS) || waits {
            self.status = status;
            return Ok(());
        }
        self.fetch_orders(link, installer, machine, status, now)
            .await
    }

    /// Fetches orders, and hands them on. Without the installer's word of what it has there
    /// is nobody to hand them to.
    pub(in crate::driver) async fn fetch_orders(
        &mut self,
        link: &Link,
        installer: &Installer,
        machine: MachineId,
        status: Option<Status>,
        now: UtcMs,
    ) -> Result<(), TurnError> {
        let charter = status.as_ref().map(|status| status.numbers.0);
        self.status = status;
        let Some(charter) = charter else {
            return Ok(());
        };
        let known = self.orders;
        let asked = OrdersAsked { charter, known };
        let orders = match link.ask(&Request::Orders(asked)).await? {
            Answer::Orders(orders) => *orders,
            Answer::Refused(refused) if is_busy(&refused) => return Ok(()),
            other => return Err(refused(other, "orders")),
        };
        if orders.base.is_some_and(|base| base != known) {
            return Err(LinkError::Unexpected("orders that add to those that it has").into());
        }
        // The same that it has: nothing but their digest came.
        if known == Digest::default() || orders.digest != known {
            self.take(orders, machine, installer, now).await;
        }
        Ok(())
    }

    /// Takes the stops that were brought, and says whether it did: not where they add to
    /// other orders than the machine has.
    pub(in crate::driver) async fn take_stops(
        &mut self,
        orders: Orders,
        installer: &Installer,
        machine: MachineId,
        now: UtcMs,
    ) -> bool {
        if orders.digest == self.orders {
            return true;
        }
        if orders.base != Some(self.orders) {
            return false;
        }
        let stops = Orders {
            stops: orders.stops,
            base: orders.base,
            digest: orders.digest,
            ..Orders::default()
        };
        self.take(stops, machine, installer, now).await;
        true
    }

    /// Whether the installer has the orders that this names.
    pub(in crate::driver) fn has(&self, digest: Digest) -> bool {
        self.orders == digest
    }

    async fn take(
        &mut self,
        orders: Orders,
        machine: MachineId,
        installer: &Installer,
        now: UtcMs,
    ) {
        let digest = orders.digest;
        if self.given != digest {
            self.given = digest;
            self.brought = 0;
            // What only adds to the others leaves what they want as it is.
            if orders.base.is_none() {
                self.want(&orders, machine);
            }
        }
        let documents = Documents {
            charters: orders.charters,
            roster: orders.roster,
            assignment: orders.assignment,
            approvals: orders.approvals,
            stops: orders.stops,
            lifts: orders.lifts,
            downgrades: orders.downgrades,
            handovers: orders.handovers,
            time_resets: orders.time_resets,
        };
        let request = local::Request::Documents(Box::new(documents));
        match installer.ask(&request).await {
            Ok(local::Answer::Documents(taken)) if taken.refused.is_empty() => {
                self.orders = digest;
                self.brought = 0;
                self.bring_at = UtcMs(0);
            }
            // What does not count now may count later: a clock that is set right, an
            // assignment that comes. The collector has to see that not all of it is here.
            Ok(local::Answer::Documents(taken)) => {
                for (document, reason) in &taken.refused {
                    let (step, reason) = (reason.step, &reason.text);
                    tracing::warn!(document, ?step, reason, "the installer refused it");
                }
                self.orders = Digest::default();
                self.brought = self.brought.saturating_add(1);
                let wait_ms = i64::try_from(backoff::bring(self.brought)).unwrap_or(0);
                self.bring_at = now.plus_ms(wait_ms);
            }
            Ok(_) => quietly(None, &unexpected("what became of the documents")),
            // Asked for again with the next hello.
            Err(error) => quietly(None, &error),
        }
        self.look(installer).await;
    }

    /// Notes what new orders want fetched, and begins anew with all of it.
    fn want(&mut self, orders: &Orders, machine: MachineId) {
        self.wanted = orders
            .approvals
            .iter()
            .filter_map(|placed| {
                // Only to know what to fetch; the installer verifies.
                let approval = placed.signed.peek().ok()?;
                Some(Wanted::of(placed.signed.digest(), &approval, machine))
            })
            .collect();
        let artifacts = self
            .wanted
            .iter()
            .flat_map(|wanted| wanted.artifacts.keys());
        self.downloads.prune(&artifacts.copied().collect());
        self.tries.clear();
        self.metadata_at.clear();
    }
}
