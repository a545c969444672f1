//! `apt-get` and `apk`: packages whose programs are utilities of this crate are installed from a mirror that every cluster
//! has; there are no others.

use super::Call;
use super::options::Options;

/// A package: its names for apt (separated by spaces) and apk, its versions there, its size in kB, and its programs.
struct Package {
    apt: &'static str,
    apk: &'static str,
    versions: (&'static str, &'static str),
    size: u32,
    programs: &'static [&'static str],
}

const fn package(
    apt: &'static str,
    apk: &'static str,
    versions: (&'static str, &'static str),
    size: u32,
    programs: &'static [&'static str],
) -> Package {
    Package { apt, apk, versions, size, programs }
}

const PACKAGES: [Package; 19] = [
    package("curl", "curl", ("7.88.1-10+deb12u14", "8.14.1-r2"), 315, &["curl"]),
    package("wget", "wget", ("1.21.3-1+deb12u1", "1.25.0-r1"), 937, &["wget"]),
    package("procps", "procps", ("2:4.0.2-3", "4.0.4-r3"), 709, PROCPS),
    package("net-tools", "net-tools", ("2.10-0.1+deb12u2", "2.10-r3"), 243, &["netstat", "route", "ifconfig"]),
    package("iproute2", "iproute2", ("6.1.0-3", "6.15.0-r0"), 1046, &["ip", "ss"]),
    package("iputils-ping", "iputils", ("3:20221126-1+deb12u1", "20240905-r0"), 48, &["ping"]),
    package(
        "dnsutils bind9-dnsutils",
        "bind-tools",
        ("1:9.18.41-1~deb12u1", "9.20.15-r0"),
        403,
        &["dig", "nslookup", "host"],
    ),
    package("bind9-host", "bind-tools", ("1:9.18.41-1~deb12u1", "9.20.15-r0"), 306, &["host"]),
    package("netcat-openbsd netcat-traditional netcat ncat", "netcat-openbsd", ("1.219-1", "1.229.1-r0"), 42, &["nc"]),
    package("telnet inetutils-telnet", "busybox-extras", ("0.17+2.4-2", "1.37.0-r19"), 88, &["telnet"]),
    package("traceroute inetutils-traceroute", "traceroute", ("1:2.1.2-1", "2.1.6-r0"), 58, &["traceroute"]),
    package("vim vim-tiny", "vim", ("2:9.0.1378-2+deb12u2", "9.1.1566-r0"), 1567, &["vim", "vi"]),
    package("nano", "nano", ("7.2-1+deb12u1", "8.4-r0"), 690, &["nano"]),
    package("less", "less", ("590-2.1~deb12u2", "668-r0"), 132, &["less"]),
    package("jq", "jq", ("1.6-2.1+deb12u1", "1.8.1-r0"), 64, &["jq"]),
    package("tree", "tree", ("2.1.0-1", "2.2.1-r0"), 53, &["tree"]),
    package("unzip", "unzip", ("6.0-28", "6.0-r15"), 166, &["unzip"]),
    package("openssl", "openssl", ("3.0.17-1~deb12u3", "3.5.4-r0"), 1430, &["openssl"]),
    package("bash", "bash", ("5.2.15-2+b8", "5.2.37-r0"), 1494, &["bash"]),
];

const PROCPS: &[&str] = &["ps", "top", "free", "pgrep", "pkill", "uptime", "watch", "sysctl"];
/// Where the mirror is.
const MIRROR: &str = "http://mirror.internal";
/// What `apt-get update` leaves behind.
const LISTS: &str = "/var/lib/apt/lists/mirror.internal_debian_dists_bookworm_InRelease";
/// What is installed.
const DPKG: &str = "/var/lib/dpkg/status";
const APK_WORLD: &str = "/etc/apk/world";

/// Why a package manager cannot work here: its user is not root, or the files are read-only.
fn writable(call: &mut Call<'_, '_>, probe: &str) -> Result<(), crate::Errno> {
    if call.sys.user().uid != 0 {
        return Err(crate::Errno::Denied);
    }
    let parent = probe.rsplit_once('/').map_or("/", |(parent, _)| parent);
    let files = call.sys.files();
    files.mkdir_all(parent)?;
    let text = files.read(probe).map(|bytes| bytes.to_vec()).unwrap_or_default();
    files.write(probe, &text)
}

fn install(call: &mut Call<'_, '_>, package: &Package) {
    for program in package.programs {
        let _ = call.sys.files().install(&format!("/usr/bin/{program}"), program);
    }
}

fn note(call: &mut Call<'_, '_>, path: &str, line: &str) {
    let files = call.sys.files();
    let text = files.read_text(path).unwrap_or_default();
    let _ = files.write(path, format!("{text}{line}\n").as_bytes());
}

pub(super) fn apt_get(call: &mut Call<'_, '_>) -> i32 {
    let long = [
        ("yes", 'y'),
        ("assume-yes", 'y'),
        ("quiet", 'q'),
        ("no-install-recommends", 'n'),
        ("no-install-suggests", 'n'),
    ];
    let options = match Options::parse(call, "yqnfo:ts", &long) {
        Ok(options) => options,
        Err(_) => return 100,
    };
    let mut words = options.rest.iter().map(String::as_str);
    let command = words.next().unwrap_or_default();
    let names: Vec<&str> = words.collect();
    let lock = match command {
        "update" => "/var/lib/apt/lists/lock",
        _ => "/var/lib/dpkg/lock-frontend",
    };
    if matches!(
        command,
        "update" | "install" | "remove" | "purge" | "upgrade" | "dist-upgrade" | "clean" | "autoremove"
    ) && let Err(error) = writable(call, lock)
    {
        let number = if error == crate::Errno::ReadOnly { 30 } else { 13 };
        let which = if command == "update" {
            "directory /var/lib/apt/lists/"
        } else {
            "the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?"
        };
        let verb = if command == "update" { "lock" } else { "acquire" };
        call.sys.eprint(&format!(
            "E: Could not open lock file {lock} - open ({number}: {error})\nE: Unable to {verb} {which}\n"
        ));
        return 100;
    }
    let quiet = options.all().filter(|(letter, _)| *letter == 'q').count() > 1;
    match command {
        "update" => {
            update(call, quiet);
            0
        }
        "install" => install_all(call, &names, quiet),
        "upgrade" | "dist-upgrade" | "autoremove" => {
            call.print("Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n");
            0
        }
        "clean" | "autoclean" => 0,
        _ => {
            call.sys.eprint(&format!("E: Invalid operation {command}\n"));
            100
        }
    }
}

fn update(call: &mut Call<'_, '_>, quiet: bool) {
    let again = call.sys.files().exists(LISTS);
    let how = if again { "Hit" } else { "Get" };
    if !quiet {
        let mut text = format!(
            "{how}:1 {MIRROR}/debian bookworm InRelease [151 kB]\n{how}:2 {MIRROR}/debian bookworm-updates InRelease [55.4 kB]\n"
        );
        if !again {
            text += &format!(
                "Get:3 {MIRROR}/debian bookworm/main amd64 Packages [8791 kB]\nFetched 8997 kB in 1s (8423 kB/s)\n"
            );
        }
        call.print(&text);
    }
    call.print("Reading package lists... Done\n");
    let _ = call.sys.files().write(LISTS, b"");
}

fn install_all(call: &mut Call<'_, '_>, names: &[&str], quiet: bool) -> i32 {
    let mut head = String::from(
        "Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n",
    );
    if quiet {
        head.clear();
    }
    let known = call.sys.files().exists(LISTS);
    let installed = call.sys.files().read_text(DPKG).unwrap_or_default();
    let has = |name: &str| installed.lines().any(|line| line == format!("Package: {name}"));
    let mut new: Vec<(&str, &Package)> = Vec::new();
    let mut missing = String::new();
    for name in names {
        match PACKAGES.iter().find(|package| package.apt.split(' ').any(|known| known == *name)).filter(|_| known) {
            Some(package) if has(name) => {
                head += &format!("{name} is already the newest version ({}).\n", package.versions.0);
            }
            Some(package) => new.push((name, package)),
            None => missing += &format!("E: Unable to locate package {name}\n"),
        }
    }
    call.print(&head);
    if !missing.is_empty() {
        call.flush();
        call.sys.eprint(&missing);
        return 100;
    }
    let size: u32 = new.iter().map(|(_, package)| package.size).sum();
    if !new.is_empty() {
        let list: Vec<&str> = new.iter().map(|(name, _)| *name).collect();
        call.print(&format!("The following NEW packages will be installed:\n  {}\n", list.join(" ")));
    }
    call.print(&format!("0 upgraded, {} newly installed, 0 to remove and 0 not upgraded.\n", new.len()));
    if new.is_empty() {
        return 0;
    }
    call.print(&format!(
        "Need to get {size} kB of archives.\nAfter this operation, {} kB of additional disk space will be used.\n",
        size * 3
    ));
    // Nobody is asked for leave, as nothing but what was named is installed.
    for (at, (name, package)) in (1..).zip(&new) {
        let (version, size) = (package.versions.0, package.size);
        call.print(&format!("Get:{at} {MIRROR}/debian bookworm/main amd64 {name} amd64 {version} [{size} kB]\n"));
    }
    call.print(&format!("Fetched {size} kB in 0s ({} kB/s)\n", size * 7));
    for (name, package) in &new {
        let version = package.versions.0;
        let plain = version.split_once(':').map_or(version, |(_, plain)| plain);
        call.print(&format!(
            "Selecting previously unselected package {name}.\nPreparing to unpack .../{name}_{plain}_amd64.deb ...\nUnpacking {name} \
             ({version}) ...\nSetting up {name} ({version}) ...\n"
        ));
        install(call, package);
        note(call, DPKG, &format!("Package: {name}\nStatus: install ok installed\nVersion: {version}\n"));
    }
    0
}

pub(super) fn apk(call: &mut Call<'_, '_>) -> i32 {
    let long = [("no-cache", 'C'), ("update", 'U'), ("quiet", 'q'), ("virtual", 't'), ("update-cache", 'U')];
    let options = match Options::parse(call, "CUqt:fv", &long) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let mut words = options.rest.iter().map(String::as_str);
    let command = words.next().unwrap_or_default();
    if !matches!(command, "add" | "update" | "upgrade" | "del") {
        call.sys.eprint(&format!("ERROR: '{command}' is not an apk command. See 'apk --help'.\n"));
        return 1;
    }
    if let Err(error) = writable(call, APK_WORLD) {
        call.sys
            .eprint(&format!("ERROR: Unable to lock database: {error}\nERROR: Failed to open apk database: {error}\n"));
        return 99;
    }
    let quiet = options.has('q');
    if !quiet && command != "del" {
        for part in ["main", "community"] {
            call.print(&format!("fetch {MIRROR}/alpine/v3.22/{part}/x86_64/APKINDEX.tar.gz\n"));
        }
    }
    let world = call.sys.files().read_text(APK_WORLD).unwrap_or_default();
    let mut count = 16 + world.lines().count();
    if command == "update" {
        call.print("v3.22.1-467-g1b1a7d9b1c5 [http://mirror.internal/alpine/v3.22/main]\nOK: 26328 distinct packages available\n");
        return 0;
    }
    let names: Vec<&str> = words.collect();
    let find = |name: &&str| PACKAGES.iter().find(|package| package.apk == *name);
    let missing: Vec<&&str> = names.iter().filter(|name| find(name).is_none()).collect();
    if command == "add" && !missing.is_empty() {
        let mut text = String::from("ERROR: unable to select packages:\n");
        for name in missing {
            text += &format!("  {name} (no such package):\n    required by: world[{name}]\n");
        }
        call.flush();
        call.sys.eprint(&text);
        return 1;
    }
    let new: Vec<(&str, &Package)> = names
        .iter()
        .filter(|name| command == "add" && !world.lines().any(|line| line == **name))
        .filter_map(|name| Some((*name, find(name)?)))
        .collect();
    let mut size = 8;
    for (at, (name, package)) in (1..).zip(&new) {
        if !quiet {
            call.print(&format!("({at}/{}) Installing {name} ({})\n", new.len(), package.versions.1));
        }
        install(call, package);
        note(call, APK_WORLD, name);
        count += 1;
        size += package.size.div_ceil(400);
    }
    if !quiet {
        let trigger = if new.is_empty() { "" } else { "Executing busybox-1.37.0-r19.trigger\n" };
        call.print(&format!("{trigger}OK: {size} MiB in {count} packages\n"));
    }
    0
}
