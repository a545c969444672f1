//! `kubectl get --watch`.

use drydock_api::{StreamId, StreamItem};
use drydock_value::{Time, Value, value};

use super::{sorted_rows, table_options};
use crate::builder::{self, Info, Query};
use crate::client::ListOptions;
use crate::commands::{Outcome, Waiting};
use crate::env::{Io, Wait};
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::printers::table::TablePrinter;
use crate::printers::tabs::Tabs;
use crate::printers::{self, Printer};

/// Prints what is there, and what becomes of it.
pub(super) fn start_watch(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    mut query: Query,
    human: bool,
) -> Result<Outcome, Failure> {
    query.continue_on_error = false;
    query.single_type = true;
    query.flatten = false;
    let found = builder::find(&query, inv, io)?;
    let (single, targets_single) = (found.single, found.targets_single_items);
    let infos = match found.infos() {
        Err(failure) if failure.is("NotFound") && inv.flags.bool("ignore-not-found") => return Ok(Outcome::Done),
        infos => infos?,
    };
    let Some(info) = infos.first() else {
        return Err("no objects passed to watch".into());
    };
    let printer = if human { None } else { printers::for_output(inv, io, printers::GET)? };
    let mut watching = Watching {
        stream: StreamId(0),
        table: TablePrinter::new(table_options(inv, info, false)),
        tabs: Tabs::table(),
        printer,
        events: inv.flags.bool("output-watch-events"),
        json: inv.flags.str("output") == "json",
        quiet: false,
        deadline: inv.client(io)?.request_timeout.map(|timeout| io.now + timeout),
        verbosity: inv.flags.int("v"),
    };
    let is_list = !single;
    if !inv.flags.bool("watch-only") {
        // What is there already is sorted; what comes is not.
        let sort = inv.flags.str("sort-by").to_owned();
        let unsorted = |why: String| {
            let head = if why.starts_with("couldn't find") { "" } else { "sorting error: " };
            Failure::Error(format!("unable to output the provided object: {head}{why}"))
        };
        for Info { object, .. } in &infos {
            if human || !printers::is_list(object) {
                match object["rows"].items().len() > 1 && !sort.is_empty() && !watching.events {
                    true => watching.print(io, "ADDED", &sorted_rows(object, &sort).map_err(unsorted)?)?,
                    false => watching.print(io, "ADDED", object)?,
                }
                continue;
            }
            for item in object["items"].items() {
                let mut item = item.clone();
                if item["kind"].is_null() {
                    item.set("apiVersion", object["apiVersion"].clone());
                    item.set("kind", object["kind"].str().trim_end_matches("List"));
                }
                watching.print(io, "ADDED", &item)?;
            }
        }
    }
    // Several are shown all the same; only then is it found that they cannot be watched.
    if infos.len() > 1 {
        return Err(match targets_single && !query.has_files() {
            true => "you may only watch a single resource or type of resource at a time".into(),
            false => {
                let only = "watch is only supported on individual resources and resource collections";
                format!("{only} - {} resources were found", infos.len()).into()
            }
        });
    }
    // The watch of a single object begins with the object itself, which was printed already.
    watching.quiet = !is_list;
    let revision = if is_list { info.object["metadata"]["resourceVersion"].str().to_owned() } else { "0".to_owned() };
    let mut options = ListOptions {
        labels: query.labels.clone().unwrap_or_default(),
        fields: query.fields.clone().unwrap_or_default(),
        chunk: 0,
        table: query.table,
        whole_objects: false,
    };
    if targets_single {
        options.fields = format!("metadata.name={}", info.name);
    }
    let client = inv.client(io)?;
    watching.stream = client.watch(io, &info.resource, &info.namespace, &options, &revision)?;
    Ok(Outcome::Waiting(Box::new(watching)))
}

/// A watch that is being printed.
#[derive(Clone)]
struct Watching {
    stream: StreamId,
    table: TablePrinter,
    tabs: Tabs,
    printer: Option<Printer>,
    events: bool,
    /// `-o json`: events are written on one line each, with everything that came.
    json: bool,
    quiet: bool,
    /// When `--request-timeout` ends the watch.
    deadline: Option<Time>,
    /// `-v`
    verbosity: i64,
}

const TIMEOUT: &str = "\"Unable to decode an event from the watch stream\" err=\"context deadline exceeded (Client.Timeout or context cancellation while reading body)\"";

impl Watching {
    fn print(&mut self, io: &mut Io<'_>, kind: &str, object: &Value) -> Result<(), Failure> {
        match &mut self.printer {
            None => {
                self.table.print(object, self.events.then_some(kind), io.now, &mut self.tabs);
                let text = self.tabs.flush();
                io.print(text);
            }
            Some(_) if self.events && self.json => {
                let object = printers::go::escape_html(&drydock_value::to_json(object));
                io.println(format!("{{\"type\":\"{kind}\",\"object\":{object}}}"));
            }
            Some(printer) if self.events && !printer.is_name() => {
                printer.print(io, &value!({"type": kind, "object": object.clone()}))?;
            }
            Some(printer) => printer.print(io, object)?,
        }
        Ok(())
    }
}

impl Waiting for Watching {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        loop {
            match io.api.poll(self.stream) {
                StreamItem::Pending if self.deadline.is_some_and(|deadline| io.now >= deadline) => {
                    io.api.close(self.stream);
                    if self.verbosity >= 5 {
                        let head = crate::verbose::klog(io, 'I', "streamwatcher.go:123");
                        io.eprintln(format!("{head}{TIMEOUT}"));
                    }
                    return Ok(Outcome::Done);
                }
                StreamItem::Pending => {
                    return Ok(Outcome::Wait(Wait::streams([self.stream]).or_until(self.deadline)));
                }
                StreamItem::Event(event) => {
                    let kind = event["type"].str().to_owned();
                    if kind == "BOOKMARK" {
                        continue;
                    }
                    if !std::mem::take(&mut self.quiet) {
                        self.print(io, &kind, &event["object"])?;
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
