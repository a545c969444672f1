//! `nslookup`, `getent`.

use std::net::IpAddr;

use crate::NetError;
use crate::tools::Call;

pub(in crate::tools) fn nslookup(call: &mut Call<'_, '_>) -> i32 {
    let words: Vec<String> = call.args.iter().filter(|word| !word.starts_with('-')).cloned().collect();
    let Some(name) = words.first() else { return call.usage_error("missing operand") };
    let separator = if call.gnu() { "#" } else { ":" };
    let server = words.get(1).cloned().or_else(|| call.sys.host().name_server().map(|address| address.to_string()));
    let Some(server) = server else {
        call.print(if call.gnu() {
            ";; connection timed out; no servers could be reached\n"
        } else {
            ";; connection timed out; no servers could be reached\n\n"
        });
        return 1;
    };
    let gap = if call.gnu() { "" } else { "\n" };
    call.print(&format!("Server:\t\t{server}\nAddress:\t{server}{separator}53\n\n{gap}"));
    if let Ok(address) = name.parse::<IpAddr>() {
        match call.sys.host().reverse(address) {
            Some(found) => {
                call.print(&format!("{}\tname = {found}{}\n\n", reversed(address), if call.gnu() { "." } else { "" }))
            }
            None => {
                call.print(&format!("** server can't find {}: NXDOMAIN\n\n", reversed(address)));
                return 1;
            }
        }
        return 0;
    }
    match call.sys.host().lookup(name) {
        Ok((full, addresses)) => {
            let alias = full.trim_end_matches('.').to_owned();
            for address in &addresses {
                call.print(&format!("Name:\t{alias}\nAddress: {address}\n"));
            }
            call.print("\n");
            0
        }
        Err(NetError::NameNotFound) => {
            call.print(&format!("** server can't find {name}: NXDOMAIN\n\n"));
            1
        }
        Err(_) => {
            call.print(";; connection timed out; no servers could be reached\n\n");
            1
        }
    }
}

/// The name under which an address is looked up.
pub(super) fn reversed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let digits: String = address.octets().iter().rev().map(|b| format!("{:x}.{:x}.", b & 15, b >> 4)).collect();
            format!("{digits}ip6.arpa")
        }
    }
}

pub(in crate::tools) fn getent(call: &mut Call<'_, '_>) -> i32 {
    let words = std::mem::take(&mut call.args);
    let [database, keys @ ..] = words.as_slice() else { return call.usage_error("wrong number of arguments") };
    match database.as_str() {
        "hosts" | "ahosts" => {
            let mut code = 0;
            for name in keys {
                match call.sys.host().lookup(name) {
                    Ok((full, addresses)) => {
                        for address in addresses {
                            call.print(&format!("{:<15} {}\n", address.to_string(), full.trim_end_matches('.')));
                        }
                    }
                    Err(_) => code = 2,
                }
            }
            code
        }
        "passwd" | "group" => {
            let text = call.sys.files().read_text(&format!("/etc/{database}")).unwrap_or_default();
            let mut code = 0;
            if keys.is_empty() {
                call.print(&text);
            }
            for key in keys {
                let found = text.lines().find(|line| {
                    let mut fields = line.split(':');
                    fields.next() == Some(key) || fields.nth(1) == Some(key)
                });
                match found {
                    Some(line) => call.print(&format!("{line}\n")),
                    None => code = 2,
                }
            }
            code
        }
        other => {
            call.sys.eprint(&format!("Unknown database: {other}\n"));
            1
        }
    }
}
