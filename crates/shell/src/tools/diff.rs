//! `diff`.

use drydock_sorted::Sort;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::Call;
use super::options::Options;
use crate::join;

/// What is compared at once.
const LINES_MAX: usize = 100_000;

struct Diff {
    unified: Option<usize>,
    brief: bool,
    report_same: bool,
    recursive: bool,
    new_file: bool,
    ignore_case: bool,
    ignore_space: bool,
    ignore_all_space: bool,
    ignore_blank: bool,
    color: bool,
    labels: Vec<String>,
    words: String,
}

pub(super) fn run(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[
        ("unified", 'U'),
        ("brief", 'q'),
        ("report-identical-files", 's'),
        ("recursive", 'r'),
        ("new-file", 'N'),
        ("ignore-case", 'i'),
        ("ignore-space-change", 'b'),
        ("ignore-all-space", 'w'),
        ("ignore-blank-lines", 'B'),
        ("label", 'L'),
        ("color", 'K'),
        ("text", 'a'),
        ("expand-tabs", 't'),
        ("minimal", 'd'),
    ];
    let words =
        call.args.iter().filter(|word| word.starts_with('-') && word.len() > 1).cloned().collect::<Vec<_>>().join(" ");
    let options = match Options::parse(call, "uU:qsrNibwBL:atdyW:", LONG) {
        Ok(options) => options,
        Err(_) => return 2,
    };
    let [left, right] = options.rest.as_slice() else {
        let last = options.rest.last().map_or("diff", String::as_str).to_owned();
        if call.gnu() {
            let message = if options.rest.len() > 2 {
                format!("extra operand '{}'", options.rest.get(2).map_or("", String::as_str))
            } else {
                format!("missing operand after '{last}'")
            };
            call.error(&message);
        }
        call.try_help();
        return 2;
    };
    let unified = options.value('U').and_then(|text| text.parse().ok()).or(options.has('u').then_some(3));
    let diff = Diff {
        unified: if call.gnu() { unified } else { unified.or(Some(3)) },
        brief: options.has('q'),
        report_same: options.has('s'),
        recursive: options.has('r'),
        new_file: options.has('N'),
        ignore_case: options.has('i'),
        ignore_space: options.has('b'),
        ignore_all_space: options.has('w'),
        ignore_blank: options.has('B'),
        color: options.has('K') && (options.value('K') == Some("always") || call.sys.is_tty(1)),
        labels: options.values('L').map(str::to_owned).collect(),
        words: if words.is_empty() { String::new() } else { format!("{words} ") },
    };
    let (left, right) = (left.clone(), right.clone());
    diff.names(call, &left, &right)
}

impl Diff {
    fn names(&self, call: &mut Call<'_, '_>, left: &str, right: &str) -> i32 {
        let is_dir = |call: &mut Call<'_, '_>, name: &str| {
            let path = call.sys.path(name);
            name != "-" && call.sys.files().is_dir(&path)
        };
        match (is_dir(call, left), is_dir(call, right)) {
            (true, true) => self.directories(call, left, right),
            (true, false) => {
                let name = right.rsplit('/').next().unwrap_or(right);
                self.files(call, &format!("{}/{name}", left.trim_end_matches('/')), right)
            }
            (false, true) => {
                let name = left.rsplit('/').next().unwrap_or(left);
                self.files(call, left, &format!("{}/{name}", right.trim_end_matches('/')))
            }
            (false, false) => self.files(call, left, right),
        }
    }

    fn directories(&self, call: &mut Call<'_, '_>, left: &str, right: &str) -> i32 {
        let list = |call: &mut Call<'_, '_>, name: &str| {
            let path = call.sys.path(name);
            call.sys.files().list(&path).unwrap_or_default()
        };
        let (lefts, rights) = (list(call, left), list(call, right));
        let mut names: Vec<&String> = lefts.iter().chain(&rights).map(|entry| &entry.name).collect();
        names.sort_compact();
        names.dedup();
        let mut code = 0;
        for name in names {
            let (in_left, in_right) =
                (lefts.iter().find(|entry| entry.name == *name), rights.iter().find(|entry| entry.name == *name));
            let inner_left = format!("{}/{name}", left.trim_end_matches('/'));
            let inner_right = format!("{}/{name}", right.trim_end_matches('/'));
            match (in_left, in_right) {
                (Some(a), Some(b)) if a.stat.is_dir() && b.stat.is_dir() => {
                    if self.recursive {
                        code = code.max(self.directories(call, &inner_left, &inner_right));
                    } else {
                        call.print(&format!("Common subdirectories: {inner_left} and {inner_right}\n"));
                    }
                }
                (Some(_), Some(_)) => code = code.max(self.files(call, &inner_left, &inner_right)),
                (one, other) if self.new_file && one.or(other).is_some_and(|entry| !entry.stat.is_dir()) => {
                    code = code.max(self.files(call, &inner_left, &inner_right));
                }
                (Some(_), None) => {
                    call.print(&format!("Only in {}: {name}\n", left.trim_end_matches('/')));
                    code = code.max(1);
                }
                (None, _) => {
                    call.print(&format!("Only in {}: {name}\n", right.trim_end_matches('/')));
                    code = code.max(1);
                }
            }
        }
        code
    }

    fn text(&self, call: &mut Call<'_, '_>, name: &str) -> Result<String, i32> {
        if name == "-" {
            return Ok(String::from_utf8_lossy(&call.input).into_owned());
        }
        match call.sys.read_file(name) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(crate::Errno::NotFound) if self.new_file => Ok(String::new()),
            Err(error) => {
                let message =
                    if call.gnu() { format!("{name}: {error}") } else { format!("can't stat '{name}': {error}") };
                call.error(&message);
                Err(2)
            }
        }
    }

    fn key(&self, line: &str) -> String {
        let mut key = line.to_owned();
        if self.ignore_case {
            key = key.to_lowercase();
        }
        if self.ignore_all_space {
            key.retain(|c| !c.is_whitespace());
        } else if self.ignore_space {
            key = key.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        key
    }

    fn files(&self, call: &mut Call<'_, '_>, left: &str, right: &str) -> i32 {
        let old = self.text(call, left);
        if old.is_err() && !call.gnu() {
            return 2;
        }
        let (old, new) = match (old, self.text(call, right)) {
            (Ok(old), Ok(new)) => (old, new),
            _ => return 2,
        };
        if old == new {
            if self.report_same {
                call.print(&format!("Files {left} and {right} are identical\n"));
            }
            return 0;
        }
        if self.brief {
            call.print(&format!("Files {left} and {right} differ\n"));
            return 1;
        }
        let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
        let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
        if old_lines.len() + new_lines.len() > LINES_MAX {
            call.error("files are too large");
            return 2;
        }
        let plain = !(self.ignore_case || self.ignore_space || self.ignore_all_space);
        let ops = if plain {
            capture_diff_slices(Algorithm::Myers, &old_lines, &new_lines)
        } else {
            let key = |lines: &[&str]| lines.iter().map(|line| self.key(line)).collect::<Vec<_>>();
            capture_diff_slices(Algorithm::Myers, &key(&old_lines), &key(&new_lines))
        };
        call.sys.charge((old_lines.len() + new_lines.len()) as u32);
        let blank = |op: &DiffOp| {
            self.ignore_blank
                && [(&old_lines, op.old_range()), (&new_lines, op.new_range())].iter().all(|(lines, range)| {
                    lines.get(range.clone()).unwrap_or_default().iter().all(|line| line.trim().is_empty())
                })
        };
        let changes: Vec<DiffOp> =
            ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. }) && !blank(op)).copied().collect();
        if changes.is_empty() {
            return 0;
        }
        if !self.words.is_empty() && self.recursive {
            call.print(&format!("diff {}{left} {right}\n", self.words));
        }
        match self.unified {
            Some(context) => self.unified(call, left, right, &old_lines, &new_lines, &changes, context),
            None => self.normal(call, &old_lines, &new_lines, &changes),
        }
        1
    }

    fn line(&self, call: &mut Call<'_, '_>, mark: &str, line: &str) {
        let color = match mark.chars().next() {
            Some('-' | '<') if self.color => "\x1b[31m",
            Some('+' | '>') if self.color => "\x1b[32m",
            _ => "",
        };
        let body = line.strip_suffix('\n').unwrap_or(line);
        let reset = if color.is_empty() { "" } else { "\x1b[0m" };
        call.print(&format!("{color}{mark}{body}{reset}\n"));
        if !line.ends_with('\n') {
            call.print("\\ No newline at end of file\n");
        }
    }

    fn normal(&self, call: &mut Call<'_, '_>, old: &[&str], new: &[&str], changes: &[DiffOp]) {
        for op in changes {
            let (from, to) = (op.old_range(), op.new_range());
            let range = |range: &std::ops::Range<usize>| match range.len() {
                0 => range.start.to_string(),
                1 => (range.start + 1).to_string(),
                _ => format!("{},{}", range.start + 1, range.end),
            };
            let letter = match (from.is_empty(), to.is_empty()) {
                (true, _) => 'a',
                (_, true) => 'd',
                _ => 'c',
            };
            call.print(&format!("{}{letter}{}\n", range(&from), range(&to)));
            for line in old.get(from.clone()).unwrap_or_default() {
                self.line(call, "< ", line);
            }
            if letter == 'c' {
                call.print("---\n");
            }
            for line in new.get(to).unwrap_or_default() {
                self.line(call, "> ", line);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn unified(
        &self,
        call: &mut Call<'_, '_>,
        left: &str,
        right: &str,
        old: &[&str],
        new: &[&str],
        changes: &[DiffOp],
        context: usize,
    ) {
        for (mark, name, at) in [("---", left, 0), ("+++", right, 1)] {
            let head = match self.labels.get(at) {
                Some(label) => label.clone(),
                None if !call.gnu() => name.to_owned(),
                None => {
                    let path = call.sys.path(name);
                    let time = call.sys.files().stat(&join("/", &path)).map(|stat| stat.modified);
                    let time = time.unwrap_or_else(|_| call.sys.now());
                    format!("{name}\t{}", super::date::strftime("%Y-%m-%d %H:%M:%S.%N +0000", time))
                }
            };
            call.print(&format!("{mark} {head}\n"));
        }
        let mut at = 0;
        while let Some(first) = changes.get(at) {
            // Changes that are close together share a hunk.
            let mut end = at;
            while let (Some(here), Some(next)) = (changes.get(end), changes.get(end + 1)) {
                if next.old_range().start.saturating_sub(here.old_range().end) > 2 * context {
                    break;
                }
                end += 1;
            }
            let last = changes.get(end).unwrap_or(first);
            let old_start = first.old_range().start.saturating_sub(context);
            let old_end = (last.old_range().end + context).min(old.len());
            let new_start = first.new_range().start.saturating_sub(first.old_range().start - old_start);
            let new_end = (last.new_range().end + (old_end - last.old_range().end)).min(new.len());
            let range = |start: usize, end: usize| match end - start {
                1 => (start + 1).to_string(),
                0 => format!("{start},0"),
                count => format!("{},{count}", start + 1),
            };
            call.print(&format!("@@ -{} +{} @@\n", range(old_start, old_end), range(new_start, new_end)));
            let mut line = old_start;
            for op in changes.get(at..=end).unwrap_or_default() {
                for text in old.get(line..op.old_range().start).unwrap_or_default() {
                    self.line(call, " ", text);
                }
                for text in old.get(op.old_range()).unwrap_or_default() {
                    self.line(call, "-", text);
                }
                for text in new.get(op.new_range()).unwrap_or_default() {
                    self.line(call, "+", text);
                }
                line = op.old_range().end;
            }
            for text in old.get(line..old_end).unwrap_or_default() {
                self.line(call, " ", text);
            }
            at = end + 1;
        }
    }
}
