//! Help texts, required flags, suggestions.
//!
//! The words are in `data/help.txt`: a line `= path` for each command, its short description, lines with `|` for a
//! longer one, and examples, each a line with `#` and the command line. A line with `@language` is the short description
//! in another language, for those who have set theirs. Flags are described in `data/flags.txt`.

use drydock_sorted::SortedMap;
use std::sync::LazyLock;

use crate::env::Env;
use crate::failure::{Failure, quote};
use crate::flags::{CommandInfo, FlagInfo, Parsed, table};

/// What is said about one command.
#[derive(Debug, Default)]
struct Words {
    short: &'static str,
    /// Languages, and the short description in each.
    translations: Vec<(&'static str, &'static str)>,
    long: Vec<&'static str>,
    /// What it does, and the command line.
    examples: Vec<(&'static str, &'static str)>,
}

static WORDS: LazyLock<SortedMap<&'static str, Words>> = LazyLock::new(|| {
    let mut all: SortedMap<&'static str, Words> = SortedMap::new();
    let mut path = "";
    for line in include_str!("../data/help.txt").lines() {
        if let Some(rest) = line.strip_prefix('=') {
            path = rest.trim();
            continue;
        }
        let words = all.entry(path).or_default();
        if let Some(long) = line.strip_prefix('|') {
            words.long.push(long);
        } else if let Some(translation) = line.strip_prefix('@') {
            words.translations.extend(translation.split_once(' '));
        } else if let Some(what) = line.strip_prefix("# ") {
            words.examples.push((what, ""));
        } else if words.short.is_empty() {
            words.short = line;
        } else if let Some(example) = words.examples.last_mut() {
            example.1 = line;
        }
    }
    all
});

/// kubectl's own groups of commands.
const GROUPS: &[(&str, &[&str])] = &[
    ("Basic Commands (Beginner):", &["create", "expose", "run", "set"]),
    ("Basic Commands (Intermediate):", &["explain", "get", "edit", "delete"]),
    ("Deploy Commands:", &["rollout", "scale", "autoscale"]),
    ("Cluster Management Commands:", &["certificate", "cluster-info", "top", "cordon", "uncordon", "drain", "taint"]),
    (
        "Troubleshooting and Debugging Commands:",
        &["describe", "logs", "attach", "exec", "port-forward", "proxy", "cp", "auth", "debug", "events"],
    ),
    ("Advanced Commands:", &["diff", "apply", "patch", "replace", "wait", "kustomize"]),
    ("Settings Commands:", &["label", "annotate", "completion"]),
    ("Subcommands provided by plugins:", &[]),
    ("Other Commands:", &["api-resources", "api-versions", "config", "kuberc", "plugin", "version"]),
];

const OPTIONS_HINT: &str =
    "Use \"kubectl options\" for a list of global command-line options (applies to all commands).\n";

/// The short description of a command, in the user's language where there are words for it.
fn short(path: &str, language: &str) -> &'static str {
    let Some(words) = WORDS.get(path) else { return "" };
    words.translations.iter().find(|(known, _)| *known == language).map_or(words.short, |(_, text)| text)
}

/// The user's language, as `de_DE.UTF-8` says it; without an encoding it does not count.
fn language(env: &Env) -> &str {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().map(|name| env.var(name)).find(|value| !value.is_empty());
    match set.unwrap_or("").split_once('.') {
        Some((language, encoding)) if !encoding.contains('.') => language,
        _ => "",
    }
}

fn list(names: &[&str], parent: &str, language: &str, width: usize, out: &mut String) {
    for name in names {
        let path = if parent.is_empty() { (*name).to_owned() } else { format!("{parent} {name}") };
        out.push_str(&format!("  {name:width$}{}\n", short(&path, language)));
    }
}

/// The help of a command.
pub fn of(command: &CommandInfo, env: &Env) -> String {
    let words = WORDS.get(command.path);
    let language = language(env);
    let mut out = String::new();
    if let Some(words) = words {
        let short = short(command.path, language);
        out.push_str(short);
        if !short.ends_with(['.', '。']) {
            out.push('.');
        }
        out.push_str("\n\n");
        for line in &words.long {
            out.push_str(&format!(" {line}\n\n"));
        }
    }
    if !command.aliases.is_empty() {
        let names: Vec<&str> = std::iter::once(command.name()).chain(command.aliases.iter().copied()).collect();
        out.push_str(&format!("Aliases:\n{}\n\n", names.join(", ")));
    }
    let examples = words.map(|words| words.examples.as_slice()).unwrap_or_default();
    if !examples.is_empty() {
        let texts: Vec<String> = examples.iter().map(|(what, line)| format!("  # {what}\n  {line}\n")).collect();
        out.push_str(&format!("Examples:\n{}\n", texts.join("  \n")));
    }
    let children: Vec<&str> = table().children(command.path).map(CommandInfo::name).collect();
    let width = children.iter().map(|name| name.len()).max().unwrap_or(0).max(11) + 3;
    if command.path.is_empty() {
        for (title, names) in GROUPS {
            out.push_str(&format!("{title}\n"));
            list(names, "", language, width, &mut out);
            out.push('\n');
        }
    } else if !children.is_empty() {
        out.push_str("Available Commands:\n");
        list(&children, command.path, language, width, &mut out);
        out.push('\n');
    }
    let flags: Vec<&FlagInfo> = command.flags.iter().filter(|flag| flag.deprecated.is_none()).collect();
    if !flags.is_empty() {
        out.push_str("Options:\n");
        for flag in flags {
            out.push_str(&option(flag));
        }
    }
    out.push_str(&format!("Usage:\n  {}\n\n", command.usage));
    if !children.is_empty() {
        let name = command.full();
        out.push_str(&format!("Use \"{name} <command> --help\" for more information about a given command.\n"));
    }
    out.push_str(OPTIONS_HINT);
    out
}

/// One flag.
fn option(flag: &FlagInfo) -> String {
    let name = match flag.short {
        Some(letter) => format!("-{letter}, --{}", flag.name),
        None => format!("--{}", flag.name),
    };
    format!("    {name}={}:\n\t{}\n\n", flag.shown_default(), flag.help)
}

/// `kubectl help WORDS`: the text, or what is wrong and the help of kubectl itself.
///
/// # Errors
/// When there is no such command.
pub fn by_words(words: &[String], env: &Env) -> Result<String, String> {
    let mut command = &table().commands[0];
    for word in words.iter().filter(|word| !word.starts_with('-')) {
        match table().child(command.path, word) {
            Some(child) => command = child,
            None if command.path.is_empty() => {
                let topics: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                return Err(format!("Unknown help topic [{}]\n{}", topics.join(" "), of(command, env)));
            }
            None => break,
        }
    }
    Ok(of(command, env))
}

/// `kubectl options`.
pub fn options() -> String {
    let flags: String = table().global.iter().map(option).collect();
    format!("The following options can be passed to any command:\n\n{}", flags)
}

/// Flags without which a command makes no sense.
const REQUIRED: &[(&str, &[&str])] = &[
    ("autoscale", &["max"]),
    ("create clusterrolebinding", &["clusterrole"]),
    ("create cronjob", &["image", "schedule"]),
    ("create deployment", &["image"]),
    ("create service externalname", &["external-name"]),
    ("kuberc set", &["section"]),
    ("run", &["image"]),
    ("scale", &["replicas"]),
];

/// Checks that required flags are there.
///
/// # Errors
/// cobra's words.
pub fn required(parsed: &Parsed) -> Result<(), Failure> {
    let names = REQUIRED.iter().find(|(path, _)| *path == parsed.command.path).map_or(&[][..], |(_, names)| names);
    let missing: Vec<String> = names.iter().filter(|name| !parsed.flags.given(name)).map(|name| quote(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("required flag(s) {} not set", missing.join(", ")).into())
}

/// The error for a word that is no command, with words that are near it.
pub fn unknown_command(word: &str) -> String {
    let mut text = format!("error: unknown command {} for \"kubectl\"", quote(word));
    let near: Vec<&str> =
        table().children("").map(CommandInfo::name).filter(|name| near(word, name) || meant(word, name)).collect();
    if !near.is_empty() {
        text += "\n\nDid you mean this?\n";
        text += &near.iter().map(|name| format!("\t{name}")).collect::<Vec<_>>().join("\n");
    }
    text
}

/// Words of other programs that stand for a command.
fn meant(word: &str, name: &str) -> bool {
    let words: &[&str] = match name {
        "get" => &["list", "ls"],
        "delete" => &["rm", "remove"],
        _ => &[],
    };
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn near(word: &str, name: &str) -> bool {
    let (word, name) = (word.to_lowercase(), name.to_lowercase());
    distance(&word, &name) <= 2 || name.starts_with(&word)
}

/// The number of letters to insert, remove or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = before + usize::from(x != *y);
            before = row[j + 1];
            row[j + 1] = cost.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fake;

    #[test]
    fn every_command_and_flag_is_described() {
        for command in &table().commands {
            assert!(!short(command.path, "").is_empty(), "{}", command.path);
            for flag in command.flags.iter().filter(|flag| flag.deprecated.is_none()) {
                assert!(!flag.help.is_empty(), "{} --{}", command.path, flag.name);
            }
            for (what, line) in WORDS.get(command.path).map(|words| words.examples.as_slice()).unwrap_or_default() {
                assert!(line.contains("kubectl"), "{}: {what}", command.path);
            }
        }
        assert!(table().global.iter().all(|flag| !flag.help.is_empty()));
    }

    #[test]
    fn the_structure_is_kubectls() {
        let help = Fake::default().line("config use-context --help").out;
        let text = "Set the current context of a kubeconfig file.\n\nAliases:\nuse-context, use\n\nExamples:\n  # Use another one\n  kubectl config use-context minikube\n\nUsage:\n  kubectl config use-context CONTEXT_NAME [options]\n\nUse \"kubectl options\" for a list of global command-line options (applies to all commands).\n";
        assert_eq!(help, text);
        let help = Fake::default().line("rollout").out;
        assert!(
            help.contains("Available Commands:\n  history       Show earlier revisions\n  pause         "),
            "{help}"
        );
        assert!(help.contains("\nUse \"kubectl rollout <command> --help\" for more"), "{help}");
        let help = Fake::default().line("get -h").out;
        assert!(help.contains("    -A, --all-namespaces=false:\n\tAcross"), "{help}");
        assert!(help.contains("    --chunk-size=500:\n"), "{help}");
        let help = Fake::default().line("help").out;
        assert!(help.contains("Basic Commands (Beginner):\n  create          Create objects"), "{help}");
    }

    #[test]
    fn help_speaks_the_users_language() {
        for (variables, line, words) in [
            (&[("LANG", "de_DE.UTF8")][..], "help", "  config          Verändere kubeconfig Dateien\n"),
            (&[("LANG", "C")], "help", "  config          Modify kubeconfig files\n"),
            (&[("LANG", "ja_JP.UTF-8")], "config -h", "kubeconfigを変更する.\n"),
            (&[("LANG", "zh_CN.UTF-8")], "uncordon --help", "标记节点为可调度。\n"),
            (
                &[("LANG", "de_DE.UTF-8"), ("LC_ALL", "it_IT.UTF-8")],
                "uncordon -h",
                "Contrassegna il nodo come programmabile.\n",
            ),
            // Without words of its own, and without an encoding, it is English.
            (&[("LANG", "ko_KR.UTF-8")], "uncordon -h", "Mark node as schedulable.\n"),
            (&[("LANG", "de_DE")], "uncordon -h", "Mark node as schedulable.\n"),
        ] {
            let mut env = Env::of(&line.split(' ').collect::<Vec<_>>());
            for (name, value) in variables {
                env.vars.insert((*name).to_owned(), (*value).to_owned());
            }
            let out = Fake::default().run_in(env).out;
            assert!(out.contains(words), "{line} {variables:?}: {out}");
        }
    }

    #[test]
    fn unknown_words() {
        let cases = [
            ("gett", "error: unknown command \"gett\" for \"kubectl\"\n\nDid you mean this?\n\tset\n\tget\n"),
            ("versio", "error: unknown command \"versio\" for \"kubectl\"\n\nDid you mean this?\n\tversion\n"),
            ("List", "error: unknown command \"List\" for \"kubectl\"\n\nDid you mean this?\n\tget\n"),
            ("frobnicate", "error: unknown command \"frobnicate\" for \"kubectl\"\n"),
            ("rollout foo", "error: unknown command \"foo\"\nSee 'kubectl rollout -h' for help and examples\n"),
            ("scale", "error: required flag(s) \"replicas\" not set\n"),
            ("get --bogus", "error: unknown flag: --bogus\nSee 'kubectl get --help' for usage.\n"),
        ];
        for (line, err) in cases {
            let ran = Fake::default().line(line);
            assert_eq!((ran.err.as_str(), ran.code), (err, 1), "{line}");
        }
    }
}
