//! `kubectl edit`: opens objects in an editor and sends what was changed, again and again until it is valid or given up.
//!
//! [`Editing`] is the loop: write a file, wait for the editor, read the file, act. It serves `edit`, `create --edit` and
//! `apply edit-last-applied`; the [`Mode`] says what is done with the result.

use std::collections::VecDeque;

use drydock_api::{Body, GroupVersionKind};
use drydock_value::{Value, to_json_pretty, value};

use super::{Outcome, Waiting, acts};
use crate::builder::{self, Info, Query};
use crate::change::printing::Printing;
use crate::change::{applied, patching, record};
use crate::client::patch_type;
use crate::env::{ChildId, Io, Spawn, Wait};
use crate::failure::{Failure, quote};
use crate::invocation::{DryRun, Invocation};
use crate::printers::go;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::VALIDATE,
    acts::NONE,
    &["field-manager", "output-patch", "save-config", "subresource", "windows-line-endings"],
];

/// What is edited, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Objects of the server; changes are patched.
    Normal,
    /// Objects in files; they are created.
    BeforeCreate,
    /// What was applied last; it goes back into the annotation.
    LastApplied,
}

/// `kubectl edit`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let output = inv.flags.str("output");
    if !matches!(output, "" | "json" | "yaml" | "kyaml") {
        let known = "allowed formats are: json,kyaml,yaml";
        return Err(
            format!("unable to match a printer suitable for the output format {}, {known}", quote(output)).into()
        );
    }
    let args = inv.args.clone();
    let query = Query { type_means_all: true, latest: true, validate: false, ..Query::new(inv, io, &args)? };
    let infos = builder::find(&query, inv, io)?.infos()?;
    if infos.is_empty() {
        return Err("edit cancelled, no objects found".into());
    }
    start(inv, io, Mode::Normal, vec![infos])
}

/// `kubectl create --edit`: each object on its own.
pub(super) fn before_create(inv: &mut Invocation, io: &mut Io<'_>, query: &Query) -> Result<Outcome, Failure> {
    let infos = builder::find(query, inv, io)?.infos()?;
    start(inv, io, Mode::BeforeCreate, infos.into_iter().map(|info| vec![info]).collect())
}

/// Begins to edit: each of `batches` in an editor of its own.
pub(super) fn start(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    mode: Mode,
    batches: Vec<Vec<Info>>,
) -> Result<Outcome, Failure> {
    let printing = Printing::new(inv, io, DryRun::None)?;
    let json = inv.flags.str("output") == "json";
    let namespace = inv.namespace(io)?;
    let mut editing = Editing {
        inv: inv.clone(),
        mode,
        printing,
        json,
        namespace,
        batches: batches.into(),
        infos: Vec::new(),
        original: String::new(),
        edited: String::new(),
        failed: false,
        reasons: Vec::new(),
        file: String::new(),
        editor: None,
    };
    editing.next_batch();
    Ok(Outcome::Waiting(Box::new(editing)))
}

/// Why a file is opened once more.
#[derive(Debug, Clone)]
struct Reason {
    head: String,
    details: Vec<String>,
}

/// The loop.
#[derive(Clone)]
struct Editing {
    inv: Invocation,
    mode: Mode,
    printing: Printing,
    json: bool,
    namespace: String,
    batches: VecDeque<Vec<Info>>,
    infos: Vec<Info>,
    /// What the file held at first, and what it held after the last editor.
    original: String,
    edited: String,
    /// Whether the last round ended in an error.
    failed: bool,
    reasons: Vec<Reason>,
    /// The file of the last round that is kept; empty when there is none.
    file: String,
    editor: Option<(ChildId, String)>,
}

/// What a round came to.
enum Round {
    /// Open the file again.
    Again,
    /// This batch is done.
    Over,
    /// Everything is, with this exit code.
    Exit(i32),
}

impl Waiting for Editing {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        loop {
            let Some((child, path)) = self.editor.clone() else {
                if self.infos.is_empty() {
                    return Ok(Outcome::Done);
                }
                self.open(io)?;
                continue;
            };
            let Some(code) = io.children.poll(child) else { return Ok(Outcome::Wait(Wait::child())) };
            self.editor = None;
            if code != 0 {
                let why = format!("there was a problem with the editor {}", quote(&self.program().join(" ")));
                return Err(self.keep(io, &self.file.clone(), why.into()));
            }
            match self.round(io, &path)? {
                Round::Again => {}
                Round::Over => self.next_batch(),
                Round::Exit(code) => return Ok(Outcome::Exit(code)),
            }
        }
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        if let Some((child, _)) = self.editor.take() {
            io.children.kill(child);
        }
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}

impl Editing {
    fn next_batch(&mut self) {
        self.infos = self.batches.pop_front().unwrap_or_default();
        self.failed = false;
        self.reasons.clear();
        self.file.clear();
        self.edited.clear();
    }

    /// Tells where the changes are kept, and answers the failure.
    fn keep(&self, io: &mut Io<'_>, path: &str, failure: Failure) -> Failure {
        if !path.is_empty() && io.files.exists(path) {
            io.eprintln(format!("A copy of your changes has been stored to {}", quote(path)));
        }
        failure
    }

    /// The editor and its arguments.
    fn program(&self) -> Vec<String> {
        let env = &self.inv.env;
        let chosen = [env.var("KUBE_EDITOR"), env.var("EDITOR")].into_iter().find(|editor| !editor.is_empty());
        match chosen {
            None => vec!["vi".into()],
            // What needs a shell to be understood gets one.
            Some(editor) if editor.contains(['"', '\'', '\\']) => {
                vec!["/bin/sh".into(), "-c".into(), editor.to_owned()]
            }
            Some(editor) => editor.split(' ').map(str::to_owned).collect(),
        }
    }

    fn open(&mut self, io: &mut Io<'_>) -> Result<(), Failure> {
        let mut text = if self.json { String::new() } else { self.header() };
        if self.failed {
            text.push_str(&without_comments(&self.edited));
        } else {
            text.push_str(&self.print());
            self.original.clone_from(&text);
        }
        if self.inv.flags.bool("windows-line-endings") {
            text = text.replace('\n', "\r\n");
        }
        let extension = if self.json { "json" } else { "yaml" };
        let path = format!("{}/kubectl-edit-{}.{extension}", self.inv.env.temp(), (io.random)() % 10_000_000_000);
        let written = io.files.mkdir_all(self.inv.env.temp()).and_then(|()| io.files.write(&path, text.as_bytes()));
        written.map_err(|errno| format!("open {path}: {errno}"))?;
        let mut argv = self.program();
        let given = !self.inv.env.var("KUBE_EDITOR").is_empty() || !self.inv.env.var("EDITOR").is_empty();
        let child = if !given {
            io.children.edit(&argv, &path)
        } else {
            match argv.as_mut_slice() {
                [shell, flag, script] if shell == "/bin/sh" && flag == "-c" => {
                    script.push_str(&format!(" {}", quote(&path)));
                }
                _ => argv.push(path.clone()),
            }
            io.children.spawn(Spawn { argv, ..Spawn::default() })
        };
        match child {
            Ok(child) => {
                self.editor = Some((child, path));
                Ok(())
            }
            Err(_) => {
                // What is looked for in the path is not found, what is named is no program.
                let program = self.program();
                let words = match program.first().is_some_and(|name| name.contains('/')) {
                    true => "there was a problem with",
                    false => "unable to launch",
                };
                let why = format!("{words} the editor {}", quote(&program.join(" ")));
                Err(self.keep(io, &self.file.clone(), why.into()))
            }
        }
    }

    /// The objects as they are shown.
    fn print(&self) -> String {
        let bare = |info: &Info| {
            let mut object = info.object.clone();
            if object["metadata"].get("managedFields").is_some() {
                object["metadata"].remove("managedFields");
            }
            object
        };
        let object = match self.infos.as_slice() {
            [info] => bare(info),
            infos => {
                let items: Value = infos.iter().map(bare).collect();
                value!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
            }
        };
        if self.json { go::escape_html(&to_json_pretty(&object, 4)) + "\n" } else { drydock_yaml::to_yaml(&object) }
    }

    fn header(&self) -> String {
        let mut text = if self.mode == Mode::LastApplied {
            "# Please edit the 'last-applied-configuration' annotations below.\n# Lines beginning with a '#' will be ignored, and an empty file will abort the edit.\n#\n".to_owned()
        } else {
            "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n".to_owned()
        };
        for Reason { head, details } in &self.reasons {
            let colon = if details.is_empty() { "" } else { ":" };
            text.push_str(&format!("# {}{colon}\n", hashed(head)));
            for detail in details {
                text.push_str(&format!("# * {}\n", hashed(detail)));
            }
            text.push_str("#\n");
        }
        text
    }

    /// Acts on what the editor left.
    fn round(&mut self, io: &mut Io<'_>, path: &str) -> Result<Round, Failure> {
        let bytes = io.files.read(path).map_err(|errno| format!("open {path}: {errno}"))?;
        let before = std::mem::replace(&mut self.edited, String::from_utf8_lossy(&bytes).into_owned());
        if self.failed && same(&before, &self.edited) {
            return Err(self.keep(io, path, "Edit cancelled, no valid changes were saved.".into()));
        }
        if !self.file.is_empty() {
            // The file of the round before.
            io.files.remove(&self.file).ok();
        }
        self.reasons.clear();
        path.clone_into(&mut self.file);
        if self.inv.field_validation()? != "Ignore"
            && let Err(why) = validate(&self.edited)
            && let Some(info) = self.infos.first()
        {
            let what = format!("{} {}", info.resource.id.group_resource(), quote(&info.name));
            io.eprintln(format!("error: {what} is invalid"));
            let detail = format!("<nil>: Invalid value: \"The edited file failed validation\": {why}");
            self.reasons.push(Reason { head: format!("{what} was not valid"), details: vec![detail] });
            self.failed = true;
            return Ok(Round::Again);
        }
        if same(&self.original, &self.edited) {
            io.files.remove(path).ok();
            io.eprintln("Edit cancelled, no changes made.");
            return Ok(Round::Over);
        }
        if without_comments(&self.edited).trim().is_empty() {
            io.files.remove(path).ok();
            io.eprintln("Edit cancelled, saved file was empty.");
            return Ok(Round::Over);
        }
        let updated = match self.parse(io)? {
            Ok(updated) => updated,
            Err(why) => {
                self.failed = true;
                let head = format!("The edited file had a syntax error: {why}");
                self.reasons.push(Reason { head, details: Vec::new() });
                return Ok(Round::Again);
            }
        };
        self.failed = false;
        let (mut retryable, mut not_found, mut invalid) = (false, false, false);
        for object in updated {
            if let Err(failure) = self.act(io, object) {
                match failure {
                    Unsent::Fatal(failure) => return Err(self.keep(io, path, failure)),
                    Unsent::Refused(info, failure) => {
                        let what = format!("{} {}", info.resource.id.group_resource(), quote(&info.name));
                        match failure.status() {
                            Some(status) if status.is("Invalid") => {
                                invalid = true;
                                let causes = status.causes.iter();
                                let details =
                                    causes.map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
                                self.reasons.push(Reason { head: format!("{what} was not valid"), details });
                                io.eprintln(format!("error: {what} is invalid"));
                            }
                            Some(status) if status.is("NotFound") => {
                                not_found = true;
                                io.eprintln(format!("error: {what} could not be found on the server"));
                            }
                            _ => {
                                retryable = true;
                                io.eprintln(format!("error: {what} could not be patched: {}", failure.words()));
                            }
                        }
                    }
                }
            }
        }
        if retryable {
            io.eprintln(format!("You can run `kubectl replace -f {path}` to try this update again."));
            return Ok(Round::Exit(1));
        }
        if not_found {
            io.eprintln(format!("The edits you made on deleted resources have been saved to {}", quote(path)));
            return Ok(Round::Exit(1));
        }
        if !invalid {
            io.files.remove(path).ok();
            return Ok(Round::Over);
        }
        self.failed = true;
        Ok(Round::Again)
    }

    /// The objects in the file.
    fn parse(&mut self, io: &mut Io<'_>) -> Result<Result<Vec<Value>, String>, Failure> {
        let mut objects = Vec::new();
        for document in drydock_yaml::documents(&self.edited) {
            let document = match document {
                Ok(document) => document.value,
                Err(error) => return Ok(Err(format!("error parsing edited-file: {error}"))),
            };
            if document["kind"].str().is_empty() {
                return Ok(Err(format!(
                    "unable to decode \"edited-file\": Object 'Kind' is missing in '{}'",
                    drydock_value::to_json(&document)
                )));
            }
            match document["items"].as_array() {
                Some(items) => objects.extend(items.iter().cloned()),
                None => objects.push(document),
            }
        }
        for object in &objects {
            if let Err(why) = self.inv.kind(io, &GroupVersionKind::of(object)) {
                let metadata = &object["metadata"];
                return Ok(Err(format!(
                    "resource mapping not found for name: {} namespace: {} from \"edited-file\": {}\nensure CRDs are installed first",
                    quote(metadata["name"].str()),
                    quote(metadata["namespace"].str()),
                    why.words()
                )));
            }
        }
        Ok(Ok(objects))
    }

    fn act(&mut self, io: &mut Io<'_>, mut object: Value) -> Result<(), Unsent> {
        let uid = &object["metadata"]["uid"];
        let info = self.infos.iter().find(|info| info.object["metadata"]["uid"] == *uid).or(match self.mode {
            Mode::Normal => None,
            _ => self.infos.first(),
        });
        let Some(info) = info.cloned() else {
            return Err(Unsent::Fatal(format!("no original object found for {object}").into()));
        };
        let namespace = object["metadata"]["namespace"].str();
        if info.resource.namespaced() && !namespace.is_empty() && namespace != self.namespace {
            return Err(Unsent::Fatal(
                format!(
                    "the namespace from the provided object {} does not match the namespace {}. You must pass '--namespace={namespace}' to perform this operation.",
                    quote(namespace),
                    quote(&self.namespace)
                )
                .into(),
            ));
        }
        if self.mode != Mode::LastApplied {
            // The editor does not show who manages which fields, and yet they are kept with the rest.
            let managed = &info.object["metadata"]["managedFields"];
            applied::create_or_update(&mut object, self.inv.flags.bool("save-config"), |object| {
                let mut whole = object.clone();
                if self.mode == Mode::Normal && !managed.is_null() {
                    whole["metadata"].set("managedFields", managed.clone());
                }
                applied::go_json(&whole)
            });
            record::note(&self.inv, &mut object);
        }
        let mut original = info.object.clone();
        original["metadata"].remove("managedFields");
        if self.mode != Mode::BeforeCreate && original == object {
            return self.printing.print(io, &object, "skipped").map_err(Unsent::Fatal);
        }
        let (manager, validation) = (self.inv.flags.str("field-manager").to_owned(), self.inv.field_validation()?);
        let params = [("fieldManager", manager.as_str()), ("fieldValidation", validation)];
        let name = match self.inv.flags.str("subresource") {
            "" => info.name.clone(),
            subresource => format!("{}/{subresource}", info.name),
        };
        let (content_type, patch) = match self.mode {
            Mode::BeforeCreate => {
                let client = self.inv.client(io)?;
                let created = client.create(io, &info.resource, &info.namespace, object, &params)?;
                return self.printing.print(io, &created, "created").map_err(Unsent::Fatal);
            }
            Mode::LastApplied => (patch_type::MERGE, applied::annotation_patch(&object)),
            Mode::Normal => {
                let identity = |object: &Value| {
                    let of = |value: &Value| value.str().to_owned();
                    (of(&object["apiVersion"]), of(&object["kind"]), of(&object["metadata"]["name"]))
                };
                if identity(&original) != identity(&object) {
                    return Err(Unsent::Fatal("At least one of apiVersion, kind and name was changed".into()));
                }
                patching::two_way(&original, &object).map_err(Failure::from)?
            }
        };
        if self.inv.flags.bool("output-patch") {
            io.println(format!("Patch: {}", go::escape_html(&drydock_value::to_json(&patch))));
        }
        let (client, body) = (self.inv.client(io)?, Body::Value(patch));
        match client.patch(io, &info.resource, &info.namespace, &name, content_type, body, &params) {
            Ok(patched) => {
                let shown = if self.mode == Mode::LastApplied { &object } else { &patched };
                self.printing.print(io, shown, "edited").map_err(Unsent::Fatal)
            }
            Err(failure) if self.mode == Mode::Normal => Err(Unsent::Refused(Box::new(info), failure)),
            Err(failure) => Err(Unsent::Fatal(failure)),
        }
    }
}

/// Why an object was not changed.
enum Unsent {
    /// Editing ends.
    Fatal(Failure),
    /// The server refused this one.
    Refused(Box<Info>, Failure),
}

impl From<Failure> for Unsent {
    fn from(failure: Failure) -> Unsent {
        Unsent::Fatal(failure)
    }
}

/// Whether a file holds what can be looked at at all: objects that say of what kind they are.
fn validate(text: &str) -> Result<(), String> {
    let parsed = drydock_yaml::parse_one(&without_comments(text)).map_err(|error| {
        let words = error.to_string();
        words.strip_prefix("error converting YAML to JSON: ").unwrap_or(&words).to_owned()
    })?;
    if parsed.as_object().is_none() {
        return Err("invalid object to validate".into());
    }
    let field = |object: &Value, name: &str| match &object[name] {
        Value::Null => Err(format!("{name} not set")),
        Value::String(_) => Ok(()),
        _ => Err(format!("{name} isn't string type")),
    };
    let items = if parsed["kind"].str().ends_with("List") { parsed["items"].items() } else { &[] };
    let mut wrong: Vec<String> = Vec::new();
    for object in std::iter::once(&parsed).chain(items) {
        for why in ["apiVersion", "kind"].into_iter().filter_map(|name| field(object, name).err()) {
            if !wrong.contains(&why) {
                wrong.push(why);
            }
        }
    }
    match wrong.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        several => Err(format!("[{}]", several.join(", "))),
    }
}

/// Without lines that begin with `#`.
fn without_comments(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.trim_start().starts_with('#')).collect()
}

/// Whether two files say the same; what is no YAML is compared as text.
fn same(a: &str, b: &str) -> bool {
    match (drydock_yaml::parse_one(a), drydock_yaml::parse_one(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => without_comments(a) == without_comments(b),
    }
}

/// A text in a comment: lines after the first get their own mark.
fn hashed(text: &str) -> String {
    text.replace('\n', "\n# ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_compared_by_what_they_say() {
        assert!(same("# a\nk: v\n", "k:   v\n"));
        assert!(!same("k: v\n", "k: w\n"));
        assert!(same("# a\n[x\n", "[x\n"));
        assert_eq!(without_comments("# a\n  # b\nk: v # c\n"), "k: v # c\n");
    }

    #[test]
    fn what_is_no_object_is_not_valid() {
        for (text, why) in [
            ("# a\nkind: Pod\napiVersion: v1\n", ""),
            ("# a\n", "invalid object to validate"),
            ("king: Pod\napiVersion: v1\n", "kind not set"),
            ("kind: 5\n", "[apiVersion not set, kind isn't string type]"),
            ("kind: List\napiVersion: v1\nitems: [{apiVersion: v1, king: x}, {apiVersion: v1}]\n", "kind not set"),
            ("# a\nfoo\nkind: Pod\n", "yaml: line 2: mapping values are not allowed in this context"),
        ] {
            assert_eq!(validate(text).err().unwrap_or_default(), why, "{text}");
        }
    }
}
