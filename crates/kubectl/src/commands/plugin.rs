//! `kubectl plugin`: programs on the PATH whose names begin with `kubectl-`.

use super::{Outcome, Waiting};
use crate::env::{ChildId, Env, Io, Spawn, Wait};
use crate::failure::Failure;
use crate::flags::{CommandInfo, table};
use crate::invocation::Invocation;

/// `kubectl plugin list`
///
/// # Errors
/// When there are none.
pub fn list(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    // Names with where they were found first.
    let mut found: Vec<(String, String)> = Vec::new();
    let mut warnings = 0;
    let folders: Vec<String> = inv.env.var("PATH").split(':').map(str::to_owned).collect();
    for (at, folder) in folders.iter().enumerate() {
        if folder.trim().is_empty() || folders[..at].contains(folder) {
            continue;
        }
        let names = match io.files.list_dir(&inv.env.absolute(folder)) {
            Ok(names) => names,
            Err(why) => {
                io.eprintln(format!(
                    "Unable to read directory {folder:?} from your PATH: open {folder}: {why}. Skipping..."
                ));
                continue;
            }
        };
        for name in names.into_iter().filter(|name| name.starts_with("kubectl-")) {
            let path = format!("{folder}/{name}");
            if found.is_empty() {
                io.print("The following compatible plugins are available:\n\n");
            }
            io.println(if inv.flags.bool("name-only") { &name } else { &path });
            let mut problems = Vec::new();
            if !io.files.is_executable(&inv.env.absolute(&path)) {
                problems.push(format!("{path} identified as a kubectl plugin, but it is not executable"));
            }
            if let Some((_, first)) = found.iter().find(|(known, _)| *known == name) {
                problems.push(format!("{path} is overshadowed by a similarly named plugin: {first}"));
            } else {
                found.push((name.clone(), path));
            }
            if let Some(command) = overwritten(&name) {
                problems.push(format!("{name} overwrites existing command: {command:?}"));
            }
            warnings += problems.len();
            problems.iter().for_each(|problem| io.eprintln(format!("  - warning: {problem}")));
        }
    }
    match (found.len(), warnings) {
        (0, _) => Err("unable to find any kubectl plugins in your PATH".into()),
        (_, 0) => Ok(Outcome::Done),
        (_, 1) => Err("one plugin warning was found".into()),
        (_, n) => Err(format!("{n} plugin warnings were found").into()),
    }
}

/// The command that is meant by the words of a plugin's name, if there is one: it goes before the plugin.
fn overwritten(name: &str) -> Option<String> {
    let mut found: Option<&CommandInfo> = None;
    for word in name.split('-').skip(1) {
        let Some(next) = table().child(found.map_or("", |command| command.path), word) else { break };
        found = Some(next);
    }
    found.map(CommandInfo::full)
}

/// Starts the plugin that a command line names, if there is one; its name has so many words at least.
pub(crate) fn start(
    env: &Env,
    io: &mut Io<'_>,
    word: &str,
    rest: &[String],
    least: usize,
) -> Option<Result<Box<dyn Waiting>, Failure>> {
    let words: Vec<&str> =
        std::iter::once(word).chain(rest.iter().map(String::as_str)).take_while(|w| !w.starts_with('-')).collect();
    for count in (least..=words.len()).rev() {
        let name =
            format!("kubectl-{}", words[..count].iter().map(|w| w.replace('-', "_")).collect::<Vec<_>>().join("-"));
        let folders = env.var("PATH").split(':').filter(|folder| !folder.is_empty());
        let Some(path) = folders.map(|f| format!("{f}/{name}")).find(|path| io.files.is_executable(path)) else {
            continue;
        };
        let argv = std::iter::once(path).chain(rest.iter().skip(count - 1).cloned()).collect();
        let child = io.children.spawn(Spawn { argv, ..Spawn::default() });
        return Some(child.map(|child| Box::new(Running(child)) as Box<dyn Waiting>).map_err(Failure::from));
    }
    None
}

#[derive(Clone)]
struct Running(ChildId);

impl Waiting for Running {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        Ok(match io.children.poll(self.0) {
            Some(code) => Outcome::Exit(code),
            None => Outcome::Wait(Wait::child()),
        })
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        io.children.kill(self.0);
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn commands_go_before_plugins_of_their_name() {
        let cases = [
            ("kubectl-foo", None),
            ("kubectl-a_b-get", None),
            ("kubectl-version", Some("kubectl version")),
            ("kubectl-create-foo", Some("kubectl create")),
            ("kubectl-create-cronjob", Some("kubectl create cronjob")),
        ];
        for (name, command) in cases {
            assert_eq!(super::overwritten(name).as_deref(), command, "{name}");
        }
    }
}
