//! The options of openssl's commands: long words with one hyphen.

use super::Failure;

/// Names separated by spaces; `=` marks those with a value.
pub(super) type Spec = &'static str;

/// Names of digests, which stand as options of their own. Signatures are made with SHA-256 whatever is asked for.
const DIGESTS: &str = "sha256 sha1 md5 sha384 sha512";

/// What a call says.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// The command.
    pub command: &'static str,
    found: Vec<(String, String)>,
    /// What is no option.
    pub rest: Vec<String>,
}

impl Options {
    /// Reads a command's words.
    pub fn parse(command: &'static str, spec: Spec, words: &[String]) -> Result<Options, Failure> {
        let mut options = Options { command, ..Options::default() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix('-').filter(|name| !name.is_empty()) else {
                options.rest.push(word.clone());
                continue;
            };
            let name = name.strip_prefix('-').unwrap_or(name);
            if name == "help" {
                return Err(Failure::Said(help(command, spec)));
            }
            let known = |list: &str, name: &str| list.split(' ').any(|known| known == name);
            let value = match () {
                () if known(spec, &format!("{name}=")) => match words.next() {
                    Some(value) => value.clone(),
                    None => {
                        let message = format!("{command}: Option -{name} needs a value");
                        return Err(Failure::Said(format!("{message}\n{command}: Use -help for summary.")));
                    }
                },
                () if known(spec, name) || known(DIGESTS, name) => String::new(),
                () => {
                    let message = format!("{command}: Unknown option: -{name}");
                    return Err(Failure::Said(format!("{message}\n{command}: Use -help for summary.")));
                }
            };
            options.found.push((name.to_owned(), value));
        }
        Ok(options)
    }

    /// Whether an option was given.
    pub fn has(&self, name: &str) -> bool {
        self.found.iter().any(|(known, _)| known == name)
    }

    /// The last value of an option.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.found.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of an option.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.found.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The options without a value in the order in which they were given.
    pub fn flags(&self) -> impl Iterator<Item = &str> {
        self.found.iter().map(|(name, _)| name.as_str())
    }

    /// A number of an option.
    pub fn number(&self, name: &str, default: u64) -> Result<u64, Failure> {
        let Some(text) = self.value(name) else { return Ok(default) };
        text.parse().map_err(|_| {
            let command = self.command;
            Failure::Said(format!(
                "{command}: Non-positive number \"{text}\" for option -{name}\n{command}: Use -help for summary."
            ))
        })
    }
}

fn help(command: &str, spec: Spec) -> String {
    let lines: Vec<String> = spec
        .split(' ')
        .map(|name| match name.strip_suffix('=') {
            Some(name) => format!(" -{name} val"),
            None => format!(" -{name}"),
        })
        .collect();
    format!("Usage: {command} [options]\n\nValid options are:\n -help\n{}", lines.join("\n"))
}
