//! The program of pods' sandboxes: waits until it is told to end.

use drydock_shell::{Disposition, Program, Signal, Step, Sys, Wait};

/// Waits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pause {
    end: bool,
}

impl Program for Pause {
    fn step(&mut self, _sys: &mut Sys<'_>) -> Step {
        if self.end { Step::Exit(0) } else { Wait::forever().into() }
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        if !matches!(signal, Signal::Term | Signal::Int) {
            return Disposition::Ignored;
        }
        sys.eprint(&format!("Shutting down, got signal: {}\n", signal.described()));
        self.end = true;
        Disposition::Handled
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(*self)
    }
}
