//! What programs cost: counted while they run, and estimated from schemas before.

use drydock_value::Value;

use super::declarations;
use super::expr::{Call, Expr, Fold, Kind};
use super::types::Type;
use super::val::Val;

/// The largest request that is thought of, in bytes.
const REQUEST: u64 = 3 * 1024 * 1024;

fn share(count: u64, parts: u64) -> u64 {
    count.div_ceil(parts)
}

fn actual(value: &Val) -> u64 {
    value.size().map_or(1, |size| size as u64)
}

/// What a call costs, known before it.
pub(super) fn before(name: &str, args: &[Val]) -> u64 {
    let size = |at: usize| args.get(at).map_or(0, actual);
    match name {
        "check" => 350_000,
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => size(0).max(1),
        "url" | "lowerAscii" | "upperAscii" | "substring" | "trim" | "quantity" | "isQuantity" | "cidr" | "isIP"
        | "isCIDR" | "ip" | "semver" | "isSemver" | "validate" => share(size(0), 10),
        "replace" | "split" | "ip.isCanonical" | "format" => share(size(0) * 2, 10).max(share(size(1), 10)),
        "find" | "findAll" | "matches" => share(1 + size(0), 10) * share(size(1), 4),
        "contains" => share(size(0), 10) * share(size(1), 10),
        "startsWith" | "endsWith" => share(size(1), 10),
        "@in" => {
            if matches!(args.get(1), Some(Val::List(_) | Val::Array(..))) {
                size(1)
            } else {
                1
            }
        }
        // Maps are compared key by key.
        "_==_" | "_!=_" if matches!(args.first(), Some(Val::Map(_) | Val::Object(..))) => {
            let least = size(0).min(size(1));
            share(least, 10).max(least.saturating_mul(least) / 256)
        }
        "_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_" => share(size(0).min(size(1)), 10),
        "_+_" => match args {
            [Val::Str(_) | Val::Bytes(_), _] => share(size(0) + size(1), 10),
            // Joining lists copies them; the count is of what a list grows to.
            _ => 1,
        },
        "sets.contains" | "sets.equivalent" | "sets.intersects" => size(0).saturating_mul(size(1)).max(1),
        "distinct" => size(0).saturating_mul(size(0)).max(1),
        "slice" | "flatten" | "reverse" | "sort" | "@sortByAssociatedKeys" => size(0).max(1),
        "lists.range" => {
            if let Some(Val::Int(count)) = args.first() {
                (*count).max(1) as u64
            } else {
                1
            }
        }
        "join" => 0,
        _ => 1,
    }
}

/// What a call costs besides, known after it.
pub(super) fn after(name: &str, args: &[Val], found: &Val) -> u64 {
    match (name, args) {
        ("join", _) => share(actual(found) * 2, 10),
        ("format" | "replace", _) => share(actual(found), 10),
        // Copies are counted beyond what the real tracker counts, so that nothing takes long or grows without end.
        ("_+_", [Val::List(_) | Val::Array(..), _]) => actual(found) / 8,
        ("cel.@mapInsert", _) => actual(found) / 16,
        _ => 0,
    }
}

/// The least and the most.
type Size = (u64, u64);

const UNKNOWN: Size = (0, u64::MAX);

/// A place in a schema.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Schema(Value, bool),
    Key,
}

fn count(schema: &Value, key: &str) -> Option<u64> {
    schema[key].as_i64().map(|n| u64::try_from(n).unwrap_or(0))
}

/// How few bytes a value can be written in.
pub(super) fn least_bytes(schema: &Value) -> u64 {
    if schema["x-kubernetes-int-or-string"].is_true() {
        return 1;
    }
    match (schema["type"].str(), schema["format"].str()) {
        ("boolean", _) => 4,
        ("integer" | "number", _) => 1,
        ("string", "date") => 12,
        ("string", "date-time") => 22,
        ("string" | "array", _) => 2,
        ("object", _) if schema["additionalProperties"].as_object().is_some() => 2,
        ("object", _) => {
            let required = schema["required"].items().iter().filter_map(|name| {
                let own = schema["properties"].get(name.str())?;
                own.get("default").is_none().then(|| name.str().len() as u64 + least_bytes(own) + 4)
            });
            2 + required.sum::<u64>()
        }
        _ => 0,
    }
}

/// How many items, pairs or bytes there can be.
fn most(schema: &Value) -> u64 {
    if schema["x-kubernetes-int-or-string"].is_true() {
        return REQUEST - 2;
    }
    match (schema["type"].str(), schema["format"].str()) {
        ("array", _) => count(schema, "maxItems").unwrap_or((REQUEST - 2) / (least_bytes(&schema["items"]) + 1)),
        ("object", _) if schema["additionalProperties"].as_object().is_some() => {
            count(schema, "maxProperties").unwrap_or((REQUEST - 2) / (least_bytes(&schema["additionalProperties"]) + 6))
        }
        ("object", _) => 0,
        ("string", "duration") => 32,
        ("string", "date") => 12,
        ("string", "date-time") => 40,
        ("string", "byte") => count(schema, "maxLength").unwrap_or(REQUEST - 2),
        ("string", _) => {
            let values = schema["enum"].items().iter().map(|value| value.str().len() as u64).max();
            count(schema, "maxLength").map(|n| n.saturating_mul(4)).or(values).unwrap_or(REQUEST - 2)
        }
        _ => 1,
    }
}

/// How often a value can be there at most, when nothing else says so.
pub fn most_often(schema: &Value) -> u64 {
    REQUEST / (least_bytes(schema) + 1)
}

impl Place {
    fn size(&self) -> Size {
        match self {
            Place::Schema(schema, _) => (0, most(schema)),
            Place::Key => (0, 0),
        }
    }

    fn field(&self, written: &str) -> Option<Place> {
        let Place::Schema(schema, resource) = self else { return None };
        let name = super::types::unescape(written);
        if *resource && matches!(name.as_str(), "kind" | "apiVersion") {
            return Some(Place::Schema(drydock_value::value!({"type": "string"}), false));
        }
        let own = schema["properties"].get(&name).cloned();
        let own =
            own.or_else(|| schema["additionalProperties"].as_object().map(|_| schema["additionalProperties"].clone()));
        Some(Place::Schema(own?, false))
    }

    fn item(&self) -> Option<Place> {
        let Place::Schema(schema, _) = self else { return None };
        let key = if schema["type"] == "array" { "items" } else { "additionalProperties" };
        schema[key].as_object().map(|_| Place::Schema(schema[key].clone(), false))
    }
}

#[derive(Debug, Clone, Default)]
struct Info {
    cost: u64,
    size: Option<Size>,
    /// The sizes of keys and values.
    entries: Option<(Size, Size)>,
    place: Option<Place>,
}

impl Info {
    fn of(cost: u64) -> Info {
        Info { cost, ..Info::default() }
    }
}

pub(super) struct Estimator<'a> {
    pub(super) places: &'a [(&'a str, &'a Value, bool)],
    locals: Vec<(String, Info)>,
}

/// What a program may cost at most, when its variables are described by schemas.
pub(super) fn estimate(root: &Expr, places: &[(&str, &Value, bool)]) -> u64 {
    Estimator { places, locals: Vec::new() }.visit(root).cost
}

fn tenth(count: u64) -> u64 {
    if count == u64::MAX { count } else { share(count, 10) }
}

fn joined(a: Option<Size>, b: Option<Size>) -> Option<Size> {
    let (a, b) = (a?, b?);
    Some((a.0.min(b.0), a.1.max(b.1)))
}

impl Estimator<'_> {
    fn size(&self, expr: &Expr, info: &Info) -> Size {
        let own = info.size.or_else(|| match &expr.kind {
            Kind::Literal(value) => Some((actual(value), actual(value))),
            Kind::List(items) => Some((items.len() as u64, items.len() as u64)),
            Kind::Map(pairs) => Some((pairs.len() as u64, pairs.len() as u64)),
            _ => None,
        });
        let scalar = matches!(
            expr.ty,
            Type::Bool | Type::Int | Type::Uint | Type::Double | Type::Timestamp | Type::Duration | Type::Null
        );
        own.or_else(|| info.place.as_ref().map(Place::size)).or(scalar.then_some((1, 1))).unwrap_or(UNKNOWN)
    }

    fn visit(&mut self, expr: &Expr) -> Info {
        match &expr.kind {
            Kind::Literal(_) => Info::default(),
            Kind::Ident(name) => {
                if let Some((_, info)) = self.locals.iter().rev().find(|(known, _)| known == name) {
                    return Info { cost: 1, ..info.clone() };
                }
                let found = self.places.iter().find(|(known, ..)| known == name);
                let place = found.map(|(_, schema, resource)| Place::Schema((*schema).clone(), *resource));
                Info { cost: 1, place, ..Info::default() }
            }
            Kind::Select(of, field, test) => {
                let inner = self.visit(of);
                if *test {
                    return Info::of(inner.cost);
                }
                let own = u64::from(matches!(of.ty, Type::Map(..) | Type::Object(_) | Type::Var(_)));
                let place = inner.place.and_then(|place| place.field(field));
                Info { cost: inner.cost.saturating_add(own), place, ..Info::default() }
            }
            Kind::Call(call) => self.call(call),
            Kind::List(items) => {
                let mut info = Info::of(10);
                let mut sizes: Option<Size> = None;
                for (item, _) in items {
                    let inner = self.visit(item);
                    info.cost = info.cost.saturating_add(inner.cost);
                    let size = self.size(item, &inner);
                    sizes = joined(sizes, Some(size)).or(Some(size));
                }
                info.entries = Some(((1, 1), sizes.unwrap_or((0, 0))));
                info
            }
            Kind::Map(pairs) => {
                let mut info = Info::of(30);
                let mut sizes: Option<(Size, Size)> = None;
                for (key, value, _) in pairs {
                    let (of_key, of_value) = (self.visit(key), self.visit(value));
                    info.cost = info.cost.saturating_add(of_key.cost).saturating_add(of_value.cost);
                    let found = (self.size(key, &of_key), self.size(value, &of_value));
                    sizes = Some(sizes.map_or(found, |(a, b)| {
                        (
                            joined(Some(a), Some(found.0)).unwrap_or(UNKNOWN),
                            joined(Some(b), Some(found.1)).unwrap_or(UNKNOWN),
                        )
                    }));
                }
                info.entries = Some(sizes.unwrap_or(((0, 0), (0, 0))));
                info
            }
            Kind::Struct(_, fields) => {
                let cost =
                    fields.iter().fold(40u64, |sum, (_, _, value, _)| sum.saturating_add(self.visit(value).cost));
                Info::of(cost)
            }
            Kind::Fold(fold) => self.fold(fold),
        }
    }

    fn fold(&mut self, fold: &Fold) -> Info {
        let range = self.visit(&fold.range);
        let start = self.visit(&fold.start);
        let mut cost = range.cost.saturating_add(start.cost);
        let depth = self.locals.len();
        let binding = fold.result_name != super::macros::RESULT;
        self.locals.push((fold.result_name.clone(), Info { size: start.size, ..start.clone() }));
        if binding {
            let result = self.visit(&fold.result);
            self.locals.truncate(depth);
            return Info { cost: cost.saturating_add(result.cost), ..result };
        }
        let is_list = matches!(fold.range.ty, Type::List(..))
            || matches!(&range.place, Some(Place::Schema(schema, _)) if schema["type"] == "array");
        let item = || range.place.as_ref().and_then(Place::item);
        let value = Info { place: item(), size: range.entries.map(|(_, value)| value), ..Info::default() };
        let key = Info {
            place: range.place.as_ref().map(|_| Place::Key),
            size: range.entries.map(|(key, _)| key),
            ..Info::default()
        };
        match (&fold.second, is_list) {
            (Some(second), _) => {
                self.locals.push((
                    fold.item.clone(),
                    if is_list { Info { size: Some((1, 1)), ..Info::default() } } else { key },
                ));
                self.locals.push((second.clone(), value));
            }
            (None, true) => self.locals.push((fold.item.clone(), value)),
            (None, false) => self.locals.push((fold.item.clone(), key)),
        }
        let round = self.visit(&fold.while_).cost;
        let step = self.visit(&fold.step);
        self.locals.truncate(depth + 1);
        let result = self.visit(&fold.result);
        self.locals.truncate(depth);
        let rounds = self.size(&fold.range, &range);
        cost = cost.saturating_add(result.cost);
        cost = cost.saturating_add(rounds.1.saturating_mul(round.saturating_add(step.cost)));
        match &fold.start.kind {
            Kind::List(_) | Kind::Map(_) => Info { cost, size: Some(rounds), entries: step.entries, place: None },
            _ => Info { cost, size: Some((1, 1)), ..Info::default() },
        }
    }

    fn call(&mut self, call: &Call) -> Info {
        let parts: Vec<&Expr> = call.target.iter().chain(&call.args).collect();
        let infos: Vec<Info> = parts.iter().map(|part| self.visit(part)).collect();
        let sum = infos.iter().fold(0u64, |sum, info| sum.saturating_add(info.cost));
        let cost = |at: usize| infos.get(at).map_or(0, |info| info.cost);
        let size = |at: usize| infos.get(at).map_or((0, 0), |info| self.size(parts[at], info));
        let overloads = declarations::function(&call.name);
        let first = |wanted: &[Type]| {
            overloads.is_some_and(|function| {
                let fitting = call.overloads.iter().filter_map(|at| function.overloads.get(usize::from(*at)));
                fitting.filter_map(|overload| overload.parameters.first()).any(|ty| wanted.contains(ty))
            })
        };
        let texts = first(&[Type::String, Type::Bytes]);
        let (a, b) = (size(0), size(1));
        let mut entries = None;
        let mut place = None;
        let (own, size): (u64, Option<Size>) = match call.name.as_str() {
            "_?_:_" => {
                let cost = cost(0).saturating_add(cost(1).max(cost(2)));
                let size = joined(Some(b), Some(size(2)));
                return Info { cost, size, entries: infos.get(1).and_then(|info| info.entries), place: None };
            }
            "_&&_" | "_||_" => (0, None),
            "dyn" => {
                let inner = infos.into_iter().next().unwrap_or_default();
                return Info { cost: inner.cost.saturating_add(1), ..inner };
            }
            "check" => (350_000, None),
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
                let item = match &infos.first().and_then(|info| info.place.as_ref().and_then(Place::item)) {
                    Some(item) => item.size(),
                    None => infos.first().and_then(|info| info.entries).map_or(UNKNOWN, |(_, value)| value),
                };
                let of_texts = matches!(&parts[0].ty, Type::List(of, _) if matches!(**of, Type::String | Type::Bytes));
                let each = match &parts[0].ty {
                    Type::List(..) => 1u64.saturating_add(if of_texts { tenth(item.1) } else { 0 }),
                    _ => return Info { cost: sum.saturating_add(tenth(a.1)), size: Some((1, 1)), ..Info::default() },
                };
                (a.1.saturating_mul(each), None)
            }
            "url" | "quantity" | "isQuantity" | "isURL" | "isIP" | "isCIDR" | "cidr" | "ip" | "semver" | "isSemver" => {
                (if texts { tenth(a.1) } else { 1 }, None)
            }
            "ip.isCanonical" => (tenth(a.1.saturating_mul(2)), None),
            "lowerAscii" | "upperAscii" | "substring" | "trim" => (tenth(a.1), Some(a)),
            "bytes" | "string" if texts => {
                (tenth(a.1), Some(if call.name == "bytes" { (a.0, a.1.saturating_mul(4)) } else { (a.0 / 4, a.1) }))
            }
            // Numbers and times are written in a few letters.
            "string" if !matches!(parts[0].ty, Type::Dyn) => (1, Some((1, 35))),
            "replace" => {
                let new = size(2);
                let longest = match (b.0, new.1) {
                    (0, new) => a.1.saturating_add(1).saturating_mul(new).saturating_add(a.1),
                    (old, new) if new <= old => a.1,
                    (old, new) => a.1.div_ceil(old).saturating_mul(new),
                };
                (tenth(a.1.saturating_mul(2)), Some((0, longest)))
            }
            "split" => (tenth(a.1.saturating_mul(2)), Some((0, a.1))),
            "join" => {
                let item = infos.first().and_then(|info| info.place.as_ref().and_then(Place::item));
                let entries = infos.first().and_then(|info| info.entries);
                let item = item.map(|item| item.size()).or(entries.map(|(_, value)| value)).unwrap_or(UNKNOWN);
                let between = if infos.len() > 1 { b.1.saturating_mul(a.1.saturating_sub(1)) } else { 0 };
                let length = a.1.saturating_mul(item.1).saturating_add(between);
                (tenth(length), Some((0, length)))
            }
            "find" | "findAll" | "matches" => {
                let cost = tenth(a.1.saturating_add(1)).saturating_mul(share(b.1, 4));
                (cost, (call.name != "matches").then_some((0, a.1)))
            }
            "contains" => (tenth(a.1).saturating_mul(tenth(b.1)), None),
            "startsWith" | "endsWith" => (tenth(b.1), None),
            "format" | "strings.quote" => (tenth(a.1), None),
            "containsIP" | "containsCIDR" => (4, None),
            "sets.contains" | "sets.intersects" => (a.1.saturating_mul(b.1).saturating_add(1), None),
            "sets.equivalent" => (a.1.saturating_mul(b.1).saturating_mul(2).saturating_add(1), None),
            "distinct" => (a.1.saturating_mul(a.1).saturating_add(1), Some(a)),
            "slice" | "reverse" | "sort" | "flatten" => (a.1.saturating_add(1), Some(a)),
            "@in" if matches!(parts[1].ty, Type::List(..) | Type::Dyn) => (b.1, None),
            "_==_" | "_!=_" => (tenth(a.1.min(b.1)), None),
            "_<_" | "_<=_" | "_>_" | "_>=_" if texts => (tenth(a.1.min(b.1)), None),
            "_+_" => {
                let both = (a.0.saturating_add(b.0), a.1.saturating_add(b.1));
                let list = matches!(parts[0].ty, Type::List(..));
                if list {
                    let value = |at: usize| infos.get(at).and_then(|info| info.entries).map(|(_, value)| value);
                    let found = match (value(0), value(1)) {
                        (Some(a), Some(b)) => joined(Some(a), Some(b)),
                        (a, b) => a.or(b),
                    };
                    entries = found.map(|value| ((1, 1), value));
                }
                (if texts { tenth(both.1) } else { 1 }, (texts || list).then_some(both))
            }
            "_[_]" => {
                let found = infos.first();
                place = found.and_then(|info| info.place.as_ref().and_then(Place::item));
                (1, found.and_then(|info| info.entries).map(|(_, value)| value))
            }
            _ => (1, None),
        };
        Info { cost: sum.saturating_add(own), size, entries, place }
    }
}
