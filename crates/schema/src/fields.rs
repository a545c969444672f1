//! Field selectors: `metadata.name=web,status.phase!=Running`.

use drydock_sorted::Sort;

/// One part: a field that must, or must not, have a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The field, such as `metadata.name`.
    pub field: String,
    /// The value.
    pub value: String,
    /// Whether the field must have it, or must not.
    pub equal: bool,
}

/// A field selector: all requirements must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    /// The parts.
    pub requirements: Vec<Requirement>,
}

impl Selector {
    /// Reads `a=b,c!=d`. In values, `\`, `,` and `=` are escaped by `\`.
    ///
    /// # Errors
    /// In Kubernetes' words.
    pub fn parse(text: &str) -> Result<Selector, String> {
        let mut terms = split_terms(text);
        terms.sort_compact();
        let mut requirements = Vec::new();
        for term in terms.into_iter().filter(|term| !term.is_empty()) {
            let Some((field, equal, value)) = split_term(term) else {
                return Err(format!("invalid selector: '{text}'; can't understand '{term}'"));
            };
            requirements.push(Requirement { field: field.into(), value: unescape(value)?, equal });
        }
        Ok(Selector { requirements })
    }

    /// Whether it selects everything.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether fields fit; `value` tells a field's value ("" when it has none).
    pub fn matches<'a>(&self, value: impl Fn(&str) -> std::borrow::Cow<'a, str>) -> bool {
        self.requirements.iter().all(|r| (value(&r.field) == r.value.as_str()) == r.equal)
    }

    /// The value that a field must have: for indices.
    pub fn exact(&self, field: &str) -> Option<&str> {
        self.requirements.iter().find(|r| r.field == field && r.equal).map(|r| r.value.as_str())
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, r) in self.requirements.iter().enumerate() {
            let (comma, operator) = (if index > 0 { "," } else { "" }, if r.equal { "=" } else { "!=" });
            write!(f, "{comma}{}{operator}{}", r.field, escape(&r.value))?;
        }
        Ok(())
    }
}

/// A value with `\`, `,` and `=` escaped.
pub fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    let at = term.find(['=', '!']).filter(|at| !term[*at..].starts_with('!') || term[*at..].starts_with("!="));
    let at = at.or_else(|| term.find("!=")).or_else(|| term.find('='))?;
    let (field, rest) = term.split_at(at);
    for (operator, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some(value) = rest.strip_prefix(operator) {
            return Some((field, equal, value));
        }
    }
    None
}

fn unescape(value: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some(c @ ('\\' | ',' | '=')) => out.push(c),
                Some(c) => return Err(format!("invalid field selector: invalid escape sequence: \\{c}")),
                None => return Err("invalid field selector: invalid escape sequence: \\".into()),
            },
            ',' | '=' => return Err(format!("invalid field selector: unescaped character in value: {}", u32::from(c))),
            _ => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects() {
        let value = |field: &str| match field {
            "metadata.name" => "web".into(),
            "status.phase" => "Running".into(),
            _ => "".into(),
        };
        for (text, expected) in [
            ("", true),
            ("metadata.name=web", true),
            ("metadata.name==web,status.phase!=Running", false),
            ("status.phase!=Failed", true),
            ("spec.nodeName=", true),
            ("metadata.name=a\\,b", false),
        ] {
            assert_eq!(Selector::parse(text).unwrap().matches(value), expected, "{text}");
        }
        assert_eq!(Selector::parse("b=2,a=1").unwrap().to_string(), "a=1,b=2");
        assert_eq!(Selector::parse("a=1").unwrap().exact("a"), Some("1"));
    }

    #[test]
    fn refuses_in_kubernetes_words() {
        assert_eq!(Selector::parse("x").unwrap_err(), "invalid selector: 'x'; can't understand 'x'");
        assert_eq!(Selector::parse("a=\\x").unwrap_err(), "invalid field selector: invalid escape sequence: \\x");
        assert_eq!(Selector::parse("a=b=c").unwrap_err(), "invalid field selector: unescaped character in value: 61");
    }
}
