//! The virtual file system.
//!
//! A [`Vfs`] is a tree of mounted [`Fs`]s. An `Fs` is a table of inodes behind a reference count: a clone costs a
//! pointer, and a machine that only reads shares its image's files with all others. A mounted `Fs` can be taken out and
//! put back ([`Vfs::take`], [`Vfs::put`]), so that a volume that several machines share is lent to each in turn.
//!
//! Paths are absolute here; [`join`] makes them so. Whoever acts is set by [`Vfs::act_as`]: the kernel sets it to the
//! process's user before each step; from outside it is root.

mod fs;
mod layout;
mod ops;
mod path;
#[cfg(test)]
mod tests;

pub use fs::{Backing, Device, Fs, Kind};
pub use layout::Layout;
pub use path::join;

use drydock_value::Time;

use crate::Errno;

/// A place in the tree: which mount, which inode. Stays valid while the file is open, whatever happens to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId {
    pub(crate) mount: u32,
    pub(crate) ino: u32,
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct User {
    /// The user; 0 may do anything.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl User {
    /// The superuser.
    pub const ROOT: User = User { uid: 0, gid: 0 };
}

/// What is known of a file without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Its kind.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// When its content changed last.
    pub modified: Time,
    /// How many names it has.
    pub links: u32,
    /// Where it is.
    pub node: NodeId,
}

impl Stat {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == Kind::Dir
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File | Kind::Binary)
    }

    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.kind == Kind::Symlink
    }
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// Its name.
    pub name: String,
    /// What it is; symbolic links are not followed.
    pub stat: Stat,
}

#[derive(Debug, Clone)]
struct Mount {
    /// Where it was put, for [`Vfs::take`] and messages.
    path: String,
    /// The node that it covers; the first mount covers nothing.
    covers: Option<NodeId>,
    /// None while it is lent to someone else, and where another mount's shows.
    fs: Option<Fs>,
    /// The mount whose file system shows here too.
    shares: Option<u32>,
    /// The inode that shows at the mount point (not the file system's root with a subPath).
    root: u32,
    read_only: bool,
}

/// A tree of file systems.
#[derive(Debug, Clone)]
pub struct Vfs {
    mounts: Vec<Mount>,
    who: User,
    /// Where paths begin, if not at the root of all (`chroot`).
    top: Option<NodeId>,
    /// Groups that everybody is in beside their own.
    groups: Vec<u32>,
    now: Time,
    revision: u64,
}

impl Default for Vfs {
    fn default() -> Vfs {
        Vfs::new(Fs::new())
    }
}

impl Vfs {
    /// A tree with this file system at its root.
    pub fn new(root: Fs) -> Vfs {
        let mount =
            Mount { path: "/".into(), covers: None, fs: Some(root), shares: None, root: fs::ROOT, read_only: false };
        Vfs { mounts: vec![mount], who: User::ROOT, top: None, groups: Vec::new(), now: Time::default(), revision: 0 }
    }

    /// The directories and files that every machine has: `/dev`, `/etc`, `/tmp`, `/proc`, root's home. Laid out once; a
    /// clone shares everything.
    pub fn base() -> Vfs {
        static BASE: std::sync::OnceLock<Fs> = std::sync::OnceLock::new();
        Vfs::new(BASE.get_or_init(base).clone())
    }

    /// Sets who acts from now on.
    pub fn act_as(&mut self, who: User) {
        self.act_within(who, None);
    }

    /// Sets who acts from now on, and the directory where paths begin.
    pub(crate) fn act_within(&mut self, who: User, top: Option<NodeId>) {
        (self.who, self.top) = (who, top);
    }

    /// Who acts, and where paths begin.
    pub(crate) fn acting(&self) -> (User, Option<NodeId>) {
        (self.who, self.top)
    }

    /// Sets the groups that everybody is in beside their own.
    pub fn set_groups(&mut self, groups: Vec<u32>) {
        self.groups = groups;
    }

    /// Sets the time that changes are stamped with.
    pub fn set_time(&mut self, now: Time) {
        self.now = now;
    }

    /// Stamps the root directory with the time.
    pub fn touch_root(&mut self) {
        let now = self.now;
        if let Some(fs) = self.mounts.first_mut().and_then(|mount| mount.fs.as_mut()) {
            fs.touch_root(now);
        }
    }

    /// A number that grows with every change, to notice that something did.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Mounts a file system at a path, which is made if it does not exist. `sub_path` is the part of it that shows
    /// (empty: all of it); a directory is made for it when it is missing.
    ///
    /// # Errors
    /// When the mount point cannot be made.
    pub fn mount(&mut self, path: &str, mut fs: Fs, sub_path: &str, read_only: bool) -> Result<(), Errno> {
        let mut root = fs::ROOT;
        for part in sub_path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            root = match fs.child(root, part) {
                Some(ino) => ino,
                None => fs.add(root, part, fs::Inode::directory(0o755, User::ROOT, self.now))?,
            };
        }
        let is_file = fs.inode(root).is_some_and(|inode| inode.kind() != Kind::Dir);
        if self.node(path).is_err() {
            if is_file {
                let (parent, _) = path::split(path);
                self.mkdir_all(parent)?;
                self.write(path, b"")?;
            } else {
                self.mkdir_all(path)?;
            }
        }
        let covers = Some(self.node(path)?);
        self.mounts.push(Mount { path: path.to_owned(), covers, fs: Some(fs), shares: None, root, read_only });
        self.revision += 1;
        Ok(())
    }

    /// Shows a part of a file system that is mounted at `mounted` at a second path.
    ///
    /// # Errors
    /// When nothing is mounted there, or the mount point cannot be made.
    pub fn mount_again(&mut self, path: &str, mounted: &str, sub_path: &str, read_only: bool) -> Result<(), Errno> {
        let at = self.mounts.iter().position(|mount| mount.path == mounted && mount.shares.is_none());
        let shares = at.ok_or(Errno::NotFound)? as u32;
        let fs = self.mounts.get_mut(shares as usize).and_then(|mount| mount.fs.take()).ok_or(Errno::Busy)?;
        let count = self.mounts.len();
        let done = self.mount(path, fs.clone(), sub_path, read_only);
        // The part that shows may have been made just now: the file system with it is the one to keep.
        let made = self.mounts.get_mut(count).and_then(|mount| {
            mount.shares = Some(shares);
            mount.fs.take()
        });
        if let Some(mount) = self.mounts.get_mut(shares as usize) {
            mount.fs = Some(made.unwrap_or(fs));
        }
        done
    }

    /// Takes a mounted file system out, to lend it to another machine; the mount point stays and is empty until
    /// [`Vfs::put`].
    pub fn take(&mut self, path: &str) -> Option<Fs> {
        self.mounts.iter_mut().rev().find(|mount| mount.path == path)?.fs.take()
    }

    /// Puts a file system back that [`Vfs::take`] has taken out.
    pub fn put(&mut self, path: &str, fs: Fs) {
        if let Some(mount) = self.mounts.iter_mut().rev().find(|mount| mount.path == path) {
            mount.fs = Some(fs);
        }
    }

    /// Makes what is mounted at a path read-only, or writable again; "/" is the root file system.
    pub fn set_read_only(&mut self, path: &str, read_only: bool) {
        if let Some(mount) = self.mounts.iter_mut().rev().find(|mount| mount.path == path) {
            mount.read_only = read_only;
        }
    }

    /// What is mounted: where, whether it is read-only, and the file system; none while that is lent.
    pub fn mounted(&self) -> impl Iterator<Item = (&str, bool, Option<&Fs>)> {
        self.mounts.iter().map(|mount| {
            let holder = mount.shares.and_then(|at| self.mounts.get(at as usize)).unwrap_or(mount);
            (mount.path.as_str(), mount.read_only, holder.fs.as_ref())
        })
    }

    /// Changes a mounted file system from within.
    pub(crate) fn with_mounted(&mut self, path: &str, change: impl FnOnce(&mut Fs)) {
        if let Some(fs) = self.mounts.iter_mut().find(|mount| mount.path == path).and_then(|mount| mount.fs.as_mut()) {
            change(fs);
        }
    }

    /// The root file system.
    pub fn root_fs(&self) -> Option<&Fs> {
        self.mounts.first().and_then(|mount| mount.fs.as_ref())
    }
}

/// When the files were made that every machine has.
pub const BUILT: Time = Time::from_seconds(1_790_000_000);

fn base() -> Fs {
    let mut vfs = Vfs::default();
    vfs.set_time(BUILT);
    vfs.touch_root();
    for (path, mode) in [
        ("/bin", 0o755),
        ("/dev/fd", 0o755),
        ("/dev/shm", 0o1777),
        ("/etc", 0o755),
        ("/home", 0o755),
        ("/proc", 0o555),
        ("/root", 0o700),
        ("/sys", 0o555),
        ("/tmp", 0o1777),
        ("/usr/bin", 0o755),
        ("/usr/local/bin", 0o755),
        ("/var/log", 0o755),
        ("/var/run", 0o755),
    ] {
        let _ = vfs.mkdir_all(path);
        let _ = vfs.chmod(path, mode);
    }
    for (path, device) in [
        ("/dev/null", Device::Null),
        ("/dev/zero", Device::Zero),
        ("/dev/full", Device::Full),
        ("/dev/random", Device::Random),
        ("/dev/urandom", Device::Random),
        ("/dev/tty", Device::Tty),
    ] {
        let _ = vfs.make_device(path, device);
    }
    for (path, target) in
        [("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"), ("/dev/stderr", "/proc/self/fd/2")]
    {
        let _ = vfs.symlink(target, path);
    }
    let _ = vfs.write("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n");
    let _ = vfs.write("/etc/group", b"root:x:0:\nnogroup:x:65534:\n");
    vfs.root_fs().cloned().unwrap_or_default()
}
