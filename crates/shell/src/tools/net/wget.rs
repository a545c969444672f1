//! `wget`.

use std::net::IpAddr;

use drydock_value::Time;

use super::http::{Failure, Fetch, Progress, Response, Url};
use crate::tools::Call;
use crate::tools::options::Options;
use crate::{NetError, Program, Step, Sys};

const REDIRECTS_MAX: u32 = 5;

#[derive(Clone, Default)]
struct Wget {
    started: bool,
    quiet: bool,
    headers_shown: bool,
    spider: bool,
    output: Option<String>,
    directory: Option<String>,
    headers: Vec<String>,
    data: Option<Vec<u8>>,
    timeout: Option<u64>,
    tries: u32,
    urls: Vec<String>,
    url: Option<Url>,
    fetch: Option<Fetch>,
    redirects: u32,
    code: i32,
}

pub(in crate::tools) fn program() -> Box<dyn Program> {
    Box::new(Wget::default())
}

const LONG: &[(&str, char)] = &[
    ("quiet", 'q'),
    ("output-document", 'O'),
    ("directory-prefix", 'P'),
    ("server-response", 'S'),
    ("timeout", 'T'),
    ("tries", 't'),
    ("header", 'H'),
    ("post-data", 'D'),
    ("post-file", 'F'),
    ("spider", 'Z'),
    ("no-check-certificate", 'k'),
    ("user-agent", 'U'),
    ("no-verbose", 'n'),
    ("continue", 'c'),
    ("method", 'M'),
];

impl Wget {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        let options = Options::parse(call, "qO:P:ST:t:H:D:F:ZkU:n?cM:Y:", LONG)?;
        self.quiet = options.has('q');
        self.headers_shown = options.has('S');
        self.spider = options.has('Z');
        self.output = options.value('O').map(str::to_owned);
        self.directory = options.value('P').map(str::to_owned);
        self.headers = options.values('H').map(str::to_owned).collect();
        if let Some(agent) = options.value('U') {
            self.headers.push(format!("User-Agent: {agent}"));
        }
        self.data = options.value('D').map(|text| text.as_bytes().to_vec());
        if let Some(name) = options.value('F') {
            self.data = call.sys.read_file(name).ok();
        }
        self.timeout = options.value('T').and_then(crate::tools::number::duration);
        self.tries = options.value('t').and_then(|text| text.parse().ok()).unwrap_or(1);
        self.urls = options.rest;
        self.urls.reverse();
        if self.urls.is_empty() {
            if call.gnu() {
                call.sys.eprint(
                    "wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n",
                );
                return Err(1);
            }
            return Err(call.try_help());
        }
        Ok(())
    }

    fn begin(&mut self, url: Url, call: &mut Call<'_, '_>) {
        let method = match (&self.data, self.spider) {
            (Some(_), _) => "POST",
            (None, true) => "HEAD",
            (None, false) => "GET",
        };
        let agent = if call.gnu() { "User-Agent: Wget/1.25.0\r\nAccept: */*\r\n" } else { "User-Agent: Wget\r\n" };
        let own = self.headers.iter().any(|header| header.to_ascii_lowercase().starts_with("user-agent:"));
        let mut head = format!(
            "{method} {} HTTP/1.1\r\nHost: {}\r\n{}Connection: close\r\n",
            url.path,
            url.authority(),
            if own { "" } else { agent }
        );
        for header in &self.headers {
            head.push_str(&format!("{header}\r\n"));
        }
        if let Some(data) = &self.data {
            head.push_str(&format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                data.len()
            ));
        }
        head.push_str("\r\n");
        let mut request = head.into_bytes();
        request.extend(self.data.clone().unwrap_or_default());
        let until = Time(call.sys.now().0 + self.timeout.unwrap_or(900_000_000));
        let connect = Time(call.sys.now().0 + self.timeout.unwrap_or(134_000_000));
        if call.gnu() && !self.quiet {
            let date = crate::tools::date::strftime("%Y-%m-%d %H:%M:%S", call.sys.now());
            let host = &url.host;
            let mut text = format!("--{date}--  {url}\n");
            if host.parse::<IpAddr>().is_err() {
                text.push_str(&format!("Resolving {host} ({host})... "));
            }
            call.sys.eprint(&text);
        }
        self.fetch = Some(Fetch::new(url.clone(), request, method == "HEAD", Some(connect), Some(until)));
        self.url = Some(url);
    }

    fn connected(&self, address: IpAddr, call: &mut Call<'_, '_>) {
        let Some(url) = self.url.as_ref().filter(|_| !self.quiet) else { return };
        let (host, port) = (&url.host, url.port);
        let text = if call.gnu() {
            let name = host.parse::<IpAddr>().is_err();
            let resolved = if name { format!("{address}\n") } else { String::new() };
            let shown = if name { format!("{host} ({host})|{address}|:{port}") } else { format!("{address}:{port}") };
            format!("{resolved}Connecting to {shown}... connected.\nHTTP request sent, awaiting response... ")
        } else {
            format!("Connecting to {} ({address}:{port})\n", url.authority())
        };
        call.sys.eprint(&text);
    }

    fn failed(&mut self, failure: &Failure, call: &mut Call<'_, '_>) -> i32 {
        let Some(url) = self.url.clone() else { return 1 };
        let host = &url.host;
        if call.gnu() {
            let (text, code) = match failure {
                Failure::Resolve => (
                    format!(
                        "{}wget: unable to resolve host address ‘{host}’\n",
                        if self.quiet { "" } else { "failed: Name or service not known.\n" }
                    ),
                    4,
                ),
                Failure::Connect(error) => {
                    let what = if *error == NetError::TimedOut { "Connection timed out" } else { error.message() };
                    (format!("Connecting to {host}:{}... failed: {what}.\n", url.port), 4)
                }
                Failure::TimedOut { .. } => {
                    (format!("Connecting to {host}:{}... failed: Connection timed out.\n", url.port), 4)
                }
                _ => ("No data received.\n".into(), 4),
            };
            if !self.quiet || matches!(failure, Failure::Resolve) {
                call.sys.eprint(&text);
            }
            return code;
        }
        let message = match failure {
            Failure::Resolve => format!("bad address '{host}'"),
            Failure::Connect(error) => {
                let address = host.clone();
                let what = if *error == NetError::TimedOut { "Connection timed out" } else { error.message() };
                format!("can't connect to remote host ({address}): {what}")
            }
            Failure::TimedOut { .. } => "download timed out".into(),
            Failure::Reset => "error getting response: Connection reset by peer".into(),
            Failure::Empty => "error getting response".into(),
            Failure::TooLarge => "file is too large".into(),
        };
        call.error(&message);
        1
    }

    fn finished(&mut self, response: &Response, call: &mut Call<'_, '_>) -> i32 {
        let Some(url) = self.url.clone() else { return 1 };
        let gnu = call.gnu();
        let status = response.head.lines().next().unwrap_or("").trim().to_owned();
        let reason = status.split_once(' ').map_or("", |(_, reason)| reason).to_owned();
        if self.headers_shown {
            let shown: String =
                response.head.lines().filter(|line| !line.is_empty()).map(|line| format!("  {line}\n")).collect();
            call.sys.eprint(&shown);
        } else if gnu && !self.quiet {
            call.sys.eprint(&format!("{reason}\n"));
        }
        if matches!(response.code, 301 | 302 | 303 | 307 | 308)
            && let Some(location) = response.header("location")
        {
            self.redirects += 1;
            if self.redirects > REDIRECTS_MAX {
                call.error("too many redirections");
                return 1;
            }
            if let Ok(next) = url.join(location) {
                if gnu && !self.quiet {
                    call.sys.eprint(&format!("Location: {location} [following]\n"));
                }
                self.begin(next, call);
            }
            return 0;
        }
        if response.code >= 400 {
            if gnu {
                let date = crate::tools::date::strftime("%Y-%m-%d %H:%M:%S", call.sys.now());
                if !self.quiet {
                    call.sys.eprint(&format!("{date} ERROR {}.\n\n", reason.replacen(' ', ": ", 1)));
                }
                return 8;
            }
            call.error(&format!("server returned error: {status}"));
            return 1;
        }
        if self.spider {
            if !gnu && !self.quiet {
                call.sys.eprint("remote file exists\n");
            }
            return 0;
        }
        let name = self.output.clone().unwrap_or_else(|| {
            let path = url.path.split('?').next().unwrap_or("");
            let name = path.rsplit('/').next().unwrap_or("");
            let name = if name.is_empty() { "index.html" } else { name };
            self.directory.as_ref().map_or_else(|| name.to_owned(), |directory| format!("{directory}/{name}"))
        });
        let length = response.body.len();
        if name == "-" {
            if !gnu && !self.quiet {
                call.sys.eprint("writing to stdout\n");
            }
            call.put(&response.body);
            call.flush();
            if !gnu && !self.quiet {
                call.sys.eprint(&format!("-                    100% |********************************| {length:5}  0:00:00 ETA\nwritten to stdout\n"));
            }
            return 0;
        }
        let path = call.sys.path(&name);
        if !gnu && self.output.is_none() && call.sys.files().exists(&path) {
            call.error(&format!("can't open '{name}': File exists"));
            return 1;
        }
        let device = path == "/dev/null";
        if let Err(error) = if device { Ok(()) } else { call.sys.files().write(&path, &response.body) } {
            call.error(&if gnu { format!("{name}: {error}") } else { format!("can't open '{name}': {error}") });
            return if gnu { 3 } else { 1 };
        }
        if !self.quiet {
            let text = if gnu {
                let date = crate::tools::date::strftime("%Y-%m-%d %H:%M:%S", call.sys.now());
                let kind = response
                    .header("content-type")
                    .map(|kind| format!(" [{}]", kind.split(';').next().unwrap_or(kind)));
                format!(
                    "Length: {length}{}\nSaving to: ‘{name}’\n\n{name:<19} 100%[===================>] {length:>7}  --.-KB/s    in 0s      \n\n{date} ({:.1} MB/s) - ‘{name}’ saved [{length}/{length}]\n\n",
                    kind.unwrap_or_default(),
                    (length as f64 / 10_000.0).max(0.1)
                )
            } else {
                format!(
                    "saving to '{name}'\n{name:<20} 100% |********************************| {length:5}  0:00:00 ETA\n'{name}' saved\n"
                )
            };
            call.sys.eprint(&text);
        }
        0
    }

    fn go_on(&mut self, call: &mut Call<'_, '_>) -> Result<Step, i32> {
        if !self.started {
            self.started = true;
            self.start(call)?;
        }
        let Some(mut fetch) = self.fetch.take() else {
            let Some(text) = self.urls.pop() else { return Err(self.code) };
            match Url::parse(&text) {
                Ok(url) => self.begin(url, call),
                Err(message) => {
                    let message = if call.gnu() {
                        format!("{text}: {message}.")
                    } else {
                        format!("not an http or ftp url: {text}")
                    };
                    call.error(&message);
                    self.code = 1;
                }
            }
            return Ok(Step::Continue);
        };
        match fetch.step(call.sys) {
            Progress::Wait(wait) => {
                self.fetch = Some(fetch);
                Ok(wait.into())
            }
            Progress::Connected(address) => {
                self.fetch = Some(fetch);
                self.connected(address, call);
                Ok(Step::Continue)
            }
            Progress::Failed(failure) => {
                if let (false, Failure::Connect(_)) = (call.gnu(), &failure)
                    && let Some(url) = self.url.as_ref().filter(|_| !self.quiet)
                {
                    let address = fetch.address().map(|address| address.to_string()).unwrap_or_default();
                    let line = format!("Connecting to {} ({address}:{})\n", url.authority(), url.port);
                    call.sys.eprint(&line);
                }
                self.code = self.failed(&failure, call);
                Ok(Step::Continue)
            }
            Progress::Done(response) => {
                let code = self.finished(&response, call);
                self.code = self.code.max(code);
                Ok(Step::Continue)
            }
        }
    }
}

impl Program for Wget {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, "wget");
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
