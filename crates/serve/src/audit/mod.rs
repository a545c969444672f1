//! The audit log: what was asked of the server, by whom, and what came of it, an event of `audit.k8s.io/v1` a line.
//!
//! - [`policy`]: which requests are told of, and how much.

mod policy;

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use drydock_api::{Body, Request};
use drydock_apiserver::{Audited, User};
use drydock_value::{Time, Value, value};
use policy::{Decision, Level, Policy};

use crate::order;

/// Where the log is written, and what it tells.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// `--audit-log-path`; `-` is the standard output.
    pub log: PathBuf,
    /// `--audit-policy-file`
    pub policy: PathBuf,
}

/// What a connection knows of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// By what it is found in logs.
    pub(crate) id: String,
    /// Path and query as they came.
    pub(crate) uri: String,
    /// Where it came from.
    pub(crate) source: String,
}

/// A request that is told of.
#[derive(Debug)]
pub(crate) struct Event {
    seen: Seen,
    agent: String,
    audited: Audited,
    decision: Decision,
    received: Time,
    body: Value,
}

/// What is kept of a request until its answer is known.
pub(crate) struct Kept {
    seen: Seen,
    path: String,
    agent: String,
    body: Value,
}

/// The log.
pub(crate) struct Log {
    policy: Policy,
    out: BufWriter<Box<dyn Write + Send>>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Log {
    /// Reads the policy, and opens the file.
    pub(crate) fn open(options: &AuditOptions) -> Result<Log, String> {
        let about = |path: &PathBuf, why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let text = std::fs::read_to_string(&options.policy).map_err(|error| about(&options.policy, &error))?;
        let policy = Policy::parse(&text).map_err(|why| about(&options.policy, &why))?;
        let out: Box<dyn Write + Send> = if options.log.as_os_str() == "-" {
            Box::new(std::io::stdout())
        } else {
            let file: Result<File, _> = OpenOptions::new().create(true).append(true).open(&options.log);
            Box::new(file.map_err(|error| about(&options.log, &error))?)
        };
        Ok(Log { policy, out: BufWriter::new(out) })
    }

    /// What is needed of a request before it is handed on.
    pub(crate) fn keep(&self, request: &Request, seen: Seen) -> Kept {
        let body = match &request.body {
            _ if !self.policy.wants_bodies() => Value::Null,
            Body::Bytes(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                request.body.value().or_else(|_| drydock_yaml::parse_one(&text)).unwrap_or_default()
            }
            body => body.value().unwrap_or_default(),
        };
        let agent = request.header_value("user-agent").unwrap_or_default().to_owned();
        Kept { seen, path: request.path.clone(), agent, body }
    }

    /// Begins to tell of a request, unless nothing is to be told of it.
    pub(crate) fn begin(&mut self, kept: Kept, mut audited: Audited, now: Time) -> Option<Event> {
        let decision = self.policy.of(&audited, &kept.path);
        if decision.level == Level::None {
            return None;
        }
        // Who asks is known when it is received, but not yet whether they may.
        let annotations = std::mem::take(&mut audited.annotations);
        let Kept { seen, agent, body, .. } = kept;
        let mut event = Event { seen, agent, audited, decision, received: now, body };
        self.tell(&event, "RequestReceived", None, now);
        event.audited.annotations = annotations;
        if event.audited.verb == "create" && !event.audited.object.is_null() {
            let name = event.body["metadata"]["name"].clone();
            if event.audited.object["name"].str().is_empty() && !name.str().is_empty() {
                event.audited.object.set("name", name);
            }
        }
        Some(event)
    }

    /// Tells of a stage, with the answer's code and body where there is one.
    pub(crate) fn tell(&mut self, event: &Event, stage: &str, answer: Option<(u16, &Value)>, now: Time) {
        if !event.decision.tells(stage) {
            return;
        }
        let line = event.line(stage, answer, now);
        // A full disk is no reason to answer nobody.
        let _ = self.out.write_all(&line).and_then(|()| self.out.flush());
    }
}

impl Event {
    /// The line of a stage, its fields in the order in which the real server writes them.
    fn line(&self, stage: &str, answer: Option<(u16, &Value)>, now: Time) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        let add = |name: &str, value: &Value, out: &mut Vec<u8>| {
            out.push(if out.is_empty() { b'{' } else { b',' });
            out.extend_from_slice(format!("\"{name}\":").as_bytes());
            order::write(value, out);
        };
        let add_user = |name: &str, one: &User, out: &mut Vec<u8>| {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            order::write_named(&one.to_value(), "username uid groups extra", out);
        };
        for (name, text) in [
            ("kind", "Event"),
            ("apiVersion", "audit.k8s.io/v1"),
            ("level", self.decision.level.name()),
            ("auditID", &self.seen.id),
            ("stage", stage),
            ("requestURI", &self.seen.uri),
            ("verb", self.audited.verb),
        ] {
            add(name, &Value::from(text), &mut out);
        }
        add_user("user", &self.audited.user, &mut out);
        if let Some(impersonated) = &self.audited.impersonated {
            add_user("impersonatedUser", impersonated, &mut out);
        }
        add("sourceIPs", &value!([self.seen.source.as_str()]), &mut out);
        if !self.agent.is_empty() {
            add("userAgent", &Value::from(self.agent.as_str()), &mut out);
        }
        if !self.audited.object.is_null() {
            out.extend_from_slice(b",\"objectRef\":");
            let order = "resource namespace name uid apiGroup apiVersion resourceVersion subresource";
            order::write_named(&self.audited.object, order, &mut out);
        }
        if let Some((code, body)) = answer {
            out.extend_from_slice(b",\"responseStatus\":");
            order::write_named(&response_status(code, body), STATUS, &mut out);
        }
        let bodies = [
            ("requestObject", Level::Request, Some(&self.body)),
            ("responseObject", Level::RequestResponse, answer.map(|(_, body)| body)),
        ];
        for (name, level, body) in bodies {
            let body = body.filter(|body| stage == "ResponseComplete" && !body.is_null());
            if let Some(body) = body.filter(|_| self.decision.level >= level) {
                let bare =
                    if self.decision.without_managed_fields { without_managed_fields(body) } else { body.clone() };
                add(name, &bare, &mut out);
            }
        }
        add("requestReceivedTimestamp", &Value::from(self.received.rfc3339_micros()), &mut out);
        add("stageTimestamp", &Value::from(now.rfc3339_micros()), &mut out);
        if !self.audited.annotations.is_empty() {
            let all = self.audited.annotations.iter().map(|(key, text)| (key.as_str(), Value::from(text.as_str())));
            add("annotations", &Value::Object(all.collect()), &mut out);
        }
        out.extend_from_slice(b"}\n");
        out
    }
}

/// The order of the fields of a `Status`, and of what is in it.
const STATUS: &str = "metadata status message reason details code name group kind uid causes retryAfterSeconds field";

/// What came of a request: the code, and what a `Status` says.
fn response_status(code: u16, body: &Value) -> Value {
    let mut status = value!({"metadata": {}, "code": code});
    if body["kind"] == "Status" {
        for key in ["status", "message", "reason", "details"] {
            if !body[key].is_null() {
                status.set(key, &body[key]);
            }
        }
    }
    status
}

fn without_managed_fields(body: &Value) -> Value {
    let mut bare = body.clone();
    if !bare["metadata"]["managedFields"].is_null() {
        bare["metadata"].remove("managedFields");
    }
    if let Some(items) = body["items"].items().first().map(|_| body["items"].items()) {
        bare.set("items", items.iter().map(without_managed_fields).collect::<Value>());
    }
    bare
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use drydock_api::Method;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn events_are_lines_as_the_real_server_writes_them() {
        let head =
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse, omitManagedFields: true}]";
        let page = Page::default();
        let mut log = Log { policy: Policy::parse(head).unwrap(), out: BufWriter::new(Box::new(page.clone())) };
        let body = value!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a", "managedFields": [{}]}});
        let request = Request::new(Method::Post, "/api/v1/namespaces/x/configmaps")
            .with_value(body.clone())
            .header("user-agent", "curl/8");
        let seen = Seen { id: "7".into(), uri: "/api/v1?x".into(), source: "127.0.0.1".into() };
        let audited = Audited {
            verb: "create",
            user: User { name: "nina".into(), groups: vec!["dev".into()], uid: "u".into(), extra: Vec::new() },
            impersonated: None,
            object: value!({"resource": "configmaps", "namespace": "x", "apiVersion": "v1"}),
            annotations: vec![("a/b".into(), "c".into())],
        };
        let kept = log.keep(&request, seen);
        let event = log.begin(kept, audited, Time(1_000_001)).unwrap();
        log.tell(&event, "ResponseComplete", Some((201, &body)), Time(2_000_000));
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        let object = r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}"#;
        let start =
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"7","stage":"#;
        let who = r#""requestURI":"/api/v1?x","verb":"create","user":{"username":"nina","uid":"u","groups":["dev"]},"sourceIPs":["127.0.0.1"],"userAgent":"curl/8","objectRef":{"resource":"configmaps","namespace":"x","#;
        let received = r#""requestReceivedTimestamp":"1970-01-01T00:00:01.000001Z","#;
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                format!(
                    r#"{start}"RequestReceived",{who}"apiVersion":"v1"}},{received}"stageTimestamp":"1970-01-01T00:00:01.000001Z"}}"#
                ),
                format!(
                    r#"{start}"ResponseComplete",{who}"name":"a","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":201}},"requestObject":{object},"responseObject":{object},{received}"stageTimestamp":"1970-01-01T00:00:02.000000Z","annotations":{{"a/b":"c"}}}}"#
                ),
            ]
        );
    }
}
