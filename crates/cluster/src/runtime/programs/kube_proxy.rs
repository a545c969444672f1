//! kube-proxy's own ports: what it tells of itself. The rules that it lays are the network's, in `network::services`.

use drydock_shell::{Disposition, Program, Signal, Step, Sys};
use drydock_value::Time;

use super::daemon::klog;
use super::http::{self, Answer, Incoming, Response, Server};

/// Metrics and the like.
const METRICS: u16 = 10249;
/// Whether it is well, for load balancers.
pub const HEALTH: u16 = 10256;

/// The program.
#[derive(Debug, Clone, Default)]
pub struct KubeProxy {
    server: Server,
    since: Option<Time>,
    end: bool,
}

impl Program for KubeProxy {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.since.is_none() {
            self.since = Some(sys.now());
            for port in [METRICS, HEALTH] {
                let _ = self.server.listen(port, sys);
            }
            let stamp = klog(sys.now());
            sys.eprint(&format!(
                "{stamp} server_linux.go:132] \"Using iptables Proxier\"\n{stamp} server.go:527] \"Version info\" \
                 version=\"v1.36.3\"\n"
            ));
        }
        if self.end {
            return Step::Exit(2);
        }
        let since = self.since.unwrap_or_default();
        self.server.serve(sys, &mut Site { since });
        self.server.wait().into()
    }

    // It does not ask for the signal; Go's own handler ends the first process of a container all the same, with 2.
    fn signal(&mut self, signal: Signal, _sys: &mut Sys<'_>) -> Disposition {
        if !matches!(signal, Signal::Term | Signal::Int) {
            return Disposition::Default;
        }
        self.end = true;
        Disposition::Handled
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

struct Site {
    since: Time,
}

impl Answer for Site {
    fn answer(&mut self, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Response {
        let plain = |text: &str| Response::new(200, "text/plain; charset=utf-8", text.to_owned());
        let response = match (incoming.port, incoming.request.path()) {
            (HEALTH, "/healthz") => well(self.since, sys.now(), ", \"nodeEligible\": true"),
            (HEALTH, "/livez") => well(self.since, sys.now(), ""),
            (METRICS, "/healthz") => plain("ok"),
            (METRICS, "/proxyMode") => plain("iptables"),
            _ => Response { code: 404, ..plain("404 page not found\n") },
        };
        response.with("Date", http::date(sys.now()))
    }
}

/// That all is well, at two moments that are the same one.
fn well(since: Time, now: Time, more: &str) -> Response {
    let moment = moment(since, now);
    let text = format!("{{\"lastUpdated\": \"{moment}\",\"currentTime\": \"{moment}\"{more}}}");
    Response::new(200, "application/json", text).with("X-Content-Type-Options", "nosniff")
}

/// A moment as Go prints it, with the reading of the clock that began with the process.
fn moment(since: Time, now: Time) -> String {
    let text = now.rfc3339_micros().replace('T', " ");
    let text = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    let run = now.since(since);
    format!("{text} +0000 UTC m=+{}.{:09}", run.as_secs(), run.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_go_writes_them() {
        let since = Time(1_795_517_862_000_000);
        let cases = [
            (0, "2026-11-24 10:57:42 +0000 UTC m=+0.000000000"),
            (1_500_000, "2026-11-24 10:57:43.5 +0000 UTC m=+1.500000000"),
        ];
        for (later, expected) in cases {
            assert_eq!(moment(since, Time(since.0 + later)), expected);
        }
    }
}
