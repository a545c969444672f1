//! Completion by Tab: of commands, files, variables, and by what programs offer.

use super::*;
use crate::shell::Shell;
use crate::shell::builtins::{self};
use crate::shell::edit::Editor;
use crate::tools::ls::in_columns;
use crate::{Sys, join, text};
use drydock_sorted::Sort;

impl Shell {
    pub(super) fn complete(&mut self, editor: &mut Editor, again: bool, sys: &mut Sys<'_>) {
        let (before, _) = editor.halves();
        let context = Context::of(&before);
        let mut found = self.completions(&context, sys);
        found.sort_compact();
        found.dedup();
        let typed = &context.word;
        let out = match found.as_slice() {
            [] => "\x07".to_owned(),
            [single] => {
                let ends = !single.ends_with(['/', '=', ':', ',']);
                let text = context.quoted(single) + if ends { context.closing() } else { "" };
                editor.replace_before(context.raw_chars, &text);
                editor.draw()
            }
            several => {
                let common = common_prefix(several);
                if common.chars().count() > typed.chars().count() {
                    editor.replace_before(context.raw_chars, &context.quoted(&common));
                    editor.draw()
                } else if again {
                    let mut out = editor.leave();
                    if several.len() > SHOWN_MAX {
                        out.push_str(&format!("{} possibilities; type some more\n", several.len()));
                    } else {
                        let strip = typed.rfind('/').map_or(0, |at| at + 1);
                        let shown: Vec<(String, usize)> = several
                            .iter()
                            .map(|path| {
                                // Of paths the last name is enough.
                                let end = path.trim_end_matches('/').len();
                                let cut = if end > strip && context.files { strip } else { 0 };
                                path.get(cut..).unwrap_or(path).to_owned()
                            })
                            .map(|name| (name.clone(), text::width(&name)))
                            .collect();
                        out.push_str(&in_columns(&shown, self.terminal(sys).map_or(80, |fd| self.columns(fd, sys))));
                    }
                    out.push_str(&editor.begin());
                    out
                } else {
                    "\x07".to_owned()
                }
            }
        };
        sys.print(&out);
    }

    fn completions(&mut self, context: &Context, sys: &mut Sys<'_>) -> Vec<String> {
        let word = context.word.as_str();
        if let Some(name) = word.strip_prefix('$').filter(|name| crate::shell::is_name(name) || name.is_empty()) {
            return self
                .vars
                .iter()
                .filter(|(known, _)| known.starts_with(name))
                .map(|(known, _)| format!("${known}"))
                .collect();
        }
        if context.words.len() <= 1 && !word.contains('/') && !context.redirect {
            return self.command_names(word, sys);
        }
        if !context.redirect && context.words.len() > 1 {
            let mut words = context.words.clone();
            // An alias of a command completes as that command.
            if let Some(alias) = words.first().and_then(|name| self.aliases.get(name)) {
                let expanded: Vec<String> = alias.split_whitespace().map(str::to_owned).collect();
                words.splice(..1, expanded);
            }
            let cwd = sys.cwd();
            let env = self.vars.environment();
            let (host, files) = sys.host_and_files();
            let found = host.complete(&words, files, &cwd, &env);
            if !found.is_empty() {
                return found;
            }
        }
        let only_directories = matches!(context.words.first().map(String::as_str), Some("cd" | "rmdir" | "pushd"));
        self.file_names(word, only_directories, sys)
    }

    pub(super) fn command_names(&self, word: &str, sys: &mut Sys<'_>) -> Vec<String> {
        const KEYWORDS: &[&str] =
            &["case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "then", "until", "while"];
        let mut found: Vec<String> =
            builtins::names(self.dialect).chain(KEYWORDS.iter().copied()).map(str::to_owned).collect();
        found.extend(self.functions.keys().cloned());
        found.extend(self.aliases.keys().cloned());
        let path = self.vars.text("PATH").unwrap_or_default().to_owned();
        for directory in path.split(':').filter(|directory| !directory.is_empty()) {
            let directory = sys.path(directory);
            for entry in sys.files().list(&directory).unwrap_or_default() {
                if entry.name.starts_with(word) && sys.files().access(&join(&directory, &entry.name), 1) {
                    found.push(entry.name);
                }
            }
        }
        found.retain(|name| name.starts_with(word));
        found
    }

    pub(super) fn file_names(&self, word: &str, only_directories: bool, sys: &mut Sys<'_>) -> Vec<String> {
        let (shown, start) = word.rfind('/').map_or(("", word), |at| word.split_at(at + 1));
        let home = self.vars.text("HOME").unwrap_or("/").to_owned();
        let directory = match shown.strip_prefix("~/") {
            Some(rest) => join(&home, rest),
            None => sys.path(if shown.is_empty() { "." } else { shown }),
        };
        let mut found = Vec::new();
        for entry in sys
            .files()
            .list(directory.trim_end_matches('/'))
            .or_else(|_| sys.files().list(&directory))
            .unwrap_or_default()
        {
            if !entry.name.starts_with(start) || (entry.name.starts_with('.') && !start.starts_with('.')) {
                continue;
            }
            let is_dir =
                entry.stat.is_dir() || (entry.stat.is_symlink() && sys.files().is_dir(&join(&directory, &entry.name)));
            if is_dir || !only_directories {
                found.push(format!("{shown}{}{}", entry.name, if is_dir { "/" } else { "" }));
            }
        }
        found
    }
}

/// What stands before the cursor, as completion sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Context {
    /// The words of the command, quotes removed; the last is the one to complete.
    words: Vec<String>,
    word: String,
    /// How many characters of the line the last word takes.
    raw_chars: usize,
    quote: Option<char>,
    /// The word is a redirection's target.
    redirect: bool,
    /// Whether file names are likely.
    files: bool,
}

impl Context {
    fn of(line: &str) -> Context {
        let mut context = Context::default();
        let mut word: Option<String> = None;
        let mut raw = 0;
        let mut chars = line.chars();
        let mut redirect = false;
        while let Some(c) = chars.next() {
            match (c, context.quote) {
                (c, Some(quote)) if c == quote => {
                    raw += 1;
                    context.quote = None;
                }
                ('\\', quote) if quote != Some('\'') => {
                    raw += 1;
                    if let Some(next) = chars.next() {
                        raw += 1;
                        word.get_or_insert_with(String::new).push(next);
                    }
                }
                (c, Some(_)) => {
                    raw += 1;
                    word.get_or_insert_with(String::new).push(c);
                }
                ('\'' | '"', None) => {
                    word.get_or_insert_with(String::new);
                    context.quote = Some(c);
                    raw += 1;
                }
                (' ' | '\t' | '\n', None) => {
                    if let Some(word) = word.take() {
                        if !redirect {
                            context.words.push(word);
                        }
                        redirect = false;
                    }
                    raw = 0;
                }
                ('|' | '&' | ';' | '(' | '`', None) => {
                    context.words.clear();
                    word = None;
                    redirect = false;
                    raw = 0;
                }
                ('>' | '<', None) => {
                    context.words.extend(word.take().filter(|_| !redirect));
                    redirect = true;
                    raw = 0;
                }
                (c, None) => {
                    raw += 1;
                    word.get_or_insert_with(String::new).push(c);
                }
            }
        }
        // Assignments and words that come before a command do not make its arguments.
        while context.words.first().is_some_and(|word| {
            word.split_once('=').is_some_and(|(name, _)| crate::shell::is_name(name))
                || matches!(
                    word.as_str(),
                    "sudo"
                        | "time"
                        | "watch"
                        | "then"
                        | "do"
                        | "else"
                        | "if"
                        | "while"
                        | "!"
                        | "{"
                        | "exec"
                        | "command"
                        | "nohup"
                )
        }) {
            context.words.remove(0);
        }
        context.word = word.unwrap_or_default();
        context.raw_chars = raw;
        context.redirect = redirect;
        context.words.push(context.word.clone());
        context.files = context.words.len() > 1 || context.word.contains('/') || redirect;
        context
    }

    /// A completed word as it is typed: quoted as it was begun.
    fn quoted(&self, text: &str) -> String {
        match self.quote {
            Some(quote) => format!("{quote}{text}"),
            None => {
                let mut out = String::new();
                for c in text.chars() {
                    if matches!(
                        c,
                        ' ' | '\'' | '"' | '\\' | '(' | ')' | '&' | ';' | '|' | '<' | '>' | '*' | '?' | '[' | '`' | '!'
                    ) {
                        out.push('\\');
                    }
                    out.push(c);
                }
                out
            }
        }
    }

    fn closing(&self) -> &'static str {
        match self.quote {
            Some('\'') => "' ",
            Some(_) => "\" ",
            None => " ",
        }
    }
}

fn common_prefix(words: &[String]) -> String {
    let Some((first, rest)) = words.split_first() else { return String::new() };
    let mut common: Vec<char> = first.chars().collect();
    for word in rest {
        let same = common.iter().zip(word.chars()).take_while(|(a, b)| **a == *b).count();
        common.truncate(same);
    }
    common.into_iter().collect()
}
