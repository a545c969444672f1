//! Images: what a registry has, and what a container made from one finds.
//!
//! - [`Reference`]: an image's name, parsed.
//! - [`Catalogue`]: the registries' contents. Rows of data (`rows.rs`, those of clusters in `system.rs`,
//!   those of Kubernetes' tests in `e2e.rs`, of its documentation in `docs.rs`, further ones in `popular.rs`); more rows can be added at run time, as JSON.
//! - [`Image`]: one image in one version, resolved: configuration, files, size, digest.
//! - `rootfs`: the file system that a container of an image starts with.
//!
//! A new image is one row in `rows.rs`; if it runs a program of its own, also one file in `runtime/programs`.

mod catalogue;
mod docs;
mod e2e;
mod popular;
mod reference;
mod rootfs;
mod rows;
mod system;
mod tags;
mod texts;

pub use catalogue::{Catalogue, Image, PullFailure, User, digest};
pub use reference::Reference;
pub use rootfs::{BUILT, build as rootfs, flavour};
pub use rows::Base;

/// What a node's own machine is made of.
pub fn node() -> Image {
    let programs = [
        "/usr/bin/systemctl",
        "/usr/bin/journalctl",
        "/usr/bin/crictl",
        "/usr/bin/sudo",
        "/sbin/init=pause",
        "/usr/sbin/sshd=pause",
    ];
    Image {
        repository: "node".into(),
        version: String::new(),
        digest: "node".into(),
        size: 0,
        base: Base::Debian,
        entrypoint: Vec::new(),
        command: Vec::new(),
        env: Vec::new(),
        ports: Vec::new(),
        workdir: "/".into(),
        user: User::default(),
        stop_signal: String::new(),
        files: Vec::new(),
        programs: programs.map(str::to_owned).to_vec(),
        idle: false,
    }
}
