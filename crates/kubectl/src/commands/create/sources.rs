//! What config maps and secrets are made of: `--from-literal`, `--from-file`, `--from-env-file`.

use drydock_sorted::SortedMap;

use drydock_schema::names;
use drydock_value::to_json;

use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Keys and bytes, by key.
pub(super) type Data = SortedMap<String, Vec<u8>>;

/// Which kind is made: the words of errors differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum For<'a> {
    ConfigMap(&'a str),
    Secret,
}

impl For<'_> {
    fn add(self, data: &mut Data, key: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let wrong = names::is_config_map_key(key);
        if !wrong.is_empty() {
            return Err(match self {
                For::ConfigMap(_) => {
                    format!("{key:?} is not a valid key name for a ConfigMap: {}", wrong.join(","))
                }
                For::Secret => format!("{key:?} is not valid key name for a Secret {}", wrong.join(";")),
            }
            .into());
        }
        if let Some(known) = data.get(key) {
            return Err(match self {
                For::ConfigMap(name) => {
                    let place = if std::str::from_utf8(known).is_ok() { "Data" } else { "BinaryData" };
                    format!("cannot add key {key:?}, another key by that name already exists in {place} for ConfigMap {name:?}")
                }
                For::Secret => format!("cannot add key {key}, another key by that name already exists"),
            }
            .into());
        }
        data.insert(key.to_owned(), bytes);
        Ok(())
    }
}

/// Everything that the flags name.
pub(super) fn read(inv: &Invocation, io: &mut Io<'_>, kind: For) -> Result<Data, Failure> {
    let (files, literals, env_files) =
        (inv.flags.list("from-file"), inv.flags.list("from-literal"), inv.flags.list("from-env-file"));
    if !env_files.is_empty() && (!files.is_empty() || !literals.is_empty()) {
        return Err("from-env-file cannot be combined with from-file or from-literal".into());
    }
    let mut data = Data::new();
    for source in &files {
        from_file(inv, io, kind, source, &mut data)?;
    }
    for source in &literals {
        let pair = source.split_once('=').filter(|(key, _)| !key.is_empty());
        let Some((key, value)) = pair else {
            return Err(format!("invalid literal source {source}, expected key=value").into());
        };
        kind.add(&mut data, key, value.as_bytes().to_vec())?;
    }
    for path in &env_files {
        from_env_file(inv, io, kind, path, &mut data)?;
    }
    Ok(data)
}

/// The bytes of a file, with an error in the words that these commands use.
fn file(inv: &Invocation, io: &mut Io<'_>, path: &str) -> Result<Vec<u8>, Failure> {
    inv.read_file(io, path).map_err(|failure| match failure {
        Failure::Error(words) => {
            let errno = words.strip_prefix(&format!("open {path}: ")).unwrap_or(&words).to_owned();
            format!("error reading {path}: {errno}").into()
        }
        other => other,
    })
}

/// `path`, `key=path` or a folder.
pub(super) fn from_file(
    inv: &Invocation,
    io: &mut Io<'_>,
    kind: For,
    source: &str,
    data: &mut Data,
) -> Result<(), Failure> {
    let parts: Vec<&str> = source.split('=').collect();
    let (key, path) = match parts.as_slice() {
        [path] => (path.trim_end_matches('/').rsplit('/').next().unwrap_or(path), *path),
        ["", path] => return Err(format!("key name for file path {path} missing").into()),
        [key, ""] => return Err(format!("file path for key name {key} missing").into()),
        [key, path] => (*key, *path),
        _ => return Err("key names or file paths cannot contain '='".into()),
    };
    let absolute = inv.env.absolute(path);
    if !io.files.is_dir(&absolute) {
        let bytes = file(inv, io, path)?;
        return kind.add(data, key, bytes);
    }
    if parts.len() > 1 {
        return Err("cannot give a key name for a directory path".into());
    }
    let names = io.files.list_dir(&absolute).map_err(|errno| format!("error listing files in {path}: {errno}"))?;
    for name in names {
        let inner = format!("{}/{name}", absolute.trim_end_matches('/'));
        if !io.files.is_dir(&inner) {
            let bytes = file(inv, io, &inner)?;
            kind.add(data, &name, bytes)?;
        }
    }
    Ok(())
}

fn from_env_file(inv: &Invocation, io: &mut Io<'_>, kind: For, path: &str, data: &mut Data) -> Result<(), Failure> {
    if io.files.is_dir(&inv.env.absolute(path)) {
        let what = if matches!(kind, For::Secret) { "secret" } else { "config" };
        return Err(format!("env {what} file cannot be a directory").into());
    }
    let bytes = file(inv, io, path)?;
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let Ok(line) = std::str::from_utf8(line) else {
            return Err(format!("env file {path} contains invalid utf8 bytes at line {}: {line:?}", number + 1).into());
        };
        let line = if number == 0 { line.trim_start_matches('\u{feff}') } else { line };
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key, value.to_owned()),
            // Without a value, the variable of the environment.
            None => (line, inv.env.var(line).to_owned()),
        };
        let wrong = names::is_strict_env_var_name(key);
        if !wrong.is_empty() {
            return Err(format!("{key:?} is not a valid key name: {}", wrong.join(";")).into());
        }
        kind.add(data, key, value.into_bytes())?;
    }
    Ok(())
}

/// What `--append-hash` adds to a name: the beginning of a hash over the content, in letters that make no words.
pub(crate) fn hash(content: &drydock_value::Value) -> String {
    let json = crate::change::applied::escape_html(&to_json(content));
    let hex: String = drydock_pki::sha256::digest(json.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    hex.chars()
        .take(10)
        .map(|letter| match letter {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    #[test]
    fn hashes_are_kubectls() {
        let content = value!({"kind": "ConfigMap", "name": "h", "data": {"a": "1"}});
        assert_eq!(super::hash(&content), "h5t56b2k8g");
    }
}
