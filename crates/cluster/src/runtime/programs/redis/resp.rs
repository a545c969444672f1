//! Redis' protocol.

/// A value of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resp {
    /// `+OK`
    Simple(String),
    /// `-ERR ...`
    Error(String),
    /// `:1`
    Int(i64),
    /// `$3 abc`; none is nil.
    Bulk(Option<Vec<u8>>),
    /// `*2 ...`
    Array(Vec<Resp>),
}

/// A message may be no longer.
const BYTES_MAX: usize = 4 << 20;

impl Resp {
    /// `+OK`
    pub fn ok() -> Resp {
        Resp::Simple("OK".into())
    }

    /// A bulk string.
    pub fn bulk(text: impl Into<Vec<u8>>) -> Resp {
        Resp::Bulk(Some(text.into()))
    }

    /// As it is sent.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Resp::Simple(text) => out.extend_from_slice(format!("+{text}\r\n").as_bytes()),
            Resp::Error(text) => out.extend_from_slice(format!("-{text}\r\n").as_bytes()),
            Resp::Int(number) => out.extend_from_slice(format!(":{number}\r\n").as_bytes()),
            Resp::Bulk(None) => out.extend_from_slice(b"$-1\r\n"),
            Resp::Bulk(Some(bytes)) => {
                out.extend_from_slice(format!("${}\r\n", bytes.len()).as_bytes());
                out.extend_from_slice(bytes);
                out.extend_from_slice(b"\r\n");
            }
            Resp::Array(items) => {
                out.extend_from_slice(format!("*{}\r\n", items.len()).as_bytes());
                for item in items {
                    item.encode(out);
                }
            }
        }
    }

    /// Reads one value off the front: it and how many bytes it took. None when more has to come.
    pub fn decode(bytes: &[u8]) -> Option<(Resp, usize)> {
        let end = bytes.windows(2).position(|two| two == b"\r\n")?;
        let text = String::from_utf8_lossy(bytes.get(1..end)?).into_owned();
        let mut used = end + 2;
        Some(match bytes.first()? {
            b'+' => (Resp::Simple(text), used),
            b'-' => (Resp::Error(text), used),
            b':' => (Resp::Int(text.parse().unwrap_or(0)), used),
            b'$' => match text.parse::<usize>() {
                Ok(length) => {
                    let body = bytes.get(used..used + length.min(BYTES_MAX))?.to_vec();
                    bytes.get(used + length + 1)?;
                    (Resp::Bulk(Some(body)), used + length + 2)
                }
                Err(_) => (Resp::Bulk(None), used),
            },
            b'*' => {
                let count = text.parse::<usize>().unwrap_or(0).min(100_000);
                let mut items = Vec::new();
                for _ in 0..count {
                    let (item, length) = Resp::decode(bytes.get(used..)?)?;
                    items.push(item);
                    used += length;
                }
                (Resp::Array(items), used)
            }
            _ => (Resp::Error("ERR Protocol error".into()), used),
        })
    }
}

/// Takes one command off the front of what was received: an array of bulk strings, or a line of words.
pub fn command(inbox: &mut Vec<u8>) -> Option<Vec<Vec<u8>>> {
    if inbox.first() == Some(&b'*') {
        let (value, used) = Resp::decode(inbox)?;
        inbox.drain(..used);
        let Resp::Array(items) = value else { return Some(Vec::new()) };
        return Some(
            items.into_iter().map(|item| if let Resp::Bulk(Some(bytes)) = item { bytes } else { Vec::new() }).collect(),
        );
    }
    let end = inbox.iter().position(|b| *b == b'\n')?;
    let line: Vec<u8> = inbox.drain(..=end).collect();
    let line = String::from_utf8_lossy(&line).into_owned();
    Some(words(&line).into_iter().map(String::into_bytes).collect())
}

/// Splits a line into words; quotes hold blanks together.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.trim().chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
