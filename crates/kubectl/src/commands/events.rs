//! `kubectl events`: what happened, in order of time.

use drydock_api::{StreamId, StreamItem};
use drydock_schema::duration;
use drydock_sorted::Sort;
use drydock_value::{Time, Value, value};

use super::{Outcome, Waiting, acts};
use crate::change::printing::Printing;
use crate::client::ListOptions;
use crate::env::{Io, Wait};
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};
use crate::printers::tabs::Tabs;
use crate::printers::{self, Printer};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::PRINT, &["all-namespaces", "chunk-size", "for", "no-headers", "types", "watch"]];

/// `kubectl events`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let printer = printers::for_output_given(inv, io)?;
    let types = inv.flags.list("types");
    if types.iter().any(|kind| !matches!(kind.to_lowercase().as_str(), "normal" | "warning")) {
        return Err("valid --types are Normal or Warning".into());
    }
    let mut fields = String::new();
    let target = inv.flags.str("for").to_owned();
    if !target.is_empty() {
        let Some((kind, name)) = target.split_once('/') else {
            return Err("--for must be in resource/name form".into());
        };
        if name.contains('/') {
            return Err("arguments in resource/name form may not have more than one slash".into());
        }
        if kind.is_empty() {
            return Err("a resource must be present, got: /, Resource=".into());
        }
        let found = inv.lookup(io, kind)?;
        let resource = found.ok_or_else(|| {
            let lower = kind.to_lowercase();
            let (resource, group) = lower.split_once('.').unwrap_or((&lower, ""));
            Failure::NoResource { resource: resource.into(), group: group.into(), version: String::new() }
        })?;
        // Without a name, everything is meant.
        if !name.is_empty() {
            fields = format!("involvedObject.kind={},involvedObject.name={name}", resource.kind);
        }
    }
    let all = inv.flags.bool("all-namespaces");
    let namespace = if all { String::new() } else { inv.namespace(io)? };
    let events = inv.resource(io, "events.v1.")?;
    let options = ListOptions { fields, chunk: inv.flags.int("chunk-size"), ..ListOptions::default() };
    let client = inv.client(io)?;
    let list = client.list(io, &events, &namespace, &options)?;
    let mut items: Vec<Value> = list["items"].items().iter().map(with_kind).filter(|e| wanted(e, &types)).collect();
    let watch = inv.flags.bool("watch");
    if items.is_empty() && !watch {
        io.eprintln(if all {
            "No events found.".to_owned()
        } else {
            format!("No events found in {namespace} namespace.")
        });
        return Ok(Outcome::Done);
    }
    items.sort_compact_by_key(event_time);
    let mut lines = Lines { all, headers: !inv.flags.bool("no-headers"), tabs: Tabs::table(), printer };
    if watch {
        for event in &items {
            lines.print(io, event)?;
        }
        let revision = list["metadata"]["resourceVersion"].str().to_owned();
        let stream = inv.client(io)?.watch(io, &events, &namespace, &options, &revision)?;
        let deadline = inv.client(io)?.request_timeout.map(|timeout| io.now + timeout);
        return Ok(Outcome::Waiting(Box::new(Watching { stream, types, lines, deadline })));
    }
    if let Some(printer) = &lines.printer {
        let list = value!({
            "kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": items
        });
        // kubectl has no names for a list of a known type, and says nothing of it.
        if !printer.is_name() {
            Printing::new(inv, io, DryRun::None)?.typed(io, &list, "")?;
        }
    } else {
        for event in &items {
            lines.add(event, io.now);
        }
        let text = lines.tabs.flush();
        io.print(text);
    }
    Ok(Outcome::Done)
}

/// Items of lists carry no kind of their own.
fn with_kind(event: &Value) -> Value {
    let mut event = event.clone();
    event.set("kind", "Event");
    event.set("apiVersion", "v1");
    event
}

fn wanted(event: &Value, types: &[String]) -> bool {
    types.is_empty() || types.iter().any(|kind| event["type"].str().eq_ignore_ascii_case(kind))
}

fn time(value: &Value) -> Option<Time> {
    Time::parse_rfc3339(value.str())
}

/// When it happened last.
fn event_time(event: &Value) -> Time {
    time(&event["series"]["lastObservedTime"])
        .or_else(|| time(&event["lastTimestamp"]))
        .or_else(|| time(&event["eventTime"]))
        .unwrap_or_default()
}

/// Prints events one by one, or in a table.
#[derive(Debug, Clone)]
struct Lines {
    all: bool,
    headers: bool,
    tabs: Tabs,
    printer: Option<Printer>,
}

impl Lines {
    fn add(&mut self, event: &Value, now: Time) {
        if std::mem::take(&mut self.headers) {
            let mut header = vec!["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];
            if self.all {
                header.insert(0, "NAMESPACE");
            }
            self.tabs.row(&header);
        }
        let ago =
            |moment: Option<Time>| moment.map_or("<unknown>".to_owned(), |moment| duration::human(now.since(moment)));
        let first = ago(time(&event["eventTime"]).or_else(|| time(&event["firstTimestamp"])));
        let count = event["count"].int();
        let seen = if let Some(series) = event.get("series").filter(|series| !series.is_null()) {
            format!("{} (x{} over {first})", ago(time(&series["lastObservedTime"])), series["count"].int())
        } else if count > 1 {
            format!("{} (x{count} over {first})", ago(time(&event["lastTimestamp"])))
        } else {
            first
        };
        let object = &event["involvedObject"];
        let mut cells = vec![
            seen,
            event["type"].str().to_owned(),
            event["reason"].str().to_owned(),
            format!("{}/{}", object["kind"].str(), object["name"].str()),
            event["message"].str().trim().to_owned(),
        ];
        if self.all {
            cells.insert(0, event["metadata"]["namespace"].str().to_owned());
        }
        self.tabs.row(&cells);
    }

    fn print(&mut self, io: &mut Io<'_>, event: &Value) -> Result<(), Failure> {
        if let Some(printer) = &mut self.printer {
            return printer.print(io, event);
        }
        self.add(event, io.now);
        let text = self.tabs.flush();
        io.print(text);
        Ok(())
    }
}

#[derive(Debug, Clone)]
struct Watching {
    stream: StreamId,
    types: Vec<String>,
    lines: Lines,
    /// When `--request-timeout` ends the watch.
    deadline: Option<Time>,
}

impl Waiting for Watching {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        loop {
            match io.api.poll(self.stream) {
                StreamItem::Pending if self.deadline.is_some_and(|deadline| io.now >= deadline) => {
                    io.api.close(self.stream);
                    return Ok(Outcome::Done);
                }
                StreamItem::Pending => {
                    return Ok(Outcome::Wait(Wait::streams([self.stream]).or_until(self.deadline)));
                }
                StreamItem::Event(event) => {
                    // Events that expire are not shown.
                    if matches!(event["type"].str(), "ADDED" | "MODIFIED") && wanted(&event["object"], &self.types) {
                        self.lines.print(io, &with_kind(&event["object"]))?;
                    }
                }
                StreamItem::Data(..) => {}
                StreamItem::Closed(None) => return Ok(Outcome::Done),
                StreamItem::Closed(Some(status)) => return Err(status.into()),
            }
        }
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        io.api.close(self.stream);
        1
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}
