//! `cp`, `mv`, `rm`.

use super::Call;
use super::files::split;
use super::options::Options;
use crate::{Errno, Stat, User, join};

/// How much one call may copy or remove, so that a loop of links or a slip does not run for ever.
const ENTRIES_MAX: usize = 100_000;

struct Copy {
    recursive: bool,
    preserve: bool,
    links: bool,
    force: bool,
    no_clobber: bool,
    verbose: bool,
    entries: usize,
}

pub(super) fn cp(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[
        ("recursive", 'r'),
        ("archive", 'a'),
        ("preserve", 'p'),
        ("force", 'f'),
        ("no-clobber", 'n'),
        ("verbose", 'v'),
        ("target-directory", 't'),
        ("no-target-directory", 'T'),
        ("interactive", 'i'),
        ("update", 'u'),
    ];
    let options = match Options::parse(call, "rRapfnvidPLHut:Tl", LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let Some((sources, target)) = operands(call, &options) else { return call.try_help() };
    let mut copy = Copy {
        recursive: options.any("rRa"),
        preserve: options.any("pa"),
        links: options.any("adP"),
        force: options.has('f'),
        no_clobber: options.has('n'),
        verbose: options.has('v'),
        entries: 0,
    };
    let mut code = 0;
    let Some(into) = into_directory(call, &options, &sources, &target) else { return 1 };
    for source in &sources {
        let name = if into { format!("{}/{}", target.trim_end_matches('/'), split(source).1) } else { target.clone() };
        if copy_one(call, &mut copy, source, &name).is_err() {
            code = 1;
        }
    }
    code
}

/// The sources and the target; None: too few, which was said.
fn operands(call: &mut Call<'_, '_>, options: &Options) -> Option<(Vec<String>, String)> {
    if let Some(directory) = options.value('t') {
        return Some((options.rest.clone(), directory.to_owned()));
    }
    match options.rest.as_slice() {
        [] => {
            if call.gnu() {
                call.error("missing file operand");
            }
            None
        }
        [single] => {
            if call.gnu() {
                call.error(&format!("missing destination file operand after '{single}'"));
            }
            None
        }
        [sources @ .., target] => Some((sources.to_vec(), target.clone())),
    }
}

/// Whether sources go into the target; None: they cannot, which was said.
fn into_directory(call: &mut Call<'_, '_>, options: &Options, sources: &[String], target: &str) -> Option<bool> {
    let path = call.sys.path(target);
    let is_dir = call.sys.files().is_dir(&path) && !options.has('T');
    if sources.len() > 1 && !is_dir {
        let exists = call.sys.files().exists(&path);
        let message = match (call.gnu(), exists) {
            (true, true) => format!("target '{target}': Not a directory"),
            (true, false) => format!("target '{target}': No such file or directory"),
            (false, _) => format!("can't create '{target}': Not a directory"),
        };
        call.error(&message);
        return None;
    }
    Some(is_dir)
}

fn copy_one(call: &mut Call<'_, '_>, copy: &mut Copy, source: &str, target: &str) -> Result<(), ()> {
    copy.entries += 1;
    if copy.entries > ENTRIES_MAX {
        call.error("too many files");
        return Err(());
    }
    let (from, to) = (call.sys.path(source), call.sys.path(target));
    let stat = if copy.links { call.sys.files().lstat(&from) } else { call.sys.files().stat(&from) };
    let stat = match stat {
        Ok(stat) => stat,
        Err(error) => {
            // What is behind /dev/stdin is no file of the tree.
            if (from.starts_with("/dev/") || from.starts_with("/proc/"))
                && let Ok(bytes) = call.sys.read_file(source)
            {
                return call.sys.files().write(&to, &bytes).map_err(|_| ());
            }
            let message = if call.gnu() { "cannot stat" } else { "can't stat" };
            call.error(&format!("{message} '{source}': {error}"));
            return Err(());
        }
    };
    if stat.is_dir() {
        return copy_directory(call, copy, source, target, &stat);
    }
    let existing = call.sys.files().stat(&to).ok();
    if existing.as_ref().is_some_and(|existing| existing.node == stat.node) {
        call.error(&format!("'{source}' and '{target}' are the same file"));
        return Err(());
    }
    if existing.is_some() && copy.no_clobber {
        return Ok(());
    }
    if existing.is_some_and(|existing| existing.is_dir()) {
        call.error(&format!("cannot overwrite directory '{target}' with non-directory"));
        return Err(());
    }
    let result = if stat.is_symlink() {
        let link = call.sys.files().read_link(&from);
        link.and_then(|link| call.sys.files().symlink(&link, &to)).map_err(|error| (error, false))
    } else {
        write_copy(call, copy, &from, &to, &stat)
    };
    match result {
        Ok(()) => {
            if copy.verbose {
                call.print(&format!("'{source}' -> '{target}'\n"));
            }
            Ok(())
        }
        Err((error, reading)) => {
            let message = match (call.gnu(), reading) {
                (true, true) => format!("cannot open '{source}' for reading: {error}"),
                (false, true) => format!("can't open '{source}': {error}"),
                (true, false) => format!("cannot create regular file '{target}': {error}"),
                (false, false) => format!("can't create '{target}': {error}"),
            };
            call.error(&message);
            Err(())
        }
    }
}

fn write_copy(call: &mut Call<'_, '_>, copy: &Copy, from: &str, to: &str, stat: &Stat) -> Result<(), (Errno, bool)> {
    let bytes = call.sys.files().read(from).map_err(|error| (error, true))?;
    call.sys.charge((bytes.len() / 1024) as u32);
    let program = call.sys.files().program_of(from);
    let files = call.sys.files();
    if to.ends_with('/') {
        return Err((Errno::NotDir, false));
    }
    if copy.force && !files.access(to, 2) {
        let _ = files.remove(to);
    }
    if let Some(program) = program {
        return files.install(to, &program).map_err(|error| (error, false));
    }
    let new = !files.exists(to);
    files.write(to, &bytes).map_err(|error| (error, false))?;
    if new || copy.preserve {
        let _ = files.chmod(to, stat.mode);
    }
    if copy.preserve {
        let _ = files.set_modified(to, stat.modified);
        let _ = files.chown(to, User { uid: stat.uid, gid: stat.gid });
    }
    Ok(())
}

fn copy_directory(call: &mut Call<'_, '_>, copy: &mut Copy, source: &str, target: &str, stat: &Stat) -> Result<(), ()> {
    if !copy.recursive {
        let message = if call.gnu() {
            format!("-r not specified; omitting directory '{source}'")
        } else {
            format!("omitting directory '{source}'")
        };
        call.error(&message);
        return Err(());
    }
    let (from, to) = (call.sys.path(source), call.sys.path(target));
    let (from, to) = (from.trim_end_matches('/').to_owned(), to.trim_end_matches('/').to_owned());
    if to == from || to.starts_with(&format!("{from}/")) {
        call.error(&format!("cannot copy a directory, '{source}', into itself, '{target}'"));
        return Err(());
    }
    if !call.sys.files().is_dir(&to) {
        if let Err(error) = call.sys.files().mkdir(&to) {
            let message = if call.gnu() { "cannot create directory" } else { "can't create directory" };
            call.error(&format!("{message} '{target}': {error}"));
            return Err(());
        }
        let _ = call.sys.files().chmod(&to, stat.mode);
    }
    if copy.verbose {
        call.print(&format!("'{source}' -> '{target}'\n"));
    }
    let entries = match call.sys.files().list(&from) {
        Ok(entries) => entries,
        Err(error) => {
            call.error(&format!("cannot access '{source}': {error}"));
            return Err(());
        }
    };
    let mut result = Ok(());
    for entry in entries {
        let (source, target) = (source.trim_end_matches('/'), target.trim_end_matches('/'));
        let (source, target) = (format!("{source}/{}", entry.name), format!("{target}/{}", entry.name));
        // The depth is bounded by that of paths.
        if copy_one(call, copy, &source, &target).is_err() {
            result = Err(());
        }
    }
    result
}

pub(super) fn mv(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[
        ("force", 'f'),
        ("no-clobber", 'n'),
        ("verbose", 'v'),
        ("target-directory", 't'),
        ("no-target-directory", 'T'),
        ("interactive", 'i'),
        ("update", 'u'),
    ];
    let options = match Options::parse(call, "fnviut:T", LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let Some((sources, target)) = operands(call, &options) else { return call.try_help() };
    let Some(into) = into_directory(call, &options, &sources, &target) else { return 1 };
    let mut code = 0;
    for source in &sources {
        let name = if into { format!("{}/{}", target.trim_end_matches('/'), split(source).1) } else { target.clone() };
        let (from, to) = (call.sys.path(source), call.sys.path(&name));
        let (from, to) = (from.trim_end_matches('/'), to.trim_end_matches('/'));
        if options.has('n') && call.sys.files().exists(to) {
            continue;
        }
        let mut moved = call.sys.files().rename(from, to);
        if moved == Err(Errno::CrossDevice) {
            let mut copy = Copy {
                recursive: true,
                preserve: true,
                links: true,
                force: true,
                no_clobber: false,
                verbose: false,
                entries: 0,
            };
            if copy_one(call, &mut copy, source, &name).is_err() {
                code = 1;
                continue;
            }
            moved = call.sys.files().remove_all(from);
        }
        match moved {
            Ok(()) if options.has('v') => call.print(&format!("renamed '{source}' -> '{name}'\n")),
            Ok(()) => {}
            Err(error) => {
                let missing = call.sys.files().lstat(from).is_err();
                let message = match (call.gnu(), error) {
                    (true, _) if missing => format!("cannot stat '{source}': {error}"),
                    (true, Errno::Invalid) => format!("cannot move '{source}' to a subdirectory of itself, '{name}'"),
                    (true, Errno::IsDir) => format!("cannot overwrite directory '{name}' with non-directory"),
                    (true, Errno::NotDir) => {
                        format!("cannot overwrite non-directory '{name}' with directory '{source}'")
                    }
                    (true, _) => format!("cannot move '{source}' to '{name}': {error}"),
                    (false, _) => format!("can't rename '{source}': {error}"),
                };
                call.error(&message);
                code = 1;
            }
        }
    }
    code
}

pub(super) fn rm(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[
        ("force", 'f'),
        ("recursive", 'r'),
        ("dir", 'd'),
        ("verbose", 'v'),
        ("interactive", 'i'),
        ("no-preserve-root", 'N'),
        ("preserve-root", 'P'),
    ];
    let options = match Options::parse(call, "frRdviI", LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let force = options.has('f');
    if options.rest.is_empty() {
        return if force { 0 } else { call.usage_error("missing operand") };
    }
    let mut code = 0;
    for name in &options.rest {
        let path = call.sys.path(name);
        let path = if path.len() > 1 { path.trim_end_matches('/') } else { &path };
        if options.any("rR") && path == "/" {
            call.error(if call.gnu() {
                "it is dangerous to operate recursively on '/'\nrm: use --no-preserve-root to override this failsafe"
            } else {
                "can't remove '/': Device or resource busy"
            });
            code = 1;
            continue;
        }
        let stat = match call.sys.files().lstat(path) {
            Ok(stat) => stat,
            Err(Errno::NotFound | Errno::NotDir) if force => continue,
            Err(error) => {
                let message = if call.gnu() { "cannot remove" } else { "can't remove" };
                call.error(&format!("{message} '{name}': {error}"));
                code = 1;
                continue;
            }
        };
        if matches!(split(name).1, "." | "..") {
            call.error(&format!("refusing to remove '.' or '..' directory: skipping '{name}'"));
            code = 1;
            continue;
        }
        let removed = if stat.is_dir() && options.any("rR") {
            remove_tree(call, path, name, options.has('v'))
        } else if stat.is_dir() && !options.has('d') {
            let message = if call.gnu() {
                format!("cannot remove '{name}': Is a directory")
            } else {
                format!("'{name}' is a directory")
            };
            call.error(&message);
            Err(())
        } else {
            let files = call.sys.files();
            let removed = if stat.is_dir() { files.rmdir(path) } else { files.remove(path) };
            if removed.is_ok() && options.has('v') {
                call.print(&format!("removed '{name}'\n"));
            }
            removed.map_err(|error| complain_of_removal(call, name, error))
        };
        if removed.is_err() {
            code = 1;
        }
    }
    code
}

fn complain_of_removal(call: &mut Call<'_, '_>, name: &str, error: Errno) {
    let message = if call.gnu() { "cannot remove" } else { "can't remove" };
    call.error(&format!("{message} '{name}': {error}"));
}

fn remove_tree(call: &mut Call<'_, '_>, path: &str, name: &str, verbose: bool) -> Result<(), ()> {
    let mut todo = vec![(path.to_owned(), name.to_owned(), false)];
    let mut result = Ok(());
    while let Some((path, name, emptied)) = todo.pop() {
        let is_dir = call.sys.files().lstat(&path).is_ok_and(|stat| stat.is_dir());
        if is_dir && !emptied {
            match call.sys.files().list(&path) {
                Ok(entries) => {
                    todo.push((path.clone(), name.clone(), true));
                    for entry in entries.into_iter().rev() {
                        todo.push((join(&path, &entry.name), format!("{name}/{}", entry.name), false));
                    }
                }
                Err(error) => {
                    complain_of_removal(call, &name, error);
                    result = Err(());
                }
            }
            continue;
        }
        let removed = if is_dir { call.sys.files().rmdir(&path) } else { call.sys.files().remove(&path) };
        match removed {
            Ok(()) if verbose && is_dir => call.print(&format!("removed directory '{name}'\n")),
            Ok(()) if verbose => call.print(&format!("removed '{name}'\n")),
            Ok(()) => {}
            // Said already of what it still holds.
            Err(Errno::NotEmpty) if result.is_err() => {}
            Err(error) => {
                complain_of_removal(call, &name, error);
                result = Err(());
            }
        }
    }
    result
}
