//! `minikube tunnel`: while it runs, a service of type LoadBalancer has its own cluster address for an external one, and
//! the workstation reaches it there.

use std::time::Duration;

use drydock_api::{Method, Request, Status};
use drydock_shell::{Step, Sys, Wait};
use drydock_value::{Value, value};

use super::machines;

/// How often it looks for services.
const PERIOD: Duration = Duration::from_secs(5);

/// A tunnel.
#[derive(Debug, Clone, Default)]
pub(super) struct Tunnel {
    /// What was last told.
    told: String,
    closing: bool,
}

impl Tunnel {
    /// Asks it to end.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// One look at the services.
    pub fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let services = balance(!self.closing, sys);
        if self.closing {
            return Step::Exit(0);
        }
        let (services, trouble) = match services {
            Ok(names) => (names.join(", "), None),
            Err(status) => (String::new(), Some(status.message.clone())),
        };
        let machines = machines(sys);
        let [name, address, host, _] = machines.nodes.into_iter().next().unwrap_or_default();
        let told = format!(
            "Status:\t\n\tmachine: {name}\n\tpid: {}\n\troute: 10.96.0.0/12 -> {address}\n\tminikube: {host}\n\tservices: \
             [{services}]\n    errors: \n\t\tminikube: no errors\n\t\trouter: no errors\n\t\tloadbalancer emulator: {}\n",
            sys.pid(),
            trouble.as_deref().unwrap_or("no errors")
        );
        if told != self.told {
            sys.print(&told);
            self.told = told;
        }
        Wait::until(sys.now() + PERIOD).into()
    }
}

fn send(mut request: Request, sys: &mut Sys<'_>) -> Result<Value, Status> {
    request.auth = super::super::files::administrator();
    sys.host().api().send(request).into_result()
}

/// Gives every service of type LoadBalancer its own address outside, or takes it away again. Returns their names.
fn balance(open: bool, sys: &mut Sys<'_>) -> Result<Vec<String>, Status> {
    let list = send(Request::get("/api/v1/services"), sys)?;
    let mut names = Vec::new();
    for service in list["items"].items().iter().filter(|service| service["spec"]["type"] == "LoadBalancer") {
        let (metadata, ip) = (&service["metadata"], &service["spec"]["clusterIP"]);
        let has = &service["status"]["loadBalancer"]["ingress"];
        let same = has.items().len() == 1 && has[0]["ip"] == *ip;
        if same != open {
            let path = format!(
                "/api/v1/namespaces/{}/services/{}/status",
                metadata["namespace"].str(),
                metadata["name"].str()
            );
            let ingress = if open { value!([{"ip": ip}]) } else { Value::default() };
            let patch = value!({"status": {"loadBalancer": {"ingress": ingress}}});
            let request = Request::new(Method::Patch, path).header("content-type", "application/merge-patch+json");
            send(request.with_value(patch), sys)?;
        }
        names.push(metadata["name"].str().to_owned());
    }
    Ok(names)
}
