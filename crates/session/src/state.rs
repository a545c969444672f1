//! [`State`]: the cluster and the workstation, taking turns. It is what a snapshot is a clone of.

use std::collections::VecDeque;

use drydock_cluster::{Cluster, Config, Programs};
use drydock_value::Time;

use crate::workstation::Workstation;
use crate::{Advance, Event, Input, Options};

#[derive(Clone)]
pub(crate) struct State {
    pub cluster: Cluster,
    pub workstation: Workstation,
    /// What the host has not taken yet. Hosts that never ask do not let it grow without end: see [`OUTBOX_MAX`].
    pub outbox: VecDeque<Event>,
    /// Cluster events and workstation slices so far: the exact place of an input in the course of events.
    pub ticks: u64,
}

/// Events that wait for a host; beyond it the oldest are dropped (terminals have their scrollback).
const OUTBOX_MAX: usize = 4096;

impl State {
    pub fn new(options: &Options) -> State {
        let programs = Programs(Some(crate::programs));
        let (seed, start) = (options.seed, options.start);
        let cluster = Cluster::new(Config { seed, start, programs, ..options.profile.config() });
        let workstation = Workstation::new(options, cluster.now());
        State { cluster, workstation, outbox: VecDeque::new(), ticks: 0 }
    }

    pub fn now(&self) -> Time {
        self.cluster.now()
    }

    pub fn next_event(&self) -> Option<Time> {
        [self.cluster.next_event(), self.workstation.due()].into_iter().flatten().min()
    }

    pub fn input(&mut self, input: Input) {
        if let Input::Fault(words) = &input {
            // Whether it could be done was told to who asked.
            let _ = self.fault(words);
            return;
        }
        self.workstation.input(input, self.cluster.now());
        self.collect();
    }

    /// Does what the words of a `fault` command say.
    pub fn fault(&mut self, words: &str) -> Result<String, String> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let result = self.cluster.fault_command(&words);
        self.workstation.notice(&mut self.cluster);
        result
    }

    /// Moves the clock when nothing lies between.
    pub fn set_clock(&mut self, time: Time) {
        if time > self.now() && self.next_event().is_none_or(|next| next > time) {
            self.cluster.advance(time, 0);
        }
    }

    pub fn advance(&mut self, until: Time, budget: u32) -> Advance {
        let mut ticks = 0;
        while ticks < budget {
            if !self.tick(until) {
                return Advance { reached: until != Time::NEVER, idle: self.next_event().is_none(), ticks };
            }
            ticks += 1;
        }
        Advance { reached: false, idle: false, ticks }
    }

    /// Does what comes next, if it comes by `until`: one slice of the workstation or one event of the cluster. If
    /// nothing does, the clock goes to `until`.
    fn tick(&mut self, until: Time) -> bool {
        let (cluster, workstation) = (self.cluster.next_event(), self.workstation.due());
        let next = match (cluster, workstation) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => match a.or(b) {
                Some(next) => next,
                None => return false,
            },
        };
        if next > until {
            self.cluster.advance(until, 0);
            return false;
        }
        self.ticks += 1;
        // At the same moment the cluster goes first: its clock passes no event that it has not handled.
        if workstation.is_some_and(|due| due <= self.now() || cluster.is_none_or(|event| due < event)) {
            if next > self.now() {
                self.cluster.advance(next, 0);
            }
            self.workstation.run(&mut self.cluster);
        } else {
            self.cluster.advance(next, 1);
            self.workstation.notice(&mut self.cluster);
        }
        self.collect();
        true
    }

    pub(crate) fn collect(&mut self) {
        self.workstation.take_events(&mut self.outbox);
        while self.outbox.len() > OUTBOX_MAX {
            self.outbox.pop_front();
        }
    }
}
