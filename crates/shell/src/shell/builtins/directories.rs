//! Builtins about the working directory.

use super::{Done, letters};
use crate::shell::{Dialect, Shell};
use crate::{Errno, Sys};

fn change(shell: &mut Shell, sys: &mut Sys<'_>, target: &str) -> Result<(), Errno> {
    let old = shell.vars.text("PWD").map_or_else(|| sys.cwd(), str::to_owned);
    sys.set_cwd(target)?;
    let new = sys.cwd();
    shell.vars.set("OLDPWD", &old);
    shell.vars.set("PWD", &new);
    Ok(())
}

pub(super) fn cd(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let (options, words_left) = match words.get(1).map(String::as_str) {
        // `cd -` is no option.
        Some("-") => (Vec::new(), words.get(1..).unwrap_or_default()),
        _ => match letters(words, "LPe@") {
            Ok(found) => found,
            Err(letter) => return shell.invalid_option(sys, words, letter),
        },
    };
    if words_left.len() > 1 && shell.dialect == Dialect::Bash {
        return shell.failed(sys, "cd", "too many arguments", 1);
    }
    let mut print = false;
    let target = match words_left.first().map(String::as_str) {
        None => match shell.vars.text("HOME") {
            Some(home) => home.to_owned(),
            None => return shell.failed(sys, "cd", "HOME not set", 1),
        },
        Some("-") => match shell.vars.text("OLDPWD") {
            Some(old) => {
                print = true;
                old.to_owned()
            }
            None => return shell.failed(sys, "cd", "OLDPWD not set", 1),
        },
        Some(target) => target.to_owned(),
    };
    let mut target = if target.is_empty() { ".".into() } else { target };
    if !target.starts_with(['/', '.'])
        && let Some(search) = shell.vars.text("CDPATH").map(str::to_owned)
    {
        let found = search
            .split(':')
            .map(|base| format!("{}/{target}", if base.is_empty() { "." } else { base }))
            .find(|path| {
                let path = sys.path(path);
                sys.files().is_dir(&path)
            });
        if let Some(found) = found {
            print |= !found.starts_with("./");
            target = found;
        }
    }
    if options.contains(&'P') {
        let path = sys.path(&target);
        target = sys.files().canonical(&path).unwrap_or(path);
    }
    match change(shell, sys, &target) {
        Ok(()) => {
            if print {
                let cwd = sys.cwd();
                sys.print(&format!("{cwd}\n"));
            }
            Done::Status(0)
        }
        Err(error) => {
            let message = match shell.dialect {
                Dialect::Bash => format!("{target}: {error}"),
                Dialect::Ash => format!("can't cd to {target}: {error}"),
                Dialect::Dash => format!("can't cd to {target}"),
            };
            shell.failed(sys, "cd", &message, if shell.dialect == Dialect::Bash { 1 } else { 2 })
        }
    }
}

pub(super) fn pwd(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let mut cwd = sys.cwd();
    match letters(words, "LP") {
        Ok((options, _)) if options.contains(&'P') => cwd = sys.files().canonical(&cwd).unwrap_or(cwd),
        Ok(_) => {}
        Err(letter) => return shell.invalid_option(sys, words, letter),
    }
    sys.print(&format!("{cwd}\n"));
    Done::Status(0)
}

/// How deep the stack of directories may grow.
const DIRECTORIES_MAX: usize = 100;

pub(super) fn pushd(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let cwd = sys.cwd();
    let target = match words.get(1) {
        Some(target) => target.clone(),
        None => match shell.directories.pop() {
            Some(target) => target,
            None => return shell.failed(sys, "pushd", "no other directory", 1),
        },
    };
    if shell.directories.len() >= DIRECTORIES_MAX {
        return shell.failed(sys, "pushd", "directory stack is full", 1);
    }
    if let Err(error) = change(shell, sys, &target) {
        return shell.failed(sys, "pushd", &format!("{target}: {error}"), 1);
    }
    shell.directories.push(cwd);
    dirs(shell, sys, &[])
}

pub(super) fn popd(shell: &mut Shell, sys: &mut Sys<'_>, _: &[String]) -> Done {
    let Some(target) = shell.directories.pop() else {
        return shell.failed(sys, "popd", "directory stack empty", 1);
    };
    if let Err(error) = change(shell, sys, &target) {
        return shell.failed(sys, "popd", &format!("{target}: {error}"), 1);
    }
    dirs(shell, sys, &[])
}

pub(super) fn dirs(shell: &mut Shell, sys: &mut Sys<'_>, _: &[String]) -> Done {
    let home = shell.vars.text("HOME").unwrap_or_default().to_owned();
    let cwd = sys.cwd();
    let shown: Vec<String> =
        std::iter::once(&cwd).chain(shell.directories.iter().rev()).map(|path| tilde(path, &home)).collect();
    sys.print(&format!("{}\n", shown.join(" ")));
    Done::Status(0)
}

/// A path with the home directory as `~`.
pub(crate) fn tilde(path: &str, home: &str) -> String {
    match path.strip_prefix(home) {
        Some(rest) if home.len() > 1 && (rest.is_empty() || rest.starts_with('/')) => format!("~{rest}"),
        _ => path.to_owned(),
    }
}
