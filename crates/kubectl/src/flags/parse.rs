//! A command line taken apart as cobra and pflag do.

use super::table::{CommandInfo, FlagInfo, Table, table};
use super::values::Flags;

/// A command line, taken apart.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The command.
    pub command: &'static CommandInfo,
    /// Positional arguments.
    pub args: Vec<String>,
    /// How many of them stood before `--`, if it was there.
    pub dash: Option<usize>,
    /// The flags.
    pub flags: Flags,
    /// Whether `-h` or `--help` was given.
    pub help: bool,
    /// The words that name the command, as they were typed.
    pub words: Vec<String>,
    /// The flags in the order in which they were typed, as `--name=value`.
    pub typed: Vec<String>,
    /// Deprecated flags that were given, with what to say.
    pub deprecated: Vec<(&'static str, &'static str)>,
}

/// Why a command line is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A flag is wrong: words, and the command it was given to.
    Flag(String, &'static str),
    /// kubectl has no such command: the word, and everything behind it.
    Command(String, Vec<String>),
}

/// Takes a command line apart: finds the command among flags and arguments, then reads its flags.
///
/// # Errors
/// An unknown command or a wrong flag.
pub fn parse(words: &[String]) -> Result<Parsed, Refusal> {
    let table = table();
    let (command, named, rest) = find(table, words);
    if command.path.is_empty()
        && let Some(word) = positional(table, command, &rest).first()
    {
        let word = words.get(*word).cloned().unwrap_or_default();
        let at = words.iter().position(|w| *w == word).unwrap_or(0);
        return Err(Refusal::Command(word, words.get(at + 1..).unwrap_or_default().to_vec()));
    }
    let mut parsed = read(table, command, &rest)?;
    parsed.words = named;
    Ok(parsed)
}

/// Whether a word is a flag whose value is the next word, as cobra guesses before the command is known.
fn takes_next(table: &Table, command: &CommandInfo, word: &str) -> bool {
    if word.contains('=') {
        return false;
    }
    if let Some(long) = word.strip_prefix("--") {
        return table.flag(command, long).is_none_or(|flag| flag.bare().is_none());
    }
    let mut letters = word.chars().skip(1);
    match (word.starts_with('-'), letters.next(), letters.next()) {
        (true, Some(letter), None) => table.short(command, letter).is_none_or(|flag| flag.bare().is_none()),
        _ => false,
    }
}

/// The places of the words that are neither flags nor, as far as known, their values.
fn positional(table: &Table, command: &CommandInfo, words: &[String]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word == "--" {
            break;
        }
        if word.starts_with('-') && takes_next(table, command, word) {
            at += 1;
        } else if !word.is_empty() && !word.starts_with('-') {
            places.push(at);
        }
        at += 1;
    }
    places
}

/// The command that the words name, the words of its name, and those without it.
fn find(table: &'static Table, words: &[String]) -> (&'static CommandInfo, Vec<String>, Vec<String>) {
    let mut named = Vec::new();
    let mut rest = words.to_vec();
    let mut command = &table.commands[0];
    while let Some(at) = positional(table, command, &rest).first().copied() {
        let Some(child) = rest.get(at).and_then(|word| table.child(command.path, word)) else { break };
        command = child;
        named.push(rest.remove(at));
    }
    (command, named, rest)
}

fn read(table: &'static Table, command: &'static CommandInfo, words: &[String]) -> Result<Parsed, Refusal> {
    let known = table.global.iter().chain(&command.flags).copied();
    let mut parsed = Parsed {
        command,
        args: Vec::new(),
        dash: None,
        flags: Flags::new(known),
        help: false,
        words: Vec::new(),
        typed: Vec::new(),
        deprecated: Vec::new(),
    };
    let refuse = |words: String| Refusal::Flag(words, command.path);
    let mut queue = words.iter();
    while let Some(word) = queue.next() {
        if word == "--" {
            parsed.dash = Some(parsed.args.len());
            parsed.args.extend(queue.by_ref().cloned());
        } else if let Some(long) = word.strip_prefix("--") {
            if long.starts_with(['-', '=']) {
                return Err(refuse(format!("bad flag syntax: {word}")));
            }
            let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v)));
            // pflag's normalisation: old names with underscores are those with dashes.
            let name = name.replace('_', "-");
            let Some(flag) = table.flag(command, &name) else {
                if name == "help" {
                    parsed.help = true;
                    return Ok(parsed);
                }
                return Err(refuse(format!("unknown flag: --{name}")));
            };
            let value = match (value, flag.bare()) {
                (Some(value), _) => value.to_owned(),
                (None, Some(bare)) => bare.to_owned(),
                (None, None) => {
                    queue.next().cloned().ok_or_else(|| refuse(format!("flag needs an argument: --{name}")))?
                }
            };
            set(&mut parsed, flag, &value).map_err(refuse)?;
        } else if word.len() > 1 && word.starts_with('-') {
            let mut letters = &word[1..];
            while let Some(letter) = letters.chars().next() {
                let after = &letters[letter.len_utf8()..];
                let Some(flag) = table.short(command, letter) else {
                    if letter == 'h' {
                        parsed.help = true;
                        return Ok(parsed);
                    }
                    return Err(refuse(format!("unknown shorthand flag: '{letter}' in -{letters}")));
                };
                let (value, rest) = match (after.strip_prefix('='), flag.bare()) {
                    (Some(value), _) if !value.is_empty() => (value.to_owned(), ""),
                    (_, Some(bare)) => (bare.to_owned(), after),
                    _ if !after.is_empty() => (after.to_owned(), ""),
                    _ => {
                        let next = queue.next().cloned();
                        let missing = || refuse(format!("flag needs an argument: '{letter}' in -{letters}"));
                        (next.ok_or_else(missing)?, "")
                    }
                };
                set(&mut parsed, flag, &value).map_err(refuse)?;
                letters = rest;
            }
        } else {
            parsed.args.push(word.clone());
        }
    }
    Ok(parsed)
}

fn set(parsed: &mut Parsed, flag: &'static FlagInfo, value: &str) -> Result<(), String> {
    if let Some(why) = flag.deprecated {
        parsed.deprecated.push((flag.name, why));
    }
    parsed.typed.push(format!("--{}={value}", flag.name));
    parsed.flags.set(flag, value).map_err(|why| flag.refuses(value, &why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Parsed, Refusal> {
        parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn reads_command_lines_as_cobra_does() {
        let cases = [
            ("get pods -owide", "get", vec!["pods"], "output", "wide"),
            ("-n web get pods a b", "get", vec!["pods", "a", "b"], "namespace", "web"),
            ("get -A pods", "get", vec!["pods"], "all-namespaces", "true"),
            ("create deploy x --image=a,b", "create deployment", vec!["x"], "image", "b"),
            ("apply --dry-run -f x", "apply", vec![], "dry-run", "unchanged"),
            ("exec -it pod -- ls -l", "exec", vec!["pod", "ls", "-l"], "tty", "true"),
            ("config use x", "config use-context", vec!["x"], "output", ""),
            ("run x --image=i --command -- a --b", "run", vec!["x", "a", "--b"], "command", "true"),
            ("get pods -l=a=b", "get", vec!["pods"], "selector", "a=b"),
        ];
        for (text, path, args, flag, value) in cases {
            let parsed = line(text).unwrap();
            assert_eq!(
                (parsed.command.path, &parsed.args[..]),
                (path, &args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>()[..]),
                "{text}"
            );
            assert_eq!(parsed.flags.str(flag), value, "{text}");
        }
    }

    #[test]
    fn refuses_in_pflags_words() {
        let cases = [
            ("get --bogus", "unknown flag: --bogus"),
            ("get -x", "unknown shorthand flag: 'x' in -x"),
            ("get -o", "flag needs an argument: 'o' in -o"),
            ("get --output", "flag needs an argument: --output"),
            (
                "get --no-headers=maybe",
                "invalid argument \"maybe\" for \"--no-headers\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
            ),
            (
                "get --chunk-size=x",
                "invalid argument \"x\" for \"--chunk-size\" flag: strconv.ParseInt: parsing \"x\": invalid syntax",
            ),
        ];
        for (text, words) in cases {
            match line(text) {
                Err(Refusal::Flag(got, "get")) => assert_eq!(got, words),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(line("gett pods"), Err(Refusal::Command(word, _)) if word == "gett"));
    }
}
