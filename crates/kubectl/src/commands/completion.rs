//! `kubectl completion`: a script for a shell that wants one. The terminal's own completion does not need it (see
//! [`crate::complete`]).

use super::Outcome;
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;

/// `kubectl completion SHELL`
///
/// # Errors
/// When no shell, or an unknown one, is named.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let [shell] = inv.args.as_slice() else {
        let words = if inv.args.is_empty() {
            "Shell not specified."
        } else {
            "Too many arguments. Expected only the shell type."
        };
        return Err(inv.usage(words));
    };
    match shell.as_str() {
        "bash" => io.print(concat!(
            "# bash completion for kubectl\n",
            "_kubectl() {\n",
            "    local IFS=$'\\n'\n",
            "    COMPREPLY=($(kubectl __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null | grep -v '^:'))\n",
            "}\n",
            "complete -o default -F _kubectl kubectl\n"
        )),
        "zsh" => io.print(concat!(
            "#compdef kubectl\n",
            "_kubectl() {\n",
            "    local -a words_found\n",
            "    words_found=(${(f)\"$(kubectl __complete ${words[2,CURRENT]} 2>/dev/null | grep -v '^:')\"})\n",
            "    compadd -a words_found\n",
            "}\n",
            "compdef _kubectl kubectl\n"
        )),
        "fish" => io.print(concat!(
            "# fish completion for kubectl\n",
            "complete -c kubectl -f -a '(kubectl __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null | string match -v \":*\")'\n"
        )),
        "powershell" => io.print(concat!(
            "# powershell completion for kubectl\n",
            "Register-ArgumentCompleter -CommandName 'kubectl' -ScriptBlock {\n",
            "    param($WordToComplete, $CommandAst, $CursorPosition)\n",
            "    kubectl __complete ($CommandAst.CommandElements | Select-Object -Skip 1) | Where-Object { $_ -notmatch '^:' }\n",
            "}\n"
        )),
        other => return Err(inv.usage(format!("Unsupported shell type {}.", quote(other)))),
    }
    Ok(Outcome::Done)
}
