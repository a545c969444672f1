//! `kubectl cp`: copies files to and from containers, by running `tar` in them.

mod tar;

use drydock_api::{Request, Status, StreamId, StreamItem, channel};
use drydock_value::{Value, parse_json};

use super::{Outcome, Waiting, remote};
use crate::client::Client;
use crate::env::{Env, Io, Wait};
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;
use crate::pods;
use tar::Member;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[super::acts::EVERY];

/// A file here, or in a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Spec {
    namespace: String,
    pod: String,
    path: String,
}

/// `path`, `pod:path` or `namespace/pod:path`.
fn spec(word: &str) -> Result<Spec, Failure> {
    let path_only = || Spec { path: word.to_owned(), ..Spec::default() };
    let Some((pod, path)) = word.split_once(':') else { return Ok(path_only()) };
    // A colon at the start, or behind a slash of a local path, is part of the name.
    if pod.is_empty() {
        return Err("filespec must match the canonical format: [[namespace/]pod:]file/path".into());
    }
    match pod.split('/').collect::<Vec<_>>().as_slice() {
        [pod] => Ok(Spec { pod: (*pod).to_owned(), path: path.to_owned(), ..Spec::default() }),
        [namespace, pod] => {
            Ok(Spec { namespace: (*namespace).to_owned(), pod: (*pod).to_owned(), path: path.to_owned() })
        }
        _ => Err("filespec must match the canonical format: [[namespace/]pod:]file/path".into()),
    }
}

/// `kubectl cp`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let [source, destination] = inv.args.as_slice() else {
        return Err("source and destination are required".into());
    };
    let (mut source, mut destination) = (spec(source)?, spec(destination)?);
    match (source.pod.is_empty(), destination.pod.is_empty()) {
        (false, false) => return Err("one of src or dest must be a local file specification".into()),
        (true, true) => return Err("one of src or dest must be a remote file specification".into()),
        _ => {}
    }
    if source.path.is_empty() || destination.path.is_empty() {
        return Err("filepath can not be empty".into());
    }
    let namespace = inv.namespace(io)?;
    for spec in [&mut source, &mut destination] {
        if spec.namespace.is_empty() {
            spec.namespace.clone_from(&namespace);
        }
    }
    let to_pod = !destination.pod.is_empty();
    let members = if to_pod { local(inv, io, &source.path)? } else { Vec::new() };
    let remote = if to_pod { &destination } else { &source };
    let id = drydock_api::GroupVersionResource::new("", "v1", "pods");
    let pod = inv.client(io)?.value(io, Request::get(id.path(Some(&remote.namespace), Some(&remote.pod))))?;
    let phase = pod["status"]["phase"].str();
    if matches!(phase, "Succeeded" | "Failed") {
        return Err(format!("cannot exec into a container in a completed pod; current phase is {phase}").into());
    }
    // What comes out of the container's programs while copying from it goes to standard output.
    let named = inv.flags.str("container");
    let (container, _, said) = io.captured(|io| pods::container_or_default(io, &pod, named, false));
    if to_pod { &mut *io.err } else { &mut *io.out }.put(&said);
    let container = container?;
    let mut copying = Copying {
        client: inv.client(io)?.clone(),
        env: inv.env.clone(),
        pod,
        container: container["name"].str().to_owned(),
        path: remote.path.clone(),
        local: if to_pod { source.path.clone() } else { destination.path.clone() },
        members,
        no_preserve: inv.flags.bool("no-preserve"),
        stage: Stage::Reading,
        stream: StreamId(0),
        archive: Vec::new(),
    };
    if to_pod {
        copying.stage = Stage::Testing;
        copying.stream = copying.exec(io, &["test", "-d", &remote.path], false)?;
    } else {
        let path = copying.path.clone();
        copying.stream = copying.exec(io, &["tar", "cf", "-", &path], false)?;
    }
    Ok(Outcome::Waiting(Box::new(copying)))
}

fn base(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// A file or folder here, with everything in it, under its own name.
fn local(inv: &Invocation, io: &mut Io<'_>, path: &str) -> Result<Vec<Member>, Failure> {
    let absolute = inv.env.absolute(path);
    if !io.files.exists(&absolute) {
        return Err(format!("{path} doesn't exist in local filesystem").into());
    }
    let mut members = Vec::new();
    let mut queue = vec![(absolute, base(path).to_owned())];
    while let Some((absolute, name)) = queue.pop() {
        if io.files.is_dir(&absolute) {
            let inside = io.files.list_dir(&absolute)?;
            members.push(Member { path: name.clone(), bytes: None });
            queue.extend(
                inside.into_iter().rev().map(|inner| (format!("{absolute}/{inner}"), format!("{name}/{inner}"))),
            );
        } else {
            members.push(Member { path: name, bytes: Some(io.files.read(&absolute)?) });
        }
    }
    Ok(members)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Is the destination a folder?
    Testing,
    /// `tar` unpacks in the container.
    Writing,
    /// `tar` packs in the container.
    Reading,
}

/// A copy that is under way.
#[derive(Debug, Clone)]
struct Copying {
    client: Client,
    env: Env,
    pod: Value,
    container: String,
    /// In the container.
    path: String,
    /// Here.
    local: String,
    members: Vec<Member>,
    no_preserve: bool,
    stage: Stage,
    stream: StreamId,
    archive: Vec<u8>,
}

impl Copying {
    fn exec(&mut self, io: &mut Io<'_>, words: &[&str], stdin: bool) -> Result<StreamId, Failure> {
        let metadata = &self.pod["metadata"];
        let path = format!("/api/v1/namespaces/{}/pods/{}/exec", metadata["namespace"].str(), metadata["name"].str());
        let mut request = Request::get(path);
        for word in words {
            request = request.param("command", *word);
        }
        request = request.param("container", &self.container);
        if stdin {
            request = request.param("stdin", "true");
        }
        remote::upgrade(&mut self.client, io, request.param("stdout", "true").param("stderr", "true"))
    }

    /// The program in the container has ended.
    fn ended(&mut self, io: &mut Io<'_>, status: Option<Status>) -> Result<Outcome, Failure> {
        match self.stage {
            Stage::Testing => {
                if status.is_none() {
                    self.path = format!("{}/{}", self.path.trim_end_matches('/'), base(&self.local));
                }
                self.start_writing(io)?;
                Ok(Outcome::Continue)
            }
            Stage::Writing => match status {
                None => Ok(Outcome::Done),
                Some(status) => Err(exit_code(&status)),
            },
            Stage::Reading => {
                // A failed tar prints why; what came is written nevertheless.
                self.unpack(io)?;
                Ok(Outcome::Done)
            }
        }
    }

    fn start_writing(&mut self, io: &mut Io<'_>) -> Result<(), Failure> {
        let (folder, name) = match self.path.trim_end_matches('/').rsplit_once('/') {
            Some(("", name)) => ("/".to_owned(), name.to_owned()),
            Some((folder, name)) => (folder.to_owned(), name.to_owned()),
            None => (String::new(), self.path.clone()),
        };
        // The top member takes the destination's name.
        let top = base(&self.local).to_owned();
        let renamed: Vec<Member> = self
            .members
            .iter()
            .map(|member| {
                let rest = member.path.strip_prefix(&top).unwrap_or(&member.path);
                Member { path: format!("{name}{rest}"), bytes: member.bytes.clone() }
            })
            .collect();
        let mut words = vec!["tar"];
        if self.no_preserve {
            words.extend(["--no-same-permissions", "--no-same-owner"]);
        }
        words.extend(["-xmf", "-"]);
        if !folder.is_empty() {
            words.extend(["-C", &folder]);
        }
        self.stage = Stage::Writing;
        self.stream = self.exec(io, &words, true)?;
        io.api.write(self.stream, channel::STDIN, &tar::write(&renamed));
        io.api.write(self.stream, channel::STDIN, &[]);
        Ok(())
    }

    fn unpack(&mut self, io: &mut Io<'_>) -> Result<(), Failure> {
        let members = tar::read(&self.archive);
        let prefix = self.path.trim_matches('/').to_owned();
        let mut target = self.env.absolute(&self.local);
        // A folder that is there takes what is copied inside, under its own name: only for folders, as in kubectl.
        let copies_folder = members.first().is_some_and(|member| member.bytes.is_none());
        if io.files.is_dir(&target) && !members.is_empty() {
            if !copies_folder {
                return Err(format!("open {}: is a directory", self.local).into());
            }
            target = format!("{}/{}", target.trim_end_matches('/'), base(&prefix));
        }
        for member in members {
            let name = member.path.trim_start_matches("./").trim_matches('/');
            let Some(rest) = name.strip_prefix(&prefix) else { continue };
            if rest.split('/').any(|part| part == "..") {
                io.eprintln(format!("warning: file {} is outside target destination, skipping", quote(&member.path)));
                continue;
            }
            let path = format!("{target}{rest}");
            match member.bytes {
                None => io.files.mkdir_all(&path)?,
                Some(bytes) => {
                    if let Some((folder, _)) = path.rsplit_once('/')
                        && !folder.is_empty()
                    {
                        io.files.mkdir_all(folder)?;
                    }
                    io.files.write(&path, &bytes).map_err(|errno| format!("open {}: {errno}", self.local))?;
                }
            }
        }
        Ok(())
    }
}

fn exit_code(status: &Status) -> Failure {
    if status.is("NonZeroExitCode") {
        let code = status.causes.iter().find(|cause| cause.reason == "ExitCode");
        let code = code.and_then(|cause| cause.message.parse().ok()).unwrap_or(1);
        return Failure::Code(format!("command terminated with exit code {code}"), code);
    }
    Failure::Error(status.message.clone())
}

impl Waiting for Copying {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        loop {
            match io.api.poll(self.stream) {
                StreamItem::Pending => return Ok(Outcome::Wait(Wait::streams([self.stream]))),
                StreamItem::Data(channel::STDOUT, bytes) if self.stage == Stage::Reading => self.archive.extend(bytes),
                StreamItem::Data(channel::STDERR, bytes) if self.stage == Stage::Reading => io.out.put(&bytes),
                StreamItem::Data(channel::STDOUT, bytes) if self.stage == Stage::Writing => io.out.put(&bytes),
                StreamItem::Data(channel::STDERR, bytes) if self.stage == Stage::Writing => io.err.put(&bytes),
                StreamItem::Data(channel::ERROR, bytes) => {
                    let document = parse_json(&String::from_utf8_lossy(&bytes)).unwrap_or_default();
                    io.api.close(self.stream);
                    let status = (document["status"] != "Success").then(|| Status::from_value(500, &document));
                    return self.ended(io, status);
                }
                StreamItem::Data(..) | StreamItem::Event(_) => {}
                StreamItem::Closed(status) => return self.ended(io, status),
            }
        }
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        io.api.close(self.stream);
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}
