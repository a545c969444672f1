//! Objects made ready for readers before anybody asks: what is remembered of them then makes the first list of many as
//! quick as the next one.

use drydock_value::Value;

use crate::kinds::{self, Kind};
use crate::registry::storage;
use crate::server::ApiServer;
use crate::store::ChangeKind;

/// How far it went, by the kinds' numbers.
#[derive(Debug, Clone, Default)]
pub struct Ahead(Vec<u64>);

/// Changes that are looked at for each object that is wanted: most objects change a few times before they are left alone.
const LOOKS: usize = 8;

impl ApiServer {
    /// Objects as readers will see them, at most so many: of those that have changed since the last call, the ones that
    /// have not changed again. None when there are no more changes.
    pub fn ahead(&self, ahead: &mut Ahead, most: usize) -> Option<Vec<Value>> {
        let mut found = Vec::new();
        let mut looks = most * LOOKS;
        for kind in Kind::all().chain(self.custom_kinds()) {
            if ahead.0.len() <= kind.index() {
                ahead.0.resize(kind.index() + 1, 0);
            }
            let Some(read) = ahead.0.get_mut(kind.index()) else { continue };
            let newest = self.newest_change(kind);
            // Leases change all the time, and nobody lists them.
            if newest <= *read || kind == kinds::LEASES {
                continue;
            }
            for change in self.changes_since(kind, *read).into_iter().flatten() {
                *read = change.revision;
                let metadata = &change.object["metadata"];
                let now = self.get(kind, metadata["namespace"].str(), metadata["name"].str());
                if change.kind != ChangeKind::Deleted && now.is_some_and(|now| now.ptr_eq(&change.object)) {
                    found.push(self.outward(storage(kind), &change.object));
                }
                looks -= 1;
                if looks == 0 || found.len() == most {
                    return Some(found);
                }
            }
            // Where changes are forgotten already, what they were about is left to whoever asks.
            *read = newest;
        }
        if found.is_empty() { None } else { Some(found) }
    }
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use super::*;
    use crate::config::Config;

    #[test]
    fn what_changed_is_made_ready_once() {
        let mut server = ApiServer::new(Config::default());
        let mut ahead = Ahead::default();
        while server.ahead(&mut ahead, 16).is_some() {}
        assert_eq!(server.ahead(&mut ahead, 16), None);
        let mut client = server.client("system:apiserver");
        for name in ["a", "b", "c"] {
            client.create(kinds::CONFIG_MAPS, "default", value!({"metadata": {"name": name}})).unwrap();
        }
        client.delete(kinds::CONFIG_MAPS, "default", "b", &crate::DeleteOptions::now()).unwrap();
        let names = |found: Option<Vec<Value>>| -> Vec<String> {
            found.into_iter().flatten().map(|object| object["metadata"]["name"].str().to_owned()).collect()
        };
        assert_eq!(names(server.ahead(&mut ahead, 1)), ["a"]);
        assert_eq!(names(server.ahead(&mut ahead, 8)), ["c"]);
        assert_eq!(server.ahead(&mut ahead, 8), None);
    }
}
