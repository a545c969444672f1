//! Nodes, leases, runtime classes, certificate signing requests, events.

use drydock_value::{Value, value};

use super::common::{self, dns_label, non_negative, one_of, qualified_name};
use super::{Errors, Path};

const SPEC: Path<'static> = Path::new("spec");

/// Rules for a node.
pub(crate) fn node(node: &Value, errors: &mut Errors) {
    let spec = &node["spec"];
    let list = Path::new("metadata");
    let list = list.field("taints");
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (at, taint) in spec["taints"].items().iter().enumerate() {
        let path = list.index(at);
        let (key, effect) = (taint["key"].str(), taint["effect"].str());
        qualified_name(key, &path.field("key"), errors);
        errors.all_invalid(&path.field("value"), taint["value"].str(), super::names::label_value(taint["value"].str()));
        if effect.is_empty() {
            errors.required(&path.field("effect"), "");
        } else {
            one_of(&taint["effect"], &["NoSchedule", "PreferNoSchedule", "NoExecute"], &path.field("effect"), errors);
        }
        if seen.contains(&(key, effect)) {
            // As Go writes its own struct.
            let shown = format!(
                "{{\"Key\":{},\"Value\":{},\"Effect\":{},\"TimeAdded\":{}}}: taints must be unique by key and effect pair",
                common::quote(&taint["key"]),
                common::quote(&taint["value"]),
                common::quote(&taint["effect"]),
                common::json(&taint["timeAdded"]),
            );
            errors.duplicate_text(&path, &shown);
        }
        seen.push((key, effect));
    }
    let list = SPEC.field("podCIDRs");
    for (at, cidr) in spec["podCIDRs"].items().iter().enumerate() {
        common::cidr(cidr.str(), &list.index(at), errors);
    }
    let cidrs = spec["podCIDRs"].items();
    let second = cidrs.iter().filter(|cidr| cidr.str().contains(':')).count();
    if cidrs.len() > 2 || cidrs.len() == 2 && second != 1 {
        errors.invalid(&list, &spec["podCIDRs"], "may specify no more than one CIDR for each IP family");
    }
}

pub(crate) fn node_update(new: &Value, old: &Value, errors: &mut Errors) {
    node(new, errors);
    let (now, before) = (&new["spec"], &old["spec"]);
    if !before["podCIDRs"].is_empty() && now["podCIDRs"] != before["podCIDRs"] {
        errors.forbidden(&SPEC.field("podCIDRs"), "node updates may not change podCIDR except from \"\" to valid");
    }
    if !before["providerID"].str().is_empty() && now["providerID"] != before["providerID"] {
        errors.forbidden(&SPEC.field("providerID"), "node updates may not change providerID except from \"\" to valid");
    }
}

/// Rules for a lease.
pub(crate) fn lease(lease: &Value, errors: &mut Errors) {
    let spec = &lease["spec"];
    if let Some(seconds) = spec["leaseDurationSeconds"].as_i64()
        && seconds <= 0
    {
        errors.invalid(&SPEC.field("leaseDurationSeconds"), seconds, "must be greater than 0");
    }
    non_negative(&spec["leaseTransitions"], &SPEC.field("leaseTransitions"), errors);
}

/// Rules for a runtime class.
pub(crate) fn runtime_class(class: &Value, errors: &mut Errors) {
    dns_label(class["handler"].str(), &Path::new("handler"), errors);
    let fixed = &class["overhead"]["podFixed"];
    super::resources::requirements(&value!({"limits": fixed}), &Value::Null, &Path::new("overhead"), errors);
    let (path, scheduling) = (Path::new("scheduling"), &class["scheduling"]);
    common::labels(&scheduling["nodeSelector"], &path.field("nodeSelector"), errors);
    super::pod::tolerations(&scheduling["tolerations"], &path.field("tolerations"), errors);
}

pub(crate) fn runtime_class_update(new: &Value, old: &Value, errors: &mut Errors) {
    common::immutable(&new["handler"], &old["handler"], &Path::new("handler"), errors);
}

/// Rules for an event (of the core group: little is asked of them).
pub(crate) fn event(event: &Value, errors: &mut Errors) {
    let namespace = event["metadata"]["namespace"].str();
    let involved = event["involvedObject"]["namespace"].str();
    let path = Path::new("involvedObject");
    if involved.is_empty() {
        if namespace != "default" && namespace != "kube-system" {
            errors.invalid(&path.field("namespace"), involved, "does not match event.namespace");
        }
    } else if involved != namespace {
        errors.invalid(&path.field("namespace"), involved, "does not match event.namespace");
    }
}

/// Rules for an API service.
pub(crate) fn api_service(service: &Value, errors: &mut Errors) {
    let spec = &service["spec"];
    let wanted = format!("{}.{}", spec["version"].str(), spec["group"].str());
    let name = service["metadata"]["name"].str();
    if name != wanted {
        errors.invalid(
            &Path::new("metadata").field("name"),
            name,
            format!("must be `spec.version+\".\"+spec.group`: {:?}", value!(wanted).str()),
        );
    }
    let (group, version) = (spec["group"].str(), spec["version"].str());
    let path = SPEC.field("group");
    if !group.is_empty() {
        common::dns_subdomain(group, &path, errors);
    } else if version != "v1" {
        errors.required(&path, "only v1 may have an empty group and it better be legacy kube");
    }
    errors.all_invalid(&SPEC.field("version"), version, drydock_schema::names::is_dns1035_label(version));
    for (key, most) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1_000)] {
        if !(1..=most).contains(&spec[key].int()) {
            errors.invalid(&SPEC.field(key), spec[key].int(), format!("must be positive and less than {most}"));
        }
    }
    let (bundle, insecure) = (spec["caBundle"].str(), spec["insecureSkipTLSVerify"].is_true());
    let insecure_path = SPEC.field("insecureSkipTLSVerify");
    let by = &spec["service"];
    if by.is_null() {
        if !bundle.is_empty() {
            // Three bytes stand in four letters.
            let bytes = bundle.trim_end_matches('=').len() * 3 / 4;
            errors.invalid(
                &SPEC.field("caBundle"),
                format!("{bytes} bytes"),
                "local APIServices may not have a caBundle",
            );
        }
        if insecure {
            errors.invalid(&insecure_path, true, "local APIServices may not have insecureSkipTLSVerify");
        }
        return;
    }
    let path = SPEC.field("service");
    for key in ["namespace", "name"] {
        common::required(&by[key], &path.field(key), errors);
    }
    if by["port"].as_i64().is_some_and(|port| !(1..=65535).contains(&port)) {
        let why = "port is not valid: must be between 1 and 65535, inclusive";
        errors.invalid(&path.field("port"), &by["port"], why);
    }
    if insecure && !bundle.is_empty() {
        errors.invalid(&insecure_path, true, "may not be true if caBundle is present");
    }
}
