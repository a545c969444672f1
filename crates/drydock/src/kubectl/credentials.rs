//! Who asks: the `Authorization` header, and credentials that another program hands out.

use std::io::IsTerminal;
use std::path::PathBuf;
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

/// Whether a plugin may ask the person at the terminal something.
fn is_interactive(exec: &Value, terminal: bool) -> Result<bool, String> {
    let taken = exec["stdinUnavailable"].is_true();
    let why = match (taken, terminal) {
        (true, _) => "unavailable: used by stdin resource manifest reader",
        (_, false) => "not a terminal",
        _ => "",
    };
    match exec["interactiveMode"].str() {
        "Never" => Ok(false),
        "Always" if !why.is_empty() => {
            Err(format!("exec plugin cannot support interactive mode: standard input is {why}"))
        }
        _ => Ok(why.is_empty()),
    }
}

/// What a plugin printed, as far as it says what it is.
fn read(text: &str) -> Result<Value, String> {
    let bad = |why: String| format!("decoding stdout: couldn't get version/kind; json parse error: {why}");
    match parse_json(text) {
        Ok(answer) if answer.as_object().is_some() => Ok(answer),
        Err(error) if text.trim_start().starts_with('{') => Err(bad(error.to_string())),
        // Other text is a string to YAML, which it is taken for first.
        _ => Err(bad("json: cannot unmarshal string into Go value of type struct { APIVersion string \
                      \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }"
            .into())),
    }
}

/// Where a program is: at its path, or in a folder of PATH.
fn locate(name: &str) -> Result<PathBuf, String> {
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| format!("exec: \"{name}\": executable file not found in $PATH"))
}

/// Whether the user's preferences let a program hand out credentials.
fn permitted(exec: &Value) -> Result<(), String> {
    let name = exec["command"].str();
    match exec["credentialPluginPolicy"].str() {
        "DenyAll" => Err(format!("plugin {name:?} not allowed: policy set to \"DenyAll\"")),
        "Allowlist" => {
            let path = locate(name).map_err(|why| {
                format!("plugin path {name:?} cannot be resolved for credential plugin allowlist check: {why}")
            })?;
            let allows = |entry: &Value| {
                let command = [&entry["command"], &entry["name"]].into_iter().find(|text| !text.is_empty());
                command.is_some_and(|command| locate(command.str()).is_ok_and(|allowed| allowed == path))
            };
            match exec["credentialPluginAllowlist"].items().iter().any(allows) {
                true => Ok(()),
                false => Err(format!(
                    "plugin path {:?} is not permitted by the credential plugin allowlist",
                    path.to_string_lossy()
                )),
            }
        }
        _ => Ok(()),
    }
}

fn ask(exec: &Value, connection: &Connection) -> Result<Value, String> {
    permitted(exec)?;
    let version = exec["apiVersion"].str();
    let interactive = is_interactive(exec, std::io::stdin().is_terminal())?;
    let mut info = value!({"kind": "ExecCredential", "apiVersion": version, "spec": {"interactive": interactive}});
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
    let stdin = if interactive { Stdio::inherit() } else { Stdio::null() };
    let output = command.stdin(stdin).stderr(Stdio::inherit()).output().map_err(|error| match error.kind() {
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
    let answer = read(&text)?;
    if answer["apiVersion"] != *version {
        return Err(format!(
            "exec plugin is configured to use API version {version}, plugin returned version {}",
            answer["apiVersion"].str()
        ));
    }
    if answer["status"].is_null() {
        return Err("exec plugin didn't return a status field".into());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_allow_programs() {
        let row = |policy: &str, entry: &str| value!({"command": "sh", "credentialPluginPolicy": policy, "credentialPluginAllowlist": [{"command": entry}]});
        for (exec, words) in [
            (row("", "x"), ""),
            (row("AllowAll", "x"), ""),
            (row("DenyAll", "sh"), "plugin \"sh\" not allowed: policy set to \"DenyAll\""),
            (row("Allowlist", "sh"), ""),
            (row("Allowlist", "/somewhere/sh"), "is not permitted by the credential plugin allowlist"),
            (row("Allowlist", "no-such-program"), "is not permitted by the credential plugin allowlist"),
        ] {
            let said = permitted(&exec).err().unwrap_or_default();
            assert!(said.ends_with(words) && said.is_empty() == words.is_empty(), "{exec:?}: {said}");
        }
    }

    #[test]
    fn who_may_ask_at_the_terminal() {
        let exec = |mode: &str, taken: bool| value!({"interactiveMode": mode, "stdinUnavailable": taken});
        let cannot = "exec plugin cannot support interactive mode: standard input is";
        let taken = format!("{cannot} unavailable: used by stdin resource manifest reader");
        let cases = [
            (exec("Never", false), true, Ok(false)),
            (exec("IfAvailable", false), true, Ok(true)),
            (exec("IfAvailable", true), true, Ok(false)),
            (exec("IfAvailable", false), false, Ok(false)),
            (exec("Always", false), true, Ok(true)),
            (exec("Always", true), true, Err(taken)),
            (exec("Always", false), false, Err(format!("{cannot} not a terminal"))),
        ];
        for (exec, terminal, expected) in cases {
            assert_eq!(is_interactive(&exec, terminal), expected, "{exec:?}");
        }
    }

    #[test]
    fn what_plugins_print() {
        assert!(read("{\"status\": {}}").is_ok());
        for text in ["", "a list\nof files", "{\"status\":"] {
            assert!(read(text).unwrap_err().contains("json parse error"), "{text:?}");
        }
    }
}
