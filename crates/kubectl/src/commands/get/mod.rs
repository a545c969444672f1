//! `kubectl get`: lists and objects as tables and in the formats of `-o`, once or as they change.

mod watch;

use drydock_value::{Value, value};

use crate::builder::{self, Info, Query};
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;
use crate::printers;
use crate::printers::table::{Options, TablePrinter};
use crate::printers::tabs::Tabs;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::SELECT,
    &[
        "chunk-size",
        "ignore-not-found",
        "label-columns",
        "no-headers",
        "output-watch-events",
        "raw",
        "server-print",
        "show-kind",
        "show-labels",
        "sort-by",
        "subresource",
        "watch",
        "watch-only",
    ],
];

/// `kubectl get`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let raw = inv.flags.str("raw").to_owned();
    if !raw.is_empty() {
        return get_raw(inv, io, &raw);
    }
    let output = inv.flags.str("output").to_owned();
    let watch = inv.flags.bool("watch") || inv.flags.bool("watch-only");
    let sort = inv.flags.str("sort-by").to_owned();
    if watch {
        if !sort.is_empty() {
            io.eprintln(if inv.flags.bool("watch") {
                "warning: --watch requested, --sort-by will be ignored for watch events received"
            } else {
                "warning: --watch-only requested, --sort-by will be ignored"
            });
        }
    } else if inv.args.is_empty() && inv.flags.list("filename").is_empty() && inv.flags.str("kustomize").is_empty() {
        io.eprintln(
            "You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported resources.\n",
        );
        return Err(inv.usage(
            "Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that resource (e.g. kubectl explain pods).",
        ));
    }
    if inv.flags.bool("show-labels") && !output.is_empty() && output != "wide" {
        return Err(format!("--show-labels option cannot be used with {output} printer").into());
    }
    if inv.flags.bool("output-watch-events") && !watch {
        return Err("--output-watch-events option can only be used with --watch or --watch-only".into());
    }
    let human = (output.is_empty() && inv.flags.str("template").is_empty()) || output == "wide";
    let args = inv.args.clone();
    let mut query = Query::new(inv, io, &args)?;
    query.type_means_all = true;
    query.latest = true;
    query.table = human && inv.flags.bool("server-print");
    query.whole_objects = !sort.is_empty();
    query.enforce_namespace &= !query.all_namespaces;
    if !sort.is_empty() {
        query.chunk = 0;
    }
    if watch {
        return watch::start_watch(inv, io, query, human);
    }
    let mut found = builder::find(&query, inv, io)?;
    let ignore_not_found = inv.flags.bool("ignore-not-found");
    if ignore_not_found {
        found.items.retain(|item| !item.as_ref().is_err_and(|failure| failure.is("NotFound")));
    }
    let single = found.single;
    let (infos, failures) = found.split();
    if human {
        print_tables(inv, io, &infos, failures, ignore_not_found)
    } else {
        print_objects(inv, io, &infos, failures, single, ignore_not_found)
    }
}

fn get_raw(inv: &mut Invocation, io: &mut Io<'_>, raw: &str) -> Result<Outcome, Failure> {
    if !inv.args.is_empty() {
        return Err("arguments may not be passed when --raw is specified".into());
    }
    if inv.flags.bool("watch") || inv.flags.bool("watch-only") || !inv.flags.str("selector").is_empty() {
        return Err(
            "--raw may not be specified with other flags that filter the server request or alter the output".into()
        );
    }
    if !inv.flags.str("output").is_empty() {
        return Err("--raw and --output are mutually exclusive".into());
    }
    if !raw.starts_with('/') && !raw.contains("://") {
        return Err(format!("--raw must be a valid URL path: parse \"{raw}\": invalid URI for request").into());
    }
    if let Some(escape) = super::raw::bad_escape(raw) {
        let (raw, escape) = (quote(raw), quote(escape));
        return Err(format!("--raw must be a valid URL path: parse {raw}: invalid URL escape {escape}").into());
    }
    let request = super::raw::request(drydock_api::Method::Get, raw);
    super::raw::print(inv, io, request)
}

/// Several types were asked for.
fn several_kinds(infos: &[Info]) -> bool {
    infos.windows(2).any(|pair| pair[0].resource.gvk() != pair[1].resource.gvk())
}

fn table_options(inv: &Invocation, info: &Info, with_kind: bool) -> Options {
    let id = &info.resource.id;
    let kind = info.resource.kind.to_lowercase();
    let kind = if id.group.is_empty() { kind } else { format!("{kind}.{}", id.group) };
    Options {
        no_headers: inv.flags.bool("no-headers"),
        namespace: inv.flags.bool("all-namespaces") && info.resource.namespaced(),
        kind: (with_kind || inv.flags.bool("show-kind")).then_some(kind),
        wide: inv.flags.str("output") == "wide",
        labels: inv.flags.bool("show-labels"),
        label_columns: inv.flags.list("label-columns"),
    }
}

fn print_tables(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    infos: &[Info],
    failures: Vec<Failure>,
    ignore_not_found: bool,
) -> Result<Outcome, Failure> {
    let sort = inv.flags.str("sort-by").to_owned();
    let with_kind = several_kinds(infos);
    let sorted: Vec<Info>;
    let mut infos = infos;
    if !sort.is_empty() && infos.len() > 1 {
        // Several answers are sorted as objects among themselves; tables have no such fields.
        let objects: Vec<Value> = infos.iter().map(|info| info.object.clone()).collect();
        let order = printers::sort::order(&objects, &sort).map_err(|why| unsortable(io, &why).unwrap_or(why.into()))?;
        sorted = order.iter().filter_map(|at| infos.get(*at)).cloned().collect();
        infos = &sorted;
    }
    let mut tabs = Tabs::table();
    let mut text = String::new();
    let mut printer: Option<(TablePrinter, &Info)> = None;
    let mut all_namespaced = !inv.flags.bool("all-namespaces");
    let mut groups = 0;
    for info in infos {
        all_namespaced &= info.resource.namespaced();
        if printer.as_ref().is_none_or(|(_, last)| last.resource.id != info.resource.id) {
            finish_group(&mut tabs, &mut text, &mut groups, inv.flags.bool("no-headers"));
            printer = Some((TablePrinter::new(table_options(inv, info, with_kind)), info));
        }
        let Some((printer, _)) = &mut printer else { continue };
        let mut object = info.object.clone();
        if !sort.is_empty() && object["rows"].items().len() > 1 {
            match sorted_rows(&object, &sort) {
                Ok(sorted) => object = sorted,
                Err(why) => match unsortable(io, &why) {
                    Some(fatal) => return Err(fatal),
                    None => continue,
                },
            }
        }
        printer.print(&object, None, io.now, &mut tabs);
    }
    finish_group(&mut tabs, &mut text, &mut groups, inv.flags.bool("no-headers"));
    io.print(&text);
    if text.is_empty() && !ignore_not_found && failures.is_empty() {
        if all_namespaced {
            let namespace = inv.namespace(io)?;
            io.eprintln(format!("No resources found in {namespace} namespace."));
        } else {
            io.eprintln("No resources found");
        }
    }
    Failure::each(failures)?;
    Ok(Outcome::Done)
}

/// Prints the lines of one type; an empty line stands between types.
fn finish_group(tabs: &mut Tabs, text: &mut String, groups: &mut usize, no_headers: bool) {
    let lines = tabs.flush();
    tabs.forget();
    if lines.is_empty() {
        return;
    }
    if *groups > 0 && !no_headers {
        text.push('\n');
    }
    text.push_str(&lines);
    *groups += 1;
}

/// Fields that have no order end kubectl where it stands.
fn unsortable(io: &Io<'_>, why: &str) -> Option<Failure> {
    let fatal = why.starts_with("Field ");
    fatal.then(|| Failure::Plain(crate::verbose::klog(io, 'F', "sorter.go:375") + why))
}

fn sorted_rows(table: &Value, field: &str) -> Result<Value, String> {
    let rows = table["rows"].items();
    let objects: Vec<Value> = rows.iter().map(|row| row["object"].clone()).collect();
    let order = printers::sort::order(&objects, field)?;
    let mut table = table.clone();
    let rows: Vec<Value> = order.iter().filter_map(|at| rows.get(*at)).cloned().collect();
    table.set("rows", rows);
    Ok(table)
}

fn print_objects(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    infos: &[Info],
    failures: Vec<Failure>,
    single: bool,
    ignore_not_found: bool,
) -> Result<Outcome, Failure> {
    if single {
        Failure::all(failures.clone())?;
    }
    if infos.is_empty() && ignore_not_found {
        Failure::all(failures)?;
        return Ok(Outcome::Done);
    }
    let Some(mut printer) = printers::for_output(inv, io, printers::GET)? else {
        return Err("no printer for this format".into());
    };
    let sort = inv.flags.str("sort-by").to_owned();
    let mut failures = failures;
    let object = match infos {
        [one] if single && !printers::is_list(&one.object) => one.object.clone(),
        infos => {
            let mut items: Vec<Value> = infos.iter().map(|info| info.object.clone()).collect();
            if !sort.is_empty() && !items.is_empty() {
                let order = printers::jsonpath::relaxed(&sort).and_then(|path| printers::sort::order(&items, &path));
                match order {
                    Ok(order) => items = order.iter().filter_map(|at| items.get(*at)).cloned().collect(),
                    Err(why) => {
                        failures.push(unsortable(io, &why).unwrap_or_else(|| why.into()));
                        Failure::all(failures)?;
                        return Ok(Outcome::Done);
                    }
                }
            }
            value!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": ""}, "items": items})
        }
    };
    if let Err(failure) = printer.print(io, &object) {
        failures.push(failure);
    }
    Failure::all(failures)?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use drydock_api::StreamItem;

    use super::*;
    use crate::testing::Fake;

    fn table(rows: &[(&str, &str)]) -> Value {
        let rows: Value = rows
            .iter()
            .map(|(name, status)| {
                value!({"cells": [*name, *status, 7], "object": {"metadata": {
                    "name": *name, "namespace": "default", "labels": {"app": *name}}}})
            })
            .collect();
        value!({"kind": "Table", "metadata": {"resourceVersion": "5"}, "rows": rows, "columnDefinitions": [
            {"name": "Name", "type": "string", "format": "name", "priority": 0},
            {"name": "Status", "type": "string", "priority": 0},
            {"name": "Node", "type": "string", "priority": 1}]})
    }

    fn fake() -> Fake {
        Fake::default()
            .with("/api/v1/namespaces/default/pods", table(&[("b", "Running"), ("a", "Pending")]))
            .with("/api/v1/namespaces/default/pods/a", table(&[("a", "Pending")]))
            .with("/api/v1/namespaces/default/services", table(&[("kubernetes", "ok")]))
            .with("/apis/apps/v1/namespaces/default/deployments", table(&[]))
            .with("/apis/apps/v1/namespaces/default/replicasets", table(&[]))
            .with("/apis/batch/v1/namespaces/default/jobs", table(&[]))
            .with(
                "/api/v1/namespaces/default/configmaps",
                value!({"kind": "ConfigMapList", "apiVersion": "v1", "items": [
                    {"metadata": {"name": "a"}, "data": {"k": "2"}}, {"metadata": {"name": "b"}, "data": {"k": "1"}}
                ]}),
            )
            .with("/api/v1/namespaces/web/pods", table(&[]))
            .with("/api/v1/pods", table(&[("b", "Running")]))
    }

    #[test]
    fn tables() {
        let cases = [
            ("get pods", "NAME   STATUS\nb      Running\na      Pending\n", ""),
            ("get po -o wide --no-headers", "b     Running   7\na     Pending   7\n", ""),
            (
                "get pods -L app --show-labels",
                "NAME   STATUS    APP   LABELS\nb      Running   b     app=b\na      Pending   a     app=a\n",
                "",
            ),
            ("get pods --sort-by=.metadata.name", "NAME   STATUS\na      Pending\nb      Running\n", ""),
            ("get cm --server-print=false --sort-by={.data.k}", "NAME   AGE\nb      <unknown>\na      <unknown>\n", ""),
            ("get pods -A", "NAMESPACE   NAME   STATUS\ndefault     b      Running\n", ""),
            ("get pod/a --show-kind", "NAME    STATUS\npod/a   Pending\n", ""),
            ("get pods -n web", "", "No resources found in web namespace.\n"),
            ("get deploy,svc", "NAME                 STATUS\nservice/kubernetes   ok\n", ""),
            (
                "get all",
                "NAME    STATUS\npod/b   Running\npod/a   Pending\n\nNAME                 STATUS\nservice/kubernetes   ok\n",
                "",
            ),
            (
                "get pod a nope",
                "NAME   STATUS\na      Pending\n",
                "Error from server (NotFound): pods \"nope\" not found\n",
            ),
            (
                "get pod x y",
                "",
                "Error from server (NotFound): pods \"x\" not found\nError from server (NotFound): pods \"y\" not found\n",
            ),
            ("get pod x --ignore-not-found", "", ""),
            ("get frobs", "", "error: the server doesn't have a resource type \"frobs\"\n"),
            ("get pod x -w --ignore-not-found", "", ""),
            (
                "get pod a a -w",
                "NAME   STATUS\na      Pending\na      Pending\n",
                "error: you may only watch a single resource or type of resource at a time\n",
            ),
        ];
        for (line, out, err) in cases {
            let ran = fake().line(line);
            assert_eq!((ran.out.as_str(), ran.err.as_str()), (out, err), "{line}");
        }
    }

    #[test]
    fn objects() {
        let pod = value!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"x": "<1>"}}});
        let list =
            value!({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": [{"metadata": {"name": "a"}}]});
        let mut fake = Fake::default()
            .with("/api/v1/namespaces/default/pods/a", pod)
            .with("/api/v1/namespaces/default/pods", list);
        let cases = [
            ("get pod a -o yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n    x: <1>\n  name: a\n"),
            ("get pods -o name", "pod/a\n"),
            ("get pod a -o jsonpath={.metadata.labels}", "{\"x\":\"\\u003c1\\u003e\"}"),
            ("get pods -o custom-columns=N:.metadata.name,K:.kind,X:.x", "N     K     X\na     Pod   <none>\n"),
            (
                "get pods -o yaml",
                "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: a\nkind: List\nmetadata:\n  resourceVersion: \"\"\n",
            ),
        ];
        for (line, out) in cases {
            let ran = fake.line(line);
            assert_eq!((ran.out.as_str(), ran.err.as_str()), (out, ""), "{line}");
        }
    }

    #[test]
    fn watches() {
        let mut fake = fake();
        let event = |kind: &str, name: &str, status: &str| {
            let mut object = table(&[(name, status)]);
            if name != "a" {
                object.remove("columnDefinitions");
            }
            StreamItem::Event(value!({"type": kind, "object": object}))
        };
        let path = "/api/v1/namespaces/default/pods".to_owned();
        fake.streams.insert(path, [event("MODIFIED", "a", "Running"), event("DELETED", "b", "Running")].into());
        let ran = fake.line("get pods -w");
        let text = "NAME   STATUS\nb      Running\na      Pending\na      Running\nb      Running\n";
        assert_eq!((ran.out.as_str(), ran.code), (text, 1));
        assert_eq!(fake.log.last().unwrap().0, "OPEN /api/v1/namespaces/default/pods?resourceVersion=5&watch=true");
        let ran = fake.line("get pods --watch-only --output-watch-events");
        let text = "EVENT      NAME   STATUS\nMODIFIED   a      Running\nDELETED    b      Running\n";
        assert_eq!(ran.out, text);
        // What is there already is sorted.
        for (line, out, err) in [
            ("-w --sort-by=.metadata.name", "NAME   STATUS\na      Pending\nb      Running\n", "--watch requested"),
            ("-w --sort-by=.x", "", "error: unable to output the provided object: couldn't find any field"),
            ("-w --sort-by={.x", "", "error: unable to output the provided object: sorting error: unclosed action"),
            ("--watch-only --sort-by=.x", "", "--watch-only requested"),
        ] {
            let ran = self::fake().line(&format!("get pods {line}"));
            assert!(ran.out.starts_with(out) && ran.err.contains(err), "{line}: {}{}", ran.out, ran.err);
        }
        let mut fake = Fake::default().with(
            "/api/v1/namespaces/default/pods",
            value!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [{"metadata": {"name": "<a"}}]}),
        );
        for (output, out) in [
            (
                "json",
                "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"\\u003ca\"}}}\n",
            ),
            ("name", "pod/<a\n"),
        ] {
            assert_eq!(fake.line(&format!("get pods -w --output-watch-events -o {output}")).out, out);
        }
    }
}
