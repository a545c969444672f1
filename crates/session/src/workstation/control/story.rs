//! `story`: who wrote what, and why.

use drydock_cluster::Cluster;
use drydock_cluster::story::{Difference, Entry, Filter};
use drydock_value::Time;

use super::Words;

/// Lines that are told unless more are asked for.
const LINES: usize = 40;
/// Fields that are told of one write, unless all are asked for.
const FIELDS: usize = 4;

const HELP: &str = "\
Tells who wrote what to the API server, in order, and what made them do it.

Usage:
  story [KIND[/NAME]] [FLAGS]

Flags:
  --since DURATION|TIME  from then on (5m, 13:05:00, start)
  --actor NAME           only writes of those whose name has this in it: scheduler, kubelet, deployment-controller
  --verb VERB            only create, update, delete, status, binding, scale …
  -n NAMESPACE           only objects of a namespace
  --tail NUMBER          the last so many (40; 0 for all)
  --all                  leases, events and heartbeats too, and every field
";

/// The time of day, with milliseconds.
fn clock(at: Time) -> String {
    at.rfc3339_micros().get(11..23).unwrap_or_default().to_owned()
}

/// The fields of a change, in one line.
fn fields(fields: &[String], all: bool) -> String {
    let most = if all { fields.len() } else { FIELDS };
    let mut text = fields.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    if fields.len() > most {
        text.push_str(&format!(", {} more", fields.len() - most));
    }
    text
}

fn line(entry: &Entry, all: bool) -> String {
    let mut text = format!("{} {:<24} {:<8} {}", clock(entry.at), entry.actor, entry.verb, entry.object());
    if !entry.fields.is_empty() {
        text.push_str(&format!("\n{:>13}{}", "", fields(&entry.fields, all)));
    }
    if !entry.because.is_empty() {
        text.push_str(&format!("\n{:>13}because of {}", "", entry.because));
    }
    text.push('\n');
    text
}

pub(super) fn run(words: &Words<'_>, cluster: &mut Cluster) -> Result<String, String> {
    let (now, start) = (cluster.now(), cluster.config().start);
    let mut filter = Filter { since: start, ..Filter::default() };
    let mut tail = LINES;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let (flag, inline) = word.split_once('=').map_or((*word, None), |(flag, text)| (flag, Some(text)));
        let mut text = || inline.or_else(|| rest.next().copied()).ok_or_else(|| format!("story: {flag} needs a value"));
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("story: \"{text}\" is not a number"));
        match flag {
            "-h" | "--help" | "help" => return Ok(HELP.to_owned()),
            "--since" => filter.since = super::clock::moment_or_start(text()?, now, start)?,
            "--actor" => filter.actor = text()?.to_owned(),
            "--verb" => filter.verb = text()?.to_owned(),
            "-n" | "--namespace" => filter.namespace = text()?.to_owned(),
            "--after" => (filter.revision, tail) = (number(text()?)?, LINES),
            "--tail" => tail = number(text()?)? as usize,
            "--all" => filter.all = true,
            flag if flag.starts_with('-') => return Err(format!("story: unknown flag {flag}; see story --help")),
            subject => {
                let (kind, name) = subject.split_once('/').unwrap_or((subject, ""));
                (filter.kind, filter.name) = (kind_name(kind)?, name.to_owned());
            }
        }
    }
    let story = cluster.story(&filter);
    let first = if tail == 0 { 0 } else { story.len().saturating_sub(tail) };
    let mut text: String = story.iter().skip(first).map(|entry| line(entry, filter.all)).collect();
    if first > 0 {
        text = format!("({first} earlier writes are not shown)\n{text}");
    }
    if text.is_empty() {
        text = "Nothing was written.\n".to_owned();
    }
    Ok(text)
}

/// The kind that a word means, as `kubectl` would take it.
fn kind_name(word: &str) -> Result<String, String> {
    let word = word.to_lowercase();
    let is = |row: &&drydock_schema::ResourceRow| {
        let resource = &row.resource;
        resource.id.resource == word || resource.singular == word || resource.short_names.contains(&word)
    };
    let known = drydock_schema::resources().iter().find(is);
    known.map(|row| row.resource.id.resource.clone()).ok_or_else(|| format!("story: there is no kind \"{word}\""))
}

/// A difference between two moments, as lines.
pub(crate) fn row(difference: &Difference) -> String {
    let key = &difference.key;
    let namespace = if key.namespace.is_empty() { String::new() } else { format!(" -n {}", key.namespace) };
    let kind = difference.kind.info().kind.to_lowercase();
    let mut text = format!("{} {kind}/{}{namespace}\n", difference.sign, key.name);
    for field in &difference.fields {
        text.push_str(&format!("    {field}\n"));
    }
    text
}

/// What became of the objects between two moments.
pub(super) fn compare(cluster: &Cluster, from: Time, to: Time) -> Result<String, String> {
    let found = cluster.compare(from, to).ok_or("that is further back than what is remembered")?;
    if found.is_empty() {
        return Ok("Nothing has changed.\n".to_owned());
    }
    Ok(found.iter().map(row).collect())
}
