//! Roles and bindings.

use drydock_sorted::Sort;
use drydock_value::Value;

use super::context::Context;
use super::format::{heading, strings};
use super::{Described, writer::Writer};

/// A rule broken down to one group and resource, or one URL and verb.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// Group and resource; none for URLs.
    resource: Option<(String, String)>,
    name: Option<String>,
    url: Option<String>,
    verbs: Vec<String>,
}

impl Rule {
    /// What Go prints of the rule: the order of the table is the order of these texts.
    fn sort_key(&self) -> String {
        let list = |item: Option<&str>| format!("[{}]", item.unwrap_or(""));
        let resource = self.resource.as_ref();
        format!(
            "Verbs:[{}],APIGroups:{},Resources:{},ResourceNames:{},NonResourceURLs:{},",
            self.verbs.join(" "),
            list(resource.map(|(group, _)| group.as_str())),
            list(resource.map(|(_, resource)| resource.as_str())),
            list(self.name.as_deref()),
            list(self.url.as_deref()),
        )
    }
}

/// Breaks rules down and puts together again what differs in verbs only.
fn compact(rules: &Value) -> Vec<Rule> {
    let mut compact: Vec<Rule> = Vec::new();
    for rule in rules.items() {
        let verbs = strings(&rule["verbs"]);
        let names = strings(&rule["resourceNames"]);
        let names: Vec<Option<String>> =
            if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
        for group in strings(&rule["apiGroups"]) {
            for resource in strings(&rule["resources"]) {
                for name in &names {
                    let resource = Some((group.clone(), resource.clone()));
                    merge(&mut compact, Rule { resource, name: name.clone(), url: None, verbs: verbs.clone() });
                }
            }
        }
        for url in strings(&rule["nonResourceURLs"]) {
            for verb in &verbs {
                let verbs = vec![verb.clone()];
                compact.push(Rule { resource: None, name: None, url: Some(url.clone()), verbs });
            }
        }
    }
    compact.sort_compact_by_key(Rule::sort_key);
    compact
}

fn merge(rules: &mut Vec<Rule>, rule: Rule) {
    if rule.verbs.is_empty() {
        return;
    }
    match rules.iter_mut().find(|known| known.resource == rule.resource && known.name == rule.name) {
        None => rules.push(Rule { verbs: unique(rule.verbs), ..rule }),
        Some(known) => known.verbs = unique(std::mem::take(&mut known.verbs).into_iter().chain(rule.verbs).collect()),
    }
}

fn unique(verbs: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(verbs.len());
    for verb in verbs {
        if !kept.contains(&verb) {
            kept.push(verb);
        }
    }
    kept
}

/// Describes a role or cluster role.
pub fn role(w: &mut Writer, object: &Value, _: &mut Context) -> Described {
    heading(w, object, false);
    w.line(0, "PolicyRule:");
    w.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs");
    w.line(1, "---------\t-----------------\t--------------\t-----");
    for cells in rows(&object["rules"]) {
        w.line(1, &cells.join("\t"));
    }
    Ok(())
}

/// Rules as rows of a table: resource, URLs, names, verbs.
pub fn rows(rules: &Value) -> Vec<[String; 4]> {
    let row = |rule: Rule| {
        let resource = rule.resource.map_or(String::new(), |(group, resource)| match (group.as_str(), &resource) {
            ("", resource) => resource.clone(),
            (group, resource) => match resource.split_once('/') {
                Some((resource, sub)) => format!("{resource}.{group}/{sub}"),
                None => format!("{resource}.{group}"),
            },
        });
        let (url, name) = (rule.url.unwrap_or_default(), rule.name.unwrap_or_default());
        [resource, format!("[{url}]"), format!("[{name}]"), format!("[{}]", rule.verbs.join(" "))]
    };
    compact(rules).into_iter().map(row).collect()
}

/// Describes a role binding or cluster role binding.
pub fn binding(w: &mut Writer, object: &Value, _: &mut Context) -> Described {
    heading(w, object, false);
    w.line(0, "Role:");
    w.field(1, "Kind", object["roleRef"]["kind"].str());
    w.field(1, "Name", object["roleRef"]["name"].str());
    w.line(0, "Subjects:");
    w.line(1, "Kind\tName\tNamespace");
    w.line(1, "----\t----\t---------");
    for subject in object["subjects"].items() {
        let (kind, name, namespace) = (subject["kind"].str(), subject["name"].str(), subject["namespace"].str());
        w.line(1, &format!("{kind}\t{name}\t{namespace}"));
    }
    Ok(())
}
