//! What registries have, and what they answer when they do not.

use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_shell::Fs;
use drydock_value::Value;

use super::reference::Reference;
use super::rootfs;
use super::rows::{Base, MOVED, ROWS, Row};
use super::tags::Resolved;
use super::{docs, e2e, popular, system};

/// The user that an image's processes run as.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// Its number.
    pub uid: u32,
    /// Its group's number.
    pub gid: u32,
    /// All its groups.
    pub groups: Vec<u32>,
}

/// One image in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Registry and path: `docker.io/library/nginx`.
    pub repository: String,
    /// The version, such as `1.27.5`; empty when it has none.
    pub version: String,
    /// `sha256:...` of the manifest.
    pub digest: String,
    /// Compressed size in bytes.
    pub size: u64,
    /// What it is built on.
    pub base: Base,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<String>,
    /// `CMD`.
    pub command: Vec<String>,
    /// `ENV`, with `PATH`.
    pub env: Vec<(String, String)>,
    /// `EXPOSE`.
    pub ports: Vec<u16>,
    /// `WORKDIR`.
    pub workdir: String,
    /// `USER`.
    pub user: User,
    /// `STOPSIGNAL`; empty for SIGTERM.
    pub stop_signal: String,
    /// Files of its own: path and content. A path that ends in `/` is an empty folder.
    pub files: Vec<(String, String)>,
    /// Its own programs: absolute paths, each for the program of its last part, or, after `=`, of another name.
    pub programs: Vec<String>,
    /// Whether its own command, once started, does nothing by itself.
    pub idle: bool,
}

impl Image {
    /// As container statuses name it: `docker.io/library/nginx@sha256:...`.
    pub fn image_id(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }
}

/// Why a registry did not give an image: the error of a CRI `PullImage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullFailure {
    /// The gRPC code's name.
    pub code: &'static str,
    /// What containerd says.
    pub message: String,
}

impl std::fmt::Display for PullFailure {
    /// As a kubelet shows it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "rpc error: code = {} desc = {}", self.code, self.message)
    }
}

/// The registries.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Images that were added, by their full names with tag.
    added: SortedMap<String, Arc<Image>>,
    /// Images that were asked for, by their full names: all nodes share one.
    known: SortedMap<String, Arc<Image>>,
    /// File systems that containers start with, by digest.
    roots: SortedMap<String, Fs>,
    /// Whether the registries cannot be reached.
    pub unreachable: bool,
    /// Programs that others bring.
    pub programs: crate::config::Programs,
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Catalogue {
    /// Adds an image, described as JSON with the fields `name`, `size`, `from`, `entrypoint`, `cmd`, `env` (an object),
    /// `ports`, `workdir` and `files` (an object from path to content). `from` names an image of the catalogue whose
    /// base, files, programs and configuration it starts from; without one it starts from busybox.
    ///
    /// # Errors
    /// When the name is not an image name, or `from` is not in the catalogue.
    pub fn add(&mut self, image: &Value) -> Result<(), String> {
        let reference = Reference::parse(image["name"].str())?;
        let from = Reference::parse(image["from"].as_str().unwrap_or("busybox"))?;
        let mut made = (*self.pull(&from).map_err(|failure| failure.message)?).clone();
        made.repository = reference.repository();
        made.digest = digest(&format!("{reference}{image}"));
        if let Some(size) = image["size"].as_i64() {
            made.size = size.unsigned_abs();
        }
        let strings = |value: &Value| value.items().iter().map(|item| item.str().to_owned()).collect::<Vec<_>>();
        if image.get("entrypoint").is_some() {
            made.entrypoint = strings(&image["entrypoint"]);
            made.command = Vec::new();
        }
        if image.get("cmd").is_some() {
            made.command = strings(&image["cmd"]);
        }
        for (name, text) in image["env"].entries() {
            made.env.retain(|(known, _)| known != name);
            made.env.push((name.into(), text.str().into()));
        }
        if image.get("ports").is_some() {
            made.ports = image["ports"].items().iter().filter_map(|p| u16::try_from(p.int()).ok()).collect();
        }
        if let Some(workdir) = image["workdir"].as_str() {
            made.workdir = workdir.into();
        }
        for (path, text) in image["files"].entries() {
            made.files.retain(|(known, _)| known != path);
            made.files.push((path.into(), text.str().into()));
        }
        self.added.insert(reference.to_string(), Arc::new(made));
        Ok(())
    }

    /// The file system that a container of an image starts with. All share one until they write.
    pub fn root(&mut self, image: &Image) -> Fs {
        let key = format!("{}{}", image.repository, image.digest);
        self.roots.entry(key).or_insert_with(|| rootfs::build(image)).clone()
    }

    /// The kernel's settings as a container sees them, with those that its pod sets: `/proc/sys`.
    pub fn settings(&mut self, own: &[(String, String)]) -> Fs {
        let usual = self.roots.entry(String::new()).or_insert_with(|| rootfs::settings(rootfs::SETTINGS));
        if own.is_empty() {
            return usual.clone();
        }
        let given = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        rootfs::settings(&rootfs::SETTINGS.iter().copied().chain(given).collect::<Vec<_>>())
    }

    /// What a registry answers to a pull.
    ///
    /// # Errors
    /// The failure, in containerd's words.
    pub fn pull(&mut self, reference: &Reference) -> Result<Arc<Image>, PullFailure> {
        let full = reference.to_string();
        let failed = |code, why: String| {
            let message =
                format!("failed to pull and unpack image \"{full}\": failed to resolve reference \"{full}\": {why}");
            Err(PullFailure { code, message })
        };
        if self.unreachable {
            let host = registry_host(&reference.domain);
            return failed(
                "Unknown",
                format!(
                    "failed to do request: Head \"https://{host}/v2/{}/manifests/{}\": dial tcp: lookup {host}: i/o timeout",
                    reference.path,
                    reference.digest.as_ref().or(reference.tag.as_ref()).map_or("latest", String::as_str)
                ),
            );
        }
        if let Some(image) = self.added.get(&full).or_else(|| self.known.get(&full)) {
            return Ok(image.clone());
        }
        let mut repository = reference.repository();
        for (old, new) in MOVED {
            if let Some(rest) = repository.strip_prefix(old) {
                repository = format!("{new}{rest}");
            }
        }
        let row = [ROWS, system::ROWS, e2e::ROWS, docs::ROWS, popular::ROWS]
            .into_iter()
            .flatten()
            .find(|row| row.repository == repository);
        let Some(row) = row else {
            return match reference.domain.as_str() {
                "docker.io" => failed(
                    "Unknown",
                    "pull access denied, repository does not exist or may require authorization: server message: \
                     insufficient_scope: authorization failed"
                        .into(),
                ),
                "registry.k8s.io" | "k8s.gcr.io" | "quay.io" | "gcr.io" | "ghcr.io" => {
                    failed("NotFound", format!("{full}: not found"))
                }
                domain => failed(
                    "Unknown",
                    format!(
                        "failed to do request: Head \"https://{domain}/v2/{}/manifests/{}\": dial tcp: lookup {} on \
                         192.168.49.1:53: no such host",
                        reference.path,
                        reference.digest.as_ref().or(reference.tag.as_ref()).map_or("latest", String::as_str),
                        domain.split(':').next().unwrap_or_default()
                    ),
                ),
            };
        };
        let resolved = match (&reference.tag, &reference.digest) {
            (_, Some(wanted)) => find_digest(row, wanted),
            (Some(tag), None) => row.tags.resolve(tag),
            (None, None) => row.tags.resolve("latest"),
        };
        match resolved {
            Some(resolved) => {
                let image = Arc::new(image(row, &resolved));
                self.known.insert(full, image.clone());
                Ok(image)
            }
            None => failed("NotFound", format!("{full}: not found")),
        }
    }
}

fn registry_host(domain: &str) -> &str {
    if domain == "docker.io" { "registry-1.docker.io" } else { domain }
}

/// The version whose digest this is. Only what words and newest versions give is searched.
fn find_digest(row: &Row, wanted: &str) -> Option<Resolved> {
    let candidates =
        row.tags.words.iter().map(|word| (*word).to_owned()).chain(row.tags.versions.iter().flat_map(|v| {
            (v.minors.0..=v.minors.1).map(move |minor| format!("{}{}.{minor}", row.tags.prefix, v.major))
        }));
    candidates.filter_map(|tag| row.tags.resolve(&tag)).find(|resolved| digest_of(row, resolved) == wanted)
}

fn digest_of(row: &Row, resolved: &Resolved) -> String {
    digest(&format!("{}:{}-{}", row.repository, resolved.version, resolved.variant))
}

fn image(row: &Row, resolved: &Resolved) -> Image {
    let minor = resolved.version.rsplitn(2, '.').last().unwrap_or_default();
    let text = |text: &str| text.replace("{version}", &resolved.version).replace("{minor}", minor);
    let texts = |list: &[&str]| list.iter().map(|item| text(item)).collect::<Vec<_>>();
    let alpine = resolved.variant.starts_with("alpine");
    let base = if alpine { Base::Alpine } else { row.base };
    let mut env = vec![("PATH".to_owned(), PATH.to_owned())];
    env.extend(row.env.iter().map(|(name, value)| ((*name).to_owned(), text(value))));
    let (uid, gid) = row.user;
    Image {
        repository: row.repository.into(),
        version: resolved.version.clone(),
        digest: digest_of(row, resolved),
        size: if alpine && row.base != Base::Alpine { row.size / 3 } else { row.size },
        base,
        entrypoint: texts(row.entrypoint),
        command: texts(row.command),
        env,
        ports: row.ports.to_vec(),
        workdir: row.workdir.into(),
        user: User { uid, gid, groups: groups(base, uid, gid) },
        stop_signal: row.stop_signal.into(),
        files: row.files.iter().map(|(path, content)| ((*path).to_owned(), text(content))).collect(),
        programs: texts(row.programs),
        idle: row.idle,
    }
}

impl Image {
    /// The user of a number, as the image's own files know it: its group, and the groups that it is in.
    pub fn user_of(&self, uid: u32) -> User {
        if uid == self.user.uid {
            return self.user.clone();
        }
        let file = |wanted: &str| self.files.iter().find(|(path, _)| path == wanted).map_or("", |(_, text)| text);
        let fields = |line: &'_ str| line.split(':').map(str::to_owned).collect::<Vec<String>>();
        let mut accounts = file("/etc/passwd").lines().map(fields);
        let account = accounts.find(|fields| fields.get(2).is_some_and(|number| *number == uid.to_string()));
        let Some(account) = account else {
            // Every base knows `nobody`.
            let gid = if uid == NOBODY { NOBODY } else { 0 };
            return User { uid, gid, groups: groups(self.base, uid, gid) };
        };
        let gid = account.get(3).and_then(|gid| gid.parse().ok()).unwrap_or(0);
        let mut groups = vec![gid];
        for group in file("/etc/group").lines().map(fields) {
            if group
                .get(3)
                .is_some_and(|members| members.split(',').any(|name| Some(name) == account.first().map(String::as_str)))
            {
                groups.extend(group.get(2).and_then(|number| number.parse::<u32>().ok()));
            }
        }
        User { uid, gid, groups }
    }
}

/// The user and the group `nobody`.
const NOBODY: u32 = 65_534;

/// The groups of `/etc/group` that a base image puts its root user in.
fn groups(base: Base, uid: u32, gid: u32) -> Vec<u32> {
    match base {
        Base::Busybox if uid == 0 => vec![0, 10],
        Base::Alpine if uid == 0 => vec![0, 1, 2, 3, 4, 6, 10, 11, 20, 26, 27],
        _ => vec![gid],
    }
}

/// A digest that follows from a text: not its SHA-256, but as long and as steady.
pub fn digest(text: &str) -> String {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let mut out = String::from("sha256:");
    for _ in 0..4 {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        out.push_str(&format!("{:016x}", mixed ^ (mixed >> 31)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    fn pull(name: &str) -> Result<Arc<Image>, String> {
        let reference = Reference::parse(name).unwrap();
        Catalogue::default().pull(&reference).map_err(|failure| failure.to_string())
    }

    #[test]
    fn known_images_resolve() {
        let image = pull("nginx:1.27").unwrap();
        assert_eq!((image.version.as_str(), image.size), ("1.27.5", 59_795_293));
        assert_eq!(image.env[1], ("NGINX_VERSION".into(), "1.27.5".into()));
        assert_eq!(pull("nginx:1.27.5").unwrap().digest, image.digest);
        assert_ne!(pull("nginx:1.28").unwrap().digest, image.digest);
        assert_eq!(pull(&image.image_id()).unwrap().version, "1.27.5");
        assert_eq!(image.digest.len(), 71);
        assert_eq!(pull("k8s.gcr.io/pause:3.9").unwrap().entrypoint, ["/pause"]);
        assert!(pull("registry.k8s.io/pause:3.10.2").is_ok());
        // What tutorials use.
        for name in [
            "gcr.io/google-samples/kubernetes-bootcamp:v2",
            "docker.io/jocatalin/kubernetes-bootcamp:v1",
            "registry.k8s.io/busybox:1.27.2",
            "gcr.io/google-samples/gb-frontend:v5",
            "gcr.io/google-samples/cassandra:v13",
            "wordpress:6.2.1-apache",
            "quay.io/fluentd_elasticsearch/fluentd:v5.0.1",
            "redis:7.0.10",
            "node:20-alpine",
            "grafana/grafana",
            "prom/prometheus:v2.45.0",
        ] {
            assert!(pull(name).is_ok(), "{name}");
        }
        assert!(pull("gcr.io/google-samples/kubernetes-bootcamp:v10").is_err());
        assert_eq!(pull("redis:7-alpine").unwrap().base, Base::Alpine);
        assert_eq!(pull("mysql:8.0").unwrap().env[1].1, "8.0");
        assert_eq!(pull("busybox:1.36").unwrap().user.groups, [0, 10]);
    }

    #[test]
    fn unknown_ones_fail_in_containerds_words() {
        for (name, words) in [
            (
                "nginx:1.161",
                "rpc error: code = NotFound desc = failed to pull and unpack image \"docker.io/library/nginx:1.161\": \
                 failed to resolve reference \"docker.io/library/nginx:1.161\": docker.io/library/nginx:1.161: not found",
            ),
            (
                "nope",
                "rpc error: code = Unknown desc = failed to pull and unpack image \"docker.io/library/nope:latest\": \
                 failed to resolve reference \"docker.io/library/nope:latest\": pull access denied, repository does not \
                 exist or may require authorization: server message: insufficient_scope: authorization failed",
            ),
            (
                "reg.example.com:5000/team/app",
                "rpc error: code = Unknown desc = failed to pull and unpack image \"reg.example.com:5000/team/app:latest\": \
                 failed to resolve reference \"reg.example.com:5000/team/app:latest\": failed to do request: Head \
                 \"https://reg.example.com:5000/v2/team/app/manifests/latest\": dial tcp: lookup reg.example.com on \
                 192.168.49.1:53: no such host",
            ),
        ] {
            assert_eq!(pull(name), Err(words.into()));
        }
    }

    #[test]
    fn images_can_be_added() {
        let mut catalogue = Catalogue::default();
        let image = value!({
            "name": "shop/web:2", "from": "nginx:1.27", "env": {"MODE": "demo"}, "ports": [8080],
            "files": {"/usr/share/nginx/html/index.html": "shop\n"}
        });
        catalogue.add(&image).unwrap();
        let pulled = catalogue.pull(&Reference::parse("shop/web:2").unwrap()).unwrap();
        assert_eq!(
            (pulled.ports.as_slice(), pulled.entrypoint.as_slice()),
            ([8080].as_slice(), ["/docker-entrypoint.sh".to_owned()].as_slice())
        );
        assert!(pulled.files.contains(&("/usr/share/nginx/html/index.html".into(), "shop\n".into())));
        assert!(catalogue.pull(&Reference::parse("shop/web:3").unwrap()).is_err());
        assert!(catalogue.add(&value!({"name": "X Y"})).is_err());
    }
}
