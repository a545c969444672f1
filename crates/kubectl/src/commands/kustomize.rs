//! `kubectl kustomize`: prints what a folder's kustomization makes.

use super::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::kustomize;

/// The flags that it acts on: all. Those of container functions and charts say how to run what is refused itself.
pub const FLAGS: &[&[&str]] = &[super::acts::EVERY];

/// `kubectl kustomize`
///
/// # Errors
/// kustomize's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let path = match inv.args.as_slice() {
        [] => ".",
        [path] => path.as_str(),
        _ => return Err("specify one path to kustomization.yaml".into()),
    };
    let unrestricted = match inv.flags.str("load-restrictor") {
        "LoadRestrictionsRootOnly" => false,
        "LoadRestrictionsNone" => true,
        other => return Err(format!("illegal flag value --load-restrictor {other}; legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]").into()),
    };
    let log = crate::verbose::klog(io, 'I', "log.go:244");
    let how = [unrestricted, inv.flags.bool("enable-helm")];
    let (warnings, built) = kustomize::build(path, how, &log, &inv.env, io.files);
    warnings.iter().for_each(|line| io.eprintln(line));
    let objects = built?;
    let output = inv.flags.str("output");
    if output.is_empty() {
        io.print(kustomize::to_yaml(&objects));
        return Ok(Outcome::Done);
    }
    let target = inv.env.absolute(output);
    if !io.files.is_dir(&target) {
        io.files
            .write(&target, kustomize::to_yaml(&objects).as_bytes())
            .map_err(|errno| format!("open {output}: {errno}"))?;
        return Ok(Outcome::Done);
    }
    // Into a folder: a file for each object.
    for object in &objects {
        let (version, kind) = (object["apiVersion"].str().replace('/', "_"), object["kind"].str());
        let (name, namespace) = (object["metadata"]["name"].str(), object["metadata"]["namespace"].str());
        let namespace = if namespace.is_empty() { String::new() } else { format!("{namespace}_") };
        let file = format!("{target}/{}", format!("{namespace}{version}_{kind}_{name}.yaml").to_lowercase());
        io.files
            .write(&file, drydock_yaml::to_yaml(object).as_bytes())
            .map_err(|errno| format!("open {file}: {errno}"))?;
    }
    Ok(Outcome::Done)
}
