//! Redirections.

use std::sync::Arc;

use super::Shell;
use super::ast::{Command, Redirect, RedirectOp};
use super::expand::{Expansion, Stop, Substituted};
use super::frames::Frame;
use crate::{Fd, Open, Sys};

/// Open files as they were: (number, a copy at a high number, or none when it was closed).
pub(super) type Saved = Vec<(Fd, Option<Fd>)>;

/// Copies are kept at numbers that children do not inherit.
const SAVED_FD: Fd = 10;

/// A redirection whose target is expanded.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    fd: Option<Fd>,
    op: RedirectOp,
    target: String,
}

/// Expands the targets.
pub(super) fn expand(redirects: &[Redirect], expansion: &mut Expansion<'_, '_>) -> Result<Vec<Ready>, Stop> {
    let mut ready = Vec::with_capacity(redirects.len());
    for redirect in redirects {
        let target = match redirect.op {
            RedirectOp::Here { string } => {
                let mut text = expansion.text(&redirect.target)?;
                if string {
                    text.push('\n');
                }
                text
            }
            _ => {
                let mut fields = Vec::new();
                expansion.word_fields(&redirect.target, &mut fields)?;
                match fields.as_slice() {
                    [target] => target.clone(),
                    _ => {
                        return Err(Stop::Redirect(format!("{}: ambiguous redirect", redirect.target.source())));
                    }
                }
            }
        };
        ready.push(Ready { fd: redirect.fd, op: redirect.op, target });
    }
    Ok(ready)
}

impl Shell {
    /// Makes redirections. What they replace is kept in `saved`, unless they are to stay.
    pub(super) fn redirect(
        &mut self,
        ready: &[Ready],
        mut saved: Option<&mut Saved>,
        sys: &mut Sys<'_>,
    ) -> Result<(), String> {
        for redirect in ready {
            let target = &redirect.target;
            let (fd, open) = match redirect.op {
                RedirectOp::Read => (redirect.fd.unwrap_or(0), Open::Read),
                RedirectOp::Write if self.options.noclobber => (redirect.fd.unwrap_or(1), Open::New),
                RedirectOp::Write | RedirectOp::Clobber => (redirect.fd.unwrap_or(1), Open::Write),
                RedirectOp::Append => (redirect.fd.unwrap_or(1), Open::Append),
                RedirectOp::ReadWrite => (redirect.fd.unwrap_or(0), Open::ReadWrite),
                RedirectOp::Both { append: false } => (1, Open::Write),
                RedirectOp::Both { append: true } => (1, Open::Append),
                RedirectOp::Here { .. } => {
                    let fd = redirect.fd.unwrap_or(0);
                    save(fd, &mut saved, sys);
                    let new = sys.open_bytes(target.clone().into_bytes(), SAVED_FD).map_err(|e| e.to_string())?;
                    let moved = sys.dup_to(new, fd);
                    sys.close(new);
                    moved.map_err(|error| error.to_string())?;
                    continue;
                }
                RedirectOp::DupRead | RedirectOp::DupWrite => {
                    self.duplicate(redirect, &mut saved, sys)?;
                    continue;
                }
            };
            save(fd, &mut saved, sys);
            let new = sys.open(target, open).map_err(|error| self.not_opened(target, error, open == Open::Read))?;
            if new != fd {
                let moved = sys.dup_to(new, fd);
                sys.close(new);
                moved.map_err(|error| error.to_string())?;
            }
            if matches!(redirect.op, RedirectOp::Both { .. }) {
                save(2, &mut saved, sys);
                sys.dup_to(1, 2).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    fn duplicate(&mut self, redirect: &Ready, saved: &mut Option<&mut Saved>, sys: &mut Sys<'_>) -> Result<(), String> {
        let reading = redirect.op == RedirectOp::DupRead;
        let fd = redirect.fd.unwrap_or(if reading { 0 } else { 1 });
        let target = redirect.target.as_str();
        if target == "-" {
            save(fd, saved, sys);
            sys.close(fd);
            return Ok(());
        }
        let (digits, moves) = match target.strip_suffix('-') {
            Some(digits) => (digits, true),
            None => (target, false),
        };
        match digits.parse::<Fd>() {
            Ok(from) => {
                if !sys.fds().contains(&from) {
                    return Err(format!("{from}: Bad file descriptor"));
                }
                save(fd, saved, sys);
                sys.dup_to(from, fd).map_err(|error| format!("{from}: {error}"))?;
                if moves && from != fd {
                    sys.close(from);
                }
                Ok(())
            }
            Err(_) if !reading && redirect.fd.is_none() => {
                // `>& file` is `&> file`.
                let both = Ready { fd: None, op: RedirectOp::Both { append: false }, target: target.to_owned() };
                self.redirect(std::slice::from_ref(&both), saved.as_deref_mut(), sys)
            }
            Err(_) => Err(format!("{target}: ambiguous redirect")),
        }
    }

    /// Takes redirections back.
    pub(super) fn restore(&mut self, saved: Saved, sys: &mut Sys<'_>) {
        for (fd, copy) in saved.into_iter().rev() {
            match copy {
                Some(copy) => {
                    let _ = sys.dup_to(copy, fd);
                    sys.close(copy);
                }
                None => sys.close(fd),
            }
        }
        for fd in std::mem::take(&mut self.process_fds) {
            sys.close(fd);
        }
    }

    /// Makes a compound command's redirections and begins it.
    pub(super) fn redirect_compound(&mut self, command: Arc<Command>, mut texts: Substituted, sys: &mut Sys<'_>) {
        let redirects = &command.redirects;
        let waits = redirects.iter().any(|redirect| redirect.target.waits);
        match self.expand(&mut texts, waits, sys, |expansion| expand(redirects, expansion)) {
            Err(stop) => self.stopped(stop, Frame::Redirect { command: Arc::clone(&command), texts }, sys),
            Ok(ready) => {
                self.line = command.line;
                let tail = self.is_tail();
                let mut saved = Saved::new();
                let made = self.redirect(&ready, Some(&mut saved), sys);
                if let Err(message) = made {
                    self.restore(saved, sys);
                    self.complain(sys, &message);
                    self.status = 1;
                    return;
                }
                if tail {
                    for (_, copy) in saved {
                        copy.into_iter().for_each(|fd| sys.close(fd));
                    }
                } else {
                    self.stack.push(Frame::Restore(saved));
                }
                self.enter(command, sys);
            }
        }
    }
}

/// Keeps a copy of an open file that is about to be replaced, once.
fn save(fd: Fd, saved: &mut Option<&mut Saved>, sys: &mut Sys<'_>) {
    if let Some(saved) = saved
        && !saved.iter().any(|(kept, _)| *kept == fd)
    {
        let copy = sys.dup(fd, SAVED_FD).ok();
        saved.push((fd, copy));
    }
}
