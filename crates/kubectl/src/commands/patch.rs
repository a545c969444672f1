//! `kubectl patch`: sends a strategic, merge or JSON patch.

use drydock_api::Body;
use drydock_value::{Value, parse_json};

use super::{Outcome, acts};
use crate::builder::{self, Query};
use crate::change::printing::Printing;
use crate::change::{each, patching, record};
use crate::client::patch_type;
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] =
    &[acts::PRINT, acts::FILES, acts::WRITE, acts::NONE, &["local", "patch", "patch-file", "subresource", "type"]];

/// `kubectl patch`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    // Whether it is a dry run is not said: kubectl sets the words anew for each object, and forgets it.
    let mut printing = Printing::new(inv, io, DryRun::None)?;
    let (inline, file, kind) = (inv.flags.str("patch"), inv.flags.str("patch-file"), inv.flags.str("type"));
    if !inline.is_empty() && !file.is_empty() {
        return Err("cannot specify --patch and --patch-file together".into());
    }
    if inline.is_empty() && file.is_empty() {
        return Err("must specify --patch or --patch-file containing the contents of the patch".into());
    }
    let local = inv.flags.bool("local");
    if local && !inv.args.is_empty() {
        return Err("cannot specify --local and server resources".into());
    }
    if local && dry_run == DryRun::Server {
        return Err("cannot specify --local and --dry-run=server - did you mean --dry-run=client?".into());
    }
    let content_type = match kind {
        "json" => patch_type::JSON,
        "merge" => patch_type::MERGE,
        "strategic" => patch_type::STRATEGIC,
        other => return Err(format!("--type must be one of [json merge strategic], not {}", quote(other)).into()),
    };
    let text = if file.is_empty() {
        inline.to_owned()
    } else {
        let bytes = inv.read_file(io, file).map_err(|failure| failure.context("unable to read patch file"))?;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let no_document = match kind {
        "strategic" => "invalid JSON document",
        "merge" => "Invalid JSON Patch",
        _ => "unexpected end of JSON input",
    };
    let (patch, body) = read(&text)?;
    let args = inv.args.clone();
    let query = Query::new(inv, io, &args)?;
    let found = builder::find(&query, inv, io)?;
    let manager = inv.flags.str("field-manager").to_owned();
    let mut count = 0;
    each(found, |info| {
        count += 1;
        let mut changed = None;
        let patched = if local || dry_run == DryRun::Client {
            let patch = patch.as_ref().ok_or(no_document)?;
            patching::apply(content_type, &info.object, patch)?
        } else {
            let name = match query.subresource.as_str() {
                "" => info.name.clone(),
                subresource => format!("{}/{subresource}", info.name),
            };
            let params = [dry_run.param(), ("fieldManager", manager.as_str())];
            let (client, body) = (inv.client(io)?, body.clone());
            let patched = client.patch(io, &info.resource, &info.namespace, &name, content_type, body, &params);
            let patched = patched.map_err(|failure| {
                if !failure.is("UnsupportedMediaType") {
                    return failure;
                }
                let gvk = info.resource.gvk();
                failure.context(&format!(
                    "{content_type} is not supported by {}, Kind={}",
                    gvk.group_version(),
                    gvk.kind
                ))
            })?;
            changed = Some(patched != info.object);
            match record::patch(inv, &patched) {
                Some(note) => {
                    let (client, body) = (inv.client(io)?, Body::Value(note));
                    let (resource, namespace) = (&info.resource, &info.namespace);
                    client
                        .patch(io, resource, namespace, &info.name, patch_type::MERGE, body, &params)
                        .unwrap_or(patched)
                }
                None => patched,
            }
        };
        let changed = changed.unwrap_or_else(|| patched != info.object);
        let operation = if changed { "patched" } else { "patched (no change)" };
        printing.print(io, &patched, operation)
    })?;
    if count == 0 {
        return Err("no objects passed to patch".into());
    }
    Ok(Outcome::Done)
}

/// A patch in JSON or YAML, and what is sent of it. What looks like JSON is sent as it is: whether it is, the server
/// says.
fn read(text: &str) -> Result<(Option<Value>, Body), Failure> {
    if let Ok(value) = parse_json(text) {
        return Ok((Some(value.clone()), Body::Value(value)));
    }
    if text.trim_start().starts_with('{') {
        return Ok((None, Body::Bytes(text.as_bytes().to_vec())));
    }
    let value = drydock_yaml::parse_one(text).map_err(|error| {
        let words = error.to_string();
        let words = words.strip_prefix("error converting YAML to JSON: ").unwrap_or(&words);
        format!("unable to parse {}: {words}", quote(text))
    })?;
    Ok((Some(value.clone()), Body::Value(value)))
}
