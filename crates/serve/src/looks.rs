//! How an answer looks: indented for people, as YAML, compressed.

use hyper::header::{self, HeaderMap};

/// What a client would like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    /// Compressed, when it is big.
    pub(crate) gzip: bool,
    /// Indented: for whoever asks, and for the programs with which people look.
    pub(crate) pretty: bool,
    /// As YAML.
    pub(crate) yaml: bool,
}

/// Programs that are shown indented JSON, by the beginning of their name.
const PEOPLE: [&str; 3] = ["curl", "Wget", "Mozilla/5.0"];

impl Looks {
    /// What a request's headers and query say.
    pub(crate) fn of(headers: &HeaderMap, query: &[(String, String)]) -> Looks {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let agent = text(header::USER_AGENT);
        let asked = query.iter().find(|(name, value)| name == "pretty" && !value.is_empty());
        let gzip = headers.get_all(header::ACCEPT_ENCODING).iter().any(|value| {
            let mut codings = value.to_str().unwrap_or_default().split(',');
            codings.any(|coding| coding.trim().split(';').next() == Some("gzip"))
        });
        let mut media = text(header::ACCEPT).split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
        Looks {
            gzip,
            pretty: match asked {
                Some((_, value)) => matches!(value.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"),
                None => PEOPLE.iter().any(|name| agent.starts_with(name)),
            },
            yaml: media.find(|media| media.starts_with("application/") || *media == "*/*") == Some("application/yaml"),
        }
    }
}

/// JSON without blanks, laid out as Go does it with two blanks a level.
pub(crate) fn indent(compact: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(compact.len() * 2);
    let (mut level, mut quoted, mut escaped) = (0_usize, false, false);
    let line = |out: &mut Vec<u8>, level: usize| {
        out.push(b'\n');
        out.resize(out.len() + 2 * level, b' ');
    };
    let mut bytes = compact.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if quoted {
            out.push(byte);
            quoted = byte != b'"' || escaped;
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'"' => {
                quoted = true;
                out.push(byte);
            }
            b'{' | b'[' => {
                out.push(byte);
                match bytes.next_if(|next| matches!(next, b'}' | b']')) {
                    Some(end) => out.push(end),
                    None => {
                        level += 1;
                        line(&mut out, level);
                    }
                }
            }
            b'}' | b']' => {
                level = level.saturating_sub(1);
                line(&mut out, level);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(&mut out, level);
            }
            b':' => out.extend_from_slice(b": "),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_how_it_shall_look() {
        let plain = Looks::default();
        for (name, value, query, expected) in [
            ("accept", "application/json", "", plain),
            ("accept", "application/yaml", "", Looks { yaml: true, ..plain }),
            ("accept", "application/json, application/yaml", "", plain),
            ("accept", "text/html;q=1, application/yaml, */*", "", Looks { yaml: true, ..plain }),
            ("accept-encoding", "br, gzip;q=0.5", "", Looks { gzip: true, ..plain }),
            ("user-agent", "curl/8.5.0", "", Looks { pretty: true, ..plain }),
            ("user-agent", "curl/8.5.0", "pretty=false", plain),
            ("user-agent", "kubectl/v1.36.0", "", plain),
            ("user-agent", "kubectl/v1.36.0", "pretty=true", Looks { pretty: true, ..plain }),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(Looks::of(&headers, &crate::message::query(query)), expected, "{name}: {value} {query}");
        }
    }

    #[test]
    fn indents_as_go() {
        let compact = br#"{"a":{},"b":[],"c":[1,{"d":"x,{\"y\":[\\"}],"e":null}"#;
        let expected = "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n    1,\n    {\n      \"d\": \"x,{\\\"y\\\":[\\\\\"\n    }\n  ],\n  \"e\": null\n}";
        assert_eq!(String::from_utf8(indent(compact)).unwrap(), expected);
    }
}
