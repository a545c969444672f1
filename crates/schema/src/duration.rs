//! Durations as Kubernetes shows them (`5d3h`) and as Go writes them (`1h0m30s`).

use std::time::Duration;

/// An age as in `kubectl get`: at most two units, fewer the longer it is.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let pair = |large: u64, unit: char, small: u64, small_unit: char| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{small_unit}") }
    };
    if seconds < 60 * 2 {
        format!("{seconds}s")
    } else if minutes < 10 {
        pair(minutes, 'm', seconds % 60, 's')
    } else if minutes < 60 * 3 {
        format!("{minutes}m")
    } else if hours < 8 {
        pair(hours, 'h', minutes % 60, 'm')
    } else if hours < 48 {
        format!("{hours}h")
    } else if hours < 24 * 8 {
        pair(hours / 24, 'd', hours % 24, 'h')
    } else if hours < 24 * 365 * 2 {
        format!("{}d", hours / 24)
    } else if hours < 24 * 365 * 8 {
        pair(hours / 24 / 365, 'y', hours / 24 % 365, 'd')
    } else {
        format!("{}y", hours / 24 / 365)
    }
}

/// A duration as in `describe`: two units, spelled shorter only for the first minutes. Kubernetes'
/// `ShortHumanDuration`: one unit only.
pub fn short_human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds, seconds / 60, seconds / 3600) {
        (0..60, ..) => format!("{seconds}s"),
        (_, minutes @ 0..60, _) => format!("{minutes}m"),
        (_, _, hours @ 0..24) => format!("{hours}h"),
        (_, _, hours) if hours < 24 * 365 => format!("{}d", hours / 24),
        (_, _, hours) => format!("{}y", hours / 24 / 365),
    }
}

/// As Go prints a `time.Duration`: `1h0m30s`, `1.5s`, `250ms`, `0s`.
pub fn go(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".into();
    }
    let decimal = |unit: u128, name: &str| {
        let fraction = format!("{:0width$}", nanos % unit, width = unit.ilog10() as usize);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            format!("{}{name}", nanos / unit)
        } else {
            format!("{}.{fraction}{name}", nanos / unit)
        }
    };
    match nanos {
        0..1_000 => return format!("{nanos}ns"),
        1_000..1_000_000 => return decimal(1_000, "µs"),
        1_000_000..1_000_000_000 => return decimal(1_000_000, "ms"),
        _ => {}
    }
    let (hours, minutes, rest) = (nanos / 3_600_000_000_000, nanos / 60_000_000_000 % 60, nanos % 60_000_000_000);
    let fraction = format!("{:09}", rest % 1_000_000_000);
    let fraction = fraction.trim_end_matches('0');
    let seconds = rest / 1_000_000_000;
    let seconds = if fraction.is_empty() { format!("{seconds}s") } else { format!("{seconds}.{fraction}s") };
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, _) => format!("{minutes}m{seconds}"),
        _ => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// A duration as Go reads it, and whether it was negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parsed {
    /// Whether a minus stood before it.
    pub negative: bool,
    /// How long.
    pub duration: Duration,
}

/// Reads a duration as Go's `time.ParseDuration`: `1h30m`, `1.5s`, `-10ms`, `0`.
///
/// # Errors
/// In Go's words: `time: invalid duration "abc"`.
pub fn parse(text: &str) -> Result<Parsed, String> {
    let quoted = crate::go::quote(text);
    let invalid = || format!("time: invalid duration {quoted}");
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(Parsed { negative, duration: Duration::ZERO });
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(whole);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at(after.bytes().take_while(u8::is_ascii_digit).count()),
            None if number.is_empty() => return Err(invalid()),
            None => ("", after),
        };
        if number.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let unit_end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let size: u128 = match unit {
            "" => return Err(format!("time: missing unit in duration {quoted}")),
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(format!("time: unknown unit {} in duration {quoted}", crate::go::quote(unit))),
        };
        let whole: u128 = if number.is_empty() { 0 } else { number.parse().map_err(|_| invalid())? };
        nanos = whole.checked_mul(size).and_then(|n| nanos.checked_add(n)).ok_or_else(invalid)?;
        if !fraction.is_empty() {
            let digits = fraction.get(..fraction.len().min(18)).unwrap_or("");
            let scale = 10u128.pow(digits.len() as u32);
            nanos = nanos.saturating_add(digits.parse::<u128>().unwrap_or(0) * size / scale);
        }
        if nanos > i64::MAX as u128 {
            return Err(invalid());
        }
        rest = after;
    }
    Ok(Parsed { negative, duration: Duration::from_nanos(nanos as u64) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectls() {
        let cases = [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (150, "2m30s"),
            (599, "9m59s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (12_000, "3h20m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (183_600, "2d3h"),
            (691_199, "7d23h"),
            (691_200, "8d"),
            (63_071_999, "729d"),
            (63_072_000, "2y"),
            (63_158_400, "2y1d"),
            (252_288_000, "8y"),
        ];
        for (seconds, text) in cases {
            assert_eq!(human(Duration::from_secs(seconds)), text, "{seconds}");
        }
    }

    #[test]
    fn writes_as_go() {
        let cases = [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (2_000_000, "2ms"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (5_430_250_000_000, "1h30m30.25s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(go(Duration::from_nanos(nanos)), text);
            assert_eq!(parse(text), Ok(Parsed { negative: false, duration: Duration::from_nanos(nanos) }));
        }
    }

    #[test]
    fn reads_as_go() {
        assert_eq!(parse("1h30m").unwrap().duration, Duration::from_secs(5400));
        assert_eq!(parse("-1.5s"), Ok(Parsed { negative: true, duration: Duration::from_millis(1500) }));
        assert_eq!(parse("0").unwrap().duration, Duration::ZERO);
        for (text, error) in [
            ("abc", "time: invalid duration \"abc\""),
            ("", "time: invalid duration \"\""),
            ("10", "time: missing unit in duration \"10\""),
            ("10x", "time: unknown unit \"x\" in duration \"10x\""),
            ("1h.s", "time: invalid duration \"1h.s\""),
            ("9999999h", "time: invalid duration \"9999999h\""),
        ] {
            assert_eq!(parse(text).unwrap_err(), error);
        }
    }
}
