//! Namespaces, with the quotas and limits in them.

use drydock_sorted::Sort;
use drydock_value::Value;

use super::context::{Context, core};
use super::format::{heading, rfc1123, strings};
use super::resources::canonical;
use super::{Described, writer::Writer};
use crate::failure::Failure;

const LIMITS: &str = "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio";
const LIMITS_RULE: &str = "----\t--------\t---\t---\t---------------\t-------------\t-----------------------";

/// Describes a namespace.
pub fn namespace(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let name = object["metadata"]["name"].str();
    let quotas = present(ctx.list(&core("resourcequotas"), name, &[]))?;
    let limits = present(ctx.list(&core("limitranges"), name, &[]))?;
    heading(w, object, false);
    w.field(0, "Status", object["status"]["phase"].str());
    long_conditions(w, &object["status"]["conditions"]);
    if let Some(mut quotas) = quotas {
        w.line(0, "");
        quotas.sort_compact_by(|a, b| a["metadata"]["name"].str().cmp(b["metadata"]["name"].str()));
        w.line(0, if quotas.is_empty() { "No resource quota." } else { "Resource Quotas" });
        for quota in &quotas {
            w.field(1, "Name", quota["metadata"]["name"].str());
            scopes(w, quota, 1, "* ");
            w.line(1, "Resource\tUsed\tHard");
            w.line(1, "--------\t---\t---");
            used_and_hard(w, quota, 1);
        }
    }
    if let Some(limits) = limits {
        w.line(0, "");
        if limits.is_empty() {
            w.line(0, "No LimitRange resource.");
        } else {
            w.line(0, &format!("Resource Limits\n {LIMITS}"));
            w.line(0, &format!(" {LIMITS_RULE}"));
        }
        for range in &limits {
            limit_rows(w, range, " ");
        }
    }
    Ok(())
}

/// A server without the resource has none to show.
fn present(list: Result<Vec<Value>, Failure>) -> Result<Option<Vec<Value>>, Failure> {
    match list {
        Err(error) if error.is("NotFound") => Ok(None),
        list => list.map(Some),
    }
}

/// Conditions with the times of their last transition.
pub fn long_conditions(w: &mut Writer, conditions: &Value) {
    if conditions.items().is_empty() {
        return;
    }
    w.line(0, "Conditions:");
    w.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage");
    w.line(1, "----\t------\t------------------\t------\t-------");
    for condition in conditions.items() {
        let (kind, status) = (condition["type"].str(), condition["status"].str());
        let (reason, message) = (condition["reason"].str(), condition["message"].str());
        let time = rfc1123(&condition["lastTransitionTime"]);
        w.line(1, &format!("{kind}\t{status}\t{time}\t{reason}\t{message}"));
    }
}

fn scopes(w: &mut Writer, quota: &Value, level: usize, bullet: &str) {
    let mut scopes = strings(&quota["spec"]["scopes"]);
    if scopes.is_empty() {
        return;
    }
    scopes.sort_compact();
    w.field(level, "Scopes", &scopes.join(", "));
    for scope in &scopes {
        let help = match scope.as_str() {
            "Terminating" => {
                "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before \
                 being actively terminated by the system."
            }
            "NotTerminating" => {
                "Matches all pods that do not have an active deadline. These pods usually include long running pods \
                 whose container command is not expected to terminate."
            }
            "BestEffort" => {
                "Matches all pods that do not have resource requirements set. These pods have a best effort quality \
                 of service."
            }
            "NotBestEffort" => {
                "Matches all pods that have at least one resource requirement set. These pods have a burstable or \
                 guaranteed quality of service."
            }
            _ => continue,
        };
        w.line(level, &format!("{bullet}{help}"));
    }
}

fn used_and_hard(w: &mut Writer, quota: &Value, level: usize) {
    let status = &quota["status"];
    for (resource, hard) in status["hard"].entries() {
        let used = match &status["used"][resource] {
            Value::Null => "0".to_owned(),
            used => canonical(used),
        };
        w.line(level, &format!("{resource}\t{used}\t{}", canonical(hard)));
    }
}

/// Describes a resource quota.
pub fn quota(w: &mut Writer, object: &Value, _: &mut Context) -> Described {
    w.field(0, "Name", object["metadata"]["name"].str());
    w.field(0, "Namespace", object["metadata"]["namespace"].str());
    scopes(w, object, 0, " * ");
    w.line(0, "Resource\tUsed\tHard");
    w.line(0, "--------\t----\t----");
    used_and_hard(w, object, 0);
    Ok(())
}

/// Describes a limit range.
pub fn limit_range(w: &mut Writer, object: &Value, _: &mut Context) -> Described {
    w.field(0, "Name", object["metadata"]["name"].str());
    w.field(0, "Namespace", object["metadata"]["namespace"].str());
    w.line(0, LIMITS);
    w.line(0, LIMITS_RULE);
    limit_rows(w, object, "");
    Ok(())
}

fn limit_rows(w: &mut Writer, range: &Value, prefix: &str) {
    const LISTS: [&str; 5] = ["min", "max", "defaultRequest", "default", "maxLimitRequestRatio"];
    for item in range["spec"]["limits"].items() {
        let mut resources: Vec<&str> =
            LISTS.iter().flat_map(|list| item[*list].entries()).map(|(name, _)| name).collect();
        resources.sort_compact();
        resources.dedup();
        for resource in resources {
            let mut row = format!("{prefix}{}\t{resource}", item["type"].str());
            for list in LISTS {
                let amount = item[list].get(resource).map_or("-".into(), canonical);
                row.push_str(&format!("\t{amount}"));
            }
            w.line(0, &row);
        }
    }
}
