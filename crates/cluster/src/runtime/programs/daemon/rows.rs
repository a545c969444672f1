//! The programs: what each listens on, logs and answers.

use super::{PLAIN, Row, clock, dashed, iso, second};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "postgres",
        ports: &[5432],
        version: "PG_VERSION",
        stamp: dashed,
        ready: &[
            "{stamp} [1] LOG:  starting PostgreSQL {version} on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14) 12.2.0, 64-bit",
            "{stamp} [1] LOG:  listening on IPv4 address \"0.0.0.0\", port 5432",
            "{stamp} [1] LOG:  listening on Unix socket \"/var/run/postgresql/.s.PGSQL.5432\"",
            "{stamp} [1] LOG:  database system is ready to accept connections",
        ],
        bye: &["{stamp} [1] LOG:  received smart shutdown request", "{stamp} [1] LOG:  database system is shut down"],
        ..PLAIN
    },
    Row {
        name: "mysqld",
        ports: &[3306, 33060],
        version: "MYSQL_VERSION",
        stamp: iso,
        ready: &[
            "{stamp} 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld {version}) starting as process 1",
            "{stamp} 1 [System] [MY-013576] [InnoDB] InnoDB initialization has started.",
            "{stamp} 1 [System] [MY-013577] [InnoDB] InnoDB initialization has ended.",
            "{stamp} 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '{version}'  socket: '/var/run/mysqld/mysqld.sock'  port: 3306  MySQL Community Server - GPL.",
        ],
        bye: &[
            "{stamp} 0 [System] [MY-013172] [Server] Received SHUTDOWN from user <via user signal>. Shutting down mysqld (Version: {version}).",
        ],
        greeting: b"\x0a\0\0\0\x0a",
        ..PLAIN
    },
    Row {
        name: "mariadbd",
        ports: &[3306],
        version: "MARIADB_VERSION",
        stamp: dashed,
        ready: &[
            "{stamp} 0 [Note] Starting MariaDB {version} as process 1",
            "{stamp} 0 [Note] mariadbd: ready for connections.",
        ],
        bye: &[
            "{stamp} 0 [Note] mariadbd (initiated by: unknown): Normal shutdown",
            "{stamp} 0 [Note] mariadbd: Shutdown complete",
        ],
        greeting: b"\x0a\0\0\0\x0a",
        ..PLAIN
    },
    Row {
        name: "mongod",
        ports: &[27017],
        version: "MONGO_VERSION",
        stamp: iso,
        ready: &[
            "{\"t\":{\"$date\":\"{stamp}\"},\"s\":\"I\",  \"c\":\"NETWORK\",  \"id\":23016,   \"ctx\":\"listener\",\"msg\":\"Waiting for connections\",\"attr\":{\"port\":27017,\"ssl\":\"off\"}}",
        ],
        bye: &[
            "{\"t\":{\"$date\":\"{stamp}\"},\"s\":\"I\",  \"c\":\"CONTROL\",  \"id\":23138,   \"ctx\":\"SignalHandler\",\"msg\":\"Shutting down\",\"attr\":{\"exitCode\":0}}",
        ],
        ..PLAIN
    },
    Row { name: "memcached", ports: &[11211], ..PLAIN },
    Row {
        name: "etcd",
        health: true,
        grpc: true,
        ports: &[2379, 2380, 2381],
        stamp: iso,
        ready: &[
            "{\"level\":\"info\",\"ts\":\"{stamp}\",\"caller\":\"embed/serve.go:268\",\"msg\":\"serving client traffic securely\",\"traffic\":\"grpc+http\",\"address\":\"{ip}:2379\"}",
        ],
        ..PLAIN
    },
    // The API server's port is the simulated server's own.
    Row {
        name: "kube-apiserver",
        ready: &[
            "{stamp} options.go:263] external host was not specified, using {ip}",
            "{stamp} server.go:150] Version: v1.36.3",
            "{stamp} secure_serving.go:211] Serving securely on [::]:{port}",
        ],
        ..PLAIN
    },
    Row {
        name: "kube-controller-manager",
        health: true,
        tls: true,
        ports: &[10257],
        ready: &[
            "{stamp} serving.go:386] Generated self-signed cert in-memory",
            "{stamp} controllermanager.go:189] \"Starting\" version=\"v1.36.3\"",
            "{stamp} leaderelection.go:257] attempting to acquire leader lease kube-system/kube-controller-manager...",
            "{stamp} leaderelection.go:271] successfully acquired lease kube-system/kube-controller-manager",
        ],
        ..PLAIN
    },
    Row {
        name: "kube-scheduler",
        health: true,
        tls: true,
        ports: &[10259],
        ready: &[
            "{stamp} serving.go:386] Generated self-signed cert in-memory",
            "{stamp} server.go:175] \"Starting Kubernetes Scheduler\" version=\"v1.36.3\"",
            "{stamp} leaderelection.go:271] successfully acquired lease kube-system/kube-scheduler",
        ],
        ..PLAIN
    },
    Row {
        name: "coredns",
        health: true,
        ports: &[53, 8080, 8181, 9153],
        ready: &[
            ".:53",
            "[INFO] plugin/reload: Running configuration SHA512 = 8aa94104b4dae56b00431f7362ac05b997af2246775de35dc2eb361b0707b2fa",
            "CoreDNS-1.12.4",
            "linux/amd64, go1.24.6",
        ],
        bye: &["[INFO] SIGTERM: Shutting down servers then terminating"],
        ..PLAIN
    },
    Row {
        name: "metrics-server",
        health: true,
        tls: true,
        ports: &[10250],
        ready: &["{stamp} secure_serving.go:211] Serving securely on [::]:{port}"],
        ..PLAIN
    },
    Row {
        name: "storage-provisioner",
        ready: &[
            "{stamp} storage_provisioner.go:116] Initializing the minikube storage provisioner...",
            "{stamp} storage_provisioner.go:141] Storage provisioner initialized, now starting service!",
        ],
        ..PLAIN
    },
    Row {
        name: "kindnetd",
        ready: &[
            "{stamp} main.go:109] connected to apiserver: https://kind-control-plane:6443",
            "{stamp} main.go:139] hostIP = {ip}",
            "podIP = {ip}",
            "{stamp} main.go:148] setting mtu 1500 for CNI ",
            "{stamp} main.go:178] kindnetd IP family: \"ipv4\"",
            "{stamp} main.go:182] noMask IPv4 subnets: [10.244.0.0/16]",
        ],
        ..PLAIN
    },
    Row {
        name: "local-path-provisioner",
        stamp: second,
        ready: &[
            "time=\"{stamp}\" level=debug msg=\"Applied config: {\\\"nodePathMap\\\":[{\\\"node\\\":\\\"DEFAULT_PATH_FOR_NON_LISTED_NODES\\\",\\\"paths\\\":[\\\"/var/local-path-provisioner\\\"]}]}\"",
            "time=\"{stamp}\" level=debug msg=\"Provisioner started\"",
        ],
        ..PLAIN
    },
    Row {
        name: "kubernetes-bootcamp",
        ports: &[8080],
        version: "APP_VERSION",
        stamp: iso,
        ready: &["Kubernetes Bootcamp App Started At: {stamp} | Running On:  {host} ", ""],
        page: "Hello Kubernetes bootcamp! | Running on: {host} | v={major}\n",
        ..PLAIN
    },
    Row { name: "node-hello", ports: &[8080], page: "Hello Kubernetes!", ..PLAIN },
    Row { name: "serve_hostname", ports: &[9376], page: "{host}", ..PLAIN },
    Row { name: "goproxy", ports: &[8080], ..PLAIN },
    Row {
        name: "test-webserver",
        ports: &[80],
        page: "<pre>\n<a href=\"test-webserver\">test-webserver</a>\n</pre>\n",
        ..PLAIN
    },
    Row {
        name: "cassandra",
        ports: &[7000, 7001, 7199, 9042],
        stamp: clock,
        ready: &[
            "INFO  {stamp} Initializing com.datastax.driver.core.Cluster",
            "INFO  {stamp} Node /127.0.0.1 state jump to NORMAL",
            "INFO  {stamp} Starting listening for CQL clients on /0.0.0.0:9042 (unencrypted)...",
        ],
        bye: &["INFO  {stamp} Stop listening for CQL clients"],
        ..PLAIN
    },
    Row {
        name: "zookeeper",
        ports: &[2181, 2888, 3888],
        stamp: dashed,
        ready: &["{stamp} [myid:] - INFO  [main:NIOServerCnxnFactory@89] - binding to port 0.0.0.0/0.0.0.0:2181"],
        ..PLAIN
    },
    Row {
        name: "kafka",
        ports: &[9092, 9093],
        stamp: dashed,
        ready: &["[{stamp}] INFO [KafkaRaftServer nodeId=1] Kafka Server started (kafka.server.KafkaRaftServer)"],
        ..PLAIN
    },
    Row {
        name: "rabbitmq-server",
        ports: &[4369, 5672, 15672, 25672],
        stamp: dashed,
        ready: &[
            "{stamp} [info] <0.9.0> Time to start RabbitMQ: 3210 ms",
            "{stamp} [info] <0.650.0> started TCP listener on [::]:5672",
            " completed with 4 plugins.",
        ],
        ..PLAIN
    },
    Row {
        name: "nats-server",
        ports: &[4222, 6222, 8222],
        stamp: dashed,
        ready: &[
            "[1] {stamp} [INF] Listening for client connections on 0.0.0.0:4222",
            "[1] {stamp} [INF] Server is ready",
        ],
        greeting:
            b"INFO {\"server_id\":\"NDDK\",\"proto\":1,\"port\":4222,\"headers\":true,\"max_payload\":1048576}\r\n",
        ..PLAIN
    },
    Row {
        name: "fluentd",
        ports: &[24224],
        stamp: dashed,
        ready: &[
            "{stamp} [info]: parsing config file is succeeded path=\"/fluentd/etc/fluent.conf\"",
            "{stamp} [info]: #0 fluentd worker is now running worker=0",
        ],
        bye: &["{stamp} [info]: Received graceful stop"],
        ..PLAIN
    },
    Row {
        name: "fluent-bit",
        ports: &[2020],
        stamp: dashed,
        ready: &["[{stamp}] [ info] [sp] stream processor started"],
        bye: &["[{stamp}] [engine] caught signal (SIGTERM)"],
        page: "{\"fluent-bit\":{\"edition\":\"Community\"}}",
        ..PLAIN
    },
    Row {
        name: "catalina.sh",
        ports: &[8080],
        stamp: clock,
        ready: &[
            "{stamp} INFO [main] org.apache.coyote.AbstractProtocol.start Starting ProtocolHandler [\"http-nio-8080\"]",
            "{stamp} INFO [main] org.apache.catalina.startup.Catalina.start Server startup in [512] milliseconds",
        ],
        term: Some(143),
        page: "<!doctype html><html lang=\"en\"><head><title>HTTP Status 404 – Not Found</title></head></html>",
        ..PLAIN
    },
    Row {
        name: "jenkins.sh",
        ports: &[8080, 50000],
        stamp: clock,
        ready: &["{stamp} [id=30]\tINFO\thudson.lifecycle.Lifecycle#onReady: Jenkins is fully up and running"],
        term: Some(143),
        page: "<html><head><title>Authentication required</title></head><body>Authentication required</body></html>\n",
        ..PLAIN
    },
    Row {
        name: "grafana",
        ports: &[3000],
        stamp: second,
        ready: &[
            "logger=http.server t={stamp} level=info msg=\"HTTP Server Listen\" address=[::]:3000 protocol=http subUrl= socket=",
        ],
        page: "<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>Grafana</title></head><body></body></html>\n",
        ..PLAIN
    },
    Row {
        name: "prometheus",
        ports: &[9090],
        stamp: second,
        ready: &["time={stamp} level=INFO source=main.go:1293 msg=\"Server is ready to receive web requests.\""],
        page: "<!doctype html><html lang=\"en\"><head><title>Prometheus Time Series Collection and Processing Server</title></head></html>",
        ..PLAIN
    },
    Row {
        name: "elasticsearch",
        ports: &[9200, 9300],
        stamp: iso,
        ready: &["{\"@timestamp\":\"{stamp}\", \"log.level\": \"INFO\", \"message\":\"started\"}"],
        term: Some(143),
        page: "{\n  \"name\" : \"{host}\",\n  \"cluster_name\" : \"docker-cluster\",\n  \"tagline\" : \"You Know, for Search\"\n}\n",
        ..PLAIN
    },
    Row { name: "traefik", ports: &[80], page: "404 page not found\n", ..PLAIN },
    Row {
        name: "caddy",
        ports: &[80, 2019],
        ready: &["{\"level\":\"info\",\"msg\":\"serving initial configuration\"}"],
        page: "<!DOCTYPE html>\n<html><head><title>Caddy works!</title></head><body><h1>Congratulations!</h1></body></html>\n",
        ..PLAIN
    },
    Row {
        name: "ghost",
        ports: &[2368],
        stamp: dashed,
        ready: &["[{stamp}] INFO Ghost is running in production...", "[{stamp}] INFO Ghost booted in 4.1s"],
        page: "<!DOCTYPE html><html lang=\"en\"><head><title>Ghost</title></head></html>",
        ..PLAIN
    },
    Row {
        name: "registry",
        ports: &[5000],
        stamp: second,
        ready: &["time=\"{stamp}\" level=info msg=\"listening on [::]:5000\""],
        page: "{}",
        ..PLAIN
    },
    Row {
        name: "vault",
        ports: &[8200],
        ready: &["==> Vault server started! Log data will stream in below:"],
        page: "<a href=\"/ui/\">Temporary Redirect</a>.\n",
        ..PLAIN
    },
    Row {
        name: "minio",
        ports: &[9000, 9001],
        ready: &["MinIO Object Storage Server", "API: http://127.0.0.1:9000"],
        ..PLAIN
    },
    Row {
        name: "mongo-express",
        ports: &[8081],
        ready: &["Mongo Express server listening at http://0.0.0.0:8081"],
        page: "Unauthorized",
        ..PLAIN
    },
    Row {
        name: "adminer",
        ports: &[8080],
        page: "<!DOCTYPE html>\n<html lang=\"en\"><title>Login - Adminer</title></html>\n",
        ..PLAIN
    },
    Row {
        name: "podinfo",
        ports: &[9898, 9797],
        stamp: iso,
        ready: &[
            "{\"level\":\"info\",\"ts\":\"{stamp}\",\"caller\":\"podinfo/main.go:153\",\"msg\":\"Starting podinfo\",\"port\":\"9898\"}",
        ],
        page: "{\n  \"hostname\": \"{host}\",\n  \"message\": \"greetings from podinfo\"\n}\n",
        ..PLAIN
    },
    Row {
        name: "kuard",
        ports: &[8080],
        ready: &["Serving on HTTP on :8080"],
        page: "<!doctype html>\n<html lang=\"en\"><head><title>KUAR Demo</title></head><body>{host}</body></html>\n",
        ..PLAIN
    },
    Row {
        name: "httpbin",
        ports: &[80, 8080],
        page: "<!DOCTYPE html>\n<html lang=\"en\"><head><title>httpbin.org</title></head></html>\n",
        ..PLAIN
    },
];
