//! Objects as the real server prints them in errors: its own structs, whose fields are named and ordered otherwise than in the
//! API, with everything that is not set.

use drydock_value::{Value, to_json};

/// Types, one a line: name, then fields in Go's order. After a field's name stands what it is when it is not there:
/// nothing is null, `""`, `0` and `false` are themselves. `:T` is a struct or null, `=T` a struct that is always there,
/// `*T` a list of structs; `.` before a name is a field of the spec that lies in the security context here.
const TYPES: &str = "\
PodSpec Volumes*Volume InitContainers*Container Containers*Container EphemeralContainers*EphemeralContainer \
RestartPolicy\"\" TerminationGracePeriodSeconds ActiveDeadlineSeconds DNSPolicy\"\" NodeSelector ServiceAccountName\"\" \
AutomountServiceAccountToken NodeName\"\" SecurityContext=PodSecurity ImagePullSecrets*Named Hostname\"\" Subdomain\"\" \
SetHostnameAsFQDN Affinity:Affinity SchedulerName\"\" Tolerations*Toleration HostAliases*HostAlias PriorityClassName\"\" \
Priority PreemptionPolicy DNSConfig:DNSConfig ReadinessGates*ReadinessGate RuntimeClassName Overhead EnableServiceLinks \
TopologySpreadConstraints*Spread OS:Named SchedulingGates*Named ResourceClaims*PodClaim Resources:Resources \
HostnameOverride SchedulingGroup
PodSecurity .HostNetworkfalse .HostPIDfalse .HostIPCfalse .ShareProcessNamespace .HostUsers SELinuxOptions:SELinux \
WindowsOptions:Windows RunAsUser RunAsGroup RunAsNonRoot SupplementalGroups SupplementalGroupsPolicy FSGroup \
FSGroupChangePolicy Sysctls*NameValue SeccompProfile:Profile AppArmorProfile:Profile SELinuxChangePolicy
Container Name\"\" Image\"\" Command Args WorkingDir\"\" Ports*Port EnvFrom*EnvFrom Env*Env Resources=Resources \
ResizePolicy*Resize RestartPolicy RestartPolicyRules*Rule VolumeMounts*Mount VolumeDevices*Device LivenessProbe:Probe \
ReadinessProbe:Probe StartupProbe:Probe Lifecycle:Lifecycle TerminationMessagePath\"\" TerminationMessagePolicy\"\" \
ImagePullPolicy\"\" SecurityContext:Security Stdinfalse StdinOncefalse TTYfalse
EphemeralContainer Name\"\" Image\"\" Command Args WorkingDir\"\" Ports*Port EnvFrom*EnvFrom Env*Env Resources=Resources \
ResizePolicy*Resize RestartPolicy RestartPolicyRules*Rule VolumeMounts*Mount VolumeDevices*Device LivenessProbe:Probe \
ReadinessProbe:Probe StartupProbe:Probe Lifecycle:Lifecycle TerminationMessagePath\"\" TerminationMessagePolicy\"\" \
ImagePullPolicy\"\" SecurityContext:Security Stdinfalse StdinOncefalse TTYfalse TargetContainerName\"\"
Named Name\"\"
NameValue Name\"\" Value\"\"
NameOptional Name\"\" Optional
Port Name\"\" HostPort0 ContainerPort0 Protocol\"\" HostIP\"\"
EnvFrom Prefix\"\" ConfigMapRef:NameOptional SecretRef:NameOptional
Env Name\"\" Value\"\" ValueFrom:EnvSource
EnvSource FieldRef:FieldRef ResourceFieldRef:ResourceRef ConfigMapKeyRef:KeyRef SecretKeyRef:KeyRef FileKeyRef:FileRef
FieldRef APIVersion\"\" FieldPath\"\"
ResourceRef ContainerName\"\" Resource\"\" Divisor\"0\"
KeyRef Name\"\" Key\"\" Optional
FileRef VolumeName\"\" Path\"\" Key\"\" Optional
Resources Limits Requests Claims*ClaimRef
ClaimRef Name\"\" Request\"\"
Resize ResourceName\"\" RestartPolicy\"\"
Rule Action\"\" ExitCodes:ExitCodes
ExitCodes Operator\"\" Values
Mount Name\"\" ReadOnlyfalse RecursiveReadOnly MountPath\"\" SubPath\"\" MountPropagation SubPathExpr\"\"
Device Name\"\" DevicePath\"\"
Probe Exec:Exec HTTPGet:HTTPGet TCPSocket:Socket GRPC:GRPC InitialDelaySeconds0 TimeoutSeconds0 PeriodSeconds0 \
SuccessThreshold0 FailureThreshold0 TerminationGracePeriodSeconds
Exec Command
HTTPGet Path\"\" Port Host\"\" Scheme\"\" HTTPHeaders*NameValue
Socket Port Host\"\"
GRPC Port0 Service
Lifecycle PostStart:Handler PreStop:Handler StopSignal
Handler Exec:Exec HTTPGet:HTTPGet TCPSocket:Socket Sleep:Sleep
Sleep Seconds0
Security Capabilities:Capabilities Privileged SELinuxOptions:SELinux WindowsOptions:Windows RunAsUser RunAsGroup \
RunAsNonRoot ReadOnlyRootFilesystem AllowPrivilegeEscalation ProcMount SeccompProfile:Profile AppArmorProfile:Profile
Capabilities Add Drop
SELinux User\"\" Role\"\" Type\"\" Level\"\"
Windows GMSACredentialSpecName GMSACredentialSpec RunAsUserName HostProcess
Profile Type\"\" LocalhostProfile
Toleration Key\"\" Operator\"\" Value\"\" Effect\"\" TolerationSeconds
HostAlias IP\"\" Hostnames
DNSConfig Nameservers Searches Options*DNSOption
DNSOption Name\"\" Value
ReadinessGate ConditionType\"\"
Spread MaxSkew0 TopologyKey\"\" WhenUnsatisfiable\"\" LabelSelector MinDomains NodeAffinityPolicy NodeTaintsPolicy \
MatchLabelKeys
PodClaim Name\"\" ResourceClaimName ResourceClaimTemplateName
Affinity NodeAffinity:NodeAffinity PodAffinity:PodAffinity PodAntiAffinity:PodAffinity
NodeAffinity RequiredDuringSchedulingIgnoredDuringExecution:NodeSelector \
PreferredDuringSchedulingIgnoredDuringExecution*NodePreference
NodeSelector NodeSelectorTerms*NodeTerm
NodePreference Weight0 Preference=NodeTerm
NodeTerm MatchExpressions*Requirement MatchFields*Requirement
Requirement Key\"\" Operator\"\" Values
PodAffinity RequiredDuringSchedulingIgnoredDuringExecution*PodTerm \
PreferredDuringSchedulingIgnoredDuringExecution*PodPreference
PodPreference Weight0 PodAffinityTerm=PodTerm
PodTerm LabelSelector Namespaces TopologyKey\"\" NamespaceSelector MatchLabelKeys MismatchLabelKeys
Volume Name\"\" HostPath:HostPath EmptyDir:EmptyDir GCEPersistentDisk AWSElasticBlockStore GitRepo Secret:SecretVolume \
NFS:NFS ISCSI Glusterfs PersistentVolumeClaim:Claim RBD Quobyte FlexVolume Cinder CephFS Flocker DownwardAPI:Items FC \
AzureFile ConfigMap:NamedItems VsphereVolume AzureDisk PhotonPersistentDisk Projected:Projected PortworxVolume ScaleIO \
StorageOS CSI:CSI Ephemeral Image:ImageVolume
HostPath Path\"\" Type
EmptyDir Medium\"\" SizeLimit
SecretVolume SecretName\"\" Items*KeyPath DefaultMode Optional
KeyPath Key\"\" Path\"\" Mode
NFS Server\"\" Path\"\" ReadOnlyfalse
Claim ClaimName\"\" ReadOnlyfalse
Items Items*FileOfField DefaultMode
FileOfField Path\"\" FieldRef:FieldRef ResourceFieldRef:ResourceRef Mode
NamedItems Name\"\" Items*KeyPath DefaultMode Optional
Projected Sources*Projection DefaultMode
Projection Secret:SomeItems DownwardAPI:OnlyItems ConfigMap:SomeItems ServiceAccountToken:Token \
ClusterTrustBundle PodCertificate
SomeItems Name\"\" Items*KeyPath Optional
OnlyItems Items*FileOfField
Token Audience\"\" ExpirationSeconds0 Path\"\"
CSI Driver\"\" ReadOnly FSType VolumeAttributes NodePublishSecretRef:Named
ImageVolume Reference\"\" PullPolicy\"\"
ClaimSpec AccessModes Selector Resources=Amounts VolumeName\"\" StorageClassName VolumeMode DataSource:Source \
DataSourceRef:SourceRef VolumeAttributesClassName
Amounts Limits Requests
Source APIGroup Kind\"\" Name\"\"
SourceRef APIGroup Kind\"\" Name\"\" Namespace
VolumeSource GCEPersistentDisk AWSElasticBlockStore HostPath:HostPath Glusterfs NFS:NFS RBD Quobyte ISCSI FlexVolume \
Cinder CephFS FC Flocker AzureFile VsphereVolume AzureDisk PhotonPersistentDisk PortworxVolume ScaleIO Local:Local \
StorageOS CSI:CSIVolume
Local Path\"\" FSType
CSIVolume Driver\"\" VolumeHandle\"\" ReadOnlyfalse FSType\"\" VolumeAttributes ControllerPublishSecretRef:SecretRef \
NodeStageSecretRef:SecretRef NodePublishSecretRef:SecretRef ControllerExpandSecretRef:SecretRef \
NodeExpandSecretRef:SecretRef
SecretRef Name\"\" Namespace\"\"
";

/// A struct, a field a line.
pub(super) fn lines(name: &str, value: &Value) -> String {
    let mut dump = Dump { spec: value, lines: true, depth: 0, out: String::new() };
    dump.of(name, value);
    dump.out
}

/// What differs between two structs, in the manner of a unified diff.
pub(super) fn difference(name: &str, old: &Value, new: &Value) -> String {
    let (before, after) = (lines(name, old), lines(name, new));
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    // Lines with what becomes of them: ' ' stays, '-' goes, '+' comes.
    let mut all: Vec<(char, &str)> = Vec::new();
    let (mut at, mut to) = (0, 0);
    for (kept_at, kept_to) in common(&before, &after) {
        all.extend(before[at..kept_at].iter().map(|line| ('-', *line)));
        all.extend(after[to..kept_to].iter().map(|line| ('+', *line)));
        if let Some(line) = before.get(kept_at) {
            all.push((' ', line));
        }
        (at, to) = (kept_at + 1, kept_to + 1);
    }
    let near =
        |at: usize| all[at.saturating_sub(CONTEXT)..all.len().min(at + CONTEXT + 1)].iter().any(|(how, _)| *how != ' ');
    let (mut out, mut at, mut old_line, mut new_line) = (String::new(), 0, 1, 1);
    while at < all.len() {
        if !near(at) {
            (at, old_line, new_line) = (at + 1, old_line + 1, new_line + 1);
            continue;
        }
        let hunk = &all[at..(at..all.len()).find(|at| !near(*at)).unwrap_or(all.len())];
        let count = |other: char| hunk.iter().filter(|(how, _)| *how != other).count();
        let (olds, news) = (count('+'), count('-'));
        out.push_str(&format!("@@ -{old_line},{olds} +{new_line},{news} @@\n"));
        for (how, line) in hunk {
            out.push_str(&format!("{how}{line}\n"));
        }
        (at, old_line, new_line) = (at + hunk.len(), old_line + olds, new_line + news);
    }
    out
}

/// How many lines that stay are shown around what changes.
const CONTEXT: usize = 3;

/// The places of lines that both have, in order, as many as there can be; and their ends.
fn common(before: &[&str], after: &[&str]) -> Vec<(usize, usize)> {
    let start = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let end = before[start..].iter().rev().zip(after[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&before[start..before.len() - end], &after[start..after.len() - end]);
    // How many lines the rests have in common, from each pair of places on.
    let width = new.len() + 1;
    let mut longest = vec![0_u16; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = if old[i] == new[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let mut pairs: Vec<(usize, usize)> = (0..start).map(|at| (at, at)).collect();
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            pairs.push((start + i, start + j));
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs.extend((0..=end).map(|at| (before.len() - end + at, after.len() - end + at)));
    pairs
}

/// A template of pods, on one line. Its metadata is the API's own.
pub(super) fn template(template: &Value) -> String {
    let metadata = to_json(&template["metadata"]);
    let metadata = metadata.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let comma = if metadata.is_empty() { "" } else { "," };
    let mut dump = Dump { spec: &template["spec"], lines: false, depth: 0, out: String::new() };
    dump.of("PodSpec", &template["spec"]);
    format!("{{{metadata}{comma}\"Spec\":{}}}", dump.out)
}

struct Dump<'a> {
    spec: &'a Value,
    lines: bool,
    depth: usize,
    out: String,
}

impl Dump<'_> {
    fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.depth += 1;
    }

    /// The beginning of an item.
    fn item(&mut self, first: bool) {
        if !first {
            self.out.push(',');
        }
        self.line();
    }

    fn line(&mut self) {
        if self.lines {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', self.depth));
        }
    }

    fn close(&mut self, bracket: char) {
        self.depth -= 1;
        self.line();
        self.out.push(bracket);
    }

    fn of(&mut self, name: &str, value: &Value) {
        let row = TYPES.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or_default();
        self.open('{');
        for (at, field) in row.split(' ').enumerate() {
            let (holder, field) = match field.strip_prefix('.') {
                Some(field) => (self.spec, field),
                None => (value, field),
            };
            let end = field.find([':', '=', '*', '"', '0']).unwrap_or(field.len());
            let end = if field.ends_with("false") { field.len() - 5 } else { end };
            let (name, kind) = field.split_at(end);
            self.item(at == 0);
            self.out.push_str(&format!("\"{name}\":{}", if self.lines { " " } else { "" }));
            let value = &holder[key(name).as_str()];
            match (kind.split_at(kind.len().min(1)), value) {
                ((":" | "*", _), Value::Null) => self.out.push_str("null"),
                ((":" | "=", of), _) => self.of(of, value),
                (("*", of), _) => self.list(value, |dump, item| dump.of(of, item)),
                (_, Value::Null) => self.out.push_str(if kind.is_empty() { "null" } else { kind }),
                _ => self.plain(value),
            }
        }
        self.close('}');
    }

    fn list(&mut self, list: &Value, each: impl Fn(&mut Self, &Value)) {
        self.open('[');
        for (at, item) in list.items().iter().enumerate() {
            self.item(at == 0);
            each(self, item);
        }
        self.close(']');
    }

    /// What looks alike in the API.
    fn plain(&mut self, value: &Value) {
        match value {
            Value::Array(items) if !items.is_empty() => self.list(value, Self::plain),
            Value::Object(map) if !map.is_empty() => {
                self.open('{');
                for (at, (key, value)) in value.entries().enumerate() {
                    self.item(at == 0);
                    self.out.push_str(&format!("{}:{}", to_json(&key.into()), if self.lines { " " } else { "" }));
                    self.plain(value);
                }
                self.close('}');
            }
            _ => self.out.push_str(&to_json(value)),
        }
    }
}

/// The name in the API of a field of Go: `DNSPolicy` is `dnsPolicy`.
fn key(name: &str) -> String {
    match name {
        "CephFS" | "StorageOS" => return name.to_lowercase(),
        _ => {}
    }
    let capitals = name.bytes().take_while(u8::is_ascii_uppercase).count();
    let small = if capitals > 1 && capitals < name.len() { capitals - 1 } else { capitals };
    name[..small].to_lowercase() + &name[small..]
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    #[test]
    fn names_are_those_of_the_api() {
        for (go, json) in [
            ("DNSPolicy", "dnsPolicy"),
            ("TTY", "tty"),
            ("SELinuxOptions", "seLinuxOptions"),
            ("FSGroup", "fsGroup"),
            ("HostPID", "hostPID"),
            ("HTTPGet", "httpGet"),
            ("CephFS", "cephfs"),
        ] {
            assert_eq!(super::key(go), json);
        }
    }

    #[test]
    fn every_type_is_there() {
        let known = |name: &str| super::TYPES.lines().any(|line| line.split(' ').next() == Some(name));
        let words = super::TYPES.split_whitespace();
        for of in words.filter_map(|word| word.split_once([':', '=', '*'])).map(|(_, of)| of) {
            assert!(known(of), "{of}");
        }
    }

    #[test]
    fn what_differs_is_shown_with_three_lines_around() {
        let spec = |policy: &str, name: &str| value!({"containers": [{"name": "a"}], "restartPolicy": policy, "schedulerName": name, "hostname": "h"});
        let change = super::difference("PodSpec", &spec("Always", "s"), &spec("Never", "t"));
        let hunks: Vec<&str> = change.lines().filter(|line| line.starts_with("@@")).collect();
        assert_eq!(hunks, ["@@ -35,7 +35,7 @@", "@@ -68,7 +68,7 @@"]);
        let lines: Vec<&str> = change.lines().filter(|line| line.starts_with(['-', '+'])).collect();
        let changed = [
            "- \"RestartPolicy\": \"Always\",",
            "+ \"RestartPolicy\": \"Never\",",
            "- \"SchedulerName\": \"s\",",
            "+ \"SchedulerName\": \"t\",",
        ];
        assert_eq!(lines, changed);
        assert_eq!(super::difference("PodSpec", &spec("a", "s"), &spec("a", "s")), "");
    }

    #[test]
    fn a_spec_is_shown_with_all_that_is_not_set() {
        let spec = value!({"containers": [{"name": "a", "ports": [{"containerPort": 80}]}], "hostPID": true});
        let template = super::template(&value!({"metadata": {"labels": {"a": "b"}}, "spec": &spec}));
        let text = template.strip_prefix(r#"{"labels":{"a":"b"},"Spec":"#).unwrap();
        assert!(text.starts_with(
            r#"{"Volumes":null,"InitContainers":null,"Containers":[{"Name":"a","Image":"","Command":null,"#
        ));
        assert!(text.contains(r#""Ports":[{"Name":"","HostPort":0,"ContainerPort":80,"Protocol":"","HostIP":""}]"#));
        assert!(text.contains(r#""SecurityContext":{"HostNetwork":false,"HostPID":true,"HostIPC":false,"#));
        assert!(text.ends_with(r#""HostnameOverride":null,"SchedulingGroup":null}}"#));
        assert!(super::lines("PodSpec", &spec).starts_with("{\n \"Volumes\": null,\n"));
    }
}
