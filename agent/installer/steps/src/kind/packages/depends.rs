//! Whether every dependency of the coming packages is met once they are unpacked. A row
//! that cannot be read is a refusal: nothing is met by what nobody understood.

use patchward_common::component::Source;
use patchward_common::version::compare;
use std::collections::BTreeSet;

/// How dpkg-query tells what is there: name, status, version, and what is provided.
pub(super) const INSTALLED: &str = "${Package}\\t${db:Status-Status}\\t${Version}\\t${Provides}\\n";
/// How dpkg-deb tells what a file holds: name, version, what is provided, and dependencies.
pub(super) const COMING: &str =
    "${Package}\\t${Version}\\t${Provides}\\t${Pre-Depends}, ${Depends}\\n";
/// The states in which dpkg lets a package meet a dependency.
const PRESENT: [&str; 2] = ["installed", "triggers-pending"];

/// A package or what one provides, with the version that it has, if any.
type There = (String, Option<String>);

/// The first clause of the coming packages' dependencies that neither they nor the
/// installed ones meet. `installed` has rows of four fields as `dpkg-query` writes them: name,
/// status, version, what is provided; each of `coming` is the one row of one file: name,
/// version, what is provided, dependencies.
///
/// # Errors
/// A row of another shape, or without a version.
pub fn unmet(installed: &str, coming: &[String]) -> Result<Option<String>, String> {
    let coming = coming
        .iter()
        .map(|said| row(said.strip_suffix('\n').unwrap_or(said)))
        .collect::<Result<Vec<_>, _>>()?;
    let replaced: BTreeSet<&str> = coming.iter().map(|[name, ..]| *name).collect();
    let mut there = Vec::new();
    for line in installed.lines() {
        let [name, status, version, provided] = row(line)?;
        if PRESENT.contains(&status) && !replaced.contains(name) {
            add(&mut there, name, version, provided)?;
        }
    }
    for [name, version, provided, _] in &coming {
        add(&mut there, name, version, provided)?;
    }
    let clauses = coming.iter().flat_map(|[.., needed]| needed.split(','));
    let missing = clauses
        .map(str::trim)
        .find(|one| !one.is_empty() && !one.split('|').any(|text| is_met(&there, text)));
    Ok(missing.map(str::to_owned))
}

/// The four fields of a row.
fn row(line: &str) -> Result<[&str; 4], String> {
    let fields: Result<[&str; 4], _> = line.split('\t').collect::<Vec<_>>().try_into();
    match fields {
        Ok(fields) if !fields[0].is_empty() && !line.contains('\n') => Ok(fields),
        _ => Err(format!("dpkg gave a row of another shape: {line:?}")),
    }
}

fn add(there: &mut Vec<There>, name: &str, version: &str, provided: &str) -> Result<(), String> {
    if version.is_empty() {
        return Err(format!("dpkg gave no version of {name}"));
    }
    there.push((name.to_owned(), Some(version.to_owned())));
    let provided = provided.split(',').filter(|text| !text.trim().is_empty());
    there.extend(provided.map(|text| {
        let (name, relation) = clause(text);
        (name, relation.map(|(_, version)| version))
    }));
    Ok(())
}

/// Whether something there meets one alternative of a clause.
fn is_met(there: &[There], text: &str) -> bool {
    let (name, relation) = clause(text);
    let named = there.iter().filter(|(found, _)| *found == name);
    let mut versions = named.map(|(_, version)| version);
    let Some((relation, wanted)) = relation else {
        return versions.next().is_some();
    };
    versions.flatten().any(|version| {
        let order = compare(Source::Deb, version, &wanted);
        order.is_some_and(|order| match relation.as_str() {
            "<<" => order.is_lt(),
            "<=" => order.is_le(),
            "=" => order.is_eq(),
            ">=" => order.is_ge(),
            ">>" => order.is_gt(),
            _ => false,
        })
    })
}

/// `name:arch (relation version)`, of which the last part may be missing.
fn clause(text: &str) -> (String, Option<(String, String)>) {
    let (name, rest) = text.split_once('(').unwrap_or((text, ""));
    let name = name.split(':').next().unwrap_or(name).trim().to_owned();
    let rest = rest.split(')').next().unwrap_or_default().trim();
    let at = rest.find(|c| !matches!(c, '<' | '=' | '>')).unwrap_or(0);
    let (relation, version) = rest.split_at(at);
    let relation = (!rest.is_empty()).then(|| (relation.to_owned(), version.trim().to_owned()));
    (name, relation)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTALLED_ROWS: &str = "libc6\tinstalled\t2.36-9\t\n\
        exim4\tinstalled\t4.96\tmail-transport-agent, smtp (= 2.0)\n\
        viewer\tinstalled\t0.9\told-viewer\n\
        gone\tconfig-files\t3.0\tgone-too\n\
        broken\thalf-installed\t3.0\t\n\
        never\tnot-installed\t\t\n";

    fn missing(depends: &str) -> Option<String> {
        let coming = [
            format!("viewer\t1\t\t{depends}\n"),
            "other\t1.0\t\t, \n".to_owned(),
        ];
        unmet(INSTALLED_ROWS, &coming).unwrap()
    }

    #[test]
    fn dependencies_are_met_by_the_installed_the_coming_and_what_they_provide() {
        for (depends, expected) in [
            ("libc6", None),
            ("libc6 (>= 2.30), libc6:any (<< 3)", None),
            ("libc6 (>= 2.37)", Some("libc6 (>= 2.37)")),
            ("nothing | libc6 (= 2.36-9)", None),
            ("mail-transport-agent, smtp (>= 1.5)", None),
            (
                "mail-transport-agent (>= 1)",
                Some("mail-transport-agent (>= 1)"),
            ),
            ("other (>> 0.9)", None),
            (", libc6, nothing", Some("nothing")),
        ] {
            assert_eq!(missing(depends).as_deref(), expected, "{depends}");
        }
    }

    #[test]
    fn what_is_gone_broken_or_replaced_meets_nothing() {
        for depends in [
            "gone",
            "gone-too",
            "broken",
            "never",
            // The installed viewer is replaced by the coming one.
            "viewer (<< 1)",
            "old-viewer",
            // No order is known for these.
            "libc6 (2.36-9)",
            "libc6 (~ 2)",
        ] {
            assert_eq!(missing(depends).as_deref(), Some(depends));
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_is_a_refusal() {
        let good = "viewer\t1\t\tlibc6\n".to_owned();
        for (installed, coming) in [
            ("dpkg-query: warning: missing Maintainer\n", good.clone()),
            ("libc6\tinstalled\t2.36-9\n", good.clone()),
            ("libc6\tinstalled\t\t\n", good.clone()),
            ("\tinstalled\t1\t\n", good.clone()),
            (INSTALLED_ROWS, "dpkg-deb: warning: no\n".to_owned()),
            (INSTALLED_ROWS, format!("{good}{good}")),
            (INSTALLED_ROWS, format!("warning\n{good}")),
            (INSTALLED_ROWS, "viewer\t\t\tlibc6\n".to_owned()),
            (INSTALLED_ROWS, String::new()),
        ] {
            let found = unmet(installed, std::slice::from_ref(&coming));
            assert!(found.is_err(), "{installed:?} {coming:?}: {found:?}");
        }
    }
}
