//! Utilities about paths: `basename`, `dirname`, `readlink`, `realpath`, `stat`, `du`, `df`.

use super::Call;
use super::files::split;
use super::ls::{name_of, permissions};
use super::number::human;
use super::options::Options;
use crate::{Kind, Stat, join};

pub(super) fn basename(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "as:z", &[("multiple", 'a'), ("suffix", 's')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let several = options.any("as");
    let Some(first) = options.rest.first() else { return call.usage_error("missing operand") };
    let suffix =
        options.value('s').or_else(|| options.rest.get(1).filter(|_| !several).map(String::as_str)).unwrap_or("");
    let names = if several { options.rest.clone() } else { vec![first.clone()] };
    for name in names {
        let base = match split(&name) {
            (_, "") if name.starts_with('/') => "/",
            (_, base) => base,
        };
        let base = base.strip_suffix(suffix).filter(|rest| !rest.is_empty()).unwrap_or(base);
        call.print(&format!("{base}\n"));
    }
    0
}

pub(super) fn dirname(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "z", &[]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    if options.rest.is_empty() {
        return call.usage_error("missing operand");
    }
    for name in &options.rest {
        let parent = match split(name) {
            (_, "") if name.starts_with('/') => "/",
            (parent, _) => parent,
        };
        let parent = if parent.len() > 1 { parent.trim_end_matches('/') } else { parent };
        call.print(&format!("{parent}\n"));
    }
    0
}

pub(super) fn readlink(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "fenmqsv", &[("canonicalize", 'f')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    if options.rest.is_empty() {
        return call.usage_error("missing operand");
    }
    let mut code = 0;
    for name in &options.rest {
        let path = call.sys.path(name);
        let found = if options.any("fem") {
            canonical(call, &path, options.has('m'))
        } else {
            call.sys.files().read_link(&path).ok()
        };
        match found {
            Some(text) => call.print(&format!("{text}{}", if options.has('n') { "" } else { "\n" })),
            None => code = 1,
        }
    }
    code
}

/// The path without links; its last name need not exist.
fn canonical(call: &mut Call<'_, '_>, path: &str, missing: bool) -> Option<String> {
    let files = call.sys.files();
    let path = files.follow(path);
    let path = path.as_str();
    if let Ok(found) = files.canonical(path) {
        return Some(found);
    }
    let (parent, name) = split(path);
    match files.canonical(parent) {
        Ok(parent) => Some(join(&parent, name)),
        Err(_) if missing => Some(path.to_owned()),
        Err(_) => None,
    }
}

pub(super) fn realpath(call: &mut Call<'_, '_>) -> i32 {
    let options =
        match Options::parse(call, "emsqLPz", &[("canonicalize-missing", 'm'), ("canonicalize-existing", 'e')]) {
            Ok(options) => options,
            Err(code) => return code,
        };
    let names = if options.rest.is_empty() { return call.usage_error("missing operand") } else { options.rest.clone() };
    let mut code = 0;
    for name in &names {
        let path = call.sys.path(name);
        let exists = call.sys.files().exists(&path);
        match canonical(call, &path, options.has('m')).filter(|_| exists || !options.has('e')) {
            Some(found) => call.print(&format!("{found}\n")),
            None => {
                call.error(&format!("{name}: No such file or directory"));
                code = 1;
            }
        }
    }
    code
}

pub(super) fn stat(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "c:Lft", &[("format", 'c'), ("printf", 'P'), ("dereference", 'L')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    if options.rest.is_empty() {
        return call.usage_error("missing operand");
    }
    let mut code = 0;
    for name in &options.rest {
        let path = call.sys.path(name);
        let found = if options.has('L') { call.sys.files().stat(&path) } else { call.sys.files().lstat(&path) };
        let stat = match found {
            Ok(stat) => stat,
            Err(error) => {
                let what = if call.gnu() { "cannot statx" } else { "can't stat" };
                call.error(&format!("{what} '{name}': {error}"));
                code = 1;
                continue;
            }
        };
        if let Some(format) = options.value('c') {
            let text = formatted(call, name, &path, &stat, format);
            call.print(&format!("{text}\n"));
            continue;
        }
        let target = call.sys.files().read_link(&path).map(|target| format!(" -> {target}")).unwrap_or_default();
        let kind = kind(&stat);
        let (owner, group) = (name_of(call, "/etc/passwd", stat.uid), name_of(call, "/etc/group", stat.gid));
        let time = super::date::strftime("%Y-%m-%d %H:%M:%S.%N +0000", stat.modified);
        call.print(&format!(
            "  File: {name}{target}\n  Size: {:<15} Blocks: {:<10} IO Block: 4096   {kind}\nDevice: 0,50\tInode: {:<11} Links: {}\nAccess: ({:04o}/{})  Uid: ({:>5}/{owner:>8})   Gid: ({:>5}/{group:>8})\nAccess: {time}\nModify: {time}\nChange: {time}\n",
            stat.size,
            stat.size.div_ceil(512),
            stat.node.ino,
            stat.links,
            stat.mode,
            permissions(&stat),
            stat.uid,
            stat.gid,
        ));
    }
    code
}

fn kind(stat: &Stat) -> &'static str {
    match stat.kind {
        Kind::Dir => "directory",
        Kind::Symlink => "symbolic link",
        Kind::Device(_) => "character special file",
        _ if stat.size == 0 => "regular empty file",
        _ => "regular file",
    }
}

fn formatted(call: &mut Call<'_, '_>, name: &str, path: &str, stat: &Stat, format: &str) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let time = |format: &str| super::date::strftime(format, stat.modified);
        out.push_str(&match chars.next() {
            Some('n') => name.to_owned(),
            Some('N') => match call.sys.files().read_link(path) {
                Ok(target) => format!("'{name}' -> '{target}'"),
                Err(_) => format!("'{name}'"),
            },
            Some('s') => stat.size.to_string(),
            Some('a') => format!("{:o}", stat.mode),
            Some('A') => permissions(stat),
            Some('u') => stat.uid.to_string(),
            Some('g') => stat.gid.to_string(),
            Some('U') => name_of(call, "/etc/passwd", stat.uid),
            Some('G') => name_of(call, "/etc/group", stat.gid),
            Some('F') => kind(stat).to_owned(),
            Some('i') => stat.node.ino.to_string(),
            Some('h') => stat.links.to_string(),
            Some('b') => stat.size.div_ceil(512).to_string(),
            Some('B') => "512".into(),
            Some('y' | 'x' | 'z') => time("%Y-%m-%d %H:%M:%S.%N +0000"),
            Some('Y' | 'X' | 'Z') => stat.modified.seconds().to_string(),
            Some('%') => "%".into(),
            Some(other) => format!("%{other}"),
            None => "%".into(),
        });
    }
    out
}

/// Kibibytes on the disk.
fn disk(stat: &Stat) -> u64 {
    match stat.kind {
        Kind::Symlink | Kind::Device(_) => 0,
        _ => stat.size.div_ceil(4096) * 4,
    }
}

pub(super) fn du(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[
        ("summarize", 's'),
        ("human-readable", 'h'),
        ("all", 'a'),
        ("total", 'c'),
        ("max-depth", 'd'),
        ("bytes", 'b'),
    ];
    let options = match Options::parse(call, "shacd:kmb", LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let max = if options.has('s') { Some(0) } else { options.value('d').and_then(|text| text.parse::<usize>().ok()) };
    let names = if options.rest.is_empty() { vec![".".to_owned()] } else { options.rest.clone() };
    let bytes = options.has('b');
    let show = |size: u64| {
        if options.has('h') {
            human(if bytes { size } else { size * 1024 })
        } else if options.has('m') {
            size.div_ceil(1024).to_string()
        } else {
            size.to_string()
        }
    };
    let measure = |stat: &Stat| if bytes { stat.size } else { disk(stat) };
    let (mut code, mut total) = (0, 0);
    for name in &names {
        let path = call.sys.path(name);
        let Ok(stat) = call.sys.files().lstat(&path) else {
            let message = if call.gnu() {
                format!("cannot access '{name}': No such file or directory")
            } else {
                format!("{name}: No such file or directory")
            };
            call.error(&message);
            code = 1;
            continue;
        };
        // Depth first; a directory is printed after what it holds.
        let mut lines: Vec<(String, u64)> = Vec::new();
        let mut stack = vec![(path, name.clone(), stat, 0usize, None::<u64>)];
        let mut sums: Vec<u64> = Vec::new();
        while let Some((path, shown, stat, depth, opened)) = stack.pop() {
            if stat.is_dir() && opened.is_none() {
                let own = measure(&stat);
                stack.push((path.clone(), shown.clone(), stat, depth, Some(own)));
                sums.push(own);
                for entry in call.sys.files().list(&path).unwrap_or_default().into_iter().rev() {
                    let inner = format!("{}/{}", shown.trim_end_matches('/'), entry.name);
                    stack.push((join(&path, &entry.name), inner, entry.stat, depth + 1, None));
                }
                continue;
            }
            let size = if stat.is_dir() { sums.pop().unwrap_or(0) } else { measure(&stat) };
            if let Some(parent) = sums.last_mut() {
                *parent += size;
            } else {
                total += size;
            }
            let wanted = stat.is_dir() || options.has('a') || depth == 0;
            if wanted && max.is_none_or(|max| depth <= max) {
                lines.push((shown, size));
            }
        }
        for (shown, size) in lines {
            call.print(&format!("{}\t{shown}\n", show(size)));
        }
    }
    if options.has('c') {
        call.print(&format!("{}\ttotal\n", show(total)));
    }
    code
}
