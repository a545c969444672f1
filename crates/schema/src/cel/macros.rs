//! Macros: calls that stand for loops and tests.

use super::expr::{Expr, Fold, Kind};
use super::parse::{Parser, Told};
use super::val::Val;

/// The name of a loop's result, which no text can write.
pub(super) const RESULT: &str = "@result";

type Made = Result<Expr, Told>;

/// A function's call.
pub(super) fn function(parser: &mut Parser<'_>, at: u32, name: &str, mut args: Vec<Expr>) -> Made {
    if name == "has" && args.len() == 1 {
        let arg = args.remove(0);
        return match arg.kind {
            Kind::Select(of, field, false) => Ok(Expr::new(at, Kind::Select(of, field, true))),
            _ => parser.fail(arg.at, "invalid argument to has() macro"),
        };
    }
    Ok(Expr::call(at, name, args))
}

/// A method's call.
pub(super) fn method(parser: &mut Parser<'_>, at: u32, target: Expr, name: &str, mut args: Vec<Expr>) -> Made {
    let names = match (name, args.len()) {
        ("all" | "exists" | "exists_one" | "existsOne" | "filter", 2) | ("map", 2 | 3) => 1,
        ("all" | "exists" | "existsOne", 3) | ("transformList" | "transformMap", 3 | 4) => 2,
        ("transformMapEntry", 3 | 4) => 2,
        ("optMap" | "optFlatMap" | "sortBy", 2) => 1,
        ("bind", 3) if parser.bindings && matches!(&target.kind, Kind::Ident(name) if name == "cel") => 1,
        _ => return Ok(Expr::method(at, Some(target), name, args)),
    };
    let mut variables = Vec::new();
    for arg in args.drain(..names) {
        match arg.kind {
            Kind::Ident(name) if name == RESULT => {
                return parser.fail(arg.at, "iteration variable overwrites accumulator variable");
            }
            Kind::Ident(name) => variables.push(name),
            _ => return parser.fail(arg.at, "argument must be a simple name"),
        }
    }
    let item = variables.remove(0);
    let second = variables.pop();
    if second.as_ref() == Some(&item) {
        return parser.fail(at, format!("duplicate variable name: {item}"));
    }
    let body = args.pop().unwrap_or_else(|| Expr::literal(at, Val::Null));
    let result = || Expr::ident(at, RESULT);
    let literal = |value| Expr::literal(at, value);
    let call = |name: &str, args| Expr::call(at, name, args);
    let list = |items: Vec<Expr>| Expr::new(at, Kind::List(items.into_iter().map(|item| (item, false)).collect()));
    let (start, while_, step, last) = match name {
        "all" => {
            let go = call("@not_strictly_false", vec![result()]);
            (literal(Val::Bool(true)), go, call("_&&_", vec![result(), body]), result())
        }
        "exists" => {
            let go = call("@not_strictly_false", vec![call("!_", vec![result()])]);
            (literal(Val::Bool(false)), go, call("_||_", vec![result(), body]), result())
        }
        "exists_one" | "existsOne" => {
            let more = call("_+_", vec![result(), literal(Val::Int(1))]);
            let step = call("_?_:_", vec![body, more, result()]);
            (literal(Val::Int(0)), literal(Val::Bool(true)), step, call("_==_", vec![result(), literal(Val::Int(1))]))
        }
        "bind" | "optMap" | "optFlatMap" => {
            let value = match name {
                // `cel.bind(name, value, body)`: what is left of the arguments is the value.
                "bind" => args.pop().unwrap_or_else(|| literal(Val::Null)),
                _ => Expr::method(at, Some(target.clone()), "value", vec![]),
            };
            let bound = Fold {
                range: list(vec![]),
                item: "#unused".into(),
                second: None,
                result_name: item.clone(),
                start: value,
                while_: literal(Val::Bool(false)),
                step: Expr::ident(at, &item),
                result: body,
            };
            let bound = Expr::new(at, Kind::Fold(Box::new(bound)));
            if name == "bind" {
                return Ok(bound);
            }
            let bound = if name == "optMap" { call("optional.of", vec![bound]) } else { bound };
            let there = Expr::method(at, Some(target), "hasValue", vec![]);
            return Ok(call("_?_:_", vec![there, bound, call("optional.none", vec![])]));
        }
        "sortBy" => {
            let keys = call("_+_", vec![result(), list(vec![body])]);
            let keys = fold(at, target.clone(), item, None, (list(vec![]), literal(Val::Bool(true)), keys, result()));
            return Ok(Expr::method(at, Some(target), "@sortByAssociatedKeys", vec![keys]));
        }
        _ => {
            let (filter, added) = match name {
                "filter" => (Some(body), call("_+_", vec![result(), list(vec![Expr::ident(at, &item)])])),
                "map" | "transformList" => (args.pop(), call("_+_", vec![result(), list(vec![body])])),
                "transformMap" => (args.pop(), call("cel.@mapInsert", vec![result(), Expr::ident(at, &item), body])),
                _ => (args.pop(), call("cel.@mapInsert", vec![result(), body])),
            };
            let step = match filter {
                Some(filter) => call("_?_:_", vec![filter, added, result()]),
                None => added,
            };
            let is_map = name.starts_with("transformMap");
            let start = if is_map { Expr::new(at, Kind::Map(vec![])) } else { list(vec![]) };
            (start, literal(Val::Bool(true)), step, result())
        }
    };
    Ok(fold(at, target, item, second, (start, while_, step, last)))
}

fn fold(at: u32, range: Expr, item: String, second: Option<String>, parts: (Expr, Expr, Expr, Expr)) -> Expr {
    let (start, while_, step, result) = parts;
    let result_name = RESULT.to_owned();
    Expr::new(at, Kind::Fold(Box::new(Fold { range, item, second, result_name, start, while_, step, result })))
}
