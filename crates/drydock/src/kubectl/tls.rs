//! TLS, as the kubeconfig's entries for the cluster and the user ask for it.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use drydock_value::Value;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// Where systems keep the authorities that they trust.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// What an entry holds under `KEY-data` (base64), or in the file that `KEY` names.
fn bytes(entry: &Value, key: &str, what: &str) -> Result<Option<Vec<u8>>, String> {
    let data = entry[format!("{key}-data").as_str()].str();
    if !data.is_empty() {
        return BASE64_STANDARD.decode(data).map(Some).map_err(|error| error.to_string());
    }
    let path = entry[key].str();
    if path.is_empty() {
        return Ok(None);
    }
    std::fs::read(path)
        .map(Some)
        .map_err(|error| format!("unable to read {what} {path}: open {path}: {}", super::system::words(&error)))
}

fn authorities(cluster: &Value) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let given = bytes(cluster, "certificate-authority", "certificate-authority")?;
    let own = given.is_some();
    let named = std::env::var("SSL_CERT_FILE").ok();
    let paths = named.iter().map(String::as_str).chain(BUNDLES);
    let pem = given.or_else(|| paths.filter_map(|path| std::fs::read(path).ok()).next()).unwrap_or_default();
    for certificate in CertificateDer::pem_slice_iter(&pem).flatten() {
        // Systems trust some that are too odd to be read; those are passed over.
        let _ = roots.add(certificate);
    }
    if own && roots.is_empty() {
        return Err("unable to load root certificates: unable to parse bytes as PEM block".into());
    }
    Ok(roots)
}

/// What a connection needs.
pub(super) fn config(cluster: &Value, user: &Value) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let keys = provider.key_provider;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = if cluster["insecure-skip-tls-verify"].as_bool() == Some(true) {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
    } else {
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities(cluster)?), provider).build();
        builder.with_webpki_verifier(verifier.map_err(|_| UNKNOWN_AUTHORITY)?)
    };
    let certificate = bytes(user, "client-certificate", "client-cert")?;
    let key = bytes(user, "client-key", "client-key")?;
    let (Some(certificate), Some(key)) = (certificate, key) else { return Ok(builder.with_no_client_auth()) };
    let wrong = |what: &str| format!("tls: failed to find any PEM data in {what} input");
    let chain: Vec<CertificateDer<'_>> =
        CertificateDer::pem_slice_iter(&certificate).flatten().map(CertificateDer::into_owned).collect();
    if chain.is_empty() {
        return Err(wrong("certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| wrong("key"))?;
    // Whether the certificate is a good one is for the server to say.
    let key = keys.load_private_key(key).map_err(|error| format!("tls: {error}"))?;
    Ok(builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)))))
}

const UNKNOWN_AUTHORITY: &str = "tls: failed to verify certificate: x509: certificate signed by unknown authority";

/// Why a handshake failed, in Go's words where there are such.
pub(super) fn words(error: &std::io::Error, name: &str) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => UNKNOWN_AUTHORITY.into(),
        Some(Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })) => {
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid".into()
        }
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => format!("tls: failed to verify certificate: x509: certificate is not valid for {name}"),
        Some(error) => format!("tls: {error}"),
        None => super::system::words(error),
    }
}

/// Takes every certificate: `insecure-skip-tls-verify`.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
