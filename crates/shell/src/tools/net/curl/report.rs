//! What `curl` says of how an exchange went.

use super::super::http::{Failure, Response};
use super::Curl;
use crate::tools::Call;

impl Curl {
    pub(super) fn failed(&mut self, failure: &Failure, call: &mut Call<'_, '_>) -> i32 {
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

    /// The progress meter in its last state.
    pub(super) fn meter(&self, bytes: usize, call: &mut Call<'_, '_>) {
        call.flush();
        call.sys.eprint(&format!(
            "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0\r100 {bytes:5}  100 {bytes:5}    0     0  {:5}      0 --:--:-- --:--:-- --:--:-- {:5}\n",
            bytes * 100,
            bytes * 100,
        ));
    }

    pub(super) fn written_out(&self, format: &str, response: &Response, call: &Call<'_, '_>) -> String {
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
}
