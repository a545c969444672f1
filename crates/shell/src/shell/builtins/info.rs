//! Builtins that tell about commands and the shell's state.

use std::sync::Arc;

use super::{Done, find, letters, names};
use crate::Sys;
use crate::shell::quote::single;
use crate::shell::{Dialect, Shell};

const KEYWORDS: &[&str] =
    &["!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then", "until", "while", "{", "}"];
const BASH_KEYWORDS: &[&str] = &["[[", "]]", "function", "time", "coproc", "select"];

/// What is printed of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `ls is /usr/bin/ls`
    Sentence,
    /// `/usr/bin/ls`
    Path,
    /// `file`
    Kind,
}

/// Tells what commands are.
pub(super) fn describe(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String], form: Form, builtin: &str) -> Done {
    let mut status = 0;
    for name in words {
        let bash = shell.dialect == Dialect::Bash;
        let text = if let Some(alias) = shell.aliases.get(name).filter(|_| shell.options.expand_aliases) {
            match form {
                Form::Sentence if bash => format!("{name} is aliased to `{alias}'"),
                Form::Sentence => format!("{name} is an alias for {alias}"),
                Form::Path => format!("alias {name}={}", single(alias)),
                Form::Kind => "alias".into(),
            }
        } else if KEYWORDS.contains(&name.as_str()) || (bash && BASH_KEYWORDS.contains(&name.as_str())) {
            match form {
                Form::Sentence => format!("{name} is a shell keyword"),
                Form::Path => name.clone(),
                Form::Kind => "keyword".into(),
            }
        } else if shell.functions.contains_key(name) {
            match form {
                Form::Sentence if bash => format!("{name} is a function"),
                Form::Sentence => format!("{name} is a shell function"),
                Form::Path => name.clone(),
                Form::Kind => "function".into(),
            }
        } else if find(name, shell.dialect).is_some() {
            match form {
                Form::Sentence => format!("{name} is a shell builtin"),
                Form::Path => name.clone(),
                Form::Kind => "builtin".into(),
            }
        } else {
            let path = shell.vars.text("PATH").unwrap_or_default().to_owned();
            match (sys.find(name, &path), form) {
                (Ok(found), Form::Sentence) => format!("{name} is {found}"),
                (Ok(found), Form::Path) => found,
                (Ok(_), Form::Kind) => "file".into(),
                (Err(_), form) => {
                    status = if bash { 1 } else { 127 };
                    match (shell.dialect, form) {
                        (Dialect::Bash, Form::Sentence) => {
                            shell.complain_of(sys, builtin, &format!("{name}: not found"));
                        }
                        (_, Form::Sentence) => sys.print(&format!("{name}: not found\n")),
                        _ => {}
                    }
                    continue;
                }
            }
        };
        sys.print(&format!("{text}\n"));
    }
    Done::Status(status)
}

pub(super) fn type_of(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    match letters(words, "afptP") {
        Ok((options, names)) => {
            let form = if options.contains(&'t') {
                Form::Kind
            } else if options.iter().any(|option| matches!(option, 'p' | 'P')) {
                Form::Path
            } else {
                Form::Sentence
            };
            describe(shell, sys, names, form, "type")
        }
        Err(letter) => shell.invalid_option(sys, words, letter),
    }
}

pub(super) fn alias(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let show = |shell: &Shell, name: &str, text: &str| match shell.dialect {
        Dialect::Bash => format!("alias {name}={}\n", single(text)),
        _ => format!("{name}={}\n", single(text)),
    };
    let arguments: Vec<&String> = words.iter().skip(1).filter(|word| *word != "-p" && *word != "--").collect();
    if arguments.is_empty() {
        let out: String = shell.aliases.iter().map(|(name, text)| show(shell, name, text)).collect();
        sys.print(&out);
        return Done::Status(0);
    }
    let mut status = 0;
    for word in arguments {
        match word.split_once('=') {
            Some((name, text)) => {
                Arc::make_mut(&mut shell.aliases).insert(name.to_owned(), text.to_owned());
            }
            None => match shell.aliases.get(word) {
                Some(text) => {
                    let line = show(shell, word, text);
                    sys.print(&line);
                }
                None => {
                    shell.complain_of(sys, "alias", &format!("{word}: not found"));
                    status = 1;
                }
            },
        }
    }
    Done::Status(status)
}

pub(super) fn unalias(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let mut status = 0;
    for word in words.get(1..).unwrap_or_default() {
        if word == "-a" {
            shell.aliases = Arc::default();
        } else if Arc::make_mut(&mut shell.aliases).remove(word).is_none() {
            shell.complain_of(sys, "unalias", &format!("{word}: not found"));
            status = 1;
        }
    }
    Done::Status(status)
}

pub(super) fn times(_: &mut Shell, sys: &mut Sys<'_>, _: &[String]) -> Done {
    sys.print("0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n");
    Done::Status(0)
}

pub(super) fn umask(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    match words.get(1) {
        None => sys.print("0022\n"),
        Some(word) if word == "-S" => sys.print("u=rwx,g=rx,o=rx\n"),
        Some(word) => {
            if !word.starts_with(|c: char| c.is_ascii_alphabetic()) && u16::from_str_radix(word, 8).is_err() {
                return shell.failed(sys, "umask", &format!("{word}: octal number out of range"), 1);
            }
        }
    }
    Done::Status(0)
}

pub(super) fn ulimit(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let letter = words.get(1).and_then(|word| word.strip_prefix('-')).and_then(|word| word.chars().last());
    if words.len() > 2 {
        return Done::Status(0);
    }
    let value = match letter.unwrap_or('f') {
        'n' => "1024",
        'u' => "256",
        's' => "8192",
        'a' => {
            sys.print("open files                          (-n) 1024\nmax user processes                  (-u) 256\n");
            return Done::Status(0);
        }
        _ => "unlimited",
    };
    let _ = shell;
    sys.print(&format!("{value}\n"));
    Done::Status(0)
}

pub(super) fn shopt(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let (options, names) = match letters(words, "supqo") {
        Ok(found) => found,
        Err(letter) => return shell.invalid_option(sys, words, letter),
    };
    let mut status = 0;
    for name in names {
        let on = options.contains(&'s');
        let known = if options.contains(&'o') { shell.set_option(name, on) } else { shell.set_shopt(name, on) };
        if !known {
            shell.complain_of(sys, "shopt", &format!("{name}: invalid shell option name"));
            status = 1;
        }
    }
    Done::Status(status)
}

pub(super) fn help(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    if let Some(name) = words.get(1) {
        if find(name, shell.dialect).is_some() {
            sys.print(&format!("{name}: a shell builtin\n"));
            return Done::Status(0);
        }
        return shell.failed(sys, "help", &format!("no help topics match `{name}'."), 1);
    }
    let mut out = String::from(match shell.dialect {
        Dialect::Bash => {
            "These shell commands are built in. Everything else in PATH is a program: try `ls /usr/bin'.\n\n"
        }
        _ => "Built-in commands:\n------------------\n",
    });
    let all: Vec<&str> = names(shell.dialect).collect();
    for row in all.chunks(8) {
        out.push_str(&format!("  {}\n", row.join(" ")));
    }
    sys.print(&out);
    Done::Status(0)
}

pub(super) fn history(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    match words.get(1).map(String::as_str) {
        None => {
            let out = shell.history.listing(usize::MAX);
            sys.print(&out);
        }
        Some("-c") => shell.history.clear(),
        Some("-w" | "-a" | "-r" | "-n") => {}
        Some(word) => match word.parse::<usize>() {
            Ok(count) => {
                let out = shell.history.listing(count);
                sys.print(&out);
            }
            Err(_) => {
                return shell.failed(sys, "history", &format!("{word}: numeric argument required"), 1);
            }
        },
    }
    Done::Status(0)
}
