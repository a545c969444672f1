//! Which requests an audit log tells of, and how much: `audit.k8s.io/v1` policies.

use drydock_apiserver::{Audited, User};
use drydock_value::Value;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Level {
    #[default]
    None,
    Metadata,
    Request,
    RequestResponse,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Level::None => "None",
            Level::Metadata => "Metadata",
            Level::Request => "Request",
            Level::RequestResponse => "RequestResponse",
        }
    }

    fn of(name: &str) -> Option<Level> {
        [Level::None, Level::Metadata, Level::Request, Level::RequestResponse].into_iter().find(|l| l.name() == name)
    }
}

/// What a policy says of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Decision {
    pub(crate) level: Level,
    omitted: Vec<String>,
    pub(crate) without_managed_fields: bool,
}

impl Decision {
    /// Whether an event of a stage is written.
    pub(crate) fn tells(&self, stage: &str) -> bool {
        self.level > Level::None && !self.omitted.iter().any(|omitted| omitted == stage)
    }
}

/// A policy.
#[derive(Debug, Clone)]
pub(crate) struct Policy(Value);

const STAGES: [&str; 4] = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];

impl Policy {
    /// Reads a policy's file.
    pub(crate) fn parse(text: &str) -> Result<Policy, String> {
        let document = drydock_yaml::parse_one(text).map_err(|error| error.to_string())?;
        if document["kind"] != "Policy" || document["apiVersion"] != "audit.k8s.io/v1" {
            return Err("it is not a Policy of audit.k8s.io/v1".into());
        }
        let rules = document["rules"].items();
        if rules.is_empty() {
            return Err("loaded illegal policy with 0 rules".into());
        }
        let stages = |list: &Value, path: String| match list.items().iter().find(|one| !STAGES.contains(&one.str())) {
            Some(wrong) => Err(format!(
                "{path}.omitStages: Invalid value: {:?}: allowed stages are {}",
                wrong.str(),
                STAGES.join(",")
            )),
            None => Ok(()),
        };
        stages(&document["omitStages"], String::new())?;
        for (at, rule) in rules.iter().enumerate() {
            let path = format!("rules[{at}]");
            if Level::of(rule["level"].str()).is_none() {
                return Err(format!(
                    "{path}.level: Unsupported value: {:?}: supported values: \"Metadata\", \"None\", \"Request\", \
                     \"RequestResponse\"",
                    rule["level"].str()
                ));
            }
            if !rule["nonResourceURLs"].is_empty() && (!rule["resources"].is_empty() || !rule["namespaces"].is_empty())
            {
                return Err(format!(
                    "{path}.nonResourceURLs: Invalid value: {}: rules cannot apply to both regular resources and \
                     non-resource URLs",
                    rule["nonResourceURLs"]
                ));
            }
            stages(&rule["omitStages"], path)?;
        }
        Ok(Policy(document))
    }

    /// Whether any rule wants more than who asked for what.
    pub(crate) fn wants_bodies(&self) -> bool {
        self.0["rules"].items().iter().any(|rule| Level::of(rule["level"].str()) > Some(Level::Metadata))
    }

    /// What it says of a request: its first rule that is about it decides.
    pub(crate) fn of(&self, audited: &Audited, path: &str) -> Decision {
        let user = &audited.user;
        let Some(rule) = self.0["rules"].items().iter().find(|rule| is_about(rule, user, audited, path)) else {
            return Decision::default();
        };
        let omitted = self.0["omitStages"].items().iter().chain(rule["omitStages"].items());
        Decision {
            level: Level::of(rule["level"].str()).unwrap_or_default(),
            omitted: omitted.map(|stage| stage.str().to_owned()).collect(),
            without_managed_fields: rule["omitManagedFields"]
                .as_bool()
                .unwrap_or(self.0["omitManagedFields"].is_true()),
        }
    }
}

/// Whether a list is empty or has the text.
fn open_or_has(list: &Value, text: &str) -> bool {
    list.is_empty() || list.items().iter().any(|item| item == text)
}

fn is_about(rule: &Value, user: &User, audited: &Audited, path: &str) -> bool {
    let groups = &rule["userGroups"];
    if !open_or_has(&rule["users"], &user.name)
        || !(groups.is_empty() || groups.items().iter().any(|group| user.is_in(group.str())))
        || !open_or_has(&rule["verbs"], audited.verb)
    {
        return false;
    }
    let (resources, namespaces, urls) = (&rule["resources"], &rule["namespaces"], &rule["nonResourceURLs"]);
    let object = &audited.object;
    if !resources.is_empty() || !namespaces.is_empty() {
        return !object.is_null()
            && open_or_has(namespaces, object["namespace"].str())
            && (resources.is_empty() || resources.items().iter().any(|one| names(one, object)));
    }
    if !urls.is_empty() {
        return object.is_null()
            && urls.items().iter().map(Value::str).any(|url| {
                url == "*" || url == path || url.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
            });
    }
    true
}

/// Whether a rule's resources are what the request is about: `pods`, `pods/log`, `pods/*`, `*/log`, `*`.
fn names(group: &Value, object: &Value) -> bool {
    let (resource, subresource) = (object["resource"].str(), object["subresource"].str());
    if group["group"].str() != object["apiGroup"].str() {
        return false;
    }
    let whole = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
    let named = |wanted: &str| {
        wanted == "*"
            || wanted == whole
            || (!subresource.is_empty()
                && (wanted.strip_suffix("/*") == Some(resource) || wanted.strip_prefix("*/") == Some(subresource)))
    };
    let resources = &group["resources"];
    (resources.is_empty() || resources.items().iter().any(|one| named(one.str())))
        && open_or_has(&group["resourceNames"], object["name"].str())
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let policy = Policy::parse(
            r#"
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: ["system:kube-proxy"], verbs: [watch]}
- {level: RequestResponse, resources: [{group: "", resources: [secrets], resourceNames: [s]}], omitManagedFields: true}
- {level: Request, resources: [{group: "", resources: ["pods/log", "*/status"]}], namespaces: [a]}
- {level: None, nonResourceURLs: ["/healthz*", /version]}
- {level: Metadata, userGroups: [dev], omitStages: [ResponseStarted]}
"#,
        )
        .unwrap();
        assert!(policy.wants_bodies());
        let object = |resource: &str, subresource: &str, namespace: &str, name: &str| value!({"resource": resource, "subresource": subresource, "namespace": namespace, "name": name});
        for (user, verb, object, path, level) in [
            ("system:kube-proxy", "watch", object("services", "", "", ""), "", Level::None),
            ("x", "get", object("secrets", "", "b", "s"), "", Level::RequestResponse),
            ("x", "get", object("secrets", "", "b", "t"), "", Level::Metadata),
            ("x", "get", object("pods", "log", "a", "p"), "", Level::Request),
            ("x", "update", object("nodes", "status", "a", "p"), "", Level::Request),
            ("x", "get", object("pods", "log", "b", "p"), "", Level::Metadata),
            ("x", "get", Value::Null, "/healthz/ping", Level::None),
            ("x", "get", Value::Null, "/version", Level::None),
            ("x", "get", Value::Null, "/metrics", Level::Metadata),
        ] {
            let user = User { name: user.into(), groups: vec!["dev".into()], ..User::default() };
            let audited = Audited { verb, user, object: object.clone(), ..Audited::default() };
            let decision = policy.of(&audited, path);
            assert_eq!(decision.level, level, "{verb} {object} {path}");
            assert!(!decision.tells("RequestReceived"));
            assert_eq!(decision.tells("ResponseComplete"), level > Level::None);
            assert_eq!(decision.without_managed_fields, level == Level::RequestResponse);
        }
        let nobody = policy.of(&Audited { verb: "get", object: value!({"resource": "x"}), ..Audited::default() }, "");
        assert_eq!(nobody.level, Level::None);
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";
        for (text, words) in [
            ("kind: Policy", "it is not a Policy of audit.k8s.io/v1"),
            (head, "loaded illegal policy with 0 rules"),
            (&format!("{head}rules: [{{level: All}}]"), "rules[0].level: Unsupported value: \"All\""),
            (&format!("{head}rules: [{{level: None, omitStages: [x]}}]"), "rules[0].omitStages: Invalid value: \"x\""),
            (
                &format!("{head}rules: [{{level: None, nonResourceURLs: [/x], namespaces: [a]}}]"),
                "rules[0].nonResourceURLs: Invalid value: [\"/x\"]",
            ),
        ] {
            let why = Policy::parse(text).unwrap_err();
            assert!(why.starts_with(words), "{why}");
        }
    }
}
