//! Utilities of the network: `curl`, `wget`, `nc`, `nslookup`, over the host's sockets; and what is known of these.

mod curl;
mod dig;
mod http;
mod ip;
mod lookup;
mod nc;
mod ping;
mod sockets;
mod wget;

pub(super) use curl::program as curl;
pub(super) use dig::run as dig;
pub(super) use ip::run as ip;
pub(super) use lookup::{getent, nslookup};
pub(super) use nc::program as nc;
pub(super) use ping::{ping, traceroute};
pub(super) use sockets::{netstat, route, ss};
pub(super) use wget::program as wget;
