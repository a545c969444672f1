//! `dig`: what a name server answers.

use std::net::IpAddr;

use super::lookup::reversed;
use crate::tools::Call;

/// The kinds of records that can be asked for.
const KINDS: &[&str] = &["A", "AAAA", "ANY", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"];

pub(in crate::tools) fn run(call: &mut Call<'_, '_>) -> i32 {
    let words = std::mem::take(&mut call.args);
    let (mut name, mut kind, mut asked) = (".".to_owned(), "A", None);
    let (mut short, mut search, mut all, mut answer) = (false, false, true, true);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let upper = word.to_uppercase();
        if let Some(option) = word.strip_prefix('+') {
            match option {
                "short" => short = true,
                "search" => search = true,
                "noall" => (all, answer) = (false, false),
                "answer" => answer = true,
                "noanswer" => answer = false,
                _ => {}
            }
        } else if let Some(server) = word.strip_prefix('@') {
            asked = Some(server.to_owned());
        } else if word == "-x" {
            let address = rest.next().and_then(|text| text.parse::<IpAddr>().ok());
            let Some(address) = address else { return call.usage_error("invalid IP address") };
            (name, kind) = (format!("{}.", reversed(address)), "PTR");
        } else if word == "-t" || word == "-q" {
            let value = rest.next().map_or("", String::as_str);
            let wanted = value.to_uppercase();
            match KINDS.iter().find(|known| **known == wanted) {
                Some(known) if word == "-t" => kind = known,
                _ => name = value.to_owned(),
            }
        } else if let Some(known) = KINDS.iter().find(|known| **known == upper) {
            kind = known;
        } else if !word.starts_with('-') && upper != "IN" {
            name.clone_from(word);
        }
    }
    let server = asked.or_else(|| call.sys.host().name_server().map(|server| server.to_string())).unwrap_or_default();
    let Some(records) = call.sys.host().query(&name, kind, search) else {
        call.print(&format!(";; communications error to {server}#53: timed out\n;; no servers could be reached\n"));
        return 9;
    };
    if short {
        let text: String = records.iter().map(|(_, _, data)| format!("{data}\n")).collect();
        call.print(&text);
        return 0;
    }
    let lines: String = records.iter().map(|(name, kind, data)| format!("{name}\t30\tIN\t{kind}\t{data}\n")).collect();
    if !all {
        if answer {
            call.print(&lines);
        }
        return 0;
    }
    let full = format!("{}.", name.trim_end_matches('.'));
    let known = !records.is_empty() || call.sys.host().query(&name, "A", search).is_some_and(|found| !found.is_empty());
    let status = if known { "NOERROR" } else { "NXDOMAIN" };
    let id = call.sys.random() & 0xffff;
    let mut text = format!(
        "\n; <<>> DiG 9.18.33 <<>> {}\n;; global options: +cmd\n;; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: \
         {status}, id: {id}\n;; flags: qr aa rd; QUERY: 1, ANSWER: {}, AUTHORITY: 0, ADDITIONAL: 1\n\n;; QUESTION \
         SECTION:\n;{full}\t\tIN\t{kind}\n",
        words.join(" "),
        records.len()
    );
    if answer && !records.is_empty() {
        text.push_str(&format!("\n;; ANSWER SECTION:\n{lines}"));
    }
    text.push_str(&format!("\n;; Query time: 1 msec\n;; SERVER: {server}#53({server}) (UDP)\n\n"));
    call.print(&text);
    0
}
