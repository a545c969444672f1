//! Images that the documentation of Kubernetes and its tutorials use.

use super::rows::{Base, EMPTY, Row, minors, patches, tags, words};
use super::tags::Tags;

/// Versions that are told as `v1`, `v2`.
const NUMBERED_TWO: Tags =
    Tags { words: &[], versions: &[minors(1, 0, 0), minors(2, 0, 0)], variants: &[], prefix: "v" };

/// Their rows.
pub const ROWS: &[Row] = &[
    Row {
        repository: "gcr.io/google-samples/kubernetes-bootcamp",
        tags: NUMBERED_TWO,
        size: 84000000,
        command: &["node-server"],
        env: &[("APP_VERSION", "{version}")],
        ports: &[8080],
        programs: &["/usr/local/bin/node-server=kubernetes-bootcamp", "/usr/bin/curl"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/jocatalin/kubernetes-bootcamp",
        tags: NUMBERED_TWO,
        size: 84000000,
        command: &["node-server"],
        env: &[("APP_VERSION", "{version}")],
        ports: &[8080],
        programs: &["/usr/local/bin/node-server=kubernetes-bootcamp", "/usr/bin/curl"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "gcr.io/google-samples/node-hello",
        tags: words(&["1.0"]),
        size: 245000000,
        command: &["node-server"],
        ports: &[8080],
        programs: &["/usr/local/bin/node-server=node-hello"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "us-docker.pkg.dev/google-samples/containers/gke/hello-app",
        tags: Tags { words: &[], versions: &[minors(1, 0, 0), minors(2, 0, 0)], variants: &[], prefix: "" },
        size: 8000000,
        base: Base::Scratch,
        entrypoint: &["/hello-app"],
        env: &[("PORT", "8080"), ("APP_VERSION", "{version}")],
        ports: &[8080],
        programs: &["/hello-app"],
        ..EMPTY
    },
    Row {
        repository: "gcr.io/google-samples/gb-frontend",
        tags: words(&["v3", "v4", "v5", "v6"]),
        size: 250000000,
        command: &["apache2-foreground"],
        ports: &[80],
        files: &[(
            "/var/www/html/index.html",
            "<html ng-app=\"redis\">\n  <head>\n    <title>Guestbook</title>\n  </head>\n  <body ng-controller=\"RedisCtrl\">\n    <h2>Guestbook</h2>\n  </body>\n</html>\n",
        )],
        programs: &["/usr/local/bin/apache2-foreground"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "us-docker.pkg.dev/google-samples/containers/gke/gb-frontend",
        tags: words(&["v3", "v4", "v5", "v6"]),
        size: 250000000,
        command: &["apache2-foreground"],
        ports: &[80],
        files: &[(
            "/var/www/html/index.html",
            "<html ng-app=\"redis\">\n  <head>\n    <title>Guestbook</title>\n  </head>\n  <body ng-controller=\"RedisCtrl\">\n    <h2>Guestbook</h2>\n  </body>\n</html>\n",
        )],
        programs: &["/usr/local/bin/apache2-foreground"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "gcr.io/google-samples/gb-redis-follower",
        tags: words(&["v1", "v2", "v3"]),
        size: 45000000,
        command: &["redis-server"],
        ports: &[6379],
        programs: &["/usr/local/bin/redis-server", "/usr/local/bin/redis-cli"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "us-docker.pkg.dev/google-samples/containers/gke/gb-redis-follower",
        tags: words(&["v1", "v2", "v3"]),
        size: 45000000,
        command: &["redis-server"],
        ports: &[6379],
        programs: &["/usr/local/bin/redis-server", "/usr/local/bin/redis-cli"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/redis",
        tags: words(&["e2e", "v1", "latest"]),
        size: 45000000,
        command: &["redis-server"],
        ports: &[6379],
        programs: &["/usr/local/bin/redis-server", "/usr/local/bin/redis-cli"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/busybox",
        tags: tags(&[patches(1, (24, 27), 2)], &[]),
        size: 720000,
        base: Base::Busybox,
        command: &["sh"],
        ..EMPTY
    },
    Row {
        repository: "gcr.io/google-containers/busybox",
        tags: words(&["latest", "1.24", "1.27"]),
        size: 720000,
        base: Base::Busybox,
        command: &["sh"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/radial/busyboxplus",
        tags: words(&["latest", "curl", "git"]),
        size: 4000000,
        base: Base::Busybox,
        command: &["sh"],
        programs: &["/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/goproxy",
        tags: words(&["0.1"]),
        size: 1700000,
        base: Base::Scratch,
        entrypoint: &["/goproxy"],
        ports: &[8080],
        programs: &["/goproxy"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/serve_hostname",
        tags: words(&["latest", "v1.4"]),
        size: 3000000,
        base: Base::Scratch,
        entrypoint: &["/serve_hostname"],
        ports: &[9376],
        programs: &["/serve_hostname"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/test-webserver",
        tags: words(&["latest", "e2e"]),
        size: 2000000,
        base: Base::Scratch,
        entrypoint: &["/test-webserver"],
        ports: &[80],
        programs: &["/test-webserver"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "gcr.io/google-samples/cassandra",
        tags: words(&["v11", "v12", "v13", "v14", "v15"]),
        size: 150000000,
        command: &["/run.sh"],
        ports: &[7000, 7001, 7199, 9042],
        files: &[("/ready-probe.sh", "#!/bin/bash\nexec nc -z 127.0.0.1 9042\n")],
        programs: &["/run.sh=cassandra", "/usr/bin/nc"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/kubernetes-zookeeper",
        tags: words(&["1.0-3.4.10"]),
        size: 110000000,
        base: Base::Ubuntu,
        command: &["start-zookeeper"],
        ports: &[2181, 2888, 3888],
        files: &[("/usr/bin/zookeeper-ready", "#!/bin/bash\nexec nc -z 127.0.0.1 $1\n")],
        programs: &["/usr/bin/start-zookeeper=zookeeper", "/usr/bin/nc"],
        ..EMPTY
    },
    Row {
        repository: "quay.io/fluentd_elasticsearch/fluentd",
        tags: words(&["v2.5.2", "v2.6.0", "v3.4.0", "v4.6.2", "v4.7.2", "v5.0.1", "latest"]),
        size: 44000000,
        command: &["fluentd"],
        programs: &["/usr/local/bin/fluentd"],
        ..EMPTY
    },
];
