//! `drydock serve`: the API server over HTTP.

use std::path::PathBuf;

use drydock_cluster::{Config, NodeConfig, Programs, System, store};
use drydock_serve::{AuditOptions, Options, Server};
use drydock_session::Profile;
use drydock_value::Time;

pub const EXAMPLES: &str = "\
Examples:
  drydock serve --port 8001
  drydock serve --port 0 --kubeconfig cluster.yaml --nodes 3 --files dist
  KUBECONFIG=cluster.yaml kubectl get nodes
  drydock serve --bare --port 8080 --service-cluster-ip-range 10.1.0.0/16

It listens on the loopback address only. Whoever asks without saying who they are is the administrator, unless
--anonymous-auth is given: kubectl sends no credentials over plain HTTP. With --tls it does, and everybody is who they
say they are.";

/// The plugins that can be turned off; others that the real server knows do nothing here.
const PLUGINS: [&str; 12] = [
    "DefaultIngressClass",
    "DefaultStorageClass",
    "DefaultTolerationSeconds",
    "LimitRanger",
    "NamespaceLifecycle",
    "PodSecurity",
    "Priority",
    "ResourceQuota",
    "RuntimeClass",
    "ServiceAccount",
    "StorageObjectInUseProtection",
    "TaintNodesByCondition",
];

/// The options.
#[derive(clap::Args)]
pub struct Arguments {
    /// The port on the loopback address; 0 is any, and is printed.
    #[arg(long, default_value_t = 8001)]
    port: u16,
    /// The cluster: minikube (one node), two-nodes, kind (three nodes), a number of nodes, or a layout.
    #[arg(long, default_value = "minikube", value_parser = crate::profile)]
    profile: Profile,
    /// How many nodes, instead of a profile.
    #[arg(long)]
    nodes: Option<u32>,
    /// What every choice by chance follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds of the cluster's time in a second.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Speaks TLS: kubectl sends tokens only then. The cluster's authority signs what it shows; clients may show a
    /// certificate of it too. The kubeconfig has one of the administrator.
    #[arg(long)]
    tls: bool,
    /// Writes a kubeconfig that leads here.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Serves a folder's files beside the API, such as the page that was built.
    #[arg(long, value_name = "FOLDER")]
    files: Option<PathBuf>,
    /// Keeps what happens in a file, and goes on from it when it is there.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// No nodes, no scheduler, no kubelets, no addons: an API server and controllers with their own defaults, services in
    /// 10.0.0.0/24, pods without tokens.
    #[arg(long)]
    bare: bool,
    /// The network that services have their addresses from.
    #[arg(long, value_name = "CIDR", value_parser = cidr)]
    service_cluster_ip_range: Option<([u8; 4], u8)>,
    /// Admission plugins that are on, as far as they are not already.
    #[arg(long, value_name = "PLUGINS", value_delimiter = ',')]
    enable_admission_plugins: Vec<String>,
    /// Admission plugins that are off.
    #[arg(long, value_name = "PLUGINS", value_delimiter = ',')]
    disable_admission_plugins: Vec<String>,
    /// Who decides what a user may: RBAC, or AlwaysAllow, which is kube-apiserver's default and that of --bare. Node is
    /// taken for RBAC.
    #[arg(long, value_name = "MODES", value_delimiter = ',')]
    authorization_mode: Vec<String>,
    /// Lines of "token,user,uid,\"group1,group2\"".
    #[arg(long, value_name = "FILE")]
    token_auth_file: Option<PathBuf>,
    /// Writes a line for every request that the audit policy tells of; - is the standard output.
    #[arg(long, value_name = "FILE", requires = "audit_policy_file")]
    audit_log_path: Option<PathBuf>,
    /// What the audit log tells of: a Policy of audit.k8s.io/v1.
    #[arg(long, value_name = "FILE", requires = "audit_log_path")]
    audit_policy_file: Option<PathBuf>,
    /// Hears who does not say who they are, as system:anonymous; with =false, refuses them.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    anonymous_auth: Option<bool>,
}

fn cidr(text: &str) -> Result<([u8; 4], u8), String> {
    // A second range would be for IPv6.
    let first = text.split(',').next().unwrap_or_default();
    let (address, prefix) = first.split_once('/').ok_or("it is an address and a length, such as 10.0.0.0/24")?;
    let address: std::net::Ipv4Addr = address.parse().map_err(|_| "it does not begin with an IPv4 address")?;
    let prefix = prefix.parse().ok().filter(|prefix| (8..=30).contains(prefix));
    let prefix: u8 = prefix.ok_or("its length is between 8 and 30")?;
    let mask = u32::MAX << (32 - prefix);
    Ok(((u32::from(address) & mask).to_be_bytes(), prefix))
}

/// The fields of a line of comma-separated values; those in quotes may have commas.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => {
                if let Some(last) = fields.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

/// The users of a token file.
fn tokens(text: &str) -> Result<Vec<(String, store::User)>, String> {
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let fields = fields(line);
        let [token, name, uid, rest @ ..] = fields.as_slice() else {
            return Err(format!("line {number}: token, user and uid are needed"));
        };
        let groups = rest.first().map(String::as_str).unwrap_or_default();
        let mut groups: Vec<String> =
            groups.split(',').map(str::trim).filter(|group| !group.is_empty()).map(str::to_owned).collect();
        groups.push("system:authenticated".into());
        tokens.push((
            token.clone(),
            store::User { name: name.clone(), uid: uid.clone(), groups, ..store::User::default() },
        ));
    }
    Ok(tokens)
}

impl Arguments {
    fn cluster(&self) -> Result<Config, String> {
        // The release whose client this was measured with: --match-server-version asks for the same source.
        let signature_check = store::SignatureCheck(Some(drydock_serve::check_signature));
        let mut server = store::Config { commit: COMMIT.into(), signature_check, ..store::Config::default() };
        if self.bare {
            // kube-apiserver's own range; and as nothing runs, pods get no tokens unless somebody wants that.
            server.service_cidr = ([10, 0, 0, 0], 24);
            if !self.enable_admission_plugins.iter().any(|plugin| plugin == TOKENS) {
                server.admission_off.push(TOKENS.into());
            }
        }
        if let Some(cidr) = self.service_cluster_ip_range {
            server.service_cidr = cidr;
        }
        for plugin in &self.disable_admission_plugins {
            let on = self.enable_admission_plugins.contains(plugin);
            if on {
                return Err(format!("{plugin} in enable-admission-plugins and disable-admission-plugins overlapped"));
            }
            if PLUGINS.contains(&plugin.as_str()) {
                server.admission_off.push(plugin.clone());
            }
        }
        server.addons = !self.bare;
        if self.bare && self.authorization_mode.is_empty() {
            server.authorization = store::Authorization::AlwaysAllow;
        }
        for mode in &self.authorization_mode {
            match mode.as_str() {
                "AlwaysAllow" => server.authorization = store::Authorization::AlwaysAllow,
                "Node" | "RBAC" => {}
                other => return Err(format!("authorization-mode {other:?} is not one of AlwaysAllow, Node, RBAC")),
            }
        }
        if let Some(path) = &self.token_auth_file {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            server.tokens = tokens(&text).map_err(|why| format!("{}: {why}", path.display()))?;
        }
        server.anonymous = self.anonymous_auth.unwrap_or(true);
        let profile = match self.nodes {
            _ if self.bare => Config { nodes: Vec::new(), system: System::None, ..Config::default() },
            Some(count) => Config { nodes: NodeConfig::minikube(count.max(1)), ..self.profile.config() },
            None => self.profile.config(),
        };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(Config {
            seed: self.seed,
            start: Time::from_seconds(now.as_secs()),
            scheduler: !self.bare,
            server,
            version: VERSION.into(),
            programs: Programs(Some(drydock_session::programs)),
            ..profile
        })
    }
}

/// The plugin that gives pods their account and its token.
const TOKENS: &str = "ServiceAccount";

/// The release that the server says it is, and the commit that it was made of.
const VERSION: &str = "v1.36.4";
const COMMIT: &str = "bb826b1d48562f110659e64e8ec444327433db95";

/// Serves until the process is ended.
///
/// # Errors
/// When an option is not usable, the port is taken, or a file cannot be read or written.
pub fn run(arguments: Arguments) -> Result<(), String> {
    if !(arguments.speed > 0.0 && arguments.speed <= 1e6) {
        return Err("--speed is a number above 0".into());
    }
    let cluster = arguments.cluster()?;
    let audit = arguments.audit_log_path.clone().zip(arguments.audit_policy_file.clone());
    let audit = audit.map(|(log, policy)| AuditOptions { log, policy });
    let options = Options {
        port: arguments.port,
        cluster,
        speed: arguments.speed,
        files: arguments.files,
        save: arguments.save,
        trusting: arguments.anonymous_auth.is_none() && !arguments.tls,
        tls: arguments.tls,
    };
    let server = Server::start_audited(options, audit.as_ref())?;
    println!("Kubernetes API on {}", server.url());
    match &arguments.kubeconfig {
        Some(path) => {
            // Over TLS kubectl asks for a name and a password where it has nothing to tell.
            let identity = server.identity("minikube-user", "system:masters")?;
            let text = drydock_serve::kubeconfig::text(&server, None, identity.as_ref());
            std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
            println!("Use it with: export KUBECONFIG={}", path.canonicalize().unwrap_or(path.clone()).display());
        }
        None if arguments.tls => {
            println!("Use it with: --kubeconfig FILE, which has its authority and a certificate of the administrator")
        }
        None => println!("Use it with: kubectl --server {} get nodes", server.url()),
    }
    server.wait();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_files_are_read_as_the_real_server_reads_them() {
        let read = tokens("admin-token,admin,admin,system:masters\n\nt2,\"nina\",7,\"dev,ops\"\nt3,x,8\n").unwrap();
        let shown: Vec<String> = read
            .iter()
            .map(|(token, user)| format!("{token} {} {} {}", user.name, user.uid, user.groups.join("+")))
            .collect();
        assert_eq!(
            shown,
            [
                "admin-token admin admin system:masters+system:authenticated",
                "t2 nina 7 dev+ops+system:authenticated",
                "t3 x 8 system:authenticated"
            ]
        );
        assert!(tokens("only,two").is_err());
    }

    #[test]
    fn ranges_are_networks() {
        assert_eq!(cidr("10.0.0.17/24"), Ok(([10, 0, 0, 0], 24)));
        assert_eq!(cidr("10.96.0.0/12,fd00::/108"), Ok(([10, 96, 0, 0], 12)));
        assert!(cidr("10.0.0.0").is_err() && cidr("10.0.0.0/33").is_err() && cidr("fd00::/108").is_err());
    }
}
