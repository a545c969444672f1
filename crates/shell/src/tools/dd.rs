//! `dd`: copies blocks.

use drydock_value::Time;

use super::{Call, number};
use crate::{Fd, Open, Program, Read, Step, Sys, Wait};

/// What one step copies at most.
const STEP_BYTES: u64 = 1 << 20;

#[derive(Clone, Default)]
struct Dd {
    started: bool,
    begun: Time,
    input: Fd,
    output: Fd,
    block: u64,
    count: Option<u64>,
    skip: u64,
    quiet: u8,
    /// What a block lacks that has begun.
    part: u64,
    /// Whole blocks, parts of blocks, bytes.
    done: (u64, u64, u64),
}

pub(super) fn dd() -> Box<dyn Program> {
    Box::new(Dd { output: 1, block: 512, ..Dd::default() })
}

/// An amount with the units of busybox, or GNU's powers of a thousand.
fn amount(bytes: f64, base: f64, units: &[&str]) -> String {
    let mut left = bytes;
    let mut unit = 0;
    while left >= base && unit + 1 < units.len() {
        left /= base;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && (base == 1024.0 && units[1] == "K" || left < 9.95));
    format!("{left:.digits$}{}", units[unit])
}

impl Dd {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        let words = std::mem::take(&mut call.args);
        let (mut from, mut to, mut seek, mut keep) = (None, None, 0, false);
        for word in &words {
            let Some((name, text)) = word.split_once('=') else {
                return Err(call.usage_error(&format!("unrecognized operand ‘{word}’")));
            };
            let size = || number::size(text);
            let number = match name {
                "bs" | "ibs" | "obs" => size().filter(|size| *size > 0),
                "count" | "skip" | "iseek" | "seek" | "oseek" => size(),
                _ => Some(0),
            };
            let Some(number) = number else {
                let quoted = call.quote(text);
                let colon = if call.gnu() { ":" } else { "" };
                call.error(&format!("invalid number{colon} {quoted}"));
                return Err(1);
            };
            match name {
                "if" => from = Some(text),
                "of" => to = Some(text),
                "bs" | "ibs" | "obs" => self.block = number,
                "count" => self.count = Some(number),
                "skip" | "iseek" => self.skip = number,
                "seek" | "oseek" => seek = number,
                "conv" => keep |= text.split(',').any(|word| word == "notrunc"),
                "status" => self.quiet = u8::from(text == "noxfer") + 2 * u8::from(text == "none"),
                "iflag" | "oflag" => {}
                _ => return Err(call.usage_error(&format!("unrecognized operand ‘{word}’"))),
            }
        }
        let failed = |call: &mut Call<'_, '_>, name: &str, error: crate::Errno| {
            let gnu = call.gnu();
            call.error(&if gnu {
                format!("failed to open '{name}': {error}")
            } else {
                format!("can't open '{name}': {error}")
            });
            1
        };
        if let Some(name) = from {
            let path = call.sys.path(name);
            self.input = call.sys.open(&path, Open::Read).map_err(|error| failed(call, name, error))?;
        }
        if let Some(name) = to {
            let path = call.sys.path(name);
            if seek > 0 {
                let bytes = seek.saturating_mul(self.block);
                let files = call.sys.files();
                let made = files.create(&path, 0o644).and_then(|node| files.truncate(node, bytes));
                made.map_err(|error| failed(call, name, error))?;
            }
            let open = match (seek > 0, keep) {
                (true, _) => Open::Append,
                (false, true) => Open::ReadWrite,
                (false, false) => Open::Write,
            };
            self.output = call.sys.open(&path, open).map_err(|error| failed(call, name, error))?;
        }
        self.begun = call.sys.now();
        if call.sys.hold_memory(self.block) { Ok(()) } else { Err(137) }
    }

    /// Says how much was copied.
    fn tell(&self, call: &mut Call<'_, '_>) {
        if self.quiet >= 2 {
            return;
        }
        let (whole, parts, bytes) = self.done;
        let mut text = format!("{whole}+{parts} records in\n{whole}+{parts} records out\n");
        if self.quiet == 0 {
            let micros = call.sys.now().since(self.begun).as_micros().max(50);
            let seconds = micros as f64 / 1e6;
            let all = bytes as f64;
            text.push_str(&if call.gnu() {
                let thousands = [" B", " kB", " MB", " GB"];
                let size =
                    |text: String| format!(" ({text}, {})", amount(all, 1024.0, &[" B", " KiB", " MiB", " GiB"]));
                let shown = if bytes < 1000 { String::new() } else { size(amount(all, 1000.0, &thousands)) };
                format!("{bytes} bytes{shown} copied, {seconds} s, {}/s\n", amount(all / seconds, 1000.0, &thousands))
            } else {
                let units = ["", "K", "M", "G"];
                let (size, speed) = (amount(all, 1024.0, &units), amount(all / seconds, 1024.0, &units));
                format!("{bytes} bytes ({size}B) copied, {seconds:.6} seconds, {speed}B/s\n")
            });
        }
        call.sys.eprint(&text);
    }
}

impl Program for Dd {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, "dd");
        if !self.started {
            self.started = true;
            if let Err(code) = self.start(&mut call) {
                return Step::Exit(call.finish(code));
            }
        }
        if call.sys.output_blocked() {
            return Step::Continue;
        }
        let mut copied = 0;
        while copied < STEP_BYTES {
            let over = self.skip == 0 && self.count.is_some_and(|count| self.done.0 + self.done.1 >= count);
            let wanted = (self.block - self.part).min(STEP_BYTES);
            let read = if over { Read::Eof } else { call.sys.read(self.input, usize::try_from(wanted).unwrap_or(512)) };
            let bytes = match read {
                Read::Data(bytes) => bytes,
                Read::Pending => return Step::Wait(Wait::read(self.input)),
                Read::Eof => {
                    self.done.1 += u64::from(self.part > 0);
                    self.tell(&mut call);
                    return Step::Exit(call.finish(0));
                }
                Read::Error(error) => {
                    call.error(&format!("error reading: {error}"));
                    return Step::Exit(call.finish(1));
                }
            };
            let length = bytes.len() as u64;
            copied += length.max(512);
            if self.skip == 0 {
                if let Err(error) = call.sys.put(self.output, &bytes) {
                    call.error(&format!("error writing: {error}"));
                    self.tell(&mut call);
                    return Step::Exit(call.finish(1));
                }
                self.done.2 += length;
            }
            self.part += length;
            if self.part == self.block {
                self.part = 0;
                if self.skip > 0 {
                    self.skip -= 1;
                } else {
                    self.done.0 += 1;
                }
            }
        }
        Step::Continue
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
