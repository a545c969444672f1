//! Parameters: `$x`, `${x:-…}` and all their kin.

use super::*;
use crate::shell::ast::{Index, Op, Param, Word};
use crate::shell::vars::Value;
use crate::shell::{Dialect, pattern, quote};
use std::sync::Arc;

impl Expansion<'_, '_> {
    /// The value of a parameter or variable, without an operation.
    pub(super) fn values(&mut self, name: &str, index: Option<&Index>) -> Result<Values> {
        if let Some(index) = index {
            return self.indexed(name, index);
        }
        Ok(match name {
            "@" | "*" => Values::Many { values: self.shell.positional.as_ref().clone(), joined: name == "*" },
            _ => self.shell.variable(name).map_or(Values::Unset, Values::One),
        })
    }

    pub(super) fn indexed(&mut self, name: &str, index: &Index) -> Result<Values> {
        let elements = |value: Option<&Value>| match value {
            Some(Value::Array(elements)) => elements.values().cloned().collect(),
            Some(Value::Map(entries)) => entries.values().cloned().collect(),
            Some(Value::Text(text)) => vec![text.to_string()],
            Some(Value::None) | None => Vec::new(),
        };
        let value = self.shell.vars.get(name).map(|var| &var.value);
        match index {
            Index::Each | Index::Joined => {
                let values = match name {
                    "PIPESTATUS" => self.shell.pipe_status.iter().map(i32::to_string).collect(),
                    _ => elements(value),
                };
                Ok(Values::Many { values, joined: matches!(index, Index::Joined) })
            }
            Index::At(word) => {
                if let Some(Value::Map(entries)) = value {
                    let entries = Arc::clone(entries);
                    let key = self.text(word)?;
                    return Ok(entries.get(&key).cloned().map_or(Values::Unset, Values::One));
                }
                let index = self.number(word)?;
                Ok(self.shell.element(name, index).map_or(Values::Unset, Values::One))
            }
        }
    }

    pub(super) fn param(&mut self, param: &Param, quoted: bool, out: &mut Vec<Piece>) -> Result<()> {
        let mut name = param.name.clone();
        let mut values = match &param.op {
            Op::Bad(text) => {
                return Err(match self.shell.dialect {
                    Dialect::Bash => format!("{text}: bad substitution").into(),
                    Dialect::Ash => Stop::Error { message: "syntax error: bad substitution".into(), fatal: true },
                    Dialect::Dash => Stop::Error { message: "Bad substitution".into(), fatal: true },
                });
            }
            Op::Keys => {
                let values = match self.shell.vars.get(&name).map(|var| &var.value) {
                    Some(Value::Array(elements)) => elements.keys().map(i64::to_string).collect(),
                    Some(Value::Map(entries)) => entries.keys().cloned().collect(),
                    Some(Value::Text(_)) => vec!["0".to_owned()],
                    _ => Vec::new(),
                };
                Values::Many { values, joined: matches!(param.index, Some(Index::Joined)) }
            }
            Op::Names => {
                let names = self.shell.vars.iter().map(|(name, _)| name.clone()).filter(|n| n.starts_with(&name));
                Values::Many { values: names.collect(), joined: false }
            }
            _ => self.values(&name, param.index.as_ref())?,
        };
        if param.indirect {
            let Values::One(target) = values else {
                return Err(format!("{name}: invalid indirect expansion").into());
            };
            name = target;
            values = match name.split_once('[') {
                Some((name, rest)) => {
                    let index = match rest.trim_end_matches(']') {
                        "@" => Index::Each,
                        "*" => Index::Joined,
                        text => Index::At(Word::text(text)),
                    };
                    self.indexed(name, &index)?
                }
                None => self.values(&name, None)?,
            };
        }
        if let Op::Test { colon, kind, word } = &param.op {
            let empty = match &values {
                Values::Unset => true,
                Values::One(text) => *colon && text.is_empty(),
                Values::Many { values, .. } => values.is_empty() || (*colon && values.iter().all(String::is_empty)),
            };
            match (kind, empty) {
                (b'+', true) => values = Values::One(String::new()),
                (b'+', false) | (b'-', true) => {
                    for piece in self.pieces(word, quoted)? {
                        out.push(match piece {
                            // Unquoted text of the operand is split like a value.
                            Piece::Text { text, quoted: false, .. } => Piece::Text { text, quoted: false, split: true },
                            piece => piece,
                        });
                    }
                    return Ok(());
                }
                (b'=', true) => {
                    let text = self.text(word)?;
                    match &param.index {
                        Some(Index::At(index)) => {
                            let index = self.number(index)?;
                            self.shell.vars.set_element(&name, index, &text)?;
                        }
                        _ => self.shell.assign(&name, &text)?,
                    }
                    values = Values::One(text);
                }
                (b'?', true) => {
                    let text = self.text(word)?;
                    let text = match (text.is_empty(), self.shell.dialect) {
                        (false, _) => text,
                        (true, Dialect::Bash) => "parameter null or not set".into(),
                        (true, _) if *colon => "parameter not set or null".into(),
                        (true, _) => "parameter not set".into(),
                    };
                    return Err(Stop::Error { message: format!("{name}: {text}"), fatal: true });
                }
                _ => {}
            }
        } else if matches!(values, Values::Unset) && self.shell.options.nounset {
            let shown = match &param.index {
                Some(Index::At(index)) => format!("{name}[{}]", self.text(index)?),
                _ => name,
            };
            let what = if self.shell.dialect == Dialect::Bash { "unbound variable" } else { "parameter not set" };
            return Err(Stop::Error { message: format!("{shown}: {what}"), fatal: true });
        }
        let values = self.operate(&param.op, &param.name, values)?;
        self.emit(values, quoted, out);
        Ok(())
    }

    pub(super) fn emit(&mut self, values: Values, quoted: bool, out: &mut Vec<Piece>) {
        match values {
            Values::Unset => {}
            Values::One(text) => out.push(Piece::Text { text, quoted, split: !quoted }),
            Values::Many { values, joined: true } if quoted => {
                let separator: String = self.ifs().chars().take(1).collect();
                out.push(Piece::Text { text: values.join(&separator), quoted, split: false });
            }
            Values::Many { values, .. } => {
                for (index, text) in values.into_iter().enumerate() {
                    if index > 0 {
                        out.push(Piece::Break);
                    }
                    out.push(Piece::Text { text, quoted, split: !quoted });
                }
            }
        }
    }

    /// What an operation makes of a value.
    pub(super) fn operate(&mut self, op: &Op, name: &str, values: Values) -> Result<Values> {
        match op {
            Op::None | Op::Test { .. } | Op::Keys | Op::Names | Op::Bad(_) => Ok(values),
            Op::Length => Ok(Values::One(
                match values {
                    Values::Unset => 0,
                    Values::One(text) => text.chars().count(),
                    Values::Many { values, .. } => values.len(),
                }
                .to_string(),
            )),
            Op::Trim { suffix, long, pattern } => {
                let pattern: Vec<char> = self.pattern(pattern)?.chars().collect();
                Ok(each(values, |text| trim(text, &pattern, *suffix, *long)))
            }
            Op::Replace { all, anchor, pattern, with } => {
                let pattern: Vec<char> = self.pattern(pattern)?.chars().collect();
                let with = self.text(with)?;
                self.sys.charge(1);
                Ok(each(values, |text| replace(text, &pattern, &with, *all, *anchor)))
            }
            Op::Slice { offset, length } => {
                let offset = self.number(offset)?;
                let length = length.as_ref().map(|length| self.number(length)).transpose()?;
                match values {
                    Values::Many { mut values, joined } => {
                        if name == "@" || name == "*" {
                            values.insert(0, self.shell.name.clone());
                        }
                        let (from, to) = bounds(values.len(), offset, length)
                            .ok_or_else(|| format!("{}: substring expression < 0", length.unwrap_or_default()))?;
                        let from = if offset == 0 && (name == "@" || name == "*") { from + 1 } else { from };
                        Ok(Values::Many { values: values.get(from..to).unwrap_or_default().to_vec(), joined })
                    }
                    Values::One(text) => {
                        let chars: Vec<char> = text.chars().collect();
                        let (from, to) = bounds(chars.len(), offset, length)
                            .ok_or_else(|| format!("{}: substring expression < 0", length.unwrap_or_default()))?;
                        Ok(Values::One(chars.get(from..to).unwrap_or_default().iter().collect()))
                    }
                    Values::Unset => Ok(Values::Unset),
                }
            }
            Op::Case { upper, all, pattern } => {
                let pattern: Vec<char> = self.pattern(pattern)?.chars().collect();
                let change = |c: char| -> String {
                    if !pattern.is_empty() && !pattern::matches_chars(&pattern, &[c]) {
                        c.to_string()
                    } else if *upper {
                        c.to_uppercase().collect()
                    } else {
                        c.to_lowercase().collect()
                    }
                };
                Ok(each(values, |text| {
                    let mut chars = text.chars();
                    if *all {
                        chars.map(change).collect()
                    } else {
                        chars.next().map(change).unwrap_or_default() + chars.as_str()
                    }
                }))
            }
            Op::Quote => Ok(each(values, quote::single)),
        }
    }
}

/// Does something to each text.
fn each(values: Values, change: impl Fn(&str) -> String) -> Values {
    match values {
        Values::Unset => Values::Unset,
        Values::One(text) => Values::One(change(&text)),
        Values::Many { values, joined } => {
            Values::Many { values: values.iter().map(|text| change(text)).collect(), joined }
        }
    }
}

/// From where to where a slice goes; None when it would end before it begins.
fn bounds(count: usize, offset: i64, length: Option<i64>) -> Option<(usize, usize)> {
    let count = count as i64;
    let from = if offset < 0 { count + offset } else { offset };
    if from < 0 || from > count {
        return Some((0, 0));
    }
    let to = match length {
        None => count,
        Some(length) if length < 0 => count + length,
        Some(length) => from.saturating_add(length).min(count),
    };
    (to >= from).then_some((from as usize, to as usize))
}

fn trim(text: &str, pattern: &[char], suffix: bool, long: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let count = chars.len();
    // The part that is cut away has `size` characters; the shortest or the longest that matches.
    let sizes: Box<dyn Iterator<Item = usize>> = if long { Box::new((0..=count).rev()) } else { Box::new(0..=count) };
    for size in sizes {
        let (cut, kept) = if suffix {
            (chars.get(count - size..), chars.get(..count - size))
        } else {
            (chars.get(..size), chars.get(size..))
        };
        if pattern::matches_chars(pattern, cut.unwrap_or_default()) {
            return kept.unwrap_or_default().iter().collect();
        }
    }
    text.to_owned()
}

fn replace(text: &str, pattern: &[char], with: &str, all: bool, anchor: u8) -> String {
    if pattern.is_empty() {
        return match anchor {
            b'#' => format!("{with}{text}"),
            b'%' => format!("{text}{with}"),
            _ => text.to_owned(),
        };
    }
    let chars: Vec<char> = text.chars().collect();
    let count = chars.len();
    let mut out = String::new();
    let mut at = 0;
    let mut done = false;
    while at <= count {
        let longest = if done || (anchor == b'#' && at > 0) {
            None
        } else {
            let ends = if anchor == b'%' { count..=count } else { at..=count };
            ends.rev().find(|end| pattern::matches_chars(pattern, chars.get(at..*end).unwrap_or_default()))
        };
        match longest {
            Some(end) if end > at || anchor == b'%' => {
                out.push_str(with);
                at = end;
                done = !all;
                if end == count {
                    break;
                }
            }
            _ => {
                out.extend(chars.get(at));
                at += 1;
            }
        }
    }
    out
}
