//! Label selectors for objects in files.

use drydock_value::Value;

/// A parsed selector.
#[derive(Debug, Clone, Default)]
pub struct Selector(Vec<(String, String)>);

/// Reads a selector.
///
/// # Errors
/// When it is none.
pub fn parse(text: &str) -> Result<Selector, String> {
    let pairs = text.split(',').filter_map(|part| part.split_once('='));
    Ok(Selector(pairs.map(|(a, b)| (a.trim().to_owned(), b.trim_start_matches('=').trim().to_owned())).collect()))
}

impl Selector {
    /// Whether labels match.
    pub fn matches(&self, labels: &Value) -> bool {
        self.0.iter().all(|(key, value)| labels[key.as_str()].str() == value)
    }
}
