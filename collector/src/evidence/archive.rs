//! Archives: the evidence of a time with the audit log of it, in one file.

use super::{PACK_JOBS, pack};
use crate::authority;
use crate::control::Failure;
use crate::store::View;
use crate::store::audit::{AuditRow, Head};
use crate::store::chosen::Chosen;
use crate::store::documents::DocumentKind;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::evidence::{Archive, NumberedPack, ROWS_PER_PART};
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::roster::Roster;
use serde_bytes::ByteBuf;

/// For so long nothing that proves a job is removed from the store: six years and the days
/// of their leap years. HIPAA (45 CFR 164.316 and 164.530) asks for six years; so no rule of
/// the store may delete a job, its journal, its plan, its documents or the audit log that
/// is younger, and today none deletes them at all.
pub const KEEP_MS: i64 = (6 * 365 + 2) * DAY_MS;

/// The archive of the jobs that ended from `from` on and before `until`, and have not moved
/// since.
///
/// # Errors
/// Where it would be larger than `most_bytes`: then it says so before all of it is made.
pub async fn made(
    view: &mut View,
    from: Option<UtcMs>,
    until: UtcMs,
    most_bytes: usize,
    now: UtcMs,
) -> Result<Archive, Failure> {
    let held = authority::held(view).await?;
    let mut room = Room(most_bytes);
    let before = view.audit_before_time(from).await?;
    let mut archive = Archive {
        made: now,
        from,
        until,
        before,
        head: view.audit_head().await?,
        audit: Vec::new(),
        chain: held.chain,
        rosters: Vec::new(),
        packs: Vec::new(),
    };
    log(view, &mut archive, &mut room).await?;
    for stored in view.numbered_after(DocumentKind::Roster, 0).await? {
        let signed = authority::signed::<Roster>(view, stored).await?;
        archive.rosters.push(signed);
    }
    let chosen = Chosen {
        from,
        until: Some(until),
        ended: true,
        ..Chosen::default()
    };
    let jobs = view.jobs_chosen(&chosen, u32::MAX).await?;
    for (number, jobs) in (1u32..).zip(jobs.chunks(PACK_JOBS)) {
        let bytes = pack(view, jobs, now).await?.to_bytes();
        room.take(bytes.len())?;
        archive.packs.push(NumberedPack {
            number,
            sha256: Digest::of(&bytes),
            jobs: jobs.len() as u64,
            bytes: ByteBuf::from(bytes),
        });
    }
    Ok(archive)
}

/// The rows of the audit log from the archive's beginning to its head.
async fn log(view: &mut View, archive: &mut Archive, room: &mut Room) -> Result<(), Failure> {
    let page = u32::try_from(ROWS_PER_PART).unwrap_or(u32::MAX);
    let mut at: Head = archive.before;
    while at.seq < archive.head.seq {
        let rows: Vec<AuditRow> = view.audit_after(at.seq, page).await?;
        let Some(last) = rows.last() else { break };
        at = Head {
            seq: last.seq,
            hash: last.hash,
        };
        let bytes = codec::encode(&rows);
        room.take(bytes.len())?;
        archive.audit.push(ByteBuf::from(bytes));
    }
    Ok(())
}

/// How many bytes are left.
struct Room(usize);

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), Failure> {
        match self.0.checked_sub(bytes) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err(Failure::input(
                "The archive would be larger than one file may be. Take a shorter time, such as \
                 --during 2026-Q4 or --during 2026-12, and make several: each verifies alone.",
            )),
        }
    }
}
