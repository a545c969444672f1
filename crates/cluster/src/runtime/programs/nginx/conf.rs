//! nginx's configuration files: directives and blocks, and what of them the server acts on.

use drydock_shell::{Vfs, join};
use drydock_sorted::Sort;

/// A directive: its words, and what stands in its braces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directive {
    /// Name and arguments.
    pub words: Vec<String>,
    /// The directives of its block; none when it has no block.
    pub block: Option<Vec<Directive>>,
    /// Where it stands.
    pub line: usize,
}

/// What a server answers where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location {
    /// The path that it is for.
    pub path: String,
    /// `=`: this path and no other.
    pub exact: bool,
    /// `return`: code and text.
    pub answer: Option<(u16, String)>,
    /// `root`.
    pub root: Option<String>,
    /// `alias`.
    pub alias: Option<String>,
    /// `index`.
    pub index: Vec<String>,
    /// `try_files`.
    pub try_files: Vec<String>,
    /// `autoindex on`.
    pub autoindex: bool,
    /// `add_header`.
    pub headers: Vec<(String, String)>,
    /// `default_type`.
    pub default_type: Option<String>,
    /// `stub_status`.
    pub status: bool,
}

/// A `server` block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Server {
    /// Ports.
    pub listen: Vec<u16>,
    /// `server_name`.
    pub names: Vec<String>,
    /// What applies where no location says otherwise.
    pub base: Location,
    /// Its locations.
    pub locations: Vec<Location>,
    /// Whether `access_log off` is said.
    pub quiet: bool,
}

/// All that the server acts on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conf {
    /// The servers, in order.
    pub servers: Vec<Server>,
    /// Whether `daemon off` is said.
    pub foreground: bool,
}

/// Files included by files, no deeper.
const DEPTH_MAX: u32 = 8;

/// Names of directives: anything else is refused as nginx refuses it.
const KNOWN: &str = " absolute_redirect accept_mutex access_log add_header alias allow auth_basic auth_basic_user_file \
autoindex break charset client_body_buffer_size client_body_temp_path client_body_timeout client_header_buffer_size \
client_header_timeout client_max_body_size daemon default_type deny env error_log error_page etag events expires \
fastcgi_index fastcgi_param fastcgi_pass fastcgi_temp_path geo gzip gzip_comp_level gzip_min_length gzip_proxied \
gzip_types gzip_vary http if include index internal ip_hash keepalive keepalive_requests keepalive_timeout \
large_client_header_buffers least_conn limit_conn limit_conn_zone limit_except limit_rate limit_req limit_req_zone \
listen load_module location log_format log_not_found map master_process multi_accept open_file_cache pcre_jit pid \
port_in_redirect proxy_buffer_size proxy_buffering proxy_buffers proxy_busy_buffers_size proxy_cache \
proxy_cache_path proxy_cache_valid proxy_connect_timeout proxy_hide_header proxy_http_version proxy_next_upstream \
proxy_pass proxy_pass_request_headers proxy_read_timeout proxy_redirect proxy_send_timeout proxy_set_header \
proxy_ssl_verify proxy_temp_path real_ip_header resolver resolver_timeout return rewrite root satisfy \
scgi_temp_path send_timeout sendfile server server_name server_names_hash_bucket_size server_tokens set \
set_real_ip_from ssl_certificate ssl_certificate_key ssl_ciphers ssl_prefer_server_ciphers ssl_protocols \
ssl_session_cache ssl_session_timeout stream stub_status sub_filter sub_filter_once tcp_nodelay tcp_nopush \
try_files types types_hash_max_size underscores_in_headers upstream use user uwsgi_temp_path worker_connections \
worker_processes worker_rlimit_nofile worker_shutdown_timeout zone ";

/// Reads a configuration.
///
/// # Errors
/// What is wrong, in nginx's words, with file and line.
pub fn load(path: &str, files: &Vfs) -> Result<Conf, String> {
    let directives = read(path, files, 0)?;
    let mut conf = Conf::default();
    for directive in &directives {
        match directive.name() {
            "daemon" => conf.foreground |= directive.arg(1) == "off",
            "http" => http(directive, &mut conf),
            _ => {}
        }
    }
    Ok(conf)
}

impl Directive {
    fn name(&self) -> &str {
        self.arg(0)
    }

    fn arg(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    fn inside(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or_default()
    }

    fn rest(&self) -> Vec<String> {
        self.words.get(1..).unwrap_or_default().to_vec()
    }
}

fn read(path: &str, files: &Vfs, depth: u32) -> Result<Vec<Directive>, String> {
    let text = files.read_text(path).map_err(|error| {
        let number = if error == drydock_shell::Errno::Denied { 13 } else { 2 };
        format!("open() \"{path}\" failed ({number}: {error})")
    })?;
    let mut directives = parse(&text, path)?;
    expand(&mut directives, path, files, depth)?;
    Ok(directives)
}

/// Puts included files' directives in place of the `include`s, and refuses unknown names.
fn expand(directives: &mut Vec<Directive>, path: &str, files: &Vfs, depth: u32) -> Result<(), String> {
    let mut out = Vec::with_capacity(directives.len());
    for mut directive in directives.drain(..) {
        if directive.name() == "include" && depth < DEPTH_MAX {
            let wanted = join("/etc/nginx", directive.arg(1));
            match wanted.rsplit_once("/*") {
                Some((folder, ending)) => {
                    let list = files.list(if folder.is_empty() { "/" } else { folder }).unwrap_or_default();
                    for entry in
                        list.iter().filter(|entry| entry.name.ends_with(ending) && !entry.name.starts_with('.'))
                    {
                        out.extend(read(&join(folder, &entry.name), files, depth + 1)?);
                    }
                }
                None => {
                    let included = read(&wanted, files, depth + 1);
                    out.extend(included.map_err(|why| format!("{why} in {path}:{}", directive.line))?);
                }
            }
            continue;
        }
        if !KNOWN.contains(&format!(" {} ", directive.name())) {
            return Err(format!("unknown directive \"{}\" in {path}:{}", directive.name(), directive.line));
        }
        // What stands in these is data.
        if !matches!(directive.name(), "types" | "map" | "geo" | "upstream")
            && let Some(block) = &mut directive.block
        {
            expand(block, path, files, depth)?;
        }
        out.push(directive);
    }
    *directives = out;
    Ok(())
}

/// Splits a text into directives.
fn parse(text: &str, path: &str) -> Result<Vec<Directive>, String> {
    let mut stack: Vec<(Directive, Vec<Directive>)> = Vec::new();
    let mut level: Vec<Directive> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut line = 1;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | ' ' | '\t' | '\r' => {
                words.extend(word.take());
                line += usize::from(c == '\n');
            }
            '#' if word.is_none() => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' | '\'' if word.is_none() => {
                let mut quoted = String::new();
                loop {
                    match chars.next() {
                        Some('\\') => quoted.extend(chars.next()),
                        Some(end) if end == c => break,
                        Some(inner) => {
                            line += usize::from(inner == '\n');
                            quoted.push(inner);
                        }
                        None => {
                            return Err(format!("unexpected end of file, expecting \";\" or \"}}\" in {path}:{line}"));
                        }
                    }
                }
                word = Some(quoted);
            }
            ';' => {
                words.extend(word.take());
                if words.is_empty() {
                    return Err(format!("unexpected \";\" in {path}:{line}"));
                }
                level.push(Directive { words: std::mem::take(&mut words), block: None, line });
            }
            // `${name}` is a variable.
            '{' if word.as_deref().is_some_and(|w| w.ends_with('$')) => {
                let inside: String = std::iter::from_fn(|| chars.next_if(|c| *c != '}' && *c != '\n')).collect();
                chars.next_if_eq(&'}');
                word.get_or_insert_default().push_str(&inside);
            }
            '{' => {
                words.extend(word.take());
                if words.is_empty() {
                    return Err(format!("unexpected \"{{\" in {path}:{line}"));
                }
                let opened = Directive { words: std::mem::take(&mut words), block: None, line };
                stack.push((opened, std::mem::take(&mut level)));
            }
            '}' => {
                words.extend(word.take());
                if !words.is_empty() {
                    return Err(format!("unexpected \"}}\" in {path}:{line}"));
                }
                let Some((mut opened, outer)) = stack.pop() else {
                    return Err(format!("unexpected \"}}\" in {path}:{line}"));
                };
                opened.block = Some(std::mem::replace(&mut level, outer));
                level.push(opened);
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if !words.is_empty() {
        return Err(format!("unexpected end of file, expecting \";\" or \"}}\" in {path}:{line}"));
    }
    if !stack.is_empty() {
        return Err(format!("unexpected end of file, expecting \"}}\" in {path}:{line}"));
    }
    Ok(level)
}

fn http(block: &Directive, conf: &mut Conf) {
    let mut base = Location { index: vec!["index.html".into()], ..Location::default() };
    for directive in block.inside() {
        apply(directive, &mut base);
    }
    for directive in block.inside().iter().filter(|directive| directive.name() == "server") {
        conf.servers.push(server(directive, &base));
    }
}

fn server(block: &Directive, base: &Location) -> Server {
    let mut server = Server { base: base.clone(), ..Server::default() };
    for directive in block.inside() {
        match directive.name() {
            "listen" => {
                let address = directive.arg(1);
                let port = address.rsplit(':').next().and_then(|port| port.trim_end_matches(']').parse().ok());
                let port = port.unwrap_or(80);
                if !server.listen.contains(&port) {
                    server.listen.push(port);
                }
            }
            "server_name" => server.names.extend(directive.rest()),
            "access_log" => server.quiet = directive.arg(1) == "off",
            _ => apply(directive, &mut server.base),
        }
    }
    if server.listen.is_empty() {
        server.listen.push(80);
    }
    let base = server.base.clone();
    locations(block, &base, &mut server.locations);
    server
}

fn locations(block: &Directive, base: &Location, out: &mut Vec<Location>) {
    for directive in block.inside().iter().filter(|directive| directive.name() == "location") {
        let mut location = Location { answer: None, try_files: Vec::new(), ..base.clone() };
        match directive.arg(1) {
            "=" => {
                location.exact = true;
                location.path = directive.arg(2).into();
            }
            "^~" => location.path = directive.arg(2).into(),
            // Regular expressions are not matched.
            "~" | "~*" => continue,
            path => location.path = path.into(),
        }
        for inner in directive.inside() {
            apply(inner, &mut location);
        }
        locations(directive, &location, out);
        out.push(location);
    }
}

/// What one directive says about answers.
fn apply(directive: &Directive, to: &mut Location) {
    match directive.name() {
        "root" => {
            to.root = Some(directive.arg(1).into());
            to.alias = None;
        }
        "alias" => to.alias = Some(directive.arg(1).into()),
        "index" => to.index = directive.rest(),
        "try_files" => to.try_files = directive.rest(),
        "autoindex" => to.autoindex = directive.arg(1) == "on",
        "default_type" => to.default_type = Some(directive.arg(1).into()),
        "stub_status" => to.status = true,
        "add_header" => to.headers.push((directive.arg(1).into(), directive.arg(2).into())),
        "return" => {
            to.answer = match directive.arg(1).parse() {
                Ok(code) => Some((code, directive.arg(2).into())),
                Err(_) => Some((302, directive.arg(1).into())),
            };
        }
        // Nothing is proxied yet: the upstream does not answer.
        "proxy_pass" | "fastcgi_pass" => to.answer = Some((502, String::new())),
        _ => {}
    }
}

impl Conf {
    /// All ports, each once.
    pub fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.servers.iter().flat_map(|server| server.listen.iter().copied()).collect();
        ports.sort_compact();
        ports.dedup();
        ports
    }

    /// The server for a port and a `Host`.
    pub fn server(&self, port: u16, host: &str) -> Option<&Server> {
        let host = host.split(':').next().unwrap_or("");
        let mut here = self.servers.iter().filter(|server| server.listen.contains(&port));
        here.clone().find(|server| server.names.iter().any(|name| name == host)).or_else(|| here.next())
    }
}

impl Server {
    /// The location for a path: an exact one, else the longest that it begins with.
    pub fn location(&self, path: &str) -> &Location {
        let exact = self.locations.iter().find(|location| location.exact && location.path == path);
        let longest = || {
            let fits = |location: &&Location| !location.exact && path.starts_with(&location.path);
            self.locations.iter().filter(fits).max_by_key(|location| location.path.len())
        };
        exact.or_else(longest).unwrap_or(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(conf: &str) -> Result<Conf, String> {
        let mut files = Vfs::base();
        files.mkdir_all("/etc/nginx").unwrap();
        files.write("/etc/nginx/nginx.conf", conf.as_bytes()).unwrap();
        load("/etc/nginx/nginx.conf", &files)
    }

    #[test]
    fn servers_and_locations_are_read() {
        let conf = check(
            "daemon off; http { index a.html; server { listen 8080; listen [::]:8080; root /srv; # x\n\
             location / { try_files $uri =404; } location = /health { return 200 'ok\n'; } location /img/ { alias /i/; } } }",
        )
        .unwrap();
        assert!(conf.foreground);
        assert_eq!(conf.ports(), [8080]);
        let server = conf.server(8080, "any:8080").unwrap();
        assert_eq!(server.location("/health").answer, Some((200, "ok\n".into())));
        assert_eq!(server.location("/img/x.png").alias.as_deref(), Some("/i/"));
        assert_eq!(server.location("/x").try_files, ["$uri", "=404"]);
        assert_eq!(server.location("/x").root.as_deref(), Some("/srv"));
        assert_eq!(server.location("/x").index, ["a.html"]);
    }

    #[test]
    fn mistakes_are_told_in_nginx_words() {
        for (conf, message) in [
            ("http {", "unexpected end of file, expecting \"}\" in /etc/nginx/nginx.conf:1"),
            ("\nlisten 80", "unexpected end of file, expecting \";\" or \"}\" in /etc/nginx/nginx.conf:2"),
            ("frobnicate on;", "unknown directive \"frobnicate\" in /etc/nginx/nginx.conf:1"),
            ("http { }\n}", "unexpected \"}\" in /etc/nginx/nginx.conf:2"),
            ("include /nope;", "open() \"/nope\" failed (2: No such file or directory) in /etc/nginx/nginx.conf:1"),
        ] {
            assert_eq!(check(conf), Err(message.into()), "{conf}");
        }
    }
}
