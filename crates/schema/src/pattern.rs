//! Regular expressions, and what is wrong with one, in the words of Go's `regexp`.

/// Whether a text is a regular expression.
///
/// # Errors
/// `error parsing regexp: ` and why not, with the part that is wrong.
pub fn check(text: &str) -> Result<(), String> {
    let other = || regex_lite::Regex::new(text).err().map(|why| why.to_string());
    match fault(text).or_else(other) {
        None => Ok(()),
        Some(why) => Err(format!("error parsing regexp: {why}")),
    }
}

/// The first thing that is wrong, as far as it is one of those that Go has words for.
fn fault(text: &str) -> Option<String> {
    let say = |what: &str, part: &str| Some(format!("{what}: `{part}`"));
    let (mut at, mut depth) = (0, 0);
    // Whether there is something to repeat, and where the repetition before begins.
    let (mut operand, mut repeated) = (false, None);
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let mut length = letter.len_utf8();
        let mut repetition = false;
        match letter {
            '\\' => {
                let Some(next) = rest[1..].chars().next() else {
                    return say("trailing backslash at end of expression", "");
                };
                length += next.len_utf8();
                if next.is_ascii_digit() && next != '0'
                    || next.is_ascii_alphabetic() && !"aftnrvxQEABbzdDsSwWpPC".contains(next)
                {
                    return say("invalid escape sequence", &rest[..length]);
                }
            }
            '[' => match class(rest) {
                Ok(end) => length = end,
                Err((what, part)) => return say(what, part),
            },
            '(' => {
                if let Some(inside) = rest.strip_prefix("(?") {
                    let flags = inside.trim_start_matches(['i', 'm', 's', 'U', '-']);
                    let named = inside.starts_with("P<") || inside.starts_with('<') && !inside.starts_with(['=', '!']);
                    let lookbehind = inside.starts_with("<=") || inside.starts_with("<!");
                    if lookbehind || !named && !flags.starts_with([':', ')']) {
                        let wrong = inside.chars().next().map_or(0, char::len_utf8);
                        return say("invalid or unsupported Perl syntax", &rest[..2 + wrong]);
                    }
                    length = 2;
                }
                depth += 1;
            }
            ')' if depth == 0 => return say("unexpected )", text),
            ')' => depth -= 1,
            '*' | '+' | '?' | '{' => {
                let end = if letter == '{' { repeat(rest) } else { Some(1) };
                if let Some(end) = end {
                    (length, repetition) = (end, true);
                    if !operand {
                        return say("missing argument to repetition operator", &rest[..end]);
                    }
                    if let Some(first) = repeated
                        && letter != '?'
                    {
                        return say("invalid nested repetition operator", &text[first..at + end]);
                    }
                    if letter == '{' && !is_count(&rest[1..end - 1]) {
                        return say("invalid repeat count", &rest[..end]);
                    }
                }
            }
            _ => {}
        }
        repeated = if repetition { repeated.or(Some(at)) } else { None };
        operand = !matches!(letter, '(' | '|') || repetition;
        at += length;
    }
    if depth > 0 { say("missing closing )", text) } else { None }
}

/// Where a class ends that a text begins with; or what is wrong with it.
fn class(text: &str) -> Result<usize, (&'static str, &str)> {
    let start = if text.starts_with("[^") { 2 } else { 1 };
    let letters: Vec<(usize, char)> = text[start..].char_indices().map(|(at, letter)| (start + at, letter)).collect();
    let mut at = 0;
    while let Some((place, letter)) = letters.get(at) {
        match letter {
            ']' if at > 0 => return Ok(place + 1),
            '\\' => at += 1,
            low if letters.get(at + 1).is_some_and(|(_, dash)| *dash == '-') => {
                if let Some((end, high)) = letters.get(at + 2).filter(|(_, high)| *high != ']') {
                    if high < low {
                        return Err(("invalid character class range", &text[*place..end + high.len_utf8()]));
                    }
                    at += 1 + usize::from(*high != '\\');
                }
            }
            _ => {}
        }
        at += 1;
    }
    Err(("missing closing ]", text))
}

/// Where a repetition `{n,m}` ends that a text begins with; None when it is none, but plain text.
fn repeat(text: &str) -> Option<usize> {
    let end = text.find('}')?;
    let (low, high) = text[1..end].split_once(',').unwrap_or((&text[1..end], ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (!low.is_empty() && digits(low) && digits(high)).then_some(end + 1)
}

/// Whether counts are in order and small enough.
fn is_count(text: &str) -> bool {
    const MOST: u32 = 1000;
    let (low, high) = text.split_once(',').unwrap_or((text, text));
    let low = low.parse::<u32>().unwrap_or(u32::MAX);
    let high = if high.is_empty() { low } else { high.parse().unwrap_or(u32::MAX) };
    low <= high && high <= MOST
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn says_what_is_wrong_as_go_does() {
        for (text, why) in [
            ("^[a-z]+(-[0-9]{1,3})?$", ""),
            ("^(?i)[[:alpha:]a-z-9\\]+]*?(?:x|(?P<n>y)){2}$", ""),
            ("x[a", "missing closing ]: `[a`"),
            ("[b-a]", "invalid character class range: `b-a`"),
            ("(ab", "missing closing ): `(ab`"),
            ("ab)", "unexpected ): `ab)`"),
            ("a|*", "missing argument to repetition operator: `*`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a{3,2}", "invalid repeat count: `{3,2}`"),
            ("(a)\\2", "invalid escape sequence: `\\2`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?<!a)b", "invalid or unsupported Perl syntax: `(?<`"),
            ("a\\", "trailing backslash at end of expression: ``"),
        ] {
            let wanted = if why.is_empty() { Ok(()) } else { Err(format!("error parsing regexp: {why}")) };
            assert_eq!(check(text), wanted, "{text}");
        }
    }
}
