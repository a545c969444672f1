//! Parts of objects as text, remembered: whoever lists or watches is mostly told what others were told before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use drydock_value::Map;

/// So much text is kept at least once it was written, and twice as much at most, in bytes.
const KEPT: usize = 64 << 20;

/// A part, held so that its place in memory stays its own, and its text.
type Entry = (Map, Arc<[u8]>);

/// Texts by their part's place in memory and type. What was not asked for while `young` filled up is forgotten.
#[derive(Default)]
struct Ages {
    young: BTreeMap<(usize, usize), Entry>,
    old: BTreeMap<(usize, usize), Entry>,
    bytes: usize,
}

static AGES: Mutex<Ages> = Mutex::new(Ages { young: BTreeMap::new(), old: BTreeMap::new(), bytes: 0 });

impl Ages {
    fn find(&mut self, key: (usize, usize)) -> Option<Arc<[u8]>> {
        if let Some((_, text)) = self.young.get(&key) {
            return Some(text.clone());
        }
        let (part, text) = self.old.remove(&key)?;
        self.keep(key, part, text.clone());
        Some(text)
    }

    fn keep(&mut self, key: (usize, usize), part: Map, text: Arc<[u8]>) {
        if self.bytes > KEPT {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += text.len();
        self.young.insert(key, (part, text));
    }
}

/// Writes a part of the type with this index, by `write` where it was not written lately.
pub(crate) fn write(part: &Map, of: usize, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let key = (part.address(), of);
    // The maps are whole between any two statements: a panic elsewhere does not spoil them.
    let ages = || AGES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = ages().find(key);
    if let Some(text) = known {
        out.extend_from_slice(&text);
        return;
    }
    let start = out.len();
    write(out);
    ages().keep(key, part.clone(), Arc::from(&out[start..]));
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use super::*;

    #[test]
    fn a_part_is_written_once_for_each_type() {
        let part = value!({"a": 1});
        let map = part.as_object().unwrap();
        let mut out = Vec::new();
        write(map, 1, &mut out, |out| out.extend_from_slice(b"one"));
        write(map, 2, &mut out, |out| out.extend_from_slice(b"two"));
        write(map, 1, &mut out, |_| panic!("known"));
        assert_eq!(out, b"onetwoone");
    }

    #[test]
    fn texts_are_bounded() {
        let mut ages = Ages::default();
        let text: Arc<[u8]> = vec![0; 1 << 20].into();
        for number in 0..300 {
            ages.keep((number, 0), Map::new(), text.clone());
        }
        assert!(ages.young.len() + ages.old.len() <= 2 * (KEPT >> 20) + 2);
        assert!(ages.find((299, 0)).is_some());
        assert!(ages.find((0, 0)).is_none());
    }
}
