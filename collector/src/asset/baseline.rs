//! What a new machine must show before it is used.

use crate::store::assets::{Baseline, BaselineComponent};
use crate::store::machines::Readiness;
use patchward_common::component::{ComponentSet, MAX_FIELD_BYTES, Source};
use patchward_common::trust::assignment::Mode;
use patchward_common::version::Range;
use patchward_common::wire::machine::InterlockWord;

/// What a machine shows.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// What HTM assigned.
    pub mode: Mode,
    /// What its readiness probes say.
    pub readiness: Option<Readiness>,
    /// What its interlock says.
    pub interlock: Option<InterlockWord>,
    /// What is installed on it.
    pub components: Option<&'a ComponentSet>,
}

/// One thing that a baseline asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What.
    pub what: String,
    /// What the machine shows.
    pub found: String,
    /// Whether that is enough.
    pub is_there: bool,
}

/// Reads `NAME RANGE`, such as `openssl >= 3.0.15`; a name alone asks for any version.
///
/// # Errors
/// What is wrong with it.
pub fn component(text: &str) -> Result<(String, String), String> {
    let at = text.find(['<', '>', '=', '!', '*']).unwrap_or(text.len());
    let (name, versions) = (text[..at].trim(), text[at..].trim());
    let versions = if versions.is_empty() { "*" } else { versions };
    if name.is_empty() || name.len() > MAX_FIELD_BYTES {
        return Err("write a component as NAME, or as \"NAME >= VERSION\"".to_owned());
    }
    // Which order its versions have is known once it is found; any that fits will do.
    let read = [Source::Deb, Source::Rpm, Source::Firmware].map(|one| Range::parse(one, versions));
    match read.into_iter().find_map(Result::ok) {
        Some(_) => Ok((name.to_owned(), versions.to_owned())),
        None => Err(format!(
            "\"{versions}\" is no range of versions; write one as >=1.2, or as >=1.2|<2"
        )),
    }
}

/// Everything that a baseline asks for, and what the machine shows of it.
pub fn compare(
    baseline: &Baseline,
    components: &[BaselineComponent],
    shown: &Shown<'_>,
) -> Vec<Asked> {
    let mut asked = Vec::new();
    if baseline.is_ready == 1 {
        asked.push(Asked {
            what: "its readiness probes pass".to_owned(),
            found: shown
                .readiness
                .map_or("never heard", Readiness::word)
                .to_owned(),
            is_there: shown.readiness == Some(Readiness::Ready),
        });
    }
    if baseline.has_interlock == 1 {
        let tells = [InterlockWord::Idle, InterlockWord::InUse];
        let found = shown.interlock.filter(|word| tells.contains(word));
        asked.push(Asked {
            what: "its interlock tells whether it is in use".to_owned(),
            found: match found {
                Some(_) => "it does".to_owned(),
                None => "it does not; give it an interlock profile".to_owned(),
            },
            is_there: found.is_some(),
        });
    }
    if let Some(mode) = baseline.mode {
        asked.push(Asked {
            what: format!("HTM assigned it mode {}", mode.word()),
            found: format!("mode {}", shown.mode.word()),
            is_there: shown.mode == mode,
        });
    }
    let own = components
        .iter()
        .filter(|one| one.baseline == baseline.name);
    asked.extend(own.map(|one| of_component(one, shown.components)));
    asked
}

/// Each installed one of that name has to lie in the range.
fn of_component(asked: &BaselineComponent, set: Option<&ComponentSet>) -> Asked {
    let installed = set.into_iter().flat_map(|set| set.iter());
    let installed: Vec<_> = installed
        .filter(|one| one.name == asked.component)
        .collect();
    let fits = |source, version: &str| {
        let range = Range::parse(source, &asked.versions).ok();
        range.and_then(|range| range.contains(version))
    };
    let verdicts: Vec<(&str, Option<bool>)> = installed
        .iter()
        .map(|one| (one.version.as_str(), fits(one.source, &one.version)))
        .collect();
    let found: Vec<String> = verdicts
        .iter()
        .map(|(version, fits)| match fits {
            Some(true) => (*version).to_owned(),
            Some(false) => format!("{version}, which is not in the range"),
            None => format!("{version}, which cannot be compared; ask a person"),
        })
        .collect();
    Asked {
        what: match asked.versions.as_str() {
            "*" => asked.component.clone(),
            versions => format!("{} {versions}", asked.component),
        },
        found: match (set, found.is_empty()) {
            (None, _) => "its inventory is not here yet".to_owned(),
            (_, true) => "it is not installed".to_owned(),
            _ => found.join("; "),
        },
        is_there: !verdicts.is_empty() && verdicts.iter().all(|(_, fits)| *fits == Some(true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::component::Component;
    use patchward_common::id::Name;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn components_are_typed_as_people_say_them() {
        let pair = |a: &str, b: &str| Ok((a.to_owned(), b.to_owned()));
        assert_eq!(component("openssl >= 3.0.15"), pair("openssl", ">= 3.0.15"));
        assert_eq!(component("Acme Box BIOS"), pair("Acme Box BIOS", "*"));
        assert_eq!(component("viewer=2"), pair("viewer", "=2"));
        assert!(component(">=1").is_err() && component("x >=").is_err());
    }

    #[test]
    fn what_is_missing_wrong_or_not_comparable_is_not_there() {
        let installed = |name: &str, version: &str| Component {
            source: Source::Deb,
            name: name.into(),
            version: version.into(),
            arch: String::new(),
        };
        let set = ComponentSet::new(vec![
            installed("openssl", "3.0.15-1"),
            installed("viewer", "1"),
            installed("odd", "a b"),
        ])
        .unwrap();
        let baseline = Baseline {
            name: name("base"),
            model: name("station"),
            is_ready: 1,
            has_interlock: 1,
            mode: Some(Mode::Rehearse),
        };
        let asks = |component: &str, versions: &str| BaselineComponent {
            baseline: name("base"),
            component: component.into(),
            versions: versions.into(),
        };
        let components = [
            asks("openssl", ">=3.0.15"),
            asks("viewer", ">=2"),
            asks("odd", ">=1"),
            asks("agent", "*"),
        ];
        let shown = Shown {
            mode: Mode::Rehearse,
            readiness: Some(Readiness::Unknown),
            interlock: Some(InterlockWord::InUse),
            components: Some(&set),
        };
        let there: Vec<bool> = compare(&baseline, &components, &shown)
            .iter()
            .map(|asked| asked.is_there)
            .collect();
        assert_eq!(there, [false, true, true, true, false, false, false]);
        let nothing = Shown {
            components: None,
            ..shown
        };
        let asked = compare(&baseline, &components, &nothing);
        assert!(asked[3].found.contains("not here yet"));
    }
}
