//! What restores a cluster after a restart: how it was made, and what came in, each at its place among the events. The
//! file grows by a line with every request that changes something.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use drydock_api::{Auth, Body, Method, Request, StreamId, StreamItem, Transport};
use drydock_cluster::{Cluster, Config};
use drydock_value::{Time, Value, parse_json, to_json, value};

/// The form of the file.
const VERSION: i64 = 1;
/// Cluster events at a time while a course of events is played.
const SLICE: u32 = 1 << 20;

/// Something that came in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    Send(Request),
    Open(u64, Request),
    Write(u64, u8, Vec<u8>),
    Close(u64),
}

/// The file, open for writing.
#[derive(Debug)]
pub(crate) struct Record {
    file: File,
    /// Events that the cluster has handled since it was made.
    pub(crate) events: u64,
}

const METHODS: [Method; 7] =
    [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options, Method::Head];

/// `exec`, `attach` and `portforward` reach into containers, whatever their method; so do proxied requests.
fn reaches_in(request: &Request) -> bool {
    request.path.split('/').any(|segment| matches!(segment, "exec" | "attach" | "portforward" | "proxy"))
}

impl Record {
    /// Whether a request can change anything.
    pub(crate) fn matters(request: &Request) -> bool {
        !matches!(request.method, Method::Get | Method::Head | Method::Options) || reaches_in(request)
    }

    /// Whether a stream can change anything.
    pub(crate) fn opens(request: &Request) -> bool {
        reaches_in(request)
    }

    /// The cluster that a file tells of, or a new one with a new file.
    pub(crate) fn open(path: PathBuf, mut config: Config) -> Result<(Cluster, Record), String> {
        let wrong = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let mut events = 0;
        let cluster = match File::open(&path) {
            Ok(file) => {
                let mut lines = BufReader::new(file).lines();
                let head = lines.next().transpose().map_err(|error| wrong(&error))?.unwrap_or_default();
                let head = parse_json(&head).map_err(|error| wrong(&error))?;
                let shape = shape(&config);
                if head["drydock"].int() != VERSION || head["cluster"] != shape {
                    return Err(wrong(&"it was saved by another version, or with other options for the cluster"));
                }
                config.start = Time(head["start"].int().unsigned_abs());
                let mut player = Player { cluster: Cluster::new(config), streams: BTreeMap::new() };
                for line in lines {
                    let line = line.map_err(|error| wrong(&error))?;
                    // The last line may be torn off.
                    let Ok(line) = parse_json(&line) else { break };
                    let until = line["events"].int().unsigned_abs();
                    player.advance(until.saturating_sub(events), Time(line["time"].int().unsigned_abs()));
                    events = until;
                    if let Some(entry) = Entry::from_value(&line) {
                        player.play(entry);
                    }
                }
                player.finish()
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let head = value!({
                    "drydock": VERSION, "start": config.start.0 as i64, "cluster": shape(&config)
                });
                std::fs::write(&path, to_json(&head) + "\n").map_err(|error| wrong(&error))?;
                Cluster::new(config)
            }
            Err(error) => return Err(wrong(&error)),
        };
        let file = OpenOptions::new().append(true).open(&path).map_err(|error| wrong(&error))?;
        Ok((cluster, Record { file, events }))
    }

    /// Writes something down. A full disk does not end the cluster: it is told once and the file ends there.
    pub(crate) fn note(&mut self, now: Time, entry: Entry) {
        let mut line = entry.to_value();
        line.set("events", self.events as i64);
        line.set("time", now.0 as i64);
        if let Err(error) = self.file.write_all((to_json(&line) + "\n").as_bytes()) {
            eprintln!("drydock: the saved course of events: {error}");
        }
    }
}

/// What of the options must be the same.
fn shape(config: &Config) -> Value {
    let mut config = config.clone();
    config.start = Time(0);
    format!("{config:?}").into()
}

struct Player {
    cluster: Cluster,
    /// The numbers of streams then and now.
    streams: BTreeMap<u64, StreamId>,
}

impl Player {
    fn advance(&mut self, mut events: u64, time: Time) {
        while events > 0 {
            let slice = SLICE.min(u32::try_from(events).unwrap_or(SLICE));
            let progress = self.cluster.advance(Time::NEVER, slice);
            self.drain();
            events -= u64::from(progress.events);
            if progress.events == 0 {
                break;
            }
        }
        if time > self.cluster.now() && self.cluster.next_event().is_none_or(|next| next > time) {
            self.cluster.advance(time, 0);
        }
    }

    /// A client was there and read.
    fn drain(&mut self) {
        for id in self.streams.values() {
            while self.cluster.ready(*id) {
                if matches!(self.cluster.poll(*id), StreamItem::Pending | StreamItem::Closed(_)) {
                    break;
                }
            }
        }
    }

    fn play(&mut self, entry: Entry) {
        match entry {
            Entry::Send(request) => {
                self.cluster.send(request);
            }
            Entry::Open(number, request) => {
                if let Ok(id) = self.cluster.open(request) {
                    self.streams.insert(number, id);
                }
            }
            Entry::Write(number, channel, bytes) => {
                if let Some(id) = self.streams.get(&number) {
                    self.cluster.write(*id, channel, &bytes);
                }
            }
            Entry::Close(number) => {
                if let Some(id) = self.streams.remove(&number) {
                    self.cluster.close(id);
                }
            }
        }
    }

    /// The clients of then are gone.
    fn finish(mut self) -> Cluster {
        for id in std::mem::take(&mut self.streams).into_values() {
            self.cluster.close(id);
        }
        self.cluster
    }
}

fn pairs(list: &[(String, String)]) -> Value {
    list.iter().map(|(name, value)| value!([name, value])).collect()
}

fn from_pairs(list: &Value) -> Vec<(String, String)> {
    list.items().iter().map(|pair| (pair[0].str().to_owned(), pair[1].str().to_owned())).collect()
}

fn request_value(request: &Request) -> Value {
    let mut out = value!({
        "method": request.method.as_str(), "path": &request.path, "query": pairs(&request.query),
        "headers": pairs(&request.headers)
    });
    match &request.auth {
        Auth::Anonymous => {}
        Auth::Certificate { certificate } => out.set("certificate", certificate),
        Auth::Token(token) => out.set("token", token),
    }
    match &request.body {
        Body::Empty => {}
        Body::Value(value) => out.set("body", to_json(value)),
        Body::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => out.set("body", text),
            Err(_) => out.set("bytes", BASE64_STANDARD.encode(bytes)),
        },
    }
    out
}

fn request_of(value: &Value) -> Option<Request> {
    let method = METHODS.into_iter().find(|method| value["method"] == *method.as_str())?;
    let mut request = Request::new(method, value["path"].str());
    request.query = from_pairs(&value["query"]);
    request.headers = from_pairs(&value["headers"]);
    if let Some(certificate) = value["certificate"].as_str() {
        request.auth = Auth::Certificate { certificate: certificate.into() };
    } else if let Some(token) = value["token"].as_str() {
        request.auth = Auth::Token(token.into());
    }
    if let Some(text) = value["body"].as_str() {
        request.body = Body::Bytes(text.as_bytes().to_vec());
    } else if let Some(text) = value["bytes"].as_str() {
        request.body = Body::Bytes(BASE64_STANDARD.decode(text).ok()?);
    }
    Some(request)
}

impl Entry {
    fn to_value(&self) -> Value {
        match self {
            Entry::Send(request) => value!({"send": request_value(request)}),
            Entry::Open(stream, request) => value!({"open": *stream as i64, "request": request_value(request)}),
            Entry::Write(stream, channel, bytes) => value!({
                "write": *stream as i64, "channel": i64::from(*channel), "bytes": BASE64_STANDARD.encode(bytes)
            }),
            Entry::Close(stream) => value!({"close": *stream as i64}),
        }
    }

    fn from_value(line: &Value) -> Option<Entry> {
        let number = |key: &str| line[key].as_i64().map(i64::unsigned_abs);
        if let Some(stream) = number("close") {
            return Some(Entry::Close(stream));
        }
        if let Some(stream) = number("write") {
            let bytes = BASE64_STANDARD.decode(line["bytes"].str()).ok()?;
            return Some(Entry::Write(stream, u8::try_from(line["channel"].int()).ok()?, bytes));
        }
        match number("open") {
            Some(stream) => Some(Entry::Open(stream, request_of(&line["request"])?)),
            None => Some(Entry::Send(request_of(&line["send"])?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_back() {
        let mut request = Request::new(Method::Patch, "/api/v1/namespaces/default/pods/x")
            .param("fieldManager", "a b")
            .header("content-type", "application/merge-patch+json");
        request.body = Body::Bytes(b"{}".to_vec());
        request.auth = Auth::Token("t".into());
        let mut odd = Request::new(Method::Post, "/");
        odd.body = Body::Bytes(vec![0xff, 0]);
        for entry in [
            Entry::Send(request.clone()),
            Entry::Send(odd),
            Entry::Open(7, request),
            Entry::Write(7, 4, vec![1, 2, 255]),
            Entry::Close(7),
        ] {
            assert_eq!(Entry::from_value(&entry.to_value()), Some(entry));
        }
    }
}
