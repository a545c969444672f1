//! `top`: the processes that use the processors most, again and again.

use drydock_sorted::{Sort, SortedMap};
use drydock_value::Time;

use super::ls::name_of;
use super::options::Options;
use super::processes::command;
use super::run::cloning;
use super::system::PASSWD;
use super::{Call, number};
use crate::kernel::{ProcessInfo, VIRTUAL_KIB};
use crate::{Disposition, Pid, Program, Read, Signal, Step, Sys, TtyMode, Wait};

#[derive(Clone, Default)]
struct Top {
    started: bool,
    batch: bool,
    seconds: f64,
    rounds: Option<u64>,
    mode: Option<TtyMode>,
    next: Time,
    /// When it looked last, and the processor time of each process then.
    before: Option<(Time, SortedMap<Pid, u64>)>,
}

pub(super) fn top() -> Box<dyn Program> {
    Box::new(Top::default())
}

/// One line of the table: the process, and its part of one processor in thousandths.
struct Line {
    process: ProcessInfo,
    cpu: u64,
}

fn tenths(of_thousand: u64) -> String {
    format!("{}.{}", of_thousand / 10, of_thousand % 10)
}

impl Top {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        let options = Options::parse(call, "bn:d:Hc", &[])?;
        self.batch = options.has('b') || !call.sys.is_tty(1);
        self.seconds = if call.gnu() { 3.0 } else { 5.0 };
        let wrong = |call: &mut Call<'_, '_>, text: &str| {
            call.error(&match call.gnu() {
                true => format!("bad argument '{text}'"),
                false => format!("invalid number '{text}'"),
            });
            1
        };
        if let Some(text) = options.value('d') {
            let seconds = text.parse::<f64>().ok().filter(|seconds| (0.1..=1e6).contains(seconds));
            self.seconds = seconds.ok_or_else(|| wrong(call, text))?;
        }
        if let Some(text) = options.value('n') {
            self.rounds = Some(text.parse().map_err(|_| wrong(call, text))?);
        }
        if !self.batch && call.sys.is_tty(0) {
            self.mode = call.sys.tty_mode(0);
            call.sys.set_tty_mode(0, TtyMode::KEYS);
        }
        Ok(())
    }

    /// Who used how much since it looked last, the busiest first.
    fn lines(&mut self, call: &mut Call<'_, '_>) -> Vec<Line> {
        let now = call.sys.now();
        let processes = call.sys.processes();
        let times: SortedMap<Pid, u64> = processes.iter().map(|process| (process.pid, process.used)).collect();
        let before = self.before.replace((now, times));
        let mut lines: Vec<Line> = processes
            .into_iter()
            .map(|process| {
                let old = before.as_ref().and_then(|(at, times)| Some((*at, *times.get(&process.pid)?)));
                let (since, used) = old.unwrap_or((process.started, 0));
                let micros = (now.since(since).as_micros() as u64).max(100_000);
                let cpu = (process.used.saturating_sub(used)) * 1000 / micros;
                Line { process, cpu }
            })
            .collect();
        lines.sort_compact_by(|a, b| b.cpu.cmp(&a.cpu).then(a.process.pid.cmp(&b.process.pid)));
        lines
    }

    fn draw(&mut self, call: &mut Call<'_, '_>) {
        let lines = self.lines(call);
        let count = u64::from(call.sys.hardware().processors).max(1);
        let busy = lines.iter().map(|line| line.cpu).sum::<u64>().min(1000 * count) / count;
        let text = if call.gnu() { procps(call, &lines, busy) } else { busybox(call, &lines, busy, count) };
        if self.batch {
            call.print(&text);
            return;
        }
        let (columns, rows) = call.sys.tty_size(1).map_or((80, 24), |(columns, rows)| (columns, rows));
        let screen: Vec<String> = text
            .lines()
            .take(usize::from(rows).saturating_sub(1).max(4))
            .map(|line| line.chars().take(usize::from(columns)).collect())
            .collect();
        call.print(&format!("\x1b[H\x1b[J{}", screen.join("\n")));
    }

    fn go_on(&mut self, call: &mut Call<'_, '_>) -> Step {
        if !self.started {
            self.started = true;
            if let Err(code) = self.start(call) {
                return Step::Exit(code);
            }
        }
        if self.mode.is_some() {
            match call.sys.read(0, 64) {
                Read::Data(bytes) if bytes.iter().any(|key| matches!(key, b'q' | b'Q')) => return self.leave(call),
                Read::Data(_) => self.next = call.sys.now(),
                Read::Eof | Read::Error(_) => return self.leave(call),
                Read::Pending => {}
            }
        }
        if call.sys.now() >= self.next {
            if self.rounds == Some(0) {
                return self.leave(call);
            }
            self.draw(call);
            self.rounds = self.rounds.map(|rounds| rounds.saturating_sub(1));
            if self.rounds == Some(0) {
                return self.leave(call);
            }
            self.next = Time(call.sys.now().0.saturating_add((self.seconds * 1e6) as u64));
        }
        let wait = if self.mode.is_some() { Wait::read(0) } else { Wait::forever() };
        wait.or_until(Some(self.next)).into()
    }

    fn leave(&mut self, call: &mut Call<'_, '_>) -> Step {
        self.restore(call.sys);
        if !self.batch {
            call.print("\n");
        }
        Step::Exit(0)
    }

    fn restore(&mut self, sys: &mut Sys<'_>) {
        if let Some(mode) = self.mode.take() {
            sys.set_tty_mode(0, mode);
        }
    }
}

fn procps(call: &mut Call<'_, '_>, lines: &[Line], busy: u64) -> String {
    let memory = call.sys.free_memory();
    let now = call.sys.now();
    let minutes = now.since(call.sys.booted()).as_secs() / 60;
    let up = if minutes < 60 { format!("{minutes} min") } else { format!("{:2}:{:02}", minutes / 60, minutes % 60) };
    let clock = super::date::strftime("%H:%M:%S", now);
    let of = |state: char| lines.iter().filter(|line| line.process.state == state).count();
    let mib = |bytes: u64| format!("{:9.1}", bytes as f64 / 1_048_576.0);
    let used = memory.total - memory.available;
    let mut out = format!(
        "top - {clock} up {up},  0 user,  load average: 0.08, 0.03, 0.01\nTasks: {:3} total, {:3} running, {:3} sleeping,   0 \
         stopped, {:3} zombie\n%Cpu(s): {:>4} us,  0.0 sy,  0.0 ni,{:>5} id,  0.0 wa,  0.0 hi,  0.0 si,  0.0 st \nMiB Mem : \
         {} total, {} free, {} used, {} buff/cache     \nMiB Swap: {} total, {} free, {} used. {} avail Mem \n\n",
        lines.len(),
        of('R'),
        of('S'),
        of('Z'),
        tenths(busy),
        tenths(1000 - busy),
        mib(memory.total),
        mib(memory.free),
        mib(used),
        mib(memory.cached),
        mib(0),
        mib(0),
        mib(0),
        mib(memory.available),
    );
    out.push_str("    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n");
    for Line { process, cpu } in lines {
        let user = name_of(call, PASSWD, process.user.uid);
        let hundredths = process.used / 10_000;
        let time = format!("{}:{:02}.{:02}", hundredths / 6000, hundredths / 100 % 60, hundredths % 100);
        let (kib, share) = (process.memory >> 10, process.memory * 1000 / memory.total.max(1));
        out.push_str(&format!(
            "{:>7} {user:<8}  20   0 {:>7} {kib:>6} {:>6} {} {:>5} {:>5} {time:>9} {}\n",
            process.pid,
            kib + VIRTUAL_KIB,
            kib / 2,
            process.state,
            tenths(*cpu),
            tenths(share),
            command(process)
        ));
    }
    out
}

fn busybox(call: &mut Call<'_, '_>, lines: &[Line], busy: u64, count: u64) -> String {
    let memory = call.sys.free_memory();
    let used = memory.total - memory.available;
    let percent = busy / 10;
    let mut out = format!(
        "Mem: {}K used, {}K free, 0K shrd, 0K buff, {}K cached\nCPU: {percent:3}% usr   0% sys   0% nic {:3}% idle   0% io   0% \
         irq   0% sirq\nLoad average: 0.00 0.01 0.05 1/{} {}\n  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND\n",
        used >> 10,
        memory.free >> 10,
        memory.cached >> 10,
        100 - percent,
        lines.len(),
        call.sys.pid(),
    );
    for Line { process, cpu } in lines {
        let user: String = name_of(call, PASSWD, process.user.uid).chars().take(8).collect();
        let parent = if process.parent == u32::MAX { 0 } else { process.parent };
        out.push_str(&format!(
            "{:5} {parent:5} {user:<8} {:<4} {:>5} {:3}% {:3} {:3}% {}\n",
            process.pid,
            process.state,
            number::short_kib((process.memory >> 10) + VIRTUAL_KIB),
            process.memory * 100 / memory.total.max(1),
            0,
            cpu / 10 / count,
            process.argv.join(" ")
        ));
    }
    out
}

impl Program for Top {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, "top");
        match self.go_on(&mut call) {
            Step::Exit(code) => Step::Exit(call.finish(code)),
            step => {
                call.flush();
                step
            }
        }
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        match signal {
            Signal::Winch => self.next = sys.now(),
            _ => self.restore(sys),
        }
        Disposition::Default
    }

    cloning!();
}
