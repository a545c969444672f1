//! `etcdctl snapshot`: the cluster's storage as a file.

use drydock_cluster::Cluster;
use drydock_cluster::faults::SnapshotInfo;
use drydock_shell::Sys;

use super::Words;

const HELP: &str = "\
Takes and restores snapshots of the cluster's storage.

Usage:
  etcdctl snapshot save FILE
  etcdctl snapshot status FILE [-w table]
  etcdctl snapshot restore FILE
";

/// The command as it is typed: files are read and written here.
pub(super) fn start(words: &Words<'_>, sys: &mut Sys<'_>) -> Result<String, String> {
    let mut plain = Vec::new();
    let mut table = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-h" | "--help" => return Ok(HELP.to_owned()),
            "-w" | "--write-out" => table = words.next() == Some(&"table"),
            "--write-out=table" => table = true,
            // Addresses and certificates: this etcd is the cluster's own and believes who asks.
            "--endpoints" | "--cacert" | "--cert" | "--key" | "--data-dir" => drop(words.next()),
            word if word.starts_with("--") => {}
            word => plain.push(word),
        }
    }
    let read = |sys: &mut Sys<'_>, path: &str| {
        let bytes =
            sys.read_file(path).map_err(|error| format!("Error: open {path}: {}", error.message().to_lowercase()));
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    match plain.as_slice() {
        ["snapshot", "save", path] => {
            let text = sys.host().control(&["etcdctl".into(), "save".into()])?;
            let full = sys.path(path);
            let written = sys.files().write(&full, text.as_bytes());
            written.map_err(|error| format!("Error: could not open {path}: {}", error.message().to_lowercase()))?;
            Ok(format!("Snapshot saved at {path}\n"))
        }
        ["snapshot", "status", path] => {
            let info = SnapshotInfo::read(&read(sys, path)?).map_err(|why| format!("Error: {why}"))?;
            let size = match info.bytes {
                bytes if bytes < 1_000_000 => format!("{} kB", bytes / 1000),
                bytes => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
            };
            let row = [format!("{:08x}", info.hash), info.revision.to_string(), info.keys.to_string(), size];
            Ok(if table { boxed(&row) } else { format!("{}\n", row.join(", ")) })
        }
        ["snapshot", "restore", path] => {
            let text = read(sys, path)?;
            sys.host().control(&["etcdctl".into(), "restore".into(), text])
        }
        [] => Ok(HELP.to_owned()),
        other => Err(format!("Error: unknown command \"{}\" for \"etcdctl\"\n\n{HELP}", other.join(" "))),
    }
}

fn boxed(row: &[String; 4]) -> String {
    let heads = ["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE"];
    let width = |at: usize| row[at].len().max(heads[at].len());
    let rule: String = (0..4).map(|at| format!("+{}", "-".repeat(width(at) + 2))).collect::<String>() + "+\n";
    let head: String = (0..4).map(|at| format!("| {:^1$} ", heads[at], width(at))).collect();
    let cells: String = (0..4).map(|at| format!("| {:>1$} ", row[at], width(at))).collect();
    format!("{rule}{head}|\n{rule}{cells}|\n{rule}")
}

/// What is done to the storage.
pub(super) fn run(words: &Words<'_>, cluster: &mut Cluster) -> Result<String, String> {
    match words {
        ["save"] => cluster.save_snapshot().map_err(|why| format!("Error: {why}")),
        ["restore", text] => {
            let info = cluster.restore_snapshot(text).map_err(|why| format!("Error: {why}"))?;
            Ok(format!(
                "Restored {} keys of revision {}; everything that reads the storage starts again.\n",
                info.keys, info.revision
            ))
        }
        _ => Err(HELP.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_status_comes_in_a_box() {
        let row = ["fe01cf57", "10", "7", "21 kB"].map(str::to_owned);
        assert_eq!(
            super::boxed(&row),
            "+----------+----------+------------+------------+\n\
             |   HASH   | REVISION | TOTAL KEYS | TOTAL SIZE |\n\
             +----------+----------+------------+------------+\n\
             | fe01cf57 |       10 |          7 |      21 kB |\n\
             +----------+----------+------------+------------+\n"
        );
    }
}
