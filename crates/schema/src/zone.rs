//! Time zones: how far clocks are from UTC, and when they change.

use std::time::Duration;

use drydock_value::Time;

/// When clocks change: month, week of the month (5 is the last), weekday, and minute of that day by the clock that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    month: u32,
    week: u32,
    weekday: u32,
    minute: i64,
}

impl Change {
    fn parse(text: &str) -> Option<Change> {
        let mut parts = text.split('.').map(str::parse::<i64>);
        let mut next = || parts.next()?.ok();
        let (month, week, weekday, minute) = (next()?, next()?, next()?, next()?);
        let small = |number: i64| u32::try_from(number).ok();
        Some(Change { month: small(month)?, week: small(week)?, weekday: small(weekday)?, minute })
    }

    /// The minute of the epoch, by the clock that ends, in a year.
    fn in_year(self, year: i64) -> Option<i64> {
        let first = Time::from_civil(year, self.month, 1, 0, 0, 0)?;
        let mut days = (self.weekday + 7 - first.weekday()) % 7 + self.week.saturating_sub(1) * 7;
        // The fifth of its weekday is the last: some months have four.
        let midnight = loop {
            let midnight = first + Duration::from_secs(u64::from(days) * 86_400);
            let (_, month, ..) = midnight.civil();
            if month == self.month {
                break midnight;
            }
            days = days.checked_sub(7)?;
        };
        Some(i64::try_from(midnight.seconds() / 60).ok()? + self.minute)
    }
}

/// The time zones of the IANA database, a line for those of a region that share their rules: `REGION|RULES:CITIES`.
const TIME_ZONES: &str = include_str!("../data/timezones.txt");

/// The rules of a time zone: minutes before UTC, and, where clocks change, those in summer and when summer begins and
/// ends, each as month, week, weekday and minute of that day: `-300,-240,3.2.0.120,11.1.0.120`.
fn rules(name: &str) -> Option<&'static str> {
    let (region, city) = name.split_once('/').unwrap_or(("", name));
    TIME_ZONES.lines().find_map(|line| {
        let (group, cities) = line.split_once(':')?;
        let (own, rules) = group.split_once('|')?;
        (own == region && cities.split(' ').any(|known| known == city)).then_some(rules)
    })
}

/// A time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zone {
    /// Minutes that clocks are ahead of UTC.
    standard: i64,
    /// The same in summer, and when summer begins and ends.
    summer: Option<(i64, Change, Change)>,
}

impl Zone {
    /// The zone of a name: `Europe/Berlin`. None when there is none.
    pub fn named(name: &str) -> Option<Zone> {
        let mut parts = rules(name)?.split(',');
        let standard = parts.next()?.parse().ok()?;
        let summer = match (parts.next(), parts.next(), parts.next()) {
            (Some(offset), Some(begin), Some(end)) => {
                Some((offset.parse().ok()?, Change::parse(begin)?, Change::parse(end)?))
            }
            _ => None,
        };
        Some(Zone { standard, summer })
    }

    /// How many minutes clocks are ahead of UTC at a moment.
    pub fn offset(self, at: Time) -> i64 {
        let Some((summer, begin, end)) = self.summer else { return self.standard };
        let utc = i64::try_from(at.seconds() / 60).unwrap_or(0);
        let (year, ..) = at.civil();
        let (Some(begin), Some(end)) = (begin.in_year(year), end.in_year(year)) else { return self.standard };
        let (begin, end) = (begin - self.standard, end - summer);
        // South of the equator summer goes over the end of the year.
        let is_summer = if begin < end { begin <= utc && utc < end } else { utc < end || begin <= utc };
        if is_summer { summer } else { self.standard }
    }

    /// What clocks show at a moment, as if it were UTC.
    pub fn local(self, at: Time) -> Time {
        let offset = self.offset(at);
        let minutes = Duration::from_secs(offset.unsigned_abs() * 60);
        if offset < 0 { Time(at.0.saturating_sub(minutes.as_micros() as u64)) } else { at + minutes }
    }

    /// A moment as clocks show it, with how far they are ahead: `2026-07-01T14:00:00+02:00`.
    pub fn rfc3339(self, at: Time) -> String {
        let mut text = self.local(at).rfc3339();
        let (sign, minutes) = (if self.offset(at) < 0 { '-' } else { '+' }, self.offset(at).unsigned_abs());
        if minutes != 0 {
            text.pop();
            text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_follow_their_rules() {
        let cases = [
            ("Etc/UTC", "2026-07-01T12:00:00Z", "12:00"),
            ("Etc/GMT+5", "2026-07-01T12:00:00Z", "07:00"),
            ("Asia/Kolkata", "2026-07-01T12:00:00Z", "17:30"),
            ("America/New_York", "2026-03-08T06:59:00Z", "01:59"),
            ("America/New_York", "2026-03-08T07:00:00Z", "03:00"),
            ("America/New_York", "2026-11-01T05:59:00Z", "01:59"),
            ("America/New_York", "2026-11-01T06:00:00Z", "01:00"),
            ("Europe/Berlin", "2026-10-25T00:59:00Z", "02:59"),
            ("Europe/Berlin", "2026-10-25T01:00:00Z", "02:00"),
            ("Australia/Sydney", "2026-01-15T00:00:00Z", "11:00"),
            ("Australia/Sydney", "2026-07-15T00:00:00Z", "10:00"),
            ("Europe/Dublin", "2026-07-15T00:00:00Z", "01:00"),
            ("Europe/Dublin", "2026-12-15T00:00:00Z", "00:00"),
        ];
        for (name, utc, shown) in cases {
            let local = Zone::named(name).unwrap().local(Time::parse_rfc3339(utc).unwrap());
            assert_eq!(&local.rfc3339()[11..16], shown, "{name} {utc}");
        }
        let noon = Time::parse_rfc3339("2026-07-01T12:00:00Z").unwrap();
        for (name, text) in [
            ("Etc/UTC", "2026-07-01T12:00:00Z"),
            ("Asia/Kolkata", "2026-07-01T17:30:00+05:30"),
            ("America/New_York", "2026-07-01T08:00:00-04:00"),
        ] {
            assert_eq!(Zone::named(name).unwrap().rfc3339(noon), text);
        }
        assert_eq!(Zone::named("Mars/Base"), None);
    }
}
