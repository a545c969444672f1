//! `date`.

use drydock_value::Time;

use super::Call;
use super::options::Options;

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn name(list: &[&'static str], index: u32) -> &'static str {
    list.get(index as usize).copied().unwrap_or("")
}

/// A moment by a format, in UTC.
pub(crate) fn strftime(format: &str, time: Time) -> String {
    let (year, month, day, hour, minute, second) = time.civil();
    let weekday = time.weekday();
    let day_of_year =
        Time::from_civil(year, 1, 1, 0, 0, 0).map_or(0, |start| time.since(start).as_secs() / 86_400) as u32;
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut next = chars.next();
        // Flags: no padding, blanks, zeros, upper case; a width is only known before N.
        let mut flag = None;
        if let Some(found @ ('-' | '_' | '0' | '^' | ':')) = next {
            flag = Some(found);
            next = chars.next();
        }
        let mut digits = String::new();
        while let Some(digit) = next.filter(char::is_ascii_digit) {
            digits.push(digit);
            next = chars.next();
        }
        let number = |value: i64, width: usize, blank: bool| match (flag, blank) {
            (Some('-'), _) => value.to_string(),
            (Some('_'), _) | (None, true) => format!("{value:width$}"),
            _ => format!("{value:0width$}"),
        };
        let twelve = i64::from(if hour % 12 == 0 { 12 } else { hour % 12 });
        let text = match next {
            None => "%".into(),
            Some(c) => match c {
                '%' => "%".into(),
                'n' => "\n".into(),
                't' => "\t".into(),
                'Y' => year.to_string(),
                'C' => number(year / 100, 2, false),
                'y' => number(year % 100, 2, false),
                'm' => number(month.into(), 2, false),
                'd' => number(day.into(), 2, false),
                'e' => number(day.into(), 2, true),
                'H' => number(hour.into(), 2, false),
                'k' => number(hour.into(), 2, true),
                'I' => number(twelve, 2, false),
                'l' => number(twelve, 2, true),
                'M' => number(minute.into(), 2, false),
                'S' => number(second.into(), 2, false),
                'N' => {
                    let nanos = format!("{:09}", time.0 % 1_000_000 * 1000);
                    let width = digits.parse::<usize>().unwrap_or(9).min(9);
                    nanos.get(..width).unwrap_or(&nanos).to_owned()
                }
                's' => time.seconds().to_string(),
                'j' => number(i64::from(day_of_year) + 1, 3, false),
                'a' => name(&DAYS, weekday).chars().take(3).collect(),
                'A' => name(&DAYS, weekday).into(),
                'b' | 'h' => name(&MONTHS, month - 1).chars().take(3).collect(),
                'B' => name(&MONTHS, month - 1).into(),
                'u' => (if weekday == 0 { 7 } else { weekday }).to_string(),
                'w' => weekday.to_string(),
                'p' => (if hour < 12 { "AM" } else { "PM" }).into(),
                'P' => (if hour < 12 { "am" } else { "pm" }).into(),
                'Z' => "UTC".into(),
                'z' => (if flag == Some(':') { "+00:00" } else { "+0000" }).into(),
                'U' => number(i64::from((day_of_year + 7 - weekday) / 7), 2, false),
                'W' => number(i64::from((day_of_year + 7 - (weekday + 6) % 7) / 7), 2, false),
                'F' => strftime("%Y-%m-%d", time),
                'T' | 'X' => strftime("%H:%M:%S", time),
                'R' => strftime("%H:%M", time),
                'D' | 'x' => strftime("%m/%d/%y", time),
                'r' => strftime("%I:%M:%S %p", time),
                'c' => strftime("%a %b %e %H:%M:%S %Y", time),
                other => format!("%{other}"),
            },
        };
        out.push_str(&if flag == Some('^') { text.to_uppercase() } else { text });
    }
    out
}

/// Reads a date: `@seconds`, RFC 3339, `YYYY-MM-DD [HH:MM[:SS]]`, `now`, `today`, `yesterday`, `tomorrow`, and offsets
/// such as `+2 days`, `3 hours ago`.
pub(crate) fn parse(text: &str, now: Time) -> Option<Time> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        let seconds: f64 = seconds.parse().ok()?;
        return Some(Time((seconds.max(0.0) * 1e6) as u64));
    }
    if let Some(time) = Time::parse_rfc3339(text) {
        return Some(time);
    }
    let midnight = |time: Time| Time(time.0 / 86_400_000_000 * 86_400_000_000);
    let mut time = now;
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        match word.to_ascii_lowercase().as_str() {
            "now" | "utc" | "z" | "gmt" => {}
            "today" => time = now,
            "yesterday" => time = Time(time.0.checked_sub(86_400_000_000)?),
            "tomorrow" => time = Time(time.0.checked_add(86_400_000_000)?),
            lower => {
                if let Some(date) = Time::parse_rfc3339(&format!("{word}T00:00:00Z")) {
                    time = date;
                } else if lower.contains(':') {
                    let full = if lower.matches(':').count() == 1 { format!("{word}:00") } else { word.to_owned() };
                    let clock = Time::parse_rfc3339(&format!("1970-01-01T{}Z", full.trim_end_matches('Z')))?;
                    time = Time(midnight(time).0 + clock.0);
                } else {
                    let (count, unit) = match lower.parse::<i64>() {
                        Ok(count) => (count, words.next()?.to_ascii_lowercase()),
                        Err(_) if lower == "next" => (1, words.next()?.to_ascii_lowercase()),
                        Err(_) if lower == "last" => (-1, words.next()?.to_ascii_lowercase()),
                        Err(_) => {
                            let split = lower.find(|c: char| c.is_ascii_alphabetic())?;
                            let (count, unit) = lower.split_at(split);
                            (count.parse().ok()?, unit.to_owned())
                        }
                    };
                    let seconds: i64 = match unit.trim_end_matches('s') {
                        "sec" | "second" => 1,
                        "min" | "minute" => 60,
                        "hour" => 3600,
                        "day" => 86_400,
                        "week" => 604_800,
                        "month" => 2_592_000,
                        "year" => 31_536_000,
                        _ => return None,
                    };
                    let ago = words.next_if(|word| *word == "ago").is_some();
                    let micros = count.checked_mul(seconds)?.checked_mul(1_000_000)?;
                    let moved = i64::try_from(time.0).ok()?.checked_add(if ago { -micros } else { micros })?;
                    time = Time(u64::try_from(moved).ok()?);
                }
            }
        }
    }
    Some(time)
}

pub(super) fn run(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[
        ("date", 'd'),
        ("utc", 'u'),
        ("universal", 'u'),
        ("rfc-3339", '3'),
        ("rfc-email", 'R'),
        ("iso-8601", 'I'),
        ("reference", 'r'),
        ("set", 's'),
    ];
    let options = match Options::parse(call, "d:uRr:s:I?D:", LONG) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let mut time = call.sys.now();
    if let Some(text) = options.value('d') {
        match parse(text, time) {
            Some(parsed) => time = parsed,
            None => {
                let quoted = call.quote(text);
                call.error(&format!("invalid date {quoted}"));
                return 1;
            }
        }
    }
    if let Some(file) = options.value('r') {
        let path = call.sys.path(file);
        match call.sys.files().stat(&path) {
            Ok(stat) => time = stat.modified,
            Err(error) => {
                call.error(&format!("{file}: {error}"));
                return 1;
            }
        }
    }
    if options.has('s') {
        call.error("cannot set date: Operation not permitted");
        return 1;
    }
    let format = match options.rest.first() {
        Some(word) => match word.strip_prefix('+') {
            Some(format) => format.to_owned(),
            None => {
                let quoted = call.quote(word);
                call.error(&format!("invalid date {quoted}"));
                return 1;
            }
        },
        None if options.has('R') => "%a, %d %b %Y %H:%M:%S %z".into(),
        None if options.has('3') => match options.value('3') {
            Some("date") => "%Y-%m-%d",
            Some("ns") => "%Y-%m-%d %H:%M:%S.%N+00:00",
            _ => "%Y-%m-%d %H:%M:%S+00:00",
        }
        .into(),
        None if options.has('I') => match options.value('I').unwrap_or("") {
            "seconds" | "s" => "%Y-%m-%dT%H:%M:%S+00:00",
            "minutes" | "m" => "%Y-%m-%dT%H:%M+00:00",
            "hours" | "h" => "%Y-%m-%dT%H+00:00",
            "ns" => "%Y-%m-%dT%H:%M:%S,%N+00:00",
            _ => "%Y-%m-%d",
        }
        .into(),
        None => "%a %b %e %H:%M:%S %Z %Y".into(),
    };
    let text = strftime(&format, time);
    call.print(&format!("{text}\n"));
    0
}
