//! Volumes and their sources, as a table of what each source shows.

use drydock_value::Value;

use super::format::{MAX_ANNOTATION, boolean, go_list, or_none, shorten, strings, text, text_or};
use super::storage::claim;
use super::writer::Writer;

/// How a field of a volume source is shown.
#[derive(Clone, Copy)]
enum Show {
    /// As it is; nothing where it is not set.
    Text,
    /// As it is; 0 where it is not set.
    Number,
    /// `true` or `false`.
    Bool,
    /// As it is; `<none>` where it is not set.
    OrNone,
    /// A reference to a secret, as Go prints it.
    Reference,
    /// Pairs, as Go prints them.
    Pairs,
    /// As it is; `<unset>` where it is not set.
    OrUnset,
    /// `[a b]`.
    List,
    /// `a, b`.
    Joined,
}

/// One kind of volume: the field that holds it, how it is called, its own fields.
struct Source {
    key: &'static str,
    kind: &'static str,
    fields: &'static [(&'static str, &'static str, Show)],
}

use Show::{Bool, Joined, List, Number, OrNone, OrUnset, Pairs, Reference, Text};

/// In the order in which kubectl looks for them.
const SOURCES: &[Source] = &[
    Source {
        key: "hostPath",
        kind: "HostPath (bare host directory volume)",
        fields: &[("Path", "path", Text), ("HostPathType", "type", OrNone)],
    },
    Source {
        key: "emptyDir",
        kind: "EmptyDir (a temporary directory that shares a pod's lifetime)",
        fields: &[("Medium", "medium", Text), ("SizeLimit", "sizeLimit", OrUnset)],
    },
    Source {
        key: "gcePersistentDisk",
        kind: "GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)",
        fields: &[
            ("PDName", "pdName", Text),
            ("FSType", "fsType", Text),
            ("Partition", "partition", Number),
            ("ReadOnly", "readOnly", Bool),
        ],
    },
    Source {
        key: "awsElasticBlockStore",
        kind: "AWSElasticBlockStore (a Persistent Disk resource in AWS)",
        fields: &[
            ("VolumeID", "volumeID", Text),
            ("FSType", "fsType", Text),
            ("Partition", "partition", Number),
            ("ReadOnly", "readOnly", Bool),
        ],
    },
    Source {
        key: "gitRepo",
        kind: "GitRepo (a volume that is pulled from git when the pod is created)",
        fields: &[("Repository", "repository", Text), ("Revision", "revision", Text)],
    },
    Source {
        key: "secret",
        kind: "Secret (a volume populated by a Secret)",
        fields: &[("SecretName", "secretName", Text), ("Optional", "optional", Bool)],
    },
    Source {
        key: "configMap",
        kind: "ConfigMap (a volume populated by a ConfigMap)",
        fields: &[("Name", "name", Text), ("Optional", "optional", Bool)],
    },
    Source {
        key: "nfs",
        kind: "NFS (an NFS mount that lasts the lifetime of a pod)",
        fields: &[("Server", "server", Text), ("Path", "path", Text), ("ReadOnly", "readOnly", Bool)],
    },
    Source {
        key: "iscsi",
        kind: "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)",
        fields: &[
            ("TargetPortal", "targetPortal", Text),
            ("IQN", "iqn", Text),
            ("Lun", "lun", Number),
            ("ISCSIInterface", "iscsiInterface", Text),
            ("FSType", "fsType", Text),
            ("ReadOnly", "readOnly", Bool),
            ("Portals", "portals", List),
            ("DiscoveryCHAPAuth", "chapAuthDiscovery", Bool),
            ("SessionCHAPAuth", "chapAuthSession", Bool),
            ("SecretRef", "secretRef", Reference),
            ("InitiatorName", "initiatorName", OrNone),
        ],
    },
    Source {
        key: "glusterfs",
        kind: "Glusterfs (a Glusterfs mount on the host that shares a pod's lifetime)",
        fields: &[("EndpointsName", "endpoints", Text), ("Path", "path", Text), ("ReadOnly", "readOnly", Bool)],
    },
    Source {
        key: "persistentVolumeClaim",
        kind: "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        fields: &[("ClaimName", "claimName", Text), ("ReadOnly", "readOnly", Bool)],
    },
    Source {
        key: "ephemeral",
        kind: "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)",
        fields: &[],
    },
    Source {
        key: "rbd",
        kind: "RBD (a Rados Block Device mount on the host that shares a pod's lifetime)",
        fields: &[
            ("CephMonitors", "monitors", List),
            ("RBDImage", "image", Text),
            ("FSType", "fsType", Text),
            ("RBDPool", "pool", Text),
            ("RadosUser", "user", Text),
            ("Keyring", "keyring", Text),
            ("SecretRef", "secretRef", Reference),
            ("ReadOnly", "readOnly", Bool),
        ],
    },
    Source {
        key: "quobyte",
        kind: "Quobyte (a Quobyte mount on the host that shares a pod's lifetime)",
        fields: &[("Registry", "registry", Text), ("Volume", "volume", Text), ("ReadOnly", "readOnly", Bool)],
    },
    Source { key: "downwardAPI", kind: "DownwardAPI (a volume populated by information about the pod)", fields: &[] },
    Source {
        key: "azureDisk",
        kind: "AzureDisk (an Azure Data Disk mount on the host and bind mount to the pod)",
        fields: &[
            ("DiskName", "diskName", Text),
            ("DiskURI", "diskURI", Text),
            ("Kind", "kind", Text),
            ("FSType", "fsType", Text),
            ("CachingMode", "cachingMode", Text),
            ("ReadOnly", "readOnly", Bool),
        ],
    },
    Source {
        key: "vsphereVolume",
        kind: "vSphereVolume (a Persistent Disk resource in vSphere)",
        fields: &[
            ("VolumePath", "volumePath", Text),
            ("FSType", "fsType", Text),
            ("StoragePolicyName", "storagePolicyName", Text),
        ],
    },
    Source {
        key: "cinder",
        kind: "Cinder (a Persistent Disk resource in OpenStack)",
        fields: &[
            ("VolumeID", "volumeID", Text),
            ("FSType", "fsType", Text),
            ("ReadOnly", "readOnly", Bool),
            ("SecretRef", "secretRef", Reference),
        ],
    },
    Source {
        key: "photonPersistentDisk",
        kind: "PhotonPersistentDisk (a Persistent Disk resource in photon platform)",
        fields: &[("PdID", "pdID", Text), ("FSType", "fsType", Text)],
    },
    Source {
        key: "portworxVolume",
        kind: "PortworxVolume (a Portworx Volume resource)",
        fields: &[("VolumeID", "volumeID", Text)],
    },
    Source {
        key: "scaleIO",
        kind: "ScaleIO (a persistent volume backed by a block device in ScaleIO)",
        fields: &[
            ("Gateway", "gateway", Text),
            ("System", "system", Text),
            ("Protection Domain", "protectionDomain", Text),
            ("Storage Pool", "storagePool", Text),
            ("Storage Mode", "storageMode", Text),
            ("VolumeName", "volumeName", Text),
            ("FSType", "fsType", Text),
            ("ReadOnly", "readOnly", Bool),
        ],
    },
    Source {
        key: "local",
        kind: "LocalVolume (a persistent volume backed by local storage on a node)",
        fields: &[("Path", "path", Text)],
    },
    Source {
        key: "cephfs",
        kind: "CephFS (a CephFS mount on the host that shares a pod's lifetime)",
        fields: &[
            ("Monitors", "monitors", List),
            ("Path", "path", Text),
            ("User", "user", Text),
            ("SecretFile", "secretFile", Text),
            ("SecretRef", "secretRef", Reference),
            ("ReadOnly", "readOnly", Bool),
        ],
    },
    Source {
        key: "storageos",
        kind: "StorageOS (a StorageOS Persistent Disk resource)",
        fields: &[
            ("VolumeName", "volumeName", Text),
            ("VolumeNamespace", "volumeNamespace", Text),
            ("FSType", "fsType", Text),
            ("ReadOnly", "readOnly", Bool),
        ],
    },
    Source {
        key: "fc",
        kind: "FC (a Fibre Channel disk)",
        fields: &[
            ("TargetWWNs", "targetWWNs", Joined),
            ("LUN", "lun", OrNone),
            ("FSType", "fsType", Text),
            ("ReadOnly", "readOnly", Bool),
        ],
    },
    Source {
        key: "azureFile",
        kind: "AzureFile (an Azure File Service mount on the host and bind mount to the pod)",
        fields: &[("SecretName", "secretName", Text), ("ShareName", "shareName", Text), ("ReadOnly", "readOnly", Bool)],
    },
    Source {
        key: "flexVolume",
        kind: "FlexVolume (a generic volume resource that is provisioned/attached using an exec based plugin)",
        fields: &[
            ("Driver", "driver", Text),
            ("FSType", "fsType", Text),
            ("SecretRef", "secretRef", Reference),
            ("ReadOnly", "readOnly", Bool),
            ("Options", "options", Pairs),
        ],
    },
    Source {
        key: "flocker",
        kind: "Flocker (a Flocker volume mounted by the Flocker agent)",
        fields: &[("DatasetName", "datasetName", Text), ("DatasetUUID", "datasetUUID", Text)],
    },
    Source {
        key: "projected",
        kind: "Projected (a volume that contains injected data from multiple sources)",
        fields: &[],
    },
    Source {
        key: "csi",
        kind: "CSI (a Container Storage Interface (CSI) volume source)",
        fields: &[("Driver", "driver", Text), ("FSType", "fsType", Text)],
    },
    Source {
        key: "image",
        kind: "Image (a container image or OCI artifact)",
        fields: &[("Reference", "reference", Text), ("PullPolicy", "pullPolicy", Text)],
    },
];

/// The volumes of a pod or of a template (whose lines are indented by `space`).
pub fn volumes(w: &mut Writer, volumes: &Value, space: &str) {
    if volumes.items().is_empty() {
        w.line(0, &format!("{space}Volumes:\t<none>"));
        return;
    }
    w.line(0, &format!("{space}Volumes:"));
    for volume in volumes.items() {
        let indent = if space.is_empty() { "" } else { " " };
        w.line(1, &format!("{indent}{}:", volume["name"].str()));
        source(w, volume, false);
    }
}

/// The source of a volume, or of the spec of a persistent volume.
pub fn source(w: &mut Writer, holder: &Value, persistent: bool) {
    let Some(row) = SOURCES.iter().find(|row| !holder[row.key].is_null()) else {
        w.line(1, "<unknown>");
        return;
    };
    let source = &holder[row.key];
    w.field(2, "Type", row.kind);
    for (label, field, show) in row.fields {
        // kubectl has no colon behind this one.
        if *label == "ISCSIInterface" {
            w.line(2, &format!("{label}\t{}", text(&source[*field])));
            continue;
        }
        w.field(2, label, &shown(&source[*field], *show, persistent));
    }
    match row.key {
        "projected" => projected(w, &source["sources"]),
        "downwardAPI" => downward(w, &source["items"]),
        "ephemeral" if !source["volumeClaimTemplate"].is_null() => {
            w.nest(2, |w| claim(w, &source["volumeClaimTemplate"], None));
        }
        "csi" => {
            if persistent {
                w.field(2, "VolumeHandle", source["volumeHandle"].str());
            }
            w.field(2, "ReadOnly", boolean(&source["readOnly"]));
            attributes(w, &source["volumeAttributes"]);
        }
        _ => {}
    }
}

fn shown(value: &Value, show: Show, persistent: bool) -> String {
    match show {
        Text => text(value),
        Number => text_or(value, "0"),
        Bool => boolean(value).into(),
        OrNone => text_or(value, "<none>"),
        Reference if value.is_null() => "nil".into(),
        Reference if persistent => {
            format!("&SecretReference{{Name:{},Namespace:{},}}", value["name"].str(), value["namespace"].str())
        }
        Reference => format!("&LocalObjectReference{{Name:{},}}", value["name"].str()),
        Pairs => {
            let pairs: Vec<String> = value.entries().map(|(key, value)| format!("{key}:{}", text(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        OrUnset => match text(value).as_str() {
            "" | "0" => "<unset>".into(),
            size => size.into(),
        },
        List => go_list(value),
        Joined => strings(value).join(", "),
    }
}

fn projected(w: &mut Writer, sources: &Value) {
    for source in sources.items() {
        if let Some(secret) = source.get("secret") {
            w.field(2, "SecretName", secret["name"].str());
            w.field(2, "Optional", boolean(&secret["optional"]));
        } else if !source["downwardAPI"].is_null() {
            w.field(2, "DownwardAPI", "true");
        } else if let Some(map) = source.get("configMap") {
            w.field(2, "ConfigMapName", map["name"].str());
            w.field(2, "Optional", boolean(&map["optional"]));
        } else if let Some(token) = source.get("serviceAccountToken") {
            w.field(2, "TokenExpirationSeconds", &text(&token["expirationSeconds"]));
        }
    }
}

fn downward(w: &mut Writer, items: &Value) {
    w.line(2, "Items:");
    for item in items.items() {
        for what in [&item["fieldRef"]["fieldPath"], &item["resourceFieldRef"]["resource"]] {
            if !what.is_null() {
                w.line(3, &format!("{} -> {}", what.str(), item["path"].str()));
            }
        }
    }
}

fn attributes(w: &mut Writer, attributes: &Value) {
    w.put(2, "VolumeAttributes:\t");
    if attributes.is_empty() {
        w.line(0, "<none>");
        return;
    }
    for (i, (key, value)) in attributes.entries().enumerate() {
        if i != 0 {
            w.put(2, "");
            w.put(2, "\t");
        }
        w.line(2, &shorten(&format!("{key}={}", text(value)), MAX_ANNOTATION));
    }
}

/// The node affinity of a persistent volume.
pub fn node_affinity(w: &mut Writer, affinity: &Value) {
    w.put(0, "Node Affinity:\t");
    let required = &affinity["required"];
    if required.is_null() {
        w.line(0, "<none>");
        return;
    }
    w.line(0, "");
    w.put(1, "Required Terms:\t");
    let terms = required["nodeSelectorTerms"].items();
    w.line(0, if terms.is_empty() { "<none>" } else { "" });
    for (i, term) in terms.iter().enumerate() {
        selector_term(w, 2, i, &term["matchExpressions"], true);
    }
}

/// One numbered term of a node or topology selector.
pub fn selector_term(w: &mut Writer, level: usize, number: usize, expressions: &Value, operators: bool) {
    w.put(level, &format!("Term {number}:\t"));
    if expressions.items().is_empty() {
        w.line(0, "<none>");
    }
    for (i, expression) in expressions.items().iter().enumerate() {
        if i != 0 {
            w.put(level, "\t");
        }
        let operator = if operators { expression["operator"].str().to_lowercase() } else { "in".into() };
        let values = strings(&expression["values"]);
        let values = if values.is_empty() { String::new() } else { format!(" [{}]", values.join(", ")) };
        w.line(0, &format!("{} {operator}{values}", expression["key"].str()));
    }
}

/// The access modes in short: `RWO,ROX`.
pub fn access_modes(modes: &Value) -> String {
    [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")]
        .iter()
        .filter(|(mode, _)| modes.items().iter().any(|given| given == mode))
        .map(|(_, short)| *short)
        .collect::<Vec<_>>()
        .join(",")
}

/// `text` or `<none>`: a container's ports.
pub fn ports(ports: &Value, field: &str) -> String {
    let shown: Vec<String> = ports
        .items()
        .iter()
        .map(|port| {
            let number = format!("{}/{}", port[field].int(), port["protocol"].str());
            match port["name"].str() {
                "" => number,
                name => format!("{number} ({name})"),
            }
        })
        .collect();
    or_none(shown.join(", "))
}
