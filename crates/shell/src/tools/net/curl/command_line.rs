//! What `curl` is asked for.

use super::{Curl, VERSION};
use crate::tools::Call;
use crate::tools::options::Options;

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
    pub(super) fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
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
