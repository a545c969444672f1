//! Extensions of certificates (RFC 5280), as configurations name them and as people read them.

use std::net::IpAddr;

use crate::der::{OBJECT_ID, OCTETS, SEQUENCE, TRUE, bits, children, element, wrap};

/// Numbers after 2.5.29.
pub const KEY_IDENTIFIER: u8 = 14;
/// What a key is for, as bits.
pub const KEY_USAGE: u8 = 15;
/// Names beside the subject's.
pub const ALTERNATIVE_NAMES: u8 = 17;
/// Whether it is an authority's.
pub const BASIC_CONSTRAINTS: u8 = 19;
/// The issuer's key.
pub const AUTHORITY_KEY: u8 = 35;
/// What a key is for, as purposes.
pub const EXTENDED_USAGE: u8 = 37;

/// Each one's number, its name in configurations, and its title.
const EXTENSIONS: [(u8, &str, &str); 6] = [
    (KEY_IDENTIFIER, "subjectKeyIdentifier", "Subject Key Identifier"),
    (KEY_USAGE, "keyUsage", "Key Usage"),
    (ALTERNATIVE_NAMES, "subjectAltName", "Subject Alternative Name"),
    (BASIC_CONSTRAINTS, "basicConstraints", "Basic Constraints"),
    (AUTHORITY_KEY, "authorityKeyIdentifier", "Authority Key Identifier"),
    (EXTENDED_USAGE, "extendedKeyUsage", "Extended Key Usage"),
];

/// What keys are for, in the order of the bits.
const USAGES: [(&str, &str); 7] = [
    ("digitalSignature", "Digital Signature"),
    ("nonRepudiation", "Non Repudiation"),
    ("keyEncipherment", "Key Encipherment"),
    ("dataEncipherment", "Data Encipherment"),
    ("keyAgreement", "Key Agreement"),
    ("keyCertSign", "Certificate Sign"),
    ("cRLSign", "CRL Sign"),
];

/// Purposes in the order of the last number of 1.3.6.1.5.5.7.3, from 1 on.
const PURPOSES: [(&str, &str); 4] = [
    ("serverAuth", "TLS Web Server Authentication"),
    ("clientAuth", "TLS Web Client Authentication"),
    ("codeSigning", "Code Signing"),
    ("emailProtection", "E-mail Protection"),
];

/// Kinds of alternative names: tag, name in configurations, title.
const NAMES: [(u8, &str, &str); 4] =
    [(0x81, "email", "email"), (0x82, "DNS", "DNS"), (0x86, "URI", "URI"), (0x87, "IP", "IP Address")];

/// An extension's identifier, by its number.
pub fn id(number: u8) -> [u8; 3] {
    [0x55, 0x1d, number]
}

/// An extension of a number with its content (all DER).
pub fn extension(number: u8, critical: bool, content: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &TRUE } else { &[] };
    wrap(SEQUENCE, &[&wrap(OBJECT_ID, &id(number))[..], critical, &wrap(OCTETS, content)].concat())
}

/// The content of an extended usage: purposes by the last of their numbers.
pub fn purposes(numbers: &[u8]) -> Vec<u8> {
    let purpose = |number: &u8| wrap(OBJECT_ID, &[0x2b, 6, 1, 5, 5, 7, 3, *number]);
    wrap(SEQUENCE, &numbers.iter().flat_map(purpose).collect::<Vec<u8>>())
}

/// The content of a usage: its bits, the first one highest.
pub fn usage(byte: u8) -> Vec<u8> {
    bits(byte.trailing_zeros() as u8 & 7, &[byte])
}

/// Writes an extension (DER) as a configuration has it: `keyUsage`, `critical,digitalSignature`. The two identifiers are
/// those of the own key and of the issuer's; empty if there is none. None when it is not understood; an extension that
/// there is nothing to say in is empty.
pub fn write(name: &str, value: &str, identifiers: [&[u8]; 2]) -> Option<Vec<u8>> {
    let (number, ..) = EXTENSIONS.iter().find(|(_, known, _)| *known == name)?;
    let mut words: Vec<&str> = value.split(',').map(str::trim).collect();
    let critical = words.first() == Some(&"critical");
    if critical {
        words.remove(0);
    }
    let [own, issuer] = identifiers;
    let content = match *number {
        KEY_IDENTIFIER if own.is_empty() => return Some(Vec::new()),
        KEY_IDENTIFIER => wrap(OCTETS, own),
        AUTHORITY_KEY if issuer.is_empty() => return Some(Vec::new()),
        AUTHORITY_KEY => wrap(SEQUENCE, &wrap(0x80, issuer)),
        KEY_USAGE => {
            let bit = |word: &&str| USAGES.iter().position(|(known, _)| known == word);
            let byte = words.iter().map(bit).try_fold(0u8, |all, at| Some(all | 0x80 >> at?))?;
            usage(byte)
        }
        EXTENDED_USAGE => {
            let number = |word: &&str| Some(PURPOSES.iter().position(|(known, _)| known == word)? as u8 + 1);
            purposes(&words.iter().map(number).collect::<Option<Vec<u8>>>()?)
        }
        BASIC_CONSTRAINTS => {
            let mut inner = Vec::new();
            for word in words {
                match word.split_once(':')? {
                    ("CA", text) if text.eq_ignore_ascii_case("true") => inner.splice(0..0, TRUE).for_each(drop),
                    ("CA", _) => {}
                    ("pathlen", text) => inner.extend(crate::der::integer(&[text.parse().ok()?])),
                    _ => return None,
                }
            }
            wrap(SEQUENCE, &inner)
        }
        _ => {
            let mut list = Vec::new();
            for word in words {
                let (kind, text) = word.split_once(':')?;
                let (tag, ..) = NAMES.iter().find(|(_, known, _)| *known == kind)?;
                list.extend(match (*tag, text.parse::<IpAddr>()) {
                    (0x87, Ok(IpAddr::V4(ip))) => wrap(*tag, &ip.octets()),
                    (0x87, Ok(IpAddr::V6(ip))) => wrap(*tag, &ip.octets()),
                    (0x87, Err(_)) => return None,
                    _ => wrap(*tag, text.as_bytes()),
                });
            }
            wrap(SEQUENCE, &list)
        }
    };
    Some(extension(*number, critical, &content))
}

/// An extension as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name in configurations.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Whether who does not know it must not go on.
    pub critical: bool,
    /// What it says.
    pub text: String,
}

/// The bytes of an identifier as people read them: `0A:1B`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// Extensions, one after the other (DER), as people read them. Unknown ones are left out.
pub fn show(extensions: &[u8]) -> Vec<Shown> {
    let one = |content: &[u8]| {
        let parts = children(content);
        let [(OBJECT_ID, [0x55, 0x1d, number]), rest @ .., (OCTETS, content)] = parts.as_slice() else { return None };
        let (_, name, title) = EXTENSIONS.iter().find(|(known, ..)| known == number)?;
        let text = text(*number, content)?;
        Some(Shown { name, title, critical: !rest.is_empty(), text })
    };
    children(extensions).into_iter().filter_map(|(_, content)| one(content)).collect()
}

fn text(number: u8, content: &[u8]) -> Option<String> {
    let (_, inner, _) = element(content)?;
    let parts = children(inner);
    let texts: Vec<String> = match number {
        KEY_IDENTIFIER => vec![hex(inner)],
        AUTHORITY_KEY => vec![hex(parts.first()?.1)],
        KEY_USAGE => {
            let byte = *inner.get(1)?;
            (0..).zip(USAGES).filter(|(at, _)| byte << at & 0x80 != 0).map(|(_, (_, title))| title.to_owned()).collect()
        }
        EXTENDED_USAGE => {
            let title = |id: &[u8]| PURPOSES.get(usize::from(*id.last()?).checked_sub(1)?);
            parts.iter().filter_map(|(_, id)| title(id)).map(|(_, title)| (*title).to_owned()).collect()
        }
        BASIC_CONSTRAINTS => {
            let authority = parts.first().is_some_and(|(tag, _)| *tag == TRUE[0]);
            let length = parts.iter().find(|(tag, _)| *tag == crate::der::INTEGER).and_then(|(_, bytes)| bytes.last());
            let authority = if authority { "CA:TRUE" } else { "CA:FALSE" }.to_owned();
            std::iter::once(authority).chain(length.map(|length| format!("pathlen:{length}"))).collect()
        }
        _ => {
            let show = |(tag, bytes): &(u8, &[u8])| {
                let (.., title) = NAMES.iter().find(|(known, ..)| known == tag)?;
                let text = match <[u8; 4]>::try_from(*bytes) {
                    Ok(octets) if *tag == 0x87 => std::net::Ipv4Addr::from(octets).to_string(),
                    _ if *tag == 0x87 => <[u8; 16]>::try_from(*bytes).map_or_else(
                        |_| "<invalid>".into(),
                        |octets| {
                            let groups = std::net::Ipv6Addr::from(octets).segments();
                            groups.map(|group| format!("{group:X}")).join(":")
                        },
                    ),
                    _ => String::from_utf8_lossy(bytes).into_owned(),
                };
                Some(format!("{title}:{text}"))
            };
            parts.iter().filter_map(show).collect()
        }
    };
    Some(texts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_configurations_say_is_shown_to_people() {
        let cases = [
            (
                "subjectAltName",
                "DNS:a.b, IP:10.0.0.1,IP:::1",
                "DNS:a.b, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1",
            ),
            ("keyUsage", "critical, digitalSignature, keyCertSign", "Digital Signature, Certificate Sign"),
            (
                "extendedKeyUsage",
                "clientAuth,serverAuth",
                "TLS Web Client Authentication, TLS Web Server Authentication",
            ),
            ("basicConstraints", "critical,CA:true,pathlen:0", "CA:TRUE, pathlen:0"),
            ("basicConstraints", "CA:FALSE", "CA:FALSE"),
            ("subjectKeyIdentifier", "hash", "0A:FF"),
            ("authorityKeyIdentifier", "keyid,issuer:always", "01"),
        ];
        for (name, value, expected) in cases {
            let der = write(name, value, [&[10, 255], &[1]]).unwrap();
            let [shown] = show(&der).try_into().unwrap();
            assert_eq!((shown.name, shown.text.as_str()), (name, expected));
            assert_eq!(shown.critical, value.starts_with("critical"), "{value}");
        }
        for (name, value) in
            [("keyUsage", "flying"), ("subjectAltName", "IP:x"), ("subjectAltName", "x"), ("other", "")]
        {
            assert_eq!(write(name, value, [&[], &[]]), None, "{name} {value}");
        }
        assert_eq!(write("subjectKeyIdentifier", "hash", [&[], &[]]), Some(Vec::new()));
    }
}
