//! How a pod is doing, as the map colours and counts it.

use drydock_session::PodPhase;

/// As the style sheet calls it.
pub fn name(phase: PodPhase) -> &'static str {
    match phase {
        PodPhase::Pending => "pending",
        PodPhase::Starting => "starting",
        PodPhase::Running => "running",
        PodPhase::Ready => "ready",
        PodPhase::Succeeded => "succeeded",
        PodPhase::Failing => "failing",
        PodPhase::Terminating => "terminating",
    }
}

/// As pods are counted.
pub fn label(phase: PodPhase) -> &'static str {
    match phase {
        PodPhase::Pending => "pending",
        PodPhase::Starting => "starting",
        PodPhase::Running => "running, not ready",
        PodPhase::Ready => "ready",
        PodPhase::Succeeded => "completed",
        PodPhase::Failing => "failing",
        PodPhase::Terminating => "terminating",
    }
}
