//! The datagrams that `netexec` answers.

use drydock_shell::{Recv, SocketId, Sys, Wait};

use super::stamp;

/// Its port, and who has sent something.
#[derive(Debug, Clone, Default)]
pub struct Udp {
    listener: Option<SocketId>,
    senders: Vec<SocketId>,
}

impl Udp {
    /// Waits on a port; a negative one means not to.
    ///
    /// # Errors
    /// What is told before the end, when the port cannot be had.
    pub fn start(&mut self, port: i32, sys: &mut Sys<'_>) -> Result<(), String> {
        let Ok(port) = u16::try_from(port) else { return Ok(()) };
        let now = stamp(sys.now());
        match sys.host().listen_datagrams(port) {
            Ok(listener) => {
                self.listener = Some(listener);
                sys.eprint(&format!("{now} Started UDP server on port  {port}\n"));
                Ok(())
            }
            Err(error) => Err(format!(
                "{now} Error occurred: failed to create listener for UDP address :{port}:listen udp :{port}: bind: {}\n",
                error.message().to_lowercase()
            )),
        }
    }

    /// Answers what has come.
    pub fn serve(&mut self, sys: &mut Sys<'_>) {
        while let Some(sender) = self.listener.and_then(|listener| sys.host().accept(listener)) {
            self.senders.push(sender);
        }
        self.senders.retain(|sender| {
            loop {
                match sys.host().recv(*sender) {
                    Recv::Data(bytes) => answer(*sender, &bytes, sys),
                    Recv::Pending => return true,
                    Recv::Eof | Recv::Failed(_) => {
                        sys.host().close(*sender);
                        return false;
                    }
                }
            }
        });
    }

    /// Adds what it waits for.
    pub fn add_to(&self, wait: &mut Wait) {
        wait.sockets.extend(self.listener.iter().chain(&self.senders));
    }
}

fn answer(sender: SocketId, bytes: &[u8], sys: &mut Sys<'_>) {
    let text = String::from_utf8_lossy(bytes).trim().to_lowercase();
    let peer = sys.host().peer(sender).map(|(ip, port)| std::net::SocketAddr::new(ip, port).to_string());
    let peer = peer.unwrap_or_default();
    let (said, answer) = match text.strip_prefix("echo ") {
        _ if text == "hostname" => ("Sending udp hostName response".to_owned(), sys.hostname().to_owned()),
        Some(echo) => (format!("Echoing {echo} to UDP client {peer}\n"), echo.to_owned()),
        None if text == "clientip" => (format!("Sending clientip back to UDP client {peer}\n"), peer),
        None if text.is_empty() => return,
        None => (format!("Unknown UDP command received from {peer}: {text}\n"), String::new()),
    };
    let now = stamp(sys.now());
    sys.eprint(&format!("{now} {}\n", said.trim_end()));
    if !answer.is_empty() {
        // Nobody hears whether it came.
        let _ = sys.host().send(sender, answer.as_bytes());
    }
}
