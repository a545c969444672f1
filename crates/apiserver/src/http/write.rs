//! Create, update, patch, delete, deletecollection.

use drydock_api::{GroupVersion, Request, Response, Status};
use drydock_value::{Value, value};

use super::body;
use super::params::{self, FieldValidation, Form, ListOptions};
use crate::client::PatchType;
use crate::kinds::Kind;
use crate::registry::Served;
use crate::selection::Selection;
use crate::server::ApiServer;
use crate::verbs::{Cx, Deleted, Part};
use crate::{convert, types};

impl ApiServer {
    pub(super) fn post(
        &mut self,
        cx: &mut Cx,
        served: &'static Served,
        kind: Kind,
        namespace: &str,
        request: &Request,
        form: Form,
    ) -> Result<Response, Status> {
        let object = body::object(served, request, cx)?;
        cx.dry_run = params::dry_run(request)?;
        let created = self.create(cx, kind, namespace, object)?;
        Ok(self.one(201, served, &created, form))
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn put(
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
        let object = body::object(served, request, cx)?;
        cx.dry_run = params::dry_run(request)?;
        let given = object["metadata"]["name"].str();
        if !given.is_empty() && given != name {
            return Err(Status::bad_request(format!(
                "the name of the object ({given}) does not match the name on the URL ({name})"
            )));
        }
        if part == Part::Main
            && crate::strategy::of(kind).create_on_update
            && self.store.get(kind, namespace, name).is_none()
            && object["metadata"]["resourceVersion"].str().is_empty()
            && object["metadata"]["uid"].str().is_empty()
        {
            let created = self.create(cx, kind, namespace, object)?;
            return Ok(self.one(201, served, &created, form));
        }
        let updated = self.update(cx, kind, namespace, name, part, &mut |_, _, _| Ok(object.clone()))?;
        Ok(self.one(200, served, &updated, form))
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn patch(
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
        if super::apply::is_apply(request) {
            return self.apply(cx, served, kind, namespace, name, part, request, form);
        }
        let patch_type = patch_type(request, crate::custom::version(served).is_some())?;
        let validation = params::field_validation(request)?;
        cx.dry_run = params::dry_run(request)?;
        let patch = patch_document(request)?;
        // What stands twice in the patch; a JSON patch is a list of operations, whose fields are few and are not the object's.
        let twice = if validation == FieldValidation::Ignore || patch_type == PatchType::Json {
            Vec::new()
        } else {
            body::complaints(request, Vec::new())
        };
        let updated = self.update(cx, kind, namespace, name, part, &mut |_, cx, old| {
            let current = convert::from_storage(served, old);
            let patched = types::patch(&served.gvk(), patch_type, &current, &patch)?;
            read_patched(served, patched, &current, (patch_type, &patch, &twice), validation, cx)
        })?;
        Ok(self.one(200, served, &updated, form))
    }

    pub(super) fn delete_one(
        &mut self,
        cx: &mut Cx,
        served: &'static Served,
        kind: Kind,
        namespace: &str,
        name: &str,
        request: &Request,
    ) -> Result<Response, Status> {
        let (options, dry_run) = params::delete_options(request)?;
        cx.dry_run = dry_run;
        let Deleted { object, gone } = self.delete(cx, kind, namespace, name, &options)?;
        if gone && !returns_object(kind) {
            let mut details = value!({
                "name": name, "kind": served.resource(), "uid": &object["metadata"]["uid"]
            });
            if !served.group().is_empty() {
                details.set("group", served.group());
            }
            return Ok(Response::value(
                200,
                value!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                        "details": details}),
            ));
        }
        Ok(self.one(200, served, &object, Form::Plain))
    }

    pub(super) fn delete_collection(
        &mut self,
        cx: &mut Cx,
        served: &'static Served,
        kind: Kind,
        namespace: &str,
        request: &Request,
    ) -> Result<Response, Status> {
        let (options, dry_run) = params::delete_options(request)?;
        cx.dry_run = dry_run;
        let list = ListOptions::of(request, false)?;
        let selection = Selection::parse(kind, served, &list.label_selector, &list.field_selector)?;
        let mut names: Vec<(String, String)> = Vec::new();
        self.visit(kind, namespace, &selection, None, &mut |object| {
            let metadata = &object["metadata"];
            names.push((metadata["namespace"].str().into(), metadata["name"].str().into()));
            list.limit == 0 || names.len() < list.limit
        });
        let mut items = Vec::with_capacity(names.len());
        for (namespace, name) in names {
            match self.delete(cx, kind, &namespace, &name, &options) {
                Ok(deleted) => items.push(convert::from_storage(served, &deleted.object)),
                Err(status) if status.is("NotFound") => {}
                Err(status) => return Err(status),
            }
        }
        let revision = [("resourceVersion", Value::from(self.revision().to_string()))];
        Ok(Response::value(200, super::read::plain_list(served, revision.into_iter().collect(), items.into_iter())))
    }
}

/// Kinds whose deletion answers with the object even when it is gone.
fn returns_object(kind: Kind) -> bool {
    use crate::kinds::{
        PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, POD_TEMPLATES, PODS, RESOURCE_QUOTAS, SERVICE_ACCOUNTS, SERVICES,
    };
    [PODS, SERVICES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, SERVICE_ACCOUNTS, POD_TEMPLATES, RESOURCE_QUOTAS]
        .contains(&kind)
}

/// The kind of patch that the content type names.
pub(super) fn patch_type(request: &Request, custom: bool) -> Result<PatchType, Status> {
    let content = request.header_value("content-type").unwrap_or_default();
    let media = content.split(';').next().unwrap_or_default().trim();
    match media {
        "application/json-patch+json" => Ok(PatchType::Json),
        "application/merge-patch+json" => Ok(PatchType::Merge),
        "application/strategic-merge-patch+json" => Ok(PatchType::Strategic),
        // Applied to a scale, there is nothing to own but the replicas.
        "application/apply-patch+yaml" => Ok(PatchType::Merge),
        _ => {
            let strategic = if custom { "" } else { "application/strategic-merge-patch+json, " };
            let why = format!(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, {strategic}application/apply-patch+yaml"
            );
            Err(Status::new(415, "UnsupportedMediaType", why))
        }
    }
}

pub(super) fn patch_document(request: &Request) -> Result<Value, Status> {
    if let drydock_api::Body::Bytes(bytes) = &request.body
        && let Some(why) = super::go_json::error(bytes)
    {
        return Err(Status::bad_request(format!("error decoding patch: {why}")));
    }
    request.body.value().map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))
}

/// The decoder's complaint in the words of the converter, which puts what a strategic patch made into a Go type without
/// JSON in between.
fn as_converter_says(why: &str) -> Option<String> {
    let (word, rest) = why.strip_prefix("json: cannot unmarshal ")?.split_once(" into Go ")?;
    let (_, into) = rest.rsplit_once(" of type ")?;
    let kind = match word {
        "object" => "map",
        "array" => "slice",
        word if word.starts_with("number") => "int64",
        word => word,
    };
    Some(match into {
        into if into.starts_with("map[") => format!("cannot restore map from {kind}"),
        into if into.starts_with("[]") => format!("cannot restore slice from {kind}"),
        "string" if kind == "int64" => "cannot convert int64 to string".into(),
        // What is not a struct and has a name is a string.
        into if into.contains('.') && kind == "map" => "unrecognized type: string".into(),
        into if into.contains('.') => format!("cannot restore struct from: {kind}"),
        into => format!("unrecognized type: {into}"),
    })
}

/// Reads what a patch made of an object. Errors are about the patch.
fn read_patched(
    served: &Served,
    patched: Value,
    before: &Value,
    (patch_type, patch, twice): (PatchType, &Value, &[String]),
    validation: FieldValidation,
    cx: &mut Cx,
) -> Result<Value, Status> {
    let about_patch = |why: &str| {
        let shown = match patch_type {
            PatchType::Strategic => drydock_schema::go::plain(patch),
            _ => drydock_value::to_json(&patched),
        };
        let mut errors = crate::validation::Errors::default();
        errors.invalid(&crate::validation::Path::new("patch"), shown, why);
        Status::invalid("", "", "", errors.0)
    };
    // A strategic patch is put into the type that it is for, whatever kind it names; others are read as what they say.
    let renamed = ["kind", "apiVersion"].iter().any(|key| patched[*key] != before[*key]);
    if renamed && crate::custom::version(served).is_some() {
        return Err(body::of_another_kind(served, &patched));
    }
    if renamed && patch_type != PatchType::Strategic {
        let wanted = GroupVersion::parse(&served.api_version());
        let or = |said: &str, own: &str| if said.is_empty() { own.to_owned() } else { said.to_owned() };
        let given = GroupVersion::parse(&or(patched["apiVersion"].str(), &served.api_version()));
        let kind = or(patched["kind"].str(), served.kind_name());
        if kind != served.kind_name() || !types::knows(&given, &kind) {
            return Err(about_patch(&body::no_conversion(&given, &kind, &wanted, served.kind_name())));
        }
    }
    let (decoded, unknown) = types::decode_served(served, &patched, before).map_err(|why| match patch_type {
        PatchType::Strategic => about_patch(&as_converter_says(&why).unwrap_or(why)),
        _ => about_patch(&why),
    })?;
    let unknown: Vec<String> = twice.iter().cloned().chain(unknown).collect();
    match validation {
        FieldValidation::Strict if !unknown.is_empty() => {
            return Err(about_patch(&format!("strict decoding error: {}", unknown.join(", "))));
        }
        FieldValidation::Warn => unknown.into_iter().for_each(|warning| cx.warn(warning)),
        _ => {}
    }
    Ok(body::complete(served, decoded, before))
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use crate::http::tests::Bench;

    #[test]
    fn a_strategic_patch_is_refused_in_the_words_of_the_converter() {
        let mut bench = Bench::new();
        let deployment = value!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"a": "b"}},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
                "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}
        });
        bench.create("/apis/apps/v1/namespaces/default/deployments", deployment).unwrap();
        let path = "/apis/apps/v1/namespaces/default/deployments/web";
        for (patch, words) in [
            (r#"{"metadata":{"labels":"x"}}"#, "cannot restore map from string"),
            (r#"{"metadata":{"finalizers":"x"}}"#, "cannot restore slice from string"),
            (r#"{"metadata":{"labels":{"a":5}}}"#, "cannot convert int64 to string"),
            (r#"{"spec":{"replicas":"three"}}"#, "unrecognized type: int32"),
            (r#"{"spec":{"template":7}}"#, "cannot restore struct from: int64"),
            (r#"{"spec":{"paused":"x"}}"#, "unrecognized type: bool"),
        ] {
            let refused = bench.patch(path, "application/strategic-merge-patch+json", patch).unwrap_err();
            assert!(refused.message.ends_with(words), "{patch}: {}", refused.message);
            let refused = bench.patch(path, "application/merge-patch+json", patch).unwrap_err();
            assert!(refused.message.contains("json: cannot unmarshal"), "{patch}: {}", refused.message);
        }
    }
}
