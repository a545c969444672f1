//! Whatever happens to objects, whoever watches from any moment on ends with what a list shows, and an index finds what a
//! search through everything finds.

use drydock_sorted::SortedMap;

use drydock_api::{Auth, Request};
use drydock_apiserver::{Answer, ApiServer, ChangeKind, Config, DeleteOptions, PatchType, Watch, kinds};
use drydock_schema::labels::Selector;
use drydock_value::{Value, value};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Create { name: u8, label: u8 },
    Label { name: u8, label: Option<u8> },
    Data { name: u8, data: u8 },
    Delete { name: u8 },
    Watch { label: Option<u8> },
}

fn step() -> impl Strategy<Value = Step> {
    let (name, label) = (0..6u8, 0..3u8);
    prop_oneof![
        3 => (name.clone(), label.clone()).prop_map(|(name, label)| Step::Create { name, label }),
        2 => (name.clone(), proptest::option::of(label.clone())).prop_map(|(name, label)| Step::Label { name, label }),
        2 => (name.clone(), 0..3u8).prop_map(|(name, data)| Step::Data { name, data }),
        2 => name.prop_map(|name| Step::Delete { name }),
        1 => proptest::option::of(label).prop_map(|label| Step::Watch { label }),
    ]
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn request(label: Option<u8>) -> Request {
    let mut request = Request::get(MAPS);
    if let Some(label) = label {
        request = request.param("labelSelector", format!("color=c{label}"));
    }
    request.auth = Auth::Certificate { certificate: "client.crt".into() };
    request
}

fn list(server: &mut ApiServer, label: Option<u8>) -> (String, SortedMap<String, Value>) {
    let now = server.now();
    let Answer::Response(response) = server.handle(request(label), now) else { panic!("no list") };
    let list = response.into_result().unwrap();
    let objects = list["items"].items().iter().map(|o| (o["metadata"]["name"].str().to_owned(), o.clone())).collect();
    (list["metadata"]["resourceVersion"].str().to_owned(), objects)
}

/// A new server. Starting one takes a while; a clone of one does not.
fn server() -> ApiServer {
    static SERVER: std::sync::OnceLock<ApiServer> = std::sync::OnceLock::new();
    SERVER.get_or_init(|| ApiServer::new(Config::default())).clone()
}

/// A client as an informer is: it lists, then follows a watch.
struct Follower {
    label: Option<u8>,
    watch: Watch,
    objects: SortedMap<String, Value>,
}

impl Follower {
    fn new(server: &mut ApiServer, label: Option<u8>) -> Follower {
        let (revision, objects) = list(server, label);
        let now = server.now();
        let request = request(label).param("watch", "true").param("resourceVersion", revision);
        let Answer::Watch(watch) = server.handle(request, now) else { panic!("no watch") };
        Follower { label, watch, objects }
    }

    fn catch_up(&mut self, server: &ApiServer) {
        while let Some(event) = server.poll_watch(&mut self.watch, server.now()) {
            let mut object = event["object"].clone();
            object.remove("apiVersion");
            object.remove("kind");
            let name = object["metadata"]["name"].str().to_owned();
            match event["type"].str() {
                "ADDED" => assert!(self.objects.insert(name, object).is_none(), "added twice"),
                "MODIFIED" => assert!(self.objects.insert(name, object).is_some(), "changed before it was there"),
                "DELETED" => assert!(self.objects.remove(&name).is_some(), "gone before it was there"),
                other => panic!("{other}"),
            }
        }
    }
}

fn apply(server: &mut ApiServer, step: &Step) {
    let mut client = server.client("system:test");
    let name = |number: &u8| format!("m{number}");
    let kind = kinds::CONFIG_MAPS;
    // Steps that do not fit (a second create, a change of nothing) are refused, which is as good a step as any.
    let _ = match step {
        Step::Create { name: number, label } => client
            .create(
                kind,
                "default",
                value!({"metadata": {"name": name(number), "labels": {"color": format!("c{label}")}}}),
            )
            .map(|_| ()),
        Step::Label { name: number, label } => {
            let label = label.map(|label| format!("c{label}"));
            let patch = value!({"metadata": {"labels": {"color": label}}});
            client.patch(kind, "default", &name(number), PatchType::Merge, &patch, "").map(|_| ())
        }
        Step::Data { name: number, data } => {
            let patch = value!({"data": {"k": data.to_string()}});
            client.patch(kind, "default", &name(number), PatchType::Merge, &patch, "").map(|_| ())
        }
        Step::Delete { name: number } => {
            client.delete(kind, "default", &name(number), &DeleteOptions::default()).map(|_| ())
        }
        Step::Watch { .. } => Ok(()),
    };
}

proptest! {
    #[test]
    fn watches_replay_to_what_lists_show(steps in prop::collection::vec(step(), 1..80)) {
        let mut server = server();
        let mut followers = vec![Follower::new(&mut server, None)];
        for step in &steps {
            if let Step::Watch { label } = step {
                followers.push(Follower::new(&mut server, *label));
            }
            apply(&mut server, step);
        }
        for follower in &mut followers {
            follower.catch_up(&server);
            let (_, objects) = list(&mut server, follower.label);
            prop_assert_eq!(&follower.objects, &objects);
        }
    }

    #[test]
    fn changes_replay_to_the_store_and_clones_are_apart(steps in prop::collection::vec(step(), 1..80), cut in 0..80usize) {
        let mut server = server();
        let start = server.revision();
        let mut kept = None;
        for (at, step) in steps.iter().enumerate() {
            if at == cut {
                kept = Some((server.clone(), list(&mut server, None)));
            }
            apply(&mut server, step);
        }
        let mut objects: SortedMap<String, Value> = SortedMap::new();
        let mut last = start;
        for change in server.changes_since(kinds::CONFIG_MAPS, start).unwrap() {
            prop_assert!(change.revision > last);
            last = change.revision;
            let name = change.object["metadata"]["name"].str().to_owned();
            match change.kind {
                ChangeKind::Added | ChangeKind::Modified => {
                    prop_assert_eq!(objects.insert(name, change.object.clone()), change.old.clone());
                }
                ChangeKind::Deleted => prop_assert_eq!(objects.remove(&name), change.old.clone()),
            }
        }
        let stored: SortedMap<String, Value> = server
            .objects(kinds::CONFIG_MAPS, "default")
            .map(|object| (object["metadata"]["name"].str().to_owned(), object.clone()))
            .collect();
        prop_assert_eq!(&objects, &stored);
        for label in 0..3 {
            let selector = Selector::parse(&format!("color=c{label}")).unwrap();
            let by_index = server.select(kinds::CONFIG_MAPS, "default", &selector);
            let by_search: Vec<Value> = stored.values().filter(|o| selector.matches_object(o)).cloned().collect();
            prop_assert_eq!(by_index, by_search);
        }
        if let Some((mut clone, before)) = kept {
            prop_assert_eq!(list(&mut clone, None), before);
            // The same steps on the clone lead to the same history.
            for step in steps.iter().skip(cut) {
                apply(&mut clone, step);
            }
            prop_assert_eq!(clone.digest(), server.digest());
        }
    }
}
