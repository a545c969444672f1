//! The utilities.

use crate::{Program, Vfs};

/// The utility of this name.
pub fn program(name: &str) -> Option<Box<dyn Program>> {
    let _ = name;
    None
}

/// The names of all utilities.
pub fn names() -> impl Iterator<Item = &'static str> {
    [].into_iter()
}

impl Vfs {
    /// Installs utilities and the shell under a directory.
    pub fn install_all<'n>(&mut self, directory: &str, names: impl IntoIterator<Item = &'n str>) {
        for name in names {
            let _ = self.install(&crate::join(directory, name), name);
        }
    }
}
