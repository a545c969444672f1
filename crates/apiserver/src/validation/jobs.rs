//! Jobs and cron jobs.

use drydock_schema::labels::Selector;
use drydock_value::{Map, Value, to_json, value};

use super::common::{self, IMMUTABLE, immutable, label_selector, non_negative, one_of, optional_one_of, show_selector};
use super::{Errors, Path, cron, names, pod};

const SPEC: Path<'static> = Path::new("spec");

fn is_indexed(spec: &Value) -> bool {
    spec["completionMode"] == "Indexed"
}

/// Rules for a job.
pub(crate) fn job(job: &Value, errors: &mut Errors) {
    generated_selector(job, errors);
    full_spec(&job["spec"], errors);
    let (spec, name) = (&job["spec"], job["metadata"]["name"].str());
    if is_indexed(spec) && spec["completions"].int() > 0 {
        // Its last pod has the longest host name.
        let host = format!("{name}-{}", spec["completions"].int() - 1);
        if !names::dns_label(&host).is_empty() {
            errors.invalid(
                &Path::new("metadata").field("name"),
                name,
                format!("will not able to create pod with invalid DNS label: {host}"),
            );
        }
    }
}

fn full_spec(spec: &Value, errors: &mut Errors) {
    job_spec(spec, &SPEC, errors);
    let selector = &spec["selector"];
    if selector.is_null() {
        errors.required(&SPEC.field("selector"), "");
    } else {
        label_selector(selector, &SPEC.field("selector"), errors);
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if let Ok(found) = Selector::from_label_selector(selector)
        && !found.matches(labels.as_object().unwrap_or(&Map::new()))
    {
        errors.invalid(
            &SPEC.field("template").field("metadata").field("labels"),
            labels,
            "`selector` does not match template `labels`",
        );
    }
}

/// What the server generates must be as it generates it.
fn generated_selector(job: &Value, errors: &mut Errors) {
    if job["spec"]["manualSelector"].is_true() {
        return;
    }
    if job["spec"]["selector"].is_null() {
        return;
    }
    let uid = job["metadata"]["uid"].str();
    let wanted = value!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    let selector = &job["spec"]["selector"];
    let old_form = value!({"matchLabels": {"controller-uid": uid}});
    if *selector != wanted && *selector != old_form {
        errors.invalid_text(&SPEC.field("selector"), &show_selector(selector), "`selector` not auto-generated");
    }
}

/// The spec of a job, wherever it stands.
fn job_spec(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    for key in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
    ] {
        non_negative(&spec[key], &path.field(key), errors);
    }
    if !spec["maxFailedIndexes"].is_null() {
        non_negative(&spec["maxFailedIndexes"], &path.field("maxFailedIndexes"), errors);
        if spec["backoffLimitPerIndex"].is_null() {
            errors.required(&path.field("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
        }
    }
    if let Some(manager) = spec["managedBy"].as_str() {
        managed_by(manager, &path.field("managedBy"), errors);
    }
    optional_one_of(&spec["completionMode"], &["NonIndexed", "Indexed"], &path.field("completionMode"), errors);
    if is_indexed(spec) {
        if spec["completions"].is_null() {
            errors.required(&path.field("completions"), "when completion mode is Indexed");
        }
        index_limits(spec, path, errors);
    } else if matches!(spec["completionMode"].str(), "" | "NonIndexed") {
        for key in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if !spec[key].is_null() {
                errors.invalid(&path.field(key), &spec[key], "requires indexed completion mode");
            }
        }
    }
    failure_policy(spec, &path.field("podFailurePolicy"), errors);
    success_policy(spec, &path.field("successPolicy"), errors);
    // Who says which failures count cannot have pods replaced before it is known how they ended.
    let replacements: &[&str] =
        if spec["podFailurePolicy"].is_null() { &["Failed", "TerminatingOrFailed"] } else { &["Failed"] };
    optional_one_of(&spec["podReplacementPolicy"], replacements, &path.field("podReplacementPolicy"), errors);

    let template = &spec["template"];
    let template_path = path.field("template");
    pod::validate_template(template, &template_path, errors);
    let spec_path = template_path.field("spec");
    let at = spec_path.field("restartPolicy");
    let policy = template["spec"]["restartPolicy"].str();
    if matches!(policy, "Always" | "") {
        errors.required(&at, "valid values: \"OnFailure\", \"Never\"");
    } else if !matches!(policy, "OnFailure" | "Never") {
        errors.not_supported(&at, policy, &["OnFailure", "Never"]);
    } else if !spec["podFailurePolicy"].is_null() && policy != "Never" {
        errors.invalid(&at, policy, "only \"Never\" is supported when podFailurePolicy is specified");
    }
}

/// The name of another controller: a domain and a path.
fn managed_by(manager: &str, path: &Path<'_>, errors: &mut Errors) {
    match manager.split_once('/').filter(|(domain, rest)| !domain.is_empty() && !rest.is_empty()) {
        _ if manager.is_empty() => errors.required(path, ""),
        None => errors.invalid(path, manager, "must be a domain-prefixed path (such as \"acme.io/foo\")"),
        Some((domain, _)) => common::dns_subdomain(domain, path, errors),
    }
    if manager.len() > 63 {
        errors.too_long(path, 63);
    }
}

/// How many indexes a status can tell of.
fn index_limits(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    const MOST: i64 = 100_000;
    const MOST_OF_MANY: i64 = 10_000;
    const FAILED: &str = "maxFailedIndexes";
    let limit = |key: &str, most: i64, why: &str, errors: &mut Errors| {
        if spec[key].int() > most {
            errors.invalid(&path.field(key), &spec[key], format!("must be less than or equal to {why}"));
        }
    };
    limit("parallelism", MOST, &format!("{MOST} when completion mode is Indexed"), errors);
    if let Some(completions) = spec["completions"].as_i64() {
        limit(FAILED, completions, "completions", errors);
    }
    limit(FAILED, MOST, &MOST.to_string(), errors);
    if spec["completions"].int() > MOST && !spec["backoffLimitPerIndex"].is_null() {
        if spec[FAILED].is_null() {
            errors.required(&path.field(FAILED), &format!("must be specified when completions is above {MOST}"));
        }
        let why = format!("{MOST_OF_MANY} when completions are above {MOST} and used with backoff limit per index");
        limit("parallelism", MOST_OF_MANY, &why, errors);
        limit(FAILED, MOST_OF_MANY, &why, errors);
    }
}

fn failure_policy(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let policy = &spec["podFailurePolicy"];
    if policy.is_null() {
        return;
    }
    let list = path.field("rules");
    let rules = policy["rules"].items();
    if rules.len() > 20 {
        errors.too_many(&list, rules.len(), 20);
    }
    let pod = &spec["template"]["spec"];
    let has_container =
        |name: &str| ["containers", "initContainers"].iter().any(|key| pod[*key].find("name", name).is_some());
    for (at, rule) in rules.iter().enumerate() {
        let path = list.index(at);
        let action = rule["action"].str();
        if action.is_empty() {
            errors.required(&path.field("action"), "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
        } else if action == "FailIndex" && spec["backoffLimitPerIndex"].is_null() {
            errors.invalid(&path.field("action"), action, "requires the backoffLimitPerIndex to be set");
        } else {
            one_of(&rule["action"], &["Count", "FailIndex", "FailJob", "Ignore"], &path.field("action"), errors);
        }
        let codes = &rule["onExitCodes"];
        if !codes.is_null() {
            exit_codes(codes, &has_container, &path.field("onExitCodes"), errors);
        }
        let conditions = rule["onPodConditions"].items();
        let conditions_path = path.field("onPodConditions");
        if conditions.len() > 20 {
            errors.too_many(&conditions_path, conditions.len(), 20);
        }
        for (at, condition) in conditions.iter().enumerate() {
            let path = conditions_path.index(at);
            common::qualified_name(condition["type"].str(), &path.field("type"), errors);
            if condition["status"].str().is_empty() {
                errors.required(&path.field("status"), "valid values: [\"False\" \"True\" \"Unknown\"]");
            } else {
                one_of(&condition["status"], &common::CONDITION_STATUS, &path.field("status"), errors);
            }
        }
        match (codes.is_null(), conditions.is_empty()) {
            (false, false) => {
                errors.invalid_text(&path, "", "specifying both OnExitCodes and OnPodConditions is not supported");
            }
            (true, true) => {
                errors.invalid_text(&path, "", "specifying one of OnExitCodes and OnPodConditions is required");
            }
            _ => {}
        }
    }
}

fn exit_codes(codes: &Value, has_container: &dyn Fn(&str) -> bool, path: &Path<'_>, errors: &mut Errors) {
    let operator = codes["operator"].str();
    if operator.is_empty() {
        errors.required(&path.field("operator"), "valid values: [\"In\" \"NotIn\"]");
    } else {
        one_of(&codes["operator"], &["In", "NotIn"], &path.field("operator"), errors);
    }
    if let Some(name) = codes["containerName"].as_str()
        && !has_container(name)
    {
        errors.invalid(
            &path.field("containerName"),
            name,
            "must be one of the container or initContainer names in the pod template",
        );
    }
    let values = codes["values"].items();
    let list = path.field("values");
    if values.is_empty() {
        errors.invalid(&list, value!([]), "at least one value is required");
    } else if values.len() > 255 {
        errors.too_many(&list, values.len(), 255);
    }
    let mut ordered = true;
    let mut seen: Vec<i64> = Vec::new();
    for (at, code) in values.iter().enumerate() {
        let number = code.int();
        if number == 0 && operator == "In" {
            errors.invalid(&list.index(at), number, "must not be 0 for the In operator");
        }
        if seen.contains(&number) {
            errors.duplicate(&list.index(at), number);
        }
        ordered &= seen.last().is_none_or(|last| *last <= number);
        seen.push(number);
    }
    if !ordered {
        errors.invalid(&list, &codes["values"], "must be ordered");
    }
}

fn success_policy(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let policy = &spec["successPolicy"];
    if policy.is_null() {
        return;
    }
    if !is_indexed(spec) {
        let rules: Vec<String> = policy["rules"]
            .items()
            .iter()
            .map(|rule| {
                format!(
                    "{{\"SucceededIndexes\":{},\"SucceededCount\":{}}}",
                    to_json(&rule["succeededIndexes"]),
                    to_json(&rule["succeededCount"])
                )
            })
            .collect();
        let shown = format!("{{\"Rules\":[{}]}}", rules.join(","));
        errors.invalid_text(path, &shown, "requires indexed completion mode");
        return;
    }
    let list = path.field("rules");
    let rules = policy["rules"].items();
    if rules.is_empty() {
        errors.required(&list, "at least one rules must be specified when the successPolicy is specified");
    }
    if rules.len() > 20 {
        errors.too_many(&list, rules.len(), 20);
    }
    let completions = spec["completions"].int();
    for (at, rule) in rules.iter().enumerate() {
        let path = list.index(at);
        let (count, indexes) = (&rule["succeededCount"], &rule["succeededIndexes"]);
        if count.is_null() && indexes.is_null() {
            errors.required(&path, "at least one of succeededCount or succeededIndexes must be specified");
        }
        let mut total = None;
        if let Some(text) = indexes.as_str() {
            match parse_indexes(text, completions) {
                Ok(number) => total = Some(number),
                Err(why) => errors.invalid(
                    &path.field("succeededIndexes"),
                    text,
                    format!("error parsing succeededIndexes: {why}"),
                ),
            }
        }
        if let Some(number) = count.as_i64() {
            let path = path.field("succeededCount");
            non_negative(count, &path, errors);
            if number > completions {
                errors.invalid(
                    &path,
                    number,
                    format!("must be less than or equal to {completions} (the number of specified completions)"),
                );
            }
            if total.is_some_and(|total| number > total) {
                errors.invalid(
                    &path,
                    number,
                    format!(
                        "must be less than or equal to {} (the number of indexes in the specified succeededIndexes \
                         field)",
                        total.unwrap_or(0)
                    ),
                );
            }
        }
    }
}

/// Counts the indexes of `0,2-4`.
fn parse_indexes(text: &str, completions: i64) -> Result<i64, String> {
    let (mut total, mut last) = (0, None::<i64>);
    let index = |text: &str| {
        let number: i64 = text.parse().map_err(|_| format!("cannot convert string to integer for index: {text:?}"))?;
        if number >= completions { Err(format!("too large index: {text:?}")) } else { Ok(number) }
    };
    for interval in text.split(',') {
        let parts: Vec<&str> = interval.split('-').collect();
        let (from, to) = match parts.as_slice() {
            [one] => (index(one)?, index(one)?),
            [from, to] => {
                let (from, to) = (index(from)?, index(to)?);
                if from >= to {
                    return Err(format!("non-increasing order, previous: {from}, current: {to}"));
                }
                (from, to)
            }
            _ => {
                return Err(format!(
                    "the fragment {interval:?} violates the requirement that an index interval can have at most two parts \
                     separated by '-'"
                ));
            }
        };
        if let Some(last) = last.filter(|last| *last >= from) {
            return Err(format!("non-increasing order, previous: {last}, current: {from}"));
        }
        total += to - from + 1;
        last = Some(to);
    }
    Ok(total)
}

/// What may change in a job.
pub(crate) fn job_update(new: &Value, old: &Value, errors: &mut Errors) {
    let (now, before) = (&new["spec"], &old["spec"]);
    full_spec(now, errors);
    let completions = &now["completions"];
    if completions != &before["completions"] {
        // An indexed job may grow and shrink when both numbers stay equal.
        if !is_indexed(now) {
            errors.invalid(&SPEC.field("completions"), completions, IMMUTABLE);
        } else if !completions.is_null() && *completions != now["parallelism"] {
            let why = "can only be modified in tandem with spec.parallelism";
            errors.invalid(&SPEC.field("completions"), completions, why);
        }
    }
    if now["selector"] != before["selector"] {
        errors.invalid_text(&SPEC.field("selector"), &show_selector(&now["selector"]), IMMUTABLE);
    }
    job_template_unchanged(now, before, errors);
    for key in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
        immutable(&now[key], &before[key], &SPEC.field(key), errors);
    }
}

/// A job that is suspended and has not started may still be placed elsewhere.
fn job_template_unchanged(now: &Value, before: &Value, errors: &mut Errors) {
    let (mut new, mut old) = (now["template"].clone(), before["template"].clone());
    if before["suspend"].is_true() {
        for template in [&mut new, &mut old] {
            for key in ["affinity", "nodeSelector", "tolerations", "schedulingGates"] {
                template["spec"].remove(key);
            }
            template["metadata"].remove("annotations");
            template["metadata"].remove("labels");
        }
    }
    if new != old {
        errors.invalid_text(&SPEC.field("template"), &super::internal::template(&now["template"]), IMMUTABLE);
    }
}

/// Rules for a cron job.
pub(crate) fn cron_job(job: &Value, errors: &mut Errors) {
    cron_spec(&job["spec"], errors);
    let name = job["metadata"]["name"].str();
    if name.len() > 52 {
        errors.invalid(&Path::new("metadata").field("name"), name, "must be no more than 52 characters");
    }
}

pub(crate) fn cron_job_update(new: &Value, _: &Value, errors: &mut Errors) {
    cron_spec(&new["spec"], errors);
}

fn cron_spec(spec: &Value, errors: &mut Errors) {
    let path = SPEC.field("schedule");
    let schedule = spec["schedule"].str();
    if schedule.is_empty() {
        errors.required(&path, "");
    } else {
        if let Err(why) = cron::check(schedule) {
            errors.invalid(&path, schedule, why);
        }
        if schedule.contains("TZ") {
            errors.invalid(&path, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
        }
    }
    non_negative(&spec["startingDeadlineSeconds"], &SPEC.field("startingDeadlineSeconds"), errors);
    if let Some(zone) = spec["timeZone"].as_str() {
        let path = SPEC.field("timeZone");
        if zone.is_empty() {
            errors.invalid(&path, zone, "timeZone must be nil or non-empty string");
        } else if zone.eq_ignore_ascii_case("local") {
            errors.invalid(
                &path,
                zone,
                "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
            );
        } else if !cron::is_time_zone(zone) {
            let outside = zone.starts_with(['/', '\\']) || zone.split(['/', '\\']).any(|part| part == "..");
            let why = if outside { "time: invalid location name".into() } else { format!("unknown time zone {zone}") };
            errors.invalid(&path, zone, why);
        }
    }
    let policy = SPEC.field("concurrencyPolicy");
    if spec["concurrencyPolicy"].str().is_empty() {
        errors.required(&policy, "");
    } else {
        one_of(&spec["concurrencyPolicy"], &["Allow", "Forbid", "Replace"], &policy, errors);
    }
    let template = &spec["jobTemplate"];
    let path = SPEC.field("jobTemplate");
    common::labels(&template["metadata"]["labels"], &path.field("metadata").field("labels"), errors);
    let path = path.field("spec");
    job_spec(&template["spec"], &path, errors);
    if !template["spec"]["selector"].is_null() {
        errors.invalid_text(
            &path.field("selector"),
            &show_selector(&template["spec"]["selector"]),
            "`selector` will be auto-generated",
        );
    }
    if template["spec"]["manualSelector"].is_true() {
        errors.not_supported(&path.field("manualSelector"), true, &["nil", "false"]);
    }
    for key in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        non_negative(&spec[key], &SPEC.field(key), errors);
    }
}

/// Names of jobs: their pods carry them in labels, which is why they are DNS labels where pods have indexes.
pub(crate) fn job_name(name: &str, prefix: bool) -> Vec<String> {
    names::subdomain(name, prefix)
}
