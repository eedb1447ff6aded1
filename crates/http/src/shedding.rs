//! So many requests at once and no more: what comes beyond is refused at once, so that what is being served is served soon.
//!
//! Probes and figures are always answered. WeChat's notifications have a part of the room for themselves: they tell of
//! money, and tenants must not crowd them out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use poem::{Endpoint, Request};

use crate::problem::{Problem, ProblemCode};

/// The part of the room that only notifications may use.
const KEPT_FOR_WECHAT: usize = 8;
/// What tells whether the process lives must not depend on how busy it is.
const ALWAYS_ANSWERED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
const FROM_WECHAT: &str = "/wechat/";
const RETRY_AFTER_SECONDS: u32 = 1;

/// An endpoint that serves a bounded number of requests at once.
pub(crate) struct Shedding<E> {
    inner: E,
    most: usize,
    serving: Arc<AtomicUsize>,
}

/// A place that one request takes.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<E> Shedding<E> {
    /// Serves at most so many requests at once.
    pub(crate) fn new(inner: E, most: usize) -> Self {
        Self {
            inner,
            most,
            serving: Arc::default(),
        }
    }

    fn take_place(&self, path: &str) -> Option<Place> {
        let most = if path.starts_with(FROM_WECHAT) {
            self.most
        } else {
            self.most - self.most / KEPT_FOR_WECHAT
        };
        let add = |serving: usize| (serving < most).then_some(serving + 1);
        let taken = self
            .serving
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        taken.ok().map(|_| Place(Arc::clone(&self.serving)))
    }
}

impl<E: Endpoint> Endpoint for Shedding<E> {
    type Output = E::Output;

    async fn call(&self, request: Request) -> poem::Result<Self::Output> {
        if ALWAYS_ANSWERED.contains(&request.uri().path()) {
            return self.inner.call(request).await;
        }
        let Some(_place) = self.take_place(request.uri().path()) else {
            metrics::counter!("tributary_requests_shed_total").increment(1);
            return Err(Problem::of(ProblemCode::Unavailable)
                .detail("too many requests at once")
                .retry_after(RETRY_AFTER_SECONDS)
                .into());
        };
        self.inner.call(request).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use poem::endpoint::make;
    use poem::http::{StatusCode, Uri};
    use tokio::sync::Semaphore;

    use super::*;

    /// Serves eight at once; each is held until the gate lets it go.
    async fn ask(app: &impl Endpoint<Output = &'static str>, path: &'static str) -> StatusCode {
        let request = Request::builder().uri(Uri::from_static(path)).finish();
        match app.call(request).await {
            Ok(_) => StatusCode::OK,
            Err(error) => error.status(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_much_is_refused_and_wechat_and_probes_are_not() {
        let gate = Arc::new(Semaphore::new(0));
        let held = Arc::clone(&gate);
        let app = Shedding::new(
            make(move |request: Request| {
                let held = Arc::clone(&held);
                async move {
                    if request.uri().path() != "/healthz" {
                        held.acquire().await.expect("the gate stands").forget();
                    }
                    Ok::<_, poem::Error>("served")
                }
            }),
            8,
        );
        let seven = futures::future::join_all((0..7).map(|_| ask(&app, "/v1/me")));
        let beyond = async {
            // All seven are being served by now.
            tokio::time::sleep(Duration::from_millis(1)).await;
            let tenant = ask(&app, "/v1/me").await;
            let probe = ask(&app, "/healthz").await;
            let (notice, further) = futures::join!(ask(&app, "/wechat/notify/a/b"), async {
                tokio::task::yield_now().await;
                let further = ask(&app, "/wechat/notify/a/b").await;
                gate.add_permits(8);
                further
            });
            (tenant, probe, notice, further)
        };
        let (served, beyond) = futures::join!(seven, beyond);
        assert!(served.iter().all(|status| *status == StatusCode::OK));
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(beyond, (busy, StatusCode::OK, StatusCode::OK, busy));
        gate.add_permits(1);
        assert_eq!(
            ask(&app, "/v1/me").await,
            StatusCode::OK,
            "there is room again"
        );
    }
}
