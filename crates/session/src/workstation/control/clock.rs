//! `clock`: simulated time.

use std::time::Duration;

use drydock_cluster::Cluster;
use drydock_value::Time;

use super::Words;
use crate::Event;
use crate::message::Clock;
use crate::workstation::host::Surroundings;

/// How far one step without a duration goes at most.
pub(super) const STEP_MAX: Duration = Duration::from_secs(600);
/// How far time leaps at once while something is waited for.
pub(super) const LEAP: Duration = Duration::from_secs(1);

const HELP: &str = "\
Simulated time: look at it, let it go, take it back.

Usage:
  clock                      what time it is in the cluster
  clock pause|resume         time stands still; keys are answered all the same
  clock speed TIMES|max      how fast it goes
  clock step                 on to the next thing that is written to the API server, and tells what it was
  clock step DURATION        lets so much time pass at once (30s, 5m, 1h), and tells what was written
  clock until RESOURCE --for=CONDITION [--timeout=DURATION]
                             lets time pass until a condition holds; it is written as for `kubectl wait`
  clock rewind MOMENT        back to a moment, to go on from there; undo takes it back
  clock diff MOMENT [MOMENT] which objects were created (+), deleted (-) and changed (~) since, or between

A MOMENT is a duration ago (30s), a time of day (13:05:00), a whole time, or `start`.
";

/// A duration.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    drydock_schema::duration::parse(text)
        .map(|parsed| parsed.duration)
        .map_err(|_| format!("\"{text}\" is not a duration such as 30s or 5m"))
}

/// A moment: so long ago, a time of the day, a whole time, or the start.
///
/// # Errors
/// When it is none, or not one that has been.
fn moment(text: &str, now: Time, start: Time) -> Result<Time, String> {
    let day = |text: &str| {
        let mut parts = text.split(':').map(str::parse::<u32>);
        let (Some(Ok(hour)), Some(Ok(minute))) = (parts.next(), parts.next()) else { return None };
        let second = parts.next().map_or(Some(0), Result::ok)?;
        let (year, month, day, ..) = now.civil();
        Time::from_civil(year, month, day, hour, minute, second)
    };
    let found = match text {
        "start" => Some(start),
        "now" => Some(now),
        _ if text.contains('T') => Time::parse_rfc3339(text),
        _ if text.contains(':') => day(text),
        _ => duration(text).ok().map(|ago| Time(now.0.saturating_sub(ago.as_micros() as u64))),
    };
    let found = found.ok_or_else(|| format!("\"{text}\" is not a moment such as 30s, 13:05:00 or start"))?;
    if found > now {
        return Err(format!("{} has not come yet", found.rfc3339()));
    }
    if found < start {
        return Err(format!("the session began at {}", start.rfc3339()));
    }
    Ok(found)
}

/// The same for looking back: what is before the start is the start.
pub(super) fn moment_or_start(text: &str, now: Time, start: Time) -> Result<Time, String> {
    match duration(text) {
        Ok(ago) if ago > now.since(start) => Ok(start),
        _ => moment(text, now, start),
    }
}

pub(super) fn run(words: &Words<'_>, cluster: &mut Cluster, around: &mut Surroundings) -> Result<String, String> {
    let (now, start) = (cluster.now(), cluster.config().start);
    let mut tell = |clock: Clock| {
        around.events.push(Event::Clock(clock));
        Ok(String::new())
    };
    match words {
        [] => {
            let passed = drydock_schema::duration::human(now.since(start));
            Ok(format!("{}, {passed} after the start\n", now.rfc3339()))
        }
        ["help" | "--help" | "-h", ..] => Ok(HELP.to_owned()),
        ["pause"] => tell(Clock::Pause),
        ["resume"] => tell(Clock::Times(1)),
        ["speed", "max"] => tell(Clock::Max),
        ["speed", times] => match times.trim_end_matches(['x', '×']).parse() {
            Ok(times @ 1..=1000) => tell(Clock::Times(times)),
            _ => Err("clock: a speed is a whole number from 1 to 1000, or max".into()),
        },
        ["rewind", text] => {
            around.rewind = Some(moment(text, now, start)?);
            Ok(String::new())
        }
        ["diff", from] => super::story::compare(cluster, moment_or_start(from, now, start)?, now),
        ["diff", from, to] => {
            let from = moment_or_start(from, now, start)?;
            super::story::compare(cluster, from, moment(to, now, start)?)
        }
        // What the program asks for itself.
        ["@leap", micros] => tell(Clock::Leap(Time(micros.parse().unwrap_or(now.0)))),
        ["@next"] => Ok(cluster.next_event().unwrap_or(Time::NEVER).0.to_string()),
        ["@revision"] => Ok(cluster.api_ref().revision().to_string()),
        _ => Err(format!("clock: I don't understand \"{}\"; `clock --help` shows what there is", words.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        let start = Time::parse_rfc3339("2026-11-22T13:00:00Z").expect("a time");
        let now = start + Duration::from_secs(600);
        for (text, expected) in [
            ("30s", Ok("2026-11-22T13:09:30Z")),
            ("13:05", Ok("2026-11-22T13:05:00Z")),
            ("13:05:10", Ok("2026-11-22T13:05:10Z")),
            ("2026-11-22T13:05:10Z", Ok("2026-11-22T13:05:10Z")),
            ("start", Ok("2026-11-22T13:00:00Z")),
            ("13:15", Err("2026-11-22T13:15:00Z has not come yet")),
            ("1h", Err("the session began at 2026-11-22T13:00:00Z")),
            ("soon", Err("\"soon\" is not a moment such as 30s, 13:05:00 or start")),
        ] {
            let found = moment(text, now, start).map(Time::rfc3339);
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }
}
