//! 5.6.7: from a path to its target, over delegations, pre-order and depth first.

use super::signers;
use super::{MAX_DELEGATIONS, Problem, Repository, Source, Target, VendorError};
use crate::percent::encoded;
use crate::wire::machine::is_role_file;
use sigstore_tuf::Targets;
use std::collections::BTreeSet;

/// Names that no delegated role may take: their files would be taken for others.
const TOP_LEVEL: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];

/// A role to visit and who delegates to it; nobody but the root to `targets`.
type Visit = (String, Option<String>);

impl Repository {
    /// The target of a path, and `None` where no role that may speak for it lists it.
    /// A role that cannot be verified ends the search with an error.
    pub(super) fn search(
        &mut self,
        source: &mut dyn Source,
        path: &str,
    ) -> Result<Option<Target>, VendorError> {
        if !self.fresh {
            return Err(Problem::NotRefreshed.at("targets", "5.6.7"));
        }
        let mut visited = BTreeSet::new();
        let mut next: Vec<Visit> = vec![("targets".to_owned(), None)];
        while let Some((role, delegator)) = next.pop() {
            // 5.6.7.1 Each role once, and not without end.
            if visited.contains(&role) {
                continue;
            }
            if visited.len() >= MAX_DELEGATIONS {
                return Err(Problem::TooManyDelegations.at(&role, "5.6.7.1"));
            }
            if let Some(delegator) = delegator {
                self.load_delegated(source, &role, &delegator)?;
            }
            visited.insert(role.clone());
            let Some(targets) = self.trusted.targets_role(&role) else {
                return Err(Problem::NotRefreshed.at(&role, "5.6.7"));
            };
            if let Some(file) = targets.target(path) {
                let consistent = self.trusted.root().consistent_snapshot;
                return Target::new(&role, path, file, consistent)
                    .map(Some)
                    .map_err(|problem| problem.at(&role, "5.7.1"));
            }
            // 5.6.7.2 Its delegations, in their order.
            let (children, ends) =
                children(targets, path).map_err(|problem| problem.at(&role, "5.6.7.2"))?;
            if ends {
                next.clear();
            }
            next.extend(
                children
                    .into_iter()
                    .rev()
                    .map(|name| (name, Some(role.clone()))),
            );
        }
        Ok(None)
    }

    /// Paths that any role lists, each once, for a catalogue. A path is what a role
    /// *says*; only [`Repository::resolve`] tells whether it may.
    ///
    /// A role whose file could not be carried to machines is refused here, where a
    /// person takes the repository in and can say so to the vendor.
    pub fn listed(&mut self, source: &mut dyn Source) -> Result<BTreeSet<String>, VendorError> {
        if !self.fresh {
            return Err(Problem::NotRefreshed.at("targets", "5.6.7"));
        }
        let (mut paths, mut visited) = (BTreeSet::new(), BTreeSet::new());
        let mut next: Vec<Visit> = vec![("targets".to_owned(), None)];
        while let Some((role, delegator)) = next.pop() {
            if !visited.insert(role.clone()) {
                continue;
            }
            if let Some(delegator) = delegator {
                let file = format!("{}.json", encoded(&role));
                if !is_role_file(&file) {
                    let problem = Problem::RoleName(role.clone());
                    return Err(problem.at(&role, "5.6.1"));
                }
                self.load_delegated(source, &role, &delegator)?;
            }
            let Some(targets) = self.trusted.targets_role(&role) else {
                continue;
            };
            paths.extend(targets.targets.keys().cloned());
            let delegations = targets.delegations.iter().flat_map(|all| &all.roles);
            let children = delegations.filter(|child| !TOP_LEVEL.contains(&child.name.as_str()));
            next.extend(children.map(|child| (child.name.clone(), Some(role.clone()))));
        }
        Ok(paths)
    }

    /// Loads a delegated role under the keys of `delegator`. The same role may be
    /// reached over others with other keys: each delegation is verified by itself.
    fn load_delegated(
        &mut self,
        source: &mut dyn Source,
        role: &str,
        delegator: &str,
    ) -> Result<(), VendorError> {
        let edge = (role.to_owned(), delegator.to_owned());
        if self.verified.contains(&edge) {
            return Ok(());
        }
        self.load_targets(source, role, |repository, bytes, file| {
            let delegations = repository
                .trusted
                .targets_role(delegator)
                .and_then(|targets| targets.delegations.as_ref());
            let bound = delegations
                .and_then(|all| Some((all, all.roles.iter().find(|one| one.name == role)?)));
            let (delegations, bound) =
                bound.ok_or_else(|| Problem::Malformed("it is not delegated to".to_owned()))?;
            signers::by_keys(file, &delegations.keys, &bound.role_keys(), role)?;
            let now = repository.instant();
            repository
                .trusted
                .update_delegated_targets(bytes, role, delegator, now)?;
            Ok(())
        })?;
        self.verified.insert(edge);
        Ok(())
    }
}

/// The roles to which `targets` delegates `path`, and whether the search ends with them.
fn children(targets: &Targets, path: &str) -> Result<(Vec<String>, bool), Problem> {
    let mut names = Vec::new();
    for child in targets.delegations.iter().flat_map(|all| &all.roles) {
        if TOP_LEVEL.contains(&child.name.as_str()) || !child.matches_path(path)? {
            continue;
        }
        names.push(child.name.clone());
        if child.terminating {
            return Ok((names, true));
        }
    }
    Ok((names, false))
}
