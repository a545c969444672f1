//! Interactive shells.

use super::Shell;
use super::machine::{Flow, Frame};
use crate::{Sys, Wait};

/// A prompt.
#[derive(Debug, Clone, Default)]
pub(super) struct Prompt {}

impl Shell {
    pub(super) fn start_interactive(&mut self, _: &mut Sys<'_>) {
        self.stack.push(Frame::Prompt(Box::default()));
    }

    pub(super) fn prompt(&mut self, prompt: Box<Prompt>, _: &mut Sys<'_>) -> Flow {
        self.stack.push(Frame::Prompt(prompt));
        Flow::Wait(Wait::forever())
    }

    pub(super) fn leave_terminal(&mut self, _: &mut Sys<'_>) {}
}
