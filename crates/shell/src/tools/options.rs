//! Command line options, as the C library's `getopt_long` reads them.

use super::Call;

/// The options and the other arguments of a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    found: Vec<(char, String)>,
    /// What is not an option.
    pub rest: Vec<String>,
}

impl Options {
    /// Reads a call's options. `known` lists the letters: with `:` one that wants a value, with `?` one that may have one
    /// attached. `long` names longer ones by their letters; a letter that is not in `known` may have a value after `=`.
    /// A `+` at the beginning of `known` stops at the first argument that is no option. An exit code: it was reported.
    pub fn parse(call: &mut Call<'_, '_>, known: &str, long: &[(&str, char)]) -> Result<Options, i32> {
        let (in_order, known) = match known.strip_prefix('+') {
            Some(known) => (true, known),
            None => (false, known),
        };
        let mut options = Options::default();
        let args = std::mem::take(&mut call.args);
        let mut words = args.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                options.rest.extend(words.cloned());
                break;
            }
            if let Some(name) = word.strip_prefix("--") {
                let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
                if name == "help" {
                    return Err(call.help());
                }
                let mut matching = long.iter().filter(|(full, _)| full.starts_with(name));
                let found = long.iter().find(|(full, _)| *full == name).or_else(|| {
                    let first = matching.next();
                    if matching.next().is_none() { first } else { None }
                });
                let Some((full, letter)) = found else {
                    call.error(&format!("unrecognized option '--{name}'"));
                    return Err(call.try_help());
                };
                let wants = known.contains(&format!("{letter}:"));
                let value = match (wants, value) {
                    (true, None) => match words.next() {
                        Some(value) => value.clone(),
                        None => {
                            call.error(&format!("option '--{full}' requires an argument"));
                            return Err(call.try_help());
                        }
                    },
                    (_, value) => value.unwrap_or_default().to_owned(),
                };
                options.found.push((*letter, value));
                continue;
            }
            let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                options.rest.push(word.clone());
                if in_order {
                    options.rest.extend(words.cloned());
                    break;
                }
                continue;
            };
            let at = letters.char_indices();
            for (place, letter) in at {
                let attached = letters.get(place + letter.len_utf8()..).unwrap_or_default();
                if letter == ':' || letter == '?' || !known.contains(letter) {
                    call.error(&format!("invalid option -- '{letter}'"));
                    return Err(call.try_help());
                }
                let after = known.find(letter).and_then(|found| known.get(found + letter.len_utf8()..)).unwrap_or("");
                if after.starts_with(':') {
                    let value = match attached {
                        "" => match words.next() {
                            Some(value) => value.clone(),
                            None => {
                                call.error(&format!("option requires an argument -- '{letter}'"));
                                return Err(call.try_help());
                            }
                        },
                        attached => attached.to_owned(),
                    };
                    options.found.push((letter, value));
                    break;
                }
                if after.starts_with('?') {
                    options.found.push((letter, attached.to_owned()));
                    break;
                }
                options.found.push((letter, String::new()));
            }
        }
        Ok(options)
    }

    /// Whether an option was given.
    pub fn has(&self, letter: char) -> bool {
        self.found.iter().any(|(found, _)| *found == letter)
    }

    /// Whether any of several was given.
    pub fn any(&self, letters: &str) -> bool {
        self.found.iter().any(|(found, _)| letters.contains(*found))
    }

    /// The last value of an option.
    pub fn value(&self, letter: char) -> Option<&str> {
        self.found.iter().rev().find(|(found, _)| *found == letter).map(|(_, value)| value.as_str())
    }

    /// All values of an option.
    pub fn values(&self, letter: char) -> impl Iterator<Item = &str> {
        self.found.iter().filter(move |(found, _)| *found == letter).map(|(_, value)| value.as_str())
    }

    /// All options in order.
    pub fn all(&self) -> impl Iterator<Item = (char, &str)> {
        self.found.iter().map(|(letter, value)| (*letter, value.as_str()))
    }
}
