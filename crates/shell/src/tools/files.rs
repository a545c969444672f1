//! `mkdir`, `rmdir`, `touch`, `ln`, `chmod`, `chown`, `mktemp`, `truncate`: small changes of the file system.

use drydock_value::Time;

use super::Call;
use super::options::Options;
use crate::{Errno, User, join};

/// Parent directory and last name.
pub(super) fn split(path: &str) -> (&str, &str) {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((parent, name)) => (parent, name),
        None => (".", trimmed),
    }
}

pub(super) fn mkdir(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "pm:v", &[("parents", 'p'), ("mode", 'm'), ("verbose", 'v')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    if options.rest.is_empty() {
        return call.usage_error("missing operand");
    }
    let mut code = 0;
    for name in &options.rest {
        let path = call.sys.path(name);
        let path = path.trim_end_matches('/');
        let files = call.sys.files();
        let made = if options.has('p') { files.mkdir_all(path) } else { files.mkdir(path) };
        match made {
            Ok(()) => {
                if let Some(mode) = options.value('m')
                    && let Some(mode) = new_mode(mode, 0o755, true)
                {
                    let _ = call.sys.files().chmod(path, mode);
                }
                if options.has('v') {
                    call.print(&format!("mkdir: created directory '{name}'\n"));
                }
            }
            Err(error) => {
                let message = if call.gnu() {
                    format!("cannot create directory ‘{name}’: {error}")
                } else {
                    format!("can't create directory '{name}': {error}")
                };
                call.error(&message);
                code = 1;
            }
        }
    }
    code
}

pub(super) fn rmdir(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[("parents", 'p'), ("ignore-fail-on-non-empty", 'i'), ("verbose", 'v')];
    let options = match Options::parse(call, "pv", LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    if options.rest.is_empty() {
        return call.usage_error("missing operand");
    }
    let mut code = 0;
    for name in &options.rest {
        let mut shown = name.as_str();
        loop {
            let path = call.sys.path(shown);
            if let Err(error) = call.sys.files().rmdir(path.trim_end_matches('/')) {
                if error == Errno::NotEmpty && options.has('i') {
                    break;
                }
                let message = if call.gnu() {
                    format!("failed to remove '{shown}': {error}")
                } else {
                    format!("'{shown}': {error}")
                };
                call.error(&message);
                code = 1;
                break;
            }
            match split(shown) {
                (parent, _) if options.has('p') && parent != "." && parent != "/" => shown = parent,
                _ => break,
            }
        }
    }
    code
}

pub(super) fn touch(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "camhd:t:r:", &[("no-create", 'c'), ("date", 'd'), ("reference", 'r')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    if options.rest.is_empty() {
        return call.usage_error("missing file operand");
    }
    let mut time = call.sys.now();
    if let Some(text) = options.value('d') {
        match super::date::parse(text, time) {
            Some(parsed) => time = parsed,
            None => {
                let quoted = call.quote(text);
                call.error(&if call.gnu() {
                    format!("invalid date format {quoted}")
                } else {
                    format!("invalid date {quoted}")
                });
                return 1;
            }
        }
    }
    if let Some(reference) = options.value('r') {
        let path = call.sys.path(reference);
        match call.sys.files().stat(&path) {
            Ok(stat) => time = stat.modified,
            Err(error) => {
                call.error(&format!("failed to get attributes of '{reference}': {error}"));
                return 1;
            }
        }
    }
    let mut code = 0;
    for name in &options.rest {
        if let Err(error) = touch_one(call, name, options.has('c'), time) {
            let message =
                if call.gnu() { format!("cannot touch '{name}': {error}") } else { format!("{name}: {error}") };
            call.error(&message);
            code = 1;
        }
    }
    code
}

fn touch_one(call: &mut Call<'_, '_>, name: &str, existing: bool, time: Time) -> Result<(), Errno> {
    let path = call.sys.path(name);
    let files = call.sys.files();
    if !files.exists(&path) {
        if existing {
            return Ok(());
        }
        if path.ends_with('/') {
            return Err(Errno::NotFound);
        }
        files.create(&path, 0o644)?;
    }
    files.set_modified(&path, time)
}

pub(super) fn ln(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[("symbolic", 's'), ("force", 'f'), ("no-dereference", 'n'), ("verbose", 'v')];
    let options = match Options::parse(call, "sfnvrTt:", LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let (targets, last) = match options.rest.as_slice() {
        [] => return call.usage_error("missing file operand"),
        [single] => (vec![single.clone()], ".".to_owned()),
        [targets @ .., last] => (targets.to_vec(), last.clone()),
    };
    let into = {
        let path = call.sys.path(&last);
        let link = call.sys.files().lstat(&path).is_ok_and(|stat| stat.is_symlink());
        call.sys.files().is_dir(&path) && !(options.any("nT") && link)
    };
    let symbolic = options.has('s');
    let mut code = 0;
    for target in &targets {
        let name = if into { format!("{last}/{}", split(target).1) } else { last.clone() };
        let path = call.sys.path(&name);
        let from = call.sys.path(target);
        let files = call.sys.files();
        if options.has('f') && files.lstat(&path).is_ok() {
            let _ = files.remove(&path);
        }
        let made = if symbolic { files.symlink(target, &path) } else { files.link(&from, &path) };
        if let Err(error) = made {
            let message = match (call.gnu(), symbolic) {
                (false, _) => format!("{name}: {error}"),
                (true, true) => format!("failed to create symbolic link '{name}': {error}"),
                (true, false) if error == Errno::NotPermitted => {
                    format!("{target}: hard link not allowed for directory")
                }
                (true, false) if !call.sys.files().exists(&from) => format!("failed to access '{target}': {error}"),
                (true, false) => format!("failed to create hard link '{name}' => '{target}': {error}"),
            };
            call.error(&message);
            code = 1;
        } else if options.has('v') {
            call.print(&format!("'{name}' -> '{target}'\n"));
        }
    }
    code
}

/// The permission bits that a mode text makes of others; None when it is no mode.
pub(super) fn new_mode(text: &str, old: u16, is_dir: bool) -> Option<u16> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return u16::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    }
    let mut mode = old;
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (who, mut rest) = clause.split_at(at);
        let mut mask = 0u16;
        for c in who.chars() {
            mask |= match c {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return None,
            };
        }
        if mask == 0 {
            mask = 0o7777;
        }
        while let Some(op) = rest.chars().next() {
            rest = rest.get(1..).unwrap_or("");
            let end = rest.find(['+', '-', '=']).unwrap_or(rest.len());
            let (letters, after) = rest.split_at(end);
            rest = after;
            let mut bits = 0u16;
            for c in letters.chars() {
                bits |= match c {
                    'r' => 0o444,
                    'w' => 0o222,
                    'x' => 0o111,
                    'X' if is_dir || mode & 0o111 != 0 => 0o111,
                    'X' => 0,
                    's' => 0o6000,
                    't' => 0o1000,
                    'u' => (mode >> 6 & 7) * 0o111,
                    'g' => (mode >> 3 & 7) * 0o111,
                    'o' => (mode & 7) * 0o111,
                    _ => return None,
                };
            }
            let bits = bits & mask;
            match op {
                '+' => mode |= bits,
                '-' => mode &= !bits,
                '=' => mode = mode & !(mask & 0o777) | bits,
                _ => return None,
            }
        }
    }
    Some(mode)
}

/// A path and, with `-R`, everything below it.
fn selected(call: &mut Call<'_, '_>, path: &str, deep: bool) -> Vec<String> {
    let mut all = vec![path.to_owned()];
    let mut at = 0;
    while deep && let Some(path) = all.get(at).cloned() {
        if call.sys.files().lstat(&path).is_ok_and(|stat| stat.is_dir()) {
            let entries = call.sys.files().list(&path).unwrap_or_default();
            all.extend(entries.iter().map(|entry| join(&path, &entry.name)));
        }
        at += 1;
    }
    all
}

pub(super) fn chmod(call: &mut Call<'_, '_>) -> i32 {
    // A mode like `-x` is no option.
    let mode_first = call.args.iter().position(|word| {
        word.len() > 1
            && word.starts_with('-')
            && word.chars().skip(1).all(|c| matches!(c, 'r' | 'w' | 'x' | 'X' | 's' | 't'))
    });
    let dashed = mode_first.map(|at| call.args.remove(at));
    let mut options = match Options::parse(call, "Rvcf", &[("recursive", 'R'), ("verbose", 'v')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    if let Some(mode) = dashed {
        options.rest.insert(0, mode);
    }
    let Some((mode, names)) = options.rest.split_first() else { return call.usage_error("missing operand") };
    if names.is_empty() {
        return call.usage_error(&format!("missing operand after ‘{mode}’"));
    }
    let mut code = 0;
    for name in names {
        let path = call.sys.path(name);
        for path in selected(call, path.trim_end_matches('/'), options.has('R')) {
            let result = call.sys.files().stat(&path).map(|stat| new_mode(mode, stat.mode, stat.is_dir()));
            let result = match result {
                Ok(Some(mode)) => call.sys.files().chmod(&path, mode),
                Ok(None) => {
                    let quoted = call.quote(mode);
                    call.error(&format!("invalid mode: {quoted}"));
                    return if call.gnu() { call.try_help() } else { 1 };
                }
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                let message = match (call.gnu(), error) {
                    (true, Errno::NotPermitted) => format!("changing permissions of '{name}': {error}"),
                    (true, _) => format!("cannot access '{name}': {error}"),
                    (false, _) => format!("{name}: {error}"),
                };
                call.error(&message);
                code = 1;
            }
        }
    }
    code
}

/// The number of a user (column 2 of passwd) or group, by name or number.
pub(super) fn id_of(call: &mut Call<'_, '_>, file: &str, name: &str) -> Option<u32> {
    if let Ok(id) = name.parse() {
        return Some(id);
    }
    let text = call.sys.files().read_text(file).unwrap_or_default();
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

pub(super) fn chown(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "Rhvcf", &[("recursive", 'R')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let Some((owner, names)) = options.rest.split_first().filter(|(_, names)| !names.is_empty()) else {
        return call.usage_error("missing operand");
    };
    let (user, group) = match owner.split_once([':', '.']) {
        Some((user, group)) => (user, group),
        None if call.name == "chgrp" => ("", owner.as_str()),
        None => (owner.as_str(), ""),
    };
    let (mut uid, mut gid) = (None, None);
    for (name, file, what, id) in [(user, "/etc/passwd", "user", &mut uid), (group, "/etc/group", "group", &mut gid)] {
        if name.is_empty() {
            continue;
        }
        *id = id_of(call, file, name);
        if id.is_none() {
            let message =
                if call.gnu() { format!("invalid {what}: ‘{owner}’") } else { format!("unknown {what} {name}") };
            call.error(&message);
            return 1;
        }
    }
    let mut code = 0;
    for name in names {
        let path = call.sys.path(name);
        for path in selected(call, path.trim_end_matches('/'), options.has('R')) {
            let result = call.sys.files().stat(&path).and_then(|stat| {
                let owner = User { uid: uid.unwrap_or(stat.uid), gid: gid.unwrap_or(stat.gid) };
                call.sys.files().chown(&path, owner)
            });
            if let Err(error) = result {
                let message = match (call.gnu(), error) {
                    (true, Errno::NotPermitted) => format!("changing ownership of '{name}': {error}"),
                    (true, _) => format!("cannot access '{name}': {error}"),
                    (false, _) => format!("{name}: {error}"),
                };
                call.error(&message);
                code = 1;
            }
        }
    }
    code
}

pub(super) fn mktemp(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "dqtup:", &[("directory", 'd'), ("tmpdir", 'p')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let template = options.rest.first().cloned().unwrap_or_else(|| "tmp.XXXXXXXXXX".into());
    let directory = match options.value('p') {
        Some("") => Some("/tmp".to_owned()),
        Some(directory) => Some(directory.to_owned()),
        None if options.rest.is_empty() || options.has('t') => {
            Some(call.sys.env("TMPDIR").unwrap_or_else(|| "/tmp".into()))
        }
        None => None,
    };
    let template = directory.map_or(template.clone(), |directory| format!("{directory}/{template}"));
    let stem = template.trim_end_matches('X').to_owned();
    let count = template.len() - stem.len();
    if count < 3 {
        let quoted = call.quote(&template);
        call.error(&format!("too few X's in template {quoted}"));
        return 1;
    }
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut random = call.sys.random();
    let mut name = stem;
    for _ in 0..count {
        name.push(LETTERS.get((random % 62) as usize).map_or('x', |b| char::from(*b)));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 3;
    }
    let path = call.sys.path(&name);
    let files = call.sys.files();
    let made = if options.has('u') {
        Ok(())
    } else if options.has('d') {
        files.mkdir(&path).and_then(|()| files.chmod(&path, 0o700))
    } else {
        files.create(&path, 0o600).map(|_| ())
    };
    match made {
        Ok(()) => {
            call.print(&format!("{name}\n"));
            0
        }
        Err(error) => {
            let what = if options.has('d') { "directory" } else { "file" };
            call.error(&format!("failed to create {what} via template ‘{template}’: {error}"));
            1
        }
    }
}

pub(super) fn fallocate(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "l:o:nxzdv", &[("length", 'l'), ("offset", 'o'), ("posix", 'x')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let number = |letter: char| options.value(letter).and_then(super::number::size);
    let (Some(length), Some(name)) = (number('l').filter(|length| *length > 0), options.rest.first()) else {
        return call.usage_error(if options.rest.is_empty() {
            "no filename specified"
        } else {
            "no length argument specified"
        });
    };
    let path = call.sys.path(name);
    let files = call.sys.files();
    let end = number('o').unwrap_or(0).saturating_add(length);
    let size = files.stat(&path).map_or(0, |stat| stat.size).max(end);
    match files.create(&path, 0o644).and_then(|node| files.truncate(node, size)) {
        Ok(()) => 0,
        Err(error) => {
            call.error(&format!("fallocate failed: {error}"));
            1
        }
    }
}

pub(super) fn truncate(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "cs:", &[("size", 's'), ("no-create", 'c')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let Some(size) = options.value('s').and_then(super::number::size) else {
        return call.usage_error("you must specify either ‘--size’ or ‘--reference’");
    };
    let mut code = 0;
    for name in &options.rest {
        let path = call.sys.path(name);
        let files = call.sys.files();
        if options.has('c') && !files.exists(&path) {
            continue;
        }
        if let Err(error) = files.create(&path, 0o644).and_then(|node| files.truncate(node, size)) {
            let message = format!("cannot open '{name}' for writing: {error}");
            call.error(&if call.gnu() { message } else { format!("{name}: open: {error}") });
            code = 1;
        }
    }
    code
}
