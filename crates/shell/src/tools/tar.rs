//! `tar`: archives in the ustar format, not compressed.

use drydock_value::Time;

use super::Call;
use super::options::Options;
use crate::{User, join};

const BLOCK: usize = 512;
/// Archives end with two empty blocks, and are filled up to whole records.
const RECORD: usize = 20 * BLOCK;
/// The most bytes of an archive that is written.
const ARCHIVE_BYTES_MAX: usize = 64 << 20;

/// Whether a call reads an archive from standard input.
pub(super) fn reads_input(words: &[String]) -> bool {
    let letters = words.first().map_or("", |word| word.trim_start_matches('-'));
    let takes = words.iter().any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(['x', 't']))
        || letters.contains(['x', 't'])
        || words.iter().any(|word| word == "--extract" || word == "--list");
    let file = letters.contains('f') || words.iter().any(|word| word.starts_with("-f") || word.starts_with("--file"));
    takes && (!file || words.iter().any(|word| word == "-" || word == "-f-" || word == "--file=-"))
}

pub(super) fn run(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[
        ("create", 'c'),
        ("extract", 'x'),
        ("list", 't'),
        ("file", 'f'),
        ("directory", 'C'),
        ("verbose", 'v'),
        ("touch", 'm'),
        ("gzip", 'z'),
        ("to-stdout", 'O'),
        ("no-same-owner", 'o'),
    ];
    // The old way: the first word's letters are options without a dash.
    if let Some(first) = call.args.first_mut().filter(|first| !first.starts_with('-')) {
        first.insert(0, '-');
    }
    let options = match Options::parse(call, "cxtf:C:vmzOopk", LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    if options.has('z') {
        call.error("this machine has no gzip to call");
        return 2;
    }
    let base = call.sys.path(options.value('C').unwrap_or("."));
    if let Some(wanted) = options.value('C')
        && !call.sys.files().is_dir(&base)
    {
        let exists = call.sys.files().exists(&base);
        let why = if exists { "Not a directory" } else { "No such file or directory" };
        let message = if call.gnu() {
            format!("{wanted}: Cannot open: {why}")
        } else {
            format!("can't change directory to '{wanted}': {why}")
        };
        call.error(&message);
        return unrecoverable(call);
    }
    match (options.has('c'), options.has('x'), options.has('t')) {
        (true, false, false) => create(call, &options, &base),
        (false, true, false) | (false, false, true) => read(call, &options, &base),
        _ => call.usage_error("You must specify one of the '-cxt' options"),
    }
}

/// What follows an error after which there is nothing to do; the exit code.
fn unrecoverable(call: &mut Call<'_, '_>) -> i32 {
    if !call.gnu() {
        return 1;
    }
    call.error("Error is not recoverable: exiting now");
    2
}

// ---- writing ----

struct Writer<'o> {
    options: &'o Options,
    archive: Vec<u8>,
    /// Whether the leading slash was told of.
    told: bool,
    code: i32,
}

fn create(call: &mut Call<'_, '_>, options: &Options, base: &str) -> i32 {
    if options.rest.is_empty() {
        let message = if call.gnu() { "Cowardly refusing to create an empty archive" } else { "empty archive" };
        call.error(message);
        return if call.gnu() { 2 } else { 1 };
    }
    let mut writer = Writer { options, archive: Vec::new(), told: false, code: 0 };
    for name in &options.rest {
        let path = join(base, name);
        let trimmed = if name.len() > 1 { name.trim_end_matches('/') } else { name };
        writer.add(call, trimmed, path.trim_end_matches('/'));
    }
    let Writer { mut archive, code, .. } = writer;
    if code != 0 && call.gnu() {
        call.error("Exiting with failure status due to previous errors");
    }
    archive.resize((archive.len() + 2 * BLOCK).next_multiple_of(RECORD), 0);
    match options.value('f').filter(|file| *file != "-") {
        None => call.put(&archive),
        Some(file) => {
            let path = call.sys.path(file);
            if let Err(error) = call.sys.files().write(&path, &archive) {
                call.error(&format!("{file}: Cannot open: {error}"));
                return 2;
            }
        }
    }
    code
}

impl Writer<'_> {
    fn complain(&mut self, call: &mut Call<'_, '_>, message: &str) {
        call.error(message);
        self.code = if call.gnu() { 2 } else { 1 };
    }

    fn add(&mut self, call: &mut Call<'_, '_>, name: &str, path: &str) {
        let path = if path.is_empty() { "/" } else { path };
        let stat = match call.sys.files().lstat(path) {
            Ok(stat) => stat,
            Err(error) if call.gnu() => return self.complain(call, &format!("{name}: Cannot stat: {error}")),
            Err(error) => return self.complain(call, &format!("{name}: {error}")),
        };
        if name.starts_with('/') && !self.told {
            self.told = true;
            let message = if call.gnu() {
                "Removing leading `/' from member names"
            } else {
                "removing leading '/' from member names"
            };
            call.error(message);
        }
        let member = name.trim_start_matches('/');
        let mut entry = Entry {
            name: if stat.is_dir() { format!("{member}/") } else { member.to_owned() },
            mode: stat.mode & 0o7777,
            user: User { uid: stat.uid, gid: stat.gid },
            modified: stat.modified,
            kind: b'0',
            link: String::new(),
            content: Vec::new(),
        };
        if stat.is_dir() {
            entry.kind = b'5';
        } else if stat.is_symlink() {
            entry.kind = b'2';
            entry.link = call.sys.files().read_link(path).unwrap_or_default();
        } else if stat.is_file() {
            match call.sys.files().read(path) {
                Ok(bytes) => entry.content = bytes.to_vec(),
                Err(error) => return self.complain(call, &format!("can't open '{name}': {error}")),
            }
        } else {
            // Programs of the machine and devices have no bytes to pack.
            return;
        }
        if self.archive.len() + entry.content.len() > ARCHIVE_BYTES_MAX {
            return self.complain(call, &format!("{name}: archive too large"));
        }
        if !entry.name.trim_matches('/').is_empty() {
            let Some(header) = entry.header() else {
                return self.complain(call, &format!("{name}: file name is too long (max 255)"));
            };
            if self.options.has('v') {
                let line = format!("{}\n", entry.name);
                if self.options.value('f').is_none_or(|file| file == "-") {
                    call.sys.eprint(&line);
                } else {
                    call.print(&line);
                }
            }
            self.archive.extend(header);
            self.archive.extend(&entry.content);
            self.archive.resize(self.archive.len().next_multiple_of(BLOCK), 0);
        }
        if stat.is_dir() {
            let inside = call.sys.files().list(path).unwrap_or_default();
            for child in inside {
                self.add(call, &format!("{}/{}", name.trim_end_matches('/'), child.name), &join(path, &child.name));
            }
        }
    }
}

// ---- the format ----

struct Entry {
    name: String,
    mode: u16,
    user: User,
    modified: Time,
    /// `0` a file, `5` a directory, `2` a symbolic link.
    kind: u8,
    link: String,
    content: Vec<u8>,
}

impl Entry {
    /// The header's block; none when the name, or what it links to, does not fit.
    fn header(&self) -> Option<[u8; BLOCK]> {
        if self.link.len() > 100 {
            return None;
        }
        let mut block = [0; BLOCK];
        let (prefix, name) = split_name(&self.name)?;
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, name.as_bytes());
        put(100, format!("{:07o}", self.mode).as_bytes());
        put(108, format!("{:07o}", self.user.uid).as_bytes());
        put(116, format!("{:07o}", self.user.gid).as_bytes());
        put(124, format!("{:011o}", self.content.len()).as_bytes());
        put(136, format!("{:011o}", self.modified.seconds()).as_bytes());
        put(148, b"        ");
        put(156, &[self.kind]);
        put(157, self.link.as_bytes());
        put(257, b"ustar\x0000");
        put(345, prefix.as_bytes());
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        Some(block)
    }

    /// The entry at the beginning of `bytes` and what follows it. None at the end; an error when it is no archive.
    fn parse(bytes: &[u8]) -> Result<Option<(Entry, &[u8])>, &'static str> {
        let Some((block, rest)) = bytes.split_at_checked(BLOCK) else {
            return if bytes.iter().all(|byte| *byte == 0) { Ok(None) } else { Err("short read") };
        };
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let text = |from: usize, length: usize| {
            let field = block.get(from..from + length).unwrap_or_default();
            String::from_utf8_lossy(field.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
        };
        let number = |from: usize, length: usize| u64::from_str_radix(text(from, length).trim(), 8).unwrap_or(0);
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) })
            .sum();
        if sum != number(148, 8) {
            return Err("invalid tar magic");
        }
        let size = usize::try_from(number(124, 12)).unwrap_or(usize::MAX);
        let content = rest.get(..size).ok_or("short read")?.to_vec();
        let prefix = text(345, 155);
        let name = if prefix.is_empty() { text(0, 100) } else { format!("{prefix}/{}", text(0, 100)) };
        let entry = Entry {
            name,
            mode: u16::try_from(number(100, 8) & 0o7777).unwrap_or(0o644),
            user: User { uid: number(108, 8) as u32, gid: number(116, 8) as u32 },
            modified: Time::from_seconds(number(136, 12).min(u64::from(u32::MAX))),
            kind: block[156],
            link: text(157, 100),
            content,
        };
        Ok(Some((entry, rest.get(size.next_multiple_of(BLOCK)..).unwrap_or_default())))
    }

    /// The line of `tar tv`.
    fn line(&self, gnu: bool) -> String {
        let kind = match self.kind {
            b'5' => 'd',
            b'2' => 'l',
            _ => '-',
        };
        let bits: String =
            (0..9).map(|bit| if self.mode & (0o400 >> bit) != 0 { ['r', 'w', 'x'][bit % 3] } else { '-' }).collect();
        let name = |id: u32| if id == 0 { "root".to_owned() } else { id.to_string() };
        let time = self.modified.rfc3339().replace('T', " ");
        let time = time.get(..if gnu { 16 } else { 19 }).unwrap_or_default();
        let link = if self.kind == b'2' { format!(" -> {}", self.link) } else { String::new() };
        let (user, group, size) = (name(self.user.uid), name(self.user.gid), self.content.len());
        format!("{kind}{bits} {user}/{group} {size:>9} {time} {}{link}", self.name)
    }
}

/// A name in the two fields that ustar has for it.
fn split_name(name: &str) -> Option<(&str, &str)> {
    if name.len() <= 100 {
        return Some(("", name));
    }
    let at = name.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at);
    let at = at.into_iter().find(|at| name.len() - at - 1 <= 100 && *at <= 155)?;
    Some((&name[..at], &name[at + 1..]))
}

// ---- reading ----

fn read(call: &mut Call<'_, '_>, options: &Options, base: &str) -> i32 {
    let bytes = match options.value('f').filter(|file| *file != "-") {
        None => std::mem::take(&mut call.input),
        Some(file) => {
            let path = call.sys.path(file);
            match call.sys.files().read(&path) {
                Ok(bytes) => bytes.to_vec(),
                Err(error) => {
                    let message = if call.gnu() {
                        format!("{file}: Cannot open: {error}")
                    } else {
                        format!("can't open '{file}': {error}")
                    };
                    call.error(&message);
                    return unrecoverable(call);
                }
            }
        }
    };
    let mut rest = bytes.as_slice();
    let mut code = 0;
    loop {
        match Entry::parse(rest) {
            Ok(None) => return code,
            Ok(Some((entry, after))) => {
                rest = after;
                let bare = entry.name.trim_end_matches('/');
                let wanted = options.rest.is_empty()
                    || options.rest.iter().any(|name| {
                        let name = name.trim_end_matches('/');
                        bare == name || bare.strip_prefix(name).is_some_and(|inside| inside.starts_with('/'))
                    });
                if wanted {
                    code = code.max(take(call, options, base, &entry));
                }
            }
            Err(why) => {
                let message = if call.gnu() { "This does not look like a tar archive" } else { why };
                call.error(message);
                if call.gnu() {
                    call.error("Exiting with failure status due to previous errors");
                }
                return if call.gnu() { 2 } else { 1 };
            }
        }
    }
}

/// Lists or unpacks an entry; the exit code.
fn take(call: &mut Call<'_, '_>, options: &Options, base: &str, entry: &Entry) -> i32 {
    if options.has('t') {
        let line = if options.has('v') { entry.line(call.gnu()) } else { entry.name.clone() };
        call.print(&format!("{line}\n"));
        return 0;
    }
    if options.has('v') {
        call.print(&format!("{}\n", entry.name));
    }
    if options.has('O') {
        call.put(&entry.content);
        return 0;
    }
    // Nothing may be written outside of the folder that is unpacked into.
    let inside = entry.name.trim_start_matches('/').trim_end_matches('/');
    if inside.split('/').any(|part| part == "..") {
        call.error(&format!("name with '..' skipped: '{}'", entry.name));
        return 0;
    }
    let path = join(base, inside);
    if options.has('k') && entry.kind != b'5' && call.sys.files().lstat(&path).is_ok() {
        if !call.gnu() {
            return 0;
        }
        call.error(&format!("{}: Cannot open: File exists", entry.name));
        return 2;
    }
    match unpack(call, options, &path, entry) {
        Ok(()) => 0,
        Err(error) if call.gnu() => {
            call.error(&format!("{}: Cannot open: {error}", entry.name));
            2
        }
        Err(error) => {
            call.error(&format!("can't open '{}': {error}", entry.name));
            1
        }
    }
}

fn unpack(call: &mut Call<'_, '_>, options: &Options, path: &str, entry: &Entry) -> Result<(), crate::Errno> {
    let files = call.sys.files();
    if let Some((folder, _)) = path.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()) {
        files.mkdir_all(folder)?;
    }
    match entry.kind {
        b'5' => files.mkdir_all(path)?,
        b'2' => {
            if files.lstat(path).is_ok() {
                files.remove(path)?;
            }
            return files.symlink(&entry.link, path);
        }
        _ => {
            // What stood there is replaced, not written into: it may be a link to somewhere else.
            if files.lstat(path).is_ok_and(|stat| !stat.is_dir()) {
                files.remove(path)?;
            }
            files.write(path, &entry.content)?;
        }
    }
    files.chmod(path, entry.mode)?;
    if !options.has('m') && entry.kind != b'5' {
        files.set_modified(path, entry.modified)?;
    }
    Ok(())
}
