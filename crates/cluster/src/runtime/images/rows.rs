//! The catalogue's rows: what registries have. Names, commands, variables and ports are those of the real images; sizes
//! are close to theirs. `{version}` in a text stands for the image's version, `{minor}` for its first two parts.

use super::tags::{Tags, Versions};
use super::texts::{HPA_PAGE, HTTPD_CONF, NGINX_FILES, NGINX_UNPRIVILEGED_FILES};

/// What an image is built on: it decides which utilities and system files there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Nothing but the program.
    Scratch,
    /// Busybox alone.
    Busybox,
    /// Alpine Linux: busybox, and apk's files.
    Alpine,
    /// Debian, slim: a shell and the core utilities.
    Debian,
    /// Ubuntu: the same.
    Ubuntu,
}

/// One image.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Registry and path.
    pub repository: &'static str,
    /// Its tags.
    pub tags: Tags,
    /// Compressed size in bytes.
    pub size: u64,
    /// What it is built on; the variant `alpine` is built on Alpine whatever stands here.
    pub base: Base,
    /// `ENTRYPOINT`.
    pub entrypoint: &'static [&'static str],
    /// `CMD`.
    pub command: &'static [&'static str],
    /// `ENV`, beside `PATH`.
    pub env: &'static [(&'static str, &'static str)],
    /// `EXPOSE`.
    pub ports: &'static [u16],
    /// `WORKDIR`.
    pub workdir: &'static str,
    /// `USER`: user and group.
    pub user: (u32, u32),
    /// `STOPSIGNAL`.
    pub stop_signal: &'static str,
    /// Files of its own: path and content. A path that ends in `/` is an empty folder; a content `-> TARGET` makes a
    /// symbolic link.
    pub files: &'static [(&'static str, &'static str)],
    /// Programs of its own: absolute paths, each for the program of its last part, or, after `=`, of another name.
    pub programs: &'static [&'static str],
    /// Whether its own command does nothing by itself but wait for connections or signals, once it has started: such a
    /// container needs no machine before somebody looks at it.
    pub idle: bool,
}

pub(super) const fn patches(major: u32, minors: (u32, u32), patch: u32) -> Versions {
    Versions { major, minors, patch: Some(patch) }
}

pub(super) const fn minors(major: u32, first: u32, last: u32) -> Versions {
    Versions { major, minors: (first, last), patch: None }
}

pub(super) const fn tags(versions: &'static [Versions], variants: &'static [&'static str]) -> Tags {
    Tags { words: &["latest"], versions, variants, prefix: "" }
}

/// Tags that are nothing but words.
pub(super) const fn words(words: &'static [&'static str]) -> Tags {
    Tags { words, versions: &[], variants: &[], prefix: "" }
}

/// Tags as Kubernetes' own images have them: no `latest`.
pub(super) const fn release(versions: &'static [Versions]) -> Tags {
    Tags { words: &[], versions, variants: &[], prefix: "v" }
}

/// What most rows leave out.
pub(super) const EMPTY: Row = Row {
    repository: "",
    tags: Tags { words: &["latest"], versions: &[], variants: &[], prefix: "" },
    size: 0,
    base: Base::Debian,
    entrypoint: &[],
    command: &[],
    env: &[],
    ports: &[],
    workdir: "/",
    user: (0, 0),
    stop_signal: "",
    files: &[],
    programs: &[],
    idle: false,
};

const DEBIANS: &[&str] = &["alpine", "bookworm", "bullseye", "trixie", "slim", "slim-bookworm", "bookworm-slim"];

/// Apache, which Kubernetes' tests have an image of, too.
pub(super) const HTTPD: Row = Row {
    repository: "docker.io/library/httpd",
    tags: tags(&[patches(2, (4, 4), 66)], DEBIANS),
    size: 58_724_183,
    command: &["httpd-foreground"],
    env: &[("HTTPD_PREFIX", "/usr/local/apache2"), ("HTTPD_VERSION", "{version}"), ("HTTPD_PATCHES", "")],
    ports: &[80],
    workdir: "/usr/local/apache2",
    stop_signal: "SIGWINCH",
    files: &[
        ("/usr/local/apache2/htdocs/index.html", "<html><body><h1>It works!</h1></body></html>\n"),
        ("/usr/local/apache2/conf/httpd.conf", HTTPD_CONF),
        ("/usr/local/apache2/logs/", ""),
        ("/usr/local/apache2/cgi-bin/", ""),
    ],
    programs: &["/usr/local/bin/httpd-foreground", "/usr/local/apache2/bin/httpd"],
    idle: true,
    ..EMPTY
};

/// Every image but [`super::e2e::ROWS`] and [`super::system::ROWS`], sorted by nothing in particular: a search goes through all, once a pull.
pub const ROWS: &[Row] = &[
    Row {
        repository: "docker.io/library/nginx",
        tags: Tags {
            words: &["latest", "stable", "mainline"],
            versions: &[patches(1, (7, 29), 5)],
            variants: &["alpine", "alpine-slim", "perl", "alpine-perl", "bookworm", "bullseye", "trixie"],
            prefix: "",
        },
        size: 59_795_293,
        entrypoint: &["/docker-entrypoint.sh"],
        command: &["nginx", "-g", "daemon off;"],
        env: &[("NGINX_VERSION", "{version}"), ("PKG_RELEASE", "1"), ("DYNPKG_RELEASE", "1")],
        ports: &[80],
        stop_signal: "SIGQUIT",
        files: NGINX_FILES,
        programs: &["/usr/sbin/nginx", "/docker-entrypoint.sh=nginx-entrypoint"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/nginxinc/nginx-unprivileged",
        tags: tags(&[patches(1, (18, 29), 5)], &["alpine", "alpine-slim"]),
        size: 59_612_774,
        entrypoint: &["/docker-entrypoint.sh"],
        command: &["nginx", "-g", "daemon off;"],
        env: &[("NGINX_VERSION", "{version}")],
        ports: &[8080],
        user: (101, 101),
        stop_signal: "SIGQUIT",
        files: NGINX_UNPRIVILEGED_FILES,
        programs: &["/usr/sbin/nginx", "/docker-entrypoint.sh=nginx-entrypoint"],
        idle: true,
        ..EMPTY
    },
    HTTPD,
    Row {
        repository: "docker.io/library/redis",
        tags: tags(
            &[
                patches(5, (0, 0), 14),
                patches(6, (0, 2), 20),
                patches(7, (0, 0), 15),
                patches(7, (2, 2), 11),
                patches(7, (4, 4), 6),
                patches(8, (0, 4), 3),
            ],
            DEBIANS,
        ),
        size: 45_209_412,
        entrypoint: &["docker-entrypoint.sh"],
        command: &["redis-server"],
        env: &[("REDIS_VERSION", "{version}")],
        ports: &[6379],
        workdir: "/data",
        files: &[("/data/", "")],
        programs: &[
            "/usr/local/bin/redis-server",
            "/usr/local/bin/redis-cli",
            "/usr/local/bin/docker-entrypoint.sh=redis-entrypoint",
        ],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/busybox",
        tags: Tags {
            words: &["latest", "stable"],
            versions: &[patches(1, (24, 37), 1)],
            variants: &["glibc", "musl", "uclibc"],
            prefix: "",
        },
        size: 2_223_685,
        base: Base::Busybox,
        command: &["sh"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/alpine",
        tags: Tags { words: &["latest", "edge"], versions: &[patches(3, (12, 22), 9)], variants: &[], prefix: "" },
        size: 3_805_000,
        base: Base::Alpine,
        command: &["/bin/sh"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/debian",
        tags: Tags {
            words: &["latest", "stable", "bookworm", "trixie", "bullseye", "bookworm-slim", "trixie-slim"],
            versions: &[minors(11, 0, 11), minors(12, 0, 12), minors(13, 0, 1)],
            variants: &["slim"],
            prefix: "",
        },
        size: 48_500_000,
        command: &["bash"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/ubuntu",
        tags: Tags {
            words: &["latest", "noble", "jammy", "focal", "20.04", "22.04", "24.04"],
            versions: &[minors(25, 10, 10)],
            variants: &[],
            prefix: "",
        },
        size: 29_724_683,
        base: Base::Ubuntu,
        command: &["/bin/bash"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/bash",
        tags: tags(&[patches(5, (0, 3), 9)], &[]),
        size: 6_500_000,
        base: Base::Alpine,
        command: &["bash"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/hello-world",
        tags: Tags { words: &["latest", "linux"], versions: &[], variants: &[], prefix: "" },
        size: 5_200,
        base: Base::Scratch,
        command: &["/hello"],
        programs: &["/hello=hello-world"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/postgres",
        tags: tags(
            &[
                minors(12, 0, 22),
                minors(13, 0, 22),
                minors(14, 0, 19),
                minors(15, 0, 14),
                minors(16, 0, 10),
                minors(17, 0, 6),
            ],
            &["alpine", "bookworm", "bullseye", "trixie"],
        ),
        size: 158_000_000,
        entrypoint: &["docker-entrypoint.sh"],
        command: &["postgres"],
        env: &[("PG_VERSION", "{version}"), ("PGDATA", "/var/lib/postgresql/data"), ("LANG", "en_US.utf8")],
        ports: &[5432],
        stop_signal: "SIGINT",
        files: &[("/var/lib/postgresql/data/", ""), ("/docker-entrypoint-initdb.d/", "")],
        programs: &[
            "/usr/local/bin/docker-entrypoint.sh=postgres-entrypoint",
            "/usr/local/bin/postgres",
            "/usr/local/bin/pg_isready",
            "/usr/local/bin/psql",
        ],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/mysql",
        tags: tags(&[patches(5, (7, 7), 44), patches(8, (0, 4), 43), patches(9, (0, 4), 0)], &["debian", "oracle"]),
        size: 176_000_000,
        entrypoint: &["docker-entrypoint.sh"],
        command: &["mysqld"],
        env: &[("MYSQL_MAJOR", "{minor}"), ("MYSQL_VERSION", "{version}")],
        ports: &[3306, 33060],
        files: &[("/var/lib/mysql/", ""), ("/docker-entrypoint-initdb.d/", "")],
        programs: &[
            "/usr/local/bin/docker-entrypoint.sh=mysql-entrypoint",
            "/usr/sbin/mysqld",
            "/usr/bin/mysqladmin",
            "/usr/bin/mysql",
        ],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/mariadb",
        tags: tags(&[patches(10, (5, 11), 14), patches(11, (0, 8), 3), patches(12, (0, 0), 2)], &["noble", "jammy"]),
        size: 118_000_000,
        base: Base::Ubuntu,
        entrypoint: &["docker-entrypoint.sh"],
        command: &["mariadbd"],
        env: &[("MARIADB_VERSION", "{version}"), ("LANG", "C.UTF-8")],
        ports: &[3306],
        files: &[("/var/lib/mysql/", "")],
        programs: &[
            "/usr/local/bin/docker-entrypoint.sh=mysql-entrypoint",
            "/usr/sbin/mariadbd",
            "/usr/bin/mariadb-admin",
        ],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/mongo",
        tags: tags(
            &[
                patches(4, (0, 4), 29),
                patches(5, (0, 0), 31),
                patches(6, (0, 0), 25),
                patches(7, (0, 0), 23),
                patches(8, (0, 0), 13),
            ],
            &["jammy", "noble"],
        ),
        size: 262_000_000,
        base: Base::Ubuntu,
        entrypoint: &["docker-entrypoint.sh"],
        command: &["mongod"],
        env: &[("MONGO_VERSION", "{version}"), ("MONGO_MAJOR", "{minor}")],
        ports: &[27017],
        files: &[("/data/db/", ""), ("/data/configdb/", "")],
        programs: &["/usr/local/bin/docker-entrypoint.sh=run-arguments", "/usr/bin/mongod"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/memcached",
        tags: tags(&[patches(1, (5, 6), 39)], DEBIANS),
        size: 32_000_000,
        entrypoint: &["docker-entrypoint.sh"],
        command: &["memcached"],
        ports: &[11211],
        user: (11211, 11211),
        programs: &["/usr/local/bin/docker-entrypoint.sh=run-arguments", "/usr/local/bin/memcached"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/python",
        tags: tags(&[patches(3, (8, 14), 12)], DEBIANS),
        size: 46_000_000,
        command: &["python3"],
        env: &[("PYTHON_VERSION", "{version}"), ("LANG", "C.UTF-8")],
        programs: &["/usr/local/bin/python3", "/usr/local/bin/python"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/library/perl",
        tags: tags(&[patches(5, (30, 42), 4)], DEBIANS),
        size: 330_000_000,
        command: &["perl"],
        programs: &["/usr/local/bin/perl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/polinux/stress",
        tags: tags(&[patches(1, (0, 0), 4)], &[]),
        size: 4_000_000,
        base: Base::Alpine,
        command: &["/usr/local/bin/stress"],
        programs: &["/usr/local/bin/stress"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/vish/stress",
        tags: tags(&[], &[]),
        size: 1_500_000,
        base: Base::Scratch,
        entrypoint: &["/stress", "-logtostderr"],
        programs: &["/stress=vish-stress"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/traefik/whoami",
        tags: Tags { words: &["latest"], versions: &[patches(1, (6, 11), 0)], variants: &[], prefix: "v" },
        size: 2_800_000,
        base: Base::Scratch,
        entrypoint: &["/whoami"],
        ports: &[80],
        programs: &["/whoami"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/hashicorp/http-echo",
        tags: Tags {
            words: &["latest", "alpine"],
            versions: &[patches(0, (2, 2), 4), patches(1, (0, 0), 0)],
            variants: &[],
            prefix: "",
        },
        size: 3_200_000,
        base: Base::Scratch,
        entrypoint: &["/http-echo"],
        ports: &[5678],
        user: (100, 1000),
        programs: &["/http-echo"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/nginxdemos/hello",
        tags: Tags {
            words: &["latest", "plain-text"],
            versions: &[minors(0, 1, 4)],
            variants: &["plain-text"],
            prefix: "",
        },
        size: 17_000_000,
        base: Base::Alpine,
        entrypoint: &["/docker-entrypoint.sh"],
        command: &["nginx", "-g", "daemon off;"],
        ports: &[80],
        stop_signal: "SIGQUIT",
        files: NGINX_FILES,
        programs: &["/usr/sbin/nginx", "/docker-entrypoint.sh=nginx-entrypoint"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/kicbase/echo-server",
        tags: tags(&[minors(1, 0, 0)], &[]),
        size: 2_200_000,
        base: Base::Scratch,
        entrypoint: &["/bin/echo-server"],
        ports: &[8080],
        programs: &["/bin/echo-server"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "docker.io/curlimages/curl",
        tags: tags(&[patches(7, (70, 88), 1), patches(8, (0, 16), 1)], &[]),
        size: 9_800_000,
        base: Base::Alpine,
        entrypoint: &["/entrypoint.sh"],
        command: &["curl"],
        user: (100, 101),
        programs: &["/entrypoint.sh=run-arguments", "/usr/bin/curl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/nicolaka/netshoot",
        tags: Tags { words: &["latest"], versions: &[minors(0, 8, 14)], variants: &[], prefix: "v" },
        size: 172_000_000,
        base: Base::Alpine,
        command: &["zsh"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/bitnami/kubectl",
        tags: tags(&[patches(1, (28, 36), 9)], &[]),
        size: 42_000_000,
        entrypoint: &["kubectl"],
        command: &["--help"],
        env: &[("PATH", "/opt/bitnami/kubectl/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")],
        user: (1001, 0),
        programs: &["/opt/bitnami/kubectl/bin/kubectl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/bitnamilegacy/kubectl",
        tags: tags(&[patches(1, (28, 33), 9)], &[]),
        size: 42_000_000,
        entrypoint: &["kubectl"],
        command: &["--help"],
        env: &[("PATH", "/opt/bitnami/kubectl/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")],
        user: (1001, 0),
        programs: &["/opt/bitnami/kubectl/bin/kubectl"],
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/kubectl",
        tags: Tags { words: &[], versions: &[patches(1, (28, 36), 9)], variants: &[], prefix: "v" },
        size: 19_000_000,
        base: Base::Scratch,
        entrypoint: &["/bin/kubectl"],
        programs: &["/bin/kubectl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/rancher/kubectl",
        tags: Tags { words: &["latest"], versions: &[patches(1, (28, 36), 9)], variants: &[], prefix: "v" },
        size: 19_000_000,
        base: Base::Scratch,
        entrypoint: &["/bin/kubectl"],
        programs: &["/bin/kubectl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/alpine/kubectl",
        tags: tags(&[patches(1, (28, 36), 9)], &[]),
        size: 30_000_000,
        base: Base::Alpine,
        entrypoint: &["kubectl"],
        programs: &["/usr/local/bin/kubectl"],
        ..EMPTY
    },
    Row {
        repository: "docker.io/alpine/k8s",
        tags: tags(&[patches(1, (28, 36), 9)], &[]),
        size: 180_000_000,
        base: Base::Alpine,
        command: &["bash"],
        programs: &["/usr/bin/kubectl"],
        ..EMPTY
    },
    Row {
        repository: "gcr.io/google-samples/hello-app",
        tags: Tags { words: &[], versions: &[minors(1, 0, 0), minors(2, 0, 0)], variants: &[], prefix: "" },
        size: 7_600_000,
        base: Base::Scratch,
        entrypoint: &["/hello-app"],
        env: &[("PORT", "8080")],
        ports: &[8080],
        programs: &["/hello-app"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/echoserver",
        tags: Tags { words: &[], versions: &[minors(1, 0, 10)], variants: &[], prefix: "" },
        env: &[("APP_VERSION", "{version}")],
        size: 46_200_000,
        command: &["/usr/local/bin/run.sh"],
        ports: &[8080, 8443],
        programs: &["/usr/local/bin/run.sh=echoserver"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/pause",
        tags: Tags { words: &["latest"], versions: &[patches(3, (1, 10), 2)], variants: &[], prefix: "" },
        size: 320_448,
        base: Base::Scratch,
        entrypoint: &["/pause"],
        user: (65535, 65535),
        programs: &["/pause"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/nginx-slim",
        tags: Tags { words: &[], versions: &[minors(0, 8, 27)], variants: &[], prefix: "" },
        size: 53_000_000,
        command: &["nginx", "-g", "daemon off;"],
        ports: &[80],
        files: NGINX_FILES,
        programs: &["/usr/sbin/nginx"],
        idle: true,
        ..EMPTY
    },
    Row {
        repository: "registry.k8s.io/hpa-example",
        size: 180_000_000,
        command: &["apache2-foreground"],
        ports: &[80],
        stop_signal: "SIGWINCH",
        files: &[("/var/www/html/index.php", HPA_PAGE)],
        programs: &["/usr/local/bin/apache2-foreground"],
        idle: true,
        ..EMPTY
    },
];

/// Registries that were moved: what stands at the left is looked up as what stands at the right.
pub const MOVED: &[(&str, &str)] = &[("k8s.gcr.io/", "registry.k8s.io/")];
