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
    apply_defaults_update(gvk, object, &Value::Null);
}

/// As [`apply_defaults`], for the next version of an object: what is shared with `before` has its defaults.
pub fn apply_defaults_update(gvk: &GroupVersionKind, object: &mut Value, before: &Value) {
    if let Some(of) = Schema::get().by_kind(gvk)
        && let Some(changed) = walk(of, object, before, plan())
    {
        *object = changed;
    }
}

/// Fills the defaults of a type into a value of it: a part of an object, such as a pod's spec, works too.
pub fn default_type(of: TypeRef, value: &mut Value) {
    if let Some(changed) = walk(of, value, &Value::Null, plan()) {
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
#[derive(Clone, Default)]
struct Step {
    /// Its own defaults.
    defaulter: Option<Defaulter>,
    /// The fields that have defaults, in themselves or in what they hold.
    inside: Vec<Field>,
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
                let has_defaults = |field: &Field| {
                    let object = field.shape.object().and_then(|inner| steps.get(inner.index()));
                    field.default().is_some()
                        || is_resource_list(*field)
                        || object.is_some_and(|step| step.defaulter.is_some() || !step.inside.is_empty())
                };
                let inside: Vec<Field> = of.fields().filter(has_defaults).collect();
                if let Some(step) = steps.get_mut(at).filter(|step| step.inside.len() < inside.len()) {
                    step.inside = inside;
                    found = true;
                }
            }
            if !found {
                return steps;
            }
        }
    })
}

/// Amounts of resources are rounded up to thousandths.
fn is_resource_list(field: Field) -> bool {
    matches!(field.shape, Shape::Map(inner) if inner.get() == Shape::Quantity)
}

fn walk(of: TypeRef, value: &Value, before: &Value, plan: &[Step]) -> Option<Value> {
    let step = plan.get(of.index())?;
    let known = value.ptr_eq(before);
    if value.as_object().is_none() || known || (step.defaulter.is_none() && step.inside.is_empty()) {
        return None;
    }
    let mut edit = Edit { value: value.clone(), changed: false };
    if let Some(defaulter) = step.defaulter {
        defaulter(&mut edit);
    }
    for field in &step.inside {
        if let Some(changed) = walk_field(*field, edit.get(field.name), &before[field.name], plan) {
            edit.set(field.name, changed);
        }
    }
    edit.changed.then_some(edit.value)
}

fn walk_field(field: Field, value: &Value, before: &Value, plan: &[Step]) -> Option<Value> {
    if value.as_object().is_some() && value.ptr_eq(before) {
        return None;
    }
    let absent = value.is_null() || (value.is_empty() && !field.is_pointer());
    if let Some(default) = field.default().filter(|_| absent) {
        return Some(default);
    }
    if is_resource_list(field) {
        return rounded(value);
    }
    let inner = field.shape.object()?;
    match value {
        Value::Array(items) => {
            let mut changed: Option<Vec<Value>> = None;
            for (at, item) in items.iter().enumerate() {
                if let Some(new) = walk(inner, item, &before[at], plan) {
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
                if let Some(new) = walk(inner, item, &before[key], plan) {
                    map.set(key, new);
                }
            }
            map.changed.then_some(map.value)
        }
        // An object that Go holds by value is there, empty, when nobody gave it.
        Value::Null if matches!(field.shape, Shape::Object(_)) && !field.is_pointer() => {
            walk(inner, &Value::object(), &Value::Null, plan)
        }
        _ => walk(inner, value, before, plan),
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
