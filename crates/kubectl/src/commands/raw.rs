//! `--raw`: a request by its path, the answer as it comes.

use drydock_api::{Body, Method, Request, Response, Status};
use drydock_value::{Value, to_json};

use super::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::printers::go;

/// A request for a path with a query, as in a URL.
pub fn request(method: Method, raw: &str) -> Request {
    let raw = match raw.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => raw,
    };
    let (path, query) = raw.split_once('?').unwrap_or((raw, ""));
    let mut request = Request::new(method, unescape(path, false));
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        request = request.param(unescape(name, true), unescape(value, true));
    }
    request
}

/// The first escape in the path of a URL that is none.
pub fn bad_escape(raw: &str) -> Option<&str> {
    let path = raw.split('?').next().unwrap_or(raw);
    path.match_indices('%').find_map(|(at, _)| {
        let code = path.as_bytes().get(at + 1..at + 3);
        if code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit)) {
            return None;
        }
        path.get(at..path.len().min(at + 3)).or(Some("%"))
    })
}

/// Percent-decoding; what is not an escape stays as it is.
fn unescape(text: &str, plus: bool) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten().and_then(|code| std::str::from_utf8(code).ok());
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(if plus && *first == b'+' { b' ' } else { *first });
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The order of keys in what describes the API itself.
const DISCOVERY: &[&str] = &[
    "kind",
    "apiVersion",
    "groupVersion",
    "version",
    "name",
    "versions",
    "preferredVersion",
    "serverAddressByClientCIDRs",
    "clientCIDR",
    "serverAddress",
    "groups",
    "resources",
    "singularName",
    "namespaced",
    "group",
    "verbs",
    "shortNames",
    "categories",
    "storageVersionHash",
];

/// The order of keys in a status, and in its details.
const STATUS: [&str; 8] = ["kind", "apiVersion", "metadata", "status", "message", "reason", "details", "code"];
const DETAILS: &[&str] = &["name", "group", "kind", "uid", "causes", "retryAfterSeconds", "reason", "message", "field"];

/// A document as a server writes it: in the order of Go's types.
fn text(value: &Value) -> String {
    match value["kind"].str() {
        "APIGroup" | "APIGroupList" | "APIVersions" => go::ordered_json(value, DISCOVERY, None),
        "APIResourceList" => {
            // A resource's kind stands behind its name.
            let resources = value["resources"].items().iter().map(|resource| {
                let order: Vec<&str> = ["name", "singularName", "namespaced", "group", "version", "kind"]
                    .into_iter()
                    .chain(DISCOVERY.iter().copied())
                    .collect();
                go::ordered_json(resource, &order, None)
            });
            let resources: Vec<String> = resources.collect();
            format!(
                "{{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":{},\"resources\":[{}]}}",
                to_json(&value["groupVersion"]),
                resources.join(",")
            )
        }
        "Status" => {
            let parts = STATUS.iter().filter_map(|key| Some((key, value.get(key)?)));
            let parts = parts.map(|(key, part)| format!("\"{key}\":{}", go::ordered_json(part, DETAILS, None)));
            format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
        }
        _ => crate::change::order::to_json(value),
    }
}

/// How often a request is sent elsewhere: as Go's HTTP client.
const REDIRECTS_MAX: usize = 10;

/// Where an answer sends a reader of `path` to.
fn redirect(method: Method, path: &str, response: &Response) -> Option<String> {
    if method != Method::Get || !matches!(response.code, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let (_, place) = response.headers.iter().find(|(name, _)| name == "location")?;
    let whole = place.starts_with('/') || place.contains("://");
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(if whole { place.clone() } else { format!("{folder}/{place}") })
}

/// Sends a request and prints the body of the answer.
///
/// # Errors
/// The server's refusal.
pub fn print(inv: &mut Invocation, io: &mut Io<'_>, request: Request) -> Result<Outcome, Failure> {
    let watching = request.query_bool("watch") || request.query_bool("follow");
    let client = inv.client(io)?;
    if watching {
        let stream = client.open(io, request)?;
        return Ok(Outcome::Waiting(Box::new(super::stream::Copying::new(stream))));
    }
    let (method, mut path) = (request.method, request.path.clone());
    let mut response = client.send(io, request);
    for _ in 0..REDIRECTS_MAX {
        let Some(place) = redirect(method, &path, &response) else { break };
        let request = self::request(method, &place);
        path = request.path.clone();
        response = client.send(io, request);
    }
    if !response.is_success() {
        let document = response.body.value().unwrap_or_else(|_| response.body.text().into());
        return Err(Status::from_value(response.code, &document).into());
    }
    match &response.body {
        Body::Empty => {}
        Body::Value(value) => io.println(go::escape_html(&text(value))),
        Body::Bytes(bytes) => io.out.put(bytes),
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_written_as_go_writes_it() {
        let status = drydock_value::value!({
            "apiVersion": "v1", "code": 404, "kind": "Status", "metadata": {}, "reason": "NotFound",
            "details": {"causes": [{"field": "f", "message": "m", "reason": "r"}], "kind": "pods", "name": "x", "uid": "u"},
        });
        assert_eq!(
            text(&status),
            "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"reason\":\"NotFound\",\"details\":{\"name\":\"x\",\
             \"kind\":\"pods\",\"uid\":\"u\",\"causes\":[{\"reason\":\"r\",\"message\":\"m\",\"field\":\"f\"}]},\"code\":404}"
        );
    }

    #[test]
    fn readers_are_sent_on() {
        let to = |code: u16, place: &str| Response {
            code,
            headers: vec![("location".into(), place.into())],
            body: Body::Empty,
        };
        for (code, place, expected) in [
            (301, "/a/b/", Some("/a/b/")),
            (302, "c?d=e", Some("/a/c?d=e")),
            (308, "https://host/x", Some("https://host/x")),
            (200, "/x", None),
            (304, "/x", None),
        ] {
            assert_eq!(redirect(Method::Get, "/a/b", &to(code, place)).as_deref(), expected, "{code} {place}");
        }
        assert_eq!(redirect(Method::Post, "/a/b", &to(301, "/x")), None);
    }
}
