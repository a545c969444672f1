//! `cat`.

use super::Call;
use super::options::Options;
use super::stream::{Complaint, Filter, Flow, Stream};

#[derive(Clone)]
struct Cat {
    number: bool,
    number_filled: bool,
    ends: bool,
    tabs: bool,
    visible: bool,
    squeeze: bool,
    line: u64,
    blank: bool,
}

impl Filter for Cat {
    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        if !self.by_line() {
            call.put(line);
            return Flow::Go;
        }
        let empty = line == b"\n";
        if self.squeeze && empty && self.blank {
            return Flow::Go;
        }
        self.blank = empty;
        if self.number || (self.number_filled && !empty) {
            self.line += 1;
            let number = self.line;
            call.print(&format!("{number:6}\t"));
        }
        for byte in line {
            match byte {
                b'\n' if self.ends => call.put(b"$\n"),
                b'\t' if self.tabs => call.put(b"^I"),
                b'\n' | b'\t' => call.put(&[*byte]),
                0..=31 if self.visible => call.put(&[b'^', byte + 64]),
                127 if self.visible => call.put(b"^?"),
                128.. if self.visible => call.print(&format!("M-{}", char::from(byte & 0x7f))),
                byte => call.put(&[*byte]),
            }
        }
        Flow::Go
    }

    fn by_line(&self) -> bool {
        self.number || self.number_filled || self.ends || self.tabs || self.visible || self.squeeze
    }

    fn clone_box(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

pub(super) fn start(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    const LONG: &[(&str, char)] =
        &[("number", 'n'), ("number-nonblank", 'b'), ("show-all", 'A'), ("show-ends", 'E'), ("squeeze-blank", 's')];
    let options = Options::parse(call, "nbvteETAsu", LONG)?;
    let cat = Cat {
        number: options.has('n') && !options.has('b'),
        number_filled: options.has('b'),
        ends: options.any("eEA"),
        tabs: options.any("tTA"),
        visible: options.any("vteA"),
        squeeze: options.has('s'),
        line: 0,
        blank: false,
    };
    Ok(Stream::new(cat, &options.rest, Complaint::CantOpen))
}
