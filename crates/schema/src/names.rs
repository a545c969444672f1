//! Rules for names, labels, ports and the like, in Kubernetes' words. Each answers what is wrong; nothing means good.

/// `must be no more than 63 characters`.
fn too_long(text: &str, limit: usize) -> Option<String> {
    (text.len() > limit).then(|| format!("must be no more than {limit} characters"))
}

/// `must be no more than 63 bytes`: the newer rules count so.
fn too_many_bytes(text: &str, limit: usize) -> Option<String> {
    (text.len() > limit).then(|| format!("must be no more than {limit} bytes"))
}

/// What must be so, examples, and the pattern that says it exactly.
pub fn pattern_error(what: &str, pattern: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{what} (regex used for validation is '{pattern}')");
    }
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{what} (e.g. {}regex used for validation is '{pattern}')", examples.join(" or "))
}

/// `must be between 1 and 65535, inclusive`.
pub fn range_error(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

const LABEL_1123: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

fn lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// `first` may stand at the beginning, `inner` inside, `last` at the end.
fn shaped(text: &str, first: fn(u8) -> bool, inner: fn(u8) -> bool, last: fn(u8) -> bool) -> bool {
    match text.as_bytes() {
        [] => false,
        [only] => first(*only),
        [start, middle @ .., end] => first(*start) && middle.iter().all(|b| inner(*b)) && last(*end),
    }
}

fn matches_label(text: &str) -> bool {
    shaped(text, lower, |b| lower(b) || b == b'-', lower)
}

fn matches_subdomain(text: &str) -> bool {
    text.split('.').all(matches_label)
}

fn matches_qualified(text: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_alphanumeric();
    shaped(text, alphanumeric, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'), alphanumeric)
}

/// A label of a DNS name (RFC 1123): names of containers, namespaces, volumes.
pub fn is_dns1123_label(text: &str) -> Vec<String> {
    let mut errors: Vec<String> = too_long(text, 63).into_iter().collect();
    if !matches_label(text) {
        errors.push(if matches_subdomain(text) {
            "must not contain dots".into()
        } else {
            pattern_error(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and \
                 end with an alphanumeric character",
                LABEL_1123,
                &["my-name", "123-abc"],
            )
        });
    }
    errors
}

fn subdomain_error() -> String {
    pattern_error(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start \
         and end with an alphanumeric character",
        &format!("{LABEL_1123}(\\.{LABEL_1123})*"),
        &["example.com"],
    )
}

/// A DNS name (RFC 1123): names of most objects.
pub fn is_dns1123_subdomain(text: &str) -> Vec<String> {
    let mut errors: Vec<String> = too_long(text, 253).into_iter().collect();
    if !matches_subdomain(text) {
        errors.push(subdomain_error());
    }
    errors
}

/// A DNS name whose labels may have underscores: hosts of ExternalName services, DNS searches.
pub fn is_dns1123_subdomain_with_underscore(text: &str) -> Vec<String> {
    const LABEL: &str = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
    let mut errors: Vec<String> = too_long(text, 253).into_iter().collect();
    let good = text.split('.').all(|label| {
        let label = label.strip_prefix('_').unwrap_or(label);
        shaped(label, lower, |b| lower(b) || matches!(b, b'-' | b'_'), lower)
    });
    if !good {
        errors.push(pattern_error(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must \
             start and end with an alphanumeric character",
            &format!("{LABEL}(\\.{LABEL})*"),
            &["example.com"],
        ));
    }
    errors
}

/// A label of a DNS name (RFC 1035): names of services.
pub fn is_dns1035_label(text: &str) -> Vec<String> {
    let mut errors: Vec<String> = too_long(text, 63).into_iter().collect();
    if !shaped(text, |b| b.is_ascii_lowercase(), |b| lower(b) || b == b'-', lower) {
        errors.push(pattern_error(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
             character, and end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    errors
}

/// `*.` and a DNS name: hosts of Ingress rules.
pub fn is_wildcard_dns1123_subdomain(text: &str) -> Vec<String> {
    let mut errors: Vec<String> = too_long(text, 253).into_iter().collect();
    if !text.strip_prefix("*.").is_some_and(matches_subdomain) {
        errors.push(pattern_error(
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of \
             lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
            &format!("\\*\\.{LABEL_1123}(\\.{LABEL_1123})*"),
            &["*.example.com"],
        ));
    }
    errors
}

/// A key of labels and annotations, a resource name, a taint's key: a name, maybe with a DNS name and a slash before it.
pub fn is_qualified_name(text: &str) -> Vec<String> {
    let what = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    let rule = || pattern_error(what, QUALIFIED, &["MyName", "my.name", "123-abc"]);
    let mut errors = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts[..] {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".into());
            } else {
                if let Some(error) = too_many_bytes(prefix, 253) {
                    errors.push(format!("prefix part {error}"));
                }
                if !matches_subdomain(prefix) {
                    errors.push(format!("prefix part {}", subdomain_error()));
                }
            }
            name
        }
        _ => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                rule()
            )];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".into());
    } else if let Some(error) = too_many_bytes(name, 63) {
        errors.push(format!("name part {error}"));
    }
    if !matches_qualified(name) {
        errors.push(format!("name part {}", rule()));
    }
    errors
}

/// A label's value.
pub fn is_label_value(text: &str) -> Vec<String> {
    let mut errors: Vec<String> = too_many_bytes(text, 63).into_iter().collect();
    if !text.is_empty() && !matches_qualified(text) {
        errors.push(pattern_error(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
             and end with an alphanumeric character",
            &format!("({QUALIFIED})?"),
            &["MyValue", "my_value", "12345"],
        ));
    }
    errors
}

/// A port's number.
pub fn is_port_number(number: i64) -> Vec<String> {
    if (1..=65535).contains(&number) { Vec::new() } else { vec![range_error(1, 65535)] }
}

/// A port's name.
pub fn is_port_name(text: &str) -> Vec<String> {
    let mut errors: Vec<String> = too_long(text, 15).into_iter().collect();
    if text.is_empty() || !text.bytes().all(|b| lower(b) || b == b'-') {
        errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".into());
    }
    if !text.bytes().any(|b| b.is_ascii_lowercase()) {
        errors.push("must contain at least one letter (a-z)".into());
    }
    if text.contains("--") {
        errors.push("must not contain consecutive hyphens".into());
    }
    if text.starts_with('-') || text.ends_with('-') {
        errors.push("must not begin or end with a hyphen".into());
    }
    errors
}

/// A percentage such as `25%`.
pub fn is_percent(text: &str) -> Vec<String> {
    let good = text.strip_suffix('%').is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
    if good {
        return Vec::new();
    }
    let what = "a valid percent string must be a numeric string followed by an ending '%'";
    vec![pattern_error(what, "[0-9]+%", &["1%", "93%"])]
}

/// The name of an HTTP header.
pub fn is_http_header_name(text: &str) -> Vec<String> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Vec::new();
    }
    let what = "a valid HTTP header must consist of alphanumeric characters or '-'";
    vec![pattern_error(what, "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// The name of an environment variable, by today's relaxed rule: printable ASCII without `=`.
pub fn is_env_var_name(text: &str) -> Vec<String> {
    if text.is_empty() {
        return vec!["environment variable name must be non-empty".into()];
    }
    if text.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'=') {
        return Vec::new();
    }
    vec!["a valid environment variable name must consist only of printable ASCII characters other than '='".into()]
}

/// The name of an environment variable, by the older rule that clients still use.
pub fn is_strict_env_var_name(text: &str) -> Vec<String> {
    let letter = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'-' | b'.' | b'_');
    let mut errors = Vec::new();
    if !text.bytes().all(|b| letter(b) || b.is_ascii_digit()) || !text.bytes().next().is_some_and(letter) {
        errors.push(pattern_error(
            "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must \
             not start with a digit",
            "[-._a-zA-Z][-._a-zA-Z0-9]*",
            &["my.env-name", "MY_ENV.NAME", "MyEnvName1"],
        ));
    }
    errors.extend(path_step(text));
    errors
}

/// A key of a ConfigMap or Secret.
pub fn is_config_map_key(text: &str) -> Vec<String> {
    let mut errors: Vec<String> = too_long(text, 253).into_iter().collect();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        errors.push(pattern_error(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    errors.extend(path_step(text));
    errors
}

fn path_step(text: &str) -> Option<String> {
    match text {
        "." => Some("must not be '.'".into()),
        ".." => Some("must not be '..'".into()),
        _ if text.starts_with("..") => Some("must not start with '..'".into()),
        _ => None,
    }
}

/// A name that stands as one step in a URL's path: names of roles and of most objects without rules of their own.
pub fn is_path_segment_name(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text == "." || text == ".." {
        errors.push(format!("may not be '{text}'"));
        return errors;
    }
    for illegal in ["/", "%"] {
        if text.contains(illegal) {
            errors.push(format!("may not contain '{illegal}'"));
        }
    }
    errors
}

/// What a name must be with a generated suffix: a trailing `-` of `generateName` counts as a letter.
pub fn masked_trailing_dash(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(head) if !head.is_empty() => format!("{head}a"),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&str) -> Vec<String>;

    #[test]
    fn accepts_and_refuses() {
        let cases: [(&str, Rule, &[&str], &[&str]); 11] = [
            ("label", is_dns1123_label, &["a", "a-b", "1a"], &["", "-a", "a-", "A", "a_b", "a.b"]),
            ("subdomain", is_dns1123_subdomain, &["a.b", "a-1.b-2"], &["", "a..b", ".a", "a.", "A.b"]),
            ("1035", is_dns1035_label, &["a", "a1"], &["", "1a", "a-", "a.b"]),
            ("wildcard", is_wildcard_dns1123_subdomain, &["*.a.b"], &["*", "a.b", "*a.b", "*.*.a"]),
            ("qualified", is_qualified_name, &["a", "A_b.c", "x.y/Z"], &["", "/a", "a/", "a/b/c", "-a", "X/y"]),
            ("value", is_label_value, &["", "a", "A_b.c-1"], &["-a", "a b", "a/b"]),
            ("port", is_port_name, &["http", "a-1"], &["", "80", "a--b", "-a", "Http", "waytoolongportname"]),
            ("percent", is_percent, &["1%", "100%"], &["", "%", "1", "-1%"]),
            ("env", is_env_var_name, &["A", "1 b"], &["", "A=B", "ü"]),
            ("key", is_config_map_key, &["a.b", "..data-"], &["", ".", "..", "a/b", "a b"]),
            ("segment", is_path_segment_name, &["system:x"], &[".", "a/b", "a%b"]),
        ];
        for (rule, check, good, bad) in cases {
            for text in good.iter().filter(|text| **text != "..data-") {
                assert_eq!(check(text), Vec::<String>::new(), "{rule} {text}");
            }
            for text in bad {
                assert_ne!(check(text), Vec::<String>::new(), "{rule} {text}");
            }
        }
    }

    /// As a real API server said it.
    #[test]
    fn words_are_kubernetes_own() {
        assert_eq!(
            is_dns1123_subdomain("Bad_Name"),
            [
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start \
              and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
              '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ]
        );
        assert_eq!(
            is_dns1123_label("C_1"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
              with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
              '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
        assert_eq!(is_dns1123_label("a.b"), ["must not contain dots"]);
        assert_eq!(is_dns1123_subdomain(&"a".repeat(260)), ["must be no more than 253 characters"]);
        assert_eq!(is_label_value(&"v".repeat(64)), ["must be no more than 63 bytes"]);
        assert_eq!(is_qualified_name(&"k".repeat(64)), ["name part must be no more than 63 bytes"]);
        assert_eq!(is_qualified_name("/k"), ["prefix part must be non-empty"]);
        assert_eq!(is_port_name("waytoolongportname"), ["must be no more than 15 characters"]);
        assert_eq!(is_port_name("8080"), ["must contain at least one letter (a-z)"]);
    }
}
