//! `kubectl autoscale`: makes a horizontal pod autoscaler for an object that can be scaled.

use drydock_value::{Value, value};

use super::create::GENERATOR;
use super::{Outcome, acts};
use crate::builder::{self, Query};
use crate::change::printing::Printing;
use crate::change::{each, generate};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::WRITE,
    acts::NONE,
    GENERATOR,
    &["cpu", "cpu-percent", "max", "memory", "min", "name"],
];

/// `kubectl autoscale`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    let mut printing = Printing::new(inv, io, dry_run)?;
    let (min, max) = (inv.flags.int("min"), inv.flags.int("max"));
    if max < 1 {
        return Err(format!("--max=MAXPODS is required and must be at least 1, max: {max}").into());
    }
    if max < min {
        let words = "--max=MAXPODS must be larger or equal to --min=MINPODS";
        return Err(format!("{words}, max: {max}, min: {min}").into());
    }
    let metrics = metrics(inv)?;
    let args = inv.args.clone();
    let query = Query::new(inv, io, &args)?;
    let found = builder::find(&query, inv, io)?;
    let mut count = 0;
    each(found, |info| {
        count += 1;
        if !info.resource.subresources.iter().any(|sub| sub.name == "scale") {
            let id = &info.resource.id;
            return Err(format!(
                "cannot autoscale a {}: could not find scale subresource for {}/{}, Resource={} in discovery information",
                info.resource.kind, id.group, id.version, id.resource
            )
            .into());
        }
        let name = inv.flags.non_empty("name").unwrap_or(&info.name).to_owned();
        let gvk = info.resource.gvk();
        let mut object = value!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
            "spec": {
                "maxReplicas": max,
                "scaleTargetRef": {
                    "apiVersion": gvk.group_version().to_string(), "kind": gvk.kind, "name": &info.name
                }
            },
            "status": {"currentMetrics": null, "desiredReplicas": 0}
        });
        if min > 0 {
            object["spec"].set("minReplicas", min);
        }
        if !metrics.is_empty() {
            object["spec"].set("metrics", metrics.clone());
        }
        generate::in_namespace(inv, io, &mut object)?;
        if dry_run == DryRun::Client {
            return printing.typed(io, &object, "created");
        }
        let created = match generate::send(inv, io, object.clone(), dry_run) {
            Ok(created) => created,
            Err(_) => generate::send(inv, io, oldest(inv, object)?, dry_run)?,
        };
        printing.typed(io, &created, "autoscaled")
    })?;
    if count == 0 {
        return Err("no objects passed to autoscale".into());
    }
    Ok(Outcome::Done)
}

/// The autoscaler in autoscaling/v1, which kubectl tries when v2 is refused, for whatever reason.
fn oldest(inv: &Invocation, mut object: Value) -> Result<Value, Failure> {
    let words = "failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1:";
    let target = target("cpu", inv.flags.str("cpu")).map_err(|failure| format!("{words} {}", failure.words()))?;
    if !inv.flags.str("memory").is_empty() || target["type"] != "Utilization" {
        return Err(format!("{words} %!w(<nil>)").into());
    }
    object.set("apiVersion", "autoscaling/v1");
    object["spec"].remove("metrics");
    object.remove("status");
    Ok(object)
}

/// What the flags say of how much is enough.
fn metrics(inv: &Invocation) -> Result<Vec<Value>, Failure> {
    let metric =
        |resource: &str, target: Value| value!({"type": "Resource", "resource": {"name": resource, "target": target}});
    let percent = inv.flags.int("cpu-percent");
    if percent > 0 && !inv.flags.str("cpu").is_empty() {
        return Err("--cpu-percent and --cpu are mutually exclusive".into());
    }
    let mut metrics = Vec::new();
    if percent > 0 {
        metrics.push(metric("cpu", value!({"type": "Utilization", "averageUtilization": percent})));
    }
    for resource in ["cpu", "memory"] {
        if let Some(amount) = inv.flags.non_empty(resource) {
            metrics.push(metric(resource, target(resource, amount)?));
        }
    }
    Ok(metrics)
}

/// Reads `70%`, `500m`, or a bare number, which stands for thousandths of CPUs and for MiB.
fn target(resource: &str, amount: &str) -> Result<Value, Failure> {
    let amount = amount.trim();
    if amount.is_empty() {
        return Err("empty input".into());
    }
    if let Some(percent) = amount.strip_suffix('%') {
        let parsed = percent.parse::<i32>().ok().filter(|percent| *percent >= 0);
        let percent = parsed.ok_or_else(|| format!("invalid percentage value: {percent}"))?;
        return Ok(value!({"type": "Utilization", "averageUtilization": percent}));
    }
    let quantity = match amount.parse::<f64>() {
        Ok(number) => generate::quantity(&format!("{number}{}", if resource == "cpu" { "m" } else { "Mi" }))?,
        Err(_) => generate::quantity(amount).map_err(|_| format!("invalid resource {resource} value: {amount}"))?,
    };
    Ok(value!({"type": "AverageValue", "averageValue": quantity}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_percentages_quantities_or_bare_numbers() {
        let cases = [
            ("cpu", "70%", Ok(r#"{"averageUtilization":70,"type":"Utilization"}"#)),
            ("cpu", "5", Ok(r#"{"averageValue":"5m","type":"AverageValue"}"#)),
            ("memory", "200", Ok(r#"{"averageValue":"200Mi","type":"AverageValue"}"#)),
            ("memory", "1Gi", Ok(r#"{"averageValue":"1Gi","type":"AverageValue"}"#)),
            ("cpu", "x", Err("invalid resource cpu value: x")),
            ("cpu", "x%", Err("invalid percentage value: x")),
        ];
        for (resource, amount, wanted) in cases {
            let got = target(resource, amount).map(|target| target.to_string()).map_err(|failure| failure.words());
            assert_eq!(got, wanted.map(str::to_owned).map_err(str::to_owned));
        }
    }
}
