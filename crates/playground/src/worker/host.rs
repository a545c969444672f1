//! The browser's side of the worker: messages, timers, the real clock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent, MessagePort};

use crate::bridge::{Envelope, ToPage, ToWorker};
use crate::worker::engine::{Engine, Next};

struct Host {
    scope: DedicatedWorkerGlobalScope,
    engine: RefCell<Engine>,
    sent: Cell<u64>,
    received: Cell<u64>,
    /// The timer that runs, if any.
    timer: Cell<Option<i32>>,
    /// Whether a turn is under way through [`Host::again`].
    pending: Cell<bool>,
    /// A message to oneself comes back at once, behind what the page has sent; timers are held back by 4 ms.
    again: MessagePort,
    turn: RefCell<Option<Closure<dyn FnMut()>>>,
}

thread_local! {
    static HOST: RefCell<Option<Rc<Host>>> = const { RefCell::new(None) };
}

/// Takes in what `kubectl explain` says of types and fields: the worker's script loads it when the cluster runs.
pub fn describe(descriptions: Vec<u8>) {
    HOST.with_borrow(|host| {
        if let Some(host) = host {
            host.engine.borrow_mut().describe(descriptions);
        }
    });
}

/// Starts the worker. It lives as long as its thread.
///
/// # Errors
/// What the browser throws when it's no worker.
pub fn start() -> Result<(), JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into()?;
    let channel = MessageChannel::new()?;
    let host = Rc::new(Host {
        scope: scope.clone(),
        engine: RefCell::default(),
        sent: Cell::new(0),
        received: Cell::new(0),
        timer: Cell::new(None),
        pending: Cell::new(false),
        again: channel.port2(),
        turn: RefCell::new(None),
    });

    let turned = Rc::clone(&host);
    *host.turn.borrow_mut() = Some(Closure::new(move || {
        turned.timer.set(None);
        turned.pending.set(false);
        turned.turn();
    }));
    if let Some(turn) = host.turn.borrow().as_ref() {
        channel.port1().set_onmessage(Some(turn.as_ref().unchecked_ref()));
    }

    let listening = Rc::clone(&host);
    let receive = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| listening.receive(&event));
    scope.set_onmessage(Some(receive.as_ref().unchecked_ref()));
    receive.forget();
    host.tell();
    host.engine.borrow_mut().warm_up();
    HOST.set(Some(host));
    Ok(())
}

/// Tells the page that the worker is lost: called when it panics, so it uses nothing that may be in disorder.
pub fn failed(message: &str) {
    let failure = Envelope { n: 0, m: ToPage::Failed { message: message.to_owned() } };
    if let (Ok(scope), Ok(text)) =
        (js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>(), serde_json::to_string(&failure))
    {
        // Nobody is left to hear of a failure to tell of a failure.
        let _ = scope.post_message(&JsValue::from_str(&text));
    }
}

impl Host {
    fn now(&self) -> f64 {
        self.scope.performance().map_or(0.0, |performance| performance.now())
    }

    fn receive(&self, event: &MessageEvent) {
        let Some(text) = event.data().as_string() else { return };
        let envelope = match serde_json::from_str::<Envelope<ToWorker>>(&text) {
            Ok(envelope) if envelope.n == self.received.get() + 1 => envelope,
            Ok(envelope) => return failed(&format!("message {} came after {}", envelope.n, self.received.get())),
            Err(error) => return failed(&format!("the page's message makes no sense: {error}")),
        };
        self.received.set(envelope.n);
        let now = self.now();
        self.engine.borrow_mut().receive(envelope.m, now);
        // A key is answered before anything else: the turn that is planned comes after it.
        self.turn();
    }

    fn turn(&self) {
        let next = self.engine.borrow_mut().slice(|| self.now());
        self.tell();
        self.plan(next);
    }

    fn tell(&self) {
        for message in self.engine.borrow_mut().take() {
            self.sent.set(self.sent.get() + 1);
            let envelope = Envelope { n: self.sent.get(), m: message };
            if let Ok(text) = serde_json::to_string(&envelope)
                && self.scope.post_message(&JsValue::from_str(&text)).is_err()
            {
                failed("a message could not be sent");
            }
        }
    }

    fn plan(&self, next: Next) {
        if let Some(timer) = self.timer.take() {
            self.scope.clear_timeout_with_handle(timer);
        }
        match next {
            Next::Message => {}
            Next::Now if self.pending.get() => {}
            Next::Now => {
                self.pending.set(self.again.post_message(&JsValue::NULL).is_ok());
            }
            Next::After(milliseconds) => {
                if let Some(turn) = self.turn.borrow().as_ref() {
                    let handler = turn.as_ref().unchecked_ref();
                    // At most a few hundred milliseconds: whole ones are exact enough.
                    let timer = self
                        .scope
                        .set_timeout_with_callback_and_timeout_and_arguments_0(handler, milliseconds.ceil() as i32);
                    self.timer.set(timer.ok());
                }
            }
        }
    }
}
