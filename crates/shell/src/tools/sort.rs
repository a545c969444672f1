//! `sort`.

use drydock_sorted::Sort as _;
use std::cmp::Ordering;

use super::Call;
use super::options::Options;
use super::stream::{Complaint, Filter, Flow, Stream, chomp};

/// What is sorted at once.
const BYTES_MAX: usize = 16 << 20;

/// How texts are compared.
#[derive(Clone, Copy, Default)]
struct Order {
    numeric: bool,
    human: bool,
    general: bool,
    version: bool,
    month: bool,
    fold: bool,
    dictionary: bool,
    blanks: bool,
    reverse: bool,
}

impl Order {
    fn set(&mut self, letter: char) -> bool {
        match letter {
            'n' => self.numeric = true,
            'h' => self.human = true,
            'g' => self.general = true,
            'V' => self.version = true,
            'M' => self.month = true,
            'f' => self.fold = true,
            'd' => self.dictionary = true,
            'b' => self.blanks = true,
            'r' => self.reverse = true,
            'i' => {}
            _ => return false,
        }
        true
    }

    fn is_plain(self) -> bool {
        !(self.numeric || self.human || self.general || self.version || self.month || self.fold || self.dictionary)
    }
}

/// `-k 2.3,4nr`.
#[derive(Clone, Copy)]
struct Key {
    start: (usize, usize),
    end: Option<(usize, usize)>,
    order: Order,
    own: bool,
}

#[derive(Clone)]
struct Sort {
    keys: Vec<Key>,
    order: Order,
    separator: Option<char>,
    unique: bool,
    stable: bool,
    check: bool,
    output: Option<String>,
    lines: Vec<String>,
    bytes: usize,
}

fn position(text: &str) -> Option<((usize, usize), &str)> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let end = digits(text);
    let field = text.get(..end)?.parse().ok()?;
    let rest = text.get(end..)?;
    if let Some(rest) = rest.strip_prefix('.') {
        let end = digits(rest);
        return Some(((field, rest.get(..end)?.parse().ok()?), rest.get(end..)?));
    }
    Some(((field, 0), rest))
}

fn key(text: &str) -> Option<Key> {
    let (start, letters_end) = match text.split_once(',') {
        Some((start, end)) => (start, Some(end)),
        None => (text, None),
    };
    let mut order = Order::default();
    let mut own = false;
    let (from, letters) = position(start)?;
    let mut all = letters.to_owned();
    let mut end = None;
    if let Some(text) = letters_end {
        let (to, letters) = position(text)?;
        end = Some(to);
        all.push_str(letters);
    }
    for letter in all.chars() {
        own = true;
        if !order.set(letter) {
            return None;
        }
    }
    (from.0 > 0).then_some(Key { start: from, end, order, own })
}

pub(super) fn start(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    const LONG: &[(&str, char)] = &[
        ("numeric-sort", 'n'),
        ("human-numeric-sort", 'h'),
        ("version-sort", 'V'),
        ("reverse", 'r'),
        ("unique", 'u'),
        ("key", 'k'),
        ("field-separator", 't'),
        ("ignore-case", 'f'),
        ("output", 'o'),
        ("stable", 's'),
        ("check", 'c'),
    ];
    let options = Options::parse(call, "nhgVMfdbriuk:t:o:scmz", LONG)?;
    let mut order = Order::default();
    let mut keys = Vec::new();
    for (letter, value) in options.all() {
        if letter == 'k' {
            match key(value) {
                Some(key) => keys.push(key),
                None => {
                    let message = if call.gnu() {
                        format!("invalid number at field start: invalid count at start of ‘{value}’")
                    } else {
                        format!("invalid number '{value}'")
                    };
                    call.error(&message);
                    return Err(2);
                }
            }
        } else {
            order.set(letter);
        }
    }
    let separator = options
        .value('t')
        .map(|text| if text == "\\t" || text == "\t" { '\t' } else { text.chars().next().unwrap_or('\t') });
    let sort = Sort {
        keys,
        order,
        separator,
        unique: options.has('u'),
        stable: options.has('s'),
        check: options.has('c'),
        output: options.value('o').map(str::to_owned),
        lines: Vec::new(),
        bytes: 0,
    };
    Ok(Stream::new(sort, &options.rest, Complaint::CannotRead).failing_with(2))
}

/// A number at the beginning of a text, as `-n` reads it: exact, whatever its length.
fn numeric(text: &str) -> (bool, &str, &str) {
    let text = text.trim_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let whole = digits.get(..end).unwrap_or("").trim_start_matches('0');
    let fraction = match digits.get(end..).unwrap_or("").strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest.get(..end).unwrap_or("").trim_end_matches('0')
        }
        None => "",
    };
    (negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction)
}

fn compare_numeric(a: &str, b: &str) -> Ordering {
    let (a, b) = (numeric(a), numeric(b));
    let magnitude = a.1.len().cmp(&b.1.len()).then_with(|| a.1.cmp(b.1)).then_with(|| a.2.cmp(b.2));
    match (a.0, b.0) {
        (false, false) => magnitude,
        (true, true) => magnitude.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

fn suffix(text: &str) -> usize {
    let text = text.trim_start().trim_start_matches('-');
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    rest.chars().next().and_then(|c| "KMGTPEZY".find(c.to_ascii_uppercase())).map_or(0, |at| at + 1)
}

/// Compares runs of digits as numbers and the rest as text.
fn compare_versions(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let text = |s: &str| s.find(|c: char| c.is_ascii_digit()).unwrap_or(s.len());
        let (x, y) = (text(a), text(b));
        let order = a.get(..x).cmp(&b.get(..y));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (a.get(x..).unwrap_or(""), b.get(y..).unwrap_or(""));
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len());
        }
        let digits = |s: &str| s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len());
        let (x, y) = (digits(a), digits(b));
        let order = compare_numeric(a.get(..x).unwrap_or(""), b.get(..y).unwrap_or(""));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (a.get(x..).unwrap_or(""), b.get(y..).unwrap_or(""));
    }
}

fn month(text: &str) -> usize {
    const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let text = text.trim_start().to_ascii_uppercase();
    MONTHS.iter().position(|month| text.starts_with(month)).map_or(0, |at| at + 1)
}

impl Sort {
    /// The part of a line that a key means.
    fn part<'l>(&self, line: &'l str, key: &Key) -> &'l str {
        // Where each field begins and ends; without a separator its leading blanks belong to it.
        let bounds = |field: usize| -> (usize, usize) {
            let mut at = 0;
            for index in 1.. {
                let start = at;
                let end = match self.separator {
                    Some(separator) => {
                        line.get(at..).and_then(|rest| rest.find(separator)).map_or(line.len(), |offset| at + offset)
                    }
                    None => {
                        let rest = line.get(at..).unwrap_or("");
                        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
                        let rest = rest.get(blanks..).unwrap_or("");
                        at + blanks + rest.find([' ', '\t']).unwrap_or(rest.len())
                    }
                };
                if index == field {
                    return (start, end);
                }
                if end >= line.len() {
                    break;
                }
                at = end + self.separator.map_or(0, char::len_utf8);
            }
            (line.len(), line.len())
        };
        let order = if key.own { key.order } else { self.order };
        let skip = |start: usize, end: usize| {
            let field = line.get(start..end).unwrap_or("");
            if order.blanks { start + field.len() - field.trim_start_matches([' ', '\t']).len() } else { start }
        };
        let (start, end) = bounds(key.start.0);
        let from = (skip(start, end) + key.start.1.saturating_sub(1)).min(line.len());
        let to = match key.end {
            None => line.len(),
            Some((field, 0)) => bounds(field).1,
            Some((field, chars)) => {
                let (start, end) = bounds(field);
                (skip(start, end) + chars).min(line.len())
            }
        };
        line.get(from..to.max(from)).unwrap_or("")
    }

    fn compare_texts(a: &str, b: &str, order: Order) -> Ordering {
        let result = if order.numeric {
            compare_numeric(a, b)
        } else if order.human {
            let sign = |text: &str| text.trim_start().starts_with('-');
            match (sign(a), sign(b)) {
                (false, false) => suffix(a).cmp(&suffix(b)).then_with(|| compare_numeric(a, b)),
                (true, true) => suffix(b).cmp(&suffix(a)).then_with(|| compare_numeric(a, b)),
                _ => compare_numeric(a, b),
            }
        } else if order.general {
            let value = |text: &str| text.trim().parse::<f64>().unwrap_or(f64::NEG_INFINITY);
            value(a).total_cmp(&value(b))
        } else if order.version {
            compare_versions(a, b)
        } else if order.month {
            month(a).cmp(&month(b))
        } else {
            let (a, b) = if order.blanks {
                (a.trim_start_matches([' ', '\t']), b.trim_start_matches([' ', '\t']))
            } else {
                (a, b)
            };
            if order.fold || order.dictionary {
                let key = |text: &str| -> String {
                    text.chars()
                        .filter(|c| !order.dictionary || c.is_alphanumeric() || c.is_whitespace())
                        .map(|c| if order.fold { c.to_ascii_uppercase() } else { c })
                        .collect()
                };
                key(a).cmp(&key(b))
            } else {
                a.cmp(b)
            }
        };
        if order.reverse { result.reverse() } else { result }
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        if self.keys.is_empty() {
            return Sort::compare_texts(a, b, self.order);
        }
        for key in &self.keys {
            let order = if key.own { key.order } else { self.order };
            let result = Sort::compare_texts(self.part(a, key), self.part(b, key), order);
            if result != Ordering::Equal {
                return result;
            }
        }
        Ordering::Equal
    }
}

impl Filter for Sort {
    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        self.bytes += line.len();
        if self.bytes > BYTES_MAX {
            call.error("input is too large");
            return Flow::Stop;
        }
        self.lines.push(String::from_utf8_lossy(chomp(line)).into_owned());
        Flow::Go
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        let mut lines = std::mem::take(&mut self.lines);
        call.sys.charge((lines.len() / 4) as u32);
        if self.check {
            let disordered = lines.windows(2).position(|pair| match pair {
                [a, b] => match self.compare(a, b) {
                    Ordering::Greater => true,
                    Ordering::Equal => self.unique,
                    Ordering::Less => false,
                },
                _ => false,
            });
            if let Some(at) = disordered {
                let line = lines.get(at + 1).cloned().unwrap_or_default();
                call.error(&format!("-:{}: disorder: {line}", at + 2));
                return 1;
            }
            return 0;
        }
        let plain = self.keys.is_empty() && self.order.is_plain();
        lines.sort_compact_by(|a, b| {
            let order = self.compare(a, b);
            // Whole lines decide in the end, unless order among equals is to stay.
            if order == Ordering::Equal && !self.stable && !self.unique && !plain {
                let whole = a.cmp(b);
                if self.order.reverse { whole.reverse() } else { whole }
            } else {
                order
            }
        });
        if self.unique {
            lines.dedup_by(|b, a| self.compare(a, b) == Ordering::Equal);
        }
        let mut text = lines.join("\n");
        if !lines.is_empty() {
            text.push('\n');
        }
        match &self.output {
            Some(name) => {
                let path = call.sys.path(name);
                if let Err(error) = call.sys.files().write(&path, text.as_bytes()) {
                    let name = name.clone();
                    call.error(&format!("open failed: {name}: {error}"));
                    return 2;
                }
            }
            None => call.print(&text),
        }
        0
    }

    fn clone_box(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
