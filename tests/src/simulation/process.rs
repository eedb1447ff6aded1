//! A process that can end at any call or commit: what it was doing is dropped there, as `kill -9` would.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

/// The processes that are at work right now, the innermost last.
#[derive(Default)]
pub(super) struct Processes {
    frames: Mutex<Vec<Arc<Notify>>>,
}

/// Takes a frame off again, however its work ends.
struct Frame<'a> {
    processes: &'a Processes,
    end: Arc<Notify>,
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        let mut frames = self.processes.frames.lock().expect("no frame panicked");
        frames.retain(|frame| !Arc::ptr_eq(frame, &self.end));
    }
}

impl Processes {
    /// Does the work, unless the process ends on the way.
    pub(super) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let end = Arc::new(Notify::new());
        self.frames
            .lock()
            .expect("no frame panicked")
            .push(Arc::clone(&end));
        let frame = Frame {
            processes: self,
            end,
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = frame.end.notified() => None,
        }
    }

    /// Whether any process is at work.
    pub(super) fn any(&self) -> bool {
        !self.frames.lock().expect("no frame panicked").is_empty()
    }

    /// Ends the innermost process at the next moment that its work waits.
    pub(super) fn end_innermost(&self) {
        if let Some(end) = self.frames.lock().expect("no frame panicked").last() {
            end.notify_one();
        }
    }
}
