//! Rules for what asks for devices: claims, their templates, classes. Their selectors are expressions.

use drydock_schema::cel::{Env, Type};
use drydock_value::Value;

use super::common::{dns_label, dns_subdomain, one_of, optional_one_of, qualified_name};
use super::{Errors, Path, names};
use crate::admission::policy::env::compile;

/// How long an expression may be, in bytes.
const EXPRESSION_BYTES: usize = 10 * 1024;
/// How many of most things may be in a list.
pub(super) const MANY: usize = 32;
/// How many requests another may be satisfied by instead.
const CHOICES: usize = 8;
/// How much drivers may be told, in bytes.
const PARAMETERS_BYTES: usize = 10 * 1024;
pub(super) const EFFECTS: [&str; 3] = ["NoExecute", "NoSchedule", "None"];
const NO_REQUEST: &str =
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/// What an expression sees of a device.
fn env() -> Env {
    let by_domain = |of: Type| Type::map(Type::map(of));
    let fields = [
        ("driver", Type::String),
        ("attributes", by_domain(Type::Dyn)),
        ("capacity", by_domain(Type::Opaque("kubernetes.Quantity"))),
        ("allowMultipleAllocations", Type::Bool),
    ];
    let fields = fields.map(|(name, ty)| (name.to_owned(), ty)).to_vec();
    Env { bindings: true, ..Env::of(&[("device", Type::of_fields("kubernetes.DRADevice", fields))]) }
}

/// The items of a list that must not be longer; each after the other, as a list that is too long is not looked at.
pub(super) fn each(
    list: &Value,
    most: usize,
    path: &Path<'_>,
    errors: &mut Errors,
    mut check: impl FnMut(&Value, &Path<'_>, &mut Errors),
) {
    let items = list.items();
    if items.len() > most {
        errors.too_many(path, items.len(), most);
        return;
    }
    for (at, item) in items.iter().enumerate() {
        check(item, &path.index(at), errors);
    }
}

/// Items of which no two have the same key.
pub(super) fn distinct(list: &Value, key: impl Fn(&Value) -> &str, path: &Path<'_>, errors: &mut Errors) {
    let items = list.items();
    for (at, item) in items.iter().enumerate() {
        if items[..at].iter().any(|earlier| key(earlier) == key(item)) {
            errors.duplicate(&path.index(at), key(item));
        }
    }
}

fn name_of(item: &Value) -> &str {
    item["name"].str()
}

/// The name of a driver: a subdomain that is short.
pub(super) fn driver(name: &Value, path: &Path<'_>, errors: &mut Errors) {
    let name = name.str();
    if name.is_empty() {
        errors.required(path, "");
    }
    if name.len() > 63 {
        errors.too_long(path, 63);
    }
    errors.all_invalid(path, name, names::dns_subdomain(&name.to_lowercase()));
}

/// A value of a label.
pub(super) fn label_value(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    errors.all_invalid(path, value.str(), drydock_schema::names::is_label_value(value.str()));
}

fn identifier(id: &str, path: &Path<'_>, errors: &mut Errors) {
    if id.len() > 32 {
        errors.too_long(path, 32);
    }
    let letter = |b: u8| b == b'_' || b.is_ascii_alphabetic();
    let sound = id.bytes().next().is_some_and(letter) && id.bytes().all(|b| letter(b) || b.is_ascii_digit());
    if !sound {
        let why = drydock_schema::names::pattern_error(
            "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric \
             characters or '_'",
            "[A-Za-z_][A-Za-z0-9_]*",
            &["my_name", "MY_NAME", "MyName"],
        );
        errors.invalid(path, id, why);
    }
}

/// The name of an attribute or a capacity: an identifier, perhaps with a domain before it.
pub(super) fn attribute_name(name: &str, path: &Path<'_>, errors: &mut Errors) {
    match name.split('/').collect::<Vec<_>>()[..] {
        [id] => identifier(id, path, errors),
        [domain, id] => {
            if domain.is_empty() {
                errors.invalid(path, "", "the domain must not be empty");
            } else {
                driver(&domain.into(), path, errors);
            }
            if id.is_empty() {
                errors.invalid(path, "", "the name must not be empty");
            } else {
                identifier(id, path, errors);
            }
        }
        _ => {}
    }
}

fn full_name(name: &Value, path: &Path<'_>, errors: &mut Errors) {
    attribute_name(name.str(), path, errors);
    if !name.str().contains('/') {
        errors.invalid(path, name, "a fully qualified name must be a domain and a name separated by a slash");
    }
}

fn selector(selector: &Value, path: &Path<'_>, errors: &mut Errors) {
    let place = path.field("cel");
    if selector["cel"].is_null() {
        errors.required(&place, "");
        return;
    }
    let (text, place) = (&selector["cel"]["expression"], place.field("expression"));
    if text.str().is_empty() {
        errors.required(&place, "");
    } else if text.str().len() > EXPRESSION_BYTES {
        errors.too_long(&place, EXPRESSION_BYTES);
    } else {
        match compile(text.str(), &env(), &[]) {
            Err(why) => errors.invalid(&place, text, why),
            Ok(program) if !matches!(program.result(), Type::Bool | Type::Dyn) => {
                let why = format!("must evaluate to bool or the unknown type, not {}", program.result().text());
                errors.invalid(&place, text, why);
            }
            Ok(_) => {}
        }
    }
}

/// What one request asks for, or one of those that it may be satisfied by.
fn asked(request: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (class, at) = (request["deviceClassName"].str(), path.field("deviceClassName"));
    if class.is_empty() {
        errors.required(&at, "");
    } else {
        dns_subdomain(class, &at, errors);
    }
    each(&request["selectors"], MANY, &path.field("selectors"), errors, selector);
    let (count, at) = (request["count"].int(), path.field("count"));
    match request["allocationMode"].str() {
        "All" if count != 0 => errors.invalid(&at, count, "must not be specified when allocationMode is 'All'"),
        "ExactCount" if count <= 0 => errors.invalid(&at, count, "must be greater than zero"),
        _ => one_of(&request["allocationMode"], &["All", "ExactCount"], &path.field("allocationMode"), errors),
    }
    let list = path.field("tolerations");
    for (at, toleration) in request["tolerations"].items().iter().enumerate() {
        tolerated(toleration, &list.index(at), errors);
    }
}

fn tolerated(toleration: &Value, path: &Path<'_>, errors: &mut Errors) {
    if !toleration["key"].str().is_empty() {
        qualified_name(toleration["key"].str(), &path.field("key"), errors);
    }
    let (value, at) = (&toleration["value"], path.field("value"));
    match toleration["operator"].str() {
        "Exists" if !value.str().is_empty() => errors.invalid(&at, value, "must be empty for operator `Exists`"),
        "Equal" => label_value(value, &at, errors),
        "" => errors.required(&path.field("operator"), ""),
        _ => one_of(&toleration["operator"], &["Equal", "Exists"], &path.field("operator"), errors),
    }
    optional_one_of(&toleration["effect"], &EFFECTS, &path.field("effect"), errors);
}

fn request(request: &Value, path: &Path<'_>, errors: &mut Errors) {
    dns_label(name_of(request), &path.field("name"), errors);
    let (exactly, choices) = (&request["exactly"], &request["firstAvailable"]);
    match (!exactly.is_null(), !choices.items().is_empty()) {
        (false, false) => errors.required(path, "exactly one of `exactly` or `firstAvailable` is required"),
        (true, true) => errors.invalid(
            path,
            Value::Null,
            "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set",
        ),
        (true, false) => asked(exactly, &path.field("exactly"), errors),
        (false, true) => {
            let list = path.field("firstAvailable");
            each(choices, CHOICES, &list, errors, |choice, path, errors| {
                dns_label(name_of(choice), &path.field("name"), errors);
                asked(choice, path, errors);
            });
            distinct(choices, name_of, &list, errors);
        }
    }
}

/// A name of a request of a claim, or of one of those that it may be satisfied by.
pub(super) fn request_name(devices: &Value, name: &Value, path: &Path<'_>, errors: &mut Errors) {
    let parts: Vec<&str> = name.str().split('/').collect();
    if parts.len() > 2 {
        errors.invalid(path, name, NO_REQUEST);
        return;
    }
    for part in &parts {
        dns_label(part, path, errors);
    }
    let found = devices["requests"].items().iter().find(|request| name_of(request) == parts[0]);
    let choice = |request: &Value| {
        parts.get(1).is_none_or(|part| request["firstAvailable"].items().iter().any(|choice| name_of(choice) == *part))
    };
    if !found.is_some_and(choice) {
        errors.invalid(path, name, NO_REQUEST);
    }
}

/// The names of requests that something is about.
pub(super) fn request_names(devices: &Value, names: &Value, path: &Path<'_>, errors: &mut Errors) {
    each(names, MANY, path, errors, |name, path, errors| request_name(devices, name, path, errors));
    distinct(names, Value::str, path, errors);
}

/// What is told to a driver.
pub(super) fn configuration(config: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (opaque, path) = (&config["opaque"], path.field("opaque"));
    if opaque.is_null() {
        errors.required(&path, "");
        return;
    }
    driver(&opaque["driver"], &path.field("driver"), errors);
    object(&opaque["parameters"], &path.field("parameters"), errors);
}

/// An object of whatever form that is not too long.
pub(super) fn object(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    if value.is_null() {
        errors.required(path, "");
    } else if drydock_value::to_json(value).len() > PARAMETERS_BYTES {
        errors.too_long(path, PARAMETERS_BYTES);
    } else if value.as_object().is_none() {
        errors.invalid(path, "<value omitted>", "must be a valid JSON object");
    }
}

fn devices(devices: &Value, path: &Path<'_>, errors: &mut Errors) {
    let list = path.field("requests");
    each(&devices["requests"], MANY, &list, errors, request);
    distinct(&devices["requests"], name_of, &list, errors);
    each(&devices["constraints"], MANY, &path.field("constraints"), errors, |constraint, path, errors| {
        request_names(devices, &constraint["requests"], &path.field("requests"), errors);
        match ["matchAttribute", "distinctAttribute"].into_iter().find(|key| !constraint[*key].is_null()) {
            Some(key) => full_name(&constraint[key], &path.field(key), errors),
            None => errors.required(
                path,
                "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set",
            ),
        }
    });
    each(&devices["config"], MANY, &path.field("config"), errors, |config, path, errors| {
        request_names(devices, &config["requests"], &path.field("requests"), errors);
        configuration(config, path, errors);
    });
}

/// A DeviceClass.
pub(crate) fn class(object: &Value, errors: &mut Errors) {
    let (spec, path) = (&object["spec"], Path::new("spec"));
    each(&spec["selectors"], MANY, &path.field("selectors"), errors, selector);
    each(&spec["config"], MANY, &path.field("config"), errors, configuration);
    let name = &spec["extendedResourceName"];
    if !name.is_null() && !super::resources::is_extended(name.str()) {
        errors.invalid(&path.field("extendedResourceName"), name, "must be a valid extended resource name");
    }
}

/// A ResourceClaim.
pub(crate) fn claim(object: &Value, errors: &mut Errors) {
    devices(&object["spec"]["devices"], &Path::new("spec").field("devices"), errors);
}

/// What may change in a ResourceClaim or a template of some: nothing of what they ask for.
pub(crate) fn same_spec(new: &Value, old: &Value, errors: &mut Errors) {
    super::common::immutable(&new["spec"], &old["spec"], &Path::new("spec"), errors);
}

/// A ResourceClaimTemplate.
pub(crate) fn template(object: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    let metadata = path.field("metadata");
    super::common::labels(&object["spec"]["metadata"]["labels"], &metadata.field("labels"), errors);
    super::common::annotations(&object["spec"]["metadata"]["annotations"], &metadata.field("annotations"), errors);
    devices(&object["spec"]["spec"]["devices"], &path.field("spec").field("devices"), errors);
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use super::*;

    #[test]
    fn selectors_are_compiled() {
        let cases = [
            ("device.driver == 'gpu.example.com'", ""),
            ("device.attributes['gpu.example.com'].memory.isGreaterThan(quantity('1Gi'))", ""),
            ("device.capacity['gpu.example.com'].memory.compareTo(quantity('1Gi')) >= 0", ""),
            ("cel.bind(a, device.attributes['x'], a.?b.orValue(false))", ""),
            ("semver('1.2.3').isLessThan(semver('2.0.0'))", ""),
            ("device.driver", "must evaluate to bool or the unknown type, not string"),
            (
                "device.nope",
                "compilation failed: ERROR: <input>:1:7: undefined field 'nope'\n | device.nope\n | ......^",
            ),
            ("object.x", "undeclared reference to 'object' (in container '')\n | object.x\n | ^"),
        ];
        for (text, words) in cases {
            let claim = value!({"spec": {"devices": {"requests": [{"name": "r", "exactly": {
                "deviceClassName": "c", "allocationMode": "All", "selectors": [{"cel": {"expression": text}}]}}]}}});
            let mut errors = Errors::default();
            super::claim(&claim, &mut errors);
            match errors.0.first() {
                None => assert_eq!(words, "", "{text}"),
                Some(found) => {
                    assert_eq!(found.field, "spec.devices.requests[0].exactly.selectors[0].cel.expression");
                    assert!(!words.is_empty() && found.message.ends_with(words), "{text}: {}", found.message);
                }
            }
        }
    }
}
