//! Waiting for one pod to become as wanted, and its log: `run -i`, `debug -i`.

use drydock_api::{Body, Request, Status, StreamId, StreamItem};
use drydock_value::{Time, Value};

use super::known_resource;
use crate::client::{self, ListOptions};
use crate::env::{Io, Wait};
use crate::failure::Failure;
use crate::invocation::Invocation;

/// A watch of one pod.
#[derive(Debug, Clone, Default)]
pub struct PodWatch {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    stream: Option<StreamId>,
}

/// What [`PodWatch::poll`] has.
#[derive(Debug, Clone)]
pub enum Watched {
    /// The pod is as wanted. The watch is over.
    Pod(Value),
    /// Not yet.
    Wait(Wait),
}

impl PodWatch {
    /// Of a pod.
    pub fn new(namespace: &str, name: &str) -> PodWatch {
        PodWatch { namespace: namespace.to_owned(), name: name.to_owned(), stream: None }
    }

    /// Looks at every state of the pod that has not been looked at yet, until one is wanted.
    ///
    /// # Errors
    /// When the pod is deleted, and at the deadline.
    pub fn poll(
        &mut self,
        inv: &mut Invocation,
        io: &mut Io<'_>,
        deadline: Option<Time>,
        mut wanted: impl FnMut(&Value, &mut Io<'_>) -> bool,
    ) -> Result<Watched, Failure> {
        if self.stream.is_none() {
            let pods = known_resource(inv, io, "", "pods")?;
            let options = ListOptions { fields: format!("metadata.name={}", self.name), ..ListOptions::default() };
            let list = inv.client(io)?.list(io, &pods, &self.namespace, &options)?;
            if let Some(pod) = list["items"].items().first()
                && wanted(pod, io)
            {
                return Ok(Watched::Pod(pod.clone()));
            }
            let revision = list["metadata"]["resourceVersion"].str();
            self.stream = Some(inv.client(io)?.watch(io, &pods, &self.namespace, &options, revision)?);
        }
        while let Some(stream) = self.stream {
            match io.api.poll(stream) {
                StreamItem::Event(event) if event["type"] == "DELETED" => {
                    self.close(io);
                    return Err(Status::not_found("", "pods", "").into());
                }
                StreamItem::Event(event) if wanted(&event["object"], io) => {
                    self.close(io);
                    return Ok(Watched::Pod(event["object"].clone()));
                }
                StreamItem::Event(_) | StreamItem::Data(..) => {}
                // A watch may end any time: begin anew.
                StreamItem::Closed(_) => self.stream = None,
                StreamItem::Pending if deadline.is_some_and(|deadline| io.now >= deadline) => {
                    self.close(io);
                    return Err("timed out waiting for the condition".into());
                }
                StreamItem::Pending => return Ok(Watched::Wait(Wait::streams([stream]).or_until(deadline))),
            }
        }
        Ok(Watched::Wait(Wait::until(io.now)))
    }

    /// Lets go of the stream.
    pub fn close(&mut self, io: &mut Io<'_>) {
        if let Some(stream) = self.stream.take() {
            io.api.close(stream);
        }
    }
}

/// Prints what a container has written so far: for a process that was over, or gone, before anybody could attach.
///
/// # Errors
/// The server's refusal.
pub fn print_log(inv: &mut Invocation, io: &mut Io<'_>, pod: &Value, container: &str) -> Result<(), Failure> {
    let pods = known_resource(inv, io, "", "pods")?;
    let metadata = &pod["metadata"];
    let path = client::path(&pods, metadata["namespace"].str(), Some(metadata["name"].str()));
    let request = Request::get(format!("{path}/log")).param("container", container);
    let response = inv.client(io)?.send(io, request);
    if !response.is_success() {
        let document = response.body.value().unwrap_or_else(|_| response.body.text().into());
        return Err(Status::from_value(response.code, &document).into());
    }
    match response.body {
        Body::Bytes(bytes) => io.out.put(&bytes),
        other => io.print(other.text()),
    }
    Ok(())
}
