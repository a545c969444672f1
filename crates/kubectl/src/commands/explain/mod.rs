//! `kubectl explain`: the fields of a kind, from the server's OpenAPI document, or from the tables of Kubernetes' own
//! types where the server has none.

mod old;

use drydock_api::{GroupVersion, GroupVersionResource, Request, Resource};
use drydock_schema::{Schema, Shape, TypeRef};
use drydock_sorted::Sort;
use drydock_value::{Value, value};

use super::Outcome;
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[&["api-version", "output", "recursive"]];

/// How deep types are followed: some hold themselves.
const MAX_DEPTH: usize = 40;

/// `kubectl explain`
///
/// # Errors
/// When there is no such type or field.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let [word] = inv.args.as_slice() else {
        return Err(if inv.args.is_empty() {
            "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources.\n"
        } else {
            "We accept only this format: explain RESOURCE\n"
        }
        .into());
    };
    let word = word.clone();
    match inv.flags.str("output") {
        "plaintext" | "plaintext-openapiv2" => {}
        other => {
            return Err(format!("unrecognized format: {other}").into());
        }
    }
    let (resource, path) = find(inv, io, &word)?;
    let mut resource = resource;
    let version = inv.flags.str("api-version").to_owned();
    if !version.is_empty() {
        let GroupVersion { group, version } = GroupVersion::parse(&version);
        resource.id = GroupVersionResource { group, version, resource: resource.id.resource };
    }
    let source = Source::of(inv, io, &resource)?;
    let explainer = Explainer { source: &source, recursive: inv.flags.bool("recursive") };
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let missing =
        || Failure::Error(format!("field {} does not exist", quote(path.last().copied().unwrap_or_default())));
    if inv.flags.str("output") == "plaintext-openapiv2" {
        let text = explainer.old(&path).ok_or_else(missing)?;
        io.print(format!("KIND:     {}\nVERSION:  {}\n\n{text}", resource.kind, resource.id.group_version()));
        return Ok(Outcome::Done);
    }
    if !resource.id.group.is_empty() {
        io.println(format!("GROUP:      {}", resource.id.group));
    }
    io.println(format!("KIND:       {}\nVERSION:    {}\n", resource.kind, resource.id.version));
    let mut text = String::new();
    if !explainer.output(&source.root, &path, 0, &mut text) {
        return Err(missing());
    }
    io.println(text);
    Ok(Outcome::Done)
}

/// The resource that a word begins with, and the path of fields behind it.
fn find(inv: &mut Invocation, io: &mut Io<'_>, word: &str) -> Result<(Resource, Vec<String>), Failure> {
    let split = |text: &str| text.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (first, rest) = word.split_once('.').unwrap_or((word, ""));
    if first.is_empty() {
        return Err("invalid jsonpath syntax, first node must be field node".into());
    }
    let mapper = inv.mapper_with(io, |mapper| !mapper.all_named(first).is_empty())?;
    let all = mapper.all_named(first);
    for resource in &all {
        let full = resource.id.group_resource();
        if !resource.id.group.is_empty()
            && let Some(rest) = word.strip_prefix(&full)
            && (rest.is_empty() || rest.starts_with('.'))
        {
            return Ok(((*resource).clone(), split(rest)));
        }
    }
    match all.first() {
        Some(resource) => Ok(((*resource).clone(), split(rest))),
        None => Err(Failure::no_resource(first)),
    }
}

/// Where types come from.
struct Source {
    /// An OpenAPI v3 document; null when the tables are used.
    document: Value,
    /// The schema of the kind.
    root: Value,
}

impl Source {
    fn of(inv: &mut Invocation, io: &mut Io<'_>, resource: &Resource) -> Result<Source, Failure> {
        let gvk = resource.gvk();
        let path = resource.id.group_version().path();
        let client = inv.client(io)?;
        // The index knows where each version's document is.
        let index = client.send(io, Request::get("/openapi/v3").param("timeout", "32s"));
        let index = index.body.value().unwrap_or_default();
        let place = index["paths"][path.trim_start_matches('/')]["serverRelativeURL"].str();
        let hash = place.rsplit_once("?hash=").map_or("", |(_, hash)| hash);
        let mut request = Request::get(format!("/openapi/v3{path}"));
        if !hash.is_empty() {
            request = request.param("hash", hash);
        }
        let response = client.send(io, request.param("timeout", "32s"));
        let served = response.is_success();
        if served {
            let document = response.body.value().unwrap_or_default();
            let root = document["components"]["schemas"].entries().map(|(_, schema)| schema).find(|schema| {
                schema["x-kubernetes-group-version-kind"]
                    .items()
                    .iter()
                    .any(|k| k["group"] == *gvk.group && k["version"] == *gvk.version && k["kind"] == *gvk.kind)
            });
            if let Some(root) = root.cloned() {
                return Ok(Source { document, root });
            }
        }
        match Schema::get().by_kind(&gvk) {
            Some(of) => Ok(Source { document: Value::Null, root: object(of) }),
            None => {
                let id = format!("{}/{}, Resource={}", gvk.group, gvk.version, resource.id.resource);
                Err(if served {
                    format!("GVR ({id}) not found in OpenAPI schema")
                } else {
                    format!("couldn't find resource for {}", quote(&id))
                }
                .into())
            }
        }
    }

    /// The schema itself, or the one that it refers to.
    fn resolve(&self, schema: &Value) -> Value {
        let Some(reference) = schema["$ref"].as_str() else { return schema.clone() };
        let name = reference.rsplit('/').next().unwrap_or_default();
        if !self.document.is_null() {
            return self.document["components"]["schemas"][name].clone();
        }
        Schema::get().by_name(name).map(object).unwrap_or_default()
    }
}

/// A type of the tables as OpenAPI has it; types within are references.
fn object(of: TypeRef) -> Value {
    let mut schema = value!({"type": "object", "properties": {}});
    let mut required = Vec::new();
    for field in of.fields() {
        let mut inner = shape(field.shape);
        let mut values: Vec<&str> = field.enum_values().collect();
        if !values.is_empty() {
            values.sort_compact();
            // Of a list, the items are of these values.
            if inner["items"].is_null() { &mut inner } else { &mut inner["items"] }.set("enum", values);
        }
        if field.required() {
            required.push(field.name);
        }
        schema["properties"].set(field.name, inner);
    }
    schema.set("required", required);
    schema
}

fn shape(shape_of: Shape) -> Value {
    match shape_of {
        Shape::Object(of) => value!({"allOf": [{"$ref": format!("#/components/schemas/{}", of.name())}]}),
        Shape::List(inner) => value!({"type": "array", "items": shape(inner.get())}),
        Shape::Map(inner) => value!({"type": "object", "additionalProperties": shape(inner.get())}),
        Shape::Any | Shape::Raw => value!({"type": "object"}),
        other => value!({"type": other.explain()}),
    }
}

struct Explainer<'s> {
    source: &'s Source,
    recursive: bool,
}

impl Explainer<'_> {
    /// Follows a path of fields and explains what is at its end. False when it leads nowhere.
    fn output(&self, schema: &Value, path: &[&str], depth: usize, out: &mut String) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        let resolved = self.source.resolve(schema);
        let Some((first, rest)) = path.split_first() else {
            out.push_str("DESCRIPTION:\n");
            let mut words = String::new();
            self.description(&resolved, depth, &mut words);
            if words.is_empty() {
                words.push_str("<empty>");
            }
            out.push_str(&indent(4, &wrap(76, &words)));
            out.push('\n');
            let mut fields = String::new();
            self.fields(&resolved, 1, &mut Vec::new(), &mut fields);
            if !fields.is_empty() {
                out.push_str("FIELDS:\n");
                out.push_str(&fields);
            }
            return true;
        };
        if let Some(inner) = resolved["properties"].get(first) {
            if rest.is_empty() {
                out.push_str(&format!("FIELD: {first} <{}>\n{}\n\n", self.type_of(inner, 0), long_enum(inner)));
            }
            return self.output(inner, rest, depth + 1, out);
        }
        if !resolved["items"].is_null() {
            return self.output(&resolved["items"], path, depth + 1, out);
        }
        if resolved["additionalProperties"].as_object().is_some() {
            return self.output(&resolved["additionalProperties"], path, depth + 1, out);
        }
        resolved["allOf"].items().iter().any(|part| self.output(part, path, depth + 1, out))
    }

    fn description(&self, schema: &Value, depth: usize, out: &mut String) {
        if depth > MAX_DEPTH {
            return;
        }
        let schema = self.source.resolve(schema);
        if let Some(words) = schema["description"].as_str().filter(|words| !words.is_empty()) {
            out.push_str(words);
            out.push('\n');
        }
        for part in schema["allOf"].items() {
            self.description(part, depth + 1, out);
        }
        if !schema["items"].is_null() {
            self.description(&schema["items"], depth + 1, out);
        }
        if schema["additionalProperties"].as_object().is_some() {
            self.description(&schema["additionalProperties"], depth + 1, out);
        }
    }

    fn fields(&self, schema: &Value, level: usize, seen: &mut Vec<String>, out: &mut String) {
        let reference = schema["$ref"].as_str().map(str::to_owned);
        if reference.as_ref().is_some_and(|reference| seen.contains(reference)) || level > MAX_DEPTH {
            return;
        }
        let mark = seen.len();
        seen.extend(reference);
        let resolved = self.source.resolve(schema);
        for (name, field) in resolved["properties"].entries() {
            self.field(name, field, resolved["required"].items().iter().any(|r| *r == name), level, out);
            if self.recursive {
                self.fields(field, level + 1, seen, out);
            }
        }
        for part in resolved["allOf"].items() {
            self.fields(part, level, seen, out);
        }
        if !resolved["items"].is_null() {
            self.fields(&resolved["items"], level, seen, out);
        }
        if resolved["additionalProperties"].as_object().is_some() {
            self.fields(&resolved["additionalProperties"], level, seen, out);
        }
        seen.truncate(mark);
    }

    fn field(&self, name: &str, schema: &Value, required: bool, level: usize, out: &mut String) {
        let pad = level * 2;
        out.push_str(&indent(pad, name));
        out.push_str(&format!("\t<{}>", self.type_of(schema, 0)));
        if required {
            out.push_str(" -required-");
        }
        let values = schema["enum"].items();
        if !values.is_empty() {
            let shown: Vec<String> = values.iter().take(4).map(enum_value).collect();
            out.push_str(&format!("\n{}enum: {}", " ".repeat(pad), shown.join(", ")));
            if values.len() > 4 {
                out.push_str(", ....");
            }
        }
        out.push('\n');
        if !self.recursive {
            let words = schema["description"].as_str().filter(|words| !words.is_empty()).unwrap_or("<no description>");
            out.push_str(&indent(pad + 2, &wrap(78 - pad, words)));
            out.push_str("\n\n");
        }
    }

    fn type_of(&self, schema: &Value, depth: usize) -> String {
        if depth > MAX_DEPTH {
            return "Object".into();
        }
        if !schema["items"].is_null() {
            return format!("[]{}", self.type_of(&schema["items"], depth + 1));
        }
        if schema["additionalProperties"].as_object().is_some() {
            return format!("map[string]{}", self.type_of(&schema["additionalProperties"], depth + 1));
        }
        if let [only] = schema["allOf"].items()
            && schema["properties"].is_null()
        {
            return self.type_of(only, depth + 1);
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let resolved = self.source.resolve(schema);
            return match resolved["type"].str() {
                "" | "object" => reference.rsplit(['/', '.']).next().unwrap_or("Object").to_owned(),
                primitive => primitive.to_owned(),
            };
        }
        match schema["type"].str() {
            "" | "object" => "Object".into(),
            primitive => primitive.to_owned(),
        }
    }
}

fn enum_value(value: &Value) -> String {
    match value.as_str() {
        Some("") => "\"\"".into(),
        Some(text) => text.to_owned(),
        None => crate::printers::go::print(value),
    }
}

fn long_enum(schema: &Value) -> String {
    let values = schema["enum"].items();
    if values.is_empty() {
        return String::new();
    }
    let lines: String = values.iter().map(|value| format!("\n    {}", enum_value(value))).collect();
    format!("ENUM:{lines}")
}

fn indent(amount: usize, text: &str) -> String {
    let pad = " ".repeat(amount);
    format!("{pad}{}", text.replace('\n', &format!("\n{pad}")))
}

/// Breaks lines at spaces, as kubectl's word wrapping does: line breaks stay, long words are not cut.
fn wrap(width: usize, text: &str) -> String {
    let mut out = String::new();
    let (mut current, mut word, mut spaces) = (0, String::new(), String::new());
    let length = |text: &str| text.chars().count();
    for c in text.chars() {
        if c == '\n' {
            if word.is_empty() {
                if current + length(&spaces) <= width {
                    out.push_str(&spaces);
                }
            } else {
                out.push_str(&spaces);
                out.push_str(&word);
                word.clear();
            }
            spaces.clear();
            out.push('\n');
            current = 0;
        } else if c.is_whitespace() && c != '\u{a0}' {
            if spaces.is_empty() || !word.is_empty() {
                current += length(&spaces) + length(&word);
                out.push_str(&spaces);
                out.push_str(&word);
                spaces.clear();
                word.clear();
            }
            spaces.push(c);
        } else {
            word.push(c);
            if current + length(&word) + length(&spaces) > width && length(&word) < width {
                out.push('\n');
                current = 0;
                spaces.clear();
            }
        }
    }
    if !word.is_empty() || current + length(&spaces) <= width {
        out.push_str(&spaces);
        out.push_str(&word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::wrap;
    use crate::testing::Fake;
    use drydock_value::value;

    #[test]
    fn wraps_words() {
        assert_eq!(wrap(10, "aaa bbb ccc ddd"), "aaa bbb\nccc ddd");
        assert_eq!(wrap(10, "a\n\nb aaaaaaaaaaaaaaa c\n"), "a\n\nb\naaaaaaaaaaaaaaa\nc\n");
    }

    /// A document as a server sends it: types by reference, with words of their own before those of the type.
    fn served() -> Fake {
        let reference = |name: &str| value!([{"$ref": format!("#/components/schemas/io.k8s.api.apps.v1.{name}")}]);
        Fake::default().with(
            "/openapi/v3/apis/apps/v1",
            value!({"openapi": "3.0.0", "components": {"schemas": {
                "io.k8s.api.apps.v1.Deployment": {
                    "description": "Deployment keeps pods.", "type": "object",
                    "properties": {
                        "kind": {"description": "The kind.", "type": "string"},
                        "spec": {"description": "What is wanted.", "default": {}, "allOf": reference("DeploymentSpec")}
                    },
                    "x-kubernetes-group-version-kind": [{"group": "apps", "kind": "Deployment", "version": "v1"}]
                },
                "io.k8s.api.apps.v1.DeploymentSpec": {
                    "description": "DeploymentSpec says what is wanted.", "type": "object", "required": ["selector"],
                    "properties": {
                        "names": {"type": "array", "items": {"type": "string", "default": ""}},
                        "selector": {"description": "Which pods.", "type": "object",
                            "additionalProperties": {"type": "string"}},
                        "strategy": {"description": "How.", "type": "string", "enum": ["A", "B"]}
                    }
                }
            }}}),
        )
    }

    #[test]
    fn explains_what_the_server_serves() {
        for (line, want) in [
            (
                "explain deploy.spec",
                "GROUP:      apps\nKIND:       Deployment\nVERSION:    v1\n\nFIELD: spec <DeploymentSpec>\n\n\nDESCRIPTION:\n    What is wanted.\n    DeploymentSpec says what is wanted.\n    \nFIELDS:\n  names\t<[]string>\n    <no description>\n\n  selector\t<map[string]string> -required-\n    Which pods.\n\n  strategy\t<string>\n  enum: A, B\n    How.\n\n\n",
            ),
            (
                "explain deploy.spec -o plaintext-openapiv2",
                "KIND:     Deployment\nVERSION:  apps/v1\n\nRESOURCE: spec <Object>\n\nDESCRIPTION:\n     What is wanted.\n\n     DeploymentSpec says what is wanted.\n\nFIELDS:\n   names\t<[]string>\n\n   selector\t<map[string]string> -required-\n     Which pods.\n\n   strategy\t<string>\n     How.\n\n",
            ),
            (
                "explain deploy.spec.strategy -o plaintext-openapiv2",
                "KIND:     Deployment\nVERSION:  apps/v1\n\nFIELD:    strategy <string>\n\nDESCRIPTION:\n     How.\n\n",
            ),
            (
                "explain deploy --recursive -o plaintext-openapiv2",
                "KIND:     Deployment\nVERSION:  apps/v1\n\nDESCRIPTION:\n     Deployment keeps pods.\n\nFIELDS:\n   kind\t<string>\n   spec\t<Object>\n      names\t<[]string>\n      selector\t<map[string]string> -required-\n      strategy\t<string>\n",
            ),
        ] {
            let ran = served().line(line);
            assert_eq!((ran.out.as_str(), ran.err.as_str()), (want, ""), "{line}");
        }
    }

    #[test]
    fn explains_from_the_tables() {
        let ran = Fake::default().line("explain deploy.spec.replicas");
        let text = "GROUP:      apps\nKIND:       Deployment\nVERSION:    v1\n\nFIELD: replicas <integer>\n\n\nDESCRIPTION:\n    <empty>\n\n";
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (text, ""));
        let ran = Fake::default().line("explain pod.spec.containers.imagePullPolicy");
        assert!(
            ran.out.contains("FIELD: imagePullPolicy <string>\nENUM:\n    Always\n    IfNotPresent\n    Never\n\nDESC"),
            "{}",
            ran.out
        );
        let ran = Fake::default().line("explain job.spec --recursive");
        for line in [
            "  completionMode\t<string>\n  enum: Indexed, NonIndexed\n",
            "  template\t<PodTemplateSpec> -required-\n    metadata\t<ObjectMeta>\n      annotations\t<map[string]string>\n",
            "operator\t<string> -required-\n                enum: DoesNotExist, Exists, Gt, In, ....\n",
        ] {
            assert!(ran.out.contains(line), "{line}\n{}", ran.out);
        }
        let ran = Fake::default().line("explain pods.spec.nope");
        assert_eq!((ran.err.as_str(), ran.code), ("error: field \"nope\" does not exist\n", 1));
        let ran = Fake::default().line("explain nothing");
        assert_eq!(ran.err, "the server doesn't have a resource type \"nothing\"\n");
    }
}
