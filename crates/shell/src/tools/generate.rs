//! Utilities that make output out of nothing, or of numbers: `seq`, `yes`, `expr`, `shuf`, `factor`.

use super::Call;
use super::options::Options;
use crate::{Program, Step, Sys};

/// Lines of one step.
const LINES: u32 = 500;

#[derive(Clone)]
struct Seq {
    started: bool,
    at: f64,
    step: f64,
    last: f64,
    count: u64,
    first: f64,
    precision: usize,
    width: usize,
    separator: String,
    begun: bool,
}

pub(super) fn seq() -> Box<dyn Program> {
    Box::new(Seq {
        started: false,
        at: 0.0,
        step: 1.0,
        last: 0.0,
        count: 0,
        first: 1.0,
        precision: 0,
        width: 0,
        separator: "\n".into(),
        begun: false,
    })
}

impl Seq {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        // Negative numbers are no options.
        let mut words = Vec::new();
        let mut equal_width = false;
        let mut args = std::mem::take(&mut call.args).into_iter();
        while let Some(word) = args.next() {
            match word.as_str() {
                "-w" | "--equal-width" => equal_width = true,
                "-s" => self.separator = args.next().unwrap_or_default(),
                _ if word.starts_with("-s") && word.len() > 2 => {
                    self.separator = word.get(2..).unwrap_or("").to_owned()
                }
                _ => words.push(word),
            }
        }
        let mut numbers = Vec::new();
        for word in &words {
            match word.parse::<f64>() {
                Ok(number) => numbers.push(number),
                Err(_) if call.gnu() => {
                    call.error(&format!("invalid floating point argument: ‘{word}’"));
                    return Err(call.try_help());
                }
                Err(_) => return Err(call.try_help()),
            }
        }
        let (first, step, last) = match numbers.as_slice() {
            [last] => (1.0, 1.0, *last),
            [first, last] => (*first, 1.0, *last),
            [first, step, last] => (*first, *step, *last),
            [] => return Err(call.usage_error("missing operand")),
            _ => return Err(call.usage_error(&format!("extra operand ‘{}’", words.get(3).map_or("", String::as_str)))),
        };
        if step == 0.0 {
            call.error("invalid Zero increment value: ‘0’");
            return Err(1);
        }
        let decimals = |word: &String| word.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        self.precision = words.iter().take(words.len().max(2) - 1).map(decimals).max().unwrap_or(0).min(20);
        (self.first, self.step, self.last, self.at) = (first, step, last, first);
        if equal_width {
            let length = |number: f64| format!("{number:.*}", self.precision).len();
            self.width = length(first).max(length(last));
        }
        Ok(())
    }
}

impl Program for Seq {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, "seq");
        if !self.started {
            self.started = true;
            if let Err(code) = self.start(&mut call) {
                return Step::Exit(call.finish(code));
            }
        }
        call.sys.charge(LINES / 20);
        let mut out = String::new();
        let slack = self.step.abs() * 1e-9;
        for _ in 0..LINES {
            let done = if self.step > 0.0 { self.at > self.last + slack } else { self.at < self.last - slack };
            if done {
                if self.begun {
                    out.push('\n');
                }
                call.print(&out);
                return Step::Exit(call.finish(0));
            }
            if self.begun {
                out.push_str(&self.separator);
            }
            self.begun = true;
            let (precision, width) = (self.precision, self.width);
            out.push_str(&format!("{:0width$.precision$}", self.at));
            self.count += 1;
            self.at = self.first + self.step * self.count as f64;
        }
        call.print(&out);
        call.flush();
        Step::Continue
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[derive(Clone)]
struct Yes;

pub(super) fn yes() -> Box<dyn Program> {
    Box::new(Yes)
}

impl Program for Yes {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let call = Call::new(sys, "yes");
        let line = if call.args.is_empty() { "y\n".to_owned() } else { call.args.join(" ") + "\n" };
        let _ = sys.put(1, line.repeat((4096 / line.len()).max(1)).as_bytes());
        Step::Continue
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

// ---- expr ----

pub(super) fn expr(call: &mut Call<'_, '_>) -> i32 {
    let words = std::mem::take(&mut call.args);
    if words.is_empty() {
        let code = call.usage_error("missing operand");
        return code.max(2);
    }
    let mut parser = Expr { words: &words, at: 0, depth: 0 };
    match parser.level(0) {
        Ok(_) if parser.at < words.len() => {
            let word = words.get(parser.at).cloned().unwrap_or_default();
            call.error(&if call.gnu() {
                format!("syntax error: unexpected argument ‘{word}’")
            } else {
                "syntax error".into()
            });
            2
        }
        Ok(value) => {
            call.print(&format!("{value}\n"));
            i32::from(value.is_empty() || value == "0")
        }
        Err(message) => {
            call.error(&message);
            2
        }
    }
}

struct Expr<'a> {
    words: &'a [String],
    at: usize,
    depth: u32,
}

impl Expr<'_> {
    fn peek(&self) -> &str {
        self.words.get(self.at).map_or("", String::as_str)
    }

    fn level(&mut self, level: usize) -> Result<String, String> {
        const LEVELS: &[&[&str]] =
            &[&["|"], &["&"], &["=", "==", "!=", "<", "<=", ">", ">="], &["+", "-"], &["*", "/", "%"], &[":"]];
        let Some(operators) = LEVELS.get(level) else { return self.primary() };
        let mut left = self.level(level + 1)?;
        while self.at < self.words.len() && operators.contains(&self.peek()) {
            let op = self.peek().to_owned();
            self.at += 1;
            let right = self.level(level + 1)?;
            left = apply(&op, &left, &right)?;
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<String, String> {
        self.depth += 1;
        if self.depth > 100 {
            return Err("expression is nested too deep".into());
        }
        let Some(word) = self.words.get(self.at).cloned() else {
            let last = self.words.last().map_or("", String::as_str);
            return Err(format!("syntax error: missing argument after ‘{last}’"));
        };
        self.at += 1;
        let value = match word.as_str() {
            "(" => {
                let value = self.level(0)?;
                if self.peek() != ")" {
                    return Err("syntax error: expecting ')'".into());
                }
                self.at += 1;
                value
            }
            "length" if self.at < self.words.len() => self.primary()?.chars().count().to_string(),
            "index" if self.at + 1 < self.words.len() => {
                let (text, set) = (self.primary()?, self.primary()?);
                text.chars().position(|c| set.contains(c)).map_or(0, |at| at + 1).to_string()
            }
            "substr" if self.at + 2 < self.words.len() => {
                let text = self.primary()?;
                let (from, count) = (self.primary()?.parse::<usize>(), self.primary()?.parse::<usize>());
                match (from, count) {
                    (Ok(from), Ok(count)) if from > 0 => text.chars().skip(from - 1).take(count).collect(),
                    _ => String::new(),
                }
            }
            "match" if self.at + 1 < self.words.len() => {
                let (text, pattern) = (self.primary()?, self.primary()?);
                apply(":", &text, &pattern)?
            }
            _ => word,
        };
        self.depth -= 1;
        Ok(value)
    }
}

fn apply(op: &str, left: &str, right: &str) -> Result<String, String> {
    let number = |text: &str| text.parse::<i64>().map_err(|_| "non-integer argument".to_owned());
    let truth = |text: &str| !(text.is_empty() || text == "0");
    let flag = |value: bool| Ok(String::from(if value { "1" } else { "0" }));
    match op {
        "|" => Ok(if truth(left) {
            left.into()
        } else if truth(right) {
            right.into()
        } else {
            "0".into()
        }),
        "&" => Ok(if truth(left) && truth(right) { left.into() } else { "0".into() }),
        "+" => Ok(number(left)?.wrapping_add(number(right)?).to_string()),
        "-" => Ok(number(left)?.wrapping_sub(number(right)?).to_string()),
        "*" => Ok(number(left)?.wrapping_mul(number(right)?).to_string()),
        "/" | "%" => match (number(left)?, number(right)?) {
            (_, 0) => Err("division by zero".into()),
            (a, b) if op == "/" => Ok(a.wrapping_div(b).to_string()),
            (a, b) => Ok(a.wrapping_rem(b).to_string()),
        },
        ":" => {
            let anchored = format!("^{}", right.trim_start_matches('^'));
            let regex = super::regex::compile(&anchored, super::regex::Syntax::Basic, false)?;
            let grouped = regex.captures_len() > 1;
            Ok(match regex.captures(left) {
                Some(captures) if grouped => captures.get(1).map_or(String::new(), |group| group.as_str().into()),
                Some(captures) => captures.get(0).map_or(0, |all| all.as_str().chars().count()).to_string(),
                None if grouped => String::new(),
                None => "0".into(),
            })
        }
        op => {
            let order = match (left.parse::<i64>(), right.parse::<i64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                _ => left.cmp(right),
            };
            flag(match op {
                "=" | "==" => order.is_eq(),
                "!=" => order.is_ne(),
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    }
}

pub(super) fn shuf(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "i:n:e", &[("input-range", 'i'), ("head-count", 'n'), ("echo", 'e')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let mut lines: Vec<String> = if let Some((from, to)) = options.value('i').and_then(|range| range.split_once('-')) {
        match (from.parse::<u64>(), to.parse::<u64>()) {
            (Ok(from), Ok(to)) if to >= from && to - from < 100_000 => (from..=to).map(|n| n.to_string()).collect(),
            _ => {
                call.error("invalid input range");
                return 1;
            }
        }
    } else if options.has('e') {
        options.rest.clone()
    } else {
        let name = options.rest.first().map_or("-", String::as_str);
        let read = if name == "-" { Ok(std::mem::take(&mut call.input)) } else { call.sys.read_file(name) };
        match read {
            Ok(bytes) => String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect(),
            Err(error) => {
                call.error(&format!("{name}: {error}"));
                return 1;
            }
        }
    };
    for at in (1..lines.len()).rev() {
        let other = (call.sys.random() % (at as u64 + 1)) as usize;
        lines.swap(at, other);
    }
    let count = options.value('n').and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
    for line in lines.iter().take(count) {
        call.print(&format!("{line}\n"));
    }
    0
}
