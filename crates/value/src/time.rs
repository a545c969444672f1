//! Simulated time.

use std::time::Duration;

/// A moment of simulated time, in microseconds since 1970-01-01T00:00:00Z. Nothing in the core reads a real clock:
/// whoever drives it hands the time in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Time(pub u64);

const DAY_SECONDS: u64 = 86_400;

impl Time {
    /// A moment that never comes.
    pub const NEVER: Time = Time(u64::MAX);

    /// The moment `seconds` after 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: u64) -> Time {
        Time(seconds * 1_000_000)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }

    /// How long ago `earlier` was; zero when it has not come yet.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Year, month (1 to 12), day (1 to 31), hour, minute, second in UTC.
    pub fn civil(self) -> (i64, u32, u32, u32, u32, u32) {
        let seconds = self.seconds();
        let (year, month, day) = civil_from_days((seconds / DAY_SECONDS) as i64);
        let rest = (seconds % DAY_SECONDS) as u32;
        (year, month, day, rest / 3600, rest / 60 % 60, rest % 60)
    }

    /// Day of the week in UTC: 0 is Sunday.
    pub fn weekday(self) -> u32 {
        ((self.seconds() / DAY_SECONDS + 4) % 7) as u32
    }

    /// The moment of a civil date and time in UTC. None before 1970.
    pub fn from_civil(year: i64, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Option<Time> {
        let days = u64::try_from(days_from_civil(year, month, day)).ok()?;
        let seconds = days * DAY_SECONDS + u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
        Some(Time::from_seconds(seconds))
    }

    /// As in `metadata.creationTimestamp`: `2026-11-22T13:56:49Z`, whole seconds.
    pub fn rfc3339(self) -> String {
        let (year, month, day, hour, minute, second) = self.civil();
        // Written digit by digit: every object has several of these, and formatting would be the most of making it.
        let mut text = String::with_capacity("2026-11-22T13:56:49Z".len());
        match u64::try_from(year).unwrap_or(0) {
            year @ 0..=9999 => padded(&mut text, year, 1000),
            year => text.push_str(&year.to_string()),
        }
        for (sign, number) in [('-', month), ('-', day), ('T', hour), (':', minute), (':', second)] {
            text.push(sign);
            padded(&mut text, number.into(), 10);
        }
        text.push('Z');
        text
    }

    /// As in RFC 1123, with a numeric zone: `Sun, 22 Nov 2026 13:56:49 +0000`.
    pub fn rfc1123(self) -> String {
        const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (year, month, day, hour, minute, second) = self.civil();
        let weekday = DAYS.get(self.weekday() as usize).unwrap_or(&"");
        let month = MONTHS.get((month as usize).wrapping_sub(1)).unwrap_or(&"");
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
    }

    /// As Kubernetes' MicroTime: `2026-11-22T13:56:49.123456Z`.
    pub fn rfc3339_micros(self) -> String {
        let text = self.rfc3339();
        format!("{}.{:06}Z", &text[..text.len() - 1], self.0 % 1_000_000)
    }

    /// As container logs with timestamps: `2026-11-22T13:56:49.123456000Z`.
    pub fn rfc3339_nanos(self) -> String {
        let text = self.rfc3339();
        format!("{}.{:09}Z", &text[..text.len() - 1], self.0 % 1_000_000 * 1000)
    }

    /// Reads RFC 3339 with optional fraction, with `Z` or a numeric offset.
    pub fn parse_rfc3339(text: &str) -> Option<Time> {
        let (date, clock) = text.split_once(['T', 't', ' '])?;
        let mut date = date.splitn(3, '-');
        let (year, month, day) = (digits(date.next()?)?, digits(date.next()?)?, digits(date.next()?)?);
        let zone = clock.find(['Z', 'z', '+', '-'])?;
        let (clock, zone) = clock.split_at(zone);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let mut clock = clock.splitn(3, ':');
        let (hour, minute, second) = (digits(clock.next()?)?, digits(clock.next()?)?, digits(clock.next()?)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let micros = if fraction.is_empty() { 0 } else { digits(&format!("{fraction:0<6}")[..6])? };
        let base = Time::from_civil(
            year.into(),
            u32::try_from(month).ok()?,
            u32::try_from(day).ok()?,
            u32::try_from(hour).ok()?,
            u32::try_from(minute).ok()?,
            u32::try_from(second).ok()?,
        )?;
        let offset = match zone.as_bytes() {
            b"Z" | b"z" => 0,
            [sign, rest @ ..] => {
                let rest = std::str::from_utf8(rest).ok()?;
                let (hours, minutes) = rest.split_once(':')?;
                let seconds = i64::from(digits(hours)?) * 3600 + i64::from(digits(minutes)?) * 60;
                if *sign == b'-' { -seconds } else { seconds }
            }
            [] => return None,
        };
        let total = i64::try_from(base.0).ok()? - offset * 1_000_000 + i64::from(micros);
        u64::try_from(total).ok().map(Time)
    }
}

fn digits(text: &str) -> Option<i32> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Year, month, day of a day counted from 1970-01-01 (proleptic Gregorian; eras of 400 years, years from March on).
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_index + 2) / 5 + 1) as u32;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_index = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * month_index + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl std::ops::Add<Duration> for Time {
    type Output = Time;

    fn add(self, wait: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// Writes a number with as many digits as `unit`, the value of the first one, has.
fn padded(text: &mut String, number: u64, mut unit: u64) {
    while unit > 0 {
        text.push(char::from(b'0' + (number / unit % 10) as u8));
        unit /= 10;
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_dates_match_known_ones() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_359_409, "2026-11-22T14:56:49Z"),
        ] {
            let time = Time::from_seconds(seconds);
            assert_eq!(time.rfc3339(), text);
            assert_eq!(Time::parse_rfc3339(text), Some(time));
        }
        assert_eq!(Time::from_seconds(1_795_359_409).weekday(), 0);
    }

    #[test]
    fn reads_fractions_and_offsets() {
        let base = Time::parse_rfc3339("2026-11-22T13:56:49Z").unwrap();
        assert_eq!(Time::parse_rfc3339("2026-11-22T14:56:49+01:00"), Some(base));
        assert_eq!(Time::parse_rfc3339("2026-11-22T13:56:49.5Z"), Some(base + Duration::from_millis(500)));
        for bad in ["", "2026-11-22", "2026-13-22T13:56:49Z", "2026-11-22T13:56Z", "x"] {
            assert_eq!(Time::parse_rfc3339(bad), None, "{bad}");
        }
    }
}
