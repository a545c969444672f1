//! Streams copied to standard output as they come.

use drydock_api::{StreamId, StreamItem, channel};
use drydock_value::to_json;

use super::{Outcome, Waiting};
use crate::env::{Io, Wait};
use crate::failure::Failure;

/// Copies a stream: bytes as they are, watch events as one JSON document a line.
#[derive(Debug, Clone)]
pub struct Copying {
    stream: StreamId,
}

impl Copying {
    /// Of this stream.
    pub fn new(stream: StreamId) -> Copying {
        Copying { stream }
    }
}

impl Waiting for Copying {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        loop {
            match io.api.poll(self.stream) {
                StreamItem::Pending => return Ok(Outcome::Wait(Wait::streams([self.stream]))),
                StreamItem::Event(event) => io.println(to_json(&event)),
                StreamItem::Data(channel::STDERR, bytes) => io.err.put(&bytes),
                StreamItem::Data(_, bytes) => io.out.put(&bytes),
                StreamItem::Closed(None) => return Ok(Outcome::Done),
                StreamItem::Closed(Some(status)) => return Err(status.into()),
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
