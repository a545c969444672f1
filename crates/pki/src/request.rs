//! Requests for certificates (PKCS #10, RFC 2986).

use crate::certificate::{Subject, subject};
use crate::der::{BITS, INTEGER, OBJECT_ID, OCTETS, SEQUENCE, SET, children, element, read_pem, wrap};
use crate::extension;

/// 1.2.840.113549.1.9.14: the extensions that a request asks for.
const ASKED_EXTENSIONS: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];

/// What a request asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// For whom.
    pub subject: Subject,
    /// The kinds of its alternative names: `Email`, `DNS`, `URI`, `IP`.
    pub alternatives: Vec<&'static str>,
    /// The name of whom it is for (DER).
    pub name: Vec<u8>,
    /// The public key (DER).
    pub key: Vec<u8>,
    /// The alternative names (DER); empty without.
    pub names: Vec<u8>,
    /// All extensions that it asks for, one after the other (DER).
    pub extensions: Vec<u8>,
}

/// A request for a certificate as it is signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignedRequest {
    /// What is signed (DER).
    pub body: Vec<u8>,
    /// The signature, and its algorithm: what is in its sequence.
    pub signature: [Vec<u8>; 2],
    /// The key, and its algorithm.
    pub key: [Vec<u8>; 2],
}

/// Takes a certificate signing request (PEM) apart for a look at its signature.
pub fn signed(request: &str) -> Option<SignedRequest> {
    // The first byte of bits says how many are too many.
    let pair = |algorithm: &[u8], bits: &[u8]| [bits.get(1..).unwrap_or_default().to_vec(), algorithm.to_vec()];
    let (_, der) = read_pem(request)?;
    let (_, outer, _) = element(&der)?;
    let parts = children(outer);
    let [(SEQUENCE, body), (SEQUENCE, algorithm), (BITS, signature)] = parts.as_slice() else { return None };
    let fields = children(body);
    let (SEQUENCE, key) = fields.get(2)? else { return None };
    let key = children(key);
    let [(SEQUENCE, kind), (BITS, bits)] = key.as_slice() else { return None };
    Some(SignedRequest { body: wrap(SEQUENCE, body), signature: pair(algorithm, signature), key: pair(kind, bits) })
}

/// Reads a certificate signing request (PEM).
pub fn asked(request: &str) -> Option<Asked> {
    let (_, der) = read_pem(request).filter(|(kind, _)| kind == "CERTIFICATE REQUEST")?;
    let subject = subject(request).unwrap_or_default();
    let (_, outer, _) = element(&der)?;
    let (_, body, _) = element(outer)?;
    let fields = children(body);
    let [_, (SEQUENCE, name), (SEQUENCE, key), rest @ ..] = fields.as_slice() else { return None };
    let (mut names, mut extensions): (&[u8], &[u8]) = (&[], &[]);
    for (_, attribute) in rest.iter().flat_map(|(_, attributes)| children(attributes)) {
        let parts = children(attribute);
        let [(OBJECT_ID, id), (SET, values)] = parts.as_slice() else { continue };
        if *id == ASKED_EXTENSIONS {
            (_, extensions, _) = element(values)?;
            for (_, extension) in children(extensions) {
                let parts = children(extension);
                if let [(OBJECT_ID, id), .., (OCTETS, content)] = parts.as_slice()
                    && *id == extension::id(extension::ALTERNATIVE_NAMES)
                {
                    names = content;
                }
            }
        }
    }
    let kind_of = |tag: u8| match tag & 0x1f {
        1 => Some("Email"),
        2 => Some("DNS"),
        6 => Some("URI"),
        7 => Some("IP"),
        _ => None,
    };
    let listed = element(names).map(|(_, list, _)| children(list)).unwrap_or_default();
    Some(Asked {
        subject,
        alternatives: listed.iter().filter_map(|(tag, _)| kind_of(*tag)).collect(),
        name: wrap(SEQUENCE, name),
        key: wrap(SEQUENCE, key),
        names: names.to_vec(),
        extensions: extensions.to_vec(),
    })
}

/// Writes a request (DER) for a name, a public key and extensions (all DER); `sign` makes a signature, whose algorithm is
/// another. None when there is no signature.
pub fn write(
    [name, key, extensions]: [&[u8]; 3],
    algorithm: &[u8],
    sign: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let attributes = if extensions.is_empty() {
        Vec::new()
    } else {
        let list = wrap(SET, &wrap(SEQUENCE, extensions));
        wrap(SEQUENCE, &[wrap(OBJECT_ID, &ASKED_EXTENSIONS), list].concat())
    };
    let body = wrap(SEQUENCE, &[&wrap(INTEGER, &[0])[..], name, key, &wrap(0xa0, &attributes)].concat());
    let signature = crate::der::bits(0, &sign(&body)?);
    Some(wrap(SEQUENCE, &[&body[..], algorithm, &signature].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::tests::REQUEST;
    use crate::der::write_pem;
    use crate::name::Name;

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let read = asked(REQUEST).unwrap();
        assert!(read.alternatives.is_empty() && read.extensions.is_empty());
        let name = Name(vec![("O", "dev".into()), ("CN", "nina".into())]).write();
        let names = extension::write("subjectAltName", "DNS:a.b,IP:10.0.0.1", [&[], &[]]).unwrap();
        let sign = |_: &[u8]| Some(vec![1, 2, 3]);
        let request = write([&name, &read.key, &names], &crate::rsa::SIGNATURE, &sign).unwrap();
        let again = asked(&write_pem("CERTIFICATE REQUEST", &request)).unwrap();
        assert_eq!((again.name, again.key, again.extensions), (name, read.key, names));
        assert_eq!((again.subject, again.alternatives), (read.subject, vec!["DNS", "IP"]));
        assert_eq!(signed(&write_pem("CERTIFICATE REQUEST", &request)).unwrap().signature[0], [1, 2, 3]);
    }

    #[test]
    fn what_is_no_request_asks_for_nothing() {
        let broken = "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n";
        for text in ["", "nonsense", broken] {
            assert_eq!(asked(text), None, "{text}");
        }
    }
}
