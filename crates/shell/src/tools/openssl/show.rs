//! Keys, requests and certificates as people read them.

use std::fmt::Write as _;

use drydock_pki::certificate::Certificate;
use drydock_pki::der::{children, element};
use drydock_pki::extension;
use drydock_pki::name::Name;
use drydock_pki::request::{Asked, SignedRequest};
use drydock_pki::rsa;
use drydock_value::Time;

use super::keys::Key;
use crate::tools::date::strftime;

/// Algorithms of keys and signatures: the last bytes of their identifiers, and their names.
const ALGORITHMS: [(&[u8], &str); 5] = [
    (&[0x0d, 1, 1, 1, 5, 0], "rsaEncryption"),
    (&[0x0d, 1, 1, 11, 5, 0], "sha256WithRSAEncryption"),
    (&[6, 3, 0x2b, 0x65, 0x70], "ED25519"),
    (&[0x3d, 4, 3, 2], "ecdsa-with-SHA256"),
    (&[0x3d, 3, 1, 7], "id-ecPublicKey"),
];

fn algorithm(der: &[u8]) -> &'static str {
    ALGORITHMS.iter().find(|(end, _)| der.ends_with(end)).map_or("unknown", |(_, name)| name)
}

/// Bytes in upper case without anything between them.
pub(super) fn upper(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A name (DER): `CN=a, O=b`.
pub(super) fn name(der: &[u8]) -> String {
    element(der).map_or_else(String::new, |(_, content, _)| Name::read(content).to_string())
}

/// `Nov 24 10:57:42 2026 GMT`
pub(super) fn moment(time: Time) -> String {
    strftime("%b %e %H:%M:%S %Y GMT", time)
}

/// Bytes in lines of so many.
fn lines(text: &mut String, bytes: &[u8], indent: usize, width: usize) {
    let count = bytes.len().div_ceil(width);
    for (at, line) in bytes.chunks(width).enumerate() {
        let words: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let end = if at + 1 < count { ":" } else { "" };
        let _ = writeln!(text, "{:indent$}{}{end}", "", words.join(":"));
    }
}

/// A number's bytes, with a zero before a highest bit that is set.
fn number(text: &mut String, title: &str, bytes: &[u8], indent: usize) {
    let _ = writeln!(text, "{:indent$}{title}:", "");
    let signed = if bytes.first().is_some_and(|byte| *byte >= 0x80) { [&[0], bytes].concat() } else { bytes.to_vec() };
    lines(text, &signed, indent + 4, 15);
}

/// A public key (DER).
pub(super) fn public_key(text: &mut String, der: &[u8], indent: usize) {
    if let Some((modulus, exponent)) = rsa::read_public(der) {
        let _ = writeln!(text, "{:indent$}Public-Key: ({} bit)", "", modulus.len() * 8);
        number(text, "Modulus", &modulus, indent);
        public_exponent(text, "Exponent", &exponent, indent);
        return;
    }
    let Some((_, content, _)) = element(der) else { return };
    let parts = children(content);
    let [(_, kind), (_, bits)] = parts.as_slice() else { return };
    let title = match algorithm(kind) {
        "ED25519" => "ED25519 Public-Key:",
        "id-ecPublicKey" => "Public-Key: (256 bit)",
        _ => return,
    };
    let _ = writeln!(text, "{:indent$}{title}\n{:indent$}pub:", "", "");
    lines(text, bits.get(1..).unwrap_or_default(), indent + 4, 15);
    if algorithm(kind) == "id-ecPublicKey" {
        let _ = writeln!(text, "{:indent$}ASN1 OID: prime256v1\n{:indent$}NIST CURVE: P-256", "", "");
    }
}

fn public_exponent(text: &mut String, title: &str, bytes: &[u8], indent: usize) {
    let value = bytes.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let _ = writeln!(text, "{:indent$}{title}: {value} ({value:#x})", "");
}

/// A private key.
pub(super) fn private_key(text: &mut String, key: &Key) {
    match key {
        Key::Rsa(key) => {
            let [modulus, exponent, rest @ ..] = &key.numbers;
            let _ = writeln!(text, "Private-Key: ({} bit, 2 primes)", modulus.len() * 8);
            number(text, "modulus", modulus, 0);
            public_exponent(text, "publicExponent", exponent, 0);
            let titles = ["privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"];
            for (title, bytes) in titles.iter().zip(rest) {
                number(text, title, bytes, 0);
            }
        }
        Key::Ed25519(secret) => {
            text.push_str("ED25519 Private-Key:\npriv:\n");
            lines(text, secret, 4, 15);
            let public = key.public();
            text.push_str("pub:\n");
            lines(text, &public[public.len() - 32..], 4, 15);
        }
    }
}

/// The algorithm of a public key and the key, as certificates and requests show them.
fn about_key(text: &mut String, der: &[u8]) {
    let kind = element(der).and_then(|(_, content, _)| Some(children(content).first()?.1.to_vec()));
    let _ = writeln!(
        text,
        "        Subject Public Key Info:\n            Public Key Algorithm: {}",
        algorithm(&kind.unwrap_or_default())
    );
    public_key(text, der, 16);
}

fn extensions(text: &mut String, der: &[u8], indent: usize) {
    for shown in extension::show(der) {
        let critical = if shown.critical { "critical" } else { "" };
        let _ = writeln!(text, "{:indent$}X509v3 {}: {critical}", "", shown.title);
        let _ = writeln!(text, "{:indent$}    {}", "", shown.text);
    }
}

fn signed(text: &mut String, kind: &[u8], signature: &[u8]) {
    let _ = writeln!(text, "    Signature Algorithm: {}\n    Signature Value:", algorithm(kind));
    lines(text, signature, 8, 18);
}

/// A certificate.
pub(super) fn certificate(certificate: &Certificate, kind: &[u8], signature: &[u8]) -> String {
    let mut text = "Certificate:\n    Data:\n        Version: 3 (0x2)\n        Serial Number:".to_owned();
    let serial = &certificate.serial;
    if serial.len() <= 8 {
        let value = serial.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        let _ = writeln!(text, " {value} ({value:#x})");
    } else {
        text.push('\n');
        lines(&mut text, serial, 12, serial.len());
    }
    let [from, until] = certificate.validity.map(moment);
    let _ = writeln!(
        text,
        "        Signature Algorithm: {}\n        Issuer: {}\n        Validity\n            Not Before: {from}\n            \
         Not After : {until}\n        Subject: {}",
        algorithm(kind),
        name(&certificate.issuer),
        name(&certificate.subject)
    );
    about_key(&mut text, &certificate.key);
    if !certificate.extensions.is_empty() {
        text.push_str("        X509v3 extensions:\n");
        extensions(&mut text, &certificate.extensions, 12);
    }
    signed(&mut text, kind, signature);
    text
}

/// The extensions of a certificate whose names are in a list.
pub(super) fn chosen(certificate: &Certificate, names: &str) -> String {
    let mut text = String::new();
    for shown in extension::show(&certificate.extensions) {
        if names.split(',').any(|name| name == shown.name) {
            let critical = if shown.critical { "critical" } else { "" };
            let _ = writeln!(text, "X509v3 {}: {critical}\n    {}", shown.title, shown.text);
        }
    }
    if text.is_empty() { "No extensions matching criteria\n".into() } else { text }
}

/// A request.
pub(super) fn request(asked: &Asked, request: &SignedRequest) -> String {
    let mut text =
        format!("Certificate Request:\n    Data:\n        Version: 1 (0x0)\n        Subject: {}\n", name(&asked.name));
    about_key(&mut text, &asked.key);
    text.push_str("        Attributes:\n");
    if asked.extensions.is_empty() {
        text.push_str("            (none)\n");
    } else {
        text.push_str("            Requested Extensions:\n");
        extensions(&mut text, &asked.extensions, 16);
    }
    signed(&mut text, &request.signature[1], &request.signature[0]);
    text
}
