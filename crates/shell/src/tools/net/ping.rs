//! `ping` and `traceroute`.

use std::net::IpAddr;
use std::time::Duration;

use drydock_value::Time;

use crate::tools::Call;
use crate::tools::options::Options;
use crate::tools::run::cloning;
use crate::{Disposition, Echo, Program, Signal, Step, Sys, Wait};

/// Where a name or an address leads. An exit code: it was reported.
fn target(call: &mut Call<'_, '_>, name: &str) -> Result<IpAddr, i32> {
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let found = call.sys.host().resolve(name).ok().and_then(|addresses| addresses.first().copied());
    found.ok_or_else(|| {
        let (gnu, tool) = (call.gnu(), call.name.to_owned());
        call.sys.eprint(&match gnu {
            true => format!("{tool}: {name}: Name or service not known\n"),
            false => format!("{tool}: bad address '{name}'\n"),
        });
        if gnu { 2 } else { 1 }
    })
}

/// A request that is on its way.
#[derive(Clone)]
struct Sent {
    number: u64,
    at: Time,
    /// When what came of it arrives, and what that is; none: nothing does.
    back: Option<(Time, Echo)>,
}

#[derive(Clone, Default)]
struct Ping {
    name: String,
    address: Option<IpAddr>,
    count: Option<u64>,
    interval: Duration,
    /// How long it waits for the last answers.
    patience: Duration,
    deadline: Option<Time>,
    quiet: bool,
    size: u64,
    begun: Time,
    next: Time,
    sent: u64,
    received: u64,
    unreachable: u64,
    under_way: Vec<Sent>,
    /// Microseconds there and back.
    trips: Vec<u64>,
}

pub(in crate::tools) fn ping() -> Box<dyn Program> {
    Box::new(Ping::default())
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{:03}", micros / 1000, micros % 1000)
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse::<f64>().ok().filter(|seconds| (0.0..=1e6).contains(seconds)).map(Duration::from_secs_f64)
}

impl Ping {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        let options = Options::parse(call, "c:i:w:W:qs:t:I:n46A", &[])?;
        let Some(name) = options.rest.first().cloned() else {
            return Err(call.usage_error(if call.gnu() { "usage error: Destination address required" } else { "" }));
        };
        let number = |letter: char| options.value(letter).and_then(|text| text.parse::<u64>().ok());
        self.count = number('c');
        self.size = number('s').unwrap_or(56).min(65_507);
        self.quiet = options.has('q');
        self.interval =
            options.value('i').and_then(seconds).unwrap_or(Duration::from_secs(1)).max(Duration::from_millis(2));
        self.patience = options.value('W').and_then(seconds).unwrap_or(Duration::from_secs(10));
        self.begun = call.sys.now();
        self.next = self.begun;
        self.deadline = options.value('w').and_then(seconds).map(|wait| self.begun + wait);
        let address = target(call, &name)?;
        call.print(&match call.gnu() {
            true => format!("PING {name} ({address}) {}({}) bytes of data.\n", self.size, self.size + 28),
            false => format!("PING {name} ({address}): {} data bytes\n", self.size),
        });
        (self.name, self.address) = (name, Some(address));
        Ok(())
    }

    fn send(&mut self, address: IpAddr, call: &mut Call<'_, '_>) {
        let now = call.sys.now();
        let echo = call.sys.host().echo(address);
        let jitter = call.sys.host().random() % 60;
        self.sent += 1;
        let back = match &echo {
            Echo::Reply { trip, .. } => Some((Time(now.0 + trip.as_micros() as u64 + 20 + jitter), echo)),
            // It takes some time until a machine gives up asking who has an address.
            Echo::Unreachable(_) => Some((now + Duration::from_millis(3050), echo)),
            Echo::Silence => None,
        };
        self.under_way.push(Sent { number: self.sent, at: now, back });
        self.next = now + self.interval;
    }

    /// Takes what has arrived.
    fn receive(&mut self, address: IpAddr, call: &mut Call<'_, '_>) {
        let now = call.sys.now();
        let gnu = call.gnu();
        let mut arrived = Vec::new();
        self.under_way.retain(|sent| match &sent.back {
            Some((at, echo)) if *at <= now => {
                arrived.push((sent.number, at.since(sent.at), echo.clone()));
                false
            }
            _ => true,
        });
        for (number, trip, echo) in arrived {
            let line = match echo {
                Echo::Reply { routers, .. } => {
                    self.received += 1;
                    let micros = trip.as_micros() as u64;
                    self.trips.push(micros);
                    let (time, ttl) = (milliseconds(micros), 64 - routers.len());
                    let bytes = self.size + 8;
                    match gnu {
                        true => format!("{bytes} bytes from {address}: icmp_seq={number} ttl={ttl} time={time} ms\n"),
                        false => format!("{bytes} bytes from {address}: seq={} ttl={ttl} time={time} ms\n", number - 1),
                    }
                }
                Echo::Unreachable(who) if gnu => {
                    self.unreachable += 1;
                    format!("From {who} icmp_seq={number} Destination Host Unreachable\n")
                }
                _ => continue,
            };
            if !self.quiet {
                call.print(&line);
            }
        }
    }

    fn summary(&self, now: Time, gnu: bool) -> String {
        let (sent, received) = (self.sent, self.received);
        let lost = (sent.saturating_sub(received) * 100).checked_div(sent).unwrap_or(0);
        let errors = if self.unreachable > 0 { format!(", +{} errors", self.unreachable) } else { String::new() };
        let mut out = format!("\n--- {} ping statistics ---\n", self.name);
        out += &match gnu {
            true => format!(
                "{sent} packets transmitted, {received} received{errors}, {lost}% packet loss, time {}ms\n",
                now.since(self.begun).as_millis()
            ),
            false => format!("{sent} packets transmitted, {received} packets received, {lost}% packet loss\n"),
        };
        if let (Some(least), Some(most)) = (self.trips.iter().min(), self.trips.iter().max()) {
            let count = self.trips.len() as u64;
            let mean = self.trips.iter().sum::<u64>() / count;
            let spread = self.trips.iter().map(|trip| trip.abs_diff(mean)).sum::<u64>() / count;
            let [least, mean, most, spread] = [*least, mean, *most, spread].map(milliseconds);
            out += &match gnu {
                true => format!("rtt min/avg/max/mdev = {least}/{mean}/{most}/{spread} ms\n"),
                false => format!("round-trip min/avg/max = {least}/{mean}/{most} ms\n"),
            };
        }
        out
    }

    fn go_on(&mut self, call: &mut Call<'_, '_>) -> Step {
        if self.address.is_none()
            && let Err(code) = self.start(call)
        {
            return Step::Exit(code);
        }
        let Some(address) = self.address else { return Step::Exit(1) };
        self.receive(address, call);
        let now = call.sys.now();
        let all_sent = self.count.is_some_and(|count| self.sent >= count);
        let late = self.deadline.is_some_and(|deadline| now >= deadline);
        let last =
            self.under_way.iter().map(|sent| sent.back.as_ref().map_or(sent.at + self.patience, |(at, _)| *at)).max();
        if late || all_sent && last.is_none_or(|last| now >= last) {
            let summary = self.summary(now, call.gnu());
            call.print(&summary);
            return Step::Exit(i32::from(self.received == 0));
        }
        if !all_sent && now >= self.next {
            self.send(address, call);
            return Step::Continue;
        }
        let arrival = self.under_way.iter().filter_map(|sent| sent.back.as_ref().map(|(at, _)| *at)).min();
        let next = if all_sent { last } else { Some(self.next) };
        let until = [arrival, next, self.deadline].into_iter().flatten().min();
        Wait::forever().or_until(until).into()
    }
}

impl Program for Ping {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, "ping");
        match self.go_on(&mut call) {
            Step::Exit(code) => Step::Exit(call.finish(code)),
            step => {
                call.flush();
                step
            }
        }
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        if signal == Signal::Int && self.address.is_some() {
            let mut call = Call::new(sys, "ping");
            let summary = self.summary(call.sys.now(), call.gnu());
            call.print(&summary);
            call.flush();
        }
        Disposition::Default
    }

    cloning!();
}

/// `traceroute`: at once, as nobody learns more from waiting.
pub(in crate::tools) fn traceroute(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "nm:q:w:f:s:i:IT46", &[]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let Some(name) = options.rest.first().cloned() else { return call.usage_error("") };
    let most = options.value('m').and_then(|text| text.parse::<usize>().ok()).unwrap_or(30).clamp(1, 255);
    let address = match target(call, &name) {
        Ok(address) => address,
        Err(code) => return code,
    };
    let size = if call.gnu() { 60 } else { 46 };
    call.print(&format!("traceroute to {name} ({address}), {most} hops max, {size} byte packets\n"));
    let (mut hops, trip) = match call.sys.host().echo(address) {
        Echo::Reply { routers, trip } => (routers.into_iter().map(Some).chain([Some(address)]).collect(), trip),
        Echo::Unreachable(who) => (vec![Some(who)], Duration::ZERO),
        Echo::Silence => (vec![None; most], Duration::ZERO),
    };
    hops.truncate(most);
    let count = hops.len() as u64;
    for (at, hop) in (1u64..).zip(&hops) {
        let Some(hop) = hop else {
            call.print(&format!("{at:2}  *  *  *\n"));
            continue;
        };
        let mut line = format!("{at:2}  {hop} ({hop})");
        for _ in 0..3 {
            let jitter = call.sys.host().random() % 20;
            line += &format!("  {} ms", milliseconds(trip.as_micros() as u64 * at / count + 5 + jitter));
        }
        call.print(&format!("{line}\n"));
    }
    0
}
