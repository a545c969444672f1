//! What clientcmd finds wrong with a user before anybody is asked anything.

use drydock_value::Value;

use crate::failure::quote;

/// What is wrong with a user, in clientcmd's words and order.
pub(super) fn of_user(name: &str, user: &Value) -> Vec<String> {
    let has = |field: &str| !user[field].is_empty();
    let mut problems = Vec::new();
    if has("client-certificate") || has("client-certificate-data") {
        if has("client-certificate") && has("client-certificate-data") {
            problems.push(format!(
                "client-cert-data and client-cert are both specified for {name}. client-cert-data will override."
            ));
        }
        match (has("client-key-data"), has("client-key")) {
            (true, true) => problems.push(format!(
                "client-key-data and client-key are both specified for {name}; client-key-data will override"
            )),
            (false, false) => problems.push(format!(
                "client-key-data or client-key must be specified for {name} to use the clientCert authentication method."
            )),
            _ => {}
        }
    }
    let exec = &user["exec"];
    if !exec.is_null() {
        let purpose = format!("must be specified for {name} to use exec authentication plugin");
        if has("auth-provider") {
            problems.push(format!("authProvider cannot be provided in combination with an exec plugin for {name}"));
        }
        for field in ["command", "apiVersion"] {
            if exec[field].is_empty() {
                problems.push(format!("{field} {purpose}"));
            }
        }
        for _ in exec["env"].items().iter().filter(|variable| variable["name"].is_empty()) {
            problems.push(format!("env variable name {purpose}"));
        }
        match exec["interactiveMode"].str() {
            "Never" | "IfAvailable" | "Always" => {}
            // Older versions have a default.
            "" if exec["apiVersion"].str().starts_with("client.authentication.k8s.io/v1beta") => {}
            "" => problems.push(format!("interactiveMode {purpose}")),
            other => problems.push(format!("invalid interactiveMode for {name}: {}", quote(other))),
        }
    }
    if (has("token") || has("tokenFile")) && (has("username") || has("password")) {
        problems.push(format!(
            "more than one authentication method found for {name}; found [token basicAuth], only one is allowed"
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use drydock_value::{Value, value};

    #[test]
    fn users_that_contradict_themselves() {
        let plugin = |more: Value| {
            let mut exec = value!({"apiVersion": "client.authentication.k8s.io/v1", "command": "x"});
            for (key, value) in more.entries() {
                exec.set(key, value);
            }
            value!({"exec": exec})
        };
        let cases: [(Value, &[&str]); 9] = [
            (value!({}), &[]),
            (value!({"token": "x"}), &[]),
            (
                value!({"token": "x", "username": "a"}),
                &["more than one authentication method found for u; found [token basicAuth], only one is allowed"],
            ),
            (
                value!({"client-certificate": "/c"}),
                &["client-key-data or client-key must be specified for u to use the clientCert authentication method."],
            ),
            (plugin(value!({"interactiveMode": "Never"})), &[]),
            (plugin(value!({})), &["interactiveMode must be specified for u to use exec authentication plugin"]),
            (plugin(value!({"apiVersion": "client.authentication.k8s.io/v1beta1"})), &[]),
            (plugin(value!({"interactiveMode": "Now"})), &["invalid interactiveMode for u: \"Now\""]),
            (
                value!({"exec": {"args": ["a"]}}),
                &[
                    "command must be specified for u to use exec authentication plugin",
                    "apiVersion must be specified for u to use exec authentication plugin",
                    "interactiveMode must be specified for u to use exec authentication plugin",
                ],
            ),
        ];
        for (user, expected) in cases {
            assert_eq!(super::of_user("u", &user), expected, "{user:?}");
        }
    }
}
