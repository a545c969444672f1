//! `minikube service`: where a service is reached from outside.

use drydock_shell::Sys;
use drydock_value::Value;

use super::{address, get, table};

/// Runs the subcommand.
///
/// # Errors
/// What is printed when it fails.
pub(super) fn run(args: &[String], sys: &mut Sys<'_>) -> Result<String, String> {
    let (mut namespace, mut bare, mut all) = ("default".to_owned(), false, false);
    let mut names = Vec::new();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-n" | "--namespace" => namespace = words.next().cloned().unwrap_or_default(),
            "--url" => bare = true,
            "--all" => all = true,
            word if word.starts_with("--namespace=") => namespace = word["--namespace=".len()..].to_owned(),
            word if word.starts_with('-') => return Err(format!("Error: unknown flag: {word}\n")),
            word => names.push(word.to_owned()),
        }
    }
    if names.first().is_some_and(|name| name == "list") {
        let within = args.iter().any(|word| word.starts_with("-n") || word.starts_with("--namespace"));
        let path = if within { format!("/api/v1/namespaces/{namespace}/services") } else { "/api/v1/services".into() };
        let list = get(&path, sys)?;
        return framed(list["items"].items(), sys);
    }
    let services = if all {
        get(&format!("/api/v1/namespaces/{namespace}/services"), sys)?["items"].items().to_vec()
    } else if names.is_empty() {
        return Err("❌  Exiting due to MK_USAGE: You must specify service name(s) or --all\n".into());
    } else {
        let one = |name: String| {
            get(&format!("/api/v1/namespaces/{namespace}/services/{name}"), sys).map_err(|_| {
                format!(
                    "❌  Exiting due to SVC_NOT_FOUND: Service '{name}' was not found in '{namespace}' namespace.\nYou may \
                     select another namespace by using 'minikube service {name} -n <namespace>'. Or list out all the \
                     services using 'minikube service list'\n"
                )
            })
        };
        names.into_iter().map(one).collect::<Result<Vec<Value>, String>>()?
    };
    let mut text = if bare { String::new() } else { framed(&services, sys)? };
    for service in &services {
        let name = service["metadata"]["name"].str();
        let urls = urls(service, sys)?;
        if urls.is_empty() {
            text += &format!("😿  service {namespace}/{name} has no node port\n");
        } else if bare {
            text.extend(urls.iter().map(|(_, url)| format!("{url}\n")));
        } else {
            text += &format!("🎉  Opening service {namespace}/{name} in default browser...\n");
            text.extend(urls.iter().map(|(_, url)| format!("👉  {url}\n")));
        }
    }
    Ok(text)
}

/// The ports of a service that are open on the nodes: how they are called, and where they are.
fn urls(service: &Value, sys: &mut Sys<'_>) -> Result<Vec<(String, String)>, String> {
    let address = address(sys)?;
    let ports = service["spec"]["ports"].items().iter();
    let url = |port: &Value| {
        let open = port["nodePort"].as_i64()?;
        let name = match port["name"].str() {
            "" => port["port"].int().to_string(),
            name => format!("{name}/{}", port["port"].int()),
        };
        Some((name, format!("http://{address}:{open}")))
    };
    Ok(ports.filter_map(url).collect())
}

fn framed(services: &[Value], sys: &mut Sys<'_>) -> Result<String, String> {
    let mut rows = vec![["NAMESPACE", "NAME", "TARGET PORT", "URL"].map(String::from).to_vec()];
    for service in services {
        let urls = urls(service, sys)?;
        let none = [("No node port".to_owned(), String::new())];
        // What stands for a service is said once, for its first port.
        for (at, (port, url)) in if urls.is_empty() { &none[..] } else { &urls }.iter().enumerate() {
            let field = |name: &str| if at == 0 { service["metadata"][name].str().to_owned() } else { String::new() };
            rows.push(vec![field("namespace"), field("name"), port.clone(), url.clone()]);
        }
    }
    Ok(table(&rows))
}
