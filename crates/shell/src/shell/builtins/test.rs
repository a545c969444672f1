//! `[[ ... ]]`.

use crate::shell::ast::Test;
use crate::shell::expand::{Expansion, Stop};
use crate::shell::pattern;
use crate::shell::vars::Value;
use crate::tools::{regex, test};

/// The value of a condition. What is not needed for it is not expanded.
pub(in crate::shell) fn evaluate_test(expansion: &mut Expansion<'_, '_>, condition: &Test) -> Result<bool, Stop> {
    match condition {
        Test::Not(inner) => Ok(!evaluate_test(expansion, inner)?),
        Test::And(a, b) => Ok(evaluate_test(expansion, a)? && evaluate_test(expansion, b)?),
        Test::Or(a, b) => Ok(evaluate_test(expansion, a)? || evaluate_test(expansion, b)?),
        Test::Word(word) => Ok(!expansion.text(word)?.is_empty()),
        Test::Unary(op, word) => {
            let text = expansion.text(word)?;
            match op.as_str() {
                "-v" => Ok(expansion.shell.variable(&text).is_some() || expansion.shell.vars.get(&text).is_some()),
                "-o" => Ok(expansion.shell.option_list().iter().any(|(name, on)| *name == text && *on)),
                op => test::unary(op, &text, expansion.sys).ok_or_else(|| format!("{op}: unknown operator").into()),
            }
        }
        Test::Binary(left, op, right) => {
            let left = expansion.text(left)?;
            match op.as_str() {
                "=" | "==" | "!=" => {
                    let pattern = expansion.pattern(right)?;
                    let matches = if expansion.shell.options.nocasematch {
                        pattern::matches(&pattern.to_lowercase(), &left.to_lowercase())
                    } else {
                        pattern::matches(&pattern, &left)
                    };
                    Ok(matches == (op != "!="))
                }
                "=~" => matches_regex(expansion, &left, right),
                "<" => Ok(left < expansion.text(right)?),
                ">" => Ok(left > expansion.text(right)?),
                "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
                    let right = expansion.text(right)?;
                    let number = |expansion: &mut Expansion<'_, '_>, text: &str| {
                        crate::shell::arith::evaluate(expansion.shell, text)
                            .map_err(|message| Stop::Error { message: format!("[[: {message}"), fatal: false })
                    };
                    let (a, b) = (number(expansion, &left)?, number(expansion, &right)?);
                    Ok(test::compare(op, a, b))
                }
                op => {
                    let right = expansion.text(right)?;
                    Ok(test::files(op, &left, &right, expansion.sys))
                }
            }
        }
    }
}

fn matches_regex(expansion: &mut Expansion<'_, '_>, text: &str, word: &crate::shell::ast::Word) -> Result<bool, Stop> {
    let pattern = expansion.regex(word)?;
    let nocase = expansion.shell.options.nocasematch;
    let regex = regex::compile(&pattern, regex::Syntax::Extended, nocase)
        .map_err(|message| Stop::Error { message: format!("[[: {message}"), fatal: false })?;
    expansion.sys.charge(1 + (text.len() / 64) as u32);
    let captures = regex.captures(text);
    expansion.shell.vars.entry("BASH_REMATCH").value = Value::Array(Default::default());
    if let Some(captures) = &captures {
        for (index, group) in captures.iter().enumerate() {
            let group = group.map_or("", |group| group.as_str());
            expansion.shell.vars.set_element("BASH_REMATCH", index as i64, group)?;
        }
    }
    Ok(captures.is_some())
}
