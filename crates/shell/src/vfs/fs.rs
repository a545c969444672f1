//! One file system: a table of inodes.

use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_value::Time;

use super::User;
use crate::Errno;

/// The root directory's inode number.
pub(crate) const ROOT: u32 = 1;

/// What a single file may hold.
pub(crate) const FILE_BYTES_MAX: u64 = 32 << 20;
/// What a file system may hold, unless it says otherwise.
const FS_BYTES_MAX: u64 = 128 << 20;
/// How many inodes a file system may have.
const INODES_MAX: usize = 50_000;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    File,
    Dir,
    Symlink,
    /// An executable that is a program of the machine or its host.
    Binary,
    Device(Device),
}

/// What a device file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Device {
    Null,
    Zero,
    Full,
    Random,
    Tty,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    File(Arc<Vec<u8>>),
    Dir(Arc<SortedMap<String, u32>>),
    Symlink(String),
    /// The name under which the machine or its host knows the program.
    Binary(String),
    Device(Device),
}

#[derive(Debug, Clone)]
pub(crate) struct Inode {
    pub content: Content,
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    pub modified: Time,
    pub links: u32,
    /// How many open descriptions there are: a file without names lives until the last is closed.
    pub opens: u32,
}

impl Inode {
    pub fn new(content: Content, mode: u16, who: User, now: Time) -> Inode {
        Inode { content, mode, uid: who.uid, gid: who.gid, modified: now, links: 1, opens: 0 }
    }

    pub fn directory(mode: u16, who: User, now: Time) -> Inode {
        Inode::new(Content::Dir(Arc::default()), mode, who, now)
    }

    pub fn kind(&self) -> Kind {
        match &self.content {
            Content::File(_) => Kind::File,
            Content::Dir(_) => Kind::Dir,
            Content::Symlink(_) => Kind::Symlink,
            Content::Binary(_) => Kind::Binary,
            Content::Device(device) => Kind::Device(*device),
        }
    }

    pub fn size(&self) -> u64 {
        match &self.content {
            Content::File(bytes) => bytes.len() as u64,
            Content::Dir(_) => 4096,
            Content::Symlink(target) => target.len() as u64,
            // What a utility of a usual size takes; nobody depends on the number.
            Content::Binary(name) => 35_280 + 8 * name.len() as u64,
            Content::Device(_) => 0,
        }
    }
}

/// One file system. A clone costs a pointer.
#[derive(Debug, Clone)]
pub struct Fs {
    inodes: Arc<SortedMap<u32, Inode>>,
    next: u32,
    used: u64,
    limit: u64,
}

impl Default for Fs {
    fn default() -> Fs {
        Fs::new()
    }
}

impl Fs {
    /// An empty one: a root directory, owned by root.
    pub fn new() -> Fs {
        let root = Inode::directory(0o755, User::ROOT, Time::default());
        Fs { inodes: Arc::new(SortedMap::from([(ROOT, root)])), next: ROOT + 1, used: 0, limit: FS_BYTES_MAX }
    }

    /// Sets how many bytes its files may hold in all.
    #[must_use]
    pub fn with_limit(mut self, bytes: u64) -> Fs {
        self.limit = bytes;
        self
    }

    /// Sets the root directory's permissions and owner (a volume with fsGroup, a world-writable emptyDir).
    #[must_use]
    pub fn with_root(mut self, mode: u16, owner: User) -> Fs {
        if let Some(root) = self.inode_mut(ROOT) {
            (root.mode, root.uid, root.gid) = (mode, owner.uid, owner.gid);
        }
        self
    }

    /// Gives all of it to a group, which may read it, and write it too if `writes`: what a kubelet does for `fsGroup`.
    #[must_use]
    pub fn with_group(mut self, group: u32, writes: bool) -> Fs {
        let bits = if writes { 0o660 } else { 0o440 };
        for inode in Arc::make_mut(&mut self.inodes).values_mut() {
            inode.gid = group;
            match inode.kind() {
                Kind::Symlink => {}
                Kind::Dir => inode.mode |= bits | 0o2110,
                _ => inode.mode |= bits,
            }
        }
        self
    }

    /// How many bytes its files hold.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// How many bytes its files may hold.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How many files and directories there are.
    pub fn inode_count(&self) -> usize {
        self.inodes.len()
    }

    pub(crate) fn inode(&self, ino: u32) -> Option<&Inode> {
        self.inodes.get(&ino)
    }

    pub(crate) fn inode_mut(&mut self, ino: u32) -> Option<&mut Inode> {
        Arc::make_mut(&mut self.inodes).get_mut(&ino)
    }

    pub(crate) fn child(&self, dir: u32, name: &str) -> Option<u32> {
        match &self.inode(dir)?.content {
            Content::Dir(entries) => entries.get(name).copied(),
            _ => None,
        }
    }

    pub(crate) fn entries(&self, dir: u32) -> Option<&Arc<SortedMap<String, u32>>> {
        match &self.inode(dir)?.content {
            Content::Dir(entries) => Some(entries),
            _ => None,
        }
    }

    /// Adds an inode under a name of a directory.
    pub(crate) fn add(&mut self, dir: u32, name: &str, inode: Inode) -> Result<u32, Errno> {
        if self.inodes.len() >= INODES_MAX {
            return Err(Errno::NoSpace);
        }
        let size = file_bytes(&inode);
        if self.used + size > self.limit {
            return Err(Errno::NoSpace);
        }
        let (ino, now) = (self.next, inode.modified);
        self.next += 1;
        self.used += size;
        Arc::make_mut(&mut self.inodes).insert(ino, inode);
        self.set_entry(dir, name, Some(ino), now)?;
        Ok(ino)
    }

    /// Points a name of a directory to an inode, or removes it. Link counts are the caller's business.
    pub(crate) fn set_entry(&mut self, dir: u32, name: &str, ino: Option<u32>, now: Time) -> Result<(), Errno> {
        let inode = self.inode_mut(dir).ok_or(Errno::NotFound)?;
        inode.modified = now;
        let Content::Dir(entries) = &mut inode.content else { return Err(Errno::NotDir) };
        let entries = Arc::make_mut(entries);
        match ino {
            Some(ino) => entries.insert(name.to_owned(), ino),
            None => entries.remove(name),
        };
        Ok(())
    }

    /// Takes away one name; the inode goes when neither names nor open descriptions are left.
    pub(crate) fn unlink(&mut self, ino: u32) {
        if let Some(inode) = self.inode_mut(ino) {
            inode.links = inode.links.saturating_sub(1);
        }
        self.collect(ino);
    }

    pub(crate) fn open(&mut self, ino: u32) {
        if let Some(inode) = self.inode_mut(ino) {
            inode.opens += 1;
        }
    }

    pub(crate) fn close(&mut self, ino: u32) {
        if let Some(inode) = self.inode_mut(ino) {
            inode.opens = inode.opens.saturating_sub(1);
        }
        self.collect(ino);
    }

    fn collect(&mut self, ino: u32) {
        if ino != ROOT
            && self.inode(ino).is_some_and(|inode| inode.links == 0 && inode.opens == 0)
            && let Some(gone) = Arc::make_mut(&mut self.inodes).remove(&ino)
        {
            self.used = self.used.saturating_sub(file_bytes(&gone));
        }
    }

    /// Writes at an offset, filling a gap with zeros.
    pub(crate) fn write_at(&mut self, ino: u32, offset: u64, bytes: &[u8], now: Time) -> Result<(), Errno> {
        let end = offset.saturating_add(bytes.len() as u64);
        if end > FILE_BYTES_MAX {
            return Err(Errno::TooBig);
        }
        let old = self.inode(ino).ok_or(Errno::NotFound)?.size();
        if end > old && self.used + (end - old) > self.limit {
            return Err(Errno::NoSpace);
        }
        let inode = self.inode_mut(ino).ok_or(Errno::NotFound)?;
        let Content::File(content) = &mut inode.content else { return Err(Errno::Invalid) };
        let content = Arc::make_mut(content);
        let (offset, end) = (offset as usize, end as usize);
        if content.len() < end {
            content.resize(end, 0);
        }
        if let Some(place) = content.get_mut(offset..end) {
            place.copy_from_slice(bytes);
        }
        inode.modified = now;
        self.used += end as u64 - (end as u64).min(old);
        Ok(())
    }

    pub(crate) fn truncate(&mut self, ino: u32, size: u64, now: Time) -> Result<(), Errno> {
        if size > FILE_BYTES_MAX {
            return Err(Errno::TooBig);
        }
        let inode = self.inode_mut(ino).ok_or(Errno::NotFound)?;
        let old = inode.size();
        let Content::File(content) = &mut inode.content else { return Err(Errno::Invalid) };
        if size == 0 {
            *content = Arc::default();
        } else {
            Arc::make_mut(content).resize(size as usize, 0);
        }
        inode.modified = now;
        self.used = (self.used + size).saturating_sub(old);
        Ok(())
    }
}

fn file_bytes(inode: &Inode) -> u64 {
    match &inode.content {
        Content::File(bytes) => bytes.len() as u64,
        _ => 0,
    }
}
