//! agnhost, the image that Kubernetes' own tests are made of: one executable with many commands.
//!
//! [`guestbook`] is a server with replicas, [`files`] looks at volumes, [`inside`] asks the API server, [`once`] has what prints and ends, [`serve`] the servers, [`jobs`] what a server does for
//! a request that takes a while, [`udp`] the datagrams that one of them answers. SCTP is not simulated.

mod files;
mod guestbook;
mod inside;
mod jobs;
mod once;
mod serve;
mod udp;

use std::sync::Arc;
use std::time::Duration;

use drydock_shell::{Disposition, Program, Signal, Step, Sys};
use drydock_value::Time;

/// The executable: it becomes its command in its first step.
#[derive(Clone, Default)]
pub struct Agnhost {
    inner: Option<Box<dyn Program>>,
}

/// The commands by their names.
fn command(name: &str) -> Option<Box<dyn Program>> {
    Some(match name {
        "mounttest" => Box::new(files::MountTest::default()),
        "pause" => Box::new(once::Pause::default()),
        "logs-generator" => Box::new(once::Logs::default()),
        "inclusterclient" => Box::new(inside::Healthz::default()),
        "test-service-account-issuer-discovery" => Box::new(inside::Discovery::default()),
        "connect" => Box::new(once::Connect::default()),
        "entrypoint-tester" | "dns-suffix" | "dns-server-list" | "etc-hosts" | "nonewprivs" => Box::new(once::Print),
        _ => Box::new(serve::Serve::find(name)?),
    })
}

impl Program for Agnhost {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(inner) = &mut self.inner {
            return inner.step(sys);
        }
        let args = sys.args();
        // Images of one command each call it by the executable's name.
        let own = args.first().and_then(|word| word.rsplit('/').next()).and_then(command);
        self.inner = own.or_else(|| args.get(1).and_then(|word| command(word)));
        if self.inner.is_none() {
            let Some(word) = args.get(1) else {
                sys.print("Usage:\n  app [command]\n");
                return Step::Exit(0);
            };
            sys.eprint(&format!("Error: unknown command \"{word}\" for \"app\"\nRun 'app --help' for usage.\n"));
            return Step::Exit(1);
        }
        Step::Continue
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        self.inner.as_mut().map_or(Disposition::Default, |inner| inner.signal(signal, sys))
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// A command's words.
struct Flags(Arc<Vec<String>>);

impl Flags {
    fn of(sys: &Sys<'_>) -> Flags {
        Flags(sys.args())
    }

    /// The value of a flag, as `--name=value` or `--name value`; the last one counts.
    fn get(&self, name: &str) -> Option<&str> {
        let mut found = None;
        for (index, word) in self.0.iter().enumerate() {
            let Some(word) = word.strip_prefix('-').map(|word| word.trim_start_matches('-')) else { continue };
            match word.split_once('=') {
                Some((key, value)) if key == name => found = Some(value),
                None if word == name => found = Some(self.0.get(index + 1).map_or("", String::as_str)),
                _ => {}
            }
        }
        found
    }

    /// The value of a flag that may stand alone, as `--name` (empty) or `--name=value`.
    fn switch(&self, name: &str) -> Option<&str> {
        self.0.iter().filter_map(|word| word.strip_prefix("--")?.strip_prefix(name)).find_map(|rest| match rest {
            "" => Some(""),
            rest => rest.strip_prefix('='),
        })
    }

    fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> T {
        self.get(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }
}

/// A duration in Go's writing: `1h2m3.5s`, `300ms`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() && rest != "0" {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let factor = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// The moment as Go's `log` begins its lines.
fn stamp(now: Time) -> String {
    let (year, month, day, hour, minute, second) = now.civil();
    format!("{year:04}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        for (text, millis) in
            [("1h2m3.5s", Some(3_723_500)), ("300ms", Some(300)), ("0", Some(0)), ("5", None), ("5x", None)]
        {
            assert_eq!(duration(text).map(|d| d.as_millis()), millis, "{text}");
        }
    }
}
