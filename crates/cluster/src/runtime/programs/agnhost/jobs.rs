//! What `netexec` does for a request that takes a while: commands of a shell, and calls of other servers.

use std::time::Duration;

use drydock_shell::{Fd, Pid, Read, Recv, SocketId, Spawn, Sys, Wait};
use drydock_value::{Time, Value, to_json, value};

use super::once::resolve;
use crate::runtime::programs::http::{self, Request, Response};

/// A call ends after this time.
const PATIENCE: Duration = Duration::from_secs(5);
/// More tries than this are not made.
const TRIES_MAX: u32 = 1000;

/// A request that waits.
#[derive(Debug, Clone)]
pub struct Job {
    /// The connection that it came on.
    pub connection: u64,
    /// What is done for it.
    pub task: Task,
}

/// What is done.
#[derive(Debug, Clone)]
pub enum Task {
    /// A shell runs, with its output read from a pipe.
    Shell { pid: Pid, output: Fd, text: Vec<u8>, ended: bool },
    /// Nothing more.
    Done(Value),
    /// Another server is called.
    Dial(Dial),
    /// Servers are called one after the other; at the end this is answered, or what the last call brought.
    Calls(Vec<Dial>, Option<String>),
}

/// All that wait.
#[derive(Debug, Clone, Default)]
pub struct Jobs {
    jobs: Vec<Job>,
}

impl Jobs {
    /// One more.
    pub fn add(&mut self, job: Job) {
        self.jobs.push(job);
    }

    /// Goes on with all; what is done comes back with its connection.
    pub fn advance(&mut self, sys: &mut Sys<'_>) -> Vec<(u64, Response)> {
        let mut done = Vec::new();
        self.jobs.retain_mut(|job| {
            let plain = |text: String| Response::new(200, "text/plain; charset=utf-8", text);
            let answer = match &mut job.task {
                Task::Done(answer) => Some(plain(to_json(answer))),
                Task::Shell { pid, output, text, ended } => {
                    shell(*pid, *output, text, ended, sys).map(|answer| plain(to_json(&answer)))
                }
                Task::Dial(dial) => dial.advance(sys).map(|answer| plain(to_json(&answer))),
                Task::Calls(dials, end) => calls(dials, end, sys).map(|answer| match answer {
                    Ok(text) => plain(text),
                    Err(why) => Response { code: 417, ..plain(format!("encountered error: {why}\n")) },
                }),
            };
            let Some(answer) = answer else { return true };
            done.push((job.connection, answer));
            false
        });
        done
    }

    /// Adds what they wait for.
    pub fn add_to(&self, wait: &mut Wait) {
        for job in &self.jobs {
            match &job.task {
                Task::Shell { output, ended, .. } => {
                    wait.child = true;
                    if !ended {
                        wait.read.push(*output);
                    }
                }
                Task::Dial(dial) => dial.add_to(wait),
                Task::Calls(dials, _) => dials.iter().take(1).for_each(|dial| dial.add_to(wait)),
                Task::Done(_) => {}
            }
        }
    }
}

impl Task {
    /// Starts a shell with a command.
    pub fn shell(command: &str, sys: &mut Sys<'_>) -> Task {
        let failed = |error: drydock_shell::Errno| {
            Task::Done(value!({"error": format!("fork/exec /bin/sh: {}", error.message().to_lowercase())}))
        };
        let (output, input) = match sys.pipe() {
            Ok(ends) => ends,
            Err(error) => return failed(error),
        };
        let spawn = Spawn { fds: Some(vec![(1, input), (2, input)]), ..Spawn::new(["/bin/sh", "-c", command]) };
        let started = sys.spawn(spawn);
        sys.close(input);
        match started {
            Ok(pid) => Task::Shell { pid, output, text: Vec::new(), ended: false },
            Err(error) => {
                sys.close(output);
                failed(error)
            }
        }
    }
}

fn shell(pid: Pid, output: Fd, text: &mut Vec<u8>, ended: &mut bool, sys: &mut Sys<'_>) -> Option<Value> {
    while !*ended {
        match sys.read(output, 4096) {
            Read::Data(bytes) => text.extend_from_slice(&bytes),
            Read::Pending => return None,
            Read::Eof | Read::Error(_) => {
                *ended = true;
                sys.close(output);
            }
        }
    }
    let code = sys.wait(pid)?;
    let mut answer = Value::object();
    if !text.is_empty() {
        answer.set("output", String::from_utf8_lossy(text).into_owned());
    }
    if code != 0 {
        answer.set("error", format!("exit status {code}"));
    }
    Some(answer)
}

/// Goes on with calls; what they come to, once they do.
fn calls(dials: &mut Vec<Dial>, end: &Option<String>, sys: &mut Sys<'_>) -> Option<Result<String, String>> {
    while let Some(dial) = dials.first_mut() {
        let answer = dial.advance(sys)?;
        if let Some(why) = answer["errors"][0].as_str() {
            return Some(Err(why.to_owned()));
        }
        dials.remove(0);
        if dials.is_empty() && end.is_none() {
            return Some(Ok(answer["responses"][0].str().to_owned()));
        }
    }
    Some(Ok(end.clone().unwrap_or_default()))
}

/// Calls of another server, one after the other.
#[derive(Debug, Clone)]
pub struct Dial {
    host: String,
    port: u16,
    datagrams: bool,
    request: String,
    authorization: Option<String>,
    left: u32,
    socket: Option<SocketId>,
    sent: bool,
    inbox: Vec<u8>,
    deadline: Option<Time>,
    responses: Vec<String>,
    errors: Vec<String>,
}

impl Dial {
    /// What a request asks for.
    ///
    /// # Errors
    /// What is wrong with its parameters.
    pub fn new(request: &Request) -> Result<Dial, String> {
        let query = |name: &str| request.query(name).unwrap_or_default();
        let tries = query("tries");
        let left = if tries.is_empty() { Ok(1) } else { tries.parse::<u32>() };
        let left =
            left.map_err(|_| format!("tries parameter is invalid. strconv.Atoi: parsing {tries:?}: invalid syntax"))?;
        if query("request").is_empty() {
            return Err("request parameter not specified. <nil>".into());
        }
        let datagrams = match query("protocol").to_lowercase().as_str() {
            "" | "http" => false,
            "udp" => true,
            protocol => return Err(format!("unsupported protocol. {protocol}")),
        };
        let port = query("port")
            .parse()
            .map_err(|_| format!("host and/or port param are invalid. lookup tcp/{}: unknown port", query("port")))?;
        let dial = Dial::to(query("host").trim_matches(['[', ']']), port, query("request"));
        Ok(Dial { left: left.min(TRIES_MAX), datagrams, ..dial })
    }

    /// One call.
    pub fn to(host: &str, port: u16, request: String) -> Dial {
        Dial {
            host: host.to_owned(),
            port,
            datagrams: false,
            request,
            authorization: None,
            left: 1,
            socket: None,
            sent: false,
            inbox: Vec::new(),
            deadline: None,
            responses: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// The same, by somebody who says who it is.
    pub fn with_authorization(self, authorization: Option<String>) -> Dial {
        Dial { authorization, ..self }
    }

    /// Adds what it waits for.
    pub fn add_to(&self, wait: &mut Wait) {
        wait.sockets.extend(self.socket);
        *wait = std::mem::take(wait).or_until(self.deadline);
    }

    /// Goes on; responses and errors once all calls are made.
    pub fn advance(&mut self, sys: &mut Sys<'_>) -> Option<Value> {
        while self.left > 0 {
            let outcome = if self.datagrams { self.send(sys)? } else { self.call(sys)? };
            self.left -= 1;
            if let Some(socket) = self.socket.take() {
                sys.host().close(socket);
            }
            (self.sent, self.deadline) = (false, None);
            self.inbox.clear();
            match outcome {
                Ok(text) => self.responses.push(text),
                Err(why) if self.datagrams => {
                    self.errors.push(format!("reading from udp connection failed. err:'read udp: {why}'"));
                }
                Err(why) => {
                    self.errors.push(format!("Get \"http://{}:{}/{}\": {why}", self.host, self.port, self.request))
                }
            }
        }
        let mut answer = Value::object();
        for (name, list) in [("errors", &self.errors), ("responses", &self.responses)] {
            if !list.is_empty() {
                answer.set(name, Value::from(list.iter().map(|text| Value::from(text.as_str())).collect::<Vec<_>>()));
            }
        }
        Some(answer)
    }

    /// Goes on with one datagram and its answer; none while it waits.
    fn send(&mut self, sys: &mut Sys<'_>) -> Option<Result<String, String>> {
        let failed = |error: drydock_shell::NetError| Some(Err(error.message().to_lowercase()));
        let socket = match self.socket {
            Some(socket) => socket,
            None => {
                self.deadline = Some(sys.now() + PATIENCE);
                let begun = resolve(&self.host, sys).and_then(|ip| sys.host().connect_datagrams(ip, self.port));
                match begun.and_then(|socket| sys.host().send(socket, self.request.as_bytes()).map(|_| socket)) {
                    Ok(socket) => *self.socket.insert(socket),
                    Err(error) => return failed(error),
                }
            }
        };
        match sys.host().recv(socket) {
            Recv::Data(bytes) => Some(Ok(String::from_utf8_lossy(&bytes).into_owned())),
            Recv::Failed(error) => failed(error),
            Recv::Eof | Recv::Pending if self.deadline.is_some_and(|deadline| sys.now() >= deadline) => {
                Some(Err("i/o timeout".into()))
            }
            Recv::Eof | Recv::Pending => None,
        }
    }

    /// Goes on with one call; none while it waits.
    fn call(&mut self, sys: &mut Sys<'_>) -> Option<Result<String, String>> {
        let failed =
            |error: drydock_shell::NetError| Some(Err(format!("dial tcp: {}", error.message().to_lowercase())));
        let socket = match self.socket {
            Some(socket) => socket,
            None => {
                self.deadline = Some(sys.now() + PATIENCE);
                let begun = resolve(&self.host, sys).and_then(|address| sys.host().connect(address, self.port));
                match begun {
                    Ok(socket) => *self.socket.insert(socket),
                    Err(error) => return failed(error),
                }
            }
        };
        if self.deadline.is_some_and(|deadline| sys.now() >= deadline) {
            return Some(Err("context deadline exceeded (Client.Timeout exceeded while awaiting headers)".into()));
        }
        if !self.sent {
            if let Err(error) = sys.host().connected(socket)? {
                return failed(error);
            }
            let mut headers = vec![
                ("Host".into(), format!("{}:{}", self.host, self.port)),
                ("User-Agent".into(), "Go-http-client/1.1".into()),
                ("Connection".into(), "close".into()),
            ];
            headers.extend(self.authorization.iter().map(|bearer| ("Authorization".to_owned(), bearer.clone())));
            let request = Request {
                method: "GET".into(),
                target: format!("/{}", self.request),
                version: "HTTP/1.1".into(),
                headers,
                body: Vec::new(),
            };
            if let Err(error) = sys.host().send(socket, &request.encode()) {
                return failed(error);
            }
            self.sent = true;
        }
        loop {
            let ended = match sys.host().recv(socket) {
                Recv::Data(bytes) => {
                    self.inbox.extend_from_slice(&bytes);
                    false
                }
                Recv::Pending => return None,
                Recv::Eof => true,
                Recv::Failed(error) => return failed(error),
            };
            match http::Response::take(&mut self.inbox, "GET", ended) {
                Ok(Some(response)) => return Some(Ok(String::from_utf8_lossy(&response.body).into_owned())),
                Ok(None) if !ended => {}
                _ => return Some(Err("EOF".into())),
            }
        }
    }
}
