//! `kubectl create deployment`

use drydock_value::{Value, value};

use crate::change::generate;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Runs it.
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let command = generate::command(inv);
    let images = inv.flags.list("image");
    if images.len() > 1 && !command.is_empty() {
        return Err("cannot specify multiple --image options and command".into());
    }
    let mut containers = Vec::new();
    for image in &images {
        let mut name = container_name(image);
        // Names of containers know neither dots nor underscores: another name has something by chance.
        if name.contains(['.', '_']) {
            name = format!("{}-{}", name.replace(['.', '_'], "-"), generate::random_name(io));
        }
        containers.push(value!({"name": name, "image": image, "resources": {}}));
    }
    if let Some(first) = containers.first_mut() {
        if !command.is_empty() {
            first.set("command", command);
        }
        let port = inv.flags.int("port");
        if port >= 0 {
            first.set("ports", value!([{"containerPort": port}]));
        }
    }
    let labels = value!({"app": &name});
    let mut object = value!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": &name, "labels": &labels},
        "spec": {
            "replicas": inv.flags.int("replicas"), "selector": {"matchLabels": &labels}, "strategy": {},
            "template": {"metadata": {"labels": &labels}, "spec": {"containers": (Value::from(containers))}}
        },
        "status": {}
    });
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "failed to create deployment:")?;
    Ok(Outcome::Done)
}

/// What a container is called after its image: the last part of the path, without tag and digest.
fn container_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    let bare = last.split(['@', ':']).next().unwrap_or(last);
    bare.to_owned()
}

#[cfg(test)]
mod tests {
    use super::container_name;

    #[test]
    fn containers_are_called_after_their_image() {
        for (image, name) in [
            ("nginx", "nginx"),
            ("nginx:1.27", "nginx"),
            ("reg.example.com:5000/team/app@sha256:00", "app"),
            ("my_app.web:1", "my_app.web"),
        ] {
            assert_eq!(container_name(image), name);
        }
    }
}
