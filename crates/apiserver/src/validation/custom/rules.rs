//! Validation rules in the schemas of CustomResourceDefinitions: what is wrong with them, and what they may cost.

use drydock_api::Cause;
use drydock_schema::{cel, structural};
use drydock_value::{Value, to_json};

use crate::validation::{Errors, Path};

/// What one rule may cost, and all of a schema.
const RULE_COST: u64 = 10_000_000;
const SCHEMA_COST: u64 = 100_000_000;
const REASONS: [&str; 4] = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

const LINE_BREAKS: [char; 2] = ['\n', '\r'];

/// What is found out about the rules of a whole schema.
#[derive(Default)]
pub(super) struct Rules {
    total: u64,
    /// The dearest rules, by their paths.
    dear: Vec<(String, u64)>,
}

/// What stands around a part of a schema.
#[derive(Clone, Default)]
pub(super) struct Around {
    /// How often the part can be there; None without a bound.
    often: Option<u64>,
    /// The list within which no item can be told from another.
    uncorrelated: Option<String>,
}

impl Around {
    pub(super) fn root() -> Around {
        Around { often: Some(1), uncorrelated: None }
    }

    /// The same for what is in a list or map at `path`, or in one of its fields.
    pub(super) fn inside(&self, schema: &Value, key: &str, path: &Path<'_>) -> Around {
        let bound = match key {
            "items" => schema["maxItems"].as_i64(),
            "additionalProperties" => schema["maxProperties"].as_i64(),
            _ => Some(1),
        };
        let often = self.often.zip(bound).map(|(often, bound)| often.saturating_mul(u64::try_from(bound).unwrap_or(0)));
        let mut uncorrelated = self.uncorrelated.clone();
        let whole = match key {
            "items" => schema["x-kubernetes-list-type"] != "map",
            "properties" => schema["x-kubernetes-map-type"] == "atomic",
            _ => false,
        };
        if whole && uncorrelated.is_none() {
            uncorrelated = Some(path.to_string());
        }
        Around { often, uncorrelated }
    }
}

/// By how much a cost is over its limit, in words.
fn too_dear(what: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let factor = if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and \
         maxLength where arrays, maps, and strings are declared)"
    )
}

/// The rules of a part as they are written.
pub(super) fn form(schema: &Value, path: &Path<'_>, errors: &mut Errors) {
    let rules = path.field("x-kubernetes-validations");
    for (at, rule) in schema["x-kubernetes-validations"].items().iter().enumerate() {
        let here = rules.index(at);
        let (text, message) = (rule["rule"].str().trim(), rule["message"].str());
        if text.is_empty() {
            errors.required(&here.field("rule"), "rule is not specified");
        } else if !message.is_empty() && message.trim().is_empty() {
            errors.invalid(&here.field("message"), message, "must be non-empty if specified");
        } else if message.trim().contains(LINE_BREAKS) {
            errors.invalid(&here.field("message"), message, "must not contain line breaks");
        } else if text.contains(LINE_BREAKS) && message.trim().is_empty() {
            errors.required(&here.field("message"), "message must be specified if rule contains line breaks");
        }
        let computed = rule["messageExpression"].str();
        if !computed.is_empty() && computed.trim().is_empty() {
            errors.required(&here.field("messageExpression"), "messageExpression must be non-empty if specified");
        }
        if let Some(reason) = rule["reason"].as_str()
            && !REASONS.contains(&reason)
        {
            errors.not_supported(&here.field("reason"), reason, &REASONS);
        }
        let field = rule["fieldPath"].str();
        if !field.is_empty() {
            let place = here.field("fieldPath");
            if field.trim().is_empty() {
                errors.invalid(&place, field, "must be non-empty if specified");
            }
            if field.contains(LINE_BREAKS) {
                errors.invalid(&place, field, "must not contain line breaks");
            }
            if field_path(field, schema, true).is_err() {
                errors.invalid(&place, field, "must be a valid path");
            }
        }
    }
}

/// The part of the schema that a path leads to; `arrays` says whether it may be written with brackets.
///
/// # Errors
/// Why it leads nowhere.
pub(super) fn field_path<'s>(text: &str, schema: &'s Value, arrays: bool) -> Result<&'s Value, String> {
    const NO_FIELD: &str = "does not refer to a valid field";
    let (mut rest, mut schema) = (text, schema);
    while !rest.is_empty() {
        let name;
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[', ']']).unwrap_or(after.len());
            if end == 0 && after.is_empty() {
                return Err("unexpected end of JSON path".into());
            }
            name = &after[..end];
            rest = &after[end..];
        } else if rest.starts_with('[') && !arrays {
            return Err("array notation is not allowed".into());
        } else if let Some(after) = rest.strip_prefix('[') {
            let end = after.find(']').ok_or("unexpected end of JSON path")?;
            let quoted = &after[..end];
            let inside = quoted.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            name = inside.ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
            rest = &after[end + 1..];
        } else {
            let end = rest.find(['.', '[', ']']).unwrap_or(rest.len()).max(1);
            return Err(format!("expected [ or . but got: {}", rest.get(..end).unwrap_or(rest)));
        }
        schema = if schema["properties"].as_object().is_some() {
            schema["properties"].get(name).ok_or(NO_FIELD)?
        } else if schema["additionalProperties"].as_object().is_some() {
            &schema["additionalProperties"]
        } else {
            return Err(NO_FIELD.into());
        };
    }
    Ok(schema)
}

impl Rules {
    /// Compiles the rules of a part.
    pub(super) fn compile(
        &mut self,
        schema: &Value,
        root: bool,
        around: &Around,
        path: &Path<'_>,
        errors: &mut Errors,
    ) {
        let rules = path.field("x-kubernetes-validations");
        let resource = root || schema["x-kubernetes-embedded-resource"].is_true();
        let often = around.often.unwrap_or_else(|| cel::most_often(schema));
        for (at, rule) in schema["x-kubernetes-validations"].items().iter().enumerate() {
            let here = rules.index(at);
            let (text, message) = (here.field("rule"), here.field("messageExpression"));
            let found = structural::compile_rule(schema, resource, rule);
            self.charge(found.cost.saturating_mul(often), "estimated rule cost", &text, errors);
            if let Some(why) = &found.error {
                errors.invalid_text(&text, &shown(rule), why);
            }
            match &found.message_error {
                Some(why) => errors.invalid_text(&message, &shown(rule), why),
                None => self.charge(
                    found.message_cost.saturating_mul(often),
                    "estimated messageExpression cost",
                    &message,
                    errors,
                ),
            }
            if found.uses_old {
                if let Some(list) = &around.uncorrelated {
                    let why =
                        format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {list}");
                    errors.invalid(&text, rule["rule"].str(), why);
                }
            } else if found.error.is_none() && !rule["optionalOldSelf"].is_null() {
                let why = "may not be set if oldSelf is not used in rule";
                errors.invalid(&here.field("optionalOldSelf"), &rule["optionalOldSelf"], why);
            }
        }
    }

    fn charge(&mut self, cost: u64, what: &str, path: &Path<'_>, errors: &mut Errors) {
        if cost > RULE_COST {
            errors.forbidden(path, too_dear(what, cost, RULE_COST));
        }
        self.total = self.total.saturating_add(cost);
        if cost >= SCHEMA_COST / 100 {
            self.dear.push((path.to_string(), cost));
            drydock_sorted::Sort::sort_compact_by_key(&mut self.dear[..], |(_, cost)| std::cmp::Reverse(*cost));
            self.dear.truncate(4);
        }
    }

    /// The cost of all rules together.
    pub(super) fn finish(self, path: &Path<'_>, errors: &mut Errors) {
        if self.total <= SCHEMA_COST {
            return;
        }
        for (field, _) in self.dear {
            let why = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            errors.0.push(Cause { reason: "FieldValueForbidden".into(), message: format!("Forbidden: {why}"), field });
        }
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        errors.forbidden(path, too_dear(what, self.total, SCHEMA_COST));
    }
}

/// A rule as Go's JSON has it, in the order of its fields.
fn shown(rule: &Value) -> String {
    let text = |key: &str| {
        to_json(&Value::from(rule[key].str())).replace('>', "\\u003e").replace('<', "\\u003c").replace('&', "\\u0026")
    };
    let optional = |key: &str| to_json(&rule[key]);
    format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        text("rule"),
        text("message"),
        text("messageExpression"),
        optional("reason"),
        text("fieldPath"),
        optional("optionalOldSelf")
    )
}
