//! Builtins that change what is run next.

use drydock_sorted::Sort;
use std::sync::Arc;

use super::{Done, find, info};
use crate::shell::frames::{Frame, Source, SourceKind, Unwind};
use crate::shell::{Dialect, Shell};
use crate::{Errno, Signal, Sys};

fn loops(shell: &Shell) -> u32 {
    let mut count = 0;
    for frame in shell.stack.iter().rev() {
        match frame {
            Frame::Loop { .. } | Frame::For { .. } | Frame::ForArith { .. } => count += 1,
            Frame::Function { .. } => break,
            _ => {}
        }
    }
    count
}

fn leave_loop(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String], unwind: fn(u32) -> Unwind) -> Done {
    let name = words.first().map_or("break", String::as_str);
    let levels = match words.get(1) {
        None => 1,
        Some(word) => match word.parse::<u32>() {
            Ok(levels) if levels > 0 => levels,
            Ok(_) => return shell.failed(sys, name, &format!("{word}: loop count out of range"), 1),
            Err(_) => return illegal_number(shell, sys, name, word, 128),
        },
    };
    let around = loops(shell);
    if around == 0 {
        if shell.dialect == Dialect::Bash {
            shell.complain_of(sys, name, "only meaningful in a `for', `while', or `until' loop");
        }
        return Done::Status(0);
    }
    shell.unwind = Some(unwind(levels.min(around)));
    Done::Status(0)
}

fn illegal_number(shell: &mut Shell, sys: &mut Sys<'_>, name: &str, word: &str, status: i32) -> Done {
    let message = match shell.dialect {
        Dialect::Bash => format!("{word}: numeric argument required"),
        _ => format!("Illegal number: {word}"),
    };
    shell.failed(sys, name, &message, status)
}

pub(super) fn break_loop(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    leave_loop(shell, sys, words, Unwind::Break)
}

pub(super) fn continue_loop(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    leave_loop(shell, sys, words, Unwind::Continue)
}

/// The status that `exit` and `return` are given.
fn status_argument(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Result<i32, ()> {
    let Some(word) = words.get(1) else { return Ok(shell.status) };
    match word.parse::<i64>() {
        Ok(status) => Ok((status & 0xff) as i32),
        Err(_) => {
            let name = words.first().cloned().unwrap_or_default();
            illegal_number(shell, sys, &name, word, 2);
            Err(())
        }
    }
}

pub(super) fn exit(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    if shell.interactive {
        sys.eprint(if shell.login { "logout\n" } else { "exit\n" });
    }
    let status = status_argument(shell, sys, words).unwrap_or(2);
    shell.unwind = Some(Unwind::Exit);
    Done::Status(status)
}

pub(super) fn return_from(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let inside = shell.stack.iter().any(|frame| match frame {
        Frame::Function { .. } => true,
        Frame::Source(source) => source.kind == SourceKind::Dot,
        _ => false,
    });
    if !inside && shell.dialect == Dialect::Bash {
        return shell.failed(sys, "return", "can only `return' from a function or sourced script", 2);
    }
    let status = status_argument(shell, sys, words).unwrap_or(2);
    shell.unwind = Some(if inside { Unwind::Return } else { Unwind::Exit });
    Done::Status(status)
}

pub(super) fn eval(shell: &mut Shell, _: &mut Sys<'_>, words: &[String]) -> Done {
    let text = words.get(1..).unwrap_or_default().join(" ");
    shell.status = 0;
    shell.push_text(&text, SourceKind::Eval);
    Done::Later
}

pub(super) fn source(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let name = words.first().cloned().unwrap_or_default();
    let Some(file) = words.get(1) else {
        return match shell.dialect {
            Dialect::Bash => {
                shell.complain_of(sys, &name, "filename argument required");
                sys.eprint(&format!("{name}: usage: {name} filename [arguments]\n"));
                Done::Status(2)
            }
            _ => Done::Status(0),
        };
    };
    let path = match file.contains('/') {
        true => Ok(sys.path(file)),
        false => {
            let search = shell.vars.text("PATH").unwrap_or_default().to_owned();
            let here = sys.path(file);
            // A sourced file need not be executable.
            let cwd = sys.cwd();
            let candidates = search.split(':').map(|dir| crate::join(&crate::join(&cwd, dir), file));
            let found = candidates.into_iter().find(|path| sys.files().stat(path).is_ok_and(|stat| stat.is_file()));
            match found {
                Some(path) => Ok(path),
                None if shell.dialect == Dialect::Bash => Ok(here),
                None => Err(Errno::NotFound),
            }
        }
    };
    let read = match &path {
        Ok(path) if path.starts_with("/dev/fd/") || path == "/dev/stdin" => sys.read_file(path).map(Arc::new),
        Ok(path) => sys.files().read(path),
        Err(error) => Err(*error),
    };
    let text = match read {
        Ok(text) => text,
        Err(error) => {
            let message = match shell.dialect {
                Dialect::Bash => {
                    shell.complain(sys, &format!("{file}: {error}"));
                    return Done::Status(1);
                }
                Dialect::Ash => format!("can't open '{file}': {error}"),
                Dialect::Dash if error == Errno::NotFound && path.is_err() => format!("{file}: not found"),
                Dialect::Dash => format!("cannot open {file}: No such file"),
            };
            shell.complain_of(sys, &name, &message);
            if !shell.interactive {
                shell.unwind = Some(Unwind::Exit);
            }
            return Done::Status(2);
        }
    };
    if words.len() > 2 {
        let arguments = Arc::new(words.get(2..).unwrap_or_default().to_vec());
        let old = std::mem::replace(&mut shell.positional, arguments);
        shell.stack.push(Frame::Positional(old));
    }
    shell.status = 0;
    let outer = Some((std::mem::replace(&mut shell.script, file.clone()), shell.line));
    shell.stack.push(Frame::Source(Source { text, at: 0, line: 1, kind: SourceKind::Dot, outer }));
    Done::Later
}

pub(super) fn exec(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let words: Vec<String> = words.iter().skip(1).skip_while(|word| *word == "--").cloned().collect();
    let Some(name) = words.first().cloned() else { return Done::Status(0) };
    let result = shell.prepare(&name, words, &[], sys).and_then(|spawn| sys.exec(spawn));
    if let Err(error) = result {
        if shell.dialect == Dialect::Bash {
            shell.failed_to_run(&name, error, sys);
        } else {
            let (message, code) = shell.not_run(&name, error, false);
            shell.complain_of(sys, "exec", &message);
            shell.status = code;
        }
        if !shell.interactive {
            shell.unwind = Some(Unwind::Exit);
        }
        return Done::Status(shell.status);
    }
    Done::Status(0)
}

/// Runs words as a builtin or a program, functions aside.
fn run_words(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String], builtins_only: bool) -> Done {
    let Some(name) = words.first() else { return Done::Status(0) };
    if let Some(builtin) = find(name, shell.dialect) {
        return builtin(shell, sys, words);
    }
    if builtins_only {
        return shell.failed(sys, "builtin", &format!("{name}: not a shell builtin"), 1);
    }
    let text = Arc::from(words.join(" "));
    shell.run_program(name, words.to_vec(), &[], &[], &text, sys);
    Done::Later
}

pub(super) fn builtin(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    run_words(shell, sys, words.get(1..).unwrap_or_default(), true)
}

pub(super) fn command(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    match words.get(1).map(String::as_str) {
        Some("-v") => info::describe(shell, sys, words.get(2..).unwrap_or_default(), info::Form::Path, "command"),
        Some("-V") => info::describe(shell, sys, words.get(2..).unwrap_or_default(), info::Form::Sentence, "command"),
        Some("-p" | "--") => run_words(shell, sys, words.get(2..).unwrap_or_default(), false),
        _ => run_words(shell, sys, words.get(1..).unwrap_or_default(), false),
    }
}

pub(super) fn trap(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let mut words = words.get(1..).unwrap_or_default();
    if words.first().is_some_and(|word| word == "--") {
        words = words.get(1..).unwrap_or_default();
    }
    if words.first().is_some_and(|word| word == "-l") {
        let names: Vec<String> =
            Signal::ALL.iter().map(|signal| format!("{:2}) SIG{}", signal.number(), signal.name())).collect();
        sys.print(&(names.join("\n") + "\n"));
        return Done::Status(0);
    }
    let print = words.first().is_some_and(|word| word == "-p");
    if words.is_empty() || print {
        let mut lines: Vec<(i32, String)> = Vec::new();
        for (name, action) in &shell.traps {
            let signal = Signal::parse(name);
            let shown = match signal {
                Some(signal) if shell.dialect == Dialect::Bash => format!("SIG{}", signal.name()),
                _ => name.clone(),
            };
            let action = action.replace('\'', "'\\''");
            lines.push((signal.map_or(0, Signal::number), format!("trap -- '{action}' {shown}\n")));
        }
        lines.sort_compact();
        for (_, line) in lines {
            sys.print(&line);
        }
        return Done::Status(0);
    }
    let (action, names) = match words {
        // A number alone takes a trap away.
        [first, ..] if first.parse::<u32>().is_ok() => (None, words),
        [single] => (None, std::slice::from_ref(single)),
        [first, rest @ ..] => (if first == "-" { None } else { Some(first.clone()) }, rest),
        [] => return Done::Status(0),
    };
    let mut status = 0;
    for name in names {
        let upper = name.to_ascii_uppercase();
        let key = match upper.as_str() {
            "0" | "EXIT" => "EXIT".to_owned(),
            "ERR" | "DEBUG" | "RETURN" if shell.dialect == Dialect::Bash => upper,
            _ => match Signal::parse(name) {
                Some(signal) => signal.name().to_owned(),
                None => {
                    let message = match shell.dialect {
                        Dialect::Bash => format!("{name}: invalid signal specification"),
                        Dialect::Ash => format!("{name}: invalid signal specification"),
                        Dialect::Dash => format!("{name}: bad trap"),
                    };
                    shell.complain_of(sys, "trap", &message);
                    status = 1;
                    continue;
                }
            },
        };
        if let Some(signal) = Signal::parse(&key) {
            sys.ignore(signal, action.as_ref().is_some_and(String::is_empty));
        }
        match &action {
            Some(action) => shell.traps.insert(key, action.clone()),
            None => shell.traps.remove(&key),
        };
    }
    Done::Status(status)
}
