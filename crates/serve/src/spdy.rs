//! SPDY/3.1, as far as Kubernetes speaks it: streams with headers and data. A state machine: bytes in, events out.
//! Neither side of Kubernetes keeps to windows, so there are none here.

use std::borrow::Cow;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status as Flate};

/// The most that one frame may have.
const FRAME_MAX: usize = 1 << 20;
/// The most that one block of headers may unfold to.
const HEADERS_MAX: usize = 64 << 10;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
/// The flag of a frame that is its stream's last.
const FIN: u8 = 1;

/// The words of the dictionary that both sides begin their compression with, and what follows them.
const WORDS: &str = "options,head,post,put,delete,trace,accept,accept-charset,accept-encoding,accept-language,\
    accept-ranges,age,allow,authorization,cache-control,connection,content-base,content-encoding,content-language,\
    content-length,content-location,content-md5,content-range,content-type,date,etag,expect,expires,from,host,if-match,\
    if-modified-since,if-none-match,if-range,if-unmodified-since,last-modified,location,max-forwards,pragma,\
    proxy-authenticate,proxy-authorization,range,referer,retry-after,server,te,trailer,transfer-encoding,upgrade,\
    user-agent,vary,via,warning,www-authenticate,method,get,status,200 OK,version,HTTP/1.1,url,public,set-cookie,\
    keep-alive,origin";
const TAIL: &str = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505\
    203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden\
    404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept \
    Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,\
    application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8\
    charset=iso-8859-1,utf-,*,enq=0.";

fn dictionary() -> Vec<u8> {
    let mut out = Vec::with_capacity(1423);
    for word in WORDS.split(',') {
        out.extend_from_slice(&(word.len() as u32).to_be_bytes());
        out.extend_from_slice(word.as_bytes());
    }
    out.extend_from_slice(TAIL.as_bytes());
    out
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The client opened a stream.
    Open(u32, Vec<(String, String)>),
    /// Bytes of a stream.
    Data(u32, Vec<u8>),
    /// The client writes no more on a stream.
    Fin(u32),
    /// The client broke a stream off.
    Reset(u32),
    /// To be answered with the same.
    Ping(u32),
    /// The client goes.
    GoAway,
}

/// One side of a connection.
pub(crate) struct Session {
    inbox: Vec<u8>,
    inflate: Decompress,
    deflate: Compress,
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

fn control(kind: u16, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80, 3, (kind >> 8) as u8, kind as u8];
    frame.extend_from_slice(&(u32::from(flags) << 24 | body.len() as u32).to_be_bytes());
    frame.extend_from_slice(body);
    frame
}

impl Session {
    pub(crate) fn new() -> Session {
        let mut deflate = Compress::new(Compression::default(), true);
        // It can only fail once compression has begun.
        let _ = deflate.set_dictionary(&dictionary());
        Session { inbox: Vec::new(), inflate: Decompress::new(true), deflate }
    }

    /// Takes bytes; answers what they complete.
    ///
    /// # Errors
    /// When they are not SPDY: the connection is of no more use.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Cow<'static, str>> {
        self.inbox.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut at = 0;
        while let Some(head) = self.inbox.get(at..at + 8) {
            let length = (number(&head[4..]) & 0x00ff_ffff) as usize;
            if length > FRAME_MAX {
                return Err("a frame is too large".into());
            }
            let Some(body) = self.inbox.get(at + 8..at + 8 + length) else { break };
            let (first, flags) = (number(head), head[4]);
            let body = body.to_vec();
            at += 8 + length;
            self.frame(first, flags, &body, &mut events)?;
        }
        self.inbox.drain(..at);
        Ok(events)
    }

    fn frame(&mut self, first: u32, flags: u8, body: &[u8], events: &mut Vec<Event>) -> Result<(), Cow<'static, str>> {
        if first & 0x8000_0000 == 0 {
            if !body.is_empty() {
                events.push(Event::Data(first, body.to_vec()));
            }
            if flags & FIN != 0 {
                events.push(Event::Fin(first));
            }
            return Ok(());
        }
        let short = || Cow::from("a frame is too short");
        let id = body.get(..4).map(|bytes| number(bytes) & 0x7fff_ffff);
        match first as u16 {
            SYN_STREAM => {
                let block = body.get(10..).ok_or_else(short)?;
                let headers = self.headers(block)?;
                let id = id.ok_or_else(short)?;
                events.push(Event::Open(id, headers));
                if flags & FIN != 0 {
                    events.push(Event::Fin(id));
                }
            }
            RST_STREAM => events.push(Event::Reset(id.ok_or_else(short)?)),
            PING => events.push(Event::Ping(body.get(..4).map(number).ok_or_else(short)?)),
            GOAWAY => events.push(Event::GoAway),
            // Settings, windows, priorities: nothing here hangs on them. Headers of a later moment are not used, but
            // belong to the compression.
            8 => {
                self.headers(body.get(4..).ok_or_else(short)?)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn headers(&mut self, block: &[u8]) -> Result<Vec<(String, String)>, Cow<'static, str>> {
        let plain = self.unfold(block)?;
        let short = "a block of headers is too short";
        let count = plain.get(..4).map(number).ok_or(short)?;
        let mut at = 4;
        let mut next = || -> Option<String> {
            let length = plain.get(at..at + 4).map(number)? as usize;
            let bytes = plain.get(at + 4..(at + 4).checked_add(length)?)?;
            at += 4 + length;
            Some(String::from_utf8_lossy(bytes).into_owned())
        };
        let mut found = Vec::new();
        for _ in 0..count.min(1000) {
            let (Some(name), Some(value)) = (next(), next()) else { return Err(short.into()) };
            found.push((name.to_ascii_lowercase(), value));
        }
        Ok(found)
    }

    fn unfold(&mut self, block: &[u8]) -> Result<Vec<u8>, Cow<'static, str>> {
        let mut out = Vec::with_capacity(1024);
        let before = self.inflate.total_in();
        loop {
            let taken = (self.inflate.total_in() - before) as usize;
            let rest = block.get(taken..).unwrap_or_default();
            if out.len() == out.capacity() {
                if out.len() >= HEADERS_MAX {
                    return Err("a block of headers is too large".into());
                }
                out.reserve(out.len().max(1024));
            }
            match self.inflate.decompress_vec(rest, &mut out, FlushDecompress::Sync) {
                Ok(Flate::Ok) if out.len() < out.capacity() => {
                    if (self.inflate.total_in() - before) as usize >= block.len() {
                        return Ok(out);
                    }
                }
                Ok(Flate::Ok) => {}
                Ok(Flate::BufError | Flate::StreamEnd) => return Ok(out),
                Err(error) if error.needs_dictionary().is_some() => {
                    self.inflate.set_dictionary(&dictionary()).map_err(|error| Cow::from(error.to_string()))?;
                }
                Err(error) => return Err(error.to_string().into()),
            }
        }
    }

    /// Accepts a stream. Headers go with it, though nobody reads them.
    pub(crate) fn reply(&mut self, stream: u32) -> Vec<u8> {
        let mut body = stream.to_be_bytes().to_vec();
        body.extend(self.fold(&[0, 0, 0, 0]));
        control(SYN_REPLY, 0, &body)
    }

    fn fold(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(plain.len() + 1024);
        // Room enough for all of it, so that one call does.
        let _ = self.deflate.compress_vec(plain, &mut out, FlushCompress::Sync);
        out
    }
}

/// Bytes of a stream; with `fin` its last.
pub(crate) fn data(stream: u32, bytes: &[u8], fin: bool) -> Vec<u8> {
    let flags = if fin { FIN } else { 0 };
    let mut frame = (stream & 0x7fff_ffff).to_be_bytes().to_vec();
    frame.extend_from_slice(&(u32::from(flags) << 24 | bytes.len() as u32).to_be_bytes());
    frame.extend_from_slice(bytes);
    frame
}

/// Breaks a stream off: it is refused.
pub(crate) fn reset(stream: u32) -> Vec<u8> {
    const REFUSED: u32 = 3;
    control(RST_STREAM, 0, &[stream.to_be_bytes(), REFUSED.to_be_bytes()].concat())
}

/// Answers a ping.
pub(crate) fn ping(id: u32) -> Vec<u8> {
    control(PING, 0, &id.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's frame that opens a stream.
    fn open(deflate: &mut Compress, stream: u32, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut plain = (headers.len() as u32).to_be_bytes().to_vec();
        for text in headers.iter().flat_map(|(name, value)| [name, value]) {
            plain.extend((text.len() as u32).to_be_bytes());
            plain.extend(text.as_bytes());
        }
        let mut block = Vec::with_capacity(4096);
        deflate.compress_vec(&plain, &mut block, FlushCompress::Sync).unwrap();
        let mut body = [stream.to_be_bytes(), [0; 4]].concat();
        body.extend([0, 0]);
        body.extend(block);
        control(SYN_STREAM, 0, &body)
    }

    fn compressor() -> Compress {
        let mut deflate = Compress::new(Compression::default(), true);
        deflate.set_dictionary(&dictionary()).unwrap();
        deflate
    }

    #[test]
    fn the_dictionary_is_the_protocols() {
        // The checksum that every SPDY/3 stream carries in its first bytes.
        let mut deflate = Compress::new(Compression::default(), true);
        assert_eq!(deflate.set_dictionary(&dictionary()).unwrap(), 0xe3c6_a7c2);
    }

    #[test]
    fn frames_are_read_however_they_are_cut() {
        let mut deflate = compressor();
        let mut bytes = open(&mut deflate, 1, &[("Port", "80"), ("streamtype", "error")]);
        bytes.extend(open(&mut deflate, 3, &[("port", "80"), ("streamtype", "data")]));
        bytes.extend(data(1, b"", true));
        bytes.extend(data(3, b"hello", false));
        bytes.extend(ping(7));
        let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = vec![
            Event::Open(1, vec![text("port", "80"), text("streamtype", "error")]),
            Event::Open(3, vec![text("port", "80"), text("streamtype", "data")]),
            Event::Fin(1),
            Event::Data(3, b"hello".to_vec()),
            Event::Ping(7),
        ];
        for size in [1, 7, 64, bytes.len()] {
            let mut session = Session::new();
            let found: Vec<Event> = bytes.chunks(size).flat_map(|chunk| session.feed(chunk).unwrap()).collect();
            assert_eq!(found, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Session::new().feed(&[0x80, 3, 0, 1, 0, 0, 0, 2, 1, 2]).is_err());
        assert!(Session::new().feed(&[0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]).is_err());
        let mut body = vec![0; 10];
        body.extend(b"not compressed");
        assert!(Session::new().feed(&control(SYN_STREAM, 0, &body)).is_err());
    }
}
