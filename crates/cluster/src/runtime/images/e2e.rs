//! The images that Kubernetes' own tests are written with.

use super::rows::{Base, EMPTY, HTTPD, Row, minors, patches};
use super::tags::Tags;
use super::texts::NGINX_FILES;

/// Their rows.
pub const ROWS: &[Row] = &[
    Row {
        repository: "registry.k8s.io/e2e-test-images/agnhost",
        tags: Tags {
            words: &[],
            versions: &[patches(2, (53, 66), 3), minors(2, 12, 66)],
            variants: BUILDS,
            prefix: "",
        },
        size: 52_000_000,
        base: Base::Alpine,
        entrypoint: &["/agnhost"],
        command: &["pause"],
        programs: &["/agnhost", "/agnhost-2=agnhost"],
        files: &[("/etc/passwd", PASSWD), ("/etc/group", GROUP)],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/e2e-test-images/busybox",
        tags: Tags { words: &[], versions: &[patches(1, (29, 37), 1)], variants: BUILDS, prefix: "" },
        size: 732_685,
        base: Base::Busybox,
        command: &["sh"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/e2e-test-images/nginx",
        tags: Tags { words: &[], versions: &[minors(1, 14, 15)], variants: BUILDS, prefix: "" },
        size: 6_978_806,
        base: Base::Alpine,
        command: &["nginx", "-g", "daemon off;"],
        ports: &[80],
        stop_signal: "SIGTERM",
        files: NGINX_FILES,
        programs: &["/usr/sbin/nginx"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/e2e-test-images/httpd",
        tags: Tags { words: &[], versions: &[patches(2, (4, 4), 39)], variants: BUILDS, prefix: "" },
        ..HTTPD
    },
    Row {
        repository: "registry.k8s.io/e2e-test-images/perl",
        tags: numbered(&[minors(5, 26, 40)]),
        size: 340_000_000,
        command: &["perl"],
        programs: &["/usr/local/bin/perl"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/e2e-test-images/nonewprivs",
        tags: numbered(&[minors(1, 0, 4)]),
        size: 3_200_000,
        entrypoint: &["/nonewprivs"],
        programs: &["+/nonewprivs=agnhost"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/e2e-test-images/nonroot",
        tags: numbered(&[minors(1, 0, 6)]),
        size: 17_700_000,
        entrypoint: &["/agnhost"],
        command: &["pause"],
        user: (1234, 1234),
        programs: &["/agnhost"],
        ..EMPTY
    },
    Row { repository: "registry.k8s.io/e2e-test-images/nautilus", files: &[("/data.json", NAUTILUS)], ..WEBSERVER },
    Row { repository: "registry.k8s.io/e2e-test-images/kitten", files: &[("/data.json", KITTEN)], ..WEBSERVER },
    Row {
        repository: "registry.k8s.io/e2e-test-images/jessie-dnsutils",
        tags: numbered(&[minors(1, 0, 9)]),
        size: 112_000_000,
        command: &["sh"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/e2e-test-images/ipc-utils",
        tags: numbered(&[minors(1, 0, 4)]),
        size: 6_000_000,
        base: Base::Alpine,
        command: &["sh"],
        ..EMPTY
    },
];

/// agnhost's users and groups: one that tests run as, and what it is in.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n\
    user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh\n";
const GROUP: &str = "root:x:0:root\nnogroup:x:65534:\nuser-defined-in-image:x:1000:\n\
    group-defined-in-image:x:50000:user-defined-in-image\n";

/// Builds of one version are told apart by a number after it.
const BUILDS: &[&str] = &["0", "1", "2", "3", "4", "5"];

const fn numbered(versions: &'static [super::tags::Versions]) -> Tags {
    Tags { words: &[], versions, variants: BUILDS, prefix: "" }
}

/// A server of files with one file.
const WEBSERVER: Row = Row {
    tags: numbered(&[minors(1, 0, 8)]),
    size: 51_000_000,
    base: Base::Alpine,
    entrypoint: &["/test-webserver"],
    ports: &[80],
    programs: &["/test-webserver=agnhost"],
    idle: true,
    ..EMPTY
};

const NAUTILUS: &str = "{\"image\": \"nautilus.jpg\"}\n";
const KITTEN: &str = "{\"image\": \"kitten.jpg\"}\n";
