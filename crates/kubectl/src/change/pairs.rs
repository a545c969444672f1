//! Arguments such as `key=value` and `key-`.

use crate::failure::Failure;

/// What to set and what to remove.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pairs {
    /// Keys with their new values, in the order given; a later one wins.
    pub set: Vec<(String, String)>,
    /// Keys to remove.
    pub remove: Vec<String>,
}

/// Splits arguments into resources and pairs: once a pair was seen, everything is one.
///
/// # Errors
/// When a resource follows a pair.
pub fn split(args: &[String], pair_type: &str) -> Result<(Vec<String>, Vec<String>), Failure> {
    let mut resources = Vec::new();
    let mut pairs = Vec::new();
    for arg in args {
        let is_pair = (arg.contains('=') && !arg.starts_with('=')) || (arg.ends_with('-') && arg != "-");
        match (is_pair, pairs.is_empty()) {
            (true, _) => pairs.push(arg.clone()),
            (false, true) => resources.push(arg.clone()),
            (false, false) => {
                return Err(format!("all resources must be specified before {pair_type} changes: {arg}").into());
            }
        }
    }
    Ok((resources, pairs))
}

/// Reads pairs; values may hold `=`.
///
/// # Errors
/// When one is neither.
pub fn parse(args: &[String], pair_type: &str, removal: bool) -> Result<Pairs, Failure> {
    let mut pairs = Pairs::default();
    let mut invalid = Vec::new();
    for arg in args {
        match arg.split_once('=') {
            Some(("", _)) => invalid.push(arg.clone()),
            Some((key, value)) => {
                pairs.set.retain(|(known, _)| known != key);
                pairs.set.push((key.to_owned(), value.to_owned()));
            }
            None if removal && arg.ends_with('-') => {
                pairs.remove.push(arg.strip_suffix('-').unwrap_or(arg).to_owned());
            }
            None => invalid.push(arg.clone()),
        }
    }
    if invalid.is_empty() {
        return Ok(pairs);
    }
    Err(format!("invalid {pair_type} format: {}", invalid.join(", ")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn resources_stand_before_pairs() {
        let (resources, pairs) = split(&words("cm a x=1 y-"), "label").unwrap();
        assert_eq!((resources, pairs), (words("cm a"), words("x=1 y-")));
        assert!(split(&words("cm x=1 a"), "label").is_err());
        // No key, no pair.
        assert_eq!(split(&words("cm a =v"), "label").unwrap().0, words("cm a =v"));
    }

    #[test]
    fn values_may_hold_the_sign() {
        let pairs = parse(&words("a=b=c d-"), "annotation", true).unwrap();
        assert_eq!(pairs.set, [("a".to_owned(), "b=c".to_owned())]);
        assert_eq!(pairs.remove, ["d"]);
    }
}
