//! minikube, as far as it means something where the cluster runs already: looking at it, and finding services.

mod addons;
mod services;
mod tunnel;

use drydock_api::{Request, Status};
use drydock_shell::{Disposition, Program, Signal, Spawn, Step, Sys, Wait};
use drydock_value::Value;

/// A subcommand: its name, what it does in words, what it does.
struct Row {
    name: &'static str,
    about: &'static str,
    run: fn(&[String], &mut Sys<'_>) -> Result<String, String>,
}

const ROWS: &[Row] = &[
    Row { name: "addons", about: "Adds to the cluster's own system (addons list|enable|disable)", run: addons::run },
    Row { name: "ip", about: "Prints the address of the primary node", run: ip },
    Row { name: "node", about: "Lists the nodes (node list)", run: node },
    Row { name: "profile", about: "Prints the name of the profile", run: profile },
    Row {
        name: "service",
        about: "Prints the URLs of a service (service NAME --url, service list)",
        run: services::run,
    },
    Row { name: "start", about: "Starts the cluster, which runs already", run: start },
    Row { name: "version", about: "Prints the version", run: version },
];

/// What a minikube on a real machine does and this one cannot.
const ABSENT: &[&str] = &["cp", "dashboard", "delete", "image", "mount", "pause", "stop", "unpause"];

/// The commands that go on for a while, or end in a way of their own.
const OWN: &str = "  kubectl    Runs kubectl (kubectl -- get pods)
  ssh        Opens a shell on a node (ssh -n NODE -- COMMAND)
  status     Tells whether the cluster's parts run
  tunnel     Leads to services of type LoadBalancer while it runs
";

const VERSION: &str = "v1.38.0";

/// A running minikube.
#[derive(Debug, Clone, Default)]
pub(super) struct Minikube {
    /// `minikube kubectl --` has started kubectl.
    child: Option<drydock_shell::Pid>,
    /// `minikube tunnel` goes on until it is ended.
    tunnel: Option<tunnel::Tunnel>,
}

impl Program for Minikube {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(child) = self.child {
            return sys.wait(child).map_or_else(|| Wait::child().into(), Step::Exit);
        }
        if let Some(tunnel) = &mut self.tunnel {
            return tunnel.step(sys);
        }
        let args: Vec<String> = sys.args().iter().skip(1).cloned().collect();
        let command = args.first().map_or("", String::as_str);
        if matches!(command, "kubectl" | "ssh") {
            let mut rest: Vec<String> = args.iter().skip(1).cloned().collect();
            if command == "ssh" {
                // The node comes first: the primary one, unless another is named.
                let flag = rest.iter().position(|word| word == "-n" || word == "--node");
                let node = flag.filter(|at| at + 1 < rest.len()).map(|at| rest.drain(at..at + 2).next_back());
                rest.insert(0, node.flatten().unwrap_or_else(|| "minikube".to_owned()));
            }
            let rest = rest.into_iter().filter({
                let mut dashes = 0;
                move |word| {
                    dashes += usize::from(word == "--");
                    word != "--" || dashes > 1
                }
            });
            match sys.spawn(Spawn::new(std::iter::once(command.to_owned()).chain(rest))) {
                Ok(child) => {
                    self.child = Some(child);
                    return Wait::child().into();
                }
                Err(error) => {
                    sys.eprint(&format!("minikube: {command}: {}\n", error.message()));
                    return Step::Exit(1);
                }
            }
        }
        if matches!(command, "" | "help" | "-h" | "--help") {
            sys.print(&help());
            return Step::Exit(0);
        }
        if command == "tunnel" {
            return match args[1..].iter().find(|word| !matches!(word.as_str(), "-c" | "--cleanup" | "--cleanup=true")) {
                Some(word) => {
                    sys.eprint(&format!("Error: unknown flag: {word}\n"));
                    Step::Exit(64)
                }
                None => self.tunnel.insert(tunnel::Tunnel::default()).step(sys),
            };
        }
        if command == "status" {
            return status(sys);
        }
        if ABSENT.contains(&command) {
            sys.eprint(&format!(
                "minikube {command} is not available here: this cluster has no machine of its own. The page's buttons \
                 reset it.\n"
            ));
            return Step::Exit(1);
        }
        let Some(row) = ROWS.iter().find(|row| row.name == command) else {
            sys.eprint(&format!(
                "Error: unknown command \"{command}\" for \"minikube\"\nRun 'minikube --help' for usage.\n"
            ));
            return Step::Exit(1);
        };
        match (row.run)(&args[1..], sys) {
            Ok(text) => {
                sys.print(&text);
                Step::Exit(0)
            }
            Err(text) => {
                sys.eprint(&text);
                Step::Exit(1)
            }
        }
    }

    fn signal(&mut self, signal: Signal, _: &mut Sys<'_>) -> Disposition {
        match &mut self.tunnel {
            Some(tunnel) if matches!(signal, Signal::Int | Signal::Term | Signal::Hup) => {
                tunnel.close();
                Disposition::Handled
            }
            _ => Disposition::Default,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn help() -> String {
    let rows: String = ROWS.iter().map(|row| format!("  {:<10} {}\n", row.name, row.about)).collect();
    format!("minikube finds its way around a local Kubernetes cluster.\n\nCommands:\n{rows}{OWN}")
}

/// Completions of minikube's last word.
pub(super) fn complete(words: &[String]) -> Vec<String> {
    match words {
        [word] => {
            let own = ["kubectl", "ssh", "status", "tunnel"];
            let names = ROWS.iter().map(|row| row.name).chain(own);
            names.filter(|name| name.starts_with(word.as_str())).map(String::from).collect()
        }
        _ => Vec::new(),
    }
}

/// An object of the cluster, or the words of why not.
fn get(path: &str, sys: &mut Sys<'_>) -> Result<Value, String> {
    let mut request = Request::get(path);
    request.auth = super::files::administrator();
    let response = sys.host().api().send(request);
    response.into_result().map_err(|Status { message, .. }| format!("❌  {message}\n"))
}

/// How the cluster's machines are, as its profile knows them: this needs no API server.
struct Machines {
    /// What the API server does.
    api: String,
    /// Each node's name, address, machine and kubelet.
    nodes: Vec<[String; 4]>,
}

fn machines(sys: &mut Sys<'_>) -> Machines {
    let text = sys.host().control(&["machines".to_owned()]).unwrap_or_default();
    let mut lines = text.lines();
    let api = lines.next().unwrap_or_default().to_owned();
    let node = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        [(); 4].map(|()| words.next().unwrap_or_default())
    };
    Machines { api, nodes: lines.map(node).collect() }
}

fn address(sys: &mut Sys<'_>) -> Result<String, String> {
    let nodes = machines(sys).nodes;
    nodes.into_iter().next().map(|[_, address, ..]| address).ok_or_else(|| "❌  there is no node\n".into())
}

/// Rows below a head, in the frame that minikube draws.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let rule = |ends: [&str; 3]| {
        let bars: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
        format!("{}{}{}\n", ends[0], bars.join(ends[1]), ends[2])
    };
    let mut text = rule(["┌", "┬", "┐"]);
    for (at, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            text += &if at == 0 { format!("│ {cell:^width$} ") } else { format!("│ {cell:<width$} ") };
        }
        text += "│\n";
        if at == 0 {
            text += &rule(["├", "┼", "┤"]);
        }
    }
    text + &rule(["└", "┴", "┘"])
}

fn ip(_: &[String], sys: &mut Sys<'_>) -> Result<String, String> {
    address(sys).map(|address| format!("{address}\n"))
}

fn node(args: &[String], sys: &mut Sys<'_>) -> Result<String, String> {
    match args.first().map(String::as_str) {
        Some("list") => {
            Ok(machines(sys).nodes.into_iter().map(|[name, address, ..]| format!("{name}\t{address}\n")).collect())
        }
        _ => Err("Usage: minikube node list\n".into()),
    }
}

fn profile(args: &[String], _: &mut Sys<'_>) -> Result<String, String> {
    match args.first().map(String::as_str) {
        None => Ok("minikube\n".into()),
        Some("minikube") => Ok("✅  minikube profile was successfully set to minikube\n".into()),
        Some(other) => Err(format!("❌  there is no profile \"{other}\"\n")),
    }
}

fn start(_: &[String], sys: &mut Sys<'_>) -> Result<String, String> {
    let server = get("/version", sys)?;
    Ok(format!(
        "😄  minikube {VERSION}\n\
         ✨  Using the profile \"minikube\", which is running already\n\
         🐳  Kubernetes {} on containerd\n\
         🌟  Enabled addons: storage-provisioner, default-storageclass\n\
         🏄  Done! kubectl is now configured to use \"minikube\" cluster and \"default\" namespace by default\n",
        server["gitVersion"].str()
    ))
}

/// Tells how everything is; the exit code says in bits what is not as it should be: 1 a machine, 2 the cluster, 4 the
/// way to it.
fn status(sys: &mut Sys<'_>) -> Step {
    let Machines { api, nodes } = machines(sys);
    let mut code = 0;
    for (index, [name, _, host, kubelet]) in nodes.iter().enumerate() {
        let up = host == "Running";
        let api = if up { api.as_str() } else { "Stopped" };
        code |= i32::from(!up) | i32::from(kubelet != "Running") << 1;
        let (kind, rest) = match index {
            0 => {
                code |= i32::from(api != "Running") << 1 | i32::from(!up) << 2;
                let config = if up { "Configured" } else { "Stopped" };
                ("Control Plane", format!("apiserver: {api}\nkubeconfig: {config}\n"))
            }
            _ => ("Worker", String::new()),
        };
        sys.print(&format!("{name}\ntype: {kind}\nhost: {host}\nkubelet: {kubelet}\n{rest}\n"));
    }
    Step::Exit(code)
}

fn version(_: &[String], _: &mut Sys<'_>) -> Result<String, String> {
    Ok(format!("minikube version: {VERSION}\n"))
}
