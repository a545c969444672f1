//! Builtins about variables and parameters.

use std::sync::Arc;

use super::{Done, letters};
use crate::Sys;
use crate::shell::parse::is_name;
use crate::shell::quote::{double, quote, single};
use crate::shell::vars::{Value, Var};
use crate::shell::{Dialect, Shell};

/// Splits `name=value`; with `+=` the third is set.
fn assignment(word: &str) -> (&str, Option<&str>, bool) {
    match word.split_once('=') {
        Some((name, value)) => match name.strip_suffix('+') {
            Some(name) => (name, Some(value), true),
            None => (name, Some(value), false),
        },
        None => (word, None, false),
    }
}

fn bad_name(shell: &mut Shell, sys: &mut Sys<'_>, builtin: &str, word: &str) {
    let message = match shell.dialect {
        Dialect::Bash => format!("`{word}': not a valid identifier"),
        _ => format!("{}: bad variable name", assignment(word).0),
    };
    shell.complain_of(sys, builtin, &message);
}

/// Assigns what a word of `export` and its like says. Whether the name is one.
fn apply(shell: &mut Shell, sys: &mut Sys<'_>, builtin: &str, word: &str) -> bool {
    let (name, value, append) = assignment(word);
    if !is_name(name) {
        bad_name(shell, sys, builtin, word);
        return false;
    }
    if let Some(value) = value {
        let text = match append {
            true => shell.vars.text(name).unwrap_or_default().to_owned() + value,
            false => value.to_owned(),
        };
        if let Err(message) = shell.assign(name, &text) {
            shell.complain_of(sys, builtin, &message);
            return false;
        }
    }
    true
}

fn value_text(value: &Value) -> Option<String> {
    match value {
        Value::None => None,
        Value::Text(text) => Some(double(text)),
        Value::Array(elements) => {
            let list: Vec<String> =
                elements.iter().map(|(index, text)| format!("[{index}]={}", double(text))).collect();
            Some(format!("({})", list.join(" ")))
        }
        Value::Map(entries) => {
            let list: Vec<String> = entries.iter().map(|(key, text)| format!("[{key}]={}", double(text))).collect();
            Some(format!("({} )", list.join(" ")))
        }
    }
}

fn declaration(name: &str, var: &Var) -> String {
    let mut flags = String::new();
    match var.value {
        Value::Array(_) => flags.push('a'),
        Value::Map(_) => flags.push('A'),
        _ => {}
    }
    for (set, letter) in [(var.integer, 'i'), (var.readonly, 'r'), (var.exported, 'x')] {
        if set {
            flags.push(letter);
        }
    }
    let flags = if flags.is_empty() { "-".into() } else { flags };
    match value_text(&var.value) {
        Some(value) => format!("declare -{flags} {name}={value}\n"),
        None => format!("declare -{flags} {name}\n"),
    }
}

/// Prints the variables that `wanted` picks, as a dialect's `export -p` and `readonly -p` do.
fn print_marked(shell: &Shell, sys: &mut Sys<'_>, word: &str, wanted: fn(&Var) -> bool) {
    let mut out = String::new();
    for (name, var) in shell.vars.iter().filter(|(_, var)| wanted(var)) {
        match shell.dialect {
            Dialect::Bash => out.push_str(&declaration(name, var)),
            _ => match var.text() {
                Some(text) => out.push_str(&format!("{word} {name}='{}'\n", text.replace('\'', "'\\''"))),
                None => out.push_str(&format!("{word} {name}\n")),
            },
        }
    }
    sys.print(&out);
}

pub(super) fn export(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let (options, names) = match letters(words, "pnf") {
        Ok(found) => found,
        Err(letter) => return shell.invalid_option(sys, words, letter),
    };
    if names.is_empty() {
        print_marked(shell, sys, "export", |var| var.exported);
        return Done::Status(0);
    }
    let mut status = 0;
    for word in names {
        if options.contains(&'f') {
            continue;
        }
        if apply(shell, sys, "export", word) {
            shell.vars.entry(assignment(word).0).exported = !options.contains(&'n');
        } else {
            status = 1;
        }
    }
    Done::Status(status)
}

pub(super) fn readonly(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let (_, names) = match letters(words, "paAf") {
        Ok(found) => found,
        Err(letter) => return shell.invalid_option(sys, words, letter),
    };
    if names.is_empty() {
        print_marked(shell, sys, "readonly", |var| var.readonly);
        return Done::Status(0);
    }
    let mut status = 0;
    for word in names {
        if apply(shell, sys, "readonly", word) {
            shell.vars.entry(assignment(word).0).readonly = true;
        } else {
            status = 1;
        }
    }
    Done::Status(status)
}

pub(super) fn local(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    if shell.functions_deep == 0 {
        let message =
            if shell.dialect == Dialect::Bash { "can only be used in a function" } else { "not in a function" };
        shell.complain_of(sys, "local", message);
        if shell.dialect == Dialect::Bash {
            return Done::Status(1);
        }
        // There it is a special builtin: its failure ends a script.
        if !shell.interactive {
            shell.unwind = Some(crate::shell::frames::Unwind::Exit);
        }
        return Done::Status(2);
    }
    declare(shell, sys, words)
}

pub(super) fn declare(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let builtin = words.first().cloned().unwrap_or_default();
    let mut at = 1;
    let (mut on, mut off) = (String::new(), String::new());
    while let Some(word) = words.get(at) {
        let (set, letters) = match word.as_bytes() {
            b"--" => {
                at += 1;
                break;
            }
            [b'-', _, ..] => (&mut on, word.get(1..).unwrap_or("")),
            [b'+', _, ..] => (&mut off, word.get(1..).unwrap_or("")),
            _ => break,
        };
        if let Some(letter) = letters.chars().find(|letter| !"aAfFgiIlnrtuxp".contains(*letter)) {
            shell.complain_of(sys, &builtin, &format!("-{letter}: invalid option"));
            sys.eprint(&format!(
                "{builtin}: usage: {builtin} [-aAfFgiIlnrtux] [name[=value] ...] or {builtin} -p [-aAfFilnrtux] [name ...]\n"
            ));
            return Done::Status(2);
        }
        set.push_str(letters);
        at += 1;
    }
    let names = words.get(at..).unwrap_or_default();
    if on.contains(['f', 'F']) {
        return functions(shell, sys, names, on.contains('F'));
    }
    if on.contains('p') || (names.is_empty() && builtin != "local") {
        return print_declarations(shell, sys, &builtin, names);
    }
    let mut status = 0;
    for word in names {
        let (name, ..) = assignment(word);
        if !is_name(name) {
            bad_name(shell, sys, &builtin, word);
            status = 1;
            continue;
        }
        if shell.functions_deep > 0 && !on.contains('g') {
            shell.make_local(name);
        }
        let var = shell.vars.entry(name);
        match &var.value {
            Value::None if on.contains('A') => var.value = Value::Map(Arc::default()),
            Value::None if on.contains('a') => var.value = Value::Array(Arc::default()),
            _ => {}
        }
        for (letter, flag) in [('i', &mut var.integer), ('x', &mut var.exported)] {
            *flag = (*flag || on.contains(letter)) && !off.contains(letter);
        }
        if !apply(shell, sys, &builtin, word) {
            status = 1;
        }
        if on.contains('r') {
            shell.vars.entry(name).readonly = true;
        }
        if let (true, Some(text)) = (on.contains(['u', 'l']), shell.vars.text(name)) {
            let text = if on.contains('u') { text.to_uppercase() } else { text.to_lowercase() };
            shell.vars.set(name, &text);
        }
    }
    Done::Status(status)
}

fn functions(shell: &mut Shell, sys: &mut Sys<'_>, names: &[String], names_only: bool) -> Done {
    let mut status = 0;
    let known: Vec<String> = shell.functions.keys().cloned().collect();
    let wanted = if names.is_empty() { known.as_slice() } else { names };
    for name in wanted {
        if !known.contains(name) {
            status = 1;
        } else if names_only && !names.is_empty() {
            sys.print(&format!("{name}\n"));
        } else if names_only {
            sys.print(&format!("declare -f {name}\n"));
        } else {
            sys.print(&format!("{name} () \n{{ \n    ...\n}}\n"));
        }
    }
    Done::Status(status)
}

fn print_declarations(shell: &mut Shell, sys: &mut Sys<'_>, builtin: &str, names: &[String]) -> Done {
    let mut status = 0;
    let mut out = String::new();
    if names.is_empty() {
        for (name, var) in shell.vars.iter() {
            out.push_str(&declaration(name, var));
        }
    }
    for name in names {
        match shell.vars.get(name) {
            Some(var) => out.push_str(&declaration(name, var)),
            None => {
                shell.complain_of(sys, builtin, &format!("{name}: not found"));
                status = 1;
            }
        }
    }
    sys.print(&out);
    Done::Status(status)
}

pub(super) fn unset(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let (options, names) = match letters(words, "fvn") {
        Ok(found) => found,
        Err(letter) => return shell.invalid_option(sys, words, letter),
    };
    let mut status = 0;
    for word in names {
        if options.contains(&'f') {
            Arc::make_mut(&mut shell.functions).remove(word);
            continue;
        }
        if let Some((name, index)) = word.strip_suffix(']').and_then(|word| word.split_once('[')) {
            let var = shell.vars.entry(name);
            match &mut var.value {
                Value::Array(elements) => {
                    if let Ok(index) = index.parse::<i64>() {
                        Arc::make_mut(elements).remove(&index);
                    }
                }
                Value::Map(entries) => {
                    Arc::make_mut(entries).remove(index.trim_matches(['\'', '"']));
                }
                _ => {}
            }
            continue;
        }
        match shell.vars.get(word) {
            Some(var) if var.readonly => {
                let message = match shell.dialect {
                    Dialect::Bash => format!("{word}: cannot unset: readonly variable"),
                    _ => format!("{word}: is read only"),
                };
                shell.complain_of(sys, "unset", &message);
                status = 1;
            }
            Some(_) => shell.vars.put(word, None),
            None if !options.contains(&'v') && shell.functions.contains_key(word) => {
                Arc::make_mut(&mut shell.functions).remove(word);
            }
            None => {}
        }
    }
    Done::Status(status)
}

pub(super) fn set(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    if words.len() == 1 {
        let mut out = String::new();
        for (name, var) in shell.vars.iter() {
            if let Some(text) = var.text() {
                let shown = match shell.dialect {
                    Dialect::Bash if text.is_empty() => String::new(),
                    Dialect::Bash => quote(text),
                    _ => single(text),
                };
                out.push_str(&format!("{name}={shown}\n"));
            }
        }
        sys.print(&out);
        return Done::Status(0);
    }
    let mut at = 1;
    while let Some(word) = words.get(at) {
        match word.as_str() {
            "--" => {
                shell.positional = Arc::new(words.get(at + 1..).unwrap_or_default().to_vec());
                return Done::Status(0);
            }
            "-" => {
                at += 1;
                break;
            }
            "-o" | "+o" => {
                let on = word.starts_with('-');
                let Some(name) = words.get(at + 1) else {
                    for (name, value) in shell.option_list() {
                        sys.print(&if on {
                            format!("{name:<15}\t{}\n", if value { "on" } else { "off" })
                        } else {
                            format!("set {}o {name}\n", if value { '-' } else { '+' })
                        });
                    }
                    return Done::Status(0);
                };
                if !shell.set_option(name, on) {
                    let message = match shell.dialect {
                        Dialect::Bash => format!("{name}: invalid option name"),
                        Dialect::Ash => format!("illegal option -o {name}"),
                        Dialect::Dash => format!("Illegal option -o {name}"),
                    };
                    return shell.failed(sys, "set", &message, 2);
                }
                at += 1;
            }
            _ if word.len() > 1 && (word.starts_with('-') || word.starts_with('+')) => {
                let on = word.starts_with('-');
                for letter in word.chars().skip(1) {
                    if letter == 'o' {
                        // `set -euo pipefail`.
                        at += 1;
                        let name = words.get(at).cloned().unwrap_or_default();
                        if !shell.set_option(&name, on) {
                            return shell.failed(sys, "set", &format!("{name}: invalid option name"), 2);
                        }
                    } else if !shell.set_flag(letter, on) {
                        let sign = if on { '-' } else { '+' };
                        let message = match shell.dialect {
                            Dialect::Bash => format!("{sign}{letter}: invalid option"),
                            Dialect::Ash => format!("illegal option {sign}{letter}"),
                            Dialect::Dash => format!("Illegal option {sign}{letter}"),
                        };
                        shell.complain_of(sys, "set", &message);
                        if shell.dialect == Dialect::Bash {
                            sys.eprint("set: usage: set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]\n");
                        }
                        return Done::Status(2);
                    }
                }
            }
            _ => break,
        }
        at += 1;
    }
    if let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
        shell.positional = Arc::new(rest.to_vec());
    }
    Done::Status(0)
}

pub(super) fn shift(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let count = match words.get(1) {
        None => 1,
        Some(word) => match word.parse::<usize>() {
            Ok(count) => count,
            Err(_) => {
                let message = match shell.dialect {
                    Dialect::Bash => format!("{word}: numeric argument required"),
                    _ => format!("Illegal number: {word}"),
                };
                return shell.failed(sys, "shift", &message, 1);
            }
        },
    };
    if count > shell.positional.len() {
        if shell.dialect == Dialect::Dash {
            shell.complain_of(sys, "shift", "can't shift that many");
            return Done::Status(2);
        }
        return Done::Status(1);
    }
    shell.positional = Arc::new(shell.positional.get(count..).unwrap_or_default().to_vec());
    Done::Status(0)
}
