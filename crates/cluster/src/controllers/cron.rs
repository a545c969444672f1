//! Cron schedules: `minute hour day-of-month month day-of-week`, names, steps, `@daily` and the like.

use drydock_value::Time;

use drydock_schema::Zone;

/// A schedule, as the moments that it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether day of month and day of week are both restricted: then either may fit.
    either_day: bool,
    /// For `@every`: the interval in seconds.
    every: Option<u64>,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// How far ahead a next moment is looked for, in days.
const HORIZON: u64 = 5 * 366;

fn number(text: &str, names: &[&str], first: u32) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    match names.iter().position(|name| *name == lower) {
        Some(at) => Some(u32::try_from(at).ok()? + first),
        None => text.parse().ok(),
    }
}

/// One field: a list of ranges with steps. Answers a bit a value.
fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Option<u64> {
    let mut bits = 0u64;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<u32>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = if range == "*" || range == "?" {
            (low, high)
        } else if let Some((from, to)) = range.split_once('-') {
            (number(from, names, low)?, number(to, names, low)?)
        } else {
            let value = number(range, names, low)?;
            // A step after a single value goes on to the end.
            (value, if part.contains('/') { high } else { value })
        };
        if from < low || to > high || from > to {
            return None;
        }
        let mut value = from;
        while value <= to {
            bits |= 1 << value;
            value += step;
        }
    }
    Some(bits)
}

impl Schedule {
    /// Reads a schedule; None when it is none.
    pub fn parse(text: &str) -> Option<Schedule> {
        let text = text.trim();
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        if let Some(interval) = text.strip_prefix("@every ") {
            let parsed = drydock_schema::duration::parse(interval).ok().filter(|parsed| !parsed.negative)?;
            let seconds = parsed.duration.as_secs().max(1);
            let all = u64::MAX;
            return Some(Schedule {
                minutes: all,
                hours: all,
                days: all,
                months: all,
                weekdays: all,
                either_day: false,
                every: Some(seconds),
            });
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else { return None };
        let star = |text: &str| text.starts_with('*') || text.starts_with('?');
        Some(Schedule {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(weekdays, 0, 6, &WEEKDAYS)?,
            either_day: !star(days) && !star(weekdays),
            every: None,
        })
    }

    /// The first moment after `after` by the clocks of a zone; None when there is none within the next years.
    pub fn next(&self, after: Time, zone: Zone) -> Option<Time> {
        if let Some(seconds) = self.every {
            return Some(Time::from_seconds(after.seconds() + seconds));
        }
        let has = |bits: u64, value: u32| bits & (1 << value) != 0;
        let mut minute = after.seconds() / 60 + 1;
        let last = minute + HORIZON * 24 * 60;
        while minute < last {
            let time = Time::from_seconds(minute * 60);
            let local = zone.local(time);
            let (_, month, day, hour, of_hour, _) = local.civil();
            let by_date = has(self.days, day);
            let by_weekday = has(self.weekdays, local.weekday());
            let day_fits = if self.either_day { by_date || by_weekday } else { by_date && by_weekday };
            if !has(self.months, month) || !day_fits {
                // On to the next midnight, but for its last hours: clocks may change before it.
                let left = 24 * 60 - (hour * 60 + of_hour);
                minute += u64::from(if left > 180 { left - 180 } else { 60 - of_hour });
            } else if !has(self.hours, hour) {
                minute += u64::from(60 - of_hour);
            } else if !has(self.minutes, of_hour) {
                minute += 1;
            } else {
                return Some(time);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_moment() {
        let after = Time::parse_rfc3339("2026-11-22T14:56:49Z").unwrap();
        let cases = [
            ("* * * * *", Some("2026-11-22T14:57:00Z")),
            ("*/15 * * * *", Some("2026-11-22T15:00:00Z")),
            ("30 9 * * mon-fri", Some("2026-11-23T09:30:00Z")),
            ("0 0 1 jan *", Some("2027-01-01T00:00:00Z")),
            ("0 0 29 2 *", Some("2028-02-29T00:00:00Z")),
            ("0 0 31 2 *", None),
            ("0 12 13 * fri", Some("2026-11-27T12:00:00Z")),
            ("5/20 * * * *", Some("2026-11-22T15:05:00Z")),
            ("@hourly", Some("2026-11-22T15:00:00Z")),
            ("@every 90s", Some("2026-11-22T14:58:19Z")),
        ];
        for (text, next) in cases {
            let schedule = Schedule::parse(text).unwrap();
            assert_eq!(schedule.next(after, Zone::default()).map(Time::rfc3339).as_deref(), next, "{text}");
        }
        let zoned = [
            ("30 9 * * *", "Asia/Kolkata", "2026-11-23T04:00:00Z"),
            ("0 0 * * mon", "America/New_York", "2026-11-23T05:00:00Z"),
            ("0 12 1 7 *", "Europe/Berlin", "2027-07-01T10:00:00Z"),
            // The hour that clocks leave out comes the day after.
            ("30 2 14-15 3 *", "America/New_York", "2027-03-15T06:30:00Z"),
        ];
        for (text, zone, next) in zoned {
            let found = Schedule::parse(text).unwrap().next(after, Zone::named(zone).unwrap());
            assert_eq!(found.map(Time::rfc3339).as_deref(), Some(next), "{text} {zone}");
        }
        for bad in ["", "* * * *", "60 * * * *", "a * * * *", "*/0 * * * *", "5-1 * * * *"] {
            assert_eq!(Schedule::parse(bad), None, "{bad}");
        }
    }
}
