//! Bindings of roles.

use drydock_value::Value;

use super::cells::Print;

pub(super) fn binding(print: &Print<'_>) -> Vec<Value> {
    let object = print.object;
    let role = &object["roleRef"];
    let subjects = |kind: &str| {
        let names: Vec<String> = object["subjects"]
            .items()
            .iter()
            .filter(|subject| subject["kind"] == *kind)
            .map(|subject| match kind {
                "ServiceAccount" => format!("{}/{}", subject["namespace"].str(), subject["name"].str()),
                _ => subject["name"].str().to_owned(),
            })
            .collect();
        Value::from(names.join(", "))
    };
    vec![
        print.name(),
        format!("{}/{}", role["kind"].str(), role["name"].str()).into(),
        print.own_age(),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}
