//! `kubectl set image`

use super::{Setting, unfit};
use crate::change::{pairs, podspec};
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::PRINT, acts::FILES, acts::WRITE, acts::NONE, &["all", "local", "selector"]];

/// `kubectl set image`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let mut setting = Setting::new(inv, io, "image updated", "failed to patch image update to pod template:")?;
    let (resources, images) = pairs::split(&inv.args, "image")?;
    let images = pairs::parse(&images, "image", false)?.set;
    let infos = setting.find(inv, io, &resources)?;
    if images.is_empty() {
        return Err("at least one image update is required".into());
    }
    if images.len() > 1 && images.iter().any(|(name, _)| name == "*") {
        return Err(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs"
                .into(),
        );
    }
    let mut failures = Vec::new();
    for info in &infos {
        let mut changed = info.object.clone();
        let spec = match podspec::of(&mut changed) {
            Ok(spec) => spec,
            Err(why) => {
                failures.push(unfit(inv, info, &why));
                continue;
            }
        };
        for (name, image) in &images {
            let mut found = 0;
            for list in ["containers", "initContainers"] {
                found += podspec::each_container(spec, list, name, |container| container.set("image", image));
            }
            if found == 0 {
                failures.push(format!("error: unable to find container named {name:?}").into());
            }
        }
        if let Err(failure) = setting.apply(inv, io, info, &changed) {
            failures.push(failure);
        }
    }
    Failure::all(failures)?;
    Ok(Outcome::Done)
}
