//! The operations on paths and open nodes.

mod attributes;
mod tree;

use std::sync::Arc;

use super::fs::{Content, FILE_BYTES_MAX, Inode, ROOT};
use super::path::{join, split};
use super::{Fs, Kind, NodeId, Stat, Vfs};
use crate::Errno;

const READ: u16 = 4;
const WRITE: u16 = 2;
const SEARCH: u16 = 1;

/// As Linux: more than 40 symbolic links in one path are a loop.
const SYMLINKS_MAX: u32 = 40;
const NAME_BYTES_MAX: usize = 255;
/// Deeper trees are refused: walking them would cost more than they are worth.
const PATH_BYTES_MAX: usize = 4096;

impl Vfs {
    /// The mount that holds the file system of a node.
    fn holder(&self, node: NodeId) -> usize {
        self.mounts.get(node.mount as usize).and_then(|mount| mount.shares).unwrap_or(node.mount) as usize
    }

    pub(super) fn fs(&self, node: NodeId) -> Result<&Fs, Errno> {
        self.mounts.get(self.holder(node)).and_then(|mount| mount.fs.as_ref()).ok_or(Errno::NotFound)
    }

    fn fs_mut(&mut self, node: NodeId) -> Result<&mut Fs, Errno> {
        self.revision += 1;
        let holder = self.holder(node);
        self.mounts.get_mut(holder).and_then(|mount| mount.fs.as_mut()).ok_or(Errno::NotFound)
    }

    fn inode(&self, node: NodeId) -> Result<&Inode, Errno> {
        self.fs(node)?.inode(node.ino).ok_or(Errno::NotFound)
    }

    /// The file system for a change; refused on a read-only mount.
    fn changed(&mut self, node: NodeId) -> Result<&mut Fs, Errno> {
        if self.mounts.get(node.mount as usize).is_some_and(|mount| mount.read_only) {
            return Err(Errno::ReadOnly);
        }
        self.fs_mut(node)
    }

    fn root(&self) -> NodeId {
        if let Some(top) = self.top {
            return top;
        }
        self.covered(NodeId { mount: 0, ino: ROOT })
    }

    /// What shows at a node: the root of what is mounted there, if anything is.
    fn covered(&self, mut node: NodeId) -> NodeId {
        let mut from = 0;
        while let Some(at) = self.mounts.iter().skip(from).position(|mount| mount.covers == Some(node)) {
            let index = from + at;
            node = NodeId { mount: index as u32, ino: self.mounts.get(index).map_or(ROOT, |mount| mount.root) };
            from = index + 1;
        }
        node
    }

    fn may(&self, inode: &Inode, want: u16) -> bool {
        let bits = if self.who.uid == 0 {
            return true;
        } else if self.who.uid == inode.uid {
            inode.mode >> 6
        } else if self.who.gid == inode.gid || self.groups.contains(&inode.gid) {
            inode.mode >> 3
        } else {
            inode.mode
        };
        bits & want == want
    }

    fn check(&self, node: NodeId, want: u16) -> Result<(), Errno> {
        if self.may(self.inode(node)?, want) { Ok(()) } else { Err(Errno::Denied) }
    }

    /// Walks a path. With `follow`, a symbolic link at its end is followed too.
    fn walk(&self, path: &str, follow: bool) -> Result<NodeId, Errno> {
        if path.len() > PATH_BYTES_MAX {
            return Err(Errno::NameTooLong);
        }
        if path.is_empty() {
            return Err(Errno::NotFound);
        }
        let mut stack = vec![self.root()];
        let mut todo: Vec<&str> = components(path).collect();
        let mut links = 0;
        let directory = path.ends_with('/');
        while let Some(part) = todo.pop() {
            let here = stack.last().copied().unwrap_or_else(|| self.root());
            let inode = self.inode(here)?;
            if inode.kind() != Kind::Dir {
                return Err(Errno::NotDir);
            }
            if part == ".." {
                if stack.len() > 1 {
                    stack.pop();
                }
                continue;
            }
            if !self.may(inode, SEARCH) {
                return Err(Errno::Denied);
            }
            if part.len() > NAME_BYTES_MAX {
                return Err(Errno::NameTooLong);
            }
            let ino = self.fs(here)?.child(here.ino, part).ok_or(Errno::NotFound)?;
            let next = self.covered(NodeId { mount: here.mount, ino });
            match &self.inode(next)?.content {
                Content::Symlink(target) if follow || directory || !todo.is_empty() => {
                    links += 1;
                    if links > SYMLINKS_MAX {
                        return Err(Errno::Loop);
                    }
                    if target.starts_with('/') {
                        stack.truncate(1);
                    }
                    todo.extend(components(target));
                }
                _ => stack.push(next),
            }
        }
        let end = stack.last().copied().unwrap_or_else(|| self.root());
        if directory && self.inode(end)?.kind() != Kind::Dir {
            return Err(Errno::NotDir);
        }
        Ok(end)
    }

    /// The node of a path; symbolic links are followed.
    pub(crate) fn node(&self, path: &str) -> Result<NodeId, Errno> {
        self.walk(path, true)
    }

    /// The directory that holds a path's last name, and that name.
    fn parent<'p>(&self, path: &'p str) -> Result<(NodeId, &'p str), Errno> {
        let (parent, name) = split(path);
        if name.is_empty() || name == "." || name == ".." {
            return Err(Errno::Exists);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(Errno::NameTooLong);
        }
        let dir = self.walk(parent, true)?;
        if self.inode(dir)?.kind() != Kind::Dir {
            return Err(Errno::NotDir);
        }
        Ok((dir, name))
    }

    fn add(&mut self, path: &str, content: Content, mode: u16) -> Result<NodeId, Errno> {
        if self.walk(path, false).is_ok() {
            return Err(Errno::Exists);
        }
        let (dir, name) = self.parent(path)?;
        self.check(dir, WRITE | SEARCH)?;
        let mut inode = Inode::new(content, mode, self.who, self.now);
        let parent = self.inode(dir)?;
        // What is made in a directory with this bit is its group's.
        if parent.mode & 0o2000 != 0 {
            inode.gid = parent.gid;
            inode.mode |= if inode.kind() == Kind::Dir { 0o2000 } else { 0 };
        }
        let ino = self.changed(dir)?.add(dir.ino, name, inode)?;
        Ok(NodeId { mount: dir.mount, ino })
    }

    fn stat_node(&self, node: NodeId) -> Result<Stat, Errno> {
        let inode = self.inode(node)?;
        // A directory has its name, its `.`, and the `..` of each directory in it.
        let links = match &inode.content {
            Content::Dir(entries) => {
                let fs = self.fs(node)?;
                let inner =
                    entries.values().filter(|ino| fs.inode(**ino).is_some_and(|inode| inode.kind() == Kind::Dir));
                2 + inner.count() as u32
            }
            _ => inode.links,
        };
        Ok(Stat {
            kind: inode.kind(),
            mode: inode.mode,
            uid: inode.uid,
            gid: inode.gid,
            size: inode.size(),
            modified: inode.modified,
            links,
            node,
        })
    }

    /// What is known of a path; a symbolic link is followed.
    ///
    /// # Errors
    /// When it does not exist or cannot be reached.
    pub fn stat(&self, path: &str) -> Result<Stat, Errno> {
        self.stat_node(self.walk(path, true)?)
    }

    /// As [`Vfs::stat`], but of a symbolic link itself.
    ///
    /// # Errors
    /// When it does not exist or cannot be reached.
    pub fn lstat(&self, path: &str) -> Result<Stat, Errno> {
        self.stat_node(self.walk(path, false)?)
    }

    /// Whether the path leads anywhere.
    pub fn exists(&self, path: &str) -> bool {
        self.walk(path, true).is_ok()
    }

    /// Whether it is a directory.
    pub fn is_dir(&self, path: &str) -> bool {
        self.stat(path).is_ok_and(|stat| stat.is_dir())
    }

    /// Whether who acts may read, write or execute (4, 2, 1 added).
    pub fn access(&self, path: &str, want: u16) -> bool {
        let Ok(inode) = self.walk(path, true).and_then(|node| self.inode(node)) else { return false };
        // Even root executes only what somebody may.
        self.may(inode, want) && (want & SEARCH == 0 || inode.kind() == Kind::Dir || inode.mode & 0o111 != 0)
    }

    /// The whole content of a file.
    ///
    /// # Errors
    /// When it does not exist, is a directory or may not be read.
    pub fn read(&self, path: &str) -> Result<Arc<Vec<u8>>, Errno> {
        let node = self.walk(path, true)?;
        self.check(node, READ)?;
        match &self.inode(node)?.content {
            Content::File(bytes) => Ok(Arc::clone(bytes)),
            Content::Zeros(size) if *size <= FILE_BYTES_MAX => Ok(Arc::new(vec![0; *size as usize])),
            Content::Zeros(_) => Err(Errno::TooBig),
            Content::Dir(_) => Err(Errno::IsDir),
            Content::Binary(name) => Ok(Arc::new(binary_image(name))),
            Content::Device(_) => Ok(Arc::default()),
            Content::Symlink(_) => Err(Errno::Loop),
        }
    }

    /// The whole content of a file as text.
    ///
    /// # Errors
    /// As [`Vfs::read`].
    pub fn read_text(&self, path: &str) -> Result<String, Errno> {
        Ok(String::from_utf8_lossy(&self.read(path)?).into_owned())
    }

    /// Writes a whole file; it is made with mode 0644 if it does not exist.
    ///
    /// # Errors
    /// When it may not be written, or something is too large.
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), Errno> {
        let node = self.create(path, 0o644)?;
        if matches!(self.inode(node)?.content, Content::Device(_)) {
            return Ok(());
        }
        self.truncate(node, 0)?;
        self.write_at(node, 0, bytes)
    }

    /// Opens a file for writing, making it if need be. Content stays.
    ///
    /// # Errors
    /// When it may not be written.
    pub(crate) fn create(&mut self, path: &str, mode: u16) -> Result<NodeId, Errno> {
        match self.walk(path, true) {
            Ok(node) => {
                let inode = self.inode(node)?;
                match inode.kind() {
                    Kind::Dir => return Err(Errno::IsDir),
                    Kind::Binary => return Err(Errno::Busy),
                    Kind::Device(_) => return Ok(node),
                    _ => {}
                }
                if !self.may(inode, WRITE) {
                    return Err(Errno::Denied);
                }
                self.changed(node)?;
                Ok(node)
            }
            Err(Errno::NotFound) => {
                // A dangling link is created through.
                let target = self.follow(path);
                if path.ends_with('/') {
                    return Err(Errno::IsDir);
                }
                self.add(&target, Content::File(Arc::default()), mode)
            }
            Err(error) => Err(error),
        }
    }

    /// Where a path's symbolic links lead, as far as they do: the last target need not exist.
    pub(crate) fn follow(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for _ in 0..SYMLINKS_MAX {
            let Ok(target) = self.read_link(&path) else { break };
            path = join(split(&path).0, &target);
        }
        path
    }

    /// The permission to read an open file.
    pub(crate) fn check_read(&self, node: NodeId) -> Result<(), Errno> {
        self.check(node, READ)
    }

    pub(crate) fn stat_open(&self, node: NodeId) -> Result<Stat, Errno> {
        self.stat_node(node)
    }

    pub(crate) fn opened(&mut self, node: NodeId) {
        let holder = self.holder(node);
        if let Some(fs) = self.mounts.get_mut(holder).and_then(|mount| mount.fs.as_mut()) {
            fs.open(node.ino);
        }
    }

    pub(crate) fn closed(&mut self, node: NodeId) {
        let holder = self.holder(node);
        if let Some(fs) = self.mounts.get_mut(holder).and_then(|mount| mount.fs.as_mut()) {
            fs.close(node.ino);
        }
    }

    /// Reads from an open file.
    pub(crate) fn read_at(&self, node: NodeId, offset: u64, max: usize) -> Result<Vec<u8>, Errno> {
        let slice = |bytes: &[u8]| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let end = start.saturating_add(max).min(bytes.len());
            bytes.get(start..end).unwrap_or_default().to_vec()
        };
        match &self.inode(node)?.content {
            Content::File(bytes) => Ok(slice(bytes)),
            Content::Zeros(size) => Ok(vec![0; size.saturating_sub(offset).min(max as u64) as usize]),
            Content::Binary(name) => Ok(slice(&binary_image(name))),
            Content::Dir(_) => Err(Errno::IsDir),
            _ => Err(Errno::Invalid),
        }
    }

    /// Writes to an open file.
    pub(crate) fn write_at(&mut self, node: NodeId, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let now = self.now;
        self.changed(node)?.write_at(node.ino, offset, bytes, now)
    }

    /// Cuts or extends a file.
    ///
    /// # Errors
    /// When it does not exist, may not be written, or would be too large.
    pub fn set_size(&mut self, path: &str, size: u64) -> Result<(), Errno> {
        let node = self.walk(path, true)?;
        self.check(node, WRITE)?;
        self.truncate(node, size)
    }

    /// Cuts or extends an open file.
    pub(crate) fn truncate(&mut self, node: NodeId, size: u64) -> Result<(), Errno> {
        let now = self.now;
        self.changed(node)?.truncate(node.ino, size, now)
    }
}

/// The parts of a path, last first.
fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").rev()
}

/// What `cat /bin/ls` shows.
fn binary_image(name: &str) -> Vec<u8> {
    let mut image = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    image.extend_from_slice(name.as_bytes());
    image.push(0);
    image
}
