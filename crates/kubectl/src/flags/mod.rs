//! kubectl's commands and flags as data, and cobra's and pflag's rules for reading a command line.
//!
//! - `data/commands.txt`: one command a paragraph: path, usage, aliases (tab-separated), then its flags by name. A flag
//!   that differs from the common form is `name:short:kind=default`, each part as needed.
//! - `data/flags.txt`: the common form of each flag: name, short, kind, default, description (tab-separated). Where a
//!   command means something else by the name, a second row is called `command/name`.
//!
//! [`table`] reads them; [`parse`] takes a command line apart. What comes out is a [`Parsed`]: which command, its
//! positional arguments and its [`Flags`].

mod parse;
mod table;
mod values;

pub use parse::{Parsed, Refusal, parse};
pub use table::{ALPHA, CommandInfo, FlagInfo, Kind, Table, table};
pub use values::{Flags, parse_bool, parse_duration, split_csv};
