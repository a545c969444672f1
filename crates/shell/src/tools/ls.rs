//! `ls`.

use super::Call;
use super::options::Options;
use crate::shell::quote::quote;
use crate::{Errno, Kind, Stat, join, text};
use drydock_sorted::Sort;

struct Ls {
    all: bool,
    almost_all: bool,
    long: bool,
    human: bool,
    one: bool,
    directory: bool,
    recursive: bool,
    reverse: bool,
    by_time: bool,
    by_size: bool,
    classify: bool,
    slashes: bool,
    inode: bool,
    color: bool,
    groups_hidden: bool,
    numeric: bool,
    full_time: bool,
    quote: bool,
    columns: Option<usize>,
}

struct Entry {
    name: String,
    path: String,
    stat: Stat,
}

pub(super) fn run(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[
        ("all", 'a'),
        ("almost-all", 'A'),
        ("human-readable", 'h'),
        ("directory", 'd'),
        ("recursive", 'R'),
        ("reverse", 'r'),
        ("classify", 'F'),
        ("inode", 'i'),
        ("color", 'G'),
        ("full-time", 'e'),
        ("size", 's'),
    ];
    let options = match Options::parse(call, "aAl1hdRrtSFpinogCxX?vsLHQkcu", LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let terminal = call.sys.is_tty(1);
    let columns = call.sys.tty_size(1).map_or(80, |(columns, _)| usize::from(columns));
    let color = options.has('G')
        && !matches!(options.value('G'), Some("never"))
        && (terminal || options.value('G') == Some("always"));
    let ls = Ls {
        all: options.has('a'),
        almost_all: options.has('A'),
        long: options.any("lnogE") || options.has('e'),
        human: options.has('h'),
        one: options.has('1') || (!terminal && !options.any("Cx")),
        directory: options.has('d'),
        recursive: options.has('R'),
        reverse: options.has('r'),
        by_time: options.has('t'),
        by_size: options.has('S'),
        classify: options.has('F'),
        slashes: options.has('p'),
        inode: options.has('i'),
        color: color || (!call.gnu() && terminal && !options.has('G')),
        groups_hidden: options.has('o'),
        numeric: options.has('n'),
        full_time: options.has('e'),
        quote: call.gnu() && terminal,
        columns: (terminal || options.any("Cx")).then_some(columns),
    };
    let names = if options.rest.is_empty() { vec![".".to_owned()] } else { options.rest.clone() };
    let mut code = 0;
    let (mut single, mut directories) = (Vec::new(), Vec::new());
    for name in names {
        let path = call.sys.path(&name);
        let files = call.sys.files();
        let link = files.lstat(&path);
        // A link to a directory is listed as the directory, unless details are wanted.
        let stat = match files.stat(&path) {
            Ok(stat)
                if !(ls.long || ls.directory) || !link.as_ref().is_ok_and(Stat::is_symlink) || path.ends_with('/') =>
            {
                Ok(stat)
            }
            _ => link,
        };
        match stat {
            Ok(stat) if stat.is_dir() && !ls.directory => directories.push(Entry { name, path, stat }),
            Ok(stat) => single.push(Entry { name, path, stat }),
            Err(error) => {
                let shown = quote(&name);
                let shown = if shown.starts_with('\'') { shown } else { format!("'{name}'") };
                let message =
                    if call.gnu() { format!("cannot access {shown}: {error}") } else { format!("{name}: {error}") };
                call.error(&message);
                code = if call.gnu() { 2 } else { 1 };
            }
        }
    }
    let titled = single.len() + directories.len() > 1 || ls.recursive || code != 0 && options.rest.len() > 1;
    let mut first = true;
    if !single.is_empty() {
        ls.sort(&mut single);
        ls.show(call, &single);
        first = false;
    }
    ls.sort(&mut directories);
    directories.reverse();
    while let Some(directory) = directories.pop() {
        let entries = match ls.entries(call, &directory) {
            Ok(entries) => entries,
            Err(error) => {
                let name = &directory.name;
                let message = if call.gnu() {
                    format!("cannot open directory '{name}': {error}")
                } else {
                    format!("can't open '{name}': {error}")
                };
                call.error(&message);
                code = code.max(if call.gnu() { 2 } else { 1 });
                continue;
            }
        };
        if titled {
            let gap = if first { "" } else { "\n" };
            call.print(&format!("{gap}{}:\n", directory.name));
        }
        first = false;
        if ls.long {
            let blocks: u64 = entries.iter().map(|entry| blocks(&entry.stat)).sum();
            let total = if ls.human { super::number::human(blocks * 1024) } else { blocks.to_string() };
            call.print(&format!("total {total}\n"));
        }
        ls.show(call, &entries);
        if ls.recursive {
            let inner =
                entries.into_iter().filter(|entry| entry.stat.is_dir() && entry.name != "." && entry.name != "..");
            let inner: Vec<Entry> = inner
                .map(|entry| Entry {
                    name: format!("{}/{}", directory.name.trim_end_matches('/'), entry.name),
                    ..entry
                })
                .collect();
            directories.extend(inner.into_iter().rev());
        }
    }
    code
}

/// Blocks of 1024 bytes, as a file system with blocks of 4096 uses them.
fn blocks(stat: &Stat) -> u64 {
    match stat.kind {
        Kind::Symlink | Kind::Device(_) => 0,
        _ => stat.size.div_ceil(4096) * 4,
    }
}

/// The permissions as `ls -l` and `stat` show them.
pub(super) fn permissions(stat: &Stat) -> String {
    let kind = match stat.kind {
        Kind::Dir => 'd',
        Kind::Symlink => 'l',
        Kind::Device(_) => 'c',
        _ => '-',
    };
    let mut out = String::from(kind);
    let special = [(0o4000, 's'), (0o2000, 's'), (0o1000, 't')];
    for (shift, (bit, letter)) in [6, 3, 0].into_iter().zip(special) {
        let bits = stat.mode >> shift;
        out.push(if bits & 4 != 0 { 'r' } else { '-' });
        out.push(if bits & 2 != 0 { 'w' } else { '-' });
        out.push(match (bits & 1 != 0, stat.mode & bit != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    out
}

/// The name of a user or group by its number.
pub(super) fn name_of(call: &mut Call<'_, '_>, file: &str, id: u32) -> String {
    let text = call.sys.files().read_text(file).unwrap_or_default();
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| id.to_string())
}

impl Ls {
    fn entries(&self, call: &mut Call<'_, '_>, directory: &Entry) -> Result<Vec<Entry>, Errno> {
        let mut entries: Vec<Entry> = Vec::new();
        if self.all {
            for name in [".", ".."] {
                let path = join(&directory.path, name);
                if let Ok(stat) = call.sys.files().stat(&path) {
                    entries.push(Entry { name: name.into(), path, stat });
                }
            }
        }
        let listed = call.sys.files().list(&directory.path)?;
        call.sys.charge((listed.len() / 8) as u32);
        for entry in listed {
            if !entry.name.starts_with('.') || self.all || self.almost_all {
                let path = join(&directory.path, &entry.name);
                entries.push(Entry { name: entry.name, path, stat: entry.stat });
            }
        }
        self.sort(&mut entries);
        Ok(entries)
    }

    fn sort(&self, entries: &mut [Entry]) {
        if self.by_time {
            entries.sort_compact_by(|a, b| b.stat.modified.cmp(&a.stat.modified).then_with(|| a.name.cmp(&b.name)));
        } else if self.by_size {
            entries.sort_compact_by(|a, b| b.stat.size.cmp(&a.stat.size).then_with(|| a.name.cmp(&b.name)));
        } else {
            entries.sort_compact_by(|a, b| a.name.cmp(&b.name));
        }
        if self.reverse {
            entries.reverse();
        }
    }

    /// The name with what belongs to it, and its width.
    fn shown(&self, entry: &Entry) -> (String, usize) {
        let stat = &entry.stat;
        let executable = stat.is_file() && stat.mode & 0o111 != 0;
        let plain = if self.quote { quote(&entry.name) } else { entry.name.clone() };
        let mut shown = plain.clone();
        if self.color {
            let color = match stat.kind {
                Kind::Dir if stat.mode & 0o1002 == 0o1002 => "30;42",
                Kind::Dir => "1;34",
                Kind::Symlink => "1;36",
                Kind::Device(_) => "1;33",
                _ if executable => "1;32",
                _ => "",
            };
            if !color.is_empty() {
                shown = format!("\x1b[{color}m{plain}\x1b[m");
            }
        }
        let mark = match stat.kind {
            Kind::Dir if self.classify || self.slashes => "/",
            Kind::Symlink if self.classify && !self.long => "@",
            _ if self.classify && executable => "*",
            _ => "",
        };
        let inode = if self.inode { format!("{} ", stat.node.ino) } else { String::new() };
        (format!("{inode}{shown}{mark}"), inode.len() + text::width(&plain) + mark.len())
    }

    fn show(&self, call: &mut Call<'_, '_>, entries: &[Entry]) {
        if self.long {
            return self.show_long(call, entries);
        }
        let shown: Vec<(String, usize)> = entries.iter().map(|entry| self.shown(entry)).collect();
        let columns = match self.columns {
            Some(columns) if !self.one => columns,
            _ => {
                for (name, _) in shown {
                    call.print(&format!("{name}\n"));
                }
                return;
            }
        };
        let out = in_columns(&shown, columns);
        call.print(&out);
    }

    fn show_long(&self, call: &mut Call<'_, '_>, entries: &[Entry]) {
        let now = call.sys.now();
        let mut rows: Vec<[String; 6]> = Vec::new();
        for entry in entries {
            let stat = &entry.stat;
            let (owner, group) = if self.numeric {
                (stat.uid.to_string(), stat.gid.to_string())
            } else {
                (name_of(call, "/etc/passwd", stat.uid), name_of(call, "/etc/group", stat.gid))
            };
            let size = match stat.kind {
                Kind::Device(_) => "1,   3".into(),
                _ if self.human => super::number::human(stat.size),
                _ => stat.size.to_string(),
            };
            let recent = now.since(stat.modified).as_secs() < 15_552_000 && stat.modified.0 <= now.0 + 3_600_000_000;
            let format = match (self.full_time, recent) {
                (true, _) => "%Y-%m-%d %H:%M:%S.%N %z",
                (_, true) => "%b %e %H:%M",
                (_, false) => "%b %e  %Y",
            };
            let time = super::date::strftime(format, stat.modified);
            let mut name = self.shown(entry).0;
            if stat.is_symlink() {
                let target = call.sys.files().read_link(&entry.path).unwrap_or_default();
                name.push_str(&format!(" -> {target}"));
            }
            let inode_first = permissions(stat);
            rows.push([inode_first, stat.links.max(1).to_string(), owner, group, size, format!("{time} {name}")]);
        }
        let width = |column: usize| rows.iter().map(|row| row.get(column).map_or(0, String::len)).max().unwrap_or(0);
        let (links, owners, groups, sizes) = (width(1), width(2), width(3), width(4));
        // busybox has fixed columns.
        let (links, owners, groups, sizes) = if call.gnu() {
            (links, owners, groups, sizes)
        } else {
            (links.max(5), owners.max(8), groups.max(8), sizes.max(9))
        };
        for [mode, link, owner, group, size, rest] in &rows {
            let group = if self.groups_hidden { String::new() } else { format!(" {group:<groups$}") };
            let space = if call.gnu() { " " } else { "" };
            call.print(&format!("{mode}{space}{link:>links$} {owner:<owners$}{group} {size:>sizes$} {rest}\n"));
        }
    }
}

/// Names in columns that are filled downwards, as `ls` and Tab completion show them.
pub(crate) fn in_columns(shown: &[(String, usize)], columns: usize) -> String {
    let count = shown.len();
    let mut rows = 1;
    let mut widths: Vec<usize> = Vec::new();
    while rows < count {
        widths = shown.chunks(rows).map(|column| column.iter().map(|(_, width)| *width).max().unwrap_or(0)).collect();
        if widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1) <= columns.saturating_sub(1).max(1) {
            break;
        }
        rows += 1;
    }
    if rows == 1 {
        widths = shown.iter().map(|(_, width)| *width).collect();
    }
    if rows >= count {
        widths = vec![0];
        rows = count.max(1);
    }
    let mut out = String::new();
    for row in 0..rows.min(count) {
        let in_row: Vec<usize> = (0..widths.len()).map(|column| column * rows + row).filter(|at| *at < count).collect();
        for (column, at) in in_row.iter().enumerate() {
            let Some((name, width)) = shown.get(*at) else { continue };
            out.push_str(name);
            if column + 1 < in_row.len() {
                let fill = widths.get(column).copied().unwrap_or(0).saturating_sub(*width) + 2;
                out.push_str(&" ".repeat(fill));
            }
        }
        out.push('\n');
    }
    out
}
