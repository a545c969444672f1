//! Flow schemas and the levels of priority that they lead to.

use drydock_value::Value;

use super::common::{self, dns_subdomain, one_of};
use super::{Errors, Path};

const SPEC: Path<'static> = Path::new("spec");

/// A number that is at least one.
fn positive(value: &Value, path: &Path<'_>, why: &str, errors: &mut Errors) -> bool {
    let wrong = value.int() <= 0;
    if wrong {
        errors.invalid(path, value.int(), why);
    }
    !wrong
}

/// Rules for a flow schema.
pub(crate) fn flow_schema(schema: &Value, errors: &mut Errors) {
    const LAST: i64 = 10_000;
    let spec = &schema["spec"];
    let (order, path) = (&spec["matchingPrecedence"], SPEC.field("matchingPrecedence"));
    positive(order, &path, "must be a positive value", errors);
    if order.int() > LAST {
        errors.invalid(&path, order, format!("must not be greater than {LAST}"));
    }
    if (order.int() == 1) != (schema["metadata"]["name"] == "exempt") {
        errors.invalid(&path, order.int(), "only the schema named 'exempt' may have matchingPrecedence 1");
    }
    let method = &spec["distinguisherMethod"]["type"];
    if !spec["distinguisherMethod"].is_null() {
        one_of(method, &["ByNamespace", "ByUser"], &SPEC.field("distinguisherMethod").field("type"), errors);
    }
    let level = spec["priorityLevelConfiguration"]["name"].str();
    let path = SPEC.field("priorityLevelConfiguration");
    if level.is_empty() {
        errors.required(&path.field("name"), "must reference a priority level");
    } else {
        dns_subdomain(level, &path.field("name"), errors);
    }
    let list = SPEC.field("rules");
    for (at, rule) in spec["rules"].items().iter().enumerate() {
        let path = list.index(at);
        let subjects = path.field("subjects");
        if rule["subjects"].is_empty() {
            errors.required(&subjects, "subjects must contain at least one value");
        }
        for (at, subject) in rule["subjects"].items().iter().enumerate() {
            one_subject(subject, &subjects.index(at), errors);
        }
        if rule["resourceRules"].is_empty() && rule["nonResourceRules"].is_empty() {
            errors.required(&path, "at least one of resourceRules and nonResourceRules has to be non-empty");
        }
    }
}

fn one_subject(subject: &Value, path: &Path<'_>, errors: &mut Errors) {
    const KINDS: [(&str, &str); 3] = [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")];
    let kind = subject["kind"].str();
    if KINDS.iter().all(|(known, _)| *known != kind) {
        return errors.not_supported(&path.field("kind"), kind, &["Group", "ServiceAccount", "User"]);
    }
    for (known, key) in KINDS {
        let (path, given) = (path.field(key), &subject[key]);
        if known != kind {
            if !given.is_null() {
                errors.forbidden(&path, format!("{key} is forbidden when subject kind is not '{known}'"));
            }
        } else if given.is_null() {
            errors.required(&path, &format!("{key} is required when subject kind is '{known}'"));
        } else {
            common::required(&given["name"], &path.field("name"), errors);
            if known == "ServiceAccount" {
                common::required(&given["namespace"], &path.field("namespace"), errors);
            }
        }
    }
}

/// Rules for a level of priority.
pub(crate) fn priority_level(level: &Value, errors: &mut Errors) {
    let (spec, kind) = (&level["spec"], level["spec"]["type"].str());
    let path = SPEC.field("type");
    if (level["metadata"]["name"] == "exempt") != (kind == "Exempt") {
        errors.invalid(&path, kind, "type must be 'Exempt' if and only if name is 'exempt'");
    }
    match kind {
        "Exempt" if !spec["limited"].is_null() => {
            errors.forbidden(&SPEC.field("limited"), "must be nil if the type is not Limited");
        }
        "Exempt" => {}
        "Limited" => {
            if !spec["exempt"].is_null() {
                errors.forbidden(&SPEC.field("exempt"), "must be nil if the type is Limited");
            }
            if spec["limited"].is_null() {
                errors.required(&SPEC.field("limited"), "must not be empty when type is Limited");
            } else {
                limited(&spec["limited"], &SPEC.field("limited"), errors);
            }
        }
        _ => errors.not_supported(&path, kind, &["Exempt", "Limited"]),
    }
}

fn limited(limited: &Value, path: &Path<'_>, errors: &mut Errors) {
    let shares = &limited["nominalConcurrencyShares"];
    if shares.int() < 0 {
        errors.invalid(&path.field("nominalConcurrencyShares"), shares, "must be a non-negative integer");
    }
    let response = &limited["limitResponse"];
    let at = path.field("limitResponse");
    let (queuing, queuing_path) = (&response["queuing"], at.field("queuing"));
    match response["type"].str() {
        "Reject" if !queuing.is_null() => {
            errors.forbidden(&queuing_path, "must be nil if limited.limitResponse.type is not Limited");
        }
        "Reject" => {}
        "Queue" if queuing.is_null() => {
            errors.required(&queuing_path, "must not be empty if limited.limitResponse.type is Limited");
        }
        "Queue" => {
            positive(&queuing["queueLengthLimit"], &queuing_path.field("queueLengthLimit"), "must be positive", errors);
            let queues = positive(&queuing["queues"], &queuing_path.field("queues"), "must be positive", errors);
            let hand = queuing_path.field("handSize");
            if positive(&queuing["handSize"], &hand, "must be positive", errors)
                && queues
                && queuing["handSize"].int() > queuing["queues"].int()
            {
                let why = format!("should not be greater than queues ({})", queuing["queues"].int());
                errors.invalid(&hand, &queuing["handSize"], why);
            }
        }
        other => errors.not_supported(&at.field("type"), other, &["Queue", "Reject"]),
    }
    let lendable = &limited["lendablePercent"];
    if !(0..=100).contains(&lendable.int()) {
        errors.invalid(&path.field("lendablePercent"), lendable, "must be between 0 and 100, inclusive");
    }
    let borrowing = &limited["borrowingLimitPercent"];
    if borrowing.int() < 0 {
        errors.invalid(&path.field("borrowingLimitPercent"), borrowing, "if specified, must be a non-negative integer");
    }
}
