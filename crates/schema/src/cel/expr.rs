//! Expressions as trees.

use super::types::Type;
use super::val::Val;

/// How deep expressions nest at most: what takes trees apart goes down as deep.
pub(super) const DEPTH: u16 = 100;

/// A node.
#[derive(Debug, Clone)]
pub(super) struct Expr {
    /// Where it stands, in characters.
    pub(super) at: u32,
    /// How many levels there are below it, itself counted.
    pub(super) depth: u16,
    /// What the checker found it to be.
    pub(super) ty: Type,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Literal(Val),
    Ident(String),
    /// A field, or whether it is there.
    Select(Box<Expr>, String, bool),
    Call(Box<Call>),
    /// Items; those that are optional are left out when they hold nothing.
    List(Vec<(Expr, bool)>),
    Map(Vec<(Expr, Expr, bool)>),
    /// A type's name and its fields, each with its place.
    Struct(String, Vec<(u32, String, Expr, bool)>),
    Fold(Box<Fold>),
}

/// An operator, a function, or a method of `target`.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) target: Option<Expr>,
    pub(super) name: String,
    pub(super) args: Vec<Expr>,
    /// The overloads that fit, as places in the function's declaration.
    pub(super) overloads: Vec<u16>,
}

/// A loop: macros come to this.
#[derive(Debug, Clone)]
pub(super) struct Fold {
    pub(super) range: Expr,
    pub(super) item: String,
    pub(super) second: Option<String>,
    pub(super) result_name: String,
    pub(super) start: Expr,
    pub(super) while_: Expr,
    pub(super) step: Expr,
    pub(super) result: Expr,
}

impl Expr {
    pub(super) fn new(at: u32, kind: Kind) -> Expr {
        let mut depth = 0;
        each_part(&kind, &mut |part| depth = depth.max(part.depth));
        Expr { at, depth: depth.saturating_add(1), ty: Type::Dyn, kind }
    }

    pub(super) fn ident(at: u32, name: &str) -> Expr {
        Expr::new(at, Kind::Ident(name.to_owned()))
    }

    pub(super) fn literal(at: u32, value: Val) -> Expr {
        Expr::new(at, Kind::Literal(value))
    }

    pub(super) fn call(at: u32, name: &str, args: Vec<Expr>) -> Expr {
        Expr::method(at, None, name, args)
    }

    pub(super) fn method(at: u32, target: Option<Expr>, name: &str, args: Vec<Expr>) -> Expr {
        Expr::new(at, Kind::Call(Box::new(Call { target, name: name.to_owned(), args, overloads: Vec::new() })))
    }

    /// `a.b.c` as a name.
    pub(super) fn qualified(&self) -> Option<String> {
        match &self.kind {
            Kind::Ident(name) => Some(name.clone()),
            Kind::Select(of, field, false) => Some(format!("{}.{field}", of.qualified()?)),
            _ => None,
        }
    }

    /// Whether a variable is named anywhere.
    pub(super) fn names(&self, name: &str) -> bool {
        if matches!(&self.kind, Kind::Ident(own) if own == name) {
            return true;
        }
        let mut found = false;
        each_part(&self.kind, &mut |part| found |= part.names(name));
        found
    }
}

/// The nodes right below one.
pub(super) fn each_part(kind: &Kind, see: &mut dyn FnMut(&Expr)) {
    match kind {
        Kind::Literal(_) | Kind::Ident(_) => {}
        Kind::Select(of, ..) => see(of),
        Kind::Call(call) => {
            call.target.iter().for_each(&mut *see);
            call.args.iter().for_each(see);
        }
        Kind::List(items) => items.iter().for_each(|(item, _)| see(item)),
        Kind::Map(pairs) => pairs.iter().for_each(|(key, value, _)| {
            see(key);
            see(value);
        }),
        Kind::Struct(_, fields) => fields.iter().for_each(|(_, _, value, _)| see(value)),
        Kind::Fold(fold) => {
            for part in [&fold.range, &fold.start, &fold.while_, &fold.step, &fold.result] {
                see(part);
            }
        }
    }
}
