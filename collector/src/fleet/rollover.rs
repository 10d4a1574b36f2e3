//! The certificate authority is followed by the next one: whom the running fleet trusts, and
//! which machines came with a certificate of the next.

use super::authorities::is_by;
use super::{Authorities, Fleet, FleetError, FleetHandle, locked};
use patchward_common::id::MachineId;
use rustls_pki_types::CertificateDer;
use std::collections::HashSet;

/// Machines that came with a certificate of the next authority since the start.
#[derive(Default)]
pub(super) struct Reached {
    /// Those that need not be written again.
    known: HashSet<MachineId>,
    /// Those that are not written yet.
    waiting: Vec<MachineId>,
}

impl Fleet {
    /// The authorities as they are now.
    pub(super) fn authorities(&self) -> Authorities {
        locked(&self.authorities).clone()
    }

    /// A machine has come with this certificate, which was verified. One of the next authority
    /// came to it in one answer with whom to trust, so who has the one has the other.
    pub(super) fn came(&self, machine: MachineId, certificate: &CertificateDer<'_>) {
        let authorities = self.authorities();
        let next = authorities.next();
        if next.is_some_and(|next| is_by(certificate, next)) {
            let mut reached = locked(&self.reached);
            if reached.known.insert(machine) {
                reached.waiting.push(machine);
            }
        }
    }

    /// Writes which machines know the next authority.
    pub(super) async fn flush_reached(&self) -> Result<(), FleetError> {
        let waiting = std::mem::take(&mut locked(&self.reached).waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let noted = self.store().record_reached(&waiting, self.now()).await;
        if noted.is_err() {
            locked(&self.reached).waiting.extend(waiting);
        }
        Ok(noted?)
    }
}

impl FleetHandle {
    /// The authorities that machines are certified by.
    pub fn authorities(&self) -> Authorities {
        self.fleet.authorities()
    }

    /// From now on these are trusted, and no other. Connections that stand go on.
    ///
    /// # Errors
    /// Where the settings of the port cannot be made; what was trusted before still is, until
    /// the collector starts anew.
    pub async fn follow(&self, authorities: Authorities) -> Result<(), FleetError> {
        *locked(&self.fleet.authorities) = authorities;
        *locked(&self.fleet.reached) = Reached::default();
        self.fleet.reconfigure().await
    }
}
