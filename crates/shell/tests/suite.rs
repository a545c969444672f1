//! Small scripts with what they print, in `suite/bash` for the workstation's shell and utilities and in `suite/ash` for
//! busybox's.
//!
//! A case is a script (`$ ` before its first line, `> ` before the others) and what is expected: lines of standard output
//! (`| `; `|~` when the last has no line feed), of standard error (`! `), and the exit code (`? `) unless it is 0. Blank
//! lines and lines that begin with `#` are comments. Each case runs on a machine of its own.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::fmt::Write as _;

use drydock_shell::{Flavour, Kernel, NoHost, Options, Spawn, Stdio, User, Vfs, tool_names};
use drydock_value::Time;

/// More simulated time than any case sleeps.
const UNTIL_SECONDS: u64 = 1_000_000;

struct Case {
    line: usize,
    script: String,
    expected: String,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(script) = line.strip_prefix("$ ") {
            cases.push(Case { line: index + 1, script: script.to_owned(), expected: String::new() });
        } else if let Some(case) = cases.last_mut() {
            match line.strip_prefix('>') {
                Some(more) => write!(case.script, "\n{}", more.strip_prefix(' ').unwrap_or(more)).unwrap(),
                None if line.starts_with(['|', '!', '?']) => writeln!(case.expected, "{line}").unwrap(),
                None => assert!(line.is_empty() || line.starts_with('#'), "line {}: {line}", index + 1),
            }
        }
    }
    cases
}

fn machine(flavour: Flavour) -> Kernel {
    let mut files = Vfs::base();
    let names = tool_names().chain(["sh", if flavour == Flavour::Gnu { "bash" } else { "ash" }]);
    files.install_all("/usr/bin", names);
    files.install("/bin/sh", "sh").unwrap();
    if flavour == Flavour::Gnu {
        files.install("/bin/bash", "bash").unwrap();
    }
    files.mkdir_all("/home/learner").unwrap();
    files.chown("/home/learner", User { uid: 1000, gid: 1000 }).unwrap();
    files
        .write("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nlearner:x:1000:1000:Learner:/home/learner:/bin/bash\n")
        .unwrap();
    files.write("/etc/group", b"root:x:0:\nlearner:x:1000:\n").unwrap();
    let now = Time::from_civil(2026, 11, 22, 13, 56, 49).unwrap();
    Kernel::new(files, Options { hostname: "workstation".into(), flavour, now, first_pid: 100, ..Options::default() })
}

/// Runs a script: its standard output, standard error and exit code. `every` clones the machine that often and goes on
/// with the clone.
fn run(script: &str, flavour: Flavour, every: Option<u32>) -> (String, String, i32) {
    let mut kernel = machine(flavour);
    let (out, err) = (kernel.pipe(), kernel.pipe());
    let shell = if flavour == Flavour::Gnu { "bash" } else { "sh" };
    let env = SortedMap::from([
        ("HOME".to_owned(), "/home/learner".to_owned()),
        ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
        ("USER".to_owned(), "learner".to_owned()),
    ]);
    let spawn = Spawn::new([shell, "-c", script])
        .env(env)
        .cwd("/home/learner")
        .user(User { uid: 1000, gid: 1000 })
        .stdio(Stdio::Null, Stdio::Pipe(out), Stdio::Pipe(err));
    let pid = kernel.spawn(spawn).unwrap();
    let mut host = NoHost::default();
    let mut now = Time::from_civil(2026, 11, 22, 13, 56, 49).unwrap();
    let end = Time(now.0 + UNTIL_SECONDS * 1_000_000);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut rounds = 0u32;
    let code = loop {
        let activity = kernel.run(now, every.unwrap_or(100_000), &mut host);
        if every.is_some() {
            kernel = kernel.clone();
        }
        let (more_out, more_err) = (kernel.drain(out), kernel.drain(err));
        let drained = more_out.len() + more_err.len() > 0;
        stdout.extend(more_out);
        stderr.extend(more_err);
        if let Some(code) = kernel.status(pid)
            && kernel.drained(out)
            && kernel.drained(err)
        {
            break code;
        }
        rounds += 1;
        now = match activity.wake {
            _ if activity.runnable || drained => now,
            Some(wake) if wake <= end => now.max(wake),
            _ => break -1,
        };
        assert!(rounds < 2_000_000, "{script}: does not end");
        assert!(stdout.len() < 10_000_000, "{script}: prints too much");
    };
    (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned(), code)
}

fn shown((stdout, stderr, code): &(String, String, i32)) -> String {
    let mut text = String::new();
    for line in stdout.split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some("") => text.push_str("|\n"),
            Some(line) => writeln!(text, "| {line}").unwrap(),
            None => writeln!(text, "|~{line}").unwrap(),
        }
    }
    for line in stderr.lines() {
        writeln!(text, "! {line}").unwrap();
    }
    if *code != 0 {
        writeln!(text, "? {code}").unwrap();
    }
    text
}

#[allow(clippy::disallowed_methods, reason = "a test reads its cases")]
fn check(folder: &str, flavour: Flavour) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite").join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort_compact();
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut failures = String::new();
    let mut count = 0;
    for path in paths.iter().filter(|path| path.to_string_lossy().contains(&only)) {
        let text = std::fs::read_to_string(path).unwrap();
        for case in cases(&text) {
            count += 1;
            let place = format!("{}:{}", path.file_name().unwrap().to_string_lossy(), case.line);
            let got = shown(&run(&case.script, flavour, None));
            if got != case.expected {
                writeln!(failures, "{place}\n$ {}\n--- wanted\n{}--- got\n{got}", case.script, case.expected).unwrap();
            } else if !case.script.contains("$RANDOM") {
                let cloned = shown(&run(&case.script, flavour, Some(3)));
                if cloned != got {
                    writeln!(failures, "{place}\n$ {}\n--- whole\n{got}--- cloned\n{cloned}", case.script).unwrap();
                }
            }
        }
    }
    assert!(count > 0);
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn bash() {
    check("bash", Flavour::Gnu);
}

#[test]
fn ash() {
    check("ash", Flavour::Busybox);
}
