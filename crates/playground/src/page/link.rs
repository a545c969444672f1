//! The page's end of the channel to the worker.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::closure::Closure;

use crate::bridge::{Envelope, ToPage, ToWorker};
use crate::page::js;

/// The channel. Clones are one and the same.
#[derive(Clone)]
pub struct Link {
    sent: Rc<Cell<u64>>,
    _listener: Rc<Closure<dyn FnMut(String)>>,
}

impl PartialEq for Link {
    fn eq(&self, other: &Link) -> bool {
        Rc::ptr_eq(&self.sent, &other.sent)
    }
}

impl Link {
    /// Listens to the worker. A message that makes no sense, or one out of order, is a failure of its own.
    pub fn new(receive: impl Fn(ToPage) + 'static) -> Link {
        let mut last = 0;
        let listener = Closure::new(move |text: String| {
            let message = match serde_json::from_str::<Envelope<ToPage>>(&text) {
                // Number 0 is the page's own script, telling that the worker did not load.
                Ok(envelope) if envelope.n == 0 => envelope.m,
                Ok(envelope) if envelope.n == last + 1 => {
                    last = envelope.n;
                    envelope.m
                }
                Ok(envelope) => ToPage::Failed { message: format!("message {} came after {last}", envelope.n) },
                Err(error) => ToPage::Failed { message: format!("the worker's message makes no sense: {error}") },
            };
            receive(message);
        });
        js::with_worker(|worker| worker.listen(&listener));
        Link { sent: Rc::default(), _listener: Rc::new(listener) }
    }

    /// Sends a message.
    pub fn send(&self, message: ToWorker) {
        self.sent.set(self.sent.get() + 1);
        let envelope = Envelope { n: self.sent.get(), m: message };
        if let Ok(text) = serde_json::to_string(&envelope) {
            js::with_worker(|worker| worker.post(&text));
        }
    }
}
