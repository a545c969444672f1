//! TLS: what the server shows is signed by the cluster's own authority, and who shows a certificate of it is its subject,
//! as in a real cluster.

use std::sync::Arc;

use drydock_apiserver::Authority;
use drydock_pki::request::{SignedRequest, asked};
use drydock_value::Time;
use rcgen::{CertificateParams, DnType, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
};

/// How long what is issued here is good.
const YEAR: u64 = 365 * 86_400;
/// The names by which clients may know the server.
const NAMES: [&str; 5] = ["localhost", "127.0.0.1", "::1", "kubernetes", "kubernetes.default.svc"];

/// A certificate and its key, both PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

/// Issues a certificate by the cluster's authority, for a new key.
pub(crate) fn issue(
    authority: &Authority,
    [common_name, organization]: [&str; 2],
    names: &[&str],
    purpose: &str,
    now: Time,
) -> Result<Identity, String> {
    let words = |error: rcgen::Error| error.to_string();
    let key = KeyPair::generate().map_err(words)?;
    let mut params =
        CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).map_err(words)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    if !organization.is_empty() {
        params.distinguished_name.push(DnType::OrganizationName, organization);
    }
    params.distinguished_name.push(DnType::CommonName, common_name);
    let request = params.serialize_request(&key).and_then(|request| request.pem()).map_err(words)?;
    let asked = asked(&request).ok_or("the request for a certificate cannot be read")?;
    let usages = ["digital signature", "key encipherment", purpose];
    let [from, until] = [now.seconds().saturating_sub(300), now.seconds() + YEAR].map(Time::from_seconds);
    Ok(Identity { certificate: authority.sign(&asked, &usages, from, until), key: key.serialize_pem() })
}

/// Whether the signature of a request for a certificate is that of its key, in Go's words.
pub fn check_signature(request: &SignedRequest) -> Result<(), String> {
    let ([key, key_algorithm], [signature, algorithm]) = (&request.key, &request.signature);
    let all = ring::default_provider().signature_verification_algorithms.all;
    let found = all.iter().find(|known| {
        known.signature_alg_id().as_ref() == algorithm.as_slice()
            && known.public_key_alg_id().as_ref() == key_algorithm.as_slice()
    });
    let Some(found) = found else {
        return Err("x509: cannot verify signature: algorithm unimplemented".into());
    };
    found.verify_signature(key, &request.body, signature).map_err(|_| {
        // 1.2.840.113549.1.1 are RSA's, 1.3.101.112 is Ed25519.
        match key_algorithm.as_slice() {
            [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, ..] => "crypto/rsa: verification error".into(),
            [0x06, 0x03, 0x2b, ..] => "x509: Ed25519 verification failure".into(),
            _ => "x509: ECDSA verification failure".into(),
        }
    })
}

/// What connections need: how to accept them, and how to tell who is there.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    clients: Arc<dyn ClientCertVerifier>,
}

impl Tls {
    /// With a certificate of the cluster's authority.
    pub(crate) fn new(authority: &Authority, now: Time) -> Result<Tls, String> {
        let own = issue(authority, ["minikube", "system:masters"], &NAMES, "server auth", now)?;
        let chain = chain(&own.certificate);
        let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).map_err(|error| error.to_string())?;
        let mut roots = RootCertStore::empty();
        for certificate in self::chain(&authority.certificate()) {
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        let provider = Arc::new(ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()
            .map_err(|error| error.to_string())?;
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_client_cert_verifier(Arc::new(Anybody(provider))).with_single_cert(chain, key)
            })
            .map_err(|error| error.to_string())?;
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), clients })
    }

    /// The certificate (PEM) by which a client is known: nothing of one that the authority did not sign, or whose time is
    /// over. None when nothing was shown.
    pub(crate) fn client(&self, shown: Option<&[CertificateDer<'_>]>) -> Option<String> {
        let (own, others) = shown?.split_first()?;
        let good = self.clients.verify_client_cert(own, others, UnixTime::now()).is_ok();
        Some(if good { pem(own) } else { String::new() })
    }
}

fn chain(text: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(text.as_bytes()).flatten().collect()
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

/// Asks for a certificate and takes any, if its key is the client's: a request is refused by words, a handshake is not.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_signed_by_their_own_keys() {
        for (algorithm, refusal) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, "x509: ECDSA verification failure"),
            (&rcgen::PKCS_ECDSA_P384_SHA384, "x509: ECDSA verification failure"),
            (&rcgen::PKCS_ED25519, "x509: Ed25519 verification failure"),
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
            let mut signed = drydock_pki::request::signed(&request).unwrap();
            assert_eq!(check_signature(&signed), Ok(()), "{refusal}");
            if let Some(last) = signed.body.last_mut() {
                *last ^= 1;
            }
            assert_eq!(check_signature(&signed), Err(refusal.into()));
        }
    }

    #[test]
    fn clients_are_known_by_certificates_of_the_authority_only() {
        let authority =
            |seed| Authority::of(&drydock_apiserver::Config { seed, ..drydock_apiserver::Config::default() });
        let now = Time::from_seconds(UnixTime::now().as_secs());
        let tls = Tls::new(&authority(1), now).unwrap();
        let shown = |seed, purpose, now| {
            let own = issue(&authority(seed), ["nina", "dev"], &[], purpose, now).unwrap();
            !tls.client(Some(&chain(&own.certificate))).unwrap().is_empty()
        };
        assert_eq!(tls.client(None), None);
        assert!(shown(1, "client auth", now));
        assert!(!shown(2, "client auth", now), "another authority");
        assert!(!shown(1, "server auth", now), "another purpose");
        assert!(!shown(1, "client auth", Time::from_seconds(now.seconds() - 2 * YEAR)), "too old");
    }
}
