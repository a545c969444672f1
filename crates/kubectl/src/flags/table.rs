//! The two data files as typed rows.

use std::sync::LazyLock;

/// What a flag holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// True or false; bare means true.
    Bool,
    /// As [`Kind::Bool`], but knows whether it was given.
    Tristate,
    /// A string.
    String,
    /// A string that may be left out: bare means what [`FlagInfo::bare`] says.
    Optional,
    /// A whole number.
    Int,
    /// A Go duration.
    Duration,
    /// Several strings: repeated or separated by commas.
    List,
    /// Several strings: repeated, commas mean nothing.
    Array,
    /// `key=value` pairs: repeated or separated by commas.
    Map,
}

/// One flag of one command.
#[derive(Debug, Clone, Copy)]
pub struct FlagInfo {
    /// The long name, without dashes.
    pub name: &'static str,
    /// The letter, if it has one.
    pub short: Option<char>,
    /// What it holds.
    pub kind: Kind,
    /// The default, unquoted.
    pub default: &'static str,
    /// The description.
    pub help: &'static str,
    /// Deprecated: works, but is not in the help. The text says what to do instead.
    pub deprecated: Option<&'static str>,
}

impl FlagInfo {
    /// pflag's words for a value that does not fit.
    pub fn refuses(&self, value: &str, why: &str) -> String {
        let name = self.short.map_or(format!("--{}", self.name), |short| format!("-{short}, --{}", self.name));
        format!("invalid argument {} for \"{name}\" flag: {why}", crate::failure::quote(value))
    }

    /// What the flag means when it stands bare; None when it needs a value.
    pub fn bare(&self) -> Option<&'static str> {
        match (self.kind, self.name) {
            (Kind::Bool | Kind::Tristate, _) => Some("true"),
            (Kind::Optional, "dry-run") => Some("unchanged"),
            (Kind::Optional, "cascade") => Some("background"),
            (Kind::Optional, "validate") => Some("strict"),
            (Kind::Optional, _) => Some(""),
            _ => None,
        }
    }

    /// The default as the help shows it.
    pub fn shown_default(&self) -> String {
        match self.kind {
            Kind::String | Kind::Optional if self.name != "vmodule" => format!("'{}'", self.default),
            Kind::Map if self.name == "aggregation-rule" => String::new(),
            Kind::List | Kind::Array | Kind::Map => format!("[{}]", self.default),
            _ => self.default.to_owned(),
        }
    }
}

/// One command.
#[derive(Debug, Clone)]
pub struct CommandInfo {
    /// Its words without `kubectl`: `create deployment`; empty for kubectl itself.
    pub path: &'static str,
    /// The usage line.
    pub usage: &'static str,
    /// Other names of its last word.
    pub aliases: Vec<&'static str>,
    /// Its own flags, in alphabetical order.
    pub flags: Vec<FlagInfo>,
}

impl CommandInfo {
    /// Its last word.
    pub fn name(&self) -> &'static str {
        self.path.rsplit(' ').next().unwrap_or("")
    }

    /// `kubectl create deployment`.
    pub fn full(&self) -> String {
        if self.path.is_empty() { "kubectl".into() } else { format!("kubectl {}", self.path) }
    }

    /// A flag of its own by long name.
    pub fn flag(&self, name: &str) -> Option<&FlagInfo> {
        self.flags.iter().find(|flag| flag.name == name)
    }
}

/// All commands, and the flags that every command takes.
#[derive(Debug)]
pub struct Table {
    /// In the order of the data file; the first is kubectl itself.
    pub commands: Vec<CommandInfo>,
    /// The global flags.
    pub global: Vec<FlagInfo>,
}

impl Table {
    /// A command by its path.
    pub fn command(&self, path: &str) -> Option<&CommandInfo> {
        self.commands.iter().find(|command| command.path == path)
    }

    /// The commands directly under a path, in order.
    pub fn children(&self, path: &str) -> impl Iterator<Item = &CommandInfo> {
        let path = path.to_owned();
        self.commands.iter().filter(move |command| {
            let parent = command.path.rsplit_once(' ').map_or("", |(parent, _)| parent);
            !command.path.is_empty() && parent == path
        })
    }

    /// A command under a path by its word or an alias of it.
    pub fn child(&self, path: &str, word: &str) -> Option<&CommandInfo> {
        self.children(path).find(|command| command.name() == word || command.aliases.contains(&word))
    }

    /// A flag of a command, its own or a global one.
    pub fn flag<'t>(&'t self, command: &'t CommandInfo, name: &str) -> Option<&'t FlagInfo> {
        command.flag(name).or_else(|| self.global.iter().find(|flag| flag.name == name))
    }

    /// A flag of a command by its letter.
    pub fn short<'t>(&'t self, command: &'t CommandInfo, letter: char) -> Option<&'t FlagInfo> {
        let global = self.global.iter().filter(|flag| command.flag(flag.name).is_none());
        command.flags.iter().chain(global).find(|flag| flag.short == Some(letter))
    }
}

/// Flags that are there when a variable is `true`: command, flag, variable. They are not shown.
pub const ALPHA: &[(&str, &str, &str)] = &[("apply", "applyset", "KUBECTL_APPLYSET")];

/// Flags that still work but are not shown. `*` stands for any command.
const DEPRECATED: &[(&str, &str, Kind, &str)] = &[
    ("annotate", "record", Kind::Bool, "--record will be removed in the future"),
    (
        "autoscale",
        "cpu-percent",
        Kind::Int,
        "Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).",
    ),
    ("create", "record", Kind::Bool, "--record will be removed in the future"),
    ("edit", "record", Kind::Bool, "--record will be removed in the future"),
    ("expose", "record", Kind::Bool, "--record will be removed in the future"),
    ("label", "record", Kind::Bool, "--record will be removed in the future"),
    ("patch", "record", Kind::Bool, "--record will be removed in the future"),
    ("replace", "record", Kind::Bool, "--record will be removed in the future"),
    ("run", "record", Kind::Bool, "--record will be removed in the future"),
    ("scale", "record", Kind::Bool, "--record will be removed in the future"),
    ("set env", "record", Kind::Bool, "--record will be removed in the future"),
    ("set image", "record", Kind::Bool, "--record will be removed in the future"),
    ("set resources", "record", Kind::Bool, "--record will be removed in the future"),
    ("set selector", "record", Kind::Bool, "--record will be removed in the future"),
    ("set serviceaccount", "record", Kind::Bool, "--record will be removed in the future"),
    ("apply", "record", Kind::Bool, "--record will be removed in the future"),
    ("autoscale", "record", Kind::Bool, "--record will be removed in the future"),
];

static TABLE: LazyLock<Table> = LazyLock::new(read);

/// The table.
pub fn table() -> &'static Table {
    &TABLE
}

fn kind(letter: &str) -> Kind {
    match letter {
        "b" => Kind::Bool,
        "t" => Kind::Tristate,
        "o" => Kind::Optional,
        "i" => Kind::Int,
        "d" => Kind::Duration,
        "l" => Kind::List,
        "a" => Kind::Array,
        "m" => Kind::Map,
        _ => Kind::String,
    }
}

fn read() -> Table {
    let rows: Vec<[&'static str; 5]> = include_str!("../../data/flags.txt")
        .lines()
        .map(|line| {
            let mut parts = line.split('\t');
            std::array::from_fn(|_| parts.next().unwrap_or(""))
        })
        .collect();
    let row = |name: &str| rows.binary_search_by(|row| row[0].cmp(name)).ok().map(|at| &rows[at]);
    let mut table = Table {
        commands: vec![CommandInfo { path: "", usage: "kubectl [flags] [options]", aliases: vec![], flags: vec![] }],
        global: Vec::new(),
    };
    for line in include_str!("../../data/commands.txt").lines() {
        if let Some(flags) = line.strip_prefix(' ') {
            let path = table.commands.last().map_or("", |command| command.path);
            let flags = flags.split(' ').filter_map(|token| {
                let (token, default) = token.split_once('=').map_or((token, None), |(t, d)| (t, Some(d)));
                let mut parts = token.split(':');
                let name = parts.next()?;
                let [_, short, kind_letter, common, help] = row(name).copied()?;
                Some(FlagInfo {
                    name,
                    short: parts.next().unwrap_or(short).chars().next(),
                    kind: kind(parts.next().unwrap_or(kind_letter)),
                    default: default.unwrap_or(common),
                    help: row(&format!("{path}/{name}")).map_or(help, |own| own[4]),
                    deprecated: None,
                })
            });
            let flags: Vec<FlagInfo> = flags.collect();
            match table.commands.last_mut() {
                Some(command) if !command.path.is_empty() => command.flags = flags,
                _ => table.global = flags,
            }
            continue;
        }
        let mut parts = line.split('\t');
        let (path, usage, aliases) = (parts.next(), parts.next(), parts.next());
        if let (Some(path), Some(usage), Some(aliases)) = (path, usage, aliases) {
            if path == "global" {
                continue;
            }
            let aliases = aliases.split(',').filter(|alias| !alias.is_empty()).collect();
            table.commands.push(CommandInfo { path, usage, aliases, flags: Vec::new() });
        }
    }
    for (path, name, kind, why) in DEPRECATED {
        if let Some(command) = table.commands.iter_mut().find(|command| command.path == *path) {
            let flag = FlagInfo { name, short: None, kind: *kind, default: "false", help: "", deprecated: Some(why) };
            command.flags.push(flag);
        }
    }
    for (path, name, _) in ALPHA {
        if let Some(command) = table.commands.iter_mut().find(|command| command.path == *path) {
            let kind = Kind::String;
            command.flags.push(FlagInfo { name, short: None, kind, default: "", help: "", deprecated: Some("") });
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_flag_is_read() {
        let table = table();
        assert_eq!(table.commands.len(), 109);
        let shown = table.commands.iter().flat_map(|c| &c.flags).filter(|f| f.deprecated.is_none()).count();
        assert_eq!((shown, table.global.len()), (919, 29));
        let get = table.command("get").unwrap();
        assert_eq!(table.short(get, 'o').unwrap().name, "output");
        assert_eq!(table.short(get, 'n').unwrap().name, "namespace");
        assert_eq!(table.command("run").unwrap().flag("port").unwrap().kind, Kind::String);
        assert_eq!(table.command("scale").unwrap().flag("replicas").unwrap().default, "0");
        assert_eq!(table.child("config", "use").unwrap().path, "config use-context");
    }
}
