//! Configuration files: sections of names and values.

use drydock_pki::extension;
use drydock_pki::name::{Name, attribute};

use super::Failure;

/// A configuration: sections in order, each with its names and values in order. What comes first is in a section without a
/// name.
#[derive(Debug, Default)]
pub(super) struct Configuration(Vec<(String, Vec<(String, String)>)>);

impl Configuration {
    /// Reads a text.
    pub(super) fn parse(text: &str) -> Configuration {
        let mut sections: Vec<(String, Vec<(String, String)>)> = vec![(String::new(), Vec::new())];
        let joined = text.replace("\\\n", "");
        for line in joined.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                sections.push((name.trim().to_owned(), Vec::new()));
            } else if let (Some((name, value)), Some((_, section))) = (line.split_once('='), sections.last_mut()) {
                let value = value.trim().trim_matches('"');
                section.push((name.trim().to_owned(), value.to_owned()));
            }
        }
        Configuration(sections)
    }

    /// The names and values of a section.
    pub(super) fn section(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let same = move |(known, _): &&(String, Vec<(String, String)>)| known == name;
        let found = self.0.iter().filter(same).flat_map(|(_, lines)| lines);
        found.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A value of a section.
    pub(super) fn get(&self, section: &str, name: &str) -> Option<&str> {
        self.section(section).find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The name of whom a request is about, if it is not to be asked for.
    pub(super) fn name(&self) -> Option<Name> {
        let section = self.get("req", "distinguished_name")?;
        let mut parts = Vec::new();
        for (name, value) in self.section(section) {
            // A number before the name tells equal ones apart.
            let name =
                name.split_once('.').filter(|(number, _)| number.parse::<u32>().is_ok()).map_or(name, |(_, n)| n);
            if let Some(short) = attribute(name) {
                parts.push((short, value.to_owned()));
            }
        }
        (self.get("req", "prompt") == Some("no")).then_some(Name(parts))
    }

    /// The extensions that a section lists (DER, one after the other).
    pub(super) fn extensions(&self, section: &str, identifiers: [&[u8]; 2]) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        for (name, value) in self.section(section) {
            out.extend(self.extension(name, value, identifiers)?);
        }
        Ok(out)
    }

    /// One extension; a value that begins with `@` stands for a section of its own.
    pub(super) fn extension(&self, name: &str, value: &str, identifiers: [&[u8]; 2]) -> Result<Vec<u8>, Failure> {
        let value = match value.strip_prefix('@') {
            Some(section) => {
                let one = |(name, value)| format!("{}:{value}", str::split(name, '.').next().unwrap_or_default());
                self.section(section).map(one).collect::<Vec<_>>().join(",")
            }
            None => value.to_owned(),
        };
        extension::write(name, &value, identifiers)
            .ok_or_else(|| Failure::Said(format!("Error adding extensions: name={name}, value={value}")))
    }
}

/// The name that `-subj` gives: `/CN=a/O=b`.
pub(super) fn subject(text: &str) -> Result<Name, Failure> {
    let Some(rest) = text.strip_prefix('/') else {
        return Err(Failure::Said(format!(
            "req: subject name is expected to be in the format /type0=value0/type1=value1/type2=... where characters may \
             be escaped by \\. This name is not in that format: '{text}'"
        )));
    };
    let mut parts = Vec::new();
    let mut words = vec![String::new()];
    let mut letters = rest.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '/' => words.push(String::new()),
            letter => {
                let letter = if letter == '\\' { letters.next().unwrap_or_default() } else { letter };
                words.last_mut().into_iter().for_each(|word| word.push(letter));
            }
        }
    }
    for word in words.iter().filter(|word| !word.is_empty()) {
        let Some((name, value)) = word.split_once('=') else {
            return Err(Failure::Said(format!(
                "req: Missing '=' after RDN type string '{word}' in subject name string"
            )));
        };
        match attribute(name) {
            Some(_) if value.is_empty() => {}
            Some(short) => parts.push((short, value.to_owned())),
            None => return Err(Failure::Said(format!("req: Skipping unknown subject name attribute \"{name}\""))),
        }
    }
    Ok(Name(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_read() {
        let cases = [
            ("/CN=a/O=b", Some("CN=a, O=b")),
            ("/C=DE/ST=B\\/W/commonName=x", Some("C=DE, ST=B/W, CN=x")),
            ("/CN=a/O=", Some("CN=a")),
            ("CN=a", None),
            ("/CN", None),
            ("/XX=1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(subject(text).ok().map(|name| name.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn sections_are_read() {
        let text = "[ req ]\nprompt = no # not\ndistinguished_name = dn\n[dn]\nC = \"DE\"\n0.O = a\n1.O = b\nCN=x\n\
                    [v3]\nsubjectAltName = @alt\n[alt]\nDNS.1 = a.b\nIP.1 = 10.0.0.1\n";
        let configuration = Configuration::parse(text);
        assert_eq!(configuration.name().unwrap().to_string(), "C=DE, O=a, O=b, CN=x");
        let der = configuration.extensions("v3", [&[], &[]]).unwrap_or_default();
        assert_eq!(extension::show(&der)[0].text, "DNS:a.b, IP Address:10.0.0.1");
        assert!(Configuration::parse("[v]\nx = y\n").extensions("v", [&[], &[]]).is_err());
    }
}
