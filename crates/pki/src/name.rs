//! Names of those whom certificates are about and from: attributes in order (RFC 5280).

use crate::der::{OBJECT_ID, SEQUENCE, SET, children, wrap};

/// The attributes that have short names: bytes of their identifiers.
const ATTRIBUTES: [(&str, &[u8]); 9] = [
    ("CN", &[0x55, 4, 3]),
    ("SN", &[0x55, 4, 4]),
    ("C", &[0x55, 4, 6]),
    ("L", &[0x55, 4, 7]),
    ("ST", &[0x55, 4, 8]),
    ("street", &[0x55, 4, 9]),
    ("O", &[0x55, 4, 10]),
    ("OU", &[0x55, 4, 11]),
    ("emailAddress", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1]),
];

/// The long names that configurations have for some of them.
const LONG: [(&str, &str); 8] = [
    ("commonName", "CN"),
    ("surname", "SN"),
    ("countryName", "C"),
    ("localityName", "L"),
    ("stateOrProvinceName", "ST"),
    ("streetAddress", "street"),
    ("organizationName", "O"),
    ("organizationalUnitName", "OU"),
];

/// A name: short names of attributes, and their texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name(pub Vec<(&'static str, String)>);

/// The short name of an attribute, from any of its names.
pub fn attribute(name: &str) -> Option<&'static str> {
    let short = LONG.iter().find(|(long, _)| *long == name).map_or(name, |(_, short)| short);
    ATTRIBUTES.iter().find(|(known, _)| *known == short).map(|(known, _)| *known)
}

impl Name {
    /// Reads the content of a name's sequence. Attributes that have no short name here are left out.
    pub fn read(content: &[u8]) -> Name {
        let mut found = Vec::new();
        for (_, set) in children(content).into_iter().filter(|(tag, _)| *tag == SET) {
            for (_, pair) in children(set).into_iter().filter(|(tag, _)| *tag == SEQUENCE) {
                let parts = children(pair);
                let [(OBJECT_ID, id), (_, text), ..] = parts.as_slice() else { continue };
                if let Some((short, _)) = ATTRIBUTES.iter().find(|(_, known)| known == id) {
                    found.push((*short, String::from_utf8_lossy(text).into_owned()));
                }
            }
        }
        Name(found)
    }

    /// Its DER.
    pub fn write(&self) -> Vec<u8> {
        let mut parts = Vec::new();
        for (short, text) in &self.0 {
            let Some((_, id)) = ATTRIBUTES.iter().find(|(known, _)| known == short) else { continue };
            // Countries are printable, addresses of mail are ASCII, all else is UTF-8.
            let tag = match *short {
                "C" => 0x13,
                "emailAddress" => 0x16,
                _ => 0x0c,
            };
            let pair = [wrap(OBJECT_ID, id), wrap(tag, text.as_bytes())].concat();
            parts.extend(wrap(SET, &wrap(SEQUENCE, &pair)));
        }
        wrap(SEQUENCE, &parts)
    }

    /// The text of its last attribute of a short name.
    pub fn get(&self, short: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| *known == short).map(|(_, text)| text.as_str())
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(short, text)| format!("{short}={text}")).collect();
        f.write_str(&parts.join(", "))
    }
}
