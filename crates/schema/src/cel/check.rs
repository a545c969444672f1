//! The type checker.

use std::sync::Arc;

use super::declarations::{self, Function};
use super::expr::{Call, Expr, Fold, Kind};
use super::lex::Problems;
use super::types::Type;
use super::val::Val;

/// What an expression may name.
#[derive(Debug, Clone, Default)]
pub struct Env {
    /// Variables with their types.
    pub variables: Vec<(String, Type)>,
    /// Object types that expressions may make: `Object`, `JSONPatch`.
    pub objects: Vec<(String, Type)>,
    /// Whether `cel.bind` is there.
    pub bindings: bool,
}

impl Env {
    /// With these variables.
    pub fn of(variables: &[(&str, Type)]) -> Env {
        let variables = variables.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect();
        Env { variables, ..Env::default() }
    }
}

pub(super) struct Checker<'a> {
    env: &'a Env,
    scopes: Vec<(String, Type)>,
    /// What type variables stand for.
    bound: Vec<Option<Type>>,
    /// What they stood for before each change, so that a call that does not fit leaves nothing behind.
    trail: Vec<(u32, Option<Type>)>,
    problems: &'a mut Problems,
}

/// Checks a tree, and notes the types in it.
pub(super) fn check(root: &mut Expr, env: &Env, problems: &mut Problems) {
    let mut checker = Checker { env, scopes: Vec::new(), bound: Vec::new(), trail: Vec::new(), problems };
    checker.visit(root);
    checker.settle(root);
}

impl Checker<'_> {
    fn fail(&mut self, at: u32, why: String) -> Type {
        self.problems.push((at, why));
        Type::Error
    }

    fn fresh(&mut self) -> Type {
        self.bound.push(None);
        Type::Var(self.bound.len() as u32 - 1)
    }

    fn bind(&mut self, at: u32, ty: Type) {
        let before = self.bound[at as usize].replace(ty);
        self.trail.push((at, before));
    }

    /// A type with what is known of its variables; those that are free stay, or become dyn.
    fn resolved(&self, ty: &Type, free_is_dyn: bool) -> Type {
        let inner = |ty: &Arc<Type>| Arc::new(self.resolved(ty, free_is_dyn));
        match ty {
            Type::Var(at) => match &self.bound[*at as usize] {
                Some(bound) => self.resolved(bound, free_is_dyn),
                None if free_is_dyn => Type::Dyn,
                None => ty.clone(),
            },
            Type::List(of, listed) => Type::List(inner(of), listed.clone()),
            Type::Map(key, of) => Type::Map(inner(key), inner(of)),
            Type::Optional(of) => Type::Optional(inner(of)),
            Type::Type(of) => Type::Type(inner(of)),
            other => other.clone(),
        }
    }

    fn occurs(&self, at: u32, ty: &Type) -> bool {
        match ty {
            Type::Var(other) if *other == at => true,
            Type::Var(other) => self.bound[*other as usize].as_ref().is_some_and(|ty| self.occurs(at, ty)),
            Type::List(of, _) | Type::Optional(of) | Type::Type(of) => self.occurs(at, of),
            Type::Map(key, of) => self.occurs(at, key) || self.occurs(at, of),
            _ => false,
        }
    }

    /// Whether a value of type `from` may stand where `to` is wanted; binds variables.
    fn fits(&mut self, to: &Type, from: &Type) -> bool {
        for (var, other) in [(to, from), (from, to)] {
            if let Type::Var(at) = var {
                if matches!(other, Type::Var(same) if same == at) {
                    return true;
                }
                if let Some(bound) = self.bound[*at as usize].clone() {
                    let fits = if std::ptr::eq(var, to) { self.fits(&bound, other) } else { self.fits(other, &bound) };
                    if fits && matches!(other, Type::Dyn) {
                        // What is only known as dyn makes the whole so.
                        self.bind(*at, Type::Dyn);
                    }
                    return fits;
                }
                if self.occurs(*at, other) {
                    return false;
                }
                self.bind(*at, other.clone());
                return true;
            }
        }
        match (to, from) {
            (Type::Dyn | Type::Error, _) | (_, Type::Dyn | Type::Error) => true,
            (Type::Object(_) | Type::Opaque(_) | Type::Timestamp | Type::Duration, Type::Null)
            | (Type::Null, Type::Object(_) | Type::Opaque(_) | Type::Timestamp | Type::Duration) => true,
            (Type::List(a, _), Type::List(b, _)) | (Type::Optional(a), Type::Optional(b)) => self.fits(a, b),
            (Type::Map(k, a), Type::Map(l, b)) => self.fits(k, l) && self.fits(a, b),
            (Type::Type(_), Type::Type(_)) => true,
            (a, b) => a == b,
        }
    }

    fn fit_all(&mut self, to: &[Type], from: &[Type]) -> bool {
        let mark = self.trail.len();
        let fits = to.len() == from.len() && to.iter().zip(from).all(|(to, from)| self.fits(to, from));
        while !fits && self.trail.len() > mark {
            if let Some((at, before)) = self.trail.pop() {
                self.bound[at as usize] = before;
            }
        }
        fits
    }

    fn variable(&self, name: &str) -> Option<Type> {
        let own = self.scopes.iter().rev().find(|(known, _)| known == name);
        let found = own.or_else(|| self.env.variables.iter().find(|(known, _)| known == name));
        found.map(|(_, ty)| ty.clone())
    }

    fn visit(&mut self, expr: &mut Expr) -> Type {
        let ty = self.type_of(expr);
        expr.ty = ty.clone();
        ty
    }

    fn type_of(&mut self, expr: &mut Expr) -> Type {
        let at = expr.at;
        match &mut expr.kind {
            Kind::Literal(value) => value.type_of(),
            Kind::Ident(name) => {
                if let Some(ty) = self.variable(name) {
                    return ty;
                }
                match declarations::type_named(name) {
                    Some(ty) => {
                        expr.kind = Kind::Literal(Val::Type(ty.clone()));
                        Type::Type(Arc::new(ty))
                    }
                    None => {
                        let why = format!("undeclared reference to '{name}' (in container '')");
                        self.fail(at, why)
                    }
                }
            }
            Kind::Select(of, field, test) => {
                let (field, test) = (field.clone(), *test);
                // `authorizer.requestResource` is a variable of its own.
                if !test
                    && let Some(name) = of.qualified()
                    && let Some(ty) = self.variable(&format!("{name}.{field}"))
                {
                    expr.kind = Kind::Ident(format!("{name}.{field}"));
                    return ty;
                }
                if !test
                    && let Some(name) = of.qualified()
                    && self.variable(name.split('.').next().unwrap_or_default()).is_none()
                    && let Some(ty) = declarations::type_named(&format!("{name}.{field}"))
                {
                    expr.kind = Kind::Literal(Val::Type(ty.clone()));
                    return Type::Type(Arc::new(ty));
                }
                let target = self.visit(of);
                let found = self.field(at, &target, &field);
                if test { Type::Bool } else { found }
            }
            Kind::Call(call) => self.call(at, call),
            Kind::List(items) => {
                let mut of = None;
                for (item, optional) in items {
                    let place = item.at;
                    let mut ty = self.visit(item);
                    if *optional {
                        ty = self.unwrapped(place, ty);
                    }
                    of = Some(self.joined(place, of, ty));
                }
                Type::list(of.unwrap_or_else(|| self.fresh()))
            }
            Kind::Map(pairs) => {
                let (mut key_type, mut value_type) = (None, None);
                for (key, value, optional) in pairs {
                    let ty = self.visit(key);
                    key_type = Some(self.joined(key.at, key_type, ty));
                    let mut ty = self.visit(value);
                    if *optional {
                        ty = self.unwrapped(value.at, ty);
                    }
                    value_type = Some(self.joined(value.at, value_type, ty));
                }
                let key = key_type.unwrap_or_else(|| self.fresh());
                let value = value_type.unwrap_or_else(|| self.fresh());
                Type::Map(Arc::new(key), Arc::new(value))
            }
            Kind::Struct(name, fields) => {
                let name = name.clone();
                let found = self.env.objects.iter().find(|(known, _)| *known == name).map(|(_, ty)| ty.clone());
                // Parts of an object are named by the way to them: `Object.spec.template`.
                let found = found.or_else(|| {
                    let (root, _) = name.split_once('.')?;
                    self.env.objects.iter().any(|(known, _)| known == root).then(|| Type::open(&name))
                });
                let Some(ty) = found else {
                    let why = format!("undeclared reference to '{name}' (in container '')");
                    return self.fail(at, why);
                };
                for (place, field, value, optional) in fields {
                    let mut given = self.visit(value);
                    if *optional {
                        given = self.unwrapped(value.at, given);
                    }
                    let wanted = self.field(*place, &ty, field);
                    if !self.fits(&wanted, &given) {
                        let (wanted, given) = (self.resolved(&wanted, false), self.resolved(&given, false));
                        let (wanted, given) = (wanted.text(), given.text());
                        let why =
                            format!("expected type of field '{field}' is '{wanted}' but provided type is '{given}'");
                        self.fail(*place, why);
                    }
                }
                ty
            }
            Kind::Fold(fold) => self.fold(fold),
        }
    }

    fn unwrapped(&mut self, at: u32, ty: Type) -> Type {
        match self.resolved(&ty, false) {
            Type::Optional(of) => (*of).clone(),
            Type::Dyn | Type::Error => Type::Dyn,
            other => {
                let why = format!("expected type 'optional_type({})' but found '{}'", other.text(), other.text());
                self.fail(at, why)
            }
        }
    }

    fn joined(&mut self, at: u32, before: Option<Type>, ty: Type) -> Type {
        let Some(before) = before else { return ty };
        if self.fits(&before, &ty) {
            return if matches!(ty, Type::Dyn) { ty } else { before };
        }
        let (before_text, text) = (self.resolved(&before, false).text(), self.resolved(&ty, false).text());
        self.fail(at, format!("expected type '{before_text}' but found '{text}'"));
        before
    }

    fn field(&mut self, at: u32, target: &Type, field: &str) -> Type {
        match self.resolved(target, false) {
            Type::Error | Type::Dyn => Type::Dyn,
            Type::Map(_, of) => (*of).clone(),
            Type::Var(var) => {
                self.bind(var, Type::Dyn);
                Type::Dyn
            }
            Type::Optional(of) => {
                let inner = self.field(at, &of, field);
                match inner {
                    Type::Error => Type::Error,
                    Type::Optional(_) => inner,
                    inner => inner.optional(),
                }
            }
            Type::Object(object) => match object.field(field) {
                Some(ty) => ty,
                None => self.fail(at, format!("undefined field '{field}'")),
            },
            other => {
                let why = format!("type '{}' does not support field selection", other.text());
                self.fail(at, why)
            }
        }
    }

    fn call(&mut self, at: u32, call: &mut Call) -> Type {
        if call.name == "_?._" {
            let [of, field] = call.args.as_mut_slice() else { return Type::Error };
            let target = self.visit(of);
            let Kind::Literal(Val::Str(name)) = &field.kind else { return Type::Error };
            let name = name.to_string();
            field.ty = Type::String;
            let found = self.field(at, &target, &name);
            return match found {
                Type::Error => Type::Error,
                Type::Optional(_) if matches!(self.resolved(&target, false), Type::Optional(_)) => found,
                found => found.optional(),
            };
        }
        // `optional.of(x)` is a function with a point in its name.
        if let Some(target) = &call.target
            && let Some(space) = target.qualified()
            && self.variable(space.split('.').next().unwrap_or_default()).is_none()
        {
            let full = format!("{space}.{}", call.name);
            if declarations::function(&full).is_some() {
                call.name = full;
                call.target = None;
            }
        }
        let mixed = call.name == "format";
        let mut args = Vec::with_capacity(call.args.len() + 1);
        for arg in &mut call.args {
            // What a text is filled in with may be of any types, side by side.
            args.push(match &mut arg.kind {
                Kind::List(items) if mixed => {
                    items.iter_mut().for_each(|(item, _)| drop(self.visit(item)));
                    arg.ty = Type::list(Type::Dyn);
                    arg.ty.clone()
                }
                _ => self.visit(arg),
            });
        }
        if let Some(target) = &mut call.target {
            let ty = self.visit(target);
            args.insert(0, ty);
        }
        let Some(function) = declarations::function(&call.name) else {
            let why = format!("undeclared reference to '{}' (in container '')", call.name);
            return self.fail(at, why);
        };
        self.overload(at, function, call, &args)
    }

    fn overload(&mut self, at: u32, function: &Function, call: &mut Call, args: &[Type]) -> Type {
        let mut result = None;
        for (number, overload) in function.overloads.iter().enumerate() {
            if overload.method != call.target.is_some() {
                continue;
            }
            let base = self.bound.len() as u32;
            if overload.generic {
                self.bound.extend([None, None]);
            }
            let to: Vec<Type> = overload.parameters.iter().map(|ty| shifted(ty, base)).collect();
            if !self.fit_all(&to, args) {
                self.bound.truncate(base as usize);
                continue;
            }
            call.overloads.push(number as u16);
            let found = self.resolved(&shifted(&overload.result, base), false);
            result = Some(match result {
                None => found,
                Some(known) if known == found => known,
                Some(_) => Type::Dyn,
            });
        }
        result.unwrap_or_else(|| {
            let texts: Vec<String> = args.iter().map(|ty| self.resolved(ty, false).text()).collect();
            let shown = match (&call.target, texts.split_first()) {
                (Some(_), Some((first, rest))) => format!("{first}.({})", rest.join(", ")),
                _ => format!("({})", texts.join(", ")),
            };
            self.fail(at, format!("found no matching overload for '{}' applied to '{shown}'", function.name))
        })
    }

    fn fold(&mut self, fold: &mut Fold) -> Type {
        let range = self.visit(&mut fold.range);
        let start = self.visit(&mut fold.start);
        let place = fold.range.at;
        let (first, second) = match self.resolved(&range, false) {
            Type::List(of, _) if fold.second.is_some() => (Type::Int, (*of).clone()),
            Type::List(of, _) => ((*of).clone(), Type::Dyn),
            Type::Map(key, of) => ((*key).clone(), (*of).clone()),
            Type::Dyn | Type::Error => (Type::Dyn, Type::Dyn),
            Type::Var(var) => {
                self.bind(var, Type::Dyn);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let why = format!(
                    "expression of type '{}' cannot be range of a comprehension (must be list, map, or dynamic)",
                    other.text()
                );
                self.fail(place, why);
                (Type::Error, Type::Error)
            }
        };
        let depth = self.scopes.len();
        self.scopes.push((fold.result_name.clone(), start.clone()));
        self.scopes.push((fold.item.clone(), first));
        if let Some(name) = &fold.second {
            self.scopes.push((name.clone(), second));
        }
        let at = fold.while_.at;
        let ty = self.visit(&mut fold.while_);
        self.expect(at, &Type::Bool, &ty);
        let at = fold.step.at;
        let ty = self.visit(&mut fold.step);
        self.expect(at, &start, &ty);
        self.scopes.truncate(depth + 1);
        let result = self.visit(&mut fold.result);
        self.scopes.truncate(depth);
        self.resolved(&result, false)
    }

    fn expect(&mut self, at: u32, wanted: &Type, found: &Type) {
        if !self.fits(wanted, found) {
            let (wanted, found) = (self.resolved(wanted, false).text(), self.resolved(found, false).text());
            self.fail(at, format!("expected type '{wanted}' but found '{found}'"));
        }
    }

    /// Writes down the types with everything that was found out.
    fn settle(&self, expr: &mut Expr) {
        expr.ty = self.resolved(&expr.ty, true);
        match &mut expr.kind {
            Kind::Literal(_) | Kind::Ident(_) => {}
            Kind::Select(of, ..) => self.settle(of),
            Kind::Call(call) => call.target.iter_mut().chain(&mut call.args).for_each(|part| self.settle(part)),
            Kind::List(items) => items.iter_mut().for_each(|(item, _)| self.settle(item)),
            Kind::Map(pairs) => pairs.iter_mut().for_each(|(key, value, _)| {
                self.settle(key);
                self.settle(value);
            }),
            Kind::Struct(_, fields) => fields.iter_mut().for_each(|(_, _, value, _)| self.settle(value)),
            Kind::Fold(fold) => {
                let Fold { range, start, while_, step, result, .. } = &mut **fold;
                [range, start, while_, step, result].into_iter().for_each(|part| self.settle(part));
            }
        }
    }
}

/// A declaration's type with variables of its own.
fn shifted(ty: &Type, base: u32) -> Type {
    let inner = |ty: &Arc<Type>| Arc::new(shifted(ty, base));
    match ty {
        Type::Var(at) => Type::Var(at + base),
        Type::List(of, listed) => Type::List(inner(of), listed.clone()),
        Type::Map(key, of) => Type::Map(inner(key), inner(of)),
        Type::Optional(of) => Type::Optional(inner(of)),
        Type::Type(of) => Type::Type(inner(of)),
        other => other.clone(),
    }
}
