//! CEL, the Common Expression Language, as far as validation rules use it: operators, fields, lists and maps, the macros
//! (`has`, `all`, `exists`, `exists_one`, `map`, `filter`), and the usual functions of texts and lists. Timestamps,
//! durations and Kubernetes' own libraries are not known: a program that asks for them says so ([`Error::Unknown`]).

mod eval;
mod parse;

use drydock_value::Value;

/// Why a program gave no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// It was evaluated, and failed: `no such key: a`.
    Failed(String),
    /// It uses something that is not known here.
    Unknown(String),
}

/// A program.
#[derive(Debug, Clone)]
pub struct Program {
    root: Expr,
    text: String,
}

#[derive(Debug, Clone)]
enum Expr {
    Literal(Value),
    Name(String),
    Field(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    /// A function, or a method of the first expression.
    Call(Option<Box<Expr>>, String, Vec<Expr>),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
}

impl Program {
    /// Reads an expression.
    ///
    /// # Errors
    /// When it is none.
    pub fn compile(text: &str) -> Result<Program, String> {
        Ok(Program { root: parse::parse(text)?, text: text.to_owned() })
    }

    /// Whether the program names a variable.
    pub fn uses(&self, name: &str) -> bool {
        self.text.contains(name)
    }

    /// The program's value.
    ///
    /// # Errors
    /// When it has none.
    pub fn run(&self, variables: &[(&str, Value)]) -> Result<Value, Error> {
        eval::run(&self.root, variables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn expressions_have_their_values() {
        let boat = value!({"oars": 4, "name": "gull", "crew": [{"name": "ann"}, {"name": "bob"}], "tags": {"a": "b"}, "f": 1.5});
        let cases = [
            ("self.oars % 2 == 0", value!(true)),
            ("!has(self.maxSpeed) || self.maxSpeed > self.oars", value!(true)),
            ("has(self.oars) && self.oars >= 4", value!(true)),
            ("self.crew.all(c, c.name.size() == 3)", value!(true)),
            ("self.crew.exists(c, c.name == 'bob')", value!(true)),
            ("self.crew.exists_one(c, c.name.startsWith('a'))", value!(true)),
            ("self.crew.filter(c, c.name != \"ann\").map(c, c.name)", value!(["bob"])),
            ("self.name in ['gull', 'tern'] ? 'yes' : 'no'", value!("yes")),
            ("'a' in self.tags && !('b' in self.tags)", value!(true)),
            ("self.tags.all(k, self.tags[k] == 'b')", value!(true)),
            ("size(self.crew) * 3 - 1", value!(5)),
            ("-self.oars + 1", value!(-3)),
            ("self.f * 2.0 > 2", value!(true)),
            ("self.name.matches('^g.*l$') && self.name.contains('ul')", value!(true)),
            ("string(self.oars) + self.name.upperAscii()", value!("4GULL")),
            ("self.crew[1].name", value!("bob")),
            ("self.nope == 1 || true", value!(true)),
            ("self == self", value!(true)),
            ("{'a': 1}.a", value!(1)),
            ("7 / 2", value!(3)),
        ];
        for (text, wanted) in cases {
            let found =
                Program::compile(text).unwrap_or_else(|why| panic!("{text}: {why}")).run(&[("self", boat.clone())]);
            assert_eq!(found, Ok(wanted), "{text}");
        }
        let failed = |text: &str| Program::compile(text).unwrap().run(&[("self", boat.clone())]).unwrap_err();
        assert_eq!(failed("self.nope > 1"), Error::Failed("no such key: nope".into()));
        assert_eq!(failed("1 / 0"), Error::Failed("division by zero".into()));
        assert!(matches!(failed("timestamp('x')"), Error::Unknown(_)));
        for text in ["self.a +", "", "(", "a b", "[1,", "'x", "{1", &"(".repeat(5000)] {
            assert!(Program::compile(text).is_err(), "{text}");
        }
    }
}
