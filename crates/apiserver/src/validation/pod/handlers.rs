//! Probes and lifecycle hooks.

use drydock_value::Value;

use super::super::common::{non_negative, one_of, port_number, port_or_name};
use super::super::{Errors, Path, names};

/// Lifecycle and the three probes of a container.
pub(super) fn validate(container: &Value, grace: i64, path: &Path<'_>, errors: &mut Errors) {
    let lifecycle = &container["lifecycle"];
    let at = path.field("lifecycle");
    for key in ["postStart", "preStop"] {
        if !lifecycle[key].is_null() {
            handler(&lifecycle[key], grace, &at.field(key), errors);
        }
    }
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = &container[key];
        if probe.is_null() {
            continue;
        }
        let path = path.field(key);
        handler(probe, grace, &path, errors);
        for number in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            non_negative(&probe[number], &path.field(number), errors);
        }
        let own_grace = &probe["terminationGracePeriodSeconds"];
        if own_grace.as_i64().is_some_and(|seconds| seconds <= 0) {
            errors.invalid(&path.field("terminationGracePeriodSeconds"), own_grace, "must be greater than 0");
        }
        if key == "readinessProbe" {
            if !own_grace.is_null() {
                errors.invalid(
                    &path.field("terminationGracePeriodSeconds"),
                    own_grace,
                    "must not be set for readinessProbes",
                );
            }
        } else if probe["successThreshold"].int() != 1 {
            errors.invalid(&path.field("successThreshold"), probe["successThreshold"].int(), "must be 1");
        }
    }
}

fn handler(handler: &Value, grace: i64, path: &Path<'_>, errors: &mut Errors) {
    let mut count = 0;
    for key in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let action = &handler[key];
        if action.is_null() {
            continue;
        }
        let path = path.field(key);
        count += 1;
        if count > 1 {
            errors.forbidden(&path, "may not specify more than 1 handler type");
            continue;
        }
        match key {
            "exec" if action["command"].items().is_empty() => errors.required(&path.field("command"), ""),
            "httpGet" => http_get(action, &path, errors),
            "tcpSocket" => port_or_name(&action["port"], &path.field("port"), errors),
            "grpc" => port_number(&action["port"], &path.field("port"), errors),
            "sleep" => {
                let seconds = action["seconds"].int();
                if seconds < 0 || seconds > grace {
                    errors.invalid(
                        &path,
                        seconds,
                        format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})"),
                    );
                }
            }
            _ => {}
        }
    }
    if count == 0 {
        errors.required(path, "must specify a handler type");
    }
}

fn http_get(action: &Value, path: &Path<'_>, errors: &mut Errors) {
    if action["path"].str().is_empty() {
        errors.required(&path.field("path"), "");
    }
    port_or_name(&action["port"], &path.field("port"), errors);
    one_of(&action["scheme"], &["HTTP", "HTTPS"], &path.field("scheme"), errors);
    for header in action["httpHeaders"].items() {
        let name = header["name"].str();
        errors.all_invalid(&path.field("httpHeaders"), name, names::header_name(name));
    }
}
