//! A fake API server, file system and command line for tests: canned objects, discovery of a few resources, and a log
//! of the requests.

use drydock_sorted::SortedMap;
use std::collections::VecDeque;

use drydock_api::{Method, Request, Response, Status, StreamId, StreamItem, Transport};
use drydock_value::{Time, Value, value};

use crate::env::{Children, Env, Files, Input, Io, Nothing, Stdin, Step, Terminal};
use crate::{Command, env};

/// A fake API server. Answers are looked up by `METHOD path`, then by `METHOD path?query`.
#[derive(Debug, Clone, Default)]
pub struct Fake {
    /// Canned answers: documents with code 200, or a status.
    pub answers: SortedMap<String, Result<Value, Status>>,
    /// Warnings by the requests whose answers carry them.
    pub warnings: SortedMap<String, String>,
    /// What streams deliver, by `path` of the request that opens them.
    pub streams: SortedMap<String, VecDeque<StreamItem>>,
    /// What was asked: `METHOD path?query`, and bodies.
    pub log: Vec<(String, Value)>,
    /// Files by absolute path.
    pub files: SortedMap<String, Vec<u8>>,
    /// Standard input.
    pub stdin: Vec<u8>,
    open: SortedMap<u64, VecDeque<StreamItem>>,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The exit code.
    pub code: i32,
}

const RESOURCES: &[(&str, &str, &str, &str, &str, bool, &str)] = &[
    ("", "v1", "pods", "Pod", "po", true, "all"),
    ("", "v1", "services", "Service", "svc", true, "all"),
    ("", "v1", "secrets", "Secret", "", true, ""),
    ("", "v1", "configmaps", "ConfigMap", "cm", true, ""),
    ("", "v1", "namespaces", "Namespace", "ns", false, ""),
    ("", "v1", "nodes", "Node", "no", false, ""),
    ("", "v1", "events", "Event", "ev", true, ""),
    ("apps", "v1", "deployments", "Deployment", "deploy", true, "all"),
    ("apps", "v1", "replicasets", "ReplicaSet", "rs", true, "all"),
    ("batch", "v1", "jobs", "Job", "", true, "all"),
    ("storage.k8s.io", "v1", "storageclasses", "StorageClass", "sc", false, ""),
];

fn discovery(core: bool) -> Value {
    let mut groups: SortedMap<&str, Vec<Value>> = SortedMap::new();
    for (group, _, plural, kind, short, namespaced, category) in RESOURCES {
        if group.is_empty() != core {
            continue;
        }
        let list = |text: &str| if text.is_empty() { Value::Array(Default::default()) } else { value!([text]) };
        groups.entry(group).or_default().push(value!({
            "resource": *plural, "singularResource": kind.to_lowercase(), "responseKind": {"kind": *kind},
            "scope": if *namespaced { "Namespaced" } else { "Cluster" }, "shortNames": list(short),
            "categories": list(category), "verbs": ["get", "list", "create", "delete", "update", "patch", "watch"]
        }));
    }
    let items: Value = groups
        .into_iter()
        .map(|(group, resources)| {
            value!({"metadata": {"name": group}, "versions": [{"version": "v1", "resources": resources}]})
        })
        .collect();
    value!({"kind": "APIGroupDiscoveryList", "items": items})
}

impl Fake {
    /// With a canned answer to a `GET`.
    pub fn with(mut self, path: &str, answer: Value) -> Fake {
        self.answers.insert(format!("GET {path}"), Ok(answer));
        self
    }

    /// With a header `Warning` on the answer to a request.
    pub fn warning(mut self, request: &str, header: &str) -> Fake {
        self.warnings.insert(request.to_owned(), header.to_owned());
        self
    }

    /// With a canned answer to any request, such as `POST /api/v1/namespaces/default/pods`.
    pub fn on(mut self, request: &str, answer: Result<Value, Status>) -> Fake {
        self.answers.insert(request.to_owned(), answer);
        self
    }

    /// With all resources of a real server in discovery.
    pub fn with_all_resources(mut self) -> Fake {
        for core in [true, false] {
            let mut groups: SortedMap<(&str, &str), Vec<Value>> = SortedMap::new();
            for row in drydock_schema::resources().iter().map(|row| &row.resource) {
                if row.id.group.is_empty() == core {
                    groups.entry((&row.id.group, &row.id.version)).or_default().push(value!({
                        "resource": &row.id.resource, "singularResource": &row.singular,
                        "responseKind": {"kind": &row.kind}, "verbs": row.verbs.clone(),
                        "scope": if row.namespaced() { "Namespaced" } else { "Cluster" },
                        "shortNames": row.short_names.clone(), "categories": row.categories.clone()
                    }));
                }
            }
            let items: Value = groups
                .into_iter()
                .map(|((group, version), resources)| {
                    value!({"metadata": {"name": group}, "versions": [{"version": version, "resources": resources}]})
                })
                .collect();
            let path = if core { "/api" } else { "/apis" };
            self = self.with(path, value!({"kind": "APIGroupDiscoveryList", "items": items}));
        }
        self
    }

    /// With an object, alone and in the lists of its kind.
    pub fn object(mut self, object: &Value) -> Fake {
        let id = &drydock_schema::resource_of_kind(&drydock_api::GroupVersionKind::of(object)).unwrap().resource.id;
        let namespace = object["metadata"]["namespace"].str();
        let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
        self = self.with(&id.path(namespace, Some(object["metadata"]["name"].str())), object.clone());
        for namespace in [namespace, None] {
            let list = value!({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": (Vec::<Value>::new())});
            let list = self.answers.entry(format!("GET {}", id.path(namespace, None))).or_insert(Ok(list));
            let Ok(list) = list else { continue };
            if list["items"].items().last() != Some(object) {
                list["items"].push(object.clone());
            }
        }
        self
    }

    /// With a file.
    pub fn file(mut self, path: &str, text: &str) -> Fake {
        self.files.insert(path.to_owned(), text.as_bytes().to_vec());
        self
    }

    /// Runs a command line, given in words, to its end. A command that waits for ever is interrupted.
    pub fn run(&mut self, args: &[&str]) -> Ran {
        let mut env = Env::of(args);
        env.home = "/home".into();
        self.run_in(env)
    }

    /// Runs a command line; words are split at spaces.
    pub fn line(&mut self, line: &str) -> Ran {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Completions of the last word of a line; words are separated by single spaces.
    pub fn complete(&mut self, line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split(' ').collect();
        let mut env = Env::of(&words);
        env.home = "/home".into();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut files = std::mem::take(&mut self.files);
        let mut random = || 42_u64;
        let mut io = Io {
            api: self,
            files: &mut Disk(&mut files),
            stdin: &mut Nothing,
            children: &mut Nothing as &mut dyn Children,
            network: &mut Nothing,
            random: &mut random,
            now: Time::from_seconds(1_795_355_800),
            terminal: Terminal::default(),
            out: &mut out,
            err: &mut err,
        };
        let found = crate::complete(&env, &mut io);
        self.files = files;
        found
    }

    /// As [`Fake::run`], in an environment.
    pub fn run_in(&mut self, env: Env) -> Ran {
        let mut command = Command::new(env);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut files = std::mem::take(&mut self.files);
        let mut stdin = Pipe(Some(std::mem::take(&mut self.stdin)));
        let mut random = || 42_u64;
        let mut now = Time::from_seconds(1_795_355_800);
        let mut code = None;
        for _ in 0..10_000 {
            let mut io = Io {
                api: self,
                files: &mut Disk(&mut files),
                stdin: &mut stdin,
                children: &mut Nothing as &mut dyn Children,
                network: &mut Nothing,
                random: &mut random,
                now,
                terminal: Terminal::default(),
                out: &mut out,
                err: &mut err,
            };
            match command.step(&mut io) {
                Step::Exit(exit) => {
                    code = Some(exit);
                    break;
                }
                Step::Continue => {}
                Step::Wait(env::Wait { until: Some(time), .. }) if time > now => now = time,
                Step::Wait(_) => {
                    code = Some(command.interrupt(&mut io));
                    break;
                }
            }
        }
        self.files = files;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { out: text(out), err: text(err), code: code.expect("the command ends") }
    }
}

impl Transport for Fake {
    fn send(&mut self, request: Request) -> Response {
        let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let bare = format!("{} {}", request.method.as_str(), request.path);
        let full = format!("{bare}?{}", query.join("&"));
        let discovering = request.method == Method::Get && matches!(request.path.as_str(), "/api" | "/apis");
        if !discovering {
            let logged = if query.is_empty() { bare.clone() } else { full.clone() };
            self.log.push((logged, request.body.value().unwrap_or_default()));
        }
        if let Some(answer) = self.answers.get(&full).or_else(|| self.answers.get(&bare)) {
            return match answer {
                Ok(Value::String(text)) => Response::text(200, text.as_str()),
                Ok(document) => {
                    let mut response = Response::value(200, document.clone());
                    let warning = self.warnings.get(&bare).map(|text| ("warning".to_owned(), text.clone()));
                    response.headers.extend(warning);
                    response
                }
                Err(status) => Response::from(status.clone()),
            };
        }
        if discovering {
            return Response::value(200, discovery(request.path == "/api"));
        }
        let parts: Vec<&str> = request.path.split('/').collect();
        let (resource, name) = match parts.as_slice() {
            ["", "api", _, "namespaces", _, resource, name] => (*resource, *name),
            ["", "api", _, resource, name] => (*resource, *name),
            ["", "apis", group, _, "namespaces", _, resource, name] => {
                return Response::from(Status::not_found(group, resource, name));
            }
            _ => return Response::from(Status::no_such_path()),
        };
        Response::from(Status::not_found("", resource, name))
    }

    fn open(&mut self, request: Request) -> Result<StreamId, Status> {
        let id = self.open.len() as u64 + 1;
        let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.log.push((format!("OPEN {}?{}", request.path, query.join("&")), Value::Null));
        let items = self.streams.get(&request.path).cloned();
        let items = items.ok_or_else(|| Status::new(404, "NotFound", format!("no stream at {}", request.path)))?;
        self.open.insert(id, items);
        Ok(StreamId(id))
    }

    fn poll(&mut self, stream: StreamId) -> StreamItem {
        match self.open.get_mut(&stream.0) {
            Some(items) => items.pop_front().unwrap_or(StreamItem::Pending),
            None => StreamItem::Closed(None),
        }
    }

    fn ready(&self, stream: StreamId) -> bool {
        self.open.get(&stream.0).is_none_or(|items| !items.is_empty())
    }

    fn write(&mut self, stream: StreamId, channel: u8, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.log.push((format!("WRITE {} {channel}", stream.0), text.into()));
    }

    fn close(&mut self, stream: StreamId) {
        self.open.remove(&stream.0);
    }

    fn server(&self) -> String {
        "http://localhost:8080".into()
    }
}

struct Pipe(Option<Vec<u8>>);

impl Stdin for Pipe {
    fn take(&mut self) -> Input {
        self.0.take().map_or(Input::End, Input::Data)
    }
}

/// Files that are only remembered.
pub struct Disk<'a>(pub &'a mut SortedMap<String, Vec<u8>>);

impl Files for Disk<'_> {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, String> {
        if self.is_dir(path) {
            return Err("is a directory".into());
        }
        self.0.get(path).cloned().ok_or_else(|| "no such file or directory".into())
    }
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), String> {
        self.0.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }
    fn list_dir(&mut self, path: &str) -> Result<Vec<String>, String> {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let mut names: Vec<String> = self
            .0
            .keys()
            .filter_map(|file| file.strip_prefix(&prefix))
            .map(|rest| rest.split('/').next().unwrap_or_default().to_owned())
            .collect();
        names.dedup();
        Ok(names)
    }
    fn exists(&mut self, path: &str) -> bool {
        self.0.contains_key(path) || self.is_dir(path)
    }
    fn is_dir(&mut self, path: &str) -> bool {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        self.0.keys().any(|file| file.starts_with(&prefix))
    }
    fn remove(&mut self, path: &str) -> Result<(), String> {
        self.0.retain(|file, _| file != path && !file.starts_with(&format!("{path}/")));
        Ok(())
    }
    fn mkdir_all(&mut self, _: &str) -> Result<(), String> {
        Ok(())
    }
}
