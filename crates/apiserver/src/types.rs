//! What this crate asks of the schema: types, defaults, patches, amounts, durations.

use std::time::Duration;

use drydock_api::{GroupVersion, GroupVersionKind, Status};
use drydock_schema::patch::{self, JsonPatchError};
use drydock_schema::{Schema, quantity};
use drydock_value::Value;

use crate::client::PatchType;
use crate::kinds::{self, Kind};
use crate::registry::{Served, storage};

/// A duration for people: `5s`, `3m20s`, `2d4h`.
pub(crate) fn human(duration: Duration) -> String {
    drydock_schema::duration::human(duration)
}

/// An amount that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(quantity::Quantity);

impl Quantity {
    /// Reads a field; None when it is absent or no amount.
    pub(crate) fn of(value: &Value) -> Option<Quantity> {
        if value.is_null() { None } else { quantity::Quantity::of(value).ok().map(Quantity) }
    }

    pub(crate) fn zero() -> Quantity {
        Quantity(quantity::Quantity::default())
    }

    pub(crate) fn count(number: i64) -> Quantity {
        Quantity(quantity::Quantity::new(number))
    }

    pub(crate) fn is_negative(self) -> bool {
        self.0.sign() < 0
    }

    pub(crate) fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    pub(crate) fn is_whole(self) -> bool {
        self.0.exact().is_some()
    }

    pub(crate) fn add(self, other: Quantity) -> Quantity {
        Quantity(self.0.add(&other.0))
    }

    pub(crate) fn sub(self, other: Quantity) -> Quantity {
        Quantity(self.0.sub(&other.0))
    }

    pub(crate) fn as_f64(self) -> f64 {
        self.0.as_f64()
    }

    /// The canonical form.
    pub(crate) fn text(self) -> String {
        self.0.to_string()
    }
}

/// Whether a kind exists in a version of a group.
pub(crate) fn knows(version: &GroupVersion, kind: &str) -> bool {
    Schema::get().by_parts(&version.group, &version.version, kind).is_some()
}

/// Reads an object: the form in which the server keeps it, and what strict validation complains about. What it shares with
/// `before`, its state before (or null), is not looked at again.
pub(crate) fn decode(gvk: &GroupVersionKind, object: &Value, before: &Value) -> Result<(Value, Vec<String>), String> {
    match Schema::get().by_kind(gvk) {
        None => Ok((object.clone(), Vec::new())),
        Some(of) => drydock_schema::decode_update(of, object, before).map(|decoded| (decoded.value, decoded.unknown)),
    }
}

/// Reads an object of a served resource, as [`decode`] does: a custom one by its own schema.
pub(crate) fn decode_served(served: &Served, object: &Value, before: &Value) -> Result<(Value, Vec<String>), String> {
    match crate::custom::version(served) {
        Some(version) => version.decode(object),
        None => decode(&served.gvk(), object, before),
    }
}

/// Fills in the defaults of a served resource.
pub(crate) fn default_served(served: &Served, object: &mut Value, before: &Value) {
    match crate::custom::version(served) {
        Some(version) => {
            drydock_schema::structural::prune_nulls(&version.schema, object);
            drydock_schema::structural::default(&version.schema, object);
        }
        None => apply_defaults(&served.gvk(), object, before),
    }
}

/// Fills in defaults, after what the real server's conversions do: a secret's `stringData` becomes data, and a field that
/// is also the first of a list is so in both places.
pub(crate) fn apply_defaults(gvk: &GroupVersionKind, object: &mut Value, before: &Value) {
    match gvk.kind.as_str() {
        "Secret" if !object["stringData"].is_null() => {
            let texts = object.remove("stringData");
            for (key, text) in texts.entries() {
                object["data"].set(key, drydock_schema::base64::encode(text.str().as_bytes()));
            }
        }
        "Node" => first_of_list(object, &["spec"], "podCIDR", "podCIDRs", None),
        "Pod" => {
            first_of_list(object, &["status"], "podIP", "podIPs", Some("ip"));
            first_of_list(object, &["status"], "hostIP", "hostIPs", Some("ip"));
        }
        _ => {}
    }
    drydock_schema::apply_defaults_update(gvk, object, before);
}

/// Fills the list from its single form, or the single form from the list's first item (or the item's field).
fn first_of_list(object: &mut Value, path: &[&str], single: &str, list: &str, field: Option<&str>) {
    let holder = object.at(path);
    let (one, many) = (holder[single].clone(), holder[list].clone());
    let first = field.map_or(&many[0], |field| &many[0][field]).clone();
    if one == first || (one.is_empty() && first.is_empty()) {
        return;
    }
    let Some(holder) = path.iter().try_fold(&mut *object, |value, key| value.get_mut(key)) else { return };
    if one.is_empty() {
        holder.set(single, first);
    } else {
        let item = match field {
            Some(field) => Value::Object([(field, one)].into_iter().collect()),
            None => one,
        };
        holder.set(list, Value::array([item]));
    }
}

/// Pod specs that were decoded lately, as they came in and as they went out: the templates from which controllers make
/// pods. A pod whose spec is one of them, the same in memory, need not be looked through again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decoded {
    specs: std::collections::VecDeque<(Value, Value)>,
}

/// How many specs are remembered.
const SPECS: usize = 32;

impl Decoded {
    /// Completes an object that a component made.
    pub(crate) fn decode(&mut self, kind: Kind, object: Value) -> Value {
        if kind != kinds::PODS {
            return decode_trusted(kind, object, &Value::Null);
        }
        let spec = object["spec"].clone();
        if let Some((_, decoded)) = self.specs.iter().find(|(known, _)| known.ptr_eq(&spec)) {
            let decoded = decoded.clone();
            let mut rest = object;
            let metadata = Schema::get()
                .by_name("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
                .and_then(|of| drydock_schema::decode(of, &rest["metadata"]).ok());
            if let Some(metadata) = metadata {
                rest.set("metadata", metadata.value);
            }
            rest.set("spec", decoded);
            return rest;
        }
        let decoded = decode_trusted(kind, object, &Value::Null);
        if self.specs.len() >= SPECS {
            self.specs.pop_front();
        }
        self.specs.push_back((spec, decoded["spec"].clone()));
        decoded
    }
}

/// Completes an object that a component made, from its state before (or null).
pub(crate) fn decode_trusted(kind: Kind, mut object: Value, before: &Value) -> Value {
    let served = storage(kind);
    if object["apiVersion"].str().is_empty() {
        object.set("apiVersion", kind.api_version());
        object.set("kind", kind.info().kind);
    }
    let mut object = match decode_served(served, &object, before) {
        Ok((object, _)) => object,
        Err(_) => object,
    };
    default_served(served, &mut object, before);
    object
}

/// Takes an object's status away: what is left of it is what Go writes for one that says nothing.
pub(crate) fn drop_status(kind: Kind, object: &mut Value) {
    let served = storage(kind);
    let of = Schema::get().by_parts(served.group(), served.version(), served.kind_name());
    match of.and_then(|of| drydock_schema::unset(of, "status")) {
        Some(status) => object.set("status", status),
        None => drop(object.remove("status")),
    }
}

/// Applies a patch to an object.
pub(crate) fn patch(
    gvk: &GroupVersionKind,
    patch_type: PatchType,
    object: &Value,
    patch: &Value,
) -> Result<Value, Status> {
    match patch_type {
        PatchType::Json => patch::json_patch(object, patch).map_err(|error| match error {
            JsonPatchError::Malformed(why) => Status::bad_request(why),
            JsonPatchError::TooLong(why) => Status::too_large(format!("Request entity too large: {why}")),
            JsonPatchError::Failed(_) => {
                Status::new(422, "Invalid", "the server rejected our request due to an error in our request")
            }
        }),
        PatchType::Merge => match patch {
            Value::Object(_) => Ok(patch::merge_patch(object, patch)),
            other => Err(Status::bad_request(format!(
                "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                drydock_schema::json_word(other)
            ))),
        },
        PatchType::Strategic => match Schema::get().by_kind(gvk) {
            Some(of) => patch::strategic_merge(of, object, patch).map_err(|why| {
                if why.starts_with("invalid ") { Status::bad_request(why) } else { Status::new(500, "", why) }
            }),
            None => Err(Status::new(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            )),
        },
    }
}
