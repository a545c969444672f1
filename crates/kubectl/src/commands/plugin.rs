//! `kubectl plugin`: programs on the PATH whose names begin with `kubectl-`.

use super::{Outcome, Waiting};
use crate::env::{ChildId, Env, Io, Spawn, Wait};
use crate::failure::Failure;
use crate::invocation::Invocation;

/// `kubectl plugin list`
///
/// # Errors
/// When there are none.
pub fn list(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let mut found: Vec<String> = Vec::new();
    let mut warnings = 0;
    let mut lines = String::new();
    for folder in inv.env.var("PATH").split(':').filter(|folder| !folder.is_empty()) {
        for name in io.files.list_dir(folder).unwrap_or_default() {
            if !name.starts_with("kubectl-") {
                continue;
            }
            let path = format!("{folder}/{name}");
            lines += &if inv.flags.bool("name-only") { format!("{name}\n") } else { format!("{path}\n") };
            if !io.files.is_executable(&path) {
                lines += &format!("  - warning: {path} identified as a kubectl plugin, but it is not executable\n");
                warnings += 1;
            }
            if found.contains(&name) {
                lines += &format!("  - warning: {name} is overshadowed by a similarly named plugin: {path}\n");
                warnings += 1;
            }
            found.push(name);
        }
    }
    if found.is_empty() {
        return Err("unable to find any kubectl plugins in your PATH".into());
    }
    io.print("The following compatible plugins are available:\n\n");
    io.print(lines);
    match warnings {
        0 => Ok(Outcome::Done),
        1 => Err("one plugin warning was found".into()),
        n => Err(format!("{n} plugin warnings were found").into()),
    }
}

/// Starts the plugin that a command line names, if there is one.
pub(crate) fn start(
    env: &Env,
    io: &mut Io<'_>,
    word: &str,
    rest: &[String],
) -> Option<Result<Box<dyn Waiting>, Failure>> {
    let words: Vec<&str> =
        std::iter::once(word).chain(rest.iter().map(String::as_str)).take_while(|w| !w.starts_with('-')).collect();
    for count in (1..=words.len()).rev() {
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
