//! From trees to values, at a cost that is counted.

use std::sync::Arc;

use drydock_value::Str;

use super::authorizer::Authorizer;
use super::call;
use super::expr::{Call, Expr, Fold, Kind};
use super::val::{Val, equal};

/// What a run may cost.
pub const CALL_LIMIT: u64 = 1_000_000;

pub(super) const TOO_DEAR: &str = "operation cancelled: actual cost limit exceeded";

pub(super) const NO_OVERLOAD: &str = "no such overload";

/// A value, or why there is none.
pub(super) type Found = Result<Val, Str>;

pub(super) fn failed<T>(why: impl Into<Str>) -> Result<T, Str> {
    Err(why.into())
}

/// What the variables stand for. They are asked for when they are needed.
pub trait Variables {
    /// The value of a variable.
    ///
    /// # Errors
    /// Why it has none.
    fn value(&self, name: &str) -> Option<Result<Val, String>>;

    /// A field of a variable whose fields are found out one by one.
    fn field(&self, _name: &str, _field: &str) -> Option<Result<Val, String>> {
        None
    }

    /// What was used up to find out values, since it was last asked.
    fn cost(&self) -> u64 {
        0
    }
}

impl Variables for [(&str, Val)] {
    fn value(&self, name: &str) -> Option<Result<Val, String>> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| Ok(value.clone()))
    }
}

pub(super) struct Machine<'a> {
    pub(super) variables: &'a dyn Variables,
    pub(super) authorizer: Option<&'a dyn Authorizer>,
    pub(super) locals: Vec<(String, Val)>,
    pub(super) cost: u64,
}

impl Machine<'_> {
    fn charge(&mut self, cost: u64) -> Result<(), Str> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > CALL_LIMIT { failed(TOO_DEAR) } else { Ok(()) }
    }

    pub(super) fn value(&mut self, of: &Expr) -> Found {
        match &of.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Ident(name) => {
                self.charge(1)?;
                if let Some((_, value)) = self.locals.iter().rev().find(|(known, _)| known == name) {
                    return Ok(value.clone());
                }
                let found = self.variables.value(name);
                self.charge(self.variables.cost())?;
                match found {
                    Some(found) => found.map_err(Str::from),
                    None => failed(format!("no such attribute(s): {name}")),
                }
            }
            Kind::Select(of, field, false)
                if let Kind::Ident(name) = &of.kind
                    && let Some(found) = self.variables.field(name, field) =>
            {
                self.charge(2u64.saturating_add(self.variables.cost()))?;
                found.map_err(Str::from)
            }
            Kind::Select(of, field, test) => {
                let target = self.value(of)?;
                if *test {
                    return match &target {
                        Val::Optional(inner) => {
                            Ok(inner.as_ref().is_some_and(|inner| inner.field(field).is_some()).into())
                        }
                        _ => Ok(target.field(field).is_some().into()),
                    };
                }
                self.charge(1)?;
                select(&target, field)
            }
            Kind::Call(call) => self.call(call),
            Kind::List(items) => {
                self.charge(10)?;
                let mut out = Vec::with_capacity(items.len());
                for (item, optional) in items {
                    match (self.value(item)?, optional) {
                        (Val::Optional(inner), true) => out.extend(inner.map(|inner| (*inner).clone())),
                        (value, _) => out.push(value),
                    }
                }
                Ok(out.into())
            }
            Kind::Map(pairs) => {
                self.charge(30)?;
                let mut out: Vec<(Val, Val)> = Vec::with_capacity(pairs.len());
                for (key, value, optional) in pairs {
                    let key = self.value(key)?;
                    let value = match (self.value(value)?, optional) {
                        (Val::Optional(None), true) => continue,
                        (Val::Optional(Some(inner)), true) => (*inner).clone(),
                        (value, _) => value,
                    };
                    // Of a key that is written twice the last value counts.
                    match out.iter_mut().find(|(known, _)| equal(known, &key)) {
                        Some((_, place)) => *place = value,
                        None => insert(&mut out, key, value)?,
                    }
                }
                Ok(Val::Map(Arc::new(out)))
            }
            Kind::Struct(_, fields) => {
                self.charge(40)?;
                let mut out = Vec::with_capacity(fields.len());
                for (_, field, value, optional) in fields {
                    match (self.value(value)?, optional) {
                        (Val::Optional(inner), true) => {
                            out.extend(inner.map(|inner| (Val::from(super::types::unescape(field)), (*inner).clone())));
                        }
                        (value, _) => out.push((Val::from(super::types::unescape(field)), value)),
                    }
                }
                Ok(Val::Map(Arc::new(out)))
            }
            Kind::Fold(fold) => self.fold(fold),
        }
    }

    fn call(&mut self, call: &Call) -> Found {
        match (call.name.as_str(), call.args.as_slice()) {
            ("_||_", [a, b]) => return self.logic(true, a, b),
            ("_&&_", [a, b]) => return self.logic(false, a, b),
            ("_?_:_", [which, yes, no]) => {
                return match self.value(which)? {
                    Val::Bool(true) => self.value(yes),
                    Val::Bool(false) => self.value(no),
                    _ => failed(NO_OVERLOAD),
                };
            }
            ("@not_strictly_false", [of]) => {
                self.charge(1)?;
                return Ok(Val::Bool(!matches!(self.value(of), Ok(Val::Bool(false)))));
            }
            ("or" | "orValue", [other]) if call.target.is_some() => {
                // The other one is looked at only when it is needed.
                self.charge(1)?;
                let Some(target) = &call.target else { return failed(NO_OVERLOAD) };
                return match (self.value(target)?, call.name.as_str()) {
                    (Val::Optional(None), _) => self.value(other),
                    (Val::Optional(Some(inner)), "orValue") => Ok((*inner).clone()),
                    (found @ Val::Optional(_), _) => Ok(found),
                    _ => failed(NO_OVERLOAD),
                };
            }
            _ => {}
        }
        let mut args = Vec::with_capacity(call.args.len() + 1);
        for part in call.target.iter().chain(&call.args) {
            args.push(self.value(part)?);
        }
        self.charge(super::cost::before(&call.name, &args))?;
        let found = match call.name.as_str() {
            "check" => super::authorizer::check(self.authorizer, &args)?,
            name => call::call(name, &args)?,
        };
        self.charge(super::cost::after(&call.name, &args, &found))?;
        Ok(found)
    }

    /// `||` and `&&`: one side may fail when the other decides.
    fn logic(&mut self, decides: bool, a: &Expr, b: &Expr) -> Found {
        let first = self.value(a);
        if matches!(&first, Ok(Val::Bool(b)) if *b == decides) {
            return first;
        }
        let second = self.value(b);
        match (&first, &second) {
            (_, Ok(Val::Bool(b))) if *b == decides => second,
            (Err(_), _) => first,
            (_, Err(_)) => second,
            (Ok(Val::Bool(_)), Ok(Val::Bool(_))) => Ok(Val::Bool(!decides)),
            _ => failed(NO_OVERLOAD),
        }
    }

    fn fold(&mut self, fold: &Fold) -> Found {
        let range = self.value(&fold.range)?;
        let start = self.value(&fold.start);
        let depth = self.locals.len();
        // A failed step is a value of the loop as well: a later one may decide in its place.
        let mut state = start;
        let mut rounds: Vec<(Val, Option<Val>)> = Vec::new();
        if let Some(items) = range.items() {
            let two = fold.second.is_some();
            rounds.extend(items.iter().enumerate().map(|(at, item)| match two {
                true => (Val::from(at), Some(item.clone())),
                false => (item.clone(), None),
            }));
        } else if let Some(pairs) = range.pairs() {
            rounds.extend(pairs.iter().map(|(key, value)| (key.clone(), Some(value.clone()))));
        } else {
            return failed(NO_OVERLOAD);
        }
        for (first, second) in rounds {
            self.locals.truncate(depth);
            self.locals.push((fold.item.clone(), first));
            if let (Some(name), Some(second)) = (&fold.second, second) {
                self.locals.push((name.clone(), second));
            }
            let go = self.with_result(fold, &state, &fold.while_);
            if matches!(go, Ok(Val::Bool(false))) {
                break;
            }
            state = match state {
                Ok(state) if grows(&fold.step, &fold.result_name) => self.grown(state, &fold.step),
                state => self.with_result(fold, &state, &fold.step),
            };
            if matches!(&state, Err(why) if why.as_str() == TOO_DEAR) {
                break;
            }
        }
        self.locals.truncate(depth);
        let result = self.with_result(fold, &state, &fold.result);
        self.locals.truncate(depth);
        result
    }

    /// A part of a loop, with the result so far under its name.
    fn with_result(&mut self, fold: &Fold, state: &Found, part: &Expr) -> Found {
        let depth = self.locals.len();
        match state {
            Ok(value) => {
                self.locals.push((fold.result_name.clone(), value.clone()));
                let found = self.value(part);
                self.locals.truncate(depth);
                found
            }
            Err(why) => self.despite(why, part),
        }
    }

    /// One round of a loop that only adds to its result: it is added in place, not to a copy.
    fn grown(&mut self, mut state: Val, step: &Expr) -> Found {
        let Kind::Call(call) = &step.kind else { return Ok(state) };
        match (call.name.as_str(), call.args.as_slice()) {
            ("_?_:_", [which, more, _]) => match self.value(which)? {
                Val::Bool(true) => return self.grown(state, more),
                Val::Bool(false) => self.charge(1)?,
                _ => return failed(NO_OVERLOAD),
            },
            ("_+_", [_, more]) => {
                let more = self.value(more)?;
                self.charge(2)?;
                match (&mut state, more.items()) {
                    (Val::List(items), Some(more)) => Arc::make_mut(items).extend(more.iter().cloned()),
                    _ => return failed(NO_OVERLOAD),
                }
            }
            _ => return failed(NO_OVERLOAD),
        }
        Ok(state)
    }

    /// A part of a loop whose result so far is an error. Only logic can do something with it.
    fn despite(&mut self, why: &Str, part: &Expr) -> Found {
        if let Kind::Call(call) = &part.kind
            && let Some(decides) = match call.name.as_str() {
                "_||_" => Some(true),
                "_&&_" => Some(false),
                _ => None,
            }
            && why.as_str() != TOO_DEAR
            && let [_, body] = call.args.as_slice()
            && let found @ Ok(Val::Bool(_)) = self.value(body)
            && matches!(&found, Ok(Val::Bool(b)) if *b == decides)
        {
            return found;
        }
        Err(why.clone())
    }
}

/// Whether a step adds to a list, on some condition or on none.
fn grows(step: &Expr, result: &str) -> bool {
    let is_result = |part: &Expr| matches!(&part.kind, Kind::Ident(name) if name == result);
    let Kind::Call(call) = &step.kind else { return false };
    match (call.name.as_str(), call.args.as_slice()) {
        ("_?_:_", [_, more, same]) => is_result(same) && grows(more, result),
        ("_+_", [list, more]) => is_result(list) && matches!(more.kind, Kind::List(_)),
        _ => false,
    }
}

/// Adds a pair, unless the key is there.
pub(super) fn insert(out: &mut Vec<(Val, Val)>, key: Val, value: Val) -> Result<(), Str> {
    if !matches!(key, Val::Str(_) | Val::Int(_) | Val::Uint(_) | Val::Bool(_)) {
        return failed("unsupported key type");
    }
    if out.iter().any(|(known, _)| equal(known, &key)) {
        return failed(format!("insert failed: key {} already exists", super::format::shown(&key)));
    }
    out.push((key, value));
    Ok(())
}

pub(super) fn select(target: &Val, field: &str) -> Found {
    match target {
        Val::Optional(None) => Ok(target.clone()),
        Val::Optional(Some(inner)) => Ok(match inner.field(field) {
            Some(found @ Val::Optional(_)) => found,
            found => Val::Optional(found.map(Arc::new)),
        }),
        // What has no fields lacks this one.
        _ => match target.field(field) {
            Some(found) => Ok(found),
            None => failed(format!("no such key: {}", super::types::unescape(field))),
        },
    }
}

/// An item or the value of a key.
pub(super) fn index(of: &Val, at: &Val) -> Found {
    match of {
        Val::Optional(None) => return Ok(of.clone()),
        Val::Optional(Some(inner)) => return Ok(Val::Optional(index(inner, at).ok().map(Arc::new))),
        _ => {}
    }
    let whole = match at {
        Val::Int(n) => Some(*n),
        Val::Uint(n) => i64::try_from(*n).ok(),
        Val::Double(n) if n.fract() == 0.0 && n.abs() < 9e15 => Some(*n as i64),
        _ => None,
    };
    match of {
        Val::List(_) | Val::Array(..) => {
            let Some(whole) = whole else {
                return failed(format!("unsupported index type '{}' in list", at.type_of().text()));
            };
            let found = usize::try_from(whole).ok().and_then(|at| match of {
                Val::List(items) => items.get(at).cloned(),
                Val::Array(items, ty, _) => items.get(at).map(|item| Val::of(item, ty)),
                _ => None,
            });
            found.map_or_else(|| failed(format!("index out of bounds: {whole}")), Ok)
        }
        Val::Object(_, ty) => {
            let found = match (at.as_str(), ty) {
                (Some(key), super::types::Type::Object(_)) => super::types::escape(key).and_then(|key| of.field(&key)),
                (Some(key), _) => of.field(key),
                (None, _) => None,
            };
            found.map_or_else(|| failed(format!("no such key: {}", super::format::shown(at))), Ok)
        }
        Val::Map(pairs) => match pairs.iter().find(|(key, _)| equal(key, at)) {
            Some((_, value)) => Ok(value.clone()),
            None => failed(format!("no such key: {}", super::format::shown(at))),
        },
        _ => failed(NO_OVERLOAD),
    }
}
