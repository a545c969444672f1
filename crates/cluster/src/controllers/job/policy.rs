//! `podFailurePolicy` and `successPolicy`: rules that end a Job early, or overlook failures.

use drydock_value::Value;

use super::indexes::Indexes;
use crate::objects::Object;

/// The exit codes of a pod's containers: name and code.
fn exit_codes(pod: &Object) -> impl Iterator<Item = (&str, i64)> {
    let status = &pod["status"];
    status["containerStatuses"].items().iter().chain(status["initContainerStatuses"].items()).filter_map(|status| {
        let code = status["state"]["terminated"]["exitCode"].as_i64()?;
        Some((status["name"].str(), code))
    })
}

/// The first rule that fits a failed pod: its place, its action, and the words for what fits.
fn matching<'s>(spec: &'s Value, pod: &Object) -> Option<(usize, &'s str, String)> {
    let rules = spec["podFailurePolicy"]["rules"].items();
    rules.iter().enumerate().find_map(|(place, rule)| {
        let action = rule["action"].str();
        let codes = &rule["onExitCodes"];
        let words = if codes.is_null() {
            let condition = rule["onPodConditions"].items().iter().find(|pattern| {
                pod["status"]["conditions"]
                    .find("type", pattern["type"].str())
                    .is_some_and(|c| c["status"].str() == pattern["status"].as_str().unwrap_or("True"))
            })?;
            format!("Pod {} has condition {} matching {action} rule at index {place}", pod.key, condition["type"].str())
        } else {
            let listed = |code: i64| codes["values"].items().iter().any(|value| value.int() == code);
            let wanted = |code: i64| if codes["operator"] == "NotIn" { !listed(code) } else { listed(code) };
            let only = codes["containerName"].str();
            let (container, code) = exit_codes(pod)
                .find(|(name, code)| *code != 0 && (only.is_empty() || only == *name) && wanted(*code))?;
            format!(
                "Container {container} for pod {} failed with exit code {code} matching {action} rule at index {place}",
                pod.key
            )
        };
        Some((place, action, words))
    })
}

fn action<'s>(spec: &'s Value, pod: &Object) -> Option<(&'s str, String)> {
    if spec["podFailurePolicy"].is_null() || pod.pod().phase != crate::objects::Phase::Failed {
        return None;
    }
    matching(spec, pod).map(|(_, action, words)| (action, words))
}

/// Whether a failed pod does not count.
pub fn ignored(spec: &Value, pod: &Object) -> bool {
    action(spec, pod).is_some_and(|(action, _)| action == "Ignore")
}

/// Whether a failed pod ends the whole Job, and in which words.
pub fn fails_job(spec: &Value, pod: &Object) -> Option<String> {
    action(spec, pod).filter(|(action, _)| *action == "FailJob").map(|(_, words)| words)
}

/// Whether a failed pod ends its index.
pub fn fails_index(spec: &Value, pod: &Object) -> bool {
    action(spec, pod).is_some_and(|(action, _)| action == "FailIndex")
}

/// The first rule of the success policy that is met.
pub fn succeeds(spec: &Value, done: &Indexes) -> Option<usize> {
    spec["successPolicy"]["rules"].items().iter().position(|rule| {
        let wanted = rule["succeededIndexes"].as_str().map(Indexes::parse);
        let count = rule["succeededCount"].as_i64();
        match (wanted, count) {
            (Some(wanted), Some(count)) => wanted.common(done) >= count,
            (Some(wanted), None) => wanted.common(done) == wanted.len(),
            (None, Some(count)) => done.len() >= count,
            (None, None) => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let spec = value!({"podFailurePolicy": {"rules": [
            {"action": "FailJob", "onExitCodes": {"containerName": "c", "operator": "In", "values": [42]}},
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
        ]}});
        let pod = |code: i64, disrupted: &str| {
            Object::read(
                value!({
                    "metadata": {"namespace": "default", "name": "p"},
                    "status": {
                        "phase": "Failed",
                        "conditions": [{"type": "DisruptionTarget", "status": disrupted}],
                        "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": code}}}]
                    }
                }),
                true,
            )
        };
        assert_eq!(
            fails_job(&spec, &pod(42, "False")).as_deref(),
            Some("Container c for pod default/p failed with exit code 42 matching FailJob rule at index 0")
        );
        assert!(ignored(&spec, &pod(1, "True")));
        assert!(!ignored(&spec, &pod(1, "False")));
        assert_eq!(fails_job(&spec, &pod(1, "False")), None);
    }

    #[test]
    fn success_needs_indexes_or_a_count() {
        let rule = |rule: Value| value!({"successPolicy": {"rules": [rule]}});
        let done = Indexes::parse("1,3");
        let cases = [
            (value!({"succeededIndexes": "1"}), true),
            (value!({"succeededIndexes": "0-1"}), false),
            (value!({"succeededIndexes": "0-3", "succeededCount": 2}), true),
            (value!({"succeededCount": 3}), false),
        ];
        for (case, met) in cases {
            assert_eq!(succeeds(&rule(case.clone()), &done).is_some(), met, "{case}");
        }
    }
}
