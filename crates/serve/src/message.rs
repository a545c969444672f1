//! Requests and responses between HTTP's form and the API's.

use std::io::Write;

use bytes::Bytes;
use drydock_api::{Auth, Body, Method, Request, Response, Status};
use drydock_value::Value;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::looks::{Looks, Media};

/// A body as it goes out.
pub(crate) type Outgoing = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// Bodies from this size on are compressed for clients that take it, as by the real server.
const COMPRESS_FROM: usize = 128 << 10;

pub(crate) fn body(bytes: impl Into<Bytes>) -> Outgoing {
    Full::new(bytes.into()).boxed_unsync()
}

/// The API's method, if it has one.
pub(crate) fn method(method: &hyper::Method) -> Option<Method> {
    [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options, Method::Head]
        .into_iter()
        .find(|known| known.as_str() == method.as_str())
}

/// `%2F` and `+` decoded; what is no escape stays as it is.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        match (byte, after.get(..2).and_then(hex)) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A query's parameters.
pub(crate) fn query(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// The API's request, without its body. `trusting` takes whoever does not say who they are for the administrator.
pub(crate) fn request(parts: &hyper::http::request::Parts, method: Method, trusting: bool) -> Request {
    let mut request = Request::new(method, parts.uri.path());
    request.query = query(parts.uri.query().unwrap_or_default());
    for (name, value) in &parts.headers {
        request.headers.push((name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    if trusting && !parts.headers.contains_key(header::AUTHORIZATION) {
        // To the API server a certificate that is a path is the administrator's own file.
        request.auth = Auth::Certificate { certificate: "loopback".into() };
    }
    request
}

/// A document as the real server's encoder writes it, with a line break at its end.
pub(crate) fn document(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    crate::order::write(value, &mut out);
    out.push(b'\n');
    out
}

/// A warning as a header carries it.
fn warning(text: &str) -> String {
    let quoted: String = text
        .chars()
        .filter(|c| !c.is_control())
        .flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c]))
        .collect();
    format!("299 - \"{quoted}\"")
}

/// The response as it goes out.
pub(crate) fn response(response: Response, looks: Looks) -> hyper::Response<Outgoing> {
    let mut headers = HeaderMap::new();
    for (name, value) in &response.headers {
        let text = if name == "warning" { warning(value) } else { value.clone() };
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(text.as_bytes()))
        else {
            continue;
        };
        // What the connection itself decides is not a proxied server's to say.
        if !matches!(name, header::CONTENT_LENGTH | header::TRANSFER_ENCODING | header::CONNECTION) {
            headers.append(name, value);
        }
    }
    let (default_type, mut bytes) = match response.body {
        Body::Empty => (None, Vec::new()),
        // What came with a type of its own is written in that.
        Body::Value(value) if looks.media == Media::Yaml && !headers.contains_key(header::CONTENT_TYPE) => {
            (Some("application/yaml"), drydock_yaml::to_yaml(&value).into_bytes())
        }
        Body::Value(value) if looks.media == Media::Protobuf && !headers.contains_key(header::CONTENT_TYPE) => {
            match crate::protobuf::encode(&value) {
                Some(bytes) => (Some(crate::protobuf::MEDIA), bytes),
                None => (Some("application/json"), document(&value)),
            }
        }
        Body::Value(value) if looks.pretty => {
            let mut compact = Vec::new();
            crate::order::write(&value, &mut compact);
            (Some("application/json"), crate::looks::indent(&compact))
        }
        Body::Value(value) => (Some("application/json"), document(&value)),
        Body::Bytes(bytes) => (Some("application/octet-stream"), bytes),
    };
    if let Some(kind) = default_type {
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
    if looks.gzip && bytes.len() >= COMPRESS_FROM && !headers.contains_key(header::CONTENT_ENCODING) {
        let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
        // Writing into memory does not fail.
        if encoder.write_all(&bytes).is_ok()
            && let Ok(compressed) = encoder.finish()
        {
            bytes = compressed;
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
    }
    let mut out = hyper::Response::new(body(bytes));
    *out.status_mut() = hyper::StatusCode::from_u16(response.code).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    *out.headers_mut() = headers;
    out
}

pub(crate) fn refusal(status: Status) -> hyper::Response<Outgoing> {
    let code = if status.code < 100 { 500 } else { status.code };
    response(Response::value(code, status.to_value()), Looks::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        let pairs = |text| query(text).into_iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("|");
        for (text, expected) in [
            ("", ""),
            ("watch", "watch="),
            ("a=1&a=2&&b", "a=1|a=2|b="),
            ("labelSelector=app%3Dweb%2Ctier+in%28a%29", "labelSelector=app=web,tier in(a)"),
            ("command=sh&command=-c&command=echo+100%25+%zz", "command=sh|command=-c|command=echo 100% %zz"),
            ("x=%ff%e2%82", "x=\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(pairs(text), expected, "{text}");
        }
    }

    #[test]
    fn warnings_are_quoted() {
        assert_eq!(warning("unknown field \"a\\b\"\n"), r#"299 - "unknown field \"a\\b\"""#);
    }

    #[test]
    fn documents_are_written_as_go_does() {
        assert_eq!(document(&Value::from("<a&b>")), b"\"\\u003ca\\u0026b\\u003e\"\n");
    }
}
