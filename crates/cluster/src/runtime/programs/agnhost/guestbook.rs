//! `guestbook`: a store of words with replicas, and the front that asks them.

use std::time::Duration;

use drydock_shell::{Sys, Wait};
use drydock_value::{Time, Value, parse_json, to_json, value};

use super::jobs::{Dial, Task};
use super::{Flags, stamp};
use crate::runtime::programs::http::{Request, Response};

/// How long a replica tries to be registered, and how long it waits between two tries.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_secs(1);

/// What a server keeps.
#[derive(Clone, Default)]
pub struct Book {
    store: Value,
    replicas: Vec<String>,
    port: u16,
    /// Whom it registers with, until when it tries to, and the try.
    primary: Option<(String, Time)>,
    call: Option<Dial>,
    again: Option<Time>,
}

/// What a request comes to: an answer, or what is done first.
pub enum Said {
    /// This.
    Now(Response),
    /// These calls, one after the other, and then this, or what the last call brings.
    After(Task),
}

fn plain(code: u16, text: impl Into<Vec<u8>>) -> Said {
    Said::Now(Response { code, ..Response::new(200, "text/plain; charset=utf-8", text) })
}

impl Book {
    /// As the command's flags say.
    pub fn new(sys: &Sys<'_>) -> Book {
        let flags = Flags::of(sys);
        let primary = flags.get("replicaof").filter(|host| !host.is_empty());
        Book {
            store: Value::object(),
            port: flags.number("backend-port", 6379),
            primary: primary.map(|host| (host.to_owned(), sys.now() + PATIENCE)),
            ..Book::default()
        }
    }

    /// Goes on with the registration. Whether it has failed for good.
    pub fn register(&mut self, sys: &mut Sys<'_>) -> bool {
        let Some((host, until)) = self.primary.clone() else { return false };
        if self.again.is_some_and(|again| sys.now() < again) {
            return false;
        }
        self.again = None;
        let port = self.port;
        let call = self.call.get_or_insert_with(|| {
            let own = sys.host().addresses().first().map(ToString::to_string).unwrap_or_default();
            let request = format!("register?host={own}");
            sys.eprint(&format!("{} Registering to primary: {host}:{port}/{request}\n", stamp(sys.now())));
            Dial::to(&host, port, request)
        });
        let Some(answer) = call.advance(sys) else { return false };
        self.call = None;
        let now = stamp(sys.now());
        if let Some(text) = answer["responses"][0].as_str() {
            self.store = parse_json(text).map(|answer| answer["data"].clone()).unwrap_or_else(|_| Value::object());
            self.primary = None;
            sys.eprint(&format!("{now} Registered to node: {host}\n"));
            return false;
        }
        let why = answer["errors"][0].str();
        sys.eprint(&format!("{now} encountered error while registering to primary: {why}. Retrying in 1s.\n"));
        self.again = Some(sys.now() + PAUSE);
        let over = sys.now() >= until;
        if over {
            sys.eprint(&format!("{now} Timed out while registering to primary.\n"));
        }
        over
    }

    /// Adds what the registration waits for.
    pub fn add_to(&self, wait: &mut Wait) {
        if let Some(call) = &self.call {
            call.add_to(wait);
        }
        *wait = std::mem::take(wait).or_until(self.again);
    }

    /// What a request comes to.
    pub fn answer(&mut self, request: &Request, sys: &mut Sys<'_>) -> Said {
        let query = |name: &str| request.query(name).unwrap_or_default();
        let (key, value, command) = (query("key"), query("value"), query("cmd").to_lowercase());
        let said = match request.path() {
            "/register" => format!("register?host={}", query("host")),
            "/get" => format!("get?key={key}"),
            "/set" => format!("set?key={key}&value={value}"),
            path => format!("{}?cmd={command}&key={key}&value={value}", path.trim_start_matches('/')),
        };
        sys.eprint(&format!("{} GET /{said}\n", stamp(sys.now())));
        match request.path() {
            "/register" => {
                self.replicas.push(query("host"));
                plain(200, to_json(&value!({"data": self.store.clone()})))
            }
            "/get" if key.is_empty() => plain(200, to_json(&value!({"data": self.store.clone()}))),
            "/get" => plain(200, to_json(&value!({"data": self.store[key.as_str()].str()}))),
            "/set" | "/guestbook" if key.is_empty() && command != "get" && (command == "set" || command.is_empty()) => {
                plain(400, "cannot set with empty key.\n")
            }
            "/set" => {
                self.store.set(&key, value);
                let calls = self.replicas.iter().map(|replica| Dial::to(replica, self.port, said.clone())).collect();
                Said::After(Task::Calls(calls, Some(to_json(&value!({"message": "Updated"})))))
            }
            "/guestbook" => {
                let host = match command.as_str() {
                    "get" => "agnhost-replica",
                    "set" => "agnhost-primary",
                    _ => return plain(400, format!("unsupported cmd: '{command}'\n")),
                };
                let call = Dial::to(host, self.port, format!("{command}?key={key}&value={value}"));
                Said::After(Task::Calls(vec![call], None))
            }
            _ => plain(404, "404 page not found\n"),
        }
    }
}
