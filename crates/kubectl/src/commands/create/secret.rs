//! `kubectl create secret generic|docker-registry|tls`

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drydock_value::{Value, to_json, value};

use super::sources::{self, Data, For};
use crate::change::generate;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;
use drydock_pki::der;

/// `kubectl create secret generic`
///
/// # Errors
/// kubectl's own.
pub fn generic(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let data = sources::read(inv, io, For::Secret)?;
    let kind = inv.flags.str("type").to_owned();
    create(inv, io, &name, &kind, data)
}

/// `kubectl create secret docker-registry`
///
/// # Errors
/// kubectl's own.
pub fn docker_registry(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let flags = &inv.flags;
    let (user, password, email, server) = (
        flags.str("docker-username"),
        flags.str("docker-password"),
        flags.str("docker-email"),
        flags.str("docker-server"),
    );
    let files = flags.list("from-file");
    let mut data = Data::new();
    if files.is_empty() {
        if user.is_empty() || password.is_empty() || server.is_empty() {
            return Err("either --from-file or the combination of --docker-username, --docker-password and --docker-server is required".into());
        }
        let json = |text: &str| to_json(&Value::from(text));
        let email = if email.is_empty() { String::new() } else { format!(",\"email\":{}", json(email)) };
        let auth = STANDARD.encode(format!("{user}:{password}"));
        let config = format!(
            "{{\"auths\":{{{}:{{\"username\":{},\"password\":{}{email},\"auth\":{}}}}}}}",
            json(server),
            json(user),
            json(password),
            json(&auth)
        );
        data.insert(".dockerconfigjson".into(), config.into_bytes());
    } else {
        for source in &files {
            // A file without a name of its own is the whole configuration.
            let keyed = if source.contains('=') { source.clone() } else { format!(".dockerconfigjson={source}") };
            sources::from_file(inv, io, For::Secret, &keyed, &mut data)?;
        }
    }
    create(inv, io, &name, "kubernetes.io/dockerconfigjson", data)
}

/// `kubectl create secret tls`
///
/// # Errors
/// kubectl's own.
pub fn tls(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let (cert, key) = (inv.flags.str("cert").to_owned(), inv.flags.str("key").to_owned());
    if cert.is_empty() || key.is_empty() {
        return Err("key and cert must be specified".into());
    }
    let mut read = |path: &str| {
        inv.read_file(io, path).map_err(|failure| match failure {
            Failure::Error(words) => format!("Cannot read file {path}, {words}").into(),
            other => other,
        })
    };
    let (cert, key) = (read(&cert)?, read(&key)?);
    check_pair(&String::from_utf8_lossy(&cert), &String::from_utf8_lossy(&key))?;
    let data = Data::from([("tls.crt".to_owned(), cert), ("tls.key".to_owned(), key)]);
    create(inv, io, &name, "kubernetes.io/tls", data)
}

fn create(inv: &mut Invocation, io: &mut Io<'_>, name: &str, kind: &str, data: Data) -> Result<Outcome, Failure> {
    let mut object = value!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
    if !kind.is_empty() {
        object.set("type", kind);
    }
    for (key, bytes) in data {
        object["data"].set(key, STANDARD.encode(bytes));
    }
    if inv.flags.bool("append-hash") {
        let data = if object["data"].is_null() { value!({}) } else { object["data"].clone() };
        let content = value!({"kind": "Secret", "type": kind, "name": name, "data": data});
        object["metadata"].set("name", format!("{name}-{}", sources::hash(&content)));
    }
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "failed to create secret")?;
    Ok(Outcome::Done)
}

/// Whether a certificate and a key belong together, as far as the public key is in both.
fn check_pair(cert: &str, key: &str) -> Result<(), Failure> {
    let certs = der::pem_blocks(cert);
    let Some((_, cert)) = certs.iter().find(|(label, _)| label == "CERTIFICATE") else {
        return Err(match certs.as_slice() {
            [] => "tls: failed to find any PEM data in certificate input".into(),
            [(label, _)] if label.ends_with("PRIVATE KEY") => {
                "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched".into()
            }
            others => format!(
                "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [{}]",
                labels(others)
            )
            .into(),
        });
    };
    let keys = der::pem_blocks(key);
    let Some((_, key)) = keys.iter().find(|(label, _)| label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY"))
    else {
        return Err(match keys.as_slice() {
            [] => "tls: failed to find any PEM data in key input".into(),
            [(label, _)] if label == "CERTIFICATE" => {
                "tls: found a certificate rather than a key in the PEM for the private key".into()
            }
            others => format!(
                "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [{}]",
                labels(others)
            )
            .into(),
        });
    };
    match (public_of_certificate(cert), public_of_key(key)) {
        (Some(a), Some(b)) if a != b => Err("tls: private key does not match public key".into()),
        (None, _) => Err("x509: malformed certificate".into()),
        _ => Ok(()),
    }
}

fn labels(blocks: &[(String, Vec<u8>)]) -> String {
    blocks.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>().join(" ")
}

/// The elements inside of the first one of some bytes.
fn inside(bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    der::element(bytes).map(|(_, content, _)| der::children(content))
}

/// The bits of the public key in a certificate: for RSA, the modulus; else the point.
fn public_of_certificate(bytes: &[u8]) -> Option<Vec<u8>> {
    let (_, body) = *inside(bytes)?.first()?;
    let body = der::children(body);
    // The version (tag 0) may be left out; the key is the sixth field behind it.
    let skip = usize::from(body.first()?.0 == 0xa0);
    let key = der::children(body.get(skip + 5)?.1);
    let bits = key.get(1)?.1.get(1..)?;
    Some(match der::element(bits) {
        Some((der::SEQUENCE, content, _)) => der::children(content).first()?.1.to_vec(),
        _ => bits.to_vec(),
    })
}

/// The same of a private key, when it holds its public half.
fn public_of_key(bytes: &[u8]) -> Option<Vec<u8>> {
    match inside(bytes)?.as_slice() {
        // PKCS #8: version, algorithm, the key itself.
        [(_, [0]), (der::SEQUENCE, _), (der::OCTETS, key), ..] => public_of_key(key),
        // SEC 1: version 1, the secret, parameters, the point.
        [(_, [1]), (der::OCTETS, _), rest @ ..] => {
            let (_, point) = rest.iter().find(|(tag, _)| *tag == 0xa1)?;
            der::children(point).first()?.1.get(1..).map(<[u8]>::to_vec)
        }
        // PKCS #1: version, modulus, exponents and primes.
        [(_, [0]), (der::INTEGER, modulus), ..] => Some(modulus.to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::check_pair;

    const CERT: &str = include_str!("../../../testdata/tls/a.crt");
    const KEY: &str = include_str!("../../../testdata/tls/a.key");
    const OTHER: &str = include_str!("../../../testdata/tls/other.key");

    #[test]
    fn keys_must_fit_their_certificate() {
        let words = |cert, key| check_pair(cert, key).err().map(|failure| failure.words());
        assert_eq!(words(CERT, KEY), None);
        assert_eq!(words(CERT, OTHER).unwrap(), "tls: private key does not match public key");
        assert!(words(KEY, CERT).unwrap().ends_with("PEM inputs may have been switched"));
        assert_eq!(words("x", "x").unwrap(), "tls: failed to find any PEM data in certificate input");
    }
}
