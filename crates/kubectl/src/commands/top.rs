//! `kubectl top`: what nodes and pods use, as a metrics server measures it. Without one it says so.

use drydock_api::Request;
use drydock_schema::quantity::Quantity;
use drydock_sorted::Sort;
use drydock_value::Value;

use super::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::printers::tabs::Tabs;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[&[
    "all-namespaces",
    "containers",
    "field-selector",
    "no-headers",
    "selector",
    "show-capacity",
    "show-swap",
    "sort-by",
    "sum",
    "use-protocol-buffers",
]];

const API: &str = "/apis/metrics.k8s.io/v1beta1";

fn prepare(inv: &mut Invocation, io: &mut Io<'_>, namespaced: bool) -> Result<Vec<Value>, Failure> {
    if inv.args.len() > 1 {
        let what = inv.command.name();
        return Err(inv.usage(format!("{what} [NAME | -l label]")));
    }
    if !inv.args.is_empty() && !inv.flags.str("selector").is_empty() {
        return Err("only one of NAME or selector can be provided".into());
    }
    drydock_schema::labels::Selector::parse(inv.flags.str("selector"))?;
    let sort = inv.flags.str("sort-by").to_owned();
    if !matches!(sort.as_str(), "" | "cpu" | "memory") {
        return Err("--sort-by accepts only cpu or memory".into());
    }
    if inv.fresh_mapper(io)?.resources().iter().all(|resource| resource.id.group != "metrics.k8s.io") {
        return Err("Metrics API not available".into());
    }
    let mut path = API.to_owned();
    if namespaced && !inv.flags.bool("all-namespaces") {
        path += &format!("/namespaces/{}", inv.namespace(io)?);
    }
    path += if namespaced { "/pods" } else { "/nodes" };
    let mut items = if let Some(name) = inv.args.first().cloned() {
        vec![inv.client(io)?.value(io, Request::get(format!("{path}/{name}")))?]
    } else {
        let mut request = Request::get(path);
        for (flag, name) in [("selector", "labelSelector"), ("field-selector", "fieldSelector")] {
            if let Some(text) = inv.flags.non_empty(flag) {
                request = request.param(name, text);
            }
        }
        inv.client(io)?.value(io, request)?["items"].items().to_vec()
    };
    match sort.as_str() {
        "" => items.sort_compact_by_key(|item| {
            (item["metadata"]["namespace"].str().to_owned(), item["metadata"]["name"].str().to_owned())
        }),
        by => items.sort_compact_by_key(|item| std::cmp::Reverse(usage(item, by))),
    }
    Ok(items)
}

/// Use of a node or of all containers of a pod, in thousandths.
fn usage(item: &Value, of: &str) -> i64 {
    let amount = |value: &Value| Quantity::of(value).map_or(0, |quantity| quantity.milli_value());
    if item["usage"].is_null() {
        item["containers"].items().iter().map(|container| amount(&container["usage"][of])).sum()
    } else {
        amount(&item["usage"][of])
    }
}

fn cores(milli: i64) -> String {
    format!("{milli}m")
}

fn bytes(milli: i64) -> String {
    format!("{}Mi", milli / 1000 / (1024 * 1024))
}

/// `kubectl top pod`
///
/// # Errors
/// When there is no metrics server.
pub fn pod(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let items = prepare(inv, io, true)?;
    let all = inv.flags.bool("all-namespaces");
    if items.is_empty() {
        let namespace = inv.namespace(io)?;
        let words =
            if all { "No resources found".into() } else { format!("No resources found in {namespace} namespace.") };
        io.eprintln(words);
        return Ok(Outcome::Done);
    }
    let (containers, swap) = (inv.flags.bool("containers"), inv.flags.bool("show-swap"));
    let mut tabs = Tabs::table();
    if !inv.flags.bool("no-headers") {
        let mut header = vec!["NAME", "CPU(cores)", "MEMORY(bytes)"];
        if containers {
            header[0] = "POD";
            header.insert(1, "NAME");
        }
        if all {
            header.insert(0, "NAMESPACE");
        }
        if swap {
            header.push("SWAP(bytes)");
        }
        tabs.row(&header);
    }
    for item in &items {
        let name = item["metadata"]["name"].str();
        let mut row = |container: Option<&Value>| {
            let source = container.unwrap_or(item);
            let mut cells = vec![name.to_owned(), cores(usage(source, "cpu")), bytes(usage(source, "memory"))];
            if let Some(container) = container {
                cells.insert(1, container["name"].str().to_owned());
            }
            if all {
                cells.insert(0, item["metadata"]["namespace"].str().to_owned());
            }
            if swap {
                cells.push(bytes(usage(source, "swap")));
            }
            tabs.row(&cells);
        };
        if containers {
            for container in item["containers"].items() {
                row(Some(container));
            }
        } else {
            row(None);
        }
    }
    if inv.flags.bool("sum") {
        let sum = |of: &str| items.iter().map(|item| usage(item, of)).sum::<i64>();
        let mut cells = vec![String::new(), cores(sum("cpu")), bytes(sum("memory"))];
        let mut rule = vec![String::new(), "________".to_owned(), "________".to_owned()];
        if swap {
            cells.push(bytes(sum("swap")));
            rule.push("________".to_owned());
        }
        for _ in 0..usize::from(all) + usize::from(containers) {
            cells.insert(0, String::new());
            rule.insert(0, String::new());
        }
        tabs.row(&rule);
        tabs.row(&cells);
    }
    let text = tabs.flush();
    io.print(text);
    Ok(Outcome::Done)
}

/// `kubectl top node`
///
/// # Errors
/// When there is no metrics server.
pub fn node(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let items = prepare(inv, io, false)?;
    let nodes = inv.client(io)?.value(io, Request::get("/api/v1/nodes"))?;
    let columns = if inv.flags.bool("show-swap") { 7 } else { 5 };
    let field = if inv.flags.bool("show-capacity") { "capacity" } else { "allocatable" };
    let mut tabs = Tabs::table();
    if !inv.flags.bool("no-headers") {
        let header = ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)", "SWAP(bytes)", "SWAP(%)"];
        tabs.row(&header[..columns]);
    }
    for item in &items {
        let name = item["metadata"]["name"].str();
        let node = nodes["items"].items().iter().find(|node| node["metadata"]["name"] == *name);
        let percent = |of: &str| {
            let available = node
                .map(|node| match of {
                    "swap" => &node["status"]["nodeInfo"]["swap"]["capacity"],
                    of => &node["status"][field][of],
                })
                .and_then(|amount| Quantity::of(amount).ok())
                .map_or(0, |quantity| quantity.milli_value());
            if available == 0 { "<unknown>".into() } else { format!("{}%", usage(item, of) * 100 / available) }
        };
        let cells = [
            name.to_owned(),
            cores(usage(item, "cpu")),
            percent("cpu"),
            bytes(usage(item, "memory")),
            percent("memory"),
            bytes(usage(item, "swap")),
            percent("swap"),
        ];
        tabs.row(&cells[..columns]);
    }
    let text = tabs.flush();
    io.print(text);
    Ok(Outcome::Done)
}
