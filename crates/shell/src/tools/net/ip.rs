//! `ip`: the machine's addresses, links and routes.

use std::net::IpAddr;

use crate::Rights;
use crate::tools::Call;

/// Links that were added, beside the two that every machine has.
const LINKS: &str = "/sys/class/net";

pub(in crate::tools) fn run(call: &mut Call<'_, '_>) -> i32 {
    let words: Vec<String> = call.args.iter().filter(|word| !word.starts_with('-')).cloned().collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is = |word: &str, whole: &str| !word.is_empty() && whole.starts_with(word);
    match words.as_slice() {
        [object, rest @ ..]
            if is(object, "link") && matches!(rest.first(), Some(&("add" | "del" | "delete" | "set"))) =>
        {
            change(call, rest)
        }
        [object, rest @ ..] if is(object, "address") || is(object, "link") => {
            show(call, is(object, "address"), rest.iter().rfind(|word| !matches!(**word, "show" | "list" | "dev")));
            0
        }
        [object, ..] if is(object, "route") => {
            if let Some((own, [a, b, c])) = address(call) {
                call.print(&format!(
                    "default via {a}.{b}.{c}.1 dev eth0 \n{a}.{b}.{c}.0/24 dev eth0 scope link  src {own} \n"
                ));
            }
            0
        }
        _ => call.usage_error("Object is unknown"),
    }
}

/// The machine's address on the network, and the first three numbers of it.
pub(super) fn address(call: &mut Call<'_, '_>) -> Option<(String, [u8; 3])> {
    let found = call.sys.host().addresses().into_iter().find_map(|address| match address {
        IpAddr::V4(ip) if !ip.is_loopback() => Some(ip),
        _ => None,
    })?;
    let [a, b, c, _] = found.octets();
    Some((found.to_string(), [a, b, c]))
}

/// Adds, removes or changes a link.
fn change(call: &mut Call<'_, '_>, words: &[&str]) -> i32 {
    let may = call.sys.user().uid == 0 && call.sys.rights().capabilities & Rights::capability("NET_ADMIN") != 0;
    let name = match words.get(1) {
        Some(&("name" | "dev")) => words.get(2),
        name => name,
    };
    let Some(name) = name.filter(|name| !name.contains('/')) else {
        return call.usage_error("Not enough information: \"dev\" argument is required.");
    };
    let path = format!("{LINKS}/{name}");
    let there = matches!(*name, "lo" | "eth0") || call.sys.files().exists(&path);
    let why = match words.first() {
        _ if !may => "RTNETLINK answers: Operation not permitted".to_owned(),
        Some(&"add") if there => "RTNETLINK answers: File exists".to_owned(),
        Some(&"add") => match call.sys.files().mkdir_all(&path) {
            Ok(()) => return 0,
            Err(error) => format!("RTNETLINK answers: {error}"),
        },
        _ if !there => format!("can't find device '{name}'"),
        Some(&"set") => return 0,
        _ => match call.sys.files().remove_all(&path) {
            Ok(()) => return 0,
            Err(_) => "RTNETLINK answers: Operation not supported".to_owned(),
        },
    };
    call.error(&why);
    2
}

/// Shows links, with their addresses.
fn show(call: &mut Call<'_, '_>, addresses: bool, only: Option<&&str>) {
    let own = address(call);
    let added = call.sys.files().list(LINKS).unwrap_or_default();
    let names = ["lo", "eth0"].into_iter().chain(added.iter().map(|entry| entry.name.as_str()));
    for (at, name) in names.enumerate().filter(|(_, name)| only.is_none_or(|only| only == name)) {
        let (flags, kind, hardware, broadcast) = match name {
            "lo" => ("LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue", "loopback", "00:00:00:00:00:00".to_owned(), "00"),
            "eth0" => {
                let [a, b, c, d] = own
                    .as_ref()
                    .and_then(|(ip, _)| ip.parse().ok())
                    .map_or([0; 4], |ip: std::net::Ipv4Addr| ip.octets());
                let hardware = format!("0a:58:{a:02x}:{b:02x}:{c:02x}:{d:02x}");
                ("BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue", "ether", hardware, "ff")
            }
            _ => ("BROADCAST,NOARP> mtu 1500 qdisc noop", "ether", format!("02:00:00:00:00:{at:02x}"), "ff"),
        };
        let broadcast = [broadcast; 6].join(":");
        call.print(&format!("{}: {name}: <{flags}\n    link/{kind} {hardware} brd {broadcast}\n", at + 1));
        let address = match (name, &own) {
            _ if !addresses => continue,
            ("lo", _) => "127.0.0.1/8 scope host lo".to_owned(),
            ("eth0", Some((ip, [a, b, c]))) => format!("{ip}/24 brd {a}.{b}.{c}.255 scope global eth0"),
            _ => continue,
        };
        call.print(&format!("    inet {address}\n       valid_lft forever preferred_lft forever\n"));
    }
}
