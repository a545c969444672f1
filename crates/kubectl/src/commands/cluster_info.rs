//! `kubectl cluster-info` and `kubectl cluster-info dump`.

use drydock_api::Request;
use drydock_value::Value;

use super::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::printers::{self, Formats, Printer};

fn line(io: &mut Io<'_>, name: &str, link: &str) {
    io.println(format!("{name} is running at {link}"));
}

/// `kubectl cluster-info`
///
/// # Errors
/// When the server can't be asked.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    const MORE: &str = "\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n";
    if let Err(failure) = inv.mapper(io) {
        io.print(MORE);
        return Err(failure);
    }
    let client = inv.client(io)?;
    let server = client.connection.server.clone();
    let request = Request::get("/api/v1/namespaces/kube-system/services")
        .param("labelSelector", "kubernetes.io/cluster-service=true");
    let services = client.value(io, request)?;
    line(io, "Kubernetes control plane", &server);
    for service in services["items"].items() {
        let metadata = &service["metadata"];
        let ports = service["spec"]["ports"].items();
        let ingress = &service["status"]["loadBalancer"]["ingress"][0];
        let link = if ingress.is_null() {
            let mut name = metadata["name"].str().to_owned();
            if let Some(port) = ports.first() {
                let scheme = if port["name"] == "https" || port["port"].int() == 443 { "https" } else { "" };
                let port = port["name"].str();
                name = match (scheme.is_empty(), port.is_empty()) {
                    (true, true) => name,
                    (true, false) => format!("{name}:{port}"),
                    (false, _) => format!("{scheme}:{name}:{port}"),
                };
            }
            format!("{server}/api/v1/namespaces/{}/services/{name}/proxy", metadata["namespace"].str())
        } else {
            let host = ingress["ip"].as_str().filter(|ip| !ip.is_empty()).unwrap_or(ingress["hostname"].str());
            ports.iter().map(|port| format!("http://{host}:{} ", port["port"].int())).collect()
        };
        let name = metadata["labels"]["kubernetes.io/name"].as_str().unwrap_or(metadata["name"].str()).to_owned();
        line(io, &name, &link);
    }
    io.print(MORE);
    Ok(Outcome::Done)
}

/// The flags of `cluster-info dump`.
pub const DUMP_FLAGS: &[&[&str]] =
    &[super::acts::PRINT, &["all-namespaces", "namespaces", "output-directory", "pod-running-timeout"]];

/// `kubectl cluster-info dump`
///
/// # Errors
/// When the server can't be asked or a file can't be written.
pub fn dump(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let folder = inv.flags.str("output-directory").to_owned();
    let template = inv.flags.str("output") == "json" && !inv.flags.str("template").is_empty();
    let mut printer = match template {
        true => printers::of_format(inv, io, "go-template")?,
        false => printers::for_output(inv, io, Formats::default())?.unwrap_or_else(Printer::json),
    };
    // JSON has the fields in the order of Go's types.
    let json = !template && matches!(inv.flags.str("output"), "" | "json");
    let mut print = move |io: &mut Io<'_>, object: &Value| {
        if !json {
            return printer.print(io, object);
        }
        let object = printers::without_managed_fields(object);
        io.println(printers::go::escape_html(&crate::change::order::to_json_pretty(&object, 4)));
        Ok(())
    };
    if inv.flags.str("output") == "name" {
        return Err("list types are not supported by name printing: *v1.NodeList".into());
    }
    let extension = if inv.flags.str("output") == "yaml" { "yaml" } else { "json" };
    let namespaces = if inv.flags.bool("all-namespaces") {
        let list = inv.client(io)?.value(io, Request::get("/api/v1/namespaces"))?;
        list["items"].items().iter().map(|ns| ns["metadata"]["name"].str().to_owned()).collect()
    } else if inv.flags.given("namespaces") {
        inv.flags.list("namespaces")
    } else {
        vec!["kube-system".to_owned(), inv.namespace(io)?]
    };
    let mut write = |inv: &Invocation, io: &mut Io<'_>, name: &str, object: Option<&Value>, text: &str| {
        if folder.is_empty() || folder == "-" {
            return match object {
                Some(object) => print(io, object),
                None => {
                    io.print(text);
                    Ok(())
                }
            };
        }
        let path = inv.env.absolute(&format!("{folder}/{name}"));
        if let Some((parent, _)) = path.rsplit_once('/') {
            io.files.mkdir_all(parent)?;
        }
        let bytes = match object {
            Some(object) => {
                let (printed, out, _) = io.captured(|io| print(io, object));
                printed?;
                out
            }
            None => text.as_bytes().to_vec(),
        };
        io.files.write(&path, &bytes).map_err(Failure::from)
    };
    let nodes = inv.client(io)?.value(io, Request::get("/api/v1/nodes"))?;
    write(inv, io, &format!("nodes.{extension}"), Some(&nodes), "")?;
    for namespace in &namespaces {
        for (group, name) in [
            ("api/v1", "events"),
            ("api/v1", "replicationcontrollers"),
            ("api/v1", "services"),
            ("apis/apps/v1", "daemonsets"),
            ("apis/apps/v1", "deployments"),
            ("apis/apps/v1", "replicasets"),
            ("api/v1", "pods"),
        ] {
            let list = inv.client(io)?.value(io, Request::get(format!("/{group}/namespaces/{namespace}/{name}")))?;
            let file = match name {
                "replicationcontrollers" => "replication-controllers",
                name => name,
            };
            write(inv, io, &format!("{namespace}/{file}.{extension}"), Some(&list), "")?;
            if name != "pods" {
                continue;
            }
            for pod in list["items"].items() {
                let pod_name = pod["metadata"]["name"].str();
                let mut text = String::new();
                for container in pod["spec"]["containers"].items() {
                    let container = container["name"].str();
                    text += &format!("==== START logs for container {container} of pod {namespace}/{pod_name} ====\n");
                    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod_name}/log");
                    let response = inv.client(io)?.send(io, Request::get(path).param("container", container));
                    text += &if response.is_success() {
                        response.body.text()
                    } else {
                        format!(
                            "Request log error: {}\n",
                            response.into_result().map_or_else(|s| s.message, |_| String::new())
                        )
                    };
                    text += &format!("==== END logs for container {container} of pod {namespace}/{pod_name} ====\n");
                }
                write(inv, io, &format!("{namespace}/{pod_name}/logs.txt"), None, &text)?;
            }
        }
    }
    if !folder.is_empty() && folder != "-" {
        io.println(format!("Cluster info dumped to {folder}"));
    }
    Ok(Outcome::Done)
}
