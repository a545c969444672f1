//! Questions to the authorizer: `authorizer.group('apps').resource('deployments').check('create').allowed()`.

use super::eval::{Found, failed};
use super::val::{Opaque, Val};

/// Who answers.
pub trait Authorizer {
    /// Whether what is asked is allowed.
    fn decide(&self, question: &Question, verb: &str) -> Decision;
}

/// A question as far as it is put together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// A path, for what is no resource.
    pub path: Option<String>,
    /// The group, once it is said.
    pub group: Option<String>,
    /// The resource, once it is said.
    pub resource: Option<String>,
    /// The subresource.
    pub subresource: String,
    /// The namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// Somebody else than who made the request: namespace and name of a service account.
    pub account: Option<(String, String)>,
}

/// What was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Why.
    pub reason: String,
}

impl Question {
    pub(super) fn type_name(&self) -> &'static str {
        match (&self.path, &self.group, &self.resource) {
            (Some(_), ..) => "kubernetes.authorization.PathCheck",
            (_, _, Some(_)) => "kubernetes.authorization.ResourceCheck",
            (_, Some(_), _) => "kubernetes.authorization.GroupCheck",
            _ => "kubernetes.authorization.Authorizer",
        }
    }
}

/// One more part of a question.
pub(super) fn part(question: &Question, name: &str, args: &[Val]) -> Option<Found> {
    let mut next = question.clone();
    let first = args.first()?.as_str()?.to_owned();
    match name {
        "path" => next.path = Some(first),
        "group" => next.group = Some(first),
        "resource" => next.resource = Some(first),
        "subresource" => next.subresource = first,
        "namespace" => next.namespace = first,
        "name" => next.name = first,
        "serviceAccount" => next.account = Some((first, args.get(1)?.as_str()?.to_owned())),
        // What is allowed does not depend on selectors here.
        "fieldSelector" | "labelSelector" => {}
        _ => return None,
    }
    Some(Ok(Opaque::Authorizer(next).into()))
}

/// Asks.
pub(super) fn check(authorizer: Option<&dyn Authorizer>, args: &[Val]) -> Found {
    match (authorizer, args) {
        (Some(authorizer), [Val::Opaque(value), Val::Str(verb)]) => match &**value {
            Opaque::Authorizer(question) => Ok(Opaque::Decision(authorizer.decide(question, verb)).into()),
            _ => failed(super::eval::NO_OVERLOAD),
        },
        _ => failed(super::eval::NO_OVERLOAD),
    }
}

/// Reads an answer.
pub(super) fn answer(decision: &Decision, name: &str) -> Option<Found> {
    Some(Ok(match name {
        "allowed" => decision.allowed.into(),
        "reason" => decision.reason.as_str().into(),
        "errored" => false.into(),
        "error" => "".into(),
        _ => return None,
    }))
}
