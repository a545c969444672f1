//! Utilities about the machine beneath: `df`, `free`, `mount`, `nproc`, `uname`.

use super::Call;
use super::number::human;
use super::options::Options;
use crate::{Volume, join};

/// Bytes as busybox writes them: one digit after the point.
fn human_busybox(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit < 4 {
        value /= 1024.0;
        unit += 1;
    }
    match ["", "K", "M", "G", "T"].get(unit) {
        Some(letter) if unit > 0 => format!("{value:.1}{letter}"),
        _ => bytes.to_string(),
    }
}

fn shown(call: &Call<'_, '_>, bytes: u64) -> String {
    if call.gnu() { human(bytes) } else { human_busybox(bytes) }
}

/// What a path is on: the mount whose path is the longest above it.
fn mount_of<'v>(volumes: &'v [Volume], path: &str) -> Option<&'v Volume> {
    let above = |volume: &&Volume| {
        let rest = path.strip_prefix(volume.path.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    volumes.iter().filter(above).max_by_key(|volume| volume.path.len())
}

/// The rows that `df` shows without being asked for a path: GNU's shows a device once.
fn all_rows(volumes: Vec<Volume>, gnu: bool) -> Vec<Volume> {
    let mut rows: Vec<Volume> = Vec::new();
    for volume in volumes.into_iter().filter(|volume| volume.size > 0) {
        let again = |row: &Volume| gnu && volume.device.starts_with('/') && row.device == volume.device;
        if !rows.iter().any(again) {
            rows.push(volume);
        }
    }
    rows
}

pub(super) fn df(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "hkmTPa", &[("human-readable", 'h'), ("print-type", 'T')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let (gnu, volumes) = (call.gnu(), call.sys.volumes());
    let mut code = 0;
    let rows = if options.rest.is_empty() {
        all_rows(volumes, gnu)
    } else {
        let mut rows = Vec::new();
        for path in &options.rest {
            let joined = join(&call.sys.cwd(), path);
            let real = call.sys.files().follow(&joined);
            match mount_of(&volumes, &real).filter(|_| call.sys.files().exists(&real)) {
                Some(volume) => rows.push(volume.clone()),
                None => {
                    let why = crate::Errno::NotFound.message();
                    let why = if gnu { why } else { "can't find mount point" };
                    call.error(&format!("{path}: {why}"));
                    code = 1;
                }
            }
        }
        if rows.is_empty() {
            return code;
        }
        rows
    };
    let unit = if options.has('m') { 1 << 20 } else { 1 << 10 };
    let (by_unit, free) = (options.has('h'), |row: &Volume| row.size.saturating_sub(row.used));
    let amount =
        |call: &Call<'_, '_>, bytes: u64| if by_unit { shown(call, bytes) } else { bytes.div_ceil(unit).to_string() };
    let blocks = if options.has('m') { "1M-blocks" } else { "1K-blocks" };
    let mut table: Vec<[String; 7]> = vec![
        [
            "Filesystem",
            "Type",
            if by_unit { "Size" } else { blocks },
            "Used",
            if by_unit && gnu { "Avail" } else { "Available" },
            "Use%",
            "Mounted on",
        ]
        .map(str::to_owned),
    ];
    for row in &rows {
        let percent = (row.used * 100)
            .checked_div(row.used + free(row))
            .map_or(0, |whole| whole + u64::from(row.used * 100 % (row.used + free(row)) > 0));
        table.push([
            row.device.into(),
            row.kind.into(),
            amount(call, row.size),
            amount(call, row.used),
            amount(call, free(row)),
            format!("{percent}%"),
            row.path.clone(),
        ]);
    }
    let widest =
        |column: usize| table.iter().filter_map(|row| row.get(column)).map(|cell| cell.len()).max().unwrap_or(0);
    // Busybox's columns have a width of their own, GNU's that of what is in them.
    let least = if gnu { [14, 4, 5, 5, 5] } else { [20, 10, 9, 9, 9] };
    let widths: Vec<usize> = least.iter().enumerate().map(|(column, least)| widest(column).max(*least)).collect();
    let width = |column: usize| widths.get(column).copied().unwrap_or(0);
    for [device, kind, size, used, available, percent, path] in &table {
        let kind = if options.has('T') { format!(" {kind:<w$}", w = width(1)) } else { String::new() };
        call.print(&format!(
            "{device:<d$}{kind} {size:>s$} {used:>u$} {available:>a$} {percent:>4} {path}\n",
            d = width(0),
            s = width(2),
            u = width(3),
            a = width(4)
        ));
    }
    code
}

pub(super) fn free(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "bkmgh", &[("human", 'h'), ("mebi", 'm'), ("gibi", 'g'), ("bytes", 'b')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let shift =
        [('g', 30), ('m', 20), ('b', 0)].iter().find(|(letter, _)| options.has(*letter)).map_or(10, |(_, by)| *by);
    let show = |call: &Call<'_, '_>, bytes: u64| match options.has('h') {
        true if call.gnu() && bytes == 0 => "0B".into(),
        true if call.gnu() => format!("{}i", shown(call, bytes)),
        true => shown(call, bytes),
        false => (bytes >> shift).to_string(),
    };
    let memory = call.sys.free_memory();
    let used = memory.total - memory.available;
    let columns = ["total", "used", "free", "shared", "buff/cache", "available"];
    let amounts = [memory.total, used, memory.free, 0, memory.cached, memory.available].map(|bytes| show(call, bytes));
    // procps has a wider first column.
    let (lead, first) = if call.gnu() { (9, 11) } else { (7, 12) };
    let row = |name: &str, cells: &[String]| {
        let cells: String = cells
            .iter()
            .enumerate()
            .map(|(at, cell)| format!("{cell:>w$}", w = if at == 0 { first } else { 12 }))
            .collect();
        format!("{name:<lead$}{cells}\n")
    };
    let head: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let none = show(call, 0);
    let nothing = vec![none; 3];
    let text = row("", &head) + &row("Mem:", &amounts) + &row("Swap:", &nothing);
    call.print(&text);
    0
}

pub(super) fn nproc(call: &mut Call<'_, '_>) -> i32 {
    let count = call.sys.hardware().processors;
    call.print(&format!("{count}\n"));
    0
}

pub(super) fn uname(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[
        ("all", 'a'),
        ("kernel-name", 's'),
        ("nodename", 'n'),
        ("kernel-release", 'r'),
        ("machine", 'm'),
        ("operating-system", 'o'),
    ];
    let options = match Options::parse(call, "asnrvmpio", LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let host = call.sys.hostname().to_owned();
    let system = if call.gnu() { "GNU/Linux" } else { "Linux" };
    let all = options.has('a');
    let none = !options.any("asnrvmpio");
    let mut parts = Vec::new();
    for (letter, text) in [
        ('s', "Linux"),
        ('n', host.as_str()),
        ('r', call.sys.hardware().release),
        ('v', "#1 SMP PREEMPT_DYNAMIC"),
        ('m', "x86_64"),
        ('o', system),
    ] {
        if all || options.has(letter) || (none && letter == 's') {
            parts.push(text);
        }
    }
    if options.any("pi") && !all {
        parts.push("x86_64");
    }
    call.print(&format!("{}\n", parts.join(" ")));
    0
}

/// `mount` without arguments.
pub(super) fn mount(call: &mut Call<'_, '_>) -> i32 {
    if call.args.iter().any(|word| !word.starts_with('-')) {
        call.error(if call.gnu() { "only root can do that" } else { "permission denied (are you root?)" });
        return 32;
    }
    let text = call.sys.read_file("/proc/mounts").unwrap_or_default();
    for line in String::from_utf8_lossy(&text).lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        if let [device, place, kind, flags, ..] = fields.as_slice() {
            call.print(&format!("{device} on {place} type {kind} ({flags})\n"));
        }
    }
    0
}
