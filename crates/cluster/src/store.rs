//! The API server, as components use it.
//! TEMPORARY STAND-INS until the apiserver crate has its front door; the signatures are those of the contract.
#![allow(missing_docs, clippy::all, unused)]

use drydock_api::Status;
use drydock_value::{Time, Value};

#[path = "../../apiserver/src/kinds.rs"]
pub mod kinds;
use kinds::Kind;

#[derive(Clone)]
pub struct ApiServer;
pub struct Config {
    pub seed: u64,
    pub start: Time,
    pub version: String,
    pub address: String,
}
impl Default for Config {
    fn default() -> Config {
        todo!()
    }
}
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions;
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}
pub struct Client<'a>(&'a mut ApiServer);
pub struct Change {
    pub revision: u64,
    pub object: Value,
    pub old: Option<Value>,
}
impl Change {
    pub fn is_delete(&self) -> bool {
        false
    }
}

impl ApiServer {
    pub fn new(_: Config) -> ApiServer {
        ApiServer
    }
    pub fn revision(&self) -> u64 {
        0
    }
    pub fn digest(&self) -> u64 {
        0
    }
    pub fn newest_change(&self, _: Kind) -> u64 {
        0
    }
    pub fn changes_since(&self, _: Kind, _: u64) -> Option<std::slice::Iter<'_, Change>> {
        None
    }
    pub fn all(&self, _: Kind) -> std::slice::Iter<'_, Value> {
        [].iter()
    }
}
impl Client<'_> {
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Result<Value, Status> {
        todo!()
    }
    pub fn create(&mut self, kind: Kind, namespace: &str, object: Value) -> Result<Value, Status> {
        todo!()
    }
    pub fn update(&mut self, kind: Kind, namespace: &str, object: Value) -> Result<Value, Status> {
        todo!()
    }
    pub fn update_status(&mut self, kind: Kind, namespace: &str, object: Value) -> Result<Value, Status> {
        todo!()
    }
    pub fn patch(
        &mut self,
        kind: Kind,
        namespace: &str,
        name: &str,
        how: PatchType,
        patch: Value,
        subresource: &str,
    ) -> Result<Value, Status> {
        todo!()
    }
    pub fn delete(&mut self, kind: Kind, namespace: &str, name: &str, options: DeleteOptions) -> Result<Value, Status> {
        todo!()
    }
}
pub(crate) fn client<'a>(api: &'a mut ApiServer, _actor: &str, _now: Time) -> Client<'a> {
    Client(api)
}
