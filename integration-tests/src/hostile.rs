//! A collector that turned hostile: it holds the real collector's database and keys and
//! does what it likes with them.

use crate::hospital::{Hospital, now};
use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use patchward_collector::authority::stored_signatures;
use patchward_collector::config::Settings;
use patchward_collector::folder::Folder;
use patchward_collector::store::documents::{DocumentKind, NewDocument};
use patchward_collector::store::plans::{Leaf, NewPlan, PlanState};
use patchward_collector::store::vendors::TufFile;
use patchward_collector::store::{Actor, Store};
use patchward_collector::{init, planning};
use patchward_common::digest::Digest;
use patchward_common::id::{Label, MachineId};
use patchward_common::plan::{AssignmentFile, PlanFile, Table, build_approval};
use patchward_common::time::{HOUR_MS, Interval};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::sign::PublicKey;
use std::path::PathBuf;

/// Does something to the collector's database while the collector stands still, then
/// starts it again.
pub fn meddle<T>(
    hospital: &mut Hospital,
    deed: impl AsyncFnOnce(&Store, &Folder) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    hospital.stop_collector()?;
    let folder = Folder::new(hospital.collector_folder());
    let runtime = tokio::runtime::Runtime::new()?;
    let done = runtime.block_on(async {
        let settings = Settings::parse(&std::fs::read(folder.settings())?)?;
        let store = Store::open(&init::place(&folder, &settings)).await?;
        let done = deed(&store, &folder).await;
        store.close().await;
        done
    })?;
    hospital.start_collector()?;
    Ok(done)
}

/// Makes a plan for a machine out of the newest one, signs it with the go-key alone, and
/// gives it out as if it were approved. Gives back its id as commands take it.
pub fn approve_without_htm(
    hospital: &mut Hospital,
    product: &str,
    machine: &str,
) -> anyhow::Result<String> {
    let machine = hospital.id_of(machine)?.parse()?;
    let product = product.to_owned();
    meddle(hospital, async move |store, folder| {
        let mut view = store.view().await?;
        let plans = view.plans(None).await?;
        let mut newest: Option<Table<Approval>> = None;
        for plan in &plans {
            let table = planning::table(&mut view, &plan.id)
                .await
                .map_err(|failure| anyhow::anyhow!(failure.text))?;
            let approval = table.signed.peek()?;
            if approval
                .releases
                .iter()
                .any(|r| r.release.product.as_str() == product)
            {
                newest = Some(table);
            }
        }
        drop(view);
        let (mut approval, leaves) = newest.context("no plan to start from")?.read()?;
        let at = now();
        approval.issued = at;
        approval.title = Label::new("Nothing to see here")?;
        let mut leaf = leaves
            .into_iter()
            .find(|leaf| leaf.machine == machine)
            .context("the machine is not in the plan")?;
        leaf.wave = 0;
        leaf.slots = vec![Interval::new(at, at.plus_ms(HOUR_MS))?];
        let mut table = build_approval(approval, vec![leaf])?;
        let key = init::go_key(&folder.go_key())?;
        table.signed.cosign(&key);
        give_out(store, &table, &[PublicKey::of(&key)]).await
    })
}

/// Stores a plan as active, whoever signed it.
pub async fn give_out(
    store: &Store,
    table: &Table<Approval>,
    keys: &[PublicKey],
) -> anyhow::Result<String> {
    let (_, leaves) = table.read()?;
    let leaves: Vec<Leaf> = leaves
        .iter()
        .zip(&table.leaves)
        .map(|(leaf, bytes)| Leaf {
            machine: leaf.machine,
            wave: leaf.wave.into(),
            bytes: bytes.to_vec(),
        })
        .collect();
    give_out_to(store, table, keys, &leaves).await
}

/// The same, to machines and with leaves of our own choice.
async fn give_out_to(
    store: &Store,
    table: &Table<Approval>,
    keys: &[PublicKey],
    leaves: &[Leaf],
) -> anyhow::Result<String> {
    let approval = table.signed.peek()?;
    let groups: Vec<_> = approval.groups.iter().map(|g| g.group.clone()).collect();
    let mut change = store.change(Actor::Collector, now()).await?;
    let id = change
        .add_plan(&NewPlan {
            title: &approval.title,
            payload: table.signed.payload(),
            expires_at: approval.expires,
            groups: &groups,
            releases: &[],
            leaves,
        })
        .await?;
    change
        .add_signatures(&id, &stored_signatures(&table.signed, keys))
        .await?;
    for (from, to) in [
        (PlanState::Draft, PlanState::Signed),
        (PlanState::Signed, PlanState::Active),
    ] {
        change.move_plan(&id, from, to, "who would know").await?;
    }
    let machines: Vec<_> = leaves.iter().map(|l| (l.machine, l.wave)).collect();
    change.add_jobs(&id, &machines).await?;
    change.commit().await?;
    Ok(id.to_string())
}

/// A plan that was never approved as it should be.
#[derive(Debug)]
pub struct Forgery {
    table: Table<Approval>,
    keys: Vec<PublicKey>,
    leaves: Vec<Leaf>,
}

impl Forgery {
    /// An approval of one leaf, signed with these keys, wherever they were stolen.
    pub fn new(
        title: &str,
        mut approval: Approval,
        leaf: PlanLeaf,
        keys: &[&SigningKey],
    ) -> anyhow::Result<Self> {
        approval.title = Label::new(title)?;
        let machine = leaf.machine;
        let mut table = build_approval(approval, vec![leaf])?;
        for key in keys {
            table.signed.cosign(key);
        }
        let bytes = table.leaves.first().context("a leaf")?.to_vec();
        let forgery = Self {
            table,
            keys: keys.iter().map(|key| PublicKey::of(key)).collect(),
            leaves: Vec::new(),
        };
        Ok(forgery.sent_to(machine, bytes))
    }

    /// Sent to another machine than it was signed for, or with other bytes as its leaf.
    #[must_use]
    pub fn sent_to(mut self, machine: MachineId, bytes: Vec<u8>) -> Self {
        let wave = 0;
        self.leaves = vec![Leaf {
            machine,
            wave,
            bytes,
        }];
        self
    }

    /// The digest that names the plan.
    pub fn digest(&self) -> Digest {
        self.table.signed.digest()
    }
}

/// Gives out forgeries as if they were approved.
pub fn give_out_forgeries(hospital: &mut Hospital, forgeries: &[&Forgery]) -> anyhow::Result<()> {
    meddle(hospital, async |store, _| {
        for forgery in forgeries {
            let Forgery {
                table,
                keys,
                leaves,
            } = forgery;
            give_out_to(store, table, keys, leaves).await?;
        }
        Ok(())
    })
}

/// What a plan says, out of the file that approvers get.
pub fn read_plan(hospital: &Hospital, plan: &str) -> anyhow::Result<(Approval, Vec<PlanLeaf>)> {
    Ok(exported(hospital, plan)?.read()?)
}

/// The whole digest of a plan.
pub fn plan_digest(hospital: &Hospital, plan: &str) -> anyhow::Result<Digest> {
    Ok(exported(hospital, plan)?.signed.digest())
}

fn exported(hospital: &Hospital, plan: &str) -> anyhow::Result<Table<Approval>> {
    let out = hospital.people().join("stolen.plan");
    let _ = std::fs::remove_file(&out);
    hospital.ask(&["plan", "export", plan, "--out", &out.to_string_lossy()])?;
    Ok(PlanFile::from_bytes(&std::fs::read(out)?)?.plan)
}

/// A person's key, for who tries what a thief of it could do.
pub fn stolen_key(hospital: &Hospital, person: &str) -> anyhow::Result<SigningKey> {
    init::go_key(&hospital.people().join(format!("{person}.pem")))
}

/// The collector's go-key.
pub fn go_key(hospital: &Hospital) -> anyhow::Result<SigningKey> {
    init::go_key(&Folder::new(hospital.collector_folder()).go_key())
}

/// Stores an assignment as the newest, whoever signed it.
pub fn give_out_assignment(
    hospital: &mut Hospital,
    table: &AssignmentFile,
    keys: &[PublicKey],
) -> anyhow::Result<()> {
    let (assignment, rows) = table.read()?;
    let rows: Vec<_> = rows
        .iter()
        .zip(&table.leaves)
        .map(|(row, bytes)| (row.machine, bytes.to_vec()))
        .collect();
    meddle(hospital, async |store, _| {
        let mut change = store.change(Actor::Collector, now()).await?;
        let document = NewDocument {
            kind: DocumentKind::Assignment,
            number: Some(assignment.number),
            scope: None,
            subject: None,
            expires_at: None,
            payload: table.signed.payload(),
        };
        let signatures = stored_signatures(&table.signed, keys);
        let digest = change.add_document(&document, &signatures).await?;
        change.add_assignment_leaves(&digest, &rows).await?;
        change.commit().await?;
        Ok(())
    })
}

/// Gives machines other bytes as a role file than the collector verified, under the
/// version and digest of those. Gives back what was there.
pub fn swap_role_files(
    hospital: &mut Hospital,
    repository: &str,
    swap: impl Fn(&TufFile) -> Option<Vec<u8>>,
) -> anyhow::Result<Vec<TufFile>> {
    let repository = repository.parse()?;
    meddle(hospital, async |store, _| {
        let files = store.view().await?.tuf_files(&repository).await?;
        let swapped: Vec<TufFile> = files
            .iter()
            .filter_map(|file| {
                let bytes = swap(file)?;
                let file = file.clone();
                Some(TufFile { bytes, ..file })
            })
            .collect();
        let mut change = store.change(Actor::Collector, now()).await?;
        change.put_tuf_files(&repository, &swapped).await?;
        change.commit().await?;
        Ok(files)
    })
}

/// A copy of the collector's database, as a backup has it.
#[derive(Debug)]
pub struct Backup(Vec<(PathBuf, Vec<u8>)>);

/// Copies the collector's database while the collector stands still.
pub fn back_up(hospital: &mut Hospital) -> anyhow::Result<Backup> {
    hospital.stop_collector()?;
    let mut files = Vec::new();
    for path in database_files(hospital)? {
        files.push((path.clone(), std::fs::read(path)?));
    }
    hospital.start_collector()?;
    Ok(Backup(files))
}

/// Sets the collector's database back to what it was.
pub fn set_back(hospital: &mut Hospital, backup: &Backup) -> anyhow::Result<()> {
    hospital.stop_collector()?;
    for path in database_files(hospital)? {
        std::fs::remove_file(path)?;
    }
    for (path, bytes) in &backup.0 {
        std::fs::write(path, bytes)?;
    }
    hospital.start_collector()
}

/// The database and what SQLite keeps beside it.
fn database_files(hospital: &Hospital) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(hospital.collector_folder())? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("collector.sqlite") {
            files.push(entry.path());
        }
    }
    anyhow::ensure!(!files.is_empty(), "the collector has no database");
    Ok(files)
}
