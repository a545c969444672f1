//! Turns `data/types.txt` into static tables: one text with every name in it once, and rows of small numbers that point
//! into it. Nothing is decoded when the program starts, and the tables cost about 40 KB.

#![allow(clippy::disallowed_methods, reason = "runs when the crate is built: reads its data, writes its tables")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

fn main() {
    println!("cargo::rerun-if-changed=data/types.txt");
    println!("cargo::rerun-if-changed=build.rs");
    let manifest = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let text = std::fs::read_to_string(format!("{manifest}/data/types.txt")).expect("data/types.txt");
    let types = parse(&text);
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(format!("{out}/tables.rs"), Tables::new(&types).source(&types)).expect("write tables.rs");
}

#[derive(Default)]
struct Type {
    name: String,
    gvk: Option<[String; 3]>,
    atomic: bool,
    fields: Vec<Field>,
}

#[derive(Default)]
struct Field {
    name: String,
    shape: String,
    flags: u16,
    go: String,
    default: String,
    merge_key: String,
    values: Vec<String>,
    keys: Vec<String>,
}

/// The bits of a field's flags; `table.rs` has the same list.
const FLAGS: [(&str, u16); 14] = [
    ("required", 1),
    ("ptr", 1 << 1),
    ("omitempty", 1 << 2),
    ("omitzero", 1 << 3),
    ("patch=merge", 1 << 4),
    ("patch=replace", 0),
    ("patch=retainKeys", 1 << 5),
    ("patch=merge,retainKeys", 1 << 4 | 1 << 5),
    ("list=atomic", 1 << 6),
    ("list=set", 1 << 7),
    ("list=map", 1 << 8),
    ("map=atomic", 1 << 9),
    ("map=granular", 1 << 10),
    ("", 0),
];

fn parse(text: &str) -> Vec<Type> {
    let mut types: Vec<Type> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let mut words = line.trim_start().split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        if !line.starts_with('\t') {
            let mut new = Type { name, ..Type::default() };
            for word in words {
                if let Some(gvk) = word.strip_prefix("gvk=") {
                    let parts: Vec<&str> = gvk.split('/').collect();
                    let [group, version, kind] = parts[..] else { panic!("gvk of {}", new.name) };
                    new.gvk = Some([group.into(), version.into(), kind.into()]);
                } else if word == "map=atomic" {
                    new.atomic = true;
                } else {
                    panic!("{word} of type {}", new.name);
                }
            }
            types.push(new);
            continue;
        }
        let owner = types.last_mut().expect("a type before its fields");
        let package = owner.name.rsplit_once('.').map_or("", |(package, _)| package);
        let shape = words.next().expect("a field's type");
        let shape = match shape.find('.') {
            Some(at) if shape[..at].chars().all(|c| "[{".contains(c)) => {
                format!("{}{package}{}", &shape[..at], &shape[at..])
            }
            _ => shape.to_owned(),
        };
        let mut field = Field { name, shape, ..Field::default() };
        for word in words {
            let list = |text: &str, separator: char| text.split(separator).map(|v| v.replace('~', " ")).collect();
            match word.split_once('=') {
                Some(("go", go)) => field.go = go.into(),
                Some(("default", json)) => field.default = json.into(),
                Some(("key", key)) => field.merge_key = key.into(),
                Some(("enum", values)) => field.values = list(values, '|'),
                Some(("keys", keys)) => field.keys = list(keys, ','),
                _ => {
                    let known = FLAGS.iter().find(|(text, _)| *text == word);
                    field.flags |= known.unwrap_or_else(|| panic!("{word} of field {}", field.name)).1;
                }
            }
        }
        owner.fields.push(field);
    }
    types.sort_by(|a, b| a.name.cmp(&b.name));
    types
}

struct Tables {
    strings: BTreeMap<String, u16>,
    types: BTreeMap<String, u16>,
    shapes: Vec<(u8, u16)>,
    extras: Vec<[u16; 7]>,
    lists: Vec<u16>,
}

const LEAVES: [&str; 13] = [
    "string",
    "int32",
    "int64",
    "bool",
    "double",
    "bytes",
    "any",
    "raw",
    "quantity",
    "time",
    "microtime",
    "intorstring",
    "object",
];

impl Tables {
    fn new(types: &[Type]) -> Tables {
        let mut strings = BTreeSet::new();
        for t in types {
            strings.insert(t.name.clone());
            strings.extend(t.gvk.iter().flatten().cloned());
            for f in &t.fields {
                strings.extend([f.name.clone(), f.go.clone(), f.default.clone(), f.merge_key.clone()]);
                strings.extend(f.values.iter().chain(&f.keys).cloned());
            }
        }
        let number = |(index, text): (usize, String)| (text, u16::try_from(index).expect("fewer than 65536 strings"));
        Tables {
            strings: strings.into_iter().enumerate().map(number).collect(),
            types: types.iter().enumerate().map(|(i, t)| number((i, t.name.clone()))).collect(),
            shapes: LEAVES.iter().enumerate().map(|(i, _)| (u8::try_from(i).expect("few"), 0)).collect(),
            extras: vec![[0; 7]],
            lists: Vec::new(),
        }
    }

    fn string(&self, text: &str) -> u16 {
        self.strings[text]
    }

    fn shape(&mut self, text: &str) -> u16 {
        if let Some(at) = LEAVES.iter().position(|leaf| *leaf == text) {
            return u16::try_from(at).expect("few");
        }
        let inner = |text: &str| text[1..text.len() - 1].to_owned();
        let row = match text.as_bytes()[0] {
            b'[' => (20, self.shape(&inner(text))),
            b'{' => (21, self.shape(&inner(text))),
            _ => (22, *self.types.get(text).unwrap_or_else(|| panic!("no type {text}"))),
        };
        if let Some(at) = self.shapes.iter().position(|known| *known == row) {
            return u16::try_from(at).expect("few");
        }
        self.shapes.push(row);
        u16::try_from(self.shapes.len() - 1).expect("few")
    }

    fn list(&mut self, items: &[String]) -> (u16, u16) {
        let numbers: Vec<u16> = items.iter().map(|item| self.string(item)).collect();
        let start = self.lists.windows(numbers.len().max(1)).position(|window| window == numbers);
        let start = start.filter(|_| !numbers.is_empty()).unwrap_or_else(|| {
            self.lists.extend(&numbers);
            self.lists.len() - numbers.len()
        });
        (u16::try_from(start).expect("short"), u16::try_from(numbers.len()).expect("short"))
    }

    fn extra(&mut self, field: &Field) -> u16 {
        let (values, value_count) = self.list(&field.values);
        let (keys, key_count) = self.list(&field.keys);
        let (go, default) = (self.string(&field.go), self.string(&field.default));
        let row = [go, default, self.string(&field.merge_key), values, value_count, keys, key_count];
        let nothing = field.go.is_empty() && field.default.is_empty() && field.merge_key.is_empty();
        if nothing && value_count == 0 && key_count == 0 {
            return 0;
        }
        let at = self.extras.iter().position(|known| *known == row).unwrap_or_else(|| {
            self.extras.push(row);
            self.extras.len() - 1
        });
        u16::try_from(at).expect("few")
    }

    fn source(mut self, types: &[Type]) -> String {
        let mut fields = String::new();
        let mut rows = String::new();
        let mut kinds: Vec<([u16; 3], u16)> = Vec::new();
        let mut count = 0;
        for (index, t) in types.iter().enumerate() {
            let index = u16::try_from(index).expect("few");
            if let Some(gvk) = &t.gvk {
                kinds.push((gvk.each_ref().map(|part| self.string(part)), index));
            }
            writeln!(rows, "({}, {count}, {}),", self.string(&t.name), t.atomic).expect("to a string");
            for field in &t.fields {
                let (name, shape, extra) = (self.string(&field.name), self.shape(&field.shape), self.extra(field));
                writeln!(fields, "({name}, {shape}, {extra}, {}),", field.flags).expect("to a string");
                count += 1;
            }
        }
        writeln!(rows, "(0, {count}, false),").expect("to a string");
        kinds.sort();
        let text: String = self.strings.keys().map(String::as_str).collect();
        let mut offsets = vec![0u32];
        for string in self.strings.keys() {
            offsets.push(offsets[offsets.len() - 1] + u32::try_from(string.len()).expect("short"));
        }
        let kinds: String = kinds.iter().map(|([g, v, k], t)| format!("({g}, {v}, {k}, {t}), ")).collect();
        format!(
            "static TEXT: &str = {text:?};\nstatic OFFSETS: &[u32] = &{offsets:?};\n\
             static TYPES: &[(u16, u16, bool)] = &[\n{rows}];\n\
             static FIELDS: &[(u16, u16, u16, u16)] = &[\n{fields}];\n\
             static SHAPES: &[(u8, u16)] = &{:?};\nstatic EXTRAS: &[[u16; 7]] = &{:?};\n\
             static LISTS: &[u16] = &{:?};\nstatic KINDS: &[(u16, u16, u16, u16)] = &[{kinds}];\n",
            self.shapes, self.extras, self.lists
        )
    }
}
