//! `netstat`, `ss` and `route`: the machine's sockets and routes.

use std::net::IpAddr;

use crate::SocketInfo;
use crate::tools::Call;
use crate::tools::options::Options;
use drydock_sorted::Sort;

const LETTERS: &str = "tulanpreWoH46xse";
const LONG: &[(&str, char)] = &[
    ("tcp", 't'),
    ("udp", 'u'),
    ("listening", 'l'),
    ("all", 'a'),
    ("numeric", 'n'),
    ("programs", 'p'),
    ("processes", 'p'),
    ("route", 'r'),
    ("no-header", 'H'),
];

/// The sockets that were asked for: those that wait, those that stand, or all.
fn chosen(call: &mut Call<'_, '_>, options: &Options) -> Vec<SocketInfo> {
    let (tcp, udp) = (options.has('t'), options.has('u'));
    let (tcp, udp) = if tcp || udp { (tcp, udp) } else { (true, true) };
    let mut sockets = call.sys.host().sockets();
    sockets.retain(|socket| {
        let kind = if socket.datagrams { udp } else { tcp };
        let state = match socket.remote {
            None => options.has('l') || options.has('a'),
            Some(_) => !options.has('l') || options.has('a'),
        };
        kind && state
    });
    sockets.sort_compact_by_key(|socket| (socket.datagrams, socket.remote.is_some(), socket.local));
    sockets
}

fn end(end: Option<(IpAddr, u16)>) -> String {
    end.map_or_else(|| "0.0.0.0:*".to_owned(), |(address, port)| format!("{address}:{port}"))
}

pub(in crate::tools) fn netstat(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, LETTERS, LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    if options.has('r') {
        return route(call);
    }
    let which = match (options.has('a'), options.has('l')) {
        (true, _) => "servers and established",
        (_, true) => "only servers",
        _ => "w/o servers",
    };
    let program = options.has('p');
    let column = if program { "PID/Program name    " } else { "" };
    let mut out = format!(
        "Active Internet connections ({which})\nProto Recv-Q Send-Q Local Address           Foreign Address         State       \
         {column}\n"
    );
    for socket in chosen(call, &options) {
        let (kind, state) = match (socket.datagrams, socket.remote, socket.established) {
            (true, ..) => ("udp", ""),
            (false, None, _) => ("tcp", "LISTEN"),
            (false, Some(_), true) => ("tcp", "ESTABLISHED"),
            _ => ("tcp", "SYN_SENT"),
        };
        let row =
            format!("{kind:<5}      0      0 {:<23} {:<23} {state:<11} ", end(Some(socket.local)), end(socket.remote));
        // Whose it is, the machine does not tell.
        out += &format!("{row}{}\n", if program { "-" } else { "" });
    }
    call.print(&out);
    0
}

pub(in crate::tools) fn ss(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, LETTERS, LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let both = options.has('t') == options.has('u');
    let mut rows: Vec<[String; 6]> = Vec::new();
    if !options.has('H') {
        rows.push(["Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port"].map(str::to_owned));
    }
    for socket in chosen(call, &options) {
        let (kind, state, queue) = match (socket.datagrams, socket.remote, socket.established) {
            (true, None, _) => ("udp", "UNCONN", "0"),
            (true, ..) => ("udp", "ESTAB", "0"),
            (false, None, _) => ("tcp", "LISTEN", "511"),
            (false, Some(_), true) => ("tcp", "ESTAB", "0"),
            _ => ("tcp", "SYN-SENT", "0"),
        };
        rows.push([kind.into(), state.into(), "0".into(), queue.into(), end(Some(socket.local)), end(socket.remote)]);
    }
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let (kind, state, receive, send, local, remote) = (width(0), width(1), width(2), width(3), width(4), width(5));
    let mut out = String::new();
    for [a, b, c, d, e, f] in &rows {
        let netid = if both { format!("{a:<kind$} ") } else { String::new() };
        out += &format!("{netid}{b:<state$} {c:<receive$} {d:<send$} {e:>local$} {f:>remote$}\n");
    }
    call.print(&out);
    0
}

/// `route`, also as `netstat -r`.
pub(in crate::tools) fn route(call: &mut Call<'_, '_>) -> i32 {
    let mut out =
        "Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n"
            .to_owned();
    if let Some((_, [a, b, c])) = super::ip::address(call) {
        for (to, gateway, mask, flags) in [
            ("0.0.0.0".to_owned(), format!("{a}.{b}.{c}.1"), "0.0.0.0", "UG"),
            (format!("{a}.{b}.{c}.0"), "0.0.0.0".to_owned(), "255.255.255.0", "U"),
        ] {
            out += &format!("{to:<15} {gateway:<15} {mask:<15} {flags:<5} 0      0        0 eth0\n");
        }
    }
    call.print(&out);
    0
}
