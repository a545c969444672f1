//! The cluster's certificate authority: it signs what is asked for in certificate signing requests, as
//! kube-controller-manager's signers do. Its key follows from the cluster's seed, so it proves nothing to anybody outside.
//!
//! A request's own signature is looked at by whoever [`Config`](crate::Config) names for it.

use drydock_value::Time;

use super::certificate::{self, INTEGER, OBJECT_ID, OCTETS, SEQUENCE, SET, Subject, children, element, wrap};
use super::{ed25519, sha512};

/// 1.3.101.112: Ed25519, for keys and for signatures.
const ALGORITHM: [u8; 7] = [SEQUENCE, 5, OBJECT_ID, 3, 0x2b, 0x65, 0x70];
const BITS: u8 = 0x03;
const TRUE: [u8; 3] = [0x01, 1, 0xff];
const NAME: &str = "minikubeCA";
/// How long the authority's own certificate is good.
const YEARS: u64 = 10;

/// id-ce: the extensions' identifiers begin with these bytes.
const EXTENSION: [u8; 2] = [0x55, 0x1d];
const KEY_IDENTIFIER: u8 = 14;
const KEY_USAGE: u8 = 15;
const ALTERNATIVE_NAMES: u8 = 17;
const BASIC_CONSTRAINTS: u8 = 19;
const AUTHORITY_KEY: u8 = 35;
const EXTENDED_USAGE: u8 = 37;
/// 1.2.840.113549.1.9.14: the extensions that a request asks for.
const ASKED_EXTENSIONS: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];

/// Usages that are bits of a key's usage.
const KEY_BITS: [(&str, u8); 2] = [("digital signature", 0x80), ("key encipherment", 0x20)];
/// Usages that are purposes, by the last number of 1.3.6.1.5.5.7.3.
const PURPOSES: [(&str, u8); 2] = [("server auth", 1), ("client auth", 2)];

/// What a request asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// For whom.
    pub subject: Subject,
    /// The kinds of its alternative names: `Email`, `DNS`, `URI`, `IP`.
    pub alternatives: Vec<&'static str>,
    /// Name, key and alternative names in DER.
    parts: [Vec<u8>; 3],
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
    let (_, der) = certificate::pem(request)?;
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
    let (_, der) = certificate::pem(request).filter(|(kind, _)| kind == "CERTIFICATE REQUEST")?;
    let subject = certificate::subject(request).unwrap_or_default();
    let (_, outer, _) = element(&der)?;
    let (_, body, _) = element(outer)?;
    let fields = children(body);
    let [_, (SEQUENCE, name), (SEQUENCE, key), rest @ ..] = fields.as_slice() else { return None };
    let mut names: &[u8] = &[];
    for (_, attribute) in rest.iter().flat_map(|(_, attributes)| children(attributes)) {
        let parts = children(attribute);
        let [(OBJECT_ID, id), (SET, values)] = parts.as_slice() else { continue };
        if *id == ASKED_EXTENSIONS {
            let (_, list, _) = element(values)?;
            for (_, extension) in children(list) {
                let parts = children(extension);
                if let [(OBJECT_ID, id), .., (OCTETS, content)] = parts.as_slice()
                    && id.strip_prefix(&EXTENSION) == Some(&[ALTERNATIVE_NAMES])
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
        parts: [wrap(SEQUENCE, name), wrap(SEQUENCE, key), names.to_vec()],
    })
}

/// The authority.
#[derive(Debug, Clone)]
pub struct Authority {
    key: ed25519::Key,
    since: Time,
}

impl Authority {
    /// The one of a cluster.
    pub fn of(config: &crate::Config) -> Authority {
        let digest = sha512::digest(&[b"certificate authority", &config.seed.to_be_bytes()]);
        let mut secret = [0; 32];
        secret.copy_from_slice(&digest[..32]);
        Authority { key: ed25519::Key::new(&secret), since: config.start }
    }

    fn ends(&self) -> Time {
        Time::from_seconds(self.since.seconds() + YEARS * 365 * 86_400)
    }

    fn identifier(&self) -> Vec<u8> {
        sha512::digest(&[&self.key.public])[..20].to_vec()
    }

    /// Its own certificate (PEM).
    pub fn certificate(&self) -> String {
        let subject = certificate::write_name(&Subject { common_name: NAME.into(), organizations: Vec::new() });
        let key = wrap(SEQUENCE, &[&ALGORITHM[..], &bits(0, &self.key.public)].concat());
        let extensions = [
            // Digital signature, key encipherment, certificate signing.
            extension(KEY_USAGE, true, &bits(2, &[0xa4])),
            extension(EXTENDED_USAGE, false, &purposes(&[2, 1])),
            extension(BASIC_CONSTRAINTS, true, &wrap(SEQUENCE, &TRUE)),
            extension(KEY_IDENTIFIER, false, &wrap(OCTETS, &self.identifier())),
        ];
        self.issue(&subject, &key, [self.since, self.ends()], &extensions.concat())
    }

    /// A certificate (PEM) as a request asks for it, from one moment to another.
    pub fn sign(&self, asked: &Asked, usages: &[&str], from: Time, until: Time) -> String {
        let [subject, key, names] = &asked.parts;
        let bit = KEY_BITS.iter().filter(|(name, _)| usages.contains(name)).fold(0, |all, (_, bit)| all | bit);
        let purpose: Vec<u8> = usages
            .iter()
            .filter_map(|usage| PURPOSES.iter().find(|(name, _)| name == usage).map(|(_, number)| *number))
            .collect();
        let mut extensions = Vec::new();
        if bit != 0 {
            extensions.extend(extension(KEY_USAGE, true, &bits(bit.trailing_zeros() as u8, &[bit])));
        }
        if !purpose.is_empty() {
            extensions.extend(extension(EXTENDED_USAGE, false, &purposes(&purpose)));
        }
        extensions.extend(extension(BASIC_CONSTRAINTS, true, &wrap(SEQUENCE, &[])));
        extensions.extend(extension(AUTHORITY_KEY, false, &wrap(SEQUENCE, &wrap(0x80, &self.identifier()))));
        if !names.is_empty() {
            extensions.extend(extension(ALTERNATIVE_NAMES, false, names));
        }
        self.issue(subject, key, [from, until.min(self.ends())], &extensions)
    }

    fn issue(&self, subject: &[u8], key: &[u8], validity: [Time; 2], extensions: &[u8]) -> String {
        let validity = validity.map(moment).concat();
        // As unlikely to come twice as chance.
        let mut serial = sha512::digest(&[subject, key, &validity])[..16].to_vec();
        serial[0] = serial[0] & 0x3f | 0x40;
        let issuer = certificate::write_name(&Subject { common_name: NAME.into(), organizations: Vec::new() });
        let body = [
            wrap(0xa0, &wrap(INTEGER, &[2])),
            wrap(INTEGER, &serial),
            ALGORITHM.to_vec(),
            issuer,
            wrap(SEQUENCE, &validity),
            subject.to_vec(),
            key.to_vec(),
            wrap(0xa3, &wrap(SEQUENCE, extensions)),
        ];
        let body = wrap(SEQUENCE, &body.concat());
        let signature = bits(0, &self.key.sign(&body));
        certificate::write_pem(&wrap(SEQUENCE, &[&body[..], &ALGORITHM, &signature].concat()))
    }
}

fn bits(unused: u8, content: &[u8]) -> Vec<u8> {
    wrap(BITS, &[&[unused], content].concat())
}

fn extension(id: u8, critical: bool, content: &[u8]) -> Vec<u8> {
    let id = wrap(OBJECT_ID, &[EXTENSION[0], EXTENSION[1], id]);
    let critical: &[u8] = if critical { &TRUE } else { &[] };
    wrap(SEQUENCE, &[&id, critical, &wrap(OCTETS, content)].concat())
}

fn purposes(numbers: &[u8]) -> Vec<u8> {
    let purpose = |number: &u8| wrap(OBJECT_ID, &[0x2b, 6, 1, 5, 5, 7, 3, *number]);
    wrap(SEQUENCE, &numbers.iter().flat_map(purpose).collect::<Vec<u8>>())
}

/// Until 2049 years have two digits.
fn moment(time: Time) -> Vec<u8> {
    let (year, month, day, hour, minute, second) = time.civil();
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if year < 2050 {
        wrap(0x17, format!("{:02}{rest}", year % 100).as_bytes())
    } else {
        wrap(0x18, format!("{year:04}{rest}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by openssl: /O=dev/CN=nina.
    const PLAIN: &str = "-----BEGIN CERTIFICATE REQUEST-----\n\
        MIHYMH8CAQAwHTEMMAoGA1UECgwDZGV2MQ0wCwYDVQQDDARuaW5hMFkwEwYHKoZI\n\
        zj0CAQYIKoZIzj0DAQcDQgAEy1ZMwaf0TpleCT5YEm9523ZQln1UcjnJZpA9qT8M\n\
        b158n0w1pagbF7X4rUuOTs8N4l+EqX7IStszsgHXyx7lcqAAMAoGCCqGSM49BAMC\n\
        A0kAMEYCIQCM3TJVt3KdJn97nOr7YlQDLKOtpLB7jmRqcM4R2UsVXgIhALv/wfAh\n\
        QQWg4ndCcnYMhUJDF4A+zrQbE/iYt0FNk6UC\n-----END CERTIFICATE REQUEST-----\n";

    #[test]
    fn a_request_is_signed_for_whom_it_names() {
        let asked = asked(PLAIN).unwrap();
        assert!(asked.alternatives.is_empty());
        let authority = Authority::of(&crate::Config::default());
        let day = Time::from_seconds(1_800_000_000);
        let signed = authority.sign(&asked, &["client auth", "digital signature"], day, day);
        assert_eq!(certificate::subject(&signed).unwrap(), asked.subject);
        assert_eq!(signed, authority.sign(&asked, &["client auth", "digital signature"], day, day));
        let own = certificate::subject(&authority.certificate()).unwrap();
        assert_eq!((own.common_name.as_str(), own.organizations.len()), (NAME, 0));
    }

    #[test]
    fn what_is_no_request_asks_for_nothing() {
        let certificate = Authority::of(&crate::Config::default()).certificate();
        let broken = "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n";
        for text in ["", "nonsense", certificate.as_str(), broken] {
            assert_eq!(asked(text), None, "{text}");
        }
    }
}
