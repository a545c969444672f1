//! Whatever is asked, the server answers: never a panic, never an error that has changed something, and what it took it
//! can show. Objects are made from the schema's own fields with values that fit, nearly fit and do not fit.

use drydock_api::{Auth, Body, Method, Request, Response};
use drydock_apiserver::{Answer, ApiServer, Config};
use drydock_schema::{Schema, Shape, TypeRef};
use drydock_value::{Map, Value, to_json, value};
use proptest::prelude::*;
use proptest::sample::select;

/// Makes choices from a row of numbers; when they are used up, always the first choice, so that shrinking makes things simple.
struct Choices<'a>(std::slice::Iter<'a, u16>);

impl Choices<'_> {
    fn below(&mut self, end: usize) -> usize {
        self.0.next().map_or(0, |number| usize::from(*number) % end.max(1))
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

const WORDS: [&str; 26] = [
    "a",
    "",
    "web",
    "Always",
    "TCP",
    "80%",
    "-5%",
    "500m",
    "10Gi",
    "1e3",
    "http",
    "ClusterIP",
    "None",
    "10.96.0.9",
    "a.b/c",
    "*/5 * * * *",
    "RollingUpdate",
    "kubernetes.io/hostname",
    "Never",
    "Équipe",
    "A_B",
    "In",
    "/x",
    "2026-01-02T03:04:05Z",
    "self.a == 1",
    "\u{0}\u{7f}\"\\",
];
const NUMBERS: [i64; 9] = [1, 0, -1, 80, 3, 65_536, 2_147_483_648, i64::MAX, i64::MIN];

fn anything(choices: &mut Choices<'_>, depth: u8) -> Value {
    match choices.below(if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => choices.of(&WORDS).into(),
        2 => choices.of(&NUMBERS).into(),
        3 => true.into(),
        4 => 1.5.into(),
        5 => Value::object(),
        6 => Value::array([anything(choices, depth - 1)]),
        _ => [(choices.of(&WORDS), anything(choices, depth - 1))].into_iter().collect::<Map>().into(),
    }
}

/// A value of a shape; one in sixteen is of none.
fn shaped(shape: Shape, choices: &mut Choices<'_>, depth: u8) -> Value {
    if choices.below(16) == 15 {
        return anything(choices, 2);
    }
    match shape {
        Shape::Integer { .. } | Shape::Number => choices.of(&NUMBERS).into(),
        Shape::Boolean => (choices.below(2) == 1).into(),
        Shape::IntOrString if choices.below(2) == 0 => choices.of(&NUMBERS).into(),
        Shape::Object(of) if depth > 0 => object(of, choices, depth - 1),
        Shape::List(inner) if depth > 0 => {
            (0..choices.below(3)).map(|_| shaped(inner.get(), choices, depth - 1)).collect()
        }
        Shape::Map(inner) if depth > 0 => {
            let pairs = (0..choices.below(3)).map(|_| (choices.of(&WORDS), shaped(inner.get(), choices, depth - 1)));
            pairs.collect::<Map>().into()
        }
        Shape::Object(_) | Shape::Map(_) | Shape::Raw => Value::object(),
        Shape::List(_) => Value::array(Vec::<Value>::new()),
        Shape::Any => anything(choices, 2),
        _ => choices.of(&WORDS).into(),
    }
}

fn object(of: TypeRef, choices: &mut Choices<'_>, depth: u8) -> Value {
    let fields: Vec<_> = of.fields().collect();
    let mut out = Map::new();
    for field in &fields {
        let wanted = if field.required() { 8 } else { 3 };
        if choices.below(9) < wanted {
            out.insert(field.name, shaped(field.shape, choices, depth));
        }
    }
    out.into()
}

/// A resource as discovery names it.
#[derive(Debug, Clone)]
struct Resource {
    collection: String,
    api_version: String,
    kind: String,
    subresources: Vec<String>,
}

fn server() -> ApiServer {
    static SERVER: std::sync::OnceLock<ApiServer> = std::sync::OnceLock::new();
    let new = || {
        let mut server = ApiServer::new(Config::default());
        server.start_auditing();
        server.tell_flows();
        server
    };
    SERVER.get_or_init(new).clone()
}

fn send(server: &mut ApiServer, mut request: Request) -> Option<Response> {
    request.auth = Auth::Certificate { certificate: "client.crt".into() };
    let now = server.now();
    match server.handle(request, now) {
        Answer::Response(response) => Some(response),
        Answer::Watch(mut watch) => {
            while server.poll_watch(&mut watch, now).is_some() {}
            None
        }
        // Streams to containers are the cluster's business.
        _ => None,
    }
}

/// What the server serves, as it says itself.
fn resources() -> &'static [Resource] {
    static RESOURCES: std::sync::OnceLock<Vec<Resource>> = std::sync::OnceLock::new();
    RESOURCES.get_or_init(|| {
        let mut server = server();
        let mut get = |path: &str| send(&mut server, Request::get(path)).unwrap().into_result().unwrap();
        let mut roots = vec![("v1".to_owned(), "/api/v1".to_owned())];
        for group in get("/apis")["groups"].items() {
            for version in group["versions"].items() {
                let version = version["groupVersion"].str();
                roots.push((version.to_owned(), format!("/apis/{version}")));
            }
        }
        let mut out: Vec<Resource> = Vec::new();
        for (api_version, root) in roots {
            for resource in get(&root)["resources"].items() {
                match resource["name"].str().split_once('/') {
                    Some((_, sub)) => out.last_mut().unwrap().subresources.push(sub.to_owned()),
                    None => out.push(Resource {
                        collection: match resource["namespaced"].as_bool() {
                            Some(true) => format!("{root}/namespaces/default/{}", resource["name"].str()),
                            _ => format!("{root}/{}", resource["name"].str()),
                        },
                        api_version: api_version.clone(),
                        kind: resource["kind"].str().to_owned(),
                        subresources: Vec::new(),
                    }),
                }
            }
        }
        out
    })
}

fn manifest(resource: &Resource, choices: &mut Choices<'_>) -> Value {
    let (group, version) = resource.api_version.split_once('/').unwrap_or(("", &resource.api_version));
    let mut made = match Schema::get().by_parts(group, version, &resource.kind) {
        Some(of) => object(of, choices, 7),
        None => anything(choices, 2),
    };
    if choices.below(8) < 7 {
        if !matches!(made, Value::Object(_)) {
            made = Value::object();
        }
        made.set("apiVersion", resource.api_version.as_str());
        made.set("kind", resource.kind.as_str());
        let name = choices.of(&["x", "x", "x", "y", "X", "system:x"]);
        made.set("metadata", value!({"name": name}));
    }
    made
}

const PATCHES: [&str; 4] = [
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/json-patch+json",
    "application/apply-patch+yaml",
];
const PARAMETERS: [(&str, &[&str]); 17] = [
    ("fieldValidation", &["Strict", "Warn", "Ignore", "x"]),
    ("dryRun", &["All", "x"]),
    ("fieldManager", &["m", "\n", ""]),
    ("force", &["true", "x"]),
    ("labelSelector", &["a=b", "a in (", "!a", "=,="]),
    ("fieldSelector", &["metadata.name=x", "spec.x=1", "=", "status.phase!=Running"]),
    ("limit", &["1", "-1", "x", "99999999999999999999"]),
    ("continue", &["x", "e30", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0"]),
    ("resourceVersion", &["0", "1", "x", "99999999999"]),
    ("resourceVersionMatch", &["Exact", "NotOlderThan", "x"]),
    ("propagationPolicy", &["Foreground", "Orphan", "x"]),
    ("gracePeriodSeconds", &["0", "-1", "x"]),
    ("timeout", &["5s", "-1h", "5", "x", "9999999h"]),
    ("timeoutSeconds", &["0", "-1", "x", "99999999999999999999"]),
    ("sendInitialEvents", &["true", "false", "x"]),
    ("allowWatchBookmarks", &["true", "0"]),
    ("includeObject", &["Object", "None", "x"]),
];

const ACCEPTED: [&str; 10] = [
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json;q=0.5",
    "application/json;as=Nope;v=v1;g=meta.k8s.io",
    "application/yaml",
    "application/cbor",
    "text/html;q=x, */*;q=-1",
    ";;;as=,=",
    "",
    ",",
];

fn body(resource: &Resource, content: &str, choices: &mut Choices<'_>) -> Body {
    let document = match content {
        "application/json-patch+json" if choices.below(4) < 3 => {
            let path = choices.of(&[
                "/metadata/labels",
                "/spec",
                "/spec/containers/0",
                "/",
                "",
                "/a~1b/-",
                "/metadata/name",
                "x",
            ]);
            let op = choices.of(&["add", "replace", "remove", "test", "move", "copy", "x"]);
            value!([{"op": op, "path": path, "from": "/spec", "value": anything(choices, 3)}])
        }
        _ => manifest(resource, choices),
    };
    match choices.below(12) {
        11 => Body::Bytes(choices.of(&[&b"{"[..], b"", b"\xff\xfe", b"[]", b"null", b"a: [", b"1"]).to_vec()),
        10 => {
            let text = to_json(&document);
            Body::Bytes(text.as_bytes()[..text.len() / 2].to_vec())
        }
        _ => Body::Value(document),
    }
}

fn request(choices: &mut Choices<'_>) -> Request {
    let resource = &resources()[choices.below(resources().len())];
    let named = format!("{}/{}", resource.collection, choices.of(&["x", "x", "x", "y", "default", "%00", "a/b/c"]));
    let path = match choices.below(8) {
        0 => resource.collection.clone(),
        1 if !resource.subresources.is_empty() => {
            format!("{named}/{}", resource.subresources[choices.below(resource.subresources.len())])
        }
        2 => format!("{}{}", resource.collection, choices.of(&["//", "/x/nothing", "?x", "/../pods"])),
        3 | 4 => resource.collection.clone(),
        _ => named,
    };
    let method = match choices.below(8) {
        0..3 if path == resource.collection => Method::Post,
        0 => Method::Get,
        1 | 2 => Method::Put,
        3 | 4 => Method::Patch,
        5 => Method::Delete,
        6 => Method::Get,
        _ => choices.of(&[Method::Options, Method::Head, Method::Post]),
    };
    let mut request = Request::new(method, path);
    if method != Method::Get {
        let content = match choices.below(12) {
            11 => choices.of(&["application/yaml", "application/cbor", "text/plain", "", "application/json;x=y"]),
            _ if method == Method::Patch => choices.of(&PATCHES),
            _ => "application/json",
        };
        request = request.header("Content-Type", content);
        request.body = body(resource, content, choices);
    }
    for _ in 0..choices.below(3) {
        let (name, values) = choices.of(&PARAMETERS);
        request = request.param(name, choices.of(values));
    }
    match choices.below(6) {
        5 => request.header("Accept", choices.of(&ACCEPTED)),
        4 => request.param("watch", "true").param("timeoutSeconds", "1"),
        _ => request,
    }
}

/// Everything that a resource holds can be listed and printed.
fn shows(server: &mut ApiServer, resource: &Resource) -> Result<(), TestCaseError> {
    for accept in ["application/json", "application/json;as=Table;v=v1;g=meta.k8s.io"] {
        let request = Request::get(resource.collection.clone()).header("Accept", accept);
        let Some(answer) = send(server, request) else { continue };
        prop_assert!(
            answer.is_success() || matches!(answer.code, 404 | 405),
            "{}: {}",
            resource.collection,
            answer.code
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requests_of_any_kind_are_answered(numbers in prop::collection::vec(any::<u16>(), 0..400)) {
        let mut server = server();
        let mut choices = Choices(numbers.iter());
        while !choices.0.as_slice().is_empty() {
            let request = request(&mut choices);
            let before = server.revision();
            let asked = format!("{request:?}");
            let answer = send(&mut server, request);
            prop_assert!(server.take_audited().is_some(), "{asked} is not noted");
            let Some(answer) = answer else { continue };
            prop_assert!((200..600).contains(&answer.code), "{asked}: {}", answer.code);
            if !answer.is_success() {
                // What an apply of an unfit document is answered by a real server, too.
                let unfit = answer.body.text().contains("failed to create typed patch object");
                prop_assert!(answer.code != 500 || unfit, "{asked}: {:?}", answer.body);
                prop_assert_eq!(server.revision(), before, "{} was refused but changed something", asked);
            }
        }
    }

    #[test]
    fn objects_that_are_taken_can_be_shown(at in select((0..resources().len()).collect::<Vec<_>>()),
                                           numbers in prop::collection::vec(any::<u16>(), 0..300)) {
        let mut server = server();
        let mut choices = Choices(numbers.iter());
        let resource = &resources()[at];
        for method in [Method::Post, Method::Put, Method::Patch] {
            let mut request = Request::new(method, match method {
                Method::Post => resource.collection.clone(),
                _ => format!("{}/x", resource.collection),
            });
            if method == Method::Patch {
                request = request.header("Content-Type", choices.of(&PATCHES));
            }
            request.body = Body::Value(manifest(resource, &mut choices));
            send(&mut server, request);
            shows(&mut server, resource)?;
        }
    }
}
