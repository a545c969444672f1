//! Where connections go.

use std::net::{IpAddr, Ipv4Addr};

use drydock_shell::NetError;

use super::Place;

/// How bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// As a stream that arrives.
    Tcp,
    /// As datagrams that may be lost.
    Udp,
}

impl Protocol {
    /// The one that objects name.
    pub fn named(name: &str) -> Option<Protocol> {
        match name {
            "TCP" | "" => Some(Protocol::Tcp),
            "UDP" => Some(Protocol::Udp),
            _ => None,
        }
    }
}

/// Where somebody wants to connect to.
#[derive(Debug, Clone, Copy)]
pub struct Address {
    /// The address.
    pub ip: Ipv4Addr,
    /// The port.
    pub port: u16,
    /// Of which there is one of each number for each protocol.
    pub protocol: Protocol,
}

impl Address {
    /// An address as programs have it.
    ///
    /// # Errors
    /// When it leads nowhere here: but for a machine's own, there are none of the sixth version.
    pub fn of(address: IpAddr, port: u16, protocol: Protocol) -> Result<Address, NetError> {
        match address {
            IpAddr::V4(ip) => Ok(Address { ip, port, protocol }),
            IpAddr::V6(ip) if ip.is_loopback() => Ok(Address { ip: Ipv4Addr::LOCALHOST, port, protocol }),
            IpAddr::V6(_) => Err(NetError::Unreachable),
        }
    }
}

/// Where a connection is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The machine.
    pub place: Place,
    /// Its port.
    pub port: u16,
}
