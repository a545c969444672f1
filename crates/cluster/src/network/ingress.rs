//! Where an ingress controller of the kind ingress-nginx leads a request, by the Ingresses that are its.

use std::net::Ipv4Addr;
use std::sync::Arc;

use drydock_sorted::Sort;
use drydock_value::Value;
use regex_lite::Regex;

use super::services::endpoints;
use crate::informers::Informers;
use crate::objects::{Key, Object};
use crate::store::kinds;

/// What an IngressClass names as its controller.
const CONTROLLER: &str = "k8s.io/ingress-nginx";
const ANNOTATIONS: &str = "nginx.ingress.kubernetes.io/";

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// No rule leads anywhere.
    NotFound,
    /// To the same by HTTPS.
    Secure,
    /// A service that has nobody to answer, by the name that the log has for it.
    Nobody(String),
    /// One of these, by the name of the service, with another path if the rule says so.
    To(String, Vec<(Ipv4Addr, u16)>, Option<String>),
}

/// Whether an Ingress is the controller's: by its class, or because it has none (`--watch-ingress-without-class`).
pub fn is_ours(informers: &Informers, ingress: &Object) -> bool {
    match (ingress["spec"]["ingressClassName"].str(), ingress.annotation("kubernetes.io/ingress.class")) {
        ("", "" | "nginx") => true,
        ("", _) => false,
        (class, _) => informers
            .find(kinds::INGRESS_CLASSES, "", class)
            .is_some_and(|class| class["spec"]["controller"] == CONTROLLER),
    }
}

/// How well a rule's host matches one that is asked for: not at all, as the one for all, by its wildcard, exactly.
fn host_rank(rule: &str, host: &str) -> Option<u8> {
    match rule {
        "" => Some(0),
        _ if rule.eq_ignore_ascii_case(host) => Some(2),
        _ => {
            let (label, rest) = host.split_once('.')?;
            let wild = rule.strip_prefix("*.")?;
            (!label.is_empty() && wild.eq_ignore_ascii_case(rest)).then_some(1)
        }
    }
}

/// How well a rule's path matches: the length, and an exact one before the others.
fn path_rank(rule: &Value, path: &str, by_regex: bool) -> Option<(bool, usize)> {
    let own = rule["path"].as_str().filter(|own| !own.is_empty()).unwrap_or("/");
    if by_regex {
        return Regex::new(&format!("(?i)^{own}")).ok()?.is_match(path).then_some((false, own.len()));
    }
    let matches = match rule["pathType"].str() {
        "Exact" => return (own == path).then_some((true, own.len())),
        "Prefix" => {
            let folder = own.trim_end_matches('/');
            path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        _ => path.starts_with(own),
    };
    matches.then_some((false, own.len()))
}

/// A service of a backend, with what leads there.
fn way_to(informers: &Informers, ingress: &Object, backend: &Value, path: Option<String>) -> Way {
    let service = &backend["service"];
    let key = Key::new(ingress.namespace(), service["name"].str());
    let (number, name) = (&service["port"]["number"], service["port"]["name"].str());
    let shown = number.as_i64().map_or_else(|| name.to_owned(), |number| number.to_string());
    let upstream = format!("{}-{}-{shown}", key.namespace, key.name);
    let found = informers.get(kinds::SERVICES, &key).and_then(|object| {
        let mut ports = object["spec"]["ports"].items().iter();
        ports.find(|port| if name.is_empty() { port["port"] == *number } else { port["name"] == name }).cloned()
    });
    let ends = found.map(|port| endpoints(informers, &key, port["name"].str())).unwrap_or_default();
    if ends.is_empty() { Way::Nobody(upstream) } else { Way::To(upstream, ends, path) }
}

/// Where a request for a path of a host goes.
pub fn route(informers: &Informers, host: &str, path: &str, secure: bool) -> Way {
    let host = host.split(':').next().unwrap_or(host);
    let mut ours: Vec<&Arc<Object>> = informers.all(kinds::INGRESSES).filter(|i| is_ours(informers, i)).collect();
    // Of two that say the same, the older counts.
    ours.sort_compact_by(|a, b| {
        let age = |ingress: &Object| ingress["metadata"]["creationTimestamp"].str().to_owned();
        age(a).cmp(&age(b)).then_with(|| a.key.cmp(&b.key))
    });
    let rules =
        || ours.iter().flat_map(|ingress| ingress["spec"]["rules"].items().iter().map(move |rule| (*ingress, rule)));
    let default = |ingress: &Arc<Object>| way_to(informers, ingress, &ingress["spec"]["defaultBackend"], None);
    let named = |name: &str| format!("{ANNOTATIONS}{name}");
    let (rewrite, regex, redirect) = (named("rewrite-target"), named("use-regex"), named("ssl-redirect"));
    let server = rules().filter_map(|(_, rule)| host_rank(rule["host"].str(), host)).max();
    let here = || rules().filter(|(_, rule)| server.is_some() && host_rank(rule["host"].str(), host) == server);
    // One rule with a regular expression makes all paths of its host such.
    let by_regex =
        here().any(|(ingress, _)| !ingress.annotation(&rewrite).is_empty() || ingress.annotation(&regex) == "true");
    let mut best: Option<((bool, usize), &Arc<Object>, &Value)> = None;
    for (ingress, rule) in here() {
        for entry in rule["http"]["paths"].items() {
            if let Some(rank) = path_rank(entry, path, by_regex)
                && best.as_ref().is_none_or(|(known, ..)| rank > *known)
            {
                best = Some((rank, ingress, entry));
            }
        }
    }
    let asks_tls = |ingress: &Object| {
        let hosts = ingress["spec"]["tls"].items().iter().flat_map(|tls| tls["hosts"].items());
        hosts.filter_map(Value::as_str).any(|own| host_rank(own, host).is_some_and(|rank| rank > 0))
            && ingress.annotation(&redirect) != "false"
    };
    if let Some((_, ingress, entry)) = best {
        let target = ingress.annotation(&rewrite);
        let own = entry["path"].as_str().unwrap_or("/");
        // What matches anywhere is written anew as a whole.
        let rewritten = || {
            let mut out = String::new();
            Regex::new(&format!("(?i){own}")).ok()?.captures(path)?.expand(&braced(target), &mut out);
            Some(out)
        };
        let path = if target.is_empty() { None } else { rewritten() };
        return match !secure && asks_tls(ingress) {
            true => Way::Secure,
            false => way_to(informers, ingress, &entry["backend"], path),
        };
    }
    // A host's own default, else that of one without rules.
    let of_host = here().map(|(ingress, _)| ingress).find(|ingress| !ingress["spec"]["defaultBackend"].is_null());
    let of_all = ours.iter().find(|i| !i["spec"]["defaultBackend"].is_null() && i["spec"]["rules"].is_empty());
    of_host.or_else(|| of_all.copied().filter(|_| server.is_none_or(|rank| rank == 0))).map_or(Way::NotFound, default)
}

/// nginx' `$1` as the expressions here have it.
fn braced(target: &str) -> String {
    let mut out = String::new();
    let mut chars = target.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(digit) if c == '$' && digit.is_ascii_digit() => {
                out.push_str(&format!("${{{digit}}}"));
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn hosts_match_exactly_or_by_one_label() {
        for (rule, host, rank) in [
            ("", "a.b", Some(0)),
            ("a.b", "A.b", Some(2)),
            ("*.b", "a.b", Some(1)),
            ("*.b", "x.a.b", None),
            ("*.b", "b", None),
            ("a.b", "b", None),
        ] {
            assert_eq!(host_rank(rule, host), rank, "{rule} {host}");
        }
    }

    #[test]
    fn paths_match_by_their_type() {
        for (kind, own, path, matches) in [
            ("Exact", "/a", "/a", true),
            ("Exact", "/a", "/a/", false),
            ("Prefix", "/a", "/a/b", true),
            ("Prefix", "/a/", "/a", true),
            ("Prefix", "/a", "/ab", false),
            ("Prefix", "/", "/ab", true),
            ("ImplementationSpecific", "/a", "/ab", true),
        ] {
            let rule = value!({"path": own, "pathType": kind});
            assert_eq!(path_rank(&rule, path, false).is_some(), matches, "{kind} {own} {path}");
        }
        assert_eq!(braced("/$2$x"), "/${2}$x");
    }
}
