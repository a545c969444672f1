//! `kubectl wait`: until a condition holds, a field has a value, an object is there or gone.

use drydock_api::{StreamId, StreamItem};
use drydock_sorted::Sort;
use drydock_value::{Time, Value};

use super::{Outcome, Waiting, acts};
use crate::builder::{self, Info, Query};
use crate::client::{Client, ListOptions};
use crate::env::{Io, Wait};
use crate::failure::{Failure, quote};
use crate::invocation::{DryRun, Invocation};
use crate::printers::jsonpath::{JsonPath, relaxed};
use crate::printers::{self, Printer, go};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::PRINT, acts::FILES, acts::SELECT, &["for", "local", "timeout"]];

const TIMED_OUT: &str = "timed out waiting for the condition";

/// What is waited for.
#[derive(Debug, Clone)]
enum Condition {
    Created,
    Deleted,
    /// A condition of the status, with its value.
    Status(String, String),
    /// A field, and the value that it shall have; any when none is given.
    Path(JsonPath, Option<String>),
}

fn parse(text: &str) -> Result<Condition, Failure> {
    match text.to_lowercase().as_str() {
        "delete" => return Ok(Condition::Deleted),
        "create" => return Ok(Condition::Created),
        _ => {}
    }
    if let Some(rest) = text.strip_prefix("condition=") {
        let (name, value) = rest.split_once('=').unwrap_or((rest, "true"));
        return Ok(Condition::Status(name.to_owned(), value.to_owned()));
    }
    if let Some(rest) = text.strip_prefix("jsonpath=") {
        return path(rest);
    }
    Err(format!("unrecognized condition: {}", quote(text)).into())
}

/// `{.status.phase}=Running`: split at single equal signs; double ones belong to filters.
fn path(text: &str) -> Result<Condition, Failure> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match (c, parts.last_mut()) {
            ('=', Some(last)) if letters.peek() == Some(&'=') => {
                letters.next();
                last.push_str("==");
            }
            ('=', _) => parts.push(String::new()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    let (expression, value) = match parts.as_slice() {
        [expression] => (expression, None),
        [expression, value] => (expression, Some(value)),
        _ => {
            return Err("jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'".into());
        }
    };
    let expression = relaxed(expression)?;
    let value = value.map(|value| value.trim_matches(['\'', '"']).to_owned());
    if value.as_deref() == Some("") {
        return Err(
            "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3"
                .into(),
        );
    }
    if expression.is_empty() {
        return Err("jsonpath expression cannot be empty".into());
    }
    Ok(Condition::Path(JsonPath::parse(&expression)?, value))
}

impl Condition {
    /// Whether it holds for an object that is there.
    fn holds(&self, object: &Value) -> Result<bool, Failure> {
        match self {
            Condition::Created => Ok(true),
            Condition::Deleted => Ok(false),
            Condition::Status(name, value) => {
                let found = object["status"]["conditions"]
                    .items()
                    .iter()
                    .find(|condition| condition["type"].str().eq_ignore_ascii_case(name));
                let Some(found) = found else { return Ok(false) };
                // A condition that was observed before the last change says nothing.
                let observed =
                    found["observedGeneration"].as_i64().or_else(|| object["status"]["observedGeneration"].as_i64());
                if let (Some(observed), Some(generation)) = (observed, object["metadata"]["generation"].as_i64())
                    && observed < generation
                {
                    return Ok(false);
                }
                Ok(found["status"].str().eq_ignore_ascii_case(value))
            }
            Condition::Path(path, wanted) => {
                let found = path.find(object)?;
                let values = match found.as_slice() {
                    [] => return Ok(false),
                    [first, ..] if first.is_empty() => return Ok(false),
                    [_, _, ..] => return Err("given jsonpath expression matches more than one list".into()),
                    [values] => values,
                };
                let [value] = values.as_slice() else {
                    return Err("given jsonpath expression matches more than one value".into());
                };
                let Some(wanted) = wanted else { return Ok(true) };
                if matches!(value, Value::Array(_) | Value::Object(_)) {
                    return Err("jsonpath leads to a nested object or list which is not supported".into());
                }
                Ok(go::print(value).trim() == wanted.trim())
            }
        }
    }
}

/// `kubectl wait`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let mut printer = printers::for_operation(inv, io, "condition met", DryRun::None)?;
    let wanted = inv.flags.list("for");
    if wanted.is_empty() {
        return Err("unrecognized condition: []".into());
    }
    let mut conditions: Vec<Condition> = wanted.iter().map(|text| parse(text)).collect::<Result<_, Failure>>()?;
    // An object must be there before anything else can be said of it.
    conditions.sort_compact_by_key(|condition| !matches!(condition, Condition::Created));
    let deadline = deadline(inv);
    let mut query = Query::new(inv, io, &inv.args.clone())?;
    // A type alone then means all of its objects; names and selectors say enough.
    query.type_means_all = std::mem::take(&mut query.all);
    query.latest = !query.local;
    let for_create = matches!(conditions.first(), Some(Condition::Created));
    let for_delete = matches!(conditions.first(), Some(Condition::Deleted));
    if for_create && deadline.is_none() {
        return Err("--timeout must be greater than 0 when --for=create is specified".into());
    }
    let mut found = builder::find(&query, inv, io)?;
    if for_create {
        // One that is missing is waited for. Several are an error of several, which kubectl takes for no NotFound.
        let (_, failures) = found.clone().split();
        if found.items.is_empty() || failures.len() == 1 && failures[0].is("NotFound") {
            return match deadline {
                Some(end) if io.now >= end => Err(TIMED_OUT.into()),
                Some(end) => {
                    let next = io.now + std::time::Duration::from_millis(200);
                    Err(Failure::Later(Wait::until(next.min(end))))
                }
                None => Err(TIMED_OUT.into()),
            };
        }
        Failure::all(failures)?;
    }
    if for_delete {
        found.items.retain(|item| !item.as_ref().is_err_and(|failure| failure.is("NotFound")));
    }
    if found.items.is_empty() && !for_delete {
        return Err("no matching resources found".into());
    }
    if query.local {
        for info in found.infos()? {
            for condition in &conditions {
                if !condition.holds(&info.object)? {
                    let name = format!("{}/{}", info.resource.id.resource, info.name);
                    return Err(format!("condition not met for {name}").into());
                }
                printer.print(io, &info.object)?;
            }
        }
        return Ok(Outcome::Done);
    }
    let mut items = found.items;
    items.reverse();
    let client = inv.client(io)?.clone();
    Ok(Outcome::Waiting(Box::new(Waits {
        client,
        printer,
        conditions,
        deadline,
        items,
        current: None,
        failures: Vec::new(),
    })))
}

/// When `--timeout` is over; None when it is zero, which means to look only once.
fn deadline(inv: &Invocation) -> Option<Time> {
    let text = inv.flags.str("timeout");
    let start = inv.started;
    match crate::flags::parse_duration(text) {
        Ok(0) => None,
        Ok(nanos) if nanos < 0 => Some(start + std::time::Duration::from_secs(7 * 24 * 3600)),
        _ => Some(start + inv.flags.duration("timeout")),
    }
}

/// One object that is waited for.
#[derive(Debug, Clone)]
struct Current {
    info: Info,
    object: Value,
    stream: StreamId,
    /// Which of the conditions is waited for.
    condition: usize,
}

/// Waits for one object after the other.
#[derive(Debug, Clone)]
struct Waits {
    client: Client,
    printer: Printer,
    conditions: Vec<Condition>,
    deadline: Option<Time>,
    /// What is left, the next one last.
    items: Vec<Result<Info, Failure>>,
    current: Option<Current>,
    failures: Vec<Failure>,
}

impl Waits {
    fn timed_out(info: &Info) -> Failure {
        Failure::Error(format!("{TIMED_OUT} on {}/{}", info.resource.id.resource, info.name))
    }

    /// Goes on to the next condition of an object, from what the object is now. Nothing is left when it is done.
    fn advance(&mut self, io: &mut Io<'_>, info: Info, object: &Value, from: usize) -> Result<(), Failure> {
        let mut object = object.clone();
        for at in from..self.conditions.len() {
            let Some(condition) = self.conditions.get(at) else { break };
            let met =
                if object.is_null() { matches!(condition, Condition::Deleted) } else { condition.holds(&object)? };
            if met {
                self.printer.print(io, if object.is_null() { &info.object } else { &object })?;
                continue;
            }
            if self.deadline.is_none() {
                let name = format!("{}/{}", info.resource.id.resource, info.name);
                return Err(format!("condition not met for {name}").into());
            }
            if self.deadline.is_some_and(|deadline| io.now >= deadline) {
                return Err(Self::timed_out(&info));
            }
            // From the revision of the list on, nothing can be missed.
            let options = ListOptions { fields: format!("metadata.name={}", info.name), ..ListOptions::default() };
            let list = self.client.list(io, &info.resource, &info.namespace, &options)?;
            let now = list["items"].items().first().cloned().unwrap_or_default();
            let gone = now.is_null();
            let met = if gone { matches!(condition, Condition::Deleted) } else { condition.holds(&now)? };
            if met {
                object = with_kind(now, &info);
                self.printer.print(io, if object.is_null() { &info.object } else { &object })?;
                continue;
            }
            if gone {
                let status =
                    drydock_api::Status::not_found(&info.resource.id.group, &info.resource.id.resource, &info.name);
                return Err(status.into());
            }
            let revision = list["metadata"]["resourceVersion"].str().to_owned();
            let stream = self.client.watch(io, &info.resource, &info.namespace, &options, &revision)?;
            let object = with_kind(now, &info);
            self.current = Some(Current { info, object, stream, condition: at });
            return Ok(());
        }
        Ok(())
    }

    /// Begins with an object anew, after its watch ended.
    fn again(&mut self, io: &mut Io<'_>, current: Current) {
        let outcome = match self.client.get(io, &current.info.resource, &current.info.namespace, &current.info.name) {
            Ok(object) => self.advance(io, current.info, &object, current.condition),
            Err(failure) if failure.is("NotFound") => self.advance(io, current.info, &Value::Null, current.condition),
            Err(failure) => Err(failure),
        };
        self.failures.extend(outcome.err());
    }
}

/// Items of lists carry no kind of their own.
fn with_kind(mut object: Value, info: &Info) -> Value {
    if !object.is_null() && object["kind"].is_null() {
        object.set("apiVersion", info.resource.id.group_version().to_string());
        object.set("kind", &info.resource.kind);
    }
    object
}

impl Waiting for Waits {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        loop {
            let Some(current) = self.current.clone() else {
                match self.items.pop() {
                    None => {
                        Failure::all(std::mem::take(&mut self.failures))?;
                        return Ok(Outcome::Done);
                    }
                    Some(Err(failure)) => self.failures.push(failure),
                    Some(Ok(info)) => {
                        let object = info.object.clone();
                        if let Err(failure) = self.advance(io, info, &object, 0) {
                            self.failures.push(failure);
                        }
                    }
                }
                continue;
            };
            let condition = self.conditions.get(current.condition).cloned().unwrap_or(Condition::Created);
            let result = match io.api.poll(current.stream) {
                StreamItem::Event(event) => match event["type"].str() {
                    "DELETED" if matches!(condition, Condition::Deleted) => Some(Value::Null),
                    "ADDED" | "MODIFIED" => Some(event["object"].clone()),
                    "ERROR" => {
                        let status = drydock_api::Status::from_value(0, &event["object"]);
                        let what = match condition {
                            Condition::Deleted => "the object to be deleted",
                            _ => "the condition to be satisfied",
                        };
                        io.eprint(format!("error: An error occurred while waiting for {what}: {}", status.message));
                        None
                    }
                    _ => None,
                },
                StreamItem::Data(..) => None,
                StreamItem::Closed(_) => {
                    // A watch may end any time; begin anew.
                    self.current = None;
                    self.again(io, current);
                    continue;
                }
                StreamItem::Pending if self.deadline.is_some_and(|deadline| io.now >= deadline) => {
                    io.api.close(current.stream);
                    self.current = None;
                    self.failures.push(Self::timed_out(&current.info));
                    continue;
                }
                StreamItem::Pending => {
                    return Ok(Outcome::Wait(Wait::streams([current.stream]).or_until(self.deadline)));
                }
            };
            let Some(object) = result else { continue };
            let met = if object.is_null() { Ok(true) } else { condition.holds(&object) };
            match met {
                Ok(false) => {}
                Ok(true) => {
                    io.api.close(current.stream);
                    self.current = None;
                    let object = if object.is_null() { current.object.clone() } else { object };
                    let outcome = self
                        .printer
                        .print(io, &with_kind(object.clone(), &current.info))
                        .and_then(|()| self.advance(io, current.info, &object, current.condition + 1));
                    self.failures.extend(outcome.err());
                }
                Err(failure) => {
                    io.api.close(current.stream);
                    self.current = None;
                    self.failures.push(failure);
                }
            }
        }
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        if let Some(current) = self.current.take() {
            io.api.close(current.stream);
        }
        1
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}
