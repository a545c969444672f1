//! TLS with a certificate made for the occasion. It is what kubectl asks of a server before it tells it a token.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// What a server shows, and what clients need to trust it (PEM).
pub(crate) fn make() -> Result<(TlsAcceptor, String), String> {
    let names = ["localhost", "127.0.0.1", "::1", "kubernetes", "kubernetes.default.svc"].map(str::to_owned);
    let own = rcgen::generate_simple_self_signed(names).map_err(|error| error.to_string())?;
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key.into()))
        .map_err(|error| error.to_string())?;
    Ok((TlsAcceptor::from(Arc::new(config)), own.cert.pem()))
}
