//! Certificates (X.509, RFC 5280): whom they are about, and how they are written.

use drydock_value::Time;

use crate::der::{INTEGER, OBJECT_ID, SEQUENCE, bits, children, element, read_pem, wrap, write_pem};
use crate::name::Name;

/// Who a certificate, or a request for one, is about: to Kubernetes, a user and the groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// CN.
    pub common_name: String,
    /// O, in order.
    pub organizations: Vec<String>,
}

impl Subject {
    /// The name of it.
    pub fn name(&self) -> Name {
        let mut parts: Vec<(&'static str, String)> = self.organizations.iter().map(|o| ("O", o.clone())).collect();
        parts.push(("CN", self.common_name.clone()));
        Name(parts)
    }
}

/// The subject of a certificate or of a request for one (PEM).
pub fn subject(certificate: &str) -> Option<Subject> {
    let (kind, der) = read_pem(certificate)?;
    let (_, outer, _) = element(&der)?;
    let (_, inner, _) = element(outer)?;
    let parts = children(inner);
    let names: Vec<&[u8]> = parts.iter().filter(|(tag, _)| *tag == SEQUENCE).map(|(_, content)| *content).collect();
    let found = match kind.as_str() {
        // Version, serial number, algorithm, issuer, validity, subject.
        "CERTIFICATE" => Name::read(names.get(3)?),
        // Version, subject.
        "CERTIFICATE REQUEST" => Name::read(names.first()?),
        _ => return None,
    };
    let common_name = found.get("CN").filter(|text| !text.is_empty())?.to_owned();
    let organizations = found.0.into_iter().filter(|(short, _)| *short == "O").map(|(_, text)| text).collect();
    Some(Subject { common_name, organizations })
}

/// What a certificate says. Issuer, subject, key and extensions are DER, the extensions one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its number among its issuer's, the highest byte first.
    pub serial: Vec<u8>,
    /// The name of who signed it.
    pub issuer: Vec<u8>,
    /// From when on and until when it is good.
    pub validity: [Time; 2],
    /// Whom it is about.
    pub subject: Vec<u8>,
    /// The public key.
    pub key: Vec<u8>,
    /// The extensions.
    pub extensions: Vec<u8>,
}

impl Certificate {
    /// Writes it (DER); `sign` makes a signature of an algorithm (DER). None when there is no signature.
    pub fn signed(&self, algorithm: &[u8], sign: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let mut body = [
            &wrap(0xa0, &wrap(INTEGER, &[2]))[..],
            &wrap(INTEGER, &self.serial),
            algorithm,
            &self.issuer,
            &wrap(SEQUENCE, &self.validity.map(moment).concat()),
            &self.subject,
            &self.key,
        ]
        .concat();
        if !self.extensions.is_empty() {
            body.extend(wrap(0xa3, &wrap(SEQUENCE, &self.extensions)));
        }
        let body = wrap(SEQUENCE, &body);
        let signature = bits(0, &sign(&body)?);
        Some(wrap(SEQUENCE, &[&body[..], algorithm, &signature].concat()))
    }

    /// Reads one (DER): what it says, what was signed, the signature's algorithm (DER), the signature.
    pub fn read(der: &[u8]) -> Option<(Certificate, [Vec<u8>; 3])> {
        let (SEQUENCE, outer, _) = element(der)? else { return None };
        let parts = children(outer);
        let [(SEQUENCE, body), (SEQUENCE, algorithm), (crate::der::BITS, signature)] = parts.as_slice() else {
            return None;
        };
        let mut fields = children(body);
        if fields.first()?.0 == 0xa0 {
            fields.remove(0);
        }
        let [
            (INTEGER, serial),
            _,
            (SEQUENCE, issuer),
            (SEQUENCE, validity),
            (SEQUENCE, subject),
            (SEQUENCE, key),
            rest @ ..,
        ] = fields.as_slice()
        else {
            return None;
        };
        let moments = children(validity);
        let [(_, from), (_, until)] = moments.as_slice() else { return None };
        let extensions = rest.iter().find(|(tag, _)| *tag == 0xa3).and_then(|(_, content)| element(content));
        let certificate = Certificate {
            serial: serial.to_vec(),
            issuer: wrap(SEQUENCE, issuer),
            validity: [read_moment(from)?, read_moment(until)?],
            subject: wrap(SEQUENCE, subject),
            key: wrap(SEQUENCE, key),
            extensions: extensions.map(|(_, list, _)| list.to_vec()).unwrap_or_default(),
        };
        let signature = signature.get(1..)?.to_vec();
        Some((certificate, [wrap(SEQUENCE, body), wrap(SEQUENCE, algorithm), signature]))
    }
}

/// A certificate (PEM) of the simulated cluster's authority: the shape of a real one, with the subject in its place and
/// no signature worth the name, as nothing here checks one.
pub fn issue(subject: &Subject, serial: u64) -> String {
    let algorithm = wrap(SEQUENCE, &wrap(OBJECT_ID, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
    let certificate = Certificate {
        serial: serial.to_be_bytes().to_vec(),
        issuer: Subject { common_name: "minikubeCA".into(), organizations: Vec::new() }.name().write(),
        validity: [Time::from_seconds(1_577_836_800), Time::from_seconds(2_524_607_999)],
        subject: subject.name().write(),
        key: wrap(SEQUENCE, &[algorithm.clone(), bits(0, &[])].concat()),
        extensions: Vec::new(),
    };
    write_pem("CERTIFICATE", &certificate.signed(&algorithm, &|_| Some(Vec::new())).unwrap_or_default())
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

/// `260102030405Z`, or the same with four digits of the year.
fn read_moment(bytes: &[u8]) -> Option<Time> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (year, rest) = text.split_at_checked(text.len().checked_sub(11)?)?;
    let century = match year.len() {
        2 if year < "50" => "20",
        2 => "19",
        _ => "",
    };
    let part = |at: usize| rest.get(at..at + 2);
    let moment = format!("{century}{year}-{}-{}T{}:{}:{}Z", part(0)?, part(2)?, part(4)?, part(6)?, part(8)?);
    Time::parse_rfc3339(&moment)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Made by openssl: /O=dev/CN=nina.
    pub(crate) const REQUEST: &str = "-----BEGIN CERTIFICATE REQUEST-----\n\
        MIHYMH8CAQAwHTEMMAoGA1UECgwDZGV2MQ0wCwYDVQQDDARuaW5hMFkwEwYHKoZI\n\
        zj0CAQYIKoZIzj0DAQcDQgAEy1ZMwaf0TpleCT5YEm9523ZQln1UcjnJZpA9qT8M\n\
        b158n0w1pagbF7X4rUuOTs8N4l+EqX7IStszsgHXyx7lcqAAMAoGCCqGSM49BAMC\n\
        A0kAMEYCIQCM3TJVt3KdJn97nOr7YlQDLKOtpLB7jmRqcM4R2UsVXgIhALv/wfAh\n\
        QQWg4ndCcnYMhUJDF4A+zrQbE/iYt0FNk6UC\n-----END CERTIFICATE REQUEST-----\n";

    #[test]
    fn the_subject_of_an_issued_certificate_is_read_back() {
        let subject = Subject { common_name: "nina".into(), organizations: vec!["dev".into(), "ops".into()] };
        assert_eq!(super::subject(&issue(&subject, 7)), Some(subject));
        assert_eq!(super::subject("nonsense"), None);
        assert_eq!(super::subject("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), None);
    }

    #[test]
    fn the_subject_of_a_real_request_is_read() {
        let subject = subject(REQUEST).unwrap();
        assert_eq!((subject.common_name.as_str(), subject.organizations.as_slice()), ("nina", &["dev".to_owned()][..]));
    }

    #[test]
    fn a_certificate_is_read_as_it_was_written() {
        let name = Name(vec![("C", "DE".into()), ("CN", "x".into())]).write();
        for (from, until) in [(0, 1_800_000_000), (1_800_000_000, 4_000_000_000)] {
            let certificate = Certificate {
                serial: vec![5, 6],
                issuer: name.clone(),
                validity: [Time::from_seconds(from), Time::from_seconds(until)],
                subject: name.clone(),
                key: crate::rsa::public(&[0xff; 64], &[1, 0, 1]),
                extensions: crate::extension::write("basicConstraints", "critical,CA:TRUE", [&[], &[]]).unwrap(),
            };
            let der = certificate.signed(&crate::rsa::SIGNATURE, &|body| Some(body[..4].to_vec())).unwrap();
            let (read, [body, algorithm, signature]) = Certificate::read(&der).unwrap();
            assert_eq!(read, certificate);
            assert_eq!((&body[..4], &algorithm[..]), (&signature[..], &crate::rsa::SIGNATURE[..]));
        }
        assert_eq!(Certificate::read(&[0x30, 0]), None);
    }
}
