//! Who may do what, and who somebody is.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::*;

#[test]
fn roles_decide() {
    let mut bench = Bench::new();
    bench.create(MAPS, config_map("shown")).unwrap();
    let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    bench
        .create(
            &format!("{rbac}/roles"),
            value!({"metadata": {"name": "one"}, "rules": [
                {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["shown"], "verbs": ["get"]}]}),
        )
        .unwrap();
    bench
        .create(
            &format!("{rbac}/rolebindings"),
            value!({"metadata": {"name": "one"}, "subjects": [{"kind": "User", "name": "jane"}],
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "one"}}),
        )
        .unwrap();
    bench
        .create(
            &format!("{rbac}/rolebindings"),
            value!({"metadata": {"name": "adm"}, "subjects": [{"kind": "User", "name": "lee"}],
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}}),
        )
        .unwrap();
    bench.user = Some("jane");
    bench.ok(Request::get(format!("{MAPS}/shown")));
    let cases = [
        (
            Request::get(format!("{MAPS}/hidden")),
            "configmaps \"hidden\" is forbidden: User \"jane\" cannot get resource \"configmaps\" in API group \"\" in the \
             namespace \"default\"",
        ),
        (
            Request::get("/api/v1/nodes"),
            "nodes is forbidden: User \"jane\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
        ),
        (
            Request::get("/api/v1/namespaces/default"),
            "namespaces \"default\" is forbidden: User \"jane\" cannot get resource \"namespaces\" in API group \"\" in the \
             namespace \"default\"",
        ),
        (Request::get("/metrics"), "forbidden: User \"jane\" cannot get path \"/metrics\""),
    ];
    for (request, message) in cases {
        assert_eq!(bench.refused(request).message, message);
    }
    bench.user = Some("lee");
    let role = |name: &str, resource: &str| value!({"metadata": {"name": name}, "rules": [{"apiGroups": [""], "resources": [resource], "verbs": ["get"]}]});
    bench.create(&format!("{rbac}/roles"), role("ok", "pods")).unwrap();
    assert_eq!(
        bench.create(&format!("{rbac}/roles"), role("over", "nodes")).unwrap_err().message,
        "roles.rbac.authorization.k8s.io \"over\" is forbidden: user \"lee\" (groups=[\"system:authenticated\"]) is \
         attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"nodes\"], \
         Verbs:[\"get\"]}"
    );
}

#[test]
fn tokens_lead_back_to_their_account() {
    let mut bench = Bench::new();
    let answer = bench
        .create(
            "/api/v1/namespaces/default/serviceaccounts/default/token",
            value!({"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {}}),
        )
        .unwrap();
    let token = answer["status"]["token"].str().to_owned();
    assert_eq!(token.split('.').count(), 3);
    let mut keys = Request::get("/openid/v1/jwks");
    keys.auth = Auth::Token(token.clone());
    let Answer::Response(keys) = bench.server.handle(keys, bench.now) else { panic!("keys") };
    assert_eq!(keys.headers[0].1, "application/jwk-set+json");
    let keys = parse_json(&keys.body.text()).unwrap();
    let key = &keys["keys"][0];
    let (body, signature) = token.rsplit_once('.').unwrap();
    let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let header = parse_json(&String::from_utf8(bytes(body.split('.').next().unwrap())).unwrap()).unwrap();
    assert_eq!((&header["alg"], &header["kid"]), (&key["alg"], &key["kid"]));
    assert!(drydock_pki::rsa::verifies(&bytes(key["n"].str()), body.as_bytes(), &bytes(signature)));
    let mut review = Request::new(Method::Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews")
        .with_value(value!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}));
    review.auth = Auth::Token(token.clone());
    let ask = |bench: &mut Bench, request: Request| match bench.server.handle(request, bench.now) {
        Answer::Response(response) => response.into_result(),
        other => panic!("{other:?}"),
    };
    let who = ask(&mut bench, review.clone()).unwrap();
    assert_eq!(who["status"]["userInfo"]["username"], "system:serviceaccount:default:default");
    bench.now = bench.now + std::time::Duration::from_secs(3601);
    assert_eq!(ask(&mut bench, review.clone()).unwrap_err().code, 401);
    review.auth = Auth::Token("rubbish".into());
    assert_eq!(ask(&mut bench, review).unwrap_err().message, "Unauthorized");
}

#[test]
fn nobody_is_impersonated_without_a_name() {
    let mut bench = Bench::new();
    let request = Request::get(MAPS)
        .header("Impersonate-Uid", "u")
        .header("Impersonate-Group", "g")
        .header("Impersonate-Extra-Scope", "s");
    let answer = bench.send(request);
    let Body::Bytes(bytes) = &answer.body else { panic!("no text: {answer:?}") };
    assert_eq!(
        (answer.code, String::from_utf8_lossy(bytes).as_ref()),
        (
            500,
            "Internal Server Error: \"/api/v1/namespaces/default/configmaps\": requested [{Group  g    } {UserExtra  s  \
             authentication.k8s.io/v1  scope} {UID  u  authentication.k8s.io/v1  }] without impersonating a user\n"
        )
    );
    bench.create(MAPS, config_map("a")).unwrap();
    let nameless = Request::new(Method::Put, format!("{MAPS}/a")).with_value(value!({"metadata": {}}));
    assert_eq!(
        bench.refused(nameless).message,
        "the name of the object (a based on URL) was undeterminable: name must be provided"
    );
}
