//! Arithmetic: C's integer expressions over 64 bits.

use super::Shell;
use super::parse::is_name;

/// How deep expressions may nest, variables that hold expressions included.
const DEPTH_MAX: u32 = 50;

type Result<T> = std::result::Result<T, String>;

/// Evaluates an expression; assignments in it are made.
pub(super) fn evaluate(shell: &mut Shell, text: &str) -> Result<i64> {
    nested(shell, text, 0)
}

fn nested(shell: &mut Shell, text: &str, depth: u32) -> Result<i64> {
    if depth > DEPTH_MAX {
        return Err(format!("{}: expression recursion level exceeded (error token is \"{0}\")", text.trim()));
    }
    let mut parser = Arith { shell, text, chars: text.char_indices().peekable(), depth, skip: false };
    parser.blanks();
    if parser.chars.peek().is_none() {
        return Ok(0);
    }
    let value = parser.comma()?;
    parser.blanks();
    match parser.chars.peek() {
        None => Ok(value),
        Some(_) => Err(parser.failure("syntax error in expression")),
    }
}

struct Arith<'a> {
    shell: &'a mut Shell,
    text: &'a str,
    chars: std::iter::Peekable<std::str::CharIndices<'a>>,
    depth: u32,
    /// Inside the branch that is not taken: nothing is assigned.
    skip: bool,
}

/// Something that may be assigned to.
enum Operand {
    Value(i64),
    Name(String, Option<i64>),
}

/// Binary operators, loosest first.
const LEVELS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl Arith<'_> {
    fn rest(&mut self) -> &str {
        let at = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        self.text.get(at..).unwrap_or("")
    }

    fn failure(&mut self, what: &str) -> String {
        let mut rest = self.rest().to_owned();
        if rest.is_empty() {
            // At the end it is the last word that is to blame.
            rest.extend(self.text.trim_end().chars().next_back());
        }
        format!("{}: {what} (error token is \"{rest}\")", self.text.trim_start())
    }

    fn blanks(&mut self) {
        while self.chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
    }

    fn eat(&mut self, op: &str) -> bool {
        self.blanks();
        if !self.rest().starts_with(op) {
            return false;
        }
        for _ in op.chars() {
            self.chars.next();
        }
        true
    }

    fn comma(&mut self) -> Result<i64> {
        let mut value = self.assignment()?;
        while self.eat(",") {
            value = self.assignment()?;
        }
        Ok(value)
    }

    fn assignment(&mut self) -> Result<i64> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.failure("expression recursion level exceeded"));
        }
        let value = self.assignment_inner();
        self.depth -= 1;
        value
    }

    fn assignment_inner(&mut self) -> Result<i64> {
        let back = self.chars.clone();
        if let Some((name, index)) = self.name()? {
            self.blanks();
            for op in ["<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", "="] {
                if op == "=" && self.rest().starts_with("==") {
                    continue;
                }
                if self.eat(op) {
                    let right = self.assignment()?;
                    let value = match op.strip_suffix('=') {
                        Some("") | None => right,
                        Some(op) => {
                            let left = self.read(&name, index)?;
                            self.apply(op, left, right)?
                        }
                    };
                    self.write(&name, index, value)?;
                    return Ok(value);
                }
            }
        }
        self.chars = back;
        self.ternary()
    }

    fn ternary(&mut self) -> Result<i64> {
        let test = self.binary(0)?;
        if !self.eat("?") {
            return Ok(test);
        }
        let outer = self.skip;
        self.skip = outer || test == 0;
        let yes = self.comma()?;
        if !self.eat(":") {
            return Err(self.failure("`:' expected for conditional expression"));
        }
        self.skip = outer || test != 0;
        let no = self.assignment()?;
        self.skip = outer;
        Ok(if test != 0 { yes } else { no })
    }

    fn operator(&mut self, level: &[&'static str]) -> Option<&'static str> {
        self.blanks();
        let rest = self.rest();
        let op = level.iter().copied().find(|op| rest.starts_with(op))?;
        let after = rest.get(op.len()..).unwrap_or("");
        // Longer operators and assignments are not this one.
        let longer = match op {
            "|" | "&" => after.starts_with(op) || after.starts_with('='),
            "<" | ">" => after.starts_with(op) || after.starts_with('='),
            "*" => after.starts_with('*') || after.starts_with('='),
            "+" | "-" | "/" | "%" | "^" | "<<" | ">>" => after.starts_with('='),
            _ => false,
        };
        (!longer).then_some(op)
    }

    fn binary(&mut self, level: usize) -> Result<i64> {
        let Some(operators) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        while let Some(op) = self.operator(operators) {
            self.eat(op);
            let outer = self.skip;
            self.skip = outer || (op == "&&" && left == 0) || (op == "||" && left != 0);
            let right = self.binary(level + 1)?;
            self.skip = outer;
            left = self.apply(op, left, right)?;
        }
        Ok(left)
    }

    fn power(&mut self) -> Result<i64> {
        let base = self.unary()?;
        if !self.eat("**") {
            return Ok(base);
        }
        let exponent = self.power()?;
        if exponent < 0 {
            return Err(self.failure("exponent less than 0"));
        }
        Ok(base.wrapping_pow(u32::try_from(exponent).unwrap_or(u32::MAX)))
    }

    fn apply(&mut self, op: &str, a: i64, b: i64) -> Result<i64> {
        Ok(match op {
            "||" => i64::from(a != 0 || b != 0),
            "&&" => i64::from(a != 0 && b != 0),
            "|" => a | b,
            "^" => a ^ b,
            "&" => a & b,
            "==" => i64::from(a == b),
            "!=" => i64::from(a != b),
            "<=" => i64::from(a <= b),
            ">=" => i64::from(a >= b),
            "<" => i64::from(a < b),
            ">" => i64::from(a > b),
            "<<" => a.wrapping_shl(b as u32),
            ">>" => a.wrapping_shr(b as u32),
            "+" => a.wrapping_add(b),
            "-" => a.wrapping_sub(b),
            "*" => a.wrapping_mul(b),
            _ if b == 0 && self.skip => 0,
            _ if b == 0 => return Err(format!("{}: division by 0 (error token is \"{b}\")", self.text.trim_start())),
            "/" => a.wrapping_div(b),
            _ => a.wrapping_rem(b),
        })
    }

    fn unary(&mut self) -> Result<i64> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.failure("expression recursion level exceeded"));
        }
        let value = self.unary_inner();
        self.depth -= 1;
        value
    }

    fn unary_inner(&mut self) -> Result<i64> {
        self.blanks();
        for (op, by) in [("++", 1), ("--", -1)] {
            if self.rest().starts_with(op) {
                let back = self.chars.clone();
                self.eat(op);
                if let Some((name, index)) = self.name()? {
                    let value = self.read(&name, index)?.wrapping_add(by);
                    self.write(&name, index, value)?;
                    return Ok(value);
                }
                self.chars = back;
                break;
            }
        }
        if self.eat("!") {
            return Ok(i64::from(self.unary()? == 0));
        }
        if self.eat("~") {
            return Ok(!self.unary()?);
        }
        if self.eat("-") {
            return Ok(self.unary()?.wrapping_neg());
        }
        if self.eat("+") {
            return self.unary();
        }
        match self.primary()? {
            Operand::Value(value) => Ok(value),
            Operand::Name(name, index) => {
                let value = self.read(&name, index)?;
                for (op, by) in [("++", 1), ("--", -1)] {
                    if self.eat(op) {
                        self.write(&name, index, value.wrapping_add(by))?;
                    }
                }
                Ok(value)
            }
        }
    }

    fn primary(&mut self) -> Result<Operand> {
        self.blanks();
        if self.eat("(") {
            let value = self.comma()?;
            if !self.eat(")") {
                return Err(self.failure("missing `)'"));
            }
            return Ok(Operand::Value(value));
        }
        if let Some((name, index)) = self.name()? {
            return Ok(Operand::Name(name, index));
        }
        let mut digits = String::new();
        while let Some((_, c)) = self.chars.next_if(|(_, c)| c.is_ascii_alphanumeric() || matches!(c, '#' | '@' | '_'))
        {
            digits.push(c);
        }
        if digits.is_empty() {
            return Err(self.failure("syntax error: operand expected"));
        }
        match number(&digits) {
            Some(value) => Ok(Operand::Value(value)),
            None => Err(format!("{}: value too great for base (error token is \"{digits}\")", self.text.trim_start())),
        }
    }

    /// A variable's name with its index, if one stands here.
    fn name(&mut self) -> Result<Option<(String, Option<i64>)>> {
        self.blanks();
        if !self.chars.peek().is_some_and(|(_, c)| c.is_ascii_alphabetic() || *c == '_') {
            return Ok(None);
        }
        let mut name = String::new();
        while let Some((_, c)) = self.chars.next_if(|(_, c)| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
        }
        let index = if self.rest().starts_with('[') {
            self.chars.next();
            let index = self.comma()?;
            if !self.eat("]") {
                return Err(self.failure("bad array subscript"));
            }
            Some(index)
        } else {
            None
        };
        Ok(Some((name, index)))
    }

    fn read(&mut self, name: &str, index: Option<i64>) -> Result<i64> {
        let text = match index {
            Some(index) => self.shell.element(name, index),
            None => self.shell.variable(name),
        };
        let Some(text) = text else {
            if self.shell.options.nounset && !self.skip {
                return Err(format!("{name}: unbound variable"));
            }
            return Ok(0);
        };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(0);
        }
        if let Some(value) = number(trimmed) {
            return Ok(value);
        }
        if is_name(trimmed) && self.shell.variable(trimmed).is_none() {
            return Ok(0);
        }
        nested(self.shell, &text, self.depth + 1)
    }

    fn write(&mut self, name: &str, index: Option<i64>, value: i64) -> Result<()> {
        if self.skip {
            return Ok(());
        }
        match index {
            Some(index) => self.shell.vars.set_element(name, index, &value.to_string()),
            None => self.shell.assign(name, &value.to_string()),
        }
    }
}

/// A number: decimal, `0x`, octal with a leading zero, `base#digits`; with an optional sign.
fn number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        u64::from_str_radix(hex, 16).ok()? as i64
    } else if let Some((base, digits)) = digits.split_once('#') {
        let base: u32 = base.parse().ok().filter(|base| (2..=36).contains(base))?;
        i64::from_str_radix(digits, base).ok()?
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8).ok()?
    } else {
        if !digits.bytes().all(|b| b.is_ascii_digit()) || digits.is_empty() {
            return None;
        }
        digits.bytes().fold(0i64, |value, b| value.wrapping_mul(10).wrapping_add(i64::from(b - b'0')))
    };
    Some(if negative { value.wrapping_neg() } else { value })
}
