//! Values as YAML, byte for byte as `kubectl -o yaml` prints them: go-yaml's emitter with its defaults, in block style,
//! two spaces a level, sequences not indented, long lines folded after 80 columns.

use drydock_value::Value;

use crate::order::sort_pairs;
use crate::scalar::needs_quotes;

const INDENT: usize = 2;
/// A space after this column breaks the line.
const WIDTH: usize = 80;
/// A longer key needs the `? key` form.
const SIMPLE_KEY_LIMIT: usize = 128;

/// The value as YAML, with a line break at the end.
pub fn to_yaml(value: &Value) -> String {
    let mut writer = Writer { out: String::new(), column: 0, indent: None, whitespace: true, indention: true };
    writer.node(value, Context::Root);
    if !writer.out.ends_with('\n') {
        writer.out.push('\n');
    }
    writer.out
}

#[derive(Clone, Copy, PartialEq)]
enum Context {
    Root,
    Sequence,
    Mapping,
    SimpleKey,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

struct Writer {
    out: String,
    column: usize,
    /// The column of the collection's keys or dashes; none outside of all collections.
    indent: Option<usize>,
    /// Whether the last character was a space.
    whitespace: bool,
    /// Whether there was nothing but indentation and indicators in the line.
    indention: bool,
}

impl Writer {
    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn line_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(&mut self, text: &str, after_space: bool, is_indention: bool) {
        if after_space && !self.whitespace {
            self.put(' ');
        }
        for c in text.chars() {
            self.put(c);
        }
        self.whitespace = false;
        self.indention &= is_indention;
    }

    /// Goes one level in and answers the level to come back to.
    fn deeper(&mut self, flow: bool, indentless: bool) -> Option<usize> {
        let before = self.indent;
        self.indent = match before {
            None => Some(if flow { INDENT } else { 0 }),
            Some(indent) if !indentless => Some(indent + INDENT),
            Some(indent) => Some(indent),
        };
        before
    }

    fn node(&mut self, value: &Value, context: Context) {
        match value {
            Value::Array(items) if items.is_empty() => self.flow_pair("[", "]"),
            Value::Object(map) if map.is_empty() => self.flow_pair("{", "}"),
            Value::Array(items) => {
                let before = self.deeper(false, context == Context::Mapping && !self.indention);
                for item in items.iter() {
                    self.write_indent();
                    self.indicator("-", true, true);
                    self.node(item, Context::Sequence);
                }
                self.indent = before;
            }
            Value::Object(map) => {
                let before = self.deeper(false, false);
                for (key, value) in sort_pairs(map.iter()) {
                    self.write_indent();
                    self.pair(key, value);
                }
                self.indent = before;
            }
            Value::Null => self.plain_word("null"),
            Value::Bool(b) => self.plain_word(if *b { "true" } else { "false" }),
            Value::Int(number) => self.plain_word(&number.to_string()),
            Value::Float(number) => self.plain_word(&float(*number, false)),
            Value::String(text) => self.string(text, context),
        }
    }

    fn pair(&mut self, key: &str, value: &Value) {
        if key.len() <= SIMPLE_KEY_LIMIT && !key.contains(is_break) {
            self.string(key, Context::SimpleKey);
            self.indicator(":", false, false);
        } else {
            self.indicator("?", true, true);
            self.string(key, Context::Mapping);
            self.write_indent();
            self.indicator(":", true, true);
        }
        self.node(value, Context::Mapping);
    }

    fn flow_pair(&mut self, open: &str, close: &str) {
        self.indicator(open, true, false);
        self.indicator(close, false, false);
    }

    fn plain_word(&mut self, word: &str) {
        if !self.whitespace {
            self.put(' ');
        }
        for c in word.chars() {
            self.put(c);
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn string(&mut self, text: &str, context: Context) {
        let style = choose(text, context);
        let before = self.deeper(true, false);
        let folds = context != Context::SimpleKey;
        match style {
            Style::Plain => self.plain(text, folds),
            Style::Single => self.single(text, folds),
            Style::Double => self.double(text, folds),
            Style::Literal => self.literal(text),
        }
        self.indent = before;
    }

    fn plain(&mut self, text: &str, folds: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        let mut spaces = false;
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c == ' ' {
                if folds && !spaces && self.column > WIDTH && !rest.as_str().starts_with(' ') {
                    self.write_indent();
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                self.indention = false;
                spaces = false;
            }
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn single(&mut self, text: &str, folds: bool) {
        self.indicator("'", true, false);
        let (mut spaces, mut breaks, mut first) = (false, false, true);
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c == ' ' {
                let inside = !first && !rest.as_str().is_empty();
                if folds && !spaces && self.column > WIDTH && inside && !rest.as_str().starts_with(' ') {
                    self.write_indent();
                } else {
                    self.put(c);
                }
                spaces = true;
            } else if is_break(c) {
                self.line_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
            first = false;
        }
        self.indicator("'", false, false);
    }

    fn double(&mut self, text: &str, folds: bool) {
        self.indicator("\"", true, false);
        // go-yaml looks for the byte order mark at the beginning of the text whichever character it is at.
        let all = text.starts_with('\u{FEFF}');
        let (mut spaces, mut first) = (false, true);
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if all || !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                self.escape(c);
                spaces = false;
            } else if c == ' ' {
                let inside = !first && !rest.as_str().is_empty();
                if folds && !spaces && self.column > WIDTH && inside {
                    self.write_indent();
                    if rest.as_str().starts_with(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
            first = false;
        }
        self.indicator("\"", false, false);
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0B' => 'v',
            '\x0C' => 'f',
            '\r' => 'r',
            '\x1B' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{A0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = u32::from(c);
                let text = match code {
                    0..=0xFF => format!("\\x{code:02X}"),
                    0x100..=0xFFFF => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                return text.chars().for_each(|c| self.put(c));
            }
        };
        self.put('\\');
        self.put(short);
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator("2", false, false);
        }
        let mut tail = text.chars().rev();
        let chomping = match (tail.next().is_some_and(is_break), tail.next()) {
            (false, _) => "-",
            (true, None) => "+",
            (true, Some(c)) if is_break(c) => "+",
            (true, Some(_)) => "",
        };
        self.indicator(chomping, false, false);
        self.line_break('\n');
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.line_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What go-yaml does not escape: no tabs, nothing beyond the basic plane.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}') && c != '\u{FEFF}'
}

/// The style of a string, from what is in it and where it stands.
fn choose(text: &str, context: Context) -> Style {
    let facts = Facts::of(text);
    let key = context == Context::SimpleKey;
    if text.contains('\n') {
        return if facts.literal && !key { Style::Literal } else { Style::Double };
    }
    if needs_quotes(text) || (key && facts.multiline) {
        return Style::Double;
    }
    match (facts.plain, facts.single) {
        (true, _) => Style::Plain,
        (false, true) => Style::Single,
        (false, false) => Style::Double,
    }
}

/// In which styles a string can stand.
struct Facts {
    multiline: bool,
    plain: bool,
    single: bool,
    literal: bool,
}

impl Facts {
    fn of(text: &str) -> Facts {
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut special, mut breaks, mut break_space, mut space_break) = (false, false, false, false);
        let mut previous = None;
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let next = rest.as_str().chars().next();
            let blank_follows = next.is_none_or(|c| matches!(c, ' ' | '\t'));
            let blank_before = previous.is_none_or(|c| matches!(c, ' ' | '\t') || is_break(c));
            indicators |= match c {
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`'
                    if previous.is_none() =>
                {
                    true
                }
                '?' | '-' => previous.is_none() && blank_follows,
                ':' => blank_follows,
                '#' => blank_before,
                _ => false,
            };
            special |= !is_printable(c);
            breaks |= is_break(c);
            break_space |= c == ' ' && previous.is_some_and(is_break);
            space_break |= is_break(c) && previous == Some(' ');
            previous = Some(c);
        }
        let at_edge = |c: Option<char>| c.is_some_and(|c| c == ' ' || is_break(c));
        let edges = at_edge(text.chars().next()) || at_edge(previous);
        let bad = space_break || special;
        Facts {
            multiline: breaks,
            plain: !indicators && !edges && !breaks && !bad,
            single: !break_space && !bad,
            literal: !bad && previous != Some(' '),
        }
    }
}

/// A float as Go's `FormatFloat(x, 'g', -1, 64)` (or 32): an exponent below 1e-4 and from 1e6 on. Whole numbers that fit
/// 64 bits have no fraction in JSON and so are read, and printed, as integers.
pub(crate) fn float(number: f64, single: bool) -> String {
    if !single && number.fract() == 0.0 && (0.0..1.8e19).contains(&number.abs()) && (number >= 0.0 || number > -9.2e18)
    {
        return format!("{:.0}", number + 0.0);
    }
    let text = if single { format!("{:e}", number as f32) } else { format!("{number:e}") };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    if single { format!("{}", number as f32) } else { format!("{number}") }
}
