//! The file system that a container of an image starts with.

use drydock_shell::{Flavour, Fs, User, Vfs};
use drydock_value::Time;

use super::catalogue::Image;
use super::rows::Base;

/// Utilities that Debian's and Ubuntu's slim images do without.
const NOT_IN_DEBIAN: &[&str] = &[
    "curl", "free", "host", "ifconfig", "ip", "kubectl", "less", "minikube", "nc", "netstat", "nslookup", "pgrep",
    "ping", "pkill", "ps", "telnet", "top", "tree", "unzip", "uptime", "vi", "vim", "nano", "wget", "xxd", "jq", "dig",
];
/// Utilities that are no part of busybox.
const NOT_IN_BUSYBOX: &[&str] = &["bash", "curl", "jq", "kubectl", "minikube", "dig", "host", "nano", "vim"];

/// Directories that every image has, so that what a kubelet mounts there changes no file system.
const DIRECTORIES: &[&str] = &[
    "/var/run/secrets/kubernetes.io/serviceaccount",
    "/sys/fs/cgroup",
    "/run",
    "/mnt",
    "/opt",
    "/srv",
    "/var/lib",
    "/var/cache",
];

/// When images were built.
const BUILT: Time = Time::from_seconds(1_790_000_000);

/// Whose words the programs of an image use.
pub fn flavour(base: Base) -> Flavour {
    match base {
        Base::Busybox | Base::Alpine | Base::Scratch => Flavour::Busybox,
        Base::Debian | Base::Ubuntu => Flavour::Gnu,
    }
}

/// Builds it. What fails here fails for every container alike, and a test would show it.
pub fn build(image: &Image) -> Fs {
    let mut vfs = Vfs::base();
    vfs.set_time(BUILT);
    for directory in DIRECTORIES {
        let _ = vfs.mkdir_all(directory);
    }
    for file in ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"] {
        let _ = vfs.write(file, b"");
    }
    install_utilities(&mut vfs, image);
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
        let _ = vfs.install(path, program);
    }
    if image.user.uid != 0 {
        let User { uid, gid } = User { uid: image.user.uid, gid: image.user.gid };
        let passwd = vfs.read_text("/etc/passwd").unwrap_or_default();
        let _ = vfs.write("/etc/passwd", format!("{passwd}app:x:{uid}:{gid}::/:/sbin/nologin\n").as_bytes());
    }
    vfs.root_fs().cloned().unwrap_or_default()
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
    vfs.install_all("/bin", drydock_shell::tool_names().filter(|name| !absent.contains(name)));
    let _ = vfs.install("/bin/sh", "sh");
    if matches!(image.base, Base::Debian | Base::Ubuntu) || image.repository.ends_with("/bash") {
        let _ = vfs.install("/bin/bash", "bash");
    } else {
        let _ = vfs.install("/bin/ash", "sh");
    }
    let extra: &[&str] = match image.repository.as_str() {
        "docker.io/library/nginx" | "docker.io/nicolaka/netshoot" => &["curl", "nslookup", "dig", "nc", "jq", "ip"],
        "registry.k8s.io/e2e-test-images/agnhost" | "registry.k8s.io/e2e-test-images/jessie-dnsutils" => {
            &["curl", "nslookup", "dig", "host", "nc"]
        }
        _ => &[],
    };
    let wanted = if !image.repository.ends_with("/nginx") { extra } else { extra.get(..1).unwrap_or_default() };
    vfs.install_all("/usr/bin", drydock_shell::tool_names().filter(|name| wanted.contains(name)));
}
