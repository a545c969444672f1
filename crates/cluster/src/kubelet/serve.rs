//! What a kubelet serves to clients through the API server: logs, exec, attach, and the ports of its pods.

use drydock_api::{Status, StreamId};

use super::Kubelet;
use super::worker::Worker;
use crate::ctx::Ctx;
use crate::network::Place;
use crate::objects::Key;
use crate::queue::NodeId;
use crate::runtime::start::Exec;
use crate::runtime::{Container, Log, MachineWake, Sink};

/// A process or a main process that a stream belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The node.
    pub node: NodeId,
    /// The container.
    pub container: u64,
    /// The session; none for the main process.
    pub session: Option<u64>,
}

impl Kubelet {
    fn worker_of(&self, key: &Key, uid: &str) -> Option<&Worker> {
        let ids = self.by_key.get(key)?;
        ids.iter().rev().filter_map(|id| self.workers.get(id)).find(|worker| *worker.pod.uid == *uid)
    }

    /// The container whose log is asked for.
    ///
    /// # Errors
    /// Why there is none, in the kubelet's words.
    pub(crate) fn log_of(&self, key: &Key, uid: &str, container: &str, previous: bool) -> Result<u64, Status> {
        let pod = &key.name;
        let absent = || Status::bad_request(format!("container \"{container}\" in pod \"{pod}\" is not available"));
        // Of a pod that was refused no container is known.
        let taken = |worker: &&Worker| worker.admitted || worker.verdict.is_none();
        let worker = self.worker_of(key, uid).filter(taken).ok_or_else(absent)?;
        let slot = worker.slot_named(container).and_then(|slot| worker.slots.get(slot)).ok_or_else(absent)?;
        let waits = |reason: &str| {
            Status::bad_request(format!("container \"{container}\" in pod \"{pod}\" is waiting to start: {reason}"))
        };
        let made = |number: Option<u64>| number.filter(|number| self.runtime.container(*number).is_some());
        if previous {
            let ended = |number: &u64| self.runtime.container(*number).is_some_and(|container| !container.running());
            // While the newest waits to be started again, what ended last is the previous one.
            let last = if slot.waiting.is_some() { slot.current.filter(ended) } else { None };
            return made(last.or(slot.previous)).ok_or_else(|| {
                Status::bad_request(format!("previous terminated container \"{container}\" in pod \"{pod}\" not found"))
            });
        }
        if let Some(number) = made(slot.current) {
            return Ok(number);
        }
        let list = slot.role.status_list();
        let reason =
            worker.status[list].find("name", container).map(|status| status["state"]["waiting"]["reason"].str());
        Err(match reason.unwrap_or("ContainerCreating") {
            "ErrImagePull" => waits("image can't be pulled"),
            "ImagePullBackOff" => waits("trying and failing to pull image"),
            reason => waits(reason),
        })
    }

    /// A container's log, as far as it is now. An idle server comes up for it.
    pub(crate) fn log(&mut self, container: u64, ctx: &mut Ctx<'_>) -> Log {
        self.awaken_number(container, ctx);
        self.settle(ctx);
        self.runtime.container(container).map(|container| container.log.clone()).unwrap_or_default()
    }

    /// A container's log to look at, and whether more may come; none when the container is gone.
    pub(crate) fn log_state(&self, container: u64) -> Option<(&Log, bool)> {
        let container = self.runtime.container(container)?;
        Some((&container.log, container.running()))
    }

    pub(super) fn running(&self, key: &Key, uid: &str, container: &str) -> Option<u64> {
        let worker = self.worker_of(key, uid)?;
        let number = worker.slots.get(worker.slot_named(container)?)?.current?;
        self.runtime.container(number).filter(|container| container.running()).map(|_| number)
    }

    /// Runs a process in a container for a client.
    ///
    /// # Errors
    /// Why it could not be started.
    pub(crate) fn exec(
        &mut self,
        key: &Key,
        uid: &str,
        container: &str,
        exec: Exec,
        stream: StreamId,
        ctx: &mut Ctx<'_>,
    ) -> Result<Seat, Status> {
        let Some(number) = self.running(key, uid, container) else {
            return Err(Status::new(
                404,
                "",
                format!("unable to upgrade connection: container not found (\"{container}\")"),
            ));
        };
        self.awaken_number(number, ctx);
        let session = self.runtime.exec(number, exec, Sink::Stream(stream), ctx).map_err(|why| {
            // It comes on the stream's error channel: clients show it without its reason.
            let twice = "Internal error occurred: Internal error occurred";
            Status::new(500, "", format!("{twice}: error executing command in container: {why}"))
        })?;
        self.settle(ctx);
        Ok(Seat { node: self.node, container: number, session: Some(session) })
    }

    /// Attaches a client to a container's main process.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) fn attach(
        &mut self,
        key: &Key,
        uid: &str,
        container: &str,
        stdin: bool,
        stream: StreamId,
        ctx: &mut Ctx<'_>,
    ) -> Result<Seat, Status> {
        let gone = || {
            let pod = format!("{}_{}", key.name, key.namespace);
            Status::new(404, "", format!("unable to upgrade connection: container {container} not found in pod {pod}"))
        };
        let number = self.running(key, uid, container).ok_or_else(gone)?;
        self.awaken_number(number, ctx);
        if !self.runtime.attach(number, stream, stdin) {
            return Err(gone());
        }
        self.settle(ctx);
        Ok(Seat { node: self.node, container: number, session: None })
    }

    /// A client typed something for a process.
    pub(crate) fn type_bytes(&mut self, seat: Seat, bytes: &[u8], ctx: &mut Ctx<'_>) {
        self.runtime.type_bytes(seat.container, seat.session, bytes, ctx);
    }

    /// A client types no more. A process of its own hears the end; so does a main process that takes input from one client
    /// alone. From others the client is taken off, and they go on.
    pub(crate) fn end_input(&mut self, seat: Seat, stream: StreamId, ctx: &mut Ctx<'_>) {
        let container = self.runtime.container(seat.container);
        if seat.session.is_some() || container.is_some_and(Container::input_ends) {
            return self.type_bytes(seat, &[], ctx);
        }
        // What it makes of what was typed so far still comes.
        self.run(MachineWake { node: self.node, container: seat.container }, ctx);
        self.leave(seat, stream, ctx);
        ctx.streams.end(stream, None);
    }

    /// A client's terminal has another size.
    pub(crate) fn resize(&mut self, seat: Seat, columns: u16, rows: u16, ctx: &mut Ctx<'_>) {
        self.runtime.resize(seat.container, seat.session, columns, rows, ctx);
    }

    /// A client has read what a process printed, which may wait for room.
    pub(crate) fn nudge(&mut self, seat: Seat, ctx: &mut Ctx<'_>) {
        self.runtime.nudge(seat.container, ctx);
    }

    /// A client is gone.
    pub(crate) fn leave(&mut self, seat: Seat, stream: StreamId, ctx: &mut Ctx<'_>) {
        self.runtime.detach(seat.container, stream, seat.session, ctx);
    }

    /// The place of a pod on the network.
    pub(crate) fn place_of(&self, key: &Key, uid: &str) -> Option<Place> {
        let worker = self.worker_of(key, uid)?;
        self.runtime.sandbox(worker.sandbox?).map(|sandbox| sandbox.place)
    }

    /// Lets the containers at a place go on until they all wait, however long that takes on the clock (it stands).
    /// Whether any did something.
    pub(crate) fn run_place(&mut self, place: Place, ctx: &mut Ctx<'_>) {
        for container in self.runtime.containers_at(place) {
            self.run(MachineWake { node: self.node, container }, ctx);
        }
    }
}
