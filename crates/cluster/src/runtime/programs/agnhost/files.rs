//! `mounttest`: what a container sees of a volume's files.

use std::time::Duration;

use drydock_shell::{Backing, Errno, Fs, Program, Step, Sys, Wait};
use drydock_value::Time;

use super::Flags;

/// The command.
#[derive(Debug, Clone, Default)]
pub struct MountTest {
    /// When it stops reading again; none before it has begun to.
    until: Option<Time>,
    failed: bool,
}

/// What a new file is made of.
const CONTENT: &str = "mount-tester new file\n";
/// The pause between two readings.
const PAUSE: Duration = Duration::from_secs(2);

impl Program for MountTest {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let flags = Flags::of(sys);
        let until = match self.until {
            Some(until) => until,
            None => {
                self.failed = !look(&flags, sys);
                let until = sys.now() + Duration::from_secs(flags.number("retry_time", 180));
                *self.until.insert(until)
            }
        };
        let again = flags.get("file_content_in_loop").filter(|path| !path.is_empty());
        let Some(path) = again.filter(|_| sys.now() < until) else {
            return Step::Exit(i32::from(self.failed));
        };
        match sys.files().read(path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                sys.print(&format!("content of file {path:?}: {text}\n"));
                self.failed = false;
                if flags.get("break_on_expected_content") != Some("false") {
                    if text == CONTENT {
                        return Step::Exit(0);
                    }
                    sys.print(&format!("Unexpected content. Expected: {CONTENT}. Retrying"));
                }
            }
            Err(error) => {
                self.failed = true;
                sys.print(&format!("Error reading file {path}: {}, retrying\n", failure("open", path, error)));
            }
        }
        Wait::until(sys.now() + PAUSE).into()
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// A failed call as Go tells it.
fn failure(call: &str, path: &str, error: Errno) -> String {
    format!("{call} {path}: {}", error.message().to_lowercase())
}

/// Does what the flags ask for, in an order of its own; false when something failed.
fn look(flags: &Flags, sys: &mut Sys<'_>) -> bool {
    let mut good = true;
    let steps: [(&str, u16); 9] = [
        ("fs_type", 0),
        ("new_file_0644", 0o644),
        ("new_file_0666", 0o666),
        ("new_file_0660", 0o660),
        ("new_file_0777", 0o777),
        ("file_mode", 0),
        ("file_perm", 0),
        ("file_owner", 0),
        ("file_content", 0),
    ];
    for (name, mode) in steps {
        let Some(path) = flags.get(name).filter(|path| !path.is_empty()) else { continue };
        let text = match (name, mode) {
            ("file_content", _) => content(path, sys),
            (_, 0) => about(name, path, sys),
            _ => create(path, mode, sys),
        };
        good &= text.is_ok();
        let text = text.unwrap_or_else(|text| text);
        sys.print(&format!("{text}\n"));
    }
    good
}

fn create(path: &str, mode: u16, sys: &mut Sys<'_>) -> Result<String, String> {
    let files = sys.files();
    let new = !files.exists(path);
    files
        .write(path, CONTENT.as_bytes())
        .and_then(|()| if new { files.chmod(path, mode) } else { Ok(()) })
        .map_err(|error| format!("error writing new file {path:?}: {}", failure("open", path, error)))?;
    content(path, sys)
}

fn content(path: &str, sys: &mut Sys<'_>) -> Result<String, String> {
    match sys.files().read(path) {
        Ok(bytes) => Ok(format!("content of file {path:?}: {}", String::from_utf8_lossy(&bytes))),
        Err(error) => Err(format!("error reading file content for {path:?}: {}", failure("open", path, error))),
    }
}

fn about(name: &str, path: &str, sys: &mut Sys<'_>) -> Result<String, String> {
    let files = sys.files();
    let stat = files.stat(path).map_err(|error| match name {
        "fs_type" => format!("error from statfs({path:?}): {}", error.message().to_lowercase()),
        "file_owner" => format!("error from stat({path:?}): {}", error.message().to_lowercase()),
        _ => format!("error from Stat({path:?}): {}", failure("stat", path, error)),
    })?;
    Ok(match name {
        "fs_type" => {
            let within =
                |mount: &str| path == mount || path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'));
            let above = files.mounted().filter(|(mount, ..)| *mount == "/" || within(mount));
            let fs = above.max_by_key(|(mount, ..)| mount.len());
            // Temporary file systems have their name; others are told by their numbers: the container's overlay, the disk's.
            let kind = match fs.map(|(mount, _, fs)| (mount, fs.map(Fs::backing))) {
                Some((_, Some(Backing::Memory))) => "tmpfs",
                Some(("/", _)) | None => "2035054128",
                Some(_) => "61267",
            };
            format!("mount type of {path:?}: {kind}")
        }
        "file_owner" => format!("owner UID of {path:?}: {}\nowner GID of {path:?}: {}", stat.uid, stat.gid),
        "file_mode" => {
            let mut kind = String::new();
            for (is, letter) in [
                (stat.is_dir(), 'd'),
                (stat.mode & 0o4000 != 0, 'u'),
                (stat.mode & 0o2000 != 0, 'g'),
                (stat.mode & 0o1000 != 0, 't'),
            ] {
                if is {
                    kind.push(letter);
                }
            }
            format!("mode of file {path:?}: {}{}", if kind.is_empty() { "-" } else { &kind }, bits(stat.mode))
        }
        _ => format!("perms of file {path:?}: -{}", bits(stat.mode)),
    })
}

/// `rwxr-x---`.
fn bits(mode: u16) -> String {
    "rwxrwxrwx".chars().enumerate().map(|(at, letter)| if mode >> (8 - at) & 1 == 1 { letter } else { '-' }).collect()
}
