//! `pods/binding`: how a scheduler assigns a pod to a node.

use drydock_api::Status;
use drydock_value::{Value, value};

use crate::admission::{self, Attributes, Operation};
use crate::kinds;
use crate::server::ApiServer;
use crate::verbs::{Cx, Part};

impl ApiServer {
    /// Sets a pod's node and its `PodScheduled` condition. `annotations` of the binding are copied to the pod.
    pub(crate) fn bind(
        &mut self,
        cx: &mut Cx,
        namespace: &str,
        name: &str,
        node: &str,
        annotations: &Value,
    ) -> Result<(), Status> {
        if admission::has_policies(self) {
            let binding = value!({
                "kind": "Binding", "apiVersion": "v1", "metadata": {"name": name, "namespace": namespace},
                "target": {"kind": "Node", "name": node}
            });
            let attributes = Attributes::new(Operation::Create, kinds::PODS, namespace, "binding");
            admission::connect(self, cx, &attributes, name, &binding)?;
        }
        let now = self.now.rfc3339();
        // Pods are told where their node is.
        let labels = self.get(kinds::NODES, "", node).map_or(Value::Null, |node| node["metadata"]["labels"].clone());
        let places: Vec<_> = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"]
            .into_iter()
            .filter_map(|label| labels.get(label).filter(|place| !place.is_null()).map(|place| (label, place.clone())))
            .collect();
        self.update(cx, kinds::PODS, namespace, name, Part::Binding, &mut |_, _, old| {
            let refuse = |why: String| Err(Status::conflict("", "pods/binding", name, &why));
            if !old["metadata"]["deletionTimestamp"].is_null() {
                return refuse(format!("pod {name} is being deleted, cannot be assigned to a host"));
            }
            let current = old["spec"]["nodeName"].str();
            if !current.is_empty() {
                return refuse(format!("pod {name} is already assigned to node {current:?}"));
            }
            if !old["spec"]["schedulingGates"].items().is_empty() {
                return refuse(format!("pod {name} has non-empty .spec.schedulingGates"));
            }
            let mut pod = old.clone();
            pod["spec"].set("nodeName", node);
            for (label, place) in &places {
                pod["metadata"]["labels"].set(*label, place.clone());
            }
            // It is there: nothing has to be promised to it any more.
            pod["status"].remove("nominatedNodeName");
            for (key, text) in annotations.entries() {
                pod["metadata"]["annotations"].set(key, text);
            }
            let scheduled = value!({
                "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": &now,
                "observedGeneration": old["metadata"]["generation"].int()
            });
            let conditions = &mut pod["status"]["conditions"];
            match conditions.items_mut().iter_mut().find(|condition| condition["type"] == "PodScheduled") {
                Some(condition) => *condition = scheduled,
                None => conditions.push(scheduled),
            }
            Ok(pod)
        })?;
        Ok(())
    }
}
