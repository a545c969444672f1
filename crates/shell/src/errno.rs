//! Why a system call failed.

macro_rules! errnos {
    ($($name:ident = $text:literal;)*) => {
        /// Why a system call failed; prints as the C library's `strerror` does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum Errno { $($name),* }

        impl Errno {
            /// The text that programs print.
            pub fn message(self) -> &'static str {
                match self { $(Errno::$name => $text),* }
            }
        }
    };
}

errnos! {
    NotPermitted = "Operation not permitted";
    NotFound = "No such file or directory";
    NoProcess = "No such process";
    NoExec = "Exec format error";
    BadFd = "Bad file descriptor";
    NoChild = "No child processes";
    Again = "Resource temporarily unavailable";
    NoMemory = "Cannot allocate memory";
    Denied = "Permission denied";
    Busy = "Device or resource busy";
    Exists = "File exists";
    CrossDevice = "Invalid cross-device link";
    NotDir = "Not a directory";
    IsDir = "Is a directory";
    Invalid = "Invalid argument";
    TooManyFiles = "Too many open files";
    NotTty = "Inappropriate ioctl for device";
    TooBig = "File too large";
    NoSpace = "No space left on device";
    ReadOnly = "Read-only file system";
    Pipe = "Broken pipe";
    NameTooLong = "File name too long";
    NotEmpty = "Directory not empty";
    Loop = "Too many levels of symbolic links";
    ArgsTooLong = "Argument list too long";
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Errno {}
