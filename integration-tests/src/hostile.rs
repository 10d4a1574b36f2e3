//! A collector that turned hostile: it holds the real collector's database and keys and
//! does what it likes with them.

use crate::hospital::{Hospital, now};
use anyhow::Context as _;
use patchward_collector::authority::stored_signatures;
use patchward_collector::config::Settings;
use patchward_collector::folder::Folder;
use patchward_collector::store::plans::{Leaf, NewPlan, PlanState};
use patchward_collector::store::{Actor, Store};
use patchward_collector::{init, planning};
use patchward_common::plan::{Table, build_approval};
use patchward_common::time::{HOUR_MS, Interval};
use patchward_common::trust::approval::Approval;
use patchward_common::trust::sign::PublicKey;

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
        let settings = Settings::parse(&std::fs::read_to_string(folder.settings())?)?;
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
        approval.title = patchward_common::id::Label::new("Nothing to see here")?;
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
    let (approval, leaves) = table.read()?;
    let leaves: Vec<Leaf> = leaves
        .iter()
        .zip(&table.leaves)
        .map(|(leaf, bytes)| Leaf {
            machine: leaf.machine,
            wave: leaf.wave.into(),
            bytes: bytes.to_vec(),
        })
        .collect();
    let groups: Vec<_> = approval.groups.iter().map(|g| g.group.clone()).collect();
    let mut change = store.change(Actor::Collector, now()).await?;
    let id = change
        .add_plan(&NewPlan {
            title: &approval.title,
            payload: table.signed.payload(),
            expires_at: approval.expires,
            groups: &groups,
            leaves: &leaves,
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
    let machines: Vec<_> = leaves
        .iter()
        .map(|leaf| (leaf.machine, leaf.wave))
        .collect();
    change.add_jobs(&id, &machines).await?;
    change.commit().await?;
    Ok(id.to_string())
}
