//! The HTTP door: paths, parameters and headers in; objects, lists, tables, watches and connections out.

use drydock_api::{Request, Response, Status};
use drydock_value::{Time, Value};

use crate::server::ApiServer;
use crate::watch::Watch;

/// What the server answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A plain response.
    Response(Response),
    /// A watch, to be polled.
    Watch(Watch),
    /// A way into a pod, a node or a service, for the cluster to serve.
    Connect(Connect),
}

/// A request that the server has checked and that a kubelet or the network has to serve.
#[derive(Debug, Clone)]
pub struct Connect {
    /// The namespace; empty for nodes.
    pub namespace: String,
    /// The plural: `pods`, `nodes` or `services`.
    pub resource: String,
    /// The object's name.
    pub name: String,
    /// `log`, `exec`, `attach`, `portforward` or `proxy`.
    pub subresource: String,
    /// What follows `proxy/` in the path.
    pub path: String,
    /// The request.
    pub request: Request,
    /// The pod, node or service.
    pub object: Value,
}

impl ApiServer {
    /// Answers one request.
    pub fn handle(&mut self, request: Request, now: Time) -> Answer {
        self.now = now;
        let _ = request;
        Answer::Response(Response::from(Status::no_such_path()))
    }
}
