//! `kubectl rollout`: the way of deployments, daemon sets and stateful sets from one revision to the next.

pub mod history;
pub mod pause;
pub mod restart;
pub mod revisions;
pub mod status;
pub mod undo;

use drydock_api::Body;
use drydock_value::Value;

use crate::builder::{self, Found, Info, Query};
use crate::change::patching;
use crate::change::printing::Printing;
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that most of them act on.
pub const FLAGS: &[&[&str]] = &[acts::PRINT, acts::FILES, &["field-manager", "selector"]];

/// The objects that the command line means; a type alone means all of them.
fn find(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Found, Failure> {
    let args = inv.args.clone();
    let query = Query { type_means_all: true, latest: true, ..Query::new(inv, io, &args)? };
    if args.is_empty() && !query.has_files() {
        return Err("required resource not specified".into());
    }
    builder::find(&query, inv, io)
}

/// `deployments.apps "x"`: how these commands begin their errors.
fn quoted(info: &Info) -> String {
    format!("{} {:?}", info.resource.id.group_resource(), info.name)
}

/// Changes each object and sends the difference; a change that is not possible says why.
fn patch_each(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    operation: &str,
    mut change: impl FnMut(&mut Value) -> Result<(), String>,
) -> Result<Outcome, Failure> {
    let mut printing = Printing::new(inv, io, DryRun::None)?;
    let found = find(inv, io)?;
    let (infos, mut failures) = found.split();
    if infos.is_empty() && failures.is_empty() {
        let namespace = inv.namespace(io)?;
        io.eprintln(format!("No resources found in {namespace} namespace."));
        return Ok(Outcome::Done);
    }
    let manager = inv.flags.str("field-manager").to_owned();
    for info in &infos {
        let mut changed = info.object.clone();
        if let Err(why) = change(&mut changed) {
            failures.push(format!("error: {} {why}", quoted(info)).into());
            continue;
        }
        let (content_type, patch) = patching::two_way(&info.object, &changed)?;
        if patch.is_empty() {
            failures.push(
                format!(
                    "failed to create patch for {}: if restart has already been triggered within the past second, please wait before attempting to trigger another",
                    info.name
                )
                .into(),
            );
            continue;
        }
        let (client, body) = (inv.client(io)?, Body::Value(patch));
        let params = [("fieldManager", manager.as_str())];
        match client.patch(io, &info.resource, &info.namespace, &info.name, content_type, body, &params) {
            Ok(sent) => printing.print(io, &sent, operation)?,
            Err(failure) => failures.push(failure.context("failed to patch")),
        }
    }
    Failure::each(failures)?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::Fake;
    use drydock_value::value;

    #[test]
    fn what_cannot_be_done_is_said_bare() {
        let config =
            value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}});
        let good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
        let broken =
            "unable to decode \"/d/b.yaml\": Object 'Kind' is missing in '{\"apiVersion\":\"v1\",\"ind\":\"x\"}'\n";
        let unsupported = |what: &str| format!("error: configmaps \"c\" {what} is not supported\n");
        for (line, with_broken, err) in [
            ("rollout pause configmap/c", false, unsupported("pausing")),
            ("rollout resume -f /d", true, format!("{broken}{}", unsupported("resuming"))),
            ("describe -f /d/b.yaml", true, broken.to_owned()),
            ("get -f /d/b.yaml", true, broken.to_owned()),
            (
                "get -f /d/l.yaml -w",
                false,
                "error: watch is only supported on individual resources and resource collections, but a list of resources is found\n"
                    .to_owned(),
            ),
            (
                "get -f /d/a.yaml -f /d/a.yaml -w",
                false,
                "error: watch is only supported on individual resources and resource collections - 2 resources were found\n"
                    .to_owned(),
            ),
            (
                "wait --for=jsonpath={.status.x} configmap/c --timeout=0",
                false,
                "error: condition not met for configmaps/c\n".to_owned(),
            ),
            (
                "label -f /d/m.yaml a=b",
                false,
                "error: unable to decode \"/d/m.yaml\": json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string\n"
                    .to_owned(),
            ),
            ("delete -f /d/n.yaml", false, "error: error when deleting \"/d/n.yaml\": resource name may not be empty\n".to_owned()),
            (
                "rollout pause -f /d/w.yaml",
                false,
                "unable to decode \"/d/w.yaml\": no kind \"Widget\" is registered for version \"x.y/v1\" in scheme \"pkg/scheme/scheme.go:28\"\n"
                    .to_owned(),
            ),
            ("cordon nodes/none a/b/c", false, "error: arguments in resource/name form may not have more than one slash\n".to_owned()),
            (
                "set env -f - -",
                false,
                "error: standard input cannot be used for multiple arguments\n".to_owned(),
            ),
        ] {
            let mut fake = Fake::default().object(&config).file("/d/a.yaml", good);
            for (name, text) in [
                ("m", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, labels: {x: 1}}\n"),
                ("n", "apiVersion: v1\nkind: ConfigMap\n"),
                ("w", "apiVersion: x.y/v1\nkind: Widget\nmetadata: {name: w}\n"),
            ] {
                let path = format!("/d/{name}.yaml");
                if line.contains(&path) {
                    fake = fake.file(&path, text);
                }
            }
            if with_broken {
                fake = fake.file("/d/b.yaml", "apiVersion: v1\nind: x\n");
            }
            if line.contains("/d/l.yaml") {
                fake = fake.file("/d/l.yaml", "apiVersion: v1\nkind: List\nitems: []\n");
            }
            let ran = fake.line(line);
            assert_eq!((ran.err, ran.code), (err, 1), "{line}");
        }
    }
}
