//! `find`.

use std::collections::VecDeque;

use super::Call;
use super::files::split;
use crate::shell::pattern::matches;
use crate::{Kind, Pid, Program, Spawn, Stat, Step, Sys, Wait, join};

/// How many entries one call visits.
const ENTRIES_MAX: usize = 100_000;
/// How deep expressions may nest.
const DEPTH_MAX: u32 = 50;

#[derive(Debug, Clone)]
enum Test {
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    Not(Box<Test>),
    Name(String, bool),
    Path(String, bool),
    Type(char),
    /// Compared with a number: `+`, `-` or equal; the unit in bytes.
    Size(char, u64, u64),
    /// Age in units of seconds.
    Age(char, u64, u64),
    Newer(u64),
    Empty,
    Perm(u16),
    User(u32),
    True,
    False,
    Prune,
    Print,
    Print0,
    Delete,
    /// A command: with `true` for many paths at once.
    Exec(usize),
    Quit,
}

#[derive(Clone, Default)]
struct Find {
    started: bool,
    commands: Vec<(Vec<String>, bool)>,
    collected: Vec<Vec<String>>,
    calls: VecDeque<Vec<String>>,
    child: Option<Pid>,
    code: i32,
}

pub(super) fn program() -> Box<dyn Program> {
    Box::new(Find::default())
}

struct Parser<'a, 'b, 's> {
    words: VecDeque<String>,
    call: &'a mut Call<'b, 's>,
    commands: Vec<(Vec<String>, bool)>,
    max_depth: usize,
    min_depth: usize,
    depth_first: bool,
    acts: bool,
    depth: u32,
}

impl Parser<'_, '_, '_> {
    fn or(&mut self) -> Result<Test, String> {
        let mut left = self.and()?;
        while matches!(self.words.front().map(String::as_str), Some("-o" | "-or")) {
            self.words.pop_front();
            left = Test::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Test, String> {
        let mut left = self.primary()?;
        loop {
            match self.words.front().map(String::as_str) {
                None | Some("-o" | "-or" | ")") => return Ok(left),
                Some("-a" | "-and") => {
                    self.words.pop_front();
                }
                Some(_) => {}
            }
            left = Test::And(Box::new(left), Box::new(self.primary()?));
        }
    }

    fn value(&mut self, name: &str) -> Result<String, String> {
        let gnu = self.call.gnu();
        self.words.pop_front().ok_or_else(|| {
            if gnu { format!("missing argument to `{name}'") } else { format!("{name} requires an argument") }
        })
    }

    fn amount(&mut self, name: &str) -> Result<(char, String), String> {
        let text = self.value(name)?;
        Ok(match text.chars().next() {
            Some(sign @ ('+' | '-')) => (sign, text.get(1..).unwrap_or("").to_owned()),
            _ => ('=', text),
        })
    }

    fn primary(&mut self) -> Result<Test, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX * 4 {
            return Err("the expression is too long".into());
        }
        let Some(word) = self.words.pop_front() else { return Err("expected an expression".into()) };
        Ok(match word.as_str() {
            "(" => {
                let inner = self.or()?;
                if self.words.pop_front().as_deref() != Some(")") {
                    return Err(
                        "invalid expression; I was expecting to find a ')' somewhere but did not see one.".into()
                    );
                }
                inner
            }
            "!" | "-not" => Test::Not(Box::new(self.primary()?)),
            "-name" => Test::Name(self.value(&word)?, false),
            "-iname" => Test::Name(self.value(&word)?.to_lowercase(), true),
            "-path" | "-wholename" => Test::Path(self.value(&word)?, false),
            "-ipath" => Test::Path(self.value(&word)?.to_lowercase(), true),
            "-type" => {
                let kind = self.value(&word)?;
                match kind.chars().next() {
                    Some(c @ ('f' | 'd' | 'l' | 'c' | 'b' | 'p' | 's')) if kind.len() == 1 => Test::Type(c),
                    _ => return Err(format!("Unknown argument to -type: {kind}")),
                }
            }
            "-size" => {
                let (sign, text) = self.amount(&word)?;
                let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
                let unit = match text.get(digits.len()..).unwrap_or("") {
                    "c" => 1,
                    "w" => 2,
                    "k" => 1 << 10,
                    "M" => 1 << 20,
                    "G" => 1 << 30,
                    _ => 512,
                };
                Test::Size(sign, digits.parse().unwrap_or(0), unit)
            }
            "-mtime" | "-mmin" | "-ctime" | "-atime" | "-cmin" | "-amin" => {
                let unit = if word.ends_with("min") { 60 } else { 86_400 };
                let (sign, text) = self.amount(&word)?;
                Test::Age(sign, text.parse().map_err(|_| format!("invalid argument `{text}' to `{word}'"))?, unit)
            }
            "-newer" => {
                let name = self.value(&word)?;
                let path = self.call.sys.path(&name);
                match self.call.sys.files().stat(&path) {
                    Ok(stat) => Test::Newer(stat.modified.0),
                    Err(error) => return Err(format!("‘{name}’: {error}")),
                }
            }
            "-empty" => Test::Empty,
            "-perm" => {
                let (_, text) = self.amount(&word)?;
                Test::Perm(u16::from_str_radix(text.trim_start_matches('/'), 8).unwrap_or(0))
            }
            "-user" | "-group" => {
                let name = self.value(&word)?;
                let id = super::files::id_of(self.call, "/etc/passwd", &name);
                Test::User(id.ok_or_else(|| format!("‘{name}’ is not the name of a known user"))?)
            }
            "-true" => Test::True,
            "-false" => Test::False,
            "-prune" => Test::Prune,
            "-quit" => Test::Quit,
            "-maxdepth" | "-mindepth" => {
                let text = self.value(&word)?;
                let depth = text
                    .parse()
                    .map_err(|_| format!("Expected a positive decimal integer argument to {word}, but got ‘{text}’"))?;
                if word == "-maxdepth" {
                    self.max_depth = depth;
                } else {
                    self.min_depth = depth;
                }
                Test::True
            }
            "-depth" => {
                self.depth_first = true;
                Test::True
            }
            "-follow" | "-xdev" | "-mount" | "-noleaf" | "-daystart" => Test::True,
            "-print" => {
                self.acts = true;
                Test::Print
            }
            "-print0" => {
                self.acts = true;
                Test::Print0
            }
            "-delete" => {
                self.acts = true;
                self.depth_first = true;
                Test::Delete
            }
            "-exec" | "-ok" | "-execdir" => {
                self.acts = true;
                let mut command = Vec::new();
                let many = loop {
                    match self.words.pop_front().as_deref() {
                        Some(";") => break false,
                        Some("+") if command.last().is_some_and(|word| word == "{}") => break true,
                        Some(word) => command.push(word.to_owned()),
                        None => return Err(format!("missing argument to `{word}'")),
                    }
                };
                self.commands.push((command, many));
                Test::Exec(self.commands.len() - 1)
            }
            word if word.starts_with('-') => {
                return Err(if self.call.gnu() {
                    format!("unknown predicate `{word}'")
                } else {
                    format!("unrecognized: {word}")
                });
            }
            word => {
                return Err(if self.call.gnu() {
                    format!("paths must precede expression: `{word}'")
                } else {
                    format!("unrecognized: {word}")
                });
            }
        })
    }
}

/// What a visit leads to.
#[derive(Default)]
struct Visit {
    pruned: bool,
    quit: bool,
}

impl Find {
    fn walk(&mut self, call: &mut Call<'_, '_>) -> Result<(), String> {
        let mut words: VecDeque<String> = std::mem::take(&mut call.args).into();
        while matches!(words.front().map(String::as_str), Some("-L" | "-H" | "-P")) {
            words.pop_front();
        }
        let mut roots = Vec::new();
        while let Some(word) = words.front().filter(|word| !word.starts_with('-') && *word != "(" && *word != "!") {
            roots.push(word.clone());
            words.pop_front();
        }
        if roots.is_empty() {
            roots.push(".".into());
        }
        let mut parser = Parser {
            words,
            call,
            commands: Vec::new(),
            max_depth: usize::MAX,
            min_depth: 0,
            depth_first: false,
            acts: false,
            depth: 0,
        };
        let mut test = if parser.words.is_empty() { Test::True } else { parser.or()? };
        if let Some(word) = parser.words.front() {
            return Err(format!("invalid expression; you have used `{word}' without its beginning"));
        }
        if !parser.acts {
            test = Test::And(Box::new(test), Box::new(Test::Print));
        }
        let (max, min, depth_first) = (parser.max_depth, parser.min_depth, parser.depth_first);
        self.commands = std::mem::take(&mut parser.commands);
        self.collected = vec![Vec::new(); self.commands.len()];
        let mut visited = 0;
        for root in roots {
            let path = call.sys.path(&root);
            let stat = match call.sys.files().lstat(&path) {
                Ok(stat) => stat,
                Err(error) => {
                    let message =
                        if call.gnu() { format!("‘{root}’: {error}") } else { format!("{root}: {error}") };
                    call.error(&message);
                    self.code = 1;
                    continue;
                }
            };
            let mut stack = vec![(root, path, stat, 0usize, false)];
            while let Some((shown, path, stat, depth, listed)) = stack.pop() {
                visited += 1;
                if visited > ENTRIES_MAX {
                    return Err("too many files".into());
                }
                let inner = stat.is_dir() && depth < max;
                let mut visit = Visit::default();
                let due = if depth_first { !inner || listed } else { !listed };
                if due && depth >= min {
                    self.test(&test, &shown, &path, &stat, &mut visit, call);
                }
                if visit.quit {
                    return Ok(());
                }
                if !inner || listed || visit.pruned {
                    continue;
                }
                match call.sys.files().list(&path) {
                    Ok(entries) => {
                        if depth_first {
                            stack.push((shown.clone(), path.clone(), stat, depth, true));
                        }
                        for entry in entries.into_iter().rev() {
                            let name = if shown.ends_with('/') {
                                format!("{shown}{}", entry.name)
                            } else {
                                format!("{shown}/{}", entry.name)
                            };
                            stack.push((name, join(&path, &entry.name), entry.stat, depth + 1, false));
                        }
                    }
                    Err(error) => {
                        let message =
                            if call.gnu() { format!("‘{shown}’: {error}") } else { format!("{shown}: {error}") };
                        call.error(&message);
                        self.code = 1;
                    }
                }
            }
        }
        call.sys.charge((visited / 4) as u32);
        Ok(())
    }

    fn test(
        &mut self,
        test: &Test,
        shown: &str,
        path: &str,
        stat: &Stat,
        visit: &mut Visit,
        call: &mut Call<'_, '_>,
    ) -> bool {
        let against = |sign: char, value: u64, wanted: u64| match sign {
            '+' => value > wanted,
            '-' => value < wanted,
            _ => value == wanted,
        };
        match test {
            Test::And(a, b) => {
                self.test(a, shown, path, stat, visit, call) && self.test(b, shown, path, stat, visit, call)
            }
            Test::Or(a, b) => {
                self.test(a, shown, path, stat, visit, call) || self.test(b, shown, path, stat, visit, call)
            }
            Test::Not(inner) => !self.test(inner, shown, path, stat, visit, call),
            Test::Name(pattern, fold) => {
                let name = split(shown).1;
                let name = if name.is_empty() { "/" } else { name };
                if *fold { matches(pattern, &name.to_lowercase()) } else { matches(pattern, name) }
            }
            Test::Path(pattern, fold) => {
                if *fold {
                    matches(pattern, &shown.to_lowercase())
                } else {
                    matches(pattern, shown)
                }
            }
            Test::Type(kind) => match kind {
                'f' => stat.is_file(),
                'd' => stat.is_dir(),
                'l' => stat.is_symlink(),
                'c' => matches!(stat.kind, Kind::Device(_)),
                _ => false,
            },
            Test::Size(sign, wanted, unit) => against(*sign, stat.size.div_ceil(*unit), *wanted),
            Test::Age(sign, wanted, unit) => {
                against(*sign, call.sys.now().since(stat.modified).as_secs() / unit, *wanted)
            }
            Test::Newer(time) => stat.modified.0 > *time,
            Test::Empty if stat.is_dir() => call.sys.files().list(path).is_ok_and(|entries| entries.is_empty()),
            Test::Empty => stat.is_file() && stat.size == 0,
            Test::Perm(mode) => stat.mode & 0o7777 == *mode,
            Test::User(uid) => stat.uid == *uid,
            Test::True => true,
            Test::False => false,
            Test::Prune => {
                visit.pruned = true;
                true
            }
            Test::Quit => {
                visit.quit = true;
                true
            }
            Test::Print => {
                call.print(&format!("{shown}\n"));
                true
            }
            Test::Print0 => {
                call.print(&format!("{shown}\0"));
                true
            }
            Test::Delete => {
                let files = call.sys.files();
                let removed = if stat.is_dir() { files.rmdir(path) } else { files.remove(path) };
                if let Err(error) = removed {
                    call.error(&format!("cannot delete ‘{shown}’: {error}"));
                    self.code = 1;
                }
                removed.is_ok()
            }
            Test::Exec(index) => {
                let Some((command, many)) = self.commands.get(*index) else { return true };
                if *many {
                    if let Some(paths) = self.collected.get_mut(*index) {
                        paths.push(shown.to_owned());
                    }
                } else {
                    self.calls.push_back(command.iter().map(|word| word.replace("{}", shown)).collect());
                }
                true
            }
        }
    }

    fn go_on(&mut self, call: &mut Call<'_, '_>) -> Step {
        if !self.started {
            self.started = true;
            if let Err(message) = self.walk(call) {
                call.error(&message);
                return Step::Exit(1);
            }
            for (index, (command, many)) in self.commands.iter().enumerate() {
                let paths = self.collected.get(index).cloned().unwrap_or_default();
                if *many && !paths.is_empty() {
                    let mut argv = command.clone();
                    argv.pop();
                    argv.extend(paths);
                    self.calls.push_back(argv);
                }
            }
        }
        if let Some(child) = self.child {
            if call.sys.wait(child).is_none() {
                return Wait::child().into();
            }
            self.child = None;
        }
        let Some(argv) = self.calls.pop_front() else { return Step::Exit(self.code) };
        let command = argv.first().cloned().unwrap_or_default();
        call.flush();
        match call.sys.spawn(Spawn::new(argv)) {
            Ok(pid) => {
                self.child = Some(pid);
                Wait::child().into()
            }
            Err(error) => {
                let message =
                    if call.gnu() { format!("‘{command}’: {error}") } else { format!("{command}: {error}") };
                call.error(&message);
                Step::Continue
            }
        }
    }
}

impl Program for Find {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, "find");
        match self.go_on(&mut call) {
            Step::Exit(code) => Step::Exit(call.finish(code)),
            step => {
                call.flush();
                step
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
