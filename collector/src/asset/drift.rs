//! Machines that are seen where their unit is not.

use super::subnet::Subnet;
use core::net::IpAddr;
use patchward_common::id::Name;

/// Why a machine that was heard from `address` is not where its unit is; `None` where it
/// is, where its unit has no subnets, or where it was never heard.
pub fn elsewhere(unit: &Name, subnets: &[(Name, Subnet)], address: Option<&str>) -> Option<String> {
    let address: IpAddr = address?.parse().ok()?;
    let mut own = subnets.iter().filter(|(name, _)| name == unit).peekable();
    own.peek()?;
    if own.any(|(_, subnet)| subnet.contains(address)) {
        return None;
    }
    let others = subnets
        .iter()
        .filter(|(_, subnet)| subnet.contains(address));
    let others: Vec<&str> = others.map(|(name, _)| name.as_str()).collect();
    let whose = match others.is_empty() {
        true => "no unit's subnet".to_owned(),
        false => format!("a subnet of {}", others.join(", ")),
    };
    Some(format!(
        "it was heard from {address}, {whose}, and its unit is {unit}; bring it back, or have it assigned to where it is"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certainly_elsewhere_is_told() {
        let name = |text: &str| Name::new(text).unwrap();
        let subnets = [
            (name("icu"), "10.3.0.0/16".parse().unwrap()),
            (name("icu"), "10.4.0.0/16".parse().unwrap()),
            (name("er"), "10.5.0.0/16".parse().unwrap()),
        ];
        let told = |unit: &str, address| elsewhere(&name(unit), &subnets, address);
        assert_eq!(told("icu", Some("10.4.0.1")), None);
        assert_eq!(told("icu", None), None);
        assert_eq!(told("lab", Some("10.4.0.1")), None, "it has no subnets");
        let er = told("icu", Some("10.5.0.1")).unwrap();
        assert!(er.contains("a subnet of er"), "{er}");
        assert!(
            told("icu", Some("192.0.2.1"))
                .unwrap()
                .contains("no unit's")
        );
    }
}
