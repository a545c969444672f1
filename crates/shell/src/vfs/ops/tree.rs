//! Making, moving and removing entries of directories.

use super::*;
use crate::Errno;
use crate::vfs::fs::Content;
use crate::vfs::path::join;
use crate::vfs::{DirEntry, Kind, NodeId, Vfs};
use std::sync::Arc;

impl Vfs {
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
        // Most often nothing is missing.
        if self.stat(path).is_ok_and(|stat| stat.is_dir()) {
            return Ok(());
        }
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

    pub(super) fn remove_entry(&mut self, path: &str, node: NodeId) -> Result<(), Errno> {
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
    pub(super) fn check_sticky(&self, dir: NodeId, node: NodeId) -> Result<(), Errno> {
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
        let mut todo: Vec<String> = components(path).map(str::to_owned).collect();
        while let Some(part) = todo.pop() {
            let next = join(&done, &part);
            match self.read_link(&next) {
                Ok(target) => {
                    if target.starts_with('/') {
                        done = "/".into();
                    }
                    todo.extend(components(&target).map(str::to_owned));
                }
                Err(_) => done = next,
            }
        }
        Ok(done)
    }
}
