//! Utilities about bytes: `base64`, `md5sum`, `sha1sum`, `sha256sum`, `cksum`, `od`, `hexdump`, `xxd`, `strings`, `cmp`.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use drydock_pki::sha256::Sha256;

use super::Call;
use super::digest::{Md5, Sha1};
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

/// Reads what others write: padding may be missing, bits that do not count may be set.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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
            match LENIENT.decode(part) {
                Ok(decoded) => {
                    call.put(&decoded);
                    // Without its padding the text is cut short.
                    failed |= part.len() % 4 != 0;
                }
                Err(_) => {
                    failed = true;
                    let whole = part.len() / 4 * 4;
                    call.put(&LENIENT.decode(part.get(..whole).unwrap_or_default()).unwrap_or_default());
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
            Hasher::Sha256(hasher) => hasher.finish().to_vec(),
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
    /// `od -A n`: no addresses.
    bare: bool,
    limit: usize,
    bytes: Vec<u8>,
}

/// `od`, `hexdump`, `xxd`.
pub(super) fn dump(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let known = match call.name {
        "od" => "A:t:N:j:cxbodv",
        "hexdump" => "Cn:s:vcxb",
        _ => "pl:s:c:u",
    };
    let options = Options::parse(call, known, &[])?;
    let count = ['N', 'n', 'l'].into_iter().find_map(|letter| options.value(letter)).and_then(|text| text.parse().ok());
    let style = match (call.name, options.value('t')) {
        ("xxd", _) if options.has('p') => 'p',
        ("xxd", _) => 'X',
        ("hexdump", _) if options.has('C') => 'C',
        ("hexdump", _) => 'h',
        (_, Some("c")) => 'c',
        (_, Some("x1")) => '1',
        (_, Some("u1" | "d1")) => 'u',
        (_, Some("o1")) => 'b',
        (_, Some(kind)) if kind.starts_with('x') => 'x',
        _ if options.has('c') => 'c',
        _ if options.has('b') => 'b',
        _ if options.has('x') => 'x',
        _ => 'o',
    };
    let bare = options.value('A') == Some("n");
    let dump = Dump { style, bare, limit: count.unwrap_or(1 << 20), bytes: Vec::new() };
    Ok(Stream::new(dump, &options.rest, Complaint::Plain))
}

impl Dump {
    /// One row of sixteen bytes, without its address.
    fn row(&self, row: &[u8]) -> String {
        let text =
            || -> String { row.iter().map(|b| if (0x20..0x7f).contains(b) { char::from(*b) } else { '.' }).collect() };
        let hex = |bytes: &[u8], separator: &str| -> String {
            bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(separator)
        };
        let each = |show: fn(&u8) -> String| -> String { row.iter().map(show).collect() };
        match self.style {
            'X' => {
                let pairs: Vec<String> = row.chunks(2).map(|pair| hex(pair, "")).collect();
                format!(": {:<39}  {}", pairs.join(" "), text())
            }
            'C' => {
                let halves: Vec<String> = row.chunks(8).map(|half| hex(half, " ")).collect();
                format!("  {:<48}  |{}|", halves.join("  "), text())
            }
            'c' => each(|byte| match byte {
                0 => "  \\0".into(),
                b'\n' => "  \\n".into(),
                b'\t' => "  \\t".into(),
                b'\r' => "  \\r".into(),
                0x20..=0x7e => format!("   {}", char::from(*byte)),
                byte => format!(" {byte:03o}"),
            }),
            '1' => each(|byte| format!(" {byte:02x}")),
            'u' => each(|byte| format!(" {byte:3}")),
            'b' => each(|byte| format!(" {byte:03o}")),
            style => row
                .chunks(2)
                .map(|pair| {
                    let word = u16::from(pair.first().copied().unwrap_or(0))
                        | u16::from(pair.get(1).copied().unwrap_or(0)) << 8;
                    if style == 'o' { format!(" {word:06o}") } else { format!(" {word:04x}") }
                })
                .collect(),
        }
    }
}

impl Filter for Dump {
    fn line(&mut self, piece: &[u8], _: &mut Call<'_, '_>) -> Flow {
        let room = self.limit.saturating_sub(self.bytes.len());
        self.bytes.extend(piece.iter().take(room));
        if self.bytes.len() >= self.limit { Flow::Stop } else { Flow::Go }
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        let bytes = std::mem::take(&mut self.bytes);
        if self.style == 'p' {
            for row in bytes.chunks(30) {
                let hex: String = row.iter().map(|b| format!("{b:02x}")).collect();
                call.print(&format!("{hex}\n"));
            }
            return 0;
        }
        let address = |at: usize| match (self.bare, self.style) {
            (true, _) => String::new(),
            (_, 'X' | 'C') => format!("{at:08x}"),
            (_, 'h') => format!("{at:07x}"),
            _ => format!("{at:07o}"),
        };
        for (index, row) in bytes.chunks(16).enumerate() {
            let line = format!("{}{}\n", address(index * 16), self.row(row));
            call.print(&line);
        }
        if self.style != 'X' && !self.bare {
            let end = address(bytes.len());
            call.print(&format!("{end}\n"));
        }
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
    Ok(Stream::new(cmp, &names, Complaint::Plain).failing_with(2).strict())
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
