//! Times as Go reads them, with its words for what is wrong.

use drydock_value::Time;

use crate::go::quote;

/// Reads RFC 3339, as `time.Parse(time.RFC3339, text)`.
///
/// # Errors
/// In Go's words: `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"`.
pub fn parse(text: &str) -> Result<Time, String> {
    read(text, "2006-01-02T15:04:05Z07:00")
}

/// Whether the text is a time just as the API server writes it: nothing to be done about it.
pub(crate) fn is_canonical(text: &str) -> bool {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2, b'Z'] = text.as_bytes()
    else {
        return false;
    };
    let pairs = [[y1, y2], [y3, y4], [m1, m2], [d1, d2], [h1, h2], [i1, i2], [s1, s2]];
    let [_, _, month, day, hour, minute, second] = pairs.map(|[tens, ones]| {
        if tens.is_ascii_digit() && ones.is_ascii_digit() { (tens - b'0') * 10 + ones - b'0' } else { u8::MAX }
    });
    // The last days of months are rare enough to be looked at closely.
    matches!(month, 1..=12)
        && matches!(day, 1..=28)
        && hour <= 23
        && minute <= 59
        && second <= 59
        && pairs[..2].as_flattened().iter().all(u8::is_ascii_digit)
        || parse(text).is_ok()
}

/// Reads Kubernetes' MicroTime, which wants six digits of a fraction.
///
/// # Errors
/// In Go's words.
pub fn parse_micro(text: &str) -> Result<Time, String> {
    read(text, "2006-01-02T15:04:05.000000Z07:00")
}

fn read(text: &str, layout: &str) -> Result<Time, String> {
    let mut rest = text;
    let wrong = |rest: &str, element: &str| {
        Err(format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(text),
            quote(layout),
            quote(rest),
            quote(element)
        ))
    };
    let out_of_range = |what: &str| Err(format!("parsing time {}: {what} out of range", quote(text)));
    let micros = layout.contains(".000000");
    let mut parts = [0i64; 6];
    let elements = [
        ("", "2006", 4, 0..=9999, "year"),
        ("-", "01", 2, 1..=12, "month"),
        ("-", "02", 2, 1..=31, "day"),
        ("T", "15", 2, 0..=23, "hour"),
        (":", "04", 2, 0..=59, "minute"),
        (":", "05", 2, 0..=59, "second"),
    ];
    for ((before, element, width, range, what), part) in elements.into_iter().zip(&mut parts) {
        let Some(after) = rest.strip_prefix(before) else { return wrong(rest, before) };
        // Hours may have one digit in Go; everything else has a fixed width.
        let width = if element == "15" { after.bytes().take(2).take_while(u8::is_ascii_digit).count() } else { width };
        let digits = after.get(..width).filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
        let Some(number) = digits.and_then(|digits| digits.parse::<i64>().ok()) else { return wrong(after, element) };
        if !range.contains(&number) {
            return out_of_range(what);
        }
        *part = number;
        rest = &after[width..];
    }
    let mut has_fraction = false;
    if let Some(after) = rest.strip_prefix('.') {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && (!micros || digits == 6) {
            has_fraction = true;
            rest = &after[digits..];
        }
    }
    if micros && !has_fraction {
        return wrong(rest, ".000000");
    }
    let zone = match rest.as_bytes() {
        [b'Z', ..] => 1,
        [b'+' | b'-', h1, h2, b':', m1, m2, ..] if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) => 6,
        _ => return wrong(rest, "Z07:00"),
    };
    if rest.len() > zone {
        return Err(format!("parsing time {}: extra text: {}", quote(text), quote(&rest[zone..])));
    }
    let [year, month, day, ..] = parts;
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day > days {
        return out_of_range("day");
    }
    // Years before 1970 do not exist in the simulation; they read as its beginning.
    Ok(Time::parse_rfc3339(text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{is_canonical, parse, parse_micro};

    #[test]
    fn what_needs_no_change_is_known() {
        let canonical = ["2026-11-22T14:56:49Z", "2024-02-29T23:59:59Z", "2026-12-31T00:00:00Z"];
        assert!(canonical.into_iter().all(is_canonical));
        let others = [
            "2026-02-29T23:59:59Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "x026-01-01T00:00:00Z",
            "2026-01-0xT00:00:00Z",
            "2026-11-22T14:56:49+01:00",
            "2026-11-22T14:56:49.1Z",
            "",
        ];
        assert_eq!(others.into_iter().find(|text| is_canonical(text)), None);
    }

    #[test]
    fn reads_and_refuses_as_go() {
        assert_eq!(parse("2026-11-22T14:56:49+01:00").unwrap().rfc3339(), "2026-11-22T13:56:49Z");
        assert_eq!(parse("2026-11-22T14:56:49.25Z").unwrap().rfc3339_micros(), "2026-11-22T14:56:49.250000Z");
        assert!(parse_micro("2026-11-22T14:56:49.250000Z").is_ok());
        let layout = "as \"2006-01-02T15:04:05Z07:00\": cannot parse";
        let cases = [
            ("yesterday", format!("parsing time \"yesterday\" {layout} \"yesterday\" as \"2006\"")),
            ("2026", format!("parsing time \"2026\" {layout} \"\" as \"-\"")),
            ("2026-11-22", format!("parsing time \"2026-11-22\" {layout} \"\" as \"T\"")),
            ("2026-11-22T10:00:00", format!("parsing time \"2026-11-22T10:00:00\" {layout} \"\" as \"Z07:00\"")),
            ("2026-13-22T10:00:00Z", "parsing time \"2026-13-22T10:00:00Z\": month out of range".into()),
            ("2026-02-30T10:00:00Z", "parsing time \"2026-02-30T10:00:00Z\": day out of range".into()),
            ("2026-02-03T10:00:00Zx", "parsing time \"2026-02-03T10:00:00Zx\": extra text: \"x\"".into()),
        ];
        for (text, error) in cases {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }
}
