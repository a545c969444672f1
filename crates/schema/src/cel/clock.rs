//! Moments and lengths of time.

use drydock_value::{Str, Time};

use super::eval::{Found, NO_OVERLOAD, failed};
use super::val::Val;

const SECOND: i128 = 1_000_000_000;
/// The first and last second that there is: the years 1 to 9999.
const FIRST: i128 = -62_135_596_800;
const LAST: i128 = 253_402_300_799;

pub(super) fn checked_timestamp(nanos: i128) -> Found {
    if (FIRST..=LAST).contains(&nanos.div_euclid(SECOND)) {
        Ok(Val::Timestamp(nanos))
    } else {
        failed("timestamp overflow")
    }
}

/// Reads RFC 3339.
pub(super) fn timestamp(text: &str) -> Result<Val, String> {
    let wrong = || format!("parsing time {} as \"2006-01-02T15:04:05Z07:00\": cannot parse", crate::go::quote(text));
    let part = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let read = || -> Option<i128> {
        let bytes = text.as_bytes();
        let signs = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if signs.iter().any(|(at, sign)| bytes.get(*at) != Some(sign)) {
            return None;
        }
        let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
        let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
        let days = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let in_month = *days.get(usize::try_from(month - 1).ok()?)?;
        if !(1..=in_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let mut rest = text.get(19..)?;
        let mut nanos = 0;
        if let Some(after) = rest.strip_prefix('.') {
            let length = after.bytes().take_while(u8::is_ascii_digit).count();
            if length == 0 {
                return None;
            }
            nanos = format!("{:0<9}", &after[..length]).get(..9)?.parse().ok()?;
            rest = &after[length..];
        }
        let offset = zone(if rest == "Z" { "UTC" } else { rest })?;
        let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
        Some(i128::from(seconds) * SECOND + nanos)
    };
    read().map(Val::Timestamp).ok_or_else(wrong)
}

/// Reads a duration as Go does.
pub(super) fn duration(text: &str) -> Result<Val, String> {
    let parsed = crate::duration::parse(text)?;
    let nanos = parsed.duration.as_nanos() as i64;
    Ok(Val::Duration(if parsed.negative { -nanos } else { nanos }))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days - era * 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Seconds that a zone is ahead: `UTC`, `+02:00`.
fn zone(name: &str) -> Option<i64> {
    if matches!(name, "" | "UTC" | "Z" | "GMT") {
        return (!name.is_empty()).then_some(0);
    }
    let (sign, rest) = match name.as_bytes()[0] {
        b'-' => (-1, &name[1..]),
        b'+' => (1, &name[1..]),
        _ => (1, name),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.len() == 2).map(i64::from);
    Some(sign * (number(hours)? * 3600 + number(minutes)? * 60))
}

/// As it is written.
pub(super) fn text(value: &Val) -> Option<String> {
    Some(match value {
        Val::Timestamp(nanos) => {
            let (seconds, fraction) = (nanos.div_euclid(SECOND) as i64, nanos.rem_euclid(SECOND));
            let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
            let (clock, fraction) = (seconds.rem_euclid(86_400), format!("{fraction:09}"));
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{point}{fraction}Z")
        }
        Val::Duration(nanos) => {
            let (whole, fraction) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
            let fraction = format!("{fraction:09}");
            let fraction = fraction.trim_end_matches('0');
            let (sign, point) = (if *nanos < 0 { "-" } else { "" }, if fraction.is_empty() { "" } else { "." });
            format!("{sign}{whole}{point}{fraction}s")
        }
        _ => return None,
    })
}

pub(super) fn arithmetic(plus: bool, a: &Val, b: &Val) -> Found {
    match (a, b) {
        (Val::Timestamp(t), Val::Duration(d)) => {
            let d = i128::from(*d);
            checked_timestamp(if plus { t + d } else { t - d })
        }
        (Val::Duration(d), Val::Timestamp(t)) if plus => checked_timestamp(t + i128::from(*d)),
        (Val::Timestamp(a), Val::Timestamp(b)) if !plus => match i64::try_from(a - b) {
            Ok(nanos) => Ok(Val::Duration(nanos)),
            Err(_) => failed("duration overflow"),
        },
        (Val::Duration(a), Val::Duration(b)) => {
            let found = if plus { a.checked_add(*b) } else { a.checked_sub(*b) };
            found.map_or_else(|| failed("duration overflow"), |nanos| Ok(Val::Duration(nanos)))
        }
        _ => failed(NO_OVERLOAD),
    }
}

/// `getHours` and its like.
pub(super) fn call(name: &str, args: &[Val]) -> Option<Found> {
    let part = name.strip_prefix("get")?;
    if let [Val::Duration(nanos)] = args {
        let size = match part {
            "Hours" => 3_600_000_000_000,
            "Minutes" => 60_000_000_000,
            "Seconds" => 1_000_000_000,
            "Milliseconds" => return Some(Ok(Val::Int(nanos / 1_000_000 % 1000))),
            _ => return None,
        };
        return Some(Ok(Val::Int(nanos / size)));
    }
    let (nanos, offset) = match args {
        [Val::Timestamp(nanos)] => (*nanos, Ok(0)),
        [Val::Timestamp(nanos), Val::Str(name)] => {
            let at = Time(u64::try_from(nanos / 1000).unwrap_or(0));
            let named = || crate::Zone::named(name).map(|zone| zone.offset(at) * 60);
            (*nanos, zone(name).or_else(named).ok_or_else(|| Str::from(format!("unknown time zone {name}"))))
        }
        _ => return None,
    };
    let offset = match offset {
        Ok(offset) => offset,
        Err(why) => return Some(Err(why)),
    };
    let seconds = nanos.div_euclid(SECOND) as i64 + offset;
    let days = seconds.div_euclid(86_400);
    let clock = seconds.rem_euclid(86_400);
    let (year, month, day) = civil_from_days(days);
    Some(Ok(Val::Int(match part {
        "FullYear" => year,
        "Month" => month - 1,
        "DayOfYear" => days - days_from_civil(year, 1, 1),
        "DayOfMonth" => day - 1,
        "Date" => day,
        "DayOfWeek" => (days + 4).rem_euclid(7),
        "Hours" => clock / 3600,
        "Minutes" => clock / 60 % 60,
        "Seconds" => clock % 60,
        "Milliseconds" => (nanos.rem_euclid(SECOND) / 1_000_000) as i64,
        _ => return None,
    })))
}
