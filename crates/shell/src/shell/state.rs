//! Variables and parameters by name, special ones included.

use super::vars::{Value, Var};
use super::{Dialect, Shell, arith, expand};

impl Shell {
    /// The value of a variable or parameter; what `"$name"` gives.
    pub(super) fn variable(&mut self, name: &str) -> Option<String> {
        match name {
            "?" => return Some(self.status.to_string()),
            "$" => return Some(self.main_pid.to_string()),
            "!" => return self.background.map(|pid| pid.to_string()),
            "#" => return Some(self.positional.len().to_string()),
            "-" => return Some(self.flag_letters()),
            "0" => return Some(self.name.clone()),
            "@" | "*" => return Some(self.positional.join(" ")),
            _ => {}
        }
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            return self.positional.get(name.parse::<usize>().ok()?.checked_sub(1)?).cloned();
        }
        if self.dialect != Dialect::Dash
            && let Some(text) = self.dynamic(name)
        {
            return Some(text);
        }
        self.vars.text(name).map(str::to_owned)
    }

    /// Variables whose value is made up when they are asked for.
    fn dynamic(&mut self, name: &str) -> Option<String> {
        Some(match name {
            "RANDOM" => {
                self.random =
                    self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((self.random >> 33) & 0x7fff).to_string()
            }
            "LINENO" => self.line.to_string(),
            "PPID" => self.parent.to_string(),
            "SECONDS" if self.dialect == Dialect::Bash => self.now.since(self.since).as_secs().to_string(),
            "EPOCHSECONDS" => self.now.seconds().to_string(),
            "EPOCHREALTIME" => format!("{}.{:06}", self.now.seconds(), self.now.0 % 1_000_000),
            "BASHPID" if self.dialect == Dialect::Bash => self.pid.to_string(),
            "BASH_SUBSHELL" if self.dialect == Dialect::Bash => self.subshell.to_string(),
            "UID" | "EUID" if self.dialect == Dialect::Bash => self.uid.to_string(),
            "PIPESTATUS" if self.dialect == Dialect::Bash => self.pipe_status.first().unwrap_or(&0).to_string(),
            "FUNCNAME" if self.dialect == Dialect::Bash => self.function_name()?,
            _ => return None,
        })
    }

    /// An element of an array; a plain variable is its own first element.
    pub(super) fn element(&mut self, name: &str, index: i64) -> Option<String> {
        if name == "PIPESTATUS" {
            return self.pipe_status.get(usize::try_from(index).ok()?).map(i32::to_string);
        }
        match &self.vars.get(name)?.value {
            Value::Array(elements) => {
                let index =
                    if index < 0 { elements.keys().next_back().map_or(0, |last| last + 1) + index } else { index };
                elements.get(&index).cloned()
            }
            Value::Map(entries) => entries.get(&index.to_string()).cloned(),
            Value::Text(text) => (index == 0 || index == -1).then(|| text.to_string()),
            Value::None => None,
        }
    }

    /// Assigns to a variable, as `name=text` does.
    pub(super) fn assign(&mut self, name: &str, text: &str) -> Result<(), String> {
        let (readonly, integer) = self.vars.get(name).map_or((false, false), |var| (var.readonly, var.integer));
        if readonly {
            return Err(self.readonly_message(name));
        }
        match name {
            "SECONDS" => {
                let seconds: u64 = text.parse().unwrap_or(0);
                self.since = drydock_value::Time(self.now.0.saturating_sub(seconds * 1_000_000));
            }
            "RANDOM" => self.random = text.parse().unwrap_or(0),
            "OPTIND" => self.getopts_at = 0,
            _ => {}
        }
        if integer {
            let value = arith::evaluate(self, text)?;
            self.vars.set(name, &value.to_string());
        } else {
            self.vars.set(name, text);
        }
        if self.options.allexport {
            self.vars.entry(name).exported = true;
        }
        Ok(())
    }

    pub(super) fn readonly_message(&self, name: &str) -> String {
        match self.dialect {
            Dialect::Bash => format!("{name}: readonly variable"),
            _ => format!("{name}: is read only"),
        }
    }

    /// Makes a variable local to the running function: its old value comes back when the function ends.
    pub(super) fn make_local(&mut self, name: &str) -> bool {
        let old = self.vars.get(name).cloned();
        for frame in self.stack.iter_mut().rev() {
            if let super::frames::Frame::Function { locals, .. } = frame {
                if !locals.iter().any(|(local, _)| local == name) {
                    locals.push((name.to_owned(), old.clone()));
                    let exported = old.is_some_and(|var| var.exported);
                    self.vars.put(name, Some(Var { exported, ..Var::new(Value::None) }));
                }
                return true;
            }
        }
        false
    }

    fn function_name(&self) -> Option<String> {
        self.stack.iter().rev().find_map(|frame| match frame {
            super::frames::Frame::Function { name, .. } => Some(name.clone()),
            _ => None,
        })
    }

    /// `$-`.
    fn flag_letters(&self) -> String {
        let options = &self.options;
        [
            (options.allexport, 'a'),
            (options.errexit, 'e'),
            (options.noglob, 'f'),
            (self.dialect == Dialect::Bash, 'h'),
            (self.interactive, 'i'),
            (self.options.monitor, 'm'),
            (options.nounset, 'u'),
            (options.verbose, 'v'),
            (options.xtrace, 'x'),
            (self.dialect == Dialect::Bash, 'B'),
            (options.noclobber, 'C'),
        ]
        .into_iter()
        .filter_map(|(set, letter)| set.then_some(letter))
        .collect()
    }

    /// Splits a line as `read` does.
    pub(super) fn split_line(&self, line: &[(char, bool)], max: usize) -> Vec<String> {
        expand::split_line(line, self.vars.text("IFS").unwrap_or(" \t\n"), max)
    }
}
