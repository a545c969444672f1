//! Deployments, replica sets, stateful sets, daemon sets, replication controllers.

use drydock_schema::labels::Selector;
use drydock_value::{Value, to_json};

use super::common::{
    self, IMMUTABLE, int_or_percent, int_or_percent_number, json, label_selector, non_negative, not_over_100_percent,
    quote, selector_is_sound, show_selector,
};
use super::{Errors, Path, pod, storage};

const SPEC: Path<'static> = Path::new("spec");
const MISMATCH: &str = "`selector` does not match template `labels`";

/// Whether a selector is there but selects everything.
fn is_empty(selector: &Value) -> bool {
    !selector.is_null() && selector["matchLabels"].is_empty() && selector["matchExpressions"].is_empty()
}

/// The template's labels must be selected. A missing selector selects nothing, an empty one is not asked.
pub(super) fn template_labels(selector: &Value, template: &Value, path: &Path<'_>, errors: &mut Errors) {
    if is_empty(selector) {
        return;
    }
    let labels = &template["metadata"]["labels"];
    let matches = Selector::from_label_selector(selector)
        .is_ok_and(|selector| selector.matches(labels.as_object().unwrap_or(&drydock_value::Map::new())));
    if !matches {
        errors.invalid(&path.field("metadata").field("labels"), labels, MISMATCH);
    }
}

fn always_restart(template: &Value, path: &Path<'_>, owner: &str, errors: &mut Errors) {
    let spec = &template["spec"];
    let path = path.field("spec");
    let policy = spec["restartPolicy"].str();
    if policy != "Always" {
        errors.not_supported(&path.field("restartPolicy"), policy, &["Always"]);
    }
    if !spec["activeDeadlineSeconds"].is_null() {
        errors.forbidden(
            &path.field("activeDeadlineSeconds"),
            format!("activeDeadlineSeconds in {owner} is not Supported"),
        );
    }
}

/// The selector of a workload: there, well-formed, not empty.
fn selector(spec: &Value, owner: &str, errors: &mut Errors) {
    let path = SPEC.field("selector");
    let selector = &spec["selector"];
    if selector.is_null() {
        errors.required(&path, "");
        return;
    }
    label_selector(selector, &path, errors);
    if is_empty(selector) {
        errors.invalid_text(&path, "{}", &format!("empty selector is invalid for {owner}"));
    }
}

/// Selector and template together, as deployments and replica sets have them.
fn selector_and_template(spec: &Value, errors: &mut Errors) {
    selector(spec, "deployment", errors);
    let path = SPEC.field("template");
    if !spec["selector"].is_null() && !selector_is_sound(&spec["selector"]) {
        errors.invalid_text(&SPEC.field("selector"), &show_selector(&spec["selector"]), "invalid label selector");
        return;
    }
    template_labels(&spec["selector"], &spec["template"], &path, errors);
    pod::validate_template(&spec["template"], &path, errors);
    always_restart(&spec["template"], &path, "ReplicaSet", errors);
}

fn selector_unchanged(new: &Value, old: &Value, errors: &mut Errors) {
    let (new, old) = (&new["spec"]["selector"], &old["spec"]["selector"]);
    if new != old {
        errors.invalid_text(&SPEC.field("selector"), &show_selector(new), IMMUTABLE);
    }
}

/// Rules for a deployment.
pub(crate) fn deployment(deployment: &Value, errors: &mut Errors) {
    let spec = &deployment["spec"];
    non_negative(&spec["replicas"], &SPEC.field("replicas"), errors);
    selector_and_template(spec, errors);
    deployment_strategy(&spec["strategy"], &SPEC.field("strategy"), errors);
    non_negative(&spec["minReadySeconds"], &SPEC.field("minReadySeconds"), errors);
    non_negative(&spec["revisionHistoryLimit"], &SPEC.field("revisionHistoryLimit"), errors);
    if let Some(seconds) = spec["progressDeadlineSeconds"].as_i64() {
        let path = SPEC.field("progressDeadlineSeconds");
        non_negative(&spec["progressDeadlineSeconds"], &path, errors);
        if seconds <= spec["minReadySeconds"].int() {
            errors.invalid(&path, seconds, "must be greater than minReadySeconds");
        }
    }
}

pub(crate) fn deployment_update(new: &Value, old: &Value, errors: &mut Errors) {
    deployment(new, errors);
    selector_unchanged(new, old, errors);
}

fn deployment_strategy(strategy: &Value, path: &Path<'_>, errors: &mut Errors) {
    let rolling = &strategy["rollingUpdate"];
    let rolling_path = path.field("rollingUpdate");
    match strategy["type"].str() {
        "Recreate" => {
            if !rolling.is_null() {
                errors.forbidden(&rolling_path, "may not be specified when strategy `type` is 'Recreate'");
            }
        }
        "RollingUpdate" => {
            if rolling.is_null() {
                errors.required(&rolling_path, "this should be defaulted and never be nil");
                return;
            }
            let (surge, unavailable) = (&rolling["maxSurge"], &rolling["maxUnavailable"]);
            int_or_percent(unavailable, &rolling_path.field("maxUnavailable"), errors);
            int_or_percent(surge, &rolling_path.field("maxSurge"), errors);
            if int_or_percent_number(unavailable) == 0
                && int_or_percent_number(surge) == 0
                && !matches!(surge, Value::String(text) if !text.ends_with('%'))
            {
                errors.invalid(&rolling_path.field("maxUnavailable"), unavailable, "may not be 0 when `maxSurge` is 0");
            }
            not_over_100_percent(unavailable, &rolling_path.field("maxUnavailable"), errors);
        }
        _ => {
            let shown = format!(
                "{{\"Type\":{},\"RollingUpdate\":{}}}",
                quote(&strategy["type"]),
                if rolling.is_null() {
                    "null".into()
                } else {
                    format!(
                        "{{\"MaxUnavailable\":{},\"MaxSurge\":{}}}",
                        json(&rolling["maxUnavailable"]),
                        json(&rolling["maxSurge"])
                    )
                }
            );
            errors.not_supported_text(path, &shown, &["Recreate", "RollingUpdate"]);
        }
    }
}

/// Rules for a replica set.
pub(crate) fn replica_set(set: &Value, errors: &mut Errors) {
    let spec = &set["spec"];
    non_negative(&spec["replicas"], &SPEC.field("replicas"), errors);
    non_negative(&spec["minReadySeconds"], &SPEC.field("minReadySeconds"), errors);
    selector_and_template(spec, errors);
}

pub(crate) fn replica_set_update(new: &Value, old: &Value, errors: &mut Errors) {
    replica_set(new, errors);
    selector_unchanged(new, old, errors);
}

/// Rules for a replication controller: its selector is a plain map.
pub(crate) fn replication_controller(controller: &Value, errors: &mut Errors) {
    let spec = &controller["spec"];
    non_negative(&spec["minReadySeconds"], &SPEC.field("minReadySeconds"), errors);
    if spec["selector"].is_empty() {
        errors.required(&SPEC.field("selector"), "");
    }
    non_negative(&spec["replicas"], &SPEC.field("replicas"), errors);
    let path = SPEC.field("template");
    if spec["template"].is_null() {
        errors.required(&path, "");
        return;
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if spec["selector"].entries().any(|(key, value)| labels[key] != *value) {
        errors.invalid(&path.field("metadata").field("labels"), labels, MISMATCH);
    }
    pod::validate_template(&spec["template"], &path, errors);
    always_restart(&spec["template"], &path, "ReplicationController", errors);
}

/// Rules for a stateful set.
pub(crate) fn stateful_set(set: &Value, errors: &mut Errors) {
    let spec = &set["spec"];
    match spec["podManagementPolicy"].str() {
        "" => errors.required(&SPEC.field("podManagementPolicy"), ""),
        "OrderedReady" | "Parallel" => {}
        other => errors.invalid(&SPEC.field("podManagementPolicy"), other, "must be 'OrderedReady' or 'Parallel'"),
    }
    stateful_strategy(&spec["updateStrategy"], &SPEC.field("updateStrategy"), errors);
    let policy = &spec["persistentVolumeClaimRetentionPolicy"];
    if !policy.is_null() {
        let path = SPEC.field("persistentVolumeClaimRetentionPolicy");
        for key in ["whenDeleted", "whenScaled"] {
            common::one_of(&policy[key], &["Retain", "Delete"], &path.field(key), errors);
        }
    }
    non_negative(&spec["replicas"], &SPEC.field("replicas"), errors);
    non_negative(&spec["minReadySeconds"], &SPEC.field("minReadySeconds"), errors);
    non_negative(&spec["ordinals"]["start"], &SPEC.field("ordinals").field("start"), errors);
    selector(spec, "statefulset", errors);
    let claims = SPEC.field("volumeClaimTemplates");
    for (at, claim) in spec["volumeClaimTemplates"].items().iter().enumerate() {
        storage::claim_spec(&claim["spec"], &claims.index(at).field("spec"), errors);
    }
    let path = SPEC.field("template");
    if !spec["selector"].is_null() && !selector_is_sound(&spec["selector"]) {
        errors.invalid_text(&SPEC.field("selector"), &show_selector(&spec["selector"]), "");
    } else {
        template_labels(&spec["selector"], &spec["template"], &path, errors);
        pod::validate_template(&with_claims(spec), &path, errors);
        always_restart(&spec["template"], &path, "StatefulSet", errors);
    }
    let service = spec["serviceName"].str();
    if !service.is_empty() {
        common::dns_label(service, &SPEC.field("serviceName"), errors);
    }
}

/// The template with a volume for each claim that its pods will have.
fn with_claims(spec: &Value) -> Value {
    let mut template = spec["template"].clone();
    let claims = spec["volumeClaimTemplates"].items();
    if claims.is_empty() {
        return template;
    }
    let mut volumes: Vec<Value> = claims
        .iter()
        .map(|claim| {
            let name = claim["metadata"]["name"].str();
            drydock_value::value!({"name": name, "persistentVolumeClaim": {"claimName": name}})
        })
        .collect();
    let own = template["spec"]["volumes"].items();
    volumes.extend(own.iter().filter(|volume| claims.iter().all(|c| c["metadata"]["name"] != volume["name"])).cloned());
    template["spec"].set("volumes", volumes);
    template
}

fn stateful_strategy(strategy: &Value, path: &Path<'_>, errors: &mut Errors) {
    let rolling = &strategy["rollingUpdate"];
    let rolling_path = path.field("rollingUpdate");
    let shown = || {
        if rolling.is_null() {
            return "null".to_owned();
        }
        format!(
            "{{\"Partition\":{},\"MaxUnavailable\":{}}}",
            rolling["partition"].int(),
            json(&rolling["maxUnavailable"])
        )
    };
    match strategy["type"].str() {
        "" => errors.required(path, ""),
        "OnDelete" => {
            if !rolling.is_null() {
                errors.invalid_text(&rolling_path, &shown(), "only allowed for updateStrategy 'RollingUpdate'");
            }
        }
        "RollingUpdate" => {
            non_negative(&rolling["partition"], &rolling_path.field("partition"), errors);
            let unavailable = &rolling["maxUnavailable"];
            int_or_percent(unavailable, &rolling_path.field("maxUnavailable"), errors);
            not_over_100_percent(unavailable, &rolling_path.field("maxUnavailable"), errors);
        }
        other => {
            let shown = format!("{{\"Type\":{},\"RollingUpdate\":{}}}", to_json(&Value::from(other)), shown());
            errors.invalid_text(path, &shown, "must be 'RollingUpdate' or 'OnDelete'");
        }
    }
}

pub(crate) fn stateful_set_update(new: &Value, old: &Value, errors: &mut Errors) {
    stateful_set(new, errors);
    let mut munged = new["spec"].clone();
    for key in [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ] {
        match old["spec"].get(key) {
            Some(value) => munged.set(key, value),
            None => {
                munged.remove(key);
            }
        }
    }
    if munged != old["spec"] {
        errors.forbidden(
            &SPEC,
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
             'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        );
    }
}

/// Rules for a daemon set.
pub(crate) fn daemon_set(set: &Value, errors: &mut Errors) {
    let spec = &set["spec"];
    let template = SPEC.field("template");
    if spec["selector"].is_null() {
        errors.required(&SPEC.field("selector"), "");
    }
    label_selector(&spec["selector"], &SPEC.field("selector"), errors);
    if selector_is_sound(&spec["selector"]) {
        template_labels(&spec["selector"], &spec["template"], &template, errors);
    }
    if is_empty(&spec["selector"]) {
        errors.invalid_text(&SPEC.field("selector"), "{}", "empty selector is invalid for daemonset");
    }
    pod::validate_template(&spec["template"], &template, errors);
    always_restart(&spec["template"], &template, "DaemonSet", errors);
    daemon_strategy(&spec["updateStrategy"], &SPEC.field("updateStrategy"), errors);
    non_negative(&spec["minReadySeconds"], &SPEC.field("minReadySeconds"), errors);
    non_negative(&spec["revisionHistoryLimit"], &SPEC.field("revisionHistoryLimit"), errors);
}

fn daemon_strategy(strategy: &Value, path: &Path<'_>, errors: &mut Errors) {
    let rolling = &strategy["rollingUpdate"];
    let rolling_path = path.field("rollingUpdate");
    match strategy["type"].str() {
        "OnDelete" => {}
        "RollingUpdate" => {
            if rolling.is_null() {
                errors.required(&rolling_path, "");
                return;
            }
            let (surge, unavailable) = (&rolling["maxSurge"], &rolling["maxUnavailable"]);
            for (value, key) in [(unavailable, "maxUnavailable"), (surge, "maxSurge")] {
                int_or_percent(value, &rolling_path.field(key), errors);
                not_over_100_percent(value, &rolling_path.field(key), errors);
            }
            match (int_or_percent_number(unavailable) != 0, int_or_percent_number(surge) != 0) {
                (true, true) => errors.invalid(
                    &rolling_path.field("maxSurge"),
                    surge,
                    "may not be set when maxUnavailable is non-zero",
                ),
                (false, false) => {
                    errors.required(&rolling_path.field("maxUnavailable"), "cannot be 0 when maxSurge is 0");
                }
                _ => {}
            }
        }
        other => {
            let shown = format!("{{\"Type\":{},\"RollingUpdate\":null}}", to_json(&Value::from(other)));
            errors.not_supported_text(path, &shown, &["RollingUpdate", "OnDelete"]);
        }
    }
}

pub(crate) fn daemon_set_update(new: &Value, old: &Value, errors: &mut Errors) {
    daemon_set(new, errors);
    selector_unchanged(new, old, errors);
}
