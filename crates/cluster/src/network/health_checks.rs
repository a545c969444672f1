//! The ports at which load balancers ask whether a node has endpoints of a service (`healthCheckNodePort`). On a real
//! node kube-proxy listens there; here the network does in its place, as it knows the endpoints, for as long as
//! kube-proxy's own health port is open on that node.

use drydock_shell::{Recv, SocketId};

use super::services::local_endpoints;
use super::{Network, NetworkWake, Place, Protocol, Target};
use crate::ctx::Ctx;
use crate::objects::Key;
use crate::queue::{Event, NodeId};
use crate::runtime::programs::http::{self, Response};
use crate::runtime::programs::kube_proxy;

/// Tells its sockets from others of a node.
const OWNER: u64 = u64::MAX - 2;

/// A port that somebody has asked at.
#[derive(Debug, Clone)]
pub(super) struct HealthCheck {
    node: NodeId,
    service: Key,
    listener: SocketId,
    connections: Vec<(SocketId, Vec<u8>)>,
}

impl Network {
    /// Opens the port that a connection is going to, if it is one of these.
    pub(super) fn open_health_check(&mut self, target: Target) -> Option<SocketId> {
        let Place::Node(node) = target.place else { return None };
        let service = self.services.health_check(target.port)?.clone();
        self.listeners.get(&(target.place, Protocol::Tcp, kube_proxy::HEALTH))?;
        let wake = Event::Network(NetworkWake::HealthChecks);
        let listener = self.listen(target.place, target.port, OWNER, wake).ok()?;
        self.health_checks.push(HealthCheck { node, service, listener, connections: Vec::new() });
        Some(listener)
    }
}

/// Answers whoever has asked. A port that nobody is connected to is closed again.
pub(super) fn serve(ctx: &mut Ctx<'_>) {
    let mut checks = std::mem::take(&mut ctx.network.health_checks);
    checks.retain_mut(|check| {
        while let Some(socket) = ctx.network.accept(check.listener) {
            check.connections.push((socket, Vec::new()));
        }
        let mut connections = std::mem::take(&mut check.connections);
        connections.retain_mut(|(socket, inbox)| {
            let open = check.go_on(*socket, inbox, ctx);
            if !open {
                ctx.network.close(*socket, ctx.now, ctx.queue);
            }
            open
        });
        check.connections = connections;
        let open = !check.connections.is_empty();
        if !open {
            ctx.network.close(check.listener, ctx.now, ctx.queue);
        }
        open
    });
    ctx.network.health_checks = checks;
}

impl HealthCheck {
    /// Goes on with a connection; false when it is done.
    fn go_on(&self, socket: SocketId, inbox: &mut Vec<u8>, ctx: &mut Ctx<'_>) -> bool {
        loop {
            match ctx.network.recv(socket, ctx.now, ctx.queue) {
                Recv::Data(bytes) => inbox.extend_from_slice(&bytes),
                Recv::Pending => return true,
                Recv::Eof | Recv::Failed(_) => return false,
            }
            match http::Request::take(inbox) {
                Ok(None) => {}
                Ok(Some(request)) => {
                    let answer = self.answer(ctx).encode(&request.method, false);
                    let _ = ctx.network.send(socket, &answer, ctx.now, ctx.queue);
                    return false;
                }
                Err(_) => return false,
            }
        }
    }

    fn answer(&self, ctx: &Ctx<'_>) -> Response {
        let Key { namespace, name } = &self.service;
        let node = ctx.network.names.get(&self.node).map_or("", |name| name.as_str());
        let count = local_endpoints(ctx.informers, &self.service, node);
        let text = format!(
            "{{\n\t\"service\": {{\n\t\t\"namespace\": \"{namespace}\",\n\t\t\"name\": \"{name}\"\n\t}},\n\t\
             \"localEndpoints\": {count},\n\t\"serviceProxyHealthy\": true\n}}"
        );
        Response::new(if count == 0 { 503 } else { 200 }, "application/json", text)
            .with("X-Content-Type-Options", "nosniff")
            .with("X-Load-Balancing-Endpoint-Weight", count.to_string())
            .with("Date", http::date(ctx.now))
    }
}
