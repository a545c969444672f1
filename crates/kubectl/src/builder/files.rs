//! Files, folders and standard input.

use drydock_value::Value;

use crate::env::{Env, Io};
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;

/// Extensions that files in a folder must have.
const EXTENSIONS: [&str; 3] = [".json", ".yaml", ".yml"];

/// One file to read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    /// As messages call it: the path as given, or `STDIN`.
    pub name: String,
    /// The path to read; `-` is standard input.
    pub path: String,
}

/// The files that `-f` names, in order, and whether they are exactly one.
pub(super) fn expand(
    filenames: &[String],
    recursive: bool,
    env: &Env,
    io: &mut Io<'_>,
) -> Result<(Vec<Source>, bool), Failure> {
    let mut sources: Vec<Source> = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    let (mut several, mut stream) = (false, false);
    for filename in filenames {
        if filename == "-" {
            if stream {
                failures.push("standard input cannot be used for multiple arguments".into());
            }
            stream = true;
            sources.push(Source { name: "STDIN".into(), path: "-".into() });
            continue;
        }
        if is_url(filename) {
            sources.push(Source { name: filename.clone(), path: filename.clone() });
            continue;
        }
        let matches = match glob(filename, env, io) {
            Some(matches) if !matches.is_empty() => matches,
            _ => {
                failures.push(Failure::Error(format!("the path {} does not exist", quote(filename))));
                continue;
            }
        };
        for path in &matches {
            let mut found = Vec::new();
            walk(path, true, recursive, env, io, &mut found);
            several |= found.len() > 1;
            sources.extend(found.into_iter().map(|path| Source { name: path.clone(), path }));
        }
        if sources.is_empty() && failures.is_empty() {
            failures.push(Failure::Error(format!(
                "error reading [{}]: recognized file extensions are [{}]",
                matches.join(" "),
                EXTENSIONS.join(" ")
            )));
        }
    }
    Failure::all(failures)?;
    let single = !several && !stream && sources.len() == 1;
    Ok((sources, single))
}

fn is_url(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

fn walk(path: &str, top: bool, recursive: bool, env: &Env, io: &mut Io<'_>, found: &mut Vec<String>) {
    let absolute = env.absolute(path);
    if io.files.is_dir(&absolute) {
        if !top && !recursive {
            return;
        }
        let base = clean(path);
        for name in io.files.list_dir(&absolute).unwrap_or_default() {
            let inner = if base == "." { name } else { format!("{}/{name}", base.trim_end_matches('/')) };
            walk(&inner, false, recursive, env, io, found);
        }
    } else if top || EXTENSIONS.iter().any(|extension| path.ends_with(extension)) {
        found.push(path.to_owned());
    }
}

/// Go's `filepath.Clean`.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, rest) => format!("/{rest}"),
        (false, rest) if rest.is_empty() => ".".into(),
        (false, rest) => rest,
    }
}

/// The paths that a pattern means; the path itself when it is there. None when nothing matches.
fn glob(pattern: &str, env: &Env, io: &mut Io<'_>) -> Option<Vec<String>> {
    if io.files.exists(&env.absolute(pattern)) {
        return Some(vec![pattern.to_owned()]);
    }
    if !pattern.contains(['*', '?', '[']) {
        return None;
    }
    let mut matches = vec![if pattern.starts_with('/') { "/".to_owned() } else { String::new() }];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for base in &matches {
            let folder = if base.is_empty() { env.absolute(".") } else { env.absolute(base) };
            let names = io.files.list_dir(&folder).unwrap_or_default();
            next.extend(
                names.into_iter().filter(|name| matches_pattern(part, name)).map(|name| format!("{base}{name}/")),
            );
        }
        matches = next;
    }
    Some(matches.into_iter().map(|path| path.trim_end_matches('/').to_owned()).collect())
}

/// Go's `filepath.Match`, without errors.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return name.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    let mut letters = name.chars();
    match first {
        '*' => (0..=name.len()).filter(|at| name.is_char_boundary(*at)).any(|at| matches_pattern(rest, &name[at..])),
        '?' => letters.next().is_some() && matches_pattern(rest, letters.as_str()),
        '[' => {
            let (Some((set, after)), Some(letter)) = (rest.split_once(']'), letters.next()) else { return false };
            let (negated, set) = set.strip_prefix('^').map_or((false, set), |set| (true, set));
            let chars: Vec<char> = set.chars().collect();
            let mut inside = false;
            let mut at = 0;
            while let Some(low) = chars.get(at) {
                if chars.get(at + 1) == Some(&'-')
                    && let Some(high) = chars.get(at + 2)
                {
                    inside |= (*low..=*high).contains(&letter);
                    at += 3;
                } else {
                    inside |= *low == letter;
                    at += 1;
                }
            }
            inside != negated && matches_pattern(after, letters.as_str())
        }
        '\\' => {
            let escaped = rest.chars().next();
            escaped.is_some()
                && letters.next() == escaped
                && matches_pattern(&rest[escaped.map_or(0, char::len_utf8)..], letters.as_str())
        }
        letter => letters.next() == Some(letter) && matches_pattern(rest, letters.as_str()),
    }
}

/// The documents of a file, up to the first that can't be read.
pub(super) fn read(inv: &Invocation, io: &mut Io<'_>, source: &Source) -> Result<Vec<Result<Value, Failure>>, Failure> {
    let bytes = match is_url(&source.path) {
        true => io.files.fetch(&source.path)?,
        false => inv.read_file(io, &source.path)?,
    };
    let text = decode(&bytes);
    let documents = drydock_yaml::documents(&text).map(|document| {
        document
            .map(|document| document.value)
            .map_err(|error| Failure::Error(format!("error parsing {}: {error}", source.name)))
    });
    Ok(documents.collect())
}

/// The objects that a kustomization makes.
pub(super) fn build(
    inv: &Invocation,
    io: &mut Io<'_>,
    source: &Source,
) -> Result<Vec<Result<Value, Failure>>, Failure> {
    let log = crate::verbose::klog(io, 'I', "log.go:244");
    let (warnings, built) = crate::kustomize::build(&source.path, [false, false], &log, &inv.env, io.files);
    warnings.iter().for_each(|line| io.eprintln(line));
    Ok(built?.into_iter().map(Ok).collect())
}

/// UTF-8, or UTF-16 with a byte order mark, as some editors write it.
fn decode(bytes: &[u8]) -> String {
    let wide = |make: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| make([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, want) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[^a]x", "ax", false),
            ("\\*", "*", true),
        ] {
            assert_eq!(matches_pattern(pattern, name), want, "{pattern} {name}");
        }
        assert_eq!(clean("k8s/"), "k8s");
        assert_eq!(clean("./a/../b"), "b");
    }
}
