//! Public keys: digests, signatures, certificates and requests for them, as files and requests have them.
//!
//! Everything here is small and always comes out the same for the same chance; nothing of it is for secrets.

pub mod certificate;
pub mod der;
pub mod ed25519;
pub mod extension;
pub mod name;
mod number;
pub mod request;
pub mod rsa;
pub mod sha256;
pub mod sha512;
