//! One file system: a table of inodes.

use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_value::Time;

use super::User;
use crate::Errno;

/// The root directory's inode number.
pub(crate) const ROOT: u32 = 1;

/// What a single file may hold, zeros aside.
pub(crate) const FILE_BYTES_MAX: u64 = 32 << 20;
/// What the files of a file system may hold, zeros aside: more would be too much for whoever simulates it.
const FS_BYTES_MAX: u64 = 128 << 20;
/// What a file system may hold, unless it says otherwise: a usual disk.
const DISK_BYTES: u64 = 46 << 30;
/// From how many zeros on they are counted instead of kept.
const ZEROS_MIN: usize = 4096;
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
    /// A file of nothing but so many zeros, as `dd` and `truncate` make them to take room.
    Zeros(u64),
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
            Content::File(_) | Content::Zeros(_) => Kind::File,
            Content::Dir(_) => Kind::Dir,
            Content::Symlink(_) => Kind::Symlink,
            Content::Binary(_) => Kind::Binary,
            Content::Device(device) => Kind::Device(*device),
        }
    }

    pub fn size(&self) -> u64 {
        match &self.content {
            Content::File(_) | Content::Zeros(_) => file_bytes(self),
            Content::Dir(_) => 4096,
            Content::Symlink(target) => target.len() as u64,
            // What a utility of a usual size takes; nobody depends on the number.
            Content::Binary(name) => 35_280 + 8 * name.len() as u64,
            Content::Device(_) => 0,
        }
    }
}

/// What a file system's files are kept on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backing {
    /// The machine's disk.
    #[default]
    Disk,
    /// Its memory.
    Memory,
    /// Nothing: the kernel makes them up. With the file system's type.
    Kernel(&'static str),
}

/// One file system. A clone costs a pointer.
#[derive(Debug, Clone)]
pub struct Fs {
    inodes: Arc<SortedMap<u32, Inode>>,
    next: u32,
    used: u64,
    /// How many of these bytes are zeros that are only counted.
    zeros: u64,
    limit: u64,
    backing: Backing,
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
        let inodes = Arc::new(SortedMap::from([(ROOT, root)]));
        Fs { inodes, next: ROOT + 1, used: 0, zeros: 0, limit: DISK_BYTES, backing: Backing::Disk }
    }

    /// Stamps the root directory.
    pub(crate) fn touch_root(&mut self, now: Time) {
        if let Some(root) = Arc::make_mut(&mut self.inodes).get_mut(&ROOT) {
            root.modified = now;
        }
    }

    /// Says what the files are kept on.
    #[must_use]
    pub fn on(mut self, backing: Backing) -> Fs {
        self.backing = backing;
        self
    }

    /// What the files are kept on.
    pub fn backing(&self) -> Backing {
        self.backing
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
        self.check_room(size)?;
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
            self.zeros = self.zeros.saturating_sub(gone.content.zeros());
        }
    }

    /// Whether so many more bytes fit, which are no zeros.
    fn check_room(&self, more: u64) -> Result<(), Errno> {
        let fits = self.used + more <= self.limit && self.used - self.zeros + more <= FS_BYTES_MAX;
        if fits { Ok(()) } else { Err(Errno::NoSpace) }
    }

    /// Makes a file one of so many zeros.
    fn set_zeros(&mut self, ino: u32, size: u64, now: Time) -> Result<(), Errno> {
        let old = self.inode(ino).map_or(0, file_bytes);
        if size > old && self.used + (size - old) > self.limit {
            return Err(Errno::NoSpace);
        }
        self.replace(ino, Content::Zeros(size), now);
        Ok(())
    }

    /// Gives a file another content.
    fn replace(&mut self, ino: u32, content: Content, now: Time) {
        let Some(inode) = self.inode_mut(ino) else { return };
        inode.modified = now;
        let old = std::mem::replace(&mut inode.content, content);
        let new = inode.content.bytes();
        self.used = (self.used + new).saturating_sub(old.bytes());
        self.zeros =
            (self.zeros + self.inode(ino).map_or(0, |inode| inode.content.zeros())).saturating_sub(old.zeros());
    }

    /// How long a file is of which nothing but zeros is known; none of others.
    fn only_zeros(&self, ino: u32) -> Option<u64> {
        match &self.inode(ino)?.content {
            Content::Zeros(size) => Some(*size),
            Content::File(bytes) if bytes.is_empty() => Some(0),
            _ => None,
        }
    }

    /// Writes at an offset, filling a gap with zeros.
    pub(crate) fn write_at(&mut self, ino: u32, offset: u64, bytes: &[u8], now: Time) -> Result<(), Errno> {
        let end = offset.saturating_add(bytes.len() as u64);
        if let Some(size) = self.only_zeros(ino)
            && (size > 0 || bytes.len() >= ZEROS_MIN)
            && bytes.iter().all(|byte| *byte == 0)
        {
            return self.set_zeros(ino, size.max(end), now);
        }
        let old = self.inode(ino).ok_or(Errno::NotFound)?.size();
        if end.max(self.only_zeros(ino).unwrap_or(0)) > FILE_BYTES_MAX {
            return Err(Errno::TooBig);
        }
        if end > old {
            self.check_room(end - old)?;
        }
        self.make_dense(ino, now);
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

    /// Keeps the zeros of a file that is to hold something else too.
    fn make_dense(&mut self, ino: u32, now: Time) {
        if let Some(Content::Zeros(size)) = self.inode(ino).map(|inode| &inode.content) {
            let bytes = vec![0; usize::try_from(*size).unwrap_or(0)];
            self.replace(ino, Content::File(Arc::new(bytes)), now);
        }
    }

    pub(crate) fn truncate(&mut self, ino: u32, size: u64, now: Time) -> Result<(), Errno> {
        let inode = self.inode(ino).ok_or(Errno::NotFound)?;
        if inode.kind() != Kind::File {
            return Err(Errno::Invalid);
        }
        if size == 0 {
            self.replace(ino, Content::File(Arc::default()), now);
            return Ok(());
        }
        if self.only_zeros(ino).is_some() && size >= ZEROS_MIN as u64 {
            return self.set_zeros(ino, size, now);
        }
        if size > FILE_BYTES_MAX {
            return Err(Errno::TooBig);
        }
        let old = inode.size();
        self.check_room(size.saturating_sub(old))?;
        self.make_dense(ino, now);
        let inode = self.inode_mut(ino).ok_or(Errno::NotFound)?;
        if let Content::File(content) = &mut inode.content {
            Arc::make_mut(content).resize(size as usize, 0);
        }
        inode.modified = now;
        self.used = (self.used + size).saturating_sub(old);
        Ok(())
    }

    /// Adds a directory that shows the same names as another one of the root directory.
    pub(crate) fn add_alike(&mut self, model: &str, name: &str, now: Time) {
        let Some(mut inode) = self.child(ROOT, model).and_then(|ino| self.inode(ino)).cloned() else { return };
        inode.modified = now;
        let _ = self.add(ROOT, name, inode);
    }

    /// Removes such a directory; what it showed stays.
    pub(crate) fn remove_alike(&mut self, name: &str, now: Time) {
        let Some(ino) = self.child(ROOT, name) else { return };
        let _ = self.set_entry(ROOT, name, None, now);
        self.unlink(ino);
    }
}

impl Content {
    /// How many bytes a file holds.
    fn bytes(&self) -> u64 {
        match self {
            Content::File(bytes) => bytes.len() as u64,
            Content::Zeros(size) => *size,
            _ => 0,
        }
    }

    /// How many of them are zeros that are only counted.
    fn zeros(&self) -> u64 {
        if let Content::Zeros(size) = self { *size } else { 0 }
    }
}

fn file_bytes(inode: &Inode) -> u64 {
    inode.content.bytes()
}
