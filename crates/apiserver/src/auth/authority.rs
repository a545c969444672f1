//! The cluster's certificate authority: it signs what is asked for in certificate signing requests, as
//! kube-controller-manager's signers do. Its key follows from the cluster's seed, so it proves nothing to anybody outside.
//!
//! A request's own signature is looked at by whoever [`Config`](crate::Config) names for it.

use drydock_value::Time;

use drydock_pki::certificate::{Certificate, Subject};
use drydock_pki::der::{OBJECT_ID, OCTETS, SEQUENCE, bits, wrap, write_pem};
use drydock_pki::extension::{
    ALTERNATIVE_NAMES, AUTHORITY_KEY, BASIC_CONSTRAINTS, EXTENDED_USAGE, KEY_IDENTIFIER, KEY_USAGE, extension,
    purposes, usage,
};
use drydock_pki::request::Asked;
use drydock_pki::{ed25519, sha512};

/// 1.3.101.112: Ed25519, for keys and for signatures.
const ALGORITHM: [u8; 7] = [SEQUENCE, 5, OBJECT_ID, 3, 0x2b, 0x65, 0x70];
const NAME: &str = "minikubeCA";
/// How long the authority's own certificate is good.
const YEARS: u64 = 10;

/// Usages that are bits of a key's usage.
const KEY_BITS: [(&str, u8); 2] = [("digital signature", 0x80), ("key encipherment", 0x20)];
/// Usages that are purposes, by the last number of 1.3.6.1.5.5.7.3.
const PURPOSES: [(&str, u8); 2] = [("server auth", 1), ("client auth", 2)];

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
        let key = wrap(SEQUENCE, &[&ALGORITHM[..], &bits(0, &self.key.public)].concat());
        let extensions = [
            // Digital signature, key encipherment, certificate signing.
            extension(KEY_USAGE, true, &usage(0xa4)),
            extension(EXTENDED_USAGE, false, &purposes(&[2, 1])),
            extension(BASIC_CONSTRAINTS, true, &wrap(SEQUENCE, &drydock_pki::der::TRUE)),
            extension(KEY_IDENTIFIER, false, &wrap(OCTETS, &self.identifier())),
        ];
        self.issue(&name(), &key, [self.since, self.ends()], &extensions.concat())
    }

    /// A certificate (PEM) as a request asks for it, from one moment to another.
    pub fn sign(&self, asked: &Asked, usages: &[&str], from: Time, until: Time) -> String {
        let Asked { name, key, names, .. } = asked;
        let bit = KEY_BITS.iter().filter(|(name, _)| usages.contains(name)).fold(0, |all, (_, bit)| all | bit);
        let purpose: Vec<u8> = usages
            .iter()
            .filter_map(|usage| PURPOSES.iter().find(|(name, _)| name == usage).map(|(_, number)| *number))
            .collect();
        let mut extensions = Vec::new();
        if bit != 0 {
            extensions.extend(extension(KEY_USAGE, true, &usage(bit)));
        }
        if !purpose.is_empty() {
            extensions.extend(extension(EXTENDED_USAGE, false, &purposes(&purpose)));
        }
        extensions.extend(extension(BASIC_CONSTRAINTS, true, &wrap(SEQUENCE, &[])));
        extensions.extend(extension(AUTHORITY_KEY, false, &wrap(SEQUENCE, &wrap(0x80, &self.identifier()))));
        if !names.is_empty() {
            extensions.extend(extension(ALTERNATIVE_NAMES, false, names));
        }
        self.issue(name, key, [from, until.min(self.ends())], &extensions)
    }

    fn issue(&self, subject: &[u8], key: &[u8], validity: [Time; 2], extensions: &[u8]) -> String {
        let moments = validity.map(|time| time.seconds().to_be_bytes()).concat();
        // As unlikely to come twice as chance.
        let mut serial = sha512::digest(&[subject, key, &moments])[..16].to_vec();
        serial[0] = serial[0] & 0x3f | 0x40;
        let certificate = Certificate {
            serial,
            issuer: name(),
            validity,
            subject: subject.to_vec(),
            key: key.to_vec(),
            extensions: extensions.to_vec(),
        };
        let der = certificate.signed(&ALGORITHM, &|body| Some(self.key.sign(body).to_vec()));
        write_pem("CERTIFICATE", &der.unwrap_or_default())
    }
}

/// The authority's own name.
fn name() -> Vec<u8> {
    Subject { common_name: NAME.into(), organizations: Vec::new() }.name().write()
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_pki::certificate;
    use drydock_pki::request::asked;

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
}
