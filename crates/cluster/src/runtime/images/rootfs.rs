//! The file system that a container of an image starts with.

use std::sync::OnceLock;

use drydock_shell::{Backing, Flavour, Fs, Layout, User, Vfs};
use drydock_value::Time;

use super::catalogue::Image;
use super::rows::Base;

/// Utilities that Debian's and Ubuntu's slim images do without.
const NOT_IN_DEBIAN: &[&str] = &[
    "apk",
    "curl",
    "free",
    "host",
    "ifconfig",
    "ip",
    "kubectl",
    "less",
    "minikube",
    "nc",
    "netstat",
    "nslookup",
    "openssl",
    "pgrep",
    "ping",
    "pkill",
    "ps",
    "route",
    "ss",
    "sysctl",
    "telnet",
    "top",
    "traceroute",
    "tree",
    "unzip",
    "uptime",
    "vi",
    "vim",
    "nano",
    "wget",
    "xxd",
    "jq",
    "dig",
];
/// Utilities that are no part of busybox.
const NOT_IN_BUSYBOX: &[&str] =
    &["apt", "apt-get", "bash", "curl", "jq", "kubectl", "minikube", "dig", "host", "nano", "openssl", "ss", "vim"];

/// Directories that every image has, so that what a kubelet mounts there changes no file system.
const DIRECTORIES: &[&str] = &[
    "/var/run/secrets/kubernetes.io/serviceaccount",
    "/sys/fs/cgroup",
    "/proc/sys",
    "/run",
    "/mnt",
    "/opt",
    "/srv",
    "/var/lib",
    "/var/cache",
];

/// Settings of the kernel that a container's programs look at, by their names, as runtimes leave them.
#[rustfmt::skip]
pub const SETTINGS: &[(&str, &str)] = &[
    ("fs.file-max", "9223372036854775807"), ("kernel.msgmax", "8192"), ("kernel.ostype", "Linux"),
    ("kernel.osrelease", "6.6.95"), ("kernel.pid_max", "4194304"), ("kernel.shm_rmid_forced", "0"),
    ("kernel.shmmax", "18446744073692774399"), ("net.core.somaxconn", "4096"), ("net.ipv4.ip_forward", "1"),
    ("net.ipv4.ip_local_port_range", "32768 60999"), ("net.ipv4.ip_local_reserved_ports", ""),
    ("net.ipv4.ip_unprivileged_port_start", "0"), ("net.ipv4.ping_group_range", "0 2147483647"),
    ("net.ipv4.tcp_fin_timeout", "60"), ("net.ipv4.tcp_keepalive_intvl", "75"),
    ("net.ipv4.tcp_keepalive_probes", "9"), ("net.ipv4.tcp_keepalive_time", "7200"),
    ("net.ipv4.tcp_rmem", "4096 131072 6291456"), ("net.ipv4.tcp_syncookies", "1"),
    ("net.ipv4.tcp_wmem", "4096 16384 4194304"), ("vm.max_map_count", "65530"), ("vm.overcommit_memory", "0"),
    ("vm.swappiness", "60"),
];

/// When images were built.
pub const BUILT: Time = drydock_shell::BUILT;

/// Whose words the programs of an image use.
pub fn flavour(base: Base) -> Flavour {
    match base {
        Base::Busybox | Base::Alpine | Base::Scratch => Flavour::Busybox,
        Base::Debian | Base::Ubuntu => Flavour::Gnu,
    }
}

/// The files of settings, the last of a name counts.
pub fn settings(all: &[(&str, &str)]) -> Fs {
    let mut layout = Layout::new(BUILT);
    for (name, value) in all {
        let words: Vec<&str> = value.split_whitespace().collect();
        layout.file(&name.replace('.', "/"), format!("{}\n", words.join("\t")).into_bytes(), 0o644);
    }
    layout.finish(0o555).on(Backing::Kernel("proc"))
}

/// What all images have.
fn common() -> Fs {
    let mut vfs = Vfs::base();
    vfs.set_time(BUILT);
    for directory in DIRECTORIES {
        let _ = vfs.mkdir_all(directory);
    }
    for file in ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"] {
        let _ = vfs.write(file, b"");
    }
    vfs.root_fs().cloned().unwrap_or_default()
}

/// Builds it. What fails here fails for every container alike, and a test would show it.
pub fn build(image: &Image) -> Fs {
    static COMMON: OnceLock<Fs> = OnceLock::new();
    let mut vfs = Vfs::new(COMMON.get_or_init(common).clone());
    vfs.set_time(BUILT);
    install_utilities(&mut vfs, image);
    let _ = vfs.write("/etc/group", group_file(image.base).as_bytes());
    let release = match image.base {
        Base::Scratch | Base::Busybox => None,
        Base::Alpine => {
            let version = if image.repository.ends_with("/alpine") { image.version.as_str() } else { "3.22.1" };
            let _ = vfs.write("/etc/alpine-release", format!("{version}\n").as_bytes());
            Some(format!(
                "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID={version}\nPRETTY_NAME=\"Alpine Linux v{version}\"\n"
            ))
        }
        Base::Debian => Some(
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
             VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n"
                .into(),
        ),
        Base::Ubuntu => Some(
            "PRETTY_NAME=\"Ubuntu 24.04.3 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\n\
             VERSION=\"24.04.3 LTS (Noble Numbat)\"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n"
                .into(),
        ),
    };
    if let Some(release) = release {
        let _ = vfs.write("/etc/os-release", release.as_bytes());
    }
    for (path, content) in &image.files {
        put(&mut vfs, path, content);
    }
    for entry in &image.programs {
        let (path, program) = entry.split_once('=').unwrap_or((entry, ""));
        let program = if program.is_empty() { path.rsplit('/').next().unwrap_or(path) } else { program };
        let (path, lends) = path.strip_prefix('+').map_or((path, false), |path| (path, true));
        let _ = vfs.install(path, program);
        if lends {
            let _ = vfs.chmod(path, 0o4755);
        }
    }
    if image.user.uid != 0 {
        let User { uid, gid } = User { uid: image.user.uid, gid: image.user.gid };
        let passwd = vfs.read_text("/etc/passwd").unwrap_or_default();
        let _ = vfs.write("/etc/passwd", format!("{passwd}app:x:{uid}:{gid}::/:/sbin/nologin\n").as_bytes());
    }
    vfs.root_fs().cloned().unwrap_or_default()
}

/// The groups that a base image knows, with root as a member of those that it puts it in.
fn group_file(base: Base) -> String {
    let (names, ofroot): (&[(&str, u32)], &[u32]) = match base {
        Base::Busybox => (
            &[
                ("daemon", 1),
                ("bin", 2),
                ("sys", 3),
                ("adm", 4),
                ("tty", 5),
                ("disk", 6),
                ("wheel", 10),
                ("users", 100),
            ],
            &[10],
        ),
        Base::Alpine => (
            &[
                ("bin", 1),
                ("daemon", 2),
                ("sys", 3),
                ("adm", 4),
                ("disk", 6),
                ("wheel", 10),
                ("floppy", 11),
                ("dialout", 20),
                ("tape", 26),
                ("video", 27),
            ],
            &[1, 2, 3, 4, 6, 10, 11, 20, 26, 27],
        ),
        _ => (&[], &[]),
    };
    let mut text = "root:x:0:\n".to_owned();
    for (name, gid) in names {
        text.push_str(&format!("{name}:x:{gid}:{}\n", if ofroot.contains(gid) { "root" } else { "" }));
    }
    text + "nogroup:x:65534:\n"
}

/// Puts a file, folder (the path ends in `/`) or link (`-> TARGET`) at a path.
fn put(vfs: &mut Vfs, path: &str, content: &str) {
    if let Some(folder) = path.strip_suffix('/') {
        let _ = vfs.mkdir_all(folder);
        let _ = vfs.chmod(folder, 0o777);
        return;
    }
    let parent = path.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
    let _ = vfs.mkdir_all(parent);
    match content.strip_prefix("-> ") {
        Some(target) => {
            let _ = vfs.symlink(target, path);
        }
        None => {
            let _ = vfs.write(path, content.as_bytes());
            if content.starts_with("#!") {
                let _ = vfs.chmod(path, 0o755);
            }
        }
    }
}

fn install_utilities(vfs: &mut Vfs, image: &Image) {
    let absent: &[&str] = match image.base {
        Base::Scratch => return,
        Base::Busybox | Base::Alpine => NOT_IN_BUSYBOX,
        Base::Debian | Base::Ubuntu => NOT_IN_DEBIAN,
    };
    // Busybox alone has no packages.
    let packages = image.base != Base::Busybox;
    let names = drydock_shell::tool_names().filter(|name| !absent.contains(name) && (packages || *name != "apk"));
    vfs.install_all("/bin", names);
    let _ = vfs.install("/bin/sh", "sh");
    if matches!(image.base, Base::Debian | Base::Ubuntu) || image.repository.ends_with("/bash") {
        let _ = vfs.install("/bin/bash", "bash");
    } else {
        let _ = vfs.install("/bin/ash", "sh");
    }
    let extra: &[&str] = match image.repository.as_str() {
        "docker.io/library/nginx" | "docker.io/nicolaka/netshoot" => {
            &["curl", "nslookup", "dig", "host", "nc", "jq", "ip", "ss"]
        }
        "registry.k8s.io/e2e-test-images/agnhost" | "registry.k8s.io/e2e-test-images/jessie-dnsutils" => {
            &["curl", "nslookup", "dig", "host", "nc"]
        }
        "node" => &[
            "curl", "dig", "free", "host", "ip", "jq", "less", "nslookup", "openssl", "pgrep", "pkill", "ps", "ss",
            "sysctl", "top", "uptime", "vi",
        ],
        _ => &[],
    };
    let wanted = if !image.repository.ends_with("/nginx") { extra } else { extra.get(..1).unwrap_or_default() };
    vfs.install_all("/usr/bin", drydock_shell::tool_names().filter(|name| wanted.contains(name)));
}
