//! `kubectl replace`: puts the content of files in place of objects, or (`--force`) deletes them and makes them anew.

use std::time::Duration;

use drydock_api::Method;
use drydock_value::Value;

use super::delete::Options;
use super::{Outcome, Waiting, acts, raw};
use crate::builder::{self, Found, Info, Query};
use crate::change::deletion::{self, Gone};
use crate::change::printing::Printing;
use crate::change::{applied, each, record};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::WRITE,
    acts::VALIDATE,
    acts::NONE,
    &["cascade", "force", "grace-period", "raw", "save-config", "subresource", "timeout", "wait"],
];

/// How long a forced replacement waits for the old objects to go, unless told otherwise.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// `kubectl replace`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    let printing = Printing::new(inv, io, dry_run)?;
    let propagation = deletion::propagation(inv, io)?;
    let flags = &inv.flags;
    let (force, grace_period) = (flags.bool("force"), flags.int("grace-period"));
    if grace_period >= 0 && !force {
        return Err("--grace-period must have --force specified".into());
    }
    if !flags.duration("timeout").is_zero() && !force {
        return Err("--timeout must have --force specified".into());
    }
    if force && dry_run != DryRun::None {
        return Err("--dry-run can not be used when --force is set".into());
    }
    let (filenames, raw_path) = (flags.list("filename"), flags.str("raw").to_owned());
    if filenames.is_empty() && flags.str("kustomize").is_empty() {
        return Err("must specify one of -f and -k".into());
    }
    if !raw_path.is_empty() {
        let [filename] = filenames.as_slice() else {
            return Err("--raw can only use a single local file or stdin".into());
        };
        if flags.bool("recursive") {
            return Err("--raw and --recursive are mutually exclusive".into());
        }
        if !flags.str("output").is_empty() {
            return Err("--raw and --output are mutually exclusive".into());
        }
        let mut request = raw::request(Method::Put, &raw_path).header("content-type", "application/json");
        request.body = drydock_api::Body::Bytes(inv.read_file(io, filename)?);
        return raw::print(inv, io, request);
    }
    let query = Query::new(inv, io, &[])?;
    if force {
        return by_force(inv, io, query, printing, propagation, grace_period);
    }
    let found = builder::find(&query, inv, io)?;
    replace_each(inv, io, found, printing, dry_run)?;
    Ok(Outcome::Done)
}

fn replace_each(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    found: Found,
    mut printing: Printing,
    dry_run: DryRun,
) -> Result<(), Failure> {
    let (save, manager) = (inv.flags.bool("save-config"), inv.flags.str("field-manager").to_owned());
    let validation = inv.field_validation()?;
    let subresource = inv.flags.str("subresource").to_owned();
    each(found, |info| {
        let mut object = info.object.clone();
        applied::create_or_update(&mut object, save, applied::go_json);
        record::note(inv, &mut object);
        if dry_run != DryRun::Client {
            let params = [dry_run.param(), ("fieldManager", manager.as_str()), ("fieldValidation", validation)];
            let sent = replace(inv, io, &info, object, &subresource, &params);
            object = sent.map_err(|failure| failure.from_source("replacing", &info.source))?;
        }
        printing.print(io, &object, "replaced")
    })
}

/// Replaces one object; without a revision in the file, whatever is there.
fn replace(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    info: &Info,
    mut object: Value,
    subresource: &str,
    params: &[(&str, &str)],
) -> Result<Value, Failure> {
    let name = match subresource {
        "" => info.name.clone(),
        subresource => format!("{}/{subresource}", info.name),
    };
    let client = inv.client(io)?;
    if object["metadata"]["resourceVersion"].is_empty()
        && let Ok(there) = client.get(io, &info.resource, &info.namespace, &name)
    {
        object["metadata"].set("resourceVersion", &there["metadata"]["resourceVersion"]);
    }
    client.update(io, &info.resource, &info.namespace, &name, object, params)
}

fn by_force(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    query: Query,
    printing: Printing,
    propagation: &'static str,
    grace_period: i64,
) -> Result<Outcome, Failure> {
    let found = builder::find(&query, inv, io)?;
    let items = found.items.clone();
    // A period of 0 would lose data without a word; one second is next to nothing as well.
    let grace_period = if grace_period == 0 { 1 } else { grace_period };
    let options = Options {
        propagation,
        grace_period,
        dry_run: DryRun::None,
        ignore_not_found: true,
        names: !printing.prints_objects() && inv.flags.str("output") == "name",
        quiet: false,
        warn_cluster_scope: false,
    };
    let (gone, _) = options.delete(found, inv, io)?;
    let timeout = inv.flags.duration("timeout");
    let timeout = if timeout.is_zero() { TIMEOUT } else { timeout };
    let gone = Gone::new(inv.client(io)?.clone(), gone, io.now, timeout);
    Ok(Outcome::Waiting(Box::new(Forced { inv: inv.clone(), gone, items, printing })))
}

/// Waits until the old objects are gone, then makes the new ones.
#[derive(Clone)]
struct Forced {
    inv: Invocation,
    gone: Gone,
    items: Vec<Result<Info, Failure>>,
    printing: Printing,
}

impl Waiting for Forced {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        match self.gone.poll(io) {
            Ok(Some(wait)) => return Ok(Outcome::Wait(wait)),
            Ok(None) => {}
            Err(_) => return Err("timed out waiting for the condition".into()),
        }
        let inv = &mut self.inv;
        let (save, manager) = (inv.flags.bool("save-config"), inv.flags.str("field-manager").to_owned());
        let validation = inv.field_validation()?;
        let mut count = 0;
        let found = Found { items: std::mem::take(&mut self.items), ..Found::default() };
        each(found, |info| {
            let mut object = info.object.clone();
            applied::create_or_update(&mut object, save, applied::go_json);
            record::note(inv, &mut object);
            if object["metadata"].get("resourceVersion").is_some() {
                object["metadata"].remove("resourceVersion");
            }
            let params = [("fieldManager", manager.as_str()), ("fieldValidation", validation)];
            let created = inv.client(io)?.create(io, &info.resource, &info.namespace, object, &params)?;
            count += 1;
            self.printing.print(io, &created, "replaced")
        })?;
        if count == 0 {
            return Err("no objects passed to replace".into());
        }
        Ok(Outcome::Done)
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        self.gone.close(io);
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}
