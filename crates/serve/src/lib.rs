//! The simulated cluster's API server over HTTP, for any client: kubectl, client libraries, curl, a browser.
//!
//! One thread owns the cluster ([`owner`]): it lets its time pass with the wall clock and takes requests from a channel
//! one after the other, so the cluster stays as deterministic as it is anywhere. Connections are tasks of a small
//! runtime; they hold no state of the cluster, only the receiving end of a bounded queue for each stream.
//!
//! - [`owner`]: the thread with the cluster, its clock, its streams. [`record`]: what restores it after a restart.
//! - [`http`]: connections and requests. [`message`]: requests and responses between HTTP's form and the API's.
//! - [`protobuf`]: the other form of bodies. [`order`]: answers in JSON with their fields as Go has them. [`looks`]: in which
//!   form, indented, compressed.
//! - [`websocket`]: exec, attach and port-forward as clients ask today. [`spdy`], [`tunnel`]: the older protocol, which
//!   port-forward still speaks inside a WebSocket. [`shown`]: watches and logs as messages.
//! - [`tls`]: for clients that tell their secrets only over TLS, or who they are by a certificate.
//! - [`audit`]: the log of what was asked. [`files`]: a folder of files beside the API. [`kubeconfig`]: what tells clients the way.

// This crate stands outside the core: it is what gives it a wall clock, threads and files.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

mod audit;
mod files;
mod http;
pub mod kubeconfig;
mod looks;
mod message;
mod order;
mod owner;
mod protobuf;
mod record;
mod shown;
mod spdy;
mod tls;
mod tunnel;
mod websocket;
mod written;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use drydock_apiserver::Authority;
use drydock_cluster::Config;
use drydock_value::Time;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub use audit::AuditOptions;
pub use tls::{Identity, check_signature};

/// How to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port on the loopback address; 0 is any.
    pub port: u16,
    /// The cluster.
    pub cluster: Config,
    /// Seconds of the cluster's time in a second.
    pub speed: f64,
    /// A folder of files to serve beside the API.
    pub files: Option<PathBuf>,
    /// Where the course of events is kept: read when it is there, written as requests come.
    pub save: Option<PathBuf>,
    /// Whether a client that does not say who it is is the administrator. Everything comes from this machine, and kubectl
    /// sends no credentials over plain HTTP.
    pub trusting: bool,
    /// Whether it speaks TLS, with a certificate of its own.
    pub tls: bool,
}

/// A running server. It stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    authority: Option<(Authority, Time)>,
    owner: owner::Owner,
    thread: Option<std::thread::JoinHandle<()>>,
    runtime: Option<Runtime>,
}

impl Server {
    /// Makes the cluster and listens.
    ///
    /// # Errors
    /// When the port is taken, or the saved course of events cannot be read.
    pub fn start(options: Options) -> Result<Server, String> {
        Server::start_audited(options, None)
    }

    /// As [`Server::start`], with a log of what is asked of it.
    ///
    /// # Errors
    /// As there, and when the log's policy is not usable or its file cannot be written.
    pub fn start_audited(options: Options, audit: Option<&AuditOptions>) -> Result<Server, String> {
        let log = audit.map(audit::Log::open).transpose()?;
        let audited = log.is_some();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let bind = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)));
        let listener = bind.map_err(|error| format!("listen on port {}: {error}", options.port))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (owner, thread, authority, now) = owner::start(options.cluster, options.speed, options.save, log)?;
        let authority = options.tls.then_some((authority, now));
        let tls = authority.as_ref().map(|(authority, now)| tls::Tls::new(authority, *now)).transpose()?;
        let service = http::Service {
            owner: owner.clone(),
            trusting: options.trusting,
            audited,
            files: options.files.map(|folder| Arc::new(files::Files::new(folder))),
        };
        runtime.spawn(http::listen(listener, tls, Arc::new(service)));
        Ok(Server { address, authority, owner, thread: Some(thread), runtime: Some(runtime) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, or `https` if it speaks TLS.
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate of the authority by which clients know it (PEM), if it speaks TLS.
    pub fn certificate(&self) -> Option<String> {
        self.authority.as_ref().map(|(authority, _)| authority.certificate())
    }

    /// A certificate by which it knows a user of a group, if it speaks TLS.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn identity(&self, user: &str, group: &str) -> Result<Option<Identity>, String> {
        let Some((authority, now)) = &self.authority else { return Ok(None) };
        tls::issue(authority, [user, group], &[], "client auth", *now).map(Some)
    }

    /// Waits until the cluster's thread ends, which it does only when it is told to.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed there.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.owner.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
