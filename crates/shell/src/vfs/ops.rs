//! The operations on paths and open nodes.

use std::sync::Arc;

use drydock_value::Time;

use super::fs::{Content, Inode, ROOT};
use super::path::{join, split};
use super::{Device, DirEntry, Fs, Kind, NodeId, Stat, User, Vfs};
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
        } else if self.who.gid == inode.gid {
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
        let mut todo: Vec<String> = components(path);
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
            let ino = self.fs(here)?.child(here.ino, &part).ok_or(Errno::NotFound)?;
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
        let inode = Inode::new(content, mode, self.who, self.now);
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

    /// Cuts or extends an open file.
    pub(crate) fn truncate(&mut self, node: NodeId, size: u64) -> Result<(), Errno> {
        let now = self.now;
        self.changed(node)?.truncate(node.ino, size, now)
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// When it exists, or its parent does not or may not be written.
    pub fn mkdir(&mut self, path: &str) -> Result<(), Errno> {
        self.add(path, Content::Dir(Arc::default()), 0o755).map(|_| ())
    }

    /// Makes a directory and the ones above it, as far as they are missing.
    ///
    /// # Errors
    /// When something that is not a directory is in the way, or a parent may not be written.
    pub fn mkdir_all(&mut self, path: &str) -> Result<(), Errno> {
        let path = join("/", path);
        let mut at = 0;
        loop {
            at = path.get(at + 1..).and_then(|rest| rest.find('/')).map_or(path.len(), |next| at + 1 + next);
            let part = path.get(..at).unwrap_or(&path);
            match self.stat(part) {
                Ok(stat) if stat.is_dir() => {}
                Ok(_) => return Err(if at == path.len() { Errno::Exists } else { Errno::NotDir }),
                Err(Errno::NotFound) => self.mkdir(part)?,
                Err(error) => return Err(error),
            }
            if at == path.len() {
                return Ok(());
            }
        }
    }

    /// Removes a name that is not a directory's.
    ///
    /// # Errors
    /// When it does not exist, is a directory, or its directory may not be written.
    pub fn remove(&mut self, path: &str) -> Result<(), Errno> {
        let node = self.walk(path, false)?;
        if self.inode(node)?.kind() == Kind::Dir {
            return Err(Errno::IsDir);
        }
        self.remove_entry(path, node)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// When it does not exist, is no directory, is not empty, or its parent may not be written.
    pub fn rmdir(&mut self, path: &str) -> Result<(), Errno> {
        let node = self.walk(path, false)?;
        match self.fs(node)?.entries(node.ino) {
            None => return Err(Errno::NotDir),
            Some(entries) if !entries.is_empty() => return Err(Errno::NotEmpty),
            Some(_) => {}
        }
        self.remove_entry(path, node)
    }

    fn remove_entry(&mut self, path: &str, node: NodeId) -> Result<(), Errno> {
        let (dir, name) =
            self.parent(path).map_err(|error| if error == Errno::Exists { Errno::Busy } else { error })?;
        self.check(dir, WRITE | SEARCH)?;
        self.check_sticky(dir, node)?;
        if dir.mount != node.mount {
            return Err(Errno::Busy);
        }
        let now = self.now;
        let fs = self.changed(dir)?;
        fs.set_entry(dir.ino, name, None, now)?;
        fs.unlink(node.ino);
        Ok(())
    }

    /// In a directory like `/tmp`, files belong to who made them.
    fn check_sticky(&self, dir: NodeId, node: NodeId) -> Result<(), Errno> {
        let (dir, inode) = (self.inode(dir)?, self.inode(node)?);
        if dir.mode & 0o1000 != 0 && self.who.uid != 0 && self.who.uid != inode.uid && self.who.uid != dir.uid {
            return Err(Errno::NotPermitted);
        }
        Ok(())
    }

    /// Removes a path with everything below it.
    ///
    /// # Errors
    /// When something of it may not be removed; what was removed before stays so.
    pub fn remove_all(&mut self, path: &str) -> Result<(), Errno> {
        // Depth first without recursion: a directory is seen twice, the second time it is empty.
        let mut todo = vec![(path.to_owned(), false)];
        while let Some((path, emptied)) = todo.pop() {
            if !self.lstat(&path)?.is_dir() {
                self.remove(&path)?;
            } else if emptied {
                self.rmdir(&path)?;
            } else {
                let names = self.list(&path)?;
                todo.push((path.clone(), true));
                todo.extend(names.into_iter().map(|entry| (join(&path, &entry.name), false)));
            }
        }
        Ok(())
    }

    /// Renames within one file system; an existing target is replaced as by `rename(2)`.
    ///
    /// # Errors
    /// When something is missing, in the way, or may not be changed.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        let node = self.walk(from, false)?;
        let (from_dir, from_name) = self.parent(from).map_err(|_| Errno::Busy)?;
        let (to_dir, to_name) = self.parent(to).map_err(|_| Errno::Busy)?;
        self.check(from_dir, WRITE | SEARCH)?;
        self.check(to_dir, WRITE | SEARCH)?;
        self.check_sticky(from_dir, node)?;
        if node.mount != from_dir.mount {
            return Err(Errno::Busy);
        }
        if from_dir.mount != to_dir.mount {
            return Err(Errno::CrossDevice);
        }
        let is_dir = self.inode(node)?.kind() == Kind::Dir;
        if is_dir && join("/", to).starts_with(&format!("{}/", join("/", from))) {
            return Err(Errno::Invalid);
        }
        let target = self.walk(to, false).ok();
        if let Some(target) = target {
            if target == node {
                return Ok(());
            }
            match (is_dir, self.inode(target)?.kind() == Kind::Dir) {
                (true, false) => return Err(Errno::NotDir),
                (false, true) => return Err(Errno::IsDir),
                (true, true) if self.fs(target)?.entries(target.ino).is_some_and(|entries| !entries.is_empty()) => {
                    return Err(Errno::NotEmpty);
                }
                _ => {}
            }
            self.check_sticky(to_dir, target)?;
            if target.mount != to_dir.mount {
                return Err(Errno::Busy);
            }
        }
        let now = self.now;
        let fs = self.changed(from_dir)?;
        fs.set_entry(from_dir.ino, from_name, None, now)?;
        fs.set_entry(to_dir.ino, to_name, Some(node.ino), now)?;
        if let Some(target) = target {
            fs.unlink(target.ino);
        }
        Ok(())
    }

    /// Makes a symbolic link at `path` to `target`.
    ///
    /// # Errors
    /// When `path` exists or its directory may not be written.
    pub fn symlink(&mut self, target: &str, path: &str) -> Result<(), Errno> {
        self.add(path, Content::Symlink(target.to_owned()), 0o777).map(|_| ())
    }

    /// Makes a second name for a file.
    ///
    /// # Errors
    /// When the file is a directory or on another file system, or the name exists or may not be made.
    pub fn link(&mut self, existing: &str, path: &str) -> Result<(), Errno> {
        let node = self.walk(existing, false)?;
        if self.inode(node)?.kind() == Kind::Dir {
            return Err(Errno::NotPermitted);
        }
        if self.walk(path, false).is_ok() {
            return Err(Errno::Exists);
        }
        let (dir, name) = self.parent(path)?;
        self.check(dir, WRITE | SEARCH)?;
        if dir.mount != node.mount {
            return Err(Errno::CrossDevice);
        }
        let now = self.now;
        let fs = self.changed(dir)?;
        fs.set_entry(dir.ino, name, Some(node.ino), now)?;
        if let Some(inode) = fs.inode_mut(node.ino) {
            inode.links += 1;
        }
        Ok(())
    }

    /// What a symbolic link says.
    ///
    /// # Errors
    /// When it is none.
    pub fn read_link(&self, path: &str) -> Result<String, Errno> {
        match &self.inode(self.walk(path, false)?)?.content {
            Content::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::Invalid),
        }
    }

    /// A directory's entries, by name, without `.` and `..`.
    ///
    /// # Errors
    /// When it is no directory or may not be read.
    pub fn list(&self, path: &str) -> Result<Vec<DirEntry>, Errno> {
        let dir = self.walk(path, true)?;
        let fs = self.fs(dir)?;
        let entries = fs.entries(dir.ino).ok_or(Errno::NotDir)?;
        self.check(dir, READ)?;
        let mut list = Vec::with_capacity(entries.len());
        for (name, ino) in entries.iter() {
            let node = self.covered(NodeId { mount: dir.mount, ino: *ino });
            if let Ok(stat) = self.stat_node(node) {
                list.push(DirEntry { name: name.clone(), stat });
            }
        }
        Ok(list)
    }

    /// The path without symbolic links, `.` and `..`.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn canonical(&self, path: &str) -> Result<String, Errno> {
        self.walk(path, true)?;
        let mut done = String::from("/");
        let mut todo = components(path);
        while let Some(part) = todo.pop() {
            let next = join(&done, &part);
            match self.read_link(&next) {
                Ok(target) => {
                    if target.starts_with('/') {
                        done = "/".into();
                    }
                    todo.extend(components(&target));
                }
                Err(_) => done = next,
            }
        }
        Ok(done)
    }

    fn change_inode(&mut self, path: &str, change: impl FnOnce(&mut Inode)) -> Result<(), Errno> {
        let node = self.walk(path, true)?;
        let owner = self.inode(node)?.uid;
        if self.who.uid != 0 && self.who.uid != owner {
            return Err(Errno::NotPermitted);
        }
        let inode = self.changed(node)?.inode_mut(node.ino).ok_or(Errno::NotFound)?;
        change(inode);
        Ok(())
    }

    /// Sets permission bits.
    ///
    /// # Errors
    /// When it does not exist or belongs to someone else.
    pub fn chmod(&mut self, path: &str, mode: u16) -> Result<(), Errno> {
        self.change_inode(path, |inode| inode.mode = mode & 0o7777)
    }

    /// Sets the owner; only root may.
    ///
    /// # Errors
    /// When it does not exist or who acts is not root.
    pub fn chown(&mut self, path: &str, owner: User) -> Result<(), Errno> {
        if self.who.uid != 0 {
            return Err(Errno::NotPermitted);
        }
        self.change_inode(path, |inode| (inode.uid, inode.gid) = (owner.uid, owner.gid))
    }

    /// Sets the time of the last change.
    ///
    /// # Errors
    /// When it does not exist or may not be written.
    pub fn set_modified(&mut self, path: &str, time: Time) -> Result<(), Errno> {
        let node = self.walk(path, true)?;
        self.check(node, WRITE)?;
        if let Some(inode) = self.changed(node)?.inode_mut(node.ino) {
            inode.modified = time;
        }
        Ok(())
    }

    /// Makes a device file.
    ///
    /// # Errors
    /// When it exists or its directory may not be written.
    pub fn make_device(&mut self, path: &str, device: Device) -> Result<(), Errno> {
        self.add(path, Content::Device(device), 0o666).map(|_| ())
    }

    /// Puts an executable at a path, with its directories: the program is a utility, the shell, or one of the host's.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn install(&mut self, path: &str, program: &str) -> Result<(), Errno> {
        self.mkdir_all(split(path).0)?;
        if self.lstat(path).is_ok() {
            self.remove(path)?;
        }
        self.add(path, Content::Binary(program.to_owned()), 0o755).map(|_| ())
    }

    /// The program of an executable, or None when it is an ordinary file.
    pub(crate) fn binary(&self, node: NodeId) -> Option<&str> {
        match &self.inode(node).ok()?.content {
            Content::Binary(name) => Some(name),
            _ => None,
        }
    }

    /// The program of the executable at a path, or None when it is an ordinary file.
    pub(crate) fn program_of(&self, path: &str) -> Option<String> {
        self.binary(self.node(path).ok()?).map(str::to_owned)
    }

    /// Sets who owns a path and everything below it, as `chown -R` by root does.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn chown_all(&mut self, path: &str, owner: User) -> Result<(), Errno> {
        let mut todo = vec![path.to_owned()];
        while let Some(path) = todo.pop() {
            let stat = self.lstat(&path)?;
            if stat.is_dir() {
                todo.extend(self.list(&path)?.into_iter().map(|entry| join(&path, &entry.name)));
            }
            if !stat.is_symlink() {
                self.chown(&path, owner)?;
            }
        }
        Ok(())
    }
}

/// The parts of a path, last first.
fn components(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").rev().map(str::to_owned).collect()
}

/// What `cat /bin/ls` shows.
fn binary_image(name: &str) -> Vec<u8> {
    let mut image = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    image.extend_from_slice(name.as_bytes());
    image.push(0);
    image
}
