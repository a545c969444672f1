//! Utilities about bytes: `base64`, `md5sum`, `sha1sum`, `sha256sum`, `cksum`, `od`, `hexdump`, `xxd`, `strings`, `cmp`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Call;
use super::digest::{Md5, Sha1, Sha256};
use super::options::Options;
use super::stream::{Complaint, Filter, Flow, Stream};

/// What is taken at once.
const BYTES_MAX: usize = 16 << 20;

macro_rules! cloning {
    () => {
        fn by_line(&self) -> bool {
            false
        }

        fn clone_box(&self) -> Box<dyn Filter> {
            Box::new(self.clone())
        }
    };
}

// ---- base64 ----

#[derive(Clone)]
struct Base64 {
    decode: bool,
    lenient: bool,
    wrap: usize,
    bytes: Vec<u8>,
}

pub(super) fn base64(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "dDiw:", &[("decode", 'd'), ("wrap", 'w'), ("ignore-garbage", 'i')])?;
    let wrap = match options.value('w') {
        None => 76,
        Some(text) => match text.parse() {
            Ok(wrap) => wrap,
            Err(_) => {
                call.error(&format!("invalid wrap size: ‘{text}’"));
                return Err(1);
            }
        },
    };
    let filter = Base64 { decode: options.any("dD"), lenient: options.has('i'), wrap, bytes: Vec::new() };
    Ok(Stream::new(filter, &options.rest, Complaint::Plain))
}

impl Filter for Base64 {
    fn line(&mut self, piece: &[u8], call: &mut Call<'_, '_>) -> Flow {
        self.bytes.extend_from_slice(piece);
        if self.bytes.len() > BYTES_MAX {
            call.error("input is too large");
            return Flow::Stop;
        }
        Flow::Go
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        let bytes = std::mem::take(&mut self.bytes);
        call.sys.charge((bytes.len() / 256) as u32);
        if !self.decode {
            let text = STANDARD.encode(&bytes);
            if self.wrap == 0 {
                call.print(&text);
                return 0;
            }
            for line in text.as_bytes().chunks(self.wrap) {
                call.put(line);
                call.put(b"\n");
            }
            return 0;
        }
        let lenient = self.lenient;
        let known = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        let text: Vec<u8> =
            bytes.into_iter().filter(|b| if lenient { known(b) } else { !matches!(b, b'\n' | b'\r') }).collect();
        // As much as is right is printed.
        let good = text.iter().position(|b| !known(b)).unwrap_or(text.len());
        let mut failed = good < text.len();
        let mut rest = text.get(..good).unwrap_or_default();
        while !rest.is_empty() {
            // Padding may stand in the middle, where two texts were joined.
            let end = rest.iter().position(|b| *b == b'=').map_or(rest.len(), |at| at.div_ceil(4) * 4).min(rest.len());
            let (part, after) = rest.split_at(end.max(1));
            match STANDARD.decode(part) {
                Ok(decoded) => call.put(&decoded),
                Err(_) => {
                    failed = true;
                    let whole = part.len() / 4 * 4;
                    let tail = part.get(whole..).unwrap_or_default();
                    if let Ok(decoded) = STANDARD.decode(part.get(..whole).unwrap_or_default()) {
                        call.put(&decoded);
                    }
                    let missing = base64::engine::general_purpose::STANDARD_NO_PAD.decode(tail);
                    call.put(&missing.unwrap_or_default());
                    break;
                }
            }
            rest = after;
        }
        if failed {
            call.error(if call.gnu() { "invalid input" } else { "truncated input" });
            return 1;
        }
        0
    }

    cloning!();
}

// ---- digests ----

#[derive(Clone)]
enum Hasher {
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
}

#[derive(Clone)]
struct Sum {
    name: &'static str,
    hasher: Hasher,
    check: bool,
    list: Vec<u8>,
}

fn hasher(name: &str) -> Hasher {
    match name {
        "md5sum" => Hasher::Md5(Md5::new()),
        "sha1sum" => Hasher::Sha1(Sha1::new()),
        _ => Hasher::Sha256(Sha256::new()),
    }
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Md5(hasher) => hasher.update(bytes),
            Hasher::Sha1(hasher) => hasher.update(bytes),
            Hasher::Sha256(hasher) => hasher.update(bytes),
        }
    }

    fn hex(self) -> String {
        let digest = match self {
            Hasher::Md5(hasher) => hasher.finish(),
            Hasher::Sha1(hasher) => hasher.finish(),
            Hasher::Sha256(hasher) => hasher.finish(),
        };
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

pub(super) fn sum(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "bctsw", &[("check", 'c'), ("binary", 'b'), ("quiet", 'q'), ("status", 's')])?;
    let name = call.name;
    let sum = Sum { name, hasher: hasher(name), check: options.has('c'), list: Vec::new() };
    Ok(Stream::new(sum, &options.rest, Complaint::CantOpen))
}

impl Filter for Sum {
    fn open(&mut self, _: &str, _: &mut Call<'_, '_>) -> Flow {
        self.hasher = hasher(self.name);
        Flow::Go
    }

    fn line(&mut self, piece: &[u8], call: &mut Call<'_, '_>) -> Flow {
        call.sys.charge((piece.len() / 128) as u32);
        if self.check {
            self.list.extend_from_slice(piece);
        } else {
            self.hasher.update(piece);
        }
        Flow::Go
    }

    fn close(&mut self, name: &str, call: &mut Call<'_, '_>) -> Flow {
        if !self.check {
            let hex = self.hasher.clone().hex();
            call.print(&format!("{hex}  {name}\n"));
        }
        Flow::Go
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        let list = std::mem::take(&mut self.list);
        let mut bad = 0;
        for line in String::from_utf8_lossy(&list).lines() {
            let Some((wanted, name)) = line.split_once(' ') else { continue };
            let name = name.trim_start_matches([' ', '*']);
            match call.sys.read_file(name) {
                Ok(bytes) => {
                    let mut hasher = hasher(self.name);
                    hasher.update(&bytes);
                    let good = hasher.hex() == wanted;
                    bad += u32::from(!good);
                    call.print(&format!("{name}: {}\n", if good { "OK" } else { "FAILED" }));
                }
                Err(error) => {
                    bad += 1;
                    call.error(&format!("{name}: {error}"));
                    call.print(&format!("{name}: FAILED open or read\n"));
                }
            }
        }
        if bad > 0 {
            call.error(&format!("WARNING: {bad} computed checksum{} did NOT match", if bad > 1 { "s" } else { "" }));
            return 1;
        }
        0
    }

    cloning!();
}

// ---- dumps ----

#[derive(Clone)]
struct Dump {
    style: char,
    limit: usize,
    bytes: Vec<u8>,
}

/// `od`, `hexdump`, `xxd`.
pub(super) fn dump(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "ACc?t:An:N:xvbdople:s:", &[])?;
    let count = options.value('N').or_else(|| options.value('n')).and_then(|text| text.parse().ok());
    let style = match call.name {
        "xxd" if options.has('p') => 'p',
        "xxd" => 'X',
        "hexdump" if options.has('C') => 'C',
        "hexdump" => 'h',
        _ if options.has('c') || options.value('t') == Some("c") => 'c',
        _ if options.value('t').is_some_and(|kind| kind.starts_with('x')) || options.has('x') => 'x',
        _ => 'o',
    };
    let dump = Dump { style, limit: count.unwrap_or(1 << 20), bytes: Vec::new() };
    Ok(Stream::new(dump, &options.rest, Complaint::Plain))
}

impl Filter for Dump {
    fn line(&mut self, piece: &[u8], _: &mut Call<'_, '_>) -> Flow {
        let room = self.limit.saturating_sub(self.bytes.len());
        self.bytes.extend(piece.iter().take(room));
        if self.bytes.len() >= self.limit { Flow::Stop } else { Flow::Go }
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        let bytes = std::mem::take(&mut self.bytes);
        let printable = |b: &u8| if (0x20..0x7f).contains(b) { char::from(*b) } else { '.' };
        let mut out = String::new();
        if self.style == 'p' {
            for row in bytes.chunks(30) {
                out.extend(row.iter().map(|b| format!("{b:02x}")));
                out.push('\n');
            }
            call.print(&out);
            return 0;
        }
        for (index, row) in bytes.chunks(16).enumerate() {
            let at = index * 16;
            let text: String = row.iter().map(printable).collect();
            match self.style {
                'X' => {
                    let hex: Vec<String> =
                        row.chunks(2).map(|pair| pair.iter().map(|b| format!("{b:02x}")).collect()).collect();
                    out.push_str(&format!("{at:08x}: {:<39}  {text}\n", hex.join(" ")));
                }
                'C' => {
                    let hex: Vec<String> = row
                        .chunks(8)
                        .map(|half| half.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" "))
                        .collect();
                    out.push_str(&format!("{at:08x}  {:<48}  |{text}|\n", hex.join("  ")));
                }
                'c' => {
                    out.push_str(&format!("{at:07o}"));
                    for byte in row {
                        out.push_str(&match byte {
                            0 => "  \\0".into(),
                            b'\n' => "  \\n".into(),
                            b'\t' => "  \\t".into(),
                            b'\r' => "  \\r".into(),
                            0x20..=0x7e => format!("   {}", char::from(*byte)),
                            byte => format!(" {byte:03o}"),
                        });
                    }
                    out.push('\n');
                }
                style => {
                    let words = row.chunks(2).map(|pair| match pair {
                        [a, b] => u16::from_le_bytes([*a, *b]),
                        [a] => u16::from(*a),
                        _ => 0,
                    });
                    out.push_str(&if style == 'h' { format!("{at:07x}") } else { format!("{at:07o}") });
                    for word in words {
                        out.push_str(&if style == 'o' { format!(" {word:06o}") } else { format!(" {word:04x}") });
                    }
                    out.push('\n');
                }
            }
        }
        match self.style {
            'X' => {}
            'C' => out.push_str(&format!("{:08x}\n", bytes.len())),
            'h' => out.push_str(&format!("{:07x}\n", bytes.len())),
            _ => out.push_str(&format!("{:07o}\n", bytes.len())),
        }
        call.print(&out);
        0
    }

    cloning!();
}

// ---- strings ----

#[derive(Clone, Default)]
struct Strings {
    run: Vec<u8>,
}

pub(super) fn strings(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "an:", &[])?;
    Ok(Stream::new(Strings::default(), &options.rest, Complaint::Plain))
}

impl Strings {
    fn flush(&mut self, call: &mut Call<'_, '_>) {
        if self.run.len() >= 4 {
            call.put(&self.run);
            call.put(b"\n");
        }
        self.run.clear();
    }
}

impl Filter for Strings {
    fn line(&mut self, piece: &[u8], call: &mut Call<'_, '_>) -> Flow {
        for byte in piece {
            if (0x20..0x7f).contains(byte) || *byte == b'\t' {
                self.run.push(*byte);
            } else {
                self.flush(call);
            }
        }
        Flow::Go
    }

    fn close(&mut self, _: &str, call: &mut Call<'_, '_>) -> Flow {
        self.flush(call);
        Flow::Go
    }

    cloning!();
}

// ---- cmp ----

#[derive(Clone)]
struct Cmp {
    silent: bool,
    names: Vec<String>,
    files: Vec<Vec<u8>>,
}

pub(super) fn cmp(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "slbn:", &[("silent", 's'), ("quiet", 's')])?;
    let mut names = options.rest.clone();
    match names.len() {
        0 => return Err(call.usage_error("missing operand after 'cmp'")),
        1 => names.push("-".into()),
        _ => names.truncate(2),
    }
    let cmp = Cmp { silent: options.has('s'), names: names.clone(), files: Vec::new() };
    Ok(Stream::new(cmp, &names, Complaint::Plain).failing_with(2))
}

impl Filter for Cmp {
    fn open(&mut self, _: &str, _: &mut Call<'_, '_>) -> Flow {
        self.files.push(Vec::new());
        Flow::Go
    }

    fn line(&mut self, piece: &[u8], _: &mut Call<'_, '_>) -> Flow {
        if let Some(file) = self.files.last_mut() {
            file.extend_from_slice(piece);
        }
        Flow::Go
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        let ([left, right], [left_name, right_name]) = (self.files.as_slice(), self.names.as_slice()) else { return 2 };
        match left.iter().zip(right).position(|(a, b)| a != b) {
            Some(at) => {
                if !self.silent {
                    let line = 1 + left.iter().take(at).filter(|b| **b == b'\n').count();
                    let what = if call.gnu() { "byte" } else { "char" };
                    call.print(&format!("{left_name} {right_name} differ: {what} {}, line {line}\n", at + 1));
                }
                1
            }
            None if left.len() != right.len() => {
                let (name, bytes) = if left.len() < right.len() { (left_name, left) } else { (right_name, right) };
                if !self.silent {
                    let lines = bytes.iter().filter(|b| **b == b'\n').count();
                    let place = if !call.gnu() {
                        String::new()
                    } else if bytes.is_empty() {
                        " which is empty".into()
                    } else {
                        format!(" after byte {}, in line {}", bytes.len(), lines + 1)
                    };
                    call.error(&format!(
                        "EOF on {}{place}",
                        if call.gnu() && bytes.is_empty() { format!("'{name}'") } else { name.clone() }
                    ));
                }
                1
            }
            None => 0,
        }
    }

    cloning!();
}
