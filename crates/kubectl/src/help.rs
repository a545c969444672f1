//! Help texts, required flags, suggestions.

use crate::failure::{Failure, quote};
use crate::flags::{CommandInfo, Parsed, table};

/// The help of a command.
pub fn of(command: &CommandInfo) -> String {
    format!("Usage:\n  {}\n", command.usage)
}

/// `kubectl help WORDS`.
pub fn by_words(words: &[String]) -> String {
    let mut command = &table().commands[0];
    for word in words {
        match table().child(command.path, word) {
            Some(child) => command = child,
            None => return format!("Unknown help topic {words:?}\n"),
        }
    }
    of(command)
}

/// `kubectl options`.
pub fn options() -> String {
    "The following options can be passed to any command:\n".into()
}

/// Flags without which a command makes no sense.
const REQUIRED: &[(&str, &[&str])] = &[
    ("autoscale", &["max"]),
    ("create clusterrolebinding", &["clusterrole"]),
    ("create cronjob", &["image", "schedule"]),
    ("create deployment", &["image"]),
    ("create service externalname", &["external-name"]),
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
    let near: Vec<&str> = table().children("").map(CommandInfo::name).filter(|name| near(word, name)).collect();
    if !near.is_empty() {
        text += "\n\nDid you mean this?\n";
        text += &near.iter().map(|name| format!("\t{name}")).collect::<Vec<_>>().join("\n");
    }
    text
}

fn near(word: &str, name: &str) -> bool {
    distance(&word.to_lowercase(), &name.to_lowercase()) <= 2 || name.to_lowercase().starts_with(&word.to_lowercase())
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
