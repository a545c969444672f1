//! Who asks: the `Authorization` header, and credentials that another program hands out.

use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use drydock_api::Auth;
use drydock_kubectl::kubeconfig::Connection;
use drydock_value::{Value, parse_json, to_json, value};

/// Fills in what the user's credential plugin answers, if there is one.
///
/// # Errors
/// kubectl's words, as behind `getting credentials`.
pub(super) fn complete(connection: &mut Connection) -> Result<(), String> {
    let exec = connection.user["exec"].clone();
    let has_own = connection.auth != Auth::Anonymous;
    if exec.is_null() || has_own {
        return Ok(());
    }
    let status = ask(&exec, connection).map_err(|why| format!("getting credentials: {why}"))?;
    if let Some(token) = status["token"].as_str().filter(|token| !token.is_empty()) {
        connection.auth = Auth::Token(token.to_owned());
    }
    for (from, to) in [("clientCertificateData", "client-certificate-data"), ("clientKeyData", "client-key-data")] {
        if let Some(pem) = status[from].as_str() {
            connection.user.set(to, BASE64_STANDARD.encode(pem));
        }
    }
    Ok(())
}

fn ask(exec: &Value, connection: &Connection) -> Result<Value, String> {
    let version = exec["apiVersion"].str();
    let mut info = value!({"kind": "ExecCredential", "apiVersion": version, "spec": {"interactive": false}});
    if exec["provideClusterInfo"].as_bool() == Some(true) {
        let mut cluster = value!({"server": &connection.server});
        for key in ["certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name"] {
            if !connection.cluster[key].is_null() {
                cluster.set(key, &connection.cluster[key]);
            }
        }
        info["spec"].set("cluster", cluster);
    }
    let name = exec["command"].str();
    let mut command = Command::new(name);
    command.args(exec["args"].items().iter().map(Value::str)).env("KUBERNETES_EXEC_INFO", to_json(&info));
    command.envs(exec["env"].items().iter().map(|variable| (variable["name"].str(), variable["value"].str())));
    let interactive = if exec["interactiveMode"] == "Never" { Stdio::null() } else { Stdio::inherit() };
    let output = command.stdin(interactive).stderr(Stdio::inherit()).output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!(
            "exec: executable {name} not found\n\nIt looks like you are trying to use a client-go credential plugin \
             that is not installed."
        ),
        _ => format!("exec: {}", super::system::words(&error)),
    })?;
    if !output.status.success() {
        let code = output.status.code().unwrap_or(-1);
        return Err(format!("exec: executable {name} failed with exit code {code}"));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = parse_json(&text).map_err(|error| format!("decoding stdout: {error}"))?;
    if answer["apiVersion"] != *version {
        return Err(format!(
            "exec plugin is configured to use API version {version}, plugin returned version {}",
            answer["apiVersion"].str()
        ));
    }
    Ok(answer["status"].clone())
}

/// The `Authorization` header of requests. Over plain HTTP nobody's secret is told.
pub(super) fn header(connection: &Connection, secure: bool) -> Option<String> {
    if !secure {
        return None;
    }
    if let Auth::Token(token) = &connection.auth {
        return Some(format!("Bearer {token}"));
    }
    if let Some(path) = connection.user["tokenFile"].as_str()
        && let Ok(token) = std::fs::read_to_string(path)
    {
        return Some(format!("Bearer {}", token.trim()));
    }
    let (name, password) = (connection.user["username"].str(), connection.user["password"].str());
    (!name.is_empty()).then(|| format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}"))))
}
