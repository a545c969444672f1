//! Taking the descriptions out of the source of the k8s-openapi crate: which file holds which type says its first line,
//! which field has which name in JSON says its deserializer.

use std::path::{Path, PathBuf};
use std::process::Command;

use drydock_schema::{Descriptions, Schema};
use drydock_sorted::SortedMap;

/// Writes the blob.
///
/// # Errors
/// When the source cannot be had or read, or the file cannot be written.
pub fn write(out: &Path) -> Result<(), String> {
    let source = find_source()?;
    let mut files = Vec::new();
    list(&source.join("src/v1_36"), &mut files)?;
    let mut types: SortedMap<String, Described> = SortedMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        types.extend(described(&text));
    }
    everywhere(&mut types);
    // What the schema has; k8s-openapi leaves lists of objects to one generic type.
    let known: Vec<(&str, &Described)> =
        Schema::get().types().filter_map(|of| types.get(of.name()).map(|described| (of.name(), described))).collect();
    if known.is_empty() {
        return Err(format!("no types found in {}", source.display()));
    }
    let rows = known.iter().map(|(name, of)| (*name, of.text.as_str(), of.fields.as_slice()));
    let blob = Descriptions::write(rows);
    std::fs::write(out, &blob).map_err(|error| format!("{}: {error}", out.display()))
}

/// Every kind has the fields `apiVersion` and `kind`. k8s-openapi keeps them only where they are not always the same.
fn everywhere(types: &mut SortedMap<String, Described>) {
    let source = types.get("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
    let common: Vec<(String, String)> = source
        .into_iter()
        .flat_map(|of| &of.fields)
        .filter(|(name, _)| name == "apiVersion" || name == "kind")
        .cloned()
        .collect();
    for of in Schema::get().types().filter(|of| of.gvk().is_some()) {
        let fields = &mut types.entry(of.name().to_owned()).or_default().fields;
        for (name, text) in common.iter().filter(|(name, _)| of.field(name).is_some()) {
            if !fields.iter().any(|(known, _)| known == name) {
                fields.push((name.clone(), text.clone()));
            }
        }
    }
}

/// Where cargo has put the source of k8s-openapi. It fetches it when it must.
fn find_source() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--features=source", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()
        .map_err(|error| format!("cannot run cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata = drydock_value::parse_json(&String::from_utf8_lossy(&output.stdout))
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let package = metadata["packages"].find("name", "k8s-openapi").ok_or("cargo metadata names no k8s-openapi")?;
    let manifest = PathBuf::from(package["manifest_path"].str());
    manifest.parent().map(Path::to_path_buf).ok_or_else(|| "k8s-openapi lies nowhere".into())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[derive(Default)]
struct Described {
    text: String,
    /// Names in JSON with their descriptions.
    fields: Vec<(String, String)>,
}

/// The type that a source file defines, with its descriptions.
fn described(source: &str) -> Option<(String, Described)> {
    let name = source.lines().next()?.strip_prefix("// Generated from definition ")?.trim().to_owned();
    let mut json_names: SortedMap<&str, &str> = SortedMap::new();
    for line in source.lines() {
        if let Some((json, field)) = line.trim().split_once(" => Field::Key_")
            && let Some(json) = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'))
        {
            json_names.insert(field.trim_end_matches(','), json);
        }
    }
    let mut result = Described::default();
    let mut comment: Vec<String> = Vec::new();
    let mut inside = false;
    for line in source.lines().skip(1) {
        let line = line.trim();
        if let Some(text) = line.strip_prefix("///") {
            comment.push(plain(text.strip_prefix(' ').unwrap_or(text)));
        } else if line.starts_with("pub struct ") || line.starts_with("pub enum ") {
            result.text = std::mem::take(&mut comment).join("\n");
            inside = line.ends_with('{');
            if !inside {
                break;
            }
        } else if inside && line == "}" {
            break;
        } else if inside && let Some((field, _)) = line.strip_prefix("pub ").and_then(|rest| rest.split_once(':')) {
            let text = std::mem::take(&mut comment).join("\n");
            let json = json_names.get(field.strip_prefix("r#").unwrap_or(field)).copied();
            if let Some(json) = json.or((field == "metadata").then_some("metadata")) {
                result.fields.push((json.to_owned(), text));
            }
        } else if line.is_empty() {
            comment.clear();
        }
    }
    Some((name, result))
}

/// Without the backslashes that keep rustdoc from seeing links.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\\' && rest.peek().is_some_and(char::is_ascii_punctuation) {
            out.extend(rest.next());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::described;

    #[test]
    fn reads_a_source_file() {
        let source = "// Generated from definition io.k8s.api.core.v1.Thing\n\n/// A thing.\n/// Of two lines.\n#[derive(Clone)]\n\
            pub struct Thing {\n    /// Names \\[some\\].\n    pub type_: String,\n\n    pub bare: i32,\n}\n\
            impl X {\n    \"type\" => Field::Key_type_,\n    \"bareName\" => Field::Key_bare,\n}\n";
        let (name, of) = described(source).unwrap();
        assert_eq!((name.as_str(), of.text.as_str()), ("io.k8s.api.core.v1.Thing", "A thing.\nOf two lines."));
        assert_eq!(of.fields, [("type".into(), "Names [some].".into()), ("bareName".into(), String::new())]);
    }
}
