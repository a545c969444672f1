//! [`Command`]: one running kubectl, as a state machine.

use drydock_value::{Time, Value};

use crate::commands::{self, Outcome, Waiting};
use crate::env::{Env, Files, Input, Io, Step, Wait};
use crate::failure::Failure;
use crate::flags::{self, ALPHA, Parsed, Refusal, table};
use crate::help;
use crate::invocation::Invocation;
use crate::kuberc;
use crate::verbose;

/// One running kubectl. Plain data: it can be cloned in the middle of a wait.
#[derive(Clone)]
pub struct Command {
    env: Env,
    stdin: Vec<u8>,
    started: Time,
    /// Whether what is to be said of the preferences was said.
    told: bool,
    /// Whether `-v` has told where the command begins.
    begun: bool,
    state: State,
}

enum State {
    Start,
    ReadingStdin,
    /// The command is to be run again, with this standard input if it was read.
    Later(Option<Vec<u8>>),
    Running(String, Box<dyn Waiting>),
    Done(i32),
}

impl Clone for State {
    fn clone(&self) -> State {
        match self {
            State::Start => State::Start,
            State::ReadingStdin => State::ReadingStdin,
            State::Later(stdin) => State::Later(stdin.clone()),
            State::Running(name, waiting) => State::Running(name.clone(), waiting.clone_box()),
            State::Done(code) => State::Done(*code),
        }
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("args", &self.env.args).finish_non_exhaustive()
    }
}

/// Takes a command line apart after the user's preferences.
fn read(found: &mut kuberc::Found, env: &Env) -> Result<Result<Parsed, Refusal>, String> {
    let alias = kuberc::expand(&found.preferences, &env.args)?;
    let mut parsed = flags::parse(alias.as_ref().unwrap_or(&env.args));
    if let (Ok(parsed), None) = (&mut parsed, &alias) {
        kuberc::defaults(&found.preferences, parsed, &mut found.warning)?;
    }
    Ok(parsed)
}

/// The command line as it will be run, with the user's aliases and defaults; None when it will not.
pub fn parsed(env: &Env, files: &mut dyn Files) -> Option<Parsed> {
    let mut found = kuberc::load(env, files).ok()?;
    read(&mut found, env).ok()?.ok()
}

/// Which programs the preferences let hand out credentials: `credentialPluginPolicy` and `credentialPluginAllowlist`.
pub fn credential_policy(env: &Env, files: &mut dyn Files) -> Value {
    kuberc::load(env, files).map(|found| found.preferences).unwrap_or_default()
}

/// What `--profile` can measure.
const PROFILES: [&str; 7] = ["none", "cpu", "heap", "goroutine", "threadcreate", "block", "mutex"];

impl Command {
    /// A command line that is about to run.
    pub fn new(env: Env) -> Command {
        Command { env, stdin: Vec::new(), started: Time::default(), told: false, begun: false, state: State::Start }
    }

    /// Goes on until the command waits or ends.
    pub fn step(&mut self, io: &mut Io<'_>) -> Step {
        match &mut self.state {
            State::Done(code) => Step::Exit(*code),
            State::Start => {
                self.started = io.now;
                self.start(io, None)
            }
            State::Later(stdin) => {
                let stdin = stdin.take();
                self.start(io, stdin)
            }
            State::ReadingStdin => loop {
                match io.stdin.take() {
                    Input::Data(bytes) => self.stdin.extend(bytes),
                    Input::Pending => return Step::Wait(Wait { stdin: true, ..Wait::default() }),
                    Input::End => {
                        let stdin = std::mem::take(&mut self.stdin);
                        return self.start(io, Some(stdin));
                    }
                }
            },
            State::Running(name, waiting) => {
                let name = name.clone();
                match waiting.step(io) {
                    Ok(Outcome::Done) => self.finish(0),
                    Ok(Outcome::Exit(code)) => self.finish(code),
                    Ok(Outcome::Wait(wait)) => Step::Wait(wait),
                    Ok(Outcome::Continue) => Step::Continue,
                    Ok(Outcome::Waiting(next)) => {
                        *waiting = next;
                        Step::Continue
                    }
                    Err(failure) => self.fail(io, &name, &failure),
                }
            }
        }
    }

    /// Ctrl-C: a waiting command may end in its own way; others end at once. Answers the exit code.
    pub fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        let code = match &mut self.state {
            State::Running(_, waiting) => waiting.interrupt(io),
            State::Done(code) => *code,
            _ => 130,
        };
        self.state = State::Done(code);
        code
    }

    fn finish(&mut self, code: i32) -> Step {
        self.state = State::Done(code);
        Step::Exit(code)
    }

    fn fail(&mut self, io: &mut Io<'_>, name: &str, failure: &Failure) -> Step {
        let (text, code) = failure.render(name);
        if !text.is_empty() {
            io.eprint(&text);
            if !text.ends_with('\n') {
                io.eprint("\n");
            }
        }
        self.finish(code)
    }

    fn unfit(&mut self, io: &mut Io<'_>, why: &str) -> Step {
        io.eprintln(format!("error occurred while applying preferences {why}"));
        self.finish(1)
    }

    fn start(&mut self, io: &mut Io<'_>, stdin: Option<Vec<u8>>) -> Step {
        let mut found = match kuberc::load(&self.env, io.files) {
            Ok(found) => found,
            Err(why) => return self.unfit(io, &why),
        };
        let parsed = match read(&mut found, &self.env) {
            Ok(parsed) => parsed,
            Err(why) => {
                self.tell(io, &found);
                return self.unfit(io, &why);
            }
        };
        self.tell(io, &found);
        // Plugins may add to what `create` makes.
        if let [create, kind, ..] = self.env.args.as_slice()
            && create == "create"
            && table().child("create", kind).is_none()
            && let Some(Ok(waiting)) = commands::plugin::start(&self.env, io, create, &self.env.args[1..], 2)
        {
            self.state = State::Running("kubectl".into(), waiting);
            return Step::Continue;
        }
        let parsed = match parsed {
            Ok(parsed) if parsed.command.path.starts_with("kuberc") && !kuberc::exists(&self.env) => {
                return self.unknown(io, "kuberc", &[]);
            }
            Ok(parsed) => parsed,
            Err(Refusal::Flag(words, "diff")) => {
                io.eprintln(format!("error: {words}\nSee 'kubectl diff -h' for help and examples"));
                return self.finish(2);
            }
            Err(Refusal::Flag(words, path)) => {
                let name = table().command(path).map_or("kubectl".into(), flags::CommandInfo::full);
                io.eprintln(format!("error: {words}\nSee '{name} --help' for usage."));
                return self.finish(1);
            }
            Err(Refusal::Command(word, rest)) => {
                // Whoever looks for a plugin takes no flags before its name.
                let first = self.env.args.first().filter(|first| first.starts_with('-'));
                if let Some(first) = first.filter(|_| !matches!(word.as_str(), "help" | "options" | "alpha")) {
                    io.eprintln(format!("Error: flags cannot be placed before plugin name: {first}"));
                    return self.finish(1);
                }
                return self.unknown(io, &word, &rest);
            }
        };
        let hidden = ALPHA.iter().find(|(path, flag, variable)| {
            parsed.command.path == *path && parsed.flags.given(flag) && self.env.var(variable) != "true"
        });
        let without = !kuberc::exists(&self.env) && parsed.flags.given("kuberc");
        if let Some(flag) = hidden.map(|row| row.1).or(without.then_some("kuberc")) {
            let name = parsed.command.full();
            io.eprintln(format!("error: unknown flag: --{flag}\nSee '{name} --help' for usage."));
            return self.finish(1);
        }
        for (name, why) in parsed.deprecated.iter().filter(|(_, why)| !why.is_empty()) {
            io.eprintln(format!("Flag --{name} has been deprecated, {why}"));
        }
        // kubectl alone is no command: it shows its help, as -h does for all.
        if parsed.help || parsed.command.path.is_empty() {
            io.print(help::of(parsed.command, &self.env));
            return self.finish(0);
        }
        let name = parsed.command.full();
        match self.run(io, parsed, stdin.clone()) {
            Ok(Outcome::Done | Outcome::Wait(_) | Outcome::Continue) => self.finish(0),
            Ok(Outcome::Exit(code)) => self.finish(code),
            Ok(Outcome::Waiting(waiting)) => {
                self.state = State::Running(name, waiting);
                Step::Continue
            }
            Err(Failure::WantStdin) => {
                self.state = State::ReadingStdin;
                Step::Continue
            }
            Err(Failure::Later(wait)) => {
                self.state = State::Later(stdin);
                Step::Wait(wait)
            }
            Err(failure) => self.fail(io, &name, &failure),
        }
    }

    /// Says once what is to be said of the preferences.
    fn tell(&mut self, io: &mut Io<'_>, found: &kuberc::Found) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        if verbose::level(&self.env.args) >= 5 {
            for (place, note) in &found.notes {
                let head = verbose::klog(io, 'I', place);
                io.eprintln(format!("{head}{note}"));
            }
        }
        io.eprint(&found.warning);
    }

    fn run(&mut self, io: &mut Io<'_>, parsed: Parsed, stdin: Option<Vec<u8>>) -> Result<Outcome, Failure> {
        let path = parsed.command.path;
        let Some(spec) = commands::spec(path) else {
            if table().children(path).next().is_some() {
                return commands::group(&self.env, io, &parsed);
            }
            return Err(format!("kubectl {path} is not supported yet").into());
        };
        if let Some(flag) = parsed.flags.names().find(|flag| !spec.acts_on(flag)) {
            return Err(format!("--{flag} is not supported by kubectl {path} yet").into());
        }
        help::required(&parsed)?;
        // That of `debug` is another.
        let profile = if path == "debug" { "none" } else { parsed.flags.str("profile") };
        if !PROFILES.contains(&profile) {
            return Err(format!("unknown profile '{profile}'").into());
        }
        let level = parsed.flags.int("v");
        let alone = ["config", "completion", "kuberc", "kustomize", "plugin"];
        let asks = !path.split(' ').next().is_some_and(|first| alone.contains(&first));
        if level > 0 && asks && !std::mem::replace(&mut self.begun, true) {
            let files = crate::kubeconfig::Kubeconfig::load(&parsed.flags, &self.env, io.files)?;
            let there: Vec<&str> =
                files.files.iter().filter(|(_, config)| config.is_some()).map(|(path, _)| path.as_str()).collect();
            verbose::begin(level, &there, io);
        }
        let mut invocation = Invocation::new(self.env.clone(), spec, parsed, stdin, self.started);
        let outcome = (spec.run)(&mut invocation, io)?;
        match (&outcome, invocation.warnings_to_refuse()) {
            (Outcome::Done | Outcome::Exit(0), 1) => Err("1 warning received".into()),
            (Outcome::Done | Outcome::Exit(0), count @ 2..) => Err(format!("{count} warnings received").into()),
            _ => Ok(outcome),
        }
    }

    /// What the scripts of `completion` ask: words, and how a shell should go on with them.
    fn complete(&mut self, io: &mut Io<'_>, env: &Env) -> Step {
        let words = crate::complete(env, io);
        words.iter().for_each(|word| io.println(word));
        let goes_on = |word: &String| word.ends_with(['=', '/', '.', ':']);
        let (number, directive) = match words.as_slice() {
            [] => (0, "ShellCompDirectiveDefault"),
            words if words.iter().all(goes_on) => (6, "ShellCompDirectiveNoSpace, ShellCompDirectiveNoFileComp"),
            _ => (4, "ShellCompDirectiveNoFileComp"),
        };
        io.println(format!(":{number}"));
        io.eprintln(format!("Completion ended with directive: {directive}"));
        self.finish(0)
    }

    /// A word that is no command: a plugin of that name, or an error with suggestions.
    fn unknown(&mut self, io: &mut Io<'_>, word: &str, rest: &[String]) -> Step {
        match word {
            "help" => {
                match help::by_words(rest, &self.env) {
                    Ok(text) => io.print(text),
                    Err(text) => io.eprint(text),
                }
                self.finish(0)
            }
            "alpha" => {
                io.eprintln("No alpha commands are available in this version of kubectl");
                self.finish(0)
            }
            "__complete" | "__completeNoDesc" => {
                let env = Env { args: rest.to_vec(), ..self.env.clone() };
                self.complete(io, &env)
            }
            "options" => {
                io.print(help::options());
                self.finish(0)
            }
            _ => match commands::plugin::start(&self.env, io, word, rest, 1) {
                Some(Ok(waiting)) => {
                    self.state = State::Running("kubectl".into(), waiting);
                    Step::Continue
                }
                Some(Err(failure)) => self.fail(io, "kubectl", &failure),
                None => {
                    io.eprintln(help::unknown_command(word));
                    self.finish(1)
                }
            },
        }
    }
}
