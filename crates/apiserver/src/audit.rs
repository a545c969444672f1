//! What an audit log tells of a request, as far as only the server knows it.

use drydock_api::Request;
use drydock_value::{Value, value};

use crate::http::Route;
use crate::server::ApiServer;
use crate::user::User;
use crate::verbs::Cx;

/// Whether and how a request was authorized.
pub(crate) const DECISION: &str = "authorization.k8s.io/decision";
pub(crate) const REASON: &str = "authorization.k8s.io/reason";

/// A request as an audit log has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audited {
    /// What was to be done.
    pub verb: &'static str,
    /// Who asked.
    pub user: User,
    /// As whom, if not as themselves.
    pub impersonated: Option<User>,
    /// What it was about, as an `objectRef`; null for a path that leads to no resource.
    pub object: Value,
    /// What the parts of the server note about it.
    pub annotations: Vec<(String, String)>,
}

impl ApiServer {
    /// Has requests noted from now on, for [`ApiServer::take_audited`].
    pub fn start_auditing(&mut self) {
        self.auditing = true;
    }

    /// What is to be told of the request that was answered last.
    pub fn take_audited(&mut self) -> Option<Audited> {
        self.audited.take().map(|audited| *audited)
    }

    /// Notes a request that was answered with this code; who asked, where they asked as somebody else.
    pub(crate) fn audit(&mut self, cx: &mut Cx, route: &Route, asker: Option<User>, code: u16) {
        let mut annotations = std::mem::take(&mut cx.annotations);
        if code == 403 && !annotations.iter().any(|(key, _)| key == DECISION) {
            annotations.push((DECISION.into(), "forbid".into()));
            annotations.push((REASON.into(), String::new()));
        }
        let mut object = Value::Null;
        if route.is_resource {
            object = value!({});
            for (key, text) in [
                ("resource", &route.resource),
                ("namespace", &route.namespace),
                ("name", &route.name),
                ("apiGroup", &route.group),
                ("apiVersion", &route.version),
                ("subresource", &route.subresource),
            ] {
                if !text.is_empty() {
                    object.set(key, text);
                }
            }
        }
        let user = std::mem::take(&mut cx.user);
        let (user, impersonated) = match asker {
            Some(asker) => (asker, Some(user)),
            None => (user, None),
        };
        self.audited = Some(Box::new(Audited { verb: route.verb, user, impersonated, object, annotations }));
    }

    /// Who asks in truth, where they ask as somebody else.
    pub(crate) fn asker(&self, request: &Request) -> Option<User> {
        request.header_value("impersonate-user").and_then(|_| self.identify(request).ok())
    }
}
