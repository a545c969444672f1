//! Utilities about the machine and its users: `id`, `uname`, `hostname`, `which`, `ps`, `kill` and so on.

use super::Call;
use super::ls::name_of;
use super::options::Options;
use crate::TtyMode;

pub(super) const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

pub(super) fn succeed(_: &mut Call<'_, '_>) -> i32 {
    0
}

pub(super) fn fail(_: &mut Call<'_, '_>) -> i32 {
    1
}

pub(super) fn pwd(call: &mut Call<'_, '_>) -> i32 {
    let cwd = call.sys.cwd();
    call.print(&format!("{cwd}\n"));
    0
}

pub(super) fn whoami(call: &mut Call<'_, '_>) -> i32 {
    let uid = call.sys.user().uid;
    let name = name_of(call, PASSWD, uid);
    if name.parse::<u32>().is_ok() {
        let message =
            if call.gnu() { format!("cannot find name for user ID {uid}") } else { format!("unknown uid {uid}") };
        call.error(&message);
        return 1;
    }
    call.print(&format!("{name}\n"));
    0
}

pub(super) fn id(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "ugnGr", &[("user", 'u'), ("group", 'g'), ("name", 'n'), ("groups", 'G')])
    {
        Ok(options) => options,
        Err(code) => return code,
    };
    let mut user = call.sys.user();
    if let Some(name) = options.rest.first() {
        let Some(uid) =
            super::files::id_of(call, PASSWD, name).filter(|uid| name_of(call, PASSWD, *uid) != uid.to_string())
        else {
            let message =
                if call.gnu() { format!("‘{name}’: no such user") } else { format!("unknown user {name}") };
            call.error(&message);
            return 1;
        };
        let text = call.sys.files().read_text(PASSWD).unwrap_or_default();
        let gid = text.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields.get(2)?.parse() == Ok(uid)).then(|| fields.get(3)?.parse().ok())?
        });
        (user.uid, user.gid) = (uid, gid.unwrap_or(0));
    }
    let shown = |call: &mut Call<'_, '_>, file: &str, id: u32| {
        let name = name_of(call, file, id);
        if name == id.to_string() { name } else { format!("{id}({name})") }
    };
    let one = |call: &mut Call<'_, '_>, file: &str, id: u32| {
        if options.has('n') { name_of(call, file, id) } else { id.to_string() }
    };
    let mut groups = vec![user.gid];
    if options.rest.is_empty() {
        let others = call.sys.rights().groups.clone();
        groups.extend(others.into_iter().filter(|group| *group != user.gid));
    }
    let text = if options.has('u') {
        one(call, PASSWD, user.uid)
    } else if options.has('G') {
        groups.iter().map(|group| one(call, GROUP, *group)).collect::<Vec<_>>().join(" ")
    } else if options.has('g') {
        one(call, GROUP, user.gid)
    } else {
        let (uid, gid) = (shown(call, PASSWD, user.uid), shown(call, GROUP, user.gid));
        let groups: Vec<String> = groups.iter().map(|group| shown(call, GROUP, *group)).collect();
        format!("uid={uid} gid={gid} groups={}", groups.join(","))
    };
    call.print(&format!("{text}\n"));
    0
}

pub(super) fn groups(call: &mut Call<'_, '_>) -> i32 {
    let gid = call.sys.user().gid;
    let mut groups = vec![gid];
    groups.extend(call.sys.rights().groups.iter().filter(|group| **group != gid));
    let names: Vec<String> = groups.into_iter().map(|group| name_of(call, GROUP, group)).collect();
    call.print(&format!("{}\n", names.join(" ")));
    0
}

/// The first of the names that a machine is known by in its file of hosts.
fn canonical(call: &mut Call<'_, '_>, name: &str) -> String {
    let text = call.sys.files().read_text("/etc/hosts").unwrap_or_default();
    let mut names = text.lines().map(|line| line.split('#').next().unwrap_or("").split_whitespace().skip(1));
    let found = names.find(|names| names.clone().any(|known| known == name));
    found.and_then(|mut names| names.next()).unwrap_or(name).to_owned()
}

pub(super) fn hostname(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "fsidIAF:", &[("fqdn", 'f'), ("short", 's'), ("ip-address", 'i')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    if options.any("iI") {
        let addresses: Vec<String> = call.sys.host().addresses().iter().map(ToString::to_string).collect();
        let end = if options.has('I') && call.gnu() { " " } else { "" };
        call.print(&format!("{}{end}\n", addresses.join(" ")));
        return 0;
    }
    if let Some(name) = options.rest.first() {
        if call.sys.user().uid != 0 {
            let message = if call.gnu() {
                "you must be root to change the host name"
            } else {
                "sethostname: Operation not permitted"
            };
            call.error(message);
            return 1;
        }
        let name = name.clone();
        call.sys.set_hostname(&name);
        return 0;
    }
    let own = call.sys.hostname().to_owned();
    let whole = if options.any("fd") { canonical(call, &own) } else { own };
    let name = match whole.split_once('.') {
        Some((short, _)) if options.has('s') => short,
        Some((_, domain)) if options.has('d') => domain,
        None if options.has('d') => "",
        _ => whole.as_str(),
    };
    call.print(&format!("{name}\n"));
    0
}

pub(super) fn arch(call: &mut Call<'_, '_>) -> i32 {
    call.print("x86_64\n");
    0
}

pub(super) fn uptime(call: &mut Call<'_, '_>) -> i32 {
    let now = call.sys.now();
    let seconds = now.since(call.sys.booted()).as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let days = if days > 0 { format!("{days} day{}, ", if days > 1 { "s" } else { "" }) } else { String::new() };
    let up = if hours > 0 { format!("{hours:2}:{minutes:02}") } else { format!("{minutes} min") };
    let clock = super::date::strftime("%H:%M:%S", now);
    call.print(&format!(" {clock} up {days}{up},  1 user,  load average: 0.08, 0.03, 0.01\n"));
    0
}

pub(super) fn printenv(call: &mut Call<'_, '_>) -> i32 {
    let env = call.sys.environment();
    if call.args.is_empty() {
        let out: String = env.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        call.print(&out);
        return 0;
    }
    let mut code = 0;
    for name in std::mem::take(&mut call.args) {
        match env.get(&name) {
            Some(value) => call.print(&format!("{value}\n")),
            None => code = 1,
        }
    }
    code
}

pub(super) fn which(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "as", &[("all", 'a')]) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let path = call.sys.env("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    let mut code = 0;
    for name in &options.rest {
        if options.has('a') && !name.contains('/') {
            let found: Vec<String> = path.split(':').filter_map(|dir| call.sys.find(name, dir).ok()).collect();
            code |= i32::from(found.is_empty());
            for file in found {
                call.print(&format!("{file}\n"));
            }
            continue;
        }
        match call.sys.find(name, &path) {
            Ok(file) => {
                let shown = if name.contains('/') { name.clone() } else { file };
                call.print(&format!("{shown}\n"));
            }
            Err(_) => code = 1,
        }
    }
    code
}

pub(super) fn tty(call: &mut Call<'_, '_>) -> i32 {
    match call.sys.tty_name(0) {
        Some(name) => {
            call.print(&format!("{name}\n"));
            0
        }
        None => {
            call.print("not a tty\n");
            1
        }
    }
}

pub(super) fn stty(call: &mut Call<'_, '_>) -> i32 {
    let Some(mut mode) = call.sys.tty_mode(0) else {
        call.error(if call.gnu() {
            "'standard input': Inappropriate ioctl for device"
        } else {
            "standard input: Inappropriate ioctl for device"
        });
        return 1;
    };
    let (columns, rows) = call.sys.tty_size(0).unwrap_or((80, 24));
    for word in std::mem::take(&mut call.args) {
        match word.as_str() {
            "size" => call.print(&format!("{rows} {columns}\n")),
            "sane" | "cooked" | "-raw" => mode = TtyMode::COOKED,
            "raw" => mode = TtyMode::RAW,
            "echo" => mode.echo = true,
            "-echo" => mode.echo = false,
            "-icanon" | "cbreak" => mode.canonical = false,
            "icanon" => mode.canonical = true,
            _ => {}
        }
    }
    call.sys.set_tty_mode(0, mode);
    0
}

pub(super) fn clear(call: &mut Call<'_, '_>) -> i32 {
    call.print("\x1b[H\x1b[2J\x1b[3J");
    0
}

pub(super) fn reset(call: &mut Call<'_, '_>) -> i32 {
    call.print("\x1bc\x1b[!p\x1b[?3;4l\x1b[4l\x1b>");
    call.sys.set_tty_mode(1, TtyMode::COOKED);
    0
}

pub(super) fn tput(call: &mut Call<'_, '_>) -> i32 {
    let (columns, rows) = call.sys.tty_size(1).or_else(|| call.sys.tty_size(2)).unwrap_or((80, 24));
    let number = call.args.get(1).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
    let text = match call.args.first().map(String::as_str) {
        Some("cols") => format!("{columns}\n"),
        Some("lines") => format!("{rows}\n"),
        Some("colors") => "256\n".into(),
        Some("setaf") => format!("\x1b[3{number}m"),
        Some("setab") => format!("\x1b[4{number}m"),
        Some("bold") => "\x1b[1m".into(),
        Some("dim") => "\x1b[2m".into(),
        Some("smul") => "\x1b[4m".into(),
        Some("rmul") => "\x1b[24m".into(),
        Some("rev") => "\x1b[7m".into(),
        Some("sgr0") => "\x1b(B\x1b[m".into(),
        Some("clear") => "\x1b[H\x1b[2J".into(),
        Some("el") => "\x1b[K".into(),
        Some("civis") => "\x1b[?25l".into(),
        Some("cnorm") => "\x1b[?25h".into(),
        Some("cup") => {
            let column = call.args.get(2).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
            format!("\x1b[{};{}H", number + 1, column + 1)
        }
        Some(name) => {
            let name = name.to_owned();
            call.error(&format!("unknown terminfo capability '{name}'"));
            return 4;
        }
        None => return call.usage_error("usage: tput [-S] [-T term] capname"),
    };
    call.print(&text);
    0
}
