//! minikube, as far as it means something where the cluster runs already: looking at it, and finding services.

mod addons;

use drydock_api::{Request, Status};
use drydock_shell::{Program, Spawn, Step, Sys, Wait};
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
    Row { name: "service", about: "Prints the URL of a service (service NAME --url)", run: service },
    Row { name: "start", about: "Starts the cluster, which runs already", run: start },
    Row { name: "status", about: "Tells whether the cluster's parts run", run: status },
    Row { name: "version", about: "Prints the version", run: version },
];

/// What a minikube on a real machine does and this one cannot.
const ABSENT: &[&str] = &["cp", "dashboard", "delete", "image", "mount", "pause", "stop", "tunnel", "unpause"];

const VERSION: &str = "v1.38.0";

/// A running minikube.
#[derive(Debug, Clone, Default)]
pub(super) struct Minikube {
    /// `minikube kubectl --` has started kubectl.
    child: Option<drydock_shell::Pid>,
}

impl Program for Minikube {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(child) = self.child {
            return sys.wait(child).map_or_else(|| Wait::child().into(), Step::Exit);
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

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn help() -> String {
    let rows: String = ROWS.iter().map(|row| format!("  {:<10} {}\n", row.name, row.about)).collect();
    format!(
        "minikube finds its way around a local Kubernetes cluster.\n\nCommands:\n{rows}  kubectl    Runs kubectl (kubectl -- get pods)\n"
    )
}

/// Completions of minikube's last word.
pub(super) fn complete(words: &[String]) -> Vec<String> {
    match words {
        [word] => {
            ROWS.iter().map(|row| row.name).filter(|name| name.starts_with(word.as_str())).map(String::from).collect()
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

fn nodes(sys: &mut Sys<'_>) -> Result<Vec<(String, String)>, String> {
    let list = get("/api/v1/nodes", sys)?;
    let address =
        |node: &Value| node["status"]["addresses"].find("type", "InternalIP").map(|a| a["address"].str().to_owned());
    Ok(list["items"]
        .items()
        .iter()
        .map(|node| (node["metadata"]["name"].str().to_owned(), address(node).unwrap_or_default()))
        .collect())
}

fn ip(_: &[String], sys: &mut Sys<'_>) -> Result<String, String> {
    let nodes = nodes(sys)?;
    nodes.first().map(|(_, address)| format!("{address}\n")).ok_or_else(|| "❌  there is no node\n".into())
}

fn node(args: &[String], sys: &mut Sys<'_>) -> Result<String, String> {
    match args.first().map(String::as_str) {
        Some("list") => Ok(nodes(sys)?.into_iter().map(|(name, address)| format!("{name}\t{address}\n")).collect()),
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

fn status(_: &[String], sys: &mut Sys<'_>) -> Result<String, String> {
    let list = get("/api/v1/nodes", sys)?;
    let mut text = String::new();
    for (index, node) in list["items"].items().iter().enumerate() {
        let ready = node["status"]["conditions"].find("type", "Ready").is_some_and(|c| c["status"] == "True");
        let kubelet = if ready { "Running" } else { "Stopped" };
        text.push_str(node["metadata"]["name"].str());
        text.push_str(if index == 0 { "\ntype: Control Plane\n" } else { "\ntype: Worker\n" });
        text.push_str(&format!("host: Running\nkubelet: {kubelet}\n"));
        text.push_str(if index == 0 { "apiserver: Running\nkubeconfig: Configured\n\n" } else { "\n" });
    }
    Ok(text)
}

fn version(_: &[String], _: &mut Sys<'_>) -> Result<String, String> {
    Ok(format!("minikube version: {VERSION}\n"))
}

fn service(args: &[String], sys: &mut Sys<'_>) -> Result<String, String> {
    let mut namespace = "default".to_owned();
    let mut name = None;
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-n" | "--namespace" => namespace = words.next().cloned().unwrap_or_default(),
            "--url" => {}
            word if word.starts_with("--namespace=") => namespace = word["--namespace=".len()..].to_owned(),
            word if word.starts_with('-') => return Err(format!("Error: unknown flag: {word}\n")),
            word if word == "list" && name.is_none() => return list_services(sys),
            word => name = Some(word.to_owned()),
        }
    }
    let name = name.ok_or("❌  You must specify a service name\n")?;
    let object = get(&format!("/api/v1/namespaces/{namespace}/services/{name}"), sys).map_err(|_| {
        format!("❌  Exiting due to SVC_NOT_FOUND: Service '{name}' was not found in '{namespace}' namespace.\n")
    })?;
    let urls = urls(&object, sys)?;
    if urls.is_empty() {
        return Err(format!("😿  service {namespace}/{name} has no node port\n"));
    }
    Ok(urls.into_iter().map(|url| format!("{url}\n")).collect())
}

fn urls(service: &Value, sys: &mut Sys<'_>) -> Result<Vec<String>, String> {
    let nodes = nodes(sys)?;
    let Some((_, address)) = nodes.first() else { return Ok(Vec::new()) };
    let ports = service["spec"]["ports"].items().iter().filter_map(|port| port["nodePort"].as_i64());
    Ok(ports.map(|port| format!("http://{address}:{port}")).collect())
}

fn list_services(sys: &mut Sys<'_>) -> Result<String, String> {
    let list = get("/api/v1/services", sys)?;
    let mut text = String::new();
    for service in list["items"].items() {
        let urls = urls(service, sys)?;
        let shown = if urls.is_empty() { "No node port".to_owned() } else { urls.join(" ") };
        let metadata = &service["metadata"];
        text.push_str(&format!("{:<16} {:<24} {shown}\n", metadata["namespace"].str(), metadata["name"].str()));
    }
    Ok(text)
}
