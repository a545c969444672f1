//! `kubectl diff`: what applying files would change, as a unified diff. Exit code 1 means that something would.

use drydock_api::{Body, Request};
use drydock_sorted::{Sort, SortedSet};
use drydock_value::{Value, to_json};

use super::apply::prune::Pruning;
use super::{Outcome, Waiting, acts};
use crate::builder::{self, Info, Query};
use crate::change::{applied, is_conflict, patching};
use crate::client::{patch_type, path};
use crate::env::{ChildId, Io, Spawn, Wait};
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::FILES,
    &[
        "concurrency",
        "field-manager",
        "force-conflicts",
        "prune",
        "prune-allowlist",
        "selector",
        "server-side",
        "show-managed-fields",
        "show-secrets",
    ],
];

/// `kubectl diff`
///
/// # Errors
/// kubectl's own; they end with a code greater than 1.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    difference(inv, io).map_err(|failure| match failure {
        Failure::WantStdin | Failure::Later(_) | Failure::Usage(_) => failure,
        other => {
            // 1 means that there are differences: an error ends with 2 at least.
            let (words, code) = other.render("kubectl diff");
            Failure::Code(words, code.max(2))
        }
    })
}

/// Two files of one name.
struct Pair {
    name: String,
    /// What there is; empty when there is nothing.
    live: String,
    /// What there will be; None when it will be pruned.
    merged: Option<String>,
}

/// How diff dates a file that is not there.
const NO_FILE: &str = "1970-01-01 00:00:00.000000000 +0000";

fn difference(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    if !inv.args.is_empty() {
        let words = inv.args.join(" ");
        let help = "See 'kubectl diff -h' for help and examples";
        return Err(Failure::Code(format!("error: Unexpected args: [{words}]\n{help}"), 2));
    }
    if inv.flags.list("filename").is_empty() && inv.flags.str("kustomize").is_empty() {
        return Err(Failure::Code("error: must specify one of -f and -k".into(), 1));
    }
    let server_side = inv.flags.bool("server-side");
    if inv.flags.bool("force-conflicts") && !server_side {
        return Err("--force-conflicts only works with --server-side".into());
    }
    let mut query = Query::new(inv, io, &[])?;
    query.continue_on_error = false;
    query.validate = false;
    let pruning = Pruning::new(inv, io)?;
    let infos = builder::find(&query, inv, io)?.infos()?;
    let (mut visited, mut namespaces) = (SortedSet::new(), SortedSet::new());
    let mut pairs: Vec<Pair> = Vec::new();
    for info in infos {
        let live = live(inv, io, &info)?;
        visited.insert(live["metadata"]["uid"].str().to_owned());
        if info.resource.namespaced() {
            namespaces.insert(info.namespace.clone());
        }
        let merged = if server_side { apply(inv, io, &info)? } else { merged(inv, io, &info, &live)? };
        let (mut live, mut merged) = (live, merged);
        if !inv.flags.bool("show-managed-fields") {
            for object in [&mut live, &mut merged] {
                if let Some(metadata) = object.get_mut("metadata") {
                    metadata.remove("managedFields");
                }
            }
        }
        if info.resource.kind == "Secret" && info.resource.id.group.is_empty() && !inv.flags.bool("show-secrets") {
            mask(&mut live, &mut merged);
            if live.is_null() {
                // A Secret that is not there was masked all the same.
                pairs.push(Pair { name: file_name(&info), live: "null\n".into(), merged: Some(text(&merged)) });
                continue;
            }
        }
        pairs.push(Pair { name: file_name(&info), live: text(&live), merged: Some(text(&merged)) });
    }
    if let Some(pruning) = pruning {
        for (resource, namespace, object) in pruning.candidates(inv, io, &visited, &namespaces)? {
            let name = object["metadata"]["name"].str().to_owned();
            let info = Info { resource, namespace, name, source: String::new(), object: Value::Null };
            pairs.push(Pair { name: file_name(&info), live: text(&object), merged: None });
        }
    }
    let program = inv.env.var("KUBECTL_EXTERNAL_DIFF").to_owned();
    if !program.is_empty() {
        return external(io, inv.env.temp(), &program, &pairs);
    }
    let folders = (
        format!("{}/LIVE-{}", inv.env.temp(), (io.random)() % 10_000_000_000),
        format!("{}/MERGED-{}", inv.env.temp(), (io.random)() % 10_000_000_000),
    );
    let mut different = false;
    pairs.sort_compact_by(|a, b| a.name.cmp(&b.name));
    for Pair { name, live, merged } in &pairs {
        let (from, to) = (live.as_str(), merged.as_deref().unwrap_or_default());
        if from == to {
            continue;
        }
        different = true;
        let now = format!("{} +0000", io.now.rfc3339_nanos().replace('T', " ").trim_end_matches('Z'));
        let then = if merged.is_some() { now.as_str() } else { NO_FILE };
        let (old, new) = (format!("{}/{name}", folders.0), format!("{}/{name}", folders.1));
        io.println(format!("diff -u -N {old} {new}"));
        io.print(format!("--- {old}\t{now}\n+++ {new}\t{then}\n{}", unified(from, to)));
    }
    Ok(Outcome::Exit(i32::from(different)))
}

/// The hunks of a unified diff, placed as GNU's diff places them: where a run of lines could as well stand further down,
/// it does.
fn unified(from: &str, to: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (from.lines().collect(), to.lines().collect());
    let mut ops = similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new);
    join(&mut ops, &old, &new);
    slide(&mut ops, &old, &new);
    let mut text = String::new();
    for hunk in similar::group_diff_ops(ops, 3) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { continue };
        let range = |start: usize, end: usize| match end - start {
            0 => format!("{start},0"),
            1 => format!("{}", start + 1),
            count => format!("{},{count}", start + 1),
        };
        let (before, after) = (
            range(first.old_range().start, last.old_range().end),
            range(first.new_range().start, last.new_range().end),
        );
        text += &format!("@@ -{before} +{after} @@\n");
        for op in &hunk {
            let mut lines =
                |sign: char, lines: &[&str]| lines.iter().for_each(|line| text += &format!("{sign}{line}\n"));
            match op.tag() {
                similar::DiffTag::Equal => lines(' ', &old[op.old_range()]),
                _ => {
                    lines('-', &old[op.old_range()]);
                    lines('+', &new[op.new_range()]);
                }
            }
        }
    }
    text
}

/// Joins a run with the one before it, where the lines between are the same as its last ones.
fn join(ops: &mut Vec<similar::DiffOp>, old: &[&str], new: &[&str]) {
    use similar::{DiffOp, DiffTag};
    let mut at = 2;
    while at < ops.len() {
        let (first, between, run) = (ops[at - 2], ops[at - 1], ops[at]);
        let (lines, range) = match run.tag() {
            DiffTag::Delete => (old, run.old_range()),
            DiffTag::Insert => (new, run.new_range()),
            _ => (old, 0..0),
        };
        let length = between.old_range().len();
        let same = |step: &usize| lines[range.start - 1 - step] == lines[range.end - 1 - step];
        let joins = first.tag() == run.tag()
            && between.tag() == DiffTag::Equal
            && !range.is_empty()
            && (0..length).take_while(same).count() == length;
        if !joins {
            at += 1;
            continue;
        }
        let (old_index, new_index) = (first.old_range().start, first.new_range().start);
        let (old_len, new_len) =
            (first.old_range().len() + run.old_range().len(), first.new_range().len() + run.new_range().len());
        ops[at - 2] = if run.tag() == DiffTag::Delete {
            DiffOp::Delete { old_index, old_len, new_index }
        } else {
            DiffOp::Insert { old_index, new_index, new_len }
        };
        // What stood between comes behind, together with what follows.
        let mut len = length;
        ops.remove(at);
        if let Some(next) = ops.get(at).filter(|next| next.tag() == DiffTag::Equal) {
            len += next.old_range().len();
            ops.remove(at);
        }
        ops[at - 1] = DiffOp::Equal { old_index: old_index + old_len, new_index: new_index + new_len, len };
    }
}

/// Moves what was only taken out or only put in down, over lines that are the same as its first ones.
fn slide(ops: &mut [similar::DiffOp], old: &[&str], new: &[&str]) {
    use similar::{DiffOp, DiffTag};
    for at in 0..ops.len().saturating_sub(1) {
        let (lines, run) = match ops[at].tag() {
            DiffTag::Delete => (old, ops[at].old_range()),
            DiffTag::Insert => (new, ops[at].new_range()),
            _ => continue,
        };
        let next = ops[at + 1];
        let before = at.checked_sub(1).map(|before| ops[before]);
        if next.tag() != DiffTag::Equal || before.is_none_or(|op| op.tag() != DiffTag::Equal) {
            continue;
        }
        // One line of what follows stays, so that no piece vanishes.
        let room = next.old_range().len().saturating_sub(1);
        let by = (0..room).take_while(|step| lines[run.start + step] == lines[run.end + step]).count();
        let moved = |op: DiffOp, start: usize, end: usize| DiffOp::Equal {
            old_index: op.old_range().start + start,
            new_index: op.new_range().start + start,
            len: op.old_range().len() + end - start,
        };
        if let Some(before) = before {
            ops[at - 1] = moved(before, 0, by);
        }
        ops[at + 1] = moved(next, by, 0);
        ops[at] = match ops[at] {
            DiffOp::Delete { old_index, old_len, new_index } => {
                DiffOp::Delete { old_index: old_index + by, old_len, new_index: new_index + by }
            }
            DiffOp::Insert { old_index, new_index, new_len } => {
                DiffOp::Insert { old_index: old_index + by, new_index: new_index + by, new_len }
            }
            other => other,
        };
    }
}

fn text(object: &Value) -> String {
    if object.is_null() { String::new() } else { drydock_yaml::to_yaml(object) }
}

/// `apps.v1.Deployment.default.web`
fn file_name(info: &Info) -> String {
    let id = &info.resource.id;
    let group = if id.group.is_empty() { String::new() } else { format!("{}.", id.group) };
    format!("{group}{}.{}.{}.{}", id.version, info.resource.kind, info.namespace, info.name)
}

fn live(inv: &mut Invocation, io: &mut Io<'_>, info: &Info) -> Result<Value, Failure> {
    match inv.client(io)?.get(io, &info.resource, &info.namespace, &info.name) {
        Err(failure) if failure.is("NotFound") => Ok(Value::Null),
        other => other,
    }
}

fn apply(inv: &mut Invocation, io: &mut Io<'_>, info: &Info) -> Result<Value, Failure> {
    let manager =
        if inv.flags.given("field-manager") { inv.flags.str("field-manager").to_owned() } else { "kubectl".to_owned() };
    let force = inv.flags.bool("force-conflicts").to_string();
    let params = [("dryRun", "All"), ("fieldManager", manager.as_str()), ("force", force.as_str())];
    let body = Body::Value(info.object.clone());
    inv.client(io)?.patch(io, &info.resource, &info.namespace, &info.name, patch_type::APPLY, body, &params)
}

/// What the object would look like once applied.
fn merged(inv: &mut Invocation, io: &mut Io<'_>, info: &Info, live: &Value) -> Result<Value, Failure> {
    let manager = inv.flags.str("field-manager").to_owned();
    let params = [("dryRun", "All"), ("fieldManager", manager.as_str())];
    if live.is_null() {
        let object = info.object.clone();
        return inv.client(io)?.create(io, &info.resource, &info.namespace, object, &params);
    }
    let original = applied::original_value(live)?.unwrap_or_default();
    // What was applied last is not noted anew: it is no difference. Annotations are there even when there are none, as in
    // what was noted.
    let mut modified = info.object.clone();
    modified["metadata"]["annotations"].object_mut().remove(applied::LAST_APPLIED);
    let (content_type, patch) = patching::three_way(&original, &modified, live, true)?;
    if patch.is_empty() {
        return Ok(live.clone());
    }
    let client = inv.client(io)?;
    let body = Body::Value(patch);
    let answer = client.patch(io, &info.resource, &info.namespace, &info.name, content_type, body, &params);
    match answer {
        Err(failure) if is_conflict(&failure) => {
            // Someone else was faster: look again, once.
            let request = Request::get(path(&info.resource, &info.namespace, Some(&info.name)));
            inv.client(io)?.value(io, request)
        }
        other => other,
    }
}

/// Hides the values of secrets; those that differ are still told apart.
fn mask(live: &mut Value, merged: &mut Value) {
    const MASK: &str = "***";
    let (before, after) = (live["data"].clone(), merged["data"].clone());
    for (key, value) in before.entries() {
        match after.get(key) {
            Some(other) if other != value => {
                live["data"].set(key, "*** (before)");
                merged["data"].set(key, "*** (after)");
            }
            other => {
                live["data"].set(key, MASK);
                if other.is_some() {
                    merged["data"].set(key, MASK);
                }
            }
        }
    }
    for (key, _) in after.entries().filter(|(key, _)| before.get(key).is_none()) {
        merged["data"].set(key, MASK);
    }
    // The annotation of what was applied last holds the values too.
    for object in [live, merged] {
        let annotation = object["metadata"]["annotations"][applied::LAST_APPLIED].str().to_owned();
        if let Ok(mut last) = drydock_value::parse_json(&annotation)
            && let Some(data) = last.get_mut("data").and_then(Value::as_object_mut)
        {
            for (_, value) in data.iter_mut() {
                *value = MASK.into();
            }
            object["metadata"]["annotations"].set(applied::LAST_APPLIED, to_json(&last));
        }
    }
}

/// Runs the program of `KUBECTL_EXTERNAL_DIFF` over two folders.
fn external(io: &mut Io<'_>, temp: &str, program: &str, pairs: &[Pair]) -> Result<Outcome, Failure> {
    let number = (io.random)() % 10_000_000_000;
    let folders = [format!("{temp}/LIVE-{number}"), format!("{temp}/MERGED-{number}")];
    for folder in &folders {
        io.files.mkdir_all(folder)?;
    }
    for Pair { name, live, merged } in pairs {
        for (folder, text) in folders.iter().zip([Some(live), merged.as_ref()]) {
            if let Some(text) = text {
                io.files.write(&format!("{folder}/{name}"), text.as_bytes())?;
            }
        }
    }
    let mut words = program.split(' ').filter(|word| !word.is_empty());
    let mut argv: Vec<String> = words.next().map(str::to_owned).into_iter().collect();
    argv.extend(folders.iter().cloned());
    let plain = |word: &&str| word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '='));
    argv.extend(words.filter(plain).map(str::to_owned));
    let name = argv.first().cloned().unwrap_or_default();
    let child = io
        .children
        .spawn(Spawn { argv, ..Spawn::default() })
        .map_err(|why| format!("failed to run \"{name}\": {why}"))?;
    Ok(Outcome::Waiting(Box::new(External { child, folders })))
}

#[derive(Debug, Clone)]
struct External {
    child: ChildId,
    folders: [String; 2],
}

impl Waiting for External {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        let Some(code) = io.children.poll(self.child) else { return Ok(Outcome::Wait(Wait::child())) };
        for folder in &self.folders {
            let _ = io.files.remove(folder);
        }
        Ok(Outcome::Exit(code))
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        io.children.kill(self.child);
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_stand_as_far_down_as_they_can() {
        let text = super::unified("a\nx\nb\nx\nc\nd\n", "a\nx\nc\nd\n");
        assert_eq!(text, "@@ -1,6 +1,4 @@\n a\n x\n-b\n-x\n c\n d\n");
        let text = super::unified("k\np\nr\nt\ni\nn\nr\nt\nd\n", "k\nr\nt\nd\n");
        assert_eq!(text, "@@ -1,9 +1,4 @@\n k\n-p\n-r\n-t\n-i\n-n\n r\n t\n d\n");
        assert_eq!(super::unified("", "a\n"), "@@ -0,0 +1 @@\n+a\n");
    }
}
