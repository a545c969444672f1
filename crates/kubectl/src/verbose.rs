//! `-v=6` and up: the requests that were really sent, in klog's form.

use drydock_api::{Body, Request, Response};
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

/// Shows one exchange.
pub fn show(level: i64, server: &str, request: &Request, response: &Response, io: &mut Io<'_>) {
    let url = url(server, request);
    let mut lines = String::new();
    if level >= 8 && request.body != Body::Empty {
        let head = klog(io, 'I', "helper.go:113");
        lines += &format!("{head}\"Request Body\" body={}\n", quote(&request.body.text()));
    }
    if level >= 7 {
        let head = klog(io, 'I', "round_trippers.go:527");
        let headers: String = request.headers.iter().map(|(name, value)| format!("\t{name}: {value}\n")).collect();
        lines += &format!(
            "{head}\"Request\" verb={} url={} headers=<\n{headers} >\n",
            quote(request.method.as_str()),
            quote(&url)
        );
    }
    let head = klog(io, 'I', "round_trippers.go:632");
    let reason = reason_phrase(response.code);
    lines += &format!(
        "{head}\"Response\" verb={} url={} status={} milliseconds=1\n",
        quote(request.method.as_str()),
        quote(&url),
        quote(format!("{} {reason}", response.code).trim_end())
    );
    if level >= 8 {
        let head = klog(io, 'I', "helper.go:113");
        let body = match &response.body {
            Body::Empty => String::new(),
            Body::Value(value) => to_json(value),
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        let cut: String = body.chars().take(if level >= 9 { usize::MAX } else { 1024 }).collect();
        lines += &format!("{head}\"Response Body\" body={}\n", quote(&cut));
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
