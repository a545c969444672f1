//! Redis' data and commands.

use drydock_sorted::{SortedMap, SortedSet};
use std::collections::VecDeque;
use std::time::Duration;

use drydock_value::Time;

use super::resp::Resp;

/// Keys beyond are refused, as by a full memory.
const KEYS_MAX: usize = 50_000;

type Bytes = Vec<u8>;

#[derive(Debug, Clone)]
enum Data {
    Text(Bytes),
    List(VecDeque<Bytes>),
    Set(SortedSet<Bytes>),
    Hash(SortedMap<Bytes, Bytes>),
}

impl Data {
    fn kind(&self) -> &'static str {
        match self {
            Data::Text(_) => "string",
            Data::List(_) => "list",
            Data::Set(_) => "set",
            Data::Hash(_) => "hash",
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Data::Text(_) => false,
            Data::List(list) => list.is_empty(),
            Data::Set(set) => set.is_empty(),
            Data::Hash(hash) => hash.is_empty(),
        }
    }
}

/// All keys.
#[derive(Debug, Clone, Default)]
pub struct Store {
    data: SortedMap<Bytes, (Data, Option<Time>)>,
    now: Time,
    /// How many commands there were, for INFO.
    pub commands: u64,
    /// How many connections there were, for INFO.
    pub connections: u64,
    /// The server's version.
    pub version: String,
    /// When it started.
    pub started: Time,
}

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_INTEGER: &str = "ERR value is not an integer or out of range";
const SYNTAX: &str = "ERR syntax error";

fn error(text: &str) -> Resp {
    Resp::Error(text.into())
}

fn number(bytes: &[u8]) -> Option<i64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// The name, how many words at least (the name counts), and the function.
type Row = (&'static str, usize, fn(&mut Store, &[Bytes]) -> Resp);

const COMMANDS: &[Row] = &[
    ("PING", 1, |_, w| w.get(1).map_or(Resp::Simple("PONG".into()), |text| Resp::bulk(text.clone()))),
    ("ECHO", 2, |_, w| Resp::bulk(arg(w, 1))),
    ("SET", 3, Store::set),
    ("SETEX", 4, |s, w| s.set(&[arg(w, 0), arg(w, 1), arg(w, 3), b"EX".to_vec(), arg(w, 2)])),
    ("SETNX", 3, |s, w| match s.set(&[arg(w, 0), arg(w, 1), arg(w, 2), b"NX".to_vec()]) {
        Resp::Simple(_) => Resp::Int(1),
        _ => Resp::Int(0),
    }),
    ("GET", 2, |s, w| s.text(&arg(w, 1)).map_or_else(|e| e, Resp::Bulk)),
    ("GETDEL", 2, |s, w| {
        let found = s.text(&arg(w, 1)).map_or_else(|e| e, Resp::Bulk);
        s.data.remove(&arg(w, 1));
        found
    }),
    ("MSET", 3, |s, w| {
        for pair in w.get(1..).unwrap_or_default().chunks(2) {
            s.put(arg(pair, 0), Data::Text(arg(pair, 1)), None);
        }
        Resp::ok()
    }),
    ("MGET", 2, |s, w| {
        let keys = w.get(1..).unwrap_or_default();
        Resp::Array(keys.iter().map(|key| Resp::Bulk(s.text(key).unwrap_or(None))).collect())
    }),
    ("DEL", 2, |s, w| s.count(w, |s, key| s.data.remove(key).is_some())),
    ("UNLINK", 2, |s, w| s.count(w, |s, key| s.data.remove(key).is_some())),
    ("EXISTS", 2, |s, w| s.count(w, |s, key| s.data.contains_key(key))),
    ("INCR", 2, |s, w| s.add(w, 1)),
    ("DECR", 2, |s, w| s.add(w, -1)),
    ("INCRBY", 3, |s, w| number(&arg(w, 2)).map_or(error(NOT_INTEGER), |by| s.add(w, by))),
    ("DECRBY", 3, |s, w| number(&arg(w, 2)).map_or(error(NOT_INTEGER), |by| s.add(w, by.saturating_neg()))),
    ("APPEND", 3, |s, w| match s.text(&arg(w, 1)) {
        Ok(old) => {
            let mut text = old.unwrap_or_default();
            text.extend(arg(w, 2));
            let length = text.len() as i64;
            let until = s.data.get(&arg(w, 1)).and_then(|(_, until)| *until);
            s.put(arg(w, 1), Data::Text(text), until);
            Resp::Int(length)
        }
        Err(error) => error,
    }),
    ("STRLEN", 2, |s, w| s.text(&arg(w, 1)).map_or_else(|e| e, |t| Resp::Int(t.map_or(0, |t| t.len() as i64)))),
    ("EXPIRE", 3, |s, w| s.expire(w, 1_000_000)),
    ("PEXPIRE", 3, |s, w| s.expire(w, 1000)),
    ("PERSIST", 2, |s, w| match s.data.get_mut(&arg(w, 1)) {
        Some((_, until @ Some(_))) => {
            *until = None;
            Resp::Int(1)
        }
        _ => Resp::Int(0),
    }),
    ("TTL", 2, |s, w| s.left(w, 1_000_000)),
    ("PTTL", 2, |s, w| s.left(w, 1000)),
    ("TYPE", 2, |s, w| Resp::Simple(s.data.get(&arg(w, 1)).map_or("none", |(data, _)| data.kind()).into())),
    ("KEYS", 2, |s, w| {
        let pattern = arg(w, 1);
        Resp::Array(s.data.keys().filter(|key| glob(&pattern, key)).map(|key| Resp::bulk(key.clone())).collect())
    }),
    ("SCAN", 2, |s, _| {
        let keys = s.data.keys().map(|key| Resp::bulk(key.clone())).collect();
        Resp::Array(vec![Resp::bulk("0"), Resp::Array(keys)])
    }),
    ("DBSIZE", 1, |s, _| Resp::Int(s.data.len() as i64)),
    ("FLUSHALL", 1, |s, _| {
        s.data.clear();
        Resp::ok()
    }),
    ("FLUSHDB", 1, |s, _| {
        s.data.clear();
        Resp::ok()
    }),
    ("RENAME", 3, |s, w| match s.data.remove(&arg(w, 1)) {
        Some(data) => {
            s.data.insert(arg(w, 2), data);
            Resp::ok()
        }
        None => error("ERR no such key"),
    }),
    ("LPUSH", 3, |s, w| s.push(w, true)),
    ("RPUSH", 3, |s, w| s.push(w, false)),
    ("LPOP", 2, |s, w| s.list(w, |list| list.pop_front())),
    ("RPOP", 2, |s, w| s.list(w, |list| list.pop_back())),
    ("LLEN", 2, |s, w| {
        s.look(w, |d| if let Data::List(l) = d { Some(Resp::Int(l.len() as i64)) } else { None }, Resp::Int(0))
    }),
    ("LRANGE", 4, |s, w| {
        let (Some(from), Some(to)) = (number(&arg(w, 2)), number(&arg(w, 3))) else { return error(NOT_INTEGER) };
        s.look(
            w,
            |d| if let Data::List(list) = d { Some(range(list, from, to)) } else { None },
            Resp::Array(Vec::new()),
        )
    }),
    ("SADD", 3, |s, w| s.set_change(w, |set, item| set.insert(item))),
    ("SREM", 3, |s, w| s.set_change(w, |set, item| set.remove(&item))),
    ("SMEMBERS", 2, |s, w| {
        let all = |set: &SortedSet<Bytes>| Resp::Array(set.iter().map(|item| Resp::bulk(item.clone())).collect());
        s.look(w, |d| if let Data::Set(set) = d { Some(all(set)) } else { None }, Resp::Array(Vec::new()))
    }),
    ("SCARD", 2, |s, w| {
        s.look(w, |d| if let Data::Set(l) = d { Some(Resp::Int(l.len() as i64)) } else { None }, Resp::Int(0))
    }),
    ("SISMEMBER", 3, |s, w| {
        let item = arg(w, 2);
        s.look(
            w,
            |d| if let Data::Set(set) = d { Some(Resp::Int(set.contains(&item).into())) } else { None },
            Resp::Int(0),
        )
    }),
    ("HSET", 4, |s, w| s.hash_set(w)),
    ("HGET", 3, |s, w| {
        let field = arg(w, 2);
        s.look(
            w,
            |d| if let Data::Hash(hash) = d { Some(Resp::Bulk(hash.get(&field).cloned())) } else { None },
            Resp::Bulk(None),
        )
    }),
    ("HDEL", 3, |s, w| {
        let fields = w.get(2..).unwrap_or_default();
        match s.data.get_mut(&arg(w, 1)) {
            Some((Data::Hash(hash), _)) => {
                Resp::Int(fields.iter().filter(|field| hash.remove(*field).is_some()).count() as i64)
            }
            Some(_) => error(WRONG_TYPE),
            None => Resp::Int(0),
        }
    }),
    ("HGETALL", 2, |s, w| {
        let all = |hash: &SortedMap<Bytes, Bytes>| {
            Resp::Array(hash.iter().flat_map(|(k, v)| [Resp::bulk(k.clone()), Resp::bulk(v.clone())]).collect())
        };
        s.look(w, |d| if let Data::Hash(hash) = d { Some(all(hash)) } else { None }, Resp::Array(Vec::new()))
    }),
    ("HLEN", 2, |s, w| {
        s.look(w, |d| if let Data::Hash(h) = d { Some(Resp::Int(h.len() as i64)) } else { None }, Resp::Int(0))
    }),
    ("INFO", 1, |s, w| Resp::bulk(s.info(&String::from_utf8_lossy(&arg(w, 1)).to_lowercase()))),
    ("CONFIG", 2, |_, w| match String::from_utf8_lossy(&arg(w, 1)).to_uppercase().as_str() {
        "GET" => {
            let name = arg(w, 2);
            let value: &str = match name.as_slice() {
                b"maxmemory" => "0",
                b"maxmemory-policy" => "noeviction",
                b"appendonly" => "no",
                b"save" => "3600 1 300 100 60 10000",
                b"dir" => "/data",
                _ => return Resp::Array(Vec::new()),
            };
            Resp::Array(vec![Resp::bulk(name), Resp::bulk(value)])
        }
        _ => Resp::ok(),
    }),
    ("SELECT", 2, |_, _| Resp::ok()),
    ("CLIENT", 2, |_, _| Resp::ok()),
    ("COMMAND", 1, |_, _| Resp::Array(Vec::new())),
    ("SAVE", 1, |_, _| Resp::ok()),
    ("BGSAVE", 1, |_, _| Resp::Simple("Background saving started".into())),
    ("TIME", 1, |s, _| {
        Resp::Array(vec![Resp::bulk(s.now.seconds().to_string()), Resp::bulk((s.now.0 % 1_000_000).to_string())])
    }),
    ("ROLE", 1, |_, _| Resp::Array(vec![Resp::bulk("master"), Resp::Int(0), Resp::Array(Vec::new())])),
];

fn arg(words: &[Bytes], at: usize) -> Bytes {
    words.get(at).cloned().unwrap_or_default()
}

fn range(list: &VecDeque<Bytes>, from: i64, to: i64) -> Resp {
    let length = list.len() as i64;
    let place = |at: i64| if at < 0 { at + length } else { at };
    let (from, to) = (place(from).max(0), place(to).min(length - 1));
    let taken = usize::try_from(to - from + 1).unwrap_or(0);
    Resp::Array(list.iter().skip(from as usize).take(taken).map(|item| Resp::bulk(item.clone())).collect())
}

/// `*` and `?`.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => glob(rest, text) || text.split_first().is_some_and(|(_, tail)| glob(pattern, tail)),
        (Some((b'?', rest)), Some((_, tail))) => glob(rest, tail),
        (Some((p, rest)), Some((t, tail))) => p == t && glob(rest, tail),
        _ => false,
    }
}

impl Store {
    /// Runs one command.
    pub fn run(&mut self, words: &[Bytes], now: Time) -> Resp {
        self.now = now;
        self.commands += 1;
        self.data.retain(|_, (_, until)| until.is_none_or(|until| until > now));
        let given = String::from_utf8_lossy(&arg(words, 0)).into_owned();
        let name = given.to_uppercase();
        match COMMANDS.iter().find(|(row, _, _)| *row == name) {
            Some((_, least, _)) if words.len() < *least => {
                error(&format!("ERR wrong number of arguments for '{}' command", name.to_lowercase()))
            }
            Some((_, _, run)) => {
                let answer = run(self, words);
                if let Some((data, _)) = self.data.get(&arg(words, 1))
                    && data.is_empty()
                {
                    self.data.remove(&arg(words, 1));
                }
                answer
            }
            None => {
                let rest = words.iter().skip(1).map(|word| format!("'{}' ", String::from_utf8_lossy(word)));
                error(&format!("ERR unknown command '{given}', with args beginning with: {}", rest.collect::<String>()))
            }
        }
    }

    fn put(&mut self, key: Bytes, data: Data, until: Option<Time>) -> bool {
        if self.data.len() >= KEYS_MAX && !self.data.contains_key(&key) {
            return false;
        }
        self.data.insert(key, (data, until));
        true
    }

    fn text(&self, key: &Bytes) -> Result<Option<Bytes>, Resp> {
        match self.data.get(key) {
            Some((Data::Text(text), _)) => Ok(Some(text.clone())),
            Some(_) => Err(error(WRONG_TYPE)),
            None => Ok(None),
        }
    }

    fn set(&mut self, words: &[Bytes]) -> Resp {
        let (key, value) = (arg(words, 1), arg(words, 2));
        let mut until = None;
        let mut options = words.iter().skip(3).map(|word| String::from_utf8_lossy(word).to_uppercase());
        while let Some(option) = options.next() {
            let exists = self.data.contains_key(&key);
            match option.as_str() {
                "NX" if exists => return Resp::Bulk(None),
                "XX" if !exists => return Resp::Bulk(None),
                "NX" | "XX" => {}
                "KEEPTTL" => until = self.data.get(&key).and_then(|(_, until)| *until),
                "EX" | "PX" => {
                    let Some(count) = options.next().and_then(|n| n.parse::<u64>().ok()) else {
                        return error(NOT_INTEGER);
                    };
                    let wait = if option == "EX" { Duration::from_secs(count) } else { Duration::from_millis(count) };
                    until = Some(self.now + wait);
                }
                _ => return error(SYNTAX),
            }
        }
        if self.put(key, Data::Text(value), until) {
            Resp::ok()
        } else {
            error("OOM command not allowed when used memory > 'maxmemory'.")
        }
    }

    fn count(&mut self, words: &[Bytes], mut each: impl FnMut(&mut Store, &Bytes) -> bool) -> Resp {
        let mut count = 0;
        for key in words.get(1..).unwrap_or_default() {
            count += i64::from(each(self, key));
        }
        Resp::Int(count)
    }

    fn add(&mut self, words: &[Bytes], by: i64) -> Resp {
        let key = arg(words, 1);
        let old = match self.text(&key) {
            Ok(old) => old.unwrap_or_else(|| b"0".to_vec()),
            Err(error) => return error,
        };
        let Some(new) = number(&old).and_then(|old| old.checked_add(by)) else { return error(NOT_INTEGER) };
        let until = self.data.get(&key).and_then(|(_, until)| *until);
        self.put(key, Data::Text(new.to_string().into_bytes()), until);
        Resp::Int(new)
    }

    fn expire(&mut self, words: &[Bytes], unit: u64) -> Resp {
        let Some(count) = number(&arg(words, 2)) else { return error(NOT_INTEGER) };
        let at = Time(self.now.0.saturating_add(count.max(0).unsigned_abs().saturating_mul(unit)));
        match self.data.get_mut(&arg(words, 1)) {
            Some((_, until)) => {
                *until = Some(at);
                Resp::Int(1)
            }
            None => Resp::Int(0),
        }
    }

    fn left(&mut self, words: &[Bytes], unit: u64) -> Resp {
        Resp::Int(match self.data.get(&arg(words, 1)) {
            None => -2,
            Some((_, None)) => -1,
            Some((_, Some(until))) => (until.since(self.now).as_micros() as u64).div_ceil(unit) as i64,
        })
    }

    fn push(&mut self, words: &[Bytes], front: bool) -> Resp {
        let slot = self.data.entry(arg(words, 1)).or_insert_with(|| (Data::List(VecDeque::new()), None));
        let Data::List(list) = &mut slot.0 else { return error(WRONG_TYPE) };
        for item in words.iter().skip(2) {
            if front {
                list.push_front(item.clone());
            } else {
                list.push_back(item.clone());
            }
        }
        Resp::Int(list.len() as i64)
    }

    fn list(&mut self, words: &[Bytes], take: impl Fn(&mut VecDeque<Bytes>) -> Option<Bytes>) -> Resp {
        match self.data.get_mut(&arg(words, 1)) {
            Some((Data::List(list), _)) => Resp::Bulk(take(list)),
            Some(_) => error(WRONG_TYPE),
            None => Resp::Bulk(None),
        }
    }

    fn look(&mut self, words: &[Bytes], see: impl Fn(&Data) -> Option<Resp>, absent: Resp) -> Resp {
        match self.data.get(&arg(words, 1)) {
            Some((data, _)) => see(data).unwrap_or_else(|| error(WRONG_TYPE)),
            None => absent,
        }
    }

    fn set_change(&mut self, words: &[Bytes], change: impl Fn(&mut SortedSet<Bytes>, Bytes) -> bool) -> Resp {
        let slot = self.data.entry(arg(words, 1)).or_insert_with(|| (Data::Set(SortedSet::new()), None));
        let Data::Set(set) = &mut slot.0 else { return error(WRONG_TYPE) };
        Resp::Int(words.iter().skip(2).filter(|item| change(set, (*item).clone())).count() as i64)
    }

    fn hash_set(&mut self, words: &[Bytes]) -> Resp {
        if !words.len().is_multiple_of(2) {
            return error("ERR wrong number of arguments for 'hset' command");
        }
        let slot = self.data.entry(arg(words, 1)).or_insert_with(|| (Data::Hash(SortedMap::new()), None));
        let Data::Hash(hash) = &mut slot.0 else { return error(WRONG_TYPE) };
        let pairs = words.get(2..).unwrap_or_default().chunks(2);
        Resp::Int(pairs.filter(|pair| hash.insert(arg(pair, 0), arg(pair, 1)).is_none()).count() as i64)
    }

    fn info(&self, section: &str) -> String {
        let mut out = String::new();
        let mut part = |name: &str, lines: &[(&str, String)]| {
            if section.is_empty() || section == "all" || section == "everything" || section == name.to_lowercase() {
                out.push_str(&format!("# {name}\r\n"));
                for (key, value) in lines {
                    out.push_str(&format!("{key}:{value}\r\n"));
                }
                out.push_str("\r\n");
            }
        };
        let up = self.now.since(self.started).as_secs();
        part(
            "Server",
            &[
                ("redis_version", self.version.clone()),
                ("redis_mode", "standalone".into()),
                ("os", "Linux 6.6.95 x86_64".into()),
                ("process_id", "1".into()),
                ("tcp_port", "6379".into()),
                ("uptime_in_seconds", up.to_string()),
                ("uptime_in_days", (up / 86_400).to_string()),
            ],
        );
        part("Clients", &[("connected_clients", "1".into()), ("blocked_clients", "0".into())]);
        part(
            "Memory",
            &[("used_memory", "1048576".into()), ("used_memory_human", "1.00M".into()), ("maxmemory", "0".into())],
        );
        part("Persistence", &[("loading", "0".into()), ("aof_enabled", "0".into())]);
        part(
            "Stats",
            &[
                ("total_connections_received", self.connections.to_string()),
                ("total_commands_processed", self.commands.to_string()),
            ],
        );
        part("Replication", &[("role", "master".into()), ("connected_slaves", "0".into())]);
        let expires = self.data.values().filter(|(_, until)| until.is_some()).count();
        let keys = self.data.len();
        if keys == 0 {
            part("Keyspace", &[]);
        } else {
            part("Keyspace", &[("db0", format!("keys={keys},expires={expires},avg_ttl=0"))]);
        }
        out.trim_end_matches("\r\n").to_owned() + "\r\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::programs::redis::resp::words;

    #[test]
    fn commands_do_what_they_do() {
        let mut store = Store::default();
        let mut now = Time::from_seconds(100);
        for (line, expected) in [
            ("PING", "+PONG\r\n"),
            ("SET a 'hello world'", "+OK\r\n"),
            ("get a", "$11\r\nhello world\r\n"),
            ("GET b", "$-1\r\n"),
            ("SET a x NX", "$-1\r\n"),
            ("INCR n", ":1\r\n"),
            ("INCRBY n 41", ":42\r\n"),
            ("INCR a", "-ERR value is not an integer or out of range\r\n"),
            ("RPUSH l 1 2 3", ":3\r\n"),
            ("LRANGE l 0 -1", "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n"),
            ("LRANGE l 5 9", "*0\r\n"),
            ("GET l", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
            ("HSET h f v", ":1\r\n"),
            ("HGETALL h", "*2\r\n$1\r\nf\r\n$1\r\nv\r\n"),
            ("KEYS *", "*4\r\n$1\r\na\r\n$1\r\nh\r\n$1\r\nl\r\n$1\r\nn\r\n"),
            ("SET t v EX 10", "+OK\r\n"),
            ("TTL t", ":10\r\n"),
            ("DEL a nope", ":1\r\n"),
            ("TYPE h", "+hash\r\n"),
            ("GET", "-ERR wrong number of arguments for 'get' command\r\n"),
            ("FROB x", "-ERR unknown command 'FROB', with args beginning with: 'x' \r\n"),
        ] {
            let words: Vec<Vec<u8>> = words(line).into_iter().map(String::into_bytes).collect();
            let mut out = Vec::new();
            store.run(&words, now).encode(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{line}");
        }
        now = now + Duration::from_secs(11);
        assert_eq!(store.run(&[b"GET".to_vec(), b"t".to_vec()], now), Resp::Bulk(None));
    }
}
