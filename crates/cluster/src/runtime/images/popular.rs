//! Images that people try things with. What they listen on, log and answer is in `programs::daemon`; what they are for is not
//! simulated.

use super::rows::{Base, EMPTY, Row, minors, patches, tags, words};
use super::tags::Tags;

/// Variants of the images of languages.
const LANGUAGES: &[&str] = &["alpine", "slim", "bookworm", "bullseye", "trixie", "slim-bookworm", "bookworm-slim"];

/// Their rows.
pub const ROWS: &[Row] = &[
    Row {
        repository: "docker.io/library/wordpress",
        tags: tags(&[patches(6, (0, 8), 3)], &["apache", "php8.1-apache", "php8.2-apache", "php8.3-apache"]),
        size: 220000000,
        command: &["apache2-foreground"],
        env: &[("WORDPRESS_VERSION", "{version}")],
        ports: &[80],
        files: &[(
            "/var/www/html/index.html",
            "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head>\n<title>WordPress &rsaquo; Installation</title>\n</head>\n</html>\n",
        )],
        programs: &["/usr/local/bin/apache2-foreground", "/usr/bin/curl"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/php",
        tags: tags(&[patches(7, (4, 4), 33), patches(8, (0, 4), 13)], &["apache"]),
        size: 180000000,
        command: &["apache2-foreground"],
        env: &[("TOOL_VERSION", "{version}")],
        ports: &[80],
        programs: &["/usr/local/bin/apache2-foreground", "/usr/local/bin/php=interpreter", "/usr/bin/curl"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/node",
        tags: tags(
            &[patches(18, (0, 20), 8), patches(20, (0, 19), 5), patches(22, (0, 21), 1), patches(24, (0, 11), 0)],
            LANGUAGES,
        ),
        size: 400000000,
        command: &["node"],
        env: &[("TOOL_VERSION", "{version}")],
        programs: &["/usr/local/bin/node=interpreter", "/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/golang",
        tags: tags(&[patches(1, (20, 25), 4)], LANGUAGES),
        size: 300000000,
        command: &["bash"],
        env: &[("TOOL_VERSION", "{version}")],
        programs: &["/usr/local/bin/go=interpreter", "/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/ruby",
        tags: tags(&[patches(3, (0, 4), 7)], LANGUAGES),
        size: 380000000,
        command: &["irb"],
        env: &[("TOOL_VERSION", "{version}")],
        programs: &["/usr/local/bin/irb=interpreter", "/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/openjdk",
        tags: tags(
            &[minors(8, 0, 0), minors(11, 0, 0), minors(17, 0, 0), minors(21, 0, 0)],
            &["jdk", "jre", "slim", "jdk-slim", "jre-slim", "alpine"],
        ),
        size: 320000000,
        command: &["jshell"],
        env: &[("TOOL_VERSION", "{version}")],
        programs: &["/usr/local/bin/java=interpreter", "/usr/local/bin/jshell=interpreter"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/eclipse-temurin",
        tags: tags(
            &[minors(8, 0, 0), minors(11, 0, 0), minors(17, 0, 0), minors(21, 0, 0), minors(25, 0, 0)],
            &["jdk", "jre", "jdk-alpine", "jre-alpine", "alpine"],
        ),
        size: 280000000,
        command: &["jshell"],
        env: &[("TOOL_VERSION", "{version}")],
        programs: &["/usr/local/bin/java=interpreter", "/usr/local/bin/jshell=interpreter"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/rust",
        tags: tags(&[patches(1, (70, 91), 1)], LANGUAGES),
        size: 550000000,
        command: &["bash"],
        env: &[("TOOL_VERSION", "{version}")],
        programs: &["/usr/local/bin/cargo=interpreter", "/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/cassandra",
        tags: tags(&[patches(3, (11, 11), 19), patches(4, (0, 1), 10), patches(5, (0, 0), 6)], &[]),
        size: 150000000,
        command: &["/usr/local/bin/cassandra"],
        ports: &[7000, 7001, 7199, 9042],
        programs: &["/usr/local/bin/cassandra"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/zookeeper",
        tags: tags(&[patches(3, (5, 9), 4)], &[]),
        size: 110000000,
        command: &["/usr/local/bin/zookeeper"],
        ports: &[2181, 2888, 3888, 8080],
        programs: &["/usr/local/bin/zookeeper"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/apache/kafka",
        tags: tags(&[patches(3, (7, 9), 1), patches(4, (0, 1), 0)], &[]),
        size: 240000000,
        command: &["/usr/local/bin/kafka"],
        ports: &[9092],
        programs: &["/usr/local/bin/kafka"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/bitnami/kafka",
        tags: tags(&[patches(3, (4, 9), 1)], &[]),
        size: 240000000,
        command: &["/usr/local/bin/kafka"],
        ports: &[9092],
        user: (1001, 1001),
        programs: &["/usr/local/bin/kafka"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/rabbitmq",
        tags: tags(&[patches(3, (8, 13), 7), patches(4, (0, 2), 1)], &["management", "alpine", "management-alpine"]),
        size: 110000000,
        command: &["/usr/local/bin/rabbitmq-server"],
        ports: &[4369, 5671, 5672, 15672, 25672],
        programs: &["/usr/local/bin/rabbitmq-server"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/nats",
        tags: tags(&[patches(2, (8, 12), 1)], &["alpine", "scratch"]),
        size: 8000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/nats-server"],
        ports: &[4222, 6222, 8222],
        programs: &["/usr/local/bin/nats-server"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/tomcat",
        tags: tags(
            &[patches(9, (0, 0), 110), patches(10, (0, 1), 48), patches(11, (0, 0), 13)],
            &["jdk17", "jdk21", "jre17", "jdk17-temurin", "jdk21-temurin"],
        ),
        size: 280000000,
        command: &["catalina.sh", "run"],
        ports: &[8080],
        programs: &["/usr/local/bin/catalina.sh"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/jenkins/jenkins",
        tags: tags(&[patches(2, (400, 530), 4)], &["lts", "lts-jdk17", "lts-jdk21", "jdk17", "alpine"]),
        size: 260000000,
        command: &["/usr/local/bin/jenkins.sh"],
        ports: &[8080, 50000],
        user: (1000, 1000),
        programs: &["/usr/local/bin/jenkins.sh"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/grafana/grafana",
        tags: tags(
            &[patches(9, (0, 5), 21), patches(10, (0, 4), 19), patches(11, (0, 6), 6), patches(12, (0, 2), 1)],
            &["ubuntu"],
        ),
        size: 140000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/grafana"],
        ports: &[3000],
        user: (472, 472),
        programs: &["/usr/local/bin/grafana"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/prom/prometheus",
        tags: Tags {
            words: &["latest"],
            versions: &[patches(2, (30, 55), 1), patches(3, (0, 7), 3)],
            variants: &[],
            prefix: "v",
        },
        size: 110000000,
        base: Base::Busybox,
        command: &["/usr/local/bin/prometheus"],
        ports: &[9090],
        user: (65534, 65534),
        programs: &["/usr/local/bin/prometheus"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/elasticsearch",
        tags: Tags {
            words: &[],
            versions: &[patches(7, (10, 17), 28), patches(8, (0, 19), 5), patches(9, (0, 1), 5)],
            variants: &[],
            prefix: "",
        },
        size: 680000000,
        command: &["/usr/local/bin/elasticsearch"],
        ports: &[9200, 9300],
        user: (1000, 1000),
        programs: &["/usr/local/bin/elasticsearch"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.elastic.co/elasticsearch/elasticsearch",
        tags: Tags {
            words: &[],
            versions: &[patches(7, (10, 17), 28), patches(8, (0, 19), 5), patches(9, (0, 1), 5)],
            variants: &[],
            prefix: "",
        },
        size: 680000000,
        command: &["/usr/local/bin/elasticsearch"],
        ports: &[9200, 9300],
        user: (1000, 1000),
        programs: &["/usr/local/bin/elasticsearch"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/traefik",
        tags: Tags { words: &["latest"], versions: &[minors(2, 0, 11), minors(3, 0, 5)], variants: &[], prefix: "v" },
        size: 45000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/traefik"],
        ports: &[80],
        programs: &["/usr/local/bin/traefik"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/caddy",
        tags: tags(&[patches(2, (5, 10), 2)], &["alpine"]),
        size: 20000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/caddy"],
        ports: &[80, 443, 2019],
        programs: &["/usr/local/bin/caddy"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/ghost",
        tags: tags(&[patches(4, (0, 48), 9), patches(5, (0, 130), 2), patches(6, (0, 4), 0)], &["alpine"]),
        size: 180000000,
        command: &["/usr/local/bin/ghost"],
        ports: &[2368],
        programs: &["/usr/local/bin/ghost"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/registry",
        tags: tags(&[patches(2, (7, 8), 3), patches(3, (0, 0), 0)], &[]),
        size: 10000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/registry"],
        ports: &[5000],
        programs: &["/usr/local/bin/registry"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/hashicorp/vault",
        tags: tags(&[patches(1, (13, 20), 4)], &[]),
        size: 180000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/vault"],
        ports: &[8200],
        programs: &["/usr/local/bin/vault"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/minio/minio",
        tags: words(&["latest"]),
        size: 60000000,
        base: Base::Busybox,
        command: &["minio"],
        ports: &[9000],
        programs: &["/usr/local/bin/minio"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/mongo-express",
        tags: tags(&[patches(1, (0, 0), 2)], &[]),
        size: 60000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/mongo-express"],
        ports: &[8081],
        programs: &["/usr/local/bin/mongo-express"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/phpmyadmin",
        tags: tags(&[patches(5, (0, 2), 3)], &["apache"]),
        size: 180000000,
        command: &["apache2-foreground"],
        ports: &[80],
        files: &[(
            "/var/www/html/index.html",
            "<!doctype html>\n<html lang=\"en\"><head><title>phpMyAdmin</title></head></html>\n",
        )],
        programs: &["/usr/local/bin/apache2-foreground"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/adminer",
        tags: tags(&[patches(4, (8, 17), 1), patches(5, (0, 4), 1)], &["standalone", "fastcgi"]),
        size: 40000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/adminer"],
        ports: &[8080],
        programs: &["/usr/local/bin/adminer"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/stefanprodan/podinfo",
        tags: tags(&[patches(5, (0, 2), 1), patches(6, (0, 9), 2)], &[]),
        size: 25000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/podinfo"],
        ports: &[9797, 9898, 9899, 9999],
        user: (100, 100),
        programs: &["/usr/local/bin/podinfo"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "ghcr.io/stefanprodan/podinfo",
        tags: tags(&[patches(5, (0, 2), 1), patches(6, (0, 9), 2)], &[]),
        size: 25000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/podinfo"],
        ports: &[9797, 9898, 9899, 9999],
        user: (100, 100),
        programs: &["/usr/local/bin/podinfo"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "gcr.io/kuar-demo/kuard-amd64",
        tags: words(&["blue", "green", "purple", "1", "2", "3", "latest"]),
        size: 10000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/kuard"],
        ports: &[8080],
        programs: &["/usr/local/bin/kuard"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/kennethreitz/httpbin",
        tags: words(&["latest"]),
        size: 200000000,
        base: Base::Ubuntu,
        command: &["/usr/local/bin/httpbin"],
        ports: &[80],
        programs: &["/usr/local/bin/httpbin"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/mccutchen/go-httpbin",
        tags: words(&["latest", "v2.0", "v2.5.0", "2.18.3"]),
        size: 7000000,
        base: Base::Scratch,
        command: &["/usr/local/bin/httpbin"],
        ports: &[8080],
        programs: &["/usr/local/bin/httpbin"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/fluent/fluentd",
        tags: Tags {
            words: &["latest", "edge"],
            versions: &[patches(1, (14, 19), 2)],
            variants: &["1", "debian", "debian-1.0"],
            prefix: "v",
        },
        size: 55000000,
        base: Base::Alpine,
        command: &["/usr/local/bin/fluentd"],
        ports: &[24224, 5140],
        programs: &["/usr/local/bin/fluentd"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/fluent/fluent-bit",
        tags: tags(&[patches(2, (0, 2), 3), patches(3, (0, 2), 10), patches(4, (0, 1), 1)], &["debug"]),
        size: 35000000,
        base: Base::Scratch,
        command: &["/usr/local/bin/fluent-bit"],
        ports: &[2020],
        programs: &["/usr/local/bin/fluent-bit"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/praqma/network-multitool",
        tags: words(&["latest", "minimal", "extra", "alpine-minimal", "alpine-extra"]),
        size: 80000000,
        base: Base::Alpine,
        command: &["nginx", "-g", "daemon off;"],
        ports: &[80],
        files: &[
            ("/usr/share/nginx/html/index.html", "Network MultiTool (with NGINX)\n"),
            ("/etc/nginx/conf.d/default.conf", "server {\n  listen 80;\n  root /usr/share/nginx/html;\n}\n"),
            ("/etc/nginx/nginx.conf", "events {}\nhttp {\n  include /etc/nginx/conf.d/*.conf;\n}\n"),
        ],
        programs: &["/usr/sbin/nginx"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/wbitt/network-multitool",
        tags: words(&["latest", "minimal", "extra", "alpine-minimal", "alpine-extra"]),
        size: 80000000,
        base: Base::Alpine,
        command: &["nginx", "-g", "daemon off;"],
        ports: &[80],
        files: &[
            ("/usr/share/nginx/html/index.html", "Network MultiTool (with NGINX)\n"),
            ("/etc/nginx/conf.d/default.conf", "server {\n  listen 80;\n  root /usr/share/nginx/html;\n}\n"),
            ("/etc/nginx/nginx.conf", "events {}\nhttp {\n  include /etc/nginx/conf.d/*.conf;\n}\n"),
        ],
        programs: &["/usr/sbin/nginx"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/centos",
        tags: tags(&[minors(7, 9, 9), minors(8, 4, 4)], &[]),
        size: 70000000,
        command: &["/bin/bash"],
        files: &[("/etc/os-release", "NAME=\"CentOS Linux\"\nVERSION_ID=\"8\"\nPRETTY_NAME=\"CentOS Linux 8\"\n")],
        programs: &["/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/fedora",
        tags: tags(&[minors(39, 0, 0), minors(40, 0, 0), minors(41, 0, 0), minors(42, 0, 0), minors(43, 0, 0)], &[]),
        size: 70000000,
        command: &["/bin/bash"],
        files: &[("/etc/os-release", "NAME=\"Fedora Linux\"\nVERSION_ID=\"43\"\nPRETTY_NAME=\"Fedora Linux 43\"\n")],
        programs: &["/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/rockylinux",
        tags: tags(&[minors(8, 0, 9), minors(9, 0, 6)], &["minimal"]),
        size: 70000000,
        command: &["/bin/bash"],
        files: &[("/etc/os-release", "NAME=\"Rocky Linux\"\nVERSION_ID=\"9.6\"\nPRETTY_NAME=\"Rocky Linux 9.6\"\n")],
        programs: &["/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/almalinux",
        tags: tags(&[minors(8, 0, 10), minors(9, 0, 6), minors(10, 0, 0)], &["minimal"]),
        size: 70000000,
        command: &["/bin/bash"],
        files: &[("/etc/os-release", "NAME=\"AlmaLinux\"\nVERSION_ID=\"10.0\"\nPRETTY_NAME=\"AlmaLinux 10.0\"\n")],
        programs: &["/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/amazonlinux",
        tags: words(&["latest", "2", "2023"]),
        size: 70000000,
        command: &["/bin/bash"],
        files: &[(
            "/etc/os-release",
            "NAME=\"Amazon Linux\"\nVERSION_ID=\"2023\"\nPRETTY_NAME=\"Amazon Linux 2023\"\n",
        )],
        programs: &["/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/oraclelinux",
        tags: tags(&[minors(8, 0, 10), minors(9, 0, 6)], &["slim"]),
        size: 70000000,
        command: &["/bin/bash"],
        files: &[(
            "/etc/os-release",
            "NAME=\"Oracle Linux Server\"\nVERSION_ID=\"9.6\"\nPRETTY_NAME=\"Oracle Linux Server 9.6\"\n",
        )],
        programs: &["/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/alpine/git",
        tags: words(&["latest"]),
        size: 15000000,
        base: Base::Alpine,
        entrypoint: &["git"],
        programs: &["/usr/bin/git=interpreter"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/alpine/curl",
        tags: words(&["latest"]),
        size: 15000000,
        base: Base::Alpine,
        entrypoint: &["curl"],
        programs: &["/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/alpine/socat",
        tags: words(&["latest"]),
        size: 15000000,
        base: Base::Alpine,
        entrypoint: &["socat"],
        programs: &["/usr/bin/socat=interpreter"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/giantswarm/tiny-tools",
        tags: words(&["latest", "3.12"]),
        size: 20000000,
        base: Base::Alpine,
        command: &["sh"],
        programs: &["/usr/bin/curl", "/usr/bin/dig", "/usr/bin/jq"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/docker",
        tags: tags(&[patches(24, (0, 0), 9), patches(27, (0, 5), 1), patches(28, (0, 5), 1)], &["cli", "dind"]),
        size: 60000000,
        base: Base::Alpine,
        command: &["sh"],
        programs: &["/usr/local/bin/docker=interpreter"],
        ..EMPTY
    },
];
