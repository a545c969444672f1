//! `kubectl describe`: what an object is and what belongs to it, in words.

use drydock_value::Value;

use super::{Outcome, acts};
use crate::builder::{self, Query};
use crate::describe::{self, Context};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::FILES, acts::SELECT, &["chunk-size", "show-events"]];

/// `kubectl describe`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let args = inv.args.clone();
    let query = Query { type_means_all: true, latest: true, ..Query::new(inv, io, &args)? };
    if args.is_empty() && !query.has_files() {
        return Err(
            "You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.\n".into(),
        );
    }
    let enforce_namespace = query.enforce_namespace && !query.all_namespaces;
    let query = Query { enforce_namespace, ..query };
    let (infos, mut failures) = builder::find(&query, inv, io)?.split();
    let asked = inv.flags.given("show-events");
    let show_events =
        if asked || (failures.is_empty() && infos.len() <= 1) { inv.flags.bool("show-events") } else { false };
    if let ([kind, prefix], [failure]) = (args.as_slice(), failures.as_slice())
        && failure.is("NotFound")
    {
        return by_prefix(inv, io, kind, prefix, failure.clone(), asked && show_events);
    }
    let mut first = true;
    for info in &infos {
        if info.name.is_empty() && query.has_files() {
            return Err("resource name may not be empty".into());
        }
        match describe(inv, io, &info.object, show_events) {
            Ok(text) => {
                if !first {
                    io.print("\n\n");
                }
                first = false;
                io.print(text);
            }
            Err(failure) if failures.iter().any(|known| known.words() == failure.words()) => {}
            Err(failure) => failures.push(failure),
        }
    }
    if infos.is_empty() && failures.is_empty() {
        if query.all_namespaces {
            io.eprintln("No resources found");
        } else {
            io.eprintln(format!("No resources found in {} namespace.", query.namespace));
        }
    }
    Failure::each(failures)?;
    Ok(Outcome::Done)
}

/// Describes the objects whose names begin with what was given.
fn by_prefix(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    kind: &str,
    prefix: &str,
    not_found: Failure,
    show_events: bool,
) -> Result<Outcome, Failure> {
    let query = Query { type_means_all: true, single_type: true, ..Query::new(inv, io, &[kind.to_owned()])? };
    let infos = builder::find(&query, inv, io)?.infos()?;
    let mut found = false;
    for info in infos.iter().filter(|info| info.name.starts_with(prefix)) {
        found = true;
        let text = describe(inv, io, &info.object, show_events)?;
        io.println(text);
    }
    if found { Ok(Outcome::Done) } else { Err(not_found) }
}

fn describe(inv: &mut Invocation, io: &mut Io<'_>, object: &Value, show_events: bool) -> Result<String, Failure> {
    let now = io.now;
    let chunk_size = inv.flags.int("chunk-size");
    let client = inv.client(io)?;
    let mut fetch = |request| client.value(io, request);
    let mut ctx = Context { fetch: &mut fetch, now, show_events, chunk_size };
    describe::describe(object, &mut ctx)
}
