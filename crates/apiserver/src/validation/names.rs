//! Rules for names, as functions of the name and of whether it is a prefix (`generateName`).

/// A DNS subdomain: what most kinds demand.
pub(crate) fn subdomain(_name: &str, _prefix: bool) -> Vec<String> {
    Vec::new()
}
