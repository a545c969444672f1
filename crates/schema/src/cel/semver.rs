//! Versions: `1.2.3-rc.1+build`.

use std::cmp::Ordering;

/// A version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Semver {
    pub(super) numbers: [u64; 3],
    before: Vec<String>,
}

impl Semver {
    /// Reads a version; `lenient` takes `v1.2` and `01.2.3` as well.
    pub(super) fn parse(text: &str, lenient: bool) -> Option<Semver> {
        let text = if lenient { text.trim().trim_start_matches('v') } else { text };
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (core, before) = text.split_once('-').map_or((text, None), |(core, before)| (core, Some(before)));
        let mut numbers = [0; 3];
        let parts: Vec<&str> = core.split('.').collect();
        if parts.len() > 3 || parts.len() < 3 && !lenient {
            return None;
        }
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        for (number, part) in numbers.iter_mut().zip(parts) {
            if !digits(part) || !lenient && part.len() > 1 && part.starts_with('0') {
                return None;
            }
            *number = part.parse().ok()?;
        }
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let before: Vec<String> = before.map(|text| text.split('.').map(str::to_owned).collect()).unwrap_or_default();
        if !before.iter().all(|part| plain(part)) || build.is_some_and(|build| !build.split('.').all(plain)) {
            return None;
        }
        Some(Semver { numbers, before })
    }

    pub(super) fn order(&self, other: &Semver) -> Ordering {
        let by_numbers = self.numbers.cmp(&other.numbers);
        by_numbers.then_with(|| match (self.before.is_empty(), other.before.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => {
                let pairs = self.before.iter().zip(&other.before).map(|(a, b)| match (a.parse(), b.parse()) {
                    (Ok(a), Ok(b)) => u64::cmp(&a, &b),
                    (Ok(_), Err(_)) => Ordering::Less,
                    (Err(_), Ok(_)) => Ordering::Greater,
                    _ => a.cmp(b),
                });
                let found = pairs.into_iter().find(|order| order.is_ne());
                found.unwrap_or_else(|| self.before.len().cmp(&other.before.len()))
            }
        })
    }

    pub(super) fn text(&self) -> String {
        let [major, minor, patch] = self.numbers;
        let dash = if self.before.is_empty() { "" } else { "-" };
        format!("{major}.{minor}.{patch}{dash}{}", self.before.join("."))
    }
}
