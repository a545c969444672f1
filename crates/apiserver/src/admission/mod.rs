//! Admission: what looks at, completes and refuses requests between authorization and validation, in the order of the
//! real server's plugins.

use drydock_api::Status;
use drydock_value::Value;

use crate::kinds::Kind;
use crate::server::ApiServer;
use crate::verbs::Cx;

mod namespace;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

/// What plugins know of a request besides its object.
#[derive(Debug, Clone)]
pub(crate) struct Attributes<'a> {
    pub(crate) operation: Operation,
    pub(crate) kind: Kind,
    pub(crate) namespace: &'a str,
    pub(crate) subresource: &'a str,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(operation: Operation, kind: Kind, namespace: &'a str, subresource: &'a str) -> Attributes<'a> {
        Attributes { operation, kind, namespace, subresource }
    }
}

/// The plugins that may change the object.
pub(crate) fn mutate(
    server: &mut ApiServer,
    _cx: &mut Cx,
    attributes: &mut Attributes<'_>,
    object: &mut Value,
    _old: Option<&Value>,
) -> Result<(), Status> {
    namespace::admit(server, attributes, object)
}

/// The plugins that only look.
pub(crate) fn validate(
    _server: &ApiServer,
    _cx: &mut Cx,
    _attributes: &Attributes<'_>,
    _object: &Value,
    _old: Option<&Value>,
) -> Result<(), Status> {
    Ok(())
}

/// The last word, when everything else has agreed: quota.
pub(crate) fn charge(
    _server: &mut ApiServer,
    _cx: &mut Cx,
    _attributes: &Attributes<'_>,
    _object: &Value,
    _old: Option<&Value>,
) -> Result<(), Status> {
    Ok(())
}

/// The plugins that look at deletions.
pub(crate) fn delete(_server: &ApiServer, _cx: &mut Cx, attributes: &Attributes<'_>, name: &str) -> Result<(), Status> {
    namespace::delete(attributes, name)
}
