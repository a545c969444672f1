//! `watch`: a command again and again.

use super::Call;
use super::options::Options;
use super::run::{cloning, not_run};
use crate::{Disposition, Fd, Open, Pid, Program, Read, Signal, Spawn, Step, Sys, Wait, text};
use drydock_value::Time;

/// What `watch` shows of a command's output.
const WATCHED_BYTES_MAX: usize = 1 << 20;

#[derive(Clone)]
struct Watch {
    started: bool,
    interval: u64,
    title: bool,
    on_change: bool,
    words: Vec<String>,
    exec: bool,
    running: Option<(Pid, Option<Fd>)>,
    output: Vec<u8>,
    last: Option<Vec<u8>>,
    until: Time,
    begun: Time,
}

pub(super) fn watch() -> Box<dyn Program> {
    Box::new(Watch {
        started: false,
        interval: 2_000_000,
        title: true,
        on_change: false,
        words: Vec::new(),
        exec: false,
        running: None,
        output: Vec::new(),
        last: None,
        until: Time::default(),
        begun: Time::default(),
    })
}

impl Watch {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        const LONG: &[(&str, char)] = &[
            ("interval", 'n'),
            ("no-title", 't'),
            ("differences", 'd'),
            ("exec", 'x'),
            ("chgexit", 'g'),
            ("color", 'c'),
            ("errexit", 'e'),
            ("beep", 'b'),
            ("precise", 'p'),
        ];
        let options = Options::parse(call, "+n:tdxgcebp", LONG)?;
        if let Some(text) = options.value('n') {
            match text.replace(',', ".").parse::<f64>() {
                Ok(seconds) => self.interval = (seconds.clamp(0.1, 1e6) * 1e6) as u64,
                Err(_) => {
                    call.error(&if call.gnu() {
                        format!("failed to parse argument: '{text}'")
                    } else {
                        format!("invalid number '{text}'")
                    });
                    return Err(1);
                }
            }
        }
        self.title = !options.has('t');
        self.exec = options.has('x');
        self.on_change = options.has('g');
        self.words = options.rest;
        if self.words.is_empty() {
            return Err(call.usage_error("no command specified"));
        }
        Ok(())
    }

    fn run(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        let argv = if self.exec { self.words.clone() } else { vec!["sh".into(), "-c".into(), self.words.join(" ")] };
        let (read, write) = call.sys.pipe().map_err(|_| 1)?;
        let null = call.sys.open("/dev/null", Open::Read).map_err(|_| 1)?;
        let fds = Some(vec![(0, null), (1, write), (2, write)]);
        let command = argv.first().cloned().unwrap_or_default();
        let started = call.sys.spawn(Spawn { fds, ..Spawn::new(argv) });
        call.sys.close(write);
        call.sys.close(null);
        match started {
            Ok(pid) => self.running = Some((pid, Some(read))),
            Err(error) => {
                call.sys.close(read);
                return Err(not_run(call, &command, error));
            }
        }
        self.begun = call.sys.now();
        self.output.clear();
        Ok(())
    }

    fn draw(&mut self, call: &mut Call<'_, '_>) {
        let (columns, rows) =
            call.sys.tty_size(1).map_or((80, 24), |(columns, rows)| (usize::from(columns), usize::from(rows)));
        let mut out = String::from("\x1b[H\x1b[J");
        let mut left = rows.max(4);
        if self.title {
            let seconds = self.interval as f64 / 1e6;
            let date = super::date::strftime(if call.gnu() { "%a %b %e %H:%M:%S %Y" } else { "%F %T" }, self.begun);
            let command = self.words.join(" ");
            let head = format!("Every {seconds:.1}s: {command}");
            let tail = if call.gnu() { format!("{}: {date}", call.sys.hostname()) } else { date };
            let room = columns.saturating_sub(text::width(&tail) + 1);
            let head: String = head.chars().take(room).collect();
            let fill = columns.saturating_sub(text::width(&head) + text::width(&tail));
            out.push_str(&format!("{head}{}{tail}\n\n", " ".repeat(fill)));
            left -= 2;
        }
        let text = String::from_utf8_lossy(&self.output).into_owned();
        for (at, line) in text.lines().take(left).enumerate() {
            if at > 0 {
                out.push('\n');
            }
            let mut width = 0;
            for c in line.chars() {
                width += text::char_width(c);
                if width > columns {
                    break;
                }
                out.push(c);
            }
        }
        call.print(&out);
    }

    fn go_on(&mut self, call: &mut Call<'_, '_>) -> Step {
        if !self.started {
            self.started = true;
            if let Err(code) = self.start(call) {
                return Step::Exit(code);
            }
        }
        match self.running {
            None if self.until > call.sys.now() => Wait::until(self.until).into(),
            None => match self.run(call) {
                Ok(()) => Step::Continue,
                Err(code) => Step::Exit(code),
            },
            Some((pid, Some(fd))) => match call.sys.read(fd, 64 << 10) {
                Read::Data(bytes) => {
                    if self.output.len() < WATCHED_BYTES_MAX {
                        self.output.extend(bytes);
                    }
                    Step::Continue
                }
                Read::Pending => Wait::read(fd).into(),
                Read::Eof | Read::Error(_) => {
                    call.sys.close(fd);
                    self.running = Some((pid, None));
                    Step::Continue
                }
            },
            Some((pid, None)) => {
                if call.sys.wait(pid).is_none() && call.sys.is_child(pid) {
                    return Wait::child().into();
                }
                self.running = None;
                self.draw(call);
                if self.on_change && self.last.as_ref().is_some_and(|last| *last != self.output) {
                    return Step::Exit(0);
                }
                self.last = Some(self.output.clone());
                self.until = Time(call.sys.now().0.saturating_add(self.interval));
                Wait::until(self.until).into()
            }
        }
    }
}

impl Program for Watch {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, "watch");
        match self.go_on(&mut call) {
            Step::Exit(code) => Step::Exit(call.finish(code)),
            step => {
                call.flush();
                step
            }
        }
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        if signal == Signal::Winch && self.last.is_some() {
            let mut call = Call::new(sys, "watch");
            self.draw(&mut call);
            call.flush();
        }
        Disposition::Default
    }

    cloning!();
}
