//! Utilities about processes: `ps`, `kill`, `pgrep` and so on.

use super::Call;
use super::ls::name_of;
use super::regex;
use super::system::PASSWD;
use crate::Signal;
use crate::kernel::{ProcessInfo, VIRTUAL_KIB};
use drydock_value::Time;

fn clock(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A column that `ps -o` knows: its name, its heading with busybox and with procps, its width there, and whether what is
/// in it stands at the right. A width of 0: none, it comes last.
type Column = (&'static str, &'static str, &'static str, usize, usize, bool);

const COLUMNS: [Column; 18] = [
    ("args", "COMMAND", "COMMAND", 0, 27, false),
    ("cmd", "COMMAND", "CMD", 0, 27, false),
    ("command", "COMMAND", "COMMAND", 0, 27, false),
    ("comm", "COMMAND", "COMMAND", 16, 15, false),
    ("etime", "ELAPSED", "ELAPSED", 7, 11, true),
    ("group", "GROUP", "GROUP", 8, 8, false),
    ("nice", "NI", "NI", 5, 3, true),
    ("pcpu", "%CPU", "%CPU", 4, 4, true),
    ("pgid", "PGID", "PGID", 5, 7, true),
    ("pid", "PID", "PID", 5, 7, true),
    ("pmem", "%MEM", "%MEM", 4, 4, true),
    ("ppid", "PPID", "PPID", 5, 7, true),
    ("rss", "RSS", "RSS", 4, 5, true),
    ("stat", "STAT", "STAT", 4, 4, false),
    ("time", "TIME", "TIME", 5, 8, true),
    ("tty", "TT", "TT", 6, 8, false),
    ("user", "USER", "USER", 8, 8, false),
    ("vsz", "VSZ", "VSZ", 4, 6, true),
];

/// Other names of columns.
const ALIASES: [(&str, &str); 10] = [
    ("%cpu", "pcpu"),
    ("%mem", "pmem"),
    ("euser", "user"),
    ("ni", "nice"),
    ("pgrp", "pgid"),
    ("s", "stat"),
    ("state", "stat"),
    ("tname", "tty"),
    ("tt", "tty"),
    ("uname", "user"),
];

/// What `ps` was asked for.
#[derive(Default)]
struct Asked {
    letters: String,
    /// Columns with their headings.
    columns: Vec<(Column, String)>,
    pids: Vec<u32>,
    names: Vec<String>,
    no_heading: bool,
}

fn ask(call: &mut Call<'_, '_>) -> Result<Asked, i32> {
    let mut asked = Asked::default();
    let mut words = std::mem::take(&mut call.args).into_iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            asked.no_heading |= long.starts_with("no-head") || long == "noheader";
            continue;
        }
        let (dash, text) = word.strip_prefix('-').map_or((false, word.as_str()), |text| (true, text));
        if !dash && !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == ',') {
            asked.pids.extend(text.split(',').filter_map(|pid| pid.parse::<u32>().ok()));
            continue;
        }
        let Some(at) = text.find(['o', 'p', 'C', 'T']).filter(|at| dash || text.as_bytes().get(*at) == Some(&b'o'))
        else {
            asked.letters.push_str(text);
            continue;
        };
        let (letters, rest) = text.split_at(at);
        asked.letters.push_str(letters);
        let value = match rest.get(1..).unwrap_or("") {
            "" => words.next().unwrap_or_default(),
            attached => attached.to_owned(),
        };
        match rest.chars().next() {
            Some('o') => choose(call, &value, &mut asked)?,
            Some('p') => asked.pids.extend(value.split(',').filter_map(|pid| pid.parse::<u32>().ok())),
            Some('C') => asked.names.extend(value.split(',').map(str::to_owned)),
            _ => {}
        }
    }
    Ok(asked)
}

/// Takes columns from the value of `-o`: `pid,comm`, or `pid=,comm=NAME` with a heading of one's own.
fn choose(call: &mut Call<'_, '_>, value: &str, asked: &mut Asked) -> Result<(), i32> {
    for word in value.split([',', ' ']).filter(|word| !word.is_empty()) {
        let (name, heading) = word.split_once('=').map_or((word, None), |(name, heading)| (name, Some(heading)));
        let real = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, real)| real);
        let Some(column) = COLUMNS.iter().find(|column| column.0 == real) else {
            let gnu = call.gnu();
            call.error(&match gnu {
                true => format!("error: unknown user-defined format specifier \"{name}\""),
                false => format!("bad -o argument '{name}'"),
            });
            return Err(1);
        };
        let own = if call.gnu() { column.2 } else { column.1 };
        asked.columns.push((*column, heading.unwrap_or(own).to_owned()));
    }
    Ok(())
}

fn elapsed(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let rest = format!("{minutes:02}:{:02}", seconds % 60);
    match (days, hours) {
        (0, 0) => rest,
        (0, hours) => format!("{hours:02}:{rest}"),
        (days, hours) => format!("{days}-{hours:02}:{rest}"),
    }
}

fn cell(call: &mut Call<'_, '_>, name: &str, process: &ProcessInfo, now: Time) -> String {
    let gnu = call.gnu();
    let kib = process.memory >> 10;
    let short = |kib: u64| if gnu { kib.to_string() } else { super::number::short_kib(kib) };
    match name {
        "args" | "cmd" | "command" if process.state == 'Z' => format!("[{}] <defunct>", command(process)),
        "args" | "cmd" | "command" => process.argv.join(" "),
        "comm" => command(process),
        "etime" => elapsed(now.since(process.started).as_secs()),
        "group" => name_of(call, "/etc/group", process.user.gid),
        "nice" => "0".into(),
        "pcpu" => {
            // One that has begun just now would seem to be busier than it is.
            let lived = (now.since(process.started).as_micros() as u64).max(1_000_000);
            format!("{:.1}", process.used as f64 * 100.0 / lived as f64)
        }
        "pgid" => process.group.to_string(),
        "pid" => process.pid.to_string(),
        "pmem" => format!("{:.1}", process.memory as f64 * 100.0 / (call.sys.hardware().memory.max(1)) as f64),
        "ppid" => if process.parent == u32::MAX { 0 } else { process.parent }.to_string(),
        "rss" => short(kib),
        "vsz" => short(kib + VIRTUAL_KIB),
        "stat" => process.state.to_string(),
        "time" if gnu => clock(process.used),
        "time" => format!("{}:{:02}", process.used / 60_000_000, process.used / 1_000_000 % 60),
        "tty" => process.tty.map_or("?".into(), |tty| format!("pts/{}", tty.0)),
        _ => name_of(call, PASSWD, process.user.uid),
    }
}

/// `ps -o`.
fn print_columns(call: &mut Call<'_, '_>, asked: &Asked, processes: &[ProcessInfo]) {
    let (gnu, now) = (call.gnu(), call.sys.now());
    let last = asked.columns.len().saturating_sub(1);
    let line = |cells: Vec<String>| {
        let mut out = String::new();
        for (at, (text, (column, _))) in cells.iter().zip(&asked.columns).enumerate() {
            let width = if gnu { column.4 } else { column.3 };
            let gap = if at == 0 { "" } else { " " };
            out += &match column.5 {
                true => format!("{gap}{text:>width$}"),
                false if at == last => format!("{gap}{text}"),
                false => format!("{gap}{text:<width$}"),
            };
        }
        out + "\n"
    };
    if !asked.no_heading && asked.columns.iter().any(|(_, heading)| !heading.is_empty()) {
        // Busybox's headings stand at the left.
        let padded = |(at, (column, heading)): (usize, &(Column, String))| match gnu || at == last {
            true => heading.clone(),
            false => format!("{heading:<w$}", w = column.3),
        };
        let text = line(asked.columns.iter().enumerate().map(padded).collect());
        call.print(&text);
    }
    for process in processes {
        let cells = asked.columns.iter().map(|(column, _)| cell(call, column.0, process, now)).collect();
        call.print(&line(cells));
    }
}

pub(super) fn ps(call: &mut Call<'_, '_>) -> i32 {
    let asked = match ask(call) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    let all = &asked.letters;
    let (me, now, gnu) = (call.sys.pid(), call.sys.now(), call.gnu());
    let bsd = all.contains('a') && all.contains('u') || all.contains("ux");
    let full = all.contains('f');
    let everything = !gnu || bsd || all.contains('e') || all.contains('A') || all.contains("ax");
    let mut processes = call.sys.processes();
    let tty = processes.iter().find(|process| process.pid == me).and_then(|process| process.tty);
    if gnu && (!asked.pids.is_empty() || !asked.names.is_empty()) {
        let named = |process: &ProcessInfo| asked.names.contains(&command(process));
        processes.retain(|process| asked.pids.contains(&process.pid) || named(process));
    } else {
        processes.retain(|process| everything || process.tty == tty);
    }
    let code = i32::from(processes.is_empty());
    if !asked.columns.is_empty() {
        print_columns(call, &asked, &processes);
        return code;
    }
    let heading = match (gnu, bsd, full) {
        (false, ..) => "PID   USER     TIME  COMMAND\n",
        (_, true, _) => "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n",
        (_, _, true) => "UID          PID    PPID  C STIME TTY          TIME CMD\n",
        _ => "    PID TTY          TIME CMD\n",
    };
    let mut out = if asked.no_heading { String::new() } else { heading.to_owned() };
    for process in &processes {
        let user = name_of(call, PASSWD, process.user.uid);
        let line = process.argv.join(" ");
        let short = format!("{}:{:02}", process.used / 60_000_000, process.used / 1_000_000 % 60);
        let terminal = process.tty.map_or("?".into(), |tty| format!("pts/{}", tty.0));
        let start = if now.since(process.started).as_secs() < 86_400 { "%H:%M" } else { "%b%d" };
        let start = super::date::strftime(start, process.started);
        out += &if !gnu {
            let line = if process.state == 'Z' { format!("[{}]", command(process)) } else { line };
            format!("{:5} {user:<8} {short:>5} {line}\n", process.pid)
        } else if bsd {
            let (cpu, memory) = (cell(call, "pcpu", process, now), cell(call, "pmem", process, now));
            let kib = process.memory >> 10;
            let vsz = kib + VIRTUAL_KIB;
            format!(
                "{user:<8} {:>7} {cpu:>4} {memory:>4} {vsz:>6} {kib:>5} {terminal:<8} {:<4} {start:>5} {short:>6} {line}\n",
                process.pid, process.state
            )
        } else if full {
            let parent = if process.parent == u32::MAX { 1 } else { process.parent };
            let time = clock(process.used);
            format!("{user:<8} {:>7} {parent:>7}  0 {start:>5} {terminal:<8} {time} {line}\n", process.pid)
        } else {
            format!("{:>7} {terminal:<8} {} {}\n", process.pid, clock(process.used), command(process))
        };
    }
    call.print(&out);
    code
}

pub(super) fn command(process: &ProcessInfo) -> String {
    let word = process.argv.first().map_or("", String::as_str);
    word.rsplit('/').next().unwrap_or(word).trim_start_matches('-').to_owned()
}

pub(super) fn kill(call: &mut Call<'_, '_>) -> i32 {
    let mut signal = Signal::Term;
    let mut words = std::mem::take(&mut call.args);
    if let Some(first) = words.first().cloned()
        && let Some(name) = first.strip_prefix('-')
    {
        words.remove(0);
        let name = if name == "s" || name == "n" {
            if words.is_empty() { String::new() } else { words.remove(0) }
        } else {
            name.to_owned()
        };
        if name == "l" {
            let names: Vec<&str> = Signal::ALL.iter().map(|signal| signal.name()).collect();
            call.print(&format!("{}\n", names.join(" ")));
            return 0;
        }
        match Signal::parse(&name) {
            Some(found) => signal = found,
            None => {
                call.error(&format!("bad signal name '{name}'"));
                return 1;
            }
        }
    }
    if words.is_empty() {
        call.error("you need to specify whom to kill");
        return 1;
    }
    let mut code = 0;
    for word in words {
        let result = match word.parse::<u32>() {
            Ok(pid) => call.sys.kill(pid, signal),
            Err(_) => {
                call.error(&format!("invalid number '{word}'"));
                code = 1;
                continue;
            }
        };
        if let Err(error) = result {
            let message =
                if call.gnu() { format!("({word}): {error}") } else { format!("can't kill pid {word}: {error}") };
            call.error(&message);
            code = 1;
        }
    }
    code
}

/// `pidof`, `pgrep`, `pkill`, `killall`: processes by their commands' names.
pub(super) fn by_name(call: &mut Call<'_, '_>) -> i32 {
    let mut signal = Signal::Term;
    let (mut letters, mut names) = (String::new(), Vec::new());
    for word in std::mem::take(&mut call.args) {
        match word.strip_prefix('-') {
            Some(name) if !name.is_empty() && name.chars().all(|letter| "flaxcno".contains(letter)) => {
                letters.push_str(name);
            }
            Some(name) => signal = Signal::parse(name).unwrap_or(signal),
            None => names.push(word),
        }
    }
    let me = call.sys.pid();
    let processes = call.sys.processes();
    let exact = letters.contains('x') || matches!(call.name, "pidof" | "killall");
    let kills = matches!(call.name, "pkill" | "killall");
    let (mut any, mut out, mut code) = (false, Vec::new(), 0);
    for name in &names {
        let mut found = false;
        // Patterns are extended regular expressions; names of killall and pidof are names.
        let pattern = regex::compile(name, regex::Syntax::Extended, false).ok().filter(|_| !exact);
        let fits = |text: &str| pattern.as_ref().map_or(text == name, |pattern| pattern.is_match(text));
        let mut fitting: Vec<&ProcessInfo> = processes
            .iter()
            .filter(|process| process.pid != me && process.state != 'Z')
            .filter(|process| fits(&if letters.contains('f') { process.argv.join(" ") } else { command(process) }))
            .collect();
        if letters.contains('n') {
            fitting.drain(..fitting.len().saturating_sub(1));
        } else if letters.contains('o') {
            fitting.truncate(1);
        }
        for process in fitting {
            found = true;
            out.push(match () {
                () if letters.contains('a') => format!("{} {}", process.pid, process.argv.join(" ")),
                () if letters.contains('l') && !kills => format!("{} {}", process.pid, command(process)),
                () => process.pid.to_string(),
            });
            if kills {
                let _ = call.sys.kill(process.pid, signal);
            }
        }
        if !found && call.name == "killall" {
            call.error(&format!("{name}: no process {}", if call.gnu() { "found" } else { "killed" }));
            code = 1;
        }
        any |= found;
    }
    if letters.contains('c') && !kills {
        call.print(&format!("{}\n", out.len()));
    } else if !kills && any {
        let separator = if call.name == "pidof" { " " } else { "\n" };
        if call.name == "pidof" {
            out.reverse();
        }
        call.print(&format!("{}\n", out.join(separator)));
    }
    if any { code } else { 1 }
}
