//! Signals.

macro_rules! signals {
    ($($name:ident = $number:literal $text:literal $described:literal;)*) => {
        /// A signal.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum Signal { $($name),* }

        impl Signal {
            /// All of them, by number.
            pub const ALL: &[Signal] = &[$(Signal::$name),*];

            /// Its number on Linux.
            pub fn number(self) -> i32 {
                match self { $(Signal::$name => $number),* }
            }

            /// Its name without `SIG`.
            pub fn name(self) -> &'static str {
                match self { $(Signal::$name => $text),* }
            }

            /// What a shell says of a process that died of it.
            pub fn described(self) -> &'static str {
                match self { $(Signal::$name => $described),* }
            }
        }
    };
}

signals! {
    Hup = 1 "HUP" "Hangup";
    Int = 2 "INT" "Interrupt";
    Quit = 3 "QUIT" "Quit";
    Ill = 4 "ILL" "Illegal instruction";
    Trap = 5 "TRAP" "Trace/breakpoint trap";
    Abrt = 6 "ABRT" "Aborted";
    Bus = 7 "BUS" "Bus error";
    Fpe = 8 "FPE" "Floating point exception";
    Kill = 9 "KILL" "Killed";
    Usr1 = 10 "USR1" "User defined signal 1";
    Segv = 11 "SEGV" "Segmentation fault";
    Usr2 = 12 "USR2" "User defined signal 2";
    Pipe = 13 "PIPE" "Broken pipe";
    Alrm = 14 "ALRM" "Alarm clock";
    Term = 15 "TERM" "Terminated";
    Chld = 17 "CHLD" "Child exited";
    Cont = 18 "CONT" "Continued";
    Stop = 19 "STOP" "Stopped (signal)";
    Tstp = 20 "TSTP" "Stopped";
    Ttin = 21 "TTIN" "Stopped (tty input)";
    Ttou = 22 "TTOU" "Stopped (tty output)";
    Urg = 23 "URG" "Urgent I/O condition";
    Winch = 28 "WINCH" "Window changed";
}

impl Signal {
    /// By number or name, with or without `SIG`, in any case.
    pub fn parse(text: &str) -> Option<Signal> {
        if let Ok(number) = text.parse::<i32>() {
            return Signal::from_number(number);
        }
        let name = text.to_ascii_uppercase();
        let name = name.strip_prefix("SIG").unwrap_or(&name);
        Signal::ALL.iter().copied().find(|signal| signal.name() == name)
    }

    /// By number.
    pub fn from_number(number: i32) -> Option<Signal> {
        Signal::ALL.iter().copied().find(|signal| signal.number() == number)
    }

    /// Whether a process that does not handle it lives on. Stopping is not simulated: those signals do nothing.
    pub(crate) fn harmless_by_default(self) -> bool {
        matches!(
            self,
            Signal::Chld
                | Signal::Cont
                | Signal::Stop
                | Signal::Tstp
                | Signal::Ttin
                | Signal::Ttou
                | Signal::Urg
                | Signal::Winch
        )
    }
}
