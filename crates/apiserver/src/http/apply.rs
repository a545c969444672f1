//! `PATCH` with `application/apply-patch+yaml`.

use drydock_api::{Body, Cause, Request, Response, Status};
use drydock_value::Value;

use super::body;
use super::params::{self, FieldValidation, Form};
use crate::kinds::Kind;
use crate::managed::{self, Applied};
use crate::registry::Served;
use crate::server::ApiServer;
use crate::verbs::{Cx, Part};
use crate::{convert, types};

/// Whether a patch is applied server-side.
pub(super) fn is_apply(request: &Request) -> bool {
    let content = request.header_value("content-type").unwrap_or_default();
    let media = content.split(';').next().unwrap_or_default().trim();
    matches!(media, "application/apply-patch+yaml" | "application/apply-patch+json")
}

fn document(request: &Request) -> Result<Value, Status> {
    let document = match &request.body {
        Body::Bytes(bytes) => {
            let refuse = |why: String| Status::bad_request(format!("error decoding YAML: {why}"));
            let text = std::str::from_utf8(bytes).map_err(|error| refuse(error.to_string()))?;
            drydock_yaml::parse_one(text).map_err(|error| refuse(error.to_string()))?
        }
        body => body.value().map_err(|error| Status::bad_request(format!("error decoding YAML: {error}")))?,
    };
    if document.as_object().is_none() {
        return Err(Status::bad_request(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal value into Go \
             value of type map[string]interface {}",
        ));
    }
    Ok(document)
}

impl ApiServer {
    /// Applies a document to what is there, or creates it.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn apply(
        &mut self,
        cx: &mut Cx,
        served: &'static Served,
        kind: Kind,
        namespace: &str,
        name: &str,
        part: Part,
        request: &Request,
        form: Form,
    ) -> Result<Response, Status> {
        if request.query_value("fieldManager").unwrap_or_default().is_empty() {
            let cause = Cause {
                reason: "FieldValueRequired".into(),
                message: "Required value: is required for apply patch".into(),
                field: "fieldManager".into(),
            };
            return Err(Status::invalid("meta.k8s.io", "PatchOptions", "", vec![cause]));
        }
        let validation = params::field_validation(request)?;
        cx.dry_run = params::dry_run(request)?;
        let mut document = document(request)?;
        if validation != FieldValidation::Ignore
            && let Body::Bytes(bytes) = &request.body
            && let Err(error) = drydock_yaml::parse_one_strict(&String::from_utf8_lossy(bytes))
        {
            if validation == FieldValidation::Strict {
                return Err(Status::bad_request(format!("error strict decoding YAML: {error}")));
            }
            cx.warn(error.to_string());
        }
        let api_version = served.api_version();
        let given = document["apiVersion"].str();
        let custom = crate::custom::version(served).is_some();
        if custom && (given != api_version || document["kind"] != *served.kind_name()) {
            let dot = if given.is_empty() { "/" } else { given };
            let kind = document["kind"].str();
            return Err(Status::bad_request(format!("invalid object type: {dot}, Kind={kind}")));
        }
        if given != api_version {
            return Err(Status::bad_request(format!(
                "Incorrect version specified in apply patch. Specified patch version: {given}, expected: {api_version}"
            )));
        }
        document = body::of_kind(&api_version, served.kind_name(), document)?;
        if !document["metadata"]["managedFields"].is_null() {
            return Err(Status::bad_request("metadata.managedFields must be nil"));
        }
        let Some(parts) = managed::parts_in(served) else { return Err(Status::no_such_path()) };
        let now = self.now.rfc3339();
        let manager = cx.manager.clone();
        let force = request.query_bool("force");
        let applied = |live: &Value| {
            let applied = Applied {
                kind,
                part,
                api_version: &api_version,
                manager: &manager,
                force,
                document: &document,
                now: &now,
            };
            managed::apply(parts.get(), live, &applied)
        };
        if self.store.get(kind, namespace, name).is_none() && part == Part::Main {
            let (object, entries) = applied(&Value::Null)?;
            cx.managed = Some(entries);
            let mut object = read(served, &object, &Value::Null)?;
            if object["metadata"]["name"].str().is_empty() {
                object["metadata"].set("name", name);
            }
            if !object["metadata"]["uid"].str().is_empty() {
                let why = format!(
                    "uid mismatch: the provided object specified uid {}, and no existing object was found",
                    object["metadata"]["uid"].str()
                );
                return Err(Status::conflict(served.group(), served.resource(), name, &why));
            }
            object["metadata"].remove("resourceVersion");
            let created = self.create(cx, kind, namespace, object)?;
            return Ok(self.one(201, served, &created, form));
        }
        let updated = self.update(cx, kind, namespace, name, part, &mut |_, cx, old| {
            let current = convert::from_storage(served, old);
            let (merged, entries) = applied(&current)?;
            cx.managed = Some(entries);
            read(served, &merged, &current)
        })?;
        Ok(self.one(200, served, &updated, form))
    }
}

/// The merged object as it is stored.
fn read(served: &Served, object: &Value, before: &Value) -> Result<Value, Status> {
    let (decoded, _) = types::decode_served(served, object, before).map_err(Status::bad_request)?;
    Ok(body::complete(served, decoded, before))
}
