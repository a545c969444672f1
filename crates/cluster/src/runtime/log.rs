//! What containers print, kept line by line as a container runtime keeps it, and read as a kubelet reads it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use drydock_value::Time;

/// What one container's log may hold; older lines go, as rotated files do.
const BYTES_MAX: usize = 2 << 20;
/// A longer line is cut into parts.
const LINE_MAX: usize = 16 << 10;

/// Which of its outputs a line was printed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Output {
    Stdout,
    Stderr,
}

/// One line, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was printed.
    pub time: Time,
    /// To which output.
    pub output: Output,
    /// The text without its line feed.
    pub text: Box<[u8]>,
    /// Whether a line feed followed.
    pub whole: bool,
}

impl Line {
    fn size(&self) -> usize {
        self.text.len() + usize::from(self.whole)
    }
}

/// A container's log. A clone costs a pointer.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Content>);

#[derive(Debug, Clone, Default)]
struct Content {
    lines: VecDeque<Line>,
    /// How many lines were dropped at the front.
    dropped: u64,
    bytes: usize,
    /// What was printed without a line feed so far: since when, and to which output.
    open: [(Time, Vec<u8>); 2],
    last: Time,
}

/// How a log is read: `PodLogOptions`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Only so many lines at the end.
    pub tail: Option<u64>,
    /// Only lines from this moment on.
    pub since: Option<Time>,
    /// Each line begins with its time.
    pub timestamps: bool,
    /// No more than so many bytes.
    pub limit_bytes: Option<u64>,
    /// Only one of the outputs.
    pub only: Option<Output>,
}

impl Log {
    /// Takes what was printed.
    pub fn write(&mut self, output: Output, bytes: &[u8], now: Time) {
        let content = Arc::make_mut(&mut self.0);
        let mut rest = bytes;
        while !rest.is_empty() {
            let open = &mut content.open[output as usize];
            if open.1.is_empty() {
                open.0 = now;
            }
            let room = LINE_MAX - open.1.len().min(LINE_MAX);
            let line = rest.iter().position(|b| *b == b'\n');
            let (taken, whole) = match line {
                Some(at) if at <= room => (at, true),
                _ => (rest.len().min(room), false),
            };
            open.1.extend_from_slice(rest.get(..taken).unwrap_or_default());
            rest = rest.get(taken + usize::from(whole)..).unwrap_or_default();
            if whole || open.1.len() >= LINE_MAX {
                content.close(output, whole);
            }
        }
    }

    /// Ends the log: what was printed without a line feed becomes a line of its own.
    pub fn finish(&mut self) {
        if self.0.open.iter().all(|(_, text)| text.is_empty()) {
            return;
        }
        let content = Arc::make_mut(&mut self.0);
        for output in [Output::Stdout, Output::Stderr] {
            if !content.open[output as usize].1.is_empty() {
                content.close(output, false);
            }
        }
    }

    /// The number of the line after the last: where a reader who has read all goes on.
    pub fn end(&self) -> u64 {
        self.0.dropped + self.0.lines.len() as u64
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.lines.is_empty()
    }

    /// The number of the first line that the options ask for.
    pub fn start(&self, options: &LogOptions) -> u64 {
        let fits = |line: &Line| options.only.is_none_or(|only| line.output == only);
        let mut first = self.0.dropped;
        if let Some(tail) = options.tail {
            // Parts of a line count as one.
            let mut left = tail;
            first = self.end();
            for (index, line) in self.0.lines.iter().enumerate().rev() {
                if fits(line) && (line.whole || index + 1 == self.0.lines.len()) {
                    if left == 0 {
                        break;
                    }
                    left -= 1;
                }
                first = self.0.dropped + index as u64;
            }
        }
        if let Some(since) = options.since {
            let skipped = self.0.lines.partition_point(|line| line.time < since);
            first = first.max(self.0.dropped + skipped as u64);
        }
        first
    }

    /// The lines from a number on as they are shown, and the number after the last.
    pub fn read(&self, from: u64, options: &LogOptions) -> (Vec<u8>, u64) {
        let skip = usize::try_from(from.saturating_sub(self.0.dropped)).unwrap_or(usize::MAX);
        let mut out = Vec::new();
        let mut continued = false;
        for line in self.0.lines.iter().skip(skip) {
            if options.only.is_some_and(|only| line.output != only) {
                continue;
            }
            if options.timestamps && !continued {
                out.extend_from_slice(line.time.rfc3339_nanos().as_bytes());
                out.push(b' ');
            }
            out.extend_from_slice(&line.text);
            if line.whole {
                out.push(b'\n');
            }
            continued = !line.whole;
        }
        (out, self.end())
    }

    /// The whole log as the options ask for it.
    pub fn show(&self, options: &LogOptions) -> Vec<u8> {
        let (mut out, _) = self.read(self.start(options), options);
        if let Some(limit) = options.limit_bytes {
            out.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        out
    }

    /// The last lines, for a termination message: at most 80 lines or 2048 bytes.
    pub fn ending(&self) -> String {
        let mut bytes = 0;
        let mut first = self.0.lines.len();
        for (index, line) in self.0.lines.iter().enumerate().rev().take(80) {
            bytes += line.size();
            if bytes > 2048 {
                break;
            }
            first = index;
        }
        let (out, _) = self.read(self.0.dropped + first as u64, &LogOptions::default());
        String::from_utf8_lossy(&out).into_owned()
    }
}

impl Content {
    fn close(&mut self, output: Output, whole: bool) {
        let (since, text) = std::mem::take(&mut self.open[output as usize]);
        // No two lines have one time: the order of reading is the order of printing.
        let time = since.max(self.last + Duration::from_micros(1));
        self.last = time;
        let line = Line { time, output, text: text.into_boxed_slice(), whole };
        self.bytes += line.size();
        self.lines.push_back(line);
        while self.bytes > BYTES_MAX {
            let Some(old) = self.lines.pop_front() else { break };
            self.bytes -= old.size();
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> Log {
        let mut log = Log::default();
        for (index, line) in lines.iter().enumerate() {
            log.write(Output::Stdout, line.as_bytes(), Time::from_seconds(100 + index as u64));
        }
        log
    }

    #[test]
    fn is_read_as_asked() {
        let log = log(&["one\n", "two\nthr", "ee\n", "four\n"]);
        let all = LogOptions::default();
        for (options, expected) in [
            (all.clone(), "one\ntwo\nthree\nfour\n"),
            (LogOptions { tail: Some(2), ..all.clone() }, "three\nfour\n"),
            (LogOptions { tail: Some(0), ..all.clone() }, ""),
            (LogOptions { tail: Some(9), ..all.clone() }, "one\ntwo\nthree\nfour\n"),
            (LogOptions { limit_bytes: Some(5), ..all.clone() }, "one\nt"),
            (LogOptions { since: Some(Time::from_seconds(103)), ..all.clone() }, "four\n"),
            (LogOptions { timestamps: true, tail: Some(1), ..all.clone() }, "1970-01-01T00:01:43.000000000Z four\n"),
        ] {
            assert_eq!(String::from_utf8(log.show(&options)).unwrap(), expected, "{options:?}");
        }
    }

    #[test]
    fn a_last_line_without_its_end_is_shown_when_the_container_has_ended() {
        let mut log = log(&["a\nb"]);
        assert_eq!(log.show(&LogOptions::default()), b"a\n");
        log.finish();
        assert_eq!(log.show(&LogOptions::default()), b"a\nb");
        assert_eq!(log.ending(), "a\nb");
    }

    #[test]
    fn old_lines_go_and_readers_go_on() {
        let mut log = Log::default();
        let line = "x".repeat(1023) + "\n";
        for _ in 0..3000 {
            log.write(Output::Stdout, line.as_bytes(), Time::from_seconds(1));
        }
        assert_eq!(log.end(), 3000);
        assert_eq!(log.show(&LogOptions::default()).len(), BYTES_MAX);
        let (rest, end) = log.read(2999, &LogOptions::default());
        assert_eq!((rest.len(), end), (1024, 3000));
        log.write(Output::Stderr, &vec![b'y'; LINE_MAX + 1], Time::from_seconds(2));
        log.finish();
        let tail = log.show(&LogOptions { only: Some(Output::Stderr), ..LogOptions::default() });
        assert_eq!(tail.len(), LINE_MAX + 1);
    }
}
