//! What is wrong with a policy's expressions for the types that it names: warnings in its status.

use drydock_schema::Schema;
use drydock_schema::cel::{Program, Type};
use drydock_value::{Value, value};

use super::env::Base;
use crate::registry::Served;
use crate::server::ApiServer;

/// So many types of a rule are looked at.
const TYPES: usize = 10;

impl ApiServer {
    /// The `typeChecking` of a ValidatingAdmissionPolicy's status.
    pub fn check_policy(&self, policy: &Value) -> Value {
        let spec = &policy["spec"];
        let kinds = self.policy_kinds(spec);
        let params = self.type_of_params(&spec["paramKind"]);
        let mut warnings = Vec::new();
        for (at, validation) in spec["validations"].items().iter().enumerate() {
            for key in ["expression", "messageExpression"] {
                let text = validation[key].str();
                if text.is_empty() {
                    continue;
                }
                let found: Vec<String> =
                    kinds.iter().filter_map(|served| warning(spec, text, served, params.as_ref())).collect();
                if !found.is_empty() {
                    warnings.push(value!({
                        "fieldRef": format!("spec.validations[{at}].{key}"), "warning": found.join("\n")
                    }));
                }
            }
        }
        if warnings.is_empty() { Value::object() } else { value!({"expressionWarnings": warnings}) }
    }

    /// The kinds that a policy names without wildcards, in order.
    fn policy_kinds(&self, spec: &Value) -> Vec<&'static Served> {
        let mut out: Vec<&'static Served> = Vec::new();
        let all = self.served();
        for rule in spec["matchConstraints"]["resourceRules"].items() {
            let plain = |key: &str| !rule[key].items().iter().any(|item| item.str().contains('*'));
            if !plain("apiGroups") || !plain("apiVersions") {
                continue;
            }
            let named = |key: &str, name: &str| rule[key].items().iter().any(|item| item == name);
            let found = all.iter().filter(|served| {
                named("apiGroups", served.group())
                    && named("apiVersions", served.version())
                    && named("resources", served.resource())
            });
            for served in found.take(TYPES) {
                if !out.iter().any(|known| known.gvk() == served.gvk()) {
                    out.push(served);
                }
            }
        }
        let key = |served: &&'static Served| (served.group(), served.version(), served.kind_name());
        drydock_sorted::Sort::sort_compact_by_key(&mut out[..], key);
        out
    }

    fn type_of_params(&self, kind: &Value) -> Option<Type> {
        if kind.is_null() {
            return None;
        }
        let api_version = kind["apiVersion"].str();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let found = self.served().into_iter().find(|served| {
            served.group() == group && served.version() == version && served.kind_name() == kind["kind"].str()
        });
        Some(found.map_or(Type::Dyn, type_of))
    }
}

/// What is known of the objects of a version.
fn type_of(served: &'static Served) -> Type {
    match crate::custom::version(served) {
        Some(version) => {
            let mut schema = version.schema.clone();
            schema.set("full-metadata", true);
            Type::of_schema(&schema, true, served.kind_name()).unwrap_or(Type::Dyn)
        }
        None => Schema::get().by_kind(&served.gvk()).map_or(Type::Dyn, |of| Type::of_table(of, served.kind_name())),
    }
}

fn warning(spec: &Value, text: &str, served: &'static Served, params: Option<&Type>) -> Option<String> {
    let base = Base { object: type_of(served), params: params.cloned(), authorizer: true, patches: false };
    let mut variables: Vec<(String, Type)> = Vec::new();
    for variable in spec["variables"].items() {
        let program = Program::compile(variable["expression"].str(), &base.env(&variables));
        // What a broken variable comes to is not known; the variable's own check tells why.
        let ty = program.map_or(Type::Dyn, |program| program.result().clone());
        variables.push((variable["name"].str().to_owned(), ty));
    }
    let why = Program::compile(text, &base.env(&variables)).err()?;
    let gvk = served.gvk();
    let version =
        if gvk.group.is_empty() { format!("/{}", gvk.version) } else { format!("{}/{}", gvk.group, gvk.version) };
    Some(format!("{version}, Kind={}: {why}\n", gvk.kind))
}
