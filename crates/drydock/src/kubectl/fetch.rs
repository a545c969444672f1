//! Files that have a URL instead of a path.

use std::sync::Arc;

use bytes::Bytes;
use drydock_value::Value;
use http_body_util::{BodyExt, Full};
use hyper::header;

use super::connect::{Endpoint, parse};
use super::tls;

/// How often one URL may lead to another, as in Go's client.
const REDIRECTS: usize = 10;

/// What a URL answers.
///
/// # Errors
/// kubectl's words.
pub(super) fn fetch(url: &str) -> Result<Vec<u8>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(follow(url))
}

async fn follow(url: &str) -> Result<Vec<u8>, String> {
    let mut at = url.to_owned();
    for _ in 0..=REDIRECTS {
        let failed = |why: &dyn std::fmt::Display| format!("Get {at:?}: {why}");
        let response = get(&at).await.map_err(|why| failed(&why))?;
        let status = response.status();
        if let Some(location) = response.headers().get(header::LOCATION).filter(|_| status.is_redirection()) {
            let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
            at = join(&at, &location);
            continue;
        }
        if status != hyper::StatusCode::OK {
            let code = status.as_u16();
            let own = response.extensions().get::<hyper::ext::ReasonPhrase>();
            let own = own.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
            let reason = own.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().to_owned());
            return Err(format!("unable to read URL {url:?}, server reported {code} {reason}, status code={code}"));
        }
        let body = response.into_body().collect().await.map_err(|error| failed(&error))?;
        return Ok(body.to_bytes().into());
    }
    Err(format!("Get {at:?}: stopped after {REDIRECTS} redirects"))
}

async fn get(url: &str) -> Result<hyper::Response<hyper::body::Incoming>, String> {
    let (secure, host, port, _) = parse(url)?;
    let tls = match secure {
        true => Some((Arc::new(tls::config(&Value::Null, &Value::Null)?), host.clone())),
        false => None,
    };
    let endpoint = Endpoint { host, port, prefix: String::new(), tls };
    let mut sender = endpoint.connect().await.map_err(|status| status.message)?;
    let uri: hyper::Uri = url.parse().map_err(|_| format!("parse {url:?}"))?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let request = hyper::Request::get(target)
        .header(header::HOST, uri.authority().map_or("", |authority| authority.as_str()))
        .header(header::USER_AGENT, "kubectl")
        .body(Full::new(Bytes::new()))
        .map_err(|error| error.to_string())?;
    sender.send_request(request).await.map_err(|error| error.to_string())
}

/// Where a redirect leads.
fn join(from: &str, location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    let (scheme, rest) = from.split_once("://").unwrap_or(("http", from));
    let path_at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(path_at);
    if location.starts_with('/') {
        return format!("{scheme}://{authority}{location}");
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{scheme}://{authority}{folder}/{location}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_on() {
        for (from, location, to) in [
            ("https://a.io/x/y.yaml", "https://b.io/z", "https://b.io/z"),
            ("https://a.io/x/y.yaml", "/z", "https://a.io/z"),
            ("http://a.io/x/y.yaml", "z.yaml", "http://a.io/x/z.yaml"),
            ("http://a.io:80", "z.yaml", "http://a.io:80/z.yaml"),
        ] {
            assert_eq!(join(from, location), to, "{from} {location}");
        }
    }
}
