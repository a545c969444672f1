//! Connections to the server.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use drydock_api::Status;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{system, tls};

/// How long a connection may take to stand, as in Go's transport.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) type Sender = SendRequest<Full<Bytes>>;

/// Where the server is.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) host: String,
    pub(super) port: u16,
    /// What stands before every path; empty mostly.
    pub(super) prefix: String,
    /// What it takes to speak TLS, and the name that the server's certificate must have.
    pub(super) tls: Option<(Arc<ClientConfig>, String)>,
}

/// The parts of a server's URL: whether it is secure, host, port, prefix.
pub(super) fn parse(server: &str) -> Result<(bool, String, u16, String), String> {
    let with_scheme = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    let uri: hyper::Uri = with_scheme.parse().map_err(|error| format!("parse {server:?}: {error}"))?;
    let secure = uri.scheme_str() == Some("https");
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    Ok((secure, host, port, uri.path().trim_end_matches('/').to_owned()))
}

impl Endpoint {
    /// `host:port`, as it is shown and sent.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    fn failed(&self, why: String) -> Status {
        let mut status = Status::new(0, "", why);
        status.name = self.authority();
        status
    }

    /// A new connection.
    ///
    /// # Errors
    /// A status with code 0, in Go's words.
    pub(super) async fn connect(&self) -> Result<Sender, Status> {
        let dial = TcpStream::connect((self.host.as_str(), self.port));
        let stream = match tokio::time::timeout(PATIENCE, dial).await {
            Err(_) => return Err(self.failed(format!("dial tcp {}: i/o timeout", self.authority()))),
            // Only names have to be looked up.
            Ok(Err(error)) if error.raw_os_error().is_none() && self.host.parse::<std::net::IpAddr>().is_err() => {
                return Err(self.failed(format!("dial tcp: lookup {}: no such host", self.host)));
            }
            Ok(Err(error)) => {
                let address = self.authority().replacen("localhost", "127.0.0.1", 1);
                return Err(self.failed(format!("dial tcp {address}: connect: {}", system::words(&error))));
            }
            Ok(Ok(stream)) => stream,
        };
        let _ = stream.set_nodelay(true);
        let broken = |error: hyper::Error| self.failed(error.to_string());
        match &self.tls {
            None => {
                let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
                tokio::spawn(connection.with_upgrades());
                Ok(sender)
            }
            Some((config, name)) => {
                let server = ServerName::try_from(name.clone()).map_err(|error| self.failed(error.to_string()))?;
                let stream = TlsConnector::from(config.clone()).connect(server, stream).await;
                let stream = stream.map_err(|error| self.failed(tls::words(&error, name)))?;
                let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
                tokio::spawn(connection.with_upgrades());
                Ok(sender)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_urls_or_addresses() {
        for (server, expected) in [
            ("http://127.0.0.1:8080", (false, "127.0.0.1", 8080, "")),
            ("https://example.com", (true, "example.com", 443, "")),
            ("https://[::1]:6443/k8s/clusters/c-1/", (true, "::1", 6443, "/k8s/clusters/c-1")),
            ("localhost:8001", (false, "localhost", 8001, "")),
        ] {
            let (secure, host, port, prefix) = parse(server).unwrap();
            assert_eq!((secure, host.as_str(), port, prefix.as_str()), expected, "{server}");
        }
        assert!(parse("http://[").is_err());
    }
}
