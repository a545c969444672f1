//! [`Failure`]: what can go wrong, and how kubectl prints it.

use drydock_api::Status;

/// Why a command failed. `?` on a [`Status`] or a `String` makes one.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The server's refusal: `Error from server (NotFound): pods "x" not found`.
    Status(Box<Status>),
    /// Any other error: `error: words`.
    Error(String),
    /// Printed as it is, without `error:` before it.
    Plain(String),
    /// A usage error: the words, then `See 'kubectl x -h' for help and examples`.
    Usage(String),
    /// No such resource type; group and version when they were given.
    NoResource {
        /// What was asked for.
        resource: String,
        /// Its group, or empty.
        group: String,
        /// Its version, or empty.
        version: String,
    },
    /// Several; each on its line.
    Many(Vec<Failure>),
    /// Words with an exit code of their own (exec, plugins, diff).
    Code(String, i32),
    /// Ends with this code; everything was said already.
    Exit(i32),
    /// The command needs all of standard input first. The driver collects it and runs the command again from its
    /// beginning: so a command reads standard input before it does anything that can be seen.
    WantStdin,
    /// Not yet: the command is run again from its beginning when one of these happens. As with
    /// [`Failure::WantStdin`], nothing that can be seen may have been done before. How long a command has waited so far,
    /// [`crate::invocation::Invocation::started`] tells.
    Later(crate::env::Wait),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure::Status(Box::new(status))
    }
}

impl From<String> for Failure {
    fn from(words: String) -> Failure {
        Failure::Error(words)
    }
}

impl From<&str> for Failure {
    fn from(words: &str) -> Failure {
        Failure::Error(words.to_owned())
    }
}

impl Failure {
    /// `the server doesn't have a resource type "x"`, as it is printed without `error:` before it.
    pub fn no_resource(resource: &str) -> Failure {
        Failure::NoResource { resource: resource.to_owned(), group: String::new(), version: String::new() }
    }

    /// One failure of several: none is `Ok`, one is itself.
    ///
    /// # Errors
    /// When there is any.
    pub fn all(mut failures: Vec<Failure>) -> Result<(), Failure> {
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.remove(0)),
            _ => Err(Failure::Many(failures)),
        }
    }

    /// The same, for commands that say them bare, be it one or several.
    ///
    /// # Errors
    /// When there are any.
    pub fn each(failures: Vec<Failure>) -> Result<(), Failure> {
        if failures.is_empty() { Ok(()) } else { Err(Failure::Many(failures)) }
    }

    /// The server's status, if it is one.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Failure::Status(status) => Some(status),
            _ => None,
        }
    }

    /// Whether the server answered with this reason.
    pub fn is(&self, reason: &str) -> bool {
        self.status().is_some_and(|status| status.is(reason))
    }

    /// Names the file that it came from: `error when creating "pod.yaml": words`.
    #[must_use]
    pub fn from_source(self, verb: &str, source: &str) -> Failure {
        if source.is_empty() {
            return self;
        }
        match self {
            Failure::Status(mut status) => {
                status.message = format!("error when {verb} {}: {}", quote(source), status.message);
                Failure::Status(status)
            }
            Failure::WantStdin | Failure::Later(_) => self,
            other => Failure::Error(format!("error when {verb} {}: {}", quote(source), other.words())),
        }
    }

    /// Puts words before it: `words: error`. It stays a status if it was one only in its words.
    #[must_use]
    pub fn context(self, words: &str) -> Failure {
        match self {
            Failure::WantStdin | Failure::Later(_) | Failure::Exit(_) => self,
            other => Failure::Error(format!("{words}: {}", other.words())),
        }
    }

    /// The bare words, as Go's `err.Error()`.
    pub fn words(&self) -> String {
        match self {
            Failure::Status(status) if status.code == 0 && !status.kind.is_empty() => {
                format!("{}: {}", status.kind, status.message)
            }
            Failure::Status(status) => status.message.clone(),
            Failure::Error(words) | Failure::Plain(words) | Failure::Usage(words) | Failure::Code(words, _) => {
                words.clone()
            }
            Failure::NoResource { resource, group, version } => {
                let mut words = format!("the server doesn't have a resource type {}", quote(resource));
                match (group.is_empty(), version.is_empty()) {
                    (false, false) => {
                        words += &format!(" in group {} and version {}", quote(group), quote(version));
                    }
                    (false, true) => words += &format!(" in group {}", quote(group)),
                    (true, false) => words += &format!(" in version {}", quote(version)),
                    (true, true) => {}
                }
                words
            }
            Failure::Many(failures) => {
                let mut words: Vec<String> = failures.iter().map(Failure::words).collect();
                if words.len() == 1 { words.remove(0) } else { format!("[{}]", words.join(", ")) }
            }
            Failure::Exit(_) => String::new(),
            Failure::WantStdin | Failure::Later(_) => "not yet".into(),
        }
    }

    /// As one of several errors: statuses with their reason, others bare.
    fn as_item(&self) -> String {
        match self {
            Failure::Status(status) => status_words(status),
            other => other.words(),
        }
    }

    /// What goes to standard error (without a line break at its end, unless the words have one), and the exit code.
    /// `command` is the whole command, such as `kubectl get`.
    pub fn render(&self, command: &str) -> (String, i32) {
        let text = match self {
            Failure::Exit(code) => return (String::new(), *code),
            Failure::Code(words, code) => return (words.clone(), *code),
            Failure::Status(status) if status.is("Invalid") => invalid_words(status),
            Failure::Status(status) => status_words(status),
            Failure::Plain(words) => words.clone(),
            Failure::NoResource { .. } => self.words(),
            Failure::Usage(words) => format!("error: {words}\nSee '{command} -h' for help and examples"),
            Failure::Many(failures) => match flatten(failures).as_slice() {
                [one @ (Failure::Code(..) | Failure::Exit(_) | Failure::NoResource { .. })] => {
                    return one.render(command);
                }
                each => each.iter().map(|failure| failure.as_item() + "\n").collect(),
            },
            other => {
                let words = other.words();
                if words.starts_with("error: ") { words } else { format!("error: {words}") }
            }
        };
        (text, 1)
    }
}

fn flatten(failures: &[Failure]) -> Vec<Failure> {
    let mut all = Vec::new();
    for failure in failures {
        match failure {
            Failure::Many(inner) => all.extend(flatten(inner)),
            other => all.push(other.clone()),
        }
    }
    all
}

fn status_words(status: &Status) -> String {
    if status.code == 0 {
        return connection_words(status);
    }
    match status.reason.as_str() {
        "Unauthorized" => format!("error: You must be logged in to the server ({})", status.message),
        "" | "Unknown" if status.reason.is_empty() => format!("Error from server: {}", status.message),
        reason => format!("Error from server ({reason}): {}", status.message),
    }
}

/// A server that was not reached. [`Status::name`] carries its host and port when the transport knows it.
fn connection_words(status: &Status) -> String {
    if status.message.contains("connection refused") {
        let host = if status.name.is_empty() { "localhost:8080" } else { &status.name };
        return format!("The connection to the server {host} was refused - did you specify the right host or port?");
    }
    format!("Unable to connect to the server: {}", status.message)
}

fn invalid_words(status: &Status) -> String {
    let mut words = "The request is invalid".to_owned();
    if !status.kind.is_empty() || !status.name.is_empty() {
        words = format!("The {} {} is invalid", status.kind, quote(&status.name));
    } else if !status.message.is_empty() && status.causes.is_empty() {
        words = format!("{words}: {}", status.message);
    }
    // Causes with the same words stand once, as in apimachinery's aggregates.
    let mut causes: Vec<String> = Vec::new();
    for cause in &status.causes {
        let text = format!("{}: {}", cause.field, cause.message);
        if !causes.contains(&text) {
            causes.push(text);
        }
    }
    match causes.as_slice() {
        [] => words,
        // A line break follows even where the words end with one.
        [one] => format!("{words}: {one}\n"),
        several => {
            let list: String = several.iter().map(|cause| format!("* {cause}\n")).collect();
            format!("{words}: \n{list}")
        }
    }
}

/// A string in Go's `%q`.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
