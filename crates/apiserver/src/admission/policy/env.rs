//! What expressions of policies may name: `object`, `oldObject`, `request`, `params`, `namespaceObject`, `authorizer`,
//! `variables`.

use std::cell::{Cell, RefCell};
use std::sync::OnceLock;

use drydock_schema::cel::{Authorizer, Decision, Env, Opaque, Program, Question, Type, Val, Variables};
use drydock_value::{Value, value};

use super::Call;
use crate::auth::rules::Ask;
use crate::kinds;
use crate::registry::Served;
use crate::server::ApiServer;
use crate::user::User;

/// What the expressions of one policy may cost together.
pub(super) const BUDGET: u64 = 10_000_000;
pub(super) const OUT_OF_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";

fn strings(names: &[&str]) -> Value {
    let fields = names.iter().map(|name| (*name, value!({"type": "string"})));
    value!({"type": "object", "properties": fields.collect::<drydock_value::Map>()})
}

/// The shapes of `request` and `namespaceObject`.
fn shapes() -> &'static (Value, Value) {
    static SHAPES: OnceLock<(Value, Value)> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let (kind, resource) = (strings(&["group", "version", "kind"]), strings(&["group", "version", "resource"]));
        let list = value!({"type": "array", "items": {"type": "string"}});
        let map = value!({"type": "object", "additionalProperties": {"type": "string"}});
        let text = value!({"type": "string"});
        let user = value!({"type": "object", "properties": {
            "username": &text, "uid": &text, "groups": &list,
            "extra": {"type": "object", "additionalProperties": &list}
        }});
        let request = value!({"type": "object", "properties": {
            "uid": &text, "kind": &kind, "resource": &resource, "subResource": &text, "requestKind": &kind,
            "requestResource": &resource, "requestSubResource": &text, "name": &text, "namespace": &text,
            "operation": &text, "userInfo": user, "dryRun": {"type": "boolean"}, "options": {"type": "dyn"}
        }});
        let time = value!({"type": "string", "format": "date-time"});
        let namespace = value!({"type": "object", "properties": {
            "metadata": {"type": "object", "properties": {
                "name": &text, "generateName": &text, "namespace": &text, "labels": &map, "annotations": &map,
                "UID": &text, "creationTimestamp": &time, "deletionTimestamp": &time,
                "deletionGracePeriodSeconds": {"type": "integer"}, "generation": {"type": "integer"},
                "resourceVersion": &text, "finalizers": &list
            }},
            "spec": {"type": "object", "properties": {"finalizers": &list}},
            "status": {"type": "object", "properties": {"phase": &text}}
        }});
        (request, namespace)
    })
}

fn request_type() -> Type {
    Type::of_schema(&shapes().0, false, "kubernetes.AdmissionRequest").unwrap_or(Type::Dyn)
}

fn namespace_type() -> Type {
    Type::of_schema(&shapes().1, false, "kubernetes.Namespace").unwrap_or(Type::Dyn)
}

/// What a policy's expressions may name besides its variables.
pub(crate) struct Base {
    /// The type of `object` and `oldObject`.
    pub(crate) object: Type,
    /// The type of `params`, if there are any.
    pub(crate) params: Option<Type>,
    pub(crate) authorizer: bool,
    /// Whether objects and patches may be made.
    pub(crate) patches: bool,
}

impl Base {
    /// Of a policy, without the types that it is about.
    pub(crate) fn of(spec: &Value) -> Base {
        let params = (!spec["paramKind"].is_null()).then_some(Type::Dyn);
        Base { object: Type::Dyn, params, authorizer: true, patches: false }
    }

    /// As an environment, with these variables of the policy.
    pub(crate) fn env(&self, variables: &[(String, Type)]) -> Env {
        let mut env = Env::of(&[
            ("object", self.object.clone()),
            ("oldObject", self.object.clone()),
            ("request", request_type()),
            ("namespaceObject", namespace_type()),
            ("variables", Type::of_fields("kubernetes.variables", variables.to_vec())),
        ]);
        if let Some(params) = &self.params {
            env.variables.push(("params".into(), params.clone()));
        }
        if self.authorizer {
            let resource = Type::Opaque("kubernetes.authorization.ResourceCheck");
            env.variables.push(("authorizer".into(), Type::Opaque("kubernetes.authorization.Authorizer")));
            env.variables.push(("authorizer.requestResource".into(), resource));
        }
        if self.patches {
            env.objects.push(("Object".into(), Type::open("Object")));
            let fields = [("op", Type::String), ("path", Type::String), ("from", Type::String), ("value", Type::Dyn)];
            let fields = fields.map(|(name, ty)| (name.to_owned(), ty)).to_vec();
            env.objects.push(("JSONPatch".into(), Type::of_fields("JSONPatch", fields)));
        }
        env
    }
}

/// Compiles an expression that must have one of some types; none is any type.
///
/// # Errors
/// What is wrong with it, as API errors say it.
pub(crate) fn compile(text: &str, env: &Env, wanted: &[Type]) -> Result<Program, String> {
    let program = Program::compile(text, env).map_err(|why| format!("compilation failed: {why}"))?;
    let found = program.result();
    if wanted.is_empty() || wanted.contains(found) {
        return Ok(program);
    }
    let names: Vec<String> = wanted.iter().map(Type::text).collect();
    Err(match names.as_slice() {
        [one] => format!("must evaluate to {one} but got {}", found.text()),
        many => format!("must evaluate to one of [{}] but got {}", many.join(" "), found.text()),
    })
}

/// The values of one evaluation of a policy.
pub(super) struct Values<'a> {
    server: &'a ApiServer,
    user: &'a User,
    known: Vec<(&'static str, Val)>,
    /// The policy's variables: each with its program, and its value once it was asked for.
    variables: Vec<(String, Result<Program, String>)>,
    found: RefCell<Vec<Option<Result<Val, String>>>>,
    spent: Cell<u64>,
    budget: Cell<u64>,
    env: Env,
    base: Base,
}

impl<'a> Values<'a> {
    pub(super) fn new(
        server: &'a ApiServer,
        call: &Call<'a>,
        spec: &Value,
        base: Base,
        served: &Served,
        object: &Value,
        params: &Value,
    ) -> Values<'a> {
        let mut types: Vec<(String, Type)> = Vec::new();
        let mut variables = Vec::new();
        for variable in spec["variables"].items() {
            let name = variable["name"].str().to_owned();
            let program = Program::compile(variable["expression"].str(), &base.env(&types));
            types.push((name.clone(), program.as_ref().map_or(Type::Dyn, |program| program.result().clone())));
            variables.push((name, program));
        }
        let namespace = match call.kind {
            kinds::NAMESPACES => None,
            _ => server.store.get(kinds::NAMESPACES, "", call.namespace),
        };
        let namespace = namespace.map_or(Val::Null, |namespace| {
            let mut namespace = namespace.clone();
            let uid = namespace["metadata"].remove("uid");
            namespace["metadata"].set("UID", uid);
            Val::of(&namespace, &namespace_type())
        });
        let group_resource = Question {
            group: Some(call.served().group().to_owned()),
            resource: Some(call.served().resource().to_owned()),
            subresource: call.subresource.to_owned(),
            namespace: call.namespace.to_owned(),
            name: call.name.clone(),
            ..Question::default()
        };
        let known = vec![
            ("object", Val::plain(object)),
            ("oldObject", Val::plain(&call.in_version(served, call.old))),
            ("request", Val::of(&request(call, served), &request_type())),
            ("params", Val::plain(params)),
            ("namespaceObject", namespace),
            ("authorizer", Opaque::Authorizer(Question::default()).into()),
            ("authorizer.requestResource", Opaque::Authorizer(group_resource).into()),
        ];
        Values {
            server,
            user: &call.cx.user,
            known,
            found: RefCell::new(vec![None; variables.len()]),
            variables,
            spent: Cell::new(0),
            budget: Cell::new(BUDGET),
            env: base.env(&types),
            base,
        }
    }

    /// The value of an expression, or the words of the failure. None when the budget is used up.
    pub(super) fn evaluate(&self, text: &str, wanted: &[Type]) -> Option<Result<Val, String>> {
        let program = match compile(text, &self.env, wanted) {
            Ok(program) => program,
            Err(why) => return Some(Err(format!("compilation error: {why}"))),
        };
        let outcome = program.run(self, Some(self));
        let left = self.budget.get().checked_sub(outcome.cost);
        self.budget.set(left.unwrap_or(0));
        left?;
        Some(outcome.value.map_err(|why| format!("expression '{text}' resulted in error: {why}")))
    }

    /// Whether all conditions hold. An error counts only when none of them is false.
    pub(super) fn conditions_hold(&self, conditions: &Value) -> Result<bool, String> {
        let mut errors = Vec::new();
        for condition in conditions.items() {
            match self.evaluate(condition["expression"].str().trim(), &[Type::Bool]) {
                Some(Ok(Val::Bool(false))) => return Ok(false),
                Some(Ok(_)) => {}
                Some(Err(why)) => errors.push(why),
                None => return Err(OUT_OF_BUDGET.into()),
            }
        }
        match errors.as_slice() {
            [] => Ok(true),
            [one] => Err(one.clone()),
            many => Err(format!("[{}]", many.join(", "))),
        }
    }
}

impl Variables for Values<'_> {
    fn value(&self, name: &str) -> Option<Result<Val, String>> {
        if name == "params" && self.base.params.is_none() {
            return None;
        }
        self.known.iter().find(|(known, _)| *known == name).map(|(_, value)| Ok(value.clone()))
    }

    fn field(&self, name: &str, field: &str) -> Option<Result<Val, String>> {
        if name != "variables" {
            return None;
        }
        let at = self.variables.iter().position(|(known, _)| known == field)?;
        if let Some(known) = self.found.borrow().get(at).cloned().flatten() {
            return Some(known);
        }
        // A variable sees only those before it, so this ends.
        let wrong = |why: String| format!("composited variable {field:?} fails to evaluate: {why}");
        let found = match &self.variables[at].1 {
            Ok(program) => {
                let outcome = program.run(self, Some(self));
                self.spent.set(self.spent.get().saturating_add(outcome.cost));
                outcome.value.map_err(wrong)
            }
            Err(why) => Err(wrong(why.clone())),
        };
        if let Some(slot) = self.found.borrow_mut().get_mut(at) {
            *slot = Some(found.clone());
        }
        Some(found)
    }

    fn cost(&self) -> u64 {
        self.spent.take()
    }
}

impl Authorizer for Values<'_> {
    fn decide(&self, question: &Question, verb: &str) -> Decision {
        let account = question
            .account
            .as_ref()
            .map(|(namespace, name)| User::named(&format!("system:serviceaccount:{namespace}:{name}")));
        let user = account.as_ref().unwrap_or(self.user);
        let ask = match &question.path {
            Some(path) => Ask::Path { verb, path },
            None => Ask::Resource {
                verb,
                group: question.group.as_deref().unwrap_or_default(),
                resource: question.resource.as_deref().unwrap_or_default(),
                subresource: &question.subresource,
                name: &question.name,
            },
        };
        let found = self.server.authorize(user, &question.namespace, &ask);
        Decision { allowed: found.allowed, reason: found.reason }
    }
}

/// The `AdmissionRequest`.
fn request(call: &Call<'_>, served: &Served) -> Value {
    let own = call.served();
    let resource =
        |served: &Served| value!({"group": served.group(), "version": served.version(), "resource": served.resource()});
    let options = match call.operation {
        super::Operation::Create => "CreateOptions",
        super::Operation::Update => "UpdateOptions",
        super::Operation::Delete => "DeleteOptions",
        super::Operation::Connect => "",
    };
    let mut options = value!({"kind": options, "apiVersion": "meta.k8s.io/v1"});
    if !call.cx.manager.is_empty() && call.operation != super::Operation::Delete {
        options.set("fieldManager", &call.cx.manager);
    }
    if call.operation == super::Operation::Connect {
        options = Value::Null;
    } else if call.cx.dry_run {
        options.set("dryRun", value!(["All"]));
    }
    value!({
        "uid": "", "kind": call.gvk(served), "resource": resource(served), "subResource": call.subresource,
        "requestKind": call.gvk(own), "requestResource": resource(own), "requestSubResource": call.subresource,
        "name": &call.name, "namespace": call.namespace, "operation": call.operation(),
        "userInfo": call.cx.user.to_value(), "dryRun": call.cx.dry_run, "options": options
    })
}
