//! Modes, owners, times, and files that are programs or devices.

use super::*;
use crate::Errno;
use crate::vfs::fs::{Content, Inode};
use crate::vfs::path::{join, split};
use crate::vfs::{Device, Kind, NodeId, User, Vfs};
use drydock_value::Time;

impl Vfs {
    pub(super) fn change_inode(&mut self, path: &str, change: impl FnOnce(&mut Inode)) -> Result<(), Errno> {
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

    /// Installs utilities and the shell under a directory, in place of files of their names. The way there is looked up
    /// once. What cannot be made is left out.
    pub fn install_all<'n>(&mut self, directory: &str, names: impl IntoIterator<Item = &'n str>) {
        let (who, now) = (self.who, self.now);
        let Ok(dir) = self.mkdir_all(directory).and_then(|()| self.node(directory)) else { return };
        let Ok(fs) = self.changed(dir) else { return };
        for name in names {
            if let Some(old) = fs.child(dir.ino, name) {
                if fs.inode(old).is_none_or(|inode| inode.kind() == Kind::Dir) {
                    continue;
                }
                fs.unlink(old);
            }
            let _ = fs.add(dir.ino, name, Inode::new(Content::Binary(name.to_owned()), 0o755, who, now));
        }
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
