//! What `curl` asks a server.

use base64::Engine as _;
use drydock_value::Time;

use super::super::http::{Fetch, Url};
use super::{Curl, VERSION};
use crate::tools::Call;

impl Curl {
    /// Begins the exchange with a URL.
    pub(super) fn begin(&mut self, url: Url, call: &mut Call<'_, '_>) {
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
}
