//! When to stop: SIGTERM, SIGINT, or whoever holds the trigger.

use std::sync::Arc;

use tokio::sync::watch;

/// Tells everybody to stop, once. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Shutdown {
    /// Asks everybody to stop.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Ends once somebody asked to stop, also when that was before.
    pub fn requested(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.subscribe();
        async move {
            // The sender lives as long as any handle; without one nobody can ask any more.
            drop(receiver.wait_for(|stop| *stop).await);
        }
    }
}

/// The exit code of a process that SIGINT ended, as shells know it.
const INTERRUPTED: i32 = 130;

/// Ends when the operating system asks the process to stop. Whoever asks again does not want to wait: the process ends.
pub async fn signalled() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!("stopping: SIGTERM"),
        _ = interrupt.recv() => tracing::info!("stopping: SIGINT"),
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(INTERRUPTED);
    });
    Ok(())
}
