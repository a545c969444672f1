//! Which objects a command line means: files (`-f`, folders, `-R`, standard input), types and names, `type/name`,
//! selectors, `--all`. The rules and the words are cli-runtime's resource builder's.
//!
//! A command fills a [`Query`] (mostly by [`Query::new`], which reads the usual flags), and [`find`] answers a [`Found`]:
//! one [`Info`] an object, or a [`Failure`] where one could not be had, in order. A command that acts on each object goes
//! through [`Found::items`] and gathers failures; one that wants all or nothing calls [`Found::infos`].

mod args;
mod decode;
mod files;
mod find;

use drydock_api::Resource;
use drydock_value::Value;

use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

pub use args::{has_names, split_types};
pub(crate) use decode::known;
pub use find::find;
pub(crate) use find::{LOCAL, MISSING, unlisted};

/// Names of objects of one type, each as `type/name`; one that says a type itself keeps it.
pub fn of_type(kind: &str, names: &[String]) -> Vec<String> {
    names.iter().map(|name| if name.contains('/') { name.clone() } else { format!("{kind}/{name}") }).collect()
}

/// One object that a command line means.
#[derive(Debug, Clone)]
pub struct Info {
    /// What it is.
    pub resource: Resource,
    /// Its namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Its name; empty for a list that was not taken apart.
    pub name: String,
    /// The file that it comes from; empty when it comes from the server.
    pub source: String,
    /// The object; null when it was not asked for ([`Query::fetch`]).
    pub object: Value,
}

impl Info {
    /// `pods/x` or `deployments.apps/x`.
    pub fn resource_name(&self) -> String {
        format!("{}/{}", self.resource.id.group_resource(), self.name)
    }

    /// `pod/x` or `deployment.apps/x`, as messages and `-o name` have it.
    pub fn kind_name(&self) -> String {
        let kind = self.resource.kind.to_lowercase();
        if self.resource.id.group.is_empty() {
            format!("{kind}/{}", self.name)
        } else {
            format!("{kind}.{}/{}", self.resource.id.group, self.name)
        }
    }
}

/// What a command line asks for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// `-f`
    pub filenames: Vec<String>,
    /// `-R`
    pub recursive: bool,
    /// `-k`
    pub kustomize: String,
    /// Types and names.
    pub args: Vec<String>,
    /// `-l`
    pub labels: Option<String>,
    /// `--field-selector`
    pub fields: Option<String>,
    /// `--all`
    pub all: bool,
    /// `-A`
    pub all_namespaces: bool,
    /// The namespace to work in.
    pub namespace: String,
    /// Whether objects in files must be in that namespace, as `-n` asks.
    pub enforce_namespace: bool,
    /// A type alone means all of its objects (get, describe); otherwise names or a selector are needed.
    pub type_means_all: bool,
    /// Ask the server for objects that are named by type and name.
    pub fetch: bool,
    /// Ask the server also for objects in files.
    pub latest: bool,
    /// Take lists apart.
    pub flatten: bool,
    /// Only one type of resource.
    pub single_type: bool,
    /// Go on after a failure.
    pub continue_on_error: bool,
    /// Ask no server: files only.
    pub local: bool,
    /// Check that objects in files have a version and a kind, as `--validate` does before sending.
    pub validate: bool,
    /// `--chunk-size`
    pub chunk: i64,
    /// `--subresource`
    pub subresource: String,
    /// Ask for tables instead of objects.
    pub table: bool,
    /// Ask for whole objects in the rows of tables.
    pub whole_objects: bool,
}

impl Query {
    /// With what the usual flags say: `--filename`, `--recursive`, `--kustomize`, `--selector`, `--field-selector`,
    /// `--all`, `--all-namespaces`, `--chunk-size`, `--subresource`, `--local`, `--validate` and the namespace. Lists are
    /// taken apart, objects asked for, and it goes on after failures; change what is different.
    ///
    /// # Errors
    /// When the kubeconfig is wrong.
    pub fn new(inv: &mut Invocation, io: &mut Io<'_>, args: &[String]) -> Result<Query, Failure> {
        let local = inv.flags.bool("local");
        let (namespace, enforce_namespace) = match inv.client(io) {
            Ok(client) => (client.namespace().to_owned(), client.connection.namespace_given),
            Err(_) if local => ("default".to_owned(), false),
            Err(failure) => return Err(failure),
        };
        let flags = &inv.flags;
        Ok(Query {
            filenames: if inv.command.flag("filename").is_some() { flags.list("filename") } else { Vec::new() },
            recursive: inv.command.flag("recursive").is_some() && flags.bool("recursive"),
            kustomize: flags.str("kustomize").to_owned(),
            args: args.to_vec(),
            labels: Some(flags.str("selector").trim().to_owned()).filter(|text| !text.is_empty()),
            fields: Some(flags.str("field-selector").trim().to_owned()).filter(|text| !text.is_empty()),
            all: flags.bool("all"),
            all_namespaces: flags.bool("all-namespaces"),
            namespace,
            enforce_namespace,
            type_means_all: false,
            fetch: true,
            latest: false,
            flatten: true,
            single_type: false,
            continue_on_error: true,
            local,
            validate: inv.command.flag("validate").is_some() && inv.field_validation()? != "Ignore",
            chunk: if inv.command.flag("chunk-size").is_some() { flags.int("chunk-size") } else { 500 },
            subresource: flags.str("subresource").to_owned(),
            table: false,
            whole_objects: false,
        })
    }

    /// Whether files are named.
    pub fn has_files(&self) -> bool {
        !self.filenames.is_empty() || !self.kustomize.is_empty()
    }
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// One for each object, in order.
    pub items: Vec<Result<Info, Failure>>,
    /// Whether the command line means exactly one object (one name, one file): it is then not printed in a list.
    pub single: bool,
    /// Whether the command line names single objects, rather than selecting from collections.
    pub targets_single_items: bool,
}

impl Found {
    /// All objects.
    ///
    /// # Errors
    /// When any could not be had.
    pub fn infos(self) -> Result<Vec<Info>, Failure> {
        let (infos, failures) = self.split();
        Failure::all(failures)?;
        Ok(infos)
    }

    /// The objects, and the failures.
    pub fn split(self) -> (Vec<Info>, Vec<Failure>) {
        let mut infos = Vec::new();
        let mut failures = Vec::new();
        for item in self.items {
            match item {
                Ok(info) => infos.push(info),
                Err(failure) => failures.push(failure),
            }
        }
        (infos, failures)
    }
}
