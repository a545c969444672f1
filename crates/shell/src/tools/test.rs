//! `test` and `[`.

use super::Call;
use crate::{Flavour, Sys};

/// Whose words errors use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Bash,
    Busybox,
    Dash,
}

const UNARY: &[&str] = &[
    "-b", "-c", "-d", "-e", "-f", "-g", "-h", "-k", "-L", "-n", "-p", "-r", "-s", "-S", "-t", "-u", "-w", "-x", "-z",
    "-G", "-N", "-O", "-a",
];
const BINARY: &[&str] = &["=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"];
/// How deep parentheses and negations may nest.
const DEPTH_MAX: u32 = 50;

struct Parser<'a, 'x, 'y> {
    words: &'a [String],
    at: usize,
    style: Style,
    sys: &'x mut Sys<'y>,
    depth: u32,
}

/// The value of a condition.
pub(crate) fn evaluate(words: &[String], style: Style, sys: &mut Sys<'_>) -> Result<bool, String> {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    match words.len() {
        0 => return Ok(false),
        1 => return Ok(!word(0).is_empty()),
        2 if word(0) == "!" => return Ok(word(1).is_empty()),
        2 => {
            return match unary(word(0), word(1), sys) {
                Some(value) => Ok(value),
                None => Err(match style {
                    Style::Bash => format!("{}: unary operator expected", word(0)),
                    Style::Busybox => format!("{}: unknown operand", word(1)),
                    Style::Dash => format!("{}: unexpected operator", word(0)),
                }),
            };
        }
        3 if BINARY.contains(&word(1)) => return binary(word(0), word(1), word(2), style, sys),
        3 if word(0) == "!" => return evaluate(words.get(1..).unwrap_or_default(), style, sys).map(|value| !value),
        3 if word(0) == "(" && word(2) == ")" => return Ok(!word(1).is_empty()),
        3 if word(1) != "-a" && word(1) != "-o" => {
            return Err(match style {
                Style::Bash => format!("{}: binary operator expected", word(1)),
                Style::Busybox => format!("{}: unknown operand", word(1)),
                Style::Dash => format!("{}: unexpected operator", word(1)),
            });
        }
        4 if word(0) == "!" => return evaluate(words.get(1..).unwrap_or_default(), style, sys).map(|value| !value),
        _ => {}
    }
    let mut parser = Parser { words, at: 0, style, sys, depth: 0 };
    let value = parser.or()?;
    match parser.peek() {
        None => Ok(value),
        Some(word) => Err(match style {
            Style::Bash => "too many arguments".into(),
            Style::Busybox => format!("{word}: unknown operand"),
            Style::Dash => format!("{word}: unexpected operator"),
        }),
    }
}

impl Parser<'_, '_, '_> {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn word(&mut self) -> Result<String, String> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word.ok_or_else(|| "argument expected".into())
    }

    fn or(&mut self) -> Result<bool, String> {
        let mut value = self.and()?;
        while self.peek() == Some("-o") {
            self.at += 1;
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<bool, String> {
        let mut value = self.not()?;
        while self.peek() == Some("-a") {
            self.at += 1;
            value &= self.not()?;
        }
        Ok(value)
    }

    fn not(&mut self) -> Result<bool, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("too many arguments".into());
        }
        let value = if self.peek() == Some("!") && self.words.len() > self.at + 1 {
            self.at += 1;
            self.not().map(|value| !value)
        } else {
            self.primary()
        };
        self.depth -= 1;
        value
    }

    fn primary(&mut self) -> Result<bool, String> {
        let word = self.word()?;
        if let Some(op) = self.words.get(self.at).filter(|op| BINARY.contains(&op.as_str())).cloned()
            && self.words.len() > self.at + 1
        {
            self.at += 1;
            let right = self.word()?;
            return binary(&word, &op, &right, self.style, self.sys);
        }
        if word == "(" {
            let value = self.or()?;
            return match self.word().as_deref() {
                Ok(")") => Ok(value),
                _ => {
                    Err(if self.style == Style::Bash { "`)' expected".into() } else { "closing paren expected".into() })
                }
            };
        }
        if UNARY.contains(&word.as_str()) && self.words.len() > self.at {
            let operand = self.word()?;
            return Ok(unary(&word, &operand, self.sys).unwrap_or(false));
        }
        Ok(!word.is_empty())
    }
}

/// The value of a unary operator; None when there is no such.
pub(crate) fn unary(op: &str, operand: &str, sys: &mut Sys<'_>) -> Option<bool> {
    match op {
        "-n" => return Some(!operand.is_empty()),
        "-z" => return Some(operand.is_empty()),
        "-t" => return Some(operand.parse().is_ok_and(|fd| sys.is_tty(fd))),
        _ if !UNARY.contains(&op) => return None,
        _ => {}
    }
    if operand.is_empty() {
        return Some(false);
    }
    let path = sys.path(operand);
    let user = sys.user();
    let files = sys.files();
    let stat = files.stat(&path);
    Some(match op {
        "-h" | "-L" => files.lstat(&path).is_ok_and(|stat| stat.is_symlink()),
        "-r" => files.access(&path, 4),
        "-w" => files.access(&path, 2),
        "-x" => files.access(&path, 1),
        _ => match stat {
            // What is behind /dev/stdin and its like is no file of the tree.
            Err(_) if path.starts_with("/dev/std") || path.starts_with("/dev/fd/") => op == "-e" || op == "-a",
            Err(_) => false,
            Ok(stat) => match op {
                "-e" | "-a" => true,
                "-f" => stat.is_file(),
                "-d" => stat.is_dir(),
                "-s" => stat.size > 0,
                "-c" => matches!(stat.kind, crate::Kind::Device(_)),
                "-g" => stat.mode & 0o2000 != 0,
                "-k" => stat.mode & 0o1000 != 0,
                "-u" => stat.mode & 0o4000 != 0,
                "-O" => stat.uid == user.uid,
                "-G" => stat.gid == user.gid,
                "-N" => true,
                _ => false,
            },
        },
    })
}

/// Compares numbers.
pub(crate) fn compare(op: &str, a: i64, b: i64) -> bool {
    match op {
        "-eq" => a == b,
        "-ne" => a != b,
        "-lt" => a < b,
        "-le" => a <= b,
        "-gt" => a > b,
        _ => a >= b,
    }
}

/// Compares files.
pub(crate) fn files(op: &str, left: &str, right: &str, sys: &mut Sys<'_>) -> bool {
    let (left, right) = (sys.path(left), sys.path(right));
    let (left, right) = (sys.files().stat(&left).ok(), sys.files().stat(&right).ok());
    match (op, left, right) {
        ("-ef", Some(left), Some(right)) => left.node == right.node,
        ("-nt", Some(left), Some(right)) => left.modified > right.modified,
        ("-nt", Some(_), None) | ("-ot", None, Some(_)) => true,
        ("-ot", Some(left), Some(right)) => left.modified < right.modified,
        _ => false,
    }
}

fn binary(left: &str, op: &str, right: &str, style: Style, sys: &mut Sys<'_>) -> Result<bool, String> {
    let number = |text: &str| {
        text.trim().parse::<i64>().map_err(|_| match style {
            Style::Bash => format!("{text}: integer expression expected"),
            Style::Busybox => format!("{text}: bad number"),
            Style::Dash => format!("Illegal number: {text}"),
        })
    };
    Ok(match op {
        "=" | "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        ">" => left > right,
        "-nt" | "-ot" | "-ef" => files(op, left, right, sys),
        op => compare(op, number(left)?, number(right)?),
    })
}

pub(super) fn run(call: &mut Call<'_, '_>) -> i32 {
    let style = if call.sys.flavour() == Flavour::Busybox { Style::Busybox } else { Style::Bash };
    let mut words = call.args.clone();
    if call.name == "[" && words.pop().as_deref() != Some("]") {
        call.error(if style == Style::Bash { "missing ‘]’" } else { "missing ]" });
        return 2;
    }
    match evaluate(&words, style, call.sys) {
        Ok(value) => i32::from(!value),
        Err(message) => {
            call.error(&message);
            2
        }
    }
}
