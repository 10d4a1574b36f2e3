//! Roles of accounts, and the units that they are given for.

use patchward_common::id::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// What a person does in the hospital, as far as the page is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything, changes nothing.
    Viewer,
    /// Sees everything, and takes evidence and the audit log with them.
    Auditor,
    /// Sees its unit's night; says "not now".
    Ward,
    /// HTM: returns machines to service, works by hand, answers for devices.
    Technician,
    /// HTM: decides what is changed and when.
    Approver,
    /// Rates exposure, proposes exceptions and emergencies.
    Security,
    /// IT: enrols, imports, asks for plans, stops.
    Operator,
    /// People, roles, settings.
    Admin,
}

/// Every role, in the order in which pages list them.
pub const ROLES: [Role; 8] = [
    Role::Viewer,
    Role::Auditor,
    Role::Ward,
    Role::Technician,
    Role::Approver,
    Role::Security,
    Role::Operator,
    Role::Admin,
];

impl Role {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::Ward => "ward",
            Self::Technician => "technician",
            Self::Approver => "approver",
            Self::Security => "security",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Whether what it may do is worth a second factor.
    pub fn decides(self) -> bool {
        matches!(
            self,
            Self::Technician | Self::Approver | Self::Security | Self::Operator | Self::Admin
        )
    }

    /// Whether it can be given for some units alone: the others look at or change what has
    /// no unit.
    pub fn can_be_of_units(self) -> bool {
        matches!(self, Self::Ward | Self::Technician | Self::Approver)
    }
}

/// One role of one account, everywhere or in one unit. Written `technician` or
/// `technician:icu-3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Where; everywhere, if nothing is said.
    pub unit: Option<Name>,
}

/// A text that is no grant.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadGrant {
    /// No such role.
    #[error(
        "\"{0}\" is no role; the roles are viewer, auditor, ward, technician, approver, security, operator and admin"
    )]
    Role(String),
    /// No such unit name.
    #[error("\"{0}\" is no name of a unit")]
    Unit(String),
    /// A role that has no units.
    #[error("{} is given for the whole hospital: write it without a unit", .0.word())]
    Everywhere(Role),
    /// The ward's role is of units.
    #[error("ward is given for a unit: write ward:UNIT")]
    Nowhere,
}

impl FromStr for Grant {
    type Err = BadGrant;

    fn from_str(text: &str) -> Result<Self, BadGrant> {
        let (word, unit) = match text.split_once(':') {
            Some((word, unit)) => (word, Some(unit)),
            None => (text, None),
        };
        let role = ROLES.into_iter().find(|role| role.word() == word);
        let role = role.ok_or_else(|| BadGrant::Role(word.to_owned()))?;
        let name = |unit: &str| Name::new(unit).map_err(|_| BadGrant::Unit(unit.to_owned()));
        let unit = unit.map(name).transpose()?;
        match (&unit, role) {
            (Some(_), _) if !role.can_be_of_units() => Err(BadGrant::Everywhere(role)),
            (None, Role::Ward) => Err(BadGrant::Nowhere),
            _ => Ok(Self { role, unit }),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Some(unit) => write!(f, "{}:{unit}", self.role.word()),
            None => f.write_str(self.role.word()),
        }
    }
}

impl TryFrom<String> for Grant {
    type Error = BadGrant;

    fn try_from(text: String) -> Result<Self, BadGrant> {
        text.parse()
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> Self {
        grant.to_string()
    }
}

/// Where something may be done or seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In the whole hospital.
    Everywhere,
    /// In these units; in none, if it is empty.
    Units(BTreeSet<Name>),
}

impl Reach {
    /// Where one of `roles` is given by `grants`.
    pub fn of(grants: &[Grant], roles: &[Role]) -> Self {
        let given = || grants.iter().filter(|grant| roles.contains(&grant.role));
        if given().any(|grant| grant.unit.is_none()) {
            return Self::Everywhere;
        }
        Self::Units(given().filter_map(|grant| grant.unit.clone()).collect())
    }

    /// Whether it is nowhere.
    pub fn is_nowhere(&self) -> bool {
        matches!(self, Self::Units(units) if units.is_empty())
    }

    /// Whether it covers a unit.
    pub fn covers(&self, unit: &Name) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Units(units) => units.contains(unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_a_role_or_a_role_of_a_unit() {
        for good in [
            "viewer",
            "technician",
            "technician:icu-3",
            "ward:icu-3",
            "admin",
        ] {
            assert_eq!(good.parse::<Grant>().unwrap().to_string(), good);
        }
        for (bad, why) in [
            ("boss", "is no role"),
            ("admin:icu-3", "without a unit"),
            ("security:icu-3", "without a unit"),
            ("ward", "ward:UNIT"),
            ("ward:", "no name of a unit"),
            ("technician:A B", "no name of a unit"),
        ] {
            let error = bad.parse::<Grant>().unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn a_role_reaches_where_it_is_given() {
        let grants: Vec<Grant> = ["technician:icu-3", "approver", "ward:or-1"]
            .map(|text| text.parse().unwrap())
            .into();
        let icu = Name::new("icu-3").unwrap();
        let other = Name::new("or-1").unwrap();
        let technician = Reach::of(&grants, &[Role::Technician]);
        assert!(technician.covers(&icu) && !technician.covers(&other));
        assert_eq!(
            Reach::of(&grants, &[Role::Technician, Role::Approver]),
            Reach::Everywhere
        );
        assert!(Reach::of(&grants, &[Role::Admin]).is_nowhere());
    }
}
