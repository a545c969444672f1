//! Webhooks. No program of the simulation serves one, so what is left is what the API server does when it cannot call one:
//! the request fails, or goes on as if there were none.

use drydock_api::Status;
use drydock_value::{Value, value};

use super::env::{Base, Values};
use super::{Call, is_exempt, matching};
use crate::kinds::{self, Kind};
use crate::server::ApiServer;

/// Calls the webhooks of a kind of configuration, in the order of their names.
pub(in super::super) fn call_all(server: &ApiServer, call: &Call<'_>, configurations: Kind) -> Result<(), Status> {
    if server.store.count_of(configurations) == 0 || is_exempt(call.kind) {
        return Ok(());
    }
    for configuration in server.store.all(configurations) {
        for hook in configuration["webhooks"].items() {
            one(server, call, hook)?;
        }
    }
    Ok(())
}

fn internal(why: &str) -> Status {
    Status::new(500, "InternalError", format!("Internal error occurred: {why}"))
}

fn one(server: &ApiServer, call: &Call<'_>, hook: &Value) -> Result<(), Status> {
    let fails = hook["failurePolicy"] != "Ignore";
    let resources = value!({
        "resourceRules": &hook["rules"], "namespaceSelector": &hook["namespaceSelector"],
        "objectSelector": &hook["objectSelector"], "matchPolicy": &hook["matchPolicy"]
    });
    if hook["rules"].items().is_empty() {
        return Ok(());
    }
    let served = match matching::matches(server, &resources, call) {
        Ok(Some(served)) => served,
        Ok(None) => return Ok(()),
        Err(why) => return Err(internal(&why)),
    };
    if !hook["matchConditions"].items().is_empty() {
        let object = call.in_version(served, call.object);
        let base = Base::of(&Value::Null);
        let values = Values::new(server, call, &Value::Null, base, served, &object, &Value::Null);
        match values.conditions_hold(&hook["matchConditions"]) {
            Ok(true) => {}
            Err(why) if fails => return Err(crate::verbs::forbidden(call.kind, &call.name, &why)),
            _ => return Ok(()),
        }
    }
    if !fails {
        return Ok(());
    }
    let (url, why) = unreachable(server, hook);
    let name = hook["name"].str();
    Err(internal(&format!("failed calling webhook {name:?}: failed to call webhook: Post {url:?}: {why}")))
}

/// Where a webhook would be called, and why that fails.
fn unreachable(server: &ApiServer, hook: &Value) -> (String, String) {
    let seconds = hook["timeoutSeconds"].as_i64().unwrap_or(10);
    let config = &hook["clientConfig"];
    if let Some(url) = config["url"].as_str() {
        let host = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or(url);
        let host = host.split(':').next().unwrap_or(host);
        // The API server has the names of the machine that it runs on, and those are few.
        let why = match host.parse::<std::net::IpAddr>() {
            Ok(_) => format!("dial tcp {host}:443: connect: connection refused"),
            Err(_) => format!("dial tcp: lookup {host} on 192.168.49.1:53: no such host"),
        };
        return (format!("{url}?timeout={seconds}s"), why);
    }
    let service = &config["service"];
    let (namespace, name) = (service["namespace"].str(), service["name"].str());
    let port = service["port"].as_i64().unwrap_or(443);
    let path = service["path"].as_str().filter(|path| !path.is_empty()).unwrap_or("/");
    let url = format!("https://{name}.{namespace}.svc:{port}{path}?timeout={seconds}s");
    let Some(found) = server.store.get(kinds::SERVICES, namespace, name) else {
        return (url, format!("service {name:?} not found"));
    };
    let spec = &found["spec"];
    if spec["type"] == "ExternalName" {
        let host = spec["externalName"].str();
        return (url, format!("dial tcp: lookup {host} on 192.168.49.1:53: no such host"));
    }
    if spec["clusterIP"] == "None" {
        return (url, "unsupported service type \"ClusterIP\" with clusterIP \"None\"".into());
    }
    if !spec["ports"].items().iter().any(|given| given["port"].int() == port) {
        return (url, format!("no service port {port} found for service {name:?}"));
    }
    let slices = server.store.in_namespace(kinds::ENDPOINT_SLICES, namespace, None);
    let ready = slices
        .filter(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == *name)
        .flat_map(|slice| slice["endpoints"].items())
        .any(|endpoint| endpoint["conditions"]["ready"].is_true());
    let why = match ready {
        // The servers of the simulation speak plain HTTP.
        true => "http: server gave HTTP response to HTTPS client".to_owned(),
        false => format!("dial tcp {}:{port}: connect: connection refused", spec["clusterIP"].str()),
    };
    (url, why)
}
