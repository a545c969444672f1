//! DaemonSets, StatefulSets, Jobs, budgets, quotas and volumes.

use drydock_sorted::Sort;
use drydock_value::value;

use super::*;
use crate::controllers::common::status_int;
use crate::store::Propagation;

pub(super) fn names(world: &World, kind: Kind) -> Vec<String> {
    world.list(kind).iter().map(|object| object["metadata"]["name"].str().to_owned()).collect()
}

fn template(app: &str, image: &str) -> Value {
    value!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "c", "image": image}]}})
}

fn daemon_set() -> Value {
    value!({
        "metadata": {"name": "agent"},
        "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": template("agent", "nginx:1.27")}
    })
}

fn stateful_set(replicas: i64) -> Value {
    value!({
        "metadata": {"name": "db"},
        "spec": {
            "serviceName": "db", "replicas": replicas,
            "selector": {"matchLabels": {"app": "db"}}, "template": template("db", "redis:7"),
            "volumeClaimTemplates": [{
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Mi"}}}
            }]
        }
    })
}

pub(super) fn job(name: &str, spec: Value, exit: Option<&str>) -> Value {
    let mut job = value!({
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}}}
    });
    for (field, part) in spec.entries() {
        job["spec"].set(field, part);
    }
    if let Some(code) = exit {
        job["spec"]["template"]["metadata"].set("annotations", value!({"hollow/exit": code}));
    }
    job
}

fn conditions(object: &Value) -> Vec<String> {
    object["status"]["conditions"]
        .items()
        .iter()
        .map(|c| format!("{}={} {}: {}", c["type"].str(), c["status"].str(), c["reason"].str(), c["message"].str()))
        .collect()
}

#[test]
fn a_daemon_set_has_a_pod_on_every_node_and_rolls() {
    let mut world = World::new(3);
    world.create(kinds::DAEMON_SETS, daemon_set());
    world.run(4.0);
    let set = world.get(kinds::DAEMON_SETS, "agent");
    for field in
        ["desiredNumberScheduled", "currentNumberScheduled", "numberReady", "numberAvailable", "updatedNumberScheduled"]
    {
        assert_eq!(status_int(&set, field), 3, "{field}");
    }
    world.patch(
        kinds::DAEMON_SETS,
        "agent",
        value!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:1.28"}]}}}}),
    );
    world.watch(12.0, |cluster| {
        let ready = cluster.api_ref().objects(kinds::PODS, "default").filter(|pod| {
            pod["metadata"]["deletionTimestamp"].is_null()
                && pod["status"]["conditions"].find("type", "Ready").is_some_and(|c| c["status"] == "True")
        });
        assert!(ready.count() >= 2);
    });
    let set = world.get(kinds::DAEMON_SETS, "agent");
    assert_eq!(status_int(&set, "updatedNumberScheduled"), 3);
    assert_eq!(status_int(&set, "numberAvailable"), 3);
    let revisions = world.list(kinds::CONTROLLER_REVISIONS);
    let mut numbers: Vec<i64> = revisions.iter().map(|revision| revision["revision"].int()).collect();
    numbers.sort_compact();
    assert_eq!(numbers, [1, 2]);
    world.patch(kinds::DAEMON_SETS, "agent", value!({"spec": {"template": {"spec": {"nodeSelector": {"a": "b"}}}}}));
    world.run(5.0);
    assert!(world.list(kinds::PODS).is_empty());
}

#[test]
fn a_stateful_set_keeps_order_and_claims() {
    let mut world = World::new(2);
    world.create(
        kinds::STORAGE_CLASSES,
        value!({"metadata": {"name": "fast"}, "provisioner": "kubernetes.io/host-path"}),
    );
    let mut set = stateful_set(3);
    set["spec"]["volumeClaimTemplates"][0]["spec"].set("storageClassName", "fast");
    world.create(kinds::STATEFUL_SETS, set);
    world.watch(12.0, |cluster| {
        let pods: Vec<&Value> = cluster.api_ref().objects(kinds::PODS, "default").collect();
        for pair in pods.windows(2) {
            let ready = pair[0]["status"]["conditions"].find("type", "Ready").is_some_and(|c| c["status"] == "True");
            assert!(ready, "{} before {}", pair[0]["metadata"]["name"].str(), pair[1]["metadata"]["name"].str());
        }
    });
    assert_eq!(names(&world, kinds::PODS), ["db-0", "db-1", "db-2"]);
    assert_eq!(names(&world, kinds::PERSISTENT_VOLUME_CLAIMS), ["data-db-0", "data-db-1", "data-db-2"]);
    assert_eq!(world.get(kinds::PERSISTENT_VOLUME_CLAIMS, "data-db-1")["status"]["phase"], "Bound");
    let set = world.get(kinds::STATEFUL_SETS, "db");
    for field in ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"] {
        assert_eq!(status_int(&set, field), 3, "{field}");
    }
    let events = world.events("db");
    assert_eq!(events[0], "Normal SuccessfulCreate: Create Claim data-db-0 Pod db-0 in StatefulSet db success");
    assert_eq!(events[1], "Normal SuccessfulCreate: Create Pod db-0 in StatefulSet db successful");
    // From the last to the first, one at a time.
    world.patch(
        kinds::STATEFUL_SETS,
        "db",
        value!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "redis:8"}]}}}}),
    );
    let mut order: Vec<String> = Vec::new();
    world.watch(15.0, |cluster| {
        for pod in cluster.api_ref().objects(kinds::PODS, "default") {
            let name = pod["metadata"]["name"].str().to_owned();
            if pod["spec"]["containers"][0]["image"] == "redis:8" && !order.contains(&name) {
                order.push(name);
            }
        }
    });
    assert_eq!(order, ["db-2", "db-1", "db-0"]);
    let set = world.get(kinds::STATEFUL_SETS, "db");
    assert_eq!(set["status"]["currentRevision"], set["status"]["updateRevision"]);
    world.patch(kinds::STATEFUL_SETS, "db", value!({"spec": {"replicas": 1}}));
    world.run(6.0);
    assert_eq!(names(&world, kinds::PODS), ["db-0"]);
    assert_eq!(names(&world, kinds::PERSISTENT_VOLUME_CLAIMS).len(), 3);
}

#[test]
fn a_stateful_set_waits_for_its_unwell_pods_to_get_smaller() {
    let mut world = World::new(2);
    let mut set = stateful_set(3);
    set["spec"].remove("volumeClaimTemplates");
    world.create(kinds::STATEFUL_SETS, set);
    world.run(12.0);
    let ready = |world: &mut World, pods: &[&str], state: &str| {
        let now = world.cluster.now();
        let patch = value!({"status": {"conditions": [{"type": "Ready", "status": state}]}});
        for pod in pods {
            let mut client = crate::store::client(world.cluster.api(), USER, now);
            client.patch(kinds::PODS, "default", pod, PatchType::Strategic, &patch, "status").expect("patched");
        }
    };
    ready(&mut world, &["db-0", "db-1", "db-2"], "False");
    world.run(1.0);
    world.patch(kinds::STATEFUL_SETS, "db", value!({"spec": {"replicas": 0}}));
    world.run(10.0);
    assert_eq!(names(&world, kinds::PODS), ["db-0", "db-1", "db-2"]);
    // The lowest that is unwell may go, once those above it have.
    ready(&mut world, &["db-1", "db-2"], "True");
    world.run(10.0);
    assert!(names(&world, kinds::PODS).is_empty());
}

#[test]
fn a_job_takes_pods_in_and_holds_on_to_them() {
    let mut world = World::new(1);
    let mut lost = pod("lost");
    lost["metadata"].set("labels", value!({"app": "x"}));
    world.create(kinds::PODS, lost);
    let mut taker = job("taker", value!({"manualSelector": true, "selector": {"matchLabels": {"app": "x"}}}), None);
    taker["spec"]["template"].set("metadata", value!({"labels": {"app": "x"}}));
    world.create(kinds::JOBS, taker);
    world.run(3.0);
    let metadata = world.get(kinds::PODS, "lost")["metadata"].clone();
    assert_eq!(metadata["ownerReferences"][0]["name"], "taker");
    assert_eq!(metadata["finalizers"].to_string(), r#"["batch.kubernetes.io/job-tracking"]"#);
    world.patch(kinds::PODS, "lost", value!({"metadata": {"labels": {"app": "y"}}}));
    world.run(3.0);
    let metadata = world.get(kinds::PODS, "lost")["metadata"].clone();
    assert!(metadata["ownerReferences"].is_null() && metadata["finalizers"].is_null(), "{metadata}");
}

#[test]
fn a_job_completes() {
    let mut world = World::new(2);
    world.create(kinds::JOBS, job("many", value!({"completions": 3, "parallelism": 2}), Some("0")));
    world.run(12.0);
    let done = world.get(kinds::JOBS, "many");
    assert_eq!(
        conditions(&done),
        [
            "SuccessCriteriaMet=True CompletionsReached: Reached expected number of succeeded pods",
            "Complete=True CompletionsReached: Reached expected number of succeeded pods"
        ]
    );
    assert_eq!(status_int(&done, "succeeded"), 3);
    assert!(!done["status"]["completionTime"].is_null());
    assert_eq!(world.events("many").last().unwrap(), "Normal Completed: Job completed");
    assert!(world.list(kinds::PODS).iter().all(|pod| pod["metadata"]["finalizers"].is_null()));
    world.delete(kinds::JOBS, "many", &DeleteOptions::with_propagation(crate::store::Propagation::Background));
    world.run(2.0);
    assert!(world.list(kinds::PODS).is_empty());
}

#[test]
fn a_job_fails_after_its_retries() {
    let mut world = World::new(2);
    world.create(kinds::JOBS, job("fails", value!({"backoffLimit": 1}), Some("3")));
    world.run(30.0);
    let failed = world.get(kinds::JOBS, "fails");
    assert_eq!(
        conditions(&failed),
        [
            "FailureTarget=True BackoffLimitExceeded: Job has reached the specified backoff limit",
            "Failed=True BackoffLimitExceeded: Job has reached the specified backoff limit"
        ]
    );
    assert_eq!(status_int(&failed, "failed"), 2);
    assert_eq!(world.list(kinds::PODS).len(), 2);
}

#[test]
fn jobs_of_other_kinds() {
    let mut world = World::new(2);
    let indexed = value!({"completions": 3, "parallelism": 3, "completionMode": "Indexed"});
    world.create(kinds::JOBS, job("idx", indexed, Some("0")));
    world.create(kinds::JOBS, job("dead", value!({"activeDeadlineSeconds": 2}), None));
    world.create(kinds::JOBS, job("sus", value!({"suspend": true}), Some("0")));
    world.create(kinds::JOBS, job("ttl", value!({"ttlSecondsAfterFinished": 1}), Some("0")));
    world.create(kinds::JOBS, job("none", value!({"completions": 0}), Some("0")));
    world.create(kinds::JOBS, job("queue", value!({"parallelism": 2, "completions": null}), Some("0")));
    world.run(10.0);
    let get = |world: &World, name: &str| world.get(kinds::JOBS, name);
    assert_eq!(get(&world, "idx")["status"]["completedIndexes"], "0-2");
    assert!(conditions(&get(&world, "dead"))[1].starts_with("Failed=True DeadlineExceeded"));
    assert_eq!(conditions(&get(&world, "sus")), ["Suspended=True JobSuspended: Job suspended"]);
    assert!(get(&world, "ttl").is_null());
    assert!(conditions(&get(&world, "none"))[1].starts_with("Complete=True"));
    assert_eq!(status_int(&get(&world, "queue"), "succeeded"), 2);
    world.patch(kinds::JOBS, "sus", value!({"spec": {"suspend": false}}));
    world.run(8.0);
    let kinds_of: Vec<String> =
        conditions(&get(&world, "sus")).iter().map(|c| c.split(':').next().unwrap_or("").to_owned()).collect();
    assert_eq!(
        kinds_of,
        [
            "Suspended=False JobResumed",
            "SuccessCriteriaMet=True CompletionsReached",
            "Complete=True CompletionsReached"
        ]
    );
    let words: Vec<String> = world.events("sus").into_iter().filter(|event| !event.contains("Created pod")).collect();
    assert_eq!(
        words,
        ["Normal Suspended: Job suspended", "Normal Resumed: Job resumed", "Normal Completed: Job completed"]
    );
}

#[test]
fn pods_that_were_said_to_go_and_stay_are_not_disrupted() {
    let mut world = World::new(1);
    // Who said so, and what is said of it after two minutes.
    let cases = [("EvictionByEvictionAPI", "False"), ("TerminationByKubelet", "True")];
    for (name, _) in cases {
        world.create(kinds::PODS, pod(&name.to_lowercase()));
    }
    world.run(5.0);
    for (reason, _) in cases {
        let mut said = world.get(kinds::PODS, &reason.to_lowercase());
        let now = world.cluster.now();
        said["status"]["conditions"].push(value!({
            "type": "DisruptionTarget", "status": "True", "reason": reason, "lastTransitionTime": now.rfc3339()
        }));
        crate::store::client(world.cluster.api(), "u", now).update_status(kinds::PODS, "default", said).expect("said");
    }
    for (seconds, at) in [(110.0, "before"), (15.0, "after")] {
        world.run(seconds);
        for (reason, then) in cases {
            let pod = world.get(kinds::PODS, &reason.to_lowercase());
            let said = pod["status"]["conditions"].find("type", "DisruptionTarget").cloned().unwrap_or_default();
            let status = if at == "before" { "True" } else { then };
            assert_eq!((said["status"].str(), said["reason"].str()), (status, reason), "{at}");
        }
    }
}

#[test]
fn budgets_and_quotas_are_counted() {
    let mut world = World::new(2);
    world.create(kinds::DEPLOYMENTS, deployment("web", 3, "nginx:1.27"));
    world.create(
        kinds::POD_DISRUPTION_BUDGETS,
        value!({"metadata": {"name": "web"}, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}}}),
    );
    world.run(4.0);
    world.create(
        kinds::RESOURCE_QUOTAS,
        value!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "10", "services": "2", "count/deployments.apps": "5"}}}),
    );
    world.run(1.0);
    let status = world.get(kinds::POD_DISRUPTION_BUDGETS, "web")["status"].clone();
    let number = |field: &str| status[field].int();
    assert_eq!(
        (number("expectedPods"), number("desiredHealthy"), number("currentHealthy"), number("disruptionsAllowed")),
        (3, 2, 3, 1)
    );
    let used = world.get(kinds::RESOURCE_QUOTAS, "q")["status"]["used"].to_string();
    assert_eq!(used, r#"{"count/deployments.apps":"1","pods":"3","services":"1"}"#);
    // Somebody else's status lasts until quotas are counted anew.
    let api = world.cluster.api();
    let mut quota = api.get(kinds::RESOURCE_QUOTAS, "default", "q").cloned().unwrap();
    quota["status"]["hard"].set("pods", "99");
    api.client("system:admin").update_status(kinds::RESOURCE_QUOTAS, "default", quota).unwrap();
    world.run(1.0);
    assert_eq!(world.get(kinds::RESOURCE_QUOTAS, "q")["status"]["hard"]["pods"], "99");
    world.run(300.0);
    assert_eq!(world.get(kinds::RESOURCE_QUOTAS, "q")["status"]["hard"]["pods"], "10");
}

#[test]
fn jobs_without_room_try_by_the_second() {
    let mut world = World::new(1);
    let spec = value!({"hard": {"pods": "0"}});
    world.create(kinds::RESOURCE_QUOTAS, value!({"metadata": {"name": "q"}, "spec": spec}));
    world.run(1.0);
    let pod = value!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox:1.36"}]});
    world.create(kinds::JOBS, value!({"metadata": {"name": "j"}, "spec": {"template": {"spec": pod}}}));
    for (seconds, tries) in [(0.5, 1), (1.0, 2), (2.0, 3), (4.0, 4), (8.0, 5)] {
        world.run(seconds);
        let told = world.events("j").iter().filter(|event| event.contains("FailedCreate")).count();
        assert_eq!(told, tries, "{:?}", world.events("j"));
    }
}

#[test]
fn pods_that_several_budgets_cover_say_so() {
    let mut world = World::new(1);
    for name in ["two", "one"] {
        let spec = value!({"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}});
        world.create(kinds::POD_DISRUPTION_BUDGETS, value!({"metadata": {"name": name}, "spec": spec}));
    }
    world.run(1.0);
    world.create(kinds::DEPLOYMENTS, deployment("web", 1, "nginx:1.27"));
    world.run(5.0);
    let pod = names(&world, kinds::PODS).remove(0);
    let told = format!(
        "Warning MultiplePodDisruptionBudgets: Pod \"default\"/\"{pod}\" matches multiple PodDisruptionBudgets.  Chose \
         \"one\" arbitrarily."
    );
    assert!(world.events(&pod).contains(&told), "{:?}", world.events(&pod));
}

#[test]
fn budgets_tell_whose_pods_they_cannot_count() {
    let mut world = World::new(1);
    let budget = |app: &str| {
        let selector = value!({"matchLabels": {"app": app}});
        value!({"metadata": {"name": app}, "spec": {"maxUnavailable": 1, "selector": selector}})
    };
    let mut bare = pod("bare");
    bare["metadata"].set("labels", value!({"app": "bare"}));
    world.create(kinds::PODS, bare);
    let mut daemons = daemon_set();
    daemons["metadata"].set("name", "agents");
    world.create(kinds::DAEMON_SETS, daemons);
    world.run(3.0);
    for app in ["bare", "agent"] {
        world.create(kinds::POD_DISRUPTION_BUDGETS, budget(app));
    }
    world.run(1.0);
    let selector = "&LabelSelector{MatchLabels:map[string]string{app: bare,},\
                    MatchExpressions:[]LabelSelectorRequirement{},}";
    let unmanaged = format!(
        "Warning UnmanagedPods: Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged."
    );
    let why = "daemonsets.apps does not implement the scale subresource";
    let failed =
        format!("Warning CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: {why}");
    for (name, event, condition) in [("bare", unmanaged, "InsufficientPods: "), ("agent", failed, "SyncFailed: ")] {
        assert!(world.events(name).iter().any(|told| told.starts_with(&event)), "{:?}", world.events(name));
        let told = conditions(&world.get(kinds::POD_DISRUPTION_BUDGETS, name));
        assert!(told[0].starts_with(&format!("DisruptionAllowed=False {condition}")), "{told:?}");
    }
}

#[test]
fn claims_find_volumes_and_give_them_back() {
    let mut world = World::new(1);
    let volume = |name: &str, size: &str, policy: &str| {
        value!({
            "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": "manual",
                "persistentVolumeReclaimPolicy": policy, "hostPath": {"path": "/x"}
            }
        })
    };
    let claim = |name: &str, size: &str| {
        value!({
            "metadata": {"name": name},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "manual", "resources": {"requests": {"storage": size}}}
        })
    };
    world.create(kinds::PERSISTENT_VOLUMES, volume("big", "5Gi", "Retain"));
    world.create(kinds::PERSISTENT_VOLUMES, volume("keep", "1Gi", "Retain"));
    world.run(1.0);
    world.create(kinds::PERSISTENT_VOLUME_CLAIMS, claim("small", "100Mi"));
    world.create(kinds::PERSISTENT_VOLUME_CLAIMS, claim("toobig", "50Gi"));
    world.run(2.0);
    let small = world.get(kinds::PERSISTENT_VOLUME_CLAIMS, "small");
    assert_eq!((small["spec"]["volumeName"].str(), small["status"]["phase"].str()), ("keep", "Bound"));
    assert_eq!(world.get(kinds::PERSISTENT_VOLUME_CLAIMS, "toobig")["status"]["phase"], "Pending");
    assert_eq!(
        world.events("toobig"),
        ["Warning ProvisioningFailed: storageclass.storage.k8s.io \"manual\" not found"]
    );
    world.delete(kinds::PERSISTENT_VOLUME_CLAIMS, "small", &DeleteOptions::default());
    world.run(1.0);
    assert!(world.get(kinds::PERSISTENT_VOLUME_CLAIMS, "small").is_null());
    assert_eq!(world.get(kinds::PERSISTENT_VOLUMES, "keep")["status"]["phase"], "Released");
}

#[test]
fn custom_resources_own_and_are_owned() {
    let mut world = World::new(1);
    let schema = value!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version = value!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}});
    world.create(
        kinds::CUSTOM_RESOURCE_DEFINITIONS,
        value!({
            "metadata": {"name": "boats.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "versions": [version],
                "names": {"plural": "boats", "singular": "boat", "kind": "Boat", "listKind": "BoatList"},
            },
        }),
    );
    world.run(1.0);
    let boats = world.cluster.api_ref().kind_of("example.com", "Boat").expect("is served");
    for (policy, left) in
        [(Propagation::Orphan, true), (Propagation::Foreground, false), (Propagation::Background, false)]
    {
        let boat = value!({"apiVersion": "example.com/v1", "kind": "Boat", "metadata": {"name": "boat"}});
        let boat = world.create(boats, boat);
        let owner = value!({
            "apiVersion": "example.com/v1", "kind": "Boat", "name": "boat", "uid": (&boat["metadata"]["uid"]),
            "blockOwnerDeletion": true,
        });
        world.create(kinds::CONFIG_MAPS, value!({"metadata": {"name": "sail", "ownerReferences": [owner]}}));
        world.run(1.0);
        assert_eq!(world.get(kinds::CONFIG_MAPS, "sail")["metadata"]["name"], "sail", "{policy:?}");
        world.delete(boats, "boat", &DeleteOptions::with_propagation(policy));
        world.run(2.0);
        assert!(world.get(boats, "boat").is_null(), "{policy:?}");
        let sail = world.get(kinds::CONFIG_MAPS, "sail");
        assert_eq!(!sail.is_null(), left, "{policy:?}");
        assert!(sail["metadata"]["ownerReferences"].is_null(), "{policy:?}");
        if left {
            world.delete(kinds::CONFIG_MAPS, "sail", &DeleteOptions::default());
        }
    }
    world.delete(kinds::CUSTOM_RESOURCE_DEFINITIONS, "boats.example.com", &DeleteOptions::default());
    world.run(2.0);
    assert_eq!(world.cluster.api_ref().kind_of("example.com", "Boat"), None);
}
