//! The numbers of the fields, from `data/fields.txt`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

pub(crate) const FIELDS: &str = include_str!("../../data/fields.txt");

/// The fields of a type by their numbers.
pub(super) type Numbers = BTreeMap<u64, Row>;

/// What a number stands for.
pub(super) enum Row {
    Field(&'static str),
    /// A message whose fields stand in the type itself.
    Inline(Numbers),
}

/// Reads `1=a 2=(1=b 2=c) ...` up to a closing bracket.
fn numbers(text: &'static str) -> (Numbers, &'static str) {
    let mut rows = Numbers::new();
    let mut rest = text.trim_start();
    while let Some((number, after)) = rest.split_once('=') {
        let Ok(number) = number.trim().parse() else { break };
        if let Some(inside) = after.strip_prefix('(') {
            let (inner, after) = numbers(inside);
            rows.insert(number, Row::Inline(inner));
            rest = after.strip_prefix(')').unwrap_or(after).trim_start();
            continue;
        }
        let end = after.find([' ', ')']).unwrap_or(after.len());
        rows.insert(number, Row::Field(&after[..end]));
        rest = &after[end..];
        if rest.starts_with(')') {
            break;
        }
        rest = rest.trim_start();
    }
    (rows, rest)
}

pub(super) fn table() -> &'static BTreeMap<&'static str, Numbers> {
    static TABLE: OnceLock<BTreeMap<&'static str, Numbers>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let lines = FIELDS.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once(' ')).map(|(name, rest)| (name, numbers(rest).0)).collect()
    })
}
