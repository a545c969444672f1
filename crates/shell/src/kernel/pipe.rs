//! Pipes.

use std::collections::VecDeque;

/// A pipe, as the machine's owner names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PipeId(pub(crate) u32);

/// As Linux: what is written and not yet read.
pub(super) const PIPE_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, Clone, Default)]
pub(super) struct Pipe {
    pub buffer: VecDeque<u8>,
    /// How many open descriptions read from it, the owner's end included.
    pub readers: u32,
    /// How many open descriptions write to it, the owner's end included.
    pub writers: u32,
}

impl Pipe {
    pub fn room(&self) -> usize {
        PIPE_BYTES_MAX.saturating_sub(self.buffer.len())
    }

    pub fn write(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.room());
        self.buffer.extend(bytes.iter().take(taken));
        taken
    }

    pub fn read(&mut self, max: usize) -> Vec<u8> {
        let end = self.buffer.len().min(max);
        self.buffer.drain(..end).collect()
    }
}
