//! `ssh NODE [COMMAND]`: a shell on a node's machine, as `minikube ssh` opens it.

use drydock_api::{StreamId, StreamItem, channel};
use drydock_shell::{Disposition, Program, Read, Signal, Step, Sys, TtyMode, Wait};

const STDIN: drydock_shell::Fd = 0;

/// A running ssh.
#[derive(Debug, Clone, Default)]
pub(super) struct Ssh {
    stream: Option<StreamId>,
    /// Whether the terminal hands keys on as they come.
    raw: bool,
    /// Whether all of the input was sent.
    ended: bool,
}

impl Ssh {
    fn begin(&mut self, sys: &mut Sys<'_>) -> Result<(), String> {
        let args = sys.args();
        let mut words = args.iter().skip(1).map(String::as_str).skip_while(|word| word.starts_with('-'));
        let target = words.next().ok_or("usage: ssh NODE [COMMAND [ARGUMENT ...]]")?;
        let node = target.rsplit('@').next().unwrap_or(target);
        let command = words.collect::<Vec<_>>().join(" ");
        self.raw = command.is_empty() && sys.is_tty(STDIN);
        let how = if self.raw { "tty" } else { "pipe" };
        let mut ask = vec!["ssh".to_owned(), node.to_owned(), how.to_owned(), "bash".to_owned()];
        match command.is_empty() {
            true if self.raw => ask.push("-i".into()),
            true => {}
            false => ask.extend(["-c".into(), command]),
        }
        let stream = sys.host().control(&ask)?;
        self.stream = stream.parse().ok().map(StreamId);
        if self.raw {
            sys.set_tty_mode(STDIN, TtyMode::RAW);
            if let Some((columns, rows)) = sys.tty_size(STDIN) {
                let size = format!("{{\"Width\":{columns},\"Height\":{rows}}}");
                self.write(sys, channel::RESIZE, size.as_bytes());
            }
        }
        Ok(())
    }

    fn write(&self, sys: &mut Sys<'_>, to: u8, bytes: &[u8]) {
        if let Some(stream) = self.stream {
            sys.host().api().write(stream, to, bytes);
        }
    }

    fn end(&mut self, sys: &mut Sys<'_>) {
        if std::mem::take(&mut self.raw) {
            sys.set_tty_mode(STDIN, TtyMode::COOKED);
        }
        if let Some(stream) = self.stream.take() {
            sys.host().api().close(stream);
        }
    }
}

impl Program for Ssh {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let Some(stream) = self.stream else {
            return match self.begin(sys) {
                Ok(()) if self.stream.is_some() => Step::Continue,
                Ok(()) => Step::Exit(255),
                Err(why) => {
                    sys.eprint(&format!("{why}\n"));
                    Step::Exit(255)
                }
            };
        };
        loop {
            match sys.host().api().poll(stream) {
                StreamItem::Data(to, bytes) => {
                    let to = if to == channel::STDERR { 2 } else { 1 };
                    let _ = sys.put(to, &bytes);
                }
                StreamItem::Closed(status) => {
                    let code = status.and_then(|status| {
                        let cause = status.causes.iter().find(|cause| cause.reason == "ExitCode");
                        cause.and_then(|cause| cause.message.parse().ok())
                    });
                    self.end(sys);
                    return Step::Exit(code.unwrap_or(0));
                }
                _ => break,
            }
        }
        while !self.ended {
            match sys.read(STDIN, 1 << 12) {
                Read::Data(bytes) => self.write(sys, channel::STDIN, &bytes),
                Read::Pending => break,
                _ => {
                    self.write(sys, channel::STDIN, &[]);
                    self.ended = true;
                }
            }
        }
        let read = if self.ended { Vec::new() } else { vec![STDIN] };
        Wait { read, streams: vec![stream], ..Wait::default() }.into()
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        if matches!(signal, Signal::Int | Signal::Term | Signal::Hup) {
            self.end(sys);
        }
        Disposition::Default
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
