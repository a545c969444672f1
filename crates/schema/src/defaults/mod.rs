//! What the API server fills in where an object says nothing.
//!
//! Defaults belong to types: whatever holds a container (a Pod, the template of a Deployment, of a Job in a CronJob) gets
//! its defaults. So there is one table of types with one function each, and one walk over the object along the schema,
//! which goes only where types with defaults can be. An object that has all its defaults comes back as it is, shared.
//!
//! - `pods`: pods and what is in them. `workloads`: what makes pods. `others`: everything else.
//! - `image`: what the tag of an image says about pulling it.

mod image;
mod others;
mod pods;
mod workloads;

use std::sync::OnceLock;

use drydock_api::GroupVersionKind;
use drydock_value::Value;

use crate::quantity::Quantity;
use crate::table::{Field, Schema, Shape, TypeRef};

pub use image::tag as image_tag;

/// Fills the defaults of a kind into an object. Kinds without any stay as they are.
pub fn apply_defaults(gvk: &GroupVersionKind, object: &mut Value) {
    if let Some(of) = Schema::get().by_kind(gvk) {
        default_type(of, object);
    }
}

/// Fills the defaults of a type into a value of it: a part of an object, such as a pod's spec, works too.
pub fn default_type(of: TypeRef, value: &mut Value) {
    if let Some(changed) = walk(of, value, plan()) {
        *value = changed;
    }
}

/// What a type's defaults are set on. Reading sees what was set before; the first change copies this level.
struct Edit {
    value: Value,
    changed: bool,
}

impl Edit {
    fn get(&self, key: &str) -> &Value {
        &self.value[key]
    }

    fn at(&self, path: &[&str]) -> &Value {
        self.value.at(path)
    }

    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.value.set(key, value);
        self.changed = true;
    }

    /// Sets what is not there at all: for what Go holds by pointer.
    fn missing(&mut self, key: &str, value: impl Into<Value>) {
        if self.get(key).is_null() {
            self.set(key, value);
        }
    }

    /// Sets what is not there, or is zero or empty: for what Go holds by value.
    fn unset(&mut self, key: &str, value: impl Into<Value>) {
        if self.get(key).is_empty() {
            self.set(key, value);
        }
    }

    /// Works on an object in a field, which is made when it is not there.
    fn within(&mut self, key: &str, work: impl FnOnce(&mut Edit)) {
        let mut inner = Edit { value: self.get(key).clone(), changed: self.get(key).is_null() };
        if inner.changed {
            inner.value = Value::object();
        }
        work(&mut inner);
        if inner.changed {
            self.set(key, inner.value);
        }
    }
}

type Defaulter = fn(&mut Edit);

/// What the walk does with a type.
#[derive(Clone, Copy, Default)]
struct Step {
    /// Its own defaults.
    defaulter: Option<Defaulter>,
    /// Whether its fields, or what is in them, have defaults.
    inside: bool,
}

/// The steps of all types, by their number.
fn plan() -> &'static [Step] {
    static PLAN: OnceLock<Vec<Step>> = OnceLock::new();
    PLAN.get_or_init(|| {
        let types: Vec<TypeRef> = Schema::get().types().collect();
        let mut steps = vec![Step::default(); types.len()];
        let tables = pods::TABLE.iter().chain(workloads::TABLE).chain(others::TABLE);
        for (name, defaulter) in tables {
            let of = types.iter().position(|of| of.name().strip_prefix("io.k8s.") == Some(name));
            debug_assert!(of.is_some(), "no type {name}");
            if let Some(step) = of.and_then(|at| steps.get_mut(at)) {
                step.defaulter = Some(*defaulter);
            }
        }
        // Who holds a type with defaults has some inside, and so on until nothing more is found.
        loop {
            let mut found = false;
            for (at, of) in types.iter().enumerate() {
                if steps.get(at).is_some_and(|step| step.inside) {
                    continue;
                }
                let inside = of.fields().any(|field| {
                    let object = field.shape.object().and_then(|inner| steps.get(inner.index()));
                    field_default(field).is_some()
                        || is_resource_list(field)
                        || object.is_some_and(|step| step.defaulter.is_some() || step.inside)
                });
                if let Some(step) = steps.get_mut(at).filter(|_| inside) {
                    step.inside = true;
                    found = true;
                }
            }
            if !found {
                return steps;
            }
        }
    })
}

/// The default that the type itself declares for a field.
fn field_default(field: Field) -> Option<Value> {
    field.default()
}

/// Amounts of resources are rounded up to thousandths.
fn is_resource_list(field: Field) -> bool {
    matches!(field.shape, Shape::Map(inner) if inner.get() == Shape::Quantity)
}

fn walk(of: TypeRef, value: &Value, plan: &[Step]) -> Option<Value> {
    let step = plan.get(of.index())?;
    if value.as_object().is_none() || (step.defaulter.is_none() && !step.inside) {
        return None;
    }
    let mut edit = Edit { value: value.clone(), changed: false };
    if let Some(defaulter) = step.defaulter {
        defaulter(&mut edit);
    }
    if step.inside {
        for field in of.fields() {
            if let Some(changed) = walk_field(field, edit.get(field.name), plan) {
                edit.set(field.name, changed);
            }
        }
    }
    edit.changed.then_some(edit.value)
}

fn walk_field(field: Field, value: &Value, plan: &[Step]) -> Option<Value> {
    if value.is_null() || (value.is_empty() && !field.is_pointer()) {
        if let Some(default) = field_default(field) {
            return Some(default);
        }
    }
    if is_resource_list(field) {
        return rounded(value);
    }
    let inner = field.shape.object()?;
    match value {
        Value::Array(items) => {
            let mut changed: Option<Vec<Value>> = None;
            for (at, item) in items.iter().enumerate() {
                if let Some(new) = walk(inner, item, plan) {
                    let list = changed.get_or_insert_with(|| items.to_vec());
                    if let Some(slot) = list.get_mut(at) {
                        *slot = new;
                    }
                }
            }
            changed.map(Value::from)
        }
        Value::Object(_) if matches!(field.shape, Shape::Map(_)) => {
            let mut map = Edit { value: value.clone(), changed: false };
            for (key, item) in value.entries() {
                if let Some(new) = walk(inner, item, plan) {
                    map.set(key, new);
                }
            }
            map.changed.then_some(map.value)
        }
        // An object that Go holds by value is there, empty, when nobody gave it.
        Value::Null if matches!(field.shape, Shape::Object(_)) && !field.is_pointer() => {
            walk(inner, &Value::object(), plan)
        }
        _ => walk(inner, value, plan),
    }
}

fn rounded(amounts: &Value) -> Option<Value> {
    let mut map = Edit { value: amounts.clone(), changed: false };
    for (name, amount) in amounts.entries() {
        let Ok(quantity) = Quantity::of(amount) else { continue };
        let new = quantity.rounded_to_milli();
        if new.milli_value() != i64::MAX && quantity != new {
            map.set(name, new.to_string());
        }
    }
    map.changed.then_some(map.value)
}

#[cfg(test)]
mod tests;
