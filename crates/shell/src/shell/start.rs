//! How a shell starts: its options, its script, its arguments.

use drydock_sorted::SortedMap;
use std::collections::VecDeque;
use std::sync::Arc;

use drydock_value::Time;

use super::edit::History;
use super::frames::{Frame, Source, SourceKind};
use super::vars::Vars;
use super::{Dialect, Flags, Shell};
use crate::{Errno, Flavour, Sys};

impl Shell {
    /// A shell that takes its options, script and arguments from the process's words. Whose words it speaks is told by
    /// its name and the machine's [`Flavour`].
    pub fn new() -> Shell {
        Shell::with_dialect(Dialect::Bash)
    }

    pub(super) fn with_dialect(dialect: Dialect) -> Shell {
        Shell {
            started: false,
            dialect,
            name: "sh".into(),
            positional: Arc::default(),
            vars: Vars::default(),
            functions: Arc::default(),
            aliases: Arc::default(),
            options: Flags::default(),
            status: 0,
            pipe_status: Vec::new(),
            substitution_status: None,
            substituted: None,
            stack: Vec::new(),
            unwind: None,
            line: 1,
            script: String::new(),
            interactive: false,
            login: false,
            subshell: 0,
            substitution_depth: 0,
            may_exec: false,
            failure_is_fine: false,
            functions_deep: 0,
            traps: SortedMap::new(),
            pending: VecDeque::new(),
            main_pid: 0,
            pid: 0,
            parent: 0,
            uid: 0,
            now: Time::default(),
            since: Time::default(),
            random: 0,
            background: None,
            jobs: Vec::new(),
            reaped: SortedMap::new(),
            killed: SortedMap::new(),
            directories: Vec::new(),
            getopts_at: 0,
            process_fds: Vec::new(),
            history: History::default(),
        }
    }

    /// Reads the process's words and puts what is to be done on the stack. An exit code: that was all.
    pub(super) fn start(&mut self, sys: &mut Sys<'_>) -> Option<i32> {
        let argv = sys.args().as_ref().clone();
        let mut words = argv.into_iter();
        self.name = words.next().unwrap_or_else(|| "sh".into());
        self.login = self.name.starts_with('-');
        let base = self.name.rsplit('/').next().unwrap_or("sh").trim_start_matches('-').to_owned();
        self.dialect = match (base.as_str(), sys.flavour()) {
            ("bash", _) => Dialect::Bash,
            ("ash", _) | (_, Flavour::Busybox) => Dialect::Ash,
            _ => Dialect::Dash,
        };
        self.main_pid = sys.pid();
        self.parent = sys.parent();
        self.uid = sys.user().uid;
        self.since = self.now;
        self.random = (u64::from(self.pid) << 32) ^ self.now.0;
        self.start_variables(sys);

        let mut words: VecDeque<String> = words.collect();
        let (mut command, mut interactive, mut from_stdin) = (false, false, false);
        while let Some(word) = words.front() {
            let word = word.clone();
            match word.as_str() {
                "--" | "-" => {
                    words.pop_front();
                    break;
                }
                "--login" => self.login = true,
                "--version" if self.dialect == Dialect::Bash => {
                    sys.print("GNU bash, version 5.2.37(1)-release (x86_64-pc-linux-gnu)\n");
                    return Some(0);
                }
                "--norc" | "--noprofile" | "--posix" | "--restricted" => {}
                "--rcfile" | "--init-file" => {
                    words.pop_front();
                }
                _ if word.len() > 1 && (word.starts_with('-') || word.starts_with('+')) => {
                    let on = word.starts_with('-');
                    for letter in word.chars().skip(1) {
                        match letter {
                            'c' => command = true,
                            'i' => interactive = true,
                            's' => from_stdin = true,
                            'l' => self.login = true,
                            'o' | 'O' => {
                                words.pop_front();
                                let name = words.front().cloned().unwrap_or_default();
                                if !self.set_option(&name, on) && !self.set_shopt(&name, on) {
                                    sys.eprint(&format!("{base}: {name}: invalid option name\n"));
                                    return Some(2);
                                }
                            }
                            letter if self.set_flag(letter, on) => {}
                            letter => {
                                let sign = if on { '-' } else { '+' };
                                sys.eprint(&format!("{base}: {sign}{letter}: invalid option\n"));
                                return Some(2);
                            }
                        }
                    }
                }
                _ => break,
            }
            words.pop_front();
        }
        if command {
            let Some(text) = words.pop_front() else {
                sys.eprint(&match self.dialect {
                    Dialect::Bash => format!("{base}: -c: option requires an argument\n"),
                    _ => format!("{base}: -c requires an argument\n"),
                });
                return Some(2);
            };
            if let Some(name) = words.pop_front() {
                self.name = name;
            }
            self.positional = Arc::new(words.into());
            self.may_exec = true;
            self.push_text(text.trim_end_matches(['\n', ' ']), SourceKind::Text);
            return None;
        }
        if !from_stdin && let Some(script) = words.pop_front() {
            self.positional = Arc::new(words.into());
            return self.start_script(script, sys);
        }
        self.positional = Arc::new(words.into());
        if interactive || (sys.is_tty(0) && sys.is_tty(2)) {
            self.start_interactive(sys);
        } else {
            self.stack.push(Frame::Stdin(Box::default()));
        }
        None
    }

    fn start_script(&mut self, script: String, sys: &mut Sys<'_>) -> Option<i32> {
        let path = sys.path(&script);
        let read = match sys.files().read(&path) {
            // bash looks for scripts in PATH too.
            Err(Errno::NotFound) if !script.contains('/') => {
                let search = self.vars.text("PATH").unwrap_or_default().to_owned();
                match sys.find(&script, &search) {
                    Ok(found) => sys.files().read(&found),
                    Err(_) => Err(Errno::NotFound),
                }
            }
            Err(_) => sys.read_file(&script).map(Arc::new),
            read => read,
        };
        match read {
            Ok(text) if text.starts_with(b"\x7fELF") => {
                sys.eprint(&format!("{script}: {script}: cannot execute binary file\n"));
                Some(126)
            }
            Ok(text) => {
                self.name = script.clone();
                self.script = script;
                let text = Arc::new(text.as_ref().clone());
                let kind = SourceKind::Script;
                self.stack.push(Frame::Source(Source { text, at: 0, line: 1, kind, outer: None }));
                None
            }
            Err(error) => {
                let name = &self.name;
                sys.eprint(&match self.dialect {
                    Dialect::Bash if error == Errno::IsDir => format!("{script}: {script}: Is a directory\n"),
                    Dialect::Bash => format!("{name}: {script}: {error}\n"),
                    Dialect::Ash => format!("{name}: can't open '{script}': {error}\n"),
                    Dialect::Dash => {
                        let text = if error == Errno::NotFound { "No such file" } else { error.message() };
                        format!("{name}: 0: cannot open {script}: {text}\n")
                    }
                });
                Some(match (error, self.dialect) {
                    (Errno::NotFound, Dialect::Bash) => 127,
                    (_, Dialect::Bash) => 126,
                    _ => 2,
                })
            }
        }
    }

    fn start_variables(&mut self, sys: &mut Sys<'_>) {
        self.vars = Vars::from_env(&sys.environment(), self.dialect == Dialect::Dash);
        let cwd = sys.cwd();
        let inherited = self.vars.text("PWD").is_some_and(|pwd| pwd == cwd);
        if !inherited {
            self.vars.set("PWD", &cwd);
        }
        self.vars.entry("PWD").exported = true;
        self.vars.set("IFS", " \t\n");
        self.vars.entry("IFS").exported = false;
        self.vars.set("OPTIND", "1");
        self.vars.set("PS4", "+ ");
        if self.vars.get("PATH").is_none() {
            self.vars.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        }
        if self.dialect == Dialect::Bash {
            let level = self.vars.text("SHLVL").and_then(|level| level.parse::<u32>().ok()).unwrap_or(0);
            self.vars.set("SHLVL", &(level + 1).to_string());
            self.vars.entry("SHLVL").exported = true;
            self.vars.set("BASH", "/usr/bin/bash");
            self.vars.set("BASH_VERSION", "5.2.37(1)-release");
            let hostname = sys.hostname().to_owned();
            self.vars.set("HOSTNAME", &hostname);
            self.vars.set("OSTYPE", "linux-gnu");
            self.vars.set("HOSTTYPE", "x86_64");
            self.vars.set("MACHTYPE", "x86_64-pc-linux-gnu");
        } else if self.vars.text("HOSTNAME").is_none() && self.dialect == Dialect::Ash {
            let hostname = sys.hostname().to_owned();
            self.vars.set("HOSTNAME", &hostname);
        }
        self.options = Flags { expand_aliases: self.dialect != Dialect::Bash, ..Flags::default() };
    }

    /// Sets a one-letter option.
    pub(super) fn set_flag(&mut self, letter: char, on: bool) -> bool {
        let flag = match letter {
            'a' => &mut self.options.allexport,
            'C' => &mut self.options.noclobber,
            'e' => &mut self.options.errexit,
            'f' => &mut self.options.noglob,
            'm' => &mut self.options.monitor,
            'n' => &mut self.options.noexec,
            'u' => &mut self.options.nounset,
            'v' => &mut self.options.verbose,
            'x' => &mut self.options.xtrace,
            // Without meaning here.
            'b' | 'h' | 'k' | 'p' | 't' | 'B' | 'E' | 'H' | 'P' | 'T' => return true,
            _ => return false,
        };
        *flag = on;
        true
    }

    /// The options that `set -o` knows, with their values.
    pub(super) fn option_list(&self) -> Vec<(&'static str, bool)> {
        let o = &self.options;
        vec![
            ("allexport", o.allexport),
            ("errexit", o.errexit),
            ("noclobber", o.noclobber),
            ("noexec", o.noexec),
            ("noglob", o.noglob),
            ("nounset", o.nounset),
            ("pipefail", o.pipefail),
            ("verbose", o.verbose),
            ("xtrace", o.xtrace),
        ]
    }

    /// Sets an option by its long name.
    pub(super) fn set_option(&mut self, name: &str, on: bool) -> bool {
        let letter = match name {
            "allexport" => 'a',
            "errexit" => 'e',
            "noclobber" => 'C',
            "noexec" => 'n',
            "noglob" => 'f',
            "nounset" => 'u',
            "verbose" => 'v',
            "xtrace" => 'x',
            "monitor" => 'm',
            "pipefail" => {
                self.options.pipefail = on;
                return true;
            }
            "posix"
            | "emacs"
            | "vi"
            | "history"
            | "histexpand"
            | "hashall"
            | "braceexpand"
            | "errtrace"
            | "functrace"
            | "ignoreeof"
            | "notify"
            | "physical"
            | "privileged"
            | "interactive-comments" => return true,
            _ => return false,
        };
        self.set_flag(letter, on)
    }

    /// Sets an option of `shopt`.
    pub(super) fn set_shopt(&mut self, name: &str, on: bool) -> bool {
        let flag = match name {
            "nullglob" => &mut self.options.nullglob,
            "failglob" => &mut self.options.failglob,
            "nocasematch" => &mut self.options.nocasematch,
            "expand_aliases" => &mut self.options.expand_aliases,
            "lastpipe" => &mut self.options.lastpipe,
            "extglob"
            | "globstar"
            | "dotglob"
            | "checkwinsize"
            | "histappend"
            | "cmdhist"
            | "autocd"
            | "inherit_errexit"
            | "sourcepath"
            | "progcomp"
            | "interactive_comments"
            | "nocaseglob" => return true,
            _ => return false,
        };
        *flag = on;
        true
    }
}
