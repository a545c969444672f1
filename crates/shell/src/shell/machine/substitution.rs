//! Command substitutions: their output is collected.

use super::*;

impl Shell {
    /// A command substitution's output is collected until it ends.
    pub(super) fn output(
        &mut self,
        fd: Option<Fd>,
        pid: Pid,
        mut bytes: Vec<u8>,
        path: bool,
        sys: &mut Sys<'_>,
    ) -> Flow {
        let Some(open) = fd else {
            // All is read; the process ends.
            let Some(code) = self.reaped.remove(&pid) else {
                if !sys.is_child(pid) {
                    self.substituted = Some(self.substitution_text(bytes, path, sys));
                    return Flow::Go;
                }
                self.stack.push(Frame::Output { fd, pid, bytes, path });
                return Flow::Wait(Wait::child());
            };
            if !path {
                self.substitution_status = Some(code);
            }
            self.substituted = Some(self.substitution_text(bytes, path, sys));
            return Flow::Go;
        };
        match sys.read(open, 64 << 10) {
            Read::Data(data) => {
                bytes.extend(data);
                if bytes.len() > SUBSTITUTION_BYTES_MAX {
                    sys.close(open);
                    self.complain(sys, "command substitution: output is too large");
                    self.status = 1;
                    self.unwind = Some(Unwind::Discard);
                    return Flow::Go;
                }
                self.stack.push(Frame::Output { fd, pid, bytes, path });
                Flow::Go
            }
            Read::Pending => {
                self.stack.push(Frame::Output { fd, pid, bytes, path });
                Flow::Wait(Wait::read(open))
            }
            Read::Eof | Read::Error(_) => {
                sys.close(open);
                self.stack.push(Frame::Output { fd: None, pid, bytes, path });
                Flow::Go
            }
        }
    }

    pub(super) fn substitution_text(&mut self, mut bytes: Vec<u8>, path: bool, sys: &mut Sys<'_>) -> String {
        if path {
            return match sys.open_bytes(bytes, 60) {
                Ok(fd) => {
                    self.process_fds.push(fd);
                    format!("/dev/fd/{fd}")
                }
                Err(_) => "/dev/null".into(),
            };
        }
        bytes.retain(|byte| *byte != 0);
        while bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        crate::text::lossy(bytes)
    }

    // ---- leaving ----
}
