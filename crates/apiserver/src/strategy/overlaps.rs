//! Files of a volume that lie where others of it do, or inside of them.

use drydock_value::Value;

/// A file's path, and what brings it; empty where that is the volume itself.
type File = (String, String);

/// Warns of each file that meets one before it.
fn met(files: Vec<File>, volume: &str, kind: &str, warnings: &mut Vec<String>) {
    let shown = |(path, source): &File| match source.as_str() {
        "" => format!("{path:?}"),
        source => format!("{path:?} ({source})"),
    };
    let inside = |inner: &str, outer: &str| format!("{inner}/").starts_with(&format!("{outer}/"));
    for (at, file) in files.iter().enumerate().filter(|(_, (path, _))| !path.is_empty()) {
        for other in &files[..at] {
            let (own, known) = (file.0.as_str(), other.0.as_str());
            if !known.is_empty() && (inside(own, known) || inside(known, own)) {
                let (own, known) = (shown(file), shown(other));
                warnings.push(format!("volume {volume:?} ({kind}): overlapping paths: {own} with {known}"));
            }
        }
    }
}

fn paths(source: &Value, name: &str) -> Vec<File> {
    let path = |item: &Value| (item["path"].str().trim_end_matches('/').to_owned(), name.to_owned());
    source["items"].items().iter().map(path).collect()
}

/// The files of one of a projected volume's sources.
fn projected(source: &Value) -> Vec<File> {
    let name = |what: &str, of: &Value| format!("{what} {:?}", of["name"].str());
    let (map, secret) = (&source["configMap"], &source["secret"]);
    let mut files = paths(map, &name("ConfigMap", map));
    files.extend(paths(secret, &name("Secret", secret)));
    files.extend(paths(&source["downwardAPI"], "DownwardAPI"));
    let bundle = &source["clusterTrustBundle"];
    let signer = bundle["name"].as_str().unwrap_or_else(|| bundle["signerName"].str());
    let certificate = &source["podCertificate"];
    for (path, what) in [
        (&source["serviceAccountToken"]["path"], "ServiceAccountToken".to_owned()),
        (&bundle["path"], format!("ClusterTrustBundle {signer:?}")),
        (&certificate["certificateChainPath"], "PodCertificate chain".to_owned()),
        (&certificate["keyPath"], "PodCertificate key".to_owned()),
        (&certificate["credentialBundlePath"], "PodCertificate credential bundle".to_owned()),
    ] {
        if let Some(path) = path.as_str() {
            files.push((path.trim_end_matches('/').to_owned(), what));
        }
    }
    files
}

/// Looks at all volumes of a pod.
pub(super) fn volumes(volumes: &Value, warnings: &mut Vec<String>) {
    for volume in volumes.items() {
        let name = volume["name"].str();
        let (map, secret) = (&volume["configMap"], &volume["secret"]);
        met(paths(map, ""), name, &format!("ConfigMap {:?}", map["name"].str()), warnings);
        met(paths(secret, ""), name, &format!("Secret {:?}", secret["secretName"].str()), warnings);
        met(paths(&volume["downwardAPI"], ""), name, "DownwardAPI", warnings);
        let mut files = Vec::new();
        for source in volume["projected"]["sources"].items() {
            if source.is_empty() {
                warnings.push(format!("volume {name:?} (Projected) has no sources provided"));
            }
            files.extend(projected(source));
        }
        met(files, name, "Projected", warnings);
    }
}
