//! `sysctl`: the kernel's settings, which are files in `/proc/sys`.

use super::Call;
use super::options::Options;
use crate::Errno;

const FOLDER: &str = "/proc/sys/";

pub(super) fn run(call: &mut Call<'_, '_>) -> i32 {
    let options =
        match Options::parse(call, "aAnewqp", &[("all", 'a'), ("values", 'n'), ("write", 'w'), ("ignore", 'e')]) {
            Ok(options) => options,
            Err(code) => return code,
        };
    let mut names = options.rest.clone();
    if options.any("aA") {
        names = all(call);
    } else if names.is_empty() {
        return call.usage_error("no variables specified");
    }
    let mut code = 0;
    for word in names {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (word.as_str(), None),
        };
        // The first separator tells which of the two is one: `net/ipv4/conf/eth0.1/forwarding`.
        let slashes = name.find(['.', '/']).is_some_and(|at| name.get(at..=at) == Some("/"));
        let swap = |c: char| match c {
            '.' => '/',
            '/' => '.',
            c => c,
        };
        let swapped: String = name.chars().map(swap).collect();
        let (shown, path) = if slashes { (swapped.as_str(), name) } else { (name, swapped.as_str()) };
        let file = format!("{FOLDER}{path}");
        let result = match value {
            Some(value) if call.sys.files().exists(&file) => {
                call.sys.files().write(&file, format!("{value}\n").as_bytes()).map(|()| value.to_owned())
            }
            Some(_) => Err(Errno::NotFound),
            None => call.sys.files().read_text(&file),
        };
        match result {
            Ok(text) => {
                for line in text.lines() {
                    call.print(&if options.has('n') { format!("{line}\n") } else { format!("{shown} = {line}\n") });
                }
            }
            Err(Errno::NotFound) if options.has('e') => {}
            Err(error) => {
                let doing = if value.is_some() { "setting" } else { "reading" };
                call.error(&match error {
                    Errno::NotFound if call.gnu() => format!("cannot stat {file}: {error}"),
                    Errno::NotFound => format!("error: '{shown}' is an unknown key"),
                    error if call.gnu() => format!("{doing} key \"{shown}\": {error}"),
                    error => format!("error {doing} key '{shown}': {error}"),
                });
                code = 1;
            }
        }
    }
    code
}

/// The names of all settings.
fn all(call: &mut Call<'_, '_>) -> Vec<String> {
    let mut names = Vec::new();
    let mut todo = vec![String::new()];
    while let Some(folder) = todo.pop() {
        let entries = call.sys.files().list(&format!("{FOLDER}{folder}")).unwrap_or_default();
        for entry in entries.into_iter().rev() {
            let path = format!("{folder}{}", entry.name);
            if entry.stat.is_dir() { todo.push(format!("{path}/")) } else { names.push(path) }
        }
    }
    names.reverse();
    names.iter().map(|name| name.replace('/', ".")).collect()
}
