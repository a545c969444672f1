//! Rules for what asks for devices: their selectors are expressions.

use drydock_schema::cel::{Env, Type};
use drydock_value::Value;

use super::{Errors, Path};
use crate::admission::policy::env::compile;

/// How long an expression may be, in bytes.
const EXPRESSION_BYTES: usize = 10 * 1024;
const SELECTORS: usize = 32;

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

fn selectors(list: &Value, path: &Path<'_>, errors: &mut Errors) {
    let items = list.items();
    if items.len() > SELECTORS {
        errors.too_many(path, items.len(), SELECTORS);
    }
    for (at, selector) in items.iter().enumerate() {
        let here = path.index(at);
        let place = here.field("cel");
        if selector["cel"].is_null() {
            errors.required(&place, "");
            continue;
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
}

fn requests(devices: &Value, path: &Path<'_>, errors: &mut Errors) {
    let list = path.field("requests");
    for (at, request) in devices["requests"].items().iter().enumerate() {
        let here = list.index(at);
        let exactly = here.field("exactly");
        selectors(&request["exactly"]["selectors"], &exactly.field("selectors"), errors);
        let first = here.field("firstAvailable");
        for (at, choice) in request["firstAvailable"].items().iter().enumerate() {
            selectors(&choice["selectors"], &first.index(at).field("selectors"), errors);
        }
    }
}

/// A DeviceClass.
pub(crate) fn class(object: &Value, errors: &mut Errors) {
    selectors(&object["spec"]["selectors"], &Path::new("spec").field("selectors"), errors);
}

/// A ResourceClaim.
pub(crate) fn claim(object: &Value, errors: &mut Errors) {
    requests(&object["spec"]["devices"], &Path::new("spec").field("devices"), errors);
}

/// A ResourceClaimTemplate.
pub(crate) fn template(object: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    requests(&object["spec"]["spec"]["devices"], &path.field("spec").field("devices"), errors);
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
                "deviceClassName": "c", "selectors": [{"cel": {"expression": text}}]}}]}}});
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
