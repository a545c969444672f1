//! `drydock serve` as clients see it: plain HTTP over TCP, `drydock kubectl`, and the real kubectl where there is one
//! (the variable KUBECTL names it).

#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

mod clients;
mod http;
#[path = "../../crates/session/tests/fidelity/mask.rs"]
mod mask;
mod recorded;
mod typed;

use drydock_cluster::{Config, NodeConfig};
use drydock_serve::{Options, Server};

/// How much faster than the wall clock the cluster of a test goes.
const SPEED: f64 = 10.0;

/// A server on a port of its own.
fn start(change: impl FnOnce(&mut Options)) -> Server {
    let mut options = Options {
        port: 0,
        cluster: Config { nodes: NodeConfig::minikube(1), ..Config::default() },
        speed: SPEED,
        files: None,
        save: None,
        trusting: true,
        tls: false,
    };
    change(&mut options);
    Server::start(options).expect("the server starts")
}
