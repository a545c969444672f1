//! Label selectors: `app=web,tier in (a, b),!old`, and their form in objects.

mod parse;

use drydock_sorted::Sort;
use drydock_value::{Map, Value};

use crate::go::quote;
use crate::names::{is_label_value, is_qualified_name};

/// What a requirement demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equals,
    /// `==`, which means the same and prints differently.
    DoubleEquals,
    /// `!=`
    NotEquals,
    /// `in`
    In,
    /// `notin`
    NotIn,
    /// The key alone.
    Exists,
    /// `!` and the key.
    DoesNotExist,
    /// `>`
    GreaterThan,
    /// `<`
    LessThan,
}

/// One part of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// What is demanded of it.
    pub operator: Operator,
    /// The values, sorted.
    pub values: Vec<String>,
}

/// A label selector: all requirements must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    requirements: Vec<Requirement>,
    nothing: bool,
}

impl Requirement {
    /// Checks key and values as Kubernetes does.
    ///
    /// # Errors
    /// In Kubernetes' words.
    pub fn new(key: &str, operator: Operator, mut values: Vec<String>) -> Result<Requirement, String> {
        values.sort_compact();
        let mut errors = Vec::new();
        let key_errors = is_qualified_name(key);
        if !key_errors.is_empty() {
            errors.push(format!("key: Invalid value: {}: {}", quote(key), key_errors.join("; ")));
        }
        // The values as Go prints a string slice.
        let shown = || format!("[{}]", values.iter().map(|v| quote(v)).collect::<Vec<_>>().join(","));
        match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                errors.push(format!(
                    "values: Invalid value: {}: for 'in', 'notin' operators, values set can't be empty",
                    shown()
                ));
            }
            Operator::Equals | Operator::DoubleEquals | Operator::NotEquals if values.len() != 1 => {
                errors.push(format!(
                    "values: Invalid value: {}: exact-match compatibility requires one single value",
                    shown()
                ));
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                errors.push(format!(
                    "values: Invalid value: {}: values set must be empty for exists and does not exist",
                    shown()
                ));
            }
            Operator::GreaterThan | Operator::LessThan => {
                if values.len() != 1 {
                    errors.push(format!(
                        "values: Invalid value: {}: for 'Gt', 'Lt' operators, exactly one value is required",
                        shown()
                    ));
                }
                for (index, value) in values.iter().enumerate().filter(|(_, v)| v.parse::<i64>().is_err()) {
                    errors.push(format!(
                        "values[{index}]: Invalid value: {}: for 'Gt', 'Lt' operators, the value must be an integer",
                        quote(value)
                    ));
                }
            }
            _ => {}
        }
        for (index, value) in values.iter().enumerate() {
            let wrong = is_label_value(value);
            if !wrong.is_empty() {
                errors.push(format!("values[{index}][{key}]: Invalid value: {}: {}", quote(value), wrong.join("; ")));
            }
        }
        match errors.len() {
            0 => Ok(Requirement { key: key.into(), operator, values }),
            1 => Err(errors.remove(0)),
            _ => Err(format!("[{}]", errors.join(", "))),
        }
    }

    fn matches(&self, labels: &Map) -> bool {
        let label = labels.get(&self.key).and_then(Value::as_str);
        let listed = || label.is_some_and(|label| self.values.iter().any(|value| value == label));
        match self.operator {
            Operator::Equals | Operator::DoubleEquals | Operator::In => listed(),
            Operator::NotEquals | Operator::NotIn => !listed(),
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::GreaterThan | Operator::LessThan => {
                let number = |text: &str| text.parse::<i64>().ok();
                match (label.and_then(number), self.values.first().and_then(|v| number(v))) {
                    (Some(label), Some(wanted)) if self.operator == Operator::GreaterThan => label > wanted,
                    (Some(label), Some(wanted)) => label < wanted,
                    _ => false,
                }
            }
        }
    }
}

impl Selector {
    /// A selector of these requirements.
    pub fn of(mut requirements: Vec<Requirement>) -> Selector {
        requirements.sort_compact_by(|a, b| a.key.cmp(&b.key));
        Selector { requirements, nothing: false }
    }

    /// Selects everything.
    pub fn everything() -> Selector {
        Selector::default()
    }

    /// Selects nothing.
    pub fn nothing() -> Selector {
        Selector { requirements: Vec::new(), nothing: true }
    }

    /// Reads `a=b,c in (d, e),!f`. The empty text selects everything.
    ///
    /// # Errors
    /// In Kubernetes' words, without what stands in front of them.
    pub fn parse(text: &str) -> Result<Selector, String> {
        parse::requirements(text).map(Selector::of)
    }

    /// Reads the form that objects hold: `matchLabels` and `matchExpressions`. Null selects nothing, an empty object
    /// everything.
    ///
    /// # Errors
    /// In Kubernetes' words.
    pub fn from_label_selector(selector: &Value) -> Result<Selector, String> {
        if selector.is_null() {
            return Ok(Selector::nothing());
        }
        let mut requirements = Vec::new();
        for (key, value) in selector["matchLabels"].entries() {
            requirements.push(Requirement::new(key, Operator::Equals, vec![value.str().into()])?);
        }
        for expression in selector["matchExpressions"].items() {
            let operator = match expression["operator"].str() {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(format!("{} is not a valid label selector operator", quote(other))),
            };
            let values = expression["values"].items().iter().map(|value| value.str().into()).collect();
            requirements.push(Requirement::new(expression["key"].str(), operator, values)?);
        }
        Ok(Selector::of(requirements))
    }

    /// A selector that wants exactly these labels: a Service's or a ReplicationController's.
    pub fn from_map(labels: &Map) -> Selector {
        let equals = |(key, value): (&str, &Value)| Requirement {
            key: key.into(),
            operator: Operator::Equals,
            values: vec![value.str().into()],
        };
        Selector::of(labels.iter().map(equals).collect())
    }

    /// Whether labels fit.
    pub fn matches(&self, labels: &Map) -> bool {
        !self.nothing && self.requirements.iter().all(|requirement| requirement.matches(labels))
    }

    /// Whether an object's labels fit (`metadata.labels`).
    pub fn matches_object(&self, object: &Value) -> bool {
        match object["metadata"]["labels"].as_object() {
            Some(labels) => self.matches(labels),
            None => self.matches(&Map::new()),
        }
    }

    /// Whether it selects everything.
    pub fn is_everything(&self) -> bool {
        !self.nothing && self.requirements.is_empty()
    }

    /// Whether it selects nothing whatever the labels.
    pub fn is_nothing(&self) -> bool {
        self.nothing
    }

    /// The parts, by key.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// The value that a label must have, when the selector wants exactly one: for indices.
    pub fn exact(&self, key: &str) -> Option<&str> {
        let requirement = self.requirements.iter().find(|r| r.key == key && r.values.len() == 1)?;
        match requirement.operator {
            Operator::Equals | Operator::DoubleEquals | Operator::In => requirement.values.first().map(String::as_str),
            _ => None,
        }
    }
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

impl std::fmt::Display for Selector {
    /// As `kubectl` prints selectors; the empty one prints as nothing.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{requirement}")?;
        }
        Ok(())
    }
}

/// A label selector of an object as text, `<none>` for the empty one: as `describe` prints it.
pub fn format_label_selector(selector: &Value) -> String {
    match Selector::from_label_selector(selector) {
        Err(_) => "<error>".into(),
        Ok(selector) => Some(selector.to_string()).filter(|text| !text.is_empty()).unwrap_or_else(|| "<none>".into()),
    }
}

#[cfg(test)]
mod tests {
    use drydock_value::value;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn selects() {
        let prod = value!({"env": "prod", "tier": "front", "n": "7", "extra": ""});
        let cases = [
            ("", true),
            ("env", true),
            ("!env", false),
            ("env=prod", true),
            ("env==prod,tier!=back", true),
            ("env in (prod, qa)", true),
            ("env notin (prod)", false),
            ("nope notin (a)", true),
            ("nope!=x", true),
            ("extra=", true),
            ("extra in ()", true),
            ("n>5", true),
            ("n<7", false),
            ("env>5", false),
            ("in=x", false),
            ("env,tier=front,!nope", true),
        ];
        for (text, expected) in cases {
            let selector = Selector::parse(text).unwrap();
            assert_eq!(selector.matches(prod.as_object().unwrap()), expected, "{text}");
        }
    }

    /// As a real API server said it.
    #[test]
    fn refuses_in_kubernetes_words() {
        let cases = [
            (
                "name>a",
                "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
            ("=x", "found '=', expected: !, identifier, or 'end of string'"),
            ("env in prod", "unable to parse requirement: found 'prod' expected: '('"),
            ("env in (prod", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("env=pr od", "found 'od', expected: ',' or 'end of string'"),
            (",", "found ',', expected: !, identifier, or 'end of string'"),
            ("env,,tier", "found ',', expected: identifier after ','"),
            ("!env=prod", "found '=', expected: ',' or 'end of string'"),
            (
                "env=-bad",
                "unable to parse requirement: values[0][env]: Invalid value: \"-bad\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            ),
            (
                "x/y/z=1",
                "unable to parse requirement: <nil>: Invalid value: \"x/y/z\": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(Selector::parse(text).unwrap_err(), message, "{text}");
        }
    }

    #[test]
    fn reads_the_form_of_objects() {
        let object = value!({
            "matchLabels": {"b": "1", "a": "2"},
            "matchExpressions": [
                {"key": "c", "operator": "In", "values": ["y", "x"]},
                {"key": "d", "operator": "DoesNotExist"}
            ]
        });
        let selector = Selector::from_label_selector(&object).unwrap();
        assert_eq!(selector.to_string(), "a=2,b=1,c in (x,y),!d");
        assert_eq!(selector.exact("a"), Some("2"));
        assert_eq!(selector.exact("c"), None);
        assert!(Selector::from_label_selector(&Value::Null).unwrap().is_nothing());
        assert!(Selector::from_label_selector(&value!({})).unwrap().is_everything());
        let wrong = value!({"matchExpressions": [{"key": "a", "operator": "Near"}]});
        let error = Selector::from_label_selector(&wrong).unwrap_err();
        assert_eq!(error, "\"Near\" is not a valid label selector operator");
        assert_eq!(format_label_selector(&value!({})), "<none>");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(text in "(!?[a-c]|[a-c](=|==|!=)[x-z]?|[a-c] (in|notin) \\([x-z](,[x-z]){0,2}\\)|[a-c][<>][0-9])(,[a-c]=[x-z]){0,3}") {
            let selector = Selector::parse(&text).unwrap();
            prop_assert_eq!(Selector::parse(&selector.to_string()), Ok(selector));
        }

        #[test]
        fn garbage_never_panics(text in "[a-c =!(),<>in/-]{0,20}") {
            let _ = Selector::parse(&text);
        }
    }
}
