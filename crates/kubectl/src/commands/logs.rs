//! `kubectl logs`: what containers wrote, once or as they write it.

use std::time::Duration;

use drydock_api::{Request, Status, StreamId, StreamItem};
use drydock_value::{Time, Value};

use super::{Outcome, Waiting};
use crate::builder;
use crate::client::Client;
use crate::env::{Io, Wait};
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::pods::{self, Best};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[super::acts::EVERY];

const USAGE: &str = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command";

/// One container's log.
#[derive(Debug, Clone)]
struct Source {
    pod: String,
    namespace: String,
    container: String,
}

/// What is asked of every log.
#[derive(Debug, Clone, Default)]
struct Options {
    query: Vec<(&'static str, String)>,
    container: String,
    all_containers: bool,
    all_pods: bool,
}

/// `kubectl logs`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let selector = inv.flags.str("selector").to_owned();
    let (argument, inline) = match inv.args.as_slice() {
        [] if selector.is_empty() => return Err(inv.usage(USAGE)),
        [] => (String::new(), None),
        [_, ..] if inv.args.len() > 2 => return Err(inv.usage(USAGE)),
        [_, ..] if !selector.is_empty() => {
            return Err(inv.usage("only a selector (-l) or a POD name is allowed"));
        }
        [pod] => (pod.clone(), None),
        [pod, container, ..] => (pod.clone(), Some(container.clone())),
    };
    let since_time = inv.flags.str("since-time");
    if !since_time.is_empty() {
        drydock_schema::time::parse(since_time)?;
    }
    if inline.is_some() && inv.flags.given("container") {
        return Err("only one of -c or an inline [CONTAINER] arg is allowed".into());
    }
    pods::check_timeout(inv).map_err(|failure| Failure::Error(failure.words()))?;
    // What is asked for is looked at once it is known of whom.
    let object = find(inv, io, &argument, &selector)?;
    let options = options(inv, &selector, inline)?;
    if let Value::Array(items) = &object
        && items.is_empty()
    {
        let namespace = inv.namespace(io)?;
        io.eprintln(format!("No resources found in {namespace} namespace."));
    }
    let sources = sources(inv, io, &object, &options)?;
    let follow = inv.flags.bool("follow");
    let most = inv.flags.int("max-log-requests");
    if follow && sources.len() > 1 && i64::try_from(sources.len()).unwrap_or(i64::MAX) > most {
        return Err(format!(
            "you are attempting to follow {} log streams, but maximum allowed concurrency is {most}, use --max-log-requests to increase the limit",
            sources.len()
        )
        .into());
    }
    let prefix = inv.flags.bool("prefix") || options.all_pods;
    let ignore_errors = inv.flags.bool("ignore-errors");
    if follow {
        return start_following(inv, io, &sources, &options, prefix, ignore_errors);
    }
    for source in &sources {
        let response = inv.client(io)?.send(io, request(source, &options));
        if !response.is_success() {
            let document = response.body.value().unwrap_or_else(|_| response.body.text().into());
            let status = Status::from_value(response.code, &document);
            if ignore_errors {
                io.println(format!("error: {}", status.message));
                continue;
            }
            return Err(status.into());
        }
        let bytes = match response.body {
            drydock_api::Body::Bytes(bytes) => bytes,
            other => other.text().into_bytes(),
        };
        write(io, &bytes, prefix.then(|| label(source)).as_deref());
    }
    Ok(Outcome::Done)
}

fn label(source: &Source) -> String {
    format!("[pod/{}/{}] ", source.pod, source.container)
}

/// Writes bytes, each line with a prefix if there is one.
fn write(io: &mut Io<'_>, bytes: &[u8], prefix: Option<&str>) {
    let Some(prefix) = prefix else {
        io.out.put(bytes);
        return;
    };
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        io.out.put(prefix.as_bytes());
        io.out.put(line);
    }
}

fn options(inv: &Invocation, selector: &str, inline: Option<String>) -> Result<Options, Failure> {
    let flags = &inv.flags;
    let since_time = flags.str("since-time");
    let since = crate::flags::parse_duration(flags.str("since")).unwrap_or(0);
    if !since_time.is_empty() && since != 0 {
        return Err("at most one of `sinceTime` or `sinceSeconds` may be specified".into());
    }
    let named = inline.clone().unwrap_or_else(|| flags.str("container").to_owned());
    let all_containers = flags.bool("all-containers");
    if all_containers && !named.is_empty() {
        return Err(format!("--all-containers=true should not be specified with container name {named}").into());
    }
    let limit = flags.int("limit-bytes");
    if limit < 0 {
        return Err("--limit-bytes must be greater than 0".into());
    }
    // Rounded to the nearest second.
    let seconds = (since.unsigned_abs() + 500_000_000) / 1_000_000_000;
    if since < 0 && seconds > 0 {
        return Err("--since must be greater than 0".into());
    }
    let tail = flags.int("tail");
    if tail < -1 {
        return Err("--tail must be greater than or equal to -1".into());
    }
    let mut query = Vec::new();
    for (flag, name) in [
        ("follow", "follow"),
        ("insecure-skip-tls-verify-backend", "insecureSkipTLSVerifyBackend"),
        ("previous", "previous"),
        ("timestamps", "timestamps"),
    ] {
        if flags.bool(flag) {
            query.push((name, "true".to_owned()));
        }
    }
    if limit != 0 {
        query.push(("limitBytes", limit.to_string()));
    }
    if since != 0 {
        query.push(("sinceSeconds", seconds.to_string()));
    }
    if let Some(time) = Time::parse_rfc3339(since_time) {
        query.push(("sinceTime", time.rfc3339()));
    }
    if !selector.is_empty() && tail == -1 && !flags.given("tail") {
        query.push(("tailLines", "10".to_owned()));
    } else if tail != -1 {
        query.push(("tailLines", tail.to_string()));
    }
    Ok(Options { query, container: named, all_containers, all_pods: flags.bool("all-pods") })
}

/// The pod, or what has pods, or the list of pods that a selector finds.
fn find(inv: &mut Invocation, io: &mut Io<'_>, argument: &str, selector: &str) -> Result<Value, Failure> {
    if !selector.is_empty() {
        let namespace = inv.namespace(io)?;
        let request = Request::get(format!("/api/v1/namespaces/{namespace}/pods")).param("labelSelector", selector);
        let resource = inv.resource(io, "pods")?;
        let unlisted = |failure| builder::unlisted(failure, &resource, selector, "");
        let list = inv.client(io)?.value(io, request).map_err(unlisted)?;
        return Ok(Value::array(list["items"].items().iter().map(|item| {
            let mut pod = item.clone();
            pod.set("kind", "Pod");
            pod.set("apiVersion", "v1");
            pod
        })));
    }
    let objects = pods::target(inv, io, argument).map_err(|failure| {
        if !failure.is("NotFound") {
            return failure;
        }
        let namespace = inv.namespace(io).unwrap_or_default();
        let words = failure.words();
        Failure::Error(format!("error from server (NotFound): {words} in namespace \"{namespace}\""))
    })?;
    objects.into_iter().next().ok_or_else(|| "expected a resource".into())
}

/// The containers whose logs an object means.
fn sources(inv: &mut Invocation, io: &mut Io<'_>, object: &Value, options: &Options) -> Result<Vec<Source>, Failure> {
    if let Value::Array(items) = object {
        let mut all = Vec::new();
        for pod in items.iter() {
            all.extend(of_pod(io, pod, options)?);
        }
        return Ok(all);
    }
    if object["kind"] == "Pod" {
        return of_pod(io, object, options);
    }
    let (namespace, selector) = pods::selector_of(object)
        .map_err(|why| format!("cannot get the logs from {}: {why}", pods::go_type(object)))?;
    let timeout = inv.flags.duration("pod-running-timeout");
    let found = pods::matching(inv, io, &namespace, &selector, Best::Logs, timeout)?;
    if options.all_pods {
        let mut all = Vec::new();
        for pod in &found {
            all.extend(of_pod(io, pod, options)?);
        }
        return Ok(all);
    }
    let Some(pod) = found.first() else { return Ok(Vec::new()) };
    if found.len() > 1 {
        io.eprintln(format!("Found {} pods, using pod/{}", found.len(), pod["metadata"]["name"].str()));
    }
    of_pod(io, pod, options)
}

fn of_pod(io: &mut Io<'_>, pod: &Value, options: &Options) -> Result<Vec<Source>, Failure> {
    let source = |container: &Value| Source {
        pod: pod["metadata"]["name"].str().to_owned(),
        namespace: pod["metadata"]["namespace"].str().to_owned(),
        container: container["name"].str().to_owned(),
    };
    if options.all_containers {
        let fields = ["initContainers", "containers", "ephemeralContainers"];
        return Ok(fields.iter().flat_map(|field| pod["spec"][*field].items()).map(source).collect());
    }
    let container = pods::container_or_default(io, pod, &options.container, options.all_pods)?;
    Ok(vec![source(&container)])
}

fn request(source: &Source, options: &Options) -> Request {
    let path = format!("/api/v1/namespaces/{}/pods/{}/log", source.namespace, source.pod);
    let mut request = Request::get(path).header("accept", "*/*").param("container", &source.container);
    for (name, value) in &options.query {
        request = request.param(*name, value);
    }
    request
}

fn start_following(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    sources: &[Source],
    options: &Options,
    prefix: bool,
    ignore_errors: bool,
) -> Result<Outcome, Failure> {
    let deadline = io.now + inv.flags.duration("pod-running-timeout");
    let client = inv.client(io)?.clone();
    let streams = sources.iter().map(|source| Following {
        request: request(source, options),
        id: None,
        next: io.now,
        prefix: prefix.then(|| label(source)),
        line: Vec::new(),
        begun: false,
    });
    Ok(Outcome::Waiting(Box::new(Follow { client, deadline, streams: streams.collect(), ignore_errors })))
}

/// How long after a refusal a log is asked for again.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
struct Following {
    request: Request,
    /// None as long as the log is not to be had: it is asked for again at `next`.
    id: Option<StreamId>,
    next: Time,
    prefix: Option<String>,
    /// A line that is not complete yet: several logs are mixed by lines.
    line: Vec<u8>,
    /// Whether anything came.
    begun: bool,
}

/// Logs that are being followed.
#[derive(Debug, Clone)]
struct Follow {
    client: Client,
    /// Until when a log that is refused is asked for again.
    deadline: Time,
    streams: Vec<Following>,
    ignore_errors: bool,
}

impl Follow {
    /// A log that was refused: its container may still come.
    fn refused(&mut self, io: &mut Io<'_>, at: usize, why: &str) -> Result<(), Failure> {
        if self.ignore_errors {
            io.println(format!("error: {why}"));
            self.streams.remove(at);
            return Ok(());
        }
        io.eprintln(why);
        if io.now >= self.deadline {
            self.interrupt(io);
            return Err("context deadline exceeded".into());
        }
        let stream = &mut self.streams[at];
        stream.id = None;
        stream.next = (io.now + PAUSE).min(self.deadline);
        Ok(())
    }
}

impl Waiting for Follow {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        let alone = self.streams.len() == 1;
        let mut at = 0;
        while let Some(stream) = self.streams.get_mut(at) {
            let Some(id) = stream.id else {
                if io.now < stream.next {
                    at += 1;
                    continue;
                }
                match self.client.open(io, stream.request.clone()) {
                    Ok(id) => stream.id = Some(id),
                    Err(failure) => self.refused(io, at, &failure.words())?,
                }
                continue;
            };
            match io.api.poll(id) {
                StreamItem::Pending => at += 1,
                StreamItem::Event(_) => {}
                StreamItem::Data(_, bytes) if alone && stream.prefix.is_none() => {
                    stream.begun = true;
                    io.out.put(&bytes);
                }
                StreamItem::Data(_, bytes) => {
                    stream.begun = true;
                    stream.line.extend_from_slice(&bytes);
                    if let Some(end) = stream.line.iter().rposition(|byte| *byte == b'\n') {
                        let rest = stream.line.split_off(end + 1);
                        let lines = std::mem::replace(&mut stream.line, rest);
                        write(io, &lines, stream.prefix.as_deref());
                    }
                }
                StreamItem::Closed(Some(status)) if !stream.begun => self.refused(io, at, &status.message)?,
                StreamItem::Closed(status) => {
                    let stream = self.streams.remove(at);
                    write(io, &stream.line, stream.prefix.as_deref());
                    match status {
                        Some(status) if self.ignore_errors => io.println(format!("error: {}", status.message)),
                        Some(status) => {
                            self.interrupt(io);
                            return Err(status.into());
                        }
                        None => {}
                    }
                }
            }
        }
        if self.streams.is_empty() {
            return Ok(Outcome::Done);
        }
        let next = self.streams.iter().filter(|stream| stream.id.is_none()).map(|stream| stream.next).min();
        Ok(Outcome::Wait(Wait::streams(self.streams.iter().filter_map(|stream| stream.id)).or_until(next)))
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        for id in self.streams.drain(..).filter_map(|stream| stream.id) {
            io.api.close(id);
        }
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fake;
    use drydock_api::channel;
    use drydock_value::value;

    fn fake() -> Fake {
        let pod = value!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "two", "namespace": "default"},
            "spec": {"initContainers": [{"name": "setup"}], "containers": [{"name": "a"}, {"name": "b"}]}});
        let log = |path: &str, text: &str| {
            (format!("GET /api/v1/namespaces/default/pods/two/log?container={path}"), text.to_owned())
        };
        let mut fake = Fake::default()
            .with("/api/v1/namespaces/default/pods/two", pod.clone())
            .with("/api/v1/namespaces/default/pods", value!({"kind": "PodList", "items": [pod]}));
        for (request, text) in [
            log("a", "a1\na2\n"),
            log("b", "b1\n"),
            log("setup", "s\n"),
            log("a&tailLines=1", "a2\n"),
            log("a&tailLines=10", "a1\na2\n"),
        ] {
            fake = fake.on(&request, Ok(text.into()));
        }
        fake
    }

    #[test]
    fn prints_logs() {
        let defaulted = "Defaulted container \"a\" out of: a, b, setup (init)\n";
        let cases = [
            ("logs two", "a1\na2\n", defaulted),
            ("logs two b", "b1\n", ""),
            ("logs two -c b --prefix", "[pod/two/b] b1\n", ""),
            ("logs two --tail=1", "a2\n", defaulted),
            ("logs two --all-containers", "s\na1\na2\nb1\n", ""),
            ("logs -l app=x", "a1\na2\n", defaulted),
            ("logs two -c nope", "", "error: container nope is not valid for pod two out of: a, b, setup (init)\n"),
            (
                "logs nope",
                "",
                "error: error from server (NotFound): pods \"nope\" not found in namespace \"default\"\n",
            ),
            ("logs two --since=-5s", "", "error: --since must be greater than 0\n"),
            (
                "logs two --since=1h --since-time=2030-01-01T00:00:00Z",
                "",
                "error: at most one of `sinceTime` or `sinceSeconds` may be specified\n",
            ),
            (
                "logs",
                "",
                "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command\nSee 'kubectl logs -h' for help and examples\n",
            ),
        ];
        for (line, out, err) in cases {
            let ran = fake().line(line);
            assert_eq!((ran.out.as_str(), ran.err.as_str()), (out, err), "{line}");
        }
    }

    #[test]
    fn follows_logs() {
        let mut fake = fake();
        let data = |text: &str| StreamItem::Data(channel::STDOUT, text.as_bytes().to_vec());
        fake.streams.insert(
            "/api/v1/namespaces/default/pods/two/log".into(),
            [data("x"), data("y\n"), StreamItem::Closed(None)].into(),
        );
        let ran = fake.line("logs -f two -c b");
        assert_eq!((ran.out.as_str(), ran.code), ("xy\n", 0));
        let ran = fake.line("logs -f two --all-containers --prefix");
        assert_eq!(ran.out, "[pod/two/setup] xy\n[pod/two/a] xy\n[pod/two/b] xy\n");
    }
}
