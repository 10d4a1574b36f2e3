//! A question for components: `openssl < 3.0.15`, `libssl*`, `pkg:deb/debian/openssl@<3.0.15`.

use super::wanted::{Verdict, Wanted};
use crate::advisory::version::decoded;
use patchward_common::component::{Component, MAX_FIELD_BYTES, Source};

/// The name that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This one.
    Exactly(String),
    /// Every one that begins so.
    Begins(String),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The name.
    pub name: Pattern,
    /// The versions.
    pub wanted: Wanted,
    /// Where it is looked for.
    pub sources: Vec<Source>,
    /// The only architecture, where one is named.
    pub arch: Option<String>,
    /// What of the question was not looked at, for who asked.
    pub note: Option<String>,
}

impl Query {
    /// Reads a question in words or as a package URL.
    ///
    /// # Errors
    /// What is wrong with it, for who typed it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text
            .get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case("pkg:"))
        {
            return Self::of_purl(text, None);
        }
        let (name, versions) = match text.find(" vers:") {
            Some(at) => text.split_at(at),
            None => text.split_at(text.find(['<', '>', '=', '!']).unwrap_or(text.len())),
        };
        Self::of(name.trim(), Wanted::parse(versions)?)
    }

    /// Reads a package URL; `versions` says which where the URL names none.
    ///
    /// # Errors
    /// What is wrong with it, for who typed it.
    pub fn of_purl(purl: &str, versions: Option<&str>) -> Result<Self, String> {
        let bad = |why: &str| format!("{purl:?} {why}; write it as pkg:deb/debian/openssl@<3.0.15");
        let rest = purl.get(4..).ok_or_else(|| bad("is no package URL"))?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (path, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (path, version) = split_version(path);
        let (kind, path) = path
            .trim_start_matches('/')
            .split_once('/')
            .ok_or_else(|| bad("names no type or no package"))?;
        let name = path.rsplit('/').next().and_then(decoded);
        let name = name.ok_or_else(|| bad("is damaged"))?;
        let version = version.map(|text| decoded(text).ok_or_else(|| bad("is damaged")));
        let version = version.transpose()?;
        let (mut arch, mut epoch) = (None, None);
        for pair in qualifiers.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| bad("is damaged"))?;
            match key {
                "arch" => arch = decoded(value),
                "epoch" => epoch = decoded(value),
                _ => {}
            }
        }
        let version = match (version, versions) {
            (Some(_), Some(_)) => return Err(bad("says a version, and so does what is beside it")),
            (Some(version), None) => match epoch {
                Some(epoch) => format!("{epoch}:{version}"),
                None => version,
            },
            (None, versions) => versions.unwrap_or("*").to_owned(),
        };
        let mut query = Self::of(&name, Wanted::parse(&version)?)?;
        let (of_kind, is_package) = sources_of(kind);
        query.sources.retain(|source| of_kind.contains(source));
        query.arch = arch;
        query.note = is_package.then(|| {
            "The distribution is not looked at: a package of this name counts on every one."
                .to_owned()
        });
        Ok(query)
    }

    fn of(name: &str, wanted: Wanted) -> Result<Self, String> {
        let pattern = match name.strip_suffix('*') {
            Some(begin) => Pattern::Begins(begin.to_owned()),
            None => Pattern::Exactly(name.to_owned()),
        };
        if name.is_empty() || name.len() > MAX_FIELD_BYTES {
            return Err(format!(
                "say which component: a name of up to {MAX_FIELD_BYTES} bytes, such as openssl or \
                 libssl*"
            ));
        }
        if name.trim_end_matches('*').contains('*') || name.ends_with("**") {
            return Err(format!("{name:?}: a star stands at the end only"));
        }
        let sources = wanted.sources().to_vec();
        Ok(Self {
            name: pattern,
            wanted,
            sources,
            arch: None,
            note: None,
        })
    }

    /// Whether a component is one that is asked for.
    pub fn verdict(&self, component: &Component) -> Verdict {
        let is_named = match &self.name {
            Pattern::Exactly(name) => component.name == *name,
            Pattern::Begins(begin) => component.name.starts_with(begin.as_str()),
        };
        let is_arch = self
            .arch
            .as_ref()
            .is_none_or(|arch| *arch == component.arch);
        if !is_named || !is_arch || !self.sources.contains(&component.source) {
            return Verdict::Out;
        }
        self.wanted.verdict(component.source, &component.version)
    }
}

impl std::fmt::Display for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Pattern::Exactly(name) => write!(f, "{name}, {}", self.wanted),
            Pattern::Begins(begin) => write!(f, "{begin}*, {}", self.wanted),
        }
    }
}

/// The path and what follows its last `@`; a scope such as `@acme/` is no version.
fn split_version(path: &str) -> (&str, Option<&str>) {
    if let Some(at) = path.find("@vers:") {
        return (&path[..at], Some(&path[at + 1..]));
    }
    match path.rsplit_once('@') {
        Some((path, version)) if !version.contains('/') => (path, Some(version)),
        _ => (path, None),
    }
}

/// Where packages of a type are found, and whether they are a distribution's.
fn sources_of(kind: &str) -> (&'static [Source], bool) {
    match kind.to_ascii_lowercase().as_str() {
        "deb" => (&[Source::Deb], true),
        "rpm" => (&[Source::Rpm], true),
        _ => (&[Source::Probe, Source::Tree, Source::Firmware], false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(source: Source, name: &str, version: &str) -> Component {
        Component {
            source,
            name: name.into(),
            version: version.into(),
            arch: "amd64".into(),
        }
    }

    #[test]
    fn words_and_package_urls_ask_the_same() {
        let has = component(Source::Deb, "openssl", "3.0.11-1~deb12u2");
        for text in [
            "openssl < 3.0.15",
            "openssl<3.0.15",
            "openssl >= 3.0, < 3.0.15",
            "openssl",
            "open*",
            "openssl vers:deb/>=3.0|<3.0.15",
            "pkg:deb/debian/openssl@<3.0.15",
            "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12",
            "pkg:deb/debian/openssl@3.0.11-1%7Edeb12u2",
            "pkg:deb/debian/openssl@vers:deb/<3.0.15",
            "PKG:deb/openssl",
        ] {
            assert_eq!(
                Query::parse(text).unwrap().verdict(&has),
                Verdict::In,
                "{text}"
            );
        }
        for text in [
            "openssl < 3.0",
            "libssl*",
            "pkg:rpm/redhat/openssl@<3.0.15",
            "pkg:generic/openssl",
            "pkg:deb/debian/openssl@<3.0.15?arch=arm64",
            "openssl vers:rpm/<3.0.15",
        ] {
            assert_eq!(
                Query::parse(text).unwrap().verdict(&has),
                Verdict::Out,
                "{text}"
            );
        }
        let purl = Query::of_purl("pkg:deb/debian/openssl", Some("vers:deb/<3.0.15"));
        assert_eq!(purl.unwrap().verdict(&has), Verdict::In);
        let rpm = component(Source::Rpm, "openssl", "1:3.0.7-25.el9");
        let purl = "pkg:rpm/redhat/openssl@3.0.7-25.el9?epoch=1";
        assert_eq!(Query::parse(purl).unwrap().verdict(&rpm), Verdict::In);
    }

    #[test]
    fn what_is_no_question_is_refused() {
        for text in [
            "",
            "< 1",
            "a*b < 1",
            "a**",
            "openssl <",
            "pkg:deb",
            "pkg:deb/x@%zz",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
        assert!(Query::of_purl("pkg:deb/x@1", Some("< 2")).is_err());
    }

    proptest::proptest! {
        /// Nothing that somebody types makes it fall.
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}", purl in "pkg:.{0,40}") {
            let _ = Query::parse(&text);
            let _ = Query::parse(&purl);
        }
    }
}
