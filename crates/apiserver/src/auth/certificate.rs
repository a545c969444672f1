//! Client certificates: the user is the subject's common name, the groups are its organizations.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// DER tags.
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

/// Who a certificate, or a request for one, is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// CN.
    pub common_name: String,
    /// O, in order.
    pub organizations: Vec<String>,
}

/// The bytes between a PEM block's lines, and the block's type.
pub(crate) fn pem(text: &str) -> Option<(String, Vec<u8>)> {
    let start = text.find("-----BEGIN ")? + "-----BEGIN ".len();
    let rest = text.get(start..)?;
    let (kind, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {kind}-----"))?;
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    Some((kind.to_owned(), BASE64_STANDARD.decode(body).ok()?))
}

/// One element: tag, content, what follows.
pub(super) fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let digits = rest.get(..count)?;
        let length = digits.iter().try_fold(0usize, |sum, d| sum.checked_mul(256)?.checked_add(usize::from(*d)))?;
        (length, rest.get(count..)?)
    };
    Some((tag, rest.get(..length)?, rest.get(length..)?))
}

pub(super) fn children(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let Some((tag, content, rest)) = element(bytes) {
        found.push((tag, content));
        bytes = rest;
    }
    found
}

/// Reads a Name: a sequence of sets of (type, value) pairs.
fn name(bytes: &[u8]) -> Subject {
    let mut subject = Subject::default();
    for (_, set) in children(bytes).into_iter().filter(|(tag, _)| *tag == SET) {
        for (_, pair) in children(set).into_iter().filter(|(tag, _)| *tag == SEQUENCE) {
            let parts = children(pair);
            let [(OBJECT_ID, id), (_, text), ..] = parts.as_slice() else { continue };
            let text = String::from_utf8_lossy(text).into_owned();
            if *id == COMMON_NAME {
                subject.common_name = text;
            } else if *id == ORGANIZATION {
                subject.organizations.push(text);
            }
        }
    }
    subject
}

/// The subject of a certificate (PEM).
pub fn subject(certificate: &str) -> Option<Subject> {
    let (kind, der) = pem(certificate)?;
    let (_, outer, _) = element(&der)?;
    let (_, inner, _) = element(outer)?;
    let parts = children(inner);
    let names: Vec<&[u8]> = parts.iter().filter(|(tag, _)| *tag == SEQUENCE).map(|(_, content)| *content).collect();
    let found = match kind.as_str() {
        // Version, serial number, algorithm, issuer, validity, subject.
        "CERTIFICATE" => names.get(3).map(|content| name(content))?,
        // Version, subject.
        "CERTIFICATE REQUEST" => names.first().map(|content| name(content))?,
        _ => return None,
    };
    (!found.common_name.is_empty()).then_some(found)
}

pub(super) fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..0x80 => out.push(short as u8),
        byte @ 0x80..0x100 => out.extend([0x81, byte as u8]),
        long => out.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    out.extend_from_slice(content);
    out
}

pub(super) fn write_name(subject: &Subject) -> Vec<u8> {
    let pair = |id: &[u8], text: &str| {
        let pair = [wrap(OBJECT_ID, id), wrap(0x0c, text.as_bytes())].concat();
        wrap(SET, &wrap(SEQUENCE, &pair))
    };
    let mut parts: Vec<u8> = subject.organizations.iter().flat_map(|o| pair(ORGANIZATION, o)).collect();
    parts.extend(pair(COMMON_NAME, &subject.common_name));
    wrap(SEQUENCE, &parts)
}

/// A certificate (PEM) of the simulated cluster's authority: the shape of a real one, with the subject in its place and
/// no signature worth the name, as nothing here checks one.
pub fn issue(subject: &Subject, serial: u64) -> String {
    let algorithm = wrap(SEQUENCE, &wrap(OBJECT_ID, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
    let issuer = write_name(&Subject { common_name: "minikubeCA".into(), organizations: Vec::new() });
    let validity = wrap(SEQUENCE, &[wrap(0x17, b"200101000000Z"), wrap(0x17, b"491231235959Z")].concat());
    let key = wrap(SEQUENCE, &[algorithm.clone(), wrap(0x03, &[0])].concat());
    let body = [
        wrap(0xa0, &wrap(0x02, &[2])),
        wrap(0x02, &serial.to_be_bytes()),
        algorithm.clone(),
        issuer,
        validity,
        write_name(subject),
        key,
    ]
    .concat();
    let der = wrap(SEQUENCE, &[wrap(SEQUENCE, &body), algorithm, wrap(0x03, &[0])].concat());
    write_pem(&der)
}

/// A certificate's bytes as text.
pub(super) fn write_pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_of_an_issued_certificate_is_read_back() {
        let subject = Subject { common_name: "nina".into(), organizations: vec!["dev".into(), "ops".into()] };
        assert_eq!(super::subject(&issue(&subject, 7)), Some(subject));
        assert_eq!(super::subject("nonsense"), None);
        assert_eq!(super::subject("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), None);
    }

    #[test]
    fn the_subject_of_a_real_request_is_read() {
        // Made by openssl: /O=dev/CN=nina.
        let request = "-----BEGIN CERTIFICATE REQUEST-----\n\
            MIHYMH8CAQAwHTEMMAoGA1UECgwDZGV2MQ0wCwYDVQQDDARuaW5hMFkwEwYHKoZI\n\
            zj0CAQYIKoZIzj0DAQcDQgAEy1ZMwaf0TpleCT5YEm9523ZQln1UcjnJZpA9qT8M\n\
            b158n0w1pagbF7X4rUuOTs8N4l+EqX7IStszsgHXyx7lcqAAMAoGCCqGSM49BAMC\n\
            A0kAMEYCIQCM3TJVt3KdJn97nOr7YlQDLKOtpLB7jmRqcM4R2UsVXgIhALv/wfAh\n\
            QQWg4ndCcnYMhUJDF4A+zrQbE/iYt0FNk6UC\n-----END CERTIFICATE REQUEST-----\n";
        let subject = subject(request).unwrap();
        assert_eq!((subject.common_name.as_str(), subject.organizations.as_slice()), ("nina", &["dev".to_owned()][..]));
    }
}
