//! Subnets of units.

// Only the types of addresses: nothing is opened.
use core::net::IpAddr;

/// A subnet, such as `10.3.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    first: IpAddr,
    bits: u8,
}

impl Subnet {
    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, other) = (numbers(self.first), numbers(address.to_canonical()));
        own.1 == other.1 && masked(own, self.bits) == masked(other, self.bits)
    }
}

/// An address as a number and the count of its bits.
fn numbers(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// The first `bits` of an address.
fn masked((number, width): (u128, u8), bits: u8) -> u128 {
    let rest = u32::from(width.saturating_sub(bits));
    number.checked_shr(rest).unwrap_or(0)
}

impl std::str::FromStr for Subnet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\": write a subnet as 10.3.0.0/16 or fd00:3::/48");
        let (first, bits) = text.split_once('/').ok_or_else(wrong)?;
        let first: IpAddr = first.parse().map_err(|_| wrong())?;
        let bits: u8 = bits.parse().map_err(|_| wrong())?;
        let (number, width) = numbers(first);
        if bits > width {
            return Err(wrong());
        }
        let rest = u32::from(width - bits);
        let back = masked((number, width), bits).checked_shl(rest).unwrap_or(0);
        match back == number {
            true => Ok(Self { first, bits }),
            false => Err(format!(
                "\"{text}\" is an address within a subnet; write the subnet's first address"
            )),
        }
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_in_a_subnet_or_not() {
        for (subnet, address, is_in) in [
            ("10.3.0.0/16", "10.3.255.1", true),
            ("10.3.0.0/16", "10.4.0.1", false),
            ("10.3.0.0/16", "::ffff:10.3.0.9", true),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("10.3.0.7/32", "10.3.0.7", true),
            ("fd00:3::/48", "fd00:3::1", true),
            ("fd00:3::/48", "fd00:4::1", false),
            ("::/0", "fd00:4::1", true),
        ] {
            let read: Subnet = subnet.parse().unwrap();
            assert_eq!(read.to_string(), subnet);
            assert_eq!(
                read.contains(address.parse().unwrap()),
                is_in,
                "{subnet} {address}"
            );
        }
        for wrong in [
            "10.3.0.0",
            "10.3.0.0/33",
            "10.3.0.1/16",
            "x/8",
            "10.3/16",
            "::1/64",
        ] {
            assert!(wrong.parse::<Subnet>().is_err(), "{wrong}");
        }
    }
}
