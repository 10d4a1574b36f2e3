//! Models of ours: of machines, and of the hospital's list.

use crate::advisory::name;
use crate::control::Failure;
use crate::matching::Answers;
use crate::replan;
use crate::store::View;
use std::collections::BTreeMap;

/// Whether two names of models are one.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    !one.is_empty() && name::key(one) == name::key(other)
}

/// How many machines and assets of a model there are, each as maker, model and version; a
/// machine that is an asset counts once.
pub(super) async fn ours(view: &mut View, model: &str) -> Result<BTreeMap<String, usize>, Failure> {
    let answers = Answers::read(view).await?;
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut machines = replan::enrolled(view).await?;
    for asset in view.all_assets().await? {
        let line = asset.machine.and_then(|id| machines.remove(&id));
        let of_machine = line.is_some_and(|line| is_same(line.model.as_str(), model));
        if !of_machine && !is_same(&asset.model, model) {
            continue;
        }
        let version = match answers.model_version(&asset) {
            "" => "version not recorded".to_owned(),
            version => version.to_owned(),
        };
        let words = [asset.manufacturer, asset.model, version];
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        *found.entry(words.join(" ")).or_default() += 1;
    }
    let rest = machines
        .into_values()
        .filter(|line| is_same(line.model.as_str(), model));
    let rest = rest.count();
    if rest > 0 {
        *found.entry(model.to_owned()).or_default() += rest;
    }
    Ok(found)
}

/// Whether there is anything of that model.
pub(super) async fn is_ours(view: &mut View, model: &str) -> Result<bool, Failure> {
    Ok(!ours(view, model).await?.is_empty())
}
