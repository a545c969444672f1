//! Paths as text.

/// Makes a path absolute: `path` seen from the directory `base`. `.` and `..` are resolved as text, as `cd` does.
pub fn join(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let start = if path.starts_with('/') { "" } else { base };
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut joined = String::with_capacity(start.len() + path.len() + 1);
    for part in &parts {
        joined.push('/');
        joined.push_str(part);
    }
    if joined.is_empty() {
        joined.push('/');
    }
    joined
}

/// Parent directory and last name of a path; the name is empty for the root.
pub(crate) fn split(path: &str) -> (&str, &str) {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rfind('/') {
        Some(0) => ("/", trimmed.get(1..).unwrap_or("")),
        Some(at) => (trimmed.get(..at).unwrap_or("/"), trimmed.get(at + 1..).unwrap_or("")),
        None => ("/", trimmed),
    }
}
