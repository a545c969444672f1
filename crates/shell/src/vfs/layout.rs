//! Laying out a new file system.

use std::sync::Arc;

use drydock_value::Time;

use super::fs::{Content, Fs, Inode, ROOT};
use super::{Kind, User};

/// A file system that is being laid out, root's unless it is said: names are put where they belong, without the walks, permissions
/// and links that a machine's paths go through. What does not fit is left out.
#[derive(Debug)]
pub struct Layout {
    fs: Fs,
    now: Time,
}

impl Layout {
    /// An empty one, whose files are all made at one moment.
    pub fn new(now: Time) -> Layout {
        Layout { fs: Fs::new(), now }
    }

    /// The directory of a path, made as far as it is missing; None when a file is in the way.
    fn directory(&mut self, path: &str) -> Option<u32> {
        names(path).try_fold(ROOT, |dir, name| match self.fs.child(dir, name) {
            Some(ino) => (self.fs.inode(ino)?.kind() == Kind::Dir).then_some(ino),
            None => self.fs.add(dir, name, Inode::directory(0o755, User::ROOT, self.now)).ok(),
        })
    }

    fn add(&mut self, path: &str, content: Content, mode: u16) -> Option<u32> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let dir = self.directory(parent)?;
        if let Some(old) = self.fs.child(dir, name) {
            if self.fs.inode(old)?.kind() == Kind::Dir {
                return None;
            }
            self.fs.unlink(old);
        }
        self.fs.add(dir, name, Inode::new(content, mode, User::ROOT, self.now)).ok()
    }

    /// Makes a directory, and those above it.
    pub fn dir(&mut self, path: &str) {
        self.directory(path);
    }

    /// Puts a file at a path, in place of one that was there.
    pub fn file(&mut self, path: &str, bytes: Vec<u8>, mode: u16) {
        self.file_of(path, bytes, mode, 0);
    }

    /// The same, of a user's.
    pub fn file_of(&mut self, path: &str, bytes: Vec<u8>, mode: u16, uid: u32) {
        let added = self.add(path, Content::File(Arc::new(bytes)), mode & 0o7777);
        if let Some(inode) = added.filter(|_| uid != 0).and_then(|ino| self.fs.inode_mut(ino)) {
            inode.uid = uid;
        }
    }

    /// Puts a symbolic link at a path.
    pub fn link(&mut self, path: &str, target: &str) {
        self.add(path, Content::Symlink(target.to_owned()), 0o777);
    }

    /// The file system, with the permissions of its root directory.
    pub fn finish(self, mode: u16) -> Fs {
        self.fs.with_root(mode, User::ROOT)
    }
}

/// The names of a path; what leads nowhere or up is left out.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !matches!(*name, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::Vfs;

    #[test]
    fn names_are_where_they_were_put() {
        let mut layout = Layout::new(Time::from_seconds(7));
        layout.file("/a/b/c", b"old".to_vec(), 0o600);
        layout.file("a/b/c", b"new".to_vec(), 0o640);
        layout.file("/a", b"in the way".to_vec(), 0o600);
        layout.file("/a/b/c/d", b"below a file".to_vec(), 0o600);
        layout.link("/l", "a/b");
        layout.dir("/e/f");
        let vfs = Vfs::new(layout.finish(0o777));
        assert_eq!(vfs.read_text("/l/c").as_deref(), Ok("new"));
        let stat = vfs.stat("/a/b/c").unwrap();
        assert_eq!((stat.mode, stat.modified, stat.links), (0o640, Time::from_seconds(7), 1));
        assert!(vfs.is_dir("/a") && vfs.is_dir("/e/f"));
        assert_eq!(vfs.stat("/").unwrap().mode, 0o777);
        assert_eq!(vfs.root_fs().map(Fs::used), Some(3));
    }
}
