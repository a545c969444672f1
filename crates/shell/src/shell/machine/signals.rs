//! Signals and traps.

use super::*;

impl Shell {
    pub(in crate::shell) fn signalled(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        match self.traps.get(signal.name()) {
            Some(action) if action.is_empty() => return Disposition::Ignored,
            Some(_) => {
                if self.pending.len() < 32 {
                    self.pending.push_back(signal);
                }
                return Disposition::Handled;
            }
            None => {}
        }
        if signal == Signal::Chld {
            return Disposition::Default;
        }
        if self.interactive {
            return match signal {
                Signal::Int => {
                    if !matches!(self.stack.last(), Some(Frame::Prompt(_)) | None) {
                        self.status = 130;
                        sys.eprint("\n");
                        self.unwind = Some(Unwind::Abort);
                    }
                    Disposition::Handled
                }
                Signal::Winch => Disposition::Handled,
                Signal::Term | Signal::Quit => Disposition::Ignored,
                _ => Disposition::Default,
            };
        }
        if self.dialect == Dialect::Bash
            && self.traps.contains_key("EXIT")
            && matches!(signal, Signal::Hup | Signal::Int | Signal::Term)
        {
            self.status = 128 + signal.number();
            self.unwind = Some(Unwind::Exit);
            return Disposition::Handled;
        }
        Disposition::Default
    }

    /// Begins the action of a signal that has come, unless a child is in the foreground: then it waits for that.
    pub(super) fn run_trap(&mut self, sys: &mut Sys<'_>) -> bool {
        match self.stack.last() {
            Some(Frame::Children(children)) if children.pids.iter().any(|pid| sys.is_child(*pid)) => return false,
            Some(Frame::Output { pid, .. }) if sys.is_child(*pid) => return false,
            _ => {}
        }
        let Some(signal) = self.pending.pop_front() else { return false };
        if matches!(self.stack.last(), Some(Frame::Wait(_))) {
            self.stack.pop();
            self.status = 128 + signal.number();
        }
        let Some(action) = self.traps.get(signal.name()).cloned() else { return false };
        self.stack.push(Frame::Trap { status: self.status });
        self.push_text(&action, SourceKind::Eval);
        true
    }
}
