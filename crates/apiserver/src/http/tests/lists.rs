//! Lists, tables and watches.

use super::*;

#[test]
fn lists_come_in_pages() {
    let mut bench = Bench::new();
    for number in 1..=5 {
        bench.create(MAPS, config_map(&format!("c{number}"))).unwrap();
    }
    let first = bench.ok(Request::get(MAPS).param("limit", "2"));
    let names = |list: &Value| -> Vec<String> {
        list["items"].items().iter().map(|item| item["metadata"]["name"].str().to_owned()).collect()
    };
    assert_eq!(names(&first), ["c1", "c2"]);
    assert_eq!(first["metadata"]["remainingItemCount"].int(), 3);
    assert!(first["items"][0]["kind"].is_null());
    let token = first["metadata"]["continue"].str().to_owned();
    let second = bench.ok(Request::get(MAPS).param("limit", "2").param("continue", token));
    assert_eq!(names(&second), ["c3", "c4"]);
    assert_eq!(second["metadata"]["remainingItemCount"].int(), 1);
    let token = second["metadata"]["continue"].str().to_owned();
    let last = bench.ok(Request::get(MAPS).param("labelSelector", "app=x").param("continue", token));
    assert_eq!(names(&last), ["c5"]);
    assert!(last["metadata"]["continue"].is_null());
    // All pages are of the first one's revision, until that is too old; then there is a token that leads on.
    bench.create(MAPS, config_map("c6")).unwrap();
    let token = first["metadata"]["continue"].str().to_owned();
    let again = bench.ok(Request::get(MAPS).param("limit", "2").param("continue", token.clone()));
    assert_eq!(again["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert_eq!((names(&again), again["metadata"]["remainingItemCount"].int()), (vec!["c3".into(), "c4".into()], 1));
    // Whatever has happened since, they show what there was.
    bench.send(Request::new(Method::Delete, format!("{MAPS}/c3")));
    bench.send(Request::new(Method::Delete, format!("{MAPS}/c5")));
    bench.create(MAPS, config_map("c2b")).unwrap();
    bench.patch(&format!("{MAPS}/c4"), MERGE, r#"{"data":{"k":"later"}}"#).unwrap();
    let again = bench.ok(Request::get(MAPS).param("continue", token.clone()));
    assert_eq!(names(&again), ["c3", "c4", "c5"]);
    assert_eq!(again["items"][1]["data"]["k"], "v");
    let then = first["metadata"]["resourceVersion"].str().to_owned();
    let exact = Request::get(MAPS).param("resourceVersion", then.clone()).param("resourceVersionMatch", "Exact");
    assert_eq!(names(&bench.ok(exact.clone())), ["c1", "c2", "c3", "c4", "c5"]);
    let legacy = Request::get(MAPS).param("resourceVersion", then.clone()).param("limit", "4");
    assert_eq!(names(&bench.ok(legacy)), ["c1", "c2", "c3", "c4"]);
    let newer = bench.ok(Request::get(MAPS).param("resourceVersion", then));
    assert_eq!(names(&newer), ["c1", "c2", "c2b", "c4", "c6"]);
    bench.now = bench.now + std::time::Duration::from_secs(300);
    let refused = bench.refused(exact);
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (410, "The resourceVersion for the provided list is too old.")
    );
    let response = bench.send(Request::get(MAPS).param("limit", "2").param("continue", token));
    let refused = response.body.value().unwrap();
    assert_eq!((response.code, refused["reason"].str()), (410, "Expired"));
    let token = refused["metadata"]["continue"].str().to_owned();
    let rest = bench.ok(Request::get(MAPS).param("limit", "2").param("continue", token));
    assert_eq!(names(&rest), ["c2b", "c4"]);
    assert_ne!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
}

#[test]
fn reviews_are_no_tables() {
    let mut bench = Bench::new();
    let review = value!({"spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}}});
    for (accept, code) in [("application/json;as=Table;v=v1;g=meta.k8s.io", 406), ("application/json", 201), ("", 201)]
    {
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let request = Request::new(Method::Post, path).with_value(review.clone()).header("accept", accept);
        assert_eq!(bench.send(request).code, code, "{accept}");
    }
}

#[test]
fn tables_have_the_columns_of_the_kind() {
    let mut bench = Bench::new();
    bench.create(DEPLOYMENTS, deployment("web")).unwrap();
    bench.now = bench.now + std::time::Duration::from_secs(75);
    let table = bench.ok(Request::get(DEPLOYMENTS).header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"));
    let titles: Vec<&str> = table["columnDefinitions"].items().iter().map(|c| c["name"].str()).collect();
    assert_eq!(titles, ["Name", "Ready", "Up-to-date", "Available", "Age", "Containers", "Images", "Selector"]);
    assert_eq!(table["rows"][0]["cells"], value!(["web", "0/2", 0, 0, "75s", "c", "nginx:1.27", "app=web"]));
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    // A claim of a certain volume has nothing of it before it is bound; one of any volume does not say how much it has.
    let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    for (name, volume) in [("a", "none"), ("b", "")] {
        let spec = value!({"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": volume,
            "resources": {"requests": {"storage": "1Gi"}}});
        bench.create(claims, value!({"metadata": {"name": name}, "spec": spec})).unwrap();
    }
    let table = bench.ok(Request::get(claims).header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"));
    let capacities: Vec<&str> = table["rows"].items().iter().map(|row| row["cells"].items()[3].str()).collect();
    assert_eq!(capacities, ["0", ""]);
}

#[test]
fn watches_tell_every_change_of_what_is_selected() {
    let mut bench = Bench::new();
    let list = bench.ok(Request::get(MAPS));
    let revision = list["metadata"]["resourceVersion"].str().to_owned();
    let open = |bench: &mut Bench, request: Request| {
        let mut request = request.param("watch", "true");
        request.auth = Auth::Certificate { certificate: "/client.crt".into() };
        match bench.server.handle(request, bench.now) {
            Answer::Watch(watch) => watch,
            other => panic!("{other:?}"),
        }
    };
    let mut all = open(&mut bench, Request::get(MAPS).param("resourceVersion", &revision));
    let mut red =
        open(&mut bench, Request::get(MAPS).param("resourceVersion", &revision).param("labelSelector", "color=red"));
    bench.create(MAPS, config_map("a")).unwrap();
    bench.patch(&format!("{MAPS}/a"), MERGE, r#"{"metadata":{"labels":{"color":"red"}}}"#).unwrap();
    bench.patch(&format!("{MAPS}/a"), MERGE, r#"{"data":{"k":"w"}}"#).unwrap();
    bench.patch(&format!("{MAPS}/a"), MERGE, r#"{"metadata":{"labels":{"color":null}}}"#).unwrap();
    bench.ok(Request::new(Method::Delete, format!("{MAPS}/a")));
    let drain = |bench: &Bench, watch: &mut crate::Watch| {
        let mut seen = Vec::new();
        while let Some(event) = bench.server.poll_watch(watch, bench.now) {
            seen.push(event["type"].str().to_owned());
        }
        seen.join(" ")
    };
    assert_eq!(drain(&bench, &mut all), "ADDED MODIFIED MODIFIED MODIFIED DELETED");
    assert_eq!(drain(&bench, &mut red), "ADDED MODIFIED DELETED");
    assert!(!bench.server.watch_ready(&all));
    bench.create(MAPS, config_map("b")).unwrap();
    let mut fresh = open(
        &mut bench,
        Request::get(MAPS)
            .param("sendInitialEvents", "true")
            .param("resourceVersionMatch", "NotOlderThan")
            .param("allowWatchBookmarks", "true"),
    );
    assert_eq!(drain(&bench, &mut fresh), "ADDED BOOKMARK");
    // They end after the time that was asked for, and else after half an hour to an hour.
    for (asked, least, most) in [("7", 7, 7), ("-1", 0, 0), ("0", 1800, 3600), ("", 1800, 3600)] {
        let mut request = Request::get(MAPS);
        if !asked.is_empty() {
            request = request.param("timeoutSeconds", asked);
        }
        let seconds = open(&mut bench, request).until().since(bench.now).as_secs();
        assert!((least..=most).contains(&seconds), "{asked}: {seconds}");
    }
}
