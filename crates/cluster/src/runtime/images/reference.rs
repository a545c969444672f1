//! Image names, read as container runtimes read them.

use std::fmt;

/// A parsed image name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The registry, such as `docker.io`.
    pub domain: String,
    /// The repository's path in it, such as `library/nginx`.
    pub path: String,
    /// The tag; none when only a digest was given.
    pub tag: Option<String>,
    /// The digest, if one was given.
    pub digest: Option<String>,
}

const FORMAT: &str = "invalid reference format";

impl Reference {
    /// Reads a name; `latest` is the tag where neither tag nor digest is given.
    ///
    /// # Errors
    /// What is wrong with it, in the words of the reference grammar.
    pub fn parse(name: &str) -> Result<Reference, String> {
        if name.len() == 64 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(format!("invalid repository name ({name}), cannot specify 64-byte hexadecimal strings"));
        }
        let (domain, remainder) = split_domain(name);
        let path_end = remainder.find([':', '@']).unwrap_or(remainder.len());
        let lower_end = remainder.find(':').unwrap_or(remainder.len());
        let repository = remainder.get(..lower_end).unwrap_or(remainder.as_str());
        if repository.chars().any(char::is_uppercase) {
            return Err(format!("{FORMAT}: repository name ({repository}) must be lowercase"));
        }
        let (path, rest) = remainder.split_at(path_end);
        if !is_domain(&domain) || !path.split('/').all(is_component) {
            return Err(FORMAT.into());
        }
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) if is_digest(digest) => (rest, Some(digest.to_owned())),
            Some(_) => return Err(FORMAT.into()),
            None => (rest, None),
        };
        let tag = match rest.strip_prefix(':') {
            Some(tag) if is_tag(tag) => Some(tag.to_owned()),
            Some(_) => return Err(FORMAT.into()),
            None if rest.is_empty() => None,
            None => return Err(FORMAT.into()),
        };
        if domain.len() + 1 + path.len() > 255 {
            return Err("repository name must not be more than 255 characters".into());
        }
        let tag = if tag.is_none() && digest.is_none() { Some("latest".into()) } else { tag };
        Ok(Reference { domain, path: path.into(), tag, digest })
    }

    /// The repository with its registry: `docker.io/library/nginx`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }
}

impl fmt::Display for Reference {
    /// In full: `docker.io/library/nginx:1.27`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.domain, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// What stands before the first slash is a registry when it looks like a host name; a name without one is Docker Hub's.
fn split_domain(name: &str) -> (String, String) {
    let (domain, remainder) = match name.split_once('/') {
        Some((host, rest))
            if host.contains(['.', ':']) || host == "localhost" || host.chars().any(char::is_uppercase) =>
        {
            (if host == "index.docker.io" { "docker.io" } else { host }, rest)
        }
        _ => ("docker.io", name),
    };
    let official = domain == "docker.io" && !remainder.contains('/');
    (domain.into(), if official { format!("library/{remainder}") } else { remainder.into() })
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = domain.split_once(':').map_or((domain, None), |(host, port)| (host, Some(port)));
    let label = |label: &str| {
        let bytes = label.as_bytes();
        let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    host.split('.').all(label) && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
}

/// Lower case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_component(component: &str) -> bool {
    let bytes = component.as_bytes();
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if !bytes.first().is_some_and(plain) || !bytes.last().is_some_and(plain) {
        return false;
    }
    bytes
        .split(|b| plain(b))
        .all(|between| matches!(between, b"" | b"." | b"_" | b"__") || between.iter().all(|b| *b == b'-'))
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128 && tag.bytes().next().is_some_and(word) && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty()
            && algorithm.bytes().all(|b| b.is_ascii_alphanumeric() || b"+._-".contains(&b))
            && hex.len() >= 32
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for (name, full) in [
            ("nginx", "docker.io/library/nginx:latest".to_owned()),
            ("nginx:1.27", "docker.io/library/nginx:1.27".into()),
            ("bitnami/redis", "docker.io/bitnami/redis:latest".into()),
            ("index.docker.io/library/nginx", "docker.io/library/nginx:latest".into()),
            ("localhost/x", "localhost/x:latest".into()),
            ("reg.example.com:5000/team/app", "reg.example.com:5000/team/app:latest".into()),
            (&format!("nginx@{digest}"), format!("docker.io/library/nginx@{digest}")),
            (&format!("nginx:1@{digest}"), format!("docker.io/library/nginx:1@{digest}")),
            ("a.b_c__d---e/f", "a.b_c__d---e/f:latest".into()),
        ] {
            let parsed = Reference::parse(name);
            if name.starts_with("a.b") {
                // A host name holds no underscore.
                assert_eq!(parsed, Err(FORMAT.into()));
            } else {
                assert_eq!(parsed.map(|r| r.to_string()), Ok(full), "{name}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (name, message) in [
            ("UPPER:x", "invalid reference format: repository name (library/UPPER) must be lowercase"),
            ("UPPER/Case:x", "invalid reference format: repository name (Case) must be lowercase"),
            ("bad image", FORMAT),
            ("nginx:", FORMAT),
            ("nginx:a:b", FORMAT),
            ("", FORMAT),
            ("-x", FORMAT),
            ("a//b", FORMAT),
            ("a.._b", FORMAT),
            ("nginx@sha256:12", FORMAT),
        ] {
            assert_eq!(Reference::parse(name), Err(message.into()), "{name}");
        }
    }
}
