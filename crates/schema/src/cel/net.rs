//! Addresses and URLs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::eval::{Found, failed};
use super::val::{Opaque, Val};

/// A URL in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    pub(super) text: String,
    scheme: String,
    host: String,
    path: String,
    query: String,
}

fn url(text: &str) -> Option<Url> {
    if text.is_empty() || text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return None;
    }
    let body = text.split_once('#').map_or(text, |(body, _)| body);
    let (body, query) = body.split_once('?').unwrap_or((body, ""));
    let (scheme, rest) = match body.split_once(':') {
        Some((scheme, rest))
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) =>
        {
            (scheme, rest)
        }
        _ => ("", body),
    };
    let (host, path) = match rest.strip_prefix("//") {
        Some(rest) if !scheme.is_empty() || !rest.starts_with('/') => match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        },
        _ => ("", rest),
    };
    // Relative references are none; what has no host has a rooted path.
    if scheme.is_empty() && !path.starts_with('/') || host.contains([' ', '<', '>', '"']) {
        return None;
    }
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let port = host.rsplit_once(']').map_or(host, |(_, rest)| rest).split_once(':').map_or("", |(_, port)| port);
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |text: &str| text.to_owned();
    Some(Url {
        text: part(text),
        scheme: scheme.to_ascii_lowercase(),
        host: part(host),
        path: path.replace(' ', "%20"),
        query: part(query),
    })
}

fn unescaped(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |rest: &std::str::Bytes<'_>| {
            let digits: Vec<u8> = rest.clone().take(2).collect();
            std::str::from_utf8(&digits).ok().filter(|d| d.len() == 2).and_then(|d| u8::from_str_radix(d, 16).ok())
        };
        match (byte, hex(&bytes)) {
            (b'+', _) => out.push(b' '),
            (b'%', Some(byte)) => {
                out.push(byte);
                bytes.nth(1);
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn ip(text: &str) -> Result<IpAddr, String> {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_some() => Err("IPv4-mapped IPv6 address is not allowed".into()),
        Ok(ip) => Ok(ip),
        Err(_) if text.contains('%') => Err(format!("IP address with zone value is not allowed: {text}")),
        Err(_) => Err(format!(
            "IP Address {} parse error during conversion from string: ParseAddr({0}): unable to parse IP",
            crate::go::quote(text)
        )),
    }
}

fn cidr(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong = || {
        format!(
            "network address parse error during conversion from string: netip.ParsePrefix({}): no '/'",
            crate::go::quote(text)
        )
    };
    let (address, length) = text.split_once('/').ok_or_else(wrong)?;
    let address = ip(address)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let plain = length.bytes().all(|b| b.is_ascii_digit()) && (length.len() == 1 || !length.starts_with('0'));
    let length = length.parse().ok().filter(|length| plain && *length <= most);
    let why = || {
        format!(
            "network address parse error during conversion from string: netip.ParsePrefix({}): prefix length out of range",
            crate::go::quote(text)
        )
    };
    Ok((address, length.ok_or_else(why)?))
}

/// The bits of an address that stand before a length.
fn masked(ip: IpAddr, length: u8) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(v4) & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(v6) & mask))
        }
    }
}

fn within(net: (IpAddr, u8), ip: IpAddr, length: u8) -> bool {
    net.0.is_ipv4() == ip.is_ipv4() && net.1 <= length && masked(net.0, net.1) == masked(ip, net.1)
}

fn opaque(found: Result<Opaque, String>) -> Found {
    found.map(Val::from).map_err(Into::into)
}

pub(super) fn of_text(name: &str, text: &str) -> Option<Found> {
    Some(match name {
        "url" => match url(text) {
            Some(url) => Ok(Opaque::Url(url).into()),
            None => failed(format!(
                "URL parse error during conversion from string: parse {}: invalid URI for request",
                crate::go::quote(text)
            )),
        },
        "isURL" => Ok(url(text).is_some().into()),
        "ip" => opaque(ip(text).map(Opaque::Ip)),
        "isIP" => Ok(ip(text).is_ok().into()),
        "ip.isCanonical" => match ip(text) {
            Ok(ip) => Ok((ip.to_string() == text).into()),
            Err(why) => failed(why),
        },
        "cidr" => opaque(cidr(text).map(|(ip, length)| Opaque::Cidr(ip, length))),
        "isCIDR" => Ok(cidr(text).is_ok().into()),
        _ => return None,
    })
}

pub(super) fn of_url(name: &str, url: &Url) -> Option<Found> {
    let (hostname, port) = match url.host.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').unwrap_or((rest, ""));
            (host, rest.trim_start_matches(':'))
        }
        None => url.host.split_once(':').unwrap_or((&url.host, "")),
    };
    Some(Ok(match name {
        "getScheme" => url.scheme.as_str().into(),
        "getHost" => url.host.as_str().into(),
        "getHostname" => hostname.into(),
        "getPort" => port.into(),
        "getEscapedPath" => url.path.as_str().into(),
        "getQuery" => {
            let mut pairs: Vec<(Val, Vec<Val>)> = Vec::new();
            for pair in url.query.split('&').filter(|pair| !pair.is_empty()) {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                let (key, value) = (Val::from(unescaped(key)), Val::from(unescaped(value)));
                match pairs.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, values)) => values.push(value),
                    None => pairs.push((key, vec![value])),
                }
            }
            Val::Map(std::sync::Arc::new(pairs.into_iter().map(|(key, values)| (key, values.into())).collect()))
        }
        _ => return None,
    }))
}

pub(super) fn of_ip(name: &str, ip: IpAddr) -> Option<Found> {
    let local = match ip {
        IpAddr::V4(v4) => (v4.octets()[..3] == [224, 0, 0], v4.is_link_local(), v4.is_broadcast()),
        IpAddr::V6(v6) => (v6.segments()[0] & 0xff0f == 0xff02, v6.segments()[0] & 0xffc0 == 0xfe80, false),
    };
    Some(Ok(match name {
        "family" => Val::Int(if ip.is_ipv4() { 4 } else { 6 }),
        "isUnspecified" => ip.is_unspecified().into(),
        "isLoopback" => ip.is_loopback().into(),
        "isLinkLocalMulticast" => local.0.into(),
        "isLinkLocalUnicast" => local.1.into(),
        "isGlobalUnicast" => {
            (!ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast() && !local.1 && !local.2).into()
        }
        _ => return None,
    }))
}

pub(super) fn of_cidr(name: &str, ip_: IpAddr, length: u8, rest: &[Val]) -> Option<Found> {
    let other = match rest {
        [Val::Str(text)] if name == "containsIP" => match ip(text) {
            Ok(ip) => Some((ip, 128)),
            Err(why) => return Some(failed(why)),
        },
        [Val::Str(text)] => match cidr(text) {
            Ok(found) => Some(found),
            Err(why) => return Some(failed(why)),
        },
        [Val::Opaque(value)] => match **value {
            Opaque::Ip(ip) => Some((ip, 128)),
            Opaque::Cidr(ip, length) => Some((ip, length)),
            _ => None,
        },
        _ => None,
    };
    Some(Ok(match (name, other) {
        ("containsIP" | "containsCIDR", Some((ip, other))) => within((ip_, length), ip, other).into(),
        ("prefixLength", None) => Val::Int(length.into()),
        ("masked", None) => Opaque::Cidr(masked(ip_, length), length).into(),
        ("ip", None) => Opaque::Ip(ip_).into(),
        _ => return None,
    }))
}
