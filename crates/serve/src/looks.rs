//! How an answer looks: in which form, indented for people, compressed.

use drydock_apiserver::accepted;
use hyper::header::{self, HeaderMap};

use crate::protobuf;

/// What objects are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Media {
    #[default]
    Json,
    Yaml,
    Protobuf,
}

/// What a client would like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    /// Compressed, when it is big.
    pub(crate) gzip: bool,
    /// Indented: for whoever asks, and for the programs with which people look.
    pub(crate) pretty: bool,
    /// The form that the client likes best.
    pub(crate) media: Media,
}

/// Programs that are shown indented JSON, by the beginning of their name.
const PEOPLE: [&str; 3] = ["curl", "Wget", "Mozilla/5.0"];

impl Looks {
    /// What a request's headers, path and query say.
    pub(crate) fn of(headers: &HeaderMap, path: &str, query: &[(String, String)]) -> Looks {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let agent = text(header::USER_AGENT);
        let asked = query.iter().find(|(name, value)| name == "pretty" && !value.is_empty());
        let gzip = headers.get_all(header::ACCEPT_ENCODING).iter().any(|value| {
            let mut codings = value.to_str().unwrap_or_default().split(',');
            codings.any(|coding| coding.trim().split(';').next() == Some("gzip"))
        });
        Looks {
            gzip,
            pretty: match asked {
                Some((_, value)) => matches!(value.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"),
                None => PEOPLE.iter().any(|name| agent.starts_with(name)),
            },
            media: accepted(text(header::ACCEPT))
                .into_iter()
                .find_map(|clause| known(clause, path))
                .unwrap_or_default(),
        }
    }
}

/// The form that a clause asks for, if it is one for what is served below a path.
fn known(clause: &str, path: &str) -> Option<Media> {
    match clause.split(';').next().unwrap_or_default().trim() {
        "application/json" | "application/*" | "*/*" => Some(Media::Json),
        "application/yaml" => Some(Media::Yaml),
        protobuf::MEDIA if !clause.contains("as=Table") && protobuf::is_served(path) => Some(Media::Protobuf),
        _ => None,
    }
}

/// Whether a client takes nothing but protobuf for custom resources, which have no messages.
pub(crate) fn is_unservable(headers: &HeaderMap, path: &str) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_resource = path.starts_with("/apis/") && path.split('/').count() > 4;
    is_resource
        && accept.contains(protobuf::MEDIA)
        && accepted(accept).into_iter().all(|clause| known(clause, path).is_none())
        && !protobuf::is_served(path)
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
        let yaml = Looks { media: Media::Yaml, ..plain };
        let protobuf = Looks { media: Media::Protobuf, ..plain };
        for (name, value, query, expected) in [
            ("accept", "application/json", "", plain),
            ("accept", "application/yaml", "", yaml),
            ("accept", "application/json, application/yaml", "", plain),
            ("accept", "text/html;q=1, application/yaml, */*", "", yaml),
            ("accept", "application/json;q=0.1, application/yaml;q=0.2", "", yaml),
            ("accept", "application/vnd.kubernetes.protobuf, */*", "", protobuf),
            ("accept", "application/json, application/vnd.kubernetes.protobuf", "", plain),
            ("accept", "application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1, application/json", "", plain),
            ("accept-encoding", "br, gzip;q=0.5", "", Looks { gzip: true, ..plain }),
            ("user-agent", "curl/8.5.0", "", Looks { pretty: true, ..plain }),
            ("user-agent", "curl/8.5.0", "pretty=false", plain),
            ("user-agent", "kubectl/v1.36.0", "", plain),
            ("user-agent", "kubectl/v1.36.0", "pretty=true", Looks { pretty: true, ..plain }),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(
                Looks::of(&headers, "/api/v1/pods", &crate::message::query(query)),
                expected,
                "{name}: {value} {query}"
            );
        }
    }

    #[test]
    fn custom_resources_have_no_messages() {
        let both = "application/vnd.kubernetes.protobuf, application/json";
        for (accept, path, expected, unservable) in [
            (protobuf::MEDIA, "/apis/apps/v1/deployments", Media::Protobuf, false),
            (protobuf::MEDIA, "/apis/example.com/v1/widgets", Media::Json, true),
            (both, "/apis/example.com/v1/widgets", Media::Json, false),
            (protobuf::MEDIA, "/apis/example.com/v1", Media::Json, false),
            (both, "/version", Media::Json, false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(Looks::of(&headers, path, &[]).media, expected, "{accept} {path}");
            assert_eq!(is_unservable(&headers, path), unservable, "{accept} {path}");
        }
    }

    #[test]
    fn indents_as_go() {
        let compact = br#"{"a":{},"b":[],"c":[1,{"d":"x,{\"y\":[\\"}],"e":null}"#;
        let expected = "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n    1,\n    {\n      \"d\": \"x,{\\\"y\\\":[\\\\\"\n    }\n  ],\n  \"e\": null\n}";
        assert_eq!(String::from_utf8(indent(compact)).unwrap(), expected);
    }
}
