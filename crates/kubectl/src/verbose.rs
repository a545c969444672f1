//! `-v=6` and up: the requests that were really sent, in klog's form.

use drydock_api::{Body, Method, Request, Response};
use drydock_sorted::Sort;
use drydock_value::to_json;

use crate::env::Io;
use crate::failure::quote;
use crate::text::query_escape;

/// klog's head: level, date, time, process, place in the source.
pub fn klog(io: &Io<'_>, level: char, place: &str) -> String {
    let (_, month, day, hour, minute, second) = io.now.civil();
    let micros = io.now.0 % 1_000_000;
    format!("{level}{month:02}{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}       1 {place}] ")
}

/// How much is to be told, as far as the bare words say: what happens before they are taken apart asks.
pub fn level(args: &[String]) -> i64 {
    let mut words = args.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let given = match word.as_str() {
            "-v" | "--v" => words.next().map(String::as_str),
            _ => word.strip_prefix("--v=").or_else(|| word.strip_prefix("-v=")).or_else(|| word.strip_prefix("-v")),
        };
        if let Some(level) = given.and_then(|level| level.parse().ok()) {
            return level;
        }
    }
    0
}

/// A URL with its query.
pub fn url(server: &str, request: &Request) -> String {
    let mut url = format!("{server}{}", request.path);
    for (i, (name, value)) in request.query.iter().enumerate() {
        url.push(if i == 0 { '?' } else { '&' });
        url.push_str(&query_escape(name));
        url.push('=');
        url.push_str(&query_escape(value));
    }
    url
}

/// Gates of client-go, with what they are unless somebody says otherwise.
const GATES: [(&str, bool); 10] = [
    ("AtomicFIFO", true),
    ("ClientsAllowCARotation", true),
    ("ClientsAllowCBOR", false),
    ("ClientsAllowTLSCacheGC", true),
    ("ClientsPreferCBOR", false),
    ("InOrderInformers", true),
    ("InOrderInformersBatchProcess", true),
    ("InformerResourceVersion", true),
    ("UnlockWhileProcessingFIFO", true),
    ("WatchListClient", true),
];

/// What is told before the first request.
pub fn begin(level: i64, files: &[&str], io: &mut Io<'_>) {
    for file in files.iter().filter(|_| level >= 6) {
        io.eprintln(klog(io, 'I', "loader.go:407") + &format!("Config loaded from file:  {file}"));
    }
    for (gate, on) in GATES.iter().filter(|_| level >= 1) {
        let head = klog(io, 'I', "envvar.go:195");
        io.eprintln(format!("{head}\"Feature gate default state\" feature={} enabled={on}", quote(gate)));
    }
}

/// A text as klog shows it: lines stand below each other.
fn shown(text: &str) -> String {
    if text.contains('\n') {
        format!("<\n\t{}\n >", text.trim_end_matches('\n').replace('\n', "\n\t"))
    } else {
        quote(text)
    }
}

/// Headers under their canonical names, sorted.
fn headers(headers: &[(String, String)], line: impl Fn(&str, &str) -> String) -> String {
    let canonical = |name: &str| {
        let words = name.split('-').map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
        });
        words.collect::<Vec<_>>().join("-")
    };
    let mut pairs: Vec<(String, &str)> =
        headers.iter().map(|(name, value)| (canonical(name), value.as_str())).collect();
    pairs.sort_compact();
    pairs.iter().map(|(name, value)| line(name, value)).collect()
}

/// Shows one exchange.
pub fn show(level: i64, server: &str, request: &Request, response: &Response, io: &mut Io<'_>) {
    let url = url(server, request);
    let mut lines = String::new();
    let listed = |all: &[(String, String)]| {
        format!("headers=<\n{} >", headers(all, |name, value| format!("\t{name}: {value}\n")))
    };
    let verb = request.method.as_str();
    // Which line of client-go shows the body depends on what is asked for, not so much on by whom.
    let place = match request.method {
        Method::Get if request.path == "/api" => "discovery_client.go:255",
        Method::Get if request.path == "/apis" => "discovery_client.go:318",
        Method::Get if request.query_value("limit").is_some() => "helper.go:113",
        Method::Get => "helper.go:105",
        Method::Delete => "helper.go:202",
        _ => "helper.go:269",
    };
    if level >= 8 {
        let head = klog(io, 'I', place);
        lines += &format!("{head}\"Request Body\" body={}\n", shown(&request.body.text()));
    }
    if level >= 7 {
        let head = klog(io, 'I', "round_trippers.go:527");
        lines += &if level >= 9 {
            let all = headers(&request.headers, |name, value| format!(" -H {}", quote(&format!("{name}: {value}"))));
            format!("{head}\"Request\" curlCommand=<\n\tcurl -v -X{verb} {all} '{url}'\n >\n")
        } else {
            let all = listed(&request.headers);
            format!("{head}\"Request\" verb={} url={} {all}\n", quote(verb), quote(&url))
        };
    }
    let head = klog(io, 'I', "round_trippers.go:632");
    let status = quote(format!("{} {}", response.code, reason_phrase(response.code)).trim_end());
    lines += &format!("{head}\"Response\"");
    // What was asked stands above already at 7 and 8; at 9 it stands there as a command.
    if !(7..=8).contains(&level) {
        lines += &format!(" verb={} url={}", quote(verb), quote(&url));
    }
    lines += &format!(" status={status}");
    if level >= 8 {
        lines += &format!(" {}", listed(&response.headers));
    }
    lines += " milliseconds=1\n";
    if level >= 8 {
        let head = klog(io, 'I', place);
        let body = match &response.body {
            Body::Empty => String::new(),
            Body::Value(value) => to_json(value),
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        let max = if level >= 9 { usize::MAX } else { 1024 };
        let mut cut: String = body.chars().take(max).collect();
        if cut.len() < body.len() {
            cut += &format!(" [truncated {} chars]", body.len() - cut.len());
        }
        lines += &format!("{head}\"Response Body\" body={}\n", shown(&cut));
    }
    io.eprint(lines);
}

/// The words of a status code.
pub(crate) fn reason_phrase(code: u16) -> &'static str {
    match code {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
