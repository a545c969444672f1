//! What a server is told when it starts.

use drydock_value::Time;

use crate::user::User;
use drydock_pki::request::SignedRequest;

/// What must not be exceeded. Every limit ends in a `Status` that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Objects of all kinds together.
    pub objects: usize,
    /// Bytes of one request's body, as the real server has it (3 MiB).
    pub request_bytes: usize,
    /// Changes that are remembered for watches, a kind.
    pub history: usize,
    /// Replicas that one workload may ask for.
    pub replicas: i64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { objects: 60_000, request_bytes: 3 << 20, history: 16_384, replicas: 20_000 }
    }
}

/// Who decides what a user may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authorization {
    /// Roles and bindings (`--authorization-mode=Node,RBAC`).
    #[default]
    Rbac,
    /// Everybody may everything (`AlwaysAllow`).
    AlwaysAllow,
}

/// Looks whether the signature of a request for a certificate is that of its key; says what is wrong.
pub type CheckSignature = fn(&SignedRequest) -> Result<(), String>;

/// Who checks signatures, if anybody does.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignatureCheck(pub Option<CheckSignature>);

// Who checks is no part of what a server is like.
impl PartialEq for SignatureCheck {
    fn eq(&self, other: &SignatureCheck) -> bool {
        self.0.is_some() == other.0.is_some()
    }
}

impl Eq for SignatureCheck {}

/// What a server is told when it starts. The defaults are those of the recorded two-node cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where chance begins: UIDs, name suffixes, cluster addresses, node ports.
    pub seed: u64,
    /// The moment at which the initial objects are created.
    pub start: Time,
    /// The first address of the service network, and its prefix length.
    pub service_cidr: ([u8; 4], u8),
    /// Node ports: first and last.
    pub node_ports: (u16, u16),
    /// Limits.
    pub limits: Limits,
    /// The server's own address and port.
    pub address: String,
    /// The name of the machine that it runs on.
    pub host: String,
    /// The cluster's certificate authority (PEM), as `kube-root-ca.crt` tells it; empty is the cluster's own.
    pub ca_certificate: String,
    /// Who provisions the volumes of the default StorageClass.
    pub provisioner: String,
    /// The version that `/version` tells.
    pub version: String,
    /// The commit that `/version` tells; empty is none.
    pub commit: String,
    /// `--authorization-mode`
    pub authorization: Authorization,
    /// `--anonymous-auth`: whether who does not say who they are is heard at all.
    pub anonymous: bool,
    /// `--token-auth-file`: tokens with their users.
    pub tokens: Vec<(String, User)>,
    /// `--disable-admission-plugins`: plugins by name.
    pub admission_off: Vec<String>,
    /// Whether there is what minikube's addons make: a default StorageClass.
    pub addons: bool,
    /// Who checks the signatures of requests for certificates: cryptography that a page has no room for.
    pub signature_check: SignatureCheck,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            seed: 1,
            start: Time::from_seconds(1_795_355_164),
            service_cidr: ([10, 96, 0, 0], 12),
            node_ports: (30000, 32767),
            limits: Limits::default(),
            address: "192.168.49.2:8443".into(),
            host: "minikube".into(),
            ca_certificate: String::new(),
            provisioner: "kubernetes.io/host-path".into(),
            version: "v1.36.3".into(),
            commit: String::new(),
            authorization: Authorization::default(),
            anonymous: true,
            tokens: Vec::new(),
            admission_off: Vec::new(),
            addons: true,
            signature_check: SignatureCheck::default(),
        }
    }
}
