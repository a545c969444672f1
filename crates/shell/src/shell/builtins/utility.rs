//! Builtins that are utilities too.

use super::Done;
use crate::shell::{Dialect, Shell, arith};
use crate::tools::{echo, printf as printf_tool, test as test_tool};
use crate::{Errno, Sys};

pub(super) fn succeed(_: &mut Shell, _: &mut Sys<'_>, _: &[String]) -> Done {
    Done::Status(0)
}

/// Nothing is remembered of where commands were found.
pub(super) fn hash(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    if words.len() == 1 && shell.dialect == Dialect::Bash {
        sys.print("hash: hash table empty\n");
    }
    Done::Status(0)
}

pub(super) fn fail(_: &mut Shell, _: &mut Sys<'_>, _: &[String]) -> Done {
    Done::Status(1)
}

pub(super) fn echo(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let bytes = echo::output(words.get(1..).unwrap_or_default(), shell.dialect == Dialect::Dash);
    put(shell, sys, "echo", &bytes)
}

fn put(shell: &mut Shell, sys: &mut Sys<'_>, name: &str, bytes: &[u8]) -> Done {
    match sys.put(1, bytes) {
        Ok(()) => Done::Status(0),
        Err(Errno::Pipe) => Done::Status(1),
        Err(error) => shell.failed(sys, name, &format!("write error: {error}"), 1),
    }
}

pub(super) fn printf(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let mut words = words.get(1..).unwrap_or_default();
    let mut variable = None;
    if let [option, name, rest @ ..] = words
        && option == "-v"
        && shell.dialect == Dialect::Bash
    {
        variable = Some(name.clone());
        words = rest;
    }
    if words.first().is_some_and(|word| word == "--") {
        words = words.get(1..).unwrap_or_default();
    }
    let Some((format, arguments)) = words.split_first() else {
        return match shell.dialect {
            Dialect::Bash => {
                sys.eprint("printf: usage: printf [-v var] format [arguments]\n");
                Done::Status(2)
            }
            _ => shell.failed(sys, "printf", "usage: printf format [arg ...]", 2),
        };
    };
    let style = match shell.dialect {
        Dialect::Bash => printf_tool::Style::Bash,
        Dialect::Ash => printf_tool::Style::Busybox,
        Dialect::Dash => printf_tool::Style::Dash,
    };
    let output = printf_tool::format(format, arguments, style, sys.now());
    for error in &output.errors {
        shell.complain_of(sys, "printf", error);
    }
    let status = i32::from(!output.errors.is_empty());
    match variable {
        Some(name) => {
            if let Err(message) = shell.assign(&name, &crate::text::lossy(output.bytes)) {
                return shell.failed(sys, "printf", &message, 1);
            }
            Done::Status(status)
        }
        None => match put(shell, sys, "printf", &output.bytes) {
            Done::Status(0) => Done::Status(status),
            done => done,
        },
    }
}

pub(super) fn test(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let name = words.first().map_or("test", String::as_str);
    let mut arguments = words.get(1..).unwrap_or_default();
    if name == "[" {
        match arguments.split_last() {
            Some((last, rest)) if last == "]" => arguments = rest,
            _ => {
                let message = if shell.dialect == Dialect::Bash { "missing `]'" } else { "missing ]" };
                return shell.failed(sys, name, message, 2);
            }
        }
    }
    if let [option, variable] = arguments
        && option == "-v"
    {
        return Done::Status(i32::from(shell.variable(variable).is_none()));
    }
    let style = match shell.dialect {
        Dialect::Bash => test_tool::Style::Bash,
        Dialect::Ash => test_tool::Style::Busybox,
        Dialect::Dash => test_tool::Style::Dash,
    };
    match test_tool::evaluate(arguments, style, sys) {
        Ok(value) => Done::Status(i32::from(!value)),
        Err(message) => shell.failed(sys, name, &message, 2),
    }
}

pub(super) fn let_arith(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let mut value = 0;
    if words.len() < 2 {
        return shell.failed(sys, "let", "expression expected", 1);
    }
    for word in words.get(1..).unwrap_or_default() {
        match arith::evaluate(shell, word) {
            Ok(found) => value = found,
            Err(message) => return shell.failed(sys, "let", &message, 1),
        }
    }
    Done::Status(i32::from(value == 0))
}
