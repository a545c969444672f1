//! Which tags an image has, as data.

/// The tags of an image: words (`latest`, `stable`), versions, and what may follow either (`-alpine`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tags {
    /// Words that are tags, each for the newest version.
    pub words: &'static [&'static str],
    /// Ranges of versions.
    pub versions: &'static [Versions],
    /// What may follow a word or a version after a hyphen.
    pub variants: &'static [&'static str],
    /// What versions begin with: `v` for most of Kubernetes' own images.
    pub prefix: &'static str,
}

/// All minor versions of one major version within bounds, each with patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The major version.
    pub major: u32,
    /// The first and the last minor version.
    pub minors: (u32, u32),
    /// The last patch version; none where versions have only two parts.
    pub patch: Option<u32>,
}

impl Versions {
    /// The newest version of a minor version, or of the major one.
    fn newest(&self, minor: Option<u32>) -> String {
        let minor = minor.unwrap_or(self.minors.1);
        match self.patch {
            Some(patch) => format!("{}.{minor}.{patch}", self.major),
            None => format!("{}.{minor}", self.major),
        }
    }
}

/// What a tag stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The whole version, such as `1.27.5`; empty when the image has none.
    pub version: String,
    /// The variant, such as `alpine`; empty for the plain image.
    pub variant: &'static str,
}

impl Tags {
    /// Resolves a tag; none when the image does not have it.
    pub fn resolve(&self, tag: &str) -> Option<Resolved> {
        let mut candidates = vec![(tag, "")];
        for variant in self.variants {
            if tag == *variant {
                return Some(Resolved { version: self.newest(), variant });
            }
            if let Some(rest) = tag.strip_suffix(variant).and_then(|rest| rest.strip_suffix('-')) {
                candidates.push((rest, *variant));
            }
        }
        candidates.into_iter().find_map(|(tag, variant)| {
            let version = if self.words.contains(&tag) { Some(self.newest()) } else { self.version(tag) };
            version.map(|version| Resolved { version, variant })
        })
    }

    /// The newest version.
    pub fn newest(&self) -> String {
        self.versions.last().map(|versions| versions.newest(None)).unwrap_or_default()
    }

    fn version(&self, tag: &str) -> Option<String> {
        let mut parts = tag.strip_prefix(self.prefix)?.split('.').map(number);
        let major = parts.next()??;
        let minor = parts.next();
        let patch = parts.next();
        if parts.next().is_some() {
            return None;
        }
        // The same major version may have several ranges: the last is the newest.
        self.versions.iter().rev().filter(|versions| versions.major == major).find_map(|versions| {
            match (minor, patch) {
                (None, _) => Some(versions.newest(None)),
                (Some(minor), patch) => {
                    let minor = minor.filter(|m| (versions.minors.0..=versions.minors.1).contains(m))?;
                    match (patch, versions.patch) {
                        (None, _) => Some(versions.newest(Some(minor))),
                        (Some(patch), Some(most)) => {
                            patch.filter(|p| *p <= most).map(|p| format!("{major}.{minor}.{p}"))
                        }
                        (Some(_), None) => None,
                    }
                }
            }
        })
    }
}

/// A number as versions have them: digits without a leading zero, two digits at most with one (`24.04`).
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_resolve_to_versions() {
        const TAGS: Tags = Tags {
            words: &["latest", "stable"],
            versions: &[
                Versions { major: 1, minors: (7, 29), patch: Some(5) },
                Versions { major: 2, minors: (0, 0), patch: None },
            ],
            variants: &["alpine", "perl"],
            prefix: "",
        };
        let resolve = |tag: &str| TAGS.resolve(tag).map(|r| format!("{} {}", r.version, r.variant));
        for (tag, expected) in [
            ("latest", Some("2.0 ")),
            ("alpine", Some("2.0 alpine")),
            ("stable-alpine", Some("2.0 alpine")),
            ("1.27", Some("1.27.5 ")),
            ("1.27.3", Some("1.27.3 ")),
            ("1.27.3-perl", Some("1.27.3 perl")),
            ("1", Some("1.29.5 ")),
            ("1.27.6", None),
            ("1.161", None),
            ("1.6", None),
            ("3", None),
            ("1.2.3.4", None),
            ("1.07", None),
            ("nope", None),
            ("", None),
        ] {
            assert_eq!(resolve(tag).as_deref(), expected, "{tag}");
        }
    }
}
