//! `curl`.

use base64::Engine as _;
use drydock_value::Time;

use super::http::{Failure, Fetch, Progress, Response, Url};
use crate::tools::Call;
use crate::tools::options::Options;
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

const LONG: &[(&str, char)] = &[
    ("silent", 's'),
    ("show-error", 'S'),
    ("fail", 'f'),
    ("fail-with-body", '1'),
    ("include", 'i'),
    ("head", 'I'),
    ("location", 'L'),
    ("verbose", 'v'),
    ("request", 'X'),
    ("data", 'd'),
    ("data-ascii", 'd'),
    ("data-binary", '2'),
    ("data-raw", '3'),
    ("data-urlencode", '4'),
    ("json", '5'),
    ("get", 'G'),
    ("header", 'H'),
    ("user", 'u'),
    ("user-agent", 'A'),
    ("referer", 'e'),
    ("output", 'o'),
    ("remote-name", 'O'),
    ("write-out", 'w'),
    ("max-time", 'm'),
    ("connect-timeout", '6'),
    ("retry", '7'),
    ("retry-delay", '8'),
    ("retry-connrefused", '9'),
    ("retry-all-errors", '9'),
    ("insecure", 'k'),
    ("cacert", 'C'),
    ("cert", 'E'),
    ("key", 'K'),
    ("cookie", 'b'),
    ("cookie-jar", 'c'),
    ("form", 'F'),
    ("upload-file", 'T'),
    ("compressed", 'z'),
    ("progress-bar", '#'),
    ("no-buffer", 'N'),
    ("no-progress-meter", 'p'),
    ("noproxy", 'x'),
    ("ipv4", 'J'),
    ("ipv6", 'j'),
    ("globoff", 'g'),
    ("http1.1", '0'),
    ("http2", '0'),
    ("url", 'U'),
    ("version", 'V'),
    ("resolve", 'R'),
    ("proxy", 'x'),
    ("create-dirs", 'D'),
    ("interface", 'P'),
];

impl Curl {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        let known = "sSf1iILvX:d:2:3:4:5:GH:u:A:e:o:Ow:m:6:7:8:9kC:E:K:b:c:F:T:z#Npx:Jj0gU:VR:DP:nZq";
        let options = Options::parse(call, known, LONG).map_err(|code| if code == 0 { 0 } else { 2 })?;
        for (letter, value) in options.all() {
            match letter {
                's' => self.silent = true,
                'S' => self.show_errors = true,
                'f' => self.fail = true,
                '1' => self.fail_with_body = true,
                'i' => self.include = true,
                'I' => self.head = true,
                'L' => self.follow = true,
                'v' => self.verbose = true,
                'X' => self.method = Some(value.to_owned()),
                'd' | '2' | '3' | '4' | '5' => self.add_data(letter, value, call)?,
                'G' => self.as_query = true,
                'H' => self.headers.push(value.to_owned()),
                'u' => self.user = Some(value.to_owned()),
                'A' => self.agent = Some(value.to_owned()),
                'e' => self.headers.push(format!("Referer: {value}")),
                'b' => self.headers.push(format!("Cookie: {value}")),
                'o' => self.outputs.push(value.to_owned()),
                'O' => self.remote_name = true,
                'w' => self.write_out = Some(value.to_owned()),
                'm' => self.max_time = seconds(value),
                '6' => self.connect_timeout = seconds(value),
                '7' => self.retries = value.parse().unwrap_or(0),
                '8' => self.retry_delay = seconds(value).unwrap_or(0),
                '9' => self.retry_refused = true,
                'U' => self.urls.push(value.to_owned()),
                'R' => self.resolved.push(value.to_owned()),
                'T' => {
                    self.method.get_or_insert_with(|| "PUT".into());
                    match call.sys.read_file(value) {
                        Ok(bytes) => self.data = Some(bytes),
                        Err(_) => {
                            call.error(&format!("cannot open '{value}'"));
                            return Err(26);
                        }
                    }
                }
                'F' => {
                    call.error("multipart forms are not supported here");
                    return Err(2);
                }
                'V' => {
                    call.print(&format!(
                        "curl {VERSION} (x86_64-pc-linux-gnu) libcurl/{VERSION}\nProtocols: http https\n"
                    ));
                    return Err(0);
                }
                _ => {}
            }
        }
        self.urls.extend(options.rest);
        if self.urls.is_empty() {
            call.sys.eprint(
                "curl: (2) no URL specified\ncurl: try 'curl --help' or 'curl --manual' for more information\n",
            );
            return Err(2);
        }
        Ok(())
    }

    fn add_data(&mut self, letter: char, value: &str, call: &mut Call<'_, '_>) -> Result<(), i32> {
        let mut bytes = match value.strip_prefix('@') {
            Some("-") if letter != '3' => {
                self.reads_input = true;
                Vec::new()
            }
            Some(name) if letter != '3' => match call.sys.read_file(name) {
                Ok(bytes) => bytes,
                Err(_) => {
                    call.sys.eprint(&format!(
                        "curl: Failed to open {name}\ncurl: option -d: error encountered when reading a file\n"
                    ));
                    return Err(26);
                }
            },
            _ => value.as_bytes().to_vec(),
        };
        if letter == 'd' && value.starts_with('@') {
            bytes.retain(|b| !matches!(b, b'\n' | b'\r'));
        }
        if letter == '4' {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            bytes = match text.split_once('=') {
                Some((name, value)) => format!("{name}={}", encode(value)).trim_start_matches('=').into(),
                None => encode(&text).into_bytes(),
            };
        }
        self.json |= letter == '5';
        match &mut self.data {
            Some(data) => {
                data.push(b'&');
                data.extend(bytes);
            }
            None => self.data = Some(bytes),
        }
        Ok(())
    }

    /// Begins the exchange with a URL.
    fn begin(&mut self, url: Url, call: &mut Call<'_, '_>) {
        let mut url = url;
        if self.as_query
            && let Some(data) = &self.data
        {
            let separator = if url.path.contains('?') { '&' } else { '?' };
            url.path.push(separator);
            url.path.push_str(&String::from_utf8_lossy(data));
        }
        let data = if self.as_query { None } else { self.data.clone() };
        let method = match &self.method {
            Some(method) => method.clone(),
            None if self.head => "HEAD".into(),
            None if data.is_some() => "POST".into(),
            None => "GET".into(),
        };
        let has = |curl: &Self, name: &str| {
            curl.headers
                .iter()
                .any(|header| header.split([':', ';']).next().is_some_and(|key| key.eq_ignore_ascii_case(name)))
        };
        let mut head = format!("{method} {} HTTP/1.1\r\n", url.path);
        if !has(self, "Host") {
            head.push_str(&format!("Host: {}\r\n", url.authority()));
        }
        if let Some(user) = self.user.as_ref().or(url.user.as_ref()) {
            let coded = base64::engine::general_purpose::STANDARD.encode(user);
            head.push_str(&format!("Authorization: Basic {coded}\r\n"));
        }
        if !has(self, "User-Agent") {
            let agent = self.agent.clone().unwrap_or_else(|| format!("curl/{VERSION}"));
            head.push_str(&format!("User-Agent: {agent}\r\n"));
        }
        if !has(self, "Accept") {
            head.push_str(if self.json { "Accept: application/json\r\n" } else { "Accept: */*\r\n" });
        }
        for header in &self.headers {
            // `Name:` takes a header away, `Name;` sends it empty.
            if let Some(name) = header.strip_suffix(';') {
                head.push_str(&format!("{name}:\r\n"));
            } else if header.split_once(':').is_some_and(|(_, value)| !value.trim().is_empty()) {
                head.push_str(&format!("{header}\r\n"));
            }
        }
        if let Some(data) = &data {
            head.push_str(&format!("Content-Length: {}\r\n", data.len()));
            if !has(self, "Content-Type") {
                let kind = if self.json { "application/json" } else { "application/x-www-form-urlencoded" };
                head.push_str(&format!("Content-Type: {kind}\r\n"));
            }
        }
        head.push_str("\r\n");
        let mut request = head.into_bytes();
        request.extend(data.unwrap_or_default());
        let now = call.sys.now();
        let after = |micros: Option<u64>| micros.map(|micros| Time(now.0.saturating_add(micros)));
        // As the operating system gives up on a connection.
        let connect = after(Some(self.connect_timeout.unwrap_or(134_000_000)));
        let mut dialled = url.clone();
        // `--resolve HOST:PORT:ADDRESS` says where a name is.
        for given in &self.resolved {
            let mut parts = given.trim_start_matches('+').splitn(3, ':');
            if let (Some(host), Some(port), Some(address)) = (parts.next(), parts.next(), parts.next())
                && (host == "*" || host.eq_ignore_ascii_case(&url.host))
                && port.parse() == Ok(url.port)
            {
                dialled.host = address.split(',').next().unwrap_or(address).trim_matches(['[', ']']).to_owned();
            }
        }
        self.fetch = Some(Fetch::new(dialled, request, method == "HEAD", connect, after(self.max_time)));
        self.url = Some(url);
    }

    fn failed(&mut self, failure: &Failure, call: &mut Call<'_, '_>) -> i32 {
        let Some(url) = self.url.clone() else { return 1 };
        let waited = call.sys.now().since(self.since).as_millis();
        let (code, text) = match failure {
            Failure::Resolve => (6, format!("Could not resolve host: {}", url.host)),
            Failure::Connect(error) => {
                let what = match error {
                    crate::NetError::TimedOut => "Connection timed out".to_owned(),
                    crate::NetError::Unreachable => "No route to host".into(),
                    _ => "Could not connect to server".into(),
                };
                let code = if *error == crate::NetError::TimedOut { 28 } else { 7 };
                (code, format!("Failed to connect to {} port {} after {waited} ms: {what}", url.host, url.port))
            }
            Failure::TimedOut { connecting: true, .. } => {
                (28, format!("Connection timed out after {waited} milliseconds"))
            }
            Failure::TimedOut { received, .. } => {
                (28, format!("Operation timed out after {waited} milliseconds with {received} bytes received"))
            }
            Failure::Reset => (56, "Recv failure: Connection reset by peer".into()),
            Failure::Empty => (52, "Empty reply from server".into()),
            Failure::TooLarge => (63, "Maximum file size exceeded".into()),
        };
        if self.verbose {
            call.sys.eprint(&format!("* {text}\n* closing connection #0\n"));
        }
        if !self.silent || self.show_errors {
            call.sys.eprint(&format!("curl: ({code}) {text}\n"));
        }
        code
    }

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

    /// The progress meter in its last state.
    fn meter(&self, bytes: usize, call: &mut Call<'_, '_>) {
        call.flush();
        call.sys.eprint(&format!(
            "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0\r100 {bytes:5}  100 {bytes:5}    0     0  {:5}      0 --:--:-- --:--:-- --:--:-- {:5}\n",
            bytes * 100,
            bytes * 100,
        ));
    }

    fn written_out(&self, format: &str, response: &Response, call: &Call<'_, '_>) -> String {
        let mut out = String::new();
        let mut rest = format;
        let elapsed = call.sys.now().since(self.since).as_micros() as f64 / 1e6;
        while let Some(c) = rest.chars().next() {
            if let Some(body) = rest.strip_prefix("%{")
                && let Some((name, after)) = body.split_once('}')
            {
                out.push_str(&match name {
                    "http_code" | "response_code" => format!("{:03}", response.code),
                    "size_download" => response.body.len().to_string(),
                    "size_header" => response.head.len().to_string(),
                    "content_type" => response.header("content-type").unwrap_or("").to_owned(),
                    "url_effective" | "url" => self.url.as_ref().map(ToString::to_string).unwrap_or_default(),
                    "redirect_url" => response.header("location").unwrap_or("").to_owned(),
                    "num_redirects" => self.redirects.to_string(),
                    "remote_ip" => response.address.map(|address| address.to_string()).unwrap_or_default(),
                    "remote_port" => self.url.as_ref().map(|url| url.port.to_string()).unwrap_or_default(),
                    "http_version" => "1.1".into(),
                    "method" => self.method.clone().unwrap_or_else(|| "GET".into()),
                    "scheme" => self.url.as_ref().map(|url| url.scheme.clone()).unwrap_or_default(),
                    "exitcode" => "0".into(),
                    "errormsg" => String::new(),
                    name if name.starts_with("time_") => format!("{elapsed:.6}"),
                    name => format!("%{{{name}}}"),
                });
                rest = after;
                continue;
            }
            if let Some(after) = rest.strip_prefix("%%") {
                out.push('%');
                rest = after;
                continue;
            }
            let escape = [("\\n", "\n"), ("\\t", "\t"), ("\\r", "\r")].iter().find(|(text, _)| rest.starts_with(text));
            if let Some((text, meant)) = escape {
                out.push_str(meant);
                rest = rest.get(text.len()..).unwrap_or("");
                continue;
            }
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or("");
        }
        out
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

fn seconds(text: &str) -> Option<u64> {
    text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0).map(|seconds| (seconds * 1e6) as u64)
}

fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
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
