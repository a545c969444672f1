//! What the processes of a machine may do beside what their users may, as a container's runtime sets it.

/// Names of capabilities, by number.
const CAPABILITIES: &[&str] = &[
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// What the processes of a machine may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// Groups that they are in beside their own.
    pub groups: Vec<u32>,
    /// What root among them may do, and the most that anybody may; by the capabilities' numbers.
    pub capabilities: u64,
    /// Whether no program gets more than who runs it (`no_new_privs`).
    pub no_more: bool,
    /// Whether their system calls are filtered.
    pub filtered: bool,
    /// The first of the host's users that stand for theirs, when these are not the host's own.
    pub users: Option<u32>,
}

impl Default for Rights {
    fn default() -> Rights {
        Rights { groups: Vec::new(), capabilities: Rights::ALL, no_more: false, filtered: false, users: None }
    }
}

impl Rights {
    /// All capabilities.
    pub const ALL: u64 = (1 << CAPABILITIES.len()) - 1;
    /// Those that container runtimes leave.
    pub const USUAL: u64 = 0xa804_25fb;

    /// A capability by its name, with or without `CAP_`; 0 when there is none of this name.
    pub fn capability(name: &str) -> u64 {
        let name = name.strip_prefix("CAP_").unwrap_or(name);
        match CAPABILITIES.iter().position(|known| *known == name) {
            Some(at) => 1 << at,
            None if name == "ALL" => Rights::ALL,
            None => 0,
        }
    }

    /// The lines of `/proc/PID/status` that tell of them, of a process with these user and group.
    pub(super) fn status(&self, uid: u32) -> String {
        let effective = if uid == 0 { self.capabilities } else { 0 };
        let groups: String = self.groups.iter().map(|group| format!("{group} ")).collect();
        let mut text = format!("Groups:\t{groups}\n");
        let sets = [("Inh", 0), ("Prm", effective), ("Eff", effective), ("Bnd", self.capabilities), ("Amb", 0)];
        for (name, set) in sets {
            text.push_str(&format!("Cap{name}:\t{set:016x}\n"));
        }
        let filter = u8::from(self.filtered);
        text.push_str(&format!(
            "NoNewPrivs:\t{}\nSeccomp:\t{}\nSeccomp_filters:\t{filter}\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n",
            u8::from(self.no_more),
            filter * 2
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_have_the_kernels_numbers() {
        for (name, number) in [("CHOWN", 1), ("CAP_NET_ADMIN", 1 << 12), ("CHECKPOINT_RESTORE", 1 << 40), ("NONE", 0)] {
            assert_eq!(Rights::capability(name), number, "{name}");
        }
        assert_eq!(Rights::capability("ALL"), 0x1ff_ffff_ffff);
    }
}
