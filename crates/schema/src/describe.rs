//! What types and fields are for, in words: `kubectl explain`.
//!
//! The words are Kubernetes' own and large, so they are not part of the program: a blob that `drydock-descriptions`
//! makes at build time (out of the doc comments of the k8s-openapi crate) is loaded when somebody asks. Without it every
//! description is empty, and everything else of explain works.
//!
//! The blob is text. First the descriptions, one a line, each once, with `\n` for a line break and `\\` for a backslash;
//! then an empty line; then the types (`name<TAB>number`), each followed by its fields (`<TAB>name<TAB>number`), where a
//! number is a description's line, counted from 1, and 0 is none.

use drydock_sorted::SortedMap;

/// The descriptions of types and fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Descriptions {
    texts: Vec<String>,
    types: SortedMap<String, Described>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Described {
    text: usize,
    fields: SortedMap<String, usize>,
}

impl Descriptions {
    /// Reads a blob.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(blob: &[u8]) -> Result<Descriptions, String> {
        let text = std::str::from_utf8(blob).map_err(|error| format!("descriptions: {error}"))?;
        let (texts, types) = text.split_once("\n\n").ok_or("descriptions: no empty line")?;
        let mut result = Descriptions { texts: texts.lines().map(unescape).collect(), types: SortedMap::new() };
        let mut name = "";
        for line in types.lines() {
            let wrong = || format!("descriptions: cannot read {line:?}");
            let (key, number) = line.rsplit_once('\t').ok_or_else(wrong)?;
            let number: usize = number.parse().map_err(|_| wrong())?;
            match key.strip_prefix('\t') {
                None => {
                    name = key;
                    result.types.entry(name.to_owned()).or_default().text = number;
                }
                Some(field) => {
                    let of = result.types.get_mut(name).ok_or_else(wrong)?;
                    of.fields.insert(field.to_owned(), number);
                }
            }
        }
        Ok(result)
    }

    /// Writes a blob of types with their descriptions, and their fields with theirs.
    pub fn write<'a>(types: impl Iterator<Item = (&'a str, &'a str, &'a [(String, String)])>) -> String {
        let mut texts: Vec<String> = Vec::new();
        let mut known: SortedMap<String, usize> = SortedMap::new();
        let mut number = |text: &str| {
            if text.is_empty() {
                return 0;
            }
            *known.entry(escape(text)).or_insert_with_key(|text| {
                texts.push(text.clone());
                texts.len()
            })
        };
        let mut table = String::new();
        for (name, text, fields) in types {
            table.push_str(&format!("{name}\t{}\n", number(text)));
            for (field, text) in fields {
                table.push_str(&format!("\t{field}\t{}\n", number(text)));
            }
        }
        format!("{}\n\n{table}", texts.join("\n"))
    }

    fn text(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|at| self.texts.get(at)).map_or("", String::as_str)
    }

    /// What a type is for, by its full name; empty when nobody says.
    pub fn of_type(&self, name: &str) -> &str {
        self.types.get(name).map_or("", |of| self.text(of.text))
    }

    /// What a field of a type is for; empty when nobody says.
    pub fn of_field(&self, type_name: &str, field: &str) -> &str {
        let number = self.types.get(type_name).and_then(|of| of.fields.get(field));
        number.map_or("", |number| self.text(*number))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unescape(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Descriptions;

    #[test]
    fn what_is_written_reads_back() {
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let fields = [pair("a", "First.\n\nSecond \\d."), pair("b", ""), pair("c", "Same.")];
        let types = [("io.x.A", "Same.", &fields[..]), ("io.x.B", "", &fields[2..])];
        let blob = Descriptions::write(types.into_iter());
        assert_eq!(blob.matches("Same.").count(), 1);
        let read = Descriptions::parse(blob.as_bytes()).unwrap();
        assert_eq!(read.of_type("io.x.A"), "Same.");
        assert_eq!(read.of_field("io.x.A", "a"), "First.\n\nSecond \\d.");
        assert_eq!((read.of_field("io.x.A", "b"), read.of_field("io.x.A", "z")), ("", ""));
        assert_eq!((read.of_type("io.x.B"), read.of_field("io.x.B", "c")), ("", "Same."));
        assert!(Descriptions::default().is_empty());
        assert!(Descriptions::parse(b"nonsense").is_err());
    }
}
