//! `kubectl autoscale`: makes a horizontal pod autoscaler for an object that can be scaled.

use drydock_value::{Value, value};

use super::create::GENERATOR;
use super::{Outcome, acts};
use crate::builder::{self, Query};
use crate::change::printing::Printing;
use crate::change::{each, generate};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

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
        let created = generate::send(inv, io, object, dry_run)?;
        printing.typed(io, &created, "autoscaled")
    })?;
    if count == 0 {
        return Err("no objects passed to autoscale".into());
    }
    Ok(Outcome::Done)
}

/// What the flags say of how much is enough.
fn metrics(inv: &Invocation) -> Result<Vec<Value>, Failure> {
    let mut metrics = Vec::new();
    for resource in ["cpu", "memory"] {
        let amount = inv.flags.str(resource);
        if amount.is_empty() {
            continue;
        }
        let target = match amount.strip_suffix('%') {
            Some(percent) => {
                let percent = percent.parse::<u32>().ok().filter(|percent| *percent > 0);
                let percent = percent.ok_or_else(|| format!("invalid percentage value: {amount}"))?;
                value!({"type": "Utilization", "averageUtilization": percent})
            }
            None => value!({"type": "AverageValue", "averageValue": generate::quantity(amount)?}),
        };
        metrics.push(value!({"type": "Resource", "resource": {"name": resource, "target": target}}));
    }
    let percent = inv.flags.int("cpu-percent");
    if metrics.is_empty() && percent > 0 {
        let target = value!({"type": "Utilization", "averageUtilization": percent});
        metrics.push(value!({"type": "Resource", "resource": {"name": "cpu", "target": target}}));
    }
    Ok(metrics)
}
