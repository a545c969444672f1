//! Lines that were typed before.

use std::sync::Arc;

/// As bash's HISTSIZE.
const LINES_MAX: usize = 500;

/// Lines that were typed before. A clone costs a pointer.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    lines: Arc<Vec<String>>,
    /// How many lines were dropped, so that numbers stay.
    dropped: usize,
}

impl History {
    /// From a history file.
    pub fn load(text: &str) -> History {
        let mut history = History::default();
        for line in text.lines() {
            history.add(line);
        }
        history
    }

    /// Adds a line; an empty one and a repetition of the last are left out. Whether it was added.
    pub fn add(&mut self, line: &str) -> bool {
        let line = line.trim_end_matches('\n');
        if line.trim().is_empty() || self.last() == Some(line) {
            return false;
        }
        let lines = Arc::make_mut(&mut self.lines);
        lines.push(line.to_owned());
        if lines.len() > LINES_MAX {
            lines.remove(0);
            self.dropped += 1;
        }
        true
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn get(&self, at: usize) -> Option<&str> {
        self.lines.get(at).map(String::as_str)
    }

    pub fn last(&self) -> Option<&str> {
        self.lines.last().map(String::as_str)
    }

    pub fn clear(&mut self) {
        *self = History::default();
    }

    /// What `history` prints: the last lines with their numbers.
    pub fn listing(&self, count: usize) -> String {
        let skip = self.lines.len().saturating_sub(count);
        let numbered = self.lines.iter().enumerate().skip(skip);
        numbered.map(|(at, line)| format!("{:5}  {line}\n", self.dropped + at + 1)).collect()
    }

    /// Replaces `!!`, `!$`, `!n`, `!-n` and `!text` in a line. None: nothing to replace; an error is the event that was
    /// not found.
    pub fn expand(&self, line: &str) -> Result<Option<String>, String> {
        if !line.contains('!') {
            return Ok(None);
        }
        let chars: Vec<char> = line.chars().collect();
        let (mut out, mut at, mut changed, mut single, mut double) = (String::new(), 0, false, false, false);
        while let Some(c) = chars.get(at).copied() {
            at += 1;
            match c {
                '\\' => {
                    out.push(c);
                    out.extend(chars.get(at));
                    at += 1;
                    continue;
                }
                '\'' if !double => single = !single,
                '"' if !single => double = !double,
                '!' if !single => {
                    let next = chars.get(at).copied();
                    let word: String = match next {
                        None | Some(' ' | '\t' | '\n' | '=' | '(') => {
                            out.push(c);
                            continue;
                        }
                        Some('"') if double => {
                            out.push(c);
                            continue;
                        }
                        Some('!') => "!".into(),
                        Some('$') => "$".into(),
                        Some('^' | '*') => next.into_iter().collect(),
                        Some(_) => chars
                            .get(at..)
                            .unwrap_or_default()
                            .iter()
                            .take_while(|c| !c.is_whitespace() && !matches!(c, ';' | '&' | '|' | '"' | '\'' | ')'))
                            .collect(),
                    };
                    at += word.chars().count();
                    let found = self.event(&word).ok_or_else(|| format!("!{word}: event not found"))?;
                    out.push_str(&found);
                    changed = true;
                    continue;
                }
                _ => {}
            }
            out.push(c);
        }
        Ok(changed.then_some(out))
    }

    fn event(&self, word: &str) -> Option<String> {
        let last = self.last();
        match word {
            "!" => return last.map(str::to_owned),
            "$" => return last?.split_whitespace().last().map(str::to_owned),
            "^" => return last?.split_whitespace().nth(1).map(str::to_owned),
            "*" => return Some(last?.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")),
            _ => {}
        }
        if let Ok(number) = word.parse::<i64>() {
            let at = if number < 0 { self.lines.len() as i64 + number } else { number - 1 - self.dropped as i64 };
            return self.get(usize::try_from(at).ok()?).map(str::to_owned);
        }
        let (inside, text) = match word.strip_prefix('?') {
            Some(text) => (true, text.trim_end_matches('?')),
            None => (false, word),
        };
        let hit = |line: &&String| if inside { line.contains(text) } else { line.starts_with(text) };
        self.lines.iter().rev().find(hit).cloned()
    }
}
