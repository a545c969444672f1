//! The programs that images bring along: servers as state machines, one file each, and this table of them.
//!
//! A program waits on its sockets and costs nothing meanwhile. What is common to those that speak HTTP is in [`http`];
//! databases and control-plane parts that only start, listen and end are rows of [`daemon`].

mod agnhost;
mod certgen;
mod daemon;
pub mod echo;
mod entrypoint;
pub mod folder;
mod hello;
pub mod http;
mod httpd;
mod ingress;
mod interpreter;
pub(crate) mod kube_proxy;
mod nginx;
pub(crate) mod node;
mod pause;
mod perl;
mod php;
mod python;
mod redis;
mod redis_cli;
mod server;
mod stress;
mod systemctl;

use drydock_shell::Program;

/// The program of a name, as executables of images carry it.
pub fn find(name: &str) -> Option<Box<dyn Program>> {
    let program: Box<dyn Program> = match name {
        "nginx" => Box::new(nginx::Nginx::default()),
        "nginx-entrypoint" => Box::new(entrypoint::Nginx),
        "postgres-entrypoint" => Box::new(entrypoint::Postgres),
        "mysql-entrypoint" => Box::new(entrypoint::Mysql),
        "redis-entrypoint" | "run-arguments" => Box::new(entrypoint::RunArguments),
        "httpd" | "httpd-foreground" | "apache2-foreground" => Box::new(httpd::Httpd::default()),
        "redis-server" => Box::new(redis::Redis::default()),
        "redis-cli" => Box::new(redis_cli::RedisCli::default()),
        "pause" => Box::new(pause::Pause::default()),
        "kube-webhook-certgen" => Box::new(certgen::Certgen),
        "nginx-ingress-controller" => Box::new(ingress::Controller::default()),
        "hello-world" => Box::new(hello::Hello),
        "systemctl" => Box::new(systemctl::Systemctl::default()),
        "crictl" | "journalctl" => Box::new(node::NodeTool::default()),
        "kube-proxy" => Box::new(kube_proxy::KubeProxy::default()),
        "sudo" => Box::new(systemctl::Sudo),
        "stress" => Box::new(stress::Stress::default()),
        "vish-stress" => Box::new(stress::Consumer::default()),
        "perl" => Box::new(perl::Perl::default()),
        "interpreter" => Box::new(interpreter::Interpreter),
        "python" | "python3" => Box::new(python::Python::default()),
        "agnhost" => Box::new(agnhost::Agnhost::default()),
        "whoami" | "http-echo" | "hello-app" | "echo-server" | "echoserver" => Box::new(echo::Echo::new(name)),
        _ => return daemon::find(name),
    };
    Some(program)
}
