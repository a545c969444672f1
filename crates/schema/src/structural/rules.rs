//! `x-kubernetes-validations`: rules in CEL. What is wrong with them is found when a definition is written
//! ([`compile_rule`]); objects are checked against them at a cost that is bounded ([`check_rules`]).

use drydock_value::{Value, to_json};

use super::is_true;
use super::validate::{Fault, Reason};
use crate::cel::{CALL_LIMIT, Env, Program, Type, Val};

/// What all rules of an object may cost together.
const BUDGET: u64 = 10 * CALL_LIMIT;
/// How long a computed message may be.
const MESSAGE_BYTES: usize = 5 * 1024;
const TOO_DEAR: &str = "operation cancelled: actual cost limit exceeded";

/// What is known of a rule before any object.
#[derive(Debug, Clone, Default)]
pub struct CompiledRule {
    /// What is wrong with the rule.
    pub error: Option<String>,
    /// What is wrong with its `messageExpression`.
    pub message_error: Option<String>,
    /// What one evaluation costs at most.
    pub cost: u64,
    /// The same, of its message.
    pub message_cost: u64,
    /// Whether it looks at the state before.
    pub uses_old: bool,
}

fn env(schema: &Value, resource: bool, rule: &Value) -> Env {
    let own = Type::of_schema(schema, resource, "selfType").unwrap_or(Type::Dyn);
    let old = if is_true(&rule["optionalOldSelf"]) { own.optional() } else { own.clone() };
    Env::of(&[("self", own), ("oldSelf", old)])
}

/// Compiles a rule of a part of a schema; `resource` tells whether the part is a whole resource.
pub fn compile_rule(schema: &Value, resource: bool, rule: &Value) -> CompiledRule {
    let env = env(schema, resource, rule);
    let places = [("self", schema, resource), ("oldSelf", schema, resource)];
    let mut out = CompiledRule::default();
    match Program::compile(rule["rule"].str(), &env) {
        Err(why) => out.error = Some(format!("compilation failed: {why}")),
        Ok(program) if *program.result() != Type::Bool => {
            out.error = Some("cel expression must evaluate to a bool".into());
        }
        Ok(program) => {
            out.cost = program.estimate(&places);
            out.uses_old = program.uses("oldSelf");
        }
    }
    let message = rule["messageExpression"].str();
    if !message.is_empty() && out.error.is_none() {
        match Program::compile(message, &env) {
            Err(why) => out.message_error = Some(format!("messageExpression compilation failed: {why}")),
            Ok(program) if *program.result() != Type::String => {
                out.message_error = Some("messageExpression must evaluate to a string".into());
            }
            Ok(program) => out.message_cost = program.estimate(&places),
        }
    }
    out
}

/// Checks every rule of a schema against an object and its state before.
pub fn check_rules(schema: &Value, object: &Value, old: Option<&Value>, faults: &mut Vec<Fault>) {
    Visit { budget: BUDGET, faults }.visit(schema, object, old, "", true);
}

/// No rule is looked at any more.
struct Exhausted;

struct Visit<'a> {
    budget: u64,
    faults: &'a mut Vec<Fault>,
}

impl Visit<'_> {
    fn visit(&mut self, schema: &Value, value: &Value, old: Option<&Value>, path: &str, root: bool) -> bool {
        if value.is_null() {
            return true;
        }
        let resource = root || is_true(&schema["x-kubernetes-embedded-resource"]);
        for rule in schema["x-kubernetes-validations"].items() {
            if self.check(schema, resource, rule, value, old, path).is_err() {
                return false;
            }
        }
        match value {
            Value::Object(map) => super::fields(schema, map, path).all(|(key, own, inner, path)| {
                // Only one part of the tree has rules, as a rule.
                !super::has_rules(own) || self.visit(own, inner, old.and_then(|old| old.get(key)), &path, false)
            }),
            Value::Array(items) if super::has_rules(&schema["items"]) => items.iter().enumerate().all(|(at, item)| {
                let before = super::item_before(schema, item, old);
                self.visit(&schema["items"], item, before, &format!("{path}[{at}]"), false)
            }),
            _ => true,
        }
    }

    /// What went wrong with a rule; it tells the type of what it was about, not the value.
    fn failed(&mut self, path: &str, schema: &Value, why: &str) {
        let message = format!("Invalid value: {}: {why}", crate::go::quote(schema["type"].str()));
        self.faults.push(Fault { path: path.to_owned(), reason: Reason::Invalid, message });
    }

    fn fault(&mut self, path: &str, value: &Value, why: &str) {
        let message = format!("Invalid value: {}{why}", shown(value, ": "));
        self.faults.push(Fault { path: path.to_owned(), reason: Reason::Invalid, message });
    }

    fn spend(&mut self, cost: u64) -> bool {
        let left = self.budget.checked_sub(cost);
        self.budget = left.unwrap_or(0);
        left.is_some()
    }

    fn check(
        &mut self,
        schema: &Value,
        resource: bool,
        rule: &Value,
        value: &Value,
        old: Option<&Value>,
        path: &str,
    ) -> Result<(), Exhausted> {
        let text = rule["rule"].str();
        let env = env(schema, resource, rule);
        let program = match Program::compile(text, &env) {
            Ok(program) => program,
            Err(why) => {
                self.failed(path, schema, &format!("rule compile error: compilation failed: {why}"));
                return Ok(());
            }
        };
        let (optional, transition) = (is_true(&rule["optionalOldSelf"]), program.uses("oldSelf"));
        if transition && old.is_none() && !optional {
            return Ok(());
        }
        // What has not changed is let be, unless the rule is about change.
        if !transition && old == Some(value) {
            return Ok(());
        }
        let ty = Type::of_schema(schema, resource, "selfType").unwrap_or(Type::Dyn);
        let before = old.map(|old| Val::of(old, &ty));
        let before = if optional { Val::Optional(before.map(Into::into)) } else { before.unwrap_or(Val::Null) };
        let variables = vec![("self", Val::of(value, &ty)), ("oldSelf", before)];
        let name = match rule["message"].str() {
            "" => text.trim(),
            message => message.trim(),
        };
        let outcome = program.run(&variables, None);
        if !self.spend(outcome.cost.min(CALL_LIMIT)) {
            let why = "validation failed due to running out of cost budget, no further validation rules will be run";
            self.failed(path, schema, why);
            return Err(Exhausted);
        }
        match outcome.value {
            Ok(Val::Bool(true)) => return Ok(()),
            Ok(_) => {}
            Err(why) if why.starts_with("no such overload") => {
                let why = format!(
                    "'{why}': call arguments did not match a supported operator, function or macro signature for rule: {name}"
                );
                self.failed(path, schema, &why);
                return Ok(());
            }
            Err(why) if why == TOO_DEAR => {
                let why = format!(
                    "'{why}': no further validation rules will be run due to call cost exceeds limit for rule: {name}"
                );
                self.failed(path, schema, &why);
                return Err(Exhausted);
            }
            Err(why) => {
                self.failed(path, schema, &format!("{why} evaluating rule: {name}"));
                return Ok(());
            }
        }
        let mut at = path.to_owned();
        let field = rule["fieldPath"].str().trim();
        if !field.is_empty() {
            at = format!("{path}{}", field.replace("['", ".").replace("']", "")).trim_start_matches('.').to_owned();
        }
        let mut message = match rule["message"].str() {
            "" => format!("failed rule: {name}"),
            _ => name.to_owned(),
        };
        let computed = rule["messageExpression"].str();
        if !computed.is_empty()
            && let Ok(program) = Program::compile(computed, &env)
        {
            let outcome = program.run(&variables, None);
            if !self.spend(outcome.cost.min(CALL_LIMIT)) {
                let why = "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run";
                self.fault(&at, value, why);
                return Err(Exhausted);
            }
            if let Ok(Val::Str(text)) = outcome.value {
                let text = text.trim();
                if !text.is_empty() && text.len() <= MESSAGE_BYTES && !text.contains('\n') {
                    message = text.to_owned();
                }
            }
        }
        let (reason, message) = match rule["reason"].str() {
            "FieldValueForbidden" => (Reason::Forbidden, format!("Forbidden: {message}")),
            "FieldValueRequired" => (Reason::Required, format!("Required value: {message}")),
            "FieldValueDuplicate" => (Reason::Duplicate, format!("Duplicate value: {}", shown(value, ""))),
            _ => (Reason::Invalid, format!("Invalid value: {}{message}", shown(value, ": "))),
        };
        self.faults.push(Fault { path: at, reason, message });
        Ok(())
    }
}

/// A scalar as errors show it; objects and lists are left out.
fn shown(value: &Value, after: &str) -> String {
    match value {
        Value::Object(_) | Value::Array(_) => String::new(),
        Value::String(text) => format!("{}{after}", crate::go::quote(text)),
        other => format!("{}{after}", to_json(other)),
    }
}
