//! `minikube addons`: what can be added to a cluster's own system.

use drydock_api::{Method, Request, Status};
use drydock_cluster::store::Kind;
use drydock_cluster::system;
use drydock_shell::Sys;
use drydock_value::Value;

/// An addon: its name, who maintains it, and the path of an object that is there while it is enabled.
struct Addon {
    name: &'static str,
    maintainer: &'static str,
    sign: &'static str,
}

const ADDONS: &[Addon] = &[
    Addon {
        name: "default-storageclass",
        maintainer: "Kubernetes",
        sign: "/apis/storage.k8s.io/v1/storageclasses/standard",
    },
    Addon {
        name: "ingress",
        maintainer: "Kubernetes",
        sign: "/apis/apps/v1/namespaces/ingress-nginx/deployments/ingress-nginx-controller",
    },
    Addon {
        name: "metrics-server",
        maintainer: "Kubernetes",
        sign: "/apis/apps/v1/namespaces/kube-system/deployments/metrics-server",
    },
    Addon {
        name: "storage-provisioner",
        maintainer: "minikube",
        sign: "/api/v1/namespaces/kube-system/pods/storage-provisioner",
    },
];

fn send(method: Method, path: &str, body: Option<&Value>, sys: &mut Sys<'_>) -> Result<Value, Status> {
    let mut request = Request::new(method, path);
    if let Some(body) = body {
        request = request.with_value(body.clone());
    }
    request.auth = super::super::files::administrator();
    sys.host().api().send(request).into_result()
}

/// Where an object is, or, without its name, where it is created.
fn path(object: &Value, named: bool) -> Option<String> {
    let info = Kind::of_object(object)?.info();
    let mut path = match info.group {
        "" => format!("/api/{}", info.version),
        group => format!("/apis/{group}/{}", info.version),
    };
    let metadata = &object["metadata"];
    if info.namespaced {
        path += &format!("/namespaces/{}", metadata["namespace"].str());
    }
    path += &format!("/{}", info.resource);
    if named {
        path += &format!("/{}", metadata["name"].str());
    }
    Some(path)
}

fn enabled(addon: &Addon, sys: &mut Sys<'_>) -> bool {
    send(Method::Get, addon.sign, None, sys).is_ok()
}

/// Runs the subcommand.
///
/// # Errors
/// What is printed when it fails.
pub(super) fn run(args: &[String], sys: &mut Sys<'_>) -> Result<String, String> {
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    match words.as_slice() {
        ["list"] => Ok(list(sys)),
        [verb @ ("enable" | "disable"), name] => {
            let Some(addon) = ADDONS.iter().find(|addon| addon.name == *name) else {
                return Err(format!(
                    "❌  Exiting due to MK_ADDON_NOT_FOUND: there is no addon \"{name}\" here; minikube addons list shows \
                     those that there are\n"
                ));
            };
            if *verb == "enable" { enable(addon, sys) } else { disable(addon, sys) }
        }
        _ => Err("Usage: minikube addons list | enable NAME | disable NAME\n".into()),
    }
}

fn list(sys: &mut Sys<'_>) -> String {
    let mut rows = vec![["ADDON NAME", "PROFILE", "STATUS", "MAINTAINER"].map(String::from).to_vec()];
    for addon in ADDONS {
        let status = if enabled(addon, sys) { "enabled ✅" } else { "disabled" };
        rows.push([addon.name, "minikube", status, addon.maintainer].map(String::from).to_vec());
    }
    super::table(&rows)
}

fn enable(addon: &Addon, sys: &mut Sys<'_>) -> Result<String, String> {
    let mut images = String::new();
    for object in system::objects(addon.name) {
        for container in object["spec"]["template"]["spec"]["containers"].items() {
            images += &format!("    ▪ Using image {}\n", container["image"].str());
        }
        let created = path(object, false).map(|path| send(Method::Post, &path, Some(object), sys));
        if let Some(Err(status)) = created.filter(|result| result.as_ref().is_err_and(|why| !why.is("AlreadyExists"))) {
            return Err(format!("❌  Exiting due to MK_ADDON_ENABLE: enable failed: {}\n", status.message));
        }
    }
    let name = addon.name;
    Ok(format!(
        "💡  {name} is an addon maintained by {}. For any concerns contact minikube on GitHub.\n{images}🌟  The '{name}' \
         addon is enabled\n",
        addon.maintainer
    ))
}

fn disable(addon: &Addon, sys: &mut Sys<'_>) -> Result<String, String> {
    for object in system::objects(addon.name).iter().rev() {
        let deleted = path(object, true).map(|path| send(Method::Delete, &path, None, sys));
        if let Some(Err(status)) = deleted.filter(|result| result.as_ref().is_err_and(|why| !why.is("NotFound"))) {
            return Err(format!("❌  Exiting due to MK_ADDON_DISABLE: disable failed: {}\n", status.message));
        }
    }
    Ok(format!("🌑  \"The '{}' addon is disabled\n", addon.name))
}
