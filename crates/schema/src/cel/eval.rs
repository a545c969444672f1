//! From expressions to values.

use drydock_value::{Map, Value, to_json};

use super::{Error, Expr};

/// How many steps a program may take.
const STEPS: u32 = 200_000;

pub(super) fn run(root: &Expr, variables: &[(&str, Value)]) -> Result<Value, Error> {
    let names = variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Machine { names, steps: STEPS }.value(root)
}

fn failed<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::Failed(why.into()))
}

fn no_overload<T>() -> Result<T, Error> {
    failed("no such overload")
}

struct Machine {
    names: Vec<(String, Value)>,
    steps: u32,
}

impl Machine {
    fn value(&mut self, of: &Expr) -> Result<Value, Error> {
        self.steps = match self.steps.checked_sub(1) {
            Some(left) => left,
            None => return failed("operation cancelled: actual cost limit exceeded"),
        };
        match of {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::Name(name) => match self.names.iter().rev().find(|(known, _)| known == name) {
                Some((_, value)) => Ok(value.clone()),
                None => Err(Error::Unknown(name.clone())),
            },
            Expr::Field(of, name) => match self.value(of)?.get(name) {
                Some(value) => Ok(value.clone()),
                None => failed(format!("no such key: {name}")),
            },
            Expr::Index(of, at) => {
                let (of, at) = (self.value(of)?, self.value(at)?);
                match (&of, &at) {
                    (Value::Object(map), Value::String(key)) => match map.get(key) {
                        Some(value) => Ok(value.clone()),
                        None => failed(format!("no such key: {key}")),
                    },
                    (Value::Array(items), Value::Int(index)) => {
                        match usize::try_from(*index).ok().and_then(|at| items.get(at)) {
                            Some(value) => Ok(value.clone()),
                            None => failed(format!("index out of bounds: {index}")),
                        }
                    }
                    _ => no_overload(),
                }
            }
            Expr::List(items) => {
                let items: Result<Vec<Value>, Error> = items.iter().map(|item| self.value(item)).collect();
                items.map(Value::from)
            }
            Expr::Map(pairs) => {
                let mut map = Map::new();
                for (key, value) in pairs {
                    let key = self.value(key)?;
                    let value = self.value(value)?;
                    map.insert(key.as_str().map_or_else(|| to_json(&key), str::to_owned), value);
                }
                Ok(Value::Object(map))
            }
            Expr::Not(of) => match self.value(of)? {
                Value::Bool(b) => Ok(Value::Bool(!b)),
                _ => no_overload(),
            },
            Expr::Negative(of) => match self.value(of)? {
                Value::Int(n) => n.checked_neg().map_or_else(|| failed("integer overflow"), |n| Ok(Value::Int(n))),
                Value::Float(n) => Ok(Value::Float(-n)),
                _ => no_overload(),
            },
            Expr::Choice(which, yes, no) => match self.value(which)? {
                Value::Bool(true) => self.value(yes),
                Value::Bool(false) => self.value(no),
                _ => no_overload(),
            },
            Expr::Binary(sign @ ("||" | "&&"), a, b) => self.logic(*sign == "||", a, b),
            Expr::Binary(sign, a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                binary(sign, &a, &b)
            }
            Expr::Call(None, name, arguments) if name == "has" => match arguments.as_slice() {
                [Expr::Field(of, name)] => Ok(Value::Bool(self.value(of)?.get(name).is_some())),
                _ => no_overload(),
            },
            Expr::Call(Some(of), name, arguments) => match (name.as_str(), arguments.as_slice()) {
                ("all" | "exists" | "exists_one" | "filter" | "map", [Expr::Name(item), rest @ .., body]) => {
                    let of = self.value(of)?;
                    self.each(name, &of, item, rest.first(), body)
                }
                _ => {
                    let of = self.value(of)?;
                    let arguments: Result<Vec<Value>, Error> = arguments.iter().map(|a| self.value(a)).collect();
                    call(name, &of, &arguments?)
                }
            },
            Expr::Call(None, name, arguments) => {
                let arguments: Result<Vec<Value>, Error> = arguments.iter().map(|a| self.value(a)).collect();
                match arguments?.as_slice() {
                    [first, rest @ ..] => call(name, first, rest),
                    [] => Err(Error::Unknown(name.clone())),
                }
            }
        }
    }

    /// `||` and `&&`: one side may fail when the other decides.
    fn logic(&mut self, decides: bool, a: &Expr, b: &Expr) -> Result<Value, Error> {
        let first = self.value(a);
        if first == Ok(Value::Bool(decides)) {
            return first;
        }
        let second = self.value(b);
        match (&first, &second) {
            (_, Ok(Value::Bool(b))) if *b == decides => second,
            (Err(_), _) => first,
            (_, Err(_)) => second,
            (Ok(Value::Bool(_)), Ok(Value::Bool(_))) => Ok(Value::Bool(!decides)),
            _ => no_overload(),
        }
    }

    /// The macros over lists, and over the keys of maps.
    fn each(&mut self, name: &str, of: &Value, item: &str, test: Option<&Expr>, body: &Expr) -> Result<Value, Error> {
        let items: Vec<Value> = match of {
            Value::Array(items) => items.to_vec(),
            Value::Object(map) => map.keys().map(Value::from).collect(),
            _ => return no_overload(),
        };
        let (mut count, mut out, mut error) = (0, Vec::new(), None);
        let total = items.len();
        for value in items {
            self.names.push((item.to_owned(), value.clone()));
            let wanted = test.map_or(Ok(Value::Bool(true)), |test| self.value(test));
            let found = match wanted {
                Ok(Value::Bool(false)) => Ok(None),
                Ok(_) => self.value(body).map(Some),
                Err(error) => Err(error),
            };
            self.names.pop();
            match (name, found) {
                ("map", Ok(found)) => out.extend(found),
                (_, Ok(Some(Value::Bool(true)))) => {
                    count += 1;
                    out.push(value);
                }
                (_, Ok(_)) if name == "all" => return Ok(Value::Bool(false)),
                (_, Ok(_)) => {}
                (_, Err(why)) => error = Some(why),
            }
        }
        match (name, error) {
            ("exists", _) if count > 0 => Ok(Value::Bool(true)),
            (_, Some(error)) => Err(error),
            ("exists", None) => Ok(Value::Bool(false)),
            ("exists_one", None) => Ok(Value::Bool(count == 1)),
            ("all", None) => Ok(Value::Bool(count == total)),
            _ => Ok(Value::from(out)),
        }
    }
}

fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(n) => Some(*n),
        _ => None,
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (as_float(a), as_float(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

fn binary(sign: &str, a: &Value, b: &Value) -> Result<Value, Error> {
    let order = || match (a, b) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        _ => as_float(a)?.partial_cmp(&as_float(b)?),
    };
    let truth = match sign {
        "==" => equal(a, b),
        "!=" => !equal(a, b),
        "in" => match (b, a) {
            (Value::Array(items), _) => items.iter().any(|item| equal(item, a)),
            (Value::Object(map), Value::String(key)) => map.contains_key(key),
            _ => return no_overload(),
        },
        "<" | "<=" | ">" | ">=" => {
            let Some(order) = order() else { return no_overload() };
            match sign {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            }
        }
        _ => return arithmetic(sign, a, b),
    };
    Ok(Value::Bool(truth))
}

fn arithmetic(sign: &str, a: &Value, b: &Value) -> Result<Value, Error> {
    match (sign, a, b) {
        ("/" | "%", Value::Int(_), Value::Int(0)) => {
            failed(if sign == "/" { "division by zero" } else { "modulus by zero" })
        }
        (_, Value::Int(a), Value::Int(b)) => {
            let found = match sign {
                "+" => a.checked_add(*b),
                "-" => a.checked_sub(*b),
                "*" => a.checked_mul(*b),
                "/" => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            found.map_or_else(|| failed("integer overflow"), |n| Ok(Value::Int(n)))
        }
        (_, Value::Float(a), Value::Float(b)) => match sign {
            "+" => Ok(Value::from(a + b)),
            "-" => Ok(Value::from(a - b)),
            "*" => Ok(Value::from(a * b)),
            "/" => Ok(Value::from(a / b)),
            _ => no_overload(),
        },
        ("+", Value::String(a), Value::String(b)) => Ok(format!("{a}{b}").into()),
        ("+", Value::Array(a), Value::Array(b)) => Ok(a.iter().chain(b.iter()).cloned().collect()),
        _ => no_overload(),
    }
}

/// Functions; a method's object is the first argument.
fn call(name: &str, of: &Value, rest: &[Value]) -> Result<Value, Error> {
    let found = match (name, of, rest) {
        ("size", Value::String(text), []) => Value::from(text.chars().count()),
        ("size", Value::Array(items), []) => Value::from(items.len()),
        ("size", Value::Object(map), []) => Value::from(map.len()),
        ("string", Value::String(_), []) | ("dyn", _, []) => of.clone(),
        ("string", other, []) => to_json(other).into(),
        ("int", Value::Int(_), []) | ("double", Value::Float(_), []) => of.clone(),
        ("int", Value::Float(n), []) => Value::from(n.trunc() as i64),
        ("double", Value::Int(n), []) => Value::from(*n as f64),
        ("int", Value::String(text), []) => match text.parse::<i64>() {
            Ok(n) => n.into(),
            Err(_) => return failed(format!("strconv.ParseInt: parsing {}: invalid syntax", crate::go::quote(text))),
        },
        ("double", Value::String(text), []) => match text.parse::<f64>() {
            Ok(n) => n.into(),
            Err(_) => return failed(format!("strconv.ParseFloat: parsing {}: invalid syntax", crate::go::quote(text))),
        },
        ("startsWith", Value::String(text), [Value::String(part)]) => text.starts_with(part.as_str()).into(),
        ("endsWith", Value::String(text), [Value::String(part)]) => text.ends_with(part.as_str()).into(),
        ("contains", Value::String(text), [Value::String(part)]) => text.contains(part.as_str()).into(),
        ("matches" | "find" | "findAll", Value::String(text), [Value::String(pattern)]) => {
            let Ok(regex) = regex_lite::Regex::new(pattern) else {
                return failed(format!("error parsing regexp: {pattern}"));
            };
            match name {
                "matches" => regex.is_match(text).into(),
                "find" => regex.find(text).map_or("", |found| found.as_str()).into(),
                _ => regex.find_iter(text).map(|found| found.as_str()).collect(),
            }
        }
        ("lowerAscii", Value::String(text), []) => text.to_ascii_lowercase().into(),
        ("upperAscii", Value::String(text), []) => text.to_ascii_uppercase().into(),
        ("trim", Value::String(text), []) => text.trim().into(),
        ("split", Value::String(text), [Value::String(by)]) => text.split(by.as_str()).collect(),
        ("replace", Value::String(text), [Value::String(a), Value::String(b)]) => text.replace(a.as_str(), b).into(),
        ("indexOf", Value::String(text), [Value::String(part)]) => {
            text.find(part.as_str()).map_or(-1, |at| text[..at].chars().count() as i64).into()
        }
        ("substring", Value::String(text), [Value::Int(from), to @ ..]) => {
            let length = text.chars().count() as i64;
            let to = to.first().map_or(length, Value::int);
            if *from < 0 || to > length || *from > to {
                return failed(format!("index out of range: {from}"));
            }
            text.chars().skip(*from as usize).take((to - from) as usize).collect::<String>().into()
        }
        ("join", Value::Array(items), by) => {
            let by = by.first().map_or("", Value::str);
            items.iter().map(Value::str).collect::<Vec<_>>().join(by).into()
        }
        ("sum", Value::Array(items), []) => items.iter().try_fold(Value::Int(0), |sum, item| {
            if sum == Value::Int(0) { Ok(item.clone()) } else { arithmetic("+", &sum, item) }
        })?,
        ("min" | "max", Value::Array(items), []) => {
            let sign = if name == "min" { "<" } else { ">" };
            let mut items = items.iter();
            let Some(first) = items.next() else { return failed(format!("{name} called on empty list")) };
            items.try_fold(first.clone(), |best, item| {
                Ok::<Value, Error>(if binary(sign, item, &best)? == Value::Bool(true) { item.clone() } else { best })
            })?
        }
        ("isSorted", Value::Array(items), []) => {
            let mut sorted = true;
            for pair in items.windows(2) {
                sorted &= binary("<=", &pair[0], &pair[1])? == Value::Bool(true);
            }
            sorted.into()
        }
        ("type", ..) => return Err(Error::Unknown(name.to_owned())),
        ("size" | "startsWith" | "endsWith" | "contains" | "matches" | "int" | "double", ..) => return no_overload(),
        _ => return Err(Error::Unknown(name.to_owned())),
    };
    Ok(found)
}
