//! Python, as far as `python3 -m http.server` goes.

use drydock_shell::{Disposition, Program, Signal, Step, Sys, join};

use super::http::{self, Answer, Incoming, Response, Server};

/// The interpreter.
#[derive(Debug, Clone, Default)]
pub struct Python {
    server: Server,
    root: String,
    running: bool,
    end: bool,
}

impl Program for Python {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.end {
            sys.eprint("\nKeyboard interrupt received, exiting.\n");
            return Step::Exit(0);
        }
        if self.running {
            let mut server = std::mem::take(&mut self.server);
            server.serve(sys, &mut Folder { root: &self.root });
            self.server = server;
            return self.server.wait().into();
        }
        let args = sys.args();
        let words: Vec<&str> = args.iter().skip(1).map(String::as_str).filter(|word| *word != "-u").collect();
        match words.as_slice() {
            ["-m", "http.server", rest @ ..] => {
                let port = rest.iter().find_map(|word| word.parse().ok()).unwrap_or(8000);
                let folder = rest.iter().position(|word| matches!(*word, "-d" | "--directory"));
                let folder = folder.and_then(|at| rest.get(at + 1)).copied().unwrap_or(".");
                self.root = sys.path(folder);
                if self.server.listen(port, sys).is_err() {
                    sys.eprint("OSError: [Errno 98] Address already in use\n");
                    return Step::Exit(1);
                }
                sys.print(&format!("Serving HTTP on 0.0.0.0 port {port} (http://0.0.0.0:{port}/) ...\n"));
                self.running = true;
                Step::Continue
            }
            ["--version" | "-V"] => {
                let version = sys.env("PYTHON_VERSION").unwrap_or_else(|| "3.13.7".into());
                sys.print(&format!("Python {version}\n"));
                Step::Exit(0)
            }
            [] if !sys.is_tty(0) => Step::Exit(0),
            _ => {
                sys.eprint("python3: this program is not simulated, except for -m http.server\n");
                Step::Exit(126)
            }
        }
    }

    fn signal(&mut self, signal: Signal, _sys: &mut Sys<'_>) -> Disposition {
        if signal == Signal::Int && self.running {
            self.end = true;
            return Disposition::Handled;
        }
        Disposition::Default
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

struct Folder<'a> {
    root: &'a str,
}

impl Answer for Folder<'_> {
    fn answer(&mut self, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Response {
        let request = incoming.request;
        let path = http::decode(request.path());
        let file = join("/", &format!("{}{path}", self.root));
        let index = join(&file, "index.html");
        let response = if sys.files().is_dir(&file) && sys.files().exists(&index) {
            read(&index, sys)
        } else if sys.files().is_dir(&file) {
            let mut text = format!(
                "<!DOCTYPE HTML>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Directory listing for {path}</title>\n</head>\n<body>\n<h1>Directory listing for {path}</h1>\n<hr>\n<ul>\n"
            );
            for entry in sys.files().list(&file).unwrap_or_default() {
                let name = format!("{}{}", entry.name, if entry.stat.is_dir() { "/" } else { "" });
                text.push_str(&format!("<li><a href=\"{name}\">{name}</a></li>\n"));
            }
            text.push_str("</ul>\n<hr>\n</body>\n</html>\n");
            Response::new(200, "text/html; charset=utf-8", text)
        } else {
            read(&file, sys)
        };
        let client = incoming.peer.map_or_else(|| "-".into(), |(ip, _)| ip.to_string());
        let date = http::log_date(sys.now());
        let date = date.split(" +").next().unwrap_or("").replacen(':', " ", 1);
        let line = format!(
            "{client} - - [{date}] \"{} {} {}\" {} -\n",
            request.method, request.target, request.version, response.code
        );
        sys.eprint(&line);
        response
    }
}

fn read(file: &str, sys: &mut Sys<'_>) -> Response {
    match sys.files().read(file) {
        Ok(bytes) => {
            let kind = http::content_type(file).unwrap_or("application/octet-stream");
            Response::new(200, kind, bytes.as_slice())
        }
        Err(_) => {
            Response::new(404, "text/html;charset=utf-8", "<p>Error code: 404</p>\n<p>Message: File not found.</p>\n")
        }
    }
}
