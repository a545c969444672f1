//! `curl`.
//!
//! - `command_line`: what it is asked for. `request`: what it asks. `report`: what it says of how that went.

mod command_line;
mod report;
mod request;

use drydock_value::Time;

use super::http::{Failure, Fetch, Progress, Response, Url};
use crate::tools::Call;
use crate::{Open, Program, Read, Step, Sys, Wait};

/// As curl: more redirections are an error.
const REDIRECTS_MAX: u32 = 50;
const VERSION: &str = "8.14.1";

#[derive(Clone, Default)]
struct Curl {
    started: bool,
    urls: Vec<String>,
    /// What `--resolve` says.
    resolved: Vec<String>,
    at: usize,
    silent: bool,
    show_errors: bool,
    fail: bool,
    fail_with_body: bool,
    include: bool,
    head: bool,
    follow: bool,
    verbose: bool,
    method: Option<String>,
    data: Option<Vec<u8>>,
    json: bool,
    as_query: bool,
    /// Data comes from standard input, which is read first.
    reads_input: bool,
    headers: Vec<String>,
    user: Option<String>,
    agent: Option<String>,
    outputs: Vec<String>,
    remote_name: bool,
    write_out: Option<String>,
    max_time: Option<u64>,
    connect_timeout: Option<u64>,
    retries: u32,
    retry_refused: bool,
    retry_delay: u64,
    redirects: u32,
    fetch: Option<Fetch>,
    url: Option<Url>,
    since: Time,
    pause: Option<Time>,
    /// How much of the body was printed while it came.
    passed: usize,
    code: i32,
}

pub(in crate::tools) fn program() -> Box<dyn Program> {
    Box::new(Curl::default())
}

impl Curl {
    fn finished(&mut self, response: &Response, call: &mut Call<'_, '_>) -> Result<(), i32> {
        let Some(url) = self.url.clone() else { return Ok(()) };
        if self.verbose {
            for line in response.head.lines() {
                call.sys.eprint(&format!("< {line}\n"));
            }
            call.sys.eprint(&format!("* Connection #0 to host {} left intact\n", url.host));
        }
        if self.follow
            && matches!(response.code, 301 | 302 | 303 | 307 | 308)
            && let Some(location) = response.header("location")
        {
            if self.include || self.head {
                call.print(&response.head);
            }
            self.redirects += 1;
            if self.redirects > REDIRECTS_MAX {
                call.sys.eprint(&format!("curl: (47) Maximum ({REDIRECTS_MAX}) redirects followed\n"));
                return Err(47);
            }
            if matches!(response.code, 301..=303) && self.data.is_some() {
                self.data = None;
            }
            return match url.join(location) {
                Ok(url) => {
                    self.begin(url, call);
                    Ok(())
                }
                Err(message) => {
                    call.sys.eprint(&format!("curl: (1) {message}\n"));
                    Err(1)
                }
            };
        }
        let refused = (self.fail || self.fail_with_body) && response.code >= 400;
        let mut out = Vec::new();
        if self.include || self.head {
            out.extend_from_slice(response.head.as_bytes());
        }
        if !refused || self.fail_with_body {
            let passed = std::mem::take(&mut self.passed);
            out.extend_from_slice(response.body.get(passed..).unwrap_or_default());
        }
        let name = match self.outputs.get(self.at) {
            Some(name) => Some(name.clone()),
            None if self.remote_name => {
                let path = url.path.split('?').next().unwrap_or("");
                Some(path.rsplit('/').next().unwrap_or("").to_owned())
            }
            None => None,
        };
        if name.as_deref() == Some("") {
            call.sys.eprint("curl: (23) Remote file name has no length\n");
            return Err(23);
        }
        let to_file = name.as_deref().is_some_and(|name| name != "-");
        if (to_file || !call.sys.is_tty(1)) && !self.silent && !self.head {
            self.meter(response.body.len(), call);
        }
        match name.filter(|name| name != "-") {
            None => {
                call.put(&out);
                call.flush();
            }
            Some(name) => {
                let path = call.sys.path(&name);
                let written = if path == "/dev/null" { Ok(()) } else { call.sys.files().write(&path, &out) };
                if written.is_err() {
                    let written = call.sys.open(&name, Open::Write).and_then(|fd| {
                        let put = call.sys.put(fd, &out);
                        call.sys.close(fd);
                        put
                    });
                    if written.is_err() {
                        call.sys.eprint(&format!("Warning: Failed to open the file {name}: No such file or directory\ncurl: (23) client returned ERROR on write, {} bytes passed, 0 written\n", out.len()));
                        return Err(23);
                    }
                }
            }
        }
        if let Some(format) = self.write_out.clone() {
            let text = self.written_out(&format, response, call);
            call.print(&text);
        }
        if refused {
            if !self.silent || self.show_errors {
                call.sys.eprint(&format!("curl: (22) The requested URL returned error: {}\n", response.code));
            }
            return Err(22);
        }
        Ok(())
    }

    fn go_on(&mut self, call: &mut Call<'_, '_>) -> Result<Step, i32> {
        if !self.started {
            self.started = true;
            self.start(call)?;
        }
        if self.reads_input {
            match call.sys.read(0, 64 << 10) {
                Read::Data(bytes) => {
                    self.data.get_or_insert_with(Vec::new).extend(bytes);
                    return Ok(Step::Continue);
                }
                Read::Pending => return Ok(Wait::read(0).into()),
                Read::Eof | Read::Error(_) => self.reads_input = false,
            }
        }
        if let Some(pause) = self.pause {
            if pause > call.sys.now() {
                return Ok(Wait::until(pause).into());
            }
            self.pause = None;
        }
        let Some(mut fetch) = self.fetch.take() else {
            let Some(text) = self.urls.get(self.at).cloned() else { return Err(self.code) };
            self.since = call.sys.now();
            self.redirects = 0;
            match Url::parse(&text) {
                Ok(url) => self.begin(url, call),
                Err(message) => {
                    let code = if message.starts_with("Protocol") { 1 } else { 3 };
                    if !self.silent || self.show_errors {
                        call.sys.eprint(&format!("curl: ({code}) {message}\n"));
                    }
                    self.code = code;
                    self.at += 1;
                }
            }
            return Ok(Step::Continue);
        };
        let progress = fetch.step(call.sys);
        self.fetch = Some(fetch);
        match progress {
            Progress::Wait(wait) => {
                let plain = !self.include && !self.head && !self.remote_name && self.outputs.get(self.at).is_none();
                if let Some(part) = self.fetch.as_ref().filter(|_| plain).and_then(|fetch| fetch.part(self.passed)) {
                    self.passed += part.len();
                    call.put(&part);
                }
                Ok(wait.into())
            }
            Progress::Connected(address) => {
                if self.verbose
                    && let Some(url) = self.url.clone()
                {
                    let (host, port) = (&url.host, url.port);
                    let mut text = format!(
                        "*   Trying {address}:{port}...\n* Connected to {host} ({address}) port {port}\n* using HTTP/1.x\n"
                    );
                    text.push_str(&self.request_lines());
                    text.push_str("* Request completely sent off\n");
                    call.sys.eprint(&text);
                }
                Ok(Step::Continue)
            }
            Progress::Failed(failure) => {
                self.fetch = None;
                let again = self.retries > 0
                    && (self.retry_refused
                        || matches!(failure, Failure::TimedOut { .. } | Failure::Connect(crate::NetError::TimedOut)));
                if again {
                    self.retries -= 1;
                    self.pause = Some(Time(call.sys.now().0 + self.retry_delay.max(1_000_000)));
                    return Ok(Step::Continue);
                }
                self.code = self.failed(&failure, call);
                if let Some(format) = self.write_out.clone() {
                    let text = self.written_out(&format, &Response::default(), call);
                    call.print(&text);
                }
                self.at += 1;
                Ok(Step::Continue)
            }
            Progress::Done(response) => {
                self.fetch = None;
                self.code = 0;
                if let Err(code) = self.finished(&response, call) {
                    self.code = code;
                }
                if self.fetch.is_none() {
                    self.at += 1;
                }
                Ok(Step::Continue)
            }
        }
    }

    /// The request's head as `-v` shows it.
    fn request_lines(&self) -> String {
        let Some(fetch) = &self.fetch else { return String::new() };
        fetch.head().lines().map(|line| format!("> {line}\n")).collect()
    }
}

impl Program for Curl {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, "curl");
        match self.go_on(&mut call) {
            Ok(step) => {
                call.flush();
                step
            }
            Err(code) => Step::Exit(call.finish(code)),
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
