//! Rules for the devices that there are, and for those that claims were given.

use drydock_value::Value;

use super::common::{IMMUTABLE, dns_label, dns_subdomain, one_of, qualified_name};
use super::devices::{
    EFFECTS, MANY, attribute_name, configuration, distinct, driver, each, label_value, object, request_name,
    request_names,
};
use super::{Errors, Path, pod};

/// How long a value of an attribute may be, in bytes.
const VALUE_BYTES: usize = 64;

fn pool_name(name: &Value, path: &Path<'_>, errors: &mut Errors) {
    let name = name.str();
    if name.is_empty() {
        errors.required(path, "");
        return;
    }
    if name.len() > 253 {
        errors.too_long(path, 253);
    }
    for part in name.split('/') {
        dns_subdomain(part, path, errors);
    }
}

/// Says which of some fields are set, each in its own way: what selects the nodes of devices.
fn nodes(holder: &Value, whole: bool, path: &Path<'_>, errors: &mut Errors) -> Vec<&'static str> {
    let mut set = Vec::new();
    if let Some(name) = holder["nodeName"].as_str() {
        let at = path.field("nodeName");
        if !name.is_empty() {
            set.push("`nodeName`");
            dns_subdomain(name, &at, errors);
        } else {
            errors.invalid(
                &at,
                "",
                if whole { "must be either unset or set to a non-empty string" } else { "must not be empty" },
            );
        }
    }
    let selector = &holder["nodeSelector"];
    if !selector.is_null() {
        set.push("`nodeSelector`");
        let at = path.field("nodeSelector");
        pod::node_selector(selector, &at, errors);
        let terms = &selector["nodeSelectorTerms"];
        if whole && terms.items().len() != 1 {
            errors.invalid(&at.field("nodeSelectorTerms"), terms, "must have exactly one node selector term");
        }
    }
    for (key, quoted) in [("allNodes", "`allNodes`"), ("perDeviceNodeSelection", "`perDeviceNodeSelection`")] {
        match holder[key].as_bool() {
            Some(true) => set.push(quoted),
            Some(false) => errors.invalid(&path.field(key), false, "must be either unset or set to true"),
            None => {}
        }
    }
    set
}

/// A ResourceSlice.
pub(crate) fn slice(slice: &Value, errors: &mut Errors) {
    let (spec, path) = (&slice["spec"], Path::new("spec"));
    driver(&spec["driver"], &path.field("driver"), errors);
    let (pool, at) = (&spec["pool"], path.field("pool"));
    pool_name(&pool["name"], &at.field("name"), errors);
    if pool["resourceSliceCount"].int() <= 0 {
        let count = pool["resourceSliceCount"].int();
        errors.invalid(&at.field("resourceSliceCount"), count, "must be greater than zero");
    }
    if pool["generation"].int() < 0 {
        errors.invalid(&at.field("generation"), &pool["generation"], "must be greater than or equal to zero");
    }
    const ONE: &str = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    let set = nodes(spec, true, &path, errors);
    match set.len() {
        0 => errors.required(&path, ONE),
        1 => {}
        _ => errors.invalid(&path, format!("{{{}}}", set.join(", ")), format!("{ONE}, but multiple fields are set")),
    }
    let (devices, counters) = (&spec["devices"], &spec["sharedCounters"]);
    if !devices.is_null() && !counters.is_null() {
        errors.invalid(&path, "", "only one of `sharedCounters` or `devices` is allowed");
    }
    let special = |device: &Value| !device["taints"].is_empty() || !device["consumesCounters"].is_empty();
    let most = if devices.items().iter().any(special) { 64 } else { 128 };
    let per_device = spec["perDeviceNodeSelection"].is_true();
    let list = path.field("devices");
    each(devices, most, &list, errors, |one, path, errors| device(one, per_device, path, errors));
    if devices.items().len() <= most {
        distinct(devices, |device| device["name"].str(), &list, errors);
    }
    let list = path.field("sharedCounters");
    each(counters, 8, &list, errors, |set, path, errors| counted(set, "name", path, errors));
    distinct(counters, |set| set["name"].str(), &list, errors);
}

/// Counters under a name.
fn counted(set: &Value, key: &str, path: &Path<'_>, errors: &mut Errors) {
    let name = set[key].str();
    if name.is_empty() {
        errors.required(&path.field(key), "");
    } else {
        dns_label(name, &path.field(key), errors);
    }
    let (counters, at) = (&set["counters"], path.field("counters"));
    let count = counters.entries().count();
    if count == 0 {
        errors.required(&at, "");
    } else if count > MANY {
        errors.too_many(&at, count, MANY);
    } else {
        for (name, _) in counters.entries() {
            dns_label(name, &at.key(name), errors);
        }
    }
}

fn device(device: &Value, per_device: bool, path: &Path<'_>, errors: &mut Errors) {
    dns_label(device["name"].str(), &path.field("name"), errors);
    let (attributes, capacity) = (&device["attributes"], &device["capacity"]);
    let count = attributes.entries().count() + capacity.entries().count();
    if count > MANY {
        let why = format!("the total number of attributes and capacities must not exceed {MANY}");
        errors.invalid(path, i64::try_from(count).unwrap_or(i64::MAX), why);
    }
    let at = path.field("attributes");
    for (name, attribute) in attributes.entries() {
        let at = at.key(name);
        attribute_name(name, &at, errors);
        value(attribute, &at, errors);
    }
    let at = path.field("capacity");
    for (name, amount) in capacity.entries() {
        let at = at.key(name);
        attribute_name(name, &at, errors);
        if !amount["requestPolicy"].is_null() && !device["allowMultipleAllocations"].is_true() {
            errors.forbidden(&at.field("requestPolicy"), "allowMultipleAllocations must be true");
        }
    }
    each(&device["taints"], 16, &path.field("taints"), errors, |taint, path, errors| {
        qualified_name(taint["key"].str(), &path.field("key"), errors);
        if !taint["value"].str().is_empty() {
            label_value(&taint["value"], &path.field("value"), errors);
        }
        match taint["effect"].str() {
            "" => errors.required(&path.field("effect"), ""),
            _ => one_of(&taint["effect"], &EFFECTS, &path.field("effect"), errors),
        }
    });
    let list = path.field("consumesCounters");
    let consumed = &device["consumesCounters"];
    each(consumed, 2, &list, errors, |one, path, errors| counted(one, "counterSet", path, errors));
    distinct(consumed, |one| one["counterSet"].str(), &list, errors);
    if per_device {
        const ONE: &str = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when \
                           `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
        let set = nodes(device, false, path, errors);
        match set.len() {
            0 => errors.required(path, ONE),
            1 => {}
            _ => errors.invalid(path, format!("{{{}}}", set.join(", ")), ONE),
        }
    } else if ["nodeName", "nodeSelector", "allNodes"].iter().any(|key| !device[*key].is_null()) {
        errors.invalid(
            path,
            Value::Null,
            "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the \
             ResourceSlice spec",
        );
    }
    binding(device, path, errors);
}

/// One value of an attribute.
fn value(attribute: &Value, path: &Path<'_>, errors: &mut Errors) {
    for key in ["string", "version"] {
        let (text, at) = (attribute[key].str(), path.field(key));
        if key == "version" && !attribute[key].is_null() && !is_version(text) {
            errors.invalid(&at, text, "must be a string compatible with semver.org spec 2.0.0");
        }
        if text.len() > VALUE_BYTES {
            errors.too_long(&at, VALUE_BYTES);
        }
    }
    let set = |key: &&str| !attribute[*key].is_null();
    match ["int", "bool", "string", "version", "ints", "bools", "strings", "versions"]
        .iter()
        .filter(|key| set(key))
        .count()
    {
        0 => errors.invalid(path, "", "exactly one value must be specified"),
        1 => {}
        _ => {
            let [int, bool, string, version] =
                ["int", "bool", "string", "version"].map(|key| super::common::json(&attribute[key]));
            let shown = format!(
                "{{\"IntValue\":{int},\"BoolValue\":{bool},\"StringValue\":{string},\"VersionValue\":{version}}}"
            );
            errors.invalid_text(path, &shown, "exactly one value must be specified");
        }
    }
}

/// `1.2.3-rc.1+build.7`
fn is_version(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b == b'-' || b.is_ascii_alphanumeric());
    let number = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| pre.split('.').all(|part| word(part) && (!digits(part) || number(part))))
        && build.is_none_or(|build| build.split('.').all(word))
}

/// The conditions that a device must have before its pod is bound, and those that end the waiting.
fn binding(holder: &Value, path: &Path<'_>, errors: &mut Errors) {
    const MOST: usize = 4;
    let (good, bad) = ("bindingConditions", "bindingFailureConditions");
    for key in [good, bad] {
        each(&holder[key], MOST, &path.field(key), errors, |name, path, errors| {
            qualified_name(name.str(), path, errors);
        });
    }
    distinct(&holder[good], Value::str, &path.field(good), errors);
    distinct(&holder[bad], Value::str, &path.field(bad), errors);
    for (at, name) in holder[bad].items().iter().enumerate() {
        if holder[good].items().contains(name) {
            let why = "bindingFailureConditions must not overlap with bindingConditions";
            errors.invalid(&path.field(bad).index(at), name, why);
        }
    }
    for (there, missing) in [(bad, good), (good, bad)] {
        if holder[missing].is_empty() && !holder[there].is_empty() {
            let shown = &holder[missing];
            errors.invalid(&path.field(missing), shown, format!("{missing} are required to use {there}"));
        }
    }
}

/// What may change in a ResourceSlice.
pub(crate) fn slice_update(new: &Value, old: &Value, errors: &mut Errors) {
    let (spec, before, path) = (&new["spec"], &old["spec"], Path::new("spec"));
    for way in [&["pool", "name"][..], &["driver"], &["nodeName"]] {
        let (value, was) = (spec.at(way), before.at(way));
        if value != was {
            let first = path.field(way[0]);
            let at = way.get(1).map_or(first, |key| first.field(key));
            errors.invalid(&at, value, IMMUTABLE);
        }
    }
    slice(new, errors);
}

/// The status of a claim: who uses it, and what it was given.
pub(crate) fn claim_status(new: &Value, old: &Value, errors: &mut Errors) {
    let (status, before, path) = (&new["status"], &old["status"], Path::new("status"));
    let asked = &new["spec"]["devices"];
    let (users, at) = (&status["reservedFor"], path.field("reservedFor"));
    each(users, 256, &at, errors, |user, path, errors| {
        for key in ["resource", "name", "uid"] {
            super::common::required(&user[key], &path.field(key), errors);
        }
    });
    distinct(users, |user| user["uid"].str(), &at, errors);
    let id = |device: &Value| ["driver", "pool", "device", "shareID"].map(|key| device[key].str().to_owned());
    let (allocation, list) = (&status["allocation"], path.field("devices"));
    let given: Vec<_> = allocation["devices"]["results"].items().iter().map(id).collect();
    each(&status["devices"], usize::MAX, &list, errors, |device, path, errors| {
        driver(&device["driver"], &path.field("driver"), errors);
        pool_name(&device["pool"], &path.field("pool"), errors);
        dns_label(device["device"].str(), &path.field("device"), errors);
        let own = id(device);
        if !given.contains(&own) {
            let mut shown = own[..3].join("/");
            if !own[3].is_empty() {
                shown += &format!("/{}", own[3]);
            }
            errors.invalid(path, shown, "must be an allocated device in the claim");
        }
        let conditions = device["conditions"].items().len();
        if conditions > 8 {
            errors.too_many(&path.field("conditions"), conditions, 8);
        }
        if !device["data"].is_null() {
            object(&device["data"], &path.field("data"), errors);
        }
    });
    if !users.is_empty() {
        if allocation.is_null() {
            errors.forbidden(&at, "may not be specified when `allocated` is not set");
        } else if !new["metadata"]["deletionTimestamp"].is_null()
            && users.items().iter().any(|user| !before["reservedFor"].items().contains(user))
        {
            let why = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
            errors.forbidden(&at, why);
        }
    }
    let at = path.field("allocation");
    if allocation.is_null() {
        return;
    }
    if !before["allocation"].is_null() {
        super::common::immutable(allocation, &before["allocation"], &at, errors);
        return;
    }
    let devices = at.field("devices");
    let results = &allocation["devices"]["results"];
    each(results, MANY, &devices.field("results"), errors, |result, path, errors| {
        request_name(asked, &result["request"], &path.field("request"), errors);
        driver(&result["driver"], &path.field("driver"), errors);
        pool_name(&result["pool"], &path.field("pool"), errors);
        dns_label(result["device"].str(), &path.field("device"), errors);
        binding(result, path, errors);
    });
    let configs = &allocation["devices"]["config"];
    each(configs, 2 * MANY, &devices.field("config"), errors, |config, path, errors| {
        match config["source"].str() {
            "" => errors.required(&path.field("source"), ""),
            _ => one_of(&config["source"], &["FromClaim", "FromClass"], &path.field("source"), errors),
        }
        request_names(asked, &config["requests"], &path.field("requests"), errors);
        configuration(config, path, errors);
    });
    if !allocation["nodeSelector"].is_null() {
        pod::node_selector(&allocation["nodeSelector"], &at.field("nodeSelector"), errors);
    }
}

#[cfg(test)]
mod tests;
