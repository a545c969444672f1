//! What the machine's own tools ask its runtime and its kubelet's log: `crictl`, `journalctl`, `systemctl status`. Programs
//! know nothing of the kubelet: they leave a question in a file, as on a socket, and find the answer in another.

use std::fmt::Write as _;
use std::time::Duration;

use drydock_shell::{Signal, Vfs};
use drydock_sorted::Sort;
use drydock_value::{Time, Value, to_json_pretty, value};

use super::Kubelet;
use super::worker::Worker;
use crate::ctx::Ctx;
use crate::runtime::container::{Container, State};
use crate::runtime::log::LogOptions;
use crate::runtime::node_root;
use crate::runtime::programs::node::{ANSWER, QUESTION};

/// How much of an ID tables show.
const SHORT: usize = 13;

/// A table as crictl draws it: columns of at least 20, three apart.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].len() + 3).max().unwrap_or(0).max(20);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let last = row.len().saturating_sub(1);
        for (at, cell) in row.iter().enumerate() {
            let width = if at == last { 0 } else { widths[at] };
            let _ = write!(out, "{cell:<width$}");
        }
        out.push('\n');
    }
    out
}

fn short(id: &str) -> String {
    id.chars().take(SHORT).collect()
}

/// `5 minutes ago`
fn ago(since: Duration) -> String {
    let seconds = since.as_secs();
    let many = |count: u64, what: &str| format!("{count} {what} ago");
    match seconds {
        0 => "Less than a second ago".into(),
        1 => "1 second ago".into(),
        2..=59 => many(seconds, "seconds"),
        60..=119 => "About a minute ago".into(),
        120..=3599 => many(seconds / 60, "minutes"),
        3600..=7199 => "About an hour ago".into(),
        7200..=172_799 => many(seconds / 3600, "hours"),
        _ => many(seconds / 86_400, "days"),
    }
}

/// A size as crictl shows it: three digits and a unit of thousands.
fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB"].iter();
    let mut unit = units.next();
    while value >= 1000.0
        && let Some(larger) = units.next()
    {
        (value, unit) = (value / 1000.0, Some(larger));
    }
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    format!("{text}{}", unit.copied().unwrap_or_default())
}

fn state(container: &Container) -> &'static str {
    match container.state {
        State::Created => "Created",
        State::Running => "Running",
        State::Exited => "Exited",
    }
}

/// The words of a question: flags with their values, and the rest.
struct Asked<'a> {
    words: Vec<&'a str>,
    all: bool,
    quiet: bool,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    lines: Option<u64>,
}

impl<'a> Asked<'a> {
    fn read(words: &[&'a str]) -> Result<Asked<'a>, String> {
        let mut asked = Asked { words: Vec::new(), all: false, quiet: false, namespace: None, name: None, lines: None };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let (flag, mut given) = match word.split_once('=') {
                Some((flag, given)) if flag.starts_with('-') => (flag, Some(given)),
                _ => (*word, None),
            };
            let mut value = || given.take().or_else(|| rest.next().copied());
            match flag {
                "-a" | "--all" => asked.all = true,
                "-q" | "--quiet" => asked.quiet = true,
                "--namespace" => asked.namespace = value(),
                "--name" => asked.name = value(),
                "--tail" | "-n" | "--lines" => asked.lines = value().and_then(|text| text.parse().ok()),
                "--no-pager" | "--no-trunc" => {}
                "-u" | "--unit" | "-o" | "--output" | "--runtime-endpoint" | "-r" => {
                    value();
                }
                flag if flag.starts_with('-') => return Err(format!("flag provided but not defined: {flag}")),
                word => asked.words.push(word),
            }
        }
        Ok(asked)
    }
}

impl Kubelet {
    /// Answers the question of a program on the machine, if there is one.
    pub(super) fn answer_tools(&mut self, ctx: &mut Ctx<'_>) {
        let files = Vfs::new(self.runtime.volume(&node_root(), Time::default()).clone());
        let Ok(question) = files.read_text(QUESTION) else { return };
        let words: Vec<&str> = question.split('\u{1f}').collect();
        let (code, text) = match self.answer(&words, ctx) {
            Ok(text) => (0, text),
            Err(text) => (1, text),
        };
        let mut files = Vfs::new(self.runtime.volume(&node_root(), Time::default()).clone());
        let _ = files.remove(QUESTION);
        let _ = files.write(ANSWER, format!("{code}\n{text}").as_bytes());
        if let Some(root) = files.root_fs().cloned() {
            self.runtime.set_volume(node_root(), root);
        }
    }

    fn answer(&mut self, words: &[&str], ctx: &mut Ctx<'_>) -> Result<String, String> {
        let Some((verb, rest)) = words.split_first() else { return Err(String::new()) };
        let asked = Asked::read(rest)?;
        match *verb {
            "journal" => Ok(self.journal_text(&asked, Time::default())),
            "status" => {
                let since = self.journal.since().unwrap_or_default();
                let (_, month, day, hour, minute, second) = since.civil();
                let year = since.civil().0;
                let day = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC");
                let lines = self.journal_text(&Asked { lines: Some(10), ..asked }, Time::default());
                Ok(format!("{day}; {}\n{lines}", ago(ctx.now.since(since))))
            }
            "ps" => Ok(self.ps(&asked, ctx.now)),
            "pods" => Ok(self.sandboxes(&asked, ctx.now)),
            "images" | "image" | "img" => Ok(self.image_table(&asked)),
            "logs" | "inspect" | "stop" => {
                let Some(id) = asked.words.first() else { return Err("ID cannot be empty".into()) };
                let number = self.container_by(id).ok_or_else(|| {
                    format!(
                        "rpc error: code = NotFound desc = an error occurred when try to find container \"{id}\": not found"
                    )
                })?;
                match *verb {
                    "logs" => {
                        let options = LogOptions { tail: asked.lines, ..LogOptions::default() };
                        let shown = self.runtime.container(number).map(|container| container.log.show(&options));
                        Ok(String::from_utf8_lossy(&shown.unwrap_or_default()).into_owned())
                    }
                    "inspect" => Ok(self.inspect(number)),
                    _ => {
                        let outcomes = self.runtime.signal(number, Signal::Kill, ctx);
                        self.outcomes.extend(outcomes.into_iter().map(|outcome| (number, outcome)));
                        Ok(format!("{id}\n"))
                    }
                }
            }
            other => Err(format!("No help topic for '{other}'")),
        }
    }

    fn journal_text(&self, asked: &Asked<'_>, from: Time) -> String {
        let lines = self.journal.lines(&self.config.name, &self.version, from);
        let kept = asked.lines.map_or(lines.len(), |count| usize::try_from(count).unwrap_or(usize::MAX));
        lines[lines.len().saturating_sub(kept)..].iter().map(|line| format!("{line}\n")).collect()
    }

    /// The containers of pods, the newest first.
    fn containers(&self) -> Vec<(&Worker, u64, &Container)> {
        let mut found = Vec::new();
        for worker in self.workers.values() {
            for number in worker.slots.iter().flat_map(|slot| [slot.current, slot.previous]).flatten() {
                if let Some(container) = self.runtime.container(number) {
                    found.push((worker, number, container));
                }
            }
        }
        found.sort_compact_by(|a, b| b.2.started.cmp(&a.2.started));
        found
    }

    fn container_by(&self, id: &str) -> Option<u64> {
        let found = self.containers();
        found.into_iter().find(|(_, _, container)| container.id().starts_with(id)).map(|(_, number, _)| number)
    }

    /// The ID of a pod's sandbox.
    fn sandbox_id(&self, worker: &Worker) -> String {
        let text = format!("{} {}", worker.pod.uid, worker.sandbox.unwrap_or_default());
        crate::runtime::images::digest(&text).trim_start_matches("sha256:").to_owned()
    }

    fn ps(&self, asked: &Asked<'_>, now: Time) -> String {
        let head = ["CONTAINER", "IMAGE", "CREATED", "STATE", "NAME", "ATTEMPT", "POD ID", "POD", "NAMESPACE"];
        let mut rows = vec![head.map(String::from).to_vec()];
        let mut ids = String::new();
        for (worker, _, container) in self.containers() {
            let wanted = (asked.all || container.running())
                && asked.name.is_none_or(|name| container.config.name.contains(name))
                && asked.namespace.is_none_or(|namespace| *worker.pod.namespace() == *namespace);
            if !wanted {
                continue;
            }
            ids += &format!("{}\n", container.id());
            rows.push(vec![
                short(&container.id()),
                short(container.image.digest.trim_start_matches("sha256:")),
                ago(now.since(container.started)),
                state(container).into(),
                container.config.name.to_string(),
                container.attempt.to_string(),
                short(&self.sandbox_id(worker)),
                worker.pod.name().to_string(),
                worker.pod.namespace().to_string(),
            ]);
        }
        if asked.quiet { ids } else { table(&rows) }
    }

    fn sandboxes(&self, asked: &Asked<'_>, now: Time) -> String {
        let head = ["POD ID", "CREATED", "STATE", "NAME", "NAMESPACE", "ATTEMPT", "RUNTIME"];
        let mut rows = vec![head.map(String::from).to_vec()];
        let mut ids = String::new();
        let workers: Vec<&Worker> = self.workers.values().filter(|worker| worker.sandbox.is_some()).collect();
        for worker in workers.into_iter().rev() {
            let wanted = asked.name.is_none_or(|name| worker.pod.name().contains(name))
                && asked.namespace.is_none_or(|namespace| *worker.pod.namespace() == *namespace);
            if !wanted {
                continue;
            }
            let id = self.sandbox_id(worker);
            ids += &format!("{id}\n");
            let up = worker.sandbox.is_some_and(|number| self.runtime.sandbox(number).is_some()) && !worker.dark;
            rows.push(vec![
                short(&id),
                ago(now.since(worker.started.unwrap_or(now))),
                if up { "Ready" } else { "NotReady" }.into(),
                worker.pod.name().to_string(),
                worker.pod.namespace().to_string(),
                "0".into(),
                "(default)".into(),
            ]);
        }
        if asked.quiet { ids } else { table(&rows) }
    }

    fn image_table(&self, asked: &Asked<'_>) -> String {
        let mut rows = vec![["IMAGE", "TAG", "IMAGE ID", "SIZE"].map(String::from).to_vec()];
        let mut ids = String::new();
        for (name, image) in self.runtime.images() {
            let (_, tag) = name.rsplit_once(':').unwrap_or((name, "<none>"));
            let id = image.digest.trim_start_matches("sha256:");
            ids += &format!("{}\n", image.digest);
            rows.push(vec![image.repository.clone(), tag.to_owned(), short(id), size(image.size)]);
        }
        if asked.quiet { ids } else { table(&rows) }
    }

    fn inspect(&self, number: u64) -> String {
        let Some((worker, _, container)) = self.containers().into_iter().find(|(_, known, _)| *known == number) else {
            return String::new();
        };
        let moment =
            |time: Time| if time == Time::default() { "0001-01-01T00:00:00Z".into() } else { time.rfc3339_micros() };
        let slot = worker.slots.iter().find(|slot| slot.name == container.config.name);
        let image = slot.map(|slot| slot.image.to_string()).unwrap_or_default();
        let mounts: Value = container
            .config
            .mounts
            .iter()
            .map(|mount| value!({"containerPath": mount.path.as_str(), "readonly": mount.read_only || mount.fixed}))
            .collect();
        let told = value!({
            "info": {
                "config": {
                    "args": container.config.argv.iter().map(|word| Value::from(word.as_str())).collect::<Value>(),
                    "working_dir": container.config.cwd.as_str()
                },
                "sandboxID": self.sandbox_id(worker)
            },
            "status": {
                "createdAt": moment(container.started), "exitCode": container.exit_code,
                "finishedAt": moment(container.finished), "id": container.id(),
                "image": {"image": image},
                "imageRef": container.image.image_id(),
                "labels": {
                    "io.kubernetes.container.name": &container.config.name,
                    "io.kubernetes.pod.name": worker.pod.name(),
                    "io.kubernetes.pod.namespace": worker.pod.namespace(),
                    "io.kubernetes.pod.uid": &worker.pod.uid
                },
                "message": container.message.as_str(),
                "metadata": {"attempt": container.attempt, "name": &container.config.name},
                "mounts": mounts, "reason": container.reason, "startedAt": moment(container.started),
                "state": format!("CONTAINER_{}", state(container).to_uppercase())
            }
        });
        format!("{}\n", to_json_pretty(&told, 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_as_crictl_shows_them() {
        for (bytes, text) in [(999, "999B"), (320_368, "320kB"), (72_306_048, "72.3MB"), (3_000_000, "3MB")] {
            assert_eq!(size(bytes), text);
        }
        for (seconds, text) in [(0, "Less than a second ago"), (59, "59 seconds ago"), (130, "2 minutes ago")] {
            assert_eq!(ago(Duration::from_secs(seconds)), text);
        }
    }
}
