//! What people do in pods: clients of the API server, and looks at the network.

use drydock_session::{Options, Profile, Session};

/// Each command, and what it prints on both outputs.
const LINES: &[(&str, &str)] = &[
    ("kubectl create serviceaccount reader", "serviceaccount/reader created\n"),
    (
        "kubectl create role reader --verb=get,list,watch --resource=pods,pods/log",
        "role.rbac.authorization.k8s.io/reader created\n",
    ),
    (
        "kubectl create rolebinding reader --role=reader --serviceaccount=default:reader",
        "rolebinding.rbac.authorization.k8s.io/reader created\n",
    ),
    (
        r#"kubectl run inside --image=bitnami/kubectl --overrides='{"spec":{"serviceAccountName":"reader"}}' --command -- sleep 9999"#,
        "pod/inside created\n",
    ),
    (
        r#"kubectl run curl --image=curlimages/curl --overrides='{"spec":{"serviceAccountName":"reader"}}' --command -- sleep 9999"#,
        "pod/curl created\n",
    ),
    (
        "kubectl run ticks --image=busybox -- sh -c 'for n in 1 2 3 4 5 6 7 8 9; do echo tick $n; sleep 2; done; sleep 9999'",
        "pod/ticks created\n",
    ),
    ("kubectl wait --for=condition=Ready pod/inside pod/curl pod/ticks -o name", "pod/inside\npod/curl\npod/ticks\n"),
    ("kubectl exec inside -- kubectl get pods -o name", "pod/curl\npod/inside\npod/ticks\n"),
    (
        "kubectl exec inside -- kubectl get nodes",
        "Error from server (Forbidden): nodes is forbidden: User \"system:serviceaccount:default:reader\" cannot list resource \
         \"nodes\" in API group \"\" at the cluster scope\ncommand terminated with exit code 1\n",
    ),
    ("kubectl exec inside -- kubectl auth can-i delete pods", "no\ncommand terminated with exit code 1\n"),
    ("sleep 20; kubectl exec inside -- kubectl logs ticks --tail=2", "tick 8\ntick 9\n"),
    (
        "kubectl exec inside -- kubectl logs nobody",
        "error: error from server (NotFound): pods \"nobody\" not found in namespace \"default\"\ncommand terminated with exit code 1\n",
    ),
    ("kubectl exec inside -- kubectl wait --for=condition=Ready pod/ticks --timeout=5s", "pod/ticks condition met\n"),
    (
        r#"kubectl exec curl -- sh -c 'curl -sk -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" "https://kubernetes.default.svc/api/v1/namespaces/default/pods/ticks/log?tailLines=1"'"#,
        "tick 9\n",
    ),
    (
        r#"kubectl exec curl -- sh -c 'timeout 2 curl -sNk -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" "https://kubernetes.default.svc/api/v1/namespaces/default/pods/ticks/log?follow=true&tailLines=2"; echo $?'"#,
        "tick 8\ntick 9\n143\nTerminated\n",
    ),
    (
        r#"kubectl exec curl -- sh -c 'timeout 2 curl -sNk -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" "https://kubernetes.default.svc/api/v1/namespaces/default/pods?watch=true" | grep -c ADDED'"#,
        "3\n",
    ),
    (
        r#"kubectl run mute --image=bitnami/kubectl --restart=Never --overrides='{"spec":{"automountServiceAccountToken":false}}' -- version --client=false"#,
        "pod/mute created\n",
    ),
    (
        "sleep 5; kubectl logs mute | tail -1",
        "The connection to the server localhost:8080 was refused - did you specify the right host or port?\n",
    ),
];

/// What pods find out about the network: commands, and what they print.
const NETWORK: &[(&str, &str)] = &[
    (
        "kubectl create deployment web --image=nginx; kubectl expose deployment web --port=80",
        "deployment.apps/web created\nservice/web exposed\n",
    ),
    (
        "for node in minikube minikube-m02; do kubectl run on-$node --image=busybox --overrides='{\"spec\":{\"nodeName\":\"'$node'\"}}' \
         -- sh -c 'nc -lk -p 9000 -e cat & nc -lu -p 53'; done; kubectl wait --for=condition=Ready pod --all -o name | wc -l",
        "pod/on-minikube created\npod/on-minikube-m02 created\n3\n",
    ),
    (
        "ip=$(kubectl get pod on-minikube-m02 -o jsonpath='{.status.podIP}'); kubectl exec on-minikube -- ping -c 2 $ip | sed \
         \"s/$ip/IP/g; s/[0-9.]* ms/T/; s,= [0-9./]*T,= T,\"",
        "PING IP (IP): 56 data bytes\n64 bytes from IP: seq=0 ttl=62 time=T\n64 bytes from IP: seq=1 ttl=62 time=T\n\n--- IP ping statistics \
         ---\n2 packets transmitted, 2 packets received, 0% packet loss\nround-trip min/avg/max = T\n",
    ),
    // Nobody answers for the address of a service.
    (
        "kubectl exec on-minikube -- ping -q -c 1 -W 1 web | tail -1",
        "1 packets transmitted, 0 packets received, 100% packet loss\ncommand terminated with exit code 1\n",
    ),
    ("kubectl exec on-minikube -- ping nowhere", "ping: bad address 'nowhere'\ncommand terminated with exit code 1\n"),
    (
        "fault link minikube minikube-m02 cut >/dev/null; fault link pod/on-minikube minikube-m02 cut >/dev/null; kubectl exec on-minikube -- ping -q -c 1 -W 1 192.168.49.3 | tail -1",
        "1 packets transmitted, 0 packets received, 100% packet loss\ncommand terminated with exit code 1\n",
    ),
    (
        "kubectl exec on-minikube -- netstat -tuln",
        "Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       \n\
         tcp        0      0 0.0.0.0:9000            0.0.0.0:*               LISTEN      \n\
         udp        0      0 0.0.0.0:53              0.0.0.0:*                           \n",
    ),
    (
        "kubectl exec on-minikube -- route -n | tail -1",
        "10.244.0.0      0.0.0.0         255.255.255.0   U     0      0        0 eth0\n",
    ),
    (
        "ping -c 1 192.168.49.2 | tail -2 | cut -d, -f1-3 | cut -d= -f1",
        "1 packets transmitted, 1 received, 0% packet loss\nrtt min/avg/max/mdev \n",
    ),
];

/// The tutorial that most people begin with.
const BOOTCAMP: &[(&str, &str)] = &[
    (
        "kubectl create deployment kubernetes-bootcamp --image=gcr.io/google-samples/kubernetes-bootcamp:v1; kubectl expose \
         deployment/kubernetes-bootcamp --type=NodePort --port 8080; kubectl rollout status deployment/kubernetes-bootcamp | tail -1",
        "deployment.apps/kubernetes-bootcamp created\nservice/kubernetes-bootcamp exposed\ndeployment \"kubernetes-bootcamp\" \
         successfully rolled out\n",
    ),
    (
        "kubectl exec deploy/kubernetes-bootcamp -- curl -s http://localhost:8080 | sed 's/on: .* |/on: POD |/'",
        "Hello Kubernetes bootcamp! | Running on: POD | v=1\n",
    ),
    ("kubectl logs deploy/kubernetes-bootcamp | cut -c1-34", "Kubernetes Bootcamp App Started At\n\n"),
    (
        "kubectl set image deployments/kubernetes-bootcamp kubernetes-bootcamp=docker.io/jocatalin/kubernetes-bootcamp:v2; kubectl \
         rollout status deployments/kubernetes-bootcamp | tail -1; port=$(kubectl get services/kubernetes-bootcamp -o \
         go-template='{{(index .spec.ports 0).nodePort}}'); curl -s http://192.168.49.2:$port | cut -d'|' -f3",
        "deployment.apps/kubernetes-bootcamp image updated\ndeployment \"kubernetes-bootcamp\" successfully rolled out\n v=2\n",
    ),
    (
        "kubectl set image deployments/kubernetes-bootcamp kubernetes-bootcamp=gcr.io/google-samples/kubernetes-bootcamp:v10; sleep 10; \
         kubectl get pods --no-headers | awk '{print $3}' | sort",
        "deployment.apps/kubernetes-bootcamp image updated\nImagePullBackOff\nRunning\n",
    ),
    ("kubectl rollout undo deployments/kubernetes-bootcamp", "deployment.apps/kubernetes-bootcamp rolled back\n"),
    (
        "kubectl create deployment hostnames --image=registry.k8s.io/serve_hostname; kubectl rollout status deployment/hostnames | tail \
         -1; curl=$(kubectl run c --image=radial/busyboxplus:curl -i --rm --restart=Never -- curl -s $(kubectl get pod -l app=hostnames \
         -o jsonpath='{.items[0].status.podIP}'):9376 2>/dev/null); echo ${curl%%-*}",
        "deployment.apps/hostnames created\ndeployment \"hostnames\" successfully rolled out\nhostnames\n",
    ),
    (
        "kubectl run etcd --image=registry.k8s.io/etcd:3.5.1-0 --overrides='{\"spec\":{\"containers\":[{\"name\":\"etcd\",\"image\":\
         \"registry.k8s.io/etcd:3.5.1-0\",\"command\":[\"etcd\"],\"livenessProbe\":{\"grpc\":{\"port\":2379}}}]}}'; sleep 40; kubectl \
         describe pod etcd | grep -c Unhealthy",
        "pod/etcd created\n0\n",
    ),
    ("kubectl run n --image=node:22 --restart=Never -- node -v; sleep 9; kubectl logs n", "pod/n created\nv22.21.1\n"),
];

/// A shell in a container that lacks something.
const PACKAGES: &[(&str, &str)] = &[
    (
        "kubectl run shell-demo --image=nginx; kubectl run al --image=alpine -- sleep 9999; kubectl wait --for=condition=Ready pod \
         --all -o name | wc -l",
        "pod/shell-demo created\npod/al created\n2\n",
    ),
    (
        "kubectl exec shell-demo -- apt-get -qq install procps",
        "E: Unable to locate package procps\ncommand terminated with exit code 100\n",
    ),
    (
        "kubectl exec shell-demo -- bash -c 'apt-get update && apt-get install -y procps' | tail -1; kubectl exec shell-demo -- ps \
         aux | awk 'NR < 3 {print $1, $11}'",
        "Setting up procps (2:4.0.2-3) ...\nUSER COMMAND\nroot nginx\n",
    ),
    (
        "kubectl exec shell-demo -- apt-get install -y procps | tail -2",
        "procps is already the newest version (2:4.0.2-3).\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n",
    ),
    (
        "kubectl exec al -- apk add --no-cache curl; kubectl exec al -- curl -s $(kubectl get pod shell-demo -o \
         jsonpath='{.status.podIP}') | head -1",
        "fetch http://mirror.internal/alpine/v3.22/main/x86_64/APKINDEX.tar.gz\nfetch \
         http://mirror.internal/alpine/v3.22/community/x86_64/APKINDEX.tar.gz\n(1/1) Installing curl (8.14.1-r2)\nExecuting \
         busybox-1.37.0-r19.trigger\nOK: 9 MiB in 17 packages\n<!DOCTYPE html>\n",
    ),
    (
        "kubectl exec al -- apk -q add nonsense",
        "ERROR: unable to select packages:\n  nonsense (no such package):\n    required by: world[nonsense]\ncommand terminated \
         with exit code 1\n",
    ),
];

/// Containers that see each other's processes.
const PROCESSES: &[(&str, &str)] = &[
    (
        "kubectl run pair --image=nginx --overrides='{\"spec\":{\"shareProcessNamespace\":true,\"containers\":[{\"name\":\"nginx\",\"image\":\"nginx\"},\
         {\"name\":\"shell\",\"image\":\"busybox\",\"command\":[\"sleep\",\"9999\"]}]}}'; kubectl wait --for=condition=Ready pod/pair",
        "pod/pair created\npod/pair condition met\n",
    ),
    (
        "kubectl exec pair -c shell -- ps | awk 'NR > 1 {print $1, $4, $5}'",
        "1 /pause \n7 nginx -g\n1007 sleep 9999\n1008 ps \n",
    ),
    // Nobody of these is the first process of all: signals end them.
    (
        "kubectl exec pair -c nginx -- bash -c 'kill -TERM 1007; kill -TERM 4711'; sleep 3; kubectl get pod pair -o \
         jsonpath='{.status.containerStatuses[*].restartCount}'",
        "0 1bash: line 1: kill: (4711) - No such process\ncommand terminated with exit code 1\n",
    ),
    ("kubectl run app --image=busybox -- sleep 8888; sleep 3", "pod/app created\n"),
    (
        "kubectl debug app --image=busybox --target=app -c look -- sleep 7777 2>/dev/null; sleep 3; kubectl exec app -c look -- ps | awk \
         'NR > 1 {print $1, $4, $5}'; kubectl exec app -c app -- ps | awk 'NR > 1 {print $1, $4, $5}'",
        "Targeting container \"app\". If you don't see processes from this container it may be because the container runtime doesn't \
         support this feature.\n1 sleep 8888\n1007 sleep 7777\n1008 ps \n1 sleep 8888\n2 ps \n1007 sleep 7777\n",
    ),
];

fn play(lines: &[(&str, &str)]) {
    let mut session = Session::new(Options { profile: Profile::TwoNodes, ..Options::default() });
    for (line, expected) in lines {
        let output = session.run(line);
        assert_eq!(format!("{}{}", output.stdout, output.stderr), *expected, "{line}");
    }
}

#[test]
fn clients_in_pods_ask_as_their_accounts() {
    play(LINES);
}

#[test]
fn the_first_tutorial_goes_as_it_is_written() {
    play(BOOTCAMP);
}

#[test]
fn packages_bring_what_is_missing() {
    play(PACKAGES);
}

#[test]
fn containers_see_each_others_processes() {
    play(PROCESSES);
}

#[test]
fn pods_look_at_the_network() {
    play(NETWORK);
}

/// Who is seen to ask, and what load balancers are told, in a cluster of three nodes.
const ADDRESSES: &[(&str, &str)] = &[
    (
        r#"kubectl run web --image=registry.k8s.io/echoserver:1.10 --overrides='{"spec":{"nodeName":"kind-worker"}}'"#,
        "pod/web created\n",
    ),
    (
        "kubectl expose pod web --port=80 --target-port=8080 --type=NodePort --overrides='{\"spec\":{\"ports\":[{\"port\":80,\
         \"targetPort\":8080,\"nodePort\":30080}]}}'",
        "service/web exposed\n",
    ),
    ("kubectl wait --for=condition=Ready pod/web -o name; sleep 2", "pod/web\n"),
    // Nodes put their own address in the place of the client's, and on the pod's own node that of its bridge.
    ("curl -s 172.18.0.2:30080 | grep client_address", "\tclient_address=172.18.0.2\n"),
    ("curl -s 172.18.0.3:30080 | grep client_address", "\tclient_address=10.244.1.1\n"),
    (
        "kubectl patch service web -p '{\"spec\":{\"externalTrafficPolicy\":\"Local\"}}'; sleep 2",
        "service/web patched\n",
    ),
    ("curl -s 172.18.0.3:30080 | grep client_address", "\tclient_address=172.18.0.1\n"),
    ("curl -s -m 2 172.18.0.2:30080; echo $?", "28\n"),
    // What runs in the cluster reaches all endpoints, and pods keep their address.
    (
        r#"kubectl run ask --image=busybox --rm -i -q --restart=Never --overrides='{"spec":{"nodeName":"kind-worker2"}}' -- sh -c 'for to in web 172.18.0.2:30080; do wget -qO- $to | grep -c client_address=10.244.2; done'"#,
        "1\n1\n",
    ),
    (
        "kubectl patch service web -p '{\"spec\":{\"type\":\"LoadBalancer\",\"healthCheckNodePort\":31000}}'; sleep 2",
        "service/web patched\n",
    ),
    (
        "for ip in 172.18.0.2 172.18.0.3; do curl -s -o /dev/null -w '%{http_code} ' $ip:31000; curl -s $ip:31000 | grep local; done",
        "503 \t\"localEndpoints\": 0,\n200 \t\"localEndpoints\": 1,\n",
    ),
    ("curl -s 172.18.0.2:10249/proxyMode", "iptables"),
    // It ends at once when it is told to, not when the grace period is over.
    (
        "kubectl delete pods -n kube-system -l k8s-app=kube-proxy --wait=false >/dev/null; sleep 5; kubectl get pods -n kube-system -l \
         k8s-app=kube-proxy --no-headers | grep -c Running; kubectl get pods -n kube-system --no-headers | grep -c Terminating",
        "3\n0\n",
    ),
    (
        "kubectl port-forward pod/web 8080 >/dev/null & sleep 1; curl -s localhost:8080 | grep client",
        "\tclient_address=127.0.0.1\n",
    ),
];

#[test]
fn addresses_are_those_that_kube_proxy_leaves() {
    let mut session =
        Session::new(Options { profile: Profile::named("kind").expect("a profile"), ..Options::default() });
    for (line, expected) in ADDRESSES {
        let output = session.run(line);
        assert_eq!(output.stdout + &output.stderr, *expected, "{line}");
    }
}

/// A user who comes in with a certificate: key, request, approval, kubeconfig.
const CERTIFICATES: &[(&str, &str)] = &[
    ("openssl genrsa -out nina.key 2048; openssl req -new -key nina.key -subj /CN=nina/O=dev -out nina.csr", ""),
    (
        "printf 'apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: nina}\nspec:\n  request: \
         %s\n  signerName: kubernetes.io/kube-apiserver-client\n  expirationSeconds: 86400\n  usages: [client auth]\n' $(base64 -w0 \
         nina.csr) | kubectl apply -f -",
        "certificatesigningrequest.certificates.k8s.io/nina created\n",
    ),
    ("kubectl certificate approve nina", "certificatesigningrequest.certificates.k8s.io/nina approved\n"),
    (
        "sleep 1; kubectl get csr nina -o jsonpath='{.status.certificate}' | base64 -d > nina.crt; openssl x509 -in nina.crt -noout \
         -subject -issuer -enddate",
        "subject=CN=nina, O=dev\nissuer=CN=minikubeCA\nnotAfter=Nov 23 14:56:49 2026 GMT\n",
    ),
    ("kubectl create role reader --verb=list --resource=pods -o name", "role.rbac.authorization.k8s.io/reader\n"),
    (
        "kubectl create rolebinding reader --role=reader --group=dev -o name",
        "rolebinding.rbac.authorization.k8s.io/reader\n",
    ),
    (
        "kubectl config set-credentials nina --client-key=nina.key --client-certificate=nina.crt --embed-certs=true",
        "User \"nina\" set.\n",
    ),
    ("kubectl --user=nina get pods -o name", ""),
    (
        "kubectl --user=nina get secrets",
        "Error from server (Forbidden): secrets is forbidden: User \"nina\" cannot list resource \"secrets\" in API group \"\" in \
         the namespace \"default\"\n",
    ),
    (
        "openssl req -x509 -nodes -quiet -newkey rsa:2048 -keyout tls.key -out tls.crt -subj /CN=web; kubectl create secret tls web \
         --key=tls.key --cert=tls.crt",
        "secret/web created\n",
    ),
];

#[test]
fn users_come_in_with_certificates() {
    let mut session = Session::new(Options { profile: Profile::Minikube, ..Options::default() });
    for (line, expected) in CERTIFICATES {
        let output = session.run(line);
        assert_eq!(output.stdout + &output.stderr, *expected, "{line}");
    }
}

/// What a shell on the node and pods with its processes and files see and do.
const NODE: &[(&str, &str)] = &[
    ("kubectl create deployment web --image=nginx -o name; sleep 5", "deployment.apps/web\n"),
    (
        "minikube ssh -- 'hostname; cat /etc/hostname; pgrep kubelet; ps -ef | grep -c [k]ube-apiserver'",
        "minikube\nminikube\n1422\n1\n",
    ),
    (
        "minikube ssh -- 'sudo pkill -f \"[n]ginx -g\"; echo kept > /root/note'; sleep 3; kubectl get pods --no-headers | awk '{print $2, $4}'",
        "1/1 1\n",
    ),
    (
        "kubectl debug node/minikube -qit --image=ubuntu -- chroot /host sh -c 'cat /root/note /etc/hostname; crictl ps -q | wc -l; cd \
         /var/log; ls; pwd'",
        "kept\nminikube\n9\ncontainers  pods\n/var/log\n",
    ),
    (
        r#"kubectl run sees --image=busybox --restart=Never --overrides='{"spec":{"hostPID":true}}' -qit --rm -- sh -c 'ps | grep -c [k]ube-scheduler; ps | grep -c [p]ause'"#,
        "1\n9\n",
    ),
    (
        "minikube ssh -- 'grep staticPodPath /var/lib/kubelet/config.yaml; grep -c bridge /etc/cni/net.d/1-k8s.conflist; openssl x509 -in \
         /var/lib/minikube/certs/ca.crt -noout -subject'",
        "staticPodPath: /etc/kubernetes/manifests\n3\nsubject=CN=minikubeCA\n",
    ),
    ("kubectl run blind --image=busybox --restart=Never -qit --rm -- sh -c 'ps | wc -l'", "4\n"),
    (
        "kubectl run small --image=busybox --restart=Never -qit --rm -- sh -c 'mkdir -p /j/bin; cp /bin/ls /bin/sh /j/bin; echo in > \
         /j/f; ln -s /f /j/l; chroot /j ls | cat; chroot /j /bin/sh -c \"read x < /l; echo \\$x\"; chroot /none; chroot /j cat; true'",
        "bin\nf\nl\nin\nchroot: can\'t change root directory to \'/none\': No such file or directory\nchroot: can\'t execute \
         \'cat\': No such file or directory\n",
    ),
];

/// What containers see of the files of others whose processes they see.
const ROOTS: &[(&str, &str)] = &[
    (
        r#"kubectl run shared --image=nginx --overrides='{"spec":{"shareProcessNamespace":true,"containers":[{"name":"nginx","image":"nginx"},{"name":"shell","image":"busybox:1.28","command":["sleep","3600"]}]}}'"#,
        "pod/shared created\n",
    ),
    ("kubectl wait --for=condition=Ready pod/shared -o name", "pod/shared\n"),
    (
        "kubectl exec shared -c shell -- sh -c 'cd /proc/$(pgrep -o nginx)/root; head -2 etc/nginx/nginx.conf | tail -1; echo hi > \
         usr/share/nginx/html/index.html'",
        "user  nginx;\n",
    ),
    ("kubectl exec shared -c nginx -- curl -s localhost", "hi\n"),
    ("kubectl run quiet --image=registry.k8s.io/pause:3.10 -o name; sleep 2", "pod/quiet\n"),
    (
        "kubectl debug quiet -qi --image=busybox:1.28 --target=quiet -- ls -d /proc/1/root/pause /proc/self/root 2>&1",
        "/proc/1/root/pause\nls: /proc/self/root: No such file or directory\n",
    ),
    (
        "kubectl run dates --image=busybox --restart=Never -qi --rm --overrides='{\"spec\":{\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}],\
         \"containers\":[{\"name\":\"c\",\"image\":\"busybox\",\"command\":[\"sh\",\"-c\",\"ls -ld /v /tmp /etc/hosts /home\"],\"volumeMounts\":\
         [{\"name\":\"v\",\"mountPath\":\"/v\"}]}]}}' | grep -c 'Nov 22\\|Sep 21'",
        "4\n",
    ),
];

#[test]
fn roots_of_other_processes_are_entered() {
    let mut session = Session::new(Options { profile: Profile::Minikube, ..Options::default() });
    for (line, expected) in ROOTS {
        let output = session.run(line);
        assert_eq!(output.stdout + &output.stderr, *expected, "{line}");
    }
}

#[test]
fn the_nodes_machine_is_seen_and_entered() {
    let mut session = Session::new(Options { profile: Profile::Minikube, ..Options::default() });
    for (line, expected) in NODE {
        let output = session.run(line);
        let text = (output.stdout + &output.stderr).replace('\r', "");
        assert_eq!(text, *expected, "{line}");
    }
}
