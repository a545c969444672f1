//! `--raw`: a request by its path, the answer as it comes.

use drydock_api::{Body, Method, Request, Status};
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

/// The order of keys in a status.
const STATUS: &[&str] = &[
    "kind",
    "apiVersion",
    "metadata",
    "status",
    "message",
    "reason",
    "details",
    "code",
    "name",
    "group",
    "uid",
    "causes",
    "retryAfterSeconds",
];

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
        "Status" => go::ordered_json(value, STATUS, None),
        _ => crate::change::order::to_json(value),
    }
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
    let response = client.send(io, request);
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
