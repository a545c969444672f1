//! Services: what follows from their types, and what they have of families, addresses and ports; endpoint slices.

use drydock_api::Status;
use drydock_value::{Value, value};

use super::{PLAIN, Strategy, pools};
use crate::kinds;
use crate::server::ApiServer;
use crate::validation::{Errors, Path, endpoints, names, services};
use crate::verbs::{Cx, Part};

pub(super) fn rows() -> Vec<Strategy> {
    vec![
        Strategy {
            kind: kinds::SERVICES,
            drops_status: true,
            keeps_status: true,
            create_on_update: true,
            prepare_create: Some(prepare_create),
            prepare_update: Some(prepare_update),
            validate: Some(services::service),
            validate_update: Some(services::service_update),
            name: names::label,
            warnings: Some(services::warnings),
            allocate: Some(allocate),
            account: Some(pools::account),
            ..PLAIN
        },
        Strategy {
            kind: kinds::ENDPOINT_SLICES,
            generation: Some(|old, new| {
                ["endpoints", "ports"].iter().any(|key| old[*key] != new[*key])
                    || old["metadata"]["labels"] != new["metadata"]["labels"]
            }),
            validate: Some(endpoints::endpoint_slice),
            validate_update: Some(endpoints::endpoint_slice_update),
            ..PLAIN
        },
    ]
}

fn prepare_create(_: &mut ApiServer, _: &Cx, service: &mut Value) -> Result<(), Status> {
    service.set("status", value!({"loadBalancer": {}}));
    Ok(())
}

fn prepare_update(_: &mut ApiServer, part: Part, new: &mut Value, old: &Value) -> Result<(), Status> {
    if part != Part::Main {
        return Ok(());
    }
    drop_dependent(new, old);
    Ok(())
}

fn has_address(spec: &Value) -> bool {
    spec["type"] != "ExternalName"
}

/// Whether a service has node ports because of its type; whether they are picked for it is another question.
pub(super) fn of_node_port_type(spec: &Value) -> bool {
    matches!(spec["type"].str(), "NodePort" | "LoadBalancer")
}

/// Whether a load balancer asks the nodes which of them have endpoints.
pub(super) fn needs_health_check(spec: &Value) -> bool {
    spec["type"] == "LoadBalancer" && spec["externalTrafficPolicy"] == "Local"
}

/// What the old type had and the new type has not goes away, unless the client changed it in the same step.
fn drop_dependent(new: &mut Value, old: &Value) {
    let before = &old["spec"];
    let now = &mut new["spec"];
    let drop = |now: &mut Value, keys: &[&str]| {
        for key in keys {
            if now[*key] == before[*key] {
                now.remove(key);
            }
        }
    };
    if has_address(before) && !has_address(now) {
        if now["clusterIPs"] == before["clusterIPs"] {
            now.remove("clusterIP");
        }
        drop(now, &["clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"]);
    }
    if of_node_port_type(before) && !of_node_port_type(now) {
        let numbers = |spec: &Value| spec["ports"].items().iter().map(|p| p["nodePort"].int()).collect::<Vec<i64>>();
        // As a set: all of them are the old ones, or none goes.
        let old_numbers = numbers(before);
        let new_numbers = numbers(now);
        if new_numbers.iter().all(|n| *n == 0 || old_numbers.contains(n)) {
            for at in 0..new_numbers.len() {
                now["ports"][at].remove("nodePort");
            }
        }
    }
    if needs_health_check(before) && !needs_health_check(now) {
        drop(now, &["healthCheckNodePort"]);
    }
    if before["type"] == "LoadBalancer" && now["type"] != "LoadBalancer" {
        drop(now, &["allocateLoadBalancerNodePorts", "loadBalancerClass"]);
    }
    if services::is_accessible(before) && !services::is_accessible(now) {
        drop(now, &["externalTrafficPolicy"]);
    }
    if now["type"] != "LoadBalancer" {
        new.set("status", value!({"loadBalancer": {}}));
    }
}

pub(super) fn invalid(service: &Value, errors: Errors) -> Status {
    Status::invalid("", "Service", service["metadata"]["name"].str(), errors.0)
}

/// Gives a service its families, its cluster address and its node ports.
fn allocate(server: &mut ApiServer, service: &mut Value, old: Option<&Value>) -> Result<(), Status> {
    if let Some(old) = old {
        keep_allocated(&mut service["spec"], &old["spec"]);
    }
    normalize(&mut service["spec"], old.map(|old| &old["spec"]));
    families(service, old)?;
    pools::cluster_address(server, service, old)?;
    pools::node_ports(server, service, old)?;
    pools::health_check_port(server, service, old)
}

/// An update may leave out what was allocated.
fn keep_allocated(spec: &mut Value, before: &Value) {
    if has_address(before) && has_address(spec) {
        if spec["clusterIP"].str().is_empty() {
            spec.set("clusterIP", &before["clusterIP"]);
        }
        if spec["clusterIPs"].is_empty() && spec["clusterIP"] == before["clusterIP"] {
            spec.set("clusterIPs", &before["clusterIPs"]);
        }
        if spec["ipFamilies"].is_empty() && !before["ipFamilies"].is_null() {
            spec.set("ipFamilies", &before["ipFamilies"]);
        }
    }
    if of_node_port_type(before) && of_node_port_type(spec) {
        // Ports are known by their names: whatever else of them changed, the node's stays.
        for at in 0..spec["ports"].items().len() {
            let port = &spec["ports"][at];
            if port["nodePort"].int() == 0
                && let Some(kept) = before["ports"].items().iter().find(|p| p["name"].str() == port["name"].str())
                && kept["nodePort"].int() != 0
                && !spec["ports"].items().iter().any(|p| p["nodePort"] == kept["nodePort"])
            {
                spec["ports"][at].set("nodePort", &kept["nodePort"]);
            }
        }
    }
    if needs_health_check(before) && needs_health_check(spec) && spec["healthCheckNodePort"].int() == 0 {
        spec.set("healthCheckNodePort", &before["healthCheckNodePort"]);
    }
}

/// Clients that know one field for the address do not say the list: it follows.
fn normalize(spec: &mut Value, old: Option<&Value>) {
    let single = spec["clusterIP"].clone();
    let follows = match old {
        None => spec["clusterIPs"].is_empty(),
        Some(before) => single != before["clusterIP"] && spec["clusterIPs"] == before["clusterIPs"],
    };
    if !follows {
        return;
    }
    if single.str().is_empty() {
        spec.remove("clusterIPs");
    } else {
        spec.set("clusterIPs", value!([single]));
    }
}

/// Whether an update leaves a service alone that takes a second family where there is one.
fn stays_preferring(spec: &Value, old: Option<&Value>) -> bool {
    let Some(before) = old.map(|old| &old["spec"]) else { return false };
    let prefers = |spec: &Value| spec["ipFamilyPolicy"] == "PreferDualStack";
    prefers(spec)
        && (prefers(before) || before["ipFamilyPolicy"].is_null())
        && ["type", "clusterIPs", "ipFamilies"].iter().all(|key| spec[*key] == before[*key])
}

/// The families of a service's addresses, in a cluster that has the first one only.
fn families(service: &mut Value, old: Option<&Value>) -> Result<(), Status> {
    let spec = &mut service["spec"];
    if !has_address(spec) || stays_preferring(spec, old) {
        return Ok(());
    }
    // A headless service without selector may have endpoints of either family: whoever makes them knows.
    let is_free = spec["clusterIP"] == "None" && spec["selector"].is_empty();
    if spec["ipFamilyPolicy"].is_null() {
        let kept = old.map(|old| old["spec"]["ipFamilyPolicy"].clone()).filter(|policy| !policy.is_null());
        spec.set("ipFamilyPolicy", kept.unwrap_or(if is_free { "RequireDualStack" } else { "SingleStack" }.into()));
    }
    let mut errors = Errors::default();
    services::families(service, &mut errors);
    if !errors.is_empty() {
        return Err(invalid(service, errors));
    }
    let spec = &mut service["spec"];
    match_policy(spec, old.map(|old| &old["spec"]), &mut errors);
    if !errors.is_empty() {
        return Err(invalid(service, errors));
    }
    let is_single = spec["ipFamilyPolicy"] == "SingleStack";
    let given = spec["ipFamilies"].items().len();
    if is_free {
        let first = if given == 0 { Value::from("IPv4") } else { spec["ipFamilies"][0].clone() };
        if given < 2 {
            let other = if first == "IPv4" { "IPv6" } else { "IPv4" };
            spec.set("ipFamilies", if is_single { value!([first]) } else { value!([first, other]) });
        }
        return Ok(());
    }
    let path = Path::new("spec");
    if spec["ipFamilyPolicy"] == "RequireDualStack" {
        let why = "this cluster is not configured for dual-stack services";
        errors.invalid(&path.field("ipFamilyPolicy"), "RequireDualStack", why);
    }
    for (at, family) in spec["ipFamilies"].items().iter().enumerate() {
        if family != FAMILY {
            errors.invalid(&path.field("ipFamilies").index(at), family, "not configured on this cluster");
        }
    }
    if !errors.is_empty() {
        return Err(invalid(service, errors));
    }
    if given == 0 {
        spec.set("ipFamilies", value!([FAMILY]));
    }
    Ok(())
}

/// The family that the cluster has addresses of.
const FAMILY: &str = "IPv4";

/// What the policy says must fit the families and addresses; addresses tell their families.
fn match_policy(spec: &mut Value, before: Option<&Value>, errors: &mut Errors) {
    let path = Path::new("spec");
    let policy = spec["ipFamilyPolicy"].clone();
    let is_single = policy == "SingleStack";
    let fields = [("clusterIPs", "cluster IP", "cluster IPs"), ("ipFamilies", "IP family", "IP families")];
    if let Some(before) = before {
        for (key, one, _) in fields {
            let (now, then) = (spec[key].items().len(), before[key].items().len());
            if is_single && now > 1 && spec[key] == before[key] {
                let first = spec[key][0].clone();
                spec.set(key, value!([first]));
            } else if !is_single && now > 0 && now < then {
                let why = format!("must be 'SingleStack' to release the secondary {one}");
                errors.invalid(&path.field("ipFamilyPolicy"), &policy, why);
            }
        }
    }
    for (key, _, many) in fields {
        if is_single && spec[key].items().len() == 2 {
            let why = format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {many} are specified");
            errors.invalid(&path.field("ipFamilyPolicy"), &policy, why);
        }
    }
    for at in spec["ipFamilies"].items().len()..spec["clusterIPs"].items().len() {
        let address = &spec["clusterIPs"][at];
        if address == "None" {
            break;
        }
        let family = if address.str().contains(':') { "IPv6" } else { "IPv4" };
        if family == FAMILY {
            let mut families = spec["ipFamilies"].items().to_vec();
            families.push(family.into());
            spec.set("ipFamilies", Value::from(families));
        } else {
            let why = format!("{family} is not configured on this cluster");
            errors.invalid(&path.field("clusterIPs").index(at), &spec["clusterIPs"], why);
        }
    }
}
