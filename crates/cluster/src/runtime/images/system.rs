//! The images that clusters run for themselves.

use super::rows::{Base, EMPTY, Row, patches, release};
use super::tags::Tags;

/// Their rows.
pub const ROWS: &[Row] = &[
    Row {
        repository: "registry.k8s.io/etcd",
        tags: Tags { words: &[], versions: &[patches(3, (5, 6), 25)], variants: &["0", "1"], prefix: "" },
        size: 61_000_000,
        base: Base::Scratch,
        command: &["/usr/local/bin/etcd"],
        ports: &[2379, 2380],
        programs: &["/usr/local/bin/etcd", "/usr/local/bin/etcdctl"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/kube-apiserver",
        tags: release(&[patches(1, (28, 36), 20)]),
        size: 27_000_000,
        base: Base::Scratch,
        entrypoint: &["/go-runner"],
        programs: &["/go-runner=run-arguments", "/usr/local/bin/kube-apiserver"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/kube-controller-manager",
        tags: release(&[patches(1, (28, 36), 20)]),
        size: 23_000_000,
        base: Base::Scratch,
        entrypoint: &["/go-runner"],
        programs: &["/go-runner=run-arguments", "/usr/local/bin/kube-controller-manager"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/kube-scheduler",
        tags: release(&[patches(1, (28, 36), 20)]),
        size: 17_000_000,
        base: Base::Scratch,
        entrypoint: &["/go-runner"],
        programs: &["/go-runner=run-arguments", "/usr/local/bin/kube-scheduler"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/kube-proxy",
        tags: release(&[patches(1, (28, 36), 20)]),
        size: 26_000_000,
        entrypoint: &["/go-runner"],
        programs: &["/go-runner=run-arguments", "/usr/local/bin/kube-proxy"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/coredns/coredns",
        tags: release(&[patches(1, (8, 14), 4)]),
        size: 22_000_000,
        base: Base::Scratch,
        entrypoint: &["/coredns"],
        ports: &[53],
        user: (65532, 65532),
        programs: &["/coredns"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/metrics-server/metrics-server",
        tags: release(&[patches(0, (6, 8), 4)]),
        size: 19_000_000,
        base: Base::Scratch,
        entrypoint: &["/metrics-server"],
        ports: &[10250],
        user: (65534, 65534),
        programs: &["/metrics-server"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/ingress-nginx/controller",
        tags: release(&[patches(1, (9, 14), 6)]),
        size: 103_000_000,
        base: Base::Alpine,
        entrypoint: &["/usr/bin/dumb-init", "--"],
        command: &["/nginx-ingress-controller"],
        ports: &[80, 443],
        user: (101, 82),
        programs: &["/usr/bin/dumb-init=run-arguments", "/nginx-ingress-controller"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/ingress-nginx/kube-webhook-certgen",
        tags: release(&[patches(1, (3, 6), 9)]),
        size: 24_000_000,
        base: Base::Scratch,
        entrypoint: &["/kube-webhook-certgen"],
        user: (65532, 65532),
        programs: &["/kube-webhook-certgen"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/kindest/local-path-provisioner",
        tags: Tags { words: &["v20251212-v0.29.0-alpha-105-g20ccfc88"], versions: &[], variants: &[], prefix: "" },
        size: 20_000_000,
        command: &["local-path-provisioner"],
        programs: &["/usr/local/bin/local-path-provisioner"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/kindest/kindnetd",
        tags: Tags { words: &["v20250512-df8de77b"], versions: &[], variants: &[], prefix: "" },
        size: 44_000_000,
        command: &["/bin/kindnetd"],
        programs: &["/bin/kindnetd"],
        ..EMPTY
    },
    Row {
        repository: "gcr.io/k8s-minikube/storage-provisioner",
        tags: Tags { words: &["v5"], versions: &[], variants: &[], prefix: "" },
        size: 9_000_000,
        base: Base::Scratch,
        entrypoint: &["/storage-provisioner"],
        programs: &["/storage-provisioner"],
        ..EMPTY
    },
];
