//! Numbers as utilities read and print them.

/// A size with an optional suffix: `10`, `4k`, `2M`.
pub(super) fn size(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let unit: u64 = match suffix.trim_end_matches("iB") {
        "" => 1,
        "b" => 512,
        "kB" | "KB" => 1000,
        "k" | "K" => 1 << 10,
        "MB" => 1_000_000,
        "m" | "M" => 1 << 20,
        "GB" => 1_000_000_000,
        "g" | "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// A size as `ls -h` and `du -h` print it.
pub(super) fn human(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit < 5 {
        value /= 1024.0;
        unit += 1;
    }
    let letter = ["", "K", "M", "G", "T", "P"].get(unit).copied().unwrap_or("");
    // They round up.
    if unit == 0 {
        bytes.to_string()
    } else if value < 9.95 {
        format!("{:.1}{letter}", (value * 10.0).ceil() / 10.0)
    } else {
        format!("{:.0}{letter}", value.ceil())
    }
}

/// KiB as busybox's `ps` and `top` write them in five places: `940`, `4400`, `12m`, `1.2g`.
pub(super) fn short_kib(kib: u64) -> String {
    match kib {
        ..=99_999 => kib.to_string(),
        100_000..=102_399_999 => format!("{}m", kib >> 10),
        _ => format!("{}g", kib >> 20),
    }
}

/// Seconds with an optional suffix (`s`, `m`, `h`, `d`) and fraction, in microseconds.
pub(super) fn duration(text: &str) -> Option<u64> {
    if text == "infinity" || text == "inf" {
        return Some(u64::MAX / 4);
    }
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, c)) if c.is_ascii_alphabetic() => (text.get(..at)?, c),
        _ => (text, 's'),
    };
    let factor = match unit {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        'd' => 86_400.0,
        _ => return None,
    };
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let seconds: f64 = number.parse().ok()?;
    Some((seconds * factor * 1e6).round() as u64)
}
