//! Which objects a `target` or `select` means.

use drydock_schema::labels::Selector;
use drydock_value::{Map, Value};
use regex_lite::Regex;

use super::resource::Item;

/// A selector of a patch or a replacement.
#[derive(Debug)]
pub(super) struct Target {
    patterns: Vec<(&'static str, Regex)>,
    labels: Option<Selector>,
    annotations: Option<Selector>,
}

impl Target {
    /// Reads a selector. Names, namespaces and kinds are whole regular expressions.
    pub fn read(value: &Value) -> Result<Target, String> {
        let mut patterns = Vec::new();
        for field in ["group", "version", "kind", "name", "namespace"] {
            let text = value[field].str();
            if !text.is_empty() {
                let pattern = Regex::new(&format!("^(?:{text})$"))
                    .map_err(|why| format!("error parsing regexp: {why}: `{text}`"))?;
                patterns.push((field, pattern));
            }
        }
        let selector = |field: &str| match value[field].str() {
            "" => Ok(None),
            // kustomize knows fewer operators.
            text => Selector::parse(text)
                .map(Some)
                .map_err(|why| why.replace("in, notin, =, ==, !=, gt, lt", "'=', '!=', '==', 'in', notin'")),
        };
        Ok(Target { patterns, labels: selector("labelSelector")?, annotations: selector("annotationSelector")? })
    }

    /// Whether it means nothing in particular.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.labels.is_none() && self.annotations.is_none()
    }

    /// Whether it means an object, by any name that it ever had.
    pub fn matches(&self, item: &Item) -> bool {
        let named = item.ids().iter().any(|id| {
            self.patterns.iter().all(|(field, pattern)| {
                pattern.is_match(match *field {
                    "group" => &id.gvk.group,
                    "version" => &id.gvk.version,
                    "kind" => &id.gvk.kind,
                    "name" => &id.name,
                    _ => super::resource::effective(&id.namespace),
                })
            })
        });
        let empty = Map::new();
        let carries = |selector: &Option<Selector>, field: &str| {
            let map = item.object["metadata"][field].as_object().unwrap_or(&empty);
            selector.as_ref().is_none_or(|selector| selector.matches(map))
        };
        named && carries(&self.labels, "labels") && carries(&self.annotations, "annotations")
    }
}
